"""The stripboard layout: read from stripboard.toml, and checked hole by hole against the netlist.

Pure. A strip is copper from hole to hole; a cut ends it; leads and links join what they stand in. What is
then joined must be the netlist's nets: each whole, and nothing else. Also: no two leads in one hole, none in
a cut, every cut needed, leads as far apart as the part has them, bodies and bare wires clear of each other.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, cast

from . import facts
from .boards import CELL_PADS, LEFT_PADS, RIGHT_PADS
from .catalogue import kinds
from .circuit_parts import PARTS
from .joining import Joining
from .netlist import Netlist
from .places import PACKAGE

FILE = PACKAGE / "stripboard.toml"
PITCH_MM = 2.54
# From the last hole's middle to the board's edge.
MARGIN_MM = PITCH_MM / 2
# Bodies of axial parts, which parts.toml has no height for: length, width (the largest of the usual makers).
AXIAL_MM = {"R": (6.5, 2.5), "D": (5.2, 2.7)}
LINK_MM = 0.8
# An axial part's lead is bent no nearer to its body; and a long bare lead touches its neighbours.
BEND_MM = 0.5
AXIAL_MOST_HOLES = 6
# Parts whose leads come 2.5 mm apart: they stand in neighbouring holes.
RADIAL = frozenset({"bulk", "decoupling"})
# Which lead is which of a TO-92, its flat face looked at and its leads down (TN0702 data sheet: SGD).
FACE = ("S", "G", "D")
# No saw is truer than this.
SAWN_MM = 0.1

Hole = tuple[int, int]  # strip, hole: both from 1


class BadLayout(ValueError):
    """stripboard.toml says something that is no layout: the message names it."""


def hole(name: str) -> Hole:
    """`C4` as (3, 4). Raises BadLayout for anything else."""
    found = re.fullmatch(r"([A-Z])([1-9]\d?)", name)
    if not found:
        raise BadLayout(f"{name!r} is no hole: a strip's letter and a number, such as C4")
    return ord(found[1]) - 64, int(found[2])


def hole_name(at: Hole) -> str:
    """(3, 4) as `C4`."""
    return f"{chr(64 + at[0])}{at[1]}"


@dataclass(frozen=True)
class Link:
    """A piece of wire between two holes, and the net that it is meant for."""

    start: Hole
    end: Hole
    net: str


@dataclass(frozen=True)
class Layout:
    """One board's layout. `leads` maps each pin that stands in the board to its hole; `wired` are those of
    them that are wires to a part elsewhere; `harness` joins pins away from the board (with the words how).
    """

    board: str
    strips: int
    holes: int
    cuts: tuple[Hole, ...]
    links: tuple[Link, ...]
    leads: Mapping[str, Hole]
    wired: frozenset[str]
    harness: tuple[tuple[str, str, str], ...]

    @property
    def length_mm(self) -> float:
        """From the USB end to the other, across the strips."""
        return self.strips * PITCH_MM

    @property
    def width_mm(self) -> float:
        """Along the strips."""
        return self.holes * PITCH_MM


@dataclass(frozen=True)
class Body:
    """A part's outline from above, in mm from the board's upper left corner; `long` is the larger side."""

    designator: str
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Body", spare: float = 0.0) -> bool:
        """Whether two outlines share more than a touch (or come nearer than `spare` mm)."""
        return (
            self.left - spare < other.right - 1e-6
            and other.left - spare < self.right - 1e-6
            and self.top - spare < other.bottom - 1e-6
            and other.top - spare < self.bottom - 1e-6
        )


def load(board: str, text: str | None = None) -> Layout:
    """The layout for a board. Raises BadLayout or KeyError if the file is none."""
    raw = tomllib.loads(FILE.read_text("utf-8") if text is None else text)
    links = [
        Link(hole(start), hole(end), net)
        for table in (raw["links"], raw["boards"][board])
        for net, pairs in cast("dict[str, list[list[str]]]", table).items()
        for start, end in pairs
    ]
    leads: dict[str, Hole] = {}
    first, across = hole(raw["xiao"]["d0"]), int(raw["xiao"]["across"])
    for index, (left, right) in enumerate(zip(LEFT_PADS, RIGHT_PADS, strict=True)):
        leads[f"U1.{left}"] = (first[0] + index, first[1])
        leads[f"U1.{right}"] = (first[0] + index, first[1] + across)
    for designator, pins in cast("dict[str, dict[str, str]]", raw["parts"]).items():
        for pin, at in pins.items():
            leads[f"{designator}.{pin}"] = hole(at)
    wires = cast("dict[str, str]", raw["wires"])
    leads |= {pin: hole(at) for pin, at in wires.items()}
    return Layout(
        board=board,
        strips=int(raw["board"]["strips"]),
        holes=int(raw["board"]["holes"]),
        cuts=tuple(hole(at) for at in cast("list[str]", raw["cuts"]["at"])),
        links=tuple(links),
        leads=leads,
        wired=frozenset(wires),
        harness=tuple((one, other, how) for one, other, how in cast("list[Any]", raw["harness"]["joins"])),
    )


def joined(layout: Layout) -> list[frozenset[str]]:
    """The groups of pins that copper, links and harness join. Alone stands what nothing joins."""
    together = Joining[Hole | str]()
    cuts = set(layout.cuts)
    for strip in range(1, layout.strips + 1):
        for number in range(1, layout.holes):
            if not cuts & {(strip, number), (strip, number + 1)}:
                together.join((strip, number), (strip, number + 1))
    for link in layout.links:
        together.join(link.start, link.end)
    for pin, at in layout.leads.items():
        together.join(pin, at)
    for one, other, _ in layout.harness:
        together.join(one, other)
    groups: dict[Hole | str, set[str]] = {}
    for pin in {*layout.leads, *(pin for join_ in layout.harness for pin in join_[:2])}:
        groups.setdefault(together.group(pin), set()).add(pin)
    return [frozenset(pins) for pins in groups.values()]


def net_breaches(layout: Layout, netlist: Netlist) -> list[str]:
    """Where what the board joins is not what the netlist joins."""
    found: list[str] = []
    groups = joined(layout)
    net_of = {pin: name for name, pins in netlist.nets().items() for pin in pins}
    everywhere = {pin for group in groups for pin in group}
    known = {f"{part.designator}.{pin}" for part in netlist.parts.values() for pin in part.pins}
    found += [f"{pin} is on the board and not in the netlist" for pin in sorted(everywhere - known)]
    for group in groups:
        names = sorted({net_of.get(pin, f"{pin}, which stays open") for pin in group})
        if len(names) > 1:
            found.append(f"joined, and should not be: {'; '.join(names)} ({', '.join(sorted(group))})")
    for name, pins in netlist.nets().items():
        pieces = [group & pins for group in groups if group & pins]
        missing = pins - everywhere
        if missing:
            found.append(f"net {name}: {', '.join(sorted(missing))} is nowhere on the board")
        if len(pieces) > 1:
            parts = " | ".join(", ".join(sorted(piece)) for piece in sorted(pieces, key=sorted))
            found.append(f"net {name} is in {len(pieces)} pieces: {parts}")
    for link in layout.links:
        if link.net not in netlist.nets():
            found.append(f"a link is for {link.net}, which is no net")
    return found


def copper_of(layout: Layout, netlist: Netlist) -> dict[str, list[str]]:
    """On which pieces of strip each net can be touched, as `L8-L13`; only nets that are on the board."""
    net_at = {link.start: link.net for link in layout.links} | {link.end: link.net for link in layout.links}
    for pin, at in layout.leads.items():
        net = netlist.net(pin)
        if net is not None:
            net_at[at] = net
    found: dict[str, list[str]] = {}
    for strip in range(1, layout.strips + 1):
        edges = [0, *sorted(number for row, number in layout.cuts if row == strip), layout.holes + 1]
        for before, after in pairwise(edges):
            names = {
                net_at[strip, number] for number in range(before + 1, after) if (strip, number) in net_at
            }
            for name in names:
                piece = f"{hole_name((strip, before + 1))}-{hole_name((strip, after - 1))}"
                found.setdefault(name, []).append(piece)
    return dict(sorted(found.items()))


def hole_breaches(layout: Layout) -> list[str]:
    """Leads and links off the board, in a cut, or two in one hole."""
    found: list[str] = []
    taken: dict[Hole, str] = {}
    standing = [(pin, at) for pin, at in layout.leads.items()]
    standing += [
        (f"link {hole_name(link.start)}-{hole_name(link.end)}", at)
        for link in layout.links
        for at in (link.start, link.end)
    ]
    for what, at in standing:
        if not (1 <= at[0] <= layout.strips and 1 <= at[1] <= layout.holes):
            found.append(f"{what}: there is no hole {hole_name(at)}")
        if at in layout.cuts:
            found.append(f"{what} stands in the cut at {hole_name(at)}")
        if at in taken:
            found.append(f"{what} and {taken[at]} are both in {hole_name(at)}")
        taken[at] = what
    if len(set(layout.cuts)) != len(layout.cuts):
        found.append("a cut is listed twice")
    return found


def lead_breaches(layout: Layout) -> list[str]:
    """Parts whose leads stand askew, too near, too far apart, or in another order than the part's own."""
    found: list[str] = []
    for designator, pins in _standing(layout).items():
        if designator == "U1":
            columns = {at[1] for at in pins.values()}
            rows = (max(columns) - min(columns)) * PITCH_MM
            if abs(rows - (apart := facts.number("xiao.row_distance_mm"))) > 0.1:
                found.append(f"U1's rows of pins are {rows:.2f} mm apart, and {apart} mm are asked")
            continue
        kind, places = PARTS[designator], list(pins.values())
        shown = "-".join(hole_name(at) for at in places)
        if len({at[0] for at in places}) > 1 and len({at[1] for at in places}) > 1:
            found.append(f"{designator} stands askew: {shown}")
            continue
        steps = [abs(one[0] - other[0]) + abs(one[1] - other[1]) for one, other in pairwise(places)]
        if set(pins) == set(FACE):
            ordered = [pins[name] for name in FACE]
            if ordered not in (sorted(ordered), sorted(ordered, reverse=True)) or _length(ordered) != 2:
                found.append(f"{designator}'s leads are {', '.join(FACE)} side by side: {shown}")
        elif kind in RADIAL:
            if steps != [1]:
                found.append(f"{designator}'s leads come 2.5 mm apart: {shown}")
        else:
            least = math.ceil((_body_mm(layout, designator)[0] + 2 * BEND_MM) / PITCH_MM)
            if not least <= sum(steps) <= AXIAL_MOST_HOLES:
                found.append(f"{designator} lies over {least} to {AXIAL_MOST_HOLES} holes: {shown}")
    return found


def _length(places: list[Hole]) -> int:
    """How many holes lie from the first place to the last."""
    return abs(places[0][0] - places[-1][0]) + abs(places[0][1] - places[-1][1])


def flat_side(layout: Layout, designator: str) -> str:
    """To which side a TO-92's flat face looks, from above: left, right, top or bottom.

    Who looks at the face has the first of FACE on the left hand.
    """
    first, last = (layout.leads[f"{designator}.{name}"] for name in (FACE[0], FACE[-1]))
    if first[1] == last[1]:
        return "left" if first < last else "right"
    return "bottom" if first < last else "top"


def _middle(at: Hole) -> tuple[float, float]:
    """A hole's middle: mm from the left, mm from the USB end."""
    return (at[1] - 1) * PITCH_MM + MARGIN_MM, (at[0] - 1) * PITCH_MM + MARGIN_MM


def _standing(layout: Layout) -> dict[str, dict[str, Hole]]:
    """The holes of each part on the board, by its leads' names; without wires to parts elsewhere."""
    found: dict[str, dict[str, Hole]] = {}
    for pin, at in layout.leads.items():
        if pin not in layout.wired:
            designator, _, name = pin.partition(".")
            found.setdefault(designator, {})[name] = at
    return found


def _body_mm(layout: Layout, designator: str) -> tuple[float, float]:
    """A body's length and width from above."""
    kind = kinds()[layout.board if designator == "U1" else PARTS[designator]]
    return kind.size_mm[:2] if kind.size_mm else AXIAL_MM[kind.prefix]


def bodies(layout: Layout) -> list[Body]:
    """The outlines of the parts on the board, the XIAO first; wires to parts elsewhere have none."""
    found: list[Body] = []
    for designator, pins in _standing(layout).items():
        places = list(pins.values())
        length, width = _body_mm(layout, designator)
        points = [_middle(at) for at in places]
        x = (min(point[0] for point in points) + max(point[0] for point in points)) / 2
        y = (min(point[1] for point in points) + max(point[1] for point in points)) / 2
        along_strip = len({at[0] for at in places}) == 1
        half_x, half_y = (length / 2, width / 2) if along_strip else (width / 2, length / 2)
        found.append(Body(designator, x - half_x, y - half_y, x + half_x, y + half_y))
    return found


def body_breaches(layout: Layout) -> list[str]:
    """Bodies that overlap each other, a foreign lead, or a link. Under the XIAO a link may run."""
    found: list[str] = []
    outlines = bodies(layout)
    for index, one in enumerate(outlines):
        found += [
            f"{one.designator} and {other.designator} are in each other's way"
            for other in outlines[index + 1 :]
            if one.overlaps(other)
        ]
        for pin, at in layout.leads.items():
            x, y = _middle(at)
            lead = Body(pin, x - 0.3, y - 0.3, x + 0.3, y + 0.3)
            if pin.partition(".")[0] != one.designator and one.designator != "U1" and one.overlaps(lead):
                found.append(f"{pin} in {hole_name(at)} is under {one.designator}")
        for name, start, end in _links(layout):
            if one.designator != "U1" and one.overlaps(_wire(name, start, end)):
                found.append(f"{name} is under {one.designator}")
    for body in outlines:
        if body.designator == "U1":  # its USB end looks over the edge
            continue
        if (
            min(body.left, body.top) < -SAWN_MM
            or body.right > layout.width_mm + SAWN_MM
            or body.bottom > layout.length_mm + SAWN_MM
        ):
            found.append(f"{body.designator} stands over the board's edge")
    for link in layout.links:
        if link.start[0] != link.end[0] and link.start[1] != link.end[1]:
            found.append(f"the link {hole_name(link.start)}-{hole_name(link.end)} is not straight")
    return found


def _links(layout: Layout) -> list[tuple[str, Hole, Hole]]:
    return [
        (f"the link {hole_name(link.start)}-{hole_name(link.end)}", link.start, link.end)
        for link in layout.links
    ]


def _wire(name: str, start: Hole, end: Hole) -> Body:
    """The outline of a straight piece of wire."""
    (ax, ay), (bx, by) = _middle(start), _middle(end)
    half = LINK_MM / 2
    return Body(name, min(ax, bx) - half, min(ay, by) - half, max(ax, bx) + half, max(ay, by) + half)


def bare_breaches(layout: Layout) -> list[str]:
    """Bare wires, of links and of lying parts, that cross each other or run over somebody else's lead."""
    spans = _links(layout)
    for designator, pins in _standing(layout).items():
        if designator != "U1" and len(pins) == 2:
            start, end = pins.values()
            spans.append((designator, start, end))
    leads = [(pin, pin.partition(".")[0], at) for pin, at in layout.leads.items()]
    leads += [(name, name, at) for name, start, end in _links(layout) for at in (start, end)]
    found: list[str] = []
    for index, (name, start, end) in enumerate(spans):
        wire = _wire(name, start, end)
        found += [
            f"{name} runs over {lead} in {hole_name(at)}"
            for lead, owner, at in leads
            if owner != name and wire.overlaps(_wire(lead, at, at))
        ]
        found += [
            f"{name} and {other[0]} cross" for other in spans[index + 1 :] if wire.overlaps(_wire(*other))
        ]
    return found


def needless_cuts(layout: Layout, netlist: Netlist) -> list[str]:
    """Cuts without which the board would be right as well: work for nothing, or a sign of a mistake."""
    return [
        f"the cut at {hole_name(cut)} is not needed"
        for cut in layout.cuts
        if not net_breaches(replace(layout, cuts=tuple(at for at in layout.cuts if at != cut)), netlist)
    ]


def breaches(layout: Layout, netlist: Netlist) -> list[str]:
    """All that is wrong with a layout; empty if it is the netlist, and can be built."""
    found = hole_breaches(layout) + net_breaches(layout, netlist) + lead_breaches(layout)
    found += body_breaches(layout) + bare_breaches(layout)
    if not found:
        found += needless_cuts(layout, netlist)
    off_board = {pin.partition(".")[0] for join in layout.harness for pin in join[:2]}
    on_board = {pin.partition(".")[0] for pin in layout.leads}
    found += [f"{part} is not placed" for part in netlist.parts if part not in on_board | off_board]
    if not set(CELL_PADS) <= {pin.partition(".")[2] for pin in layout.wired}:
        found.append("the XIAO's cell pads need wires of their own")
    return [f"{layout.board}: {each}" for each in found]


def over_edge_mm(layout: Layout, xiao_length_mm: float) -> float:
    """How far the XIAO's USB end stands out over the board's edge, if its pads are in its middle.

    Negative: it lies behind the edge.
    """
    first = _middle(layout.leads["U1.D0"])[1]
    last = _middle(layout.leads["U1.D6"])[1]
    return xiao_length_mm / 2 - (first + last) / 2
