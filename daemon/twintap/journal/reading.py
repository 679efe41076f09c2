"""What is asked of the journal. Each blocks, inside a reading transaction of the caller's."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select

from ..errors import Fault, Refused, StoreError
from . import rows
from .chain import MEND, chain_of
from .entry import Entry
from .tables import sessions as table
from .tally import SessionRow

_LIMIT_MAX = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ClientRow:
    """One client: the code, how many visits, when the first and the last of them was opened (UTC)."""

    code: str
    visits: int
    first_at: datetime
    last_at: datetime


def sessions(
    connection: Connection, *, code: str | None, room: str | None, before: str | None, limit: int
) -> list[SessionRow]:
    """Give sessions, newest first, at most `limit`; `Refused` if there is no session `before`."""
    if not 1 <= limit <= _LIMIT_MAX:
        raise Refused(Fault("range", f"limit has to be in 1..{_LIMIT_MAX}", "limit", limit, 1, _LIMIT_MAX))
    query = select(table)
    if code is not None:
        query = query.where(table.c.code == code)
    if room is not None:
        query = query.where(table.c.room == room)
    if before is not None:
        last_us = connection.scalar(select(table.c.opened_us).where(table.c.id == before))
        if last_us is None:
            raise _unknown("before")
        older = table.c.opened_us < last_us
        query = query.where(or_(older, and_(table.c.opened_us == last_us, table.c.id < before)))
    found = connection.execute(query.order_by(table.c.opened_us.desc(), table.c.id.desc()).limit(limit))
    return [rows.read_session(row) for row in found.mappings()]


def session(connection: Connection, session_id: str) -> SessionRow:
    """Give one; an erased one without what was in it. `Refused("unknown")` if there never was one."""
    found = connection.execute(select(table).where(table.c.id == session_id)).mappings().first()
    if found is not None:
        return rows.read_session(found)
    first = next(rows.stored(connection, chain_of(None, session_id), limit=1), None)
    if first is None:
        raise _unknown("session")
    return SessionRow(
        id=session_id,
        code="",
        kind="",
        room="",
        zone="",
        opened_at=datetime.fromisoformat(first[0].entered),
        closed_at=None,
        closed_reason=None,
        opened_by="",
        sets=0,
        passes=0,
        first_sud=None,
        last_sud=None,
        last_voc=None,
        phase=None,
        erased=True,
    )


def open_sessions(connection: Connection) -> list[SessionRow]:
    """Give the ones that are not closed, oldest first."""
    query = select(table).where(table.c.closed_at.is_(None)).order_by(table.c.opened_us, table.c.id)
    return [rows.read_session(row) for row in connection.execute(query).mappings()]


def clients(connection: Connection, *, code: str | None, rooms: Collection[str] | None) -> list[ClientRow]:
    """Give every client, by code; `rooms`: by their visits in these alone (None: in any)."""
    query = select(table.c.code, func.count(), func.min(table.c.opened_us), func.max(table.c.opened_us))
    if code is not None:
        query = query.where(table.c.code == code)
    if rooms is not None:
        query = query.where(table.c.room.in_(list(rooms)))
    found = connection.execute(query.group_by(table.c.code).order_by(table.c.code))
    return [ClientRow(code, visits, _moment(first), _moment(last)) for code, visits, first, last in found]


def entries(connection: Connection, session_id: str) -> list[Entry]:
    """Give a session's events in order; `Refused("unknown")` if there never was one."""
    found = list(rows.entries(connection, chain_of(None, session_id)))
    if not found:
        raise _unknown("session")
    return found


def _moment(since_us: object) -> datetime:
    try:
        return _EPOCH + timedelta(microseconds=since_us)  # pyright: ignore[reportArgumentType] - as it lies there
    except (TypeError, OverflowError):
        raise StoreError(f"the journal's list of sessions is damaged; {MEND}") from None


def _unknown(field: str) -> Refused:
    return Refused(Fault("unknown", "there is no such session", field))
