"""The diary of a recorded daemon, as bursts that can be replayed through any estimator."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.bench.air_model import Burst
from twintap.clock import ProbeStamps


def read_diary(path: Path) -> dict[str, list[Burst]]:
    """Each pulser's bursts, in the order in which the daemon took them; one without stamps is a new link."""
    found: dict[str, list[Burst]] = {}
    for line in path.read_text("ascii").splitlines():
        entry = json.loads(line)
        stamps = [ProbeStamps(*one) for one in entry.get("stamps", ())]
        found.setdefault(entry["pulser"], []).append(Burst(entry["at_us"], stamps))
    return found


def linked_us(bursts: Iterable[Burst], before_us: float = float("inf")) -> int | None:
    """When the newest link before `before_us` was made, in µs of the daemon's clock."""
    return max(
        (round(one.known_at_us) for one in bursts if not one.stamps and one.known_at_us < before_us),
        default=None,
    )


def truth_of(clock_at: Callable[[float], float]) -> Callable[[float], tuple[int, float]]:
    """Both clocks at an instant, where the instant is the daemon's own: see `replayed_errors_us`."""

    def truth(at_us: float) -> tuple[int, float]:
        daemon_us = round(at_us)
        return daemon_us, clock_at(daemon_us)

    return truth
