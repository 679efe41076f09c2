"""`twintap selftest [PORT]`: what a pulser on a cable finds out about itself."""

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from . import asking
from .cable import add_port, port_of
from .kinds import command
from .show import table

if TYPE_CHECKING:
    from ..selftest import Found


def add_arguments(subs: "argparse._SubParsersAction[Any]") -> None:  # pyright: ignore[reportPrivateUsage] - it has no other name
    """Add the command."""
    words = "have the pulser on a serial port test its parts; 1 if one of them is bad"
    parser = command(subs, "selftest", selftest, words)
    add_port(parser)
    parser.add_argument(
        "--buzz",
        action="store_true",
        help="its motor too, for a fifth of a second; a board that feels a charger refuses it on the cable",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one value a line")


async def selftest(options: argparse.Namespace) -> int:
    """Say what was found of each part; 1 if one of them is bad."""
    from ..console import open_console
    from ..selftest import run

    port = await port_of(options)
    if asking.is_asked(as_json=options.json):
        asking.tell("watch the pulser: its light has to shine white for a second")
    async with open_console(port) as console:
        found = await run(console, buzz=options.buzz)
    if options.json:
        lines = [asdict(line) for line in found.lines]
        told = {"pulser": found.pulser, "board": found.board, "state": found.state, "lines": lines}
        print(json.dumps(told), flush=True)
    else:
        print(shown(found), flush=True)
    return 1 if found.state == "bad" else 0


def shown(found: "Found") -> str:
    """Show a line for each part, and how many are not fine."""
    rows = [(line.state, line.part, _value(line.value), line.words) for line in found.lines]
    count = {state: sum(line.state == state for line in found.lines) for state in ("bad", "look")}
    return f"{table(rows)}\n{count['bad']} bad, {count['look']} for your eyes; the rest is fine."


def _value(value: object) -> str:
    return "yes" if value is True else "no" if value is False else "-" if value is None else str(value)
