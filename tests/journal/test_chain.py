"""The chain: what is changed, taken out, put in or swapped in it is found, and where."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.journal.rig import draft
from twintap.journal.chain import (
    GENESIS,
    Head,
    Link,
    Payload,
    chain_of,
    entry_of,
    fault_of,
    forge,
    link_hash,
    parts_of,
    payload_hash,
    session_of,
)
from twintap.journal.checking import checked_draft
from twintap.journal.ids import new_id
from twintap.journal.proving import ChainVerdict, Walk

Events = list[tuple[Link, Payload | None]]


def chain(count: int, session: str | None = None) -> Events:
    events: Events = []
    head = Head()
    for number in range(count):
        one = checked_draft(draft("note.added", {"text": f"word {number}"}, session=session))
        link, payload = forge(one, "boot", head)
        events.append((link, payload))
        head = Head(link.seq, link.hash)
    return events


def walk(events: Events) -> ChainVerdict:
    """As a proof walks a chain of which nothing was erased."""
    walked = Walk()
    for link, payload in events:
        walked.step(link, payload, ends_erasure=False)
    walked.end()
    return walked.verdict("room:blue")


def rehashed(link: Link, **changes: Any) -> Link:
    bare = dataclasses.replace(link, **changes)
    return dataclasses.replace(bare, hash=link_hash(bare))


def test_an_event_is_in_the_chain_of_its_session_else_of_its_room_else_of_the_daemon() -> None:
    session = new_id()
    assert chain_of("blue", session) == f"session:{session}"
    assert chain_of("blue", None) == "room:blue"
    assert chain_of(None, None) == "daemon"
    assert session_of(chain_of("blue", session)) == session
    assert session_of("room:session:x") is None


def test_the_hash_of_a_known_event_never_changes() -> None:
    link = Link(
        id="01a202e3-375b-737e-b209-d72eae540007",
        chain="room:blau",
        seq=1,
        entered="2026-03-01T12:00:00.000000+01:00",
        payload_sha256=payload_hash(Payload(bytes(16), b'{"a":1}')),
        prev=GENESIS,
        hash="",
    )
    assert link.payload_sha256 == "c5961791f82c7a925cef5b9fb7af1e2b205b05ab33c26b1ddabac8b2ff90930d"
    assert link_hash(link) == "d6bfe2805d83bf12de2f9dc4a79fc4bf9bc137c7171d41fab204a0860b0aae7a"


@given(st.integers(1, 12))
def test_a_chain_as_it_was_written_holds_together(count: int) -> None:
    events = chain(count)
    verdict = walk(events)
    assert (verdict.state, verdict.events, verdict.head) == ("intact", count, events[-1][0].hash)


def test_the_same_event_twice_has_two_hashes() -> None:
    one = checked_draft(draft("note.added", {"text": "x"}))
    assert forge(one, "boot", Head())[0].payload_sha256 != forge(one, "boot", Head())[0].payload_sha256


def test_an_entry_gives_its_link_and_payload_again_byte_for_byte() -> None:
    at = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    one = checked_draft(draft("rating.sud", {"value": 4}, session=new_id(), at=at))
    link, payload = forge(one, "boot", Head())
    entry = entry_of(link, payload)
    assert (entry.type, entry.data, entry.at, entry.actor) == ("rating.sud", {"value": 4}, at, "tablet")
    assert parts_of(entry) == (link, payload)
    erased = entry_of(link, None)
    assert (erased.type, erased.data, erased.salt, erased.hash) == (None, None, None, link.hash)
    assert parts_of(erased) == (link, None)


CHANGES: dict[str, Callable[[Events, int], object]] = {
    "a payload's byte": lambda events, at: events.__setitem__(
        at,
        (
            events[at][0],
            Payload(_payload(events, at).salt, _payload(events, at).body.replace(b"word", b"Word")),
        ),
    ),
    "its salt": lambda events, at: events.__setitem__(
        at, (events[at][0], Payload(bytes(16), _payload(events, at).body))
    ),
    "the payload and its hash": lambda events, at: events.__setitem__(at, _with_payload(events, at)),
    "a header's time": lambda events, at: events.__setitem__(
        at, (dataclasses.replace(events[at][0], entered="2026-01-01T00:00:00+00:00"), events[at][1])
    ),
    "a header's id": lambda events, at: events.__setitem__(
        at, (dataclasses.replace(events[at][0], id=new_id()), events[at][1])
    ),
    "a hash": lambda events, at: events.__setitem__(
        at, (dataclasses.replace(events[at][0], hash="0" * 64), events[at][1])
    ),
    "a missing link": lambda events, at: events.pop(at),
    "a missing payload": lambda events, at: events.__setitem__(at, (events[at][0], None)),
    "a doubled link": lambda events, at: events.insert(at, events[at]),
    "swapped places": lambda events, at: events.__setitem__(slice(at, at + 2), events[at : at + 2][::-1]),
    "another's payload": lambda events, at: events.__setitem__(at, _moved(events, at)),
}


def _payload(events: Events, at: int) -> Payload:
    payload = events[at][1]
    assert payload is not None
    return payload


def _with_payload(events: Events, at: int) -> tuple[Link, Payload]:
    """What somebody does who knows the format: the payload, its hash and the link's hash all fit."""
    changed = Payload(_payload(events, at).salt, _payload(events, at).body.replace(b"word", b"Word"))
    return rehashed(events[at][0], payload_sha256=payload_hash(changed)), changed


def _moved(events: Events, at: int) -> tuple[Link, Payload]:
    other = checked_draft(draft("note.added", {"text": "x"}, room="green"))
    link, payload = forge(other, "boot", Head(at, events[at][0].prev))
    return rehashed(link, chain="room:blue"), payload


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@given(data=st.data())
def test_each_change_of_a_chain_breaks_it_where_it_was_made(
    change: Callable[[Events, int], object], data: st.DataObject
) -> None:
    events = chain(6)
    at = data.draw(st.integers(0, 4))
    change(events, at)
    verdict = walk(events)
    assert verdict.state == "broken"
    assert verdict.how
    # A link that fits in itself is found by the one that follows it; one that is missing, by the gap.
    assert verdict.at_seq in (at + 1, at + 2)


def test_a_link_says_how_it_breaks_its_chain() -> None:
    [first, second, third] = chain(3)
    head = Head(first[0].seq, first[0].hash)
    assert fault_of(*second, head, erasable=False) is None
    assert fault_of(*third, head, erasable=False) == "1 before it missing"
    assert fault_of(*first, head, erasable=False) == "its place was given twice"
    assert "missing" in (fault_of(second[0], None, head, erasable=False) or "")
    assert fault_of(second[0], None, head, erasable=True) is None
    garbage = Payload(bytes(16), b"\xff\x00")
    named = rehashed(second[0], payload_sha256=payload_hash(garbage))
    assert "another chain" in (fault_of(named, garbage, head, erasable=False) or "")
