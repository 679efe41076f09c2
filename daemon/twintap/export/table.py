"""CSV: one event a row, for a spreadsheet or a statistics program.

RFC 4180 with a header, in UTF-8. It begins with a byte order mark: without one, spreadsheets on Windows read
it in the machine's own code page. Columns are the same in every file of one version, so files can be joined;
a column is named for where its value lies in the event's data (`pacing.rate_hz`). What was corrected has its
corrected values, and `state` says so; the correction itself is a row of its own, with what it put in place.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, cast, get_args

from pydantic import BaseModel

from ..journal import types as events
from ..journal.entry import Entry
from .story import Told, tell

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
_BEFORE = ("seq", "id", "type", "at", "entered", "onset_s", "actor", "room", "session", "code", "state")
_AFTER = ("hash",)
# Of a daemon's own chain; no session ever holds one.
_NEVER = ("daemon.", "token.", "journal.", "room.made", "room.colour")
# A spreadsheet takes a cell that begins so for a formula, which may fetch or run something.
# (The last four are the full-width forms, which some take for the same.)
_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")


@cache
def columns() -> tuple[str, ...]:
    """Give the header: what every event has, then every field that a session's event may have, by name."""
    fields: dict[str, None] = {}
    for kind, model in events.EVENT_TYPES.items():
        if not kind.startswith(_NEVER) and model is not events.Corrected:
            fields.update(dict.fromkeys(_flat_names(model, "")))
    # A correction's `entry` is among the fields: an undoing has the same.
    return (*_BEFORE, *sorted(fields.keys() - {*_BEFORE, *_AFTER}), *_AFTER)


def _flat_names(model: type[BaseModel], before: str) -> Iterator[str]:
    for name, found in model.model_fields.items():
        inner = _model_in(found.annotation)
        if inner is None:
            yield before + name
        else:
            yield from _flat_names(inner, f"{before}{name}.")


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def to_csv(session: str, entries: Sequence[Entry]) -> Iterator[str]:
    """Give the table, row after row, times in the session's own zone. Raises as `tell` does.

    `at` and `entered` are RFC 3339; `onset_s` counts from the session's opening. `state` is empty, or
    `corrected`, `undone`, `withdrawn` or `erased`. Several words in one cell are parted by a space. Text that
    would be taken for a formula begins with an apostrophe.
    """
    story = tell(session, entries)
    told = {one.entry.id: one for one in (*story.told, *story.taken_back)}
    yield "\ufeff" + _row(columns())
    for entry in entries:
        if entry.type is None:
            cells: dict[str, object] = {"state": "erased"}
        else:
            cells = {
                **_flat(_data(entry, told.get(entry.id)), ""),
                "type": entry.type,
                "at": None if entry.at is None else _text_of(entry.at.astimezone(story.zone)),
                "onset_s": f"{story.seconds(entry):.3f}",
                "actor": _guarded(entry.actor or ""),
                "room": _guarded(entry.room or ""),
                "session": entry.session,
                "code": _guarded(story.code),
                "state": _state(told.get(entry.id)),
            }
        cells["seq"], cells["id"], cells["hash"] = entry.seq, entry.id, entry.hash
        cells["entered"] = _text_of(entry.entered if story.erased else entry.entered.astimezone(story.zone))
        yield _row([cells.get(name, "") for name in columns()])


def _data(entry: Entry, told: Told | None) -> Mapping[str, object]:
    if told is not None:
        return told.data.model_dump(mode="json")
    data: Mapping[str, object] = entry.data or {}
    if entry.type == "entry.corrected":
        return {**cast("Mapping[str, object]", data["data"]), "entry": data["entry"]}
    return data


def _state(told: Told | None) -> str:
    if told is None:
        return ""
    if told.gone is not None:
        return "undone" if told.is_undone else "withdrawn"
    return "corrected" if told.was else ""


def _flat(data: Mapping[str, object], before: str) -> dict[str, object]:
    cells: dict[str, object] = {}
    for name, value in data.items():
        if isinstance(value, Mapping):
            cells.update(_flat(cast("Mapping[str, object]", value), f"{before}{name}."))
        elif isinstance(value, list | tuple):
            cells[before + name] = " ".join(str(one) for one in cast("Sequence[object]", value))
        elif isinstance(value, bool):
            cells[before + name] = "true" if value else "false"
        elif isinstance(value, str):
            cells[before + name] = _guarded(value)
        else:
            cells[before + name] = value
    return cells


def _guarded(text: str) -> str:
    return "'" + text if text[:1] in _FORMULA or text.lstrip()[:1] in _FORMULA else text


def _text_of(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _row(cells: Sequence[object]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
