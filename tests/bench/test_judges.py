"""Whether the benchmarks' own judges see what is wrong: each wrong is planted, and has to be found."""

import json

import pytest

from tests.bench.__main__ import jobs, parse
from tests.bench.air_model import Burst
from tests.bench.command import Times, _read_times
from tests.bench.estimators import LinkLike, replayed_errors_us
from tests.bench.left_right import fit_errors_us
from tests.bench.pairs import _off_ms
from tests.bench.probes import linked_us, read_diary, truth_of
from tests.bench.rig import TrueClock
from tests.bench.sets import judge, not_started, per_100
from tests.bench.soak import Episode, any_pacing, breaches
from tests.support.traces import Row
from twintap.clock import ProbeStamps

PERIOD_US = 500_000


def line(side: str, *begins_us: int, width_us: int = 100_000, level_pct: float = 40) -> list[Row]:
    rows: list[Row] = []
    for begin_us in begins_us:
        rows += [Row(begin_us, side, level_pct / 2), Row(begin_us + 20_000, side, level_pct)]
        rows.append(Row(begin_us + width_us, side, 0))
    return rows


def traces(passes: int, left_without: int = -1) -> list[list[Row]]:
    lefts = [number * PERIOD_US for number in range(1, passes + 1) if number != left_without]
    rights = [number * PERIOD_US + PERIOD_US // 2 for number in range(1, passes + 1)]
    return [line("left", *lefts), line("right", *rights)]


def held(reason: str = "finished") -> dict[str, object]:
    counts = {"delivered": 3, "skipped": 0, "late": 1, "latest_us": 77}
    return {"ended_reason": reason, "ended_side": None, "left": counts, "right": counts}


# --- sets -------------------------------------------------------------------------------------------------


def test_a_whole_set_is_whole():
    result = judge(held(), traces(3), 0, 9_000_000, 2.0, 3)
    assert result.is_whole
    assert (result.pulses, result.late["left"], result.latest_us["right"]) == ({"left": 3, "right": 3}, 1, 77)


def test_a_missed_pulse_is_seen_and_counted_per_100_sets():
    result = judge(held(), traces(3, left_without=2), 0, 9_000_000, 2.0, 3)
    assert [fault.kind for fault in result.faults if fault.side == "left"] == ["missed"]
    found = per_100([result, judge(held(), traces(3), 0, 9_000_000, 2.0, 3)])
    assert (found["missed"], found["false stops"]) == (50.0, 0.0)


def test_a_set_that_a_lease_stopped_or_that_did_not_start_is_a_false_stop():
    found = per_100([judge(held("lease"), traces(2), 0, 9_000_000, 2.0, 3), not_started()])
    assert found["false stops"] == 100.0
    assert found["why"] == "lease 1, not started 1"
    # What it did not come to is not missed as well.
    assert found["missed"] == 0.0


# --- commands ---------------------------------------------------------------------------------------------


def test_a_start_is_timed_to_the_first_row_and_a_stop_to_the_last_motor_off():
    times = Times()
    on_off = [
        [Row(1_120_000, "left", 50), Row(2_012_000, "left", 0)],
        [Row(1_620_000, "right", 50), Row(2_015_000, "right", 0)],
    ]
    _read_times(times, [(1_000_000, 2_000_000)], on_off)
    assert (times.start_ms, times.stop_ms, times.broken) == ([120.0], [15.0], [])


def test_a_set_without_a_pulse_has_no_times():
    times = Times()
    _read_times(times, [(1_000_000, 2_000_000)], [[], []])
    assert (times.start_ms, times.stop_ms, times.broken) == ([], [], ["no pulse"])


def test_a_stop_of_a_light_pair_is_timed_to_the_slower_side_and_one_that_reached_one_side_is_told(tmp_path):
    ends = tmp_path / "ends.csv"
    ends.write_text("a,left,500\na,left,1500\na,right,4000\nb,left,2000\n")
    assert _off_ms([("a", 1_000, 0), ("b", 1_000, 0)], [ends]) == ([3.0], 1)


# --- the fit ----------------------------------------------------------------------------------------------


def test_the_true_clock_is_the_one_that_the_board_simulates():
    clock = TrueClock({"boot_us": 5_000_000, "offset_us": (1 << 30) + 7, "ppm_milli": 10_000})
    assert clock.at(5_000_000) == 7
    assert clock.at(15_000_000) == 7 + 10_000_100


def perfect_bursts(clock: TrueClock, from_us: int, count: int) -> list[Burst]:
    """Probes over an air of 1 ms each way, one burst a second."""
    found: list[Burst] = []
    for number in range(count):
        at_us = from_us + number * 1_000_000
        sent = [at_us + probe * 5_000 for probe in range(8)]
        stamps = [
            ProbeStamps(round(clock.at(t)), t + 1_000, t + 1_050, round(clock.at(t + 2_050))) for t in sent
        ]
        found.append(Burst(at_us + 50_000, stamps))
    return found


def test_on_perfect_probes_our_fit_has_no_error_and_a_slope_of_1_has_the_drift():
    truths = [
        TrueClock({"boot_us": 0, "offset_us": 3 * 10**9, "ppm_milli": 10_000}),
        TrueClock({"boot_us": 0, "offset_us": 9 * 10**9, "ppm_milli": -10_000}),
    ]
    bursts = [perfect_bursts(truth, 10_000_000, 60) for truth in truths]
    found = fit_errors_us(bursts, truths, 40_000_000, 69_000_000)
    assert max(abs(error) for error in found["twintap"]["pair"]) < 3
    assert max(abs(error) for error in found["snapcast"]["pair"]) > 200


def test_a_new_link_forgets_what_was_known():
    clock = TrueClock({"boot_us": 0, "offset_us": 0, "ppm_milli": 0})
    stepped = TrueClock({"boot_us": 0, "offset_us": 10_000_000, "ppm_milli": 0})
    bursts = [
        *perfect_bursts(clock, 1_000_000, 20),
        Burst(21_500_000, []),
        *perfect_bursts(stepped, 22_000_000, 20),
    ]
    found = replayed_errors_us(LinkLike, bursts, truth_of(stepped.at), 41_000_000, 42_000_000)
    assert max(abs(error) for error in found) < 2


def test_a_diary_is_read_by_pulser_with_its_links(tmp_path):
    diary = tmp_path / "diary"
    lines = [
        {"pulser": "aa", "at_us": 5, "linked": True},
        {"pulser": "aa", "at_us": 9, "stamps": [[1, 2, 3, 4]]},
        {"pulser": "bb", "at_us": 9, "linked": True},
        {"pulser": "aa", "at_us": 20, "linked": True},
    ]
    diary.write_text("".join(json.dumps(one) + "\n" for one in lines))
    found = read_diary(diary)
    assert [len(found["aa"]), len(found["bb"])] == [3, 1]
    assert found["aa"][1] == Burst(9, [ProbeStamps(1, 2, 3, 4)])
    assert (linked_us(found["aa"]), linked_us(found["aa"], before_us=20), linked_us([])) == (20, 5, None)


# --- the soak ---------------------------------------------------------------------------------------------


def episode(deed: str = "none", broke_us: int | None = None, passes: int = 3) -> Episode:
    pacing = {"rate_hz": 2.0, "passes": passes}
    return Episode(pacing, deed, 0, broke_us, 9_000_000, "finished", 2.0)


def test_a_clean_set_breaches_nothing():
    assert breaches(episode(), traces(3)) == []
    assert breaches(episode("button", 1_600_000), traces(3)) == []


@pytest.mark.parametrize(
    ("what", "rows", "of"),
    [
        ("3 left and 2 right", [traces(3)[0], traces(2)[1]], episode()),
        (
            "above the ceiling",
            [line("left", 500_000, level_pct=61), line("right", 750_000)],
            episode(passes=1),
        ),
        ("wide", [line("left", 500_000, width_us=900_000), line("right", 1_500_000)], episode(passes=1)),
        ("order right", [line("left", 1_000_000), line("right", 750_000)], episode(passes=1)),
        ("is on at the end", [line("left", 500_000)[:-1], line("right", 750_000)], episode(passes=1)),
        ("went off 2.000 s after cut", traces(6), episode("cut", 1_350_000)),
    ],
)
def test_every_breach_is_found(what: str, rows: list[list[Row]], of: Episode):
    assert any(what in breach for breach in breaches(of, rows))


def test_a_rise_that_is_a_step_is_found():
    step = [Row(500_000, "left", 20), Row(505_000, "left", 40), Row(600_000, "left", 0)]
    assert any(
        "rose within 5000" in breach for breach in breaches(episode(passes=1), [step, line("right", 750_000)])
    )


def test_a_set_that_nothing_was_done_to_must_not_end_by_itself():
    lost = episode()
    lost.reason = "lease"
    assert breaches(lost, traces(2)) == ["the set ended by itself: lease"]


def test_any_pacing_lies_within_its_ranges():
    import random

    from twintap.core.pacing import Pacing

    chance = random.Random(1)
    for _ in range(300):
        Pacing().with_changes(any_pacing(chance))


# --- the command line -------------------------------------------------------------------------------------


def test_each_benchmark_can_be_had_alone_and_on_one_air():
    assert [name for name, _ in jobs(parse(["--only", "heap"]))] == ["heap"]
    together = [name for name, _ in jobs(parse(["--only", "left-right", "--together", "2"]))]
    assert together == ["left-right (quiet, busy)", "left-right (bad)"]
    assert parse(["--air", "bad,quiet"]).air == ("quiet", "bad")


@pytest.mark.parametrize(
    "wrong", [["--only", "all"], ["--air", "none"], ["--minutes", "11"], ["--sets", "x"]]
)
def test_what_cannot_be_measured_is_refused(wrong: list[str], capsys):
    with pytest.raises(SystemExit) as ended:
        parse(wrong)
    assert ended.value.code == 2
    assert wrong[1] in capsys.readouterr().err
