"""What goes into the case, where it lies when closed: the envelopes of what is bought, foams, screws."""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

import functools

from build123d import Cone, Part, Pos, Rot

from . import facts
from .case_inside import cell_tape, light_z, things
from .case_size import FOOT, board, size
from .shapes import LOW, bar_along, block, rod, ys

# From the middle outwards: where the posts under the board stand (front: at the USB end), and the lid's feet.
FRONT = (9.1, 13.7)
BACK = (10.0, 16.4)
_FRONT_FOOT = (9.6, 12.0)
_BACK_FOOT = (13.9, 16.2)


def feet() -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Where the lid's feet stand on the board: stretches along x and y."""
    it = size()
    front, back = (it.board_x + FOOT[0], it.board_x + FOOT[1]), (it.board_end_x - 2.4, it.board_end_x - 0.3)
    return [
        found for way in (-1, 1) for found in ((front, ys(way, *_FRONT_FOOT)), (back, ys(way, *_BACK_FOOT)))
    ]


@functools.cache
def parts() -> dict[str, Part]:
    """The envelopes of what is bought, by name, where they lie in the closed pulser."""
    it, it_board, number = size(), board(), facts.number
    top = it.board_z + it_board.thickness
    half = it_board.width / 2
    found: dict[str, Part] = {}
    found["board"] = block((it.board_x, it.board_end_x), (-half, half), (it.board_z, top))
    xiao_half = number("xiao.width_mm") / 2
    xiao_top = it.xiao_z + number("case.xiao_board_thickness_mm")
    xiao_end = it.xiao_x + number("xiao.length_mm")
    xiao = block((it.xiao_x, xiao_end), (it.xiao_y - xiao_half, it.xiao_y + xiao_half), (it.xiao_z, xiao_top))
    for way in (-1, 1):
        y = it.xiao_y + way * 3 * 2.54
        xiao += block((it.xiao_x + 1.4, xiao_end - 1.4), (y - 1.25, y + 1.25), (top, it.xiao_z))
    xiao += block(
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
        found[each.designator] = block(x, each.y, (top, top + each.height))
    low = it.board_z - number("case.joint_height_mm")
    found["joints"] = Part() + [rod(it.board_x + x, y, (low, it.board_z), 0.9) for x, y in it_board.joints]
    found["cell"] = block(
        (it.cell_x, it.cell_x + it.cell_length),
        (-it.cell_width / 2, it.cell_width / 2),
        (it.cell_z, it.cell_z + it.cell_swollen),
    )
    found["motor"] = rod(it.motor_x, 0, (it.pad, it.pad + it.motor_thickness), it.motor_radius)
    carrier = block(
        (it.button_x - it.carrier_width / 2, it.button_x + it.carrier_width / 2),
        (-it.carrier_length / 2, it.carrier_length / 2),
        (it.carrier_z - it_board.thickness, it.carrier_z),
    )
    button = block((it.button_x - 3, it.button_x + 3), (-3, 3), (it.carrier_z, it.carrier_z + 3.5))
    button += rod(it.button_x, 0, (it.carrier_z, it.carrier_z + it.button_height), 1.75)
    found["button"] = button
    found["button's carrier"] = carrier
    slide_half = number("case.slide_body_length_mm") / 2
    wide = number("case.slide_body_width_mm") / 2
    deep = number("case.slide_body_depth_mm")
    found["switch"] = block(
        (it.switch_x - deep, it.switch_x), (-slide_half, slide_half), (it.usb_z - wide, it.usb_z + wide)
    )
    behind = light_z(it)
    found["light"] = rod(
        it.light_x, 0, (behind, behind + number("case.light_height_mm")), number("case.light_board_mm") / 2
    )
    for thing in things().values():
        found[thing.name] = block(thing.x, thing.y, thing.z)
    return found


@functools.cache
def foams() -> list[Part]:
    """The foam strips: under the board, over its corners, at its end, under the cell."""
    it, top = size(), size().board_z + board().thickness
    found: list[Part] = []
    for way in (-1, 1):
        under = (it.board_z - it.foam, it.board_z)
        found.append(block((it.board_x, it.board_x + it.post), ys(way, *FRONT), under))
        found.append(block((it.back_post_x, it.board_end_x), ys(way, *BACK), under))
        behind = (it.board_end_x, it.board_end_x + it.foam)
        found.append(block(behind, ys(way, BACK[0], board().width / 2), (it.board_z - 1, top)))
    found += [block(x, y, (top, top + it.foam)) for x, y in feet()]
    long, wide, thick = cell_tape(it)
    start = it.cell_x + (it.cell_length - long) / 2
    found.append(block((start, start + long), (-wide / 2, wide / 2), (it.floor, it.floor + thick)))
    return found


@functools.cache
def screws() -> list[Part]:
    """Four M2 screws with countersunk heads, and the inserts that they end in."""
    it = size()
    found: list[Part] = []
    for x in (-it.screw_x, it.screw_x):
        for y in (-it.screw_y, it.screw_y):
            screw = Pos(x, y, it.height - it.head_radius) * Cone(0, it.head_radius, it.head_radius, align=LOW)
            found.append(screw + rod(x, y, (it.height - it.screw_length + 0.5, it.height - 1), 1.0))
    return found


@functools.cache
def strap() -> Part:
    """The widest strap: over the lid, down through both slots, and apart below."""
    it, number = size(), facts.number
    half, thick = number("case.strap_width_most_mm") / 2, number("case.strap_thickness_mm")
    top = it.height + 0.2
    out = it.slot_y - thick / 2
    found = block((-half, half), (-out - thick, out + thick), (top, top + thick))
    for way in (-1, 1):
        found += block((-half, half), ys(way, out, out + thick), (-3, top + thick))
        end = block((-half, half), (min(0.0, -way * thick), max(0.0, -way * thick)), (-16, 1.2))
        found += Pos(0, way * (out + thick), -3) * Rot(-way * 50, 0, 0) * end
    return Pos(it.slot_x, 0, 0) * found
