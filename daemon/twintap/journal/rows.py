"""Events and sessions in and out of the tables. All of it blocks, inside a transaction of the caller's."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, delete, insert, select, update

from ..errors import StoreError
from .chain import MEND, Head, Link, Payload, chain_of, entry_of, session_of, time_text
from .entry import Entry
from .tables import facts, links, payloads, sessions
from .tally import SessionRow, Tally, opened_us

_PAGE = 200
_STORED = select(links, payloads.c.salt, payloads.c.body).select_from(
    links.outerjoin(payloads, links.c.id == payloads.c.id)
)


def read_stored(row: Row[Any]) -> tuple[Link, Payload | None]:
    """Give the link and the payload of a row of `stored`.

    A damaged file may hold anything anywhere: what is of another kind is given as text, and hashes to no
    link of the chain.
    """
    texts = (row.entered, row.payload_sha256, row.prev, row.hash)
    seq = row.seq if isinstance(row.seq, int) else 0
    link = Link(_text(row.id), _text(row.chain), seq, *map(_text, texts))
    return link, None if row.body is None else Payload(_bytes(row.salt), _bytes(row.body))


def _text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else repr(value).encode()


def stored(
    connection: Connection, chain: str, *, after_seq: int = 0, limit: int | None = None
) -> Iterator[tuple[Link, Payload | None]]:
    """Give a chain's links in their order, page by page: memory does not grow with the chain."""
    given = 0
    while limit is None or given < limit:
        size = _PAGE if limit is None else min(_PAGE, limit - given)
        found = connection.execute(
            _STORED.where(links.c.chain == chain, links.c.seq > after_seq).order_by(links.c.seq).limit(size)
        ).all()
        for row in found:
            yield read_stored(row)
        if len(found) < size:
            return
        given += size
        after_seq = found[-1].seq


def entries(
    connection: Connection, chain: str, *, after_seq: int = 0, limit: int | None = None
) -> Iterator[Entry]:
    """Give a chain's events in their order. StoreError at one that is damaged."""
    for link, payload in stored(connection, chain, after_seq=after_seq, limit=limit):
        yield entry_of(link, payload)


def chains(connection: Connection) -> list[str]:
    """Name every chain."""
    return [
        _text(one) for one in connection.scalars(select(links.c.chain).distinct().order_by(links.c.chain))
    ]


def head(connection: Connection, chain: str) -> Head:
    """Give where a chain ends. StoreError if nothing can follow there."""
    found = connection.execute(
        select(links.c.seq, links.c.hash).where(links.c.chain == chain).order_by(links.c.seq.desc()).limit(1)
    ).first()
    if found is None:
        return Head()
    if not isinstance(found.seq, int) or not isinstance(found.hash, str):
        raise StoreError(f"the journal is damaged at the end of {chain}; {MEND}")
    return Head(found.seq, found.hash)


def known_ids(connection: Connection, ids: Sequence[str]) -> set[str]:
    """Tell which of these ids the journal has already."""
    found: set[str] = set()
    for at in range(0, len(ids), _PAGE):
        found.update(connection.scalars(select(links.c.id).where(links.c.id.in_(ids[at : at + _PAGE]))))
    return found


def insert_events(connection: Connection, events: Sequence[tuple[Link, Payload | None]]) -> None:
    """Put links and payloads in. IntegrityError if an id or a place is taken."""
    if not events:
        return
    connection.execute(
        insert(links),
        [
            {
                "id": link.id,
                "chain": link.chain,
                "seq": link.seq,
                "entered": link.entered,
                "payload_sha256": link.payload_sha256,
                "prev": link.prev,
                "hash": link.hash,
            }
            for link, _ in events
        ],
    )
    whole = [
        {"id": link.id, "salt": payload.salt, "body": payload.body}
        for link, payload in events
        if payload is not None
    ]
    if whole:
        connection.execute(insert(payloads), whole)


# --- sessions -------------------------------------------------------------------------------------------


def tally(connection: Connection, session_id: str) -> Tally:
    """Fold a session from its events."""
    folded = Tally(session_id)
    for entry in entries(connection, chain_of(None, session_id)):
        folded.add(entry)
    return folded


def put_session(connection: Connection, row: SessionRow) -> None:
    """Have this row in place of the session's old one."""
    values = _values(row)
    changed = connection.execute(update(sessions).where(sessions.c.id == row.id).values(values))
    if changed.rowcount == 0:
        connection.execute(insert(sessions).values(values))


def rebuild_sessions(connection: Connection) -> None:
    """Make every row of `sessions` again from the events."""
    connection.execute(delete(sessions))
    for chain in chains(connection):
        session_id = session_of(chain)
        if session_id is not None and (row := tally(connection, session_id).row()) is not None:
            put_session(connection, row)


def _values(row: SessionRow) -> dict[str, Any]:
    values = asdict(row)
    del values["erased"]
    values["opened_us"] = opened_us(row.opened_at)
    values["opened_at"] = time_text(row.opened_at)
    values["closed_at"] = None if row.closed_at is None else time_text(row.closed_at)
    return values


def read_session(row: RowMapping) -> SessionRow:
    """Read a row of `sessions`. StoreError if it cannot be one."""
    content: dict[str, Any] = {str(name): value for name, value in row.items()}
    del content["opened_us"]
    try:
        content["opened_at"] = datetime.fromisoformat(content["opened_at"])
        if content["closed_at"] is not None:
            content["closed_at"] = datetime.fromisoformat(content["closed_at"])
    except (TypeError, ValueError):
        raise StoreError(f"the journal's list of sessions is damaged; {MEND}") from None
    return SessionRow(**content)


# --- the file's own facts -------------------------------------------------------------------------------


def read_fact(connection: Connection, name: str) -> str | None:
    """Give a fact of the file's; None if it was never said."""
    return connection.scalar(select(facts.c.value).where(facts.c.name == name))


def put_fact(connection: Connection, name: str, value: str | None) -> None:
    """Say a fact of the file's; None takes it back."""
    connection.execute(delete(facts).where(facts.c.name == name))
    if value is not None:
        connection.execute(insert(facts).values(name=name, value=value))
