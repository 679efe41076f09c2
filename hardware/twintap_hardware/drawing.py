"""Draws a scene: solids with their true normals, lines, and words, by fixed cameras; no display needed."""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

import io
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
    font = ImageFont.load_default(size=26)
    scale = tall / scene.height_mm
    for text, place, box in scene.labels:
        offset = np.array(place, float) - middle
        x = wide / 2 + scale * float(offset @ side)
        y = tall / 2 - scale * float(offset @ above)
        at_x, at_y = box[0] * wide, box[1] * tall
        words = {"text": text, "font": font, "anchor": "mm", "align": "center"}
        left, top, right, bottom = draw.multiline_textbbox((at_x, at_y), **words)
        near_x = min(max(x, left - 6), right + 6)
        near_y = min(max(y, top - 6), bottom + 6)
        draw.line((near_x, near_y, x, y), fill="white", width=6)
        draw.line((near_x, near_y, x, y), fill="#222222", width=2)
        draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill="#222222", outline="white")
        draw.rectangle((left - 6, top - 4, right + 6, bottom + 4), fill="white")
        draw.multiline_text((at_x, at_y), fill="#111111", **words)
    for colours in (192, 96, 48, 24):
        kept = io.BytesIO()
        flat = picture.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        flat.save(kept, "PNG", optimize=True)
        if kept.tell() <= LARGEST_BYTES:
            break
    return kept.getvalue()
