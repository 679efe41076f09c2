"""What must hold of the case, measured on the solids and on their triangles; each breach is one line."""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

import itertools
import math

import numpy as np
from build123d import Box, Edge, Face, Part, Pos, Vector, fillet
from OCP.BRepAdaptor import BRepAdaptor_Surface
from OCP.BRepLProp import BRepLProp_SLProps
from OCP.TopAbs import TopAbs_REVERSED

from . import case, checks_inside, checks_print, facts
from .case_size import (
    BOARD_GAP_LEAST,
    DISH,
    EDGE_LEAST,
    PART_GAP_LEAST,
    RECESS,
    board,
    recess_least,
    recess_most,
    size,
)
from .case_inside import things
from .solids import triangles

_PRESSED = 0.5  # mm³ by which a soft plug is larger than its place
_SHARP_RAD = 0.26  # 15 degrees: what turns less from face to face is no edge
# Where touching is meant: the motor on its pad, the switch in its place behind the wall.
_MEANT = {("motor", "body"), ("switch", "body"), ("switch", "lid"), ("button's carrier", "lid")}
_MEANT |= {("antenna", "lid"), ("plug", "body")}
_CARRIED = {"board": "board", "XIAO": "board", "USB socket": "board", "joints": "board"}
_CARRIED |= {"button": "carrier", "button's carrier": "carrier"}


def check() -> list[str]:
    """Every breach; empty if there is none."""
    found = _sees_faults() + checks_print.sees_faults()
    printed = case.printed()
    for name, part in printed.items():
        found += checks_print.check(name, part, case.on_the_bed(name, part))
    found += _clearances()
    found += checks_inside.check()
    found += _plug_fits()
    found += _soft_mount()
    found += _motor_mount()
    for side in case.SIDES:
        found += _no_sharp_edge(side)
        found += _outside(side)
    found += _no_sharp_soft_edge()
    found += _recess()
    found += _told_apart()
    found += _hand()
    found += _same_twice(printed)
    return found


def _sees_faults() -> list[str]:
    """What the checks do not find in solids that are wrong on purpose, or find in a good one."""
    found: list[str] = []
    box = Box(20, 20, 20)
    if len(sharpest(box)) != 12:
        found.append("the check of edges does not see the edges of a box")
    if not any("round of 0.50" in each for each in sharpest(fillet(box.edges(), 0.5))):
        found.append("the check of edges does not see a round of 0.5 mm")
    if sharpest(fillet(box.edges(), 2.0)):
        found.append("the check of edges sees an edge where there is none")
    return found


# -- what lies beside what -------------------------------------------------------------------------------


def _shared(one: Part, other: Part) -> float:
    common = one & other
    return 0.0 if not common else float(common.volume)


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
            if (shared := _shared(part, solid)) > 0.01:
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
            if (shared := _shared(solid, part)) > 0.01:
                found.append(f"{soft} and {name} share {shared:.1f} mm³")
    for end in ("usb", "switch"):
        for name, part in {"body": case.body(), "lid": case.lid("left")}.items():
            if (shared := _shared(case.plug(end), part)) > _PRESSED:
                found.append(f"plug-{end} and {name} share {shared:.1f} mm³")
    for side in case.SIDES:
        if (shared := _shared(case.soft_button(), case.lid(side))) > 0.01:
            found.append(f"the soft button and the {side} lid share {shared:.2f} mm³")
    for number, screw in enumerate(case.screws()):
        for name, part in parts.items():
            if screw.distance_to(part) < PART_GAP_LEAST:
                found.append(f"screw {number} is too near to the {name}")
    return found + [
        f"body and {side} lid share {shared:.2f} mm³: it does not close"
        for side in case.SIDES
        if (shared := _shared(case.body(), case.lid(side))) > 0.01
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
        if (shared := _shared(cable, part)) > 0.01
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
    if any(_shared(foam, case.parts()["joints"]) > 0.01 for foam in on_board):
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
    if (shared := _shared(ring, case.body())) > 0.01:
        found.append(f"{shared:.1f} mm³ of the body stiffen the motor's ring")
    if it.motor_x + it.membrane_radius > it.cavity_x:
        found.append("the motor's ring is cut by the end wall")
    return found


# -- what the hand meets ---------------------------------------------------------------------------------


def _normal(face: Face, at: Vector) -> np.ndarray:
    normal = face.normal_at(at)
    return np.array([normal.X, normal.Y, normal.Z])


def _turns_out(part: Part, edge: Edge, faces: list[Face], at: Vector) -> bool:
    """Whether the edge is convex: between its two faces, a little way in, is the solid."""
    along = edge.tangent_at(0.5)
    inward = np.zeros(3)
    here = np.array([at.X, at.Y, at.Z])
    for face in faces:
        way = np.cross(_normal(face, at), (along.X, along.Y, along.Z))
        tries = [here + sign * 0.05 * way for sign in (1, -1)]
        far = [face.distance_to(Vector(*point)) for point in tries]
        inward += way if far[0] < far[1] else -way
    if np.linalg.norm(inward) < 1e-6:
        return False
    return part.solids()[0].is_inside(Vector(*(here + 0.02 * inward / np.linalg.norm(inward))))


Point = tuple[float, float, float]


def sharpest(part: Part, edge_least: float = EDGE_LEAST) -> list[str]:
    """Convex edges, and convex rounds tighter than `edge_least`, of a solid."""
    return [what for _, what in sharp_places(part, edge_least)]


def sharp_places(part: Part, edge_least: float = EDGE_LEAST) -> list[tuple[Point, str]]:
    """The same, each with its place."""
    found: list[tuple[Point, str]] = []
    beside: dict[int, tuple[Edge, list[Face]]] = {}
    for face in part.faces():
        for edge in face.edges():
            beside.setdefault(hash(edge.wrapped), (edge, []))[1].append(face)
    for edge, faces in beside.values():
        if len(faces) != 2 or edge.length < 1e-3:
            continue
        at = edge.position_at(0.5)
        turn = float(np.clip(_normal(faces[0], at) @ _normal(faces[1], at), -1, 1))
        if math.acos(turn) > _SHARP_RAD and _turns_out(part, edge, faces, at):
            what = (
                f"an edge of {edge.length:.1f} mm at ({at.X:.1f}, {at.Y:.1f}, {at.Z:.1f}) turns "
                f"{math.degrees(math.acos(turn)):.0f} degrees"
            )
            found.append(((at.X, at.Y, at.Z), what))
    for face in part.faces():
        radius, at = _tightest(face)
        if radius < edge_least - 1e-3:
            found.append((at, f"a round of {radius:.2f} mm at ({at[0]:.1f}, {at[1]:.1f}, {at[2]:.1f})"))
    return found


def _tightest(face: Face) -> tuple[float, tuple[float, float, float]]:
    """The smallest radius with which the face bulges outwards, at a grid of places on it (mm), and where."""
    surface = BRepAdaptor_Surface(face.wrapped)
    outwards = -1 if face.wrapped.Orientation() == TopAbs_REVERSED else 1
    least, where = math.inf, (0.0, 0.0, 0.0)
    for u in np.linspace(surface.FirstUParameter(), surface.LastUParameter(), 5)[1:-1]:
        for v in np.linspace(surface.FirstVParameter(), surface.LastVParameter(), 5)[1:-1]:
            bend = BRepLProp_SLProps(surface, float(u), float(v), 2, 1e-9)
            if not bend.IsCurvatureDefined():
                continue
            # A bend towards the side that the face's normal points to is hollow; towards the other, a bulge.
            worst = max(-outwards * bend.MinCurvature(), -outwards * bend.MaxCurvature())
            if worst > 1e-6 and 1 / worst < least:
                at = bend.Value()
                least, where = 1 / worst, (at.X(), at.Y(), at.Z())
    return least, where


def _no_sharp_edge(side: str) -> list[str]:
    """Of the closed pulser. The letter is left out: 0.5 mm deep, it can be felt and cannot cut."""
    return [
        f"{side}, closed: {each}; no edge is sharper than {EDGE_LEAST} mm"
        for each in sharpest(case.outside(side))
    ]


def _no_sharp_soft_edge() -> list[str]:
    """What is soft is rounded where it lies open: the plugs' faces and the button's cap."""
    it = size()
    found: list[str] = []
    for end in ("usb", "switch"):
        open_x = it.length / 2 - 0.9 * case.SOFT_EDGE
        for at, what in sharp_places(case.plug(end), case.SOFT_EDGE):
            if abs(at[0]) > open_x:
                found.append(f"plug-{end}: {what}; none that is touched is sharper than {case.SOFT_EDGE} mm")
    for at, what in sharp_places(case.soft_button(), case.SOFT_EDGE):
        if at[2] > it.inside_z + 0.1:
            found.append(f"button: {what}; none that is touched is sharper than {case.SOFT_EDGE} mm")
    return found


def _outside(side: str) -> list[str]:
    """The outside that is checked for edges is what body and lid really make: nothing stands out of it, and
    where an edge of theirs lies on it, that edge is the seam, a screw's or the letter's.
    """
    it, hull = size(), case.outside(side)
    found: list[str] = []
    for name, part in (("body", case.body()), ("lid", case.lid(side))):
        out = part - hull
        if out and (volume := float(out.volume)) > 0.05:
            found.append(f"{side}: {volume:.2f} mm³ of the {name} stand out of the outside")
        for at, what in sharp_places(part):
            is_seam = abs(at[2] - it.parting_z) < 1e-3
            is_screw = math.hypot(abs(at[0]) - it.screw_x, abs(at[1]) - it.screw_y) < it.head_radius + 0.1
            is_letter = abs(at[0] - it.slot_x) < it.letter_wide and abs(at[1]) < it.letter_tall
            is_behind_plug = abs(at[0]) < it.length / 2 - 1.0 and abs(at[2] - it.usb_z) < it.usb_height
            if is_seam or (at[2] > it.height - 2 and (is_screw or is_letter)) or is_behind_plug:
                continue
            if min(face.distance_to(Vector(*at)) for face in hull.faces()) < 0.01:
                found.append(f"{side}: {name}, outside: {what}; no edge is sharper than {EDGE_LEAST} mm")
    for end in ("usb", "switch"):
        box = case.plug(end).bounding_box()
        if max(box.max.X, -box.min.X) > it.length / 2 + 1e-3:
            found.append(f"plug-{end} stands out of its end")
    return found


def reach(radius: float, tilt: tuple[float, float] | None = None) -> float:
    """How far a ball of `radius` sinks below the lid's face over the button, resting on the lid itself (mm).

    `tilt`: not a ball but a rod of that radius that lies across, in the direction (x, y).
    """
    it = size()
    corners = triangles(case.lid("left")).reshape(-1, 3) / 1000
    beside = corners[:, :2] - (it.button_x, 0)
    away = np.hypot(beside[:, 0], beside[:, 1]) if tilt is None else np.abs(beside @ (-tilt[1], tilt[0]))
    near = (away < radius) & (corners[:, 2] > it.height - RECESS - 1) & (np.hypot(*beside.T) < DISH)
    middle = (corners[near, 2] + np.sqrt(radius**2 - away[near] ** 2)).max()
    return float(it.height - (middle - radius))


def _recess() -> list[str]:
    found: list[str] = []
    if not recess_least() <= RECESS <= recess_most():
        found.append(f"the button lies {RECESS} mm deep, not {recess_least():.2f} to {recess_most():.2f} mm")
    top = case.soft_button().bounding_box().max.Z
    depth = size().height - top
    if abs(depth - RECESS) > 0.01:
        found.append(f"the button's top lies {depth:.2f} mm deep, not {RECESS} mm")
    bulge = facts.number("case.skin_bulge_mm")
    palm = reach(facts.number("case.palm_radius_least_mm")) + bulge
    if palm > depth:
        found.append(f"a closed palm comes {palm:.2f} mm deep and would press the button at {depth:.2f} mm")
    for degrees in range(0, 180, 15):
        way = (math.cos(math.radians(degrees)), math.sin(math.radians(degrees)))
        finger = reach(facts.number("case.finger_radius_least_mm"), way) + bulge
        if finger > depth:
            found.append(
                f"a finger across, at {degrees} degrees, comes {finger:.2f} mm deep and presses the button"
            )
    thumb = reach(facts.number("case.fingertip_radius_most_mm"))
    if thumb < depth + facts.number("case.tact_travel_mm"):
        found.append(f"a broad thumb's tip comes only {thumb:.2f} mm deep and would not press the button")
    button = case.parts()["button"].bounding_box()
    play = case.soft_button().bounding_box().min.Z - button.max.Z
    if not 0 <= play <= 0.3:
        found.append(f"{play:.2f} mm between soft button and push-button, 0 to 0.3 mm")
    return found


def _told_apart() -> list[str]:
    """Left: one mark on each long side; right: two; each high enough to feel; letters cut as deep as said."""
    found: list[str] = []
    it = size()
    for side, count in (("left", 1), ("right", 2)):
        marks = case.marks(side)
        if len(marks) != 2 * count:
            found.append(f"{side}: {len(marks)} marks, {2 * count} are meant")
        lid = case.lid(side).bounding_box()
        if min(lid.max.Y, -lid.min.Y) < it.width / 2 + it.mark_height - 0.05:
            found.append(
                f"{side}: its marks stand out {lid.max.Y - it.width / 2:.2f} mm of {it.mark_height} mm"
            )
        if _shared(case.lid(side), case.letter(side)) > 0.01:
            found.append(f"{side}: its letter is not cut")
    apart = case.marks("right")
    gap = min(a.distance_to(b) for a, b in itertools.combinations(apart, 2))
    if gap < 2.5:
        found.append(f"the two dots are {gap:.1f} mm apart; a fingertip tells two points from 2.5 mm on")
    return found


def _hand() -> list[str]:
    it = size()
    least = facts.number("case.hand_breadth_least_mm")
    found: list[str] = []
    if it.length > least:
        found.append(f"{it.length:.1f} mm long: does not lie in a palm of {least} mm")
    strap = facts.number("case.strap_width_most_mm")
    if it.slot_length < strap + 1 or it.slot_width < facts.number("case.strap_thickness_mm") + 0.5:
        found.append(f"a strap of {strap} mm does not go through its slots")
    if it.slot_x + strap / 2 > it.button_x - DISH / 2:
        found.append("the strap lies over the button")
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
