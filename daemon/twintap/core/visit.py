"""A visit: what may be asked of it, what can happen, and what is so after it.

As with a room, a command and a state give events or a refusal (`decide_visit`), and events give the state;
nothing here reads a clock, a disk or a socket. What the journal holds of a session, folded by `evolve` in its
order, is the very state that the daemon had: after a crash that is how it comes back.

Times of day are aware datetimes. `at` is when something happened, `entered` when the daemon was told of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from ..journal.types import ENTRY_TYPES, Kind
from ..views import Side
from .tally import PacingDict, Tally, tallied

UNDO_WITHIN = timedelta(seconds=10)  # the last touch; what is older is put right by a correction
ASK_AFTER = timedelta(minutes=20)  # without a set or an entry: is this session still going on?
FORGOTTEN_AFTER = timedelta(hours=4)  # and after this it is closed, and marked so

# --- events and commands --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """An event that is to be kept: its type, its data as the journal's model gives it, when it happened."""

    type: str
    data: Mapping[str, Any]
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of a session as the journal has it."""

    id: str
    type: str
    data: Mapping[str, Any]
    actor: str
    at: datetime
    entered: datetime


@dataclass(frozen=True, slots=True)
class Open:
    """Open a session. `code`: as it was typed; `hands`: the sides whose button was just pressed.

    `reach`: the rooms whose visits whoever opens it may see; None: all.
    """

    code: str
    kind: Kind
    zone: str
    hands: tuple[Side, ...]
    actor: str
    is_set_on: bool = False
    reach: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """Close it. `plan`: what is planned for the next visit, if it was said now."""

    actor: str
    plan: str | None = None
    is_set_on: bool = False


@dataclass(frozen=True, slots=True)
class Enter:
    """Something that a person says of the visit: a rating, a note, a mark … `at`: None for now."""

    type: str
    data: Mapping[str, Any]
    actor: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Undo:
    """Take back an entry of the last ten seconds; `entry` None: this actor's last one."""

    actor: str
    entry: str | None = None


@dataclass(frozen=True, slots=True)
class Correct:
    """Put an entry right: `data` holds in place of what it had; None: it is withdrawn, and nothing holds.

    A session that is closed takes it too, and the latest holds: what was withdrawn can be put right again.
    """

    entry: str
    data: Mapping[str, Any] | None
    actor: str


@dataclass(frozen=True, slots=True)
class PlanNext:
    """What is planned for the next visit. A session that is closed takes it too; the latest holds."""

    text: str
    actor: str


@dataclass(frozen=True, slots=True)
class Move:
    """The session was under the wrong code."""

    code: str
    actor: str


@dataclass(frozen=True, slots=True)
class TakeLead:
    """`label` has the lead from now on."""

    label: str
    actor: str


@dataclass(frozen=True, slots=True)
class Look:
    """Time has passed. `idle`: without a set, an entry or a word that the visit goes on."""

    idle: timedelta
    is_set_on: bool = False


Command = Open | Close | Enter | Undo | Correct | PlanNext | Move | TakeLead | Look

# --- state ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entered:
    """What a person said of the visit, as it is now: corrected, taken back at once, or withdrawn later."""

    id: str
    type: str
    data: Mapping[str, Any]
    actor: str
    at: datetime
    entered: datetime
    undone: bool = False
    corrected: bool = False
    withdrawn: bool = False

    @property
    def stands(self) -> bool:
        """Whether it counts."""
        return not (self.undone or self.withdrawn)


@dataclass(frozen=True, slots=True)
class Summary:
    """What the entries that stand come to, in the order in which things happened.

    `part`: the part that is there now; `parts`: all that were met. `marks`: the latest of each, by its name.
    """

    phase: str | None = None
    first_sud: int | None = None
    last_sud: int | None = None
    last_voc: int | None = None
    part: str | None = None
    parts: tuple[str, ...] = ()
    targets: Mapping[str, bool] = field(default_factory=dict[str, bool])
    plan: str | None = None
    marks: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    left_pct: float | None = None
    right_pct: float | None = None

    @property
    def open_targets(self) -> tuple[str, ...]:
        """What is worked on and not done."""
        return tuple(text for text, done in self.targets.items() if not done)


@dataclass(frozen=True, slots=True)
class Visit:
    """A session. `pacings`: how its last set felt, by phase (`any`: outside phases); `active_at`: the last
    set's event or entry, when the daemon was told; `reach`: the rooms whose earlier visits it takes up, None:
    all."""

    id: str
    room: str
    code: str
    kind: str
    zone: str
    opened_at: datetime
    opened_by: str
    lead: str
    hands: tuple[Side, ...]
    active_at: datetime
    reach: tuple[str, ...] | None = None
    closed_at: datetime | None = None
    closed_reason: str | None = None
    entries: tuple[Entered, ...] = ()
    summary: Summary = field(default_factory=Summary)
    sets: int = 0
    passes: int = 0
    pacings: Mapping[str, PacingDict] = field(default_factory=dict[str, PacingDict])
    running: Tally | None = None

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.closed_at is None

    @property
    def last_entry(self) -> Entered | None:
        """The newest entry that stands."""
        return next((entry for entry in reversed(self.entries) if entry.stands), None)

    def asks_if_forgotten(self, idle: timedelta) -> bool:
        """Whether to ask if it still goes on; never in a medicine visit, which has long quiet stretches."""
        return self.is_open and self.kind != "medicine" and idle >= ASK_AFTER


# --- what is so after an event --------------------------------------------------------------------------


def evolve(visit: Visit | None, room: str, session: str, event: Happening) -> Visit | None:
    """The session after `event`. Never refuses: an event has happened. None before it was opened."""
    after = _step(visit, room, session, event)
    if after is None or (visit is not None and after.entries is visit.entries):
        return after
    return _summed_up(after)


def _summed_up(visit: Visit) -> Visit:
    return replace(visit, summary=summed(visit.entries))


def _step(visit: Visit | None, room: str, session: str, event: Happening) -> Visit | None:
    """The session after `event`, its summary left as it was."""
    data = event.data
    if event.type in ("session.opened", "session.restated"):
        return _opened(room, session, event)
    if visit is None:
        return None
    if event.type.startswith("set."):
        return _evolve_set(visit, event)
    if event.type in ENTRY_TYPES:
        entry = Entered(event.id, event.type, data, event.actor, event.at, event.entered)
        return replace(visit, active_at=event.entered, entries=(*visit.entries, entry))
    match event.type:
        case "session.closed":
            return replace(visit, closed_at=event.at, closed_reason=str(data["reason"]))
        case "session.moved":
            return replace(visit, code=str(data["code"]))
        case "lead.taken":
            return replace(visit, lead=str(data["label"]))
        case "entry.undone":
            return _with_entry(visit, str(data["entry"]), undone=True)
        case "entry.corrected":
            changes = {"withdrawn": True} if data.get("void") else {"withdrawn": False, "data": data["data"]}
            return _with_entry(visit, str(data["entry"]), corrected=True, **changes)
        case _:
            return visit


def _opened(room: str, session: str, event: Happening) -> Visit:
    data = event.data
    by, at = event.actor, event.at
    reach = cast("tuple[str, ...] | None", tuple(told) if (told := data.get("reach")) is not None else None)
    if event.type == "session.restated":
        by, at = str(data["opened_by"]), datetime.fromisoformat(str(data["opened_at"]))
        reach = (room,)  # whatever it was, this is in it
    hands = cast("tuple[Side, ...]", tuple(data.get("hands", ())))
    return Visit(
        session,
        room,
        str(data["code"]),
        str(data["kind"]),
        str(data["zone"]),
        at,
        by,
        by,
        hands,
        event.entered,
        reach,
    )


def replayed(room: str, session: str, events: Iterable[Happening]) -> Visit | None:
    """The session as its events tell it, in the journal's order; None if they do not open one.

    An opening that was restated, since it had been under the code of a client who is erased, counts first.
    """
    visit: Visit | None = None
    for event in sorted(events, key=lambda event: event.type != "session.restated"):
        visit = _step(visit, room, session, event)
    # Once, at the end: a long visit is folded in time that grows with its length and not with its square.
    return None if visit is None else _summed_up(visit)


def _evolve_set(visit: Visit, event: Happening) -> Visit:
    before = visit.running
    running = tallied(before, event.type, event.data, event.actor, event.at)
    visit = replace(visit, running=running, active_at=event.entered)
    if event.type != "set.recorded":
        return visit
    began_at = before.started_at if before is not None and before.started_at is not None else event.at
    phase = phase_at(visit.entries, began_at) or "any"
    return replace(
        visit,
        sets=visit.sets + 1,
        passes=visit.passes + int(event.data["passes_done"]),
        pacings={**visit.pacings, phase: cast("PacingDict", event.data["pacing"])},
    )


def _with_entry(visit: Visit, entry_id: str, **changes: Any) -> Visit:
    entries = tuple(replace(entry, **changes) if entry.id == entry_id else entry for entry in visit.entries)
    return replace(visit, entries=entries)


def phase_at(entries: Iterable[Entered], at: datetime) -> str | None:
    """The phase in which `at` lies, as the entries that stand have it; None: before the first."""
    begun = [one for one in entries if one.type == "phase.begun" and one.stands and one.at <= at]
    return str(max(begun, key=lambda one: one.at).data["phase"]) if begun else None


def summed(entries: Iterable[Entered]) -> Summary:
    """What the entries that stand come to."""
    standing = sorted((entry for entry in entries if entry.stands), key=lambda entry: entry.at)
    latest: dict[str, Any] = {}
    parts: dict[str, None] = {}
    targets: dict[str, bool] = {}
    marks: dict[str, datetime] = {}
    suds: list[int] = []
    part: str | None = None
    for entry in standing:
        data = entry.data
        latest[entry.type] = data
        match entry.type:
            case "rating.sud":
                suds.append(int(data["value"]))
            case "part.met":
                label = str(data["label"])
                parts.setdefault(label)
                if not data["gone"]:
                    part = label
                elif part == label:
                    part = None
            case "target.set":
                targets[str(data["text"])] = bool(data["done"])
            case "mark.set":
                marks[str(data["mark"])] = entry.at
            case _:
                pass
    levels = latest.get("level.client", {})
    return Summary(
        phase=latest.get("phase.begun", {}).get("phase"),
        first_sud=suds[0] if suds else None,
        last_sud=suds[-1] if suds else None,
        last_voc=latest.get("rating.voc", {}).get("value"),
        part=part,
        parts=tuple(parts),
        targets=targets,
        plan=latest.get("plan.written", {}).get("text"),
        marks=marks,
        left_pct=levels.get("left_pct"),
        right_pct=levels.get("right_pct"),
    )
