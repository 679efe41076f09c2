"""Whether the reader of traces sees what is in them: each fault is planted, and has to be found."""

import pytest

from tests.support.traces import (
    HEADER,
    BadTrace,
    Fault,
    Pulse,
    Row,
    alternation_faults,
    first_on_us,
    grid_faults,
    last_on_us,
    left_right_errors_us,
    parse_trace,
    pulses_of,
    read_trace,
    within,
)

PERIOD_US = 1_000_000


def pulse(side: str, on_us: int, width_us: int = 100_000) -> Pulse:
    return Pulse(side, on_us, on_us + width_us, 40.0, on_us)


def left(*passes: int) -> list[Pulse]:
    return [pulse("left", number * PERIOD_US) for number in passes]


def right(*passes: int) -> list[Pulse]:
    return [pulse("right", number * PERIOD_US + PERIOD_US // 2) for number in passes]


def test_rows_are_read_and_a_half_written_last_line_is_left_for_later():
    assert parse_trace(f"{HEADER}\n5,left,12.5\n9,left,0\n12,le") == [Row(5, "left", 12.5), Row(9, "left", 0)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("time,side\n", "header"),
        (f"{HEADER}\n5,left\n", "line 2"),
        (f"{HEADER}\nx,left,5\n", "line 2"),
        (f"{HEADER}\n5,left,101\n", "101"),
        (f"{HEADER}\n5,left,-1\n", "-1"),
        (f"{HEADER}\n5,none,1\n", "none"),
        (f"{HEADER}\n5,left,1\n4,left,0\n", "goes back by 1"),
    ],
)
def test_what_is_no_trace_is_refused(text: str, why: str):
    with pytest.raises(BadTrace, match=why):
        parse_trace(text)


def test_a_trace_that_is_not_there_yet_has_no_rows(tmp_path):
    assert read_trace(tmp_path / "none.csv") == []
    (tmp_path / "empty.csv").touch()
    assert read_trace(tmp_path / "empty.csv") == []


def test_a_pulse_runs_from_its_first_level_to_the_next_0_and_knows_its_rise():
    rows = [
        Row(10, "left", 8),
        Row(15, "left", 16),
        Row(30, "left", 40),
        Row(90, "left", 20),
        Row(99, "left", 0),
    ]
    (found,) = pulses_of(rows)
    assert found == Pulse("left", 10, 99, 40, 30)
    assert (found.width_us, found.rise_us) == (89, 20)


def test_a_pulse_without_an_end_says_so():
    (found,) = pulses_of([Row(10, "left", 8)])
    assert found.off_us is None
    with pytest.raises(BadTrace, match="no end"):
        _ = found.width_us


def test_pulses_of_a_window_are_those_that_begin_in_it():
    assert within(left(0, 1, 2, 3), PERIOD_US, 3 * PERIOD_US) == left(1, 2)


def test_a_clean_set_has_no_faults():
    assert alternation_faults(left(0, 1, 2), right(0, 1, 2)) == []
    assert alternation_faults(left(0, 1, 2), right(0, 1)) == []
    assert grid_faults(left(0, 1, 2), "left", 0, PERIOD_US, 3) == []


def test_the_same_side_twice_and_the_wrong_side_first_are_out_of_order():
    assert alternation_faults(left(0, 1), right(1)) == [Fault("order", "left", PERIOD_US)]
    assert alternation_faults(left(1), right(0))[0] == Fault("order", "right", PERIOD_US // 2)


def test_both_sides_on_at_once_overlap():
    wide = pulse("left", 0, PERIOD_US // 2 + 1)
    assert alternation_faults([wide], right(0)) == [Fault("overlap", "right", PERIOD_US // 2)]
    assert alternation_faults([pulse("left", 0, PERIOD_US // 2)], right(0)) == []


def test_a_pulse_that_never_ends_is_a_fault():
    endless = Pulse("right", PERIOD_US // 2, None, 40, PERIOD_US // 2)
    assert alternation_faults(left(0), [endless]) == [Fault("endless", "right", PERIOD_US // 2)]


def test_missed_doubled_and_extra_pulses_are_found_on_the_grid():
    assert grid_faults(left(0, 2), "left", 0, PERIOD_US, 3) == [Fault("missed", "left", PERIOD_US)]
    twice = [*left(0), pulse("left", 200_000), *left(1)]
    assert grid_faults(twice, "left", 0, PERIOD_US, 2) == [Fault("doubled", "left", 200_000)]
    assert grid_faults(left(0, 1), "left", 0, PERIOD_US, 1) == [Fault("extra", "left", PERIOD_US)]


def test_the_left_right_error_is_the_distance_less_half_a_pass():
    rights = [pulse("right", 500_150), pulse("right", 1_499_900)]
    assert left_right_errors_us(left(0, 1), rights, PERIOD_US) == [(0, 150.0), (PERIOD_US, -100.0)]


def test_a_pass_with_one_pulse_has_no_left_right_error():
    assert left_right_errors_us(left(0, 1), right(1), PERIOD_US) == [(PERIOD_US, 0.0)]


def test_latencies_are_the_first_on_and_the_last_off_of_all_lines():
    one = [Row(100, "left", 10), Row(300, "left", 0)]
    two = [Row(250, "right", 10), Row(420, "right", 0)]
    assert first_on_us([one, two], 50) == 100
    assert first_on_us([one, two], 150) == 250
    assert first_on_us([one, two], 430) is None
    assert last_on_us([one, two], 280, 1_000) == 420
    assert last_on_us([one, two], 500, 1_000) == 500


def test_a_line_still_on_when_it_should_be_off_is_no_latency():
    with pytest.raises(BadTrace, match="still at 10"):
        last_on_us([[Row(100, "left", 10)]], 200, 1_000)
