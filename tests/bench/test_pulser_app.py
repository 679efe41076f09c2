"""The benchmarks' pulser is the firmware with two notes, and comes up on the heap that they give it."""

import json
from pathlib import Path

from tests.bench.rig import PULSER_APP, BoardOptions
from tests.board.rig import Rig, wait_for
from twintap.console import open_console


async def test_the_pulser_of_the_benchmarks_comes_up_and_notes_when_its_clock_began(tmp_path: Path) -> None:
    with Rig(tmp_path / "a", "--heap", str(BoardOptions().heap_bytes), app=PULSER_APP) as board:
        noted = wait_for("its note", lambda: list(board.state.glob("flash/boot.json")))
        assert "boot_us" in json.loads(noted[0].read_text("utf-8"))
        # It answers: what collects garbage before the application is there has not ended it.
        async with open_console(str(board.link)) as console:
            assert (await console.ready(20))["name"].startswith("twintap-")
