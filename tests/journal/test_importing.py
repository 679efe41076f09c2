"""What an import refuses: a chain that does not hold, one that is here already, one that is not over."""

import dataclasses
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.journal.rig import journal_in, keep_session, opened
from twintap.errors import Refused
from twintap.journal.chain import Head, entry_of, forge
from twintap.journal.checking import checked_data
from twintap.journal.entry import Draft, Entry
from twintap.journal.ids import new_id


@pytest.fixture
async def entries(tmp_path: Path) -> list[Entry]:
    """A session's events, as an export gives them."""
    async with journal_in(tmp_path / "from") as journal:
        return await journal.entries(await keep_session(journal))


def put(entries: list[Entry], at: int, /, **changes: object) -> list[Entry]:
    changed = dataclasses.replace(entries[at], **changes)  # pyright: ignore[reportArgumentType]
    return [*entries[:at], changed, *entries[at + 1 :]]


FORGERIES: dict[str, Callable[[list[Entry]], list[Entry]]] = {
    "nothing": lambda entries: [],
    "a value changed": lambda entries: put(entries, 2, data={"value": 0}),
    "its time changed": lambda entries: put(entries, 2, at=entries[0].at),
    "entered changed": lambda entries: put(
        entries, 2, entered=datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    ),
    "another's name": lambda entries: put(entries, 2, actor="somebody"),
    "another session's": lambda entries: put(entries, 2, session=new_id()),
    "one left out": lambda entries: entries[:3] + entries[4:],
    "begun in its midst": lambda entries: entries[2:],
    "turned around": lambda entries: entries[::-1],
    "told twice": lambda entries: entries + entries,
    "half of a payload": lambda entries: put(entries, 2, salt=None),
    "no hash": lambda entries: put(entries, 2, hash="x"),
    "a salt that is none": lambda entries: put(entries, 2, salt="zz" * 16),
    "a place that is none": lambda entries: put(entries, 2, seq=0),
    "a type that is none": lambda entries: put(entries, 2, type="rating.mood"),
    "data that are none": lambda entries: put(entries, 2, data={"value": 11}),
    "a moment without a zone": lambda entries: put(entries, 2, at=datetime(2026, 1, 1)),  # noqa: DTZ001
    "no session's chain": lambda entries: [dataclasses.replace(one, chain="room:blue") for one in entries],
    "no id": lambda entries: [dataclasses.replace(one, chain="session:1") for one in entries],
}


OUTSIDE = [("actor", "a\x1b[2J"), ("actor", ""), ("room", "../up"), ("room", " "), ("room", "a\n")]
EDGES = ("0001-01-01T00:00:00+14:00", "1969-12-31T23:59:59+00:00", "9999-12-31T23:59:59-14:00")


@pytest.mark.parametrize("opened_at", ["00000000000000000000", "2026-01-01T00:00:00.000000", *EDGES])
def test_an_opening_restated_at_no_time_is_no_event(opened_at: str) -> None:
    said = {"code": "K-1", "kind": "emdr", "zone": "UTC", "opened_by": "ann"}
    fine = said | {"opened_at": "2026-01-01T00:00:00.000000+01:00"}
    assert checked_data("session.restated", fine) == fine
    with pytest.raises(Refused, match="opened_at"):
        checked_data("session.restated", said | {"opened_at": opened_at})


def forged(entries: list[Entry], **changes: Any) -> list[Entry]:
    """The same session told otherwise, in a chain that holds."""
    head, told = Head(), list[Entry]()
    for one in entries:
        assert one.type is not None
        said = Draft(one.type, one.data or {}, one.room, one.session, "tablet", one.entered, one.entered, 1)
        link, payload = forge(dataclasses.replace(said, id=one.id, **changes), "boot", head)
        head = Head(link.seq, link.hash)
        told.append(entry_of(link, payload))
    return told


@pytest.mark.parametrize("edge", EDGES)
@pytest.mark.parametrize("name", ["at", "entered"])
async def test_a_time_that_no_clock_has_shown_is_refused_though_its_chain_holds(
    tmp_path: Path, entries: list[Entry], name: str, edge: str
) -> None:
    """One such would keep every list from being shown: in another zone it is no date any more."""
    async with journal_in(tmp_path / "to") as journal:
        with pytest.raises(Refused, match="1970 to 2999"):
            await journal.import_entries(
                forged(entries, **{name: datetime.fromisoformat(edge)}), actor="tablet"
            )
        assert await journal.sessions() == []


@pytest.mark.parametrize(("name", "text"), OUTSIDE)
async def test_who_and_where_are_as_they_are_here_in_what_comes_in_too(
    tmp_path: Path, entries: list[Entry], name: str, text: str
) -> None:
    async with journal_in(tmp_path / "to") as journal:
        with pytest.raises(Refused, match=name):
            await journal.import_entries(forged(entries, **{name: text}), actor="tablet")
        assert (await journal.import_entries(forged(entries, actor="ann"), actor="tablet")).sessions == 1


@pytest.mark.parametrize("change", FORGERIES.values(), ids=FORGERIES)
async def test_what_does_not_hold_together_is_refused_and_leaves_nothing(
    tmp_path: Path, entries: list[Entry], change: Callable[[list[Entry]], list[Entry]]
) -> None:
    async with journal_in(tmp_path / "to") as journal:
        with pytest.raises(Refused) as refusal:
            await journal.import_entries(change(entries), actor="tablet")
        assert refusal.value.fault.code == "field"
        assert await journal.sessions() == []
        assert await journal.daemon_entries() == []
        await journal.import_entries(entries, actor="tablet")
        assert (await journal.verify()).is_intact


async def test_a_session_comes_in_once_and_never_over_one_that_is_here(
    tmp_path: Path, entries: list[Entry]
) -> None:
    async with journal_in(tmp_path / "to") as journal:
        await journal.import_entries(entries, actor="tablet")
        with pytest.raises(Refused) as refusal:
            await journal.import_entries(entries, actor="tablet")
        assert refusal.value.fault.code == "taken"
        assert len(await journal.sessions()) == 1


async def test_of_several_sessions_all_come_in_or_none(tmp_path: Path, entries: list[Entry]) -> None:
    async with journal_in(tmp_path / "from") as journal:
        second = await journal.entries(await keep_session(journal, "K-2"))
    async with journal_in(tmp_path / "to") as journal:
        with pytest.raises(Refused):
            await journal.import_entries([*entries, *put(second, 3, actor="x")], actor="tablet")
        assert await journal.sessions() == []
        taken = await journal.import_entries([*entries, *second], actor="tablet")
        assert (taken.sessions, set(taken.heads)) == (2, {entries[0].chain, second[0].chain})


async def test_a_session_that_was_still_open_is_refused(tmp_path: Path) -> None:
    async with journal_in(tmp_path / "from") as journal:
        session = new_id()
        await journal.append(opened(session))
        entries = await journal.entries(session)
    async with journal_in(tmp_path / "to") as journal:
        with pytest.raises(Refused, match="still open") as refusal:
            await journal.import_entries(entries, actor="tablet")
        assert refusal.value.fault.code == "running"
