"""What must hold of the closed pulser's inside: each wire has a way, each part gets in, and all has room."""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

import dataclasses
import functools

import numpy as np

from . import case, case_inside, channels, facts, wiring
from .case_size import board, size
from .channels import Grid
from .wiring import Wire

WEB_PLAY = 0.5  # what the soft button's web bends downwards, with air
_MOTOR_AIR = 0.6  # nothing lies on the motor's lid


def check() -> list[str]:
    """Every breach; empty if there is none."""
    found = case_inside.breaches() + wiring.breaches() + _sees_faults()
    for wire in wiring.wires():
        if not ways()[wire.name]:
            ends = f"from {_at(wire.start)} to {_at(wire.end)}"
            found.append(f"{wire.name}: {len(wire.pins) or 1} wires find no way {ends}")
    if not found:  # with a wire that has no way there is nothing to spoil
        found += _misses()
    return found + _lengths(wiring.wires()) + _room(wiring.wires()) + _order()


def forget() -> None:
    """Forget every grid: the next check cuts it anew."""
    for each in (grid, _cubes, ways, _free):
        each.cache_clear()


def _at(place: tuple[float, float, float]) -> str:
    return "(" + ", ".join(f"{value:.1f}" for value in place) + ")"


@functools.cache
def grid() -> Grid:
    """The room inside, the openings with it."""
    it = size()
    return Grid.over(
        (-it.length / 2, -it.cavity_y - 0.3, 0.0), (it.length / 2, it.cavity_y + 0.3, it.inside_z + 0.7)
    )


_IN_LID = ("light", "light's joints", "antenna", "switch", "lever", "terminals")
_ON_CARRIER = ("button", "button's carrier", "legs", "screw head", "other screw head")
_SOFT = ("soft button", "plug-usb", "plug-switch")


@functools.cache
def _cubes() -> dict[str, np.ndarray]:
    """What each solid takes, by name: parts, body, lid, soft parts, the foams under the board and over it."""
    solids = dict(case.parts())
    solids |= {"body": case.body(), "lid": case.lid("left"), "soft button": case.soft_button()}
    solids |= {f"plug-{end}": case.plug(end) for end in ("usb", "switch")}
    found = {name: grid().filled(part) for name, part in solids.items()}
    found["foams below"], found["foams above"] = grid().empty(), grid().empty()
    for foam in case.foams():
        is_below = size().board_z + 0.1 >= foam.bounding_box().max.Z
        found["foams below" if is_below else "foams above"] |= grid().filled(foam)
    return found


def _all(*names: str) -> np.ndarray:
    return np.logical_or.reduce([_cubes()[name] for name in names])


def _on_board() -> tuple[str, ...]:
    return ("board", "joints", "XIAO", "USB socket", *(each.designator for each in board().standing))


def _kept_free() -> np.ndarray:
    """Where no wire may lie: on the motor's lid and its ring, under the web as it bends, at the antenna."""
    it, antenna = size(), case_inside.things()["antenna"]
    far, on_motor = it.membrane_radius, it.motor_radius + 0.5
    clear = facts.number("case.antenna_to_parts_least_mm")
    free = grid().box(
        (it.motor_x - on_motor, it.motor_x + on_motor),
        (-on_motor, on_motor),
        (it.pad, it.pad + it.motor_thickness + _MOTOR_AIR),
    )
    free |= grid().box((it.motor_x - far, it.motor_x + far), (-far, far), (0, it.floor + 0.5))
    web = it.web_boss + 0.5
    low = it.inside_z - it.web - WEB_PLAY
    free |= grid().box((it.button_x - web, it.button_x + web), (-web, web), (low, it.inside_z))
    at = ((one - clear, two + clear) for one, two in (antenna.x, antenna.y, antenna.z))
    return free | grid().box(*at)


@functools.cache
def ways() -> dict[str, list[tuple[np.ndarray, float]]]:
    """The ways of each bundle by the wire's name: one with the bundle's radius, or, where that is too thick,
    one for each of its wires. Empty if there is none. What has its way already is in the way of the next.
    """
    it = size()
    taken = np.logical_or.reduce(list(_cubes().values())) | _kept_free()
    taken |= ~grid().box((-it.cavity_x, it.cavity_x), (-it.cavity_y, it.cavity_y), (it.floor, it.inside_z))
    # Above what hangs from the lid no wire can lie that has both ends in the body.
    under_lid = np.logical_or.accumulate(_all("lid", "soft button", *_IN_LID, *_ON_CARRIER), axis=2)
    found: dict[str, list[tuple[np.ndarray, float]]] = {}
    for wire in wiring.wires():
        here = taken if wire.in_lid else taken | under_lid
        path = channels.way(grid(), here, wire.start, wire.end, wire.radius)
        found[wire.name] = []
        if path is not None:
            found[wire.name].append((path, wire.radius))
            taken = taken | channels.along(grid(), path, wire.radius)
            continue
        for start in wire.holes[1:] and wire.holes:
            path = channels.way(grid(), here, start, wire.end, wire.single, near_mm=3.5)
            if path is None:
                found[wire.name] = []
                break
            found[wire.name].append((path, wire.single))
            laid = channels.along(grid(), path, wire.single)
            taken, here = taken | laid, here | laid
    _free[0] = taken
    return found


class _Kept(list[np.ndarray | None]):
    def cache_clear(self) -> None:
        self[0] = None


_free = _Kept([None])


def _lengths(wires: tuple[Wire, ...]) -> list[str]:
    """Each wire is long enough for its way, with half of its slack at the least."""
    slack = facts.number("case.wire_slack_mm") / 2
    return [
        f"{wire.name}: its way is {long:.0f} mm long, and {wire.length} mm are cut for it"
        for wire in wires
        for path, _ in ways()[wire.name]
        if (long := channels.length(path)) + slack > wire.length
    ]


def room_mm3(wires: tuple[Wire, ...]) -> tuple[float, float]:
    """What the wires' slack needs when it is laid in, and what is free for it (mm³)."""
    rest = 0.0
    for wire in wires:
        paths = ways()[wire.name]
        used = max((channels.length(path) for path, _ in paths), default=0.0)
        rest += wire.volume(max(0.0, wire.length - used))
    taken = _free[0]
    assert taken is not None, "ways() fills it"
    single = facts.number("case.wire_diameter_mm") / 2
    # Only where a wire fits at all: its middle's cubes, and what it takes round them.
    fits = channels.room(taken) >= single
    wide = channels.ndimage.distance_transform_edt(~fits) * channels.STEP_MM <= single
    return rest / (facts.number("case.bundle_fill_percent") / 100), float(wide.sum()) * channels.STEP_MM**3


def _room(wires: tuple[Wire, ...]) -> list[str]:
    if not all(ways().values()):
        return []
    needed, free = room_mm3(wires)
    return [] if needed <= free else [f"the wires' slack needs {needed:.0f} mm³, and {free:.0f} mm³ are free"]


# -- in the order of the hands ---------------------------------------------------------------------------


def _order() -> list[str]:
    """Each part gets straight to its place past what is there, in the order of the guide's section 6."""
    found: list[str] = []

    def put(names: tuple[str, ...], there: np.ndarray, is_lid: bool = False) -> np.ndarray:
        for group in names:
            parts = _on_board() if group == "board" else _ON_CARRIER if group == "button" else (group,)
            moving = _all(*parts)
            turned = (moving[:, :, ::-1], there[:, :, ::-1]) if is_lid else (moving, there)
            found.extend(f"the {group} cannot be put straight in: {where}" for where in _in_the_way(*turned))
            there = there | moving
        return there

    body = put(("motor", "cell", "sheet"), _cubes()["body"])
    body = put(("board", "fuse", "plug", "plug-switch"), body | _cubes()["foams below"])
    lid = put(("soft button", *_IN_LID, "button"), _cubes()["lid"], is_lid=True)
    found += [
        f"the lid does not come straight down: {where}"
        for where in _in_the_way(lid, body | _cubes()["foams above"])
    ]
    return found


def _in_the_way(moving: np.ndarray, fixed: np.ndarray) -> list[str]:
    """Where the first thing is that is in the way, in words."""
    columns = channels.blocks(moving, fixed)[:1]
    places = grid().places(np.column_stack([columns, np.zeros(len(columns))]))
    return [f"something is in its way at ({x:.1f}, {y:.1f})" for x, y, _ in places]


# -- wrong on purpose ------------------------------------------------------------------------------------


def _misses() -> list[str]:
    """What the checks of lengths and of room do not see: wires that are cut too short, or far too long."""
    found: list[str] = []
    wires = wiring.wires()
    for wire in wires:
        longest = max(channels.length(path) for path, _ in ways()[wire.name])
        if not _lengths((dataclasses.replace(wire, length=int(longest)),)):
            found.append(f"the check of lengths does not see that {wire.name} is cut too short")
    if not _room(tuple(dataclasses.replace(wire, length=10 * wire.length) for wire in wires)):
        found.append("the check of room does not see that wires ten times as long have none")
    return found


def _sees_faults() -> list[str]:
    """What the search for ways and the order of putting in do not find in a small world that is wrong."""
    found: list[str] = []
    small = Grid.over((0, 0, 0), (20, 10, 10))
    wall = small.box((9.5, 10.5), (0, 10), (0, 10))
    gap = wall & ~small.box((9.5, 10.5), (4, 6), (4, 6))
    ends = ((2.0, 5.0, 5.0), (18.0, 5.0, 5.0))
    if channels.way(small, wall, *ends, 0.65) is not None:
        found.append("a wire goes through a wall")
    if channels.way(small, gap, *ends, 0.65) is None:
        found.append("a wire does not find a hole of 2 mm")
    if channels.way(small, gap, *ends, 1.3) is not None:
        found.append("a pair goes through a hole that is too narrow for it")
    if channels.way(small, gap | small.box((0, 6), (0, 10), (0, 10)), *ends, 0.65) is not None:
        found.append("a wire starts within a solid")
    shelf = small.box((5, 8), (0, 10), (6, 7))
    below = small.box((4, 9), (2, 8), (1, 3))
    if not len(channels.blocks(below, shelf)) or len(channels.blocks(shelf, below)):
        found.append("what lies under a shelf comes straight down through it")
    return found
