"""The room: one state machine. A command and a state give events; an event and a state give the next state.

Nothing here waits, sends, or knows what time it is: every command says when it was made, on the daemon's
monotonic clock in µs. After a crash the state is what the events make of it, replayed, and a set that was
running is a set that the loss of the daemon ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from twintap_protocol import limits

from ..errors import Fault, Refused
from ..views import SIDES, Side, other
from .pacing import OPEN, Pacing
from .timeline import Timeline

COOLDOWN_US = 1_000_000  # a finger on its way to stop must not start
START_PATIENCE_US = 1_000_000  # both acknowledge within this, or the start is taken back
CHANGE_LEAD_US = 300_000  # a change reaches both pulsers in this time on any air that carries a lease at all
CHANGE_LATE_US = 165_000  # nearer than this and not acknowledged, a boundary is moved further off
FINISH_PATIENCE_US = 1_500_000  # after its last pass a set is over, reported or not
SILENT_US = limits.PULSER_SILENT_MS * 1_000
LEFT_ALONE_US = 15_000_000  # an open set whose last controller is gone
GO_NEAR_US = 20_000

Phase = Literal["starting", "running", "stopping", "ended"]

# --- what is known of a pulser, told to the core -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fact:
    """One pulser as the room sees it now. `heard_us`: when it was last heard. `acked`: the newest plan that it
    holds. `ended_set`, `ended_reason`: the newest set that ended on it, and why (the protocol's names)."""

    pulser_id: str
    linked: bool = False
    ready: bool = False
    charging: bool = False
    heard_us: float = 0.0
    acked: int = 0
    ended_set: int = 0
    ended_reason: str = "none"


# --- commands --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """Start set `set_id`. `lead_us`: from now to pass 0; `margin_us`: least time from the go to pass 0."""

    set_id: int
    changes: Mapping[str, object]
    actor: str
    lead_us: float
    margin_us: float
    revision: int | None = None


@dataclass(frozen=True, slots=True)
class Change:
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

# --- events ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetAsked:
    type = "set.asked"
    set_id: int
    pacing: Pacing
    actor: str
    start_us: float
    margin_us: float
    at_us: float


@dataclass(frozen=True, slots=True)
class SetStarted:
    """Both pulsers hold the schedule; their first lease goes out, with pass 0 at `go_us`."""

    type = "set.started"
    go_us: float


@dataclass(frozen=True, slots=True)
class PacingChanged:
    """`at_once`: what needs no boundary. Else from pass `timeline.next.first_pass` on."""

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
class PassesSet:
    """The set's number of passes is another: planned anew, or a soft stop."""

    type = "set.passes"
    actor: str
    passes: int
    soft: bool


@dataclass(frozen=True, slots=True)
class ChangeTaken:
    type = "set.change_taken"
    timeline: Timeline


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """The last commanding controller went (`since_us`), or one is there again (None)."""

    type = "set.left_alone"
    since_us: float | None


@dataclass(frozen=True, slots=True)
class SetEnded:
    """`reason`: stop, soft, finished, longest, button, lease, charging, link, newer, fault, lost, silent,
    clock, controller. `side`: where it began, if on one side. `by`: an actor's label, `button`, or `system`."""

    type = "set.ended"
    set_id: int
    reason: str
    by: str
    side: Side | None
    at_us: float


@dataclass(frozen=True, slots=True)
class SetStilled:
    """Both pulsers have said that they are off, or can be held to be: `silent` names those that did not say."""

    type = "set.stilled"
    silent: tuple[Side, ...]


Event = (
    SetAsked
    | SetStarted
    | PacingChanged
    | ChangeWaits
    | PassesSet
    | ChangeTaken
    | LeftAlone
    | SetEnded
    | SetStilled
)

# --- state -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetState:
    """One set. `plan` counts the schedule's changes: a pulser has acknowledged when it holds this plan."""

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
    left_alone_us: float | None = None
    had_controller: bool = False
    ended: SetEnded | None = None
    silent: tuple[Side, ...] = ()

    @property
    def is_on(self) -> bool:
        return self.phase in ("starting", "running")


@dataclass(frozen=True, slots=True)
class RoomState:
    """`revision` grows with whatever a person's next command could depend on."""

    facts: Mapping[Side, Fact] = field(default_factory=dict[Side, Fact])
    set: SetState | None = None
    revision: int = 0


def evolve(state: RoomState, event: Event) -> RoomState:
    """The state after `event`. Never refuses: an event has happened."""
    if isinstance(event, SetAsked):
        begun = SetState(
            event.set_id,
            "starting",
            event.pacing,
            Timeline.begin(event.start_us, event.pacing),
            event.actor,
            event.at_us,
            event.margin_us,
        )
        return replace(state, set=begun, revision=state.revision + 1)
    current = state.set
    if current is None:
        return state
    revision = state.revision
    match event:
        case SetStarted():
            timeline = current.timeline.moved_to(event.go_us)
            current = replace(current, phase="running", go_us=event.go_us, timeline=timeline)
        case PacingChanged():
            current = replace(
                current, pacing=event.pacing, timeline=event.timeline, waiting=None, plan=current.plan + 1
            )
            revision += 1
        case ChangeWaits():
            current = replace(current, waiting=event.pacing)
            revision += 1
        case PassesSet():
            pacing = replace(current.pacing, passes=event.passes)
            waiting = current.waiting and replace(current.waiting, passes=event.passes)
            soft_by = event.actor if event.soft else current.soft_by
            current = replace(current, pacing=pacing, waiting=waiting, soft_by=soft_by, plan=current.plan + 1)
            revision += 1
        case ChangeTaken():
            current = replace(current, timeline=event.timeline)
        case LeftAlone():
            current = replace(current, left_alone_us=event.since_us, had_controller=True)
        case SetEnded():
            current = replace(current, phase="stopping", ended=event)
            revision += 1
        case SetStilled():
            current = replace(current, phase="ended", silent=event.silent)
    return replace(state, set=current, revision=revision)


# --- decisions -------------------------------------------------------------------------------------------------


def decide(state: RoomState, command: Command, now_us: float) -> list[Event]:
    """What follows from `command` at `now_us`. Raises `Refused`, and then nothing follows."""
    match command:
        case Start():
            return _start(state, command, now_us)
        case Change():
            return _change(state, command, now_us)
        case Stop():
            return _stop(state, command, now_us)
        case Look():
            return _look(state, command, now_us)
        case ClockJumped():
            return _end(state, "clock", "system", None, now_us)
        case PulserLost():
            return _end(state, command.reason, "system", command.side, now_us)


def check_ready(state: RoomState) -> list[Fault]:
    """What keeps the room from starting a set, each with what to do; empty when nothing does."""
    faults: list[Fault] = []
    for side in SIDES:
        fact = state.facts.get(side)
        if fact is None:
            faults.append(Fault("incomplete", f"the room has no {side} pulser: pair one", side=side))
        elif not fact.linked:
            text = f"the {side} pulser does not answer: switch it on, or bring it near"
            faults.append(Fault("offline", text, side=side))
        elif fact.charging:
            faults.append(Fault("charging", f"the {side} pulser is on its charger: unplug it", side=side))
        elif not fact.ready:
            text = f"the {side} pulser's clock is not known yet: wait a moment"
            faults.append(Fault("unready", text, side=side))
    return faults


def _check_fresh(state: RoomState, revision: int | None) -> None:
    if revision is not None and revision != state.revision:
        text = f"the room has changed since: made against revision {revision}, it is now {state.revision}"
        raise Refused(Fault("stale", text, field="revision", value=revision))


def _start(state: RoomState, command: Start, now_us: float) -> list[Event]:
    current = state.set
    pacing = Pacing().with_changes(command.changes)
    _check_fresh(state, command.revision)
    if current is not None and current.is_on:
        raise Refused(Fault("running", "a set is running: change it, or stop it first"))
    if current is not None and current.ended is not None:
        left_us = current.ended.at_us + COOLDOWN_US - now_us
        if left_us > 0 and current.go_us is not None:
            retry_ms = int(left_us // 1_000) + 1
            text = f"the last set ended less than a second ago: start again in {retry_ms} ms"
            raise Refused(Fault("cooldown", text, retry_after_ms=retry_ms))
    for fault in check_ready(state):
        raise Refused(fault)
    start_us = now_us + command.lead_us
    return [SetAsked(command.set_id, pacing, command.actor, start_us, command.margin_us, now_us)]


def _change(state: RoomState, command: Change, now_us: float) -> list[Event]:
    current = state.set
    if current is None or not current.is_on:
        raise Refused(Fault("idle", "no set is running: start one"))
    held = current.waiting or current.pacing
    pacing = held.with_changes(command.changes)
    _check_fresh(state, command.revision)
    if current.phase == "starting":
        raise Refused(
            Fault("running", "the set is still starting: change it in a moment", retry_after_ms=150)
        )
    if pacing == held:
        return []
    if pacing.passes != held.passes:
        _check_passes(current, pacing.passes, now_us)
    return _replan(current, pacing, command.actor, now_us)


def _check_passes(current: SetState, passes: int, now_us: float) -> None:
    if passes == OPEN:
        return
    least = current.timeline.first_pass_from(now_us + CHANGE_LEAD_US)
    if passes < least:
        raise Refused(
            Fault(
                "range",
                f"passes is {passes}; pass {least} is about to be reached, so it has to lie in"
                f" {least}..{limits.MAX_PASSES}, or stop the set",
                field="passes",
                value=passes,
                low=least,
                high=limits.MAX_PASSES,
            )
        )


def _replan(current: SetState, pacing: Pacing, actor: str, now_us: float) -> list[Event]:
    timeline = current.timeline.taken(now_us)
    in_force = timeline.current.pacing
    if _same_beat(in_force, pacing) and timeline.next is None:
        return [PacingChanged(actor, pacing, timeline.with_pacing_now(pacing), at_once=True)]
    pending = timeline.next
    if pending is not None:
        if _same_beat(pending.pacing, pacing):
            moved = replace(timeline, next=replace(pending, pacing=pacing))
            return [PacingChanged(actor, pacing, moved, at_once=True)]
        if pending.start_us < now_us + CHANGE_LEAD_US:
            # Too near to be called back: it is taken, and this one after it. What moves no edge acts now.
            beat = current.pacing
            now = replace(pacing, rate_hz=beat.rate_hz, pulse_ms=beat.pulse_ms)
            at_once = [PacingChanged(actor, now, timeline, at_once=True)] if now != beat else []
            return [*at_once, ChangeWaits(actor, pacing)]
    return [PacingChanged(actor, pacing, timeline.with_next(pacing, now_us + CHANGE_LEAD_US), at_once=False)]


def _same_beat(one: Pacing, two: Pacing) -> bool:
    return one.rate_hz == two.rate_hz and one.pulse_ms == two.pulse_ms


def _stop(state: RoomState, command: Stop, now_us: float) -> list[Event]:
    current = state.set
    if current is None or not current.is_on:
        return []
    if not command.soft or current.phase == "starting":
        return _end(state, "stop", command.actor, None, now_us)
    passes = max(1, current.timeline.first_pass_from(now_us + command.margin_us))
    if current.pacing.passes != OPEN and current.pacing.passes <= passes:
        return []
    return [PassesSet(command.actor, passes, soft=True)]


def _end(state: RoomState, reason: str, by: str, side: Side | None, now_us: float) -> list[Event]:
    current = state.set
    if current is None or not current.is_on:
        return []
    return [SetEnded(current.set_id, reason, by, side, now_us)]


def _look(state: RoomState, command: Look, now_us: float) -> list[Event]:
    current = state.set
    if current is None or current.phase == "ended":
        return []
    if current.phase == "stopping":
        return _look_stilled(state, current, now_us)
    over = _ended_on_pulser(state, current, now_us) or _ended_by_silence(state, current, now_us)
    if over:
        return over
    if current.phase == "starting":
        return _look_starting(state, current, now_us)
    return _look_running(state, current, command, now_us)


def _ended_on_pulser(state: RoomState, current: SetState, now_us: float) -> list[Event]:
    by_itself: list[Side] = []
    for side in SIDES:
        fact = state.facts.get(side)
        if fact is None or fact.ended_set < current.set_id:
            continue
        if fact.ended_reason in ("finished", "longest"):
            by_itself.append(side)
            continue
        by = "button" if fact.ended_reason == "button" else "system"
        return _end(state, fact.ended_reason, by, side, now_us)
    if by_itself:
        first = state.facts[by_itself[0]]
        if len(by_itself) == len(SIDES):
            if current.soft_by is not None and first.ended_reason == "finished":
                return _end(state, "soft", current.soft_by, None, now_us)
            return _end(state, first.ended_reason, "system", None, now_us)
    passes = current.pacing.passes
    if current.go_us is not None and passes != OPEN:
        over_us = current.timeline.pass_start_us(passes) + FINISH_PATIENCE_US
        if now_us >= over_us:
            return _end(state, "finished", "system", None, now_us)
    return []


def _ended_by_silence(state: RoomState, current: SetState, now_us: float) -> list[Event]:
    for side in SIDES:
        fact = state.facts.get(side)
        if fact is None or not fact.linked or now_us - max(fact.heard_us, current.asked_us) > SILENT_US:
            return _end(state, "lost", "system", side, now_us)
    return []


def _look_starting(state: RoomState, current: SetState, now_us: float) -> list[Event]:
    waiting: list[Side] = [side for side in SIDES if state.facts[side].acked < current.plan]
    if waiting:
        if now_us - current.asked_us > START_PATIENCE_US:
            return _end(state, "silent", "system", waiting[0], now_us)
        return []
    start_us = current.timeline.current.start_us
    return [SetStarted(max(start_us, now_us + max(GO_NEAR_US, current.margin_us)))]


def _look_running(state: RoomState, current: SetState, command: Look, now_us: float) -> list[Event]:
    events: list[Event] = []
    timeline = current.timeline
    taken = timeline.taken(now_us)
    if taken is not timeline:
        events.append(ChangeTaken(taken))
        timeline = taken
    if timeline.next is None:
        if current.waiting is not None:
            waiting = current.waiting
            moved = timeline.with_next(waiting, now_us + CHANGE_LEAD_US)
            events.append(PacingChanged(current.actor, waiting, moved, at_once=False))
    elif timeline.next.start_us - now_us < CHANGE_LATE_US:
        late = [side for side in SIDES if state.facts[side].acked < current.plan]
        if late:
            moved = timeline.with_next(timeline.next.pacing, now_us + CHANGE_LEAD_US)
            events.append(PacingChanged(current.actor, current.pacing, moved, at_once=False))
    if command.controllers and (current.left_alone_us is not None or not current.had_controller):
        events.append(LeftAlone(None))
    elif not command.controllers and current.had_controller:
        if current.left_alone_us is None:
            events.append(LeftAlone(now_us))
        elif current.pacing.passes == OPEN and now_us - current.left_alone_us > LEFT_ALONE_US:
            events += _end(state, "controller", "system", None, now_us)
    return events


def _look_stilled(state: RoomState, current: SetState, now_us: float) -> list[Event]:
    ended = current.ended
    if ended is None:
        return []
    silent: list[Side] = []
    for side in SIDES:
        fact = state.facts.get(side)
        if fact is None or not fact.linked or fact.ended_set < current.set_id:
            silent.append(side)
    if not silent:
        return [SetStilled(())]
    # Past this a pulser that says nothing has no lease any more, whatever became of our stop.
    if now_us - ended.at_us > (limits.LEASE_MS + 200) * 1_000:
        return [SetStilled(tuple(silent))]
    return []


def twin_heard_us(state: RoomState, side: Side) -> float:
    """When the twin of `side` was last heard: a lease reaches no further than LEASE_MS beyond it."""
    fact = state.facts.get(other(side))
    return fact.heard_us if fact is not None else float("-inf")
