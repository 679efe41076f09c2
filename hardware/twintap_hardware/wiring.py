"""The wires between the stripboard and what sits in the case: from which hole to where, and how long to cut.

Where they start is stripboard.toml's; where they end is case_size's and case_inside's. A lid lies open beside
the body, turned over about the long side that its wires start at: that is how long a lid's wire must be.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import functools
import math
from dataclasses import dataclass

from . import facts, stripboard
from .case_inside import light_z, things
from .case_size import board, size
from .places import BOARDS

Place = tuple[float, float, float]
CUT_MM = 5  # wires are cut to whole steps of this
UNDER_XIAO_MM = 40  # these two are soldered before the XIAO stands on its pins
BY_HAND_MM = 60  # what a wire of the plug has at least: it is plugged together above the case


@dataclass(frozen=True)
class Wire:
    """Wires that run together: `pins` of the netlist that they start from, one for each wire.

    `start` and `end` are in the closed pulser (mm), `length` is what to cut (mm), or how long it is if it
    `comes` with its part. `radius` is that of the bundle, `in_lid` says that its end moves with the lid.
    `holes` are the places in the board where its wires start, if all of them start there.
    """

    name: str
    pins: tuple[str, ...]
    start: Place
    end: Place
    radius: float
    length: int
    in_lid: bool
    holes: tuple[Place, ...] = ()
    comes: bool = False

    @property
    def single(self) -> float:
        """Half of one wire's thickness (mm)."""
        return facts.number("case.wire_diameter_mm") / 2 if self.pins else self.radius

    def volume(self, length: float | None = None) -> float:
        """Of a length of it (of what is cut, if none is given), with the insulation (mm³)."""
        long = self.length if length is None else length
        return max(1, len(self.pins)) * long * math.pi * self.single**2


def bundle_radius(count: int, diameter: float) -> float:
    """The circle round one, two or three wires of `diameter` that lie against each other."""
    return diameter / 2 * {1: 1.0, 2: 2.0, 3: 1 + 2 / math.sqrt(3)}[count]


def cut(start: Place, end: Place, in_lid: bool) -> int:
    """How long a wire is cut: along its way, over the rim of an open pulser if its end is in the lid, and the
    slack; rounded up to steps of CUT_MM.
    """
    it = size()
    if in_lid:
        rim = it.parting_z + it.tongue_height
        # The lid has turned about the long side at y = -width / 2, and lies on its face.
        across = -it.width - end[1]
        flat = math.hypot(end[0] - start[0], across - start[1])
        way = flat + (rim - start[2]) + (rim - (it.height - end[2]))
    else:
        way = sum(abs(one - two) for one, two in zip(start, end, strict=True))
    return math.ceil((way + facts.number("case.wire_slack_mm")) / CUT_MM) * CUT_MM


@functools.cache
def wires() -> tuple[Wire, ...]:
    """Every wire in the case, those between parts of the body first, then by thickness.

    Raises KeyError for a layout that lacks one.
    """
    it, layout, it_board = size(), stripboard.load(BOARDS[0]), board()
    boxes, number = things(), facts.number
    diameter = number("case.wire_diameter_mm")
    top = it.board_z + it_board.thickness

    def start(pins: tuple[str, ...]) -> Place:
        at = [layout.leads[pin] for pin in pins]
        x = sum((strip - 0.5) * stripboard.PITCH_MM for strip, _ in at) / len(at)
        y = sum((hole - 0.5) * stripboard.PITCH_MM for _, hole in at) / len(at)
        return it.board_x + x, y - it_board.width / 2, top + 1.5

    plug, fuse, legs, terminals = (boxes[name] for name in ("plug", "fuse", "legs", "terminals"))
    into_plug = (plug.middle[0], plug.y[0] - 1.5, plug.middle[2])
    over_fuse = (fuse.middle[0], fuse.middle[1], fuse.z[1] + 1.2)
    at_switch = (terminals.middle[0], 0.0, terminals.z[0] - 1.0)
    cup = it.cup_radius + it.cup_wall
    found: list[Wire] = []

    def add(
        name: str, pins: tuple[str, ...], ends: tuple[Place, Place], in_lid: bool = False, least: int = 0
    ) -> None:
        radius = bundle_radius(len(pins), diameter)
        holes = tuple(start((pin,)) for pin in pins if pin in layout.leads)
        holes = holes if len(holes) == len(pins) else ()
        found.append(Wire(name, pins, *ends, radius, max(least, cut(*ends, in_lid)), in_lid, holes))

    def comes(
        name: str, pins: tuple[str, ...], ends: tuple[Place, Place], radius: float, length: float
    ) -> None:
        found.append(Wire(name, pins, *ends, radius, round(length), in_lid=not pins, comes=True))

    light = ("LED1.VDD", "LED1.GND", "LED1.DIN")
    add("LED1", light, (start(light), (it.light_x + 6.2, 0.0, light_z() - 1.2)), in_lid=True)
    button = ("S1.1", "S1.2")
    add("S1", button, (start(button), (it.button_x - 2, legs.y[1] + 1.5, legs.z[1] - 1.6)), in_lid=True)
    motor = ("M1.+", "M1.-")
    add("M1", motor, (start(motor), (it.motor_x, cup + 1.6, it.pad + it.cup_height + 1.2)))
    add("SW1", ("SW1.2",), (start(("SW1.2",)), (at_switch[0], -2.0, at_switch[2])), in_lid=True)
    add("F1 to SW1", ("F1.2",), (over_fuse, (at_switch[0], 2.0, at_switch[2])), in_lid=True)
    add("J1 to F1", ("J1.+",), ((into_plug[0], into_plug[1], into_plug[2] + 1), over_fuse), least=BY_HAND_MM)
    black = (start(("J1.-",)), (into_plug[0], into_plug[1], into_plug[2] - 1))
    add("J1", ("J1.-",), black, least=BY_HAND_MM)
    xiao_end = it.xiao_x + number("xiao.length_mm")
    for pin, y in (("U1.BAT+", 2.0), ("U1.BAT-", -1.0)):
        under = (start((pin,)), (xiao_end - 2.0, it.xiao_y + y, top + 1.3))
        add(pin, (pin,), under, least=UNDER_XIAO_MM)
    # What comes with its part: the cell's lead, and the antenna's, whose end is plugged on the XIAO.
    lead = (
        (it.cell_x + it.cell_length + 1.0, 0.0, it.cell_z + 4),
        (plug.middle[0], plug.y[1] + 1.5, plug.middle[2]),
    )
    comes("BT1", ("BT1.+", "BT1.-"), lead, bundle_radius(2, diameter), number("case.cell_lead_mm"))
    antenna = boxes["antenna"]
    clear = number("case.antenna_to_parts_least_mm") + 0.5
    coax = (
        (xiao_end - 1.5, it.xiao_y - 6.5, it.xiao_z + number("case.xiao_board_thickness_mm") + 1.5),
        (antenna.middle[0], antenna.y[1] + clear, it.inside_z - 1.0),
    )
    comes("antenna", (), coax, number("case.antenna_lead_mm") / 2, number("case.antenna_lead_length_mm"))
    return tuple(sorted(found, key=lambda each: (each.in_lid, -each.radius)))


def breaches() -> list[str]:
    """Whether every wire of the layout has its way here, and no other; empty if nothing is wrong."""
    found: list[str] = []
    ours = {pin for each in wires() if not each.comes for pin in each.pins}
    for name in BOARDS:
        layout = stripboard.load(name)
        from_harness = {pin for joint in layout.harness for pin in joint[:2]} & {"J1.+", "F1.2"}
        asked = set(layout.wired) | from_harness
        found += [f"{name}: the wire of {pin} has no way in the case" for pin in sorted(asked - ours)]
        found += [f"{name}: {pin} has a way in the case and is no wire" for pin in sorted(ours - asked)]
        at = {pin: layout.leads[pin] for pin in sorted(ours & set(layout.leads))}
        first = stripboard.load(BOARDS[0]).leads
        found += [
            f"{name}: the wire of {pin} starts elsewhere" for pin, hole in at.items() if hole != first[pin]
        ]
    return found
