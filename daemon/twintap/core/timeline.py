"""The room's beat on the daemon's clock: where each pass begins, and what each side is to do in it.

Instants are µs of the daemon's monotonic clock. A set of ten minutes spans 6e8 µs and a monotonic clock
seldom reaches 1e13, so that a 64-bit float holds every instant to a hundredth of a microsecond.
"""

import math
from dataclasses import dataclass, replace

from twintap_protocol import limits

from ..views import Side
from .pacing import Pacing

_RISE_MOST_US = 40_000
_FALL_US = 10_000
GAP_US = 5_000  # between one side's end and the other's beginning: what two clocks and a late edge may differ


@dataclass(frozen=True, slots=True)
class Shape:
    """One side's pulse within a pass, in µs of the pass: where it begins, its width, its rise, its fall."""

    phase_us: float
    width_us: int
    rise_us: int
    fall_us: int


def shape(pacing: Pacing, side: Side) -> Shape:
    """The pulse of `side`: left begins the pass, right begins its second half.

    The rise is a quarter of the pulse, at least `MIN_RISE_US` and at most 40 ms; the fall 10 ms where there
    is room for it. A pulse of nearly half a pass ends `GAP_US` early, so that the two never overlap.
    """
    width_us = min(pacing.pulse_ms * 1_000, int(pacing.period_us / 2) - GAP_US)
    rise_us = min(width_us, max(limits.MIN_RISE_US, min(width_us // 4, _RISE_MOST_US)))
    fall_us = min(_FALL_US, width_us - rise_us)
    return Shape(0.0 if side == "left" else pacing.period_us / 2, width_us, rise_us, fall_us)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Passes from `first_pass` on, paced alike; that pass begins at `start_us`."""

    first_pass: int
    start_us: float
    pacing: Pacing

    def pass_start_us(self, pass_no: int) -> float:
        """When pass `pass_no` begins, as if this stretch went on for ever."""
        return self.start_us + (pass_no - self.first_pass) * self.pacing.period_us

    def first_pass_from(self, at_us: float) -> int:
        """The first pass of this stretch that begins at or after `at_us`."""
        ahead = math.ceil((at_us - self.start_us) / self.pacing.period_us)
        return self.first_pass + max(0, ahead)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The stretch in force, and the one that follows from its own first pass on."""

    current: Stretch
    next: Stretch | None = None

    @staticmethod
    def begin(start_us: float, pacing: Pacing) -> "Timeline":
        """A timeline whose pass 0 begins at `start_us`."""
        return Timeline(Stretch(0, start_us, pacing))

    def moved_to(self, start_us: float) -> "Timeline":
        """The same, with its first pass at `start_us`: before a set has begun."""
        return Timeline(replace(self.current, start_us=start_us))

    def with_next(self, pacing: Pacing, not_before_us: float) -> "Timeline":
        """From the first pass of the stretch in force that begins at or after `not_before_us`: `pacing`."""
        first_pass = max(self.current.first_pass + 1, self.current.first_pass_from(not_before_us))
        return Timeline(self.current, Stretch(first_pass, self.current.pass_start_us(first_pass), pacing))

    def with_pacing_now(self, pacing: Pacing) -> "Timeline":
        """The same beat with another pacing in force: for what acts at once and moves no edge."""
        return replace(self, current=replace(self.current, pacing=pacing))

    def taken(self, now_us: float) -> "Timeline":
        """The following stretch as the one in force, once its first pass has begun."""
        if self.next is not None and now_us >= self.next.start_us:
            return Timeline(self.next)
        return self

    def pass_at(self, at_us: float) -> int:
        """The pass that runs at `at_us`; -1 before pass 0."""
        stretch = self.current
        if self.next is not None and at_us >= self.next.start_us:
            stretch = self.next
        if at_us < stretch.start_us:
            return -1
        return stretch.first_pass + int((at_us - stretch.start_us) // stretch.pacing.period_us)

    def pass_start_us(self, pass_no: int) -> float:
        """When pass `pass_no` begins; for one before the stretch in force, as if that had always held."""
        if self.next is not None and pass_no >= self.next.first_pass:
            return self.next.pass_start_us(pass_no)
        return self.current.pass_start_us(pass_no)

    def first_pass_from(self, at_us: float) -> int:
        """The first pass of all that begins at or after `at_us`."""
        pass_no = self.current.first_pass_from(at_us)
        if self.next is not None and pass_no >= self.next.first_pass:
            return self.next.first_pass_from(at_us)
        return pass_no
