"""`python -m twintap_flash`: put a pulser on a chip, or build what would go there."""

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from .boards import known_boards, read_board
from .build import build
from .errors import FlashError
from .flash import Wanted, flash
from .patience import PATIENCE
from .teller import teller_for


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _flash(prog: str, given: list[str]) -> int:
    parser = _Parser(
        prog=prog,
        description="Put MicroPython and the pulser's firmware on the chip at PORT, or update them. "
        "Run again, it goes on from where it broke off; what is set on the pulser stays.",
    )
    parser.add_argument("port", metavar="PORT", help="its serial port, as /dev/ttyUSB0 or COM3")
    parser.add_argument(
        "--image",
        type=Path,
        metavar="FILE",
        help="the MicroPython image to write (default: none if one that is supported runs; else the newest "
        "in the folder TWINTAP_IMAGES, ./images or the data folder's images)",
    )
    parser.add_argument(
        "--board",
        metavar="NAME",
        help="which board file (default: the one on the pulser, or the only one that fits)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one value a line")
    chosen = parser.parse_args(given)
    tell = teller_for(sys.stdout, chosen.json)
    try:
        flash(Wanted(chosen.port, chosen.image, chosen.board), tell, PATIENCE)
    except FlashError as error:
        tell.failed(error.code, str(error))
        return 1
    except FileNotFoundError as error:
        tell.failed("build", str(error))
        return 1
    except KeyboardInterrupt:
        tell.failed("stopped", "stopped; run the command again, it goes on from there")
        return 1
    return 0


def _build(prog: str, given: list[str]) -> int:
    parser = _Parser(prog=f"{prog} build", description="Compile the firmware into a folder.")
    parser.add_argument(
        "--board", metavar="NAME", help="which board file; without one, every board's firmware"
    )
    parser.add_argument("--out", type=Path, default=Path("build/firmware"), metavar="DIR")
    chosen = parser.parse_args(given)
    try:
        boards = known_boards()
        if chosen.board is not None and chosen.board not in boards:
            raise FlashError("board", f"there is no board {chosen.board!r}; there is: {', '.join(boards)}")
        for name in boards if chosen.board is None else [chosen.board]:
            out = chosen.out if chosen.board is not None else chosen.out / name
            paths = build(out, read_board(boards[name]))
            print(f"{len(paths)} files in {out}")
    except (FlashError, FileNotFoundError) as error:
        print(f"{prog}: {error}", file=sys.stderr)
        return 1
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; give the exit code: 0 done, 1 failed (2, used wrongly, comes from argparse)."""
    # Whoever starts it under another name says which.
    prog = os.environ.get("TWINTAP_FLASH_PROG", "python -m twintap_flash")
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["build"]:
        return _build(prog, given[1:])
    return _flash(prog, given)


if __name__ == "__main__":
    sys.exit(main())
