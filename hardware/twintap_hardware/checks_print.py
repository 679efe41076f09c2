"""What must hold of each printed part: one tight solid, no thin wall, nothing that hangs free on the bed."""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

import math

import numpy as np
import trimesh
from build123d import Box, Part, Pos

from .case_size import BRIDGE_MOST, FIRST_LAYERS, LEDGE_MOST, WALL_LEAST
from .solids import faces, mesh

_SAMPLES = 3_000  # rays for each printed part, besides those of each of its faces
_FACE_SAMPLES = 4
_STEEP_RAD = math.radians(47)


def check(name: str, part: Part, lying: Part) -> list[str]:
    """Every breach of one printed part, as it is in the pulser and as it lies on the bed."""
    return is_solid(name, part) + wall(name, part) + prints(name, lying)


def sees_faults() -> list[str]:
    """What these checks do not find in solids that are wrong on purpose, or find in a good one."""
    found: list[str] = []
    box = Box(20, 20, 20)
    if not wall("", box - Pos(9.4, 0, 0) * Box(0.4, 18, 18)):
        found.append("the check of walls does not see a wall of 0.4 mm")
    # A wall as small as a letter's stroke, which rays thrown at random would miss.
    if not wall("", Box(60, 60, 20) + Pos(20, 20, 10.75) * Box(0.3, 1.5, 1.5)):
        found.append("the check of walls does not see a small fin of 0.3 mm")
    if wall("", box - Pos(0, 0, 0) * Box(16, 16, 16)):
        found.append("the check of walls sees a thin one in a box of 2 mm")
    if not is_solid("", Box(2, 2, 2) + Pos(9, 0, 0) * Box(2, 2, 2)):
        found.append("the check of solids takes two for one")
    torn = mesh(box)
    torn.update_faces(np.arange(len(torn.faces)) > 0)
    turned = mesh(box)
    turned.faces[0] = turned.faces[0][::-1]
    if is_tight("", mesh(box)) or not is_tight("", torn) or not is_tight("", turned):
        found.append("the check of meshes does not see a triangle that is missing or turned round")
    leg = Box(4, 4, 8)
    table = Pos(0, 0, 9) * Box(30, 30, 2) + Pos(0, 0, 4) * leg
    shelf = Pos(0, 0, 5) * Box(4, 20, 10) + Pos(4, 0, 9) * Box(4, 3, 2)
    wide = Pos(0, 0, 9) * Box(20, 4, 2) + Pos(-8, 0, 4) * leg + Pos(8, 0, 4) * leg
    short = Pos(0, 0, 9) * Box(14, 4, 2) + Pos(-5, 0, 4) * leg + Pos(5, 0, 4) * leg
    for what, part, is_wrong in (
        ("a table's top", table, True),
        ("a shelf of 4 mm", shelf, True),
        ("a bridge of 12 mm", wide, True),
        ("a bridge of 6 mm", short, False),
    ):
        if bool(prints("", part)) != is_wrong:
            found.append(f"the check of overhangs {'does not see' if is_wrong else 'refuses'} {what}")
    return found


def is_solid(name: str, part: Part) -> list[str]:
    """One valid solid, whose mesh is watertight and holds as much."""
    found: list[str] = []
    if not part.is_valid or len(part.solids()) != 1:
        found.append(f"{name}: {len(part.solids())} solids, valid: {part.is_valid}; must be one valid solid")
    surface = mesh(part)
    found += is_tight(name, surface)
    if surface.volume <= 0 or abs(surface.volume - part.volume) > 0.01 * part.volume:
        found.append(f"{name}: its mesh holds {surface.volume:.0f} mm³, its solid {part.volume:.0f} mm³")
    return found


def is_tight(name: str, surface: trimesh.Trimesh) -> list[str]:
    """Whether a mesh is closed, all its triangles turned outwards."""
    if surface.is_watertight and surface.is_winding_consistent:
        return []
    return [f"{name}: its mesh is not watertight"]


# -- walls -----------------------------------------------------------------------------------------------


def first_hits(surface: trimesh.Trimesh, points: np.ndarray, ways: np.ndarray) -> np.ndarray:
    """How far each ray runs until it leaves the solid squarely (mm, or inf): Möller and Trumbore's test."""
    corner = surface.triangles[:, 0]
    one = surface.triangles[:, 1] - corner
    two = surface.triangles[:, 2] - corner
    found = np.full(len(points), np.inf)
    for start in range(0, len(points), 100):
        rows = slice(start, start + 100)
        way = ways[rows, None, :]
        across = np.cross(way, two[None])
        turn = np.einsum("tc,rtc->rt", one, across)
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = 1 / turn
            to = points[rows, None, :] - corner[None]
            u = np.einsum("rtc,rtc->rt", to, across) * scale
            over = np.cross(to, one[None])
            v = np.einsum("rxc,rtc->rt", np.broadcast_to(way, (over.shape[0], 1, 3)), over) * scale
            far = np.einsum("tc,rtc->rt", two, over) * scale
            is_hit = (np.abs(turn) > 1e-12) & (u >= 0) & (v >= 0) & (u + v <= 1) & (far > 1e-4)
        # Only what faces the ray squarely is a wall's other side; a corner's flank is not.
        is_hit &= np.einsum("tc,rxc->rt", surface.face_normals, np.broadcast_to(way, (len(way), 1, 3))) > 0.8
        found[rows] = np.where(is_hit, far, np.inf).min(axis=1)
    return found


def thinnest(part: Part) -> tuple[float, np.ndarray]:
    """The thinnest wall that any of many rays finds, straight in from the surface (mm), and where.

    Rays start at random all over the surface, and at the largest triangles of every face: none is missed.
    """
    surface = mesh(part)
    points, index = trimesh.sample.sample_surface(surface, _SAMPLES, seed=1)
    ways = -surface.face_normals[index]
    for corners, _, at in faces(part):
        found = corners[at]
        normals = np.cross(found[:, 1] - found[:, 0], found[:, 2] - found[:, 0])
        sizes = np.linalg.norm(normals, axis=1)
        largest = sizes.argsort()[-_FACE_SAMPLES:]
        largest = largest[sizes[largest] > 1e-4]
        points = np.vstack([points, found[largest].mean(axis=1)])
        ways = np.vstack([ways, -normals[largest] / sizes[largest, None]])
    far = first_hits(surface, points + 2e-3 * ways, ways) + 2e-3
    least = int(far.argmin())
    return float(far[least]), points[least]


def wall(name: str, part: Part) -> list[str]:
    """The thinnest wall, if it is too thin."""
    least, at = thinnest(part)
    if least < WALL_LEAST - 0.02:
        where = ", ".join(f"{value:.1f}" for value in at)
        return [f"{name}: a wall of {least:.2f} mm at ({where}), at least {WALL_LEAST} mm"]
    return []


# -- on the bed ------------------------------------------------------------------------------------------


def prints(name: str, lying: Part) -> list[str]:
    """What is less steep than 45 degrees, above the first layers, is a short bridge or a narrow ledge."""
    surface = mesh(lying)
    low = surface.triangles[:, :, 2].max(axis=1)
    is_over = (surface.face_normals[:, 2] < -math.sin(_STEEP_RAD)) & (low > FIRST_LAYERS)
    if not is_over.any():
        return []
    index = np.flatnonzero(is_over)
    both = np.isin(surface.face_adjacency, index)
    found: list[str] = []
    for patch in trimesh.graph.connected_components(surface.face_adjacency[both.all(axis=1)], nodes=index):
        rim = np.isin(surface.face_adjacency, patch).sum(axis=1) == 1
        lines = surface.vertices[surface.face_adjacency_edges[rim]][:, :, :2]
        # Where the surface turns inwards, a wall goes down from there and carries; outwards, it hangs free.
        is_carried = ~surface.face_adjacency_convex[rim]
        middles = surface.triangles_center[patch]
        free = lines[~is_carried].mean(axis=1)
        if len(free):
            nearest = np.linalg.norm(free[:, None] - middles[None, :, :2], axis=2).argmin(axis=1)
            way = middles[nearest, :2] - free
            free = free + 0.02 * way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
        points = np.vstack([middles[:, :2], free]) if len(free) else middles[:, :2]
        hangs = [point for point in points if not _is_carried_at(point, lines, is_carried)]
        if hangs:
            span = np.ptp(surface.triangles[patch].reshape(-1, 3)[:, :2], axis=0)
            at = (*hangs[0], surface.triangles[patch][:, :, 2].mean())
            where = ", ".join(f"{value:.1f}" for value in at)
            found.append(
                f"{name}: of {span[0]:.1f} by {span[1]:.1f} mm some hangs free at ({where}) as it is printed"
            )
    return found


def _is_carried_at(point: np.ndarray, lines: np.ndarray, is_carried: np.ndarray) -> bool:
    """Whether a thread of plastic through `point` has something below it on both sides, or nearly at one."""
    start, along = lines[:, 0] - point, lines[:, 1] - lines[:, 0]
    for turn in range(24):
        way = np.array((math.cos(math.pi * turn / 24), math.sin(math.pi * turn / 24)))
        across = way[0] * along[:, 1] - way[1] * along[:, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            far = (start[:, 0] * along[:, 1] - start[:, 1] * along[:, 0]) / across
            at = (start[:, 0] * way[1] - start[:, 1] * way[0]) / across
        is_hit = (np.abs(across) > 1e-9) & (at >= -1e-6) & (at <= 1 + 1e-6)
        sides: list[tuple[float, bool]] = []
        for sign in (1, -1):
            ahead = is_hit & (sign * far > -1e-6)
            if ahead.any():
                nearest = int(np.where(ahead, sign * far, np.inf).argmin())
                sides.append((abs(float(far[nearest])), bool(is_carried[nearest])))
        if any(carried and distance <= LEDGE_MOST for distance, carried in sides):
            return True
        if (
            len(sides) == 2
            and all(carried for _, carried in sides)
            and sum(far for far, _ in sides) <= BRIDGE_MOST
        ):
            return True
    return False
