"""Pairing: a pulser and this daemon come to share a key, over the pulser's cable.

The order is: the daemon first, the pulser second. The daemon is the one that can say no for a reason that a
person has to settle (the side is taken), and what it has done can be taken back exactly. The pulser's `pair`
is then the last step that can fail, and it is one atomic write: before it the pulser is as it was, after it
both have the key. If that step fails the daemon is put back as it was, an older pairing of the same pulser
included. If the cable goes in that very moment, nobody can know whether the pulser took the key; the daemon
is put back, and the person is told to run the command again: a new pairing replaces whatever the pulser has.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from twintap_protocol import frames

from .console import Console, ConsoleRefused
from .errors import ConsoleError
from .names import clean
from .store import Pairing
from .views import Side

ADDRESSES_MAX = 4  # as many as a pulser keeps
_ROOM_BYTES_MAX = 64  # on the pulser a room's name is for people to read; the daemon's is the one that counts
_LINK_WITHIN_S = 15.0
_LINK_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Wifi:
    """The network that a pulser shall join."""

    ssid: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for."""

    room: str
    side: Side
    ceiling_pct: int = 60
    name: str | None = None
    wifi: Wifi | None = None


@dataclass(frozen=True, slots=True)
class Where:
    """What a pulser has to know of its daemon."""

    daemon_id: str
    addresses: tuple[tuple[str, int], ...]


class Registrar(Protocol):
    """The daemon, as pairing needs it: over HTTP, or in the same process."""

    async def where(self) -> Where:
        """Say what the pulser is to be told."""
        ...

    async def add(self, pairing: Pairing) -> str:
        """Keep the pairing and give the room's colour (`#rrggbb`); `Refused` leaves all as it was."""
        ...

    async def undo(self, pulser_id: bytes) -> None:
        """Put back what was before `add`."""
        ...

    async def is_linked(self, pulser_id: bytes) -> bool:
        """Say whether the pulser is linked."""
        ...


def pulser_id_in(info: Mapping[str, Any], port: str) -> bytes:
    """Give the id in a pulser's `info`; ConsoleError if there is none."""
    try:
        pulser_id = bytes.fromhex(str(info["id"]))
    except (KeyError, ValueError):
        pulser_id = b""
    if len(pulser_id) != frames.ID_LEN:
        raise ConsoleError(
            f"what answers at {port} is not a pulser, or its firmware is too old: it has no id of"
            f" {frames.ID_LEN} bytes"
        )
    return pulser_id


async def pair(console: Console, registrar: Registrar, wanted: Wanted) -> bytes:
    """Pair the pulser at `console`; give its id. `ConsoleError` or `Refused`: nothing is left half done."""
    info = await console.ready()
    pulser_id = pulser_id_in(info, console.port)
    where = await registrar.where()
    is_here = str(info.get("address")).startswith("127.")  # a virtual board on this computer
    if not is_here and all(host.startswith("127.") for host, _ in where.addresses):
        raise ConsoleError(
            "the daemon serves this computer alone, where no real pulser reaches it: "
            "serve with --host 0.0.0.0, then pair again"
        )
    if wanted.wifi is not None:
        # Before the pairing: a network that the pulser refuses must not cost it the daemon it has.
        await console.call("wifi", {"ssid": wanted.wifi.ssid, "password": wanted.wifi.password})
    pairing = Pairing(
        pulser_id=pulser_id,
        key=os.urandom(16),
        room=wanted.room,
        side=wanted.side,
        name=wanted.name or _name(info, wanted),
        ceiling_pct=wanted.ceiling_pct,
    )
    colour = await registrar.add(pairing)
    told = {
        "key": pairing.key.hex(),
        "daemon_id": where.daemon_id,
        "side": pairing.side,
        "room": _cut(pairing.room, _ROOM_BYTES_MAX),
        "colour": list(bytes.fromhex(colour.removeprefix("#"))),
        "ceiling_pct": int(pairing.ceiling_pct),
        "addresses": [list(address) for address in where.addresses[:ADDRESSES_MAX]],
    }
    try:
        await console.call("pair", told)
    except ConsoleRefused:
        await registrar.undo(pulser_id)
        raise
    except (ConsoleError, asyncio.CancelledError) as error:
        await registrar.undo(pulser_id)
        if isinstance(error, ConsoleError):
            raise ConsoleError(
                f"{error}; it may hold a key that no daemon knows: run the same command again"
            ) from error
        raise
    return pulser_id


async def linked(registrar: Registrar, pulser_id: bytes, within_s: float = _LINK_WITHIN_S) -> bool:
    """Wait until the daemon reports the pulser linked; False if it does not in time."""
    try:
        async with asyncio.timeout(within_s):
            # A daemon is asked over HTTP: there is no event here to wait for.
            while not await registrar.is_linked(pulser_id):  # noqa: ASYNC110
                await asyncio.sleep(_LINK_POLL_S)
    except TimeoutError:
        return False
    return True


def _cut(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")


def _name(info: Mapping[str, Any], wanted: Wanted) -> str:
    found = info.get("name")
    name = clean(found, 38).strip() if isinstance(found, str) else ""
    return name or f"{wanted.room} {wanted.side}"[:40]
