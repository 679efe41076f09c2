"""The room's state: what is known of its pulsers, what may be asked, what can happen, what is so after it.

Nothing here waits, sends, or knows what time it is: every instant is in µs of the daemon's monotonic clock
and came in with a command. After a crash the state is what the events make of it, replayed, and a set that
was running is a set that the loss of the daemon ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from ..views import Rest, Side
from .pacing import Pacing
from .timeline import Timeline

Phase = Literal["starting", "running", "stopping", "ended"]

# --- what is known of a pulser, told to the core --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fact:
    """One pulser as the room sees it now.

    `heard_us`: when it was last heard. `acked`: the newest plan of the room's set that it holds. `leased`: it
    has said that the set's lease reached it. `ended_set`, `ended_reason`: the newest set that ended on it,
    and why (the protocol's names). `power`: whether it rests; `waking` once it was asked to be awake, until
    its clock is known again. `is_empty`: its charge is enough for no new set.
    """

    pulser_id: str
    linked: bool = False
    ready: bool = False
    charging: bool = False
    heard_us: float = 0.0
    acked: int = 0
    leased: bool = False
    ended_set: int = 0
    ended_reason: str = "none"
    power: Rest = "awake"
    is_empty: bool = False


# --- commands -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """Start set `set_id`.

    `lead_us`: from now to pass 0; `margin_us`: least time from the first lease to it; `revision`: the state
    that it was asked against (None: any); `controllers`: how many that may command are present.
    """

    set_id: int
    changes: Mapping[str, object]
    actor: str
    lead_us: float
    margin_us: float
    revision: int | None = None
    controllers: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """Change the running set: levels act at once, the rest at a boundary. `revision` as in `Start`."""

    changes: Mapping[str, object]
    actor: str
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop now; `soft`: at the end of the first pass that is at least `margin_us` away."""

    actor: str
    soft: bool = False
    margin_us: float = 0.0


@dataclass(frozen=True, slots=True)
class Look:
    """Time has passed, or a pulser was heard: look whether something follows from it."""

    controllers: int = 0


@dataclass(frozen=True, slots=True)
class ClockJumped:
    """The daemon's own clock cannot be trusted across the last moment."""


@dataclass(frozen=True, slots=True)
class PulserLost:
    """The pulser of `side` lost its link, made a new one (`link`), or its clock stepped (`clock`)."""

    side: Side
    reason: Literal["lost", "link", "clock"] = "lost"


Command = Start | Change | Stop | Look | ClockJumped | PulserLost

# --- events ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetAsked:
    """A set was asked for, with pass 0 at `start_us`; nothing moves before both pulsers hold it."""

    type = "set.asked"
    set_id: int
    pacing: Pacing
    actor: str
    start_us: float
    margin_us: float
    at_us: float
    had_controller: bool = False


@dataclass(frozen=True, slots=True)
class SetStarted:
    """Both pulsers hold the schedule; their first lease goes out, with pass 0 at `go_us`."""

    type = "set.started"
    go_us: float


@dataclass(frozen=True, slots=True)
class PacingChanged:
    """A person's change. `at_once`: it needs no boundary. Else from pass `timeline.next.first_pass` on."""

    type = "set.changed"
    actor: str
    pacing: Pacing
    timeline: Timeline
    at_once: bool


@dataclass(frozen=True, slots=True)
class ChangeWaits:
    """A change behind one that is about to be taken; the latest wins."""

    type = "set.change_waits"
    actor: str
    pacing: Pacing


@dataclass(frozen=True, slots=True)
class ChangePlanned:
    """A change that was asked for before has its boundary now, or a later one than it had."""

    type = "set.change_planned"
    pacing: Pacing
    timeline: Timeline


@dataclass(frozen=True, slots=True)
class ChangeTaken:
    """The pass from which the change holds has begun."""

    type = "set.change_taken"
    timeline: Timeline


@dataclass(frozen=True, slots=True)
class PassesSet:
    """The set ends after so many passes: by a soft stop, or because the longest set is near."""

    type = "set.passes"
    actor: str
    passes: int
    reason: Literal["soft", "longest"]


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """The last commanding controller went (`since_us`), or one is there again (None)."""

    type = "set.left_alone"
    since_us: float | None


@dataclass(frozen=True, slots=True)
class SetEnded:
    """A set is over: no lease is renewed any more, and both pulsers are being told.

    `reason`: stop, soft, finished, longest, button, lease, charging, link, newer, fault, lost, silent, clock,
    controller. `side`: where it began, if on one side. `by`: an actor's label, `button`, or `system`.
    """

    type = "set.ended"
    set_id: int
    reason: str
    by: str
    side: Side | None
    at_us: float


@dataclass(frozen=True, slots=True)
class SetStilled:
    """Both pulsers said that they are off, or can be held to be: `silent` names those that did not say."""

    type = "set.stilled"
    silent: tuple[Side, ...]


@dataclass(frozen=True, slots=True)
class PulsersChanged:
    """Which pulser is on which side is not what it was: a command made before has to be thought over."""

    type = "room.pulsers_changed"


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """The room's session was opened or closed: what a set is part of is not what it was."""

    type = "room.session_changed"


@dataclass(frozen=True, slots=True)
class StoppedAtRest:
    """A stop came while no set was on. It may have overtaken an earlier start, which is stale then."""

    type = "room.stopped"


Event = (
    SetAsked
    | SetStarted
    | PacingChanged
    | ChangeWaits
    | ChangePlanned
    | ChangeTaken
    | PassesSet
    | LeftAlone
    | SetEnded
    | SetStilled
    | PulsersChanged
    | SessionChanged
    | StoppedAtRest
)

# --- state ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetState:
    """One set. `plan` counts the schedule's changes: a pulser has acknowledged when it holds this plan.

    `waiting`: a change that has no boundary yet. `soft_by`: who asked for a soft stop. `longest`: its passes
    were cut by the longest set. `silent`: the sides that never confirmed its end.
    """

    set_id: int
    phase: Phase
    pacing: Pacing
    timeline: Timeline
    actor: str
    asked_us: float
    margin_us: float
    plan: int = 1
    waiting: Pacing | None = None
    go_us: float | None = None
    soft_by: str | None = None
    longest: bool = False
    left_alone_us: float | None = None
    had_controller: bool = False
    ended: SetEnded | None = None
    silent: tuple[Side, ...] = ()

    @property
    def is_on(self) -> bool:
        """Whether a pulser may hold a lease for it, or is about to get one."""
        return self.phase in ("starting", "running")


@dataclass(frozen=True, slots=True)
class RoomState:
    """`revision` grows with whatever a person's next command could depend on."""

    facts: Mapping[Side, Fact] = field(default_factory=dict[Side, Fact])
    set: SetState | None = None
    revision: int = 0


def evolve(state: RoomState, event: Event) -> RoomState:
    """The state after `event`. Never refuses: an event has happened."""
    if isinstance(event, PulsersChanged | SessionChanged | StoppedAtRest):
        return replace(state, revision=state.revision + 1)
    if isinstance(event, SetAsked):
        timeline = Timeline.begin(event.start_us, event.pacing)
        begun = SetState(
            event.set_id, "starting", event.pacing, timeline, event.actor, event.at_us, event.margin_us
        )
        begun = replace(begun, had_controller=event.had_controller)
        return replace(state, set=begun, revision=state.revision + 1)
    current = state.set
    if current is None:
        return state
    by_person = isinstance(event, PacingChanged | ChangeWaits | SetEnded) or (
        isinstance(event, PassesSet) and event.reason == "soft"
    )
    revision = state.revision + 1 if by_person else state.revision
    return replace(state, set=_evolve_set(current, event), revision=revision)


def _evolve_set(current: SetState, event: Event) -> SetState:
    match event:
        case SetStarted():
            timeline = current.timeline.moved_to(event.go_us)
            return replace(current, phase="running", go_us=event.go_us, timeline=timeline)
        case PacingChanged() | ChangePlanned():
            return replace(
                current,
                pacing=event.pacing,
                timeline=event.timeline,
                waiting=None,
                plan=current.plan + 1,
                # Whoever plans passes anew makes them the set's own again.
                longest=current.longest and event.pacing.passes == current.pacing.passes,
            )
        case ChangeWaits():
            return replace(current, waiting=event.pacing)
        case ChangeTaken():
            return replace(current, timeline=event.timeline)
        case PassesSet():
            return replace(
                current,
                pacing=replace(current.pacing, passes=event.passes),
                waiting=replace(current.waiting, passes=event.passes) if current.waiting else None,
                soft_by=event.actor if event.reason == "soft" else current.soft_by,
                longest=event.reason == "longest",
                plan=current.plan + 1,
            )
        case LeftAlone():
            return replace(current, left_alone_us=event.since_us, had_controller=True)
        case SetEnded():
            return replace(current, phase="stopping", ended=event)
        case SetStilled():
            return replace(current, phase="ended", silent=event.silent)
        case SetAsked() | PulsersChanged() | SessionChanged() | StoppedAtRest():
            return current
