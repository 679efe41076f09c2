"""What a session comes to: whatever is said, taken back, put right or moved, the list says what holds."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from tests.journal.rig import draft, journal_in, keep_session, opened, recorded
from twintap.journal import rows
from twintap.journal.chain import Head, entry_of, forge
from twintap.journal.checking import checked_draft
from twintap.journal.entry import Draft, Entry
from twintap.journal.ids import new_id
from twintap.journal.ledger import Ledger
from twintap.journal.tables import sessions
from twintap.journal.tally import SessionRow, Tally

BEGUN = datetime(2026, 3, 1, 9, tzinfo=UTC)


def folded(session: str, drafts: Sequence[Draft]) -> SessionRow:
    tally, head = Tally(session), Head()
    for one in drafts:
        checked = checked_draft(one)
        tally.check(checked)
        link, payload = forge(checked, "boot", head)
        tally.add(entry_of(link, payload))
        head = Head(link.seq, link.hash)
    row = tally.row()
    assert row is not None
    return row


def said(session: str, type: str, data: dict[str, object], minute: int) -> Draft:  # noqa: A002
    return draft(type, data, session=session, at=BEGUN + timedelta(minutes=minute))


def test_the_last_rating_is_the_one_that_was_said_last_not_the_one_typed_last() -> None:
    session = new_id()
    row = folded(
        session,
        [
            opened(session),
            said(session, "rating.sud", {"value": 3}, 20),
            said(session, "rating.sud", {"value": 8}, 5),
            said(session, "rating.voc", {"value": 6}, 30),
            said(session, "rating.voc", {"value": 2}, 6),
        ],
    )
    assert (row.first_sud, row.last_sud, row.last_voc) == (8, 3, 6)


def test_what_was_taken_back_or_put_right_counts_as_such() -> None:
    session = new_id()
    wrong, slip = (
        said(session, "rating.sud", {"value": 1}, 9),
        said(session, "phase.begun", {"phase": "closure"}, 9),
    )
    row = folded(
        session,
        [
            opened(session),
            said(session, "rating.sud", {"value": 8}, 1),
            said(session, "phase.begun", {"phase": "assessment"}, 2),
            wrong,
            slip,
            draft("entry.corrected", {"entry": wrong.id, "data": {"value": 4}}, session=session),
            draft("entry.undone", {"entry": slip.id}, session=session),
        ],
    )
    assert (row.first_sud, row.last_sud, row.phase) == (8, 4, "assessment")


def test_what_was_withdrawn_does_not_count_until_it_is_put_right_again() -> None:
    session = new_id()
    slip = said(session, "rating.sud", {"value": 9}, 2)
    events = [
        opened(session),
        said(session, "rating.sud", {"value": 8}, 1),
        slip,
        draft("entry.corrected", {"entry": slip.id, "void": True}, session=session),
    ]
    assert folded(session, events).last_sud == 8
    back = draft("entry.corrected", {"entry": slip.id, "data": {"value": 5}}, session=session)
    assert folded(session, [*events, back]).last_sud == 5


def test_a_moved_session_is_the_other_clients_from_its_beginning() -> None:
    session = new_id()
    row = folded(session, [opened(session, "A"), draft("session.moved", {"code": "B"}, session=session)])
    assert row.code == "B"


# --- any sequence -----------------------------------------------------------------------------------------

_MINUTES = st.integers(0, 200)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("rating.sud"), st.integers(0, 10), _MINUTES),
        st.tuples(st.just("rating.voc"), st.integers(1, 7), _MINUTES),
        st.tuples(st.just("phase.begun"), st.sampled_from(["assessment", "closure", "peak"]), _MINUTES),
        st.tuples(st.just("note.added"), st.sampled_from(["x", "y"]), _MINUTES),
        st.tuples(st.just("set.recorded"), st.integers(0, 50), st.integers(0, 3)),
        st.tuples(st.just("session.moved"), st.sampled_from(["A", "B"]), _MINUTES),
        st.tuples(st.just("entry.undone"), st.integers(0, 30), _MINUTES),
        st.tuples(st.just("entry.corrected"), st.integers(0, 30), st.integers(1, 7)),
    ),
    max_size=25,
)
_FIELD = {"rating.sud": "value", "rating.voc": "value", "phase.begun": "phase", "note.added": "text"}
_UIDS = [new_id() for _ in range(4)]


def build(session: str, steps: list[tuple[str, Any, int]]) -> tuple[list[Draft], SessionRow]:
    """The drafts of these steps, and what they come to by another, slower reckoning."""
    drafts = [opened(session, at=BEGUN)]
    holding: dict[str, tuple[str, datetime, Any]] = {}
    sets: dict[str, int] = {}
    code = "K-17"
    for type_, value, number in steps:
        if type_ in _FIELD:
            one = said(session, type_, {_FIELD[type_]: value}, number)
            holding[one.id] = (type_, one.at, value)
        elif type_ == "set.recorded":
            one = recorded(session, value, _UIDS[number])
            sets[_UIDS[number]] = value
        elif type_ == "session.moved":
            one = draft(type_, {"code": value}, session=session)
            code = value
        else:
            mine = [one.id for one in drafts if one.type in _FIELD]
            if not mine:
                continue
            chosen = mine[value % len(mine)]
            if type_ == "entry.undone":
                one = draft(type_, {"entry": chosen}, session=session)
                holding.pop(chosen, None)
            else:
                kind = next(one.type for one in drafts if one.id == chosen)
                new: Any = {"phase.begun": "landing", "note.added": "z"}.get(kind, number)
                one = draft(type_, {"entry": chosen, "data": {_FIELD[kind]: new}}, session=session)
                if chosen in holding:
                    holding[chosen] = (kind, holding[chosen][1], new)
        drafts.append(one)

    def values(kind: str) -> list[Any]:
        order = {one.id: at for at, one in enumerate(drafts)}
        found = [(at, order[id_], value) for id_, (type_, at, value) in holding.items() if type_ == kind]
        return [value for _, _, value in sorted(found)]

    suds, vocs, phases = values("rating.sud"), values("rating.voc"), values("phase.begun")
    row = SessionRow(
        id=session,
        code=code,
        kind="emdr",
        room="blue",
        zone="Europe/Berlin",
        opened_at=BEGUN,
        closed_at=None,
        closed_reason=None,
        opened_by="tablet",
        sets=len(sets),
        passes=sum(sets.values()),
        first_sud=suds[0] if suds else None,
        last_sud=suds[-1] if suds else None,
        last_voc=vocs[-1] if vocs else None,
        phase=phases[-1] if phases else None,
    )
    return drafts, row


@given(STEPS)
def test_the_fold_is_what_a_slower_reckoning_gives(steps: list[tuple[str, Any, int]]) -> None:
    session = new_id()
    drafts, expected = build(session, steps)
    assert folded(session, drafts) == expected


async def test_the_list_is_kept_as_the_events_come_and_can_be_made_again_from_them(tmp_path: Path) -> None:
    every: list[SessionRow] = []

    async with journal_in(tmp_path) as journal:

        async def run(steps: list[tuple[str, Any, int]]) -> None:
            session = new_id()
            drafts, expected = build(session, steps)
            kept: list[Entry] = list(await asyncio.gather(*map(journal.append, drafts)))
            assert await journal.session(session) == expected
            assert [entry.id for entry in kept] == [one.id for one in drafts]
            every.append(expected)

        loop = asyncio.get_running_loop()

        @settings(max_examples=25)
        @given(STEPS)
        def check(steps: list[tuple[str, Any, int]]) -> None:
            asyncio.run_coroutine_threadsafe(run(steps), loop).result(60)

        await asyncio.to_thread(check)
        await keep_session(journal)
        listed = await journal.sessions(limit=1000)

        def rebuild(ledger: Ledger) -> None:
            def do(connection: Any) -> None:
                connection.execute(delete(sessions))
                rows.rebuild_sessions(connection)

            ledger.work(do)

        await journal._writer.work(rebuild)  # pyright: ignore[reportPrivateUsage]
        assert await journal.sessions(limit=1000) == listed
        assert {row.id for row in every} <= {row.id for row in listed}
        assert (await journal.verify()).is_intact
