"""A bound on how often something may happen."""


class Bucket:
    """So many a second (`per_s`), with `burst` to spare."""

    __slots__ = ("_burst", "_last_us", "_level", "_per_us")

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_us = per_s / 1e6
        self._burst = burst
        self._level = burst
        self._last_us = 0

    def take(self, now_us: int) -> bool:
        """Whether one more may happen at `now_us`; if so it is counted."""
        self._level = min(self._burst, self._level + (now_us - self._last_us) * self._per_us)
        self._last_us = now_us
        if self._level < 1.0:
            return False
        self._level -= 1.0
        return True
