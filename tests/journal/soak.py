"""`make soak` for the journal: kill -9 at random instants, and nothing that was acknowledged is ever missing.

python -m tests.journal.soak [--kills 1000]
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import select

from tests.journal.rig import journal_in
from twintap.journal import sqlite
from twintap.journal.proving import Verdict
from twintap.journal.tables import links

ROOT = Path(__file__).parents[2]
# So many of them die up to so long into the opening; the others after up to so many acknowledgements, and a
# moment more.
_OPENING = 0.2
_OPENING_S = 0.1
_MANY = 40
_LONGEST_S = 0.01


def kill_again_and_again(folder: Path, kills: int, chance: random.Random) -> set[str]:
    """Kill the one who appends to the journal in `folder`, so often; give the ids that were acknowledged."""
    acked: set[str] = set()
    with subprocess.Popen(
        [sys.executable, "-m", "tests.journal.victim", str(folder), str(kills)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as victims:
        assert victims.stdout is not None
        try:
            for _ in range(kills):
                word, child = next(victims.stdout).split()
                assert word == "child"
                # Some die while they open the file, most while they write: at once, or some transactions in.
                if chance.random() < _OPENING:
                    time.sleep(chance.random() * _OPENING_S)
                else:
                    assert next(victims.stdout) == "open\n"
                    for _ in range(chance.randrange(_MANY)):
                        word, acknowledged = next(victims.stdout).split()
                        assert word == "acked"
                        acked.add(acknowledged)
                    time.sleep(chance.random() * _LONGEST_S)
                # The one that was said: nobody waits for it before it is dead, so its number is its own.
                os.kill(int(child), signal.SIGKILL)
                for line in victims.stdout:
                    if line == "over\n":
                        break
                    if line.startswith("acked "):
                        acked.add(line.split()[1])
        except BaseException:
            victims.kill()
            raise
    assert victims.returncode == 0
    return acked


def known_ids(folder: Path) -> set[str]:
    """Every event in the journal."""
    engine = sqlite.reading_engine(folder / "journal.sqlite3")
    try:
        with closing(engine.connect()) as connection:
            return set(connection.scalars(select(links.c.id)))
    finally:
        engine.dispose()


async def proved(folder: Path) -> Verdict:
    """What the proof says of the journal, opened as a daemon opens it."""
    async with journal_in(folder) as journal:
        return await journal.verify()


def main() -> int:
    """Kill, and compare after every fifty; 0 if nothing was lost."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=1000)
    kills: int = parser.parse_args().kills
    chance = random.Random()
    lost = events = 0
    broken: list[str] = []
    for begun in range(0, kills, 50):
        with tempfile.TemporaryDirectory(prefix="twintap-kills-") as place:
            folder = Path(place) / "data"
            acked = kill_again_and_again(folder, min(50, kills - begun), chance)
            verdict = asyncio.run(proved(folder))
            missing = acked - known_ids(folder)
        lost += len(missing)
        events += len(acked)
        broken += [f"{one.chain}: {one.how}" for one in verdict.chains if one.state == "broken"]
        print(
            f"{begun + 50} kills: {events} acknowledged, {lost} lost, {len(broken)} chains broken", flush=True
        )
    for line in broken:
        print(line)
    return 1 if lost or broken or not events else 0


if __name__ == "__main__":
    sys.exit(main())
