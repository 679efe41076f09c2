"""The hash chain: how one event's link follows from the one before it, and what a broken one looks like.

Every event has a header and a payload. The payload is all that may speak of a client: the canonical JSON of
`actor`, `at`, `boot_id`, `data`, `monotonic_us`, `room`, `session` and `type`. The header is the canonical
JSON of `chain`, `entered`, `id`, `payload_sha256`, `prev`, `seq` and `v` (1), where

    payload_sha256 = SHA-256(salt || payload)       salt: 16 random bytes, kept with the payload
    hash           = SHA-256(header)
    prev           = hash of the link before it in the same chain; 64 zeros for the first

Canonical is RFC 8785. Once payload and salt are deleted, nothing in the header tells what the payload was,
not even to one who guesses it; and the chain still holds together.

There is one chain for each session, one for each room's events outside sessions, one for the daemon. `seq` is
the place in it, from 1.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from ..errors import StoreError
from .canonical import canonical
from .entry import Draft, Entry

VERSION = 1
GENESIS = "0" * 64
SALT_BYTES = 16
DAEMON = "daemon"
MEND = (
    "look with `twintap journal verify`, and bring back a backup, or a day's copy from the data folder's "
    "`backups`, with `twintap restore`"
)
_SESSION = "session:"
_PAYLOAD_KEYS = {"actor", "at", "boot_id", "data", "monotonic_us", "room", "session", "type"}


@dataclass(frozen=True, slots=True)
class Link:
    """One event's header and its hash. `entered`: RFC 3339 with microseconds and a zone."""

    id: str
    chain: str
    seq: int
    entered: str
    payload_sha256: str
    prev: str
    hash: str


@dataclass(frozen=True, slots=True)
class Payload:
    """One event's content. `body`: canonical JSON."""

    salt: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends. `seq` 0: it has not begun."""

    seq: int = 0
    hash: str = GENESIS


def chain_of(room: str | None, session: str | None) -> str:
    """Name the chain that an event belongs to."""
    if session is not None:
        return _SESSION + session
    return DAEMON if room is None else f"room:{room}"


def session_of(chain: str) -> str | None:
    """Give the session whose chain it is; None if it is another's."""
    return chain.removeprefix(_SESSION) if chain.startswith(_SESSION) else None


def time_text(moment: datetime) -> str:
    """Write a moment as the chain has it."""
    return moment.isoformat(timespec="microseconds")


def link_hash(link: Link) -> str:
    """Work out what `link.hash` has to be."""
    header = {
        "chain": link.chain,
        "entered": link.entered,
        "id": link.id,
        "payload_sha256": link.payload_sha256,
        "prev": link.prev,
        "seq": link.seq,
        "v": VERSION,
    }
    return hashlib.sha256(canonical(header)).hexdigest()


def payload_hash(payload: Payload) -> str:
    """Work out what `payload_sha256` has to be."""
    return hashlib.sha256(payload.salt + payload.body).hexdigest()


def body_of(
    *,
    type: str,  # noqa: A002 - the event's own word
    data: Mapping[str, object],
    room: str | None,
    session: str | None,
    actor: str,
    at: str,
    monotonic_us: int,
    boot_id: str,
) -> bytes:
    """Give the payload's bytes."""
    return canonical(
        {
            "actor": actor,
            "at": at,
            "boot_id": boot_id,
            "data": data,
            "monotonic_us": monotonic_us,
            "room": room,
            "session": session,
            "type": type,
        }
    )


def forge(draft: Draft, boot_id: str, head: Head) -> tuple[Link, Payload]:
    """Give the link that follows `head`, and its payload under a fresh salt. The draft has been checked."""
    body = body_of(
        type=draft.type,
        data=draft.data,
        room=draft.room,
        session=draft.session,
        actor=draft.actor,
        at=time_text(draft.at),
        monotonic_us=draft.monotonic_us,
        boot_id=boot_id,
    )
    payload = Payload(secrets.token_bytes(SALT_BYTES), body)
    bare = Link(
        id=draft.id,
        chain=chain_of(draft.room, draft.session),
        seq=head.seq + 1,
        entered=time_text(draft.entered),
        payload_sha256=payload_hash(payload),
        prev=head.hash,
        hash="",
    )
    return _hashed(bare), payload


def _hashed(link: Link) -> Link:
    return Link(link.id, link.chain, link.seq, link.entered, link.payload_sha256, link.prev, link_hash(link))


def entry_of(link: Link, payload: Payload | None) -> Entry:
    """Read an event; without its payload it is an erased one. StoreError if it is no event."""
    entered = _moment(link.entered, link)
    if payload is None:
        return Entry(
            id=link.id,
            chain=link.chain,
            seq=link.seq,
            entered=entered,
            payload_sha256=link.payload_sha256,
            prev=link.prev,
            hash=link.hash,
            salt=None,
            type=None,
            data=None,
            room=None,
            session=None,
            actor=None,
            at=None,
            monotonic_us=None,
            boot_id=None,
        )
    content = content_of(payload)
    if content is None:
        raise damaged(link)
    return Entry(
        id=link.id,
        chain=link.chain,
        seq=link.seq,
        entered=entered,
        payload_sha256=link.payload_sha256,
        prev=link.prev,
        hash=link.hash,
        salt=payload.salt.hex(),
        type=content["type"],
        data=content["data"],
        room=content["room"],
        session=content["session"],
        actor=content["actor"],
        at=_moment(content["at"], link),
        monotonic_us=content["monotonic_us"],
        boot_id=content["boot_id"],
    )


def parts_of(entry: Entry) -> tuple[Link, Payload | None]:
    """Give an entry's link and payload again, byte for byte. `Refused` if its data are not JSON's."""
    link = Link(
        id=entry.id,
        chain=entry.chain,
        seq=entry.seq,
        entered=time_text(entry.entered),
        payload_sha256=entry.payload_sha256,
        prev=entry.prev,
        hash=entry.hash,
    )
    if (
        entry.salt is None
        or entry.type is None
        or entry.data is None
        or entry.actor is None
        or entry.at is None
        or entry.monotonic_us is None
        or entry.boot_id is None
    ):
        return link, None
    body = body_of(
        type=entry.type,
        data=entry.data,
        room=entry.room,
        session=entry.session,
        actor=entry.actor,
        at=time_text(entry.at),
        monotonic_us=entry.monotonic_us,
        boot_id=entry.boot_id,
    )
    return link, Payload(bytes.fromhex(entry.salt), body)


def content_of(payload: Payload) -> dict[str, Any] | None:
    """Read a payload; None if it is not one of ours."""
    try:
        found: object = json.loads(payload.body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    content = cast("dict[str, Any]", found)
    whole = (
        set(content) == _PAYLOAD_KEYS
        and isinstance(content["data"], dict)
        and all(isinstance(content[name], str) for name in ("actor", "at", "boot_id", "type"))
        and all(isinstance(content[name], str | None) for name in ("room", "session"))
        and isinstance(content["monotonic_us"], int)
    )
    return content if whole else None


def fault_of(link: Link, payload: Payload | None, before: Head, *, erasable: bool) -> str | None:
    """Say how `link` breaks its chain after `before`; None if it does not.

    `erasable`: a tombstone says that payloads up to here were erased; else one that is missing was deleted.
    """
    if link.seq != before.seq + 1:
        gap = link.seq - before.seq - 1
        return f"{gap} before it missing" if gap > 0 else "its place was given twice"
    if not _same(link.prev, before.hash):
        return "it does not follow the one before it: one of them was changed, moved or put in"
    if not _same(link.hash, link_hash(link)):
        return "its header was changed"
    if payload is None:
        return None if erasable else "its payload is missing, and no erasure names it"
    if not _same(link.payload_sha256, payload_hash(payload)):
        return "its payload was changed"
    content = content_of(payload)
    if content is None or chain_of(content["room"], content["session"]) != link.chain:
        return "its payload belongs to another chain"
    return None


def _same(one: str, two: str) -> bool:
    # What stands on the disk may hold anything; only ASCII can be compared in constant time.
    return hmac.compare_digest(one.encode("utf-8", "replace"), two.encode("utf-8", "replace"))


_MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?([+-]\d\d:\d\d(:\d\d)?|Z)$")


def _moment(text: str, link: Link) -> datetime:
    try:
        moment = datetime.fromisoformat(text) if _MOMENT.match(text) else None
    except ValueError:
        moment = None
    if moment is None:
        raise damaged(link)
    return moment


def damaged(link: Link) -> StoreError:
    """Say that what lies at `link` is no event."""
    return StoreError(f"the journal is damaged at {link.chain}, event {link.seq}; {MEND}")
