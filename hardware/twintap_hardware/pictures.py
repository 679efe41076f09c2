"""The guide's pictures, rendered from the same solids that are printed: fixed cameras, no display needed."""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyvista
from build123d import Part, Pos, Rot, Sphere
from PIL import Image, ImageDraw, ImageFont

from . import case, facts
from .case_size import DISH, RECESS, RIM, board, into_hole, size
from .solids import triangles

LARGEST_BYTES = 150_000
_COLOURS = {
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

    def show(self, part: Part, colour: str, opacity: float = 1.0) -> None:
        """Put a solid in; one that is cut away wholly is left out."""
        if not part or not part.solids():
            return
        self.solids.append((part, _COLOURS[colour], opacity))

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
    corners = triangles(part).reshape(-1, 3)
    points, index = np.unique(corners, axis=0, return_inverse=True)
    faces = index.reshape(-1, 3)
    cells = np.hstack([np.full((len(faces), 1), 3), faces]).ravel()
    return pyvista.PolyData(points / 1000.0, cells)


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
        mesh = _mesh(part)
        plotter.add_mesh(
            mesh, color=colour, opacity=opacity,
            smooth_shading=True, split_sharp_edges=True, feature_angle=35,
            ambient=0.3, diffuse=0.75, specular=0.1, specular_power=12,
        )  # fmt: skip
        if opacity == 1.0:
            edges = mesh.extract_feature_edges(
                feature_angle=40, boundary_edges=False, non_manifold_edges=False, manifold_edges=False
            )
            if edges.n_cells:
                plotter.add_mesh(edges, color="#22303a", line_width=1.6)
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


# -- what is shown ---------------------------------------------------------------------------------------

_THREE_QUARTERS = (-0.55, -0.8, 0.85)


def _closed(scene: Scene, side: str, at: tuple[float, float, float] = (0, 0, 0)) -> None:
    scene.show(Pos(*at) * case.body(), "body")
    scene.show(Pos(*at) * case.lid(side), "lid")
    scene.show(Pos(*at) * case.soft_button(), "soft")
    for end in ("usb", "switch"):
        scene.show(Pos(*at) * case.plug(end), "soft")
    for screw in case.screws():
        scene.show(Pos(*at) * screw, "screw")


def _pair() -> Scene:
    it = size()
    scene = Scene("pair", (-0.35, -0.75, 0.9), height_mm=100, pixels=(1400, 800), middle=(0, 0, 12))
    _closed(scene, "left", (-39, 0, 0))
    _closed(scene, "right", (39, 0, 0))
    face = it.height
    scene.label("left: one bar", (-39 + it.slot_x, -it.width / 2, it.mark_z), (0.3, 0.95))
    scene.label("right: two dots", (39 + it.slot_x + 4, -it.width / 2, it.mark_z), (0.84, 0.95))
    scene.label("button,\nin a well", (-39 + it.button_x, 0, face - RECESS), (0.36, 0.06))
    scene.label("light\nunder a thin spot", (-39 + it.light_x, 0, face), (0.12, 0.08))
    scene.label("plug over USB", (39 - it.length / 2, 0, it.usb_z), (0.5, 0.95))
    scene.label("slot for a strap", (39 - 8, it.slot_y, face), (0.62, 0.05))
    return scene


def _skin() -> Scene:
    it = size()
    scene = Scene("skin-side", (0.55, -0.75, -0.9), up=(0, 0, 1), height_mm=86, middle=(0, 0, 11))
    _closed(scene, "left")
    scene.label("the skin side: the motor is behind it", (it.motor_x, 0, 0), (0.3, 0.94))
    scene.label("plug over the switch", (it.length / 2, 0, it.usb_z), (0.84, 0.12))
    return scene


def _strapped() -> Scene:
    it = size()
    scene = Scene("strap", (-0.45, -0.8, 0.75), height_mm=92, middle=(0, 0, 16))
    _closed(scene, "left")
    half = facts.number("case.strap_width_most_mm") / 2
    thick = facts.number("case.strap_thickness_mm")
    top = it.height + 0.2
    out = it.slot_y - thick / 2
    strap = case._block((-half, half), (-out - thick, out + thick), (top, top + thick))
    for way in (-1, 1):
        ys = sorted((way * out, way * (out + thick)))
        strap += case._block((-half, half), (ys[0], ys[1]), (-3, top + thick))
        strap += Pos(0, way * (out + thick), -3) * Rot(-way * 50, 0, 0) * case._block(
            (-half, half), (min(0.0, -way * thick), max(0.0, -way * thick)), (-16, 1.2)
        )  # fmt: skip
    scene.show(Pos(it.slot_x, 0, 0) * strap, "strap")
    scene.label("over the lid,\ndown through both slots", (0, 0, top + thick), (0.3, 0.08))
    return scene


def _standing(scene: Scene, up: float = 0.0) -> None:
    """The parts on the board."""
    for each in board().standing:
        scene.show(Pos(0, 0, up) * case.parts()[each.designator], each.designator[0])


_CALLS = (
    ("1 lid", "lid"),
    ("2 soft button", "soft"),
    ("3 switch", "switch"),
    ("4 light", "light"),
    ("5 button on its carrier", "carrier"),
    ("6 board on foam", "board"),
    ("7 cell", "cell"),
    ("8 motor", "motor"),
    ("9 body", "body"),
    ("10 plugs", "plugs"),
)


def _exploded() -> Scene:
    it, parts = size(), case.parts()
    scene = Scene("exploded", (-0.62, -0.8, 0.42), height_mm=222, middle=(0, 0, 84), pixels=(1000, 1360))
    lift = {
        "lid": 122,
        "soft": 98,
        "light": 82,
        "button": 72,
        "switch": 72,
        "board": 46,
        "foam": 39,
        "cell": 23,
        "motor": 15,
    }
    for screw in case.screws():
        scene.show(Pos(0, 0, 146) * screw, "screw")
    scene.show(Pos(0, 0, lift["lid"]) * case.lid("left"), "lid")
    scene.show(Pos(0, 0, lift["soft"]) * case.soft_button(), "soft")
    scene.show(Pos(0, 0, lift["light"]) * parts["light"], "light")
    for name in ("button", "button's carrier"):
        scene.show(Pos(0, 0, lift["button"]) * parts[name], name)
    scene.show(Pos(6, 0, lift["switch"]) * parts["switch"], "switch")
    for name in ("board", "XIAO", "USB socket"):
        scene.show(Pos(0, 0, lift["board"]) * parts[name], name)
    _standing(scene, lift["board"])
    for foam in case.foams()[:-1]:
        if it.board_z + 0.1 >= foam.bounding_box().max.Z:
            scene.show(Pos(0, 0, lift["foam"]) * foam, "foam")
    scene.show(Pos(0, 0, lift["cell"]) * parts["cell"], "cell")
    scene.show(Pos(0, 0, lift["motor"]) * parts["motor"], "motor")
    scene.show(case.body(), "body")
    scene.show(Pos(-12, 0, 0) * case.plug("usb"), "soft")
    scene.show(Pos(12, 0, 0) * case.plug("switch"), "soft")
    places = {
        "lid": ((-it.length / 2 + 6, -it.width / 2 + 2, it.height - 4 + lift["lid"]), (0.1, 0.14)),
        "soft": ((it.button_x + it.web_radius - 1, -2, it.inside_z + lift["soft"]), (0.87, 0.27)),
        "switch": ((it.cavity_x + 6, -3, it.usb_z + lift["switch"]), (0.91, 0.38)),
        "light": ((it.light_x - 4, -4, it.inside_z + lift["light"] + 1), (0.1, 0.37)),
        "carrier": ((it.button_x, -it.carrier_length / 2, it.carrier_z - 1 + lift["button"]), (0.84, 0.505)),
        "board": ((it.board_x, -12, it.board_z + 1 + lift["board"]), (0.12, 0.56)),
        "cell": ((it.cell_x, -10, it.cell_z + 3 + lift["cell"]), (0.1, 0.65)),
        "motor": ((it.motor_x, -5, it.pad + 1.5 + lift["motor"]), (0.88, 0.7)),
        "body": ((it.length / 2 - 10, -it.width / 2 + 1, 8), (0.85, 0.93)),
        "plugs": ((-it.length / 2 - 12, 0, it.usb_z), (0.1, 0.84)),
    }
    for text, key in _CALLS:
        scene.label(text, *places[key])
    return scene


def _behind(part: Part, y: float = 0.0) -> Part:
    """The part without what is nearer than the plane at `y`, seen from -y."""
    return part & case._block((-200, 200), (y, 200), (-200, 300))


def _section() -> Scene:
    it, parts = size(), case.parts()
    scene = Scene("section", (0, -1, 0), height_mm=46, middle=(0, 0, 12.5), pixels=(1500, 820))
    scene.show(_behind(case.body()), "body")
    scene.show(_behind(case.lid("left")), "lid")
    scene.show(_behind(case.soft_button()), "soft")
    for end in ("usb", "switch"):
        scene.show(_behind(case.plug(end)), "soft")
    for name, part in parts.items():
        scene.show(_behind(part), name if name in _COLOURS else name[0])
    for foam in case.foams():
        scene.show(_behind(foam), "foam")
    scene.label("USB socket", (it.usb_mouth_x + 4, 0, it.usb_z), (0.13, 0.06))
    scene.label("XIAO", (it.xiao_x + 7, 0, it.xiao_z + 0.6), (0.24, 0.06))
    scene.label("light", (it.light_x, 0, it.height - 3), (0.4, 0.06))
    scene.label("board", (it.board_end_x - 6, 0, it.board_z + 0.8), (0.52, 0.06))
    scene.label("soft button", (it.button_x - 4, 0, it.height - RECESS), (0.7, 0.06))
    scene.label("switch", (it.cavity_x - 2.5, 0, it.usb_z + 1.5), (0.9, 0.06))
    scene.label("cell, with room to swell", (it.cell_x + 14, 0, it.cell_z + 3), (0.2, 0.94))
    scene.label("motor in its cup", (it.motor_x, 0, it.pad + 2), (0.62, 0.94))
    scene.label("thin ring", (it.motor_x + it.cup_radius + 2.5, 0, 0.5), (0.83, 0.94))
    return scene


def _motor() -> Scene:
    it, parts = size(), case.parts()
    scene = Scene("motor-mount", (0.1, -0.62, 0.78), height_mm=46, middle=(it.motor_x - 6, 4, 5))
    scene.show(_behind(case.body()), "body")
    scene.show(parts["motor"], "motor")
    scene.label(
        "stiff pad and cup:\nthe motor is stuck on",
        (it.motor_x, -2, it.pad + it.motor_thickness),
        (0.45, 0.9),
    )
    scene.label(
        "thin ring:\nthe pad shakes, the case less",
        (it.motor_x + it.cup_radius + 2.8, 0.4, it.membrane),
        (0.83, 0.88),
    )
    scene.label("slit for the leads", (it.motor_x - it.cup_radius - 0.5, 0.5, it.pad + 2), (0.15, 0.88))
    scene.label(
        "post: the board lies\nhere, on foam", (it.board_end_x - 1, 13, it.board_z - it.foam), (0.25, 0.07)
    )
    return scene


def _button() -> Scene:
    it, parts = size(), case.parts()
    scene = Scene(
        "button-well",
        (0, -1, 0),
        height_mm=27,
        middle=(it.button_x - 1, 0, it.height - 1.5),
        pixels=(1200, 800),
    )
    scene.show(_behind(case.lid("left")), "lid")
    scene.show(_behind(case.soft_button()), "soft")
    for name in ("button", "button's carrier"):
        scene.show(_behind(parts[name]), name)
    palm = facts.number("case.palm_radius_least_mm")
    reach = into_hole(palm, DISH, RIM)
    ball = Pos(it.button_x, 0, it.height - reach + palm) * Sphere(palm)
    scene.show(_behind(ball, 3.0), "skin", 0.45)
    scene.label("a closed hand ends here", (it.button_x - 2, 0, it.height - reach), (0.17, 0.14))
    scene.label("the button's top", (it.button_x + 4, 0, it.height - RECESS), (0.85, 0.16))
    scene.label("web, glued under the lid", (it.button_x - 8.7, 0, it.inside_z - 0.4), (0.17, 0.9))
    scene.label("push-button", (it.button_x + 2, 0, it.carrier_z + 2), (0.82, 0.92))
    return scene


def _step_body() -> Scene:
    it, parts = size(), case.parts()
    scene = Scene("step-body", (-0.2, -0.45, 0.9), height_mm=78, middle=(0, 0, 9))
    scene.show(case.body(), "body")
    scene.show(parts["motor"], "motor")
    scene.show(case.foams()[-1], "foam")
    for foam in case.foams()[:-1]:
        top = foam.bounding_box().max.Z
        if top <= it.board_z + 0.1:
            scene.show(foam, "foam")
    scene.label("motor, lead in the slit", (it.motor_x, 0, it.pad + 3.4), (0.85, 0.07))
    scene.label("foam tape for the cell", (it.cell_x + 10, -4, it.cell_z), (0.16, 0.93))
    scene.label("foam on four posts", (it.board_x + 1.3, 11, it.board_z), (0.45, 0.05))
    scene.label("four M2 inserts", (it.screw_x, -it.screw_y, it.parting_z), (0.8, 0.95))
    return scene


def _step_board() -> Scene:
    it, parts = size(), case.parts()
    scene = Scene("step-board", (-0.25, -0.6, 0.9), height_mm=72, middle=(0, 0, 10))
    scene.show(case.body(), "body")
    for name in ("motor", "cell", "board", "XIAO", "USB socket"):
        scene.show(parts[name], name)
    _standing(scene)
    for foam in case.foams():
        scene.show(foam, "foam")
    scene.label("USB to the opening", (it.usb_mouth_x + 2, 0, it.usb_z), (0.14, 0.06))
    scene.label("foam under the lid's four feet", (it.board_x + 2.3, -10.8, it.board_z + 2.6), (0.18, 0.93))
    scene.label("foam between\nboard and stop", (it.board_end_x + 0.5, 14, it.board_z + 1.6), (0.86, 0.2))
    return scene


def _step_lid() -> Scene:
    it, parts = size(), case.parts()
    scene = Scene("step-lid", (0.25, -0.6, -0.9), up=(0, 0, 1), height_mm=72, middle=(0, 0, 21))
    scene.show(case.lid("left"), "lid")
    scene.show(case.soft_button(), "soft")
    for name in ("button's carrier", "button", "switch", "light"):
        scene.show(parts[name], name)
    scene.label("light, face to the lid", (it.light_x, 0, it.height - 4), (0.17, 0.95))
    scene.label(
        "button's carrier on two pillars", (it.button_x, -it.pillar_y, it.carrier_z - 1.6), (0.5, 0.06)
    )
    scene.label("switch between its cheeks", (it.cavity_x - 2.5, 2, it.usb_z - 2.2), (0.84, 0.95))
    scene.label("soft button, glued", (it.button_x - it.web_radius + 1, 4, it.inside_z - it.web), (0.5, 0.95))
    return scene


def _bed() -> Scene:
    scene = Scene("print-bed", (-0.15, -0.6, 0.85), height_mm=150, middle=(42, 26, 0), pixels=(1400, 950))
    placed = {
        "body": (0, 0), "lid-left": (78, 0), "lid-right": (0, 68), "button": (62, 62),
        "plug-usb": (86, 62), "plug-switch": (106, 62),
    }  # fmt: skip
    colours = {"body": "body", "lid-left": "lid", "lid-right": "lid"}
    for name, part in case.printed().items():
        x, y = placed[name]
        lying = case.on_the_bed(name, part)
        box = lying.bounding_box()
        lying = Pos(x - box.center().X, y - box.center().Y, 0) * lying
        scene.show(lying, colours.get(name, "soft"))
        scene.beside(f"{name}.stl", (x, y - box.size.Y / 2, 0.5), (0, 12 if box.size.X > 30 else 8))
    return scene


SCENES = (
    _pair, _skin, _strapped, _exploded, _section, _motor, _button, _step_body, _step_board, _step_lid, _bed,
)  # fmt: skip


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
    found: list[str] = []
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


_CLOSE = {"button-well", "motor-mount"}
