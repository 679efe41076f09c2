"""The journal on this disk: acknowledged events, one by one and a second, and lists of 10,000 sessions.

Beside it, in the same run and on the same disk: a bare write of 4 KiB and its fdatasync, which no durable
event can be faster than.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.bench.report import Goal, HostLateness, Table, ratio, spread
from tests.bench.rig import progress
from tests.journal.rig import draft, open_now, opened, recorded
from twintap.journal.entry import Draft
from twintap.journal.ids import new_id
from twintap.journal.journal import Journal

AT_ONCE = 32
SESSIONS = 10_000
LIST_GOAL_MS = 100.0
_LISTINGS = 60
_BATCH = 200


async def measure(out: Path, appends: int, sessions: int) -> Table:
    """`appends` one after the other and on `AT_ONCE` hands; then lists with so many sessions."""
    table = Table("journal", f"Journal: {appends} acknowledged appends, alone and on {AT_ONCE} hands, ms")
    # On the disk of the results: a temporary folder may lie in memory, where a sync costs nothing.
    with tempfile.TemporaryDirectory(prefix="journal-", dir=out) as place, HostLateness() as host:
        folder = Path(place) / "data"
        bare = await asyncio.to_thread(_bare_syncs, Path(place) / "bare", appends)
        journal = await asyncio.to_thread(open_now, folder)
        try:
            await journal.append(draft("room.swapped"))
            alone, alone_s = await _appends(journal, appends, 1)
            together, together_s = await _appends(journal, appends * 8, AT_ONCE)
            _put_row(table, "bare write of 4 KiB and its fdatasync", bare, len(bare) / (sum(bare) / 1e3))
            _put_row(table, "one event, acknowledged", alone, appends / alone_s)
            _put_row(table, f"the same on {AT_ONCE} hands", together, appends * 8 / together_s)
            progress(f"journal: {sessions} sessions are being made")
            made_s, events = await _make_sessions(journal, sessions)
            await _measure_lists(table, journal, sessions)
            begun = time.perf_counter()
            verdict = await journal.verify()
            proved_s = time.perf_counter() - begun
        finally:
            await journal.close()
        size_mb = (folder / "journal.sqlite3").stat().st_size / 1e6
    medians = spread(alone)["p50"], spread(bare)["p50"]
    table.notes += [
        f"an event alone takes {ratio(*medians)} times the bare sync, at p50",
        f"{sessions} sessions with {events} events: {size_mb:.0f} MB, written in {made_s:.0f} s, proved "
        f"({'intact' if verdict.is_intact else 'BROKEN'}) in {proved_s:.1f} s",
        str(host),
    ]
    table.raw = {"bare_ms": bare, "alone_ms": alone, "together_ms": together, "host_late_us": host.spread_us}
    return table


def _put_row(table: Table, what: str, values: list[float], per_s: float | None) -> None:
    rounded = {name: round(value, 3) for name, value in spread(values).items()}
    table.rows.append({"what": what, "n": len(values), **rounded, "a second": per_s and round(per_s)})


def _bare_syncs(path: Path, count: int) -> list[float]:
    page = os.urandom(4096)
    values: list[float] = []
    fd = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    # macOS has no fdatasync in Python.
    sync = getattr(os, "fdatasync", os.fsync)
    try:
        for _ in range(count):
            begun = time.perf_counter()
            os.write(fd, page)
            sync(fd)
            values.append((time.perf_counter() - begun) * 1e3)
    finally:
        os.close(fd)
    return values


def _event() -> Draft:
    # As long as what a set leaves behind: the largest event that comes often.
    return recorded(None, 24)


async def _appends(journal: Journal, count: int, hands: int) -> tuple[list[float], float]:
    values: list[float] = []

    async def hand() -> None:
        for _ in range(count // hands):
            one = _event()
            begun = time.perf_counter()
            await journal.append(one)
            values.append((time.perf_counter() - begun) * 1e3)

    begun = time.perf_counter()
    await asyncio.gather(*(hand() for _ in range(hands)))
    return values, time.perf_counter() - begun


async def _make_sessions(journal: Journal, count: int) -> tuple[float, int]:
    begun = time.perf_counter()
    events = 0
    first = datetime.now(UTC) - timedelta(hours=count)
    for at in range(0, count, _BATCH):
        drafts: list[Draft] = []
        for number in range(at, min(at + _BATCH, count)):
            session, room = new_id(), f"room-{number % 8}"
            drafts += [
                opened(session, f"K-{number % 400}", room=room, at=first + timedelta(hours=number)),
                draft("rating.sud", {"value": 8}, session=session, room=room),
                recorded(session, 24, room=room),
                draft("note.added", {"text": "a word or two"}, session=session, room=room),
                draft("rating.sud", {"value": number % 8}, session=session, room=room),
                draft("session.closed", {"reason": "asked"}, session=session, room=room),
            ]
        await asyncio.gather(*map(journal.append, drafts))
        events += len(drafts)
    return time.perf_counter() - begun, events


async def _measure_lists(table: Table, journal: Journal, sessions: int) -> None:
    middle = (await journal.sessions(limit=1000))[-1].id
    lists: dict[str, Callable[[], Awaitable[Any]]] = {
        "the newest 50": lambda: journal.sessions(limit=50),
        "50 further back": lambda: journal.sessions(limit=50, before=middle),
        "50 of one client": lambda: journal.sessions(code="K-7", limit=50),
        "50 of one room": lambda: journal.sessions(room="room-3", limit=50),
        "every client": journal.clients,
    }
    for name, ask in lists.items():
        values: list[float] = []
        for _ in range(_LISTINGS):
            begun = time.perf_counter()
            await ask()
            values.append((time.perf_counter() - begun) * 1e3)
        _put_row(table, f"list: {name} of {sessions} sessions", values, None)
        table.goals.append(
            Goal(f"{name} of {sessions} sessions, p99 ms", spread(values)["p99"], LIST_GOAL_MS)
        )
