"""What controllers are shown: plain values, ready for JSON. Times of day are RFC 3339 with a zone."""

from dataclasses import dataclass
from typing import Literal

Side = Literal["left", "right"]
SIDES: tuple[Side, Side] = ("left", "right")

# Whether a pulser rests: `drowsy`, its radio sleeps between beacons; `waking`, it was asked to be awake and
# is not ready yet; `asleep`, it sleeps until its button is pressed; `unknown`, it is not linked.
Rest = Literal["awake", "drowsy", "waking", "asleep", "unknown"]
Battery = Literal["unknown", "fine", "low", "empty"]


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
    """One paired pulser. `link`: linked, seeking (heard of, not linked) or unseen.

    `battery`: as the pulser itself judges it; `charge_left_min`: for so many minutes of work its charge will
    do, about; None when it is not measured, or charging. `trim_pct`: what its motor's trim leaves of a level.
    `networks`: how many it keeps. `rssi_dbm`: how loud it hears its network. `boot_cause`: why it started
    last: power, reset, watchdog, crash, wake or brown-out. `firmware_is_old`: this daemon has a newer one for
    it. None: it has not said, or its firmware is too old to say.
    """

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
    power: Rest = "unknown"
    battery: Battery = "unknown"
    trim_pct: float | None = None
    networks: int | None = None
    rssi_dbm: int | None = None
    boot_cause: str | None = None
    charge_left_min: int | None = None
    firmware_is_old: bool = False


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

    `uid`: its own id, which no other set ever has; `set_id` counts those of this run of the daemon.
    `passes_done`: round trips begun and finished; `asked`: a change that has not reached its boundary yet.
    `left_right_error_us`: the largest seen in it, of how far a right pulse may be from half a pass after the
    left one, by the fits of both clocks; None before one was known.
    """

    uid: str
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
    left_right_error_us: float | None
    silent: tuple[Side, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something amiss in a room, in words with what to do; gone when its cause is gone."""

    code: str
    side: Side | None
    message: str


@dataclass(frozen=True, slots=True)
class MarkView:
    """The latest mark of its kind. `at`: when it happened."""

    mark: str
    at: str


@dataclass(frozen=True, slots=True)
class LastEntry:
    """The newest entry that stands. `undo_until`: it can be taken back so long; after it, be corrected."""

    id: str
    type: str
    at: str
    undo_until: str


@dataclass(frozen=True, slots=True)
class SessionView:
    """A room's open session. Times are RFC 3339, in the session's own zone.

    `hands`: the sides whose button confirmed them before it was opened. `sets`, `passes`: those that have
    ended. `part`: who is there now; `parts`: all of this client's, the latest met first. `targets`: the open
    ones of this client's; `plan`: for the next visit, written in this one. `left_pct`, `right_pct`: the
    client's levels (None: as in a pacing), which a start takes that says none. `idle_since`: the last set,
    entry or word that it goes on. `has_notes`: whether what was written about the client is in here at all.
    """

    id: str
    code: str
    kind: str
    phase: str | None
    zone: str
    opened_at: str
    opened_by: str
    lead: str
    hands: tuple[Side, ...]
    sets: int
    passes: int
    first_sud: int | None
    last_sud: int | None
    last_voc: int | None
    part: str | None
    parts: tuple[str, ...]
    targets: tuple[str, ...]
    plan: str | None
    marks: tuple[MarkView, ...]
    left_pct: float | None
    right_pct: float | None
    last_entry: LastEntry | None
    asks_if_forgotten: bool
    idle_since: str
    medicine_given_at: str | None
    has_notes: bool = True


@dataclass(frozen=True, slots=True)
class RoomView:
    """A room's whole state. `revision` grows with every change that a command could be made against.

    `problems` keep it from tapping; `troubles` do not, and are said all the same. `session`: the open one.
    `hands`: the sides whose button was pressed within the last ten minutes, which says which hand holds what
    to the session that is opened next; empty while one is open.
    """

    name: str
    revision: int
    colour: str
    ready: bool
    problems: tuple[Problem, ...]
    left: PulserView | None
    right: PulserView | None
    set: SetView | None
    session: SessionView | None = None
    troubles: tuple[Problem, ...] = ()
    hands: tuple[Side, ...] = ()


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
