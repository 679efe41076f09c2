"""What of a set a screen that faces the client is told: where its pulses lie, and when the last is over."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twintap.core.pacing import OPEN, Pacing
from twintap.core.state import (
    ChangeTaken,
    PacingChanged,
    RoomState,
    SetAsked,
    SetEnded,
    SetStarted,
    SetState,
    SetStilled,
    evolve,
)
from twintap.core.timeline import shape
from twintap.rooms.beat import Beat, beat_of

GO_US = 5_000_000.0
NAME = "7-4800000"
PACING = Pacing(rate_hz=2.0, pulse_ms=100, left_pct=30, right_pct=50, ramp_ms=500, passes=10)


def running(pacing: Pacing = PACING, *events: object) -> SetState:
    state = RoomState()
    asked = SetAsked(7, pacing, "ann", GO_US - 100_000, 0, GO_US - 200_000)
    for event in (asked, SetStarted(GO_US), *events):
        state = evolve(state, event)  # pyright: ignore[reportArgumentType]
    assert state.set is not None
    return state.set


def changed(held: SetState, pacing: Pacing, at_us: float) -> SetState:
    timeline = held.timeline.with_next(pacing, at_us)
    state = evolve(RoomState(set=held), PacingChanged("ann", pacing, timeline, at_once=False))
    assert state.set is not None
    return state.set


def test_a_room_without_a_set_has_no_beat():
    assert beat_of(None) == Beat(None, "idle")


def test_a_set_that_may_yet_not_begin_is_not_shown():
    state = evolve(RoomState(), SetAsked(7, PACING, "ann", GO_US, 0, 0))
    assert beat_of(state.set) == Beat("7-0", "idle")


def test_sets_of_two_daemons_are_never_taken_for_one():
    one, two = (
        evolve(RoomState(), SetAsked(1, PACING, "ann", at_us + 1, 0, at_us)).set for at_us in (5.0, 9e6)
    )
    assert beat_of(one).set != beat_of(two).set


def test_a_running_set_says_where_its_pulses_lie():
    assert beat_of(running()) == Beat(
        NAME, "running", first_pass=0, start_us=GO_US, period_us=500_000, pulse_us=100_000, next=None,
        go_us=GO_US, ramp_us=500_000, passes=10, end_us=GO_US + 9.5 * 500_000 + 100_000, left_pct=30,
        right_pct=50,
    )  # fmt: skip


def test_an_open_set_has_no_end():
    beat = beat_of(running(dataclasses.replace(PACING, passes=OPEN)))
    assert (beat.passes, beat.end_us) == (None, None)


def test_a_change_is_told_before_it_is_taken_and_moves_the_end():
    held = changed(running(), dataclasses.replace(PACING, rate_hz=1.0), GO_US + 700_000)
    beat = beat_of(held)
    assert beat.next is not None
    assert (beat.first_pass, beat.next.first_pass, beat.next.start_us) == (0, 2, GO_US + 1_000_000)
    assert beat.next.period_us == 1_000_000
    assert beat.end_us == GO_US + 1_000_000 + 7_500_000 + 100_000
    taken = evolve(RoomState(set=held), ChangeTaken(held.timeline.taken(GO_US + 1_000_000))).set
    after = beat_of(taken)
    assert (after.first_pass, after.start_us, after.next) == (2, GO_US + 1_000_000, None)
    assert (after.go_us, after.end_us) == (GO_US, beat.end_us)


def test_the_end_before_a_change_is_not_moved_by_it():
    """The last planned pass may lie before the change's boundary when both were asked for at once."""
    held = changed(running(dataclasses.replace(PACING, passes=2)), PACING, GO_US + 3_000_000)
    held = dataclasses.replace(held, pacing=dataclasses.replace(held.pacing, passes=2))
    assert beat_of(held).end_us == GO_US + 1.5 * 500_000 + 100_000


@pytest.mark.parametrize("stilled", [False, True])
def test_a_set_that_has_ended_has_no_beat_any_more(stilled: bool):
    events = [SetEnded(7, "stop", "ann", None, GO_US + 1_000_000), *([SetStilled(())] if stilled else [])]
    assert beat_of(running(PACING, *events)) == Beat(NAME, "ended")


@given(
    rate_hz=st.floats(0.1, 4.0),
    part=st.floats(0.02, 1.0),
    passes=st.integers(1, 1_000),
)
def test_the_last_pulse_ends_where_the_beat_says(rate_hz: float, part: float, passes: int):
    pulse_ms = max(20, int(part * 500 / rate_hz))
    pacing = Pacing(rate_hz=rate_hz, pulse_ms=pulse_ms, passes=passes)
    beat = beat_of(running(pacing))
    right = shape(pacing, "right")
    assert beat.end_us is not None
    assert beat.period_us is not None
    assert beat.end_us == pytest.approx(
        GO_US + (passes - 1) * beat.period_us + right.phase_us + right.width_us, abs=0.1
    )
    assert beat.end_us <= GO_US + passes * beat.period_us
