"""`twintap sessions [CODE]`: what was, a line each."""

import argparse
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlencode

from ..names import clean
from .show import table

_Json = Mapping[str, Any]


async def sessions(options: argparse.Namespace) -> int:
    """Show the sessions."""
    from ..client import Client

    async with Client() as client:
        if options.code is not None:
            # In the body, never in a URL: a code is a client's.
            body = {"code": options.code, "limit": options.limit}
            found = await client.ask("POST", "/sessions/search", body)
            if options.room is not None:
                found = [one for one in found if one["room"] == options.room]
        else:
            asked = {"limit": options.limit} | ({"room": options.room} if options.room is not None else {})
            found = await client.ask("GET", "/sessions", query="?" + urlencode(asked))
    print(json.dumps(found) if options.json else shown(cast("list[_Json]", found)), flush=True)
    return 0


def shown(found: Sequence[_Json]) -> str:
    """Show sessions as a table."""
    if not found:
        return "no session yet"
    rows = [("session", "opened", "lasted", "client", "kind", "room", "sets", "SUD", "VOC")]
    rows += [
        (
            str(one["id"]),
            _time(str(one["opened_at"])),
            _lasted(one),
            "erased" if one["erased"] else clean(str(one["code"])),
            clean(str(one["kind"])) or "-",
            clean(str(one["room"])) or "-",
            str(one["sets"]),
            _sud(one),
            "-" if one["last_voc"] is None else str(one["last_voc"]),
        )
        for one in found
    ]
    return table(rows)


def _time(text: str) -> str:
    try:
        return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return clean(text, 20)


def _lasted(one: _Json) -> str:
    if one["closed_at"] is None:
        return "-" if one["erased"] else "open"
    opened, closed = (datetime.fromisoformat(str(one[name])) for name in ("opened_at", "closed_at"))
    hours, minutes = divmod(int((closed - opened).total_seconds()) // 60, 60)
    return f"{hours}:{minutes:02}" + (" (forgotten)" if one["closed_reason"] == "forgotten" else "")


def _sud(one: _Json) -> str:
    first, last = one["first_sud"], one["last_sud"]
    return "-" if first is None else str(first) if first == last else f"{first} to {last}"
