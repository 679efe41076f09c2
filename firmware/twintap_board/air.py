"""The air, as numbers: how long a datagram is under way, and whether it arrives. Pure; moves nothing.

The figures are those of Wi-Fi in a room (quiet), in a block of flats (busy) and where one would look for
another channel (bad): a base that every datagram takes, jitter that is exponential, retries on the link,
stalls while the channel belongs to others, and loss. `none` is a wire.
"""

import random
from collections.abc import Hashable
from typing import NamedTuple

from .errors import BoardError

# A lane forgets receivers whose last datagram is out once it knows more than this many.
_RECEIVERS_KEPT = 64


class AirModel(NamedTuple):
    """One kind of air, in one direction. Shares are 0..1 of all datagrams, times in µs."""

    base_us: float
    jitter_mean_us: float
    retry_share: float
    retry_max_us: float
    stall_share: float
    stall_min_us: float
    stall_max_us: float
    loss_share: float


MODELS = {
    "none": AirModel(0, 0, 0, 0, 0, 0, 0, 0),
    "quiet": AirModel(900, 350, 0.08, 8_000, 0.01, 8_000, 60_000, 0.002),
    "busy": AirModel(900, 600, 0.35, 8_000, 0.03, 8_000, 60_000, 0.01),
    "bad": AirModel(1_200, 1_200, 0.40, 15_000, 0.06, 20_000, 120_000, 0.05),
}


def model_named(name: str) -> AirModel:
    """Give the model called `name`; BoardError says which names there are."""
    try:
        return MODELS[name]
    except KeyError:
        raise BoardError(f"air {name!r} is unknown: choose one of {', '.join(MODELS)}") from None


class Lane:
    """One direction of the air: decides each datagram's fate, first in first out for each receiver."""

    def __init__(self, model: AirModel, rng: random.Random) -> None:
        """Take the model and the source of chance; the same seed gives the same fates."""
        self.model = model
        self._rng = rng
        self._last_ns: dict[Hashable, int] = {}

    def delay_us(self) -> float | None:
        """Draw the next datagram's own time under way in µs, whatever is ahead of it; None if it is lost."""
        model, rng = self.model, self._rng
        if rng.random() < model.loss_share:
            return None
        delay_us = model.base_us
        if model.jitter_mean_us:
            delay_us += rng.expovariate(1.0 / model.jitter_mean_us)
        if rng.random() < model.retry_share:
            delay_us += rng.uniform(0.0, model.retry_max_us)
        if rng.random() < model.stall_share:
            delay_us += rng.uniform(model.stall_min_us, model.stall_max_us)
        return delay_us

    def release_ns(self, now_ns: int, receiver: Hashable) -> int | None:
        """Say when a datagram of `now_ns` reaches `receiver`: not before the one ahead; None if lost."""
        delay_us = self.delay_us()
        if delay_us is None:
            return None
        last = self._last_ns
        release_ns = max(last.get(receiver, 0), now_ns + int(delay_us * 1000))
        if receiver not in last and len(last) >= _RECEIVERS_KEPT:
            self._last_ns = last = {who: at for who, at in last.items() if at > now_ns}
        last[receiver] = release_ns
        return release_ns
