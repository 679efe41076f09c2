"""Clocks, air and probing in simulation: stamps as a pulser and a daemon would take them, in no time at all.

Everything here runs on a simulated time in µs (float) and a seeded random generator: the same seed gives the
same stamps. It is used to compare clock estimators on identical probes, and by the tests of the clock fit.

What is modelled, each because it bends a stamp:

- the air, each way on its own, FIFO per receiver: base, exponential part, link-layer retries, stalls, loss;
- two clocks with an offset (hours apart), a drift, and if asked a slowly wandering drift;
- the daemon's loop, which takes `t2` late (exponential, mean 60 µs, sometimes 1-5 ms);
- the pulser's polling: without sleep for some ms, then only on a 10 ms tick, so that `t4` of a late echo is
  up to 10 ms late.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from twintap.clock import ProbeStamps
from twintap_board.air import MODELS, AirModel, Lane

MS = 1_000.0
S = 1_000_000.0

WARM_UP_PROBES = 16
BURST_PROBES = 8
WARM_UP_US = 20 * S
WARM_SPACING_US = 1 * S
SPACING_US = 2 * S

# How long the pulser polls its socket without sleeping before it falls back to the 10 ms tick, how long one
# turn of that polling takes on a chip, and when it gives an echo up for lost.
SPIN_US = 6 * MS
SPIN_TURN_US = 60.0
TICK_US = 10 * MS
GIVE_UP_US = 60 * MS


# The virtual board's own air: what is compared here is compared on what the boards breathe.
Air = AirModel
QUIET, BUSY, BAD = MODELS["quiet"], MODELS["busy"], MODELS["bad"]


class Way:
    """One direction of an air: FIFO, so a stalled datagram holds back those behind it."""

    def __init__(self, air: Air, rng: random.Random) -> None:
        self._lane = Lane(air, rng)
        self._last_arrival_us = float("-inf")

    def arrival_us(self, sent_us: float) -> float | None:
        """When a datagram sent at `sent_us` arrives, or None if it is lost."""
        delay_us = self._lane.delay_us()
        if delay_us is None:
            return None
        self._last_arrival_us = max(self._last_arrival_us, sent_us + delay_us)
        return self._last_arrival_us


@dataclass
class DriftingClock:
    """A clock as a function of true time in µs: `offset + (1 + ppm) t`, plus a wander of the drift.

    `wander_ppm` is the height of a slow sine of the drift, of that period: crystals warm and cool.
    """

    offset_us: float
    ppm: float
    wander_ppm: float = 0.0
    wander_period_us: float = 600 * S

    def at(self, true_us: float) -> float:
        """The clock's reading in µs at true time `true_us`."""
        # Offsets of days and a time of minutes: 64 bits hold both to a thousandth of a µs.
        reading_us = self.offset_us + true_us * (1.0 + self.ppm * 1e-6)
        if self.wander_ppm:
            omega = 2.0 * math.pi / self.wander_period_us
            reading_us += self.wander_ppm * 1e-6 * (1.0 - math.cos(omega * true_us)) / omega
        return reading_us


@dataclass
class Burst:
    """The probes of one burst that came back, and when (true time) the daemon has all four stamps."""

    known_at_us: float
    stamps: list[ProbeStamps]


@dataclass
class ProbingPulser:
    """A pulser that asks and waits, against a daemon's clock, through an air."""

    air: Air
    pulser_clock: DriftingClock
    daemon_clock: DriftingClock
    seed: int
    loop_late_mean_us: float = 60.0
    loop_stall_share: float = 0.01
    spin_us: float = SPIN_US
    _rng: random.Random = field(init=False)
    _up: Way = field(init=False)
    _down: Way = field(init=False)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._up = Way(self.air, self._rng)
        self._down = Way(self.air, self._rng)

    def probe(self, sent_us: float) -> tuple[ProbeStamps | None, float]:
        """One probe sent at true time `sent_us`: its stamps, or None if lost, and when the pulser goes on."""
        rng = self._rng
        lost_at_us = sent_us + GIVE_UP_US
        at_daemon_us = self._up.arrival_us(sent_us)
        if at_daemon_us is None:
            return None, lost_at_us
        late_us = rng.expovariate(1.0 / self.loop_late_mean_us) if self.loop_late_mean_us else 0.0
        if rng.random() < self.loop_stall_share:
            late_us += rng.uniform(1 * MS, 5 * MS)
        seen_us = at_daemon_us + late_us
        answered_us = seen_us + rng.uniform(20.0, 80.0)
        at_pulser_us = self._down.arrival_us(answered_us)
        if at_pulser_us is None or at_pulser_us > lost_at_us:
            return None, lost_at_us
        if at_pulser_us - sent_us <= self.spin_us:
            read_us = at_pulser_us + rng.uniform(0.0, SPIN_TURN_US)
        else:
            # The ticks run from a phase of their own; a uniform wait stands for it.
            read_us = at_pulser_us + rng.uniform(0.0, TICK_US)
        stamps = ProbeStamps(
            int(self.pulser_clock.at(sent_us)),
            int(self.daemon_clock.at(seen_us)),
            int(self.daemon_clock.at(answered_us)),
            int(self.pulser_clock.at(read_us)),
        )
        return stamps, read_us

    def burst(self, start_us: float, probes: int = BURST_PROBES) -> Burst:
        """`probes` probes, one after the other, from true time `start_us`."""
        stamps: list[ProbeStamps] = []
        now_us = start_us
        for _ in range(probes):
            one, now_us = self.probe(now_us)
            if one is not None:
                stamps.append(one)
            now_us += self._rng.uniform(100.0, 400.0)
        # The pulser's own two stamps come with its next frame.
        return Burst(now_us + 5 * MS, stamps)

    def bursts(self, length_us: float, gap: tuple[float, float] | None = None) -> Iterator[Burst]:
        """Bursts at the pulser's cadence from link-up (0) to `length_us`; none starts in `gap` (from, to)."""
        now_us, probes = 0.0, WARM_UP_PROBES
        while now_us < length_us:
            if gap is None or not gap[0] <= now_us < gap[1]:
                burst = self.burst(now_us, probes)
                probes = BURST_PROBES
                if burst.stamps:
                    yield burst
            spacing_us = WARM_SPACING_US if now_us < WARM_UP_US else SPACING_US
            # Bursts are fitted between pulses, so they never come on the dot.
            now_us += spacing_us + self._rng.uniform(-100 * MS, 100 * MS)
