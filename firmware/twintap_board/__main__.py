"""`python -m twintap_board`: run one virtual board until SIGTERM or Ctrl-C."""

import argparse
import math
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from .air import MODELS
from .errors import BoardError
from .networks import TROUBLES, Network, network_of

# Twice what an ESP32 without PSRAM has to give: the objects of a 64-bit VM are twice a chip's.
_HEAP_BYTES = 256 * 1024


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _number(kind: type[int] | type[float], low: int, high: int) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low} to {high}")
        return value

    return parse


def _arguments() -> argparse.ArgumentParser:
    # Whoever starts it under another name says which.
    prog = os.environ.get("TWINTAP_BOARD_PROG", "python -m twintap_board")
    parser = _Parser(prog=prog, description="Run one virtual pulser.")
    parser.add_argument(
        "--state", type=Path, required=True, metavar="DIR", help="what the board keeps; made if absent"
    )
    parser.add_argument(
        "--console", type=Path, required=True, metavar="LINK", help="name for the serial console"
    )
    parser.add_argument(
        "--trace", type=Path, metavar="FILE", help="write every change of the motor line here, as CSV"
    )
    parser.add_argument("--clock-ppm", type=_number(float, -1000, 1000), default=0.0, metavar="X")
    parser.add_argument("--clock-offset-us", type=_number(int, 0, 2**52), default=0, metavar="N")
    parser.add_argument("--air", choices=tuple(MODELS), default="none")
    parser.add_argument(
        "--heap", type=_number(int, 32 * 1024, 64 * 1024 * 1024), default=_HEAP_BYTES, metavar="BYTES"
    )
    parser.add_argument(
        "--seed", default=None, metavar="N", help="the air's chance, for a run that can be repeated"
    )
    parser.add_argument("--socket-tick-ms", type=_number(int, 0, 100), default=10, metavar="N")
    parser.add_argument(
        "--app", type=Path, metavar="PATH", help="run this instead of the firmware's own main.py"
    )
    parser.add_argument(
        "--board", type=Path, metavar="FILE", help="the board file, in place of the virtual board's own"
    )
    troubles = "; ".join(f"{name}: {what}" for name, what in TROUBLES.items() if name)
    parser.add_argument(
        "--wifi",
        type=_network,
        action="append",
        default=[],
        metavar="SSID:PASSWORD[:TROUBLE]",
        help=f"a network in the room, which the pulser has to join; may be repeated. Troubles: {troubles}",
    )
    return parser


def _network(text: str) -> Network:
    try:
        return network_of(text)
    except BoardError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main(arguments: list[str] | None = None) -> int:
    """Run the board; 0 stopped as asked, 1 could not start or go on, 2 used wrongly."""
    given = _arguments().parse_args(arguments)
    if sys.platform == "win32":
        print(
            "twintap board: Windows has no pseudo-terminals, so virtual boards do not run there",
            file=sys.stderr,
        )
        return 1
    from .launcher import Options, run_board

    options = Options(
        state=given.state.absolute(),
        console=given.console.absolute(),
        trace=given.trace,
        app=given.app,
        clock_ppm_milli=round(given.clock_ppm * 1000),
        clock_offset_us=given.clock_offset_us,
        air=given.air,
        heap_bytes=given.heap,
        seed=given.seed if given.seed is not None else secrets.token_hex(8),
        socket_tick_ms=given.socket_tick_ms,
        board=given.board.absolute() if given.board is not None else None,
        networks=tuple(given.wifi),
    )
    try:
        run_board(options)
    except BoardError as error:
        print(f"twintap board: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        # Stopped before anything was started.
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
