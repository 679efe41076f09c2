"""What must hold of the case, measured on the solids and on their triangles; each breach is one line."""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

import itertools

import numpy as np
from build123d import Box, Part, Pos

from . import case, checks_hand, checks_inside, checks_print, facts
from .case_inside import things
from .case_size import (
    BOARD_GAP_LEAST,
    PART_GAP_LEAST,
    board,
    size,
)
from .shapes import shared_mm3
from .solids import triangles

_PRESSED = 0.5  # mm³ by which a soft plug is larger than its place
# Where touching is meant: the motor on its pad, the switch in its place behind the wall.
_MEANT = {("motor", "body"), ("switch", "body"), ("switch", "lid"), ("button's carrier", "lid")}
_MEANT |= {("antenna", "lid"), ("plug", "body")}
_CARRIED = {"board": "board", "XIAO": "board", "USB socket": "board", "joints": "board"}
_CARRIED |= {"button": "carrier", "button's carrier": "carrier"}


def check() -> list[str]:
    """Every breach; empty if there is none."""
    found = checks_print.sees_faults()
    printed = case.printed()
    for name, part in printed.items():
        found += checks_print.check(name, part, case.on_the_bed(name, part))
    found += _clearances()
    found += checks_inside.check()
    found += _plug_fits()
    found += _soft_mount()
    found += _motor_mount()
    found += _held(case.body())
    if len(_held(Box(1, 1, 1))) != 4:
        found.append("the check of what holds fuse and plug does not see that nothing does")
    found += checks_hand.check()
    found += _same_twice(printed)
    return found


# -- what lies beside what -------------------------------------------------------------------------------


def _carried(name: str) -> str:
    """What a part sits on: "board", "carrier", or itself."""
    on_board = {each.designator for each in board().standing}
    thing = things().get(name)
    on = thing.on if thing else ""
    return "board" if name in on_board else on or _CARRIED.get(name, name)


def _clearances() -> list[str]:
    found: list[str] = []
    parts = case.parts()
    hard = {"body": case.body(), "lid": case.lid("left")}
    for (name, part), (wall, solid) in itertools.product(parts.items(), hard.items()):
        if (name, wall) in _MEANT:
            if (shared := shared_mm3(part, solid)) > 0.01:
                found.append(f"{name} and {wall} share {shared:.1f} mm³")
            continue
        least = BOARD_GAP_LEAST if _carried(name) == "board" else PART_GAP_LEAST
        gap = part.distance_to(solid)
        if gap < least - 1e-3:
            found.append(f"{name} is {gap:.2f} mm from the {wall}, at least {least} mm")
    for (name, part), (other, beside) in itertools.combinations(parts.items(), 2):
        if _carried(name) == _carried(other):
            continue  # what is soldered on one board is stripboard.py's to judge
        gap = part.distance_to(beside)
        if gap < PART_GAP_LEAST - 1e-3:
            found.append(f"{name} is {gap:.2f} mm from the {other}, at least {PART_GAP_LEAST} mm")
    for soft, solid in (("soft button", case.soft_button()), ("plug", case.plug("usb"))):
        for name, part in parts.items():
            if (shared := shared_mm3(solid, part)) > 0.01:
                found.append(f"{soft} and {name} share {shared:.1f} mm³")
    for end in ("usb", "switch"):
        found += [
            f"plug-{end} and {name} share {shared:.1f} mm³"
            for name, part in hard.items()
            if (shared := shared_mm3(case.plug(end), part)) > _PRESSED
        ]
    if (shared := shared_mm3(case.soft_button(), hard["lid"])) > 0.01:
        found.append(f"the soft button and the lid share {shared:.2f} mm³")
    for number, screw in enumerate(case.screws()):
        for name, part in parts.items():
            if screw.distance_to(part) < PART_GAP_LEAST:
                found.append(f"screw {number} is too near to the {name}")
    return found + [
        f"body and {side} lid share {shared:.2f} mm³: it does not close"
        for side in case.SIDES
        if (shared := shared_mm3(case.body(), case.lid(side))) > 0.01
    ]


def _plug_fits() -> list[str]:
    """A cable with the largest overmould reaches the socket, and touches nothing but the socket."""
    it = size()
    cable = case.bar_along(
        (-it.length / 2 - 20, it.usb_mouth_x),
        facts.number("case.usb_overmold_width_mm"),
        facts.number("case.usb_overmold_height_mm"),
        it.xiao_y,
        it.usb_z,
    )
    return [
        f"a cable's overmould and the {name} share {shared:.1f} mm³"
        for name, part in (
            ("body", case.body()),
            ("left lid", case.lid("left")),
            ("right lid", case.lid("right")),
        )
        if (shared := shared_mm3(cable, part)) > 0.01
    ]


def _soft_mount() -> list[str]:
    """The board is held, by foam on all sides but the USB socket's; foam is between it and what holds it."""
    found: list[str] = []
    plate, hard = case.parts()["board"], (case.body(), case.lid("left"))
    on_board = [foam for foam in case.foams() if foam.distance_to(plate) < 1e-3]
    ways = {"below": 0, "above": 0, "behind": 0}
    box = plate.bounding_box()
    for foam in on_board:
        if not any(foam.distance_to(each) < 1e-3 for each in hard):
            found.append("a foam lies on the board and on nothing else")
        middle = foam.bounding_box().center()
        way = "behind" if middle.X > box.max.X else "above" if middle.Z > box.max.Z else "below"
        ways[way] += 1
    found += [
        f"{count} foams are {way} the board, at least {least}"
        for (way, count), least in zip(ways.items(), (4, 4, 2), strict=True)
        if count < least
    ]
    it = size()
    for name, reach in (("front", it.post), ("back", it.board_end_x - it.back_post_x)):
        if reach < 1.2:
            found.append(f"the {name} posts reach {reach:.1f} mm under the board, at least 1.2 mm")
    if any(shared_mm3(foam, case.parts()["joints"]) > 0.01 for foam in on_board):
        found.append("a foam lies on solder joints")
    return found


def _motor_mount() -> list[str]:
    """The motor lies on a pad at the skin, in a thin ring that nothing stiffens, and shakes nothing else."""
    found: list[str] = []
    it = size()
    motor, pad = case.parts()["motor"], it.pad
    if motor.distance_to(case.body()) > 1e-3 or abs(motor.bounding_box().min.Z - pad) > 1e-3:
        found.append("the motor does not lie on its pad")
    skin = case.body().bounding_box().min.Z
    if pad - skin > 2.0:
        found.append(f"{pad - skin:.1f} mm are between motor and skin, at most 2 mm")
    ring = case.ring((it.membrane, it.floor + 0.4))
    if (shared := shared_mm3(ring, case.body())) > 0.01:
        found.append(f"{shared:.1f} mm³ of the body stiffen the motor's ring")
    if it.motor_x + it.membrane_radius > it.cavity_x:
        found.append("the motor's ring is cut by the end wall")
    return found


def _held(body: Part) -> list[str]:
    """Fuse and plug stay where they are: between the ribs of a corner, and on a shelf."""
    found: list[str] = []
    parts = case.parts()
    if parts["plug"].distance_to(body) > 1e-3:
        found.append("the cell's plug lies on nothing")
    for where, way in (("motor", (-1, 0, 0)), ("middle", (0, 1, 0)), ("skin", (0, 0, -1))):
        if shared_mm3(Pos(*way) * parts["fuse"], body) < 0.01:
            found.append(f"nothing keeps the fuse from moving towards the {where}")
    return found


def _same_twice(printed: dict[str, Part]) -> list[str]:
    """Built anew from nothing, every part has the same triangles."""
    first = {name: triangles(part) for name, part in printed.items()}
    case.forget()
    again = case.printed()
    return [
        f"{name}: built twice, it has other triangles"
        for name, kept in first.items()
        if not np.array_equal(kept, triangles(again[name]))
    ]
