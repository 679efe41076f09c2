"""Draws a scene: solids with their true normals, lines, and words, by fixed cameras; no display needed."""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

import io
import itertools
from dataclasses import dataclass, field

import numpy as np
import pyvista
from build123d import Part
from PIL import Image, ImageDraw, ImageFont

from .solids import faces, triangles

LARGEST_BYTES = 150_000
COLOURS = {
    "body": "#3f7fb0",
    "lid": "#8fb9d6",
    "soft": "#e08a3c",
    "board": "#b98a4e",
    "XIAO": "#2f5d46",
    "USB socket": "#b8bcc2",
    "R": "#d9c7a3",
    "D": "#3a3a3a",
    "Q": "#2b2b2b",
    "C": "#4f6fa8",
    "joints": "#c9cdd2",
    "cell": "#c3c7cc",
    "motor": "#d2b24c",
    "button": "#4a4a4a",
    "button's carrier": "#b98a4e",
    "switch": "#4a4a4a",
    "light": "#f1efe6",
    "foam": "#6d6d74",
    "screw": "#9aa0a6",
    "strap": "#555a66",
    "skin": "#e8b79a",
    "cut": "#2c587b",
    "fuse": "#b04a3a",
    "plug": "#efe9d8",
    "sheet": "#e8d9a0",
    "antenna": "#222222",
    "lever": "#8a8a8a",
    "terminals": "#c9cdd2",
    "legs": "#c9cdd2",
}


@dataclass
class Scene:
    """What one picture shows: solids with colours, the camera, and words with the places they point at."""

    name: str
    direction: tuple[float, float, float]
    up: tuple[float, float, float] = (0, 0, 1)
    height_mm: float = 60.0
    middle: tuple[float, float, float] = (0, 0, 12)
    pixels: tuple[int, int] = (1200, 800)
    solids: list[tuple[Part, str, float]] = field(default_factory=list)
    labels: list[tuple[str, tuple[float, float, float], tuple[float, float]]] = field(default_factory=list)
    lines: list[tuple[np.ndarray, float, str]] = field(default_factory=list)

    def show(self, part: Part, colour: str, opacity: float = 1.0) -> None:
        """Put a solid in; one that is cut away wholly is left out."""
        if not part or not part.solids():
            return
        self.solids.append((part, COLOURS[colour], opacity))

    def beside(self, text: str, at: tuple[float, float, float], apart: tuple[float, float]) -> None:
        """Write `text` `apart` (mm, right and down in the picture) from the place `at`."""
        way = np.array(self.direction, float)
        way /= np.linalg.norm(way)
        side = np.cross(self.up, way)
        side /= np.linalg.norm(side)
        offset = np.array(at, float) - np.array(self.middle, float)
        wide = self.height_mm * self.pixels[0] / self.pixels[1]
        x = 0.5 + (float(offset @ side) + apart[0]) / wide
        y = 0.5 - (float(offset @ np.cross(way, side)) - apart[1]) / self.height_mm
        self.labels.append((text, at, (x, y)))

    def label(self, text: str, at: tuple[float, float, float], box: tuple[float, float]) -> None:
        """Write `text` at `box` (parts of the picture's width and height), with a line to the place `at`."""
        self.labels.append((text, at, box))


def _mesh(part: Part) -> "pyvista.PolyData":
    """The surface with the true normals of each face: round is drawn round, and flat flat."""
    corners, normals, index, count = [], [], [], 0
    for points, outwards, found in faces(part, 3.0):
        corners.append(points)
        normals.append(outwards)
        index.append(found + count)
        count += len(points)
    every = np.vstack(index)
    drawn = pyvista.PolyData(np.vstack(corners), np.hstack([np.full((len(every), 1), 3), every]).ravel())
    drawn.point_data.active_normals = np.vstack(normals)
    return drawn


def _edges(part: Part) -> "pyvista.PolyData":
    """The lines along which the surface turns sharply."""
    corners = triangles(part).reshape(-1, 3)
    points, index = np.unique(corners, axis=0, return_inverse=True)
    turned = index.reshape(-1, 3)
    cells = np.hstack([np.full((len(turned), 1), 3), turned]).ravel()
    return pyvista.PolyData(points / 1000.0, cells).extract_feature_edges(
        feature_angle=40, boundary_edges=False, non_manifold_edges=False, manifold_edges=False
    )


Four = tuple[float, float, float, float]


@dataclass(frozen=True)
class Word:
    """A label as it is drawn, in pixels: its middle, its box (left, top, right, bottom), and its line, which
    ends at the place that it names.
    """

    text: str
    at: tuple[float, float]
    box: Four
    line: Four


def _font() -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size=26)  # pyright: ignore[reportReturnType] - a size is given


def words(scene: Scene) -> list[Word]:
    """Where a scene's labels stand."""
    wide, tall = scene.pixels
    way = np.array(scene.direction, float)
    way /= np.linalg.norm(way)
    side = np.cross(scene.up, way)
    side /= np.linalg.norm(side)
    above = np.cross(way, side)
    scale = tall / scene.height_mm
    draw = ImageDraw.Draw(Image.new("L", scene.pixels))
    found: list[Word] = []
    for text, place, middle in scene.labels:
        offset = np.array(place, float) - np.array(scene.middle, float)
        x, y = wide / 2 + scale * float(offset @ side), tall / 2 - scale * float(offset @ above)
        at = middle[0] * wide, middle[1] * tall
        left, top, right, bottom = draw.multiline_textbbox(
            at, text, font=_font(), anchor="mm", align="center"
        )
        near = min(max(x, left - 6), right + 6), min(max(y, top - 6), bottom + 6)
        found.append(Word(text, at, (left - 6, top - 4, right + 6, bottom + 4), (*near, x, y)))
    return found


def crossings(placed: list[Word], pixels: tuple[int, int]) -> list[str]:
    """Labels that overlap, whose lines cross or run through another's words, or that the edge cuts off."""
    found: list[str] = []
    for word in placed:
        left, top, right, bottom = word.box
        if left < 0 or top < 0 or right > pixels[0] or bottom > pixels[1]:
            found.append(f"{word.text!r} is cut off at the edge")
    for one, other in itertools.permutations(placed, 2):
        if _meets(one.line, other.box):
            found.append(f"the line of {one.text!r} runs through {other.text!r}")
    for one, other in itertools.combinations(placed, 2):
        if all(one.box[at] < other.box[at + 2] and other.box[at] < one.box[at + 2] for at in (0, 1)):
            found.append(f"{one.text!r} and {other.text!r} overlap")
        if _cross(one.line, other.line):
            found.append(f"the lines of {one.text!r} and {other.text!r} cross")
    return found


def _meets(line: Four, box: Four) -> bool:
    """Whether a line runs through a box: by one of its ends within, or across a diagonal."""
    left, top, right, bottom = box
    inside = any(left < line[at] < right and top < line[at + 1] < bottom for at in (0, 2))
    return inside or _cross(line, box) or _cross(line, (left, bottom, right, top))


def _cross(one: Four, other: Four) -> bool:
    """Whether two lines cross within both."""

    def turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
        return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

    a, b, c, d = one[:2], one[2:], other[:2], other[2:]
    return turn(a, b, c) * turn(a, b, d) < 0 and turn(c, d, a) * turn(c, d, b) < 0


def render(scene: Scene) -> bytes:
    """The scene as PNG."""
    wide, tall = scene.pixels
    plotter = pyvista.Plotter(off_screen=True, window_size=[wide, tall], lighting="none")
    plotter.set_background("white")
    way = np.array(scene.direction, float)
    way /= np.linalg.norm(way)
    side = np.cross(scene.up, way)
    side /= np.linalg.norm(side)
    above = np.cross(way, side)
    middle = np.array(scene.middle, float)
    for aim, strength in ((0.7 * way + 0.6 * side + 0.9 * above, 0.6), (way - 0.9 * side, 0.35), (way, 0.3)):
        light = pyvista.Light(
            position=tuple(middle + 300 * aim), focal_point=tuple(middle), intensity=strength
        )
        light.positional = False
        plotter.add_light(light)
    for part, colour, opacity in scene.solids:
        plotter.add_mesh(
            _mesh(part), color=colour, opacity=opacity, smooth_shading=True,
            ambient=0.3, diffuse=0.75, specular=0.1, specular_power=12,
        )  # fmt: skip
        if opacity == 1.0:
            edges = _edges(part)
            if edges.n_cells:
                plotter.add_mesh(edges, color="#22303a", line_width=1.6)
    for places, radius, colour in scene.lines:
        bends = np.vstack([places[:-1:4], places[-1:]])
        tube = pyvista.Spline(bends, 8 * len(bends)).tube(radius=radius, n_sides=20)
        plotter.add_mesh(
            tube, color=colour, smooth_shading=True,
            ambient=0.3, diffuse=0.75, specular=0.1, specular_power=12,
        )  # fmt: skip
    camera = plotter.camera
    camera.focal_point = tuple(middle)
    camera.position = tuple(middle + 400 * way)
    camera.up = tuple(above)
    camera.parallel_projection = True
    camera.parallel_scale = scene.height_mm / 2
    camera.clipping_range = (10, 900)
    plotter.enable_anti_aliasing("ssaa")
    picture = Image.fromarray(plotter.screenshot(return_img=True)).convert("RGB")
    plotter.close()

    # Words are drawn afterwards, with the font that comes with the library: the same on every machine.
    draw = ImageDraw.Draw(picture)
    for word in words(scene):
        x, y = word.line[2:]
        draw.line(word.line, fill="white", width=6)
        draw.line(word.line, fill="#222222", width=2)
        draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill="#222222", outline="white")
        draw.rectangle(word.box, fill="white")
        draw.multiline_text(word.at, word.text, fill="#111111", font=_font(), anchor="mm", align="center")
    for colours in (192, 96, 48, 24):
        kept = io.BytesIO()
        flat = picture.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        flat.save(kept, "PNG", optimize=True)
        if kept.tell() <= LARGEST_BYTES:
            break
    return kept.getvalue()
