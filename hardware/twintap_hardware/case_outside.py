"""The case's outside: its rounded hull with slots, well and openings; how left and right are told apart."""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

import functools
import math

from build123d import (
    Axis,
    Cylinder,
    Part,
    Plane,
    Pos,
    Rectangle,
    RectangleRounded,
    Rot,
    SlotOverall,
    Sphere,
    chamfer,
    extrude,
    fillet,
)

from .case_size import DISH, EDGE_LEAST, RECESS, RIM, size
from .shapes import FAR, bar_along, block, edges_at, face_of, rod

SIDES = ("left", "right")
TAIL_Y = 9.6  # from an opening's middle to its plug's tail


@functools.cache
def shell() -> Part:
    """The outside without marks: with its slots, the button's hole and the two openings, all rounded."""
    it = size()
    part = extrude(RectangleRounded(it.length, it.width, it.corner), it.height)
    part = chamfer(edges_at(part, Axis.Z, 0) + edges_at(part, Axis.Z, it.height), it.chamfer)
    loops = [edges_at(part, Axis.Z, z) for z in (0, it.chamfer, it.height - it.chamfer, it.height)]
    part = fillet(loops[0] + loops[1] + loops[2] + loops[3], it.fillet)
    slot = extrude(SlotOverall(it.slot_length, it.slot_width), it.height)
    for side in (-1, 1):
        part -= Pos(it.slot_x, side * it.slot_y, 0) * slot
    part -= rod(it.button_x, 0, (it.height - RECESS, FAR), DISH / 2)
    part -= bar_along((-FAR, -it.length / 2 + 10), it.usb_width, it.usb_height, it.xiao_y, it.usb_z)
    part -= bar_along((it.length / 2 - 10, FAR), it.slide_width, it.slide_height, 0, it.usb_z)
    for end in ("usb", "switch"):
        part -= at_end(end, plug_outline(end, 0.1, 1.5), GROOVE, 1.0)
    rims = [
        edge
        for edge in edges_at(part, Axis.X, -it.length / 2) + edges_at(part, Axis.X, it.length / 2)
        if abs(edge.center().Z - it.usb_z) < it.usb_height / 2 + 0.1
    ]
    part = fillet(rims, EDGE_LEAST)
    inner = [
        edge
        for edge in edges_at(part, Axis.Z, 0) + edges_at(part, Axis.Z, it.height)
        if _is_of_opening(edge.center())
    ]
    return fillet(inner, RIM)


TAIL = (-1.2, 1.5)  # a plug's tail, below and above its opening's middle
GROOVE = 1.2  # how deep it lies


def plug_outline(end: str, grow: float, hollow: float):
    """A plug's face with its tail, seen from outside: the tail `grow` wider, its inner corners round."""
    it = size()
    width, height = (it.usb_width, it.usb_height) if end == "usb" else (it.slide_width, it.slide_height)
    low, high, far = TAIL[0] - grow, TAIL[1] + grow, TAIL_Y + 0.6 + grow
    found = SlotOverall(width, height) + Pos((1 + far) / 2, (high + low) / 2) * Rectangle(far - 1, high - low)
    corners = [
        corner
        for corner in found.vertices()
        if 1.2 < corner.X < far - 0.5 and abs(corner.Y) < height / 2 - 0.02
    ]
    found = fillet(corners, hollow)
    return fillet([corner for corner in found.vertices() if far - 0.05 < corner.X], 0.8 + grow)


def at_end(end: str, outline, deep: float, beyond: float = 0.0) -> Part:
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
        keep = block((-FAR, FAR), (it.width / 2 - 0.3, FAR), (-FAR, FAR))
        if way < 0:
            keep = block((-FAR, FAR), (-FAR, 0.3 - it.width / 2), (-FAR, FAR))
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
        return block(x, y, (low, low + depth))

    left, foot = it.slot_x - wide / 2, -tall / 2
    part = bar((left, left + stroke), (foot, foot + tall))
    if side == "left":
        return part + bar((left, left + wide), (foot, foot + stroke))
    bow = tall * 0.54
    top = foot + tall
    middle = top - bow / 2
    ring_x = left + wide - bow / 2
    ring = rod(ring_x, middle, (low, low + depth), bow / 2) - rod(
        ring_x, middle, (low, low + depth), bow / 2 - stroke
    )
    part += ring & bar((ring_x, FAR), (foot, FAR))
    for y in (top - stroke, top - bow):
        part += bar((left, ring_x), (y, y + stroke))
    # The leg, from under the bow to the foot's far corner.
    leg = extrude(
        face_of(
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
