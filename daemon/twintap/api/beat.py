"""The beat's WebSocket: where the pulses lie, pushed when it changes, and the daemon's clock for the asking.

A display is given this and nothing else of a room. It asks for the clock with `{"probe": n}`, is answered at
once, and fits the daemon's clock to its own; light and sound then follow the beat without the network in it.
"""

import asyncio
import contextlib
import json
from typing import Annotated, Any

from fastapi import APIRouter, Request, WebSocket
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.responses import Response
from starlette.websockets import WebSocketDisconnect

from twintap_protocol.errors import TwintapError

from ..errors import Fault, Refused
from ..names import checked_name
from ..rooms.beat import Beat
from ..rooms.hub import monotonic_us
from ..tokens import MAY_WATCH, Role, Token
from .context import Context, Ctx
from .faults import fault_json
from .line import Line
from .page import serve_asset

router = APIRouter(prefix="/api/v1")
pages = APIRouter(include_in_schema=False)

MAY_FOLLOW: frozenset[Role] = frozenset({*MAY_WATCH, "display"})


_MESSAGE_MAX = 512  # a probe has 20 characters, a token's message less than 100
_STOPS_MAX = 16
_NUMBER_MAX = (1 << 53) - 1  # what a browser's numbers hold exactly

_BEAT: TypeAdapter[Beat] = TypeAdapter(Beat)
_Number = Annotated[int, Field(ge=0, le=_NUMBER_MAX)]


class Message(BaseModel):
    """What a follower may say: one of the three."""

    model_config = ConfigDict(extra="forbid", strict=True)

    token: str | None = None
    probe: _Number | None = None
    stop: _Number | None = None


@router.websocket("/rooms/{room}/beat")
async def follow_beat(websocket: WebSocket, context: Ctx, room: str) -> None:
    """Send the beat of one room; answer probes; take a stop."""
    await _Follower(websocket, context, room).run()


@pages.api_route("/light/{room}", methods=["GET", "HEAD"])
async def light_page(request: Request, room: str) -> Response:
    """Give the page that follows the beat. It holds nothing of the room, so it is the same for each."""
    response = await serve_asset(request, "light.html")
    # A page that nothing foreign can be part of is given a clock of 5 µs by its browser, else one of 100 µs.
    response.headers["Cross-Origin-Embedder-Policy"] = "require-corp"
    return response


class _Follower(Line):
    """One open WebSocket."""

    def __init__(self, websocket: WebSocket, context: Context, room: str) -> None:
        super().__init__(websocket, context, room)
        self._followed = room  # as `_room`, and never None
        self._token: Token

    async def run(self) -> None:
        await self._websocket.accept()
        try:
            self._token = await self._admit(MAY_FOLLOW)
            self._context.hub.room(checked_name("room", self._followed))
        except Refused as refusal:
            await self._close(refusal.fault)
            return
        except (WebSocketDisconnect, TimeoutError):
            await self._close(Fault("token", "no token came"))
            return
        beats = asyncio.create_task(self._send_beats(), name="beat: changes")
        reading = asyncio.create_task(self._read(), name="beat: probes")
        try:
            await asyncio.wait((beats, reading), return_when=asyncio.FIRST_COMPLETED)
        finally:
            # A stop under way is carried out to its end; only its answer has nobody to go to.
            for task in (beats, reading):
                task.cancel()
            ended = await asyncio.gather(beats, reading, return_exceptions=True)
            await asyncio.gather(*self._stops, return_exceptions=True)
        for error in ended:
            if isinstance(error, Refused):
                await self._close(error.fault)
            elif not isinstance(error, asyncio.CancelledError | WebSocketDisconnect | None):
                raise error

    @staticmethod
    def _token_in(text: str) -> str:
        try:
            return Message.model_validate_json(text[:_MESSAGE_MAX]).token or ""
        except ValidationError:
            return ""

    # -- the beat out --------------------------------------------------------------------------------------

    async def _send_beats(self) -> None:
        told: Beat | None = None
        async with self._context.hub.watch(self._followed) as events:
            while True:
                await self._context.gate.next_of(self._token, events)
                self._context.gate.check(self._token, MAY_FOLLOW, self._followed)
                # Whatever happened: the beat as it is now. What a slow reader missed it needs no more.
                beat = self._context.hub.beat(self._followed)
                if beat != told:
                    told = beat
                    await self._send(json.dumps({"beat": _BEAT.dump_python(beat, mode="json")}))

    # -- probes and stops in -------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            text = await self._receive()
            t2_us = monotonic_us()
            try:
                message = _parse(text)
            except Refused as refusal:
                await self._send(json.dumps({"error": fault_json(refusal.fault)}))
                continue
            if message.probe is not None:
                # Nobody whose token has ended is told the clock. What that takes lies between both stamps.
                self._context.gate.check(self._token, MAY_FOLLOW, self._followed)
                await self._echo(message.probe, t2_us)
            elif message.stop is not None:
                while len(self._stops) >= _STOPS_MAX:
                    await asyncio.wait(self._stops, return_when=asyncio.FIRST_COMPLETED)
                stop = asyncio.create_task(self._stop(message.stop), name="beat: stop")
                self._stops.add(stop)
                stop.add_done_callback(self._stops.discard)

    async def _echo(self, number: int, t2_us: int) -> None:
        async with self._sending:
            # Taken when nothing else is being sent, or the wait for that would become clock error.
            echo = {"echo": number, "t2_us": t2_us, "t3_us": monotonic_us()}
            await self._websocket.send_text(json.dumps(echo))

    async def _stop(self, number: int) -> None:
        answer: dict[str, Any] = {"stopped": number, "ok": True}
        try:
            self._context.gate.check_stop(self._token, self._followed)
            await self._context.hub.stop_set(self._followed, soft=False, actor=self._token.label)
        except Refused as refusal:
            answer |= {"ok": False, "error": fault_json(refusal.fault)}
        except TwintapError as error:
            answer |= {"ok": False, "error": fault_json(Fault("failed", str(error)))}
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._send(json.dumps(answer))


def _parse(text: str) -> Message:
    fault = Fault("body", 'a message has to be {"probe": NUMBER} or {"stop": NUMBER}')
    if not text or len(text) > _MESSAGE_MAX:
        raise Refused(fault)
    try:
        message = Message.model_validate_json(text)
    except ValidationError:
        raise Refused(fault) from None
    if (message.probe is None) == (message.stop is None):
        raise Refused(fault)
    return message
