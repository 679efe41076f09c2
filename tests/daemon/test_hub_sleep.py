"""A computer that slept is noticed, also where only its wall clock tells."""

import time

import pytest

from twintap.rooms import hostclock

S_NS = 1_000_000_000


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """A machine without CLOCK_BOOTTIME whose clocks read what the test says."""
    clocks = {"wall": 1_000 * S_NS, "monotonic": 5 * S_NS}
    monkeypatch.setattr(hostclock, "_BOOTTIME", None)
    monkeypatch.setattr(hostclock, "_ASKS_WALL", True)
    monkeypatch.setattr(time, "time_ns", lambda: clocks["wall"])
    monkeypatch.setattr(time, "monotonic_ns", lambda: clocks["monotonic"])
    return clocks


def test_a_wall_clock_far_ahead_of_a_monotonic_one_that_stood_still_is_sleep(wall: dict[str, int]) -> None:
    watch = hostclock.SleepWatch()
    wall["wall"] += 30 * S_NS + S_NS // 10
    wall["monotonic"] += S_NS // 10
    assert watch.slept_us() == 30_000_000
    assert watch.slept_us() == 0  # it is told once


@pytest.mark.parametrize("step_ns", [S_NS, -S_NS, -3_600 * S_NS])
def test_a_wall_clock_that_is_slewed_or_set_back_is_no_sleep(wall: dict[str, int], step_ns: int) -> None:
    watch = hostclock.SleepWatch()
    wall["wall"] += step_ns
    assert watch.slept_us() == 0


def test_where_the_platform_counts_sleep_a_wall_clock_that_is_set_is_no_sleep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if hostclock._BOOTTIME is None:
        pytest.skip("this platform has no CLOCK_BOOTTIME")
    watch = hostclock.SleepWatch()
    ahead_ns = time.time_ns() + 3_600 * S_NS
    monkeypatch.setattr(time, "time_ns", lambda: ahead_ns)
    assert watch.slept_us() < 100_000
