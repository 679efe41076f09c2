"""One daemon and one pair of boards a module: they outlive every test, whatever the test did to them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.host_waits import HostWaits
from tests.support.rig import Daemon, Pair


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Short: a UNIX socket's path has room for a hundred characters.
    return tmp_path_factory.mktemp("s")


@pytest.fixture(scope="module")
def daemon(folder: Path) -> Iterator[Daemon]:
    with Daemon(folder / "d") as daemon:
        yield daemon


@pytest.fixture(scope="module")
def pair(daemon: Daemon, folder: Path) -> Iterator[Pair]:
    with Pair(daemon, folder) as pair:
        yield pair


@pytest.fixture
def waits(pair: Pair) -> Iterator[HostWaits]:
    """How long this machine keeps the pair's chips from running, from here on."""
    pids = [board.pids()[part] for board in pair.boards.values() for part in ("vm", "keeper")]
    with HostWaits(*pids) as waits:
        yield waits
