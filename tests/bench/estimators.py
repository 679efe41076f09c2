"""Clock estimators side by side on the same probes: ours, one as Ableton Link's, one as Snapcast's.

    python -m tests.bench.estimators [--seconds 600] [--seeds 4] [--first-seed 100] [--json FILE]

All take bursts of `ProbeStamps` and translate the daemon's instants to the pulser's, so that recorded probes
can be replayed through each. The two peers are written from their published descriptions:

- **Link**: every 30 s a measurement of about 100 ping samples; the median of their offsets holds until the
  next; a slope of 1. Here twice: on the probes that ours gets (the last 100 of them), and with a salvo of 100
  pings of its own, as the original sends them.
- **Snapcast**: the median of the last 200 offsets, a slope of 1.

Printed are µs, between 20 s after link-up and the end, of |fit - truth| for each pulser, and of the
difference left - right: at every quarter second, each for an instant 2 s ahead, which is as far as a schedule
relies on a fit that has new probes every 2 s. `gap` is ours in and after 60 s without any probe.
"""

import argparse
import json
import statistics
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from tests.bench.air_model import MODELS, Air, Burst, DriftingClock, ProbingPulser, S
from twintap.clock import ClockFit, ProbeStamps

LINK_SAMPLES = 100
LINK_EVERY_US = 30_000_000
SNAPCAST_SAMPLES = 200

DAEMON_OFFSET_US = 5.0e9
LEFT = DriftingClock(offset_us=3 * 3_600 * S, ppm=10.0)
RIGHT = DriftingClock(offset_us=7.5 * 3_600 * S, ppm=-10.0)

GRID_US = 0.25 * S
AHEAD_US = 2 * S
FROM_US = 20 * S


class Estimator(Protocol):
    """What is compared."""

    def add_burst(self, stamps: Sequence[ProbeStamps]) -> None:
        """Take a burst."""

    def to_pulser_us(self, daemon_us: int) -> int:
        """The pulser's reading at the daemon's instant, both int µs."""
        ...


def doubled_offset_us(stamps: ProbeStamps) -> int:
    """Twice the offset pulser - daemon that one probe shows (NTP's midpoint), in whole µs."""
    t1, t2, t3, t4 = stamps
    return (t1 - t2) + (t4 - t3)


class LinkLike:
    """The median offset of the last 100 probes, taken anew every 30 s of the daemon's clock; slope 1."""

    def __init__(self, every_us: int = LINK_EVERY_US) -> None:
        self._every_us = every_us
        self._recent: deque[int] = deque(maxlen=LINK_SAMPLES)
        self._doubled_us = 0
        self._measured_daemon_us: int | None = None

    def add_burst(self, stamps: Sequence[ProbeStamps]) -> None:
        self._recent.extend(doubled_offset_us(one) for one in stamps)
        now_us = stamps[-1].t3_daemon_us
        # Until a first full measurement, the best it has: the original has no answer before.
        settled = self._measured_daemon_us is not None and len(self._recent) == LINK_SAMPLES
        if settled and now_us - self._measured_daemon_us < self._every_us:
            return
        self._doubled_us = round(statistics.median(self._recent))
        if len(self._recent) == LINK_SAMPLES:
            self._measured_daemon_us = now_us

    def to_pulser_us(self, daemon_us: int) -> int:
        return daemon_us + self._doubled_us // 2


class LinkLikeOnSalvos(LinkLike):
    """The same, given one whole measurement of its own in each burst: every burst is taken at once."""

    def __init__(self) -> None:
        super().__init__(every_us=0)


class SnapcastLike:
    """The median offset of the last 200 probes; slope 1."""

    def __init__(self) -> None:
        self._recent: deque[int] = deque(maxlen=SNAPCAST_SAMPLES)
        self._doubled_us: int | None = None

    def add_burst(self, stamps: Sequence[ProbeStamps]) -> None:
        self._recent.extend(doubled_offset_us(one) for one in stamps)
        self._doubled_us = None

    def to_pulser_us(self, daemon_us: int) -> int:
        if self._doubled_us is None:
            self._doubled_us = round(statistics.median(self._recent))
        return daemon_us + self._doubled_us // 2


ESTIMATORS: dict[str, Callable[[], Estimator]] = {
    "twintap": ClockFit,
    "link": LinkLike,
    "snapcast": SnapcastLike,
}


def link_salvos(pulser: ProbingPulser, length_us: float) -> list[Burst]:
    """What the original Link would have measured: 100 pings back to back, every 30 s."""
    salvos: list[Burst] = []
    now_us = 0.0
    while now_us < length_us:
        salvos.append(pulser.burst(now_us, LINK_SAMPLES))
        now_us += LINK_EVERY_US
    return [salvo for salvo in salvos if salvo.stamps]


def replayed_errors_us(
    make: Callable[[], Estimator],
    bursts: Sequence[Burst],
    truth: Callable[[float], tuple[int, float]],
    from_us: float,
    to_us: float,
    ahead_us: float = AHEAD_US,
) -> list[float]:
    """The estimate less the truth at every grid point in [from, to), for the instant `ahead_us` after it.

    `truth` gives what both clocks read at an instant: the daemon's in whole µs, the pulser's. A burst without
    stamps is a new link: what was known is forgotten. Every point of the grid needs a burst before it.
    """
    estimator = make()
    out: list[float] = []
    at = 0
    now_us = from_us
    while now_us < to_us:
        while at < len(bursts) and bursts[at].known_at_us <= now_us:
            if bursts[at].stamps:
                estimator.add_burst(bursts[at].stamps)
            else:
                estimator = make()
            at += 1
        daemon_us, pulser_us = truth(now_us + ahead_us)
        out.append(estimator.to_pulser_us(daemon_us) - pulser_us)
        now_us += GRID_US
    return out


def errors_us(
    make: Callable[[], Estimator],
    bursts: Sequence[Burst],
    pulser: ProbingPulser,
    from_us: float,
    to_us: float,
    ahead_us: float = AHEAD_US,
) -> list[float]:
    """The same for a simulated pulser's own two clocks."""

    def truth(then_us: float) -> tuple[int, float]:
        # The daemon's clock runs at true time's rate; its rounding is less than a µs of truth.
        return round(pulser.daemon_clock.at(then_us)), pulser.pulser_clock.at(then_us)

    return replayed_errors_us(make, bursts, truth, from_us, to_us, ahead_us)


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and max of the absolute values, by rank."""
    ranked = sorted(abs(value) for value in values)
    at = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
    found = {name: round(ranked[min(len(ranked) - 1, int(len(ranked) * q))], 1) for name, q in at.items()}
    found["max"] = round(ranked[-1], 1)
    return found


def simulate(air: Air, seed: int, clock: DriftingClock) -> ProbingPulser:
    """A pulser on an air, against a perfect daemon."""
    return ProbingPulser(air, clock, DriftingClock(DAEMON_OFFSET_US, 0.0), seed)


def compare(air: Air, seeds: Sequence[int], length_us: float) -> dict[str, dict[str, dict[str, float]]]:
    """For each estimator: quantiles of each pulser's error (`fit`) and of left - right (`pair`), in µs."""
    fit: dict[str, list[float]] = {}
    pair: dict[str, list[float]] = {}
    for seed in seeds:
        sides: list[dict[str, list[float]]] = []
        for number, clock in enumerate((LEFT, RIGHT)):
            pulser = simulate(air, 2 * seed + number, clock)
            bursts = list(pulser.bursts(length_us))
            side = {
                name: errors_us(make, bursts, pulser, FROM_US, length_us) for name, make in ESTIMATORS.items()
            }
            salvos = link_salvos(simulate(air, 2 * seed + number, clock), length_us)
            side["link, own pings"] = errors_us(LinkLikeOnSalvos, salvos, pulser, FROM_US, length_us)
            gap = (length_us / 2, length_us / 2 + 60 * S)
            gapped = list(simulate(air, 2 * seed + number, clock).bursts(length_us, gap))
            side["twintap, gap"] = errors_us(ClockFit, gapped, pulser, gap[0], gap[1] + 10 * S)
            sides.append(side)
        for name in sides[0]:
            left, right = sides[0][name], sides[1][name]
            fit.setdefault(name, []).extend(left + right)
            pair.setdefault(name, []).extend(a - b for a, b in zip(left, right, strict=True))
    return {name: {"fit_us": quantiles(fit[name]), "pair_us": quantiles(pair[name])} for name in fit}


def main() -> None:
    parser = argparse.ArgumentParser(description="Clock estimators on the same simulated probes.")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    seeds = range(args.first_seed, args.first_seed + args.seeds)
    result = {name: compare(MODELS[name], seeds, args.seconds * S) for name in ("quiet", "busy", "bad")}
    print(
        f"{'air':6} {'estimator':16} | {'|fit error| µs: p50':>19} {'p95':>6} {'p99':>6} {'max':>6}"
        f" | {'left-right µs: p50':>18} {'p95':>6} {'p99':>6} {'max':>6}"
    )
    for air, rows in result.items():
        for name, row in rows.items():
            f, p = row["fit_us"], row["pair_us"]
            print(
                f"{air:6} {name:16} | {f['p50']:19.0f} {f['p95']:6.0f} {f['p99']:6.0f} {f['max']:6.0f}"
                f" | {p['p50']:18.0f} {p['p95']:6.0f} {p['p99']:6.0f} {p['max']:6.0f}"
            )
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
