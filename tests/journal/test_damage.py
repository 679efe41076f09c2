"""A file to which anything may have happened: it is read, or said to be damaged in words; nothing else."""

import asyncio
import random
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.journal.rig import DAEMON_ID, draft, journal_in, keep_session
from twintap.cli import main
from twintap.errors import Refused, StoreError
from twintap.journal.journal import Journal
from twintap.journal.migrating import REVISION

MEND = "twintap journal verify.*twintap restore"
COLUMNS = [
    *((table, "id") for table in ("links", "payloads", "sessions")),
    *(("links", name) for name in ("chain", "seq", "entered", "payload_sha256", "prev", "hash")),
    *(("payloads", name) for name in ("salt", "body")),
    *(("sessions", name) for name in ("code", "opened_at", "opened_us", "closed_at", "sets", "last_sud")),
]
ODD: list[object] = [0, -1, 2**62, 1.5, b"\xff\x00", "", "x", "2026-13-45", '{"a":1}', b"[1]"]


@pytest.fixture
async def sessions(tmp_path: Path) -> list[str]:
    """Two closed sessions and an open one in `tmp_path`, and what stands outside of them."""
    async with journal_in(tmp_path) as journal:
        found = [await keep_session(journal, code, is_closed=code != "K-3") for code in ("K-1", "K-2", "K-3")]
        await journal.append(draft("room.swapped"))
    return found


async def read_all(folder: Path, sessions: list[str]) -> list[str]:
    """Open it, ask for all that can be asked, append; give what was said to be wrong."""
    said: list[str] = []
    try:
        journal = await asyncio.to_thread(Journal.open, folder, daemon_id=DAEMON_ID)
    except StoreError as error:
        return [str(error)]
    asked = [journal.sessions(), journal.open_sessions(), journal.clients(), journal.room_entries("blue")]
    asked += [journal.entries(one) for one in sessions]
    asked += [journal.session(one) for one in sessions]
    asked += [journal.verify(), journal.append(draft("rating.sud", {"value": 3}, session=sessions[-1]))]
    try:
        for one in asked:
            try:
                await one
            except (StoreError, Refused) as error:
                said.append(str(error))
    finally:
        await journal.close()
    return said


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(number=st.integers(0, 10**6))
def test_a_damaged_file_is_read_or_said_to_be_damaged(
    tmp_path_factory: pytest.TempPathFactory, whole: tuple[bytes, list[str]], number: int
) -> None:
    image, sessions = whole
    chance = random.Random(number)
    folder = tmp_path_factory.mktemp("damaged")
    path = folder / "journal.sqlite3"
    path.touch(0o600)
    raw = bytearray(image)
    if number % 2:
        for _ in range(chance.choice((1, 10, 100))):
            raw[chance.randrange(len(raw))] = chance.randrange(256)
    path.write_bytes(raw)
    if not number % 2:
        table, column = chance.choice(COLUMNS)
        with closing(sqlite3.connect(path)) as connection, connection:
            some = f"SELECT rowid FROM {table} ORDER BY rowid % {chance.randint(2, 9)} LIMIT 2"
            connection.execute(
                f"UPDATE OR IGNORE {table} SET {column} = ? WHERE rowid IN ({some})", [chance.choice(ODD)]
            )
    asyncio.run(read_all(folder, sessions))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[str]]:
    """The bytes of a sound file, and its sessions."""
    folder = tmp_path_factory.mktemp("whole")

    async def make() -> list[str]:
        async with journal_in(folder) as journal:
            found = [await keep_session(journal, code, is_closed=code != "K-3") for code in ("K-1", "K-3")]
            await journal.append(draft("room.swapped"))
        return found

    sessions = asyncio.run(make())
    return (folder / "journal.sqlite3").read_bytes(), sessions


async def test_a_moment_that_is_none_is_said_in_words(tmp_path: Path, sessions: list[str]) -> None:
    with closing(sqlite3.connect(tmp_path / "journal.sqlite3")) as connection, connection:
        connection.execute("UPDATE sessions SET opened_at = '2026-1!-22', opened_us = 'x'")
    async with journal_in(tmp_path) as journal:
        for asked in (journal.sessions(), journal.clients(), journal.open_sessions()):
            with pytest.raises(StoreError, match=MEND):
                await asked
        assert not (await journal.verify()).is_intact


async def test_an_index_that_lost_its_row_is_found_though_every_chain_holds(
    tmp_path: Path, sessions: list[str]
) -> None:
    path = tmp_path / "journal.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
        [size] = connection.execute("PRAGMA page_size").fetchone()
        roots = [
            root
            for name, root in connection.execute(
                "SELECT name, rootpage FROM sqlite_master WHERE type = 'index' AND tbl_name = 'sessions'"
            )
            if "code" in name
        ]
    raw = bytearray(path.read_bytes())
    at = raw.index(b"K-1", (roots[0] - 1) * size, roots[0] * size)
    raw[at : at + 3] = b"K-9"
    path.write_bytes(raw)
    async with journal_in(tmp_path) as journal:
        verdict = await journal.verify()
    assert {one.state for one in verdict.chains} == {"intact"}
    assert not verdict.is_intact
    assert "index" in (verdict.file_fault or "")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("cut", MEND),
        ("another file", "is no journal; look with ." + MEND),
        ("newer", "written by a newer twintap.*install that one again, or restore a backup"),
    ],
)
def test_a_daemon_on_a_damaged_or_newer_journal_says_so_and_ends(
    tmp_path: Path, sessions: list[str], capsys: pytest.CaptureFixture[str], harm: str, words: str
) -> None:
    path = tmp_path / "journal.sqlite3"
    tmp_path.chmod(0o700)
    if harm == "newer":
        assert REVISION != "9999"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE alembic_version SET version_num = '9999'")
    else:
        raw = path.read_bytes()
        path.write_bytes(raw[: len(raw) * 2 // 3] if harm == "cut" else bytes(range(256)) * 64)
    assert main(["serve", "--data", str(tmp_path), "--port", "0"]) == 1
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    assert "Traceback" not in said
    assert re.search(words, said)
