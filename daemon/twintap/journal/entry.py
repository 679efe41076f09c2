"""One event of the journal: as it is handed in, and as it lies there."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .ids import new_id

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Draft:
    """An event to be kept.

    `type`: a key of `EVENT_TYPES`; `data`: JSON values that its model accepts. `room`: None for the daemon's
    own. `session`: the visit's id, or None outside visits. `actor`: a token's label, `button`, `lease` or
    `system`. `at`: when it happened; `entered`: when the daemon was told; both with a zone. `monotonic_us`:
    the daemon's clock when it happened, in the boot that the journal names.
    """

    type: str
    data: Mapping[str, object]
    room: str | None
    session: str | None
    actor: str
    at: datetime
    entered: datetime
    monotonic_us: int
    id: str = field(default_factory=new_id)


def own_draft(type: str, data: Mapping[str, object], actor: str = SYSTEM) -> Draft:  # noqa: A002
    """Make an event of the daemon's own, of now."""
    now = datetime.now(UTC).astimezone()
    return Draft(type, data, None, None, actor, now, now, time.monotonic_ns() // 1_000)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as it lies in the journal.

    `chain`: `session:ID`, `room:NAME` or `daemon`; `seq`: its place there, from 1. `prev`, `hash`: hex of
    SHA-256, the chain's links; `salt`: hex of 16 bytes. `boot_id`: of the boot whose clock `monotonic_us` is.
    An erased one has no draft's fields any more: `type`, `data` and the rest of its payload are None.
    """

    id: str
    chain: str
    seq: int
    entered: datetime
    payload_sha256: str
    prev: str
    hash: str
    salt: str | None
    type: str | None
    data: Mapping[str, object] | None
    room: str | None
    session: str | None
    actor: str | None
    at: datetime | None
    monotonic_us: int | None
    boot_id: str | None
