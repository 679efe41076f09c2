"""The journal: everything that happened, on disk before it is acknowledged, never edited.

`Journal` is what the rest of the daemon uses. It hands drafts to the one writing thread and reads with
connections of its own; the event loop waits for neither.
"""

import asyncio
import logging
import shutil
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine

from ..errors import StoreError
from . import backups, reading, rows, sqlite
from .backups import FILE
from .chain import DAEMON, chain_of
from .checking import checked_draft
from .entry import Draft, Entry, own_draft
from .erasing import SCRUB_FACT, Erasure, erase
from .ids import new_id
from .importing import Import, import_entries
from .ledger import Ledger
from .migrating import migrate
from .proving import Verdict, prove
from .reading import ClientRow
from .tally import TALLY_VERSION, SessionRow
from .writer import Writer
from .yielding import Yielding

# So many events may wait for the disk: an hour of one room's, at the rate at which a busy one makes them.
_WAITING_MAX = 10_000
_LOOK_EVERY_S = 600.0
# A disk that was full is so until it has room for more than the next few events.
_ROOM_BYTES = 1024 * 1024
_TALLY_FACT = "tally"
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


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
        # A copy that is being made must not save what is being erased.
        self._copying = asyncio.Lock()
        ledger = Ledger(engine, boot_id, lambda error: sqlite.words(self.path, error))
        self._writer = Writer(ledger, self._probe, self._told, self._settled)

    @classmethod
    def open(cls, folder: Path, *, daemon_id: bytes) -> "Journal":
        """Open the journal in the data folder, made if absent, its schema brought up to date after a copy.

        Blocks. StoreError if it cannot be read or written, others can read it, or a newer twintap wrote it.
        """
        path = folder / FILE
        sqlite.create_file(path)
        engine = sqlite.writing_engine(path)
        try:
            migrate(engine, path, lambda old: backups.put_aside(folder, old))
            with engine.begin() as connection:
                _renew_sessions(connection)
                is_soiled = rows.read_fact(connection, SCRUB_FACT) is not None
            if is_soiled:
                _scrub(engine, folder)
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
            slow = f"{self._waiting} events wait for the disk, which is too slow: look at it"
            text = "the journal is closed" if self._is_closed else self.fault or slow
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
            if self._lost:
                _log.warning("%d events came too late or too many to be journalled", self._lost)

    def _dispose(self) -> None:
        self._reading.dispose()
        self._writing.dispose()

    def _settled(self, count: int) -> None:
        self._waiting -= count
        if self._lost and self._waiting < _WAITING_MAX and not self._is_closed:
            lost, self._lost = self._lost, 0
            self.keep(own_draft("journal.gap", {"lost": lost}))

    def _probe(self, ledger: Ledger) -> None:
        """Write a little where it counts, with room for more: what was full or gone shows."""

        def write(connection: Connection) -> None:
            rows.put_fact(connection, "probe", new_id())

        ledger.work(write)
        try:
            free = shutil.disk_usage(self.folder).free
        except OSError as error:
            raise StoreError(sqlite.words(self.path, error)) from error
        if free < _ROOM_BYTES:
            raise StoreError(f"the disk is full: free some space on the one that holds {self.path}")

    def _told(self, fault: str | None) -> None:
        self.fault = fault
        self.on_fault(fault)

    # --- the whole of it --------------------------------------------------------------------------------

    async def erase(self, code: str, *, actor: str) -> Erasure:
        """Delete all that is kept of the client `code` (normalised) for good; meanwhile nothing is written.

        The copies that the daemon made go too, and one is made anew. What others made, as with `twintap
        backup`, holds what it held. `Refused`: `unknown` if there is no such client, `running` while a
        session of theirs is open. StoreError if it was not erased; or, in its words, if it was and traces are
        left in the file, which are then removed when the journal is next opened.
        """
        async with self._copying:
            return await self._writer.work(lambda ledger: self._erase_now(ledger, code, actor))

    def _erase_now(self, ledger: Ledger, code: str, actor: str) -> Erasure:
        erasure = erase(ledger, code, actor)
        ledger.forget()
        try:
            copies = _scrub(self._writing, self.folder)
        except StoreError as error:
            raise StoreError(
                f"the client is erased, but traces are left on the disk until this is mended: {error}. "
                "They are removed when the daemon starts the next time"
            ) from error
        return replace(erasure, copies=copies)

    async def import_entries(self, entries: Sequence[Entry], *, actor: str) -> Import:
        """Take in whole sessions from an export, all of them or none.

        `Refused`: `field` if a chain does not hold together or an event is none, `taken` if the journal has
        the session already, `running` if it was not closed when it was exported.
        """
        taken = tuple(entries)
        return await self._writer.work(lambda ledger: import_entries(ledger, taken, actor))

    async def verify(self, heads: Sequence[str] = ()) -> Verdict:
        """Prove every chain, and that these printed heads are there. `proving` says what it can find."""
        return await self._read(lambda connection: prove(connection, heads, Yielding()))

    async def copy_today(self) -> Path | None:
        """Make today's copy under `backups/`, unless it is there. StoreError if it cannot be made."""
        today = datetime.now(UTC).astimezone()
        async with self._copying:
            copied = await asyncio.to_thread(backups.take_daily, self.folder, today)
        if copied is not None:
            size = await asyncio.to_thread(backups.size_bytes, copied)
            self.keep(own_draft("journal.backup", {"name": copied.name, "bytes": size}))
        return copied

    async def daily(self, is_quiet: Callable[[], bool] = lambda: True) -> None:
        """Make a copy each day, when `is_quiet`, until cancelled; one that fails is tried again."""
        while True:
            if is_quiet():
                try:
                    await self.copy_today()
                except StoreError as error:
                    _log.warning("today's backup was not made: %s", error)
            await asyncio.sleep(_LOOK_EVERY_S)

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

    async def clients(
        self, *, code: str | None = None, rooms: Collection[str] | None = None
    ) -> list[ClientRow]:
        """Give every client's code (`code`: this one's), how often and when they were here, by code.

        `rooms`: only what was in these rooms counts; a client who was in none of them is not there.
        """
        return await self._read(lambda connection: reading.clients(connection, code=code, rooms=rooms))

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


def _renew_sessions(connection: Connection) -> None:
    """Make the sessions' rows again where an older twintap counted them in another way."""
    if rows.read_fact(connection, _TALLY_FACT) != str(TALLY_VERSION):
        rows.rebuild_sessions(connection)
        rows.put_fact(connection, _TALLY_FACT, str(TALLY_VERSION))


def _scrub(engine: Engine, folder: Path) -> int:
    """Leave no byte of what was erased in the file, its log and our own copies; give how many those were."""
    sqlite.scrub(folder / FILE)
    count = len(backups.copies(folder))
    fresh: Path | None = None
    try:
        fresh = backups.take(folder, f"{datetime.now(UTC).astimezone():%Y-%m-%d}")
    except StoreError as error:
        _log.warning("a new backup was not made after the erasure: %s", error)
    backups.remove_all(folder, fresh)
    with engine.begin() as connection:
        rows.put_fact(connection, SCRUB_FACT, None)
    return count
