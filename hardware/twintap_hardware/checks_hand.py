"""What the hand meets: no sharp edge, a button that no closing hand presses, left and right, the strap."""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

import itertools
import math

import numpy as np
from build123d import Box, Edge, Face, Part, Pos, Vector, fillet
from OCP.BRepAdaptor import BRepAdaptor_Surface
from OCP.BRepLProp import BRepLProp_SLProps
from OCP.TopAbs import TopAbs_REVERSED

from . import case, facts
from .case_size import DISH, EDGE_LEAST, RECESS, RIM, letters, recess_least, recess_most, size
from .shapes import block, rod, shared_mm3
from .solids import triangles

_SHARP_RAD = 0.26  # 15 degrees: what turns less from face to face is no edge


def check() -> list[str]:
    """Every breach; empty if there is none."""
    found = _sees_faults()
    for side in case.SIDES:
        found += _no_sharp_edge(side)
        found += _outside(side)
    return found + _no_sharp_soft_edge() + _recess() + _told_apart() + _hand()


def _sees_faults() -> list[str]:
    """What the checks do not find in solids that are wrong on purpose, or find in a good one."""
    found: list[str] = []
    box = Box(20, 20, 20)
    if len(sharpest(box)) != 12:
        found.append("the check of edges does not see the edges of a box")
    if not any("round of 0.50" in each for each in sharpest(fillet(box.edges(), 0.5))):
        found.append("the check of edges does not see a round of 0.5 mm")
    soft = case.SOFT_EDGE
    if not sharpest(fillet(box.edges(), 0.8 * soft), soft) or sharpest(fillet(box.edges(), 1.2 * soft), soft):
        found.append("the check of soft edges does not tell a round that is too tight from one that is not")
    if sharpest(fillet(box.edges(), 2.0)):
        found.append("the check of edges sees an edge where there is none")
    return found + _misses()


def _misses() -> list[str]:
    """The same of the outside, the letters and marks, and the strap: each is spoilt, and has to be seen."""
    it, strap = size(), case.strap()
    hull, here = case.outside("left"), (it.light_x - 2, it.light_x + 2)
    lid, half = case.lid("left"), it.width / 2
    unmarked = block((-it.length, it.length), (-half, half), (0.0, it.height))

    def plate(low: float, high: float) -> Part:
        return block(here, (-2.0, 2.0), (it.height + low, it.height + high))

    spoilt = {
        "stand out of the outside": _laid_out("left", "lid", plate(-1, 1), hull),
        "no edge is sharper": _laid_out("left", "lid", plate(-1, 0), hull),
        "plug-usb stands out": _plug_out("usb", Pos(-0.5, 0, 0) * case.plug("usb")),
        "letter is not cut": _letter_cut("left", lid + case.letter("left")),
        "marks, 4 are meant": _marked("right", case.marks("left"), case.lid("right")),
        "its marks stand out": _marked("left", case.marks("left"), lid & unmarked),
        "the button's well": _strap(Pos(4, 0, 0) * strap),
        "strap and the left lid share": _strap(Pos(4, 0, 0) * strap),
        "covers the light": _strap(strap + plate(1, 2)),
        "near mark of the left": _strap(strap + Pos(0, 0.5, 0) * case.marks("left")[0]),
        "far mark of the left": _strap(strap + Pos(0, -0.5, 0) * case.marks("left")[1]),
        "first near mark of the right": _strap(strap + case.marks("right")[0]),
        "the plug-switch": _strap(strap + Pos(2, 0, 0) * case.plug("switch")),
    }
    found = [
        f"a check does not see what is spoilt: nothing says {words!r}"
        for words, said in spoilt.items()
        if not any(words in each for each in said)
    ]
    if _laid_out("left", "lid", plate(-3, -1), hull):
        found.append("the check of the outside sees what lies within")
    return found


# -- edges -----------------------------------------------------------------------------------------------


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
    hull = case.outside(side)
    found: list[str] = []
    for name, part in (("body", case.body()), ("lid", case.lid(side))):
        found += _laid_out(side, name, part, hull)
    for end in ("usb", "switch"):
        found += _plug_out(end, case.plug(end))
    return found


def _laid_out(side: str, name: str, part: Part, hull: Part) -> list[str]:
    """What of a part stands out of the outside, or has a sharp edge on it."""
    it = size()
    found: list[str] = []
    out = part - hull
    if out and (volume := float(out.volume)) > 0.05:
        found.append(f"{side}: {volume:.2f} mm³ of the {name} stand out of the outside")
    for at, what in sharp_places(part):
        is_seam = abs(at[2] - it.parting_z) < 1e-3
        is_screw = math.hypot(abs(at[0]) - it.screw_x, abs(at[1]) - it.screw_y) < it.head_radius + 0.1
        is_letter = (
            abs(at[0] - it.slot_x) < it.letter_wide / 2 + 0.1 and abs(at[1]) < it.letter_tall / 2 + 0.1
        )
        is_behind_plug = abs(at[0]) < it.length / 2 - 1.0 and abs(at[2] - it.usb_z) < it.usb_height
        if is_seam or (at[2] > it.height - 2 and (is_screw or is_letter)) or is_behind_plug:
            continue
        if min(face.distance_to(Vector(*at)) for face in hull.faces()) < 0.01:
            found.append(f"{side}: {name}, outside: {what}; no edge is sharper than {EDGE_LEAST} mm")
    return found


def _plug_out(end: str, plug: Part) -> list[str]:
    box = plug.bounding_box()
    is_out = max(box.max.X, -box.min.X) > size().length / 2 + 1e-3
    return [f"plug-{end} stands out of its end"] if is_out else []


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
    found = letters(size())
    for side in case.SIDES:
        found += _marked(side, case.marks(side), case.lid(side))
        found += _letter_cut(side, case.lid(side))
    apart = case.marks("right")
    gap = min(a.distance_to(b) for a, b in itertools.combinations(apart, 2))
    if gap < 2.5:
        found.append(f"the two dots are {gap:.1f} mm apart; a fingertip tells two points from 2.5 mm on")
    return found


def _marked(side: str, marks: list[Part], lid: Part) -> list[str]:
    """Whether a lid has as many marks as are meant, and they stand out as far."""
    it, count = size(), {"left": 2, "right": 4}[side]  # on both long sides
    found = [] if len(marks) == count else [f"{side}: {len(marks)} marks, {count} are meant"]
    box = lid.bounding_box()
    if (out := min(box.max.Y, -box.min.Y) - it.width / 2) < it.mark_height - 0.05:
        found.append(f"{side}: its marks stand out {out:.2f} mm of {it.mark_height} mm")
    return found


def _letter_cut(side: str, lid: Part) -> list[str]:
    return [f"{side}: its letter is not cut"] if shared_mm3(lid, case.letter(side)) > 0.01 else []


def _hand() -> list[str]:
    it = size()
    least = facts.number("case.hand_breadth_least_mm")
    found: list[str] = []
    if it.length > least:
        found.append(f"{it.length:.1f} mm long: does not lie in a palm of {least} mm")
    strap = facts.number("case.strap_width_most_mm")
    if it.slot_length < strap + 1 or it.slot_width < facts.number("case.strap_thickness_mm") + 0.5:
        found.append(f"a strap of {strap} mm does not go through its slots")
    return found + _strap(case.strap())


def _strap(strap: Part) -> list[str]:
    """The widest strap goes over the lid and through its slots; button, marks, light and plugs stay free."""
    it = size()
    hard = {"body": case.body()} | {f"{side} lid": case.lid(side) for side in case.SIDES}
    found = [
        f"the strap and the {name} share {shared:.1f} mm³"
        for name, part in hard.items()
        if (shared := shared_mm3(strap, part)) > 0.01
    ]
    free = [("button's well", rod(it.button_x, 0, (it.height, it.height + 9), DISH / 2), RIM)]
    free.append(("light", rod(it.light_x, 0, (it.height, it.height + 9), it.light_radius - 1), 0.0))
    names = {"left": ("near", "far"), "right": ("first near", "second near", "first far", "second far")}
    for side in case.SIDES:
        for name, mark in zip(names[side], case.marks(side), strict=True):
            free.append((f"{name} mark of the {side}", mark, 2.0))
    free += [(f"plug-{end}", case.plug(end), 10.0) for end in ("usb", "switch")]
    for name, part, least in free:
        if shared_mm3(strap, part) > 0.01:
            found.append(f"the strap covers the {name}")
        elif (apart := strap.distance_to(part)) < least - 1e-3:
            found.append(f"the strap is {apart:.1f} mm from the {name}, at least {least} mm")
    return found
