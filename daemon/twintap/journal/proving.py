"""Is the journal what was once written? Every chain is walked, and what chains say of each other is compared.

Found are edits, deletions, insertions and changes of order, by accident or by a casual hand, and a list of
sessions that says other than their events. Where a chain was cut off at its end, that shows for a closed
session, whose end stands in the daemon's chain (`journal.sealed`), and for an erased or imported one. The
newest events of the daemon's, of a room's and of an open session's chain can be cut off unseen, and somebody
with the program can write a whole journal anew; both show against a head that was printed before, on a report
or an export.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection, select

from ..errors import StoreError
from . import rows, sqlite
from .chain import DAEMON, Head, Link, Payload, content_of, entry_of, fault_of, session_of
from .tables import sessions as table
from .tally import Tally


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """What one chain is.

    `erased`: intact, and payloads of it were erased, all or some. `broken`: at the event `at_seq` (None: as a
    whole), in the words of `how`. `head`: the hash of its last event; `events`: how many it has.
    """

    chain: str
    state: Literal["intact", "erased", "broken"]
    events: int
    head: str
    at_seq: int | None = None
    how: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Every chain's, and those of the heads asked for that no chain has.

    `file_fault`: what is wrong with the file beneath the chains, in words; None: nothing.
    """

    chains: tuple[ChainVerdict, ...]
    missing_heads: tuple[str, ...]
    file_fault: str | None = None

    @property
    def is_intact(self) -> bool:
        """Nothing is broken, the file is sound, and no head is missing."""
        return (
            self.file_fault is None
            and not self.missing_heads
            and all(one.state != "broken" for one in self.chains)
        )


@dataclass(slots=True)
class _Said:
    """What the daemon's chain says of another: hashes that it has to hold, and up to which it was erased."""

    hashes: set[str] = field(default_factory=set[str])
    erased: set[str] = field(default_factory=set[str])


def prove(
    connection: Connection, heads: Sequence[str] = (), between: Callable[[], None] = lambda: None
) -> Verdict:
    """Walk the whole journal, in the caller's transaction. `heads`: printed ones, which have to be in it.

    `between` is called between any two events. StoreError where the file is so damaged that it cannot be
    walked.
    """
    said = _said_by_the_daemon(connection)
    wanted = {head.strip().lower() for head in heads}
    found: list[ChainVerdict] = []
    chains = rows.chains(connection)
    for chain in chains:
        walk = Walk(between=between)
        verdict, row_fault = _prove_chain(connection, chain, walk, said.pop(chain, _Said()), wanted)
        if verdict.state != "broken" and row_fault:
            verdict = ChainVerdict(chain, "broken", verdict.events, verdict.head, None, row_fault)
        found.append(verdict)
    found += [
        ChainVerdict(chain, "broken", 0, Head().hash, None, "it is gone as a whole") for chain in sorted(said)
    ]
    known = {session_of(chain) for chain in chains}
    for session_id in connection.scalars(select(table.c.id).order_by(table.c.id)):
        if session_id not in known:
            how = "the list of sessions has it, and no event of it is there"
            found.append(ChainVerdict(f"session:{session_id}", "broken", 0, Head().hash, None, how))
    return Verdict(tuple(found), tuple(sorted(wanted)), sqlite.file_fault(connection))


def _said_by_the_daemon(connection: Connection) -> dict[str, _Said]:
    said: dict[str, _Said] = {}
    for _link, payload in rows.stored(connection, DAEMON):
        content = None if payload is None else content_of(payload)
        if content is None:
            continue
        data: dict[str, Any] = content["data"]
        if content["type"] == "journal.sealed":
            said.setdefault(str(data.get("chain")), _Said()).hashes.add(str(data.get("head")))
        elif content["type"] in ("journal.erased", "journal.imported") and isinstance(
            data.get("heads"), dict
        ):
            # What was missing when it came from elsewhere had been erased there.
            for chain, head in data["heads"].items():
                one = said.setdefault(str(chain), _Said())
                one.hashes.add(str(head))
                one.erased.add(str(head))
    return said


def _prove_chain(
    connection: Connection, chain: str, walk: "Walk", said: _Said, wanted: set[str]
) -> tuple[ChainVerdict, str | None]:
    session_id = session_of(chain)
    tally = None if session_id is None else Tally(session_id)
    for link, payload in rows.stored(connection, chain):
        walk.step(link, payload, ends_erasure=link.hash in said.erased)
        said.hashes.discard(link.hash)
        wanted.discard(link.hash)
        if tally is not None and walk.how is None:
            try:
                tally.add(entry_of(link, payload))
            except StoreError as error:
                walk.breaks(link.seq, str(error))
    walk.end()
    if not walk.events:
        walk.breaks(None, "its events are not found by its name: the file is damaged")
    if walk.how is None and said.hashes:
        walk.breaks(None, "its end was cut off: the daemon's chain names an event of it that is not there")
    row_fault = None if tally is None or walk.how is not None else _row_fault(connection, tally)
    return walk.verdict(chain), row_fault


@dataclass(slots=True)
class Walk:
    """One chain, link by link: pure. Feed `step` in the order of `seq`, then `end`, then ask `verdict`."""

    head: Head = field(default_factory=Head)
    events: int = 0
    at_seq: int | None = None
    how: str | None = None
    is_erased: bool = False
    between: Callable[[], None] = lambda: None
    _missing: list[int] = field(default_factory=list[int])

    def step(self, link: Link, payload: Payload | None, *, ends_erasure: bool) -> None:
        """Take the next link. `ends_erasure`: payloads up to here may be missing."""
        self.between()
        self.events += 1
        fault = fault_of(link, payload, self.head, erasable=True)
        if fault is not None and self.how is None:
            self.breaks(link.seq, fault)
        if payload is None:
            self._missing.append(link.seq)
        if ends_erasure and self._missing:
            self.is_erased = True
            self._missing.clear()
        self.head = Head(link.seq, link.hash)

    def end(self) -> None:
        """No more links: a payload that no erasure named is one that was deleted."""
        if self._missing and self.how is None:
            self.breaks(self._missing[0], "its payload is missing, and no erasure names it")

    def breaks(self, at_seq: int | None, how: str) -> None:
        """Say where and how the chain is broken."""
        self.at_seq, self.how = at_seq, how

    def verdict(self, chain: str) -> ChainVerdict:
        """Give what came of it."""
        state = "broken" if self.how is not None else "erased" if self.is_erased else "intact"
        return ChainVerdict(chain, state, self.events, self.head.hash, self.at_seq, self.how)


def walked(links: Iterable[tuple[Link, Payload | None]], chain: str) -> ChainVerdict:
    """Walk a chain that came from elsewhere; what is missing in it counts as erased there."""
    walk = Walk()
    for link, payload in links:
        if link.chain != chain and walk.how is None:
            walk.breaks(link.seq, "it belongs to another chain")
        walk.step(link, payload, ends_erasure=True)
    return walk.verdict(chain)


def _row_fault(connection: Connection, tally: Tally) -> str | None:
    found = connection.execute(select(table).where(table.c.id == tally.id)).mappings().first()
    try:
        shown = None if found is None else rows.read_session(found)
    except StoreError:
        return "the list of sessions holds no moment where one has to be"
    return None if shown == tally.row() else "the list of sessions says other than its events"
