"""The exchange: daemon and pulser come to share a key, both or neither.

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
from typing import Any

from twintap_protocol import frames

from ..console import Console, ConsoleRefused
from ..errors import ConsoleError
from ..names import clean
from ..paired import Pairing
from ..unbroken import to_its_end
from .networks import keep_network
from .steps import Steps
from .wanted import Registrar, Wanted, Where

ADDRESSES_MAX = 4  # as many as a pulser keeps
_ROOM_BYTES_MAX = 64  # on the pulser a room's name is for people to read; the daemon's is the one that counts
_LINK_WITHIN_S = 15.0
_LINK_POLL_S = 0.2


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


def check_reachable(info: Mapping[str, Any], where: Where) -> None:
    """Raise `ConsoleError` if the daemon serves loopback alone and the pulser is none of this computer's."""
    is_here = str(info.get("address")).startswith("127.")  # a virtual board on this computer
    if not is_here and all(host.startswith("127.") for host, _ in where.addresses):
        raise ConsoleError(
            "the daemon serves this computer alone, where no real pulser reaches it: "
            "serve with --host 0.0.0.0, then pair again"
        )


async def pair(console: Console, registrar: Registrar, wanted: Wanted) -> bytes:
    """Pair the pulser at `console`, without a look whether it links; give its id.

    `ConsoleError` or `Refused`: nothing is left half done.
    """
    info = await console.ready()
    pulser_id_in(info, console.port)
    where = await registrar.where()
    check_reachable(info, where)
    if wanted.wifi is not None:
        # Before the pairing: a network that the pulser refuses must not cost it the daemon it has.
        await keep_network(console, wanted.wifi)
    return await exchange(console, registrar, wanted, info, where)


async def exchange(
    console: Console,
    registrar: Registrar,
    wanted: Wanted,
    info: Mapping[str, Any],
    where: Where,
    steps: Steps | None = None,
) -> bytes:
    """Give one new key to both; give the pulser's id. `info` is what the pulser just said of itself.

    `steps` hears of "daemon" and "key". `ConsoleError` or `Refused`: both are as they were, as the module's
    text says. Cancelled, it goes on to its end, which is some seconds away, and is cancelled then.
    """
    pulser_id = pulser_id_in(info, console.port)
    pairing = Pairing(
        pulser_id=pulser_id,
        key=os.urandom(16),
        room=wanted.room,
        side=wanted.side,
        name=wanted.name or _name(info, wanted),
        ceiling_pct=wanted.ceiling_pct,
    )
    replace = wanted.replace if wanted.replace != pulser_id else None
    await to_its_end(_exchange(console, registrar, pairing, replace, where, steps or Steps()))
    return pulser_id


async def _exchange(
    console: Console,
    registrar: Registrar,
    pairing: Pairing,
    replace: bytes | None,
    where: Where,
    steps: Steps,
) -> None:
    steps.begin("daemon")
    colour = await registrar.add(pairing, replace) if replace is not None else await registrar.add(pairing)
    steps.end("daemon", f"the {pairing.side} one of {pairing.room}, as {pairing.name}")
    steps.begin("key")
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
        await registrar.undo(pairing.pulser_id)
        raise
    except ConsoleError as error:
        await registrar.undo(pairing.pulser_id)
        raise ConsoleError(
            f"{error}; it may hold a key that no daemon knows: run the same command again"
        ) from error
    steps.end("key", "both have the same key")


async def linked(registrar: Registrar, pulser_id: bytes, within_s: float | None = None) -> bool:
    """Wait until the daemon reports the pulser linked; False if it does not in time."""
    try:
        async with asyncio.timeout(_LINK_WITHIN_S if within_s is None else within_s):
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
