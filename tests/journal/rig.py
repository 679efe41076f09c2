"""What the journal's tests share: drafts, an open journal, a whole small session."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from twintap.journal.entry import Draft, Entry
from twintap.journal.ids import new_id
from twintap.journal.journal import Journal

DAEMON_ID = b"\x01\x02\x03\x04\x05\x06\x07\x08"
PACING: dict[str, Any] = {
    "rate_hz": 1.0,
    "pulse_ms": 100,
    "left_pct": 40.0,
    "right_pct": 35.5,
    "ramp_ms": 1000,
    "passes": 24,
}
SIDE = {"delivered": 24, "skipped": 0, "late": 0, "latest_us": 812}


def draft(
    type: str,  # noqa: A002
    data: Mapping[str, object] | None = None,
    *,
    room: str | None = "blue",
    session: str | None = None,
    actor: str = "tablet",
    at: datetime | None = None,
) -> Draft:
    now = datetime.now(UTC).astimezone()
    return Draft(
        type,
        data if data is not None else {},
        room,
        session,
        actor,
        at or now,
        now,
        time.monotonic_ns() // 1000,
    )


def opened(session: str, code: str = "K-17", *, room: str = "blue", at: datetime | None = None) -> Draft:
    data = {"code": code, "kind": "emdr", "zone": "Europe/Berlin", "hands": ["left", "right"]}
    return draft("session.opened", data, room=room, session=session, at=at)


def recorded(session: str | None, passes: int, set_uid: str | None = None, room: str = "blue") -> Draft:
    data = {
        "set_uid": set_uid or new_id(),
        "asked": PACING,
        "pacing": PACING,
        "changes": 0,
        "passes_done": passes,
        "duration_ms": passes * 1000,
        "left": SIDE,
        "right": SIDE,
        "left_right_error_us": 35.25,
        "reason": "stop",
        "by": "tablet",
        "side": None,
        "silent": [],
    }
    return draft("set.recorded", data, room=room, session=session)


async def keep_session(
    journal: Journal,
    code: str = "K-17",
    *,
    note: str = "a word or two",
    room: str = "blue",
    is_closed: bool = True,
) -> str:
    """A small session from open to close; gives its id."""
    session = new_id()
    drafts = [
        opened(session, code, room=room),
        draft("phase.begun", {"phase": "desensitisation"}, room=room, session=session),
        draft("rating.sud", {"value": 8}, room=room, session=session),
        recorded(session, 24, room=room),
        draft("note.added", {"text": note}, room=room, session=session),
        draft("rating.sud", {"value": 3}, room=room, session=session),
    ]
    if is_closed:
        drafts.append(draft("session.closed", {"reason": "asked"}, room=room, session=session))
    await asyncio.gather(*map(journal.append, drafts))
    return session


def open_now(folder: Path) -> Journal:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Journal.open(folder, daemon_id=DAEMON_ID)


@asynccontextmanager
async def journal_in(folder: Path) -> AsyncGenerator[Journal]:
    """An open journal, closed at the end."""
    journal = await asyncio.to_thread(open_now, folder)
    try:
        yield journal
    finally:
        await journal.close()


def types(entries: list[Entry]) -> list[str | None]:
    return [entry.type for entry in entries]


def later(seconds: float) -> datetime:
    return datetime.now(UTC).astimezone() + timedelta(seconds=seconds)
