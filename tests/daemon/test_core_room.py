"""What the room decides: starts, changes, stops, and every way in which a set ends."""

import pytest

from tests.support.core_world import World
from twintap.core.decide import CHANGE_LEAD_US, COOLDOWN_US, LEFT_ALONE_US, MAX_PLANS
from twintap.core.state import (
    Change,
    ChangePlanned,
    ChangeWaits,
    ClockJumped,
    LeftAlone,
    PacingChanged,
    PassesSet,
    PulserLost,
    PulsersChanged,
    SetEnded,
    SetStarted,
    SetStilled,
    Start,
    Stop,
    evolve,
)
from twintap.errors import Refused
from twintap.views import Side
from twintap_protocol import limits

LEAD_US, MARGIN_US = 120_000.0, 75_000.0


def start(set_id: int = 1, revision: int | None = None, controllers: int = 0, **changes: object) -> Start:
    return Start(set_id, changes, "ann", LEAD_US, MARGIN_US, revision, controllers)


def running(**changes: object) -> World:
    world = World()
    world.apply(Start(1, changes, "ann", LEAD_US, MARGIN_US))
    world.run(100_000, 10_000)
    assert world.state.set is not None
    assert world.state.set.phase == "running"
    return world


def refusal(world: World, command: Start | Change) -> str:
    before = world.state
    with pytest.raises(Refused) as refused:
        world.apply(command)
    assert world.state.set is before.set
    assert world.state.revision == before.revision
    return refused.value.fault.code


# --- starting -------------------------------------------------------------------------------------------


def test_no_lease_is_granted_before_both_acknowledged() -> None:
    world = World()
    world.pulsers["right"].hears = False
    world.apply(start())
    world.run(900_000)
    assert not [event for event in world.events if isinstance(event, SetStarted)]
    world.pulsers["right"].hears = True
    assert isinstance(world.run(100_000)[0], SetStarted)


def test_pass_0_is_where_it_was_asked_or_else_the_margin_from_the_first_lease() -> None:
    world = World()
    asked_us = world.now_us
    world.apply(start())
    world.advance(5_000)
    assert world.go_us == asked_us + LEAD_US

    late = World()
    late.pulsers["left"].hears = False
    late.apply(start())
    late.run(500_000)
    late.pulsers["left"].hears = True
    late.advance(50_000)
    assert late.go_us == late.now_us + MARGIN_US


def test_a_start_that_one_side_never_acknowledges_is_taken_back_after_a_second() -> None:
    world = World()
    world.pulsers["right"].hears = False
    world.apply(start())
    world.run(1_100_000)
    assert world.ended is not None
    assert (world.ended.reason, world.ended.side) == ("silent", "right")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [("linked", False, "offline"), ("charging", True, "charging"), ("ready", False, "unready")],
)
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_start_is_refused_while_a_pulser_is_not_ready(
    field: str, value: bool, code: str, side: Side
) -> None:
    world = World()
    setattr(world.pulsers[side], field, value)
    with pytest.raises(Refused) as refused:
        world.apply(start())
    assert (refused.value.fault.code, refused.value.fault.side) == (code, side)
    assert world.state.set is None


def test_a_start_is_refused_in_a_room_that_lacks_a_pulser() -> None:
    world = World()
    del world.pulsers["left"]
    assert refusal(world, start()) == "incomplete"


def test_a_start_is_refused_while_a_set_is_on() -> None:
    world = running()
    assert refusal(world, start(2)) == "running"


def test_a_command_against_an_older_state_is_refused_as_stale() -> None:
    world = running()
    seen = world.state.revision
    world.apply(Change({"level_pct": 20}, "bob"))
    assert refusal(world, Change({"level_pct": 30}, "ann", seen)) == "stale"
    world.apply(Change({"level_pct": 30}, "ann", world.state.revision))
    world.apply(Stop("ann"))
    assert refusal(world, start(2, seen)) == "stale"


def test_a_swap_makes_older_commands_stale() -> None:
    world = World()
    seen = world.state.revision
    world.state = evolve(world.state, PulsersChanged())
    assert refusal(world, start(revision=seen)) == "stale"


@pytest.mark.parametrize("when", ["starting", "running"])
@pytest.mark.parametrize("how", ["stop", "button", "lost", "clock"])
def test_whatever_ended_a_set_a_start_is_refused_for_a_second(when: str, how: str) -> None:
    world = World()
    world.apply(start())
    if when == "running":
        world.run(1_000_000)
    if how == "stop":
        world.apply(Stop("ann"))
    elif how == "button":
        world.end_on("left", "button")
        world.advance(1_000)
    elif how == "lost":
        world.apply(PulserLost("left"))
    else:
        world.apply(ClockJumped())
    assert world.ended is not None
    ended_us = world.ended.at_us
    world.run(COOLDOWN_US - 100_000 - (world.now_us - ended_us))
    assert refusal(world, start(2)) == "cooldown"
    world.run(200_000)
    world.apply(start(2))


def test_no_new_set_while_the_last_one_is_still_being_stopped() -> None:
    world = running()
    world.pulsers["left"].hears = False
    world.pulsers["left"].lease_until_us = float("inf")
    world.apply(Stop("ann"))
    world.run(COOLDOWN_US + 50_000)
    assert refusal(world, start(2)) == "cooldown"
    world.run(200_000)
    assert world.state.set is not None
    assert (world.state.set.phase, world.state.set.silent) == ("ended", ("left",))
    world.apply(start(2))


# --- changing -------------------------------------------------------------------------------------------


def test_a_rate_lands_on_the_first_boundary_at_least_300_ms_away() -> None:
    world = running()
    world.run(1_730_000, 10_000)
    assert world.state.set is not None
    before = world.state.set.timeline
    (event,) = world.apply(Change({"rate_hz": 2.0}, "ann"))
    assert isinstance(event, PacingChanged)
    following = event.timeline.next
    assert following is not None
    assert following.start_us >= world.now_us + CHANGE_LEAD_US
    assert following.start_us - 1_000_000 < world.now_us + CHANGE_LEAD_US
    assert following.start_us == before.pass_start_us(following.first_pass)


def test_a_level_acts_at_once_and_moves_no_boundary() -> None:
    world = running()
    assert world.state.set is not None
    before = world.state.set.timeline.current.start_us
    (event,) = world.apply(Change({"level_pct": 5}, "ann"))
    assert isinstance(event, PacingChanged)
    assert event.at_once
    assert event.timeline.next is None
    assert event.timeline.current.start_us == before


def test_of_two_quick_changes_the_latest_wins_at_one_boundary() -> None:
    world = running()
    world.run(400_000)
    (first,) = world.apply(Change({"rate_hz": 2.0}, "ann"))
    world.advance(20_000)
    (second,) = world.apply(Change({"rate_hz": 0.5}, "bob"))
    assert isinstance(first, PacingChanged)
    assert isinstance(second, PacingChanged)
    assert second.timeline.next is not None
    assert second.timeline.next.pacing.rate_hz == 0.5
    world.run(3_000_000)
    assert world.state.set is not None
    assert world.state.set.timeline.current.pacing.rate_hz == 0.5
    assert world.state.set.timeline.next is None


def test_a_change_behind_a_near_boundary_waits_and_the_latest_of_those_wins() -> None:
    world = running()
    world.run(400_000)
    (first,) = world.apply(Change({"rate_hz": 2.0}, "ann"))
    assert isinstance(first, PacingChanged)
    assert first.timeline.next is not None
    near_us = first.timeline.next.start_us
    while near_us - world.now_us >= CHANGE_LEAD_US:
        world.advance(10_000)
    for rate_hz in (0.5, 0.8):
        events = world.apply(Change({"rate_hz": rate_hz, "level_pct": 10}, "bob"))
        assert isinstance(events[-1], ChangeWaits)
    assert world.state.set is not None
    assert world.state.set.pacing.left_pct == 10  # what needs no boundary did not wait
    assert world.state.set.timeline.next == first.timeline.next
    events = world.run(3_000_000)
    (planned,) = [event for event in events if isinstance(event, ChangePlanned)]
    assert planned.timeline.next is not None
    assert planned.timeline.next.start_us >= near_us + CHANGE_LEAD_US
    assert world.state.set.timeline.current.pacing.rate_hz == 0.8


def test_a_boundary_that_one_side_has_not_acknowledged_moves_off_and_takes_the_latest_along() -> None:
    world = running()
    world.run(400_000)
    world.pulsers["right"].hears = False
    (first,) = world.apply(Change({"rate_hz": 2.0}, "ann"))
    assert isinstance(first, PacingChanged)
    assert first.timeline.next is not None
    world.pulsers["right"].lease_until_us = float("inf")
    near_us = first.timeline.next.start_us
    while near_us - world.now_us > 250_000:
        world.advance(10_000)
    assert isinstance(world.apply(Change({"rate_hz": 0.5}, "ann"))[-1], ChangeWaits)
    revision = world.state.revision
    events = world.run(150_000, 10_000)
    planned = [event for event in events if isinstance(event, ChangePlanned)]
    assert planned
    assert planned[0].timeline.next is not None
    assert planned[0].timeline.next.start_us > near_us
    assert planned[0].timeline.next.pacing.rate_hz == 0.5
    assert world.state.revision == revision  # nobody's next command depends on it


def test_a_change_is_refused_when_no_set_runs_or_it_still_starts() -> None:
    world = World()
    assert refusal(world, Change({"rate_hz": 2}, "ann")) == "idle"
    world.apply(start())
    assert refusal(world, Change({"rate_hz": 2}, "ann")) == "running"


def test_a_change_out_of_range_leaves_the_running_set_untouched() -> None:
    world = running()
    assert refusal(world, Change({"rate_hz": 40}, "ann")) == "range"
    assert refusal(world, Change({"passes": 3.5}, "ann")) == "field"


def test_fewer_passes_than_are_about_to_be_reached_are_refused_with_the_least() -> None:
    world = running()
    world.run(5_000_000)
    with pytest.raises(Refused) as refused:
        world.apply(Change({"passes": 2}, "ann"))
    least = refused.value.fault.low
    assert least is not None
    assert world.state.set is not None
    assert world.state.set.timeline.pass_start_us(int(least)) >= world.now_us + CHANGE_LEAD_US
    world.apply(Change({"passes": int(least)}, "ann"))
    world.run(3_000_000)
    assert world.ended is not None
    assert world.ended.reason == "finished"


def test_a_set_cannot_be_changed_more_often_than_a_frame_can_number() -> None:
    world = running()
    world.pulsers["left"].hears = world.pulsers["right"].hears = True
    for level in range(MAX_PLANS - 1):
        world.apply(Change({"level_pct": 10 + level % 2}, "slider"))
    assert refusal(world, Change({"level_pct": 50}, "slider")) == "running"
    assert world.apply(Stop("ann"))


# --- ending ---------------------------------------------------------------------------------------------


def test_a_stop_is_never_refused_and_ends_what_is_on() -> None:
    world = World()
    assert world.apply(Stop("ann")) == []
    world.apply(start())
    (event,) = world.apply(Stop("ann"))
    assert isinstance(event, SetEnded)
    assert world.apply(Stop("bob")) == []
    assert [type(event) for event in world.run(300_000)] == [SetStilled]


def test_a_soft_stop_ends_both_sides_after_the_same_pass() -> None:
    world = running()
    world.run(2_400_000)
    world.apply(Stop("ann", soft=True, margin_us=MARGIN_US))
    assert world.state.set is not None
    passes = world.state.set.pacing.passes
    end_us = world.state.set.timeline.pass_start_us(passes)
    assert world.now_us + MARGIN_US <= end_us <= world.now_us + MARGIN_US + 1_000_000
    world.run(2_000_000)
    assert world.ended is not None
    assert (world.ended.reason, world.ended.by) == ("soft", "ann")
    assert world.ended.at_us >= end_us


def test_an_open_set_past_what_a_person_can_plan_is_stopped_softly_and_takes_no_number_of_passes() -> None:
    world = running(rate_hz=4.0)
    world.run(limits.MAX_SET_MS * 1_000 - 3_000_000, 100_000)
    with pytest.raises(Refused, match="past pass 1000") as refused:
        world.apply(Change({"passes": 1_000}, "bob"))
    assert refused.value.fault.field == "passes"
    (event,) = world.apply(Stop("ann", soft=True, margin_us=MARGIN_US))
    assert isinstance(event, PassesSet)
    assert 2_380 < event.passes <= limits.MAX_SET_PASSES
    assert world.state.set is not None
    end_us = world.state.set.timeline.pass_start_us(event.passes)
    assert world.now_us + MARGIN_US <= end_us <= world.now_us + MARGIN_US + 250_000
    world.run(1_000_000, 10_000)
    assert world.ended is not None
    assert (world.ended.reason, world.ended.by) == ("soft", "ann")
    assert world.ended.at_us >= end_us


def test_a_soft_stop_cannot_be_planned_away_by_more_passes() -> None:
    world = running()
    world.apply(Stop("ann", soft=True, margin_us=MARGIN_US))
    assert refusal(world, Change({"passes": 100}, "bob")) == "idle"
    assert world.apply(Stop("bob"))


def test_a_soft_stop_while_starting_is_a_stop() -> None:
    world = World()
    world.apply(start())
    (event,) = world.apply(Stop("ann", soft=True, margin_us=MARGIN_US))
    assert isinstance(event, SetEnded)
    assert event.reason == "stop"


@pytest.mark.parametrize("reason", ["button", "lease", "charging", "link", "fault", "stop"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_what_ends_on_one_pulser_ends_the_set_at_once(reason: str, side: Side) -> None:
    world = running()
    world.end_on(side, reason)
    world.advance(1_000)
    assert world.ended is not None
    assert (world.ended.reason, world.ended.side) == (reason, side)
    assert world.ended.by == ("button" if reason == "button" else "system")


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_pulser_that_is_silent_for_600_ms_ends_the_set(side: Side) -> None:
    world = running()
    world.pulsers[side].speaks = False
    world.run(550_000, 10_000)
    assert world.ended is None
    world.run(100_000, 10_000)
    assert world.ended is not None
    assert (world.ended.reason, world.ended.side) == ("lost", side)


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_side_that_never_got_its_lease_does_not_leave_its_twin_alone_for_a_second(side: Side) -> None:
    world = World()
    world.apply(start())
    world.advance(5_000)
    for pulser in world.pulsers.values():
        pulser.leased = False
    world.pulsers[side].hears = False  # it acknowledged, answers, and hears nothing any more
    world.run(1_000_000, 10_000)
    assert world.ended is not None
    assert (world.ended.reason, world.ended.side) == ("silent", side)
    assert world.ended.at_us - world.go_us < 600_000


def test_a_charger_plugged_in_ends_the_set() -> None:
    world = running()
    world.pulsers["left"].charging = True
    world.advance(1_000)
    assert world.ended is not None
    assert (world.ended.reason, world.ended.side) == ("charging", "left")


def test_planned_passes_end_the_set_when_both_say_so_and_soon_after_even_if_one_does_not() -> None:
    world = running(passes=3)
    world.run(3_200_000, 10_000)
    assert world.ended is not None
    assert world.ended.reason == "finished"
    assert world.ended.at_us <= world.go_us + 3_020_000

    half = running(passes=3)
    half.pulsers["right"].mum = True
    half.run(3_250_000, 10_000)
    assert half.ended is None
    half.run(100_000, 10_000)
    assert half.ended is not None
    assert half.ended.reason == "finished"


def test_a_side_that_finishes_a_pass_early_holds_another_plan_and_ends_the_set() -> None:
    world = running(passes=30)
    world.run(2_000_000)
    world.end_on("left", "finished")
    world.advance(1_000)
    assert world.ended is not None
    assert (world.ended.reason, world.ended.side) == ("fault", "left")


@pytest.mark.parametrize("rate_hz", [0.1, 1.0, 1.5, 4.0])
def test_the_longest_set_ends_after_a_pass_that_is_the_same_for_both(rate_hz: float) -> None:
    world = running(rate_hz=rate_hz)
    world.run(limits.MAX_SET_MS * 1_000, 100_000)
    assert world.ended is not None
    assert world.ended.reason == "longest"
    assert world.state.set is not None
    end_us = world.state.set.timeline.pass_start_us(world.state.set.pacing.passes)
    longest_us = limits.MAX_SET_MS * 1_000
    assert longest_us - 1_000_000 - 1e6 / rate_hz <= end_us - world.go_us <= longest_us - 500_000
    assert world.state.set.pacing.passes <= limits.MAX_SET_PASSES
    (planned,) = [event for event in world.events if isinstance(event, PassesSet)]
    assert planned.reason == "longest"


def test_more_passes_than_the_longest_set_holds_end_with_the_longest_set() -> None:
    world = running(rate_hz=0.5, passes=1_000)
    world.run(limits.MAX_SET_MS * 1_000, 100_000)
    assert world.ended is not None
    assert world.ended.reason == "longest"


def test_an_open_set_that_is_left_alone_ends_after_15_s_and_a_planned_one_runs_on() -> None:
    for passes, reason in (("open", "controller"), (60, "finished")):
        world = World()
        world.controllers = 1
        world.apply(start(passes=passes, controllers=1))
        world.run(3_000_000)
        world.controllers = 0
        world.run(LEFT_ALONE_US - 200_000)
        assert world.ended is None
        world.run(60_000_000, 100_000)
        assert world.ended is not None
        assert world.ended.reason == reason


def test_a_controller_that_comes_back_keeps_the_set() -> None:
    world = World()
    world.controllers = 1
    world.apply(start(controllers=1))
    world.run(1_000_000)
    world.controllers = 0
    world.run(14_000_000)
    world.controllers = 1
    assert LeftAlone(None) in world.run(200_000)
    world.run(20_000_000, 100_000)
    assert world.ended is None


def test_a_controller_gone_before_the_first_pass_counts_as_gone() -> None:
    world = World()
    world.apply(start(controllers=1))
    world.run(16_000_000, 100_000)
    assert world.ended is not None
    assert world.ended.reason == "controller"


def test_a_jump_of_the_daemons_clock_ends_the_set() -> None:
    world = running()
    world.apply(ClockJumped())
    assert world.ended is not None
    assert world.ended.reason == "clock"
    assert world.apply(ClockJumped()) == []


@pytest.mark.parametrize("reason", ["lost", "link", "clock"])
def test_a_link_lost_or_made_anew_ends_the_set(reason: str) -> None:
    world = running()
    world.apply(PulserLost("right", reason))  # pyright: ignore[reportArgumentType]
    assert world.ended is not None
    assert (world.ended.reason, world.ended.side) == (reason, "right")


def test_a_set_is_stilled_when_both_say_so_or_when_no_lease_can_be_left() -> None:
    world = running()
    world.pulsers["right"].hears = world.pulsers["right"].speaks = False
    world.pulsers["right"].lease_until_us = float("inf")
    world.apply(Stop("ann"))
    world.run(1_150_000)
    assert world.state.set is not None
    assert world.state.set.phase == "stopping"
    world.run(150_000)
    assert world.state.set.phase == "ended"
    assert world.state.set.silent == ("right",)
