"""One pulse: a level that rises in steps, holds, falls in steps, and is off.

All of it in small integers: a pulse knows only microseconds since its own beginning, and levels in basis
points (0 .. 10000). It allocates nothing after construction.
"""

from .limits import MAX_STEPS, STEP_US


class Pulse:
    """The envelope of one pulse, walked edge by edge.

    `start` sets it out; its first edge is due at 0. `advance` performs the edge that is due and sets
    `level_bp` to what holds from there on and `next_us` to when the next edge is due, both in µs since the
    pulse began. After the last edge, at the pulse's width, `active` is false and `level_bp` is 0. In between
    a level above 0 never comes out as 0.
    """

    __slots__ = (
        "_fall_from_us",
        "_fall_step_us",
        "_index",
        "_levels",
        "_rise_step_us",
        "active",
        "level_bp",
        "next_us",
        "peak_bp",
        "width_us",
    )

    def __init__(self) -> None:
        self.active = False
        self.next_us = 0
        self.level_bp = 0
        self.peak_bp = 0
        self.width_us = 0
        self._index = 0
        self._levels = 1
        self._rise_step_us = STEP_US
        self._fall_step_us = STEP_US
        self._fall_from_us = 0

    def start(self, width_us: int, rise_us: int, fall_us: int, peak_bp: int) -> None:
        """Sets out a pulse; the four arguments as a checked `Segment` has them, `peak_bp` 0 .. 10000.

        The level is full no sooner than `rise_us` after the start: a rise of n steps has n + 1 levels.
        """
        self.active = True
        self.width_us = width_us
        self.peak_bp = peak_bp
        self.level_bp = 0
        self.next_us = 0
        self._index = 0
        self._rise_step_us = STEP_US if rise_us <= STEP_US * MAX_STEPS else rise_us // MAX_STEPS
        self._levels = (rise_us + self._rise_step_us - 1) // self._rise_step_us + 1
        self._fall_step_us = STEP_US if fall_us <= STEP_US * MAX_STEPS else fall_us // MAX_STEPS
        self._fall_from_us = width_us - fall_us

    def advance(self, at_us: int) -> None:
        """Performs the edge that is due, at `at_us` since the pulse began: at `next_us`, or later.

        The fall and the end keep to the plan however late an edge is. The rise does not: its next step is
        counted from now, so that a program that was away for a moment never makes up for it with a jolt.
        """
        if at_us < self.next_us:
            at_us = self.next_us  # a little early counts as on time, or steps could be hurried
        if at_us >= self.width_us:
            self.cancel()
            return
        if at_us >= self._fall_from_us:
            self._fall(at_us)
        else:
            self._rise(at_us)
        if self.next_us > self.width_us:
            self.next_us = self.width_us

    def _rise(self, at_us: int) -> None:
        self._index += 1
        if self._index < self._levels:
            self.level_bp = self._at_least_one(self.peak_bp * self._index // self._levels)
            self.next_us = at_us + self._rise_step_us
            if self.next_us > self._fall_from_us:
                self.next_us = self._fall_from_us
        else:
            self.level_bp = self.peak_bp
            self.next_us = self._fall_from_us

    def _fall(self, at_us: int) -> None:
        left_us = self.width_us - at_us
        span_us = self.width_us - self._fall_from_us + self._fall_step_us
        # What is left of the span, in thousandths: multiplied by the peak it stays far within 30 bits.
        level_bp = self._at_least_one(self.peak_bp * (left_us // (span_us // 1000 + 1)) // 1000)
        if level_bp < self.level_bp:
            self.level_bp = level_bp
        self.next_us = at_us + self._fall_step_us

    def _at_least_one(self, level_bp: int) -> int:
        return level_bp if level_bp > 0 or self.peak_bp == 0 else 1

    def lower(self, peak_bp: int) -> None:
        """Brings the peak down in mid-pulse, and the level with it at once. A higher peak is ignored."""
        if peak_bp < self.peak_bp:
            self.peak_bp = peak_bp
            if self.level_bp > peak_bp:
                self.level_bp = peak_bp

    def cancel(self) -> None:
        """The pulse is over, now."""
        self.active = False
        self.level_bp = 0
