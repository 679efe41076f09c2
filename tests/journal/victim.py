"""A program that appends and says which events were acknowledged, to be killed at any instant.

    python -m tests.journal.victim FOLDER ROUNDS     children that append until they are killed
    python -m tests.journal.victim FOLDER once N     N appends, one after the other, each told as `acked ID`

Children are forked off one process that has imported everything, so that a round costs no start. On stdout it
says `child PID`, once that one is dead, `over`; what a child says stands between them, a line for each event
that was acknowledged.
"""

import asyncio
import importlib
import os
import sys
from itertools import count
from pathlib import Path

from tests.journal.rig import draft, open_now, opened
from twintap.journal.ids import new_id
from twintap.journal.journal import Journal


def say(text: str) -> None:
    """One write of a whole line, past every buffer: what was said is said."""
    os.write(1, text.encode() + b"\n")


async def append_on(folder: Path) -> None:
    """Append for ever: alone and many at once, in sessions that open and close, kept ones among them."""
    journal = await asyncio.to_thread(open_now, folder)
    say("open")
    await asyncio.gather(*(_append_on(journal, f"room-{number}") for number in range(3)))


async def _append_on(journal: Journal, room: str) -> None:
    for number in count():
        session = new_id()
        await _acked(journal, opened(session, room=room))
        for _ in range(number % 4):
            note = {"text": "x" * 300}
            journal.keep(draft("note.added", note, session=session, room=room))
            notes = [draft("note.added", note, session=session, room=room) for _ in range(8)]
            await asyncio.gather(*(_acked(journal, one) for one in notes))
        await _acked(journal, draft("rating.sud", {"value": number % 11}, session=session, room=room))
        await _acked(journal, draft("session.closed", {"reason": "asked"}, session=session, room=room))


async def _acked(journal: Journal, one: object) -> None:
    entry = await journal.append(one)  # type: ignore[arg-type]
    say(f"acked {entry.id}")


async def append_once(folder: Path, number: int) -> None:
    """Append so many, each after the one before it was acknowledged."""
    journal = await asyncio.to_thread(open_now, folder)
    say("open")
    for _ in range(number):
        await _acked(journal, draft("note.added", {"text": "x"}))
    await journal.close()


def fork_victims(folder: Path, rounds: int) -> None:
    """Fork one child after the other; each is killed by whoever reads our stdout."""
    # What is imported only where it is needed is here before the first one starts.
    importlib.import_module("alembic.command")
    for _ in range(rounds):
        child = os.fork()
        if child == 0:
            asyncio.run(append_on(folder))
            os._exit(0)
        say(f"child {child}")
        os.waitpid(child, 0)
        say("over")


if __name__ == "__main__":
    if sys.argv[2] == "once":
        asyncio.run(append_once(Path(sys.argv[1]), int(sys.argv[3])))
    else:
        fork_victims(Path(sys.argv[1]), int(sys.argv[2]))
