"""A disk that is full: who waits is told, what is kept is kept, and once there is space all goes on."""

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from tests.journal.rig import draft, journal_in, keep_session, opened, types
from twintap.errors import Refused, StoreError
from twintap.journal import journal as journal_module
from twintap.journal import writer
from twintap.journal.ids import new_id
from twintap.journal.journal import Journal
from twintap.journal.ledger import Ledger

LONG = "x" * 4000


@dataclass
class Disk:
    """A folder on a disk that can be filled and freed. `limit`: has it on each new connection, if any."""

    folder: Path
    fill: Callable[[], None]
    free: Callable[[], None]
    limit: Callable[[sqlite3.Connection, object], None] | None = None


def _mounted(folder: Path) -> bool:
    """A small file system of its own, where this process may mount one."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    folder.mkdir(mode=0o700)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "twintap-test", str(folder)],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def _mounted_disk(folder: Path) -> Disk:
    stuffing = folder / ".stuffing"

    def fill() -> None:
        with stuffing.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 512)

    return Disk(folder, fill, stuffing.unlink)


def _limited_disk(folder: Path) -> Disk:
    """A file that may not grow: SQLite tells it with the same error as a full disk."""
    state = {"is_full": False}

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        if state["is_full"]:
            # It cannot be asked to have fewer pages than it has, and has then none left.
            connection.execute("PRAGMA max_page_count = 1").close()

    return Disk(
        folder, lambda: state.__setitem__("is_full", True), lambda: state.__setitem__("is_full", False), limit
    )


@pytest.fixture(params=["a full disk", "a file that may not grow"])
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Generator[Disk]:
    """A disk that really is full where root may mount one; and what everybody can have."""
    folder = tmp_path / "disk"
    if request.param == "a full disk" and _mounted(folder):
        yield _mounted_disk(folder)
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
    else:
        yield _limited_disk(folder)


async def fill(disk: Disk, journal: Journal) -> None:
    """Fill the disk, and have the writer meet it."""
    await asyncio.to_thread(disk.fill)
    if disk.limit is not None:
        event.listen(journal._writing, "connect", disk.limit)  # pyright: ignore[reportPrivateUsage]
    await journal._writer.work(Ledger.forget)  # pyright: ignore[reportPrivateUsage]


async def until(is_met: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_met():  # noqa: ASYNC110 - what it waits for comes from a thread
            await asyncio.sleep(0.01)


async def until_refused(journal: Journal, session: str) -> int:
    """Append until the disk takes no more; gives how many it took."""
    for taken in range(1000):
        [result] = await asyncio.gather(
            journal.append(draft("note.added", {"text": LONG}, session=session)), return_exceptions=True
        )
        if isinstance(result, StoreError):
            assert "disk is full" in str(result)
            return taken
    pytest.fail("the disk never was full")


async def test_a_full_disk_is_told_and_loses_nothing_that_was_acknowledged(disk: Disk) -> None:
    told: list[str | None] = []
    async with journal_in(disk.folder) as journal:
        journal.on_fault = told.append
        session = new_id()
        await journal.append(opened(session))
        await fill(disk, journal)
        taken = await until_refused(journal, session)
        await until(lambda: journal.fault is not None)
        assert journal.fault is not None
        assert "free some space" in journal.fault
        # Reading goes on, and nothing that was refused is there.
        assert len(await journal.entries(session)) == 1 + taken
        with pytest.raises(StoreError):
            await journal.append(draft("note.added", {"text": LONG}, session=session))
        with pytest.raises(StoreError):
            await asyncio.wait_for(_kept_and_flushed(journal, session), 30)

        await asyncio.to_thread(disk.free)
        await until(lambda: journal.fault is None)

        # What was kept came by itself; what was refused did not.
        await journal.flushed()
        assert types(await journal.entries(session))[1 + taken :] == ["plan.written"]
        await journal.append(draft("note.added", {"text": LONG}, session=session))
        assert (await journal.verify()).is_intact
        assert told[0] is not None
        assert told[-1] is None
    async with journal_in(disk.folder) as journal:
        assert len(await journal.entries(session)) == 3 + taken


async def _kept_and_flushed(journal: Journal, session: str) -> None:
    journal.keep(draft("plan.written", {"text": LONG}, session=session))
    await journal.flushed()


async def test_a_fault_goes_by_itself_though_nobody_writes(disk: Disk) -> None:
    async with journal_in(disk.folder) as journal:
        session = new_id()
        await journal.append(opened(session))
        await fill(disk, journal)
        await until_refused(journal, session)
        await until(lambda: journal.fault is not None)
        await asyncio.to_thread(disk.free)
        await until(lambda: journal.fault is None)


async def test_a_disk_that_stays_full_ends_the_journal_all_the_same(
    disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    async with journal_in(disk.folder) as journal:
        session = new_id()
        await journal.append(opened(session))
        await fill(disk, journal)
        taken = await until_refused(journal, session)
        for _ in range(700):
            journal.keep(draft("note.added", {"text": LONG}, session=session))
        await asyncio.wait_for(journal.close(), 30)
        lost = [record.message for record in caplog.records if "before the end" in record.message]
        assert len(lost) == 1
        assert LONG not in caplog.text
    await asyncio.to_thread(disk.free)
    async with journal_in(disk.folder) as journal:
        assert len(await journal.entries(session)) >= 1 + taken
        assert (await journal.verify()).is_intact


# --- a disk that fails at will ------------------------------------------------------------------------------


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """Says whether every transaction fails."""
    state = {"fails": False}
    real = Ledger.work

    def work(self: Ledger, do: Any) -> Any:
        if state["fails"]:
            self.forget()
            raise StoreError("the disk is full: free some space")
        return real(self, do)

    monkeypatch.setattr(Ledger, "work", work)
    monkeypatch.setattr(writer, "_RETRY_S", 0.02)
    return state


async def test_what_was_kept_while_the_disk_failed_keeps_its_order(
    tmp_path: Path, failing: dict[str, bool]
) -> None:
    async with journal_in(tmp_path) as journal:
        failing["fails"] = True
        texts = [str(n) for n in range(600)]
        for text in texts[:400]:
            journal.keep(draft("note.added", {"text": text}))
        with pytest.raises(StoreError):
            await journal.append(draft("note.added", {"text": "refused"}))
        for text in texts[400:]:
            journal.keep(draft("note.added", {"text": text}))
        failing["fails"] = False
        await journal.flushed()
        kept = await journal.room_entries("blue", limit=1000)
        assert [entry.data["text"] for entry in kept if entry.data] == texts


async def test_what_could_not_even_be_kept_is_counted_where_it_is_missing(
    tmp_path: Path, failing: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_WAITING_MAX", 10)
    async with journal_in(tmp_path) as journal:
        failing["fails"] = True
        for _ in range(25):
            journal.keep(draft("room.swapped", room=None))
        with pytest.raises(StoreError):
            await journal.append(draft("room.swapped", room=None))
        await until(lambda: journal.fault is not None)
        failing["fails"] = False
        await until(lambda: journal.fault is None)
        await journal.append(draft("daemon.stopped", room=None))
        kept = await journal.daemon_entries()
        assert types(kept) == ["room.swapped"] * 10 + ["journal.gap", "daemon.stopped"]
        assert kept[10].data == {"lost": 15}
        assert (await journal.verify()).is_intact


async def test_an_event_that_is_refused_holds_nothing_else_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with journal_in(tmp_path) as journal:
        journal.keep(draft("note.added", {"text": "secret"}, session=new_id()))
        session = await keep_session(journal)
        await journal.flushed()
        assert len(await journal.entries(session)) == 7
        assert journal.fault is None
    assert "note.added was not journalled" in caplog.text
    assert "secret" not in caplog.text


async def test_an_error_of_our_own_lets_nobody_wait_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[type[BaseException]] = []
    monkeypatch.setattr("threading.excepthook", lambda args: seen.append(args.exc_type))
    async with journal_in(tmp_path) as journal:
        with monkeypatch.context() as patched:
            patched.setattr(Ledger, "put", lambda *_: 1 // 0)
            with pytest.raises(StoreError):
                await asyncio.wait_for(journal.append(draft("room.swapped")), 30)
        with pytest.raises(StoreError):
            await asyncio.wait_for(journal.append(draft("room.swapped")), 30)
        with pytest.raises(StoreError):
            await asyncio.wait_for(journal.flushed(), 30)
        await until(lambda: journal.fault is not None)
    assert seen == [ZeroDivisionError]


async def test_a_refused_import_leaves_the_writer_as_it_was(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        session = await keep_session(journal)
        entries = await journal.entries(session)
        with pytest.raises(Refused):
            await journal.import_entries(entries, actor="tablet")
        await journal.append(draft("plan.written", {"text": "rest"}, session=session))
        assert (await journal.verify()).is_intact
