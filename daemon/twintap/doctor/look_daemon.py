"""Asks the daemon about itself and its pulsers, as another program of this computer."""

import asyncio
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from .. import __version__, addresses
from ..client import DEFAULT_URL, Client, Unreachable
from ..errors import Refused
from ..names import clean
from .facts import Daemon, PulserSeen

_USUAL_PORT = 8700


@dataclass(frozen=True, slots=True)
class House:
    """A daemon and its pulsers. `pulsers` None: nobody could say. `port`: its own, or the usual one.

    `seen_from`: the addresses, of other machines, from which pulsers are linked now.
    """

    daemon: Daemon
    port: int
    pulsers: tuple[PulserSeen, ...] | None = None
    seen_from: tuple[str, ...] = ()


async def from_outside(data: Path) -> House:
    """Ask the daemon that the command line would reach, as `client.Client` finds it."""
    url = (os.environ.get("TWINTAP_URL") or DEFAULT_URL).rstrip("/")
    try:
        async with Client(data=data) as client:
            told = cast("dict[str, Any]", await client.ask("GET", "/daemon"))
            trust = cast("dict[str, Any]", await client.ask("GET", "/trust"))
            listed = cast("dict[str, Any]", await client.ask("GET", "/pulsers"))
            own = await asyncio.to_thread(addresses.own_addresses)
            is_here = await asyncio.to_thread(addresses.is_own, client.host, own)
    except (Unreachable, Refused) as error:
        is_locked = await asyncio.to_thread(is_in_use, data)
        daemon = Daemon(clean(url), str(error), is_locked, __version__)
        return House(daemon, _port_of(url))
    hosts = [str(one["host"]) for one in told["addresses"]]
    daemon = Daemon(
        url,
        None,
        True,
        __version__,
        version=clean(str(told["version"]), 40),
        host=clean(str(told["host"]), 40),
        port=int(told["port"]),
        # Another computer's loopback is not ours.
        addresses=tuple(host for host in hosts if is_here or not addresses.is_loopback(host)),
        is_tls=trust["tls"] is True,
        daemon_id=clean(str(told["daemon_id"]), 16),
    )
    pulsers = cast("list[dict[str, Any]]", listed["pulsers"])
    return House(daemon, int(told["port"]), tuple(map(seen, pulsers)), outside(pulsers, own))


def seen(one: Mapping[str, Any]) -> PulserSeen:
    """Read a pulser as the daemon shows it."""
    firmware, rssi_dbm = one["firmware"], one.get("rssi_dbm")
    return PulserSeen(
        name=clean(str(one["name"]), 40),
        room=clean(str(one["room"]), 40),
        side=clean(str(one["side"]), 10),
        link=clean(str(one["link"]), 10),
        firmware=None if firmware is None else clean(str(firmware), 40),
        is_old=one.get("firmware_is_old") is True,
        power=clean(str(one.get("power", "awake")), 10),
        battery=clean(str(one.get("battery", "unknown")), 10),
        rssi_dbm=rssi_dbm if isinstance(rssi_dbm, int) and rssi_dbm < 0 else None,
        boot_cause=clean(str(one.get("boot_cause")), 20),
    )


def outside(pulsers: Iterable[Mapping[str, Any]], own: Iterable[str]) -> tuple[str, ...]:
    """Give the addresses of linked pulsers that are on other machines than this one."""
    mine = set(own)
    found: list[str] = []
    for one in pulsers:
        host = str(one["address"] or "").partition(":")[0]
        if one["link"] == "linked" and host and host not in mine and not addresses.is_loopback(host):
            found.append(clean(host, 40))
    return tuple(sorted(set(found)))


def _port_of(url: str) -> int:
    try:
        return urlsplit(url).port or _USUAL_PORT
    except ValueError:
        return _USUAL_PORT


def is_in_use(data: Path) -> bool:
    """Whether a daemon has the data folder open; nothing is made, and nothing is kept. Blocks."""
    try:
        fd = os.open(data / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
            msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
