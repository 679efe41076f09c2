"""A visit put into the plain values that controllers are shown, and what of it is not for everybody."""

import dataclasses
import functools
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..core.visit import UNDO_WITHIN, Visit
from ..tokens import Token
from ..views import LastEntry, MarkView, RoomEvent, RoomView, SessionView
from .recording import OF_SESSIONS

# What of an entry says nothing that was written about the client.
_PLAIN = frozenset(
    {"id", "session", "at", "entry", "kind", "code", "zone", "hands", "reason", "label", "phase", "value"}
    | {"mark", "left_pct", "right_pct", "void"}
)


def session_view(
    visit: Visit,
    *,
    parts: tuple[str, ...],
    targets: tuple[str, ...],
    idle_since: datetime,
    asks_if_forgotten: bool,
) -> SessionView:
    """Show an open session. `parts`, `targets`: those that the client's earlier visits left."""
    zone = zone_of(visit.zone)

    def text(at: datetime) -> str:
        return at.astimezone(zone).isoformat(timespec="milliseconds")

    summary, last = visit.summary, visit.last_entry
    given_at = summary.marks.get("medicine_given")
    return SessionView(
        id=visit.id,
        code=visit.code,
        kind=visit.kind,
        phase=summary.phase,
        zone=visit.zone,
        opened_at=text(visit.opened_at),
        opened_by=visit.opened_by,
        lead=visit.lead,
        hands=visit.hands,
        sets=visit.sets,
        passes=visit.passes,
        first_sud=summary.first_sud,
        last_sud=summary.last_sud,
        last_voc=summary.last_voc,
        part=summary.part,
        parts=tuple(dict.fromkeys((*summary.parts, *parts))),
        targets=tuple(
            dict.fromkeys(
                (*summary.open_targets, *(target for target in targets if target not in summary.targets))
            )
        ),
        plan=summary.plan,
        marks=tuple(MarkView(mark, text(at)) for mark, at in summary.marks.items()),
        left_pct=summary.left_pct,
        right_pct=summary.right_pct,
        last_entry=(
            LastEntry(last.id, last.type, text(last.at), text(last.entered + UNDO_WITHIN)) if last else None
        ),
        asks_if_forgotten=asks_if_forgotten,
        idle_since=text(idle_since),
        medicine_given_at=text(given_at) if given_at is not None else None,
    )


@functools.lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo | None:
    """Give a time zone by its IANA name; None, which is this computer's own, where it is not known here.

    The first time that a zone is asked for, it is read from the disk: ask from a thread.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def without_notes(session: SessionView | None) -> SessionView | None:
    """The same without what was written about the client, for whoever may not read notes."""
    if session is None:
        return None
    return dataclasses.replace(session, part=None, parts=(), targets=(), plan=None, has_notes=False)


def room_for(token: Token, room: RoomView) -> RoomView:
    """A room as this token may see it: its session without notes if it reads none; a display sees none."""
    if token.sees_notes or room.session is None:
        return room
    session = None if token.role == "display" else without_notes(room.session)
    return dataclasses.replace(room, session=session)


def event_for(token: Token, event: RoomEvent) -> RoomEvent:
    """An event as this token may see it: to one without notes, nothing written about the client."""
    if token.sees_notes:
        return event
    data: Mapping[str, object] = event.data
    if event.type in OF_SESSIONS:
        hidden = {"label"} if event.type == "part.met" else set[str]()
        data = {name: value for name, value in data.items() if name in _PLAIN - hidden}
    elif event.type == "set.recorded":
        data = {name: value for name, value in data.items() if name != "part"}
    return dataclasses.replace(event, data=dict(data), state=room_for(token, event.state))
