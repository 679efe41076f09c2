"""The whole way: look, judge, write, start, and say what came of it."""

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from . import stages
from .boards import Board, choose_board
from .build import build
from .chips import OLDEST_MICROPYTHON, TESTED_MICROPYTHON, version_text
from .errors import FlashError
from .image import Image, read_image
from .images import choose_image, image_folders
from .patience import Patience
from .port import check_port
from .stages import Seen
from .teller import Teller


class Wanted(NamedTuple):
    """What somebody asked for."""

    port: str
    image: Path | None = None
    board: str | None = None


def flash(wanted: Wanted, tell: Teller, patience: Patience) -> dict[str, Any]:
    """Bring the chip at the port to a running pulser; give what it says of itself.

    Everything is judged before anything is written. Raises FlashError; run again, it goes on from wherever
    it broke off.
    """
    port = wanted.port
    tell.begin("look", f"who is at {port}")
    check_port(port)
    try:
        seen = stages.look(port, patience)
        board = choose_board(wanted.board, seen.chip, seen.board_text)
        image = _image_for(wanted, seen)
        with tempfile.TemporaryDirectory(prefix="twintap-flash-") as folder:
            out = Path(folder) / "firmware"
            paths = build(out, board)
            tell.end("look", _look_words(seen, board))
            _write_image(port, image, seen, tell, patience)
            tell.begin("files", "the application")
            written = stages.put_files(
                port, out, paths, patience, lambda percent: tell.percent("files", percent)
            )
    except FlashError as error:
        if error.code in ("chip", "board", "image", "no_image", "build"):
            stages.let_run(port, patience)
        raise
    except FileNotFoundError:
        # This installation lacks a tool or a source: no fault of what runs on the chip.
        stages.let_run(port, patience)
        raise
    tell.end("files", f"{written} of {len(paths)} files written, the rest was there")
    tell.begin("start", "boot counters cleared, and a reset")
    stages.start(port, patience)
    tell.end("start", "started")
    tell.begin("info", "asking the pulser who it is")
    info = stages.read_info(port, patience)
    tell.end("info", "it answers")
    tell.done(info, info_words(info, port))
    return info


def _image_for(wanted: Wanted, seen: Seen) -> Image | None:
    if wanted.image is not None:
        return read_image(wanted.image, seen.chip)
    if not stages.needs_image(seen):
        return None
    return read_image(choose_image(seen.chip, image_folders()), seen.chip)


def _write_image(port: str, image: Image | None, seen: Seen, tell: Teller, patience: Patience) -> None:
    if image is None:
        assert seen.version is not None  # else there is an image
        version = version_text(seen.version)
        tell.end(
            "image",
            f"MicroPython {version} is there, and supported: not written again{_untested(seen.version)}",
        )
        return
    version = version_text(image.version)
    tell.begin("image", f"MicroPython {version} from {image.path.name}")
    stages.write_image(port, image, patience, lambda percent: tell.percent("image", min(percent, 99)))
    tell.end("image", f"MicroPython {version} written, and the same in the flash{_untested(image.version)}")
    tell.begin("check", "MicroPython starts")
    stages.check_image(port, image, patience)
    tell.end("check", f"MicroPython {version} answers")


def _untested(version: tuple[int, ...]) -> str:
    if version[:2] <= TESTED_MICROPYTHON:
        return ""
    oldest, newest = version_text(OLDEST_MICROPYTHON), version_text(TESTED_MICROPYTHON)
    return f" (the firmware was tested on {oldest} to {newest})"


def _look_words(seen: Seen, board: Board) -> str:
    runs = "no MicroPython on it"
    if seen.version is not None:
        runs = f"MicroPython {version_text(seen.version)}"
        runs += f", pulser firmware {_plain(seen.firmware)}" if seen.firmware else ", no pulser's firmware"
    return f"{seen.chip.shown} {_plain(seen.hardware_id)}, {runs}; board: {board.shown}"


def info_words(info: dict[str, Any], port: str) -> list[str]:
    """Give what the pulser says of itself, in words; whatever it holds, they are plain text."""

    def said(key: str) -> str:
        value = info.get(key)
        return "" if value is None else _plain(str(value))

    name = said("name") or "the pulser"
    lines = [
        f"{name} is ready: firmware {said('firmware')}, protocol {said('protocol')}, board {said('board')}."
    ]
    if info.get("safe_mode") is True:
        lines.append(
            "It is in its safe mode after crashes; run this command again, and tell of it if it stays so."
        )
    if info.get("settings_damaged") is True:
        lines.append("Its settings were damaged and are not used: pair it anew.")
    elif info.get("daemon_id"):
        place = " ".join(
            part for part in (said("side"), f"of {said('room')}" if said("room") else "") if part
        )
        lines.append(f"It is paired{f' ({place})' if place else ''}; its settings were kept.")
    else:
        lines.append(f"It is not paired yet: twintap pair {port} --room ROOM --side left|right")
    return lines


def _plain(text: str) -> str:
    """Give what a chip says of itself as text that does nothing to a terminal."""
    return "".join(letter for letter in text[:64] if letter.isprintable())
