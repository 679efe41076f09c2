"""What the clock fit promises whatever stamps it is given."""

import math
import random
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twintap.clock import BadStamps, ClockError, ClockFit, ClockState, ClockStepped, NoFit, ProbeStamps
from twintap.clock.fit import (
    ERROR_FLOOR_US,
    MAX_AGE_US,
    MAX_SKEW_PPM,
    STALE_US,
    USABLE_ERROR_US,
    WARM_BURSTS,
    WINDOW_BURSTS,
)
from twintap.clock.stamps import MAX_BURST_US, MAX_PROBES, MAX_ROUND_TRIP_US, MAX_STAMP_US
from twintap_protocol.errors import TwintapError

HOURS_US = 3_600_000_000
WAY_US = 900
WORK_US = 50
SPACING_US = 1_000_000

Delays = Sequence[Sequence[tuple[int, int]]]
"""For each burst, for each probe: how long it took up and down, in µs."""


def bursts_of(
    delays: Delays,
    *,
    ppm: float = 0.0,
    daemon_from_us: int = 0,
    pulser_from_us: int = 0,
) -> list[list[ProbeStamps]]:
    """Bursts through an air with the given delays, on exact clocks but for the pulser's rate."""

    def pulser(at_us: int) -> int:
        return pulser_from_us + at_us + math.floor(at_us * ppm * 1e-6)

    out: list[list[ProbeStamps]] = []
    at_us = 0
    for number, burst in enumerate(delays):
        at_us = max(at_us, number * SPACING_US)
        stamps: list[ProbeStamps] = []
        for up_us, down_us in burst:
            t2 = at_us + up_us
            t3 = t2 + WORK_US
            t4 = t3 + down_us
            stamps.append(ProbeStamps(pulser(at_us), daemon_from_us + t2, daemon_from_us + t3, pulser(t4)))
            at_us = t4 + 200
        out.append(stamps)
    return out


def fitted(bursts: Sequence[Sequence[ProbeStamps]]) -> ClockFit:
    fit = ClockFit()
    for burst in bursts:
        fit.add_burst(burst)
    return fit


def steady(bursts: int, probes: int = 8) -> Delays:
    return [[(WAY_US, WAY_US)] * probes] * bursts


way_us = st.one_of(st.integers(900, 1_500), st.integers(900, 60_000))
some_delays = st.lists(st.lists(st.tuples(way_us, way_us), min_size=1, max_size=8), min_size=1, max_size=60)
zero_us = st.integers(-(2**52), 2**52)


class TestEmpty:
    def test_nothing_is_translated_before_the_first_burst(self) -> None:
        fit = ClockFit()
        assert fit.state(0) is ClockState.EMPTY
        assert fit.error_us(0) == math.inf
        assert fit.skew_ppm == 0.0
        assert fit.excess is None
        assert fit.newest_daemon_us is None
        with pytest.raises(NoFit):
            fit.to_pulser_us(0)
        with pytest.raises(NoFit):
            fit.to_daemon_us(0)

    def test_a_dropped_fit_is_empty_and_takes_another_clock(self) -> None:
        fit = fitted(bursts_of(steady(10), pulser_from_us=5 * HOURS_US))
        fit.drop()
        assert fit.state(0) is ClockState.EMPTY
        fit.add_burst(bursts_of(steady(1), pulser_from_us=-HOURS_US)[0])
        assert fit.to_pulser_us(1_000) == pytest.approx(1_000 - HOURS_US, abs=5)

    def test_all_errors_are_in_the_one_tree(self) -> None:
        assert issubclass(ClockError, TwintapError)
        assert all(issubclass(kind, ClockError) for kind in (BadStamps, ClockStepped, NoFit))


class TestPerfectAir:
    @given(st.floats(-100, 100), zero_us, zero_us, st.integers(0, 9 * HOURS_US))
    def test_a_constant_delay_leaves_only_the_stamps_grain(
        self, ppm: float, daemon_us: int, pulser_us: int, link_up_us: int
    ) -> None:
        # Hours of drift before link-up are a mere offset.
        pulser_us += round(link_up_us * ppm * 1e-6)
        bursts = bursts_of(steady(48), ppm=ppm, daemon_from_us=daemon_us, pulser_from_us=pulser_us)
        fit = fitted(bursts)
        for ahead_us in (0, 2_000_000):
            at_us = 48_000_000 + ahead_us
            true_us = pulser_us + at_us + at_us * ppm * 1e-6
            # 4 µs at ±100 ppm is the prior's pull, 1 µs each the stamps' and the answer's grain.
            assert abs(fit.to_pulser_us(daemon_us + at_us) - true_us) <= 6
        assert fit.skew_ppm == pytest.approx(ppm, abs=0.3)

    def test_one_burst_gives_the_offset_at_once(self) -> None:
        fit = fitted(bursts_of(steady(1, 16), pulser_from_us=7 * HOURS_US))
        assert fit.to_pulser_us(20_000) == pytest.approx(7 * HOURS_US + 20_000, abs=2)
        assert fit.state(20_000) is ClockState.WARMING

    def test_one_burst_may_be_a_stall_so_its_error_is_the_whole_delay(self) -> None:
        fit = fitted(bursts_of([[(40_000, 40_000)] * 8]))
        assert 40_000 <= fit.error_us(400_000) < 41_000

    def test_the_error_is_at_its_floor_and_grows_with_silence(self) -> None:
        fit = fitted(bursts_of(steady(48)))
        newest_us = fit.newest_daemon_us
        assert newest_us is not None
        errors = [fit.error_us(newest_us + s * 1_000_000) for s in (0, 2, 10, 60, 120)]
        assert ERROR_FLOOR_US <= errors[0] < ERROR_FLOOR_US + 25
        assert all(a < b for a, b in pairwise(errors))


class TestInvariance:
    @given(some_delays, st.floats(-50, 50), zero_us, zero_us)
    def test_where_the_clocks_start_changes_nothing(
        self, delays: Delays, ppm: float, daemon_us: int, pulser_us: int
    ) -> None:
        here = fitted(bursts_of(delays, ppm=ppm))
        there = fitted(bursts_of(delays, ppm=ppm, daemon_from_us=daemon_us, pulser_from_us=pulser_us))
        assert here.skew_ppm == there.skew_ppm
        for at_us in (0, 1, 30_000_000, 90_000_000):
            assert here.to_pulser_us(at_us) == there.to_pulser_us(daemon_us + at_us) - pulser_us
            assert here.to_daemon_us(at_us) == there.to_daemon_us(pulser_us + at_us) - daemon_us
            assert here.error_us(at_us) == there.error_us(daemon_us + at_us)
            assert here.state(at_us) == there.state(daemon_us + at_us)
        assert here.excess == there.excess

    @given(some_delays, st.floats(-50, 50), st.lists(st.integers(-(10**9), 10**12), min_size=2))
    def test_later_is_never_earlier_and_there_and_back_is_here(
        self, delays: Delays, ppm: float, instants_us: list[int]
    ) -> None:
        fit = fitted(bursts_of(delays, ppm=ppm, pulser_from_us=HOURS_US))
        instants_us.sort()
        pulser_us = [fit.to_pulser_us(at) for at in instants_us]
        assert pulser_us == sorted(pulser_us)
        back_us = [fit.to_daemon_us(at) for at in sorted(pulser_us)]
        assert back_us == sorted(back_us)
        assert all(abs(a - b) <= 1 for a, b in zip(instants_us, back_us, strict=True))

    @given(some_delays)
    def test_the_two_ways_are_treated_alike(self, delays: Delays) -> None:
        mirrored = [[(down, up) for up, down in burst] for burst in delays]
        one, other = fitted(bursts_of(delays)), fitted(bursts_of(mirrored))
        newest_us = one.newest_daemon_us
        assert newest_us is not None
        # Not exactly: the daemon's instants of the fastest probes differ by their delays.
        tolerance_us = 3 + 0.02 * max(up + down - 1_800 for burst in delays for up, down in burst)
        mean_us = newest_us // 2
        error_us = one.to_pulser_us(mean_us) - mean_us
        mirrored_error_us = other.to_pulser_us(mean_us) - mean_us
        assert abs(error_us + mirrored_error_us) <= tolerance_us


class TestOutliers:
    def test_stalls_of_one_way_do_not_pull_the_line(self) -> None:
        # A fifth of the bursts stalled whole, upwards only: the midpoints lie 15 ms off.
        delays = [[(30_900 if number % 5 == 0 else WAY_US, WAY_US)] * 8 for number in range(48)]
        fit = fitted(bursts_of(delays))
        assert abs(fit.to_pulser_us(50_000_000) - 50_000_000) <= 3

    def test_the_stall_of_the_newest_burst_does_not_pull_the_line(self) -> None:
        delays = [*steady(30), [(WAY_US, 60_000)] * 8]
        fit = fitted(bursts_of(delays))
        assert abs(fit.to_pulser_us(31_000_000) - 31_000_000) <= 3

    def test_an_air_that_turns_bad_is_followed_not_refused(self) -> None:
        # Slower by 3 ms each way from one burst on, for longer than the window.
        delays = [*steady(48), *[[(WAY_US + 3_000, WAY_US + 3_000)] * 8] * (WINDOW_BURSTS + 10)]
        fit = fitted(bursts_of(delays, ppm=20))
        at_us = (48 + WINDOW_BURSTS + 12) * 1_000_000
        assert abs(fit.to_pulser_us(at_us) - at_us * (1 + 20e-6)) <= 10
        assert fit.excess is not None
        assert fit.excess.worst_us < 10

    def test_the_excess_tells_a_typical_from_a_worst_and_from_a_repeated_round_trip(self) -> None:
        delays = [[(WAY_US, WAY_US), (WAY_US + 400, WAY_US), (WAY_US + 100, WAY_US + 400)]] * 9
        delays = [*delays, [(WAY_US + 20_000, WAY_US)]]
        excess = fitted(bursts_of(delays)).excess
        assert excess is not None
        assert excess == (2 * WAY_US, 400, 20_000, 500)


class TestStates:
    def test_a_fit_warms_then_is_ready(self) -> None:
        fit = ClockFit()
        seen: list[ClockState] = []
        for burst in bursts_of(steady(WARM_BURSTS + 1)):
            fit.add_burst(burst)
            seen.append(fit.state(burst[-1].t3_daemon_us))
        assert seen == [ClockState.WARMING] * (WARM_BURSTS - 1) + [ClockState.READY] * 2

    def test_the_best_fit_goes_stale(self) -> None:
        fit = fitted(bursts_of(steady(WINDOW_BURSTS)))
        newest_us = fit.newest_daemon_us
        assert newest_us is not None
        assert fit.state(newest_us + STALE_US) is ClockState.READY
        assert fit.state(newest_us + STALE_US + 1) is ClockState.UNCERTAIN

    def test_a_fit_that_may_be_a_millisecond_off_is_uncertain(self) -> None:
        # Five bursts in 4 s know the skew to some 10 ppm: three minutes later that is a millisecond.
        fit = fitted(bursts_of(steady(WARM_BURSTS)))
        assert fit.state(5_000_000) is ClockState.READY
        assert fit.state(170_000_000) is ClockState.UNCERTAIN

    def test_a_set_may_start_on_a_fit_that_is_good_enough_for_hands_whatever_it_is_called(self) -> None:
        fit = ClockFit()
        assert not fit.is_usable(0)
        # Delays of 1 ms and round trips of up to 40 ms more: uncertain by name, usable soon, not at once.
        chance = random.Random(1)
        delays = [
            [(1_000 + chance.randrange(40_000), 1_000 + chance.randrange(40_000)) for _ in range(8)]
            for _ in range(16)
        ]
        usable: list[tuple[bool, ClockState]] = []
        for burst in bursts_of(delays):
            fit.add_burst(burst)
            now_us = burst[-1].t3_daemon_us
            usable.append((fit.is_usable(now_us), fit.state(now_us)))
            assert fit.is_usable(now_us) == (fit.error_us(now_us) <= USABLE_ERROR_US)
        assert not usable[0][0]
        assert (True, ClockState.UNCERTAIN) in usable
        newest_us = fit.newest_daemon_us
        assert newest_us is not None
        assert not fit.is_usable(newest_us + STALE_US + 1)

    @pytest.mark.parametrize("ppm", [300.0, -300.0])
    def test_an_impossible_skew_is_cut_and_never_ready(self, ppm: float) -> None:
        fit = ClockFit()
        for number, burst in enumerate(bursts_of(steady(100), ppm=ppm), 1):
            fit.add_burst(burst)
            assert abs(fit.skew_ppm) <= MAX_SKEW_PPM
            # Before, the prior holds the skew where it could be.
            if number >= 20:
                assert fit.state(burst[-1].t3_daemon_us) is ClockState.UNCERTAIN


class TestSteps:
    @pytest.mark.parametrize("jump_us", [-HOURS_US, -3_000, 3_000, HOURS_US])
    def test_a_clock_that_jumped_is_noticed_and_the_fit_unharmed(self, jump_us: int) -> None:
        bursts = bursts_of(steady(30))
        fit = fitted(bursts[:20])
        before = fit.to_pulser_us(20_000_000), fit.error_us(20_000_000)
        moved = [ProbeStamps(t1 + jump_us, t2, t3, t4 + jump_us) for t1, t2, t3, t4 in bursts[20]]
        with pytest.raises(ClockStepped):
            fit.add_burst(moved)
        assert (fit.to_pulser_us(20_000_000), fit.error_us(20_000_000)) == before
        assert fit.refused == 0
        fit.add_burst(bursts[21])

    @given(some_delays, st.floats(-100, 100))
    def test_no_air_however_bad_looks_like_a_step(self, delays: Delays, ppm: float) -> None:
        fitted(bursts_of(delays, ppm=ppm))

    def test_after_a_long_silence_the_fit_begins_anew(self) -> None:
        fit = fitted(bursts_of(steady(20)))
        late = [
            ProbeStamps(*(stamp + 20_000_000 + MAX_AGE_US for stamp in one))
            for one in bursts_of(steady(1))[0]
        ]
        fit.add_burst(late)
        assert fit.state(late[-1].t3_daemon_us) is ClockState.WARMING


GOOD = ProbeStamps(1_000, 500_000, 500_050, 2_850)


class TestHostileStamps:
    @pytest.mark.parametrize(
        "burst",
        [
            pytest.param([], id="none"),
            pytest.param(bursts_of(steady(1, MAX_PROBES + 1))[0], id="too many"),
            pytest.param([GOOD._replace(t4_pulser_us=999)], id="t4 before t1"),
            pytest.param([GOOD._replace(t3_daemon_us=499_999)], id="t3 before t2"),
            pytest.param([GOOD._replace(t4_pulser_us=1_049)], id="negative round trip"),
            pytest.param([GOOD._replace(t4_pulser_us=1_001 + MAX_ROUND_TRIP_US)], id="endless round trip"),
            pytest.param([GOOD._replace(t4_pulser_us=MAX_STAMP_US)], id="t4 too large"),
            pytest.param([GOOD._replace(t1_pulser_us=-MAX_STAMP_US)], id="t1 too small"),
            pytest.param([GOOD._replace(t3_daemon_us=MAX_STAMP_US)], id="t3 too large"),
            pytest.param([GOOD._replace(t2_daemon_us=-MAX_STAMP_US)], id="t2 too small"),
            pytest.param([GOOD, GOOD], id="the same twice"),
            pytest.param([GOOD, ProbeStamps(3_000, 499_999, 500_060, 4_000)], id="t2 falls"),
            pytest.param([GOOD._replace(t1_pulser_us=1_000.0)], id="not whole"),
            pytest.param([GOOD._replace(t1_pulser_us=math.nan)], id="not a number"),
            pytest.param(
                [GOOD, ProbeStamps(3_000, 500_001 + MAX_BURST_US, 500_050 + MAX_BURST_US, 4_000)],
                id="endless burst",
            ),
        ],
    )
    def test_a_burst_that_cannot_be_true_is_refused_and_counted(self, burst: list[ProbeStamps]) -> None:
        fit = ClockFit()
        with pytest.raises(BadStamps):
            fit.add_burst(burst)
        assert fit.refused == 1
        assert fit.state(0) is ClockState.EMPTY
        fit.add_burst([GOOD])
        assert fit.refused == 1

    def test_probes_that_overlap_because_an_echo_came_late_are_taken(self) -> None:
        fit = ClockFit()
        fit.add_burst([GOOD._replace(t4_pulser_us=40_000), ProbeStamps(7_000, 506_000, 506_050, 8_850)])
        assert fit.to_pulser_us(506_025) == pytest.approx(7_925, abs=2)

    def test_a_burst_reported_twice_or_late_counts_once(self) -> None:
        bursts = bursts_of(steady(10))
        fit = fitted(bursts)
        before = fit.error_us(10_000_000)
        for again in (bursts[-1], bursts[3]):
            with pytest.raises(BadStamps):
                fit.add_burst(again)
        assert fit.refused == 2
        assert fit.error_us(10_000_000) == before

    @given(
        st.lists(
            st.lists(
                st.tuples(*[st.one_of(st.integers(0, 10_000), st.integers(-(2**63), 2**63))] * 4),
                max_size=18,
            ),
            max_size=12,
        )
    )
    def test_any_stamps_are_taken_or_raise_the_domain_error(
        self, bursts: list[list[tuple[int, ...]]]
    ) -> None:
        fit = ClockFit()
        self._feed(fit, [[ProbeStamps(*one) for one in burst] for burst in bursts])

    @settings(max_examples=200)
    @given(
        st.lists(
            st.tuples(
                st.one_of(st.integers(0, 10**7), st.integers(0, 2**60)),  # daemon's time to the next burst
                st.integers(-(10**4), 10**4),  # by how much the pulser's clock jumped meanwhile
                st.integers(0, 2 * 10**6),
                st.integers(0, 2 * 10**6),
            ),
            max_size=60,
        )
    )
    def test_true_looking_lies_never_break_the_fit(self, moves: list[tuple[int, int, int, int]]) -> None:
        fit = ClockFit()
        pulser_us = daemon_us = 0
        bursts: list[list[ProbeStamps]] = []
        for wait_us, jump_us, up_us, down_us in moves:
            daemon_us += wait_us
            pulser_us += wait_us + jump_us
            trip_us = up_us + down_us
            bursts.append([ProbeStamps(pulser_us, daemon_us + up_us, daemon_us + up_us, pulser_us + trip_us)])
            daemon_us += trip_us
            pulser_us += trip_us
        self._feed(fit, bursts)

    @staticmethod
    def _feed(fit: ClockFit, bursts: list[list[ProbeStamps]]) -> None:
        refused = 0
        for burst in bursts:
            try:
                fit.add_burst(burst)
            except ClockStepped:
                fit.drop()
            except BadStamps:
                refused += 1
            newest_us = fit.newest_daemon_us
            if newest_us is not None:
                assert abs(fit.skew_ppm) <= MAX_SKEW_PPM
                assert 0 < fit.error_us(newest_us) < math.inf
                at_us = fit.to_pulser_us(newest_us)
                assert abs(fit.to_daemon_us(at_us) - newest_us) <= 1
        assert fit.refused == refused
