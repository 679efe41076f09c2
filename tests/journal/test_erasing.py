"""Erasing a client: no file of the folder holds the code or a word of theirs, and the chains still hold."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.journal.rig import draft, journal_in, keep_session, opened
from twintap.errors import Refused, StoreError
from twintap.journal import backups, sqlite
from twintap.journal.ids import new_id

CODE = "QXZ-4711"
NOTE = "the lighthouse at the harbour"


def holding(folder: Path, *words: str) -> set[str]:
    """Names of the files in the folder that hold one of these words, in whatever case."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and any(word.lower().encode() in path.read_bytes().lower() for word in words)
    }


async def test_nothing_of_the_client_is_left_in_any_file_while_the_journal_runs(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        mine = [await keep_session(journal, CODE, note=f"{NOTE} {n}") for n in range(3)]
        other = await keep_session(journal, "K-2", note="somebody else")
        await journal.copy_today()
        assert "journal.sqlite3-wal" in await asyncio.to_thread(holding, tmp_path, CODE)
        assert (
            f"backups/{next(iter(backups.copies(tmp_path))).name}/journal.sqlite3"
            in await asyncio.to_thread(holding, tmp_path, NOTE)
        )

        erasure = await journal.erase(CODE, actor="tablet")

        assert await asyncio.to_thread(holding, tmp_path, CODE, NOTE) == set()
        assert (erasure.sessions, erasure.events, erasure.copies) == (3, 21, 1)
        assert erasure.mentions == ()
        # The rest is there, the folder has a new copy, and the tombstone is in the daemon's chain.
        assert [row.id for row in await journal.sessions()] == [other]
        assert len(backups.copies(tmp_path)) == 1
        assert await asyncio.to_thread(holding, tmp_path / "backups", "somebody else")
        tombstone = next(one for one in await journal.daemon_entries() if one.type == "journal.erased")
        assert (tombstone.actor, tombstone.hash) == ("tablet", erasure.head)
        assert tombstone.data is not None
        assert set(tombstone.data["heads"]) == {f"session:{session}" for session in mine}
        verdict = await journal.verify()
        assert verdict.is_intact
        states = {one.chain: one.state for one in verdict.chains}
        assert all(states[f"session:{session}"] == "erased" for session in mine)
        assert states[f"session:{other}"] == "intact"
        # Work goes on, also for the same code.
        await keep_session(journal, CODE)
        row = await journal.session(mine[0])
        assert row.erased
        assert row.code == ""
        assert [entry.data for entry in await journal.entries(mine[0])] == [None] * 7
    assert (await _verified(tmp_path)).is_intact


async def _verified(folder: Path) -> Any:
    async with journal_in(folder) as journal:
        return await journal.verify()


async def test_a_session_that_was_moved_to_the_client_goes_too(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        session = await keep_session(journal, "K-9", note=NOTE)
        await journal.append(draft("session.moved", {"code": CODE}, session=session))
        await journal.erase(CODE, actor="tablet")
        assert await asyncio.to_thread(holding, tmp_path, CODE, NOTE) == set()


async def test_of_a_session_that_was_moved_away_only_the_wrong_code_goes(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        session = await keep_session(journal, CODE, note="stays")
        await journal.append(draft("session.moved", {"code": "K-9"}, session=session))
        before = await journal.session(session)

        erasure = await journal.erase(CODE, actor="tablet")

        assert (erasure.sessions, erasure.events) == (0, 1)
        assert await asyncio.to_thread(holding, tmp_path, CODE) == set()
        assert await journal.session(session) == before
        entries = await journal.entries(session)
        assert (entries[0].type, entries[-1].type) == (None, "session.restated")
        assert any(entry.type == "note.added" for entry in entries)
        assert (await journal.verify()).is_intact
        # It can still be written to, and its row made again from what is left.
        await journal.append(draft("plan.written", {"text": "rest"}, session=session))
    async with journal_in(tmp_path) as journal:
        assert (await journal.session(session)) == before
        assert (await journal.verify()).is_intact


async def test_a_session_that_was_moved_through_the_client_keeps_its_own(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        session = await keep_session(journal, "K-1")
        for code in (CODE, "K-3"):
            await journal.append(draft("session.moved", {"code": code}, session=session))
        await journal.erase(CODE, actor="tablet")
        assert await asyncio.to_thread(holding, tmp_path, CODE) == set()
        assert (await journal.session(session)).code == "K-3"
        assert (await journal.verify()).is_intact


async def test_words_of_other_clients_that_name_the_code_are_left_and_told(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        await keep_session(journal, CODE)
        named = await keep_session(journal, "K-2", note=f"is the brother of {CODE.lower()}.")
        await keep_session(journal, "K-3", note=f"x{CODE}x is another word")
        erasure = await journal.erase(CODE, actor="tablet")
        assert erasure.mentions == (named,)


async def test_an_unknown_client_or_one_whose_session_is_open_is_refused(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        with pytest.raises(Refused) as refusal:
            await journal.erase("K-0", actor="tablet")
        assert refusal.value.fault.code == "unknown"
        await keep_session(journal, CODE)
        await journal.append(opened(new_id(), CODE))
        with pytest.raises(Refused, match="close it first") as refusal:
            await journal.erase(CODE, actor="tablet")
        assert refusal.value.fault.code == "running"
        assert CODE not in str(refusal.value)
        assert len(await journal.sessions(code=CODE)) == 2
        assert (await journal.verify()).is_intact


async def test_an_erasure_that_a_kill_cut_short_is_finished_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with journal_in(tmp_path) as journal:
        await keep_session(journal, CODE, note=NOTE)
        await journal.copy_today()

        def fail(_path: Path) -> None:
            raise StoreError("the disk is full")

        with monkeypatch.context() as patched:
            patched.setattr(sqlite, "scrub", fail)
            with pytest.raises(StoreError, match="traces are left"):
                await journal.erase(CODE, actor="tablet")
        assert await asyncio.to_thread(holding, tmp_path, NOTE)
        assert await journal.sessions() == []
    async with journal_in(tmp_path):
        assert await asyncio.to_thread(holding, tmp_path, CODE, NOTE) == set()
    # Done once: the next start has nothing to scrub.
    monkeypatch.setattr(sqlite, "scrub", lambda _path: pytest.fail("scrubbed again"))
    async with journal_in(tmp_path):
        pass


async def test_a_copy_and_an_erasure_wait_for_each_other(tmp_path: Path) -> None:
    async with journal_in(tmp_path) as journal:
        await keep_session(journal, CODE, note=NOTE)
        await asyncio.gather(journal.copy_today(), journal.erase(CODE, actor="tablet"), journal.copy_today())
        assert await asyncio.to_thread(holding, tmp_path, CODE, NOTE) == set()
