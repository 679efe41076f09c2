"""From what a room tells to what the journal keeps: the same words, and of the data what its models name."""

from collections.abc import Mapping
from typing import Any

from ..journal.entry import Draft
from ..journal.types import ENTRY_TYPES, EVENT_TYPES
from ..rooms.telling import Told

# The desk keeps these itself, and they are told once they are on the disk.
OF_SESSIONS: frozenset[str] = ENTRY_TYPES | {
    "session.opened",
    "session.closed",
    "session.moved",
    "lead.taken",
    "entry.undone",
    "entry.corrected",
}
RECORDED: frozenset[str] = frozenset(EVENT_TYPES) - OF_SESSIONS


def data_of(told: Told) -> dict[str, Any]:
    """Give the data of what was told as its type's model has them; the room's own numbering stays behind."""
    given: dict[str, Any] = dict(told.data)
    if told.type == "set.left_alone":
        given["alone"] = given.get("since_us") is not None
    elif told.type == "set.ended":
        given["by"] = told.actor
    return {name: given[name] for name in EVENT_TYPES[told.type].model_fields if name in given}


def draft_of(told: Told, data: Mapping[str, Any], session: str | None) -> Draft:
    """Give the event to be kept, in the session's chain or, without one, in the room's."""
    return Draft(
        type=told.type,
        data=data,
        room=told.room,
        session=session,
        actor=told.actor,
        at=told.at,
        entered=told.at,
        monotonic_us=told.monotonic_us,
    )
