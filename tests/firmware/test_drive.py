"""What a level drives a motor with: on plain numbers, and when the pulser's program changes them."""

import json
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twintap_board.sources import firmware_dir

from .pulser_parts import app as app_module
from .pulser_parts import battery, drive
from .sim import Sim
from .test_hot_path import Narrow
from .test_rest import PAIRED

FULL = 65_535
CELLS_MV = [3_300, 3_500, 3_840, 4_200, 4_400]
RANGES_MV = st.integers(1_000, 5_000).flatmap(
    lambda full: st.tuples(st.integers(100, full - 1), st.just(full))
)


def tuned(start_mv: int, full_mv: int, cell_mv: int) -> Any:
    one = drive.Drive(Narrow(FULL), Narrow(start_mv), Narrow(full_mv))
    one.tune(drive.supply_mv(Narrow(cell_mv)))
    return one


@given(
    ranges=RANGES_MV,
    cell_mv=st.integers(3_300, 4_400) | st.sampled_from(CELLS_MV),
    level_bp=st.integers(1, 10_000) | st.sampled_from([1, 4_000, 8_000, 10_000]),
)
def test_a_level_is_its_voltage_on_any_cell_and_never_more(
    ranges: tuple[int, int], cell_mv: int, level_bp: int
) -> None:
    start_mv, full_mv = ranges
    duty = int(tuned(start_mv, full_mv, cell_mv).of(Narrow(level_bp)))
    wanted_mv = start_mv + Fraction((full_mv - start_mv) * level_bp, 10_000)
    given_mv = Fraction(duty * cell_mv, FULL)
    assert 0 <= duty <= FULL
    assert given_mv <= wanted_mv
    # Rounded down twice; or the cell has no more.
    assert duty == FULL or wanted_mv - given_mv < Fraction(2 * cell_mv, FULL)


@given(ranges=RANGES_MV, cell_mv=st.integers(0, 65_535), levels=st.tuples(*[st.integers(0, 10_000)] * 2))
def test_a_higher_level_is_never_weaker_and_none_is_none(
    ranges: tuple[int, int], cell_mv: int, levels: tuple[int, int]
) -> None:
    one = tuned(*ranges, cell_mv)
    low, high = (int(one.of(Narrow(level))) for level in sorted(levels))
    assert low <= high <= FULL
    assert one.of(0) == 0
    assert one.of(Narrow(1)) > 0


def test_the_widest_range_on_the_emptiest_cell_stays_within_30_bits() -> None:
    one = tuned(100, 5_000, 3_000)
    assert one.of(Narrow(10_000)) == FULL
    assert one.of(Narrow(4_000)) == pytest.approx((100 + 0.4 * 4_900) / 3_300 * FULL, abs=2)


@given(cell_mv=st.integers(0, 65_535))
def test_a_voltage_that_no_cell_has_counts_as_full_and_no_reading_as_less_than_empty(cell_mv: int) -> None:
    taken = drive.supply_mv(cell_mv)
    if not 3_000 <= cell_mv <= 4_400:
        assert taken == 4_200
    else:
        assert taken == max(cell_mv, battery.EMPTY_MV)


def test_no_reading_however_wrong_drives_a_board_s_motor_above_its_data_sheet_s_most() -> None:
    checked = 0
    for path in sorted((firmware_dir() / "boards").glob("*.json")):
        fields = json.loads(path.read_text("utf-8"))
        if fields["motor"]["driver"] != "pwm":
            continue
        motor, cap_bp = fields["motor"], 100 * fields["absolute_cap_pct"]
        for read_mv in range(5_000):
            one = tuned(motor["start_mv"], motor["full_mv"], read_mv)
            assert int(one.of(Narrow(cap_bp))) * 4_200 / FULL <= 3_600
        checked += 1
    assert checked == 3


# --- when it changes ----------------------------------------------------------------------------------------


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Sim:
    monkeypatch.setattr(app_module, "gc", SimpleNamespace(collect=lambda: None))
    one = Sim(PAIRED)
    assert one.go(5_000, lambda: bool(one.daemon.reports))
    return one


def tunings(sim: Sim) -> list[int]:
    return [mv for _, mv in sim.port.noted("tune")]


def test_the_cell_is_told_before_anything_can_vibrate_and_again_when_it_has_changed(sim: Sim) -> None:
    assert tunings(sim) == [3_900]
    first_ms = sim.port.noted("tune")[0][0]
    assert not [at_us for at_us, level in sim.port.levels if level and at_us < 1_000 * first_ms]
    sim.go(20_000)
    assert tunings(sim) == [3_900]
    sim.port.mv = 3_700
    sim.go(20_000)
    assert tunings(sim) == [3_900, 3_700]
    sim.port.mv = 0  # a wire has come off
    sim.go(20_000)
    assert tunings(sim) == [3_900, 3_700, 0]


def test_a_set_keeps_its_strength_to_its_end_whatever_the_cell_does(sim: Sim) -> None:
    sim.go(1_000)
    go_us = sim.port.now_us + 200_000
    sim.daemon.schedule(1, go_us)
    assert sim.go(1_000, lambda: sim.daemon.last.set_id == 1)
    sim.port.mv = 3_600  # from when it is held, and not leased yet
    sim.go(12_000)
    assert sim.app.battery.mv == 3_600
    assert sim.app.pacer.set_id == 1
    assert tunings(sim) == [3_900]
    go_us = sim.port.now_us + 200_000
    sim.daemon.schedule(2, go_us)
    assert sim.go(1_000, lambda: sim.daemon.last.set_id == 2)
    sim.port.mv = 3_500
    read = len(sim.port.noted("battery"))
    sim.go(20_000, set_id=2, go_us=go_us)
    assert len(sim.port.noted("battery")) > read + 5  # between its pulses
    assert sim.app.battery.mv == 3_500
    assert sim.app.pacer.set_id == 2
    assert tunings(sim) == [3_900]
    assert sim.go(3_000, lambda: not sim.app.pacer.set_id)  # its lease ends
    sim.go(50)
    assert tunings(sim) == [3_900, 3_500]


def test_nor_does_a_buzz_change_in_its_course(sim: Sim) -> None:
    pacer = sim.app.pacer
    sim.app.motor.hold()
    assert pacer.identify(800, 5_000, sim.port.ticks_us())
    sim.app.motor.release()
    sim.app.battery.mv = 3_400
    sim.go(500)
    assert pacer.state == "buzz"
    assert tunings(sim) == [3_900]
    assert sim.go(1_000, lambda: 3_400 in tunings(sim) or len(tunings(sim)) > 1)
    assert pacer.state == "rest"
