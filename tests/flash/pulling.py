"""Pulls the plug at one place after another, and runs the same command again.

A place is a leg of the way and a share of the bytes that go through the cable on it. Power goes with the
plug at every other place; at the rest there is a battery, and the chip stays as it was: in its bootloader, at
its prompt, or running.
"""

import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.flash.kit import C3_NEW, C3_OLD, IMAGES, QUICK, SETTINGS, TINY, Heard, be_quick, files_of
from tests.support.chip_on_cable import ChipOnCable, forget
from twintap_flash import stages
from twintap_flash.boards import read_board
from twintap_flash.chips import CHIPS
from twintap_flash.errors import FlashError
from twintap_flash.flash import Wanted, flash
from twintap_flash.image import Image
from twintap_flash.patience import Patience

_BOARD = "xiao-esp32c3"
# A cable that is out is waited for: a chip's own USB port goes and comes back. Not here.
_HASTY = QUICK._replace(hello_s=0.4, look_s=0.6, boot_s=0.6, info_s=0.6, attempts=1)
# Left in its bootloader the chip is silent to a prompt's question, so long on the whole way.
_PATIENT = QUICK._replace(boot_s=25.0)
_WHOLE_LOOK_S = 4.0
_TRIES = 3
_NEW = {
    "boot.py": b"pin = 0\n",
    "main.py": b"import twintap_pulser.app\n",
    "board.json": b"{}",
    "twintap_pulser/__init__.py": b"",
    "twintap_pulser/app.py": TINY.encode(),
    "twintap_protocol/frames.py": bytes(range(32, 127)) * 20,
}
_OLD = _NEW | {
    "twintap_pulser/app.py": TINY.replace("0.0.7", "0.0.6").encode(),
    "twintap_pulser/gone.py": b"1\n",
}


class Place(NamedTuple):
    """Where the plug is pulled."""

    leg: str  # image, files, start, or whole
    share: float  # of the bytes on that leg, above 0 and below 1
    with_power: bool


class Pulled(NamedTuple):
    """What came of it."""

    place: Place
    was_pulled: bool
    fault: str  # empty: the next run finished, and all was as it has to be


def pull_at(places: list[Place]) -> list[Pulled]:
    """Pull the plug at each of the places, on one chip."""
    with tempfile.TemporaryDirectory(prefix="twintap-pull-") as made:
        folder = Path(made)
        kind = next(chip for chip in CHIPS if chip.name == "esp32c3")
        image = Image(folder / "new.bin", kind, (1, 28, 0), C3_NEW)
        image.path.write_bytes(C3_NEW)
        (folder / "out").mkdir()
        _fill(folder / "out", _NEW)
        with ChipOnCable(folder, "esp32c3", IMAGES) as chip:
            legs = _Legs(chip, folder, image)
            lengths = {leg: legs.length(leg) for leg in dict.fromkeys(place.leg for place in places)}
            return [legs.pull_again(place, lengths[place.leg]) for place in places]


class _Legs:
    def __init__(self, chip: ChipOnCable, folder: Path, image: Image) -> None:
        self._chip = chip
        self._out = folder / "out"
        self._image = image

    def length(self, leg: str) -> int:
        """Give how many bytes go through the cable on a leg that nothing disturbs."""
        self._prepare(leg)
        before = self._chip.bytes_through
        self._run(leg, _PATIENT)
        return self._chip.bytes_through - before

    def pull_again(self, place: Place, length: int) -> Pulled:
        """Try a place anew that a run never came to: one on a machine that stood still gives up before."""
        for _ in range(_TRIES):
            pulled = self.pull(place, length)
            if pulled.was_pulled or pulled.fault:
                break
        return pulled

    def pull(self, place: Place, length: int) -> Pulled:
        self._prepare(place.leg)
        self._chip.pull_after(max(1, round(length * place.share)), place.with_power)
        broke = ""
        try:
            self._run(place.leg, _HASTY)
        except FlashError as error:
            broke = str(error)
        was_pulled = not self._chip.is_plugged
        if not was_pulled:
            self._chip.pull(place.with_power)
        elif not broke:
            # Only the last bytes of a leg may be lost unheard: those of a reset.
            was_pulled = place.share > 0.5
        fault = self._half_firmware()
        self._chip.plug_in()
        try:
            self._run(place.leg, _PATIENT)
        except FlashError as error:
            fault = fault or f"the next run ended with {error.code}: {error}"
        return Pulled(place, was_pulled, fault or self._wrong(place.leg))

    def _prepare(self, leg: str) -> None:
        """An older pulser with settings, as far as the leg begins; for `start` all is written."""
        chip = self._chip
        chip.pull()
        forget(chip.root)
        _fill(chip.root, _NEW if leg == "start" else _OLD)
        (chip.root / "settings.json").write_text(SETTINGS)
        chip.flash.reset()
        chip.flash.is_half_written = False
        chip.install(C3_OLD)
        chip.plug_in()

    def _run(self, leg: str, patience: Patience) -> None:
        port = self._chip.port
        if leg == "image":
            stages.write_image(port, self._image, patience, _nothing)
        elif leg == "files":
            stages.put_files(port, self._out, sorted(_NEW), patience, _nothing)
        elif leg == "start":
            stages.start(port, patience)
            stages.read_info(port, patience)
        else:
            heard = Heard()
            look_s = min(patience.look_s, _WHOLE_LOOK_S)
            flash(Wanted(port, self._image.path, _BOARD), heard, patience._replace(look_s=look_s))
            if heard.info["firmware"] != "0.0.7":
                raise FlashError("start", "another firmware answers")

    def _half_firmware(self) -> str:
        """Say whether something would start that is neither the old firmware nor the new one."""
        files = self._files()
        if (
            "main.py" not in files
            or files in (_OLD, _NEW)
            or all(path.endswith(".mpy") for path in _of_packages(files))
        ):
            return ""
        return f"half a firmware has its main.py: {sorted(files)}"

    def _wrong(self, leg: str) -> str:
        chip = self._chip
        if (chip.root / "settings.json").read_text() != SETTINGS:
            return "the settings are not what they were"
        if leg in ("image", "whole") and not chip.holds(C3_NEW):
            return "the flash does not hold the image"
        if leg in ("files", "start") and self._files() != _NEW:
            return f"the files are {sorted(self._files())}"
        return ""

    def _files(self) -> dict[str, bytes]:
        files = files_of(self._chip.root)
        files.pop("settings.json", None)
        return files


def _of_packages(files: dict[str, bytes]) -> list[str]:
    return [path for path in files if "/" in path]


def _fill(root: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)


def _nothing(_percent: int) -> None:
    return


def _use(sources: str) -> None:
    """Have the flash tool of this process take its firmware from there."""
    from twintap_flash import boards, build

    read_board(Path(sources) / f"boards/{_BOARD}.json")
    for module in (boards, build):
        module.firmware_dir = lambda: Path(sources)  # pyright: ignore[reportAttributeAccessIssue]
    build.protocol_dir = lambda: Path(sources)  # pyright: ignore[reportAttributeAccessIssue]
    for name, program in be_quick().items():
        setattr(stages, name, program)


def work(places: list[Place], sources: str) -> list[Pulled]:
    """What one process of several does."""
    _use(sources)
    return pull_at(places)
