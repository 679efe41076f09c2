"""The four stamps of a probe, and the check that a burst of them can be true.

    pulser   t1 ───────╮                    ╭──────> t4      its own extended clock
    daemon             ╰──> t2 ·····> t3 ───╯                CLOCK_MONOTONIC

The pulser's two stamps come over the air. They are authentic, but a pulser may be broken, so nothing about
them is believed until it was checked here.
"""

from collections.abc import Sequence
from typing import NamedTuple

from twintap.clock.errors import BadStamps

MAX_PROBES = 16
"""The most probes in a burst: the warm-up's."""

MAX_ROUND_TRIP_US = 2_000_000
"""The longest `t4 - t1`. A pulser gives an echo up long before; an air this slow could carry no lease."""

MAX_BURST_US = 10_000_000
"""The longest time from a burst's first `t2` to its last."""

MAX_STAMP_US = 1 << 62
"""Stamps lie strictly within ± this. An extended clock reaches it after 146,000 years."""


class ProbeStamps(NamedTuple):
    """One probe's four stamps, int µs: t1, t4 on the pulser's clock, t2, t3 on the daemon's monotonic one."""

    t1_pulser_us: int
    t2_daemon_us: int
    t3_daemon_us: int
    t4_pulser_us: int

    @property
    def round_trip_us(self) -> int:
        """The time spent in the air both ways, in µs: the pulser's wait less the daemon's work."""
        return (self.t4_pulser_us - self.t1_pulser_us) - (self.t3_daemon_us - self.t2_daemon_us)


def check_burst(stamps: Sequence[ProbeStamps]) -> None:
    """Refuse a burst that cannot be true.

    `stamps` must be in the order in which the probes were sent. A pulser may ask again before a late echo, so
    the probes of a burst may overlap, but the air does not overtake: `t1` rises and `t2` never falls.
    Raises `BadStamps` and says which probe and why.
    """
    if not 1 <= len(stamps) <= MAX_PROBES:
        raise BadStamps(f"a burst of {len(stamps)} probes; 1 to {MAX_PROBES} are taken")
    last_t1_us, last_t2_us = -MAX_STAMP_US, 1 - MAX_STAMP_US
    for number, (t1, t2, t3, t4) in enumerate(stamps):
        if not (type(t1) is int and type(t2) is int and type(t3) is int and type(t4) is int):
            raise BadStamps(f"probe {number}: its stamps must be whole µs")
        if not last_t1_us < t1 <= t4 < MAX_STAMP_US:
            raise BadStamps(
                f"probe {number}: t1 {t1} and t4 {t4} µs; t1 must be above {last_t1_us}, t4 not before it and"
                f" below {MAX_STAMP_US}"
            )
        if not last_t2_us <= t2 <= t3 < MAX_STAMP_US:
            raise BadStamps(
                f"probe {number}: t2 {t2} and t3 {t3} µs; t2 must not be below {last_t2_us}, t3 not before it"
                f" and below {MAX_STAMP_US}"
            )
        if t4 - t1 > MAX_ROUND_TRIP_US:
            raise BadStamps(f"probe {number}: a round trip of {t4 - t1} µs; {MAX_ROUND_TRIP_US} is the most")
        if t4 - t1 < t3 - t2:
            raise BadStamps(
                f"probe {number}: waited {t4 - t1} µs for an answer that took {t3 - t2} µs to make"
            )
        last_t1_us, last_t2_us = t1, t2
    span_us = last_t2_us - stamps[0].t2_daemon_us
    if span_us > MAX_BURST_US:
        raise BadStamps(f"a burst {span_us} µs long; {MAX_BURST_US} is the most")
