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

from build123d import Axis, Cone, Part, Pos, Rot, extrude, fillet

from . import facts
from .case_inside import CARRIER_HOLE_MM, things
from .case_outside import GROOVE, SIDES, TAIL, TAIL_Y, at_end, letter, marks, plug_outline, shell
from .case_parts import BACK, FRONT, feet, foams, parts, screws, strap
from .case_size import DISH, RECESS, RIM, board, size
from .shapes import FAR, LOW, along_y, bar_along, block, edges_at, face_of, ordered, rod, round_box, ys

__all__ = ["SIDES", "foams", "letter", "marks", "parts", "screws", "strap"]

SOFT_EDGE = 0.5  # the round of what is soft and touched


# -- the hard parts --------------------------------------------------------------------------------------


@functools.cache
def body() -> Part:
    """The body: skin side down, printed as it stands. Left and right are the same."""
    it = size()
    part = shell() & block((-FAR, FAR), (-FAR, FAR), (-FAR, it.parting_z))
    # The tongue stands in the lid's groove, and ends where the openings are.
    lip = round_box(
        it.cavity_x + it.tongue,
        it.cavity_y + it.tongue,
        it.cavity_corner + it.tongue,
        (it.parting_z - 1, it.parting_z + it.tongue_height),
    )
    for way in (-1, 1):
        width = it.usb_width if way < 0 else it.slide_width
        y = it.xiao_y if way < 0 else 0.0
        lip -= ordered(way, it.cavity_x - 2, FAR, (y - width / 2 - 1.6, y + TAIL_Y + 2.6), (0, FAR))
    part += lip
    part -= round_box(it.cavity_x, it.cavity_y, it.cavity_corner, (it.floor, FAR))
    for x in (-it.screw_x, it.screw_x):
        for y in (-it.screw_y, it.screw_y):
            part -= rod(x, y, (it.parting_z - it.insert_depth, FAR), it.insert_radius)

    # The motor's cup on a stiff pad in a thin membrane: it shakes the skin side before it shakes the rest.
    outer = it.cup_radius + it.cup_wall
    part -= ring((it.membrane, it.floor))
    part -= rod(it.motor_x, 0, (it.pad, it.floor), outer + 0.01)  # with what the ring leaves of it
    cup = rod(it.motor_x, 0, (it.pad, it.pad + it.cup_height), outer) - rod(
        it.motor_x, 0, (it.pad, FAR), it.cup_radius
    )
    # Its leads go out sideways: towards the cell there is no room for them.
    cup -= block((it.motor_x - 1.6, it.motor_x + 1.6), (0, FAR), (it.pad, FAR))
    part += cup

    # Four posts carry the board on foam, under rows where nothing is soldered; ribs keep the cell; two stops,
    # with foam, take a plug's push.
    top = it.board_z + board().thickness
    low = it.board_z - it.foam
    for way in (-1, 1):
        part += block((-it.cavity_x - 1, it.board_x + it.post), ys(way, *FRONT), (1, low))
        stop = (it.board_end_x + it.foam, it.board_end_x + it.foam + 1.6)
        part += block((it.back_post_x, stop[1]), ys(way, *BACK), (1, low))
        part += block(stop, ys(way, BACK[0], it.cavity_y + 0.5), (1, top))
        edge = it.cell_width / 2 + 0.4
        part += block(
            (it.cell_x + 4, it.cell_x + it.cell_length - 4), ys(way, edge, edge + 1.2), (1, it.cell_z + 3)
        )
    # A short cell ends at two ribs beside the motor, a long one at the posts.
    rib_x = it.cell_x + it.cell_length + 0.4
    if rib_x + 1.2 < it.back_post_x:
        for way in (-1, 1):
            part += block((rib_x, rib_x + 1.2), ys(way, 8, 13), (1, it.cell_z + 3))

    part += _fuse_pocket() + _plug_shelf() + _switch_step()
    for way in (-1, 1):
        part -= _tether(way)
    return part


def _fuse_pocket() -> Part:
    """Two ribs that keep the fuse upright in its corner, clear of the motor's ring."""
    it, fuse, play, thick = size(), things()["fuse"], 0.3, 1.2
    y = fuse.y[1] + play
    clear = it.motor_x + math.sqrt((it.membrane_radius + 0.4) ** 2 - (abs(y) - thick) ** 2)
    pocket = block((clear, it.cavity_x + 0.5), (y, y + thick), (1, 12))
    x = fuse.x[0] - play
    return pocket + block((x - thick, x), (-it.cavity_y - 0.5, fuse.y[1] - 3.8), (1, 12))


def _plug_shelf() -> Part:
    """Two brackets at the end wall that the cell's plug lies on: over the motor's ring, and not on it."""
    it, plug_box = size(), things()["plug"]
    top, tip, thick = plug_box.z[0], plug_box.x[0] + 1.5, 0.8
    wall = it.cavity_x + 0.3
    profile = ((tip, top), (tip, top - thick), (wall, top - thick - (wall - tip)), (wall, top))
    brackets = Part()
    for y in (plug_box.y[0] + 0.4, plug_box.y[1] - 2.6):
        brackets += along_y(profile, (y, y + 1.6))
    return brackets & block((-FAR, FAR), (-FAR, FAR), (1, FAR))


def _switch_step() -> Part:
    """What closes the room between the switch and the end wall, below the parting, on a slope to print."""
    it = size()
    near, wall = it.switch_x + 0.05, it.cavity_x + 0.2
    low = it.usb_z - facts.number("case.slide_body_width_mm") / 2
    profile = ((near, it.parting_z), (near, low), (wall, low - (wall - near)), (wall, it.parting_z))
    step = along_y(profile, (-7.0, 7.0))
    return step - bar_along((it.switch_x - 1, FAR), it.slide_width, it.slide_height, 0, it.usb_z)


def ring(z: tuple[float, float]) -> Part:
    """The ring round the motor's cup, between two heights."""
    it = size()
    hole = rod(it.motor_x, 0, z, it.cup_radius + it.cup_wall + 0.01)
    return rod(it.motor_x, 0, z, it.membrane_radius) - hole


def _tether(way: int) -> Part:
    """The slit for a plug's tail, at the end of its groove, half in each part."""
    it = size()
    y = (it.xiao_y if way < 0 else 0.0) + TAIL_Y
    z = (it.usb_z + TAIL[0] - 0.1, it.usb_z + TAIL[1] + 0.1)
    return ordered(way, it.cavity_x - 1, it.length / 2 - GROOVE + 0.02, (y - 0.8, y + 0.65), z)


@functools.cache
def lid(side: str) -> Part:
    """The lid of one side, as it lies on the closed pulser; printed with its face down."""
    it, number = size(), facts.number
    part = shell() & block((-FAR, FAR), (-FAR, FAR), (it.parting_z, FAR))
    for mark in marks(side):
        part += mark
    part -= letter(side)
    part -= round_box(it.cavity_x, it.cavity_y, it.cavity_corner, (0, it.inside_z))
    grow = it.tongue + it.play
    part -= round_box(
        it.cavity_x + grow,
        it.cavity_y + grow,
        it.cavity_corner + grow,
        (0, it.parting_z + it.tongue_height + 0.3),
    )
    for way, width in ((-1, it.usb_width), (1, it.slide_width)):
        # Where an opening is, no tongue: the end wall keeps its thickness up to the edge.
        y = it.xiao_y if way < 0 else 0.0
        ys = (y - width / 2 - 1.4, y + TAIL_Y + 2.4)
        fill = ordered(way, it.cavity_x, it.cavity_x + grow, ys, (it.parting_z, it.inside_z))
        height = it.usb_height if way < 0 else it.slide_height
        part += fill - bar_along((-FAR, FAR), width, height, y, it.usb_z)
    part -= rod(it.button_x, 0, (it.parting_z, FAR), DISH / 2)
    part -= rod(it.light_x, 0, (0, it.height - it.window), it.light_radius)
    for x in (-it.screw_x, it.screw_x):
        for y in (-it.screw_y, it.screw_y):
            part -= rod(x, y, (0, FAR), 1.1)
            part -= Pos(x, y, it.height - it.head_radius) * Cone(0, it.head_radius, it.head_radius, align=LOW)

    # Four feet press the board on its foam, each through a foam of its own.
    for x, y in feet():
        part += block(x, y, (it.board_z + board().thickness + it.foam, it.inside_z + 0.5))
    # Two pillars for the button's carrier.
    for way in (-1, 1):
        pillar = rod(it.button_x, way * it.pillar_y, (it.carrier_z, it.inside_z + 0.5), 2.5)
        hole = (0, it.carrier_z + CARRIER_HOLE_MM)
        part += pillar - rod(it.button_x, way * it.pillar_y, hole, 0.85)
    # A field as deep as an antenna that is stuck in it.
    half = (number("case.antenna_length_mm") / 2 + 0.4, number("case.antenna_width_mm") / 2 + 0.4)
    part -= block(
        (it.antenna_x - half[0], it.antenna_x + half[0]),
        (it.antenna_y - half[1], it.antenna_y + half[1]),
        (it.inside_z - 0.5, it.inside_z + it.antenna_depth),
    )
    # The switch's place: cheeks and a roof, clear of the button's web. Hot glue holds it.
    deep = number("case.slide_body_depth_mm") + 0.2
    half = number("case.slide_body_length_mm") / 2 + 0.25
    wide = number("case.slide_body_width_mm") / 2 + 0.2
    ends = (-half - 1.4, half + 1.4)
    place = block((it.switch_x - deep, it.switch_x - 0.3), ends, (it.usb_z - wide, it.inside_z + 0.5))
    place -= rod(it.button_x, 0, (0, it.inside_z), it.web_radius + 0.4)
    # Its front reaches the end wall where that has no tongue, and keeps off the tongue beside.
    for far, ys in ((it.cavity_x - it.play, ends), (it.cavity_x + 0.2, (-it.slide_width / 2 - 1.4, ends[1]))):
        place += block((it.switch_x - 0.4, far), ys, (it.parting_z, it.inside_z + 0.5))
    place -= rod(it.button_x, 0, (it.inside_z - it.web - 0.7, it.inside_z), it.web_radius + 0.3)
    place -= block((0, it.switch_x), (-half, half), (0, it.usb_z + wide))
    part += place - bar_along((it.switch_x - 1, FAR), it.slide_width, it.slide_height, 0, it.usb_z)
    part -= rod(it.button_x, 0, (0, it.height - RIM - 0.5), DISH / 2)
    for way in (-1, 1):
        part -= _tether(way)
    return part


# -- the soft parts: printed in TPU, or cut from silicone -------------------------------------------------


@functools.cache
def soft_button() -> Part:
    """The button: a web that is glued under the lid and seals it, and a cap that lies in the hole."""
    it = size()
    part = rod(it.button_x, 0, (it.inside_z - it.web, it.inside_z), it.web_radius)
    part += rod(it.button_x, 0, (it.inside_z - 0.1, it.height - RECESS), it.web_boss)
    return fillet(edges_at(part, Axis.Z, it.height - RECESS), SOFT_EDGE)


@functools.cache
def plug(end: str) -> Part:
    """The plug of the end "usb" or "switch", in its opening, on a tail that is held by a slit in the body."""
    it, number = size(), facts.number
    way = -1 if end == "usb" else 1
    width, height = (it.usb_width, it.usb_height) if way < 0 else (it.slide_width, it.slide_height)
    y = it.xiao_y if way < 0 else 0.0
    face = it.length / 2
    # What is seen and touched: the plug's face and the tail in its groove, round at every edge.
    part = at_end(end, plug_outline(end, 0.0, 0.8), 1.1)
    part = fillet(edges_at(part, Axis.X, way * face), SOFT_EDGE)
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
    tail, z = y + TAIL_Y, (it.usb_z + TAIL[0], it.usb_z + TAIL[1])
    part += ordered(way, it.cavity_x - 1.5, face - SOFT_EDGE, (tail - 0.6, tail + 0.6), z)
    # Behind the slit it is as wide as prints without support, and wider further in.
    near, middle, inmost = (way * (it.cavity_x - deep) for deep in (0.2, 1.0, 1.5))
    foot = ((near, 0.6), (near, 1.2), (middle, 2.0), (inmost, 2.0))
    foot += tuple((x, -y) for x, y in reversed(foot))
    return part + Pos(0, tail, z[0]) * extrude(face_of(foot), z[1] - z[0], dir=(0, 0, 1))


@functools.cache
def outside(side: str) -> Part:
    """The closed pulser as one solid, as hand and cloth meet it: plugs in, screws home."""
    it = size()
    part = shell()
    for mark in marks(side):
        part += mark
    # Behind the plugs' faces and the tails in their grooves the wall is whole.
    part += bar_along(
        (GROOVE - it.length / 2, -it.length / 2 + 10.5), it.usb_width, it.usb_height, it.xiao_y, it.usb_z
    )
    part += bar_along(
        (it.length / 2 - 10.5, it.length / 2 - GROOVE), it.slide_width, it.slide_height, 0, it.usb_z
    )
    return part


def forget() -> None:
    """Forget every solid, so that the next use builds it anew."""
    for each in (shell, body, lid, soft_button, plug, parts, foams, screws, strap, outside):
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
