"""`twintap doctor [PORT]`: what keeps this computer and its pulsers from working together, and what to do."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .kinds import command

if TYPE_CHECKING:
    from ..doctor.lines import Line


def add_arguments(subs: "argparse._SubParsersAction[Any]") -> None:  # pyright: ignore[reportPrivateUsage] - it has no other name
    """Add the command."""
    words = "look at ports, network, firewall, clock, disk, page and pulsers, and say what to do"
    parser = command(subs, "doctor", doctor, words)
    parser.add_argument("port", nargs="?", metavar="PORT", help="a serial port: ask what answers there too")
    parser.add_argument("--json", action="store_true", help="print JSON, one value a line")


async def doctor(options: argparse.Namespace) -> int:
    """Say all lines; 1 if one of them is bad."""
    from ..doctor.examine import examine
    from ..doctor.lines import worst
    from ..doctor.look_daemon import from_outside
    from ..folder import default_path

    data = default_path().absolute()
    lines = await examine(await from_outside(data), data, port=options.port)
    state = worst(lines)
    if options.json:
        print(json.dumps({"state": state, "lines": [asdict(line) for line in lines]}), flush=True)
    else:
        print(shown(lines), flush=True)
    return 1 if state == "bad" else 0


def shown(lines: Sequence["Line"]) -> str:
    """Show the lines: what is fine first, then the hints, then what is bad, where the eye ends."""
    text: list[str] = []
    for state in ("fine", "hint", "bad"):
        for line in lines:
            if line.state == state:
                text.append(f"{state:4}  {line.words}")
                if line.todo is not None:
                    text.append(f"      → {line.todo}")
    count = {state: sum(line.state == state for line in lines) for state in ("hint", "bad")}
    if not any(count.values()):
        text.append("All is fine.")
    else:
        text.append(f"{count['bad']} bad, {count['hint']} to look at; the rest is fine.")
    return "\n".join(text)
