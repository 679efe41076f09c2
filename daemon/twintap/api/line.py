"""What every WebSocket of the API has in common: who opened it, text in and out, how it is closed."""

import asyncio
import contextlib
import json
from abc import ABC, abstractmethod

from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from ..errors import Fault
from ..tokens import Role, Token
from .context import Context
from .faults import fault_json

_TOKEN_WITHIN_S = 5.0

# Closing codes, in the range that is free for applications.
_NO_TOKEN = 4401
_NOT_ALLOWED = 4403
_NO_ROOM = 4404


class Line(ABC):
    """One open WebSocket, for one room or, where `room` is None, for all."""

    def __init__(self, websocket: WebSocket, context: Context, room: str | None) -> None:
        """Take the socket before it is accepted."""
        self._websocket = websocket
        self._context = context
        self._room = room
        self._sending = asyncio.Lock()
        self._stops: set[asyncio.Task[None]] = set()

    @staticmethod
    @abstractmethod
    def _token_in(text: str) -> str:
        """Give the token that a first message holds; empty if it holds none."""

    async def _admit(self, roles: frozenset[Role]) -> Token:
        """Raises `Refused`, or TimeoutError where no token comes."""
        header = self._context.gate.presented(self._websocket)
        if header is None:
            # A page's script can set no header, and a URL ends up in logs: the first message has the token.
            async with asyncio.timeout(_TOKEN_WITHIN_S):
                header = f"Bearer {self._token_in(await self._receive())}"
        return await self._context.gate.admit(header, roles, self._room)

    async def _receive(self) -> str:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text = message.get("text")
        return text if isinstance(text, str) else ""

    async def _send(self, text: str) -> None:
        async with self._sending:
            await self._websocket.send_text(text)

    async def _close(self, fault: Fault) -> None:
        code = {"token": _NO_TOKEN, "unknown": _NO_ROOM}.get(fault.code, _NOT_ALLOWED)
        # It may be gone already.
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._send(json.dumps({"error": fault_json(fault)}))
            await self._websocket.close(code, fault.code)
