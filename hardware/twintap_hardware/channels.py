"""Whether a way is free in the closed pulser: for each bundle of wires, and for each part as it is put in.

The room inside is cut into small cubes; a cube whose middle lies in a solid is taken. A wire finds its way
through cubes that are further from everything than it is thick; the next one finds that wire in its way.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

from dataclasses import dataclass

import numpy as np
from build123d import Part
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from .solids import triangles

STEP_MM = 0.5


@dataclass(frozen=True)
class Grid:
    """Cubes of STEP_MM: the low corner of the first (mm), and how many along each axis."""

    low: tuple[float, float, float]
    shape: tuple[int, int, int]

    @classmethod
    def over(cls, low: tuple[float, float, float], high: tuple[float, float, float]) -> "Grid":
        """The grid that covers a box."""
        shape = tuple(int(np.ceil((b - a) / STEP_MM)) for a, b in zip(low, high, strict=True))
        return cls(low, shape)  # pyright: ignore[reportArgumentType]

    def index(self, at: tuple[float, float, float]) -> tuple[int, int, int]:
        """The cube that a place lies in."""
        found = [int((a - b) // STEP_MM) for a, b in zip(at, self.low, strict=True)]
        return tuple(np.clip(found, 0, np.array(self.shape) - 1))  # pyright: ignore[reportReturnType]

    def places(self, cubes: np.ndarray) -> np.ndarray:
        """The middles of cubes, from their indices (n, 3)."""
        return np.array(self.low) + (cubes + 0.5) * STEP_MM

    def empty(self) -> np.ndarray:
        """No cube taken."""
        return np.zeros(self.shape, bool)

    def filled(self, part: Part) -> np.ndarray:
        """The cubes that a solid takes."""
        # A hair beside: no middle of a cube lies on a wall or an edge.
        low = np.array(self.low) + (0.5 + np.array((1e-4, 1.7e-4, 0))) * STEP_MM
        corners = (triangles(part) / 1000 - low) / STEP_MM
        turns = np.zeros((*self.shape[:2], self.shape[2] + 1), bool)
        for one in corners:
            left, right = np.ceil(one[:, :2].min(0)).astype(int), np.floor(one[:, :2].max(0)).astype(int)
            left, right = np.maximum(left, 0), np.minimum(right, np.array(self.shape[:2]) - 1)
            if (left > right).any():
                continue
            (ax, ay), (bx, by), (cx, cy) = one[:, :2]
            area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
            if abs(area) < 1e-12:
                continue
            x, y = np.meshgrid(
                np.arange(left[0], right[0] + 1), np.arange(left[1], right[1] + 1), indexing="ij"
            )
            u = ((x - ax) * (cy - ay) - (cx - ax) * (y - ay)) / area
            v = ((bx - ax) * (y - ay) - (x - ax) * (by - ay)) / area
            is_in = (u >= 0) & (v >= 0) & (u + v <= 1)
            if not is_in.any():
                continue
            z = one[0, 2] + u * (one[1, 2] - one[0, 2]) + v * (one[2, 2] - one[0, 2])
            layer = np.clip(np.ceil(z[is_in]).astype(int), 0, self.shape[2])
            np.logical_xor.at(turns, (x[is_in], y[is_in], layer), True)
        return np.logical_xor.accumulate(turns, axis=2)[:, :, :-1]

    def box(self, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float]) -> np.ndarray:
        """The cubes whose middles lie in a box."""
        found = self.empty()
        cut = []
        for (low, high), start, count in zip((x, y, z), self.low, self.shape, strict=True):
            first = int(np.ceil((low - start) / STEP_MM - 0.5))
            last = int(np.floor((high - start) / STEP_MM - 0.5))
            cut.append(slice(max(first, 0), max(0, min(last + 1, count))))
        found[tuple(cut)] = True
        return found


def room(taken: np.ndarray) -> np.ndarray:
    """For each cube, how far its middle is from the nearest taken cube (mm)."""
    far = ndimage.distance_transform_edt(~taken) * STEP_MM
    return np.maximum(far - STEP_MM / 2, 0.0)


def way(grid: Grid, taken: np.ndarray, start, end, radius: float, near_mm: float = 2.5) -> np.ndarray | None:
    """The shortest way for a bundle of `radius` from `start` to `end`: places (n, 3); None if there is none.

    Both ends may lie in what is taken, as a joint does: the way begins and ends at the nearest cubes that
    have room, not further than `near_mm` away.
    """
    is_free = room(taken) >= radius - 1e-6
    cubes = np.argwhere(is_free)
    if not len(cubes):
        return None
    places = grid.places(cubes)
    ends = []
    for at in (start, end):
        far = np.linalg.norm(places - np.array(at), axis=1)
        if far.min() > near_mm:
            return None
        ends.append(int(far.argmin()))
    number = np.full(grid.shape, -1)
    number[tuple(cubes.T)] = np.arange(len(cubes))
    rows, columns, costs = [], [], []
    for shift in [
        (1, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
        (1, 1, 0),
        (1, -1, 0),
        (1, 0, 1),
        (1, 0, -1),
        (0, 1, 1),
        (0, 1, -1),
    ]:
        beside = cubes + shift
        is_in = ((beside >= 0) & (beside < grid.shape)).all(1)
        to = np.where(is_in, number[tuple(np.clip(beside, 0, np.array(grid.shape) - 1).T)], -1)
        has = to >= 0
        rows.append(np.flatnonzero(has))
        columns.append(to[has])
        costs.append(np.full(int(has.sum()), float(np.linalg.norm(shift)) * STEP_MM))
    graph = sparse.csr_matrix(
        (np.concatenate(costs), (np.concatenate(rows), np.concatenate(columns))), shape=(len(cubes),) * 2
    )
    far, before = csgraph.dijkstra(graph, directed=False, indices=ends[0], return_predecessors=True)
    if not np.isfinite(far[ends[1]]):
        return None
    found = [ends[1]]
    while found[-1] != ends[0]:
        found.append(int(before[found[-1]]))
    return places[found[::-1]]


def along(grid: Grid, path: np.ndarray, radius: float) -> np.ndarray:
    """The cubes that a bundle of `radius` takes on its way."""
    found = grid.empty()
    found[tuple(((path - np.array(grid.low)) // STEP_MM).astype(int).T)] = True
    return ndimage.distance_transform_edt(~found) * STEP_MM <= radius + 1e-6


def length(path: np.ndarray) -> float:
    """How long a way is, its cubes' corners cut (mm)."""
    smooth = rounded(path)
    return float(np.linalg.norm(np.diff(smooth, axis=0), axis=1).sum())


def rounded(path: np.ndarray, turns: int = 12) -> np.ndarray:
    """A way of cubes as a wire would lie: each place moved between its neighbours, again and again."""
    found = path.copy()
    for _ in range(turns):
        found[1:-1] = (found[:-2] + 2 * found[1:-1] + found[2:]) / 4
    return found


def blocks(moving: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """The columns (indices, n by 2) in which `moving` cannot come straight from above to its place: something
    fixed lies above what moves, or in it.
    """
    count = moving.shape[2]
    is_both = moving.any(2) & fixed.any(2)
    lowest = moving.argmax(2)
    highest = count - 1 - fixed[:, :, ::-1].argmax(2)
    return np.argwhere(is_both & (highest >= lowest))
