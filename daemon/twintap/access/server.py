"""The HTTP server inside the daemon's own event loop, in the clear or behind the door."""

import asyncio
import contextlib
import functools
import socket
import ssl
from collections.abc import Callable, Generator
from typing import cast

import uvicorn

from .door import Door
from .patience import Patience, PatientProtocol

# The server's own word for it is any class of protocol; all of its own are made like this.
_MakeProtocol = Callable[..., asyncio.Protocol]


class Server(uvicorn.Server):
    """Serves until `should_exit` is set; signals are the daemon's.

    With a context, what comes from elsewhere has to speak TLS; `present` replaces it while it runs.
    """

    def __init__(
        self, config: uvicorn.Config, listener: socket.socket, context: ssl.SSLContext | None
    ) -> None:
        """`context` None: no TLS at all."""
        # Whatever makes protocols will do, though the server's own word for it is a class.
        config.http = cast("type[asyncio.Protocol]", functools.partial(PatientProtocol, Patience()))
        super().__init__(config)
        self._door = None if context is None else Door(listener, self._protocol, context)
        self._taking: asyncio.Task[None] | None = None
        self._listener = listener

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave the signals alone."""
        yield

    def present(self, context: ssl.SSLContext) -> None:
        """Present another certificate from the next connection on."""
        if self._door is not None:
            self._door.context = context

    async def run_here(self) -> None:
        """Serve in the running loop. Raises what ends the taking of connections."""
        await self.serve([self._listener])
        if self._taking is not None and self._taking.done() and not self._taking.cancelled():
            self._taking.result()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take connections."""
        if self._door is None:
            await super().startup(sockets)
            return
        await super().startup([])
        self._taking = asyncio.create_task(self._door.run(), name="http: the door")
        # A door that falls shut ends the server, and with it the daemon.
        self._taking.add_done_callback(self._on_shut)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, and end those that are."""
        if self._taking is not None:
            self._taking.cancel()
            await asyncio.gather(self._taking, return_exceptions=True)
        await super().shutdown(sockets)

    def _on_shut(self, _: "asyncio.Task[None]") -> None:
        self.should_exit = True

    def _protocol(self) -> asyncio.Protocol:
        make = self.config.http_protocol_class
        return cast("_MakeProtocol", make)(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
