"""Looks at the serial ports, and asks what is at one of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..bundled import firmware_version
from ..console import open_console
from ..errors import ConsoleError
from ..names import clean
from ..ports import Port, access_problem, find_ports
from .facts import Console

# A board that the opening of its port has reset boots first.
_ANSWER_WITHIN_S = 8.0


def serial_ports(data: Path, asked: str | None = None) -> list[Port]:
    """List the serial ports, of virtual boards of `data` too; `asked`: one more, if it is there. Blocks."""
    found = find_ports(data)
    if asked is not None and all(one.port != asked for one in found) and Path(asked).exists():
        found.append(Port(asked, "other", "a port", None, None, access_problem(asked)))
    return found


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
        last_error=_last_line(info.get("last_error")),
        crashes=_number(info, "crashes"),
        boot_cause=_text(info, "boot_cause"),
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


def _last_line(value: object) -> str | None:
    """Give a trace's last line, which says what was raised."""
    lines = value.strip().splitlines() if isinstance(value, str) else []
    return clean(lines[-1].strip(), 80) if lines else None


def _number(info: Mapping[str, Any], name: str) -> int | None:
    value = info.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**6 else None
