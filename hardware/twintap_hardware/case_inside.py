"""What lies loose in a finished pulser: fuse, plug, sheet, antenna, joints, the switch's lever; no CAD here.

Each is a box that the thing keeps within, in the axes of case_size, with the part of the parts list that it
is. The case is built round them, and the wires find their ways between them.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

from . import facts
from .case_size import PART_GAP_LEAST, Size, board, size
from .catalogue import kinds

Range = tuple[float, float]


@dataclass(frozen=True)
class Thing:
    """A box that something keeps within. `on` names what carries it: nothing is between those two."""

    name: str
    x: Range
    y: Range
    z: Range
    on: str = ""

    def gap(self, other: "Thing") -> float:
        """The shortest way between two boxes (mm); 0 if they touch or share room."""
        apart = [
            max(0.0, one[0] - two[1], two[0] - one[1])
            for one, two in ((self.x, other.x), (self.y, other.y), (self.z, other.z))
        ]
        return math.hypot(*apart)

    @property
    def middle(self) -> tuple[float, float, float]:
        """The box's middle."""
        return sum(self.x) / 2, sum(self.y) / 2, sum(self.z) / 2


_CORNER = 0.5  # from the walls of a corner whose inside is rounded
PLUG_Z = 6.5  # the plug's shelf: clear of the motor below


def things(it: Size | None = None) -> dict[str, Thing]:
    """The boxes by name, in a case of these dimensions (the built one's, if none are given)."""
    it = it or size()
    number = facts.number
    found: list[Thing] = []

    # The fuse stands in the corner behind the switch, legs up, in sleeve: far from the cell.
    wide, thick, tall = kinds()["fuse"].size_mm or (0.0, 0.0, 0.0)
    sleeve = 2 * number("case.sleeve_wall_mm")
    wall_x, wall_y = it.cavity_x - _CORNER, -it.cavity_y + _CORNER
    top = it.floor + 0.3 + tall + number("case.fuse_joint_mm")
    found.append(
        Thing(
            "fuse", (wall_x - thick - sleeve, wall_x), (wall_y, wall_y + wide + sleeve), (it.floor + 0.3, top)
        )
    )
    # The cell's plug in its socket lies across on its shelf, above the motor's ring: foam is between it and
    # the end wall, and what closes the wall round the switch is behind it.
    long, high, flat = (number(f"case.plug_pair_{name}_mm") for name in ("length", "width", "height"))
    found.append(
        Thing(
            "plug", (it.switch_x - 0.1 - flat, it.switch_x - 0.1), (-5.0, long - 5.0), (PLUG_Z, PLUG_Z + high)
        )
    )

    # The sheet lies on the cell, as high as a swollen one lifts it.
    sheet_z = it.cell_z + it.cell_swollen
    half = sheet_width(it) / 2
    found.append(
        Thing(
            "sheet",
            (it.cell_x, it.cell_x + it.cell_length),
            (-half, half),
            (sheet_z, sheet_z + number("case.sheet_thickness_mm")),
            on="cell",
        )
    )
    # The antenna in its field under the lid.
    half_x, half_y = number("case.antenna_length_mm") / 2, number("case.antenna_width_mm") / 2
    ceiling = it.inside_z + it.antenna_depth
    found.append(
        Thing(
            "antenna",
            (it.antenna_x - half_x, it.antenna_x + half_x),
            (it.antenna_y - half_y, it.antenna_y + half_y),
            (ceiling - number("case.antenna_thickness_mm"), ceiling),
            on="lid",
        )
    )
    # The switch's lever with its whole travel, and the terminals behind.
    reach = (number("case.slide_travel_mm") + number("case.slide_lever_width_mm")) / 2
    rise = number("case.slide_lever_height_mm") / 2
    found.append(
        Thing(
            "lever",
            (it.switch_x, it.switch_x + number("case.slide_lever_mm")),
            (-reach, reach),
            (it.usb_z - rise, it.usb_z + rise),
            on="switch",
        )
    )
    back = it.switch_x - number("case.slide_body_depth_mm")
    found.append(
        Thing(
            "terminals",
            (back - number("case.slide_terminal_mm"), back),
            (-4.0, 4.0),
            (it.usb_z - 1.2, it.usb_z + 0.5),
            on="switch",
        )
    )
    # Below the button's carrier: the button's legs, and the heads of its two screws.
    low = it.carrier_z - board().thickness
    found.append(
        Thing(
            "legs",
            (it.button_x - 3.3, it.button_x + 3.3),
            (-4.0, 4.0),
            (low - number("case.leg_height_mm"), low),
            on="carrier",
        )
    )
    head = number("case.pan_head_diameter_mm") / 2
    for name, way in (("screw head", 1), ("other screw head", -1)):
        found.append(
            Thing(
                name,
                (it.button_x - head, it.button_x + head),
                (way * it.pillar_y - head, way * it.pillar_y + head),
                (low - number("case.pan_head_height_mm"), low),
                on="carrier",
            )
        )
    behind = light_z(it)
    found.append(
        Thing(
            "light's joints",
            (it.light_x - 4.0, it.light_x + 4.0),
            (-4.0, 4.0),
            (behind - number("case.light_joint_mm"), behind),
            on="light",
        )
    )
    return {each.name: each for each in found}


def sheet_width(it: Size | None = None) -> float:
    """How wide the insulating sheet is: over the cell's edges, clear of the walls (mm)."""
    return math.floor(2 * ((it or size()).cavity_y - 0.5))


def cell_tape(it: Size | None = None) -> tuple[float, float, float]:
    """The tape below the cell: its length, its width, its thickness (mm)."""
    it = it or size()
    return it.cell_length - 6, 16.0, it.cell_z - it.floor


def light_z(it: Size | None = None) -> float:
    """The back of the light in its pocket."""
    it = it or size()
    return it.height - it.window - PART_GAP_LEAST - facts.number("case.light_height_mm")


# -- what must hold of them ------------------------------------------------------------------------------


def breaches(boxes: Mapping[str, Thing] | None = None, it: Size | None = None) -> list[str]:
    """What is wrong with where things lie; empty if nothing is."""
    it = it or size()
    boxes = boxes if boxes is not None else things(it)
    found = _apart(boxes)
    found += _fuse(boxes["fuse"], it)
    found += _sheet(boxes["sheet"], it)
    found += _lever(boxes["lever"], it)
    found += _antenna(boxes, it)
    return found + screws(it)


def _apart(boxes: Mapping[str, Thing]) -> list[str]:
    found: list[str] = []
    for one, two in itertools.combinations(boxes.values(), 2):
        if one.on and one.on == two.on:
            continue
        if (gap := one.gap(two)) < PART_GAP_LEAST - 1e-6:
            found.append(f"the {one.name} is {gap:.2f} mm from the {two.name}, at least {PART_GAP_LEAST} mm")
    return found


def cell(it: Size | None = None) -> Thing:
    """The cell, swollen."""
    it = it or size()
    return Thing(
        "cell",
        (it.cell_x, it.cell_x + it.cell_length),
        (-it.cell_width / 2, it.cell_width / 2),
        (it.cell_z, it.cell_z + it.cell_swollen),
    )


def motor(it: Size | None = None) -> Thing:
    """The motor's box."""
    it = it or size()
    return Thing(
        "motor",
        (it.motor_x - it.motor_radius, it.motor_x + it.motor_radius),
        (-it.motor_radius, it.motor_radius),
        (it.pad, it.pad + it.motor_thickness),
    )


def _fuse(fuse: Thing, it: Size) -> list[str]:
    least = facts.number("case.fuse_to_cell_least_mm")
    gap = fuse.gap(cell(it))
    return (
        []
        if gap >= least
        else [f"the fuse, hot when it has tripped, is {gap:.1f} mm from the cell, at least {least} mm"]
    )


def _sheet(sheet: Thing, it: Size) -> list[str]:
    """Between the cell and every joint above it lies the sheet, reaching 1 mm beyond across."""
    found: list[str] = []
    below = cell(it)
    for x, y in board().joints:
        at_x = it.board_x + x
        is_over = below.x[0] - 1 < at_x < below.x[1] + 1 and below.y[0] - 1 < y < below.y[1] + 1
        reaches = sheet.y[0] + 1 <= y <= sheet.y[1] - 1 and sheet.x[0] - 1 <= at_x <= sheet.x[1] + 1
        if is_over and not reaches:
            found.append(
                f"the joint at ({at_x:.1f}, {y:.1f}) lies over the cell, and the sheet is not between"
            )
    low = it.board_z - facts.number("case.joint_height_mm")
    if low - sheet.z[1] < PART_GAP_LEAST - 1e-6:
        found.append(f"the sheet on a swollen cell is {low - sheet.z[1]:.2f} mm below the board's joints")
    return found


def _lever(lever: Thing, it: Size) -> list[str]:
    """The lever moves freely in its opening, and its plug closes over it."""
    found: list[str] = []
    play = min(it.slide_width / 2 - lever.y[1], it.slide_width / 2 + lever.y[0])
    # The opening has round ends: what its corner leaves is less than its width.
    radius = it.slide_height / 2
    corner = math.hypot(max(0.0, lever.y[1] - (it.slide_width / 2 - radius)), lever.z[1] - it.usb_z)
    if play < 0.5 or radius - corner < PART_GAP_LEAST:
        found.append(f"the switch's lever has {min(play, radius - corner):.2f} mm to its opening's edge")
    room = it.length / 2 - it.slide_plug - lever.x[1]
    if room < PART_GAP_LEAST - 1e-6:
        found.append(f"{room:.2f} mm are between the lever's end and its plug, at least {PART_GAP_LEAST} mm")
    return found


def _antenna(boxes: Mapping[str, Thing], it: Size) -> list[str]:
    antenna, number = boxes["antenna"], facts.number
    metal = {"cell": cell(it), "motor": motor(it)}
    least = number("case.antenna_to_metal_least_mm")
    found = [
        f"the antenna is {gap:.1f} mm from the {name}, at least {least} mm"
        for name, thing in metal.items()
        if (gap := antenna.gap(thing)) < least
    ]
    least = number("case.antenna_to_parts_least_mm")
    near = {name: each for name, each in boxes.items() if name not in ("antenna", "sheet")}
    top = it.board_z + board().thickness
    for each in board().standing:
        x = (it.board_x + each.x[0], it.board_x + each.x[1])
        near[each.designator] = Thing(each.designator, x, each.y, (top, top + each.height))
    for x, y in ((x, y) for x in (-it.screw_x, it.screw_x) for y in (-it.screw_y, it.screw_y)):
        place = (it.parting_z - it.insert_depth, it.height)
        near[f"screw at ({x:.0f}, {y:.0f})"] = Thing("screw", (x - 1.6, x + 1.6), (y - 1.6, y + 1.6), place)
    found += [
        f"the antenna is {gap:.1f} mm from {name}, at least {least} mm"
        for name, thing in near.items()
        if (gap := antenna.gap(thing)) < least
    ]
    if antenna.x[1] + 0.4 > it.button_x - math.sqrt(max(0.0, it.web_radius**2 - antenna.y[1] ** 2)):
        found.append("the antenna's field lies under the soft button's web")
    return found


# -- screws ----------------------------------------------------------------------------------------------

USUAL_MM = (4, 5, 6, 8, 10, 12, 16)  # lengths in which M2 screws are sold
THREAD_LEAST_MM = 2.0  # as deep as the thread is wide
BOTTOM_LEAST_MM = 0.5  # what stays free below a screw's end


def lid_screw(it: Size | None = None) -> int:
    """The M2 screw with a countersunk head to buy for the lid (mm): the longest that does not reach the
    hole's end. Raises ValueError if none fits.
    """
    it = it or size()
    return _longest(it.screw_length - BOTTOM_LEAST_MM, "the lid")


def carrier_screw(it: Size | None = None) -> int:
    """The M2 screw for plastic to buy for the button's carrier (mm). Raises ValueError if none fits."""
    return _longest(board().thickness + CARRIER_HOLE_MM - BOTTOM_LEAST_MM, "the carrier")


CARRIER_HOLE_MM = 5.0  # how deep the holes in the carrier's pillars are


def _longest(most: float, where: str) -> int:
    fits = [long for long in USUAL_MM if long <= most + 1e-6]
    if not fits:
        raise ValueError(f"no usual M2 screw is short enough for {where}: at most {most:.1f} mm")
    return fits[-1]


def screws(it: Size | None = None) -> list[str]:
    """Screws that end where they should: in their insert, above the hole's end, with walls round it."""
    it = it or size()
    number = facts.number
    try:
        lid, carrier = lid_screw(it), carrier_screw(it)
    except ValueError as wrong:
        return [str(wrong)]
    found: list[str] = []
    end = it.height - lid
    held = min(it.parting_z - end, number("case.insert_length_mm"))
    if held < THREAD_LEAST_MM:
        found.append(
            f"the lid's screws hold by {held:.1f} mm of their inserts, at least {THREAD_LEAST_MM} mm"
        )
    if it.insert_depth < number("case.insert_length_mm") + 1:
        found.append("below the inserts there is less than 1 mm for the plastic that they push down")
    if carrier - board().thickness < 2 * THREAD_LEAST_MM:
        found.append(f"the carrier's screws hold by {carrier - board().thickness:.1f} mm of plastic")
    least = number("case.insert_wall_least_mm")
    walls = {
        "the outside": it.width / 2 - it.screw_y,
        "the cavity": it.screw_y - it.cavity_y,
        "the strap's slot": it.screw_x - (abs(it.slot_x) + it.slot_length / 2),
    }
    # Round a corner of the outside it may be nearer than at the side.
    x, y = it.screw_x - (it.length / 2 - it.corner), it.screw_y - (it.width / 2 - it.corner)
    if x > 0 and y > 0:
        walls["the outside's corner"] = it.corner - math.hypot(x, y)
    found += [
        f"{wall - it.insert_radius:.1f} mm of wall are between an insert and {name}, at least {least} mm"
        for name, wall in walls.items()
        if wall - it.insert_radius < least
    ]
    return found
