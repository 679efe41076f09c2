"""Nothing blocks the daemon's event loop: not its start, not pairing, not a set, not a stop, not its end."""

import asyncio
import gc
import json
import signal
from pathlib import Path

import httpx
import pytest
from blockbuster import BlockBuster, BlockingError

from tests.daemon.test_cli import pytestmark
from twintap.serve import Options, serve
from twintap.store import read_admin_token

__all__ = ["pytestmark"]


async def test_no_call_of_a_whole_life_blocks_the_loop(tmp_path: Path) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    options = Options(data=tmp_path / "d", host="127.0.0.1", port=0, virtual=1, air="none", json=True)
    watcher = BlockBuster("twintap")
    # What blocks raises where it is called, and ends the daemon or the request.
    watcher.activate()
    try:
        life = asyncio.create_task(serve(options, told.put_nowait))
        saying = asyncio.create_task(told.get())
        done, _ = await asyncio.wait((life, saying), return_when=asyncio.FIRST_COMPLETED, timeout=60)
        assert saying in done, life
        url = json.loads(saying.result())["url"]
        token = await asyncio.to_thread(read_admin_token, options.data)
        async with httpx.AsyncClient(
            base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {token}"}, trust_env=False
        ) as http:
            # On a computer short of cores a clock that was known may be uncertain again by now.
            async with asyncio.timeout(30):
                while not (await http.get("/rooms/room-1")).json()["ready"]:  # noqa: ASYNC110 - asked over HTTP
                    await asyncio.sleep(0.1)
            for method, path, body in (
                ("POST", "/rooms/room-1/set/start", {"rate_hz": 4, "ramp_ms": 0}),
                ("POST", "/rooms/room-1/set/change", {"level_pct": 30}),
                ("GET", "/rooms", None),
                ("GET", "/pulsers", None),
                ("GET", "/daemon", None),
                ("POST", "/tokens", {"label": "x", "role": "observer"}),
                ("POST", "/rooms/room-1/set/stop", None),
                ("POST", "/rooms/room-1/swap", None),
                ("POST", "/rooms/room-1/session", {"code": "k-1", "kind": "emdr", "zone": "Asia/Tokyo"}),
                ("POST", "/rooms/room-1/session/entries", {"type": "rating.sud", "data": {"value": 5}}),
                ("POST", "/rooms/room-1/session/close", {"plan": "more"}),
                ("GET", "/sessions", None),
                ("POST", "/clients/lookup", {"code": "k-1"}),
                ("GET", "/journal/verify", None),
                ("PUT", "/settings", {"sud_prompt_at": 7}),
                ("POST", "/rooms", {"name": "green"}),
                ("PATCH", "/rooms/green", {"colour": "#123456"}),
            ):
                answer = await http.request(method, path, json=body)
                assert answer.is_success, (path, answer.text)
        signal.raise_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            await life
    finally:
        watcher.deactivate()
        gc.unfreeze()  # the daemon froze what this process has made


async def test_the_watcher_of_this_file_sees_what_blocks(tmp_path: Path) -> None:
    watcher = BlockBuster("twintap")
    watcher.activate()
    try:
        (tmp_path / "token").write_text("x", "ascii")
        with pytest.raises(BlockingError):
            read_admin_token(tmp_path)
    finally:
        watcher.deactivate()
