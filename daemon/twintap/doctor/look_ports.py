"""Looks at the serial ports, and asks what is at one of them."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from serial.tools import list_ports

from ..bundled import firmware_version
from ..console import open_console
from ..errors import ConsoleError
from ..names import clean
from .facts import Console, SerialPort

_PORTS_MAX = 32
# A board that the opening of its port has reset boots first.
_ANSWER_WITHIN_S = 8.0
# USB's vendor numbers of the chips that sit between a cable and an ESP32, or are one.
_MAKERS: Mapping[int, str] = {
    0x303A: "an ESP32's own USB",
    0x10C4: "a CP210x serial adapter, as on many ESP32 boards",
    0x1A86: "a CH34x serial adapter, as on many ESP32 boards",
    0x0403: "an FTDI serial adapter, as on some ESP32 boards",
}


class _Found(Protocol):
    """What the library knows of a port; it has no types of its own."""

    device: str
    description: str | None
    vid: int | None


def serial_ports(asked: str | None = None) -> list[SerialPort]:
    """List the serial ports; `asked`: one more, if the system does not list it. Blocks."""
    listed = cast("list[_Found]", list_ports.comports())
    found = [
        _port(one.device, _MAKERS.get(one.vid or 0) or clean(one.description or "a serial port", 60), one.vid)
        for one in sorted(listed, key=lambda one: one.device)[:_PORTS_MAX]
    ]
    if asked is not None and all(one.name != asked for one in found) and Path(asked).exists():
        found.append(_port(asked, "a serial port", None))
    return found


def _port(name: str, what: str, vid: int | None) -> SerialPort:
    group, in_group = _group_of(name)
    may_open = os.name != "posix" or os.access(name, os.R_OK | os.W_OK)
    return SerialPort(clean(name), what, vid in _MAKERS, may_open, group, in_group)


def _group_of(name: str) -> tuple[str | None, bool]:
    """Give the group that may open a device, and whether this user is in it, or will be at the next login."""
    if sys.platform == "win32":
        return None, False
    import grp
    import pwd

    try:
        found = os.stat(name)
        group = grp.getgrgid(found.st_gid)
        user = pwd.getpwuid(os.getuid())
    except (OSError, KeyError):
        return None, False
    if not found.st_mode & 0o060:
        return None, False
    return clean(group.gr_name, 40), user.pw_name in group.gr_mem or user.pw_gid == group.gr_gid


async def console(port: str, our_daemon_id: str | None) -> Console:
    """Ask what is at a port."""
    try:
        async with open_console(port) as opened:
            info = await opened.ready(_ANSWER_WITHIN_S)
    except ConsoleError as error:
        return Console(port, str(error))
    return read_info(port, info, our_daemon_id)


def read_info(port: str, info: Mapping[str, Any], our_daemon_id: str | None) -> Console:
    """Read a pulser's `info`, which is a stranger's text until then: what is of another type is not there."""
    bundled = firmware_version()
    return Console(
        port,
        None,
        firmware=_text(info, "firmware"),
        protocol=_text(info, "protocol"),
        board=_text(info, "board"),
        is_safe_mode=info.get("safe_mode") is True,
        last_error=_text(info, "last_error") or _text(info, "error"),
        crashes=_number(info, "crashes"),
        is_damaged=info.get("settings_damaged") is True,
        daemon_id=_text(info, "daemon_id"),
        network=_text(info, "network"),
        ssid=_text(info, "ssid"),
        rssi_dbm=_number(info, "rssi_dbm"),
        is_linked=info["linked"] if isinstance(info.get("linked"), bool) else None,
        battery=_text(info, "battery"),
        bundled=None if bundled is None else ".".join(str(part) for part in bundled),
        our_daemon_id=our_daemon_id,
    )


def _text(info: Mapping[str, Any], name: str) -> str | None:
    value = info.get(name)
    return clean(value, 80) if isinstance(value, str) and value else None


def _number(info: Mapping[str, Any], name: str) -> int | None:
    value = info.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**6 else None
