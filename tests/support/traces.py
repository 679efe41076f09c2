"""Traces: what a motor line did, read from its CSV file, as pulses, passes, faults and latencies.

Pure: nothing here waits, looks at a clock or starts a process. All instants are µs of the host's
CLOCK_MONOTONIC (`..._us`), all levels per cent (`level_pct`, 0..100), as the files have them.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

HEADER = "monotonic_us,side,level_pct"
SIDES = ("left", "right")

# Two lines are written by two processes on one clock; an on-edge this close to the other's off-edge touches
# it and does not overlap it.
TOUCH_US = 0


class BadTrace(Exception):
    """The file is no trace, or breaks the rules of one; says the line and why."""


class Row(NamedTuple):
    """One change of the motor line."""

    at_us: int
    side: str
    level_pct: float


class Pulse(NamedTuple):
    """One vibration: from the first level above 0 to the next 0. `off_us` is None while it goes on.

    `full_us`: when it first reached `peak_pct`.
    """

    side: str
    on_us: int
    off_us: int | None
    peak_pct: float
    full_us: int

    @property
    def width_us(self) -> int:
        """From on-edge to off-edge. Raises `BadTrace` for a pulse without an end."""
        if self.off_us is None:
            raise BadTrace(f"the {self.side} pulse of {self.on_us} has no end")
        return self.off_us - self.on_us

    @property
    def rise_us(self) -> int:
        """From the on-edge to the full level."""
        return self.full_us - self.on_us


class Fault(NamedTuple):
    """Something that a set must never show. `kind`: missed, doubled, overlap, order, extra or endless."""

    kind: str
    side: str
    at_us: int


def parse_trace(text: str) -> list[Row]:
    """The rows of a trace's text. Raises `BadTrace`.

    The last line counts only with its newline: the file may be read while it is written.
    """
    lines = text.split("\n")
    if lines[0] != HEADER:
        raise BadTrace(f"line 1 is {lines[0][:40]!r} and not the header")
    rows: list[Row] = []
    last_us = 0
    for number, line in enumerate(lines[1:-1], 2):
        try:
            at, side, level = line.split(",")
            row = Row(int(at), side, float(level))
        except ValueError:
            raise BadTrace(f"line {number} is {line[:40]!r}") from None
        if row.side not in SIDES and row.level_pct:
            raise BadTrace(f"line {number}: a level on side {row.side[:20]!r}")
        if not 0 <= row.level_pct <= 100:
            raise BadTrace(f"line {number}: a level of {row.level_pct} %")
        if row.at_us < last_us:
            raise BadTrace(f"line {number}: time goes back by {last_us - row.at_us} µs")
        last_us = row.at_us
        rows.append(row)
    return rows


def read_trace(path: Path) -> list[Row]:
    """The rows of a trace file; none if it is not there yet. Raises `BadTrace`."""
    try:
        text = path.read_text("ascii")
    except FileNotFoundError:
        return []
    return parse_trace(text) if text else []


def pulses_of(rows: Iterable[Row]) -> list[Pulse]:
    """The pulses in one board's rows, in order; the last may lack its end."""
    found: list[Pulse] = []
    open_: Pulse | None = None
    for at_us, side, level_pct in rows:
        if level_pct and open_ is None:
            open_ = Pulse(side, at_us, None, level_pct, at_us)
        elif level_pct and open_ is not None and level_pct > open_.peak_pct:
            open_ = open_._replace(peak_pct=level_pct, full_us=at_us)
        elif not level_pct and open_ is not None:
            found.append(open_._replace(off_us=at_us))
            open_ = None
    if open_ is not None:
        found.append(open_)
    return found


def within(pulses: Sequence[Pulse], from_us: float, to_us: float) -> list[Pulse]:
    """The pulses whose on-edge lies in [from, to); `pulses` in order."""
    begins = [pulse.on_us for pulse in pulses]
    return list(pulses[bisect_left(begins, from_us) : bisect_left(begins, to_us)])


# --- a set as it must be -----------------------------------------------------------------------------------


def alternation_faults(left: Sequence[Pulse], right: Sequence[Pulse], first: str = "left") -> list[Fault]:
    """What breaks left, right, left, right in one set, whatever its rate.

    `order`: the same side twice in a row, or the wrong side first. `overlap`: both on at once. `endless`: a
    pulse without an end. A set may end after either side.
    """
    merged = sorted([*left, *right], key=lambda pulse: pulse.on_us)
    faults: list[Fault] = []
    expected = first
    for pulse in merged:
        if pulse.side != expected:
            faults.append(Fault("order", pulse.side, pulse.on_us))
        expected = "right" if pulse.side == "left" else "left"
        if pulse.off_us is None:
            faults.append(Fault("endless", pulse.side, pulse.on_us))
    for one, two in pairwise(merged):
        # (The next of the same side cannot overlap: one line has one level.)
        if one.side != two.side and (one.off_us is None or one.off_us > two.on_us + TOUCH_US):
            faults.append(Fault("overlap", two.side, two.on_us))
    return faults


def grid_faults(
    pulses: Sequence[Pulse], side: str, first_us: float, period_us: float, count: int
) -> list[Fault]:
    """What `side` missed, doubled or did too much in a set at one rate: `count` pulses from `first_us` on.

    Every pulse belongs to the pass whose own instant is nearest; `extra` lies before the first or after the
    last.
    """
    taken: dict[int, Pulse] = {}
    faults: list[Fault] = []
    for pulse in pulses:
        number = round((pulse.on_us - first_us) / period_us)
        if not 0 <= number < count:
            faults.append(Fault("extra", side, pulse.on_us))
        elif number in taken:
            faults.append(Fault("doubled", side, pulse.on_us))
        else:
            taken[number] = pulse
    faults += [
        Fault("missed", side, round(first_us + number * period_us))
        for number in range(count)
        if number not in taken
    ]
    return sorted(faults, key=lambda fault: fault.at_us)


def left_right_errors_us(
    left: Sequence[Pulse], right: Sequence[Pulse], period_us: float
) -> list[tuple[int, float]]:
    """For each pass with both pulses: the left on-edge, and how much the right one's distance from it differs
    from half a pass, in µs (positive: the right is late). `period_us` is the pass as commanded."""
    begins = [pulse.on_us for pulse in right]
    out: list[tuple[int, float]] = []
    for pulse in left:
        at = bisect_left(begins, pulse.on_us)
        if at < len(begins) and begins[at] - pulse.on_us < period_us * 0.75:
            out.append((pulse.on_us, begins[at] - pulse.on_us - period_us / 2))
    return out


# --- latencies ---------------------------------------------------------------------------------------------


def first_on_us(traces: Sequence[Sequence[Row]], asked_us: int) -> int | None:
    """When any line first went above 0 at or after `asked_us`; None if none did."""
    found = [row.at_us for rows in traces for row in rows if row.at_us >= asked_us and row.level_pct]
    return min(found, default=None)


def last_on_us(traces: Sequence[Sequence[Row]], asked_us: int, until_us: int) -> int:
    """The instant from which on every line stays at 0 until `until_us`: `asked_us` if all were off by then.

    Raises `BadTrace` if a line is still on at `until_us`.
    """
    off_us = asked_us
    for rows in traces:
        level_pct = 0.0
        for row in rows:
            if row.at_us > until_us:
                break
            if level_pct and not row.level_pct and row.at_us > off_us:
                off_us = row.at_us
            level_pct = row.level_pct
        if level_pct:
            raise BadTrace(f"a line is still at {level_pct} % {(until_us - asked_us) / 1e6:.3f} s after")
    return off_us
