"""What a person wants of a pairing, and the daemon as pairing sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..paired import Pairing
from ..views import Side

DEFAULT_CEILING_PCT = 60


@dataclass(frozen=True, slots=True)
class Wifi:
    """The network that a pulser shall join. `ssid`: 1..32 bytes; `password`: empty for an open network."""

    ssid: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for. `name` None: the pulser's own; `wifi` None: the networks that it keeps.

    `replace`: the id of a paired pulser whose place this one takes; room and side are that one's then.
    """

    room: str
    side: Side
    ceiling_pct: int = DEFAULT_CEILING_PCT
    name: str | None = None
    wifi: Wifi | None = None
    replace: bytes | None = None


@dataclass(frozen=True, slots=True)
class Where:
    """What a pulser has to know of its daemon."""

    daemon_id: str
    addresses: tuple[tuple[str, int], ...]

    @property
    def port(self) -> int:
        """The UDP port that pulsers speak to; 0 if there is none."""
        return self.addresses[0][1] if self.addresses else 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a paired pulser works, for the one that takes its place."""

    room: str
    side: Side
    name: str
    ceiling_pct: int


@dataclass(frozen=True, slots=True)
class Road:
    """What the daemon hears of a pulser. `is_announced`: its mDNS announcement came, lately."""

    is_linked: bool
    is_announced: bool


class Registrar(Protocol):
    """The daemon, as pairing needs it: over HTTP, or in the same process."""

    async def where(self) -> Where:
        """Say what the pulser is to be told."""
        ...

    async def add(self, pairing: Pairing, replace: bytes | None = None) -> str:
        """Keep the pairing, in the place of `replace` if that is given; give the room's colour (`#rrggbb`).

        `Refused` leaves all as it was.
        """
        ...

    async def undo(self, pulser_id: bytes) -> None:
        """Put back what was before `add`; the one that was replaced, too."""
        ...

    async def is_linked(self, pulser_id: bytes) -> bool:
        """Say whether the pulser is linked."""
        ...

    async def road(self, pulser_id: bytes) -> Road:
        """Say what is heard of the pulser."""
        ...

    async def places(self) -> Mapping[bytes, Place]:
        """Say where every paired pulser works, by its id."""
        ...
