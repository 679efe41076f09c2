"""What a visit can begin with: where the client's earlier ones ended. Offered, never taken by itself."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ..core.tally import PacingDict
from ..core.visit import Happening, Visit, replayed
from ..journal.entry import Entry
from ..journal.tally import SessionRow
from .keeping import Keeping

_VISITS_READ = 30  # enough for parts and targets of a year or two
_PAGES_MAX = 20  # so many times that are looked through for visits that may be shown

# A medicine visit starts low: staff raise it, if at all, once they have seen how it is felt.
LOW_LEVEL_PCT = 20.0
LOW_RATE_HZ = 0.5
LOW_RAMP_MS = 4_000
LOWERED = "a medicine visit starts low: at most 20 %, 0.5 passes a second, and a ramp of at least 4 s"
_LOW_PULSE_MS = 200


@dataclass(frozen=True, slots=True)
class Offer:
    """What the next visit may take over.

    `pacings`: how the last set of each phase felt (`any`: outside phases); `left_pct`, `right_pct`: the
    client's levels; `targets`: the open ones; `parts`: all that were met, the latest visit's first; `plan`:
    what was planned. `lowered`: why the pacings are lower than they were, if they are.
    """

    pacings: Mapping[str, PacingDict] = field(default_factory=dict[str, PacingDict])
    left_pct: float | None = None
    right_pct: float | None = None
    targets: tuple[str, ...] = ()
    last_sud: int | None = None
    last_voc: int | None = None
    parts: tuple[str, ...] = ()
    plan: str | None = None
    lowered: str | None = None


def happenings(entries: Iterable[Entry]) -> list[Happening]:
    """Give a session's events as the core has them; erased ones are not there any more."""
    return [
        Happening(entry.id, entry.type, entry.data, entry.actor or "", entry.at, entry.entered)
        for entry in entries
        if entry.type is not None and entry.data is not None and entry.at is not None
    ]


async def visit_of(keeping: Keeping, row: SessionRow) -> Visit | None:
    """Read a session as its events tell it; None if it was erased.

    It is folded in a thread: the loop of running sets does not wait for a long visit.
    """
    entries = await keeping.entries(row.id)
    return await asyncio.to_thread(lambda: replayed(row.room, row.id, happenings(entries)))


async def visits_of(
    keeping: Keeping,
    code: str,
    *,
    but: str | None = None,
    is_shown: Callable[[str], bool] = lambda _room: True,
) -> list[Visit]:
    """Read a client's visits, the newest first; not the one whose id is `but`.

    `is_shown` tells of a room whether its visits count.
    """
    visits: list[Visit] = []
    before: str | None = None
    for _ in range(_PAGES_MAX):
        page = await keeping.sessions(code=code, before=before, limit=_VISITS_READ)
        for row in page:
            if row.id == but or row.erased or not is_shown(row.room):
                continue
            if (visit := await visit_of(keeping, row)) is not None:
                visits.append(visit)
        if len(visits) >= _VISITS_READ or len(page) < _VISITS_READ:
            break
        before = page[-1].id
    return visits[:_VISITS_READ]


def offer_of(visits: Sequence[Visit]) -> Offer:
    """What visits come to, the newest first: of each thing, what was said last."""
    pacings: dict[str, PacingDict] = {}
    parts: dict[str, None] = {}
    targets: dict[str, bool] = {}
    offer = Offer()
    for visit in visits:
        summary = visit.summary
        for phase, pacing in visit.pacings.items():
            pacings.setdefault(phase, pacing)
        for part in summary.parts:
            parts.setdefault(part)
        for target, done in summary.targets.items():
            targets.setdefault(target, done)
        offer = replace(
            offer,
            left_pct=_first(offer.left_pct, summary.left_pct),
            right_pct=_first(offer.right_pct, summary.right_pct),
            last_sud=_first(offer.last_sud, summary.last_sud),
            last_voc=_first(offer.last_voc, summary.last_voc),
            plan=_first(offer.plan, summary.plan),
        )
    still_open = tuple(target for target, done in targets.items() if not done)
    return replace(offer, pacings=pacings, parts=tuple(parts), targets=still_open)


def lowered(offer: Offer) -> Offer:
    """The same for a medicine visit: everything low and slow, and why."""
    return replace(
        offer,
        pacings={phase: low(pacing) for phase, pacing in offer.pacings.items()} or {"any": dict(LOW_START)},
        left_pct=_at_most(offer.left_pct, LOW_LEVEL_PCT),
        right_pct=_at_most(offer.right_pct, LOW_LEVEL_PCT),
        lowered=LOWERED,
    )


def low(pacing: PacingDict) -> PacingDict:
    """A pacing, made as low, slow and gentle as a medicine visit begins."""
    return {
        **pacing,
        "rate_hz": _at_most(pacing["rate_hz"], LOW_RATE_HZ),
        "left_pct": _at_most(pacing["left_pct"], LOW_LEVEL_PCT),
        "right_pct": _at_most(pacing["right_pct"], LOW_LEVEL_PCT),
        "ramp_ms": max(pacing["ramp_ms"] or 0, LOW_RAMP_MS),
    }


# What a set of a medicine visit has where its start does not say otherwise.
LOW_START: PacingDict = {
    "rate_hz": LOW_RATE_HZ,
    "pulse_ms": _LOW_PULSE_MS,
    "left_pct": LOW_LEVEL_PCT,
    "right_pct": LOW_LEVEL_PCT,
    "ramp_ms": LOW_RAMP_MS,
    "passes": None,
}


def start_defaults(visit: Visit) -> dict[str, object]:
    """What a set of this visit has where its start says nothing: the client's levels, and a low beginning."""
    defaults: dict[str, object] = {}
    if visit.kind == "medicine":
        # The pulse's width has its own default: a rate that is said may leave no room for a longer one.
        defaults = {name: LOW_START[name] for name in ("rate_hz", "left_pct", "right_pct", "ramp_ms")}
    for name, level in (("left_pct", visit.summary.left_pct), ("right_pct", visit.summary.right_pct)):
        if level is not None:
            defaults[name] = level
    return defaults


_T = TypeVar("_T")


def _first(newer: _T | None, older: _T | None) -> _T | None:
    return newer if newer is not None else older


def _at_most(value: float | None, most: float) -> float | None:
    return None if value is None else min(value, most)
