"""The pure core of a visit: what may be said of it, what follows, what the journal's events make of it."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twintap.core import visit as core
from twintap.core.decide_visit import decide
from twintap.core.visit import Happening, Said, Visit, evolve, replayed, summed
from twintap.errors import Refused
from twintap.journal.ids import new_id
from twintap.journal.types import ENTRY_TYPES

T0 = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)
ROOM, SESSION = "blue", new_id()


class Told:
    """A visit, driven by commands; every event goes to JSON and back, as it does by the journal."""

    def __init__(self, kind: Any = "emdr") -> None:
        self.now = T0
        self.visit: Visit | None = None
        self.events: list[Happening] = []
        self.do(core.Open("k-17", kind, "Europe/Berlin", ("left",), "ann"))

    @property
    def held(self) -> Visit:
        assert self.visit is not None
        return self.visit

    def do(self, command: core.Command) -> list[str]:
        said = decide(self.visit, command, self.now)
        return [self.happen(one) for one in said]

    def happen(self, said: Said) -> str:
        data = json.loads(json.dumps(said.data))
        event = Happening(new_id(), said.type, data, said.actor, said.at, self.now)
        self.events.append(event)
        self.visit = evolve(self.visit, ROOM, SESSION, event)
        return event.id

    def enter(self, kind: str, at: datetime | None = None, **data: Any) -> str:
        return self.do(core.Enter(kind, data, "ann", at))[0]

    def later(self, **time: float) -> None:
        self.now += timedelta(**time)

    def refuses(self, command: core.Command, code: str, field: str | None = None) -> None:
        before = self.visit
        with pytest.raises(Refused) as caught:
            self.do(command)
        assert caught.value.fault.code == code, caught.value.fault
        assert field is None or caught.value.fault.field == field
        assert self.visit is before


def test_an_open_session_knows_who_opened_it_and_which_hands_confirmed() -> None:
    held = Told().held
    assert (held.code, held.kind, held.lead, held.opened_by, held.hands) == (
        "K-17",
        "emdr",
        "ann",
        "ann",
        ("left",),
    )
    assert held.opened_at == T0
    assert held.is_open


def test_a_room_has_one_open_session() -> None:
    told = Told()
    told.refuses(core.Open("other", "emdr", "UTC", (), "ann"), "open")
    told.do(core.Close("ann"))
    assert not told.held.is_open
    assert [said.type for said in decide(told.visit, core.Open("o", "emdr", "UTC", (), "b"), told.now)] == [
        "session.opened"
    ]


def test_neither_opening_nor_closing_happens_in_a_set() -> None:
    told = Told()
    told.refuses(core.Close("ann", is_set_on=True), "running")
    with pytest.raises(Refused, match="a set is running"):
        decide(None, core.Open("k", "emdr", "UTC", (), "ann", is_set_on=True), T0)


def test_nothing_is_entered_once_it_is_closed() -> None:
    told = Told()
    entry = told.enter("rating.sud", value=7)
    told.do(core.Close("ann", plan="slower"))
    assert told.held.summary.plan == "slower"
    told.refuses(core.Enter("rating.sud", {"value": 3}, "ann"), "closed")
    told.refuses(core.Undo("ann"), "closed")
    told.refuses(core.TakeLead("bob", "bob"), "closed")
    told.refuses(core.Close("ann"), "closed")
    told.do(core.Correct(entry, {"value": 6}, "ann"))
    assert told.held.summary.last_sud == 6


@pytest.mark.parametrize(
    ("kind", "data", "code", "field"),
    [
        ("rating.sud", {"value": 11}, "range", "value"),
        ("rating.sud", {"value": -1}, "range", "value"),
        ("rating.sud", {"value": "7"}, "field", "value"),
        ("rating.sud", {"value": True}, "field", "value"),
        ("rating.sud", {}, "field", "value"),
        ("rating.voc", {"value": 0}, "range", "value"),
        ("rating.voc", {"value": 3, "more": 1}, "field", "more"),
        ("phase.begun", {"phase": "tea"}, "field", "phase"),
        ("note.added", {"text": ""}, "field", "text"),
        ("note.added", {"text": "x" * 4001}, "field", "text"),
        ("mark.set", {"mark": "medicine_given", "systolic_mmhg": 900}, "range", "systolic_mmhg"),
        ("session.closed", {"reason": "asked"}, "field", "type"),
        ("set.started", {"go_us": 1}, "field", "type"),
    ],
)
def test_what_cannot_be_entered_is_refused_by_its_field(
    kind: str, data: Mapping[str, Any], code: str, field: str
) -> None:
    Told().refuses(core.Enter(kind, data, "ann"), code, field)


def test_a_refusal_never_repeats_what_was_written_of_a_client() -> None:
    told = Told()
    with pytest.raises(Refused) as caught:
        told.enter("note.added", text=["her sister's secret"])
    assert "secret" not in str(caught.value)
    assert caught.value.fault.value is None


def test_what_was_said_earlier_keeps_its_own_time() -> None:
    told = Told()
    told.later(minutes=10)
    told.enter("rating.sud", value=4)
    told.enter("rating.sud", T0 + timedelta(minutes=2), value=8)
    # Typed last, said first: the one that holds is the one that was said last.
    assert (told.held.summary.first_sud, told.held.summary.last_sud) == (8, 4)
    assert told.events[-1].entered == told.now


def test_times_have_bounds() -> None:
    told = Told()
    told.refuses(core.Enter("rating.sud", {"value": 1}, "ann", T0 + timedelta(minutes=2)), "range", "at")
    told.refuses(core.Enter("rating.sud", {"value": 1}, "ann", T0 - timedelta(hours=13)), "range", "at")
    told.enter("rating.sud", T0 + timedelta(seconds=30), value=1)
    assert told.events[-1].at == T0, "a tablet's clock that is a little ahead makes no future"


def test_the_last_touch_is_taken_back_for_ten_seconds_and_then_no_more() -> None:
    told = Told()
    told.enter("rating.sud", value=7)
    entry = told.enter("rating.sud", value=9)
    told.later(seconds=10)
    told.do(core.Undo("ann", entry))
    assert told.held.summary.last_sud == 7
    last = told.held.last_entry
    assert last is not None
    assert last.data["value"] == 7
    told.refuses(core.Undo("ann", entry), "undone")
    told.refuses(core.Undo("ann", new_id()), "unknown")
    told.later(seconds=0.1)
    told.refuses(core.Undo("ann"), "late")


def test_who_takes_back_without_naming_an_entry_takes_back_an_own_one() -> None:
    told = Told()
    told.enter("rating.sud", value=7)
    told.do(core.Enter("note.added", {"text": "calm"}, "bob"))
    told.do(core.Undo("ann"))
    assert told.held.summary.last_sud is None
    assert [entry.undone for entry in told.held.entries] == [True, False]
    told.refuses(core.Undo("eve"), "unknown")


def test_a_correction_holds_in_place_of_what_was_said_and_both_stay_to_be_read() -> None:
    told = Told()
    entry = told.enter("rating.sud", value=7)
    told.later(hours=1)
    told.do(core.Correct(entry, {"value": 2}, "bob"))
    told.do(core.Correct(entry, {"value": 3}, "bob"))
    assert told.held.summary.last_sud == 3
    assert [event.type for event in told.events] == [
        "session.opened",
        "rating.sud",
        "entry.corrected",
        "entry.corrected",
    ]
    told.refuses(core.Correct(entry, {"value": 12}, "bob"), "range", "value")
    told.refuses(core.Correct(entry, {"text": "no"}, "bob"), "field")
    told.refuses(core.Correct(new_id(), {"value": 1}, "bob"), "unknown", "entry")


def test_what_is_older_than_ten_seconds_is_withdrawn_and_can_be_put_back() -> None:
    told = Told()
    told.enter("rating.sud", value=4)
    slip = told.enter("rating.sud", value=9)
    told.later(hours=1)
    told.do(core.Correct(slip, None, "bob"))
    assert told.events[-1].data == {"entry": slip, "data": {}, "void": True}
    assert told.held.summary.last_sud == 4
    assert told.held.last_entry is not None
    assert told.held.last_entry.id != slip
    told.refuses(core.Correct(slip, None, "bob"), "undone", "entry")
    told.refuses(core.Undo("ann", slip), "undone", "entry")
    told.do(core.Correct(slip, {"value": 3}, "bob"))
    assert told.held.summary.last_sud == 3
    assert replayed(ROOM, SESSION, told.events) == told.visit


def test_a_set_belongs_to_the_phase_that_holds_when_it_began() -> None:
    told = Told()
    told.enter("phase.begun", phase="assessment")
    slip = told.enter("phase.begun", phase="closure")
    told.do(core.Undo("ann", slip))
    for said in set_events(new_id(), 5):
        told.happen(said)
    assert set(told.held.pacings) == {"assessment"}


def test_a_long_visit_is_folded_in_time_that_grows_with_its_length_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Told()
    for value in range(200):
        told.enter("rating.sud", value=value % 11)
    looked_at = 0

    def counted(entries: Iterable[core.Entered]) -> core.Summary:
        nonlocal looked_at
        found = tuple(entries)
        looked_at += len(found)
        return summed(found)

    monkeypatch.setattr(core, "summed", counted)
    assert replayed(ROOM, SESSION, told.events) == told.visit
    assert looked_at == 200


def test_a_session_is_moved_to_the_right_code_from_its_beginning() -> None:
    told = Told()
    told.do(core.Move(" k 18 ", "ann"))
    assert told.held.code == "K-18"
    assert told.do(core.Move("K-18", "ann")) == []
    told.refuses(core.Move("no/code", "ann"), "field", "code")


def test_the_lead_is_handed_over() -> None:
    told = Told()
    told.do(core.TakeLead("bob", "bob"))
    assert told.held.lead == "bob"
    assert told.do(core.TakeLead("bob", "bob")) == []


def test_parts_come_and_go_and_targets_are_closed() -> None:
    told = Told()
    for label in ("the guard", "the little one"):
        told.enter("part.met", label=label)
    assert told.held.summary.part == "the little one"
    told.enter("part.met", label="the guard", gone=True)
    assert told.held.summary.part == "the little one"
    told.enter("part.met", label="the little one", gone=True)
    assert told.held.summary.part is None
    assert told.held.summary.parts == ("the guard", "the little one")
    told.enter("target.set", text="the crash")
    told.enter("target.set", text="the call")
    told.enter("target.set", text="the crash", done=True)
    assert told.held.summary.open_targets == ("the call",)


def test_a_forgotten_session_is_asked_about_and_closed_when_its_hours_were_over() -> None:
    told = Told()
    assert not told.held.asks_if_forgotten(timedelta(minutes=19, seconds=59))
    assert told.held.asks_if_forgotten(timedelta(minutes=20))
    told.later(hours=9)
    assert told.do(core.Look(timedelta(hours=3, minutes=59))) == []
    assert told.do(core.Look(timedelta(hours=9), is_set_on=True)) == []
    told.do(core.Look(timedelta(hours=9)))
    assert (told.held.closed_reason, told.held.closed_at) == ("forgotten", T0 + timedelta(hours=4))


def test_a_medicine_visit_is_never_asked_about() -> None:
    assert not Told("medicine").held.asks_if_forgotten(timedelta(hours=3))


# --- sets -----------------------------------------------------------------------------------------------

PACING = {"rate_hz": 1.0, "pulse_ms": 100, "left_pct": 40.0, "right_pct": 40.0, "ramp_ms": 0, "passes": 24}


def set_events(uid: str, passes_done: int, *, phase: str | None = None, **pacing: Any) -> list[Said]:
    asked = PACING | pacing
    side = {"delivered": 1, "skipped": 0, "late": 0, "latest_us": 0}
    recorded = {
        "set_uid": uid,
        "asked": asked,
        "pacing": asked,
        "changes": 0,
        "passes_done": passes_done,
        "duration_ms": 1,
        "left": side,
        "right": side,
        "left_right_error_us": None,
        "reason": "stop",
        "by": "ann",
        "side": None,
        "silent": [],
    }
    ended = {"set_uid": uid, "reason": "stop", "by": "ann", "side": None}
    return [
        *([Said("phase.begun", {"phase": phase}, "ann", T0)] if phase else []),
        Said("set.asked", {"set_uid": uid, "pacing": asked}, "ann", T0),
        Said("set.started", {"set_uid": uid, "go_us": 1.0}, "system", T0),
        Said("set.ended", ended, "ann", T0),
        Said("set.recorded", recorded, "system", T0),
    ]


def test_sets_are_counted_and_their_pacing_is_kept_by_phase() -> None:
    told = Told()
    for said in (
        *set_events(new_id(), 24),
        *set_events(new_id(), 20, phase="assessment", rate_hz=1.5),
        *set_events(new_id(), 4, rate_hz=2.0),
    ):
        told.happen(said)
    assert (told.held.sets, told.held.passes, told.held.running) == (3, 48, None)
    assert {phase: pacing["rate_hz"] for phase, pacing in told.held.pacings.items()} == {
        "any": 1.0,
        "assessment": 2.0,
    }


def test_a_set_that_ran_is_known_to_have_run_until_it_is_recorded() -> None:
    told = Told()
    asked, started, ended, recorded = set_events("u", 3)
    told.happen(asked)
    told.happen(started)
    change = {"set_uid": "u", "pacing": PACING | {"rate_hz": 2.0}, "at_once": False, "from_pass": 3}
    told.happen(Said("set.changed", change, "ann", T0 + timedelta(seconds=5)))
    told.happen(Said("set.change_waits", change, "ann", T0 + timedelta(seconds=5, milliseconds=1)))
    running = told.held.running
    assert running is not None
    assert (running.changes, running.pacing["rate_hz"], running.asked["rate_hz"]) == (1, 2.0, 1.0)
    told.happen(ended)
    running = told.held.running
    assert running is not None
    assert (running.ended, running.reason) == (True, "stop")
    told.happen(recorded)
    assert told.held.running is None


def test_a_set_that_never_started_leaves_nothing_to_record() -> None:
    told = Told()
    asked, _, ended, _ = set_events("u", 0)
    told.happen(asked)
    told.happen(ended)
    assert told.held.running is None
    assert told.held.sets == 0


# --- the journal's events give the same state -----------------------------------------------------------

ENTRIES = st.one_of(
    st.tuples(st.just("rating.sud"), st.fixed_dictionaries({"value": st.integers(0, 10)})),
    st.tuples(st.just("rating.voc"), st.fixed_dictionaries({"value": st.integers(1, 7)})),
    st.tuples(
        st.just("note.added"), st.fixed_dictionaries({"text": st.text("ab \n🙂", min_size=1, max_size=9)})
    ),
    st.tuples(
        st.just("part.met"), st.fixed_dictionaries({"label": st.sampled_from("xyz"), "gone": st.booleans()})
    ),
    st.tuples(
        st.just("target.set"), st.fixed_dictionaries({"text": st.sampled_from("pq"), "done": st.booleans()})
    ),
    st.tuples(
        st.just("phase.begun"), st.fixed_dictionaries({"phase": st.sampled_from(["closure", "history"])})
    ),
    st.tuples(st.just("plan.written"), st.fixed_dictionaries({"text": st.sampled_from(["a", "b"])})),
    st.tuples(st.just("mark.set"), st.fixed_dictionaries({"mark": st.sampled_from(["vitals", "consent"])})),
    st.tuples(
        st.just("level.client"),
        st.fixed_dictionaries({"left_pct": st.floats(0, 100), "right_pct": st.floats(0, 100)}),
    ),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["enter", "enter", "enter", "undo", "correct", "withdraw", "move", "lead", "set", "wait", "close"]
        ),
        ENTRIES,
        st.integers(0, 30),
        st.sampled_from(["ann", "bob"]),
    ),
    max_size=40,
)


def drive(told: Told, steps: list[tuple[str, tuple[str, Any], int, str]]) -> None:
    for do, (kind, data), number, actor in steps:
        told.later(seconds=number / 3)
        entries = told.held.entries
        some = entries[number % len(entries)].id if entries else new_id()
        at = told.now - timedelta(seconds=7 * (number % 4)) if number % 3 else None
        try:
            match do:
                case "enter":
                    told.do(core.Enter(kind, data, actor, at))
                case "undo":
                    told.do(core.Undo(actor, some if number % 2 else None))
                case "correct":
                    told.do(core.Correct(some, data, actor))
                case "withdraw":
                    told.do(core.Correct(some, None, actor))
                case "move":
                    told.do(core.Move(f"k {number}", actor))
                case "lead":
                    told.do(core.TakeLead(actor, actor))
                case "set":
                    for said in set_events(new_id(), number)[: 1 + number % 4]:
                        told.happen(said)
                case "close" if number == 30:
                    told.do(core.Close(actor, None if number % 2 else "rest"))
                case _:
                    pass
        except Refused:
            continue


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_the_events_replayed_give_the_state_that_was(steps: list[Any]) -> None:
    told = Told()
    drive(told, steps)
    assert replayed(ROOM, SESSION, told.events) == told.visit


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_what_a_visit_comes_to_is_what_stands_of_it(steps: list[Any]) -> None:
    """Reckoned once more, the long way: from all that was ever said, less what was taken back."""
    told = Told()
    drive(told, steps)
    gone = {event.data["entry"] for event in told.events if event.type == "entry.undone"}
    right: dict[str, Any] = {}
    void: dict[str, bool] = {}
    for event in told.events:
        if event.type == "entry.corrected":
            void[event.data["entry"]] = event.data["void"]
            if not event.data["void"]:
                right[event.data["entry"]] = event.data["data"]
    gone |= {entry for entry, is_void in void.items() if is_void}
    standing = [
        (event.at, number, event.type, right.get(event.id, event.data))
        for number, event in enumerate(told.events)
        if event.type in ENTRY_TYPES and event.id not in gone
    ]
    standing.sort(key=lambda one: one[:2])

    def last(kind: str, field: str) -> Any:
        return next((data[field] for _, _, found, data in reversed(standing) if found == kind), None)

    summary = told.held.summary
    assert summary.last_sud == last("rating.sud", "value")
    assert summary.last_voc == last("rating.voc", "value")
    assert summary.plan == last("plan.written", "text")
    assert summary.phase == last("phase.begun", "phase")
    assert summary.left_pct == last("level.client", "left_pct")
    assert set(summary.parts) == {data["label"] for _, _, kind, data in standing if kind == "part.met"}
    done = {data["text"]: data["done"] for _, _, kind, data in standing if kind == "target.set"}
    assert set(summary.open_targets) == {text for text, is_done in done.items() if not is_done}


def test_an_opening_said_once_more_after_an_erasure_counts_from_the_beginning() -> None:
    entered = Happening(new_id(), "rating.sud", {"value": 5}, "ann", T0, T0)
    data = {"code": "K-18", "kind": "emdr", "zone": "UTC", "opened_at": T0.isoformat(), "opened_by": "ann"}
    again = Happening(
        new_id(), "session.restated", data, "system", T0 + timedelta(days=9), T0 + timedelta(days=9)
    )
    visit = replayed(ROOM, SESSION, [entered, again])
    assert visit is not None
    assert (visit.code, visit.opened_at, visit.opened_by, visit.summary.last_sud) == ("K-18", T0, "ann", 5)
