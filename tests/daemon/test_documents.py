"""The published documents say what is so: what a socket sends and a journal keeps fits them."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from pydantic import TypeAdapter

from tests.daemon.api_rig import Api, api, next_of
from tests.daemon.told_session import pacing, whole_visit
from tests.support.hub_house import House, house, until
from twintap.api import beat, watch
from twintap.api.documents import asyncapi_document, told_types
from twintap.export.schemas import event_schemas, schema_uri
from twintap.journal.journal import Journal
from twintap.journal.types import EVENT_TYPES
from twintap.sessions.desk import Desk
from twintap.views import RoomEvent


@pytest.fixture
async def served(tmp_path: Path) -> AsyncGenerator[Api]:
    async with api(tmp_path, "room-1", listening=True) as running:
        yield running


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            if key == "$ref":
                yield part
            else:
                yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def at(document: Any, reference: str) -> Any:
    assert reference.startswith("#/"), "nothing is fetched from elsewhere"
    for step in reference[2:].split("/"):
        document = document[step.replace("~1", "/").replace("~0", "~")]
    return document


def validator(name: str) -> Any:
    """Of one message's payload, with the document's own schemas at hand."""
    document = asyncapi_document()
    return jsonschema_rs.Draft202012Validator(
        {**document["components"]["messages"][name]["payload"], "components": document["components"]}
    )


# -- the schemas -------------------------------------------------------------------------------------------


async def test_every_type_has_a_schema_that_is_one(served: Api) -> None:
    published = (await served.http.get("/schemas")).json()
    assert set(published) == set(EVENT_TYPES)
    for kind, schema in published.items():
        jsonschema_rs.meta.validate(schema)
        assert schema["$id"] == schema_uri(kind)
        assert schema["description"]


async def test_any_watcher_may_read_the_schemas_and_nobody_else(served: Api) -> None:
    for role, status in (("observer", 200), ("logger", 200), ("display", 403)):
        answer = await served.http.get("/schemas", headers=served.give(role))
        assert answer.status_code == status, role


def test_what_a_journal_holds_fits_its_schema_and_what_it_refuses_does_not() -> None:
    validators = {
        kind: jsonschema_rs.Draft202012Validator(schema) for kind, schema in event_schemas().items()
    }
    for entry in whole_visit().entries:
        assert entry.type is not None
        validators[entry.type].validate(dict(entry.data or {}))
    for kind, wrong in (
        ("rating.sud", {"value": 11}),
        ("rating.voc", {"value": 0}),
        ("rating.sud", {}),
        ("note.added", {"text": ""}),
        ("set.asked", {"set_uid": "x", "pacing": pacing()}),
        ("session.opened", {"code": "A", "kind": "party", "zone": "UTC", "hands": []}),
        ("phase.begun", {"phase": "closure", "more": 1}),
    ):
        assert not validators[kind].is_valid(wrong), (kind, wrong)


# -- AsyncAPI ----------------------------------------------------------------------------------------------


async def test_the_document_needs_no_token_and_is_whole(served: Api) -> None:
    answer = await served.http.get("/asyncapi.json", headers={"Authorization": ""})
    assert answer.status_code == 200
    document = answer.json()
    assert document == asyncapi_document()
    # What AsyncAPI 3.0.0 requires of the parts that are here.
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(document["info"])
    for reference in references(document):
        at(document, reference)
    for server in document["servers"].values():
        assert {"host", "protocol"} <= set(server)
    for channel in document["channels"].values():
        assert set(channel.get("parameters", {})) == {
            part.strip("{}") for part in channel["address"].split("/") if part.startswith("{")
        }
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive")
        channel = operation["channel"]["$ref"]
        for message in operation["messages"]:
            assert message["$ref"].startswith(f"{channel}/messages/")
    for message in document["components"]["messages"].values():
        jsonschema_rs.meta.validate({**message["payload"], "components": document["components"]})


async def test_a_method_that_a_path_lacks_is_told_all_that_it_has(served: Api) -> None:
    for path, allowed in (
        ("/rooms", {"GET", "POST"}),
        ("/rooms/room-1", {"GET", "PATCH"}),
        ("/schemas", {"GET"}),
    ):
        answer = await served.http.request("PROPFIND", path)
        assert answer.status_code == 405
        assert set(answer.headers["Allow"].split(", ")) - {"HEAD"} == allowed


def test_every_route_of_a_socket_is_a_channel_and_every_channel_a_route() -> None:
    routes = {route.path for router in (watch.router, beat.router) for route in router.routes}
    assert {channel["address"] for channel in asyncapi_document()["channels"].values()} == routes


async def test_answers_and_refusals_are_as_described(served: Api) -> None:
    async with served.watch("/rooms/room-1/watch") as socket:
        validator("event").validate(json.loads(await socket.recv()))
        for command in (
            {"id": 1, "do": "start", "pacing": {"rate_hz": 1.0}},
            {"id": "x", "do": "start", "pacing": {"rate_hz": 99}},
            {"id": 2, "do": "stop"},
        ):
            assert validator("command").is_valid(command) == (command["id"] != "x")
            await socket.send(json.dumps(command))
            validator("answer").validate(await next_of(socket, "answer"))
        assert not validator("command").is_valid({"do": "start"})
    async with served.watch(headers={}) as socket:
        first = {"token": "wrong"}
        validator("token").validate(first)
        await socket.send(json.dumps(first))
        validator("refusal").validate(json.loads(await socket.recv()))


async def test_the_beats_messages_are_as_described(served: Api) -> None:
    async with served.watch("/rooms/room-1/beat") as socket:
        validator("beat").validate(json.loads(await socket.recv()))
        for message, kind in (({"probe": 7}, "echo"), ({"stop": 1}, "stopped")):
            validator("follow").validate(message)
            await socket.send(json.dumps(message))
            answer = json.loads(await socket.recv())
            validator(kind).validate(answer)
            assert answer.keys() >= {"echo"} or answer.keys() >= {"stopped"}
    assert not validator("follow").is_valid({"probe": "7"})


async def test_what_a_room_tells_of_a_visit_and_its_sets_is_as_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a real hub, a real journal and pulsers that tap."""
    monkeypatch.setattr("twintap.sessions.desk._DISK_WITHIN_S", 60.0)
    seen: list[dict[str, Any]] = []
    dump = TypeAdapter(RoomEvent).dump_python
    async with house(tmp_path) as home:
        journal = await asyncio.to_thread(Journal.open, tmp_path, daemon_id=home.store.daemon_id)
        desk = Desk(home.hub, journal, tmp_path)
        await desk.open()

        async def watch() -> None:
            async with home.hub.watch("blue") as events:
                async for event in events:
                    seen.append(dump(event, mode="json"))  # noqa: PERF401 - it never ends

        watching = asyncio.create_task(watch())
        try:
            await _a_visit(home, desk)
            await until(lambda: any(event["type"] == "session.closed" for event in seen), "it is told")
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await desk.close()
            await journal.close()
    kinds = {event["type"] for event in seen}
    assert kinds >= {
        "session.opened",
        "phase.begun",
        "rating.sud",
        "note.added",
        "entry.corrected",
        "entry.undone",
        "set.asked",
        "set.started",
        "set.changed",
        "set.ended",
        "set.recorded",
        "session.closed",
    }
    for event in seen:
        kind = event["type"]
        validator("event").validate(event)
        if kind in told_types():
            validator(kind).validate(event)


async def _a_visit(home: House, desk: Desk) -> None:
    await home.ready()
    session = await desk.open_session("blue", code="K-17", kind="emdr", zone="UTC", actor="ann")
    kept: dict[str, str] = {}
    said: tuple[tuple[str, dict[str, Any]], ...] = (
        ("phase.begun", {"phase": "assessment"}),
        ("rating.sud", {"value": 7}),
        ("rating.voc", {"value": 2}),
        ("note.added", {"text": "a word"}),
    )
    for kind, data in said:
        kept[kind] = (await desk.enter("blue", kind, data, actor="ann")).id
    await desk.undo("blue", entry=kept["note.added"], actor="ann")
    await desk.correct(session.id, entry=kept["rating.sud"], data={"value": 8}, actor="ann")
    await home.start(passes="open")
    await home.hub.change_set("blue", {"rate_hz": 2.0}, actor="ann", revision=None)
    await until(lambda: home.set.passes_done >= 1, "a pass is done")
    await home.hub.stop_set("blue", soft=False, actor="ann")
    await home.over()
    await desk.close_session("blue", plan="more", actor="ann")
