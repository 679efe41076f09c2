"""The API behind a real server on a port of its own, with a hub that only remembers."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import httpx
import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from tests.daemon.fake_hub import FakeHub
from twintap.api import create_app
from twintap.discovery import Foreign
from twintap.journal.journal import Journal
from twintap.sessions.desk import Desk
from twintap.store import Store, read_admin_token
from twintap.tokens import Role, make_token


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@dataclass
class Api:
    hub: FakeHub
    store: Store
    journal: Journal
    desk: Desk
    foreign: Foreign
    port: int
    http: httpx.AsyncClient
    admin: str

    def give(
        self, role: Role, *rooms: str, lifetime: timedelta | None = None, label: str = "somebody"
    ) -> dict[str, str]:
        """Give out a token; returns it as a header."""
        text, token = make_token(label, role, rooms or None, lifetime)
        self.store.put_token(token)
        return {"Authorization": f"Bearer {text}"}

    def watch(self, path: str = "/watch", headers: dict[str, str] | None = None) -> connect:
        return connect(
            f"ws://127.0.0.1:{self.port}/api/v1{path}",
            additional_headers=headers if headers is not None else {"Authorization": f"Bearer {self.admin}"},
            proxy=None,
        )


@contextlib.asynccontextmanager
async def api(tmp_path: Path, *rooms: str, listening: bool = False) -> AsyncGenerator[Api]:
    """Serve rooms; the client that comes with it has the admin's token. `listening`: on a real port too."""
    store = await asyncio.to_thread(Store.open, tmp_path / "data")
    hub = FakeHub(store.daemon_id, *rooms)
    foreign = Foreign()
    journal = await asyncio.to_thread(Journal.open, store.path, daemon_id=store.daemon_id)
    desk = Desk(cast("Any", hub), journal, store.path)
    await desk.open()
    app = create_app(
        cast("Any", hub),
        store,
        journal,
        desk,
        host="127.0.0.1",
        names=frozenset({"localhost"}),
        foreign=foreign,
    )
    admin = read_admin_token(store.path)
    assert admin is not None
    # An exception that the application lets through is the test's failure here, not a 500.
    transport = httpx.ASGITransport(app)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(store.close)
        stack.push_async_callback(journal.close)
        stack.push_async_callback(desk.close)
        if listening:
            await stack.enter_async_context(_listening(app, hub))
        http = httpx.AsyncClient(
            transport=transport,
            base_url=f"http://127.0.0.1:{hub.port}/api/v1",
            headers={"Authorization": f"Bearer {admin}"},
        )
        await stack.enter_async_context(http)
        yield Api(hub, store, journal, desk, foreign, hub.port, http, admin)


@contextlib.asynccontextmanager
async def _listening(app: Any, hub: FakeHub) -> AsyncGenerator[None]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    hub.port = listener.getsockname()[1]
    server = _Server(
        uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1, access_log=False)
    )
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
        listener.close()


async def next_of(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """Read until an event of this type, or, for `answer`, an answer."""
    import json

    async with asyncio.timeout(5):
        while True:
            found = json.loads(await socket.recv())
            if (
                found.get("type") == kind
                or (kind == "answer" and "ok" in found)
                or (kind == "error" and "ok" not in found and "error" in found)
            ):
                return found
