"""Which serial port is meant: the one that was said, the only one, or the one that a person chooses."""

import argparse
import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import ConsoleError
from . import asking
from .show import table

if TYPE_CHECKING:
    from ..ports import Port


def add_port(parser: argparse.ArgumentParser) -> None:
    """Add the argument."""
    parser.add_argument(
        "port",
        nargs="?",
        metavar="PORT",
        help="its serial port, as /dev/ttyUSB0 or COM3 (default: the only one, or choose from a list)",
    )


async def port_of(options: argparse.Namespace) -> str:
    """Give the port; ConsoleError if none was said and there is none, or several and nobody to ask."""
    from .. import ports
    from ..folder import default_path

    if options.port is not None:
        return str(options.port)
    found = await asyncio.to_thread(ports.find_ports, default_path())
    chosen = ports.choose(found)
    if isinstance(chosen, str):
        likely = ports.likely_ports(found)
        if not likely or not asking.is_asked(as_json=options.json):
            raise ConsoleError(chosen)
        chosen = await asking.asked(lambda: _choose_port(likely))
    if chosen.problem is not None:
        raise ConsoleError(chosen.problem)
    return chosen.port


def _choose_port(likely: "Sequence[Port]") -> "Port":
    asking.tell(table([(f"{number}", one.port, one.what) for number, one in enumerate(likely, 1)]))
    return likely[asking.number("which port", len(likely)) - 1]
