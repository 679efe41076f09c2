"""A set is what was asked for, pulse by pulse, whatever the air: read off both motor lines."""

import time
from itertools import pairwise

import pytest

from tests.support import traces
from tests.support.host_waits import HostWaits
from tests.support.rig import Daemon, Pair, wait_for

# Edges by software on a machine that does other things: a bound for "this is the rate that was asked for",
# far from what the benchmarks measure and close enough that no other rate could pass.
EDGE_SLACK_US = 15_000


@pytest.fixture(autouse=True)
def calm(pair: Pair) -> None:
    pair.calm()


def slack_us(waits: HostWaits, *edges_us: int) -> int:
    """The bound between `edges_us`, and what this machine kept the boards from running there."""
    return EDGE_SLACK_US + waits.between_us(min(edges_us) - 50_000, max(edges_us) + 10_000)


@pytest.mark.parametrize("air", ["none", "quiet", "busy", "bad"])
def test_a_set_gives_exactly_its_passes_on_every_air(pair: Pair, daemon: Daemon, air: str) -> None:
    pair.air(air)
    since_us = pair.begin(rate_hz=4, pulse_ms=60, ramp_ms=0, passes=12)
    ended = daemon.until_ended(pair.room)
    assert ended["ended_reason"] == "finished"
    pair.assert_exact(since_us, 12)
    for side in ("left", "right"):
        assert (ended[side]["delivered"], ended[side]["skipped"]) == (12, 0)


@pytest.mark.parametrize("air", ["quiet", "bad"])
def test_a_change_of_rate_in_mid_set_neither_loses_nor_doubles_a_pulse(
    pair: Pair, daemon: Daemon, air: str
) -> None:
    pair.air(air)
    since_us = pair.begin(rate_hz=2, pulse_ms=60, ramp_ms=0, passes=14)
    for rate_hz in (4, 1.5, 3):
        time.sleep(0.9)
        changed = daemon.ask("POST", f"/rooms/{pair.room}/set/change", {"rate_hz": rate_hz})
        assert changed.status == 200, changed.body
    assert daemon.until_ended(pair.room)["ended_reason"] == "finished"
    pair.assert_exact(since_us, 14)
    # Every rate was felt: the passes of the trace have all four lengths.
    begins = [pulse.on_us for pulse in pair.left.pulses(since_us)]
    lengths = [two - one for one, two in pairwise(begins)]
    for rate_hz in (2, 4, 1.5, 3):
        period_us = 1e6 / rate_hz
        assert any(abs(length - period_us) < EDGE_SLACK_US for length in lengths), (rate_hz, lengths)


def test_rate_and_width_are_those_asked_for(pair: Pair, daemon: Daemon, waits: HostWaits) -> None:
    since_us = pair.begin(rate_hz=2.5, pulse_ms=120, ramp_ms=0, passes=6)
    daemon.until_ended(pair.room)
    pair.assert_exact(since_us, 6)
    left, right = pair.left.pulses(since_us), pair.right.pulses(since_us)
    for pulse in (*left, *right):
        assert abs(pulse.width_us - 120_000) < slack_us(waits, pulse.on_us, pulse.on_us + pulse.width_us)
    for one, two in pairwise(left):
        assert abs(two.on_us - one.on_us - 400_000) < slack_us(waits, one.on_us, two.on_us)
    for one, two in zip(left, right, strict=True):
        assert abs(two.on_us - one.on_us - 200_000) < slack_us(waits, one.on_us, two.on_us)


def test_the_widest_pulse_is_half_a_pass_and_does_not_overlap(
    pair: Pair, daemon: Daemon, waits: HostWaits
) -> None:
    since_us = pair.begin(rate_hz=2, pulse_ms=250, ramp_ms=0, passes=4)
    daemon.until_ended(pair.room)
    left, right = pair.left.pulses(since_us), pair.right.pulses(since_us)
    assert (len(left), len(right)) == (4, 4)
    # Touching is what was asked for; the two lines are two machines, a fraction of a millisecond apart.
    for one, two in pairwise(sorted([*left, *right], key=lambda pulse: pulse.on_us)):
        assert one.side != two.side
        assert abs(one.width_us - 250_000) < slack_us(waits, one.on_us, one.on_us + one.width_us)
        assert one.on_us + one.width_us <= two.on_us + 2_000


def test_a_set_ramps_up_and_every_pulse_rises_for_20_ms(pair: Pair, daemon: Daemon) -> None:
    since_us = pair.begin(rate_hz=4, pulse_ms=80, level_pct=50, ramp_ms=1_200, passes=8)
    daemon.until_ended(pair.room)
    for board in pair.boards.values():
        pulses = board.pulses(since_us)
        peaks = [pulse.peak_pct for pulse in pulses]
        assert peaks == sorted(peaks)
        assert peaks[0] < 20
        assert peaks[-1] == pytest.approx(50, abs=0.1)
        assert all(level < 50 for level in peaks[:4])
        assert all(pulse.rise_us >= 20_000 for pulse in pulses)
        _assert_no_jolt(board.rows(), since_us)


def test_the_shortest_pulse_still_rises(pair: Pair, daemon: Daemon) -> None:
    since_us = pair.begin(rate_hz=4, pulse_ms=20, level_pct=60, ramp_ms=0, passes=4)
    daemon.until_ended(pair.room)
    pair.assert_exact(since_us, 4)
    for board in pair.boards.values():
        _assert_no_jolt(board.rows(), since_us)


def _assert_no_jolt(rows: list[traces.Row], since_us: int) -> None:
    """No level within the first 20 ms of a pulse is above the straight line to a full level, by a step."""
    on_us = level_pct = 0.0
    for row in rows:
        if row.at_us < since_us:
            continue
        if row.level_pct and not level_pct:
            on_us = row.at_us
        if row.level_pct > level_pct:
            # A step is 5 ms: a quarter of the shortest rise.
            assert row.level_pct <= 60 * (row.at_us - on_us + 5_000) / 20_000 + 0.1, row
        level_pct = row.level_pct


def test_left_and_right_levels_are_their_own(pair: Pair, daemon: Daemon) -> None:
    since_us = pair.begin(rate_hz=4, pulse_ms=60, left_pct=20, right_pct=45, ramp_ms=0, passes=3)
    daemon.until_ended(pair.room)
    pair.assert_exact(since_us, 3)
    assert {pulse.peak_pct for pulse in pair.left.pulses(since_us)} == {20}
    assert {pulse.peak_pct for pulse in pair.right.pulses(since_us)} == {45}


def test_a_side_at_0_writes_no_rows_and_the_other_taps_on(pair: Pair, daemon: Daemon) -> None:
    rows_before = len(pair.right.rows())
    daemon.begin(pair.room, rate_hz=4, pulse_ms=60, left_pct=30, right_pct=0, ramp_ms=0, passes=4)
    left_before = len(pair.left.pulses())
    ended = daemon.until_ended(pair.room)
    assert ended["ended_reason"] == "finished"
    assert len(pair.right.rows()) == rows_before
    assert len(pair.left.pulses()) - left_before in (3, 4)  # the first may have begun before it was counted


def test_the_smallest_level_is_never_rounded_to_nothing(pair: Pair, daemon: Daemon) -> None:
    since_us = pair.begin(rate_hz=4, pulse_ms=40, level_pct=0.01, ramp_ms=0, passes=3)
    daemon.until_ended(pair.room)
    pair.assert_exact(since_us, 3)


def test_nothing_goes_above_the_ceiling_given_at_pairing(pair: Pair, daemon: Daemon) -> None:
    assert daemon.pulser(pair.room, "left")["ceiling_pct"] == 60
    since_us = pair.begin(rate_hz=4, pulse_ms=100, level_pct=100, ramp_ms=0, passes=4)
    daemon.until_ended(pair.room)
    pair.assert_exact(since_us, 4)
    for board in pair.boards.values():
        assert {pulse.peak_pct for pulse in board.pulses(since_us)} == {60}


def test_a_lower_level_acts_at_once_and_a_higher_one_from_the_next_pulse(pair: Pair, daemon: Daemon) -> None:
    pair.begin(rate_hz=0.5, pulse_ms=1_000, level_pct=50, ramp_ms=0)
    wait_for("a long left pulse at its level", lambda: pair.left.level_pct() == 50)
    begun = pair.left.pulses()[-1]
    daemon.ask("POST", f"/rooms/{pair.room}/set/change", {"level_pct": 10})
    wait_for("a lower level in the same pulse", lambda: pair.left.level_pct() in (10, 0))
    assert pair.left.pulses()[-1].on_us == begun.on_us
    assert 10 in {row.level_pct for row in pair.left.rows() if row.at_us > begun.on_us}
    wait_for("a right pulse", lambda: pair.right.level_pct() == 10)
    held = pair.right.pulses()[-1]
    daemon.ask("POST", f"/rooms/{pair.room}/set/change", {"level_pct": 40})
    wait_for("the next left pulse", lambda: pair.left.pulses()[-1].on_us > held.on_us)
    pair.halt()
    assert max(row.level_pct for row in pair.right.rows() if row.at_us >= held.on_us) == 10
    assert pair.left.pulses()[-1].peak_pct > 10


def test_a_stop_ends_both_at_once_even_in_a_pulse(pair: Pair, daemon: Daemon) -> None:
    pair.begin(rate_hz=0.5, pulse_ms=1_000, level_pct=50, ramp_ms=0)
    wait_for("a pulse well under way", lambda: pair.left.level_pct() == 50)
    daemon.done("set", "stop", pair.room)
    # The command has ended: by its word both are off now, and the trace agrees.
    assert (pair.left.level_pct(), pair.right.level_pct()) == (0, 0)
    assert pair.left.pulses()[-1].width_us < 1_000_000 - EDGE_SLACK_US
    count = [len(board.rows()) for board in pair.boards.values()]
    time.sleep(0.8)
    assert count == [len(board.rows()) for board in pair.boards.values()]
    assert pair.set()["ended_reason"] == "stop"


def test_a_soft_stop_ends_with_a_whole_pass(pair: Pair, daemon: Daemon, waits: HostWaits) -> None:
    since_us = pair.begin(rate_hz=1.6, pulse_ms=300, ramp_ms=0)
    wait_for("the second pass", lambda: len(pair.left.pulses(since_us)) == 2)
    # Not by the command line: to start that takes a busy machine more than a pass.
    answer = daemon.ask("POST", f"/rooms/{pair.room}/set/stop", soft="true")
    assert answer.status == 200, answer.body
    daemon.until_ended(pair.room)
    assert (pair.left.level_pct(), pair.right.level_pct()) == (0, 0)
    left, right = pair.left.pulses(since_us), pair.right.pulses(since_us)
    assert len(left) in (2, 3)
    pair.assert_exact(since_us, len(left))
    for pulse in (left[-1], right[-1]):
        assert abs(pulse.width_us - 300_000) < slack_us(waits, pulse.on_us, pulse.on_us + pulse.width_us)
    assert pair.set()["ended_reason"] == "soft"


def test_a_clock_correction_after_a_stop_moves_nothing(pair: Pair, daemon: Daemon) -> None:
    """On air that delays and repeats, schedules and corrections are under way when the stop is said."""
    pair.air("bad")
    pair.begin(rate_hz=4, pulse_ms=60, ramp_ms=0)
    daemon.ask("POST", f"/rooms/{pair.room}/set/change", {"rate_hz": 3})
    pair.halt()
    count = [len(board.rows()) for board in pair.boards.values()]
    time.sleep(1.0)
    assert count == [len(board.rows()) for board in pair.boards.values()]
