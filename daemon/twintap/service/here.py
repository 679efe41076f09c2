"""The plan for this computer, or for one like it on another platform."""

import os
import sys
from importlib.resources import files
from pathlib import Path
from typing import cast

from ..errors import StartupError
from . import linux, macos, windows
from .plan import Plan, System, Wanted

SYSTEMS: tuple[System, ...] = ("linux", "macos", "windows")


def this_system() -> System:
    """Name this platform. StartupError if it is none that has such services."""
    named = {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform)
    if named is None:
        raise StartupError(
            f"{sys.platform} has no services that are known here; start `twintap serve` by hand"
        )
    return cast("System", named)


def wanted_here(data: Path, *, host: str, port: int, tls: bool, system: System | None = None) -> Wanted:
    """Say what is to start: this interpreter over `data`, for this user. StartupError if that cannot be told.

    `system`: as if this were that platform, for a look at what would be written.
    """
    chosen, home = system or this_system(), str(Path.home())
    if not sys.executable:
        raise StartupError("this Python does not know where it is; install twintap into a usual one")
    config, shared = _homes(chosen, home)
    return Wanted(
        chosen,
        python=_windowless(sys.executable) if chosen == "windows" else sys.executable,
        data=str(data.absolute()),
        host=host,
        port=port,
        tls=tls,
        home=home,
        config_home=config,
        data_home=shared,
        user=_user(chosen),
        uid=os.getuid() if sys.platform != "win32" else 0,
    )


def _homes(system: System, home: str) -> tuple[str, str]:
    """Give where this user's settings are, and where their applications are."""
    if system == "linux":
        config, shared = os.environ.get("XDG_CONFIG_HOME", ""), os.environ.get("XDG_DATA_HOME", "")
        # What is not absolute is to be passed over: XDG Base Directory Specification.
        return (
            config if config.startswith("/") else f"{home}/.config",
            shared if shared.startswith("/") else f"{home}/.local/share",
        )
    if system == "windows":
        roaming = os.environ.get("APPDATA") or f"{home}\\AppData\\Roaming"
        return roaming, roaming
    return f"{home}/Library", f"{home}/Library"


def _windowless(python: str) -> str:
    """Give the interpreter that opens no window, where it lies beside the usual one."""
    head, name = python[:-10], python[-10:]
    without = head + "pythonw.exe"
    return without if name.lower() == "python.exe" and Path(without).exists() else python


def _user(system: System) -> str:
    name = (
        os.environ.get("USERNAME") or os.environ.get("USER") or os.environ.get("LOGNAME") or Path.home().name
    )
    domain = os.environ.get("USERDOMAIN", "")
    return f"{domain}\\{name}" if system == "windows" and domain else name


def plan_for(wanted: Wanted) -> Plan:
    """Give the plan of a service. Reads the icons that come with this program."""
    if wanted.system == "linux":
        return linux.plan(wanted, _icon("icon.svg"))
    if wanted.system == "macos":
        return macos.plan(wanted, _icon("icon-512.png"))
    return windows.plan(wanted, _icon("icon-192.png"))


def _icon(name: str) -> bytes:
    return (files("twintap") / "screen" / name).read_bytes()
