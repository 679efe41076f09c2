"""Backups: one a day by itself, and one that is sealed; what comes back is what was there, or nothing."""

import asyncio
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.journal.rig import draft, journal_in, keep_session, types
from twintap.errors import StoreError
from twintap.journal import backups, sealing
from twintap.journal.restoring import backup, restore
from twintap.store import Pairing, Store

PASSPHRASE = "four words do well"
LEFT = Pairing(b"\x02\x01\x02\x03\x04\x05\x06\x07", bytes(range(16)), "room-1", "left", "one", 60.0)


@pytest.fixture(autouse=True)
def quick_seal(monkeypatch: pytest.MonkeyPatch) -> None:
    # The cost of a guess is for thieves; here it is a few ms.
    monkeypatch.setattr(sealing, "_LOG_N", 10)
    monkeypatch.setattr(sealing, "CHUNK_BYTES", 8192)


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A data folder with pairings, tokens, rooms and one session."""
    folder = tmp_path / "data"
    store = await asyncio.to_thread(Store.open, folder)
    await asyncio.to_thread(store.put_pairing, LEFT)
    await asyncio.to_thread(store.room_colour, "room-1")
    async with journal_in(folder) as journal:
        await keep_session(journal)
    store.close()
    (folder / "virtual").mkdir()
    (folder / "virtual" / "trace.csv").write_text("x")
    (folder / "other.json").write_text("{}")
    (folder / "tls").mkdir()
    (folder / "tls" / "authority.pem").write_text("a certificate")
    return folder


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


# --- by itself ----------------------------------------------------------------------------------------------


async def test_there_is_one_copy_a_day_of_all_that_matters(folder: Path) -> None:
    async with journal_in(folder) as journal:
        copied = await journal.copy_today()
        assert copied is not None
        assert await journal.copy_today() is None
        await journal.flushed()
        told = [entry for entry in await journal.daemon_entries() if entry.type == "journal.backup"]
        assert [one.data["name"] for one in told if one.data] == [copied.name]
    expected = {
        "daemon.json",
        "pairings.json",
        "tokens.json",
        "rooms.json",
        "other.json",
        "tls/authority.pem",
    }
    assert names(copied) == expected | {"journal.sqlite3"}


async def test_a_copy_is_a_journal_that_opens(folder: Path) -> None:
    async with journal_in(folder) as journal:
        before = await journal.sessions()
        copied = await journal.copy_today()
    assert copied is not None
    async with journal_in(copied) as journal:
        assert await journal.sessions() == before
        assert (await journal.verify()).is_intact


def test_fourteen_days_are_kept_and_three_from_before_migrations(folder: Path) -> None:
    begun = datetime(2026, 1, 1, tzinfo=UTC)
    for day in range(20):
        assert backups.take_daily(folder, begun + timedelta(days=day)) is not None
    for version in range(5):
        backups.put_aside(folder, f"000{version}")
    (folder / "backups" / "mine").mkdir()
    found = [path.name for path in backups.copies(folder)]
    assert [name for name in found if name.startswith("2026")] == [
        f"2026-01-{day:02}" for day in range(7, 21)
    ]
    assert [name[:11] for name in found if name.startswith("before")] == [
        "before-0002",
        "before-0003",
        "before-0004",
    ]
    # What somebody else put there is not ours to remove.
    assert (folder / "backups" / "mine").is_dir()


def test_what_a_killed_backup_left_is_removed_after_a_day(folder: Path) -> None:
    left = folder / f"{backups.MAKING}x"
    left.mkdir()
    now = datetime.now(UTC)
    backups.take_daily(folder, now)
    assert left.is_dir(), "it may be under way"
    backups.take_daily(folder, now + timedelta(days=2))
    assert not left.exists()


def test_a_copy_that_fails_leaves_no_half_of_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: Path) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backups, "read_whole", fail)
    with pytest.raises(StoreError, match="No space left"):
        backups.take(folder, "2026-01-01")
    assert list((folder / "backups").iterdir()) == []


async def test_the_daily_round_makes_a_copy_when_it_is_quiet_and_outlives_a_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import twintap.journal.journal as module

    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.01)
    state = {"is_quiet": False, "asked": 0, "fails": True}

    def is_quiet() -> bool:
        state["asked"] += 1
        return state["is_quiet"]

    real = backups.take

    def take(folder: Path, name: str) -> Path:
        if state["fails"]:
            raise StoreError("the disk is full")
        return real(folder, name)

    monkeypatch.setattr(backups, "take", take)
    async with journal_in(folder) as journal:
        daily = asyncio.create_task(journal.daily(is_quiet))
        async with asyncio.timeout(30):
            for changed in ({"is_quiet": True}, {"fails": False}):
                asked = state["asked"]
                while state["asked"] < asked + 3:  # noqa: ASYNC110 - a condition of the round's own
                    await asyncio.sleep(0.01)
                assert backups.copies(folder) == []
                state |= changed
            while not backups.copies(folder):  # noqa: ASYNC110 - the same
                await asyncio.sleep(0.01)
        daily.cancel()
        await asyncio.gather(daily, return_exceptions=True)


# --- sealed -------------------------------------------------------------------------------------------------


async def test_what_is_restored_is_what_was_there(folder: Path, tmp_path: Path) -> None:
    target, fresh = tmp_path / "backup.twintap", tmp_path / "fresh"
    async with journal_in(folder) as journal:
        before = await journal.sessions()
        entries = await journal.entries(before[0].id)
        # While the journal is in use, as with a daemon that runs.
        size = await asyncio.to_thread(backup, folder, target, PASSPHRASE)
    assert target.stat().st_size == size
    await asyncio.to_thread(restore, target, fresh, PASSPHRASE)
    async with journal_in(fresh) as journal:
        assert await journal.sessions() == before
        assert await journal.entries(before[0].id) == entries
        await journal.append(draft("room.swapped"))
        assert (await journal.verify()).is_intact
    store = await asyncio.to_thread(Store.open, fresh)
    assert store.pairings() == [LEFT]
    store.close()
    assert (fresh / "tls" / "authority.pem").read_text() == "a certificate"
    assert hidden(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_backup_and_what_is_restored_are_for_their_owner_alone(folder: Path, tmp_path: Path) -> None:
    target, fresh = tmp_path / "b", tmp_path / "fresh"
    backup(folder, target, PASSPHRASE)
    restore(target, fresh, PASSPHRASE)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in fresh.rglob("*")} == {0o600, 0o700}


def test_nothing_in_a_backup_can_be_read_without_the_passphrase(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "b"
    backup(folder, target, PASSPHRASE)
    raw = target.read_bytes()
    for word in (
        b"K-17",
        b"a word or two",
        bytes(range(16)),
        bytes(range(16)).hex().encode(),
        b"journal",
        b"SQLite",
    ):
        assert word not in raw


@pytest.mark.parametrize("passphrase", ["four words do wel", "", "Four words do well"])
def test_a_wrong_passphrase_restores_nothing(folder: Path, tmp_path: Path, passphrase: str) -> None:
    target = tmp_path / "b"
    backup(folder, target, PASSPHRASE)
    with pytest.raises(StoreError, match="passphrase is wrong"):
        restore(target, tmp_path / "fresh", passphrase)
    assert not (tmp_path / "fresh").exists()


def test_a_changed_or_cut_backup_restores_nothing(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "b"
    backup(folder, target, PASSPHRASE)
    whole = target.read_bytes()
    assert len(whole) > 2 * sealing.CHUNK_BYTES, "the backup has to have several chunks"
    chunk = sealing.CHUNK_BYTES + 16
    header = sealing._HEADER.size  # pyright: ignore[reportPrivateUsage]

    def check(raw: bytes) -> None:
        damaged, fresh = tmp_path / "damaged", tmp_path / "fresh"
        damaged.write_bytes(raw)
        with pytest.raises(StoreError):
            restore(damaged, fresh, PASSPHRASE)
        assert not fresh.exists()
        assert hidden(tmp_path) == []

    for raw in (
        whole[: header + chunk],  # cut at a chunk's end
        whole[: header + chunk] + whole[header + 2 * chunk :],  # one left out
        whole[:header]
        + whole[header + chunk : header + 2 * chunk]
        + whole[header : header + chunk],  # swapped
        whole[:-1],
        whole + b"\x00",
        whole[:header],
        b"",
        b"PK\x03\x04 something else",
    ):
        check(raw)

    # The part of scrypt's cost in the header is left out: a guess at it may take a GiB, and is tested below.
    places = st.integers(0, len(whole) - 1).filter(lambda at: not 8 <= at < 12)

    @settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(places, st.integers(0, 7))
    def flip(at: int, bit: int) -> None:
        raw = bytearray(whole)
        raw[at] ^= 1 << bit
        check(bytes(raw))

    flip()


@pytest.mark.parametrize(("at", "value"), [(8, 2), (9, 0), (9, 31), (10, 255), (11, 9)])
def test_a_header_that_asks_for_too_much_is_refused_before_it_costs_anything(
    folder: Path, tmp_path: Path, at: int, value: int
) -> None:
    target = tmp_path / "b"
    backup(folder, target, PASSPHRASE)
    raw = bytearray(target.read_bytes())
    raw[at] = value
    target.write_bytes(raw)
    with pytest.raises(StoreError, match=r"newer twintap|damaged at its beginning"):
        restore(target, tmp_path / "fresh", PASSPHRASE)


def test_the_cost_of_a_guess_is_what_it_has_to_be() -> None:
    # Not the one of these tests: the module's own text.
    text = Path(sealing.__file__).read_text("utf-8")
    assert "_LOG_N, _R, _P = 17, 8, 1" in text


def test_a_folder_with_data_is_never_restored_over(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "b"
    backup(folder, target, PASSPHRASE)
    before = {name: (folder / name).read_bytes() for name in names(folder)}
    with pytest.raises(StoreError, match="holds data already"):
        restore(target, folder, PASSPHRASE)
    assert {name: (folder / name).read_bytes() for name in names(folder)} == before


def test_a_folder_that_was_only_made_is_restored_into(folder: Path, tmp_path: Path) -> None:
    target, fresh = tmp_path / "b", tmp_path / "fresh"
    backup(folder, target, PASSPHRASE)
    fresh.mkdir()
    (fresh / "lock").touch()
    restore(target, fresh, PASSPHRASE)
    assert (fresh / "journal.sqlite3").is_file()


def test_a_backup_never_writes_over_a_file(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "b"
    target.write_text("mine")
    with pytest.raises(StoreError, match="there already"):
        backup(folder, target, PASSPHRASE)
    assert target.read_text() == "mine"
    with pytest.raises(StoreError, match="passphrase has to have 8"):
        backup(folder, tmp_path / "c", "short")
    with pytest.raises(StoreError, match="No such file"):
        backup(folder, tmp_path / "nowhere" / "c", PASSPHRASE)
    with pytest.raises(StoreError, match="no journal in"):
        backup(tmp_path / "nowhere", tmp_path / "c", PASSPHRASE)


def test_a_backup_that_fails_leaves_no_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: object, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sealing.SealingWriter, "write", fail)
    with pytest.raises(StoreError, match="No space left"):
        backup(folder, tmp_path / "b", PASSPHRASE)
    assert not (tmp_path / "b").exists()
    assert hidden(tmp_path) == hidden(folder) == []


def test_a_daily_copy_restores_without_a_passphrase(folder: Path, tmp_path: Path) -> None:
    copied = backups.take(folder, "2026-01-01")
    restore(copied, tmp_path / "fresh", None)
    assert names(tmp_path / "fresh") == names(copied)
    with pytest.raises(StoreError, match="no copy of a data folder"):
        restore(folder / "tls", tmp_path / "other", None)


async def test_a_backup_whose_journal_is_broken_is_refused(folder: Path, tmp_path: Path) -> None:
    from tests.journal.test_proving import edit

    copied = await asyncio.to_thread(backups.take, folder, "2026-01-01")
    await asyncio.to_thread(
        edit, copied, "DELETE FROM payloads WHERE id IN (SELECT id FROM links WHERE seq = 2)"
    )
    with pytest.raises(StoreError, match="is broken"):
        await asyncio.to_thread(restore, copied, tmp_path / "fresh", None)
    assert not (tmp_path / "fresh").exists()


# --- imports ------------------------------------------------------------------------------------------------


async def test_exported_entries_come_into_an_empty_journal_and_verify(folder: Path, tmp_path: Path) -> None:
    async with journal_in(folder) as journal:
        [row] = await journal.sessions()
        entries = await journal.entries(row.id)
    async with journal_in(tmp_path / "other") as journal:
        taken = await journal.import_entries(entries, actor="tablet")
        assert (taken.sessions, taken.events) == (1, len(entries))
        assert await journal.entries(row.id) == entries
        assert await journal.sessions() == [row]
        assert types(await journal.daemon_entries()) == ["journal.imported"]
        assert (await journal.verify([entries[-1].hash])).is_intact


async def test_a_session_whose_client_was_erased_imports_as_erased(folder: Path, tmp_path: Path) -> None:
    async with journal_in(folder) as journal:
        [row] = await journal.sessions()
        await journal.erase(row.code, actor="tablet")
        entries = await journal.entries(row.id)
    async with journal_in(tmp_path / "other") as journal:
        await journal.import_entries(entries, actor="tablet")
        verdict = await journal.verify()
        assert verdict.is_intact
        assert "erased" in {one.state for one in verdict.chains}
