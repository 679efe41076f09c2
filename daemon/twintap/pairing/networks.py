"""The Wi-Fi networks that a pulser sees and keeps, by its console. What it says is hostile text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ..console import Console
from ..errors import ConsoleError
from ..names import clean
from ..wifi import password_fault, ssid_fault
from .wanted import Wifi

NETWORKS_MAX = 3  # as many as a pulser keeps
SEEN_MAX = 32

# A chip looks at thirteen channels for about a fifth of a second each, and may be asked twice.
_SCAN_WITHIN_S = 12.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One network that a pulser sees: the strongest of its name. `rssi_dbm`: −127..0; `channel`: 1..14."""

    ssid: str
    rssi_dbm: int
    channel: int
    is_secure: bool


def read_seen(result: Mapping[str, Any]) -> tuple[Seen, ...]:
    """Give the networks in the answer to `scan`, the strongest first, each name once.

    What is no network is left out. A hidden network has no name and is left out too.
    """
    listed = result.get("networks")
    found: dict[str, Seen] = {}
    for one in cast("list[object]", listed)[: 4 * SEEN_MAX] if isinstance(listed, list) else ():
        seen = _read_one(one)
        if seen is not None and (seen.ssid not in found or found[seen.ssid].rssi_dbm < seen.rssi_dbm):
            found[seen.ssid] = seen
    return tuple(sorted(found.values(), key=lambda seen: -seen.rssi_dbm)[:SEEN_MAX])


def _read_one(one: object) -> Seen | None:
    if not isinstance(one, dict):
        return None
    parts = cast("dict[str, object]", one)
    ssid, rssi_dbm, channel = parts.get("ssid"), parts.get("rssi_dbm"), parts.get("channel", 0)
    is_secure = parts.get("secure", parts.get("is_secure", True))
    if not isinstance(ssid, str) or ssid_fault(ssid) is not None:
        return None
    if not isinstance(rssi_dbm, int) or isinstance(rssi_dbm, bool) or not -127 <= rssi_dbm <= 0:
        return None
    if not isinstance(channel, int) or isinstance(channel, bool) or not 0 <= channel <= 14:
        return None
    return Seen(ssid, rssi_dbm, channel, is_secure is not False)


def kept_in(info: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the names of the networks that a pulser keeps, as its `info` tells them, the first tried first."""
    listed = info.get("networks")
    if isinstance(listed, list):
        names = [clean(one, 64) for one in cast("list[object]", listed)[:8] if isinstance(one, str) and one]
        return tuple(names)
    # A pulser of before three networks names its one as `ssid`.
    ssid = info.get("ssid")
    return (clean(ssid, 64),) if isinstance(ssid, str) and ssid else ()


async def scan(console: Console) -> tuple[Seen, ...]:
    """Have the pulser look for networks, for some seconds. `ConsoleRefused` in a set; `ConsoleError`."""
    return read_seen(await console.call("scan", within_s=_SCAN_WITHIN_S))


async def keep_network(console: Console, wifi: Wifi) -> None:
    """Have the pulser keep a network: it becomes the first it tries; of more than three the oldest goes.

    Raises `ConsoleError` for a name or password that no network has, before anything is sent, and as
    `Console.call` does. No message holds the password.
    """
    fault = ssid_fault(wifi.ssid) or password_fault(wifi.password)
    if fault is not None:
        raise ConsoleError(fault)
    await console.call("wifi", {"ssid": wifi.ssid, "password": wifi.password})


async def forget_network(console: Console, ssid: str) -> None:
    """Have the pulser forget a network. `ConsoleRefused` if it keeps none of that name."""
    await console.call("wifi_forget", {"ssid": ssid})
