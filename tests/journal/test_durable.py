"""Acknowledged means on disk: the sync lies before the word, and no kill takes back what was said."""

import asyncio
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.journal.soak import kill_again_and_again, known_ids, proved

ROOT = Path(__file__).parents[2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="strace and fork are Linux's here")
APPENDS = 12

# As above, with a database that is told not to sync: what the check must find.
CARELESS = """
import sys
from twintap.journal import sqlite
sqlite._PRAGMAS = (*sqlite._PRAGMAS, "synchronous = OFF")
import asyncio
from pathlib import Path
from tests.journal.victim import append_once
asyncio.run(append_once(Path(sys.argv[1]), int(sys.argv[3])))
"""


def traced(folder: Path, program: list[str]) -> list[str]:
    """What the program asked of the kernel, a line each, in order."""
    told = folder.with_suffix(".strace")
    done = subprocess.run(
        [
            *("strace", "-f", "-y", "-s", "60", "-o", str(told)),
            *("-e", "trace=write,pwrite64,writev,pwritev,fsync,fdatasync"),
            *(sys.executable, *program, str(folder), "once", str(APPENDS)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("acked ") == APPENDS
    return told.read_text("utf-8", "replace").splitlines()


def unsynced(lines: list[str]) -> list[str]:
    """Every acknowledgement before which the log was not both written and then synced."""
    wrong: list[str] = []
    is_written = is_synced = is_open = False
    # `[pid] call(fd</path>…) = result`; one that another thread cut short is told in two halves.
    halves: dict[str, str] = {}
    for line in lines:
        thread, _, call = line.partition(" ")
        call = call.strip()
        if call.endswith("<unfinished ...>"):
            halves[thread] = call
            continue
        if call.startswith("<... "):
            call = halves.pop(thread, "") + " " + call
        if re.search(r"write\w*\(1<[^>]*>, \"open", call):
            is_open = True
        elif re.match(r"p?writev?(64)?\(\d+<[^>]*journal\.sqlite3-wal>", call):
            is_written, is_synced = True, False
        elif re.match(r"f(data)?sync\(\d+<[^>]*journal\.sqlite3-wal>", call) and call.endswith("= 0"):
            is_synced = is_written
        elif is_open and re.match(r"write\(1<[^>]*>, \"acked", call):
            if not (is_written and is_synced):
                wrong.append(line)
            is_written = is_synced = False
    return wrong


@linux
def test_between_an_event_and_its_acknowledgement_the_log_is_written_and_synced(tmp_path: Path) -> None:
    lines = traced(tmp_path / "data", ["-m", "tests.journal.victim"])
    assert sum('"acked' in line for line in lines) == APPENDS
    assert unsynced(lines) == []


@linux
def test_the_check_of_this_file_finds_a_sync_that_is_missing(tmp_path: Path) -> None:
    lines = traced(tmp_path / "data", ["-c", CARELESS])
    assert len(unsynced(lines)) == APPENDS


@linux
async def test_fifty_kills_at_any_instant_lose_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    seed = random.randrange(2**32)
    acked = await asyncio.to_thread(kill_again_and_again, folder, 50, random.Random(seed))
    assert len(acked) > 50, f"next to nothing was acknowledged (seed {seed})"
    verdict = await proved(folder)
    assert [one for one in verdict.chains if one.state == "broken"] == []
    missing = acked - await asyncio.to_thread(known_ids, folder)
    assert missing == set(), f"seed {seed}"
