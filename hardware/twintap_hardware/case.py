"""The case of a pulser as solids: what is printed, what goes into it, and the closed pulser's outside.

Two hard parts, body and lid (the lid comes as left and right), and three soft ones: the button and two plugs.
Axes and dimensions are case_size's. Screws and not snaps: a therapist never opens it, a cell is changed
after some years, and inserts of brass take that more often than a plastic hook.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

import functools
import math
from pathlib import Path

from build123d import (
    Align,
    Axis,
    Box,
    Cone,
    Cylinder,
    Part,
    Plane,
    Polyline,
    Pos,
    RectangleRounded,
    Rot,
    SlotOverall,
    Sphere,
    chamfer,
    extrude,
    fillet,
    make_face,
)

from . import facts
from .case_size import DISH, RECESS, RIM, board, size

SIDES = ("left", "right")
_LOW = (Align.CENTER, Align.CENTER, Align.MIN)
_FAR = 200.0
# From the middle outwards: where the posts under the board stand (front: at the USB end), and the lid's feet.
_FRONT = (9.1, 13.7)
_BACK = (10.0, 16.4)
_FRONT_FOOT = (9.6, 12.0)
_BACK_FOOT = (13.9, 16.2)
_TAIL_Y = 9.6  # from an opening's middle to its plug's tail


def _block(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> Part:
    """A box between two places on each axis."""
    return Pos(x[0], y[0], z[0]) * Box(
        x[1] - x[0], y[1] - y[0], z[1] - z[0], align=(Align.MIN, Align.MIN, Align.MIN)
    )


def _rod(x: float, y: float, z: tuple[float, float], radius: float) -> Part:
    """An upright cylinder."""
    return Pos(x, y, z[0]) * Cylinder(radius, z[1] - z[0], align=_LOW)


def _ys(way: int, near: float, far: float) -> tuple[float, float]:
    """A stretch along y, `near` to `far` from the middle, on one side (`way` 1 or -1)."""
    return (near, far) if way > 0 else (-far, -near)


def _feet() -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Where the lid's feet stand on the board: stretches along x and y."""
    it = size()
    front, back = (it.board_x + 0.3, it.board_x + 4.3), (it.board_end_x - 2.4, it.board_end_x - 0.3)
    return [
        found for way in (-1, 1) for found in ((front, _ys(way, *_FRONT_FOOT)), (back, _ys(way, *_BACK_FOOT)))
    ]


def bar_along(x: tuple[float, float], width: float, height: float, y: float, z: float) -> Part:
    """A bar along x with round ends across: an opening in an end wall, or what fills it."""
    return Pos(x[0], y, z) * extrude(Plane.YZ * SlotOverall(width, height), x[1] - x[0])


def _round(x: float, y: float, radius: float, z: tuple[float, float]) -> Part:
    """A rectangle with round corners, `2x` by `2y`, upright."""
    return Pos(0, 0, z[0]) * extrude(RectangleRounded(2 * x, 2 * y, radius), z[1] - z[0])


def _face(corners: tuple[tuple[float, float], ...]):
    """A flat face with these corners."""
    return make_face(Polyline(*corners, close=True))


def _edges_at(part: Part, axis: Axis, place: float):
    return part.edges().filter_by_position(axis, place - 1e-4, place + 1e-4)


# -- the outside -----------------------------------------------------------------------------------------


@functools.cache
def shell() -> Part:
    """The outside without marks: with its slots, the button's hole and the two openings, all rounded."""
    it = size()
    part = extrude(RectangleRounded(it.length, it.width, it.corner), it.height)
    part = chamfer(_edges_at(part, Axis.Z, 0) + _edges_at(part, Axis.Z, it.height), it.chamfer)
    loops = [_edges_at(part, Axis.Z, z) for z in (0, it.chamfer, it.height - it.chamfer, it.height)]
    part = fillet(loops[0] + loops[1] + loops[2] + loops[3], it.fillet)
    slot = extrude(SlotOverall(it.slot_length, it.slot_width), it.height)
    for side in (-1, 1):
        part -= Pos(it.slot_x, side * it.slot_y, 0) * slot
    part -= _rod(it.button_x, 0, (it.height - RECESS, _FAR), DISH / 2)
    part -= bar_along((-_FAR, -it.length / 2 + 10), it.usb_width, it.usb_height, it.xiao_y, it.usb_z)
    part -= bar_along((it.length / 2 - 10, _FAR), it.slide_width, it.slide_height, 0, it.usb_z)
    inner = [
        edge
        for edge in _edges_at(part, Axis.Z, 0) + _edges_at(part, Axis.Z, it.height)
        if _is_of_opening(edge.center())
    ]
    inner += [
        edge
        for edge in _edges_at(part, Axis.X, -it.length / 2) + _edges_at(part, Axis.X, it.length / 2)
        if abs(edge.center().Z - it.usb_z) < it.usb_height / 2 + 0.1 and abs(edge.center().Y) < it.usb_width
    ]
    return fillet(inner, RIM)


def _is_of_opening(at) -> bool:
    it = size()
    in_slot = (
        abs(abs(at.Y) - it.slot_y) < it.slot_width / 2 + 0.1
        and abs(at.X - it.slot_x) < it.slot_length / 2 + 0.1
    )
    in_dish = math.hypot(at.X - it.button_x, at.Y) < DISH / 2 + 0.1
    return in_slot or in_dish


def marks(side: str) -> list[Part]:
    """What a finger finds on both long sides of the lid: one bar for left, two dots for right."""
    it = size()
    # A ball's cap that leaves the wall at 45 degrees: it prints on an upright wall without support.
    radius = it.mark_height / (1 - math.cos(math.pi / 4))
    deep = radius - it.mark_height
    found: list[Part] = []
    for way in (-1, 1):
        middle = way * (it.width / 2 - deep)
        keep = _block((-_FAR, _FAR), (it.width / 2 - 0.3, _FAR), (-_FAR, _FAR))
        if way < 0:
            keep = _block((-_FAR, _FAR), (-_FAR, 0.3 - it.width / 2), (-_FAR, _FAR))
        if side == "left":
            half = 5.0
            bar = Pos(it.slot_x, middle, it.mark_z) * Rot(0, 90, 0) * Cylinder(radius, 2 * half)
            for end in (-half, half):
                bar += Pos(it.slot_x + end, middle, it.mark_z) * Sphere(radius)
            found.append(bar & keep)
        else:
            found += [Pos(it.slot_x + x, middle, it.mark_z) * Sphere(radius) & keep for x in (-4.0, 4.0)]
    return found


def letter(side: str) -> Part:
    """The L or R as a solid to cut out of the lid's face: upright when the USB end is to the left.

    Drawn here, stroke by stroke: a font would be another on another machine.
    """
    it = size()
    tall, wide, stroke, depth = 13.0, 8.0, 2.2, 2 * it.letter_depth
    low = it.height - it.letter_depth

    def bar(x: tuple[float, float], y: tuple[float, float]) -> Part:
        return _block(x, y, (low, low + depth))

    left, foot = it.slot_x - wide / 2, -tall / 2
    part = bar((left, left + stroke), (foot, foot + tall))
    if side == "left":
        return part + bar((left, left + wide), (foot, foot + stroke))
    bow = tall * 0.54
    top = foot + tall
    middle = top - bow / 2
    ring_x = left + wide - bow / 2
    ring = _rod(ring_x, middle, (low, low + depth), bow / 2) - _rod(
        ring_x, middle, (low, low + depth), bow / 2 - stroke
    )
    part += ring & bar((ring_x, _FAR), (foot, _FAR))
    for y in (top - stroke, top - bow):
        part += bar((left, ring_x), (y, y + stroke))
    # The leg, from under the bow to the foot's far corner.
    leg = extrude(
        _face(
            (
                (left + 3.4, top - bow + 0.6),
                (left + 6.0, top - bow + 0.6),
                (left + wide, foot),
                (left + wide - 2.6, foot),
            )
        ),
        depth,
    )
    return part + Pos(0, 0, low) * leg


# -- the hard parts --------------------------------------------------------------------------------------


@functools.cache
def body() -> Part:
    """The body: skin side down, printed as it stands. Left and right are the same."""
    it = size()
    part = shell() & _block((-_FAR, _FAR), (-_FAR, _FAR), (-_FAR, it.parting_z))
    # The tongue stands in the lid's groove, and ends where the openings are.
    lip = _round(
        it.cavity_x + it.tongue,
        it.cavity_y + it.tongue,
        it.cavity_corner + it.tongue,
        (it.parting_z - 1, it.parting_z + it.tongue_height),
    )
    for way in (-1, 1):
        width = it.usb_width if way < 0 else it.slide_width
        y = it.xiao_y if way < 0 else 0.0
        lip -= _ordered(way, it.cavity_x - 2, _FAR, (y - width / 2 - 1.6, y + _TAIL_Y + 2.6), (0, _FAR))
    part += lip
    part -= _round(it.cavity_x, it.cavity_y, it.cavity_corner, (it.floor, _FAR))
    for x in (-it.screw_x, it.screw_x):
        for y in (-it.screw_y, it.screw_y):
            part -= _rod(x, y, (it.parting_z - it.insert_depth, _FAR), it.insert_radius)

    # The motor's cup on a stiff pad in a thin membrane: it shakes the skin side before it shakes the rest.
    outer = it.cup_radius + it.cup_wall
    part -= ring((it.membrane, it.floor))
    part -= _rod(it.motor_x, 0, (it.pad, it.floor), outer)
    cup = _rod(it.motor_x, 0, (it.pad, it.pad + it.cup_height), outer) - _rod(
        it.motor_x, 0, (it.pad, _FAR), it.cup_radius
    )
    cup -= _block((it.motor_x - _FAR, it.motor_x), (-1.6, 1.6), (it.pad, _FAR))  # its leads
    part += cup

    # Four posts carry the board on foam, under rows where nothing is soldered; ribs keep the cell; two stops,
    # with foam, take a plug's push.
    top = it.board_z + board().thickness
    low = it.board_z - it.foam
    for way in (-1, 1):
        part += _block((-it.cavity_x - 1, it.board_x + it.post), _ys(way, *_FRONT), (1, low))
        stop = (it.board_end_x + it.foam, it.board_end_x + it.foam + 1.6)
        part += _block((it.back_post_x, stop[1]), _ys(way, *_BACK), (1, low))
        part += _block(stop, _ys(way, _BACK[0], it.cavity_y + 0.5), (1, top))
        edge = it.cell_width / 2 + 0.4
        part += _block(
            (it.cell_x + 4, it.cell_x + it.cell_length - 4), _ys(way, edge, edge + 1.2), (1, it.cell_z + 3)
        )
    # A short cell ends at two ribs beside the motor, a long one at the posts.
    rib_x = it.cell_x + it.cell_length + 0.4
    if rib_x + 1.2 < it.back_post_x:
        for way in (-1, 1):
            part += _block((rib_x, rib_x + 1.2), _ys(way, 8, 13), (1, it.cell_z + 3))

    for way in (-1, 1):
        part -= _tether(way)
    return part


def ring(z: tuple[float, float]) -> Part:
    """The ring round the motor's cup, between two heights."""
    it = size()
    hole = _rod(it.motor_x, 0, z, it.cup_radius + it.cup_wall + 0.01)
    return _rod(it.motor_x, 0, z, it.membrane_radius) - hole


def _tether(way: int) -> Part:
    """The groove and the slit for a plug's tail, beside that end's opening, half in each part."""
    it = size()
    y = it.xiao_y if way < 0 else 0.0
    face = it.length / 2
    z = (it.usb_z - 1.3, it.usb_z + 1.7)
    groove = _ordered(way, face - 1.2, face + 1, (y, y + _TAIL_Y + 0.8), z)
    return groove + _ordered(way, it.cavity_x - 1, face + 1, (y + _TAIL_Y - 0.8, y + _TAIL_Y + 0.8), z)


def _ordered(way: int, near: float, far: float, y: tuple[float, float], z: tuple[float, float]) -> Part:
    """A block at the end that `way` names, from `near` to `far` along x (both positive)."""
    x = (near, far) if way > 0 else (-far, -near)
    return _block(x, y, z)


@functools.cache
def lid(side: str) -> Part:
    """The lid of one side, as it lies on the closed pulser; printed with its face down."""
    it = size()
    part = shell() & _block((-_FAR, _FAR), (-_FAR, _FAR), (it.parting_z, _FAR))
    for mark in marks(side):
        part += mark
    part -= letter(side)
    part -= _round(it.cavity_x, it.cavity_y, it.cavity_corner, (0, it.inside_z))
    grow = it.tongue + it.play
    part -= _round(
        it.cavity_x + grow,
        it.cavity_y + grow,
        it.cavity_corner + grow,
        (0, it.parting_z + it.tongue_height + 0.3),
    )
    for way, width in ((-1, it.usb_width), (1, it.slide_width)):
        # Where an opening is, no tongue: the end wall keeps its thickness up to the edge.
        y = it.xiao_y if way < 0 else 0.0
        ys = (y - width / 2 - 1.4, y + _TAIL_Y + 2.4)
        fill = _ordered(way, it.cavity_x, it.cavity_x + grow, ys, (it.parting_z, it.inside_z))
        height = it.usb_height if way < 0 else it.slide_height
        part += fill - bar_along((-_FAR, _FAR), width, height, y, it.usb_z)
    part -= _rod(it.button_x, 0, (it.parting_z, _FAR), DISH / 2)
    part -= _rod(it.light_x, 0, (0, it.height - it.window), it.light_radius)
    for x in (-it.screw_x, it.screw_x):
        for y in (-it.screw_y, it.screw_y):
            part -= _rod(x, y, (0, _FAR), 1.1)
            part -= Pos(x, y, it.height - it.head_radius) * Cone(
                0, it.head_radius, it.head_radius, align=_LOW
            )

    # Four feet press the board on its foam, each through a foam of its own.
    for x, y in _feet():
        part += _block(x, y, (it.board_z + board().thickness + it.foam, it.inside_z + 0.5))
    # Two pillars for the button's carrier.
    for way in (-1, 1):
        pillar = _rod(it.button_x, way * it.pillar_y, (it.carrier_z, it.inside_z + 0.5), 2.5)
        part += pillar - _rod(it.button_x, way * it.pillar_y, (0, it.carrier_z + 5), 0.85)
    # The switch's place: cheeks and a roof, clear of the button's web. Hot glue holds it.
    number = facts.number
    deep = number("case.slide_body_depth_mm") + 0.2
    half = number("case.slide_body_length_mm") / 2 + 0.25
    wide = number("case.slide_body_width_mm") / 2 + 0.2
    ends = (-half - 1.4, half + 1.4)
    groove_top = it.parting_z + it.tongue_height + 0.3
    place = _block((it.cavity_x - deep, it.cavity_x - 0.3), ends, (it.usb_z - wide, it.inside_z + 0.5))
    place += _block((it.cavity_x - 0.4, it.cavity_x + 0.5), ends, (groove_top, it.inside_z + 0.5))
    place -= _block((0, it.cavity_x + 0.1), (-half, half), (0, it.usb_z + wide))
    place -= _rod(it.button_x, 0, (0, it.inside_z), it.web_radius + 0.4)
    part += place - bar_along((it.cavity_x - 1, _FAR), it.slide_width, it.slide_height, 0, it.usb_z)
    part -= _rod(it.button_x, 0, (0, it.height - RIM - 0.5), DISH / 2)
    for way in (-1, 1):
        part -= _tether(way)
    return part


# -- the soft parts: printed in TPU, or cut from silicone -------------------------------------------------


@functools.cache
def soft_button() -> Part:
    """The button: a web that is glued under the lid and seals it, and a cap that lies in the hole."""
    it = size()
    part = _rod(it.button_x, 0, (it.inside_z - it.web, it.inside_z), it.web_radius)
    part += _rod(it.button_x, 0, (it.inside_z - 0.1, it.height - RECESS), it.web_boss)
    return fillet(_edges_at(part, Axis.Z, it.height - RECESS), 0.4)


@functools.cache
def plug(end: str) -> Part:
    """The plug of the end "usb" or "switch", in its opening, on a tail that is held by a slit in the body."""
    it = size()
    way = -1 if end == "usb" else 1
    width, height = (it.usb_width, it.usb_height) if way < 0 else (it.slide_width, it.slide_height)
    y = it.xiao_y if way < 0 else 0.0
    face = it.length / 2
    if way < 0:
        # Round the USB socket's shell lies a collar.
        inner = -it.usb_mouth_x + 0.2
        part = bar_along((-face, -inner), width, height, y, it.usb_z)
        collar = bar_along((-inner, -inner + 1.3), width - 0.3, height - 0.3, y, it.usb_z)
        number = facts.number
        shell_hole = bar_along(
            (-inner, 0),
            number("case.usb_shell_width_mm") + 0.3,
            number("case.usb_shell_height_mm") + 0.3,
            y,
            it.usb_z,
        )
        part += collar - shell_hole
    else:
        # In front of the lever.
        part = bar_along((face - 1.5, face), width, height, 0, it.usb_z)
    # The tail lies in its groove, goes in through the slit, and is held by its foot.
    tail, z = y + _TAIL_Y, (it.usb_z - 1.2, it.usb_z + 1.6)
    part += _ordered(way, face - 1.1, face, (y + 1, tail + 0.6), z)
    part += _ordered(way, it.cavity_x - 1.5, face, (tail - 0.6, tail + 0.6), z)
    part += _ordered(way, it.cavity_x - 1.5, it.cavity_x - 0.2, (tail - 2, tail + 2), z)
    return part


# -- what goes in ----------------------------------------------------------------------------------------


@functools.cache
def parts() -> dict[str, Part]:
    """The envelopes of what is bought, by name, where they lie in the closed pulser."""
    it, it_board, number = size(), board(), facts.number
    top = it.board_z + it_board.thickness
    half = it_board.width / 2
    found: dict[str, Part] = {}
    found["board"] = _block((it.board_x, it.board_end_x), (-half, half), (it.board_z, top))
    xiao_half = number("xiao.width_mm") / 2
    xiao_top = it.xiao_z + number("case.xiao_board_thickness_mm")
    xiao_end = it.xiao_x + number("xiao.length_mm")
    xiao = _block(
        (it.xiao_x, xiao_end), (it.xiao_y - xiao_half, it.xiao_y + xiao_half), (it.xiao_z, xiao_top)
    )
    for way in (-1, 1):
        y = it.xiao_y + way * 3 * 2.54
        xiao += _block((it.xiao_x + 1.4, xiao_end - 1.4), (y - 1.25, y + 1.25), (top, it.xiao_z))
    xiao += _block(
        (xiao_end - 12.5, xiao_end - 1.5), (it.xiao_y - 6, it.xiao_y + 6), (xiao_top, xiao_top + 1.6)
    )
    found["XIAO"] = xiao
    usb = bar_along(
        (it.usb_mouth_x, it.usb_mouth_x + 7.35),
        number("case.usb_shell_width_mm"),
        number("case.usb_shell_height_mm"),
        it.xiao_y,
        it.usb_z,
    )
    found["USB socket"] = usb
    for each in it_board.standing:
        x = (it.board_x + each.x[0], it.board_x + each.x[1])
        found[each.designator] = _block(x, each.y, (top, top + each.height))
    low = it.board_z - number("case.joint_height_mm")
    found["joints"] = Part() + [_rod(it.board_x + x, y, (low, it.board_z), 0.9) for x, y in it_board.joints]
    found["cell"] = _block(
        (it.cell_x, it.cell_x + it.cell_length),
        (-it.cell_width / 2, it.cell_width / 2),
        (it.cell_z, it.cell_z + it.cell_swollen),
    )
    found["motor"] = _rod(it.motor_x, 0, (it.pad, it.pad + it.motor_thickness), it.motor_radius)
    carrier = _block(
        (it.button_x - it.carrier_width / 2, it.button_x + it.carrier_width / 2),
        (-it.carrier_length / 2, it.carrier_length / 2),
        (it.carrier_z - it_board.thickness, it.carrier_z),
    )
    button = _block((it.button_x - 3, it.button_x + 3), (-3, 3), (it.carrier_z, it.carrier_z + 3.5))
    button += _rod(it.button_x, 0, (it.carrier_z, it.carrier_z + it.button_height), 1.75)
    found["button"] = button
    found["button's carrier"] = carrier
    slide_half = number("case.slide_body_length_mm") / 2
    wide = number("case.slide_body_width_mm") / 2
    deep = number("case.slide_body_depth_mm")
    found["switch"] = _block(
        (it.cavity_x - deep, it.cavity_x), (-slide_half, slide_half), (it.usb_z - wide, it.usb_z + wide)
    ) + _block((it.cavity_x, it.cavity_x + 1.0), (-2, 0), (it.usb_z - 1, it.usb_z + 1))
    light_half = number("case.light_board_mm") / 2
    light_top = it.height - it.window - 0.2
    found["light"] = _rod(it.light_x, 0, (light_top - number("case.light_height_mm"), light_top), light_half)
    return found


@functools.cache
def foams() -> list[Part]:
    """The foam strips: under the board, over its corners, at its end, under the cell."""
    it, top = size(), size().board_z + board().thickness
    found: list[Part] = []
    for way in (-1, 1):
        under = (it.board_z - it.foam, it.board_z)
        found.append(_block((it.board_x, it.board_x + it.post), _ys(way, *_FRONT), under))
        found.append(_block((it.back_post_x, it.board_end_x), _ys(way, *_BACK), under))
        behind = (it.board_end_x, it.board_end_x + it.foam)
        found.append(_block(behind, _ys(way, _BACK[0], board().width / 2), (it.board_z - 1, top)))
    found += [_block(x, y, (top, top + it.foam)) for x, y in _feet()]
    found.append(_block((it.cell_x + 3, it.cell_x + it.cell_length - 3), (-8, 8), (it.floor, it.cell_z)))
    return found


@functools.cache
def screws() -> list[Part]:
    """Four M2 screws with countersunk heads, and the inserts that they end in."""
    it = size()
    found: list[Part] = []
    for x in (-it.screw_x, it.screw_x):
        for y in (-it.screw_y, it.screw_y):
            screw = Pos(x, y, it.height - it.head_radius) * Cone(
                0, it.head_radius, it.head_radius, align=_LOW
            )
            found.append(screw + _rod(x, y, (it.height - it.screw_length + 0.5, it.height - 1), 1.0))
    return found


@functools.cache
def outside(side: str) -> Part:
    """The closed pulser as one solid, as hand and cloth meet it: plugs in, screws home."""
    it = size()
    part = shell()
    for mark in marks(side):
        part += mark
    # Behind the plugs' faces and the tails in their grooves the wall is whole.
    part += bar_along(
        (-it.length / 2 + 1.3, -it.length / 2 + 10.5), it.usb_width, it.usb_height, it.xiao_y, it.usb_z
    )
    part += bar_along(
        (it.length / 2 - 10.5, it.length / 2 - 1.3), it.slide_width, it.slide_height, 0, it.usb_z
    )
    return part


def forget() -> None:
    """Forget every solid, so that the next use builds it anew."""
    for each in (shell, body, lid, soft_button, plug, parts, foams, screws, outside):
        each.cache_clear()


def printed() -> dict[str, Part]:
    """What is printed, by file name, where it lies in the closed pulser."""
    return {
        "body": body(),
        "lid-left": lid("left"),
        "lid-right": lid("right"),
        "button": soft_button(),
        "plug-usb": plug("usb"),
        "plug-switch": plug("switch"),
    }


def on_the_bed(name: str, part: Part) -> Part:
    """The part as it lies on the printer's bed."""
    if name.startswith("lid"):
        turned = Rot(180, 0, 0) * part
    elif name == "plug-usb":
        turned = Rot(0, -90, 0) * part
    elif name == "plug-switch":
        turned = Rot(0, 90, 0) * part
    else:
        turned = part
    box = turned.bounding_box()
    return Pos(0, 0, -box.min.Z) * turned


def build(out: Path) -> list[Path]:
    """Write each printed part as STL (on the bed) and STEP into out/case."""
    from .solids import step, stl

    folder = out / "case"
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for name, part in printed().items():
        lying = on_the_bed(name, part)
        for suffix, data in (("stl", stl(lying, f"twintap {name}")), ("step", step(lying, name))):
            path = folder / f"{name}.{suffix}"
            path.write_bytes(data)
            made.append(path)
    return made


def check() -> list[str]:
    """What is wrong with the case; empty if nothing is."""
    from . import checks

    return checks.check()
