"""Solids that the case is put together from: blocks, rods, bars and prisms between places, in mm."""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

from build123d import (
    Align,
    Axis,
    Box,
    Cylinder,
    Part,
    Plane,
    Polyline,
    Pos,
    RectangleRounded,
    SlotOverall,
    extrude,
    make_face,
)

LOW = (Align.CENTER, Align.CENTER, Align.MIN)
FAR = 200.0


def block(x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> Part:
    """A box between two places on each axis."""
    return Pos(x[0], y[0], z[0]) * Box(
        x[1] - x[0], y[1] - y[0], z[1] - z[0], align=(Align.MIN, Align.MIN, Align.MIN)
    )


def rod(x: float, y: float, z: tuple[float, float], radius: float) -> Part:
    """An upright cylinder."""
    return Pos(x, y, z[0]) * Cylinder(radius, z[1] - z[0], align=LOW)


def ys(way: int, near: float, far: float) -> tuple[float, float]:
    """A stretch along y, `near` to `far` from the middle, on one side (`way` 1 or -1)."""
    return (near, far) if way > 0 else (-far, -near)


def bar_along(x: tuple[float, float], width: float, height: float, y: float, z: float) -> Part:
    """A bar along x with round ends across: an opening in an end wall, or what fills it."""
    return Pos(x[0], y, z) * extrude(Plane.YZ * SlotOverall(width, height), x[1] - x[0])


def round_box(x: float, y: float, radius: float, z: tuple[float, float]) -> Part:
    """A rectangle with round corners, `2x` by `2y`, upright."""
    return Pos(0, 0, z[0]) * extrude(RectangleRounded(2 * x, 2 * y, radius), z[1] - z[0])


def face_of(corners: tuple[tuple[float, float], ...]):
    """A flat face with these corners."""
    return make_face(Polyline(*corners, close=True))


def edges_at(part: Part, axis: Axis, place: float):
    """The edges whose middles lie at a place on an axis."""
    return part.edges().filter_by_position(axis, place - 1e-4, place + 1e-4)


def along_y(profile: tuple[tuple[float, float], ...], y: tuple[float, float]) -> Part:
    """A prism along y: its profile's corners are (x, z)."""
    flat = Plane.XZ * face_of(profile)
    return Pos(0, y[1], 0) * extrude(flat, y[1] - y[0])


def ordered(way: int, near: float, far: float, y: tuple[float, float], z: tuple[float, float]) -> Part:
    """A block at the end that `way` names, from `near` to `far` along x (both positive)."""
    x = (near, far) if way > 0 else (-far, -near)
    return block(x, y, z)


def shared_mm3(one: Part, other: Part) -> float:
    """How much room two solids share."""
    common = one & other
    return 0.0 if not common else float(common.volume)
