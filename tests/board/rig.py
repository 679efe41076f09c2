"""One virtual board for a test: started, spoken to over its console, its trace read, and gone afterwards."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import serial

from twintap_board import hands

APP = Path(__file__).parent / "app.py"
T = TypeVar("T")
ROOT = Path(__file__).parents[2]
# Bounds a hang, and is no measure: a loaded machine may start four Pythons slowly.
PATIENCE_S = 20.0


def wait_for(what: str, look: Callable[[], T], within_s: float = PATIENCE_S) -> T:
    """Look until something true is seen; give it."""
    deadline = time.monotonic() + within_s
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not seen within {within_s} s: {what}")
        time.sleep(0.02)
    return seen


def alive(pid: int) -> bool:
    """Say whether a process runs: one that has ended and waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


class Rig:
    """A board and the means to handle it."""

    def __init__(self, folder: Path, *arguments: str, prefix: tuple[str, ...] = (), app: Path = APP) -> None:
        folder.mkdir(exist_ok=True)
        self.state = folder / "s"
        self.link = folder / "console"
        self.trace = folder / "trace.csv"
        self.stderr = folder / "stderr"
        paths = os.pathsep.join((str(ROOT / "firmware"), str(ROOT / "protocol")))
        command = [*prefix, sys.executable, "-m", "twintap_board", "--state", str(self.state)]
        command += ["--console", str(self.link), "--trace", str(self.trace), "--app", str(app), *arguments]
        with self.stderr.open("ab") as stderr:
            self.process = subprocess.Popen(command, stderr=stderr, env=os.environ | {"PYTHONPATH": paths})
        self.serial: serial.Serial | None = None
        self._heard = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self.serial is not None:
            self.serial.close()
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()
            self.process.wait()

    def hands(self, do: str, **arguments: object) -> dict[str, Any]:
        return hands.request(self.state, do, **arguments)

    def up(self) -> Self:
        """Wait until the app obeys the console."""
        wait_for("the console's link", self.link.exists)
        if self.serial is None:
            self.serial = serial.Serial(str(self.link), timeout=0.05)
        word = f"ready{time.monotonic_ns()}"

        def ready() -> bool:
            self.write(f"echo {word}")
            return self._read_until(f"{word}\n", 0.1)

        wait_for("the app on the console", ready)
        # Questions that were asked while it booted are answered late: let them pass.
        self.write("echo settled")
        self.expect("settled\ndid echo\n")
        return self

    def write(self, line: str) -> None:
        assert self.serial is not None
        self.serial.write(line.encode() + b"\n")

    def say(self, line: str) -> None:
        """Have the app do one thing, and wait until it has."""
        self.write(line)
        self.expect(f"did {line.split()[0]}\n")

    def expect(self, text: str) -> str:
        """Wait for `text` on the console; give all that was heard up to its end, and forget that."""
        start = time.monotonic()
        while time.monotonic() - start < PATIENCE_S:
            if self._read_until(text, 0.5):
                before, _, self._heard = self._heard.partition(text)
                return before + text
        raise AssertionError(f"{text!r} not heard; heard {self._heard!r}")

    def _read_until(self, text: str, within_s: float) -> bool:
        assert self.serial is not None
        deadline = time.monotonic() + within_s
        while text not in self._heard and time.monotonic() < deadline:
            self._heard += self.serial.read(max(1, self.serial.in_waiting)).decode(errors="replace")
        return text in self._heard

    def rows(self) -> list[tuple[int, str, float]]:
        """Read the trace, which must be well formed and never go back in time. None yet: no rows."""
        try:
            text = self.trace.read_text("ascii")
        except FileNotFoundError:
            return []
        # It may be read while it is written: a line counts with its newline.
        lines = text[: text.rfind("\n") + 1].splitlines()
        if not lines:
            return []
        header, *rows = csv.reader(lines)
        assert header == ["monotonic_us", "side", "level_pct"]
        read = [(int(at), side, float(level)) for at, side, level in rows]
        assert [row[0] for row in read] == sorted(row[0] for row in read)
        return read

    def levels(self) -> list[float]:
        return [level for _at, _side, level in self.rows()]

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
