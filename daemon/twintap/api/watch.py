"""The WebSocket: every event as it happens, and commands on the same line, each answered by its `id`."""

import asyncio
import contextlib
import json
import logging
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.websockets import WebSocketDisconnect

from twintap_protocol.errors import TwintapError

from ..errors import Fault, Refused
from ..names import NAME_MAX, checked_name, clean
from ..sessions.showing import event_for, room_for
from ..tokens import MAY_COMMAND, MAY_WATCH, Token
from ..views import RoomEvent, RoomView
from .context import Context, Ctx
from .faults import fault_json
from .line import Line
from .models import PacingChanges

_log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/v1")

# A socket may ask for this much at once; beyond it a command is refused, and a stop waits in the socket.
_COMMANDS_MAX = 8
_STOPS_MAX = 64
_MESSAGE_MAX = 4 * 1024
# A page pings every second. One that has not for so long sleeps, though its computer keeps the socket open.
_SILENT_AFTER_S = 5.0


_EVENT: TypeAdapter[RoomEvent] = TypeAdapter(RoomEvent)
_ROOM: TypeAdapter[RoomView] = TypeAdapter(RoomView)


class Command(BaseModel):
    """What a controller says. `id` comes back in the answer; `room` left out: the socket's own."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: Annotated[str, Field(max_length=64)] | int
    do: Literal["start", "change", "stop", "swap", "identify", "ping"]
    room: Annotated[str, Field(max_length=NAME_MAX)] | None = None
    pacing: PacingChanges | None = None
    revision: int | None = None
    soft: bool = False
    pulser: Annotated[str, Field(max_length=64)] | None = None


@router.websocket("/watch")
async def watch_all(websocket: WebSocket, context: Ctx) -> None:
    """Send the events of every room that the token is for."""
    await _Socket(websocket, context, None).run()


@router.websocket("/rooms/{room}/watch")
async def watch_room(websocket: WebSocket, context: Ctx, room: str) -> None:
    """Send the events of one room."""
    await _Socket(websocket, context, room).run()


class _Socket(Line):
    """One open WebSocket."""

    def __init__(self, websocket: WebSocket, context: Context, room: str | None) -> None:
        super().__init__(websocket, context, room)
        self._commands: set[asyncio.Task[None]] = set()
        # What the hub is told while this socket is open and has commanded: a controller is present.
        self._presence = contextlib.ExitStack()
        self._present_in: set[str] = set()
        self._was_in: set[str] = set()
        self._silence: asyncio.TimerHandle | None = None
        self._token: Token

    async def run(self) -> None:
        await self._websocket.accept()
        try:
            self._token = await self._admit(MAY_WATCH)
            if self._room is not None:
                self._context.hub.room(checked_name("room", self._room))
        except Refused as refusal:
            await self._close(refusal.fault)
            return
        except (WebSocketDisconnect, TimeoutError):
            await self._close(Fault("token", "no token came"))
            return
        events = asyncio.create_task(self._send_events(), name="watch: events")
        try:
            with self._presence:
                await self._read_commands(events)
        except WebSocketDisconnect:
            pass
        finally:
            # A command under way is carried out to its end; only its answer has nobody to go to.
            events.cancel()
            if self._silence is not None:
                self._silence.cancel()
            await asyncio.gather(events, *self._commands, *self._stops, return_exceptions=True)
        if not events.cancelled() and (error := events.exception()) is not None:
            await self._close(error.fault if isinstance(error, Refused) else Fault("closed", str(error)))

    @staticmethod
    def _token_in(text: str) -> str:
        token = _loads(text).get("token")
        return token if isinstance(token, str) else ""

    # -- events out ----------------------------------------------------------------------------------------

    async def _send_events(self) -> None:
        async with self._context.hub.watch(self._room) as events:
            while True:
                event = await self._context.gate.next_of(self._token, events)
                if not self._token.names(event.room):
                    continue
                self._context.gate.check(self._token, MAY_WATCH, None)
                await self._send(_EVENT.dump_json(event_for(self._token, event)).decode())

    # -- commands in ---------------------------------------------------------------------------------------

    async def _read_commands(self, events: "asyncio.Task[None]") -> None:
        while not events.done():
            reading = asyncio.ensure_future(self._receive())
            await asyncio.wait((reading, events), return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
                return
            await self._take(reading.result())

    async def _take(self, text: str) -> None:
        try:
            command = _parse(text)
        except Refused as refusal:
            await self._answer(_id_in(text), refusal.fault)
            return
        if self._silence is not None or command.do == "ping":
            self._expect_another()
        if command.do == "stop":
            while len(self._stops) >= _STOPS_MAX:
                await asyncio.wait(self._stops, return_when=asyncio.FIRST_COMPLETED)
            self._begin(command, self._stops)
        elif len(self._commands) < _COMMANDS_MAX:
            self._begin(command, self._commands)
        else:
            await self._answer(
                command.id, Fault("busy", f"{_COMMANDS_MAX} commands are under way; wait for one")
            )

    def _begin(self, command: Command, tasks: "set[asyncio.Task[None]]") -> None:
        # A task each, so that a stop never waits behind a start that waits for its acknowledgement.
        task = asyncio.create_task(self._carry_out(command), name=f"watch: {command.do}")
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _carry_out(self, command: Command) -> None:
        try:
            room = await self._do(command)
        except Refused as refusal:
            await self._answer(command.id, refusal.fault)
        except TwintapError as error:
            await self._answer(command.id, Fault("failed", str(error)))
        else:
            await self._answer(command.id, None, room)

    async def _do(self, command: Command) -> RoomView | None:
        hub, gate = self._context.hub, self._context.gate
        if command.do == "identify":
            pulser = next((view for view in hub.pulsers() if view.id == command.pulser), None)
            gate.check(self._token, MAY_COMMAND, None if pulser is None else pulser.room)
            if pulser is None:
                raise Refused(Fault("unknown", "no such pulser is paired with this daemon", field="pulser"))
            await hub.identify(pulser.id, actor=self._token.label)
            return None
        room = command.room if command.room is not None else self._room
        if command.do == "ping":
            # A page cannot see the protocol's own pings. One that names a room says that it is there.
            if room is not None:
                gate.check(self._token, MAY_COMMAND, room)
                self._be_present(room)
            return None
        if room is None:
            raise Refused(Fault("field", "room is missing", field="room"))
        if command.do == "stop":
            gate.check_stop(self._token, room)
            return await hub.stop_set(room, soft=command.soft, actor=self._token.label)
        gate.check(self._token, MAY_COMMAND, room)
        self._be_present(room)
        if command.do == "swap":
            return await hub.swap(room, actor=self._token.label)
        changes = {} if command.pacing is None else command.pacing.changes()
        desk = self._context.desk
        doing = desk.start_set if command.do == "start" else desk.change_set
        return await doing(room, changes, actor=self._token.label, revision=command.revision)

    def _expect_another(self) -> None:
        """Count this controller, which says by pings that it is there, as gone once it has fallen silent."""
        if self._silence is not None:
            self._silence.cancel()
        self._silence = asyncio.get_running_loop().call_later(_SILENT_AFTER_S, self._fall_silent)

    def _fall_silent(self) -> None:
        self._presence.close()
        self._present_in.clear()

    def _be_present(self, room: str) -> None:
        """Tell the hub, from the first command until the socket closes, that a controller is there."""
        if room not in self._present_in:
            # A page in the background pings once a minute, and would keep the room's pulsers awake for ever.
            is_new = room not in self._was_in
            hub = self._context.hub
            self._presence.enter_context(hub.controller_present(room, self._token.label, is_new=is_new))
            self._present_in.add(room)
            self._was_in.add(room)

    async def _answer(
        self, command_id: str | int | None, fault: Fault | None, room: RoomView | None = None
    ) -> None:
        answer: dict[str, Any] = {"id": command_id, "ok": fault is None}
        if fault is not None:
            answer["error"] = fault_json(fault)
        if room is not None:
            answer["room"] = _ROOM.dump_python(room_for(self._token, room), mode="json")
        # Its controller may have gone meanwhile.
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._send(json.dumps(answer))


def _parse(text: str) -> Command:
    if not text or len(text) > _MESSAGE_MAX:
        raise Refused(
            Fault("body", f"a command has to be a text message of at most {_MESSAGE_MAX} characters")
        )
    try:
        return Command.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = clean(".".join(str(part) for part in first["loc"]), 60)
        raise Refused(
            Fault("field" if field else "body", f"{field or 'the command'}: {first['msg']}", field or None)
        ) from None


def _loads(text: str) -> dict[str, object]:
    try:
        found = json.loads(text[:_MESSAGE_MAX])
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", found) if isinstance(found, dict) else {}


def _id_in(text: str) -> str | int | None:
    """Give the id of a command that is wrong otherwise, so that its sender can tell which it was."""
    command_id = _loads(text).get("id")
    if isinstance(command_id, str):
        return clean(command_id, 64)
    return command_id if isinstance(command_id, int) and not isinstance(command_id, bool) else None
