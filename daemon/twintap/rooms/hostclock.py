"""The daemon's own clock, and whether this machine slept without it."""

import sys
import time

_WALL_STEP_US = 2_000_000  # in one beat: far more than slewing does to a wall clock


def monotonic_us() -> int:
    """The daemon's clock: CLOCK_MONOTONIC in µs."""
    return time.monotonic_ns() // 1_000


# CLOCK_BOOTTIME goes on in sleep. macOS has none, and its monotonic clock stops there; elsewhere it goes on.
_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)
_ASKS_WALL = _BOOTTIME is None and sys.platform == "darwin"


class SleepWatch:
    """Tells how long this machine slept without its monotonic clock."""

    def __init__(self) -> None:
        self._ahead_us = _ahead_us()

    def slept_us(self) -> int:
        """The time slept since the last call, in µs.

        Where only the wall clock can tell (macOS), one that came forward by over 2 s against the monotonic
        clock counts as sleep. It may have been set by hand: sets then end for nothing, which is safe.
        """
        before_us, self._ahead_us = self._ahead_us, _ahead_us()
        step_us = self._ahead_us - before_us
        if _ASKS_WALL:
            return step_us if step_us > _WALL_STEP_US else 0
        return abs(step_us)


def _ahead_us() -> int:
    if _BOOTTIME is not None:
        return (time.clock_gettime_ns(_BOOTTIME) - time.clock_gettime_ns(time.CLOCK_MONOTONIC)) // 1_000
    return (time.time_ns() - time.monotonic_ns()) // 1_000 if _ASKS_WALL else 0
