"""The journal: everything that happened, on disk before it is acknowledged, never edited.

`Journal` is what the rest of the daemon uses. It hands drafts to the one writing thread and reads with
connections of its own; the event loop waits for neither.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine

from ..errors import StoreError
from . import reading, rows, sqlite
from .chain import DAEMON, chain_of
from .checking import checked_draft
from .entry import Draft, Entry
from .ids import new_id
from .ledger import Ledger
from .migrating import migrate
from .reading import ClientRow
from .tally import TALLY_VERSION, SessionRow
from .writer import Writer

FILE = "journal.sqlite3"
# So many events may wait for the disk: an hour of one room's, at the rate at which a busy one makes them.
_WAITING_MAX = 10_000
_TALLY_FACT = "tally"
_T = TypeVar("_T")


def read_boot_id() -> str:
    """Name the machine's boot, whose monotonic clock stamps events; or this run, where it has no name."""
    if sys.platform == "linux":
        try:
            return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        except OSError:
            pass
    return new_id()


class Journal:
    """An open journal. One process at a time: the data folder's lock is the caller's to hold.

    `boot_id`: of this machine's boot. `fault`: None while writing works; else in words what is wrong and what
    to do. `on_fault`: called in the loop when that changes.
    """

    def __init__(self, folder: Path, engine: Engine, *, daemon_id: bytes, boot_id: str) -> None:
        """Use `Journal.open`."""
        self.folder = folder
        self.path = folder / FILE
        self.daemon_id = daemon_id
        self.boot_id = boot_id
        self.fault: str | None = None
        self.on_fault: Callable[[str | None], None] = lambda _fault: None
        self._writing = engine
        self._reading = sqlite.reading_engine(self.path)
        self._waiting = 0
        self._lost = 0
        self._is_closed = False
        ledger = Ledger(engine, boot_id, own_draft, lambda error: sqlite.words(self.path, error))
        self._writer = Writer(ledger, _probe, self._told, self._settled)

    @classmethod
    def open(cls, folder: Path, *, daemon_id: bytes) -> "Journal":
        """Open the journal in the data folder, made if absent, its schema brought up to date after a copy.

        Blocks. StoreError if it cannot be read or written, others can read it, or a newer twintap wrote it.
        """
        path = folder / FILE
        sqlite.create_file(path)
        engine = sqlite.writing_engine(path)
        try:
            migrate(engine, path, lambda _old: None)
            with engine.begin() as connection:
                _renew_sessions(connection)
        except sqlite.ERRORS as error:
            engine.dispose()
            raise StoreError(sqlite.words(path, error)) from error
        except BaseException:
            engine.dispose()
            raise
        return cls(folder, engine, daemon_id=daemon_id, boot_id=read_boot_id())

    # --- writing ----------------------------------------------------------------------------------------

    def append(self, draft: Draft) -> "asyncio.Future[Entry]":
        """Hand in an event, from the event loop; the future is done when it is on disk.

        `Refused` at once if the draft is none of its type; from the future, if it cannot follow in its
        session: `unknown` (no such session, no such entry to put right), `taken` (open, closed or kept
        already). StoreError from the future when it is not on disk, and will not be.
        """
        checked = checked_draft(draft)
        if self._is_closed or self._waiting >= _WAITING_MAX:
            failed: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
            text = "the journal is closed" if self._is_closed else f"{self._waiting} events wait for the disk"
            failed.set_exception(StoreError(text))
            return failed
        self._waiting += 1
        return self._writer.append(checked)

    def keep(self, draft: Draft) -> None:
        """Hand in an event that nobody waits for; it is tried until it is on disk.

        `Refused` if the draft is none of its type. When 10,000 events wait for a disk that fails, it is lost,
        and the journal will say how many were (`journal.gap`).
        """
        checked = checked_draft(draft)
        if self._is_closed or self._waiting >= _WAITING_MAX:
            self._lost += 1
            return
        self._waiting += 1
        self._writer.keep(checked)

    async def flushed(self) -> None:
        """Return when all that was handed in before is on disk; StoreError if it is not."""
        await self._writer.flushed()

    async def close(self) -> None:
        """Write what waits, and end. StoreError if the disk does not answer."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            await asyncio.to_thread(self._writer.end)
        finally:
            await asyncio.to_thread(self._dispose)

    def _dispose(self) -> None:
        self._reading.dispose()
        self._writing.dispose()

    def _settled(self, count: int) -> None:
        self._waiting -= count
        if self._lost and self._waiting < _WAITING_MAX and not self._is_closed:
            lost, self._lost = self._lost, 0
            self.keep(own_draft("journal.gap", {"lost": lost}))

    def _told(self, fault: str | None) -> None:
        self.fault = fault
        self.on_fault(fault)

    # --- reading ----------------------------------------------------------------------------------------

    async def sessions(
        self, *, code: str | None = None, room: str | None = None, before: str | None = None, limit: int = 50
    ) -> list[SessionRow]:
        """Give sessions, newest first: of a client, of a room, or all; at most `limit`.

        `before`: the last one of the page before this. `Refused("unknown")` if there is no such session.
        """
        return await self._read(
            lambda connection: reading.sessions(connection, code=code, room=room, before=before, limit=limit)
        )

    async def session(self, session_id: str) -> SessionRow:
        """Give a session, an erased one too; `Refused("unknown")` if there never was one."""
        return await self._read(lambda connection: reading.session(connection, session_id))

    async def open_sessions(self) -> list[SessionRow]:
        """Give the sessions that are not closed, oldest first."""
        return await self._read(reading.open_sessions)

    async def clients(self) -> list[ClientRow]:
        """Give every client's code, and how often and when they were here, by code."""
        return await self._read(reading.clients)

    async def entries(self, session_id: str) -> list[Entry]:
        """Give a session's events in the order of its chain; `Refused("unknown")` if there never was one."""
        return await self._read(lambda connection: reading.entries(connection, session_id))

    async def room_entries(self, room: str, *, after_seq: int = 0, limit: int = 500) -> list[Entry]:
        """Give a room's events outside sessions, in the order of its chain, from `after_seq` + 1 on."""
        return await self._read(
            lambda connection: list(
                rows.entries(connection, chain_of(room, None), after_seq=after_seq, limit=limit)
            )
        )

    async def daemon_entries(self, *, after_seq: int = 0, limit: int = 500) -> list[Entry]:
        """Give the daemon's own events, in the order of its chain, from `after_seq` + 1 on."""
        return await self._read(
            lambda connection: list(rows.entries(connection, DAEMON, after_seq=after_seq, limit=limit))
        )

    async def head(self, chain: str) -> str:
        """Give the hash of a chain's last event; 64 zeros if it has none."""
        return await self._read(lambda connection: rows.head(connection, chain).hash)

    async def _read(self, do: Callable[[Connection], _T]) -> _T:
        return await asyncio.to_thread(self._read_now, do)

    def _read_now(self, do: Callable[[Connection], _T]) -> _T:
        try:
            with self._reading.begin() as connection:
                return do(connection)
        except sqlite.ERRORS as error:
            raise StoreError(sqlite.words(self.path, error)) from error


def own_draft(type: str, data: Mapping[str, object]) -> Draft:  # noqa: A002 - the event's own word
    """Make an event of the daemon's own, of now."""
    now = datetime.now(UTC).astimezone()
    return Draft(type, data, None, None, "system", now, now, time.monotonic_ns() // 1_000)


def _probe(ledger: Ledger) -> None:
    """Write a little where it counts: what was full or gone shows."""

    def write(connection: Connection) -> None:
        rows.put_fact(connection, "probe", new_id())

    ledger.work(write)


def _renew_sessions(connection: Connection) -> None:
    """Make the sessions' rows again where an older twintap counted them in another way."""
    if rows.read_fact(connection, _TALLY_FACT) != str(TALLY_VERSION):
        rows.rebuild_sessions(connection)
        rows.put_fact(connection, _TALLY_FACT, str(TALLY_VERSION))
