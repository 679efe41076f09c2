"""How much slower than its best the air has lately been."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from twintap.clock.stamps import ProbeStamps

_BURSTS = 32
"""Bursts remembered: about a minute, so that one bad moment is not held against the air for ever."""

_YOUNG_BURSTS = 8
"""Of fewer bursts one that was slow says more than chance does."""

_LEFT_OUT = 2
"""On an air whose stalls are rare, two of them in one round trip come about once in as many bursts."""


class AirExcess(NamedTuple):
    """Round trips of the last minute, in µs, over the fastest of them.

    `typical_us` is the median of the bursts' medians, `worst_us` the slowest single probe, `repeated_us` the
    slowest once the two slowest bursts are left out: what this air does again and again, and not what it did
    once. Of fewer than `_YOUNG_BURSTS` bursts it is the worst. Lost probes are not in it; what a pulser that
    sleeps between looks at its socket adds, up to 10 ms, is.
    """

    best_round_trip_us: int
    typical_us: int
    worst_us: int
    repeated_us: int


class AirMeter:
    """Keeps each burst's fastest, median and slowest round trip, for the last `_BURSTS` bursts."""

    def __init__(self) -> None:
        self._bursts: deque[tuple[int, int, int]] = deque(maxlen=_BURSTS)

    def add(self, stamps: Sequence[ProbeStamps]) -> None:
        """Take a burst that `check_burst` let pass."""
        trips_us = sorted([t4 - t1 - t3 + t2 for t1, t2, t3, t4 in stamps])
        self._bursts.append((trips_us[0], trips_us[len(trips_us) // 2], trips_us[-1]))

    def excess(self) -> AirExcess | None:
        """The figures, or None before the first burst."""
        if not self._bursts:
            return None
        best_us = min(burst[0] for burst in self._bursts)
        medians_us = sorted(burst[1] for burst in self._bursts)
        slowest_us = sorted((burst[2] for burst in self._bursts), reverse=True)
        repeated_us = slowest_us[_LEFT_OUT] if len(slowest_us) >= _YOUNG_BURSTS else slowest_us[0]
        return AirExcess(
            best_us,
            medians_us[len(medians_us) // 2] - best_us,
            slowest_us[0] - best_us,
            repeated_us - best_us,
        )
