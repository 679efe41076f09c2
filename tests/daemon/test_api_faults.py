"""A search for faults in the whole API, through its own OpenAPI document, before a real hub and journal.

`schemathesis.toml` beside this file has every exception, with its reason.
"""

import asyncio
import contextlib
import os
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from tests.support.hub_house import house
from twintap.api import create_app, gate
from twintap.discovery import Foreign
from twintap.journal.journal import Journal
from twintap.pairing import running
from twintap.ports import Port
from twintap.sessions import desk
from twintap.store import Pairing, read_admin_token

HERE = Path(__file__).parent
# Of one test of pytest there are 120 s; the search takes about 10 where nothing else runs.
WITHIN_S = 110
EXAMPLES = 8


class Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@dataclass
class Served:
    url: str
    token: str
    pulser: str
    spare: str


class Daemon(threading.Thread):
    """The application on a port of its own, in a loop of its own: the search blocks while it asks."""

    def __init__(self, path: Path) -> None:
        super().__init__(name="daemon")
        self.path = path
        self.ready = threading.Event()
        self.served: Served | None = None
        self.failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: Server | None = None

    def run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self.failure = error
            raise
        finally:
            self.ready.set()

    async def _serve(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            home = await stack.enter_async_context(house(self.path))
            journal = await asyncio.to_thread(Journal.open, home.path, daemon_id=home.store.daemon_id)
            stack.push_async_callback(journal.close)
            sessions = desk.Desk(home.hub, journal, home.path)
            await sessions.open()
            stack.push_async_callback(sessions.close)
            app = create_app(
                home.hub,
                home.store,
                journal,
                sessions,
                host="127.0.0.1",
                names=frozenset({"localhost"}),
                foreign=Foreign(),
            )
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            stack.callback(listener.close)
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            await home.ready()
            spare = secrets.token_bytes(8)
            await home.hub.add_pulser(Pairing(spare, secrets.token_bytes(16), "red", "left", "spare", 60.0))
            token = read_admin_token(home.path)
            assert token is not None
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
            self.served = Served(url, token, home.left.pulser_id.hex(), spare.hex())
            self._loop = asyncio.get_running_loop()
            self._server = Server(
                uvicorn.Config(
                    app, log_config=None, lifespan="off", timeout_graceful_shutdown=1, access_log=False
                )
            )
            self.ready.set()
            await self._server.serve([listener])

    def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = True
        self.join(30)
        assert not self.is_alive()


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Served]:
    monkeypatch.setattr(gate, "_WRONG_TOKEN_S", 0.0)
    # A disk that a busy machine keeps waiting is answered with 507, and rightly so; here it is waited for.
    monkeypatch.setattr(desk, "_DISK_WITHIN_S", 60.0)
    # Nothing is searched for at the ports of whoever runs this; at this one there is nothing.
    port = Port("/dev/none/ttyUSB0", "adapter", "CP210x adapter", "10c4:ea60", None, None)

    def one_port(_data: Path) -> list[Port]:
        return [port]

    monkeypatch.setattr(running, "find_ports", one_port)
    daemon = Daemon(tmp_path / "data")
    daemon.start()
    try:
        assert daemon.ready.wait(60)
        assert daemon.served is not None, daemon.failure
        yield daemon.served
    finally:
        daemon.stop()


def test_a_search_through_the_whole_api_finds_no_fault(served: Served, tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {served.token}"}
    with httpx.Client(base_url=served.url, headers=headers, trust_env=False) as http:
        body = {"code": "K-17", "kind": "emdr", "zone": "Europe/Berlin"}
        session = http.post("/rooms/blue/session", json=body).raise_for_status().json()["id"]
        entry = {"type": "rating.sud", "data": {"value": 7}}
        http.post("/rooms/blue/session/entries", json=entry).raise_for_status()
    work = tmp_path / "search"
    work.mkdir()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli"),
            *("--config-file", str(HERE / "schemathesis.toml")),
            *("run", f"{served.url}/openapi.json"),
            *("--header", f"Authorization: Bearer {served.token}"),
            *("--phases", "examples,coverage,fuzzing"),
            *("--max-examples", str(EXAMPLES)),
            "--generation-deterministic",
            "--continue-on-failure",
            "--no-shrink",
            "--no-color",
            # How many of an operation's examples are of use says nothing of the API.
            *("--suppress-health-check", "all"),
        ],
        cwd=work,
        env={
            **os.environ,
            "TWINTAP_SESSION": session,
            "TWINTAP_PULSER": served.pulser,
            "TWINTAP_SPARE": served.spare,
            "COLUMNS": "160",
        },
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    # A search that asked nothing would find nothing.
    with httpx.Client(base_url=served.url, headers=headers, trust_env=False) as http:
        operations = [
            method for methods in http.get("/openapi.json").json()["paths"].values() for method in methods
        ]
        assert http.get("/rooms").is_success
    assert len(operations) >= 40
    assert f"Tested: {len(operations)}" in done.stdout
