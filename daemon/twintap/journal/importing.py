"""Sessions that come from an export: taken in only if their chains hold together, link by link."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from ..errors import Fault, Refused
from . import rows
from .chain import Link, Payload, parts_of, session_of
from .checking import ID_PATTERN, checked_data, checked_parts
from .entry import Entry, own_draft
from .ledger import Ledger
from .proving import walked


@dataclass(frozen=True, slots=True)
class Import:
    """What came in: so many sessions, so many events, and each chain's last hash."""

    sessions: int
    events: int
    heads: dict[str, str]


def import_entries(ledger: Ledger, entries: Sequence[Entry], actor: str) -> Import:
    """Take in whole sessions, each from its first event to its last, in one transaction; all of them or none.

    `Refused`: `field` if a chain does not hold together, is no session's, or holds an event that is none;
    `taken` if the journal has the session, or an event of it, already; `running` if it was not closed when it
    was exported.
    """
    chains: dict[str, list[tuple[Link, Payload | None]]] = {}
    for entry in entries:
        checked_parts(entry)
        if entry.type is not None and entry.data is not None:
            checked_data(entry.type, entry.data)
        chains.setdefault(entry.chain, []).append(parts_of(entry))
    if not chains:
        raise Refused(Fault("field", "there is no event in it", "entries"))
    heads: dict[str, str] = {}
    for chain, links in chains.items():
        verdict = walked(links, chain)
        if verdict.state == "broken":
            raise Refused(
                Fault("field", f"{chain} is broken at event {verdict.at_seq}: {verdict.how}", "entries")
            )
        heads[chain] = verdict.head
    return ledger.work(lambda connection: _put(ledger, connection, chains, heads, actor))


def _put(
    ledger: Ledger,
    connection: Connection,
    chains: dict[str, list[tuple[Link, Payload | None]]],
    heads: dict[str, str],
    actor: str,
) -> Import:
    events = 0
    for chain, links in chains.items():
        session_id = session_of(chain)
        if session_id is None or not ID_PATTERN.match(session_id):
            raise Refused(Fault("field", f"{chain} is no session's chain", "entries"))
        if rows.known_ids(connection, [link.id for link, _ in links]) or rows.head(connection, chain).seq:
            raise Refused(Fault("taken", f"the journal has {chain} already", "entries"))
        rows.insert_events(connection, links)
        events += len(links)
        tally = rows.tally(connection, session_id)
        row = tally.row()
        if row is not None and row.closed_at is None:
            text = f"{chain} was still open when it was exported: close it there, and export it again"
            raise Refused(Fault("running", text, "entries"))
        if row is not None:
            rows.put_session(connection, row)
    ledger.put_all(
        connection,
        [own_draft("journal.imported", {"sessions": len(chains), "events": events, "heads": heads}, actor)],
    )
    return Import(len(chains), events, heads)
