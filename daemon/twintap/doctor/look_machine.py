"""Looks at this computer: its Python, its disk, its clock. Everything here may block."""

import os
import platform
import shlex
import shutil
import stat
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from ..access import acl
from .asking import answer_of
from .facts import Clock, Disk, Software, System

_PROBE_BYTES = 4_096


def system() -> System:
    """Name this computer's system."""
    if sys.platform == "linux":
        return "linux"
    return "macos" if sys.platform == "darwin" else "windows" if sys.platform == "win32" else "other"


def software() -> Software:
    """Say what runs this."""
    major, minor, micro = sys.version_info[:3]
    return Software(
        __version__,
        (major, minor, micro),
        sys.executable,
        f"{platform.system()} {platform.release()} {platform.machine()}",
    )


def disk(path: Path) -> Disk:
    """Look at the data folder; a file of one page is written, synced and taken away."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return Disk(str(path), exists=False, fault=None, others=None, free_bytes=None)
    except OSError as error:
        return Disk(str(path), exists=True, fault=_why(error), others=None, free_bytes=None)
    if not stat.S_ISDIR(found.st_mode):
        return Disk(str(path), exists=True, fault="it is no folder", others=None, free_bytes=None)
    return Disk(
        str(path), exists=True, fault=_write_fault(path), others=_others(path, found), free_bytes=_free(path)
    )


def _why(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _write_fault(path: Path) -> str | None:
    try:
        with tempfile.NamedTemporaryFile(dir=path, prefix=".doctor-") as probe:
            probe.write(bytes(_PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return _why(error)
    return None


def _free(path: Path) -> int | None:
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return None


def _others(path: Path, found: os.stat_result) -> str | None:
    if os.name != "posix":
        return acl.warning_for(path)
    if stat.S_IMODE(found.st_mode) & 0o077:
        return (
            f"others on this computer can reach the data folder {path}; run: chmod 700 "
            f"{shlex.quote(str(path))}"
        )
    return None


@dataclass(frozen=True, slots=True)
class Moment:
    """Both clocks at once, in seconds: the wall's, and the one that only counts."""

    wall_s: float
    counted_s: float

    @classmethod
    def now(cls) -> "Moment":
        """Read both."""
        return cls(time.time(), time.monotonic())

    def jumped_ms(self, later: "Moment") -> float:
        """By how much the wall clock went ahead of the other one until `later`."""
        return ((later.wall_s - self.wall_s) - (later.counted_s - self.counted_s)) * 1_000


def clock(path: Path, began: Moment) -> Clock:
    """Look at the clock, for the second time since `began`; `path` is the data folder."""
    now = Moment.now()
    return Clock(now.wall_s, _newest_s(path), began.jumped_ms(now), _is_synchronised(), system())


def _newest_s(path: Path) -> float | None:
    """When one of the data folder's own files was last written."""
    newest: float | None = None
    try:
        for entry in path.iterdir():
            if entry.is_file() and not entry.name.startswith("."):
                changed_s = entry.stat().st_mtime
                newest = changed_s if newest is None else max(newest, changed_s)
    except OSError:
        return newest
    return newest


def _is_synchronised() -> bool | None:
    if sys.platform == "linux":
        return synchronised_in(answer_of("timedatectl", "show"))
    if sys.platform == "win32":
        return _windows_time()
    return None


def synchronised_in(output: str | None) -> bool | None:
    """Read what `timedatectl show` printed: whether the clock is kept right; None if it does not say."""
    lines = (output or "").splitlines()
    if "NTPSynchronized=yes" in lines:
        return True
    return False if "NTPSynchronized=no" in lines else None


def _windows_time() -> bool | None:
    if sys.platform != "win32":
        return None
    import winreg

    try:
        with winreg.OpenKey(
            winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Services\W32Time\Parameters"
        ) as key:
            kind, _ = winreg.QueryValueEx(key, "Type")
    except OSError:
        return None
    return str(kind).lower() != "nosync"
