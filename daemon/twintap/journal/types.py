"""Every type of event that the journal keeps, and what each one's `data` holds.

These models are the published schemas: what is appended is checked against them, and so is what is imported.
Times carry their unit in their name; levels are in percent of a motor's full level, 0..100; left is the
client's left; a pass is a round trip.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ..views import Side
from . import moments

Kind = Literal["consultation", "preparation", "emdr", "medicine", "integration"]

# The eight phases of EMDR in their order; the course of a medicine visit; the frame of any visit.
PhaseName = Literal[
    "arrival",
    "history",
    "preparation",
    "assessment",
    "desensitisation",
    "installation",
    "body_scan",
    "closure",
    "reevaluation",
    "resourcing",
    "dosing",
    "onset",
    "peak",
    "return",
    "breathing",
    "landing",
]

MarkName = Literal[
    "consent",
    "stop_signal_agreed",
    "stop_signal_given",
    "medicine_given",
    "first_effect",
    "vitals",
    "eyes_open",
    "eyes_closed",
    "containment",
    "other",
]

Label = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=24)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200)]
EventId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Pct = Annotated[float, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=0)]


class Data(BaseModel):
    """What all data have in common: nothing beyond its fields, no number that JSON lacks."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Nothing(Data):
    """No data: the type says it all."""


class PacingData(Data):
    """How a set feels. `passes` None: open, until stopped or the longest set ends it."""

    rate_hz: Annotated[float, Field(ge=0.1, le=4)]
    pulse_ms: Annotated[int, Field(ge=20, le=5000)]
    left_pct: Pct
    right_pct: Pct
    ramp_ms: Annotated[int, Field(ge=0, le=10_000)]
    passes: Annotated[int, Field(ge=1, le=2_500)] | None


# --- sets -----------------------------------------------------------------------------------------------


class OfSet(Data):
    """What every event of a set carries: the set's own id, which no other set ever has."""

    set_uid: EventId


class SetAsked(OfSet):
    """A set was asked for; `started` follows once both pulsers hold it."""

    pacing: PacingData


class SetStarted(OfSet):
    """Both pulsers hold the schedule; pass 0 begins at `go_us` of the monotonic clock."""

    go_us: float


class SetChanged(OfSet):
    """A person's change. `at_once`: it needs no boundary; else it holds from pass `from_pass` on."""

    pacing: PacingData
    at_once: bool
    from_pass: Count | None = None


class SetChangePlanned(OfSet):
    """A change that waited has its boundary, or a later one than it had."""

    pacing: PacingData
    from_pass: Count | None = None


class SetChangeWaits(OfSet):
    """A change that waits behind one that is about to be taken."""

    pacing: PacingData


class SetChangeTaken(OfSet):
    """The pass from which a change holds has begun."""


class SetPasses(OfSet):
    """The set ends after `passes` round trips: asked for softly, or because the longest set is near."""

    passes: Count
    reason: Literal["soft", "longest"]


class SetLeftAlone(OfSet):
    """The last commanding controller went (`alone`), or one is there again."""

    alone: bool


class SetEnded(OfSet):
    """A set is over. `by`: a token's label, `button` or `system`; `side`: where it began, if on one."""

    reason: str
    by: str
    side: Side | None


class SideData(Data):
    """What one side did in a set, as its pulser reported it. `latest_us`: its latest edge."""

    delivered: Count
    skipped: Count
    late: Count
    latest_us: Count


class SetRecorded(OfSet):
    """The whole set, once both pulsers have said that they are off, or their leases are over.

    `asked`: the pacing at its start; `pacing`: as it was at its end; `changes`: how often a person changed
    it. `passes_done`: round trips begun and finished. `left_right_error_us`: the largest seen in the set, of
    how far the two clocks, by their fits, may have put the right pulse from half a pass after the left one
    (what a pulse came late adds to it); None when no fit was known. `silent`: the sides that never confirmed
    the end. `part`: the part of the client's that was with the set. `complete`: False when the daemon was
    lost in the set; its figures are then those that the daemon had last seen, about a second before, or 0.
    """

    asked: PacingData
    pacing: PacingData
    changes: Count
    passes_done: Count
    duration_ms: Count
    left: SideData
    right: SideData
    left_right_error_us: float | None
    reason: str
    by: str
    side: Side | None
    silent: tuple[Side, ...]
    part: Line | None = None
    complete: bool = True


# --- pulsers and rooms ----------------------------------------------------------------------------------


class OfPulser(Data):
    """Which pulser it was, and the side that it had then (None: none any more)."""

    side: Side | None
    pulser: Annotated[str, StringConstraints(max_length=32)]


class PulserRenamed(OfPulser):
    """What a pulser is called from now on."""

    name: Label


class PulserMoved(OfPulser):
    """A pulser has another place, `room` and `side`. A twin on that side changed places with it."""

    room: Label
    room_before: Label
    side_before: Side


class PulserTrimmed(OfPulser):
    """A motor's trim: so much of every level is what it is given, before its ceiling."""

    trim_pct: Pct


class PulserNetworks(OfPulser):
    """A pulser keeps another network, or one less: how many there are, and never which."""

    networks: Count


class RoomColour(Data):
    """A room was made, or its colour changed: `#rrggbb`."""

    colour: Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")]


# --- sessions -------------------------------------------------------------------------------------------


class SessionOpened(Data):
    """A visit begins. `zone`: the IANA name of its time zone; `hands`: the sides whose button confirmed it.

    `code`: the client's, normalised; never a name. `reach`: the rooms whose earlier visits whoever opened it
    may see, for those alone are brought to it; left out: all rooms.
    """

    code: Code
    kind: Kind
    zone: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    hands: tuple[Side, ...]
    reach: Annotated[tuple[Label, ...], Field(max_length=100)] | None = None


class SessionClosed(Data):
    """A visit ends. `forgotten`: the daemon closed it, after hours without a set or an entry."""

    reason: Literal["asked", "forgotten"]


class SessionMoved(Data):
    """The visit was under the wrong code: from here on, and from its beginning, it is this one's."""

    code: Code


class SessionRestated(Data):
    """The visit's opening once more, without the code that it was first under: that client was erased."""

    code: Code
    kind: Kind
    zone: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    opened_at: Annotated[
        str, StringConstraints(pattern=r"^[0-9T:.+-]{20,40}$"), AfterValidator(moments.checked_text)
    ]
    opened_by: Label


class LeadTaken(Data):
    """Who has the lead from now on: a token's label."""

    label: Label


class PhaseBegun(Data):
    """A phase of the visit begins, and the one before it ends."""

    phase: PhaseName


class Sud(Data):
    """Subjective units of disturbance, 0..10."""

    value: Annotated[int, Field(ge=0, le=10)]


class Voc(Data):
    """Validity of cognition, 1..7."""

    value: Annotated[int, Field(ge=1, le=7)]


class Note(Data):
    """A note in the therapist's words."""

    text: Text


class Part(Data):
    """A part of the client's, by its own short label, was met; it is with what follows until `gone`."""

    label: Line
    gone: bool = False


class Mark(Data):
    """Something that happened, in one touch. `route`, `amount`: of a medicine, as text, never read by us."""

    mark: MarkName
    text: Line | None = None
    route: Line | None = None
    amount: Line | None = None
    systolic_mmhg: Annotated[int, Field(ge=30, le=300)] | None = None
    diastolic_mmhg: Annotated[int, Field(ge=10, le=200)] | None = None
    pulse_bpm: Annotated[int, Field(ge=20, le=300)] | None = None
    spo2_pct: Annotated[int, Field(ge=30, le=100)] | None = None


class Target(Data):
    """What is worked on. `done`: it is closed; else it is open, for the next visit too."""

    text: Line
    done: bool = False


class Plan(Data):
    """What is planned for the next visit; the latest one holds."""

    text: Text


class ClientLevel(Data):
    """What suits the client's hands: it stays with the hand when pulsers are swapped."""

    left_pct: Pct
    right_pct: Pct


class Undone(Data):
    """An entry taken back within ten seconds."""

    entry: EventId


class Corrected(Data):
    """An entry put right: `data` holds in place of the old one's, and is of the same type.

    `void`: the entry is withdrawn, and nothing holds in its place; then `data` is empty. The latest holds.
    """

    entry: EventId
    data: Annotated[dict[str, Any], Field(default_factory=dict[str, Any])]
    void: bool = False

    @model_validator(mode="after")
    def _either(self) -> "Corrected":
        if self.void and self.data:
            raise ValueError("what is withdrawn (void) has no data in its place")
        return self


# --- the daemon -----------------------------------------------------------------------------------------


class DaemonStarted(Data):
    """The daemon began; `run`: this run's own id."""

    version: str
    run: EventId


class TokenGiven(Data):
    """A token was given out: never its text."""

    id: Annotated[str, StringConstraints(max_length=12)]
    label: Label
    role: str
    rooms: tuple[str, ...] | None


class TokenRevoked(Data):
    """A token was revoked."""

    id: Annotated[str, StringConstraints(max_length=12)]


class Gap(Data):
    """The disk could not be written for so long that `lost` events, none of them acknowledged, are gone."""

    lost: Count


class Erased(Data):
    """A client's visits were erased for good; `heads`: each chain's last hash as it stood."""

    sessions: Count
    events: Count
    heads: dict[str, str]


class Sealed(Data):
    """Where the chain of a closed session ends: what is cut off it later, shows."""

    chain: Annotated[str, StringConstraints(max_length=64)]
    seq: Annotated[int, Field(ge=1)]
    head: Sha256


class Imported(Data):
    """Sessions came in from an export; `heads`: each chain's last hash."""

    sessions: Count
    events: Count
    heads: dict[str, str]


class BackedUp(Data):
    """A backup was written; `head`: the daemon's chain's last hash before it."""

    name: Line
    bytes: Count


EVENT_TYPES: Mapping[str, type[Data]] = {
    "set.asked": SetAsked,
    "set.started": SetStarted,
    "set.changed": SetChanged,
    "set.change_waits": SetChangeWaits,
    "set.change_planned": SetChangePlanned,
    "set.change_taken": SetChangeTaken,
    "set.passes": SetPasses,
    "set.left_alone": SetLeftAlone,
    "set.ended": SetEnded,
    "set.recorded": SetRecorded,
    "pulser.linked": OfPulser,
    "pulser.lost": OfPulser,
    "pulser.paired": OfPulser,
    "pulser.removed": OfPulser,
    "pulser.pressed": OfPulser,
    "pulser.identify": OfPulser,
    "pulser.asleep": OfPulser,
    "pulser.woke": OfPulser,
    "pulser.sent_to_sleep": OfPulser,
    "pulser.renamed": PulserRenamed,
    "pulser.moved": PulserMoved,
    "pulser.trimmed": PulserTrimmed,
    "pulser.networks": PulserNetworks,
    "room.swapped": Nothing,
    "room.made": RoomColour,
    "room.colour": RoomColour,
    "clock.jumped": Nothing,
    "session.opened": SessionOpened,
    "session.closed": SessionClosed,
    "session.moved": SessionMoved,
    "session.restated": SessionRestated,
    "lead.taken": LeadTaken,
    "phase.begun": PhaseBegun,
    "rating.sud": Sud,
    "rating.voc": Voc,
    "note.added": Note,
    "part.met": Part,
    "mark.set": Mark,
    "target.set": Target,
    "plan.written": Plan,
    "level.client": ClientLevel,
    "entry.undone": Undone,
    "entry.corrected": Corrected,
    "daemon.started": DaemonStarted,
    "daemon.stopped": Nothing,
    "token.given": TokenGiven,
    "token.revoked": TokenRevoked,
    "journal.gap": Gap,
    "journal.sealed": Sealed,
    "journal.erased": Erased,
    "journal.imported": Imported,
    "journal.backup": BackedUp,
}

# What a person says in a session, and may take back or put right.
ENTRY_TYPES: frozenset[str] = frozenset(
    {
        "phase.begun",
        "rating.sud",
        "rating.voc",
        "note.added",
        "part.met",
        "mark.set",
        "target.set",
        "plan.written",
        "level.client",
    }
)
