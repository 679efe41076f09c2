"""The serial ports of this computer: which one a pulser is likely to be at, and why one cannot be used.

A board shows itself as a USB serial port: by the chip's own USB, or by an adapter on the board, which says
nothing of what is behind it. What it really is, only its console tells.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from serial.tools import list_ports

from .names import clean

# `board`: a chip's own USB; `adapter`: a USB serial adapter, as boards have; `virtual`: a virtual board of
# this computer; `other`: anything else, as a built-in port or a telephone.
Kind = Literal["board", "adapter", "virtual", "other"]

PORTS_MAX = 64
_VIRTUAL_MAX = 200

# USB ids: vendor, product (None: any of this vendor's), what it is. From the vendors' own drivers.
_KNOWN: tuple[tuple[int, int | None, Kind, str], ...] = (
    (0x303A, None, "board", "Espressif chip, by its own USB"),
    (0x2886, None, "board", "Seeed Studio board"),
    (0x10C4, 0xEA60, "adapter", "CP210x adapter"),
    (0x10C4, 0xEA70, "adapter", "CP2105 adapter"),
    (0x1A86, 0x7523, "adapter", "CH340 adapter"),
    (0x1A86, 0x7522, "adapter", "CH340 adapter"),
    (0x1A86, 0x55D3, "adapter", "CH343 adapter"),
    (0x1A86, 0x55D4, "adapter", "CH9102 adapter"),
    (0x1A86, None, "adapter", "WCH adapter"),
    (0x0403, None, "adapter", "FTDI adapter"),
    (0x067B, None, "adapter", "Prolific adapter"),
)
_ORDER: dict[Kind, int] = {"board": 0, "adapter": 1, "virtual": 2, "other": 3}


@dataclass(frozen=True, slots=True)
class Port:
    """One serial port. `port`: what to open; `what`: what it is, in words; `usb`: `303a:1001`, if it is USB.

    `problem`: why it cannot be used, with what to do; None: nothing is known to be in the way.
    """

    port: str
    kind: Kind
    what: str
    usb: str | None
    serial_number: str | None
    problem: str | None

    @property
    def is_likely(self) -> bool:
        """Whether a pulser may well be at it."""
        return self.kind != "other"


class _Found(Protocol):
    """What pyserial tells of a port."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None
    description: str | None


def find_ports(data: Path | None = None) -> list[Port]:
    """Give this computer's serial ports, the likeliest first; those of virtual boards in the data folder too.

    Blocks on the system: not for the event loop.
    """
    list_all = cast("Any", list_ports.comports)
    found = [described(one) for one in list(list_all())[:PORTS_MAX]]
    if data is not None:
        found += _virtual_ports(data)
    return sorted(found, key=lambda port: (_ORDER[port.kind], port.port))


def likely_ports(ports: Iterable[Port]) -> list[Port]:
    """Give the ports at which a pulser may be: real ones if there are any, else those of virtual boards."""
    likely = [port for port in ports if port.is_likely]
    return [port for port in likely if port.kind != "virtual"] or likely


def described(found: _Found) -> Port:
    """Give what pyserial found as a port; what the device says of itself is hostile text."""
    kind, what = kind_of(found.vid, found.pid)
    description = clean(found.description or "", 60)
    if kind == "other" and description not in ("", "n/a"):
        what = description
    usb = None if found.vid is None or found.pid is None else f"{found.vid:04x}:{found.pid:04x}"
    serial_number = clean(found.serial_number, 40) if found.serial_number else None
    return Port(found.device, kind, what, usb, serial_number, access_problem(found.device))


def kind_of(vid: int | None, pid: int | None) -> tuple[Kind, str]:
    """Say what a port with these USB ids is likely to be (None: it is no USB port)."""
    for known_vid, known_pid, kind, what in _KNOWN:
        if vid == known_vid and known_pid in (None, pid):
            return kind, what
    return "other", "serial port" if vid is None else "USB serial port"


def _virtual_ports(data: Path) -> list[Port]:
    """Give the consoles of virtual boards under the data folder that are there now."""
    folder = data / "virtual"
    found: list[Port] = []
    for pattern in ("*/console", "*/*/console"):
        for link in sorted(folder.glob(pattern))[:_VIRTUAL_MAX]:
            # A board that has ended may have left its link, which leads nowhere or to another's pty.
            if link.exists():
                where = link.parent.relative_to(folder)
                found.append(
                    Port(
                        str(link), "virtual", f"virtual board {where}", None, None, access_problem(str(link))
                    )
                )
    return found


# -- what is in the way ------------------------------------------------------------------------------------


def access_problem(port: str) -> str | None:
    """Say why this user may not use a port, and what to do; None: it may, or the system does not say.

    Blocks on the system.
    """
    if sys.platform == "win32" or not port.startswith("/"):
        return None
    if os.access(port, os.R_OK | os.W_OK):
        return None
    if not Path(port).exists():
        return f"there is no port {port} any more: is the cable in?"
    return permission_words(port, _group_of(port), _may_join(port))


def permission_words(port: str, group: str | None, is_member_later: bool) -> str:
    """Say how to get the right to use a port that belongs to `group` (None: nobody knows).

    `is_member_later`: the user is in the group already, and this program was started before that.
    """
    if group is None or group == "root":
        return (
            f"you may not use {port}: it is the administrator's alone; ask for the right to read and write it"
        )
    if is_member_later:
        return (
            f"you may not use {port} yet: you are in the group {group} from your next login on; log in again"
        )
    return (
        f"you may not use {port}: it is for the group {group}; run: sudo usermod -a -G {group} $USER, "
        "and log in again"
    )


def _group_of(port: str) -> str | None:
    if sys.platform == "win32":
        return None
    import grp

    with contextlib.suppress(OSError, KeyError):
        return grp.getgrgid(Path(port).stat().st_gid).gr_name
    return None


def _may_join(port: str) -> bool:
    """Whether the user was put into the port's group, and this program does not have it yet."""
    if sys.platform == "win32":
        return False
    import grp
    import pwd

    with contextlib.suppress(OSError, KeyError):
        group = grp.getgrgid(Path(port).stat().st_gid)
        return pwd.getpwuid(os.getuid()).pw_name in group.gr_mem and group.gr_gid not in os.getgroups()
    return False


def opening_words(port: str, error: Exception) -> str:
    """Say why a port could not be opened, and what to do. Blocks on the system."""
    reason = getattr(error, "errno", None)
    text = clean(str(error))
    shown = clean(port)
    if reason == errno.ENOENT or "FileNotFoundError" in text:
        why = "there is no such port; is the cable in, and does it carry data, not power alone?"
    elif reason in (errno.EACCES, errno.EPERM):
        why = access_problem(port) or "this user may not use it"
    elif reason in (errno.EBUSY, errno.EAGAIN) or "lock" in text or "PermissionError" in text:
        why = "another program holds it: close serial monitors, editors and flash tools that use it"
    elif reason in (errno.ENXIO, errno.EIO, errno.ENODEV):
        why = "nothing is behind it; pull the cable and put it in again"
    else:
        why = text
    return f"the port {shown} cannot be opened: {why}"


def choose(ports: Sequence[Port]) -> Port | str:
    """Give the only port at which a pulser may be; else say why there is none to take."""
    likely = likely_ports(ports)
    if len(likely) == 1:
        return likely[0]
    if likely:
        listed = ", ".join(f"{one.port} ({one.what})" for one in likely)
        return f"several ports may have a pulser, so say which: {listed}"
    others = ", ".join(one.port for one in ports)
    return (
        "no serial port looks like a pulser's: put its cable in (one that carries data, not power alone)"
        + (f", or say which of {others}" if others else "")
    )
