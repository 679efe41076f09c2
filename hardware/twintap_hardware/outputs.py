"""What was built beside what is committed: when two outputs are the same.

Drawings and tables are the same byte for byte. A mesh (.stl) is the same as a set of triangles, rounded to
1 µm and sorted: kernels number their triangles as they like. A rendered picture (.png) is the same when no
eye could tell: another graphics library rounds a shade differently. A word that changed is another picture.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import importlib
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .places import OUT

# Mean difference of two renders' channels, of 255, that still counts as the same picture.
PICTURE_MEAN_DIFFERENCE = 1.0
# And of each small square by itself: one letter of a label changes some by 100, a shift by a pixel by 40.
PICTURE_SQUARE_PX = 16
PICTURE_SQUARE_DIFFERENCE = 64

# All committed outputs together: a clone is for people on slow lines too.
LARGEST_BYTES = 8_000_000

_Corner = tuple[int, int, int]
Triangle = tuple[_Corner, _Corner, _Corner]


@dataclass(frozen=True)
class Difference:
    """One output that is not as committed: its path in out/, and how it differs."""

    path: str
    how: str


def canonical_triangles(stl: bytes) -> list[Triangle]:
    """A binary STL's triangles in whole µm: corners turned so that the least comes first, then sorted.

    Coordinates in the file are mm. Raises ValueError if the bytes are no binary STL.
    """
    if len(stl) < 84:
        raise ValueError("too short for a binary STL")
    (count,) = struct.unpack_from("<I", stl, 80)
    if len(stl) != 84 + 50 * count:
        raise ValueError(f"a binary STL of {count} triangles has {84 + 50 * count} bytes, not {len(stl)}")
    found: list[Triangle] = []
    for index in range(count):
        numbers = struct.unpack_from("<9f", stl, 84 + 50 * index + 12)
        corners = [
            (round(numbers[at] * 1000), round(numbers[at + 1] * 1000), round(numbers[at + 2] * 1000))
            for at in (0, 3, 6)
        ]
        first = corners.index(min(corners))
        found.append((corners[first], corners[(first + 1) % 3], corners[(first + 2) % 3]))
    return sorted(found)


def same(built: Path, committed: Path) -> bool:
    """Whether two outputs say the same, by the rule of their kind."""
    one, other = built.read_bytes(), committed.read_bytes()
    if one == other:
        return True
    if built.suffix == ".stl":
        try:
            return canonical_triangles(one) == canonical_triangles(other)
        except ValueError:
            return False
    if built.suffix == ".png":
        return _same_picture(built, committed)
    return False


def _same_picture(built: Path, committed: Path) -> bool:
    # Pillow is in the hardware's environment alone.
    pillow: Any = importlib.import_module("PIL.Image")
    chops: Any = importlib.import_module("PIL.ImageChops")
    statistics: Any = importlib.import_module("PIL.ImageStat")
    with pillow.open(built) as one, pillow.open(committed) as other:
        if one.size != other.size:
            return False
        apart = chops.difference(one.convert("RGB"), other.convert("RGB"))
    wide, tall = apart.size
    squares = apart.convert("L").resize(
        (max(1, wide // PICTURE_SQUARE_PX), max(1, tall // PICTURE_SQUARE_PX)), pillow.Resampling.BOX
    )
    return (
        float(max(statistics.Stat(apart).mean)) <= PICTURE_MEAN_DIFFERENCE
        and int(squares.getextrema()[1]) <= PICTURE_SQUARE_DIFFERENCE
    )


def differences(built: Path, committed: Path) -> list[Difference]:
    """Outputs under `built` that `committed` lacks or has otherwise, and those it has too many."""
    made = _files(built)
    kept = _files(committed)
    found = [Difference(name, "is new") for name in made if name not in kept]
    found += [
        Difference(name, "differs")
        for name in made
        if name in kept and not same(built / name, committed / name)
    ]
    found += [Difference(name, "is no longer built") for name in kept if name not in made]
    return sorted(found, key=lambda each: each.path)


def check() -> list[str]:
    """Whether the committed outputs stay small."""
    size = sum((OUT / name).stat().st_size for name in _files(OUT))
    return [f"out/ has {size} bytes, and may have {LARGEST_BYTES}"] if size > LARGEST_BYTES else []


def _files(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )
