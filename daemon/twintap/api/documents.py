"""What a program can read about us: the schema of each type of event, and the two WebSockets as AsyncAPI.

Both are made from the very models that the journal and the sockets check against; no sentence of them is a
copy that could grow old. OpenAPI, for what is asked by HTTP, is at `/api/v1/openapi.json`.

https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.responses import JSONResponse

from .. import __version__
from ..export.schemas import event_schemas
from ..journal.types import ENTRY_TYPES, EVENT_TYPES
from ..rooms.beat import Beat
from ..views import RoomEvent
from . import beat, models, watch
from .faults import ErrorBody, answers
from .routes import Watcher

router = APIRouter(
    prefix="/api/v1", dependencies=[Depends(HTTPBearer(auto_error=False, description="A token."))]
)
# As the OpenAPI document: it says what can be asked, nothing of what is here, and so it needs no token.
open_router = APIRouter(prefix="/api/v1", include_in_schema=False)

# Of the daemon's own chain: no room tells them.
_NOT_TOLD = ("daemon.", "token.", "journal.", "session.restated")
# What the room's own word for it does not carry, beside what a token without notes is not shown.
_ADDED_BY_THE_JOURNAL: Mapping[str, frozenset[str]] = {
    "set.left_alone": frozenset({"alone"}),
    "set.ended": frozenset({"by"}),
}


class FirstMessage(BaseModel):
    """What a socket says first that could send neither header nor cookie."""

    model_config = ConfigDict(extra="forbid")

    token: str


class BeatMessage(BaseModel):
    """The beat as it is from now on."""

    beat: Beat


class EchoMessage(BaseModel):
    """A probe's answer. `t2_us`: when it came; `t3_us`: when this left, by the daemon's monotonic clock."""

    echo: Annotated[int, Field(ge=0)]
    t2_us: int
    t3_us: int


class StoppedMessage(BaseModel):
    """A stop's answer, by its number; `error` if it was refused."""

    stopped: Annotated[int, Field(ge=0)]
    ok: bool
    error: dict[str, Any] | None = None


@router.get("/schemas", responses=answers())
async def list_schemas(_: Watcher) -> dict[str, dict[str, Any]]:
    """Give the JSON Schema of every type of event: of its `data`, as the journal keeps them."""
    return event_schemas()


@open_router.get("/asyncapi.json")
async def asyncapi() -> JSONResponse:
    """Give the AsyncAPI document of the WebSockets."""
    return JSONResponse(asyncapi_document())


def told_types() -> tuple[str, ...]:
    """Give the journal's types of event that a room's socket carries."""
    return tuple(kind for kind in EVENT_TYPES if not kind.startswith(_NOT_TOLD))


@cache
def asyncapi_document() -> dict[str, Any]:
    """Build the AsyncAPI 3.0 document."""
    schemas, names = _schemas()
    kinds = told_types()
    messages: dict[str, Any] = {
        "token": _message("Your token", names["token"], "First, if no header and no cookie could be sent."),
        "command": _message("Command", names["command"], "Answered by its `id`."),
        "answer": _message("Answer", names["answer"], "Of a command: `ok`, and the room or the error."),
        "refusal": _message("Refusal", names["refusal"], "The socket closes after it."),
        "event": _message(
            "Event",
            names["event"],
            "Any event: `room.snapshot` first, then each as it happens, with the room's state after it. "
            "Types may be added; pass over what you do not know.",
        ),
        "beat": _message("Beat", names["beat"], "First, and whenever the beat changes."),
        "follow": _message("Probe or stop", names["follow"], "One of `probe` and `stop`, by your number."),
        "echo": _message("Echo", names["echo"], "A probe's answer, at once."),
        "stopped": _message("Stopped", names["stopped"], "A stop's answer."),
    }
    for kind in kinds:
        messages[kind] = _event_message(kind, names["event"])
    watched = ["event", *kinds, "answer", "refusal"]
    room = {"room": {"description": "The room's name, percent-encoded."}}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "twintap",
            "version": __version__,
            "description": "Rooms as they change, commands on the same line, and the beat for light and "
            "sound. Times carry their unit in their name; left is the client's left.",
        },
        "defaultContentType": "application/json",
        "servers": {
            name: {
                "host": "{host}",
                "protocol": protocol,
                "description": words,
                "variables": {"host": {"default": "127.0.0.1:8700", "description": "where the daemon is"}},
                "security": [
                    {"$ref": "#/components/securitySchemes/bearer"},
                    {"$ref": "#/components/securitySchemes/cookie"},
                ],
            }
            for name, protocol, words in (
                ("loopback", "ws", "On the daemon's own computer."),
                ("network", "wss", "From elsewhere."),
            )
        },
        "channels": {
            "watchAll": _channel("/api/v1/watch", "Every room that the token is for.", watched, ["command"]),
            "watchRoom": _channel("/api/v1/rooms/{room}/watch", "One room.", watched, ["command"], room),
            "followBeat": _channel(
                "/api/v1/rooms/{room}/beat",
                "Where the pulses of one room lie in time, and the daemon's clock for the asking.",
                ["beat", "echo", "stopped", "refusal"],
                ["follow"],
                room,
            ),
        },
        "operations": {
            "tellAll": _operation("send", "watchAll", watched, "Tell what happens in every room."),
            "takeCommands": _operation("receive", "watchAll", ["token", "command"], "Take commands."),
            "tellRoom": _operation("send", "watchRoom", watched, "Tell what happens in the room."),
            "takeRoomCommands": _operation("receive", "watchRoom", ["token", "command"], "Take commands."),
            "giveBeat": _operation(
                "send", "followBeat", ["beat", "echo", "stopped", "refusal"], "Give the beat, and the clock."
            ),
            "takeProbes": _operation("receive", "followBeat", ["token", "follow"], "Take probes and stops."),
        },
        "components": {
            "messages": messages,
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "`Authorization: Bearer TOKEN`.",
                },
                "cookie": {
                    "type": "httpApiKey",
                    "in": "cookie",
                    "name": "twintap_ID",
                    "description": "A browser's, from joining; ID begins the daemon's own.",
                },
            },
        },
    }


_Input = tuple[str, Literal["validation", "serialization"], TypeAdapter[Any]]


def _schemas() -> tuple[dict[str, Any], dict[str, str]]:
    """Give all schemas by name, and the name of each message's own."""
    inputs: list[_Input] = [
        ("token", "validation", TypeAdapter(FirstMessage)),
        ("command", "validation", TypeAdapter(watch.Command)),
        ("answer", "serialization", TypeAdapter(models.Answer)),
        ("refusal", "serialization", TypeAdapter(ErrorBody)),
        ("event", "serialization", TypeAdapter(RoomEvent)),
        ("beat", "serialization", TypeAdapter(BeatMessage)),
        ("follow", "validation", TypeAdapter(beat.Message)),
        ("echo", "serialization", TypeAdapter(EchoMessage)),
        ("stopped", "serialization", TypeAdapter(StoppedMessage)),
    ]
    found, shared = TypeAdapter.json_schemas(inputs, ref_template="#/components/schemas/{model}")
    schemas: dict[str, Any] = dict(shared.get("$defs", {}))
    names: dict[str, str] = {}
    for (name, _), schema in found.items():
        reference = schema.get("$ref")
        names[str(name)] = reference or f"#/components/schemas/{name}"
        if reference is None:
            schemas[str(name)] = schema
    for kind in told_types():
        schemas[f"data.{kind}"] = _told_schema(kind, schemas)
    return schemas, names


def _told_schema(kind: str, schemas: dict[str, Any]) -> dict[str, Any]:
    """Give the schema of a type's data on a socket, where they may hold more than the journal keeps."""
    schema = EVENT_TYPES[kind].model_json_schema(ref_template="#/components/schemas/{model}")
    for name, inner in schema.pop("$defs", {}).items():
        schemas.setdefault(name, inner)
    schema.pop("additionalProperties", None)
    missing = _ADDED_BY_THE_JOURNAL.get(kind, frozenset())
    # Who may not read notes is told of an entry without what was written.
    required = (
        [] if kind in ENTRY_TYPES else [name for name in schema.pop("required", ()) if name not in missing]
    )
    schema.pop("required", None)
    return {**schema, "required": required} if required else schema


def _event_message(kind: str, event: str) -> dict[str, Any]:
    words = (EVENT_TYPES[kind].__doc__ or "").strip().partition("\n\n")[0]
    return {
        "name": kind,
        "title": kind,
        "summary": " ".join(words.split()),
        "payload": {
            "allOf": [
                {"$ref": event},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": kind},
                        "data": {"$ref": f"#/components/schemas/data.{kind}"},
                    },
                },
            ]
        },
    }


def _message(title: str, schema: str, words: str) -> dict[str, Any]:
    return {"title": title, "summary": words, "payload": {"$ref": schema}}


def _channel(
    address: str,
    words: str,
    sent: list[str],
    taken: list[str],
    parameters: dict[str, Any] | None = None,
) -> dict[str, Any]:
    channel: dict[str, Any] = {
        "address": address,
        "description": words,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in ("token", *taken, *sent)},
        "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
    }
    return channel if parameters is None else {**channel, "parameters": parameters}


def _operation(action: str, channel: str, names: list[str], words: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": words,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
    }
