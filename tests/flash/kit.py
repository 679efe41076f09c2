"""What the flash tests share."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.chip_on_cable import tiny_image
from twintap_flash import stages
from twintap_flash.patience import Patience

# A chip's waits, for a stand-in that answers in milliseconds on a machine that may stand still for seconds.
QUICK = Patience(
    hello_s=0.8,
    look_s=8.0,
    boot_s=15.0,
    answer_s=8.0,
    settle_s=0.06,  # see `be_quick`
    again_s=0.02,
    ask_s=0.1,
    info_s=15.0,
    attempts=3,
)

C3_OLD = tiny_image(5, 0, "1.26.1")
C3_NEW = tiny_image(5, 0, "1.28.0", b"new")
C3_ANCIENT = tiny_image(5, 0, "1.24.1")
C6 = tiny_image(13, 0, "1.28.0")
ESP32 = tiny_image(0, 0x1000, "1.28.0")
IMAGES = {C3_OLD: "1.26.1", C3_NEW: "1.28.0", C3_ANCIENT: "1.24.1"}

# A firmware that does what the tool looks for: it answers `info`, and leaves the prompt to Ctrl-C.
TINY = """
import json, sys
try:
    while True:
        line = sys.stdin.readline()
        if '"info"' in line:
            told = {"firmware": "0.0.7", "protocol": "1.1", "board": "tiny", "name": "twintap-aabbcc"}
            told["daemon_id"] = "77" if "settings.json" in __import__("os").listdir() else None
            print(json.dumps({"jsonrpc": "2.0", "id": 1, "result": told}))
except KeyboardInterrupt:
    pass
"""

SETTINGS = '{"version": 2, "key": "kept", "networks": [["n", "p"]], "trim_bp": 9000}'


def be_quick() -> dict[str, str]:
    """Give the programs that reset a chip, with a shorter wait before: what it says is read at once here.

    By the name that each has in `stages`. With them `QUICK.settle_s` outlasts the chip's own wait.
    """
    names = ("_STILL", "_START", "_RESTART")
    return {name: getattr(stages, name).replace("sleep_ms(100)", "sleep_ms(20)") for name in names}


class Sources(NamedTuple):
    """The small firmware's folder."""

    root: Path

    def change(self, text: str) -> None:
        """Make another firmware of it."""
        (self.root / "twintap_pulser/app.py").write_text(text)


class Heard:
    """A teller that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.percents: list[tuple[str, int]] = []
        self.info: dict[str, Any] = {}

    def begin(self, stage: str, words: str) -> None:
        self.said.append((stage, words))

    def percent(self, stage: str, percent: int) -> None:
        self.percents.append((stage, percent))

    def end(self, stage: str, words: str) -> None:
        self.said.append((stage, words))

    def done(self, info: dict[str, Any], words: list[str]) -> None:
        self.info = info
        self.said.extend(("done", line) for line in words)

    def failed(self, code: str, words: str) -> None:
        self.said.append((code, words))

    def words(self, stage: str) -> str:
        """All that was said of a stage."""
        return " / ".join(words for name, words in self.said if name == stage)


def files_of(root: Path) -> dict[str, bytes]:
    """Give a chip's files."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def json_lines(text: str) -> list[dict[str, Any]]:
    """Parse one object a line."""
    return [json.loads(line) for line in text.splitlines()]
