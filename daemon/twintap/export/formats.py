"""The forms in which a session can leave, by name; each gives bytes, its media type and its file's ending."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ..journal.entry import Entry
from . import bids, lines, report, table

Format = Literal["jsonl", "csv", "bids", "html"]


@dataclass(frozen=True, slots=True)
class Export:
    """A session as a file. `name` says nothing of the client: names of files end up in lists and logs."""

    name: str
    media_type: str
    content: bytes


def export(
    form: Format, session: str, entries: Sequence[Entry], *, daemon_id: bytes, made_at: datetime
) -> Export:
    """Give a session as a file. Works for some ms on a long one: no work for an event loop.

    Raises `Refused`: "unknown" without entries, "erased" where nothing is left that the form could hold,
    "damaged" where entries are not what they have to be.
    """
    name = f"twintap-{session[:13]}"
    match form:
        case "jsonl":
            text = "".join(lines.to_lines(entries, daemon_id))
            return Export(f"{name}.jsonl", lines.MEDIA_TYPE, text.encode())
        case "csv":
            return Export(f"{name}.csv", table.MEDIA_TYPE, "".join(table.to_csv(session, entries)).encode())
        case "bids":
            return Export(f"{name}-bids.zip", bids.MEDIA_TYPE, bids.to_zip(session, entries))
        case "html":
            page = report.to_html(session, entries, made_at=made_at)
            return Export(f"{name}.html", report.MEDIA_TYPE, page.encode())
