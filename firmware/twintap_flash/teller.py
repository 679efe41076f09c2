"""What is going on, for a person at a terminal, for a log, or for a program."""

import json
import shutil
import sys
from typing import Any, Protocol, TextIO

_BAR = 24


class Teller(Protocol):
    """Hears of stages: `look`, `image`, `check`, `files`, `start`, `info`."""

    def begin(self, stage: str, words: str) -> None:
        """A stage begins."""
        ...

    def percent(self, stage: str, percent: int) -> None:
        """It is so far, 0..100."""
        ...

    def end(self, stage: str, words: str) -> None:
        """It is done, or was not needed; the words say what came of it."""
        ...

    def done(self, info: dict[str, Any], words: list[str]) -> None:
        """All is done; what the pulser says of itself."""
        ...

    def failed(self, code: str, words: str) -> None:
        """It broke off."""
        ...


class Plain:
    """One line for each thing, as a log likes it."""

    def __init__(self, out: TextIO) -> None:
        """Write to `out`; what went wrong goes to stderr."""
        self._out = out

    def begin(self, stage: str, words: str) -> None:
        """Say what begins."""
        self._line(f"{stage}: {words}")

    def percent(self, stage: str, percent: int) -> None:
        """Say nothing: a log is no place for a bar."""

    def end(self, stage: str, words: str) -> None:
        """Say what came of it."""
        self._line(f"{stage}: {words}")

    def done(self, info: dict[str, Any], words: list[str]) -> None:
        """Print the words."""
        for line in words:
            self._line(line)

    def failed(self, code: str, words: str) -> None:
        """Print the words to stderr."""
        print(f"twintap flash: {words}", file=sys.stderr, flush=True)

    def _line(self, words: str) -> None:
        print(words, file=self._out, flush=True)


class Bar(Plain):
    """A bar for each stage, on a terminal."""

    def __init__(self, out: TextIO) -> None:
        """Write to `out`, a terminal."""
        super().__init__(out)
        self._words = ""

    def begin(self, stage: str, words: str) -> None:
        """Draw an empty bar."""
        self._words = words
        self.percent(stage, 0)

    def percent(self, stage: str, percent: int) -> None:
        """Draw it anew in its place."""
        full = "#" * (_BAR * percent // 100)
        # Cut to the terminal's width: a line that wraps cannot be drawn anew in its place.
        width = shutil.get_terminal_size().columns - 1
        self._draw(f"{stage:>6} [{full:<{_BAR}}] {percent:3d} %  {self._words}"[:width])

    def end(self, stage: str, words: str) -> None:
        """Put what came of it in its place."""
        self._draw(f"{stage:>6} [{'#' * _BAR}] 100 %  {words}")
        self._line("")

    def failed(self, code: str, words: str) -> None:
        """Leave the bar as it stands, and print the words."""
        self._line("")
        super().failed(code, words)

    def _draw(self, line: str) -> None:
        # Erased to the end of the line: the words before may have been longer.
        print(f"\r{line}\033[K", end="", file=self._out, flush=True)


class Lines:
    """One JSON object a line."""

    def __init__(self, out: TextIO) -> None:
        """Write to `out`."""
        self._out = out

    def begin(self, stage: str, words: str) -> None:
        """Give stage, percent 0 and the words."""
        self._line({"stage": stage, "percent": 0, "words": words})

    def percent(self, stage: str, percent: int) -> None:
        """Give stage and percent."""
        self._line({"stage": stage, "percent": percent})

    def end(self, stage: str, words: str) -> None:
        """Give stage, percent 100 and the words."""
        self._line({"stage": stage, "percent": 100, "words": words})

    def done(self, info: dict[str, Any], words: list[str]) -> None:
        """Give what the pulser said of itself."""
        self._line({"stage": "done", "info": info, "words": " ".join(words)})

    def failed(self, code: str, words: str) -> None:
        """Give code and words."""
        self._line({"stage": "failed", "code": code, "words": words})

    def _line(self, told: dict[str, Any]) -> None:
        print(json.dumps(told), file=self._out, flush=True)


def teller_for(out: TextIO, is_json: bool) -> Teller:
    """Give the one that fits."""
    if is_json:
        return Lines(out)
    return Bar(out) if out.isatty() else Plain(out)
