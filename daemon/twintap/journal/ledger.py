"""The writing itself: drafts become links, in one transaction, with the sessions' rows beside them.

One ledger, in one thread. It remembers where chains end and what open sessions come to; after a transaction
that failed it forgets both, and reads them again.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Engine

from ..errors import Fault, Refused, StoreError
from . import rows
from .chain import Head, Link, Payload, chain_of, entry_of, forge
from .entry import Draft, Entry, own_draft
from .sqlite import ERRORS
from .tally import SessionRow, Tally

_TALLIES_KEPT = 64
_HEADS_KEPT = 1_000
_T = TypeVar("_T")


class Ledger:
    """The one writer's state. `words`: says in words what an error of the file's means."""

    def __init__(
        self,
        engine: Engine,
        boot_id: str,
        words: Callable[[BaseException], str],
    ) -> None:
        self._engine = engine
        self._boot_id = boot_id
        self._words = words
        self._connection: Connection | None = None
        self._heads: dict[str, Head] = {}
        self._tallies: OrderedDict[str, Tally] = OrderedDict()
        self._shown: dict[str, SessionRow | None] = {}

    def write(self, drafts: Sequence[Draft]) -> list[Entry | Refused]:
        """Write them in one transaction; give what became of each, in order. StoreError: none is on disk."""
        return self.work(lambda connection: self.put(connection, drafts))

    def work(self, do: Callable[[Connection], _T]) -> _T:
        """Do something in one transaction of the writer's. StoreError, and nothing of it is done."""
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
            with self._connection.begin():
                return do(self._connection)
        except ERRORS as error:
            self.forget()
            raise StoreError(self._words(error)) from error
        except BaseException:
            self.forget()
            raise

    def forget(self) -> None:
        """Let the connection go, and all that is remembered of the file."""
        self.forget_chains()
        connection, self._connection = self._connection, None
        if connection is not None:
            # One that failed is not used again, and neither is its place in a transaction.
            connection.invalidate()
            connection.close()

    def forget_chains(self) -> None:
        """Let go what is remembered of chains and sessions: they were changed by another hand than `put`."""
        self._heads.clear()
        self._tallies.clear()
        self._shown.clear()

    def put_all(self, connection: Connection, drafts: Sequence[Draft]) -> list[Entry]:
        """Put drafts as `put` does; `Refused` if one of them is."""
        found: list[Entry] = []
        for result in self.put(connection, drafts):
            if isinstance(result, Refused):
                raise result
            found.append(result)
        return found

    def put(self, connection: Connection, drafts: Sequence[Draft]) -> list[Entry | Refused]:
        """Put drafts at the ends of their chains, in the caller's transaction; a refused one is left out."""
        self._trim()
        known = rows.known_ids(connection, [draft.id for draft in drafts])
        found: list[Entry | Refused] = []
        events: list[tuple[Link, Payload | None]] = []
        closed: dict[str, None] = {}
        for draft in drafts:
            try:
                if draft.id in known:
                    raise Refused(Fault("taken", "an event of this id is in the journal already", "id"))
                tally = None if draft.session is None else self._tally(connection, draft.session)
                if tally is not None:
                    tally.check(draft)
            except Refused as refusal:
                found.append(refusal)
                continue
            known.add(draft.id)
            entry = self._follow(connection, draft, events)
            found.append(entry)
            if tally is not None:
                tally.add(entry)
                if tally.is_closed:
                    closed[entry.chain] = None
        # From its close on, the end of a session's chain stands in the daemon's: what is cut off it, shows.
        for chain in closed:
            end = self._heads[chain]
            self._follow(
                connection,
                own_draft("journal.sealed", {"chain": chain, "seq": end.seq, "head": end.hash}),
                events,
            )
        rows.insert_events(connection, events)
        self._put_sessions(connection, {draft.session for draft in drafts if draft.session is not None})
        return found

    def _trim(self) -> None:
        # Before a transaction, never within one: what is not written yet is known here alone.
        if len(self._heads) > _HEADS_KEPT:
            self._heads.clear()
        while len(self._tallies) > _TALLIES_KEPT:
            oldest, _ = self._tallies.popitem(last=False)
            del self._shown[oldest]

    def _follow(
        self, connection: Connection, draft: Draft, events: list[tuple[Link, Payload | None]]
    ) -> Entry:
        chain = chain_of(draft.room, draft.session)
        head = self._heads.get(chain)
        if head is None:
            head = rows.head(connection, chain)
        link, payload = forge(draft, self._boot_id, head)
        self._heads[chain] = Head(link.seq, link.hash)
        events.append((link, payload))
        return entry_of(link, payload)

    def _tally(self, connection: Connection, session_id: str) -> Tally:
        tally = self._tallies.get(session_id)
        if tally is None:
            tally = rows.tally(connection, session_id)
            self._tallies[session_id] = tally
            self._shown[session_id] = tally.row()
        self._tallies.move_to_end(session_id)
        return tally

    def _put_sessions(self, connection: Connection, session_ids: set[str]) -> None:
        for session_id in session_ids:
            row = self._tally(connection, session_id).row()
            if row is not None and row != self._shown[session_id]:
                rows.put_session(connection, row)
                self._shown[session_id] = row
