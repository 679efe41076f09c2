"""How long, and for how many, the server waits for a request that does not come.

A peer that opens a connection and says nothing, or half of a request, or a head whose body never follows,
costs a descriptor for as long as it likes; a thousand of them would leave none for the next tablet's stop.
So each has a deadline, and there is room for so many: one more, and whoever has kept it waiting for longest
goes. A crowd of strangers keeps nobody out, for who has something to ask says it at once.
"""

import asyncio
from typing import Any, Protocol

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

# Browsers open connections ahead of need. The longest body is 64 KiB: on the worst of air some seconds.
REQUEST_WITHIN_S = 30.0
WAITING_MAX = 128

_OWING = (h11.IDLE, h11.SEND_BODY)


class _Connection(Protocol):
    def give_up(self) -> None: ...


class Patience:
    """The connections of one server that owe it a request, or the rest of one; the longest waiting first."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._waiting: dict[_Connection, asyncio.TimerHandle] = {}

    def begin(self, connection: _Connection) -> None:
        """Wait for `connection`, from now on or from before; another may have to go for it."""
        if connection in self._waiting:
            return
        if len(self._waiting) >= WAITING_MAX:
            self._give_up(next(iter(self._waiting)))
        loop = asyncio.get_running_loop()
        self._waiting[connection] = loop.call_later(REQUEST_WITHIN_S, self._give_up, connection)

    def end(self, connection: _Connection) -> None:
        """Wait for it no longer: it has come, or it has gone."""
        timer = self._waiting.pop(connection, None)
        if timer is not None:
            timer.cancel()

    def _give_up(self, connection: _Connection) -> None:
        self.end(connection)
        connection.give_up()


class PatientProtocol(H11Protocol):
    """The server's HTTP, with an end to its patience."""

    def __init__(
        self,
        patience: Patience,
        *,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """`patience`: that of all connections of the server; the rest is the server's own."""
        super().__init__(config, server_state, app_state, _loop)
        self._patience = patience
        self._is_upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._reckon()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._patience.end(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; whatever it was, the deadline of a request that is not whole stays where it is."""
        super().data_received(data)
        self._reckon()

    def on_response_complete(self) -> None:
        """Wait for the next one."""
        super().on_response_complete()
        # A new request has a new deadline, though its first bytes may be here already.
        self._patience.end(self)
        self._reckon()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Give the connection over: a WebSocket has a patience of its own."""
        self._is_upgraded = True
        super().handle_websocket_upgrade(event)

    def give_up(self) -> None:
        """Close the connection at once: what still lay in it for the peer has nobody who reads it."""
        self.transport.abort()

    def _reckon(self) -> None:
        owes = self.conn.their_state in _OWING and not self._is_upgraded and not self.transport.is_closing()
        if owes:
            self._patience.begin(self)
        else:
            self._patience.end(self)
