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
    Rectangle,
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
from .case_inside import CARRIER_HOLE_MM, light_z, things
from .case_size import DISH, EDGE_LEAST, FOOT, RECESS, RIM, board, size

SIDES = ("left", "right")
_LOW = (Align.CENTER, Align.CENTER, Align.MIN)
_FAR = 200.0
# From the middle outwards: where the posts under the board stand (front: at the USB end), and the lid's feet.
_FRONT = (9.1, 13.7)
_BACK = (10.0, 16.4)
_FRONT_FOOT = (9.6, 12.0)
_BACK_FOOT = (13.9, 16.2)
SOFT_EDGE = 0.5  # the round of what is soft and touched
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
    front, back = (it.board_x + FOOT[0], it.board_x + FOOT[1]), (it.board_end_x - 2.4, it.board_end_x - 0.3)
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
    for end in ("usb", "switch"):
        part -= _at_end(end, _plug_outline(end, 0.1, 1.5), _GROOVE, 1.0)
    rims = [
        edge
        for edge in _edges_at(part, Axis.X, -it.length / 2) + _edges_at(part, Axis.X, it.length / 2)
        if abs(edge.center().Z - it.usb_z) < it.usb_height / 2 + 0.1
    ]
    part = fillet(rims, EDGE_LEAST)
    inner = [
        edge
        for edge in _edges_at(part, Axis.Z, 0) + _edges_at(part, Axis.Z, it.height)
        if _is_of_opening(edge.center())
    ]
    return fillet(inner, RIM)


_TAIL = (-1.2, 1.5)  # a plug's tail, below and above its opening's middle
_GROOVE = 1.2  # how deep it lies


def _plug_outline(end: str, grow: float, hollow: float):
    """A plug's face with its tail, seen from outside: the tail `grow` wider, its inner corners round."""
    it = size()
    width, height = (it.usb_width, it.usb_height) if end == "usb" else (it.slide_width, it.slide_height)
    low, high, far = _TAIL[0] - grow, _TAIL[1] + grow, _TAIL_Y + 0.6 + grow
    found = SlotOverall(width, height) + Pos((1 + far) / 2, (high + low) / 2) * Rectangle(far - 1, high - low)
    corners = [
        corner
        for corner in found.vertices()
        if 1.2 < corner.X < far - 0.5 and abs(corner.Y) < height / 2 - 0.02
    ]
    found = fillet(corners, hollow)
    return fillet([corner for corner in found.vertices() if corner.X > far - 0.05], 0.8 + grow)


def _at_end(end: str, outline, deep: float, beyond: float = 0.0) -> Part:
    """What is `deep` behind an end's face (and `beyond` before it) within an outline."""
    it = size()
    part = extrude(Plane.YZ * outline, deep + beyond)
    if end == "usb":
        return Pos(-it.length / 2 - beyond, it.xiao_y, it.usb_z) * part
    return Pos(it.length / 2 - deep, 0, it.usb_z) * part


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
    tall, wide, stroke = it.letter_tall, it.letter_wide, it.letter_stroke
    depth = 2 * it.letter_depth
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
    part -= _rod(it.motor_x, 0, (it.pad, it.floor), outer + 0.01)  # with what the ring leaves of it
    cup = _rod(it.motor_x, 0, (it.pad, it.pad + it.cup_height), outer) - _rod(
        it.motor_x, 0, (it.pad, _FAR), it.cup_radius
    )
    # Its leads go out sideways: towards the cell there is no room for them.
    cup -= _block((it.motor_x - 1.6, it.motor_x + 1.6), (0, _FAR), (it.pad, _FAR))
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

    part += _fuse_pocket() + _plug_shelf() + _switch_step()
    for way in (-1, 1):
        part -= _tether(way)
    return part


def _fuse_pocket() -> Part:
    """Two ribs that keep the fuse upright in its corner, clear of the motor's ring."""
    it, fuse, play, thick = size(), things()["fuse"], 0.3, 1.2
    y = fuse.y[1] + play
    clear = it.motor_x + math.sqrt((it.membrane_radius + 0.4) ** 2 - (abs(y) - thick) ** 2)
    pocket = _block((clear, it.cavity_x + 0.5), (y, y + thick), (1, 12))
    x = fuse.x[0] - play
    return pocket + _block((x - thick, x), (-it.cavity_y - 0.5, fuse.y[1] - 3.8), (1, 12))


def _plug_shelf() -> Part:
    """Two brackets at the end wall that the cell's plug lies on: over the motor's ring, and not on it."""
    it, plug_box = size(), things()["plug"]
    top, tip, thick = plug_box.z[0], plug_box.x[0] + 1.5, 0.8
    wall = it.cavity_x + 0.3
    profile = ((tip, top), (tip, top - thick), (wall, top - thick - (wall - tip)), (wall, top))
    brackets = Part()
    for y in (plug_box.y[0] + 0.4, plug_box.y[1] - 2.6):
        brackets += _along_y(profile, (y, y + 1.6))
    return brackets & _block((-_FAR, _FAR), (-_FAR, _FAR), (1, _FAR))


def _switch_step() -> Part:
    """What closes the room between the switch and the end wall, below the parting: with a slope to print on."""
    it = size()
    near, wall = it.switch_x + 0.05, it.cavity_x + 0.2
    low = it.usb_z - facts.number("case.slide_body_width_mm") / 2
    profile = ((near, it.parting_z), (near, low), (wall, low - (wall - near)), (wall, it.parting_z))
    step = _along_y(profile, (-7.0, 7.0))
    return step - bar_along((it.switch_x - 1, _FAR), it.slide_width, it.slide_height, 0, it.usb_z)


def _along_y(profile: tuple[tuple[float, float], ...], y: tuple[float, float]) -> Part:
    """A prism along y: its profile's corners are (x, z)."""
    flat = Plane.XZ * _face(profile)
    return Pos(0, y[1], 0) * extrude(flat, y[1] - y[0])


def ring(z: tuple[float, float]) -> Part:
    """The ring round the motor's cup, between two heights."""
    it = size()
    hole = _rod(it.motor_x, 0, z, it.cup_radius + it.cup_wall + 0.01)
    return _rod(it.motor_x, 0, z, it.membrane_radius) - hole


def _tether(way: int) -> Part:
    """The slit for a plug's tail, at the end of its groove, half in each part."""
    it = size()
    y = (it.xiao_y if way < 0 else 0.0) + _TAIL_Y
    z = (it.usb_z + _TAIL[0] - 0.1, it.usb_z + _TAIL[1] + 0.1)
    return _ordered(way, it.cavity_x - 1, it.length / 2 - _GROOVE + 0.02, (y - 0.8, y + 0.65), z)


def _ordered(way: int, near: float, far: float, y: tuple[float, float], z: tuple[float, float]) -> Part:
    """A block at the end that `way` names, from `near` to `far` along x (both positive)."""
    x = (near, far) if way > 0 else (-far, -near)
    return _block(x, y, z)


@functools.cache
def lid(side: str) -> Part:
    """The lid of one side, as it lies on the closed pulser; printed with its face down."""
    it, number = size(), facts.number
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
        hole = (0, it.carrier_z + CARRIER_HOLE_MM)
        part += pillar - _rod(it.button_x, way * it.pillar_y, hole, 0.85)
    # A field as deep as an antenna that is stuck in it.
    half = (number("case.antenna_length_mm") / 2 + 0.4, number("case.antenna_width_mm") / 2 + 0.4)
    part -= _block(
        (it.antenna_x - half[0], it.antenna_x + half[0]),
        (it.antenna_y - half[1], it.antenna_y + half[1]),
        (it.inside_z - 0.5, it.inside_z + it.antenna_depth),
    )
    # The switch's place: cheeks and a roof, clear of the button's web. Hot glue holds it.
    deep = number("case.slide_body_depth_mm") + 0.2
    half = number("case.slide_body_length_mm") / 2 + 0.25
    wide = number("case.slide_body_width_mm") / 2 + 0.2
    ends = (-half - 1.4, half + 1.4)
    place = _block((it.switch_x - deep, it.switch_x - 0.3), ends, (it.usb_z - wide, it.inside_z + 0.5))
    place -= _rod(it.button_x, 0, (0, it.inside_z), it.web_radius + 0.4)
    # Its front reaches the end wall where that has no tongue, and keeps off the tongue beside.
    for far, ys in ((it.cavity_x - it.play, ends), (it.cavity_x + 0.2, (-it.slide_width / 2 - 1.4, ends[1]))):
        place += _block((it.switch_x - 0.4, far), ys, (it.parting_z, it.inside_z + 0.5))
    place -= _rod(it.button_x, 0, (it.inside_z - it.web - 0.7, it.inside_z), it.web_radius + 0.3)
    place -= _block((0, it.switch_x), (-half, half), (0, it.usb_z + wide))
    part += place - bar_along((it.switch_x - 1, _FAR), it.slide_width, it.slide_height, 0, it.usb_z)
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
    return fillet(_edges_at(part, Axis.Z, it.height - RECESS), SOFT_EDGE)


@functools.cache
def plug(end: str) -> Part:
    """The plug of the end "usb" or "switch", in its opening, on a tail that is held by a slit in the body."""
    it, number = size(), facts.number
    way = -1 if end == "usb" else 1
    width, height = (it.usb_width, it.usb_height) if way < 0 else (it.slide_width, it.slide_height)
    y = it.xiao_y if way < 0 else 0.0
    face = it.length / 2
    # What is seen and touched: the plug's face and the tail in its groove, round at every edge.
    part = _at_end(end, _plug_outline(end, 0.0, 0.8), 1.1)
    part = fillet(_edges_at(part, Axis.X, way * face), SOFT_EDGE)
    if way < 0:
        # Behind it: what fills the opening, and a collar round the USB socket's shell.
        inner = -it.usb_mouth_x + 0.2
        part += bar_along((SOFT_EDGE - face, -inner), width, height, y, it.usb_z)
        collar = bar_along((-inner, -inner + 1.3), width - 0.3, height - 0.3, y, it.usb_z)
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
        part += bar_along((face - it.slide_plug, face - SOFT_EDGE), width, height, 0, it.usb_z)
    # The tail goes in through the slit, and is held by its foot.
    tail, z = y + _TAIL_Y, (it.usb_z + _TAIL[0], it.usb_z + _TAIL[1])
    part += _ordered(way, it.cavity_x - 1.5, face - SOFT_EDGE, (tail - 0.6, tail + 0.6), z)
    # Behind the slit it is as wide as prints without support, and wider further in.
    near, mid, end = (way * (it.cavity_x - deep) for deep in (0.2, 1.0, 1.5))
    foot = ((near, 0.6), (near, 1.2), (mid, 2.0), (end, 2.0))
    foot += tuple((x, -y) for x, y in reversed(foot))
    return part + Pos(0, tail, z[0]) * extrude(_face(foot), z[1] - z[0], dir=(0, 0, 1))


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
        (it.switch_x - deep, it.switch_x), (-slide_half, slide_half), (it.usb_z - wide, it.usb_z + wide)
    )
    behind = light_z(it)
    found["light"] = _rod(
        it.light_x, 0, (behind, behind + number("case.light_height_mm")), number("case.light_board_mm") / 2
    )
    for thing in things().values():
        found[thing.name] = _block(thing.x, thing.y, thing.z)
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
        (_GROOVE - it.length / 2, -it.length / 2 + 10.5), it.usb_width, it.usb_height, it.xiao_y, it.usb_z
    )
    part += bar_along(
        (it.length / 2 - 10.5, it.length / 2 - _GROOVE), it.slide_width, it.slide_height, 0, it.usb_z
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
