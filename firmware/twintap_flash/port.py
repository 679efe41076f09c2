"""The serial port itself: whether it can be opened, and if not, why and what to do."""

import errno
import os
import sys
from pathlib import Path

import serial
from serial.tools import list_ports

from .errors import CableLost, FlashError


def _port_faults() -> tuple[type[Exception], ...]:
    if sys.platform == "win32":
        return (OSError,)
    import termios

    return OSError, termios.error


# What pyserial lets through when a port goes away in the middle of a call; its own error is an OSError.
PORT_FAULTS = _port_faults()

_BUSY = (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK)


def check_port(port: str) -> None:
    """Open the port and close it again; FlashError `port` says in words why that cannot be done."""
    try:
        serial.Serial(port, exclusive=True).close()
    except PORT_FAULTS as error:
        raise explained(port, error) from error
    except ValueError as error:
        raise FlashError("port", f"{port!r} is not a serial port's name") from error


def explained(port: str, fault: Exception) -> FlashError:
    """Give the words for a port that could not be opened with `fault`."""
    number = getattr(fault, "errno", None)
    said = str(fault)
    if number == errno.ENOENT or "FileNotFoundError" in said:
        return FlashError("port", f"there is no port {port}; {_ports_here()}")
    if sys.platform == "win32" and "PermissionError" in said:
        return _busy(port)
    if number in (errno.EACCES, errno.EPERM):
        return FlashError("port", f"this account may not open {port}; {_rights(port)}")
    if number in _BUSY:
        return _busy(port)
    if number in (errno.ENXIO, errno.EIO, errno.ENODEV):
        return CableLost(port)
    return FlashError("port", f"{port} is not a serial port that can be opened ({said})")


def _busy(port: str) -> FlashError:
    return FlashError(
        "port",
        f"another program has {port} open (a serial monitor, a pairing, another flash); close it first",
    )


def _rights(port: str) -> str:
    if sys.platform != "linux":
        return "its permissions forbid it"
    group = _group(port) or "dialout"
    return (
        f"it belongs to the group {group}: `sudo usermod -a -G {group} $USER`, then log out and in again, "
        "and run this command once more"
    )


def _group(port: str) -> str | None:
    if sys.platform == "win32":
        return None
    import grp

    try:
        name = grp.getgrgid(Path(port).stat().st_gid).gr_name
    except (OSError, KeyError):
        return None
    # Adding oneself to root's group is no advice.
    return None if name == "root" or os.environ.get("USER") == name else name


def _ports_here() -> str:
    ports = sorted(found.device for found in list_ports.comports())
    if not ports:
        return "no serial port is there: is the cable a data cable? If a pulser sleeps, press its button"
    return f"there is: {', '.join(ports)}. A pulser that sleeps may have none until its button is pressed"
