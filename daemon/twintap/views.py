"""What controllers are shown: plain values, ready for JSON. Times of day are RFC 3339 with a zone."""

from dataclasses import dataclass
from typing import Literal

Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")


def other(side: Side) -> Side:
    """The twin's side."""
    return "right" if side == "left" else "left"


@dataclass(frozen=True, slots=True)
class ClockView:
    """`state`: empty, warming, ready or uncertain; `error_us`: how wrong the fit may be; `skew_ppm`."""

    state: str
    error_us: float | None
    skew_ppm: float | None


@dataclass(frozen=True, slots=True)
class PulserView:
    """One paired pulser. `link`: linked, seeking (heard of, not linked) or unseen."""

    id: str
    name: str
    room: str
    side: Side
    link: Literal["linked", "seeking", "unseen"]
    address: str | None
    last_heard_at: str | None
    battery_mv: int | None
    charging: bool | None
    vibrating: bool
    ceiling_pct: float | None
    firmware: str | None
    presses: int
    dropped: int
    clock: ClockView


@dataclass(frozen=True, slots=True)
class SideCounts:
    """What one side did in a set, as its pulser reported it. `latest_us`: its latest edge."""

    delivered: int
    skipped: int
    late: int
    latest_us: int


@dataclass(frozen=True, slots=True)
class SetView:
    """One set. `state`: starting, running, stopping or ended; `ended_by`: who or what ended it.

    `passes_done`: round trips begun and finished; `asked`: a change that has not reached its boundary yet.
    """

    set_id: int
    state: Literal["starting", "running", "stopping", "ended"]
    pacing: dict[str, float | int | None]
    asked: dict[str, float | int | None] | None
    passes_done: int
    started_at: str | None
    elapsed_ms: int
    started_by: str
    ended_by: str | None
    ended_reason: str | None
    ended_side: Side | None
    left: SideCounts
    right: SideCounts


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps a room from tapping, in words with what to do; gone when its cause is gone."""

    code: str
    side: Side | None
    message: str


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room's whole state. `revision` grows with every change that a command could be made against."""

    name: str
    revision: int
    colour: str
    ready: bool
    problems: tuple[Problem, ...]
    left: PulserView | None
    right: PulserView | None
    set: SetView | None


@dataclass(frozen=True, slots=True)
class RoomEvent:
    """What happened in a room, and the room's state after it. `type` is dotted, as `set.started`."""

    type: str
    room: str
    at: str
    monotonic_us: int
    actor: str
    data: dict[str, object]
    state: RoomView
