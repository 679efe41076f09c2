"""Which board file goes to the chip, and whether it may."""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple, cast

from twintap_board.sources import firmware_dir
from twintap_protocol.errors import TwintapError

from .chips import CHIPS, Chip, chip_called
from .errors import FlashError

VIRTUAL = "virtual"  # the virtual board's file has no chip to go to
_FILE_MAX = 16_384


class Board(NamedTuple):
    """One board file, read and judged."""

    board_id: str
    shown: str
    chip: Chip | None  # None: the virtual board's
    mpy_arch: str | None  # mpy-cross's -march, where the file names the chip's native instruction set
    path: Path


def known_boards() -> dict[str, Path]:
    """Give the board files that this installation carries, by name; the virtual board's is not among them."""
    files = sorted((firmware_dir() / "boards").glob("*.json"))
    return {path.stem: path for path in files if path.stem != VIRTUAL}


def read_board(path: Path) -> Board:
    """Read a board file and judge it as the firmware will; FlashError `board` says what is wrong with it."""
    try:
        fields = _object(path.read_bytes())
    except OSError as error:
        raise FlashError("board", f"the board file {path} cannot be read: {error.strerror}") from error
    if fields is None:
        raise FlashError("board", f"the board file {path.name} is not a JSON object. Nothing was written")
    try:
        shown = _judge(fields)
    except TwintapError as error:
        raise FlashError("board", f"{path.name}: {error}. Nothing was written") from error
    name = fields.get("chip")
    chip = chip_called(name) if isinstance(name, str) else None
    if chip is None and name != VIRTUAL:
        choice = ", ".join(chip.name for chip in CHIPS)
        raise FlashError("board", f"{path.name}: its chip is {name!r}; it has to be one of {choice}")
    arch = fields.get("mpy_arch")
    return Board(path.stem, shown, chip, arch if isinstance(arch, str) else None, path)


def choose_board(named: str | None, chip: Chip, on_pulser: str | None) -> Board:
    """Give the board for `chip`: the one named; else the one on the pulser; else the only one that fits.

    `on_pulser` is the text of the board file on the chip, if it has one: whatever it holds is a hint and
    no more. FlashError `board` if the named one is for another chip, or if there is a choice to make.
    """
    boards = known_boards()
    if named is not None:
        if named not in boards:
            choice = ", ".join(boards) or "there is none"
            raise FlashError("board", f"there is no board {named!r}; there is: {choice}")
        board = read_board(boards[named])
        if board.chip != chip:
            made_for = "no chip" if board.chip is None else board.chip.shown
            fitting = _names(_fitting(boards, chip)) or "none"
            raise FlashError(
                "board",
                f"the board file {named} is for {made_for}, and the chip on the cable is {chip.shown}. "
                f"Boards with that chip: {fitting}. Nothing was written",
            )
        return board
    fitting = _fitting(boards, chip)
    if on_pulser is not None:
        fields = _object(on_pulser.encode()) or {}
        for board in fitting:
            theirs = (fields.get("board_id"), fields.get("name"))
            if board.board_id == theirs[0] or (theirs[0] is None and board.shown == theirs[1]):
                return board
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise FlashError("board", f"there is no board file for the {chip.shown}")
    raise FlashError(
        "board", f"more than one board has the {chip.shown}; say which with --board: {_names(fitting)}"
    )


def _fitting(boards: dict[str, Path], chip: Chip) -> list[Board]:
    return [board for board in (read_board(path) for path in boards.values()) if board.chip == chip]


def _names(boards: list[Board]) -> str:
    return ", ".join(f"{board.board_id} ({board.shown})" for board in boards)


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        fields = json.loads(text[:_FILE_MAX])
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", fields) if isinstance(fields, dict) else None


def _judge(fields: dict[str, Any]) -> str:
    """Let the firmware's own reader judge; give the board's name. TwintapError says what is wrong."""
    folder = str(firmware_dir())
    if folder not in sys.path:
        # In a wheel the firmware is data, and not on the path.
        sys.path.append(folder)
    from twintap_pulser.board_file import BoardFile

    return BoardFile(fields).name
