"""What a session's events come to: pure. The same fold serves the writer, the rebuilding and the proof."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..errors import Fault, Refused, StoreError
from .checking import checked_data
from .entry import Draft, Entry
from .types import ENTRY_TYPES

# Said at the head of the table: a file made by an older fold is made again from its events.
TALLY_VERSION = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OPENING = ("session.opened", "session.restated")


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session as lists show it.

    `sets` and `passes` count what was recorded; `first_sud`, `last_sud`, `last_voc` go by when they were
    said, and `phase` is the newest: all without what was taken back, and with what was put right. `closed_at`
    None: it is open. An erased one has no code, kind, room or opener any more (""), and no figures.
    """

    id: str
    code: str
    kind: str
    room: str
    zone: str
    opened_at: datetime
    closed_at: datetime | None
    closed_reason: str | None
    opened_by: str
    sets: int
    passes: int
    first_sud: int | None
    last_sud: int | None
    last_voc: int | None
    phase: str | None
    erased: bool = False


@dataclass(slots=True)
class _Said:
    """An entry of a person's: its type, when it was said, its place, its data as they hold now."""

    type: str
    at: datetime
    seq: int
    data: Mapping[str, Any]
    is_undone: bool = False
    is_void: bool = False


def opened_us(opened_at: datetime) -> int:
    """Give a moment as microseconds since 1970, exactly."""
    passed = opened_at - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


@dataclass(slots=True)
class Tally:
    """A session, folded from its events in the order of their chain. Feed each to `add`, then ask `row`."""

    id: str
    _opened: SessionRow | None = None
    _code: str = ""
    _closed_at: datetime | None = None
    _closed_reason: str | None = None
    _passes: dict[str, int] = field(default_factory=dict[str, int])
    _said: dict[str, _Said] = field(default_factory=dict[str, _Said])

    @property
    def is_open(self) -> bool:
        """Opened, and not closed yet."""
        return self._opened is not None and self._closed_at is None

    @property
    def is_closed(self) -> bool:
        """Opened once, and closed."""
        return self._closed_at is not None

    def check(self, draft: Draft) -> None:
        """Raise `Refused` if the draft cannot follow here: what it names has to be in this session."""
        if draft.type in _OPENING:
            if self._opened is not None and draft.type == "session.opened":
                raise Refused(Fault("taken", "the session is open already", "session"))
            return
        if self._opened is None:
            raise Refused(Fault("unknown", "there is no such session", "session"))
        if draft.type == "session.closed" and self._closed_at is not None:
            raise Refused(Fault("taken", "the session is closed already", "session"))
        if draft.type in ("entry.undone", "entry.corrected"):
            said = self._said.get(str(draft.data["entry"]))
            if said is None:
                raise Refused(
                    Fault("unknown", "this session has no such entry that could be put right", "entry")
                )
            if draft.type == "entry.corrected" and not draft.data.get("void"):
                new: Any = draft.data["data"]
                checked_data(said.type, new)

    def add(self, entry: Entry) -> None:
        """Take the next event. An erased one adds nothing. StoreError if its data are not its type's."""
        if entry.type is None or entry.data is None or entry.at is None:
            return
        try:
            data: Mapping[str, Any] = checked_data(entry.type, entry.data)
            said = self._said.get(data["entry"]) if entry.type == "entry.corrected" else None
            if said is not None and not data["void"]:
                checked_data(said.type, data["data"])
        except Refused as refusal:
            # It came from a file, and somebody's hand was in that.
            raise StoreError(
                f"the journal is damaged at {entry.chain}, event {entry.seq}: {refusal}"
            ) from None
        match entry.type:
            case "session.opened" | "session.restated":
                self._open(entry, data)
            case "session.moved":
                self._code = data["code"]
            case "session.closed":
                self._closed_at, self._closed_reason = entry.at, data["reason"]
            case "set.recorded":
                # By the set's own id: a record that is told twice, around a crash, is one set.
                self._passes[data["set_uid"]] = data["passes_done"]
            case "entry.undone":
                if (said := self._said.get(data["entry"])) is not None:
                    said.is_undone = True
            case "entry.corrected":
                if said is not None:
                    said.is_void = data["void"]
                    said.data = said.data if said.is_void else data["data"]
            case kind if kind in ENTRY_TYPES:
                self._said[entry.id] = _Said(kind, entry.at, entry.seq, data)
            case _:
                pass

    def _open(self, entry: Entry, data: Mapping[str, Any]) -> None:
        assert entry.at is not None
        restated = entry.type == "session.restated"
        self._code = data["code"]
        self._opened = SessionRow(
            id=self.id,
            code=self._code,
            kind=data["kind"],
            room=entry.room or "",
            zone=data["zone"],
            opened_at=datetime.fromisoformat(data["opened_at"]) if restated else entry.at,
            closed_at=None,
            closed_reason=None,
            opened_by=(data["opened_by"] if restated else entry.actor) or "",
            sets=0,
            passes=0,
            first_sud=None,
            last_sud=None,
            last_voc=None,
            phase=None,
        )

    def _holding(self, kind: str) -> list[_Said]:
        found = [
            one for one in self._said.values() if one.type == kind and not (one.is_undone or one.is_void)
        ]
        return sorted(found, key=lambda one: (one.at, one.seq))

    def row(self) -> SessionRow | None:
        """Give what it comes to; None if its opening is erased, or has not come."""
        opened = self._opened
        if opened is None:
            return None
        suds = self._holding("rating.sud")
        vocs = self._holding("rating.voc")
        phases = self._holding("phase.begun")
        return SessionRow(
            id=self.id,
            code=self._code,
            kind=opened.kind,
            room=opened.room,
            zone=opened.zone,
            opened_at=opened.opened_at,
            closed_at=self._closed_at,
            closed_reason=self._closed_reason,
            opened_by=opened.opened_by,
            sets=len(self._passes),
            passes=sum(self._passes.values()),
            first_sud=suds[0].data["value"] if suds else None,
            last_sud=suds[-1].data["value"] if suds else None,
            last_voc=vocs[-1].data["value"] if vocs else None,
            phase=phases[-1].data["phase"] if phases else None,
        )
