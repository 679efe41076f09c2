"""What a pulser's charge will do, and which rest and charge keep a room from starting."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.core_world import World
from twintap.core.charge import EMPTY_MV, LONGEST_MIN, USUAL_PCT_PER_H, Charge, charge_pct, needed_min
from twintap.core.decide import check_ready
from twintap.core.state import Fact, RoomState, Start
from twintap.views import Rest

MIN_US = 60e6


def read(charge: Charge, *, minutes: int, from_mv: float, to_mv: float, begin_us: float = 0.0) -> float:
    """A reading every ten seconds; gives when the last one was."""
    count = minutes * 6
    for index in range(count):
        mv = round(from_mv + (to_mv - from_mv) * index / (count - 1))
        charge.take(mv, is_charging=False, now_us=begin_us + index * 10e6)
    return begin_us + count * 10e6


def left_min(battery_mv: int) -> float:
    charge = Charge()
    charge.take(battery_mv, is_charging=False, now_us=0)
    assert charge.left_min is not None
    return charge.left_min


@given(st.lists(st.integers(2_000, 5_000), min_size=2, max_size=20))
def test_more_voltage_is_never_less_charge(readings: list[int]) -> None:
    for low, high in itertools.pairwise(sorted(readings)):
        assert 0.0 <= charge_pct(low) <= charge_pct(high) <= 100.0


def test_an_empty_cell_lasts_for_nothing_and_a_full_one_for_hours() -> None:
    assert left_min(EMPTY_MV) == left_min(3_000) == 0.0
    assert left_min(3_400) < LONGEST_MIN < left_min(3_650)
    assert left_min(4_200) > 180


def test_what_is_not_measured_or_charging_is_not_guessed() -> None:
    charge = Charge()
    assert charge.left_min is None
    charge.take(0, is_charging=False, now_us=0)
    assert charge.left_min is None
    charge.take(3_700, is_charging=False, now_us=1)
    assert charge.left_min is not None
    charge.take(3_700, is_charging=True, now_us=2)
    assert charge.left_min is None, "on its charger"
    charge.take(4_150, is_charging=False, now_us=3)
    assert charge.left_min is not None
    assert charge.left_min > 180, "what was before the charger is forgotten"
    charge.take(0, is_charging=False, now_us=2e6)
    assert charge.left_min is None, "the reading went away"


def test_a_motor_s_dips_do_not_empty_a_cell() -> None:
    charge = Charge()
    for index in range(60):
        dip_mv = 250 if index % 3 == 0 else 0
        charge.take(3_800 - dip_mv, is_charging=False, now_us=index * 2e6)
    assert charge.left_min == pytest.approx(left_min(3_800), rel=0.01)


def test_the_rate_is_measured_once_an_hour_has_shown_it() -> None:
    charge = Charge()
    read(charge, minutes=25, from_mv=4_150, to_mv=4_100)
    assert charge.rate_pct_per_h == USUAL_PCT_PER_H, "too short to tell"
    charge = Charge()
    read(charge, minutes=60, from_mv=4_110, to_mv=4_020)
    assert charge.rate_pct_per_h == pytest.approx(10.0, rel=0.1)
    assert charge.left_min == pytest.approx(80 / 10 * 60, rel=0.15)
    charge = Charge()
    read(charge, minutes=60, from_mv=4_100, to_mv=4_098)
    assert charge.rate_pct_per_h == USUAL_PCT_PER_H, "noise is no rate"


def test_a_night_asleep_says_nothing_of_the_rate() -> None:
    charge = Charge()
    end_us = read(charge, minutes=60, from_mv=4_110, to_mv=4_020)
    read(charge, minutes=3, from_mv=3_990, to_mv=3_990, begin_us=end_us + 600 * MIN_US)
    assert charge.rate_pct_per_h == USUAL_PCT_PER_H
    assert charge.left_min is not None
    assert charge.left_min == pytest.approx(left_min(3_990), rel=0.05)


def test_a_room_needs_its_charge_for_the_set_that_runs_or_the_longest_one() -> None:
    assert needed_min(None, 0.0) == LONGEST_MIN
    world = World()
    world.apply(Start(1, {"passes": 60, "rate_hz": 1.0}, "ann", 120_000.0, 75_000.0))
    world.run(200_000, 10_000)
    current = world.state.set
    assert current is not None
    assert needed_min(current, world.now_us) == pytest.approx(1.0, abs=0.01)
    assert needed_min(current, world.now_us + 30e6) == pytest.approx(0.5, abs=0.01)
    assert needed_min(current, world.now_us + 120e6) == 0.0
    world = World()
    world.apply(Start(1, {"passes": "open"}, "ann", 120_000.0, 75_000.0))
    world.run(200_000, 10_000)
    assert needed_min(world.state.set, world.now_us + 4 * MIN_US) == pytest.approx(6.0, abs=0.01)


# --- which of it keeps a room from starting -------------------------------------------------------------

GOOD = Fact("a", linked=True, ready=True)


def faults(left: Fact) -> list[tuple[str, str | None]]:
    found = check_ready(RoomState({"left": left, "right": replace(GOOD, pulser_id="b")}))
    return [(fault.code, fault.side) for fault in found]


@pytest.mark.parametrize(
    ("power", "code"), [("drowsy", "waking"), ("waking", "waking"), ("awake", None), ("unknown", None)]
)
def test_a_resting_pulser_is_waking_whatever_is_known_of_its_clock(power: Rest, code: str | None) -> None:
    for is_ready in (True, False):
        found = faults(replace(GOOD, power=power, ready=is_ready))
        expected = [(code, "left")] if code else [] if is_ready else [("unready", "left")]
        assert found == expected


def test_what_a_person_has_to_do_comes_before_what_comes_by_itself() -> None:
    asleep = Fact("a", power="asleep")
    assert faults(asleep) == [("asleep", "left")]
    assert faults(replace(asleep, power="unknown")) == [("offline", "left")]
    drowsy = replace(GOOD, power="drowsy")
    assert faults(replace(drowsy, charging=True, is_empty=True)) == [("charging", "left")]
    assert faults(replace(drowsy, is_empty=True)) == [("empty", "left")]
    both = check_ready(RoomState({"left": asleep, "right": drowsy}))
    assert [fault.code for fault in both] == ["asleep", "waking"]
    assert "press its button" in both[0].message


def test_a_running_set_goes_on_when_a_charge_is_found_empty() -> None:
    world = World()
    world.apply(Start(1, {}, "ann", 120_000.0, 75_000.0))
    world.run(500_000, 10_000)
    assert world.state.set is not None
    assert world.state.set.phase == "running"
    world.pulsers["left"].is_empty = True
    world.run(1_000_000, 50_000)
    assert world.state.set.phase == "running"
