"""Arithmetic on a pulser's microsecond counter, within 30 bits.

A pulser's `ticks` run from 0 to 2**30 - 1 and wrap (17 min 54 s). On a 32-bit MicroPython an integer past
30 bits lives on the heap, so that a plain `(a + b) & mask` would allocate at the very moment when nothing
may. Both functions keep every intermediate value within -2**30 .. 2**30 - 1.

A *stamp* is the pulser's extended clock: `wraps * 2**30 + ticks`, sent as two fields. Only the daemon, which
has 64-bit integers, ever joins them.
"""

TICKS_BITS = 30
_HALF = 1 << 29
TICKS_MAX = _HALF - 1 + _HALF


def ticks_add(ticks: int, delta_us: int) -> int:
    """`ticks` (0 .. 2**30 - 1) moved by `delta_us` (-2**29 .. 2**29 - 1), on the ring."""
    moved = ticks - _HALF + delta_us
    if moved >= _HALF:
        moved -= _HALF
        moved -= _HALF
    elif moved < -_HALF:
        moved += _HALF
        moved += _HALF
    return moved + _HALF


def ticks_diff(later: int, earlier: int) -> int:
    """Microseconds from `earlier` to `later` on the ring: -2**29 .. 2**29 - 1."""
    delta_us = later - earlier
    if delta_us >= _HALF:
        delta_us -= _HALF
        delta_us -= _HALF
    elif delta_us < -_HALF:
        delta_us += _HALF
        delta_us += _HALF
    return delta_us


def stamp_is_near(wraps: int, ticks: int, now_wraps: int, now_ticks: int) -> bool:
    """Whether a stamp lies within 2**29 µs (8 min 56 s) of now, so that `ticks_diff` is right."""
    delta_us = ticks_diff(ticks, now_ticks)
    carry = 0
    if delta_us > 0 and ticks < now_ticks:
        carry = 1
    elif delta_us < 0 and ticks > now_ticks:
        carry = -1
    return wraps - now_wraps == carry


def join_stamp(wraps: int, ticks: int) -> int:
    """The extended clock in µs. Only for a virtual machine whose integers are wide; never on a pulser."""
    return (wraps << TICKS_BITS) + ticks


def split_stamp(stamp_us: int) -> tuple[int, int]:
    """`(wraps, ticks)` of an extended time in µs; the inverse of `join_stamp`. Never on a pulser."""
    return stamp_us >> TICKS_BITS, stamp_us & ((1 << TICKS_BITS) - 1)
