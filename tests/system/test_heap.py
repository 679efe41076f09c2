"""What a board says of its heap is what a collection left, whenever it is asked and however often."""

import random
import time
from pathlib import Path

import pytest

from tests.support.rig import Board, wait_for

ASKED = 40
# What lives for a moment, as an answer that is on its way while the garbage is collected.
PASSING_BYTES = 4 * 1024


def test_the_garbage_of_being_asked_is_not_taken_for_memory_that_is_lost(tmp_path: Path) -> None:
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    with Board(tmp_path / "b") as board:
        # The first figure is of a board that has not begun; from its first collection on, of one that runs.
        first = board.info()["heap_free_bytes"]
        wait_for("a collection", lambda: board.info()["heap_free_bytes"] != first)
        told: list[int] = []
        for _ in range(ASKED):
            told.append(board.info()["heap_free_bytes"])
            time.sleep(random.uniform(0, 0.1))
        assert max(told) - min(told) < PASSING_BYTES, told
        line = board.rpc("selftest")["result"]["heap"]
        assert line["ok"] is True
        assert max(told) - line["value"] < PASSING_BYTES, (told, line)
