"""What may be said of a visit: a command and a state give events, or a refusal, and touch nothing."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from pydantic import ValidationError

from ..errors import Fault, Refused
from ..journal.types import ENTRY_TYPES, EVENT_TYPES
from .codes import normalised
from .visit import (
    FORGOTTEN_AFTER,
    UNDO_WITHIN,
    Close,
    Command,
    Correct,
    Enter,
    Entered,
    Look,
    Move,
    Open,
    PlanNext,
    Said,
    TakeLead,
    Undo,
    Visit,
)

EARLIEST_BEFORE = timedelta(hours=12)  # what is typed in later may have been said before the opening
AHEAD = timedelta(minutes=1)  # a tablet's clock may be ahead of this computer's by so much
ENTRIES_MAX = 5_000  # a visit of hours has a few hundred


def decide(visit: Visit | None, command: Command, now: datetime) -> list[Said]:
    """What follows from `command` at `now`. Raises `Refused`, and then nothing follows.

    `visit`: the room's session, open or not; for `Correct`, `PlanNext` and `Move` any session.
    """
    if isinstance(command, Open):
        return _open(visit, command, now)
    if isinstance(command, Look):
        return _look(visit, command, now)
    if visit is None:
        raise _no_session()
    if isinstance(command, Correct):
        return _correct(visit, command, now)
    if isinstance(command, PlanNext):
        return _plan(visit, command, now)
    if isinstance(command, Move):
        code = normalised(command.code)
        return [] if code == visit.code else [_said("session.moved", {"code": code}, command.actor, now)]
    if not visit.is_open:
        raise _no_session()
    match command:
        case Close():
            return _close(command, now)
        case Enter():
            return _enter(visit, command, now)
        case Undo():
            return _undo(visit, command, now)
        case TakeLead():
            if visit.lead == command.label:
                return []
            return [_said("lead.taken", {"label": command.label}, command.actor, now)]


def _no_session() -> Refused:
    return Refused(Fault("closed", "no session is open in this room: open one"))


def _open(visit: Visit | None, command: Open, now: datetime) -> list[Said]:
    if visit is not None and visit.is_open:
        raise Refused(Fault("open", "a session is open in this room: close it first"))
    if command.is_set_on:
        raise Refused(Fault("running", "a set is running: stop it before a session is opened"))
    data: dict[str, object] = {
        "code": normalised(command.code),
        "kind": command.kind,
        "zone": command.zone,
        "hands": list(command.hands),
    }
    if command.reach is not None:
        data["reach"] = list(command.reach)
    return [_said("session.opened", data, command.actor, now)]


def _close(command: Close, now: datetime) -> list[Said]:
    if command.is_set_on:
        raise Refused(Fault("running", "a set is running: stop it before the session is closed"))
    said: list[Said] = []
    if command.plan is not None:
        said.append(_said("plan.written", {"text": command.plan}, command.actor, now))
    return [*said, _said("session.closed", {"reason": "asked"}, command.actor, now)]


def _enter(visit: Visit, command: Enter, now: datetime) -> list[Said]:
    if command.type not in ENTRY_TYPES:
        known = ", ".join(sorted(ENTRY_TYPES))
        raise Refused(Fault("field", f"type is none that a person enters; {known} are", field="type"))
    if len(visit.entries) >= ENTRIES_MAX:
        raise Refused(Fault("full", f"this session has {ENTRIES_MAX} entries: close it, and open another"))
    at = command.at if command.at is not None else now
    if at > now + AHEAD:
        text = "at lies in the future; say when it happened, or leave it out"
        raise Refused(Fault("range", text, field="at"))
    if at < visit.opened_at - EARLIEST_BEFORE:
        text = "at lies more than 12 hours before the session was opened"
        raise Refused(Fault("range", text, field="at"))
    return [_said(command.type, command.data, command.actor, min(at, now))]


def _undo(visit: Visit, command: Undo, now: datetime) -> list[Said]:
    entry = _undoable(visit, command)
    if entry.withdrawn:
        raise _gone()
    if now > entry.entered + UNDO_WITHIN:
        text = "it was entered more than 10 seconds ago: correct or withdraw it, so that both stay to be read"
        raise Refused(Fault("late", text, field="entry"))
    return [_said("entry.undone", {"entry": entry.id}, command.actor, now)]


def _undoable(visit: Visit, command: Undo) -> Entered:
    if command.entry is not None:
        return _entered(visit, command.entry)
    for entry in reversed(visit.entries):
        if entry.actor == command.actor and entry.stands:
            return entry
    raise Refused(Fault("unknown", "there is no entry of yours to take back", field="entry"))


def _entered(visit: Visit, entry_id: str) -> Entered:
    for entry in visit.entries:
        if entry.id == entry_id:
            if entry.undone:
                raise _gone()
            return entry
    raise Refused(Fault("unknown", "this session has no such entry", field="entry"))


def _correct(visit: Visit, command: Correct, now: datetime) -> list[Said]:
    entry = _entered(visit, command.entry)
    if command.data is None:
        if entry.withdrawn:
            raise _gone()
        return [_said("entry.corrected", {"entry": entry.id, "void": True}, command.actor, now)]
    data = checked(entry.type, command.data)
    return [_said("entry.corrected", {"entry": entry.id, "data": data}, command.actor, now)]


def _plan(visit: Visit, command: PlanNext, now: datetime) -> list[Said]:
    if command.text == visit.summary.plan:
        return []
    return _enter(visit, Enter("plan.written", {"text": command.text}, command.actor), now)


def _gone() -> Refused:
    return Refused(Fault("undone", "this entry was taken back already", field="entry"))


def _look(visit: Visit | None, command: Look, now: datetime) -> list[Said]:
    if visit is None or not visit.is_open or command.is_set_on or command.idle < FORGOTTEN_AFTER:
        return []
    # It ended when its four hours were over, also if this computer was off meanwhile.
    at = max(visit.opened_at, now - (command.idle - FORGOTTEN_AFTER))
    return [_said("session.closed", {"reason": "forgotten"}, "system", at)]


def _said(kind: str, data: Mapping[str, Any], actor: str, at: datetime) -> Said:
    return Said(kind, checked(kind, data), actor, at)


def checked(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Give `data` as the journal keeps it, if it is what an event of this type holds; else raise `Refused`.

    The refusal names the field and never repeats its value, which may be a client's words.
    """
    try:
        # By way of JSON, strictly: the text "7" is no number, as it is none in a published schema.
        return EVENT_TYPES[kind].model_validate_json(json.dumps(data), strict=True).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=True)[0]
        where = ".".join(str(part) for part in first["loc"]) or "data"
        context = cast("Mapping[str, object]", first.get("ctx") or {})
        low, high = context.get("ge"), context.get("le")
        fault = Fault(
            "range" if low is not None or high is not None else "field",
            f"{where} of {kind}: {first['msg']}",
            field=where,
            low=float(low) if isinstance(low, int | float) else None,
            high=float(high) if isinstance(high, int | float) else None,
        )
        raise Refused(fault) from None
