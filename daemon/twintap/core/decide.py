"""The room's decisions: a command and a state give events, or a refusal, and touch nothing.

Every command says when it was made, in µs of the daemon's monotonic clock.
"""

from dataclasses import replace

from twintap_protocol import limits

from ..errors import Fault, Refused
from ..views import SIDES, Side, other
from .pacing import MAX_PASSES, OPEN, Pacing
from .state import (
    Change,
    ChangePlanned,
    ChangeTaken,
    ChangeWaits,
    ClockJumped,
    Command,
    Event,
    Fact,
    LeftAlone,
    Look,
    PacingChanged,
    PassesSet,
    PulserLost,
    RoomState,
    SetAsked,
    SetEnded,
    SetStarted,
    SetState,
    SetStilled,
    Start,
    Stop,
)

COOLDOWN_US = 1_000_000  # a finger on its way to stop must not start
START_PATIENCE_US = 1_000_000  # both acknowledge within this, or the start is taken back
LEASED_PATIENCE_US = 500_000  # a side that got no lease this long after pass 0 leaves its twin alone
CHANGE_LEAD_US = 300_000  # a change reaches both pulsers in this time on any air that carries a lease at all
CHANGE_LATE_US = 165_000  # nearer than this and not acknowledged, a boundary is moved further off
GO_NEAR_US = 20_000  # pass 0 is never nearer than this to the first lease
FINISH_PATIENCE_US = 300_000  # after its last pass a set is over, reported or not, and both are told to stop
SILENT_US = limits.PULSER_SILENT_MS * 1_000
LEFT_ALONE_US = 15_000_000  # an open set whose last controller is gone
LONGEST_US = limits.MAX_SET_MS * 1_000 - 500_000  # less what two clocks can differ: both end at one pass
MAX_PLANS = 60_000  # a frame's revision has 16 bits, and clock corrections take some
WAKING_RETRY_MS = 500  # a start that met a resting pulser has it woken, and may be said again after this
STILLED_US = (limits.LEASE_MS + 200) * 1_000  # past this a pulser that says nothing has no lease any more


def decide(state: RoomState, command: Command, now_us: float) -> list[Event]:
    """What follows from `command` at `now_us`. Raises `Refused`, and then nothing follows.

    Only `Start` and `Change` can be refused.
    """
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
        elif fact.power == "asleep":
            faults.append(Fault("asleep", f"the {side} pulser is asleep: press its button", side=side))
        elif not fact.linked:
            text = f"the {side} pulser does not answer: switch it on, or bring it near"
            faults.append(Fault("offline", text, side=side))
        elif fact.charging:
            faults.append(Fault("charging", f"the {side} pulser is on its charger: unplug it", side=side))
        elif fact.is_empty:
            faults.append(Fault("empty", f"the {side} pulser's battery is empty: charge it", side=side))
        elif fact.power in ("drowsy", "waking"):
            words = "rests" if fact.power == "drowsy" else "is waking"
            text = f"the {side} pulser {words}: it is ready within 3 s of a start"
            faults.append(Fault("waking", text, side=side, retry_after_ms=WAKING_RETRY_MS))
        elif not fact.ready:
            text = f"the {side} pulser's clock is not known yet: wait a moment"
            faults.append(Fault("unready", text, side=side))
    return faults


def twin_heard_us(state: RoomState, side: Side) -> float:
    """When the twin of `side` was last heard: a lease reaches no further than LEASE_MS beyond it."""
    fact = state.facts.get(other(side))
    return fact.heard_us if fact is not None else float("-inf")


# --- what a person asks for -----------------------------------------------------------------------------


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
        if left_us > 0:
            retry_ms = int(left_us // 1_000) + 1
            text = f"the last set ended less than a second ago: start again in {retry_ms} ms"
            raise Refused(Fault("cooldown", text, retry_after_ms=retry_ms))
        if current.phase == "stopping":
            text = "the last set is still being stopped: start again in a moment"
            raise Refused(Fault("cooldown", text, retry_after_ms=200))
    for fault in check_ready(state):
        raise Refused(fault)
    start_us = now_us + command.lead_us
    is_watched = command.controllers > 0
    return [SetAsked(command.set_id, pacing, command.actor, start_us, command.margin_us, now_us, is_watched)]


def _change(state: RoomState, command: Change, now_us: float) -> list[Event]:
    current = state.set
    if current is None or not current.is_on:
        raise Refused(Fault("idle", "no set is running: start one"))
    held = current.waiting or current.pacing
    pacing = held.with_changes(command.changes)
    _check_fresh(state, command.revision)
    if current.phase == "starting":
        text = "the set is still starting: change it in a moment"
        raise Refused(Fault("running", text, retry_after_ms=150))
    if pacing == held:
        return []
    if current.plan >= MAX_PLANS:
        raise Refused(Fault("running", "this set was changed too often: stop it, and start another"))
    if pacing.passes != held.passes:
        if current.soft_by is not None:
            raise Refused(Fault("idle", f"the set is being ended, as {current.soft_by} asked"))
        _check_passes(current, pacing.passes, now_us)
    return _replan(current, pacing, command.actor, now_us)


def _check_passes(current: SetState, passes: int, now_us: float) -> None:
    if passes == OPEN:
        return
    least = current.timeline.first_pass_from(now_us + CHANGE_LEAD_US)
    if least > MAX_PASSES:
        text = (
            f"passes is {passes}; the set is past pass {MAX_PASSES} or nearly so: stop it, at once or softly"
        )
        raise Refused(Fault("range", text, field="passes", value=passes))
    if passes < least:
        raise Refused(
            Fault(
                "range",
                f"passes is {passes}; pass {least} is about to be reached, so it has to lie in"
                f" {least}..{MAX_PASSES}, or stop the set",
                field="passes",
                value=passes,
                low=least,
                high=MAX_PASSES,
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
    return [PassesSet(command.actor, passes, "soft")]


def _end(state: RoomState, reason: str, by: str, side: Side | None, now_us: float) -> list[Event]:
    current = state.set
    if current is None or not current.is_on:
        return []
    return [SetEnded(current.set_id, reason, by, side, now_us)]


# --- what follows from time and from what pulsers say ---------------------------------------------------


def _look(state: RoomState, command: Look, now_us: float) -> list[Event]:
    current = state.set
    if current is None or current.phase == "ended":
        return []
    if current.phase == "stopping":
        return _look_stilled(state, current, now_us)
    over = _ended_on_pulser(state, current, now_us) or _ended_by_fact(state, current, now_us)
    if over:
        return over
    if current.phase == "starting":
        return _look_starting(state, current, now_us)
    return _look_running(state, current, command, now_us)


def _ended_on_pulser(state: RoomState, current: SetState, now_us: float) -> list[Event]:
    by_itself: list[Fact] = []
    one: Side | None = None
    for side in SIDES:
        fact = state.facts.get(side)
        if fact is None or fact.ended_set < current.set_id:
            continue
        if fact.ended_reason in ("finished", "longest"):
            by_itself.append(fact)
            one = side
            continue
        by = "button" if fact.ended_reason == "button" else "system"
        return _end(state, fact.ended_reason, by, side, now_us)
    passes, go_us = current.pacing.passes, current.go_us
    if len(by_itself) == len(SIDES):
        reason = "longest" if any(fact.ended_reason == "longest" for fact in by_itself) else "finished"
        return _end_as_planned(state, current, reason, now_us)
    if go_us is None:
        return _end(state, "fault", "system", one, now_us) if by_itself else []
    if now_us >= go_us + limits.MAX_SET_MS * 1_000 + FINISH_PATIENCE_US:
        return _end(state, "longest", "system", None, now_us)
    if passes == OPEN:
        # One side came to the longest set's end by its own clock; the other must not go on alone.
        return _end(state, by_itself[0].ended_reason, "system", one, now_us) if by_itself else []
    end_us = current.timeline.pass_start_us(passes)
    if now_us >= end_us + FINISH_PATIENCE_US:
        return _end_as_planned(state, current, "finished", now_us)
    if by_itself and now_us < end_us - current.timeline.current.pacing.period_us:
        # A whole pass early: it holds another plan than its twin.
        return _end(state, "fault", "system", one, now_us)
    return []


def _end_as_planned(state: RoomState, current: SetState, reason: str, now_us: float) -> list[Event]:
    if reason == "finished" and current.soft_by is not None:
        return _end(state, "soft", current.soft_by, None, now_us)
    return _end(state, "longest" if current.longest else reason, "system", None, now_us)


def _ended_by_fact(state: RoomState, current: SetState, now_us: float) -> list[Event]:
    for side in SIDES:
        fact = state.facts.get(side)
        if fact is None or not fact.linked or now_us - max(fact.heard_us, current.asked_us) > SILENT_US:
            return _end(state, "lost", "system", side, now_us)
        if fact.charging:
            return _end(state, "charging", "system", side, now_us)
        is_part = fact.leased or fact.ended_set >= current.set_id
        if current.go_us is not None and now_us > current.go_us + LEASED_PATIENCE_US and not is_part:
            return _end(state, "silent", "system", side, now_us)
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
            timeline = timeline.with_next(current.waiting, now_us + CHANGE_LEAD_US)
            events.append(ChangePlanned(current.waiting, timeline))
    elif timeline.next.start_us - now_us < CHANGE_LATE_US and any(
        state.facts[side].acked < current.plan for side in SIDES
    ):
        # The latest wins: what waits behind a boundary that moves anyway takes its place.
        asked = current.waiting or current.pacing
        timeline = timeline.with_next(asked, now_us + CHANGE_LEAD_US)
        events.append(ChangePlanned(asked, timeline))
    events += _look_longest(replace(current, timeline=timeline), now_us)
    return events + _look_controllers(state, current, command, now_us)


def _look_longest(current: SetState, now_us: float) -> list[Event]:
    # Planned by passes, so that two clocks that differ a little still end after the same pass.
    go_us, timeline = current.go_us, current.timeline
    if go_us is None:
        return []
    last = timeline.first_pass_from(now_us + CHANGE_LEAD_US)
    if timeline.pass_start_us(last + 1) <= go_us + LONGEST_US + 1.0:  # 1 µs for the sum's rounding
        return []
    if 0 < current.pacing.passes <= last:
        return []
    return [PassesSet("system", last, "longest")]


def _look_controllers(state: RoomState, current: SetState, command: Look, now_us: float) -> list[Event]:
    if command.controllers:
        if current.left_alone_us is not None or not current.had_controller:
            return [LeftAlone(None)]
        return []
    if not current.had_controller:
        return []
    if current.left_alone_us is None:
        return [LeftAlone(now_us)]
    if current.pacing.passes == OPEN and now_us - current.left_alone_us > LEFT_ALONE_US:
        return _end(state, "controller", "system", None, now_us)
    return []


def _look_stilled(state: RoomState, current: SetState, now_us: float) -> list[Event]:
    ended = current.ended
    if ended is None:
        return []
    silent: list[Side] = []
    for side in SIDES:
        fact = state.facts.get(side)
        if fact is None or not fact.linked or fact.ended_set < current.set_id:
            silent.append(side)
    if silent and now_us - ended.at_us <= STILLED_US:
        return []
    return [SetStilled(tuple(silent))]
