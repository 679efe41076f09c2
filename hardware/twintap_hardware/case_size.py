"""The case's dimensions: what it must hold, from facts.toml, and what was chosen. Reading them needs no CAD.

Axes, of the closed pulser: x along it, from the USB end (-) to the switch's end (+); y across; z up from the
skin side (0) to the lid's face. The origin is in the middle of the skin side. All lengths in mm.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import functools
import math
from dataclasses import dataclass

from . import facts, stripboard
from .catalogue import kinds
from .circuit_parts import PARTS
from .places import BOARDS

EDGE_LEAST = 1.0  # no outer edge is sharper than a fillet of this radius
WALL_LEAST = 0.8  # four layers of 0.2 mm, or two lines of a 0.4 mm nozzle
BOARD_GAP_LEAST = 0.5  # nothing hard is nearer to the board: what shakes the case does not shake the board
PART_GAP_LEAST = 0.2  # and nothing nearer to cell, motor, switch and light
FIRST_LAYERS = 0.45  # what curves in steeper than 45 degrees this near to the bed needs no support
BRIDGE_MOST = 8.5  # a ceiling that a printer spans without support
LEDGE_MOST = 0.6  # how far a layer may stand out over the one below, with nothing beyond
DISH = 15.0  # the hole over the button
RIM = 1.2  # the fillet of its rim, and of all other openings
RECESS = 2.7  # from the lid's face to the button's top
STROKE_LEAST, LETTER_DEPTH_LEAST = 2.0, 0.5  # chosen: the letter is for the eye, and can be felt
FOOT = (0.3, 2.9)  # from the board's USB end: where the lid's two front feet begin and end


@dataclass(frozen=True)
class Standing:
    """A part on the stripboard, in the case's axes from the board's USB end (x) and its middle (y)."""

    designator: str
    x: tuple[float, float]
    y: tuple[float, float]
    height: float


@dataclass(frozen=True)
class Board:
    """The stripboard as the case knows it: `length` from the USB end, `width` across.

    `xiao_ahead` is how far the XIAO stands out over the stripboard's edge at the USB end, `xiao_aside` how
    far its middle is from the stripboard's. `joints` are the places (x, y) where something stands out below,
    `standing` the parts above, without the XIAO.
    """

    length: float
    width: float
    thickness: float
    xiao_ahead: float
    xiao_aside: float
    joints: tuple[tuple[float, float], ...]
    standing: tuple[Standing, ...]

    @property
    def tallest(self) -> float:
        """The height of the highest part above the board."""
        return max(each.height for each in self.standing)


@dataclass(frozen=True)
class Size:
    """Every dimension of the case. A name that ends in _x, _y or _z is a place, all others are lengths."""

    length: float
    width: float
    height: float
    parting_z: float
    corner: float
    chamfer: float
    fillet: float
    floor: float
    inside_z: float
    end_wall: float
    side_wall: float
    cavity_x: float
    cavity_y: float
    cavity_corner: float
    slot_x: float
    slot_length: float
    slot_width: float
    slot_y: float
    pad: float
    membrane: float
    membrane_radius: float
    cup_radius: float
    cup_wall: float
    cup_height: float
    motor_x: float
    motor_radius: float
    motor_thickness: float
    cell_x: float
    cell_z: float
    cell_length: float
    cell_width: float
    cell_thickness: float
    cell_swollen: float
    post: float
    back_post_x: float
    foam: float
    board_x: float
    board_end_x: float
    board_z: float
    xiao_x: float
    xiao_y: float
    xiao_z: float
    usb_z: float
    usb_mouth_x: float
    usb_width: float
    usb_height: float
    button_x: float
    web: float
    web_radius: float
    web_boss: float
    carrier_z: float
    carrier_length: float
    carrier_width: float
    button_height: float
    pillar_y: float
    insert_radius: float
    insert_depth: float
    head_radius: float
    screw_x: float
    screw_y: float
    slide_width: float
    slide_height: float
    slide_plug: float
    switch_x: float
    antenna_x: float
    antenna_y: float
    antenna_depth: float
    letter_stroke: float
    letter_tall: float
    letter_wide: float
    tongue: float
    tongue_height: float
    play: float
    light_x: float
    light_radius: float
    window: float
    mark_height: float
    mark_z: float
    letter_depth: float

    @property
    def lid(self) -> float:
        """The lid's thickness."""
        return self.height - self.inside_z

    @property
    def screw_length(self) -> float:
        """From the lid's face to the end of the insert."""
        return self.height - self.parting_z + self.insert_depth


def into_hole(radius: float, diameter: float, rim: float) -> float:
    """How far a ball of `radius` reaches into a hole of `diameter` whose rim is rounded by `rim`.

    The ball rests on the rim's round: R + r - sqrt((R + r)^2 - (d/2 + r)^2). If it falls in: its diameter.
    """
    far, half = radius + rim, diameter / 2 + rim
    return 2 * radius if half >= far else far - math.sqrt(far * far - half * half)


def recess_least() -> float:
    """How deep the button must lie, so that a closed hand does not press it.

    The tightest bulge of the palm as a ball on the hole, and what skin bulges beyond that.
    """
    reach = into_hole(facts.number("case.palm_radius_least_mm"), DISH, RIM)
    return reach + facts.number("case.skin_bulge_mm")


def recess_most() -> float:
    """How deep the button may lie, so that the broadest thumb's tip still presses it home."""
    tip = into_hole(facts.number("case.fingertip_radius_most_mm"), DISH, RIM)
    return tip - facts.number("case.tact_travel_mm")


# What stands on its leads, above its own height: a TO-92's legs cannot be bent at its body.
_LEGS = {"mosfet": 2.5, "decoupling": 1.0}
_AXIAL_HEIGHT = 2.7


@functools.cache
def board() -> Board:
    """The stripboard of stripboard.toml: all boards' layouts together, for the case is one and the same."""
    layouts = [stripboard.load(name) for name in BOARDS]
    first = layouts[0]
    half = first.width_mm / 2
    joints: set[tuple[float, float]] = set()
    standing: dict[str, Standing] = {}
    aside = 0.0
    for layout in layouts:
        holes = [*layout.leads.values()]
        holes += [at for link in layout.links for at in (link.start, link.end)]
        joints |= {
            ((at[0] - 0.5) * stripboard.PITCH_MM, (at[1] - 0.5) * stripboard.PITCH_MM - half) for at in holes
        }
        for body in stripboard.bodies(layout):
            if body.designator == "U1":
                aside = (body.left + body.right) / 2 - half
                continue
            kind = kinds()[PARTS[body.designator]]
            height = (kind.size_mm[2] if kind.size_mm else _AXIAL_HEIGHT) + _LEGS.get(kind.name, 0.0)
            standing[body.designator] = Standing(
                body.designator, (body.top, body.bottom), (body.left - half, body.right - half), height
            )
    return Board(
        length=first.length_mm,
        width=first.width_mm,
        thickness=facts.number("case.stripboard_thickness_mm"),
        xiao_ahead=stripboard.over_edge_mm(first, facts.number("xiao.length_mm")),
        xiao_aside=aside,
        joints=tuple(sorted(joints)),
        standing=tuple(standing.values()),
    )


_POST = 1.5  # how far the posts reach under the board: not as far as the nearest joint


@functools.cache
def size() -> Size:
    """The dimensions, worked out from the facts and the board."""
    it = board()
    number = facts.number
    fit = BOARD_GAP_LEAST + 0.1
    floor, side_wall, end_wall, foam, web = 2.0, 2.0, 2.6, 1.0, 0.8

    # The largest cell that the parts list allows.
    cell_length, cell_width, cell_thickness = kinds()["cell"].size_mm or (0.0, 0.0, 0.0)

    button_body, _, button = kinds()["button"].size_mm or (0.0, 0.0, 0.0)

    # From the skin side up: floor, foam tape, cell (swollen), air, joints, board.
    cell_z = floor + 0.5
    cell_swollen = cell_thickness * (1 + number("case.cell_swelling_percent") / 100)
    board_z = cell_z + cell_swollen + 0.5 + number("case.joint_height_mm")
    xiao_z = board_z + it.thickness + number("case.xiao_header_mm")
    usb_z = xiao_z + number("case.xiao_board_thickness_mm") + number("case.usb_shell_height_mm") / 2
    usb_height = number("case.usb_overmold_height_mm") + 0.3
    chamfer, fillet = 1.6, 1.2
    inside_z = board_z + it.thickness + it.tallest + 0.2 + web
    height = max(inside_z + RECESS + 0.5, usb_z + usb_height / 2 + RIM + 0.55 + chamfer)
    height = math.ceil(height * 10) / 10

    # Along: a gap, the board, a foam, wires, the button's carrier, the switch behind its wall. Before the
    # lever its plug has to find room in the wall; behind the switch its terminals, and the button.
    web_radius = DISH / 2 + 2.4
    carrier_width = 3 * stripboard.PITCH_MM
    slide_plug = 1.4
    switch_wall = max(end_wall, number("case.slide_lever_mm") + PART_GAP_LEAST + slide_plug)
    behind = button_body / 2 + 0.5 + number("case.slide_terminal_mm")
    switch_room = number("case.slide_body_depth_mm") + switch_wall - end_wall
    ahead = max(0.0, it.xiao_ahead)
    to_button = fit + ahead + it.length + foam + 0.6 + carrier_width / 2
    inner = to_button + max(behind + switch_room, web_radius + 0.4)
    cavity_x = inner / 2
    button_x = to_button - cavity_x
    board_x = -cavity_x + fit + ahead
    board_end_x = board_x + it.length
    xiao_x = board_x - it.xiao_ahead
    length = inner + 2 * end_wall

    # Across: the cavity, a wall, the strap's slot, a bar.
    cavity_y = it.width / 2 + fit
    slot_width = number("case.strap_thickness_mm") + 1.2
    slot_y = cavity_y + side_wall + slot_width / 2
    width = 2 * (slot_y + slot_width / 2 + 3.6)

    strap_half = number("case.strap_width_most_mm") / 2
    slot_x = button_x - DISH / 2 - RIM - strap_half  # the strap leaves the button free
    cell_x = board_x + _POST + 0.4  # behind the posts that carry the board
    motor_radius = number("case.motor_diameter_mm") / 2
    cup_radius, cup_wall = motor_radius + 0.25, 1.2
    membrane_radius = cup_radius + cup_wall + 3.0
    carrier_z = inside_z - web - 0.1 - button

    # The antenna's field, under the lid along one long side: from the lid's front foot towards the button.
    antenna_x = board_x + FOOT[1] + 0.5 + number("case.antenna_length_mm") / 2 + 0.4
    antenna_y = -(cavity_y - 0.8 - number("case.antenna_width_mm") / 2 - 0.4)
    return Size(
        length=length, width=width, height=height, parting_z=usb_z, corner=12.5,
        chamfer=chamfer, fillet=fillet,
        floor=floor, inside_z=inside_z, end_wall=end_wall, side_wall=side_wall,
        cavity_x=cavity_x, cavity_y=cavity_y, cavity_corner=1.0,
        slot_x=slot_x, slot_length=2 * strap_half + 1.5, slot_width=slot_width, slot_y=slot_y,
        pad=1.6, membrane=1.0, membrane_radius=membrane_radius, cup_radius=cup_radius, cup_wall=cup_wall,
        cup_height=2.2, motor_x=cell_x + cell_length + 0.5 + cup_radius + cup_wall, motor_radius=motor_radius,
        motor_thickness=number("case.motor_thickness_mm"),
        cell_x=cell_x, cell_z=cell_z, cell_length=cell_length, cell_width=cell_width,
        cell_thickness=cell_thickness, cell_swollen=cell_swollen,
        post=_POST, back_post_x=board_end_x - min(2.3, board_end_x - cell_x - cell_length - 0.4), foam=foam,
        board_x=board_x, board_end_x=board_end_x, board_z=board_z,
        xiao_x=xiao_x, xiao_y=it.xiao_aside, xiao_z=xiao_z,
        usb_z=usb_z, usb_mouth_x=xiao_x - number("case.usb_overhang_mm"),
        usb_width=number("case.usb_overmold_width_mm") + 0.4, usb_height=usb_height,
        button_x=button_x, web=web, web_radius=web_radius, web_boss=6.0,
        carrier_z=carrier_z, carrier_length=12 * stripboard.PITCH_MM, carrier_width=carrier_width,
        button_height=button, pillar_y=5 * stripboard.PITCH_MM,
        insert_radius=1.6, insert_depth=4.5, head_radius=1.95,
        screw_x=length / 2 - 13.2, screw_y=slot_y + 0.3,
        slide_width=7.0, slide_height=3.2, slide_plug=slide_plug, switch_x=length / 2 - switch_wall,
        antenna_x=antenna_x, antenna_y=antenna_y, antenna_depth=0.3,
        letter_stroke=2.2, letter_tall=13.0, letter_wide=8.0, tongue=0.9, tongue_height=1.6, play=0.15,
        light_x=slot_x - strap_half - 0.5 - number("case.light_board_mm") / 2,
        light_radius=number("case.light_board_mm") / 2 + 0.3, window=0.8,
        mark_height=0.8, mark_z=(usb_z + height - chamfer) / 2, letter_depth=0.5,
    )  # fmt: skip


def letters(it: Size) -> list[str]:
    """Whether the letters on the lids are broad and deep enough; empty if they are."""
    if it.letter_stroke >= STROKE_LEAST and it.letter_depth >= LETTER_DEPTH_LEAST:
        return []
    return [
        f"letters of {it.letter_stroke} mm stroke, {it.letter_depth} mm deep: a finger finds them from "
        f"{STROKE_LEAST} mm and {LETTER_DEPTH_LEAST} mm on"
    ]
