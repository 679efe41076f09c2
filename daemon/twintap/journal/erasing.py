"""A client's data, gone for good: deleted, overwritten, and out of the copies that the daemon keeps.

What stays is the chains' headers, which say nothing of the client, and a tombstone. A copy that somebody else
made, as with `twintap backup`, holds what it held; so may the disk's own blocks where it is not encrypted.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy import Connection, delete, select

from ..errors import Fault, Refused
from . import rows
from .chain import Payload, chain_of, content_of, session_of
from .entry import Draft, own_draft
from .ledger import Ledger
from .tables import links, payloads
from .tables import sessions as table
from .tally import SessionRow

SCRUB_FACT = "scrub"
# Types whose data say which client a session is of.
_NAMING = ("session.opened", "session.moved", "session.restated")
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased: so many sessions, and so many events' payloads. `head`: the tombstone's hash.

    `mentions`: sessions of other clients in whose words this code stands too, in a note perhaps; they are not
    touched. `copies`: how many backups that the daemon had made are gone with it.
    """

    sessions: int
    events: int
    mentions: tuple[str, ...]
    head: str
    copies: int = 0


def erase(ledger: Ledger, code: str, actor: str) -> Erasure:
    """Delete all that is kept of a client, and leave the tombstone, in one transaction.

    What the file held must still be scrubbed (`SCRUB_FACT` says so until it is). `Refused`: `unknown` if
    there is no such client, `running` if a session of theirs is open.
    """
    return ledger.work(lambda connection: _erase(ledger, connection, code, actor))


def _erase(ledger: Ledger, connection: Connection, code: str, actor: str) -> Erasure:
    own = [
        rows.read_session(row)
        for row in connection.execute(select(table).where(table.c.code == code)).mappings()
    ]
    for row in own:
        if row.closed_at is None:
            text = f"a session of this client is open in {row.room}: close it first"
            raise Refused(Fault("running", text, "code"))
    named, mentioned = _search(connection, code, {chain_of(None, row.id) for row in own})
    if not own and not named:
        raise Refused(Fault("unknown", "there is no client with this code", "code"))
    events = sum(_delete_session(connection, row) for row in own)
    events += _delete_payloads(connection, [one for ids in named.values() for one in ids])
    ledger.forget_chains()
    drafts = [_restated(connection, chain) for chain in named]
    ledger.put_all(connection, [draft for draft in drafts if draft is not None])
    touched = sorted({*(chain_of(None, row.id) for row in own), *named})
    heads = {chain: rows.head(connection, chain).hash for chain in touched}
    counted = {"sessions": len(own), "events": events, "heads": heads}
    [entry] = ledger.put_all(connection, [own_draft("journal.erased", counted, actor)])
    rows.put_fact(connection, SCRUB_FACT, "1")
    return Erasure(len(own), events, tuple(sorted(mentioned)), entry.hash)


def _search(connection: Connection, code: str, own: set[str]) -> tuple[dict[str, list[str]], set[str]]:
    """Find where else the code stands: chains and their events that name it, sessions with words that do."""
    folded = code.casefold()
    word = re.compile(rf"(?<!\w){re.escape(folded)}(?!\w)")
    named: dict[str, list[str]] = {}
    mentioned: set[str] = set()
    last = ""
    while True:
        found = connection.execute(
            select(links.c.id, links.c.chain, payloads.c.salt, payloads.c.body)
            .join(payloads, payloads.c.id == links.c.id)
            .where(links.c.id > last)
            .order_by(links.c.id)
            .limit(_PAGE)
        ).all()
        for row in found:
            if row.chain in own or not _holds(row.body, folded):
                continue
            content = content_of(Payload(bytes(row.salt), bytes(row.body)))
            session_id = session_of(row.chain)
            if content is None or session_id is None:
                continue
            data: dict[str, Any] = content["data"]
            if content["type"] in _NAMING and data.get("code") == code:
                named.setdefault(row.chain, []).append(row.id)
            elif _speaks(data, word):
                mentioned.add(session_id)
        if len(found) < _PAGE:
            return named, mentioned
        last = found[-1].id


def _holds(body: bytes, folded: str) -> bool:
    """Tell quickly whether a payload can hold the code at all. A code has no sign that JSON escapes."""
    return folded in bytes(body).decode("utf-8", "replace").casefold()


def _speaks(value: object, word: re.Pattern[str]) -> bool:
    if isinstance(value, str):
        return word.search(value.casefold()) is not None
    if isinstance(value, dict):
        return any(_speaks(one, word) for one in cast("dict[str, object]", value).values())
    if isinstance(value, list):
        return any(_speaks(one, word) for one in cast("list[object]", value))
    return False


def _delete_session(connection: Connection, row: SessionRow) -> int:
    chain = chain_of(None, row.id)
    connection.execute(delete(table).where(table.c.id == row.id))
    inside = select(links.c.id).where(links.c.chain == chain)
    return connection.execute(delete(payloads).where(payloads.c.id.in_(inside))).rowcount


def _delete_payloads(connection: Connection, ids: list[str]) -> int:
    count = 0
    for at in range(0, len(ids), _PAGE):
        some = ids[at : at + _PAGE]
        count += connection.execute(delete(payloads).where(payloads.c.id.in_(some))).rowcount
    return count


def _restated(connection: Connection, chain: str) -> Draft | None:
    """Say a session's opening once more, if it was erased for a code that it was first under."""
    session_id = session_of(chain)
    assert session_id is not None
    if rows.tally(connection, session_id).row() is not None:
        return None
    found = connection.execute(select(table).where(table.c.id == session_id)).mappings().one()
    row = rows.read_session(found)
    data: dict[str, object] = {
        "code": row.code,
        "kind": row.kind,
        "zone": row.zone,
        "opened_at": row.opened_at.isoformat(timespec="microseconds"),
        "opened_by": row.opened_by,
    }
    return replace(own_draft("session.restated", data), room=row.room, session=row.id)
