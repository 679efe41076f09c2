"""Is it an event? What is handed in is checked against the published schemas before it is taken."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from ..errors import Fault, Refused
from ..names import NAME_MAX, name_fault
from .canonical import WHOLE_MAX, canonical
from .entry import Draft, Entry
from .moments import moment_fault
from .types import EVENT_TYPES

ID_PATTERN = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def checked_data(type: str, data: Mapping[str, object], field: str = "data") -> dict[str, Any]:  # noqa: A002
    """Give `data` as the schema of `type` has it, with defaults; `Refused` naming the field if it is not.

    No value is turned into another: the text "7" is no number, nor is a truth.
    """
    model = EVENT_TYPES.get(type)
    if model is None:
        raise Refused(Fault("field", f"there is no type of event called {type[:40]!r}", "type"))
    try:
        return model.model_validate_json(canonical(data), strict=True).model_dump(mode="json")
    except ValidationError as error:
        # What and where, never the value: it may speak of a client.
        found = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join((field, *map(str, found["loc"])))
        raise Refused(Fault("field", f"{where} of {type}: {found['msg']}", where)) from None


def checked_draft(draft: Draft) -> Draft:
    """Give the draft with its data as the schema has them; `Refused` naming what is wrong with it."""
    if not ID_PATTERN.match(draft.id):
        raise _wrong("id", "an event's id is a UUID in lower case")
    if draft.session is not None and not ID_PATTERN.match(draft.session):
        raise _wrong("session", "a session's id is a UUID in lower case")
    if draft.session is not None and draft.room is None:
        raise _wrong("room", "an event of a session is in a room")
    if draft.room is not None and (fault := name_fault("room", draft.room)) is not None:
        raise Refused(fault)
    _check_actor(draft.actor)
    if not 0 <= draft.monotonic_us <= WHOLE_MAX:
        raise _wrong("monotonic_us", f"monotonic_us has to be in 0..{WHOLE_MAX}")
    for name, moment in (("at", draft.at), ("entered", draft.entered)):
        _check_moment(name, moment)
    return replace(draft, data=checked_data(draft.type, draft.data))


_HASH = re.compile(r"^[0-9a-f]{64}$")
_SALT = re.compile(r"^[0-9a-f]{32}$")


def checked_parts(entry: Entry) -> None:
    """Raise `Refused` if what came from elsewhere cannot be an entry, its data and its hashes apart."""
    shapes = (entry.payload_sha256, entry.prev, entry.hash)
    content = (entry.salt, entry.type, entry.data, entry.actor, entry.at, entry.monotonic_us, entry.boot_id)
    held = [one is not None for one in content]
    if (
        not ID_PATTERN.match(entry.id)
        or not 1 <= entry.seq < 2**31
        or not all(_HASH.match(shape) for shape in shapes)
        or any(held) != all(held)
        or (entry.salt is not None and not _SALT.match(entry.salt))
    ):
        raise _wrong("entries", f"event {entry.seq} of {entry.chain[:64]} is not whole")
    _check_moment("entered", entry.entered)
    if entry.at is not None:
        _check_moment("at", entry.at)
    if entry.actor is not None:
        _check_actor(entry.actor)
    if entry.room is not None and (fault := name_fault("room", entry.room)) is not None:
        raise Refused(fault)


def _check_actor(actor: str) -> None:
    if not 1 <= len(actor) <= NAME_MAX or not actor.isprintable():
        raise _wrong("actor", f"actor has to have 1..{NAME_MAX} printable characters")


def _check_moment(name: str, moment: datetime) -> None:
    if (fault := moment_fault(moment)) is not None:
        raise _wrong(name, f"{name} {fault}")


def _wrong(field: str, message: str) -> Refused:
    return Refused(Fault("field", message, field))
