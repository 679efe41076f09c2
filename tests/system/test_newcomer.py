"""The newcomer's whole way, as README.md has it: two blank chips become a pair that taps.

The commands are read from the README's "Real pulsers" and run one after the other, each in a process of its
own. Only what cannot be the same is put in its place: the ports, the network's name, the daemon's interface
(loopback), its port (any) and the rate (that nobody waits for half a minute). The real esptool writes to
`esp32-mock-bootloader`, the real mpremote puts the files on a real MicroPython VM, pairing goes over that
VM's console, and the motor lines say what came of it.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.flash.kit import C3_NEW, IMAGES
from tests.support.chip_on_cable import ChipOnCable
from tests.support.rig import SIDES, Board, Daemon, Pair, now_us

README = Path(__file__).parents[2] / "README.md"
SSID = "practice"
WORD = "correct horse battery"
PROGRAM = Path(sys.executable).parent / "twintap"
# Esptool and mpremote wait as long as a real chip needs.
FLASHED_WITHIN_S = 150.0


def readme_commands(heading: str = "Real pulsers") -> list[list[str]]:
    """The commands of the first code block under a heading of the README, in words, without the program."""
    section = re.split(r"^## ", README.read_text(), flags=re.MULTILINE)
    text = next(part for part in section if part.startswith(heading))
    block = re.search(r"(?:^ {4}.*\n)+", text, flags=re.MULTILINE)
    assert block is not None
    commands = [shlex.split(line, comments=True) for line in block[0].splitlines()]
    assert all(words[0] == ".venv/bin/twintap" for words in commands), commands
    return [words[1:] for words in commands]


class Newcomer:
    """Somebody with two blank chips, a folder to work in, and the README."""

    def __init__(self, folder: Path, chips: dict[str, ChipOnCable]) -> None:
        self.folder = folder
        self.chips = chips
        self.environment = os.environ | {
            "TWINTAP_DATA": str(folder / "d" / "data"),
            "HOME": str(folder / "home"),
        }
        # In its place, what cannot be the same everywhere.
        self.environment.pop("TWINTAP_IMAGES", None)
        self.environment.pop("TWINTAP_URL", None)

    def runs(self, words: list[str], side: str, typed: str = "") -> str:
        """Run a command of the README, for the pulser of that side; give all it said. It has to succeed."""
        done = subprocess.run(
            [str(PROGRAM), *self.put_in(words, side)],
            cwd=self.folder,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=FLASHED_WITHIN_S,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), (words, done, self.log(side))
        assert WORD not in done.stdout
        return done.stdout

    def put_in(self, words: list[str], side: str) -> list[str]:
        """A command with this place's port and network in it."""
        ours = {"NAME": SSID}
        return [self.chips[side].port if word.startswith("/dev/") else ours.get(word, word) for word in words]

    def log(self, side: str) -> str:
        log = self.chips[side].board / "launcher.log"
        return log.read_text() if log.exists() else ""


@pytest.fixture
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    folder = tmp_path_factory.mktemp("n")
    for made in ("images", "home", *SIDES):
        (folder / made).mkdir()
    # As it is called where it is downloaded, and where the README has it put.
    (folder / "images" / "ESP32_GENERIC_C3-20260401-v1.28.0.bin").write_bytes(C3_NEW)
    with ExitStack() as stack:
        chips = {
            side: stack.enter_context(
                ChipOnCable(
                    folder / side,
                    "esp32c3",
                    IMAGES,
                    board_options=[
                        *("--trace", str(folder / side / "trace.csv"), "--wifi", f"{SSID}:{WORD}"),
                        *("--clock-ppm", ppm, "--clock-offset-us", offset_us),
                    ],
                )
            )
            for side, ppm, offset_us in (("left", "10", "7200000000"), ("right", "-10", "12345"))
        }
        yield Newcomer(folder, chips)


def board_of(chip: ChipOnCable, trace: Path) -> Board:
    """The hands and the trace of a chip's board."""
    board = Board(chip.board)
    board.link = Path(chip.port)
    board.trace = trace
    return board


@pytest.mark.timeout(400)
def test_the_readmes_commands_make_a_pair_that_taps_of_two_blank_chips(newcomer: Newcomer) -> None:
    flash, serve, *pairing, start = readme_commands()
    assert [words[0] for words in (flash, serve, *pairing, start)] == [
        "flash", "serve", "pair", "pair", "set",
    ]  # fmt: skip
    sides = [words[words.index("--side") + 1] for words in pairing]
    assert sides == list(SIDES)
    room = start[2]

    with ThreadPoolExecutor(2) as two:
        flashing = {side: two.submit(newcomer.runs, flash, side) for side in SIDES}
        for side, ran in flashing.items():
            said = ran.result()
            stages = list(dict.fromkeys(re.findall(r"^(\w+): ", said, flags=re.MULTILINE)))
            assert stages[:6] == ["look", "image", "check", "files", "start", "info"], said
            assert "ESP32-C3" in said
            assert newcomer.chips[side].holds(C3_NEW)

    host = serve.index("--host") + 1
    assert serve[host] == "0.0.0.0", "as real pulsers need it"
    with Daemon(
        newcomer.folder / "d", "--host", "127.0.0.1", *serve[1 : host - 1], *serve[host + 1 :]
    ) as daemon:
        newcomer.environment["TWINTAP_URL"] = daemon.url
        for words, side in zip(pairing, sides, strict=True):
            said = newcomer.runs(words, side, WORD + "\n")
            assert "linked" in said
            # A daemon that had to be told the address says so: this one heard the announcement.
            assert "hint" not in said
        pair = Pair(daemon, newcomer.folder, room)
        pair.boards = {
            side: board_of(chip, newcomer.folder / side / "trace.csv")
            for side, chip in newcomer.chips.items()
        }
        ids = {side: board.info()["id"] for side, board in pair.boards.items()}
        shown = daemon.room(room)
        assert {side: shown[side]["id"] for side in SIDES} == ids
        assert [shown[side]["firmware_is_old"] for side in SIDES] == [False, False]
        for board in pair.boards.values():
            info = board.info()
            assert (info["board_id"], info["ssid"], info["daemon_id"]) == (
                "xiao-esp32c3", SSID, daemon.ask("GET", "/daemon").body["daemon_id"],
            )  # fmt: skip
            assert not board.rows() or board.level_pct() == 0
        passes = int(start[start.index("--passes") + 1])
        daemon.until_ready(room)
        since_us = now_us()
        pair.watch_host()
        try:
            newcomer.runs([*start, "--rate-hz", "4"], "left")
            ended = daemon.until_ended(room)
            assert (ended["ended_reason"], ended["pacing"]["passes"]) == ("finished", passes)
            pair.assert_exact(since_us, passes)
        finally:
            pair._unwatch_host()  # pyright: ignore[reportPrivateUsage]
        peaks = {pulse.peak_pct for board in pair.boards.values() for pulse in board.pulses(since_us)}
        assert max(peaks) <= 60
        assert daemon.stop() == 0
