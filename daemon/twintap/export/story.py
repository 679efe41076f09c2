"""What the entries of a session tell, once all that was put right later is put right.

The journal keeps every touch; a reader wants what holds. An entry that was corrected has its corrected data
here, and what it was before; one that was undone is set apart; a session that was moved has its new code.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TypeVar, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import ValidationError

from ..errors import Fault, Refused
from ..journal import types as events
from ..journal.entry import Entry
from ..views import Side

_Kind = TypeVar("_Kind", bound=events.Data)
_DataT = TypeVar("_DataT", bound=events.Data, covariant=True)

# Pass 0 never lies further ahead of the event that says so: an edited number moves no set.
_LEAD_MAX_S = 5.0

# What happened to the pulsers and the clock, which a reader of the session may ask about.
INCIDENT_TYPES: frozenset[str] = frozenset(
    {
        "pulser.pressed",
        "pulser.lost",
        "pulser.asleep",
        "pulser.moved",
        "pulser.linked",
        "room.swapped",
        "clock.jumped",
        "journal.gap",
    }
)


@dataclass(frozen=True, slots=True)
class Told:
    """One entry of a person's, as it holds now.

    `was`: what it said before, the oldest first, with who put it right and when; empty: never corrected.
    `gone`: what took it back: an undoing at once, or a withdrawal later; None: it stands.
    """

    entry: Entry
    data: events.Data
    was: tuple[tuple[events.Data, Entry], ...]
    gone: Entry | None

    @property
    def is_undone(self) -> bool:
        """Whether it was taken back at once; else, if it is gone, it was withdrawn later."""
        return self.gone is not None and self.gone.type == "entry.undone"

    @property
    def at(self) -> datetime:
        """When it happened."""
        return _known(self.entry.at)

    @property
    def actor(self) -> str:
        """Who said it."""
        return self.entry.actor or ""


@dataclass(frozen=True, slots=True)
class Step:
    """From `at` on a set had this pacing."""

    at: datetime
    pacing: events.PacingData


@dataclass(slots=True)
class SetStory:
    """One set. `steps`: its pacing as it was, from the start; empty if it never began.

    `record` is None where the journal has none: the set was asked for and refused, or its end is missing.
    `onset_s`: seconds from the session's opening to pass 0; to the asking, if it never began. `waiting`: a
    change that has not reached its boundary.
    """

    number: int
    uid: str
    asked: events.PacingData
    asked_at: datetime
    by: str
    onset_s: float
    phase: events.PhaseName | None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    ended: events.SetEnded | None = None
    record: events.SetRecorded | None = None
    changes: int = 0
    steps: list[Step] = field(default_factory=list[Step])
    waiting: events.PacingData | None = None

    @property
    def duration_s(self) -> float | None:
        """How long it ran, in seconds: as recorded, else from its beginning to its end; None: unknown."""
        if self.record is not None:
            return self.record.duration_ms / 1000
        if self.started_at is None or self.ended_at is None:
            return None
        return max((self.ended_at - self.started_at).total_seconds(), 0.0)

    @property
    def pacing(self) -> events.PacingData:
        """The pacing at its end, as far as is known."""
        if self.record is not None:
            return self.record.pacing
        return self.steps[-1].pacing if self.steps else self.asked


@dataclass(frozen=True, slots=True)
class Opening:
    """How the visit began. `hands`: the sides that were confirmed by a press.

    `entry` is None in a visit that was first under the code of a client who is erased: the opening is gone,
    and only what was said of it again is known.
    """

    at: datetime
    by: str
    room: str | None
    kind: events.Kind
    zone: str
    hands: tuple[Side, ...]
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of the visit, until the next one or the visit's end (None: the visit is open)."""

    name: events.PhaseName
    began_at: datetime
    ended_at: datetime | None
    told: Told


@dataclass(slots=True)
class Story:
    """A session, told. Times are aware; show them in `zone`. Lists are in the order in which things happened.

    `codes`: every code that it had and that is still known, the one that holds last. `told`: what persons
    said and nobody took back; `taken_back`: what they did take back, at once or later. `head`: the hash of
    the chain's last entry; `length`: its entries.
    `erased`: all that is left are links of the chain.
    """

    session: str
    head: str
    length: int
    erased: bool
    opening: Opening | None = None
    codes: tuple[str, ...] = ()
    moves: list[Entry] = field(default_factory=list[Entry])
    closed: events.SessionClosed | None = None
    closing: Entry | None = None
    leads: list[tuple[datetime, str]] = field(default_factory=list[tuple[datetime, str]])
    phases: list[Phase] = field(default_factory=list[Phase])
    sets: list[SetStory] = field(default_factory=list[SetStory])
    told: list[Told] = field(default_factory=list[Told])
    taken_back: list[Told] = field(default_factory=list[Told])
    incidents: list[Entry] = field(default_factory=list[Entry])
    last_at: datetime | None = None

    @property
    def code(self) -> str:
        """The client's code, as it holds now; "" in an erased session."""
        return self.codes[-1] if self.codes else ""

    @property
    def opened_at(self) -> datetime:
        """When the visit began. Raises `Refused` "erased" if nobody can know any more."""
        if self.opening is None:
            raise Refused(
                Fault("erased", f"session {self.session} was erased: only its chain's hashes are left")
            )
        return self.opening.at

    @property
    def ended_at(self) -> datetime | None:
        """When the visit ended; None while it is open."""
        return None if self.closing is None else _known(self.closing.at)

    @property
    def zone(self) -> ZoneInfo | timezone:
        """The session's time zone; UTC if this computer knows no such zone."""
        return zone_named("" if self.opening is None else self.opening.zone)

    def of(self, kind: type[_Kind]) -> Iterator[tuple[Told, _Kind]]:
        """Give what was said of one kind, as it holds, with its data."""
        for told in self.told:
            if isinstance(told.data, kind):
                yield told, told.data

    def phase_at(self, at: datetime) -> events.PhaseName | None:
        """Give the phase in which `at` lies; None: before the first."""
        found = None
        for phase in self.phases:
            if phase.began_at <= at:
                found = phase.name
        return found

    def seconds(self, entry: Entry) -> float:
        """Seconds from the session's opening to `entry`, by the clock that does not jump where it can be.

        What was said of an earlier moment has only its time of day; so has what came after a restart of the
        computer.
        """
        at = _known(entry.at)
        opening = None if self.opening is None else self.opening.entry
        if (
            opening is not None
            and entry.boot_id == opening.boot_id
            and entry.monotonic_us is not None
            and opening.monotonic_us is not None
            and abs(entry.entered - at) < timedelta(seconds=1)
        ):
            return (entry.monotonic_us - opening.monotonic_us) / 1e6
        return (at - self.opened_at).total_seconds()


def zone_named(name: str) -> ZoneInfo | timezone:
    """Give a time zone by its IANA name; UTC if this computer knows no such zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def typed(entry: Entry, kind: type[_DataT]) -> _DataT:
    """Give an entry's data as its model. Raises `Refused` if it does not fit: then the journal was edited."""
    try:
        return kind.model_validate(entry.data)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise Refused(
            Fault(
                "damaged",
                f"entry {entry.seq} of {entry.chain} ({entry.type}) does not hold what it has to: {where}; "
                "`twintap journal verify` says more",
            )
        ) from None


def tell(session: str, entries: Sequence[Entry]) -> Story:
    """Tell a session from the entries of its chain, in the chain's order.

    Raises `Refused`: "unknown" if there are none, "damaged" if an entry's data do not fit its type.
    """
    if not entries:
        raise Refused(Fault("unknown", f"there is no session {session}", field="session"))
    story = Story(
        session=session,
        head=entries[-1].hash,
        length=len(entries),
        erased=all(entry.type is None for entry in entries),
    )
    known = [entry for entry in entries if entry.type is not None]
    undone = {typed(entry, events.Undone).entry: entry for entry in known if entry.type == "entry.undone"}
    corrections: dict[str, list[tuple[Entry, events.Corrected]]] = {}
    for entry in known:
        if entry.type == "entry.corrected":
            correction = typed(entry, events.Corrected)
            corrections.setdefault(correction.entry, []).append((entry, correction))
    for entry in known:
        if entry.type == "session.restated":
            # Said by the daemon whenever the other client was erased: nothing of the visit itself.
            _take(story, entry)
            continue
        story.last_at = entry.at if story.last_at is None else max(story.last_at, _known(entry.at))
        if entry.type in events.ENTRY_TYPES:
            told = _told(entry, corrections.get(entry.id, ()), undone.get(entry.id))
            (story.told if told.gone is None else story.taken_back).append(told)
        elif entry.type in INCIDENT_TYPES:
            story.incidents.append(entry)
        else:
            _take(story, entry)
    story.told.sort(key=lambda told: (told.at, told.entry.seq))
    _tell_phases(story)
    _tell_sets(story, known)
    return story


def _told(entry: Entry, corrections: Sequence[tuple[Entry, events.Corrected]], undone: Entry | None) -> Told:
    kind = events.EVENT_TYPES[cast("str", entry.type)]
    data = typed(entry, kind)
    was: list[tuple[events.Data, Entry]] = []
    withdrawn: Entry | None = None
    for correction, corrected in corrections:
        withdrawn = correction if corrected.void else None
        if corrected.void:
            continue
        was.append((data, correction))
        try:
            data = kind.model_validate(corrected.data)
        except ValidationError:
            raise Refused(
                Fault("damaged", f"entry {correction.seq} of {correction.chain} corrects to what cannot be")
            ) from None
    return Told(entry, data, tuple(was), undone or withdrawn)


def _take(story: Story, entry: Entry) -> None:
    match entry.type:
        case "session.opened":
            opened = typed(entry, events.SessionOpened)
            story.codes = (*story.codes, opened.code)
            story.opening = Opening(
                _known(entry.at), entry.actor or "", entry.room, opened.kind, opened.zone, opened.hands, entry
            )
        case "session.restated":
            again = typed(entry, events.SessionRestated)
            story.codes = (*story.codes, again.code)
            at = datetime.fromisoformat(again.opened_at)
            story.opening = Opening(at, again.opened_by, entry.room, again.kind, again.zone, (), None)
        case "session.moved":
            story.codes = (*story.codes, typed(entry, events.SessionMoved).code)
            story.moves.append(entry)
        case "session.closed":
            story.closed, story.closing = typed(entry, events.SessionClosed), entry
        case "lead.taken":
            story.leads.append((_known(entry.at), typed(entry, events.LeadTaken).label))
        case _:
            pass


def _tell_phases(story: Story) -> None:
    begun = list(story.of(events.PhaseBegun))
    for index, (told, data) in enumerate(begun):
        ended_at = begun[index + 1][0].at if index + 1 < len(begun) else story.ended_at
        story.phases.append(Phase(data.phase, told.at, ended_at, told))


def _tell_sets(story: Story, entries: Sequence[Entry]) -> None:
    sets: dict[str, SetStory] = {}
    for entry in entries:
        kind = events.EVENT_TYPES.get(entry.type or "")
        if kind is None or not issubclass(kind, events.OfSet):
            continue
        data = typed(entry, kind)
        at = _known(entry.at)
        if isinstance(data, events.SetAsked):
            sets[data.set_uid] = SetStory(
                number=len(sets) + 1,
                uid=data.set_uid,
                asked=data.pacing,
                asked_at=at,
                by=entry.actor or "",
                onset_s=story.seconds(entry),
                phase=story.phase_at(at),
            )
        elif (one := sets.get(data.set_uid)) is not None:
            _take_of_set(one, data, entry, story)
    story.sets = list(sets.values())


def _take_of_set(one: SetStory, data: events.OfSet, entry: Entry, story: Story) -> None:
    at = _known(entry.at)
    match data:
        case events.SetStarted():
            # Said when both pulsers held the schedule; pass 0 begins at `go_us`, a moment later.
            ahead_s = 0.0 if entry.monotonic_us is None else (data.go_us - entry.monotonic_us) / 1e6
            ahead_s = min(max(ahead_s, 0.0), _LEAD_MAX_S)
            one.started_at = at + timedelta(seconds=ahead_s)
            one.onset_s = story.seconds(entry) + ahead_s
            one.steps.append(Step(one.started_at, one.asked))
        case events.SetChanged() | events.SetChangeWaits():
            one.changes += 1
            if isinstance(data, events.SetChanged) and data.at_once:
                one.steps.append(Step(at, data.pacing))
            elif isinstance(data, events.SetChanged):
                one.waiting = data.pacing
        case events.SetChangePlanned():
            one.waiting = data.pacing
        case events.SetChangeTaken():
            if one.waiting is not None:
                one.steps.append(Step(at, one.waiting))
                one.waiting = None
        case events.SetEnded():
            one.ended_at, one.ended = at, data
        case events.SetRecorded():
            one.record = data
        case _:
            pass


def _known(at: datetime | None) -> datetime:
    assert at is not None, "an entry that was not erased has its time"
    return at


def sides(record: events.SetRecorded) -> tuple[tuple[Side, events.SideData], tuple[Side, events.SideData]]:
    """Give what each side did, left first."""
    return ("left", record.left), ("right", record.right)
