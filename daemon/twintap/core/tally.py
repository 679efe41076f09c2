"""One set as its events tell it: folded alike while it runs and when the journal is read again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

# The two events of one command lie closer together than this.
_ONE_COMMAND = timedelta(milliseconds=5)

PacingDict = Mapping[str, float | int | None]


@dataclass(frozen=True, slots=True)
class Tally:
    """A set that has not ended yet.

    `asked`: its pacing at the start; `pacing`: as a person wanted it last, which a soft stop's cut of the
    passes does not touch; `changes`: how often a person changed it. `started_at`: None until both held it.
    `reason`, `by`, `side`: of its end, as in `set.ended`, once it has `ended` and is not recorded yet.
    """

    set_uid: str
    actor: str
    asked: PacingDict
    pacing: PacingDict
    changes: int = 0
    started_at: datetime | None = None
    changed_at: datetime | None = None
    ended: bool = False
    reason: str = ""
    by: str = ""
    side: str | None = None


def tallied(
    tally: Tally | None, kind: str, data: Mapping[str, Any], actor: str, at: datetime
) -> Tally | None:
    """The tally after one `set.*` event; None when no set is under way any more."""
    if kind == "set.asked":
        pacing = cast("PacingDict", data["pacing"])
        return Tally(str(data["set_uid"]), actor, pacing, pacing)
    if tally is None or data.get("set_uid") != tally.set_uid:
        return tally
    match kind:
        case "set.started":
            return replace(tally, started_at=at)
        case "set.changed" | "set.change_waits":
            # What acts at once and what waits for a boundary may come of one and the same command.
            before = tally.changed_at if kind == "set.change_waits" else None
            same = before is not None and at - before < _ONE_COMMAND
            changes = tally.changes + (0 if same else 1)
            return replace(tally, pacing=cast("PacingDict", data["pacing"]), changes=changes, changed_at=at)
        case "set.ended":
            # One that never started has no record to wait for.
            if tally.started_at is None:
                return None
            reason, by, side = str(data["reason"]), str(data["by"]), data["side"]
            return replace(tally, ended=True, reason=reason, by=by, side=side)
        case "set.recorded":
            return None
        case _:
            return tally
