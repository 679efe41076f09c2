"""The beat of a room, for what follows it with light and sound: where the pulses lie, and nothing else.

A pure function of a set. No code, no pulser, no level of trust is in it, so that a screen which faces the
client may be given it. Every instant is in µs of the daemon's monotonic clock, every length in µs.
"""

from dataclasses import dataclass
from typing import Literal

from ..core.pacing import OPEN
from ..core.state import SetState
from ..core.timeline import Stretch, Timeline, shape


@dataclass(frozen=True, slots=True)
class BeatStretch:
    """Passes paced alike: pass `first_pass` begins at `start_us`, each later one `period_us` after it.

    In each, the left pulse begins the pass and the right one its second half; both last `pulse_us`.
    """

    first_pass: int
    start_us: float
    period_us: float
    pulse_us: int


@dataclass(frozen=True, slots=True)
class Beat:
    """What a set does in time.

    `set`: its identity, to be compared and not read; None while there is none. `state`: idle (no set, or one
    that may yet not begin), running or ended; only of a running set is the rest known. `first_pass` to
    `pulse_us`: the stretch in force, as in `BeatStretch`; `next`: the one that follows it. `go_us`: when pass
    0 began; from there the level rises for `ramp_us`. `passes`: how many are planned, None for an open set;
    `end_us`: when the last of their pulses ends. `left_pct`, `right_pct`: levels, 0..100.
    """

    set: str | None
    state: Literal["idle", "running", "ended"]
    first_pass: int | None = None
    start_us: float | None = None
    period_us: float | None = None
    pulse_us: int | None = None
    next: BeatStretch | None = None
    go_us: float | None = None
    ramp_us: int | None = None
    passes: int | None = None
    end_us: float | None = None
    left_pct: float | None = None
    right_pct: float | None = None


def beat_of(current: SetState | None) -> Beat:
    """The beat of a room whose newest set is `current`."""
    if current is None:
        return Beat(None, "idle")
    # Set ids begin anew with each daemon; with the instant it was asked for, no two sets share a name.
    name = f"{current.set_id}-{int(current.asked_us)}"
    if current.phase == "starting":
        return Beat(name, "idle")
    if current.phase != "running" or current.go_us is None:
        return Beat(name, "ended")
    pacing, timeline = current.pacing, current.timeline
    held = _stretch(timeline.current)
    passes = pacing.passes if pacing.passes != OPEN else None
    return Beat(
        name,
        "running",
        held.first_pass,
        held.start_us,
        held.period_us,
        held.pulse_us,
        _stretch(timeline.next) if timeline.next is not None else None,
        current.go_us,
        pacing.ramp_ms * 1_000,
        passes,
        _end_us(timeline, passes) if passes is not None else None,
        pacing.left_pct,
        pacing.right_pct,
    )


def _stretch(stretch: Stretch) -> BeatStretch:
    width_us = shape(stretch.pacing, "left").width_us
    return BeatStretch(stretch.first_pass, stretch.start_us, stretch.pacing.period_us, width_us)


def _end_us(timeline: Timeline, passes: int) -> float:
    last = passes - 1
    following = timeline.next
    stretch = following if following is not None and last >= following.first_pass else timeline.current
    right = shape(stretch.pacing, "right")
    return stretch.pass_start_us(last) + right.phase_us + right.width_us
