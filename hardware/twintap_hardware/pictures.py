"""The guide's pictures, rendered from the same solids that are printed."""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from .drawing import LARGEST_BYTES, Word, crossings, render, words
from .scenes import SCENES


def names() -> list[str]:
    """The pictures' file names."""
    return [f"{scene().name}.png" for scene in SCENES]


_made: dict[str, bytes] = {}


def build(out: Path, only: Sequence[str] = ()) -> list[Path]:
    """Render every picture (or `only` those) into out/pictures."""
    folder = out / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for make in SCENES:
        if only and make.__name__.removeprefix("_") not in only:
            continue
        scene = make()
        _made[scene.name] = render(scene)
        path = folder / f"{scene.name}.png"
        path.write_bytes(_made[scene.name])
        made.append(path)
    return made


def check() -> list[str]:
    """Breaches of what `build` made: an empty or too large picture. Empty if there are none."""
    found = _sees_faults()
    for make in SCENES:
        scene = make()
        found += [f"{scene.name}.png: {each}" for each in crossings(words(scene), scene.pixels)]
    for name, data in _made.items():
        if len(data) > LARGEST_BYTES:
            found.append(f"{name}.png has {len(data)} bytes, more than {LARGEST_BYTES}")
        with Image.open(io.BytesIO(data)) as picture:
            grey = np.asarray(picture.convert("L"))
        if not 0.1 < float((grey < 250).mean()) < 0.95:
            found.append(f"{name}.png: what it shows does not fill it, or is cut off")
        if not math.isclose(float((grey[[0, -1]] >= 250).mean()), 1.0, abs_tol=0.02) and name not in _CLOSE:
            found.append(f"{name}.png is cut off at its edge")
    return found


def _sees_faults() -> list[str]:
    """What the check of labels does not see in some that are wrong on purpose."""
    one = Word("one", (50, 20), (20, 10, 80, 30), (50, 30, 150, 150))
    across = Word("across", (150, 20), (120, 10, 180, 30), (150, 30, 50, 150))
    beside = Word("beside", (350, 20), (320, 10, 380, 30), (350, 30, 350, 150))
    on_it = Word("on it", (60, 20), (30, 10, 90, 30), (60, 30, 60, 150))
    through = Word("through", (250, 20), (220, 10, 280, 30), (220, 20, 0, 20))
    planted = {"cross": across, "overlap": on_it, "runs through": through}
    pixels = (400, 200)
    found = [
        f"the check of labels does not see two of which it must say {what!r}"
        for what, other in planted.items()
        if not any(what in each for each in crossings([one, other], pixels))
    ]
    if not crossings([beside], (360, 200)) or crossings([one, beside], pixels):
        found.append("the check of labels does not tell one that is cut off from one that is not")
    return found


_CLOSE = {"button-well", "motor-mount"}
