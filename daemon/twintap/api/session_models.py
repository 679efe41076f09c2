"""What is sent of sessions, and what is shown of them. Everything sent is strict: a number is no text."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from ..core.tally import PacingDict
from ..journal.types import ENTRY_TYPES, Kind
from ..names import NAME_MAX
from ..strict import Strict

LIST_MAX = 200

EventId = Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
_TypedCode = Annotated[str, Field(min_length=1, max_length=100, description="a code, never a name")]

EntryType = Literal[
    "phase.begun",
    "rating.sud",
    "rating.voc",
    "note.added",
    "part.met",
    "mark.set",
    "target.set",
    "plan.written",
    "level.client",
]
assert set(EntryType.__args__) == ENTRY_TYPES


def _moment(value: object) -> object:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("it has to be a time as RFC 3339 has it, with its zone")
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("it has to be a time as RFC 3339 has it, with its zone") from None
    if at.utcoffset() is None:
        raise ValueError("it has to say its zone, as +02:00 or Z")
    return at


_Moment = Annotated[
    datetime | None,
    BeforeValidator(_moment),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}],
            "description": "when it happened, if not now",
        }
    ),
]


class CodeBody(Strict):
    """A client's code, as it was typed."""

    code: _TypedCode


class LookupBody(Strict):
    """A client's code, as it was typed. `kind`: of the visit that is about to be opened, if it is known."""

    code: _TypedCode
    kind: Kind | None = None


class OfferView(BaseModel):
    """Where the client's earlier visits ended, to be taken over or left.

    `pacings`: how the last set of each phase felt (`any`: outside phases). `lowered`: why they are lower than
    they were, in a medicine visit.
    """

    pacings: dict[str, PacingDict]
    left_pct: float | None
    right_pct: float | None
    targets: list[str]
    last_sud: int | None
    last_voc: int | None
    parts: list[str]
    plan: str | None
    lowered: str | None


class LookupView(BaseModel):
    """What is known of a code. `code`: normalised. `looks_like_name`: what was typed looks like a name."""

    code: str
    known: bool
    last_visit_at: str | None
    visits: int
    looks_like_name: bool
    open_in: str | None
    offer: OfferView | None


class ClientView(BaseModel):
    """A client's code, and when it was here."""

    code: str
    visits: int
    first_at: str
    last_at: str


class OpenBody(Strict):
    """A session to be opened. `zone`: the IANA name of the time zone that it is in."""

    code: _TypedCode
    kind: Kind
    zone: Annotated[str, Field(min_length=1, max_length=64)]


class CloseBody(Strict):
    """The end of a session. `plan`: what is planned for the next visit."""

    plan: Annotated[str, Field(min_length=1, max_length=4000)] | None = None


class EntryBody(Strict):
    """What a person says of the visit. `data`: as the schema of its type has it; see `/schemas`."""

    type: EntryType
    data: dict[str, Any]
    at: _Moment = None


class UndoBody(Strict):
    """What is to be taken back; `entry` left out: one's own last entry."""

    entry: EventId | None = None


class LeadBody(Strict):
    """Who is to have the lead; left out: whoever asks."""

    label: Annotated[str, Field(min_length=1, max_length=NAME_MAX)] | None = None


class EntryKept(BaseModel):
    """An entry that is on the disk. `undo_until`: it can be taken back so long."""

    id: str
    type: str
    at: str
    entered: str
    undo_until: str
    data: dict[str, Any]


class SessionSummary(BaseModel):
    """A session in a list. Times are RFC 3339 in its own zone; an erased one says nothing else."""

    id: str
    code: str
    kind: str
    room: str
    zone: str
    opened_at: str
    closed_at: str | None
    closed_reason: str | None
    opened_by: str
    sets: int
    passes: int
    first_sud: int | None
    last_sud: int | None
    last_voc: int | None
    phase: str | None
    erased: bool


class EntryView(BaseModel):
    """An event of a session, as it lies in the journal, in the order of its chain.

    `undone`: it was taken back at once; `withdrawn`: later, by a correction. `corrected`: what holds in place
    of its data, if it was put right.
    """

    id: str
    seq: int
    type: str
    at: str
    entered: str
    actor: str
    data: dict[str, Any]
    undone: bool = False
    withdrawn: bool = False
    corrected: dict[str, Any] | None = None


class SetRow(BaseModel):
    """A set as it was recorded. `data`: as in `set.recorded`; `started_at`, `ended_at`: times of day."""

    set_uid: str
    started_at: str | None
    ended_at: str | None
    phase: str | None
    started_by: str
    data: dict[str, Any]


class SessionWhole(BaseModel):
    """A session with all that happened in it. `head`: the hash of its chain's last event."""

    session: SessionSummary
    entries: list[EntryView]
    sets: list[SetRow]
    head: str


class SearchBody(Strict):
    """Sessions of a client. `before`: the last one of the page before."""

    code: _TypedCode
    before: EventId | None = None
    limit: Annotated[int, Field(ge=1, le=LIST_MAX)] = 50


class PlanBody(Strict):
    """What is planned for the next visit."""

    text: Annotated[str, Field(min_length=1, max_length=4000)]


class CorrectionBody(Strict):
    """An entry put right: `data` holds in place of what it had, and is of the same type.

    `void`: the entry is withdrawn, and nothing holds in its place; then `data` is left out.
    """

    entry: EventId
    data: dict[str, Any] | None = None
    void: bool = False
