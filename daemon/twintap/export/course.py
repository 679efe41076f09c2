"""A client's course over the visits: one point each, the oldest first."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import BaseModel

from ..journal.tally import SessionRow
from .story import zone_named


class CoursePoint(BaseModel):
    """One visit. Times are RFC 3339 in its own zone; ratings are the first and the last that hold."""

    id: str
    kind: str
    room: str
    zone: str
    opened_at: str
    closed_at: str | None
    sets: int
    passes: int
    first_sud: int | None
    last_sud: int | None
    last_voc: int | None


def course(rows: Iterable[SessionRow]) -> list[CoursePoint]:
    """Give the points of a client's sessions, whatever their order; erased ones have none."""
    kept = sorted((row for row in rows if not row.erased), key=lambda row: (row.opened_at, row.id))
    return [_point(row) for row in kept]


def _point(row: SessionRow) -> CoursePoint:
    zone = zone_named(row.zone)

    def text(at: datetime) -> str:
        return at.astimezone(zone).isoformat(timespec="milliseconds")

    return CoursePoint(
        id=row.id,
        kind=row.kind,
        room=row.room,
        zone=row.zone,
        opened_at=text(row.opened_at),
        closed_at=None if row.closed_at is None else text(row.closed_at),
        sets=row.sets,
        passes=row.passes,
        first_sud=row.first_sud,
        last_sud=row.last_sud,
        last_voc=row.last_voc,
    )
