"""What a drawn schematic connects, followed along its wires as an eye would: compared with the netlist.

Pure: works on out/BOARD/schematic.json, which holds where the drawing's pins, wires, dots and names are.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import json
from dataclasses import dataclass, field
from typing import Any, cast

from .joining import Joining
from .netlist import Netlist

Point = tuple[int, int]


@dataclass
class Drawing:
    """A schematic as geometry, in hundredths of the drawing's unit.

    `pins` are where each pin ends, `wires` straight pieces, `dots` the marked junctions, `names` where a
    net's name (a flag, a supply, a ground) touches.
    """

    board: str
    pins: dict[str, Point] = field(default_factory=dict[str, Point])
    wires: list[tuple[Point, Point]] = field(default_factory=list[tuple[Point, Point]])
    dots: list[Point] = field(default_factory=list[Point])
    names: list[tuple[str, Point]] = field(default_factory=list[tuple[str, Point]])

    def to_json(self) -> str:
        """As text, the same bytes for the same drawing."""
        return (
            json.dumps(
                {
                    "board": self.board,
                    "pins": {name: list(at) for name, at in self.pins.items()},
                    "wires": [[*start, *end] for start, end in self.wires],
                    "dots": [list(at) for at in self.dots],
                    "names": [[name, *at] for name, at in self.names],
                },
                ensure_ascii=False,
            )
            .replace('], "', '],\n "')
            .replace("]], ", "]],\n ")
            + "\n"
        )


def from_json(text: str) -> Drawing:
    """Read what Drawing.to_json wrote. Raises ValueError or KeyError for anything else."""
    raw = cast("dict[str, Any]", json.loads(text))
    return Drawing(
        str(raw["board"]),
        {str(name): (int(at[0]), int(at[1])) for name, at in raw["pins"].items()},
        [((int(wire[0]), int(wire[1])), (int(wire[2]), int(wire[3]))) for wire in raw["wires"]],
        [(int(at[0]), int(at[1])) for at in raw["dots"]],
        [(str(name), (int(x), int(y))) for name, x, y in raw["names"]],
    )


def _inside(point: Point, wire: tuple[Point, Point]) -> bool:
    """Whether a point lies on a wire and is none of its ends."""
    (ax, ay), (bx, by) = wire
    px, py = point
    if point in wire or (bx - ax) * (py - ay) != (by - ay) * (px - ax):
        return False
    return min(ax, bx) <= px <= max(ax, bx) and min(ay, by) <= py <= max(ay, by)


def breaches(drawing: Drawing, netlist: Netlist) -> list[str]:
    """Where the drawing and the netlist part; empty if they say the same.

    Two things are joined where they end at one point, and where one ends on the middle of a wire that has a
    dot there. A wire that ends on another without a dot is a breach: nobody could tell what is meant.
    """
    found: list[str] = []
    together = Joining[Point]()
    for start, end in drawing.wires:
        together.join(start, end)
    ends = {
        *drawing.pins.values(),
        *(at for _, at in drawing.names),
        *(at for wire in drawing.wires for at in wire),
    }
    for point in sorted(ends | set(drawing.dots)):
        for wire in drawing.wires:
            if _inside(point, wire):
                if point not in drawing.dots:
                    found.append(f"something ends on a wire at {point} without a dot")
                together.join(point, wire[0])
    by_name: dict[str, Point] = {}
    for name, at in drawing.names:
        if name in by_name:
            together.join(at, by_name[name])
        by_name[name] = at
    named: dict[Point, set[str]] = {}
    for name, at in drawing.names:
        named.setdefault(together.group(at), set()).add(name)
    drawn: dict[Point, set[str]] = {}
    for pin, at in drawing.pins.items():
        drawn.setdefault(together.group(at), set()).add(pin)

    for group, names in named.items():
        if len(names) > 1:
            found.append(f"{', '.join(sorted(names))} are joined in the drawing")
        if group not in drawn:
            found.append(f"the name {', '.join(sorted(names))} is at no pin")
    wanted = netlist.nets()
    all_pins = {f"{part.designator}.{pin}" for part in netlist.parts.values() for pin in part.pins}
    if set(drawing.pins) != all_pins:
        odd = sorted(set(drawing.pins) ^ all_pins)
        found.append(f"pins of the drawing are not those of the netlist: {', '.join(odd)}")
    unmatched = dict(wanted)
    for group, pins in drawn.items():
        same = next((name for name, connected in wanted.items() if set(connected) == pins), None)
        if same is not None:
            unmatched.pop(same, None)
            wrong = sorted(named.get(group, set()) - {same})
            found += [f"net {same} is called {name} in the drawing" for name in wrong]
        elif len(pins) == 1 and netlist.net(next(iter(pins))) is None and group not in named:
            continue
        else:
            found.append(f"drawn together, and no net: {', '.join(sorted(pins))}")
    found += [f"net {name} is not drawn: {', '.join(sorted(pins))}" for name, pins in unmatched.items()]
    return [f"{drawing.board}: {each}" for each in found]
