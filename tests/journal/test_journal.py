"""Handing in and reading back: what is acknowledged is there, in its place, and nothing else is taken."""

import asyncio
import gc
import os
import stat
from collections.abc import Generator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster, BlockingError

from tests.journal.rig import draft, journal_in, keep_session, later, opened, recorded, types
from twintap.errors import Refused, StoreError
from twintap.journal.chain import GENESIS
from twintap.journal.ids import new_id
from twintap.journal.journal import Journal


@pytest.fixture(autouse=True)
def watched() -> Generator[None]:
    """No call of these tests may block the loop."""
    watcher = BlockBuster("twintap")
    watcher.activate()
    yield
    watcher.deactivate()


async def test_an_appended_event_is_there_after_reopening(tmp_path: Path) -> None:
    session = new_id()
    moment = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    async with journal_in(tmp_path) as journal:
        first = await journal.append(opened(session))
        told = await journal.append(draft("rating.sud", {"value": 7}, session=session, at=moment))
        boot_id = journal.boot_id
    async with journal_in(tmp_path) as journal:
        kept = await journal.entries(session)
        assert kept == [first, told]
        assert [entry.seq for entry in kept] == [1, 2]
        assert (kept[0].prev, kept[1].prev) == (GENESIS, kept[0].hash)
        assert kept[1].at == moment
        assert kept[1].at.utcoffset() == timedelta(hours=1)
        assert kept[1].boot_id == boot_id
        assert await journal.head(f"session:{session}") == told.hash


async def test_each_session_room_and_the_daemon_have_a_chain_of_their_own(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        session = await keep_session(journal)
        await journal.append(draft("room.swapped"))
        await journal.append(draft("clock.jumped", room="green"))
        await journal.append(draft("daemon.stopped", room=None))
        assert types(await journal.room_entries("blue")) == ["room.swapped"]
        assert types(await journal.room_entries("green")) == ["clock.jumped"]
        # The end of a session's chain stands in the daemon's.
        sealed, stopped = await journal.daemon_entries()
        assert (sealed.type, stopped.type) == ("journal.sealed", "daemon.stopped")
        kept = await journal.entries(session)
        assert sealed.data == {"chain": f"session:{session}", "seq": len(kept), "head": kept[-1].hash}


async def test_a_rooms_events_come_in_pages(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        await asyncio.gather(*(journal.append(draft("note.added", {"text": f"{n}"})) for n in range(7)))
        seen: list[Any] = []
        while page := await journal.room_entries("blue", after_seq=len(seen), limit=3):
            seen += page
        assert [entry.data["text"] for entry in seen] == [str(n) for n in range(7)]


@pytest.mark.parametrize(
    ("kind", "data", "field"),
    [
        ("rating.sud", {"value": 11}, "data.value"),
        ("rating.sud", {"value": "7"}, "data.value"),
        ("rating.sud", {"value": True}, "data.value"),
        ("rating.sud", {"value": 7, "name": "x"}, "data.name"),
        ("rating.sud", {}, "data.value"),
        ("rating.mood", {"value": 1}, "type"),
        ("mark.set", {"mark": "vitals", "pulse_bpm": 4000}, "data.pulse_bpm"),
        ("note.added", {"text": "\ud800"}, "data"),
        ("set.started", {"set_uid": new_id(), "go_us": float("nan")}, "data"),
    ],
)
async def test_what_is_no_event_is_refused_at_once_naming_the_field(
    tmp_path: Path, kind: str, data: dict[str, object], field: str
) -> None:
    async with journal_in(tmp_path) as journal:
        with pytest.raises(Refused) as refusal:
            journal.append(draft(kind, data))
        assert refusal.value.fault.field == field
        with pytest.raises(Refused):
            journal.keep(draft(kind, data))


async def test_a_refusal_never_repeats_what_was_said(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        for bad in ({"text": 17171717}, {"text": "x", "Maria Musterfrau": 1}, {"text": "secret" * 1000}):
            with pytest.raises(Refused) as refusal:
                journal.append(draft("note.added", bad))
            assert "secret" not in str(refusal.value)
            assert "17171717" not in str(refusal.value)


async def test_an_event_without_a_zone_or_a_place_is_refused(tmp_path: Path) -> None:
    naive = datetime(2026, 3, 1)  # noqa: DTZ001 - that is the point
    async with journal_in(tmp_path) as journal:
        for bad in (
            draft("room.swapped", at=naive),
            draft("room.swapped", room="a/b"),
            draft("room.swapped", actor=""),
            draft("room.swapped", actor="x\ny"),
            draft("room.swapped", session="1"),
            draft("room.swapped", session=new_id(), room=None),
        ):
            with pytest.raises(Refused):
                journal.append(bad)


async def test_an_event_has_to_follow_in_its_session(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        session, other = await keep_session(journal), await keep_session(journal)
        sud = next(entry for entry in await journal.entries(other) if entry.type == "rating.sud")
        for bad, code in (
            (draft("rating.sud", {"value": 1}, session=new_id()), "unknown"),
            (opened(session), "taken"),
            (draft("session.closed", {"reason": "asked"}, session=session), "taken"),
            (draft("entry.undone", {"entry": sud.id}, session=session), "unknown"),
            (draft("entry.corrected", {"entry": sud.id, "data": {"value": 99}}, session=other), "field"),
        ):
            with pytest.raises(Refused) as refusal:
                await journal.append(bad)
            assert refusal.value.fault.code == code
        # What was refused left no link, and the chain goes on.
        await journal.append(draft("entry.corrected", {"entry": sud.id, "data": {"value": 9}}, session=other))
        assert (await journal.verify()).is_intact


async def test_an_id_is_taken_once(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        one = draft("room.swapped")
        results = await asyncio.gather(journal.append(one), journal.append(one), return_exceptions=True)
        assert sorted(isinstance(result, Refused) for result in results) == [False, True]
        with pytest.raises(Refused) as refusal:
            await journal.append(one)
        assert refusal.value.fault.code == "taken"
        assert len(await journal.room_entries("blue")) == 1


async def test_many_at_once_keep_the_order_in_which_they_were_handed_in(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        session = new_id()
        drafts = [
            opened(session),
            *(draft("note.added", {"text": f"{n}"}, session=session) for n in range(600)),
        ]
        waiting = [journal.append(one) for one in drafts[:300]]
        for one in drafts[300:600]:
            journal.keep(one)
        waiting.append(journal.append(drafts[600]))
        await asyncio.gather(*waiting)
        assert [entry.id for entry in await journal.entries(session)] == [one.id for one in drafts]


async def test_flushed_returns_once_all_before_it_is_on_disk(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        for n in range(50):
            journal.keep(draft("note.added", {"text": f"{n}"}))
        await journal.flushed()
        assert len(await journal.room_entries("blue")) == 50


async def test_closing_writes_what_waits_and_takes_no_more(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        for n in range(400):
            journal.keep(draft("note.added", {"text": f"{n}"}))
        await journal.close()
        with pytest.raises(StoreError, match="closed"):
            await journal.append(draft("room.swapped"))
        journal.keep(draft("room.swapped"))
    async with journal_in(tmp_path) as journal:
        assert len(await journal.room_entries("blue")) == 400


async def test_sessions_are_listed_newest_first_page_by_page(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        ids: list[str] = []
        for number in range(7):
            session = new_id()
            # Two were opened in the same microsecond.
            at = later(-3600 + number // 2)
            await journal.append(
                opened(session, f"K-{number % 2}", room=("blue", "green")[number % 2], at=at)
            )
            ids.append(session)
        newest = [row.id for row in await journal.sessions()]
        assert sorted(newest) == sorted(ids)
        paged: list[str] = []
        while page := await journal.sessions(before=paged[-1] if paged else None, limit=2):
            paged += [row.id for row in page]
        assert paged == newest
        assert {row.room for row in await journal.sessions(code="K-1")} == {"green"}
        assert len(await journal.sessions(room="blue", code="K-1")) == 0
        assert len(await journal.open_sessions()) == 7
        with pytest.raises(Refused, match="no such session"):
            await journal.sessions(before=new_id())
        with pytest.raises(Refused, match="limit"):
            await journal.sessions(limit=0)


async def test_clients_are_counted(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        for code in ("K-2", "K-1", "K-2"):
            await keep_session(journal, code)
        rows = await journal.clients()
        assert [(row.code, row.visits) for row in rows] == [("K-1", 1), ("K-2", 2)]
        assert rows[1].first_at < rows[1].last_at


async def test_a_session_that_never_was_is_unknown(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        for asked in (journal.session, journal.entries):
            with pytest.raises(Refused) as refusal:
                await asked(new_id())
            assert refusal.value.fault.code == "unknown"


async def test_reads_go_on_while_a_long_write_is_under_way(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        await keep_session(journal)
        hold, held = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def long_write(ledger: Any) -> None:
            def do(_connection: object) -> None:
                loop.call_soon_threadsafe(held.set)
                asyncio.run_coroutine_threadsafe(hold.wait(), loop).result(30)

            ledger.work(do)

        writing = journal._writer.work(long_write)  # pyright: ignore[reportPrivateUsage]
        await held.wait()
        assert len(await journal.sessions()) == 1
        assert not writing.done()
        hold.set()
        await writing


def inside(folder: Path) -> tuple[list[Path], list[Path]]:
    found = list(folder.rglob("*"))
    return [path for path in found if path.is_file()], [path for path in found if path.is_dir()]


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
async def test_the_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        async with journal_in(tmp_path) as journal:
            await keep_session(journal)
            await journal.copy_today()
            files, folders = await asyncio.to_thread(inside, tmp_path)
            assert {"journal.sqlite3", "journal.sqlite3-wal"} <= {path.name for path in files}
            assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
            assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    finally:
        os.umask(old)
    (tmp_path / "journal.sqlite3").chmod(0o640)
    with pytest.raises(StoreError, match="chmod 600"):
        await asyncio.to_thread(Journal.open, tmp_path, daemon_id=bytes(8))


async def test_a_damaged_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite3").write_bytes(b"no database at all" * 500)
    (tmp_path / "journal.sqlite3").chmod(0o600)
    with pytest.raises(StoreError, match="is no journal"):
        await asyncio.to_thread(Journal.open, tmp_path, daemon_id=bytes(8))


async def test_an_abandoned_journal_keeps_no_program_alive(tmp_path: Path) -> None:
    """A loop that died while an append waited is no reason to hang or to warn."""
    async with journal_in(tmp_path) as journal:
        waiting = journal.append(draft("room.swapped"))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await journal.flushed()
        assert len(await journal.room_entries("blue")) == 1
    gc.collect()


async def test_the_watcher_of_this_file_sees_what_blocks(tmp_path: Path) -> None:
    with pytest.raises(BlockingError):
        Journal.open(tmp_path, daemon_id=bytes(8))


async def test_a_set_told_twice_is_counted_once(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        session, uid = new_id(), new_id()
        for one in (opened(session), recorded(session, 24, uid), recorded(session, 25, uid)):
            await journal.append(one)
        row = await journal.session(session)
        assert (row.sets, row.passes) == (1, 25)
