"""The proof finds what a casual hand or an accident did to the file, and clears what only an erasure did."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.journal.rig import draft, journal_in, keep_session, opened
from twintap.journal import sqlite
from twintap.journal.ids import new_id
from twintap.journal.proving import ChainVerdict, Verdict, prove


def edit(folder: Path, *statements: str) -> None:
    """What a hand with a database tool does, past every rule of the tables."""
    with closing(sqlite3.connect(folder / "journal.sqlite3")) as connection, connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for statement in statements:
            changed = connection.execute(statement).rowcount
            assert changed > 0, f"nothing was changed by {statement}"


async def proved(folder: Path, *heads: str) -> Verdict:
    async with journal_in(folder) as journal:
        return await journal.verify(heads)


def broken(verdict: Verdict) -> list[ChainVerdict]:
    return [one for one in verdict.chains if one.state == "broken"]


@pytest.fixture
async def session(tmp_path: Path) -> str:
    """A closed session with seven events, beside others, in `tmp_path`."""
    async with journal_in(tmp_path) as journal:
        await keep_session(journal, "K-1")
        session = await keep_session(journal)
        await journal.append(draft("room.swapped"))
    return session


async def test_an_untouched_journal_is_intact(tmp_path: Path, session: str) -> None:
    verdict = await proved(tmp_path)
    assert verdict.is_intact
    assert {one.state for one in verdict.chains} == {"intact"}
    assert {one.chain for one in verdict.chains} >= {f"session:{session}", "room:blue", "daemon"}


async def test_a_proof_gives_way_between_any_two_events(tmp_path: Path, session: str) -> None:
    engine = sqlite.reading_engine(tmp_path / "journal.sqlite3")
    ways: list[None] = []
    try:
        with engine.begin() as connection:
            verdict = prove(connection, between=lambda: ways.append(None))
    finally:
        engine.dispose()
    assert len(ways) == sum(one.events for one in verdict.chains) > 0


HANDS: dict[str, tuple[str, int | None, str]] = {
    "a note changed": (
        "UPDATE payloads SET body = CAST(replace(CAST(body AS TEXT), 'a word', 'no word') AS BLOB)"
        " WHERE id = (SELECT id FROM links WHERE chain = '{chain}' AND seq = 5)",
        5,
        "payload was changed",
    ),
    "a payload deleted": (
        "DELETE FROM payloads WHERE id = (SELECT id FROM links WHERE chain = '{chain}' AND seq = 5)",
        5,
        "no erasure names it",
    ),
    "an event deleted": ("DELETE FROM links WHERE chain = '{chain}' AND seq = 4", 5, "1 before it missing"),
    "the first event deleted": ("DELETE FROM links WHERE chain = '{chain}' AND seq = 1", 2, "missing"),
    "the time changed": (
        "UPDATE links SET entered = '2026-01-01T00:00:00.000000+00:00' WHERE chain = '{chain}' AND seq = 3",
        3,
        "header was changed",
    ),
    "two payloads swapped": (
        "UPDATE payloads SET body = (SELECT body FROM payloads WHERE id = (SELECT id FROM links WHERE chain ="
        " '{chain}' AND seq = 6)) WHERE id = (SELECT id FROM links WHERE chain = '{chain}' AND seq = 3)",
        3,
        "payload was changed",
    ),
    "the end cut off": ("DELETE FROM links WHERE chain = '{chain}' AND seq > 5", None, "its end was cut off"),
    "all of it deleted": ("DELETE FROM links WHERE chain = '{chain}'", None, "gone as a whole"),
    "put into another chain": (
        "UPDATE links SET chain = 'room:green' WHERE chain = '{chain}'",
        None,
        "gone as a whole",
    ),
    "the list's code changed": (
        "UPDATE sessions SET code = 'K-2' WHERE 'session:' || id = '{chain}'",
        None,
        "list of sessions",
    ),
    "the list's figures changed": (
        "UPDATE sessions SET last_sud = 0 WHERE 'session:' || id = '{chain}'",
        None,
        "list of sessions",
    ),
    "taken off the list": (
        "DELETE FROM sessions WHERE 'session:' || id = '{chain}'",
        None,
        "list of sessions",
    ),
}


@pytest.mark.parametrize(("statement", "at_seq", "how"), HANDS.values(), ids=HANDS)
async def test_a_hand_in_the_file_is_found_and_named(
    tmp_path: Path, session: str, statement: str, at_seq: int | None, how: str
) -> None:
    chain = f"session:{session}"
    await asyncio.to_thread(edit, tmp_path, statement.format(chain=chain))
    verdict = await proved(tmp_path)
    assert not verdict.is_intact
    found = next(one for one in broken(verdict) if one.chain == chain)
    assert found.at_seq == at_seq
    assert how in (found.how or "")


async def test_a_listed_session_without_any_event_is_found(tmp_path: Path, session: str) -> None:
    other = new_id()
    await asyncio.to_thread(
        edit,
        tmp_path,
        f"INSERT INTO sessions SELECT '{other}', code, kind, room, zone, opened_at, opened_us, closed_at,"
        f" closed_reason, opened_by, sets, passes, first_sud, last_sud, last_voc, phase FROM sessions"
        f" WHERE id = '{session}'",
    )
    [found] = broken(await proved(tmp_path))
    assert found.chain == f"session:{other}"


async def test_what_is_cut_off_an_open_chain_shows_against_a_printed_head(tmp_path: Path) -> None:
    session = new_id()
    async with journal_in(tmp_path) as journal:
        await journal.append(opened(session))
        await journal.append(draft("note.added", {"text": "x"}, session=session))
        head = await journal.head(f"session:{session}")
    assert (await proved(tmp_path, head, head.upper())).is_intact
    chain = f"session:{session}"
    await asyncio.to_thread(
        edit,
        tmp_path,
        f"DELETE FROM payloads WHERE id = (SELECT id FROM links WHERE chain = '{chain}' AND seq = 2)",
        f"DELETE FROM links WHERE chain = '{chain}' AND seq = 2",
    )
    assert (await proved(tmp_path)).is_intact, "nothing inside the file can tell"
    verdict = await proved(tmp_path, head)
    assert verdict.missing_heads == (head,)
    assert not verdict.is_intact


async def test_a_correction_after_the_close_moves_the_sealed_end(tmp_path: Path, session: str) -> None:
    async with journal_in(tmp_path) as journal:
        await journal.append(draft("plan.written", {"text": "rest"}, session=session))
    await asyncio.to_thread(
        edit, tmp_path, f"DELETE FROM links WHERE chain = 'session:{session}' AND seq = 8"
    )
    [found] = broken(await proved(tmp_path))
    assert "cut off" in (found.how or "")


async def test_any_byte_that_changes_is_found(tmp_path: Path, session: str) -> None:
    """Each column that holds what happened, each event, any bit."""
    path = tmp_path / "journal.sqlite3"
    whole = path.read_bytes()
    loop = asyncio.get_running_loop()
    columns: tuple[tuple[str, str], ...] = (
        ("links", "entered"),
        ("links", "payload_sha256"),
        ("links", "prev"),
        ("links", "hash"),
        ("payloads", "salt"),
        ("payloads", "body"),
    )

    def flip(table: str, column: str, seq: int, at: int, bit: int) -> Callable[[], None]:
        def do() -> None:
            with closing(sqlite3.connect(path)) as connection, connection:
                where = f"id = (SELECT id FROM links WHERE chain = 'session:{session}' AND seq = {seq})"
                [old] = connection.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()
                raw = bytearray(old.encode() if isinstance(old, str) else old)
                raw[at % len(raw)] ^= 1 << bit
                new = raw.decode() if isinstance(old, str) else bytes(raw)
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (new,))

        return do

    @settings(
        max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    )
    @given(st.sampled_from(columns), st.integers(1, 7), st.integers(0, 2000), st.integers(0, 6))
    def check(column: tuple[str, str], seq: int, at: int, bit: int) -> None:
        path.write_bytes(whole)
        flip(*column, seq, at, bit)()
        verdict = asyncio.run_coroutine_threadsafe(proved(tmp_path), loop).result(60)
        assert [one.chain for one in broken(verdict)] == [f"session:{session}"]

    await asyncio.to_thread(check)
