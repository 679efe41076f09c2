"""Boards that start quickly: the firmware is compiled once for the whole run."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from twintap_board import flash

from .board import Board
from .fake_daemon import FakeDaemon


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = tmp_path_factory.mktemp("compiled")
    flash.prepare(state, None)
    return state


@pytest.fixture
def make_board(tmp_path: Path, compiled: Path) -> Callable[..., Board]:
    def make(*arguments: str) -> Board:
        shutil.copytree(compiled, tmp_path / "state", dirs_exist_ok=True)
        return Board(tmp_path, *arguments)

    return make


@pytest.fixture
async def daemon() -> AsyncIterator[FakeDaemon]:
    daemon = await FakeDaemon.open()
    idle = asyncio.create_task(daemon.keep_alive())
    yield daemon
    idle.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await idle
    daemon.close()
    await asyncio.sleep(0)  # a transport closes in the loop's next turn


@pytest.fixture
async def board(make_board: Callable[..., Board], daemon: FakeDaemon) -> AsyncIterator[Board]:
    """A board that is paired with `daemon`, linked, and whose clock the daemon knows."""
    async with make_board("--heap", str(224 * 1024), "--clock-offset-us", "1073000000") as board:
        await board.pair(daemon.port)
        await daemon.linked()
        await daemon.clock_known()
        yield board
