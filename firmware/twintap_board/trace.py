"""The trace: every change of the motor line, as CSV rows `monotonic_us,side,level_pct`.

Each row is one write to the file, unbuffered, so that no kill loses one. Times never go back within a file.
"""

import os
import re
from pathlib import Path

HEADER = b"monotonic_us,side,level_pct\n"
_ROW = re.compile(rb"(\d+),([a-z]+),(\d+(?:\.\d+)?)")


def level_text(level_bp: int) -> str:
    """Write a level in basis points (0..10000) as per cent, exactly, with no more digits than it needs."""
    whole, hundredths = divmod(level_bp, 100)
    return f"{whole}.{hundredths:02d}".rstrip("0").rstrip(".") if hundredths else str(whole)


class Trace:
    """A trace file open for appending."""

    def __init__(self, path: Path, now_us: int) -> None:
        """Open `path`, making it with its header if it is not there.

        A file whose line was left above 0 (the machine died) is closed with a 0 row now. A file whose rows
        lie in the future (the machine was restarted since, and its clock began anew) is put aside as
        `NAME.1`, `NAME.2` …, and a new one begun. OSError if it cannot be written.
        """
        last_us, side, level = _last_row(path)
        if last_us > now_us:
            _put_aside(path)
            last_us, level = 0, 0.0
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._last_us = last_us
        if os.fstat(self._fd).st_size == 0:
            os.write(self._fd, HEADER)
        if level:
            self.write_row(now_us, side, 0)

    def write_row(self, at_us: int, side: str, level_bp: int) -> int:
        """Append a row; give the time written, never before that of the row above. OSError from the disk."""
        self._last_us = max(self._last_us, at_us)
        os.write(self._fd, f"{self._last_us},{side},{level_text(level_bp)}\n".encode())
        return self._last_us

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def _last_row(path: Path) -> tuple[int, str, float]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4096))
            rows = [match for line in file.read().splitlines() if (match := _ROW.fullmatch(line))]
    except FileNotFoundError:
        rows = []
    if not rows:
        return 0, "none", 0.0
    return int(rows[-1][1]), rows[-1][2].decode(), float(rows[-1][3])


def _put_aside(path: Path) -> None:
    number = 1
    while (aside := path.with_name(f"{path.name}.{number}")).exists():
        number += 1
    path.rename(aside)
