"""After a daemon that died: the set that it left running is one that the loss of the daemon ended."""

from collections.abc import Sequence
from typing import Any

from ..core.tally import Tally
from ..journal.entry import Draft
from ..views import Side
from .keeping import Keeping
from .lastly import LastSeen

_TAIL = 200  # a set has a handful of events; a person may change it some dozens of times


def ended_by_loss(tally: Tally) -> dict[str, Any]:
    """The data of `set.ended` for a set that no daemon ended."""
    return {"set_uid": tally.set_uid, "reason": "daemon", "by": "system", "side": None}


def recorded(
    tally: Tally,
    seen: LastSeen | None,
    part: str | None,
    *,
    silent: Sequence[Side] = (),
    complete: bool = False,
) -> dict[str, Any]:
    """The data of `set.recorded` for a set that has ended: as its events tell it, with what was last seen."""
    known = seen if seen is not None else LastSeen()
    return {
        "set_uid": tally.set_uid,
        "asked": dict(tally.asked),
        "pacing": dict(tally.pacing),
        "changes": tally.changes,
        "passes_done": known.passes_done,
        "duration_ms": known.duration_ms,
        "left": known.left.model_dump(),
        "right": known.right.model_dump(),
        "left_right_error_us": known.left_right_error_us,
        "reason": tally.reason,
        "by": tally.by,
        "side": tally.side,
        "silent": list(silent),
        "part": part,
        "complete": complete,
    }


async def tail(keeping: Keeping, room: str) -> list[Draft]:
    """The last set's events of a room outside sessions, as drafts; nothing that was erased."""
    last = await _last_seq(keeping, room)
    found = await keeping.room_entries(room, after_seq=max(0, last - _TAIL), limit=_TAIL)
    return [
        Draft(
            entry.type,
            entry.data,
            room,
            None,
            entry.actor or "",
            entry.at,
            entry.entered,
            entry.monotonic_us or 0,
            entry.id,
        )
        for entry in found
        if entry.type is not None and entry.data is not None and entry.at is not None
    ]


async def _last_seq(keeping: Keeping, room: str) -> int:
    """The number of a room's last event, in some twenty looks however long its chain is."""

    async def is_beyond(seq: int) -> bool:
        return not await keeping.room_entries(room, after_seq=seq, limit=1)

    high = 1
    while not await is_beyond(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if await is_beyond(middle):
            high = middle
        else:
            low = middle
    return high
