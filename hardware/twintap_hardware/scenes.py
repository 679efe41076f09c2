"""What the guide's pictures show: each a scene of the solids that are printed and of what goes in."""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

from collections.abc import Sequence

from build123d import Part, Pos, Sphere

from . import case, case_inside, channels, checks_inside, facts
from .case_size import DISH, RECESS, RIM, board, into_hole, size
from .drawing import COLOURS, Scene
from .shapes import block


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
    scene = Scene("strap", (-0.45, -0.8, 0.75), height_mm=92, middle=(0, 0, 16))
    _closed(scene, "left")
    scene.show(case.strap(), "strap")
    scene.label(
        "over the lid,\ndown through both slots", (0, 0, case.strap().bounding_box().max.Z), (0.3, 0.08)
    )
    return scene


def _standing(scene: Scene, up: float = 0.0) -> None:
    """The parts on the board."""
    for each in board().standing:
        scene.show(Pos(0, 0, up) * case.parts()[each.designator], each.designator[0])


# With the step of the guide's section 6 in which each is put in.
_CALLS = (
    ("6 lid", "lid"),
    ("6 soft button", "soft"),
    ("6 switch", "switch"),
    ("6 light", "light"),
    ("6 button on its carrier", "carrier"),
    ("4 board on foam", "board"),
    ("3 sheet", "sheet"),
    ("3 cell", "cell"),
    ("5 fuse F1", "fuse"),
    ("7 plug and J1", "plug"),
    ("2 motor", "motor"),
    ("1 body", "body"),
    ("8 plugs", "plugs"),
    ("6 antenna\n(ESP32-C3)", "antenna"),
)


def _exploded() -> Scene:
    it, parts = size(), case.parts()
    boxes = case_inside.things()
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
        "fuse": 34,
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
    scene.show(Pos(0, 0, lift["cell"] + 9) * parts["sheet"], "sheet")
    scene.show(Pos(0, 0, lift["motor"]) * parts["motor"], "motor")
    for name in ("fuse", "plug"):
        scene.show(Pos(14, 0, lift["fuse"]) * parts[name], name)
    scene.show(Pos(0, 0, lift["light"] + 14) * parts["antenna"], "antenna")
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
        "sheet": ((it.cell_x, -8, it.cell_z + it.cell_swollen + 9 + lift["cell"]), (0.09, 0.61)),
        "fuse": ((boxes["fuse"].x[1] + 14, boxes["fuse"].y[0] + 2, 14 + lift["fuse"]), (0.9, 0.66)),
        "plug": ((boxes["plug"].x[1] + 14, boxes["plug"].y[1] - 4, 12 + lift["fuse"]), (0.88, 0.565)),
        "antenna": ((it.antenna_x, it.antenna_y, it.inside_z + 14 + lift["light"]), (0.12, 0.27)),
        "motor": ((it.motor_x, -5, it.pad + 1.5 + lift["motor"]), (0.9, 0.76)),
        "body": ((it.length / 2 - 10, -it.width / 2 + 1, 8), (0.85, 0.93)),
        "plugs": ((-it.length / 2 - 12, 0, it.usb_z), (0.1, 0.84)),
    }
    for text, key in _CALLS:
        scene.label(text, *places[key])
    return scene


def _behind(part: Part, y: float = 0.0) -> Part:
    """The part without what is nearer than the plane at `y`, seen from -y."""
    return part & block((-200, 200), (y, 200), (-200, 300))


def _colour(name: str) -> str:
    """The key of COLOURS for a part: its own, its kind's, or metal's."""
    if name in COLOURS:
        return name
    return name[0] if name[0] in COLOURS else "screw" if "screw" in name else "legs"


def _section() -> Scene:
    it, parts = size(), case.parts()
    scene = Scene("section", (0, -1, 0), height_mm=46, middle=(0, 0, 12.5), pixels=(1500, 820))
    scene.show(_behind(case.body()), "body")
    scene.show(_behind(case.lid("left")), "lid")
    scene.show(_behind(case.soft_button()), "soft")
    for end in ("usb", "switch"):
        scene.show(_behind(case.plug(end)), "soft")
    for name, part in parts.items():
        scene.show(_behind(part), _colour(name))
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
    scene.label("thin ring", (it.motor_x + it.cup_radius + 2.5, 0, 0.5), (0.79, 0.94))
    plug = case_inside.things()["plug"]
    scene.label("cell's plug", (plug.middle[0] + 1, 0, plug.middle[2]), (0.93, 0.94))
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
    slit_y = it.cup_radius + it.cup_wall
    scene.label("slit for the leads", (it.motor_x, slit_y + 0.2, it.pad + it.cup_height), (0.27, 0.45))
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
    boxes = case_inside.things()
    plug, fuse = boxes["plug"], boxes["fuse"]
    scene.label("shelf for\nthe plug", (plug.middle[0] + 1, plug.y[1] - 1.8, plug.z[0]), (0.94, 0.3))
    scene.label("corner for\nthe fuse", (fuse.middle[0], fuse.y[1] + 1, 12), (0.93, 0.68))
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
    for name in ("button's carrier", "button", "legs", "switch", "lever", "terminals", "light", "antenna"):
        scene.show(parts[name], name)
    for name in ("screw head", "other screw head"):
        scene.show(parts[name], "screw")
    scene.label("light, face to the lid", (it.light_x, 0, it.height - 4), (0.17, 0.95))
    scene.label("ESP32-C3: antenna\nin its field", (it.antenna_x, it.antenna_y, it.inside_z), (0.16, 0.08))
    scene.label(
        "button's carrier on two pillars", (it.button_x, -it.pillar_y, it.carrier_z - 1.6), (0.5, 0.06)
    )
    scene.label("switch between its cheeks", (it.cavity_x - 2.5, 2, it.usb_z - 2.2), (0.84, 0.95))
    scene.label("soft button, glued", (it.button_x - it.web_radius + 1, 4, it.inside_z - it.web), (0.5, 0.95))
    return scene


_WIRE_COLOURS = {
    "M1": "#7a3db8",
    "BT1": "#c0392b",
    "J1 to F1": "#c0392b",
    "J1": "#1d1d1d",
    "U1.BAT+": "#c0392b",
    "U1.BAT-": "#1d1d1d",
    "LED1": "#2e9e5b",
    "S1": "#e0b429",
    "SW1": "#d9d9d9",
    "F1 to SW1": "#c0392b",
    "antenna": "#6b6b6b",
}


def _wires(scene: Scene, names: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    """Draw the ways of these wires; give the middle of each."""
    middles: dict[str, tuple[float, float, float]] = {}
    for name in names:
        for path, radius in checks_inside.ways()[name]:
            places = channels.rounded(path, 5)
            scene.lines.append((places, radius, _WIRE_COLOURS[name]))
            at = places[len(places) // 2]
            middles[name] = (float(at[0]), float(at[1]), float(at[2]))
    return middles


def _filled_body(scene: Scene) -> None:
    """The body with all that lies in it."""
    parts = case.parts()
    scene.show(case.body(), "body")
    for name in ("motor", "cell", "sheet", "board", "XIAO", "USB socket", "fuse", "plug"):
        scene.show(parts[name], name)
    _standing(scene)


def _step_wires() -> Scene:
    boxes = case_inside.things()
    scene = Scene("step-wires", (0.5, -0.45, 0.9), height_mm=88, middle=(1, 0, 9), pixels=(1300, 950))
    _filled_body(scene)
    at = _wires(scene, ("M1", "BT1", "J1 to F1", "J1", "U1.BAT+", "U1.BAT-"))
    fuse, plug = boxes["fuse"], boxes["plug"]
    scene.label(
        "F1 in sleeve,\nupright in its corner", (fuse.middle[0], fuse.middle[1], fuse.z[1]), (0.56, 0.93)
    )
    scene.label("plug and J1\non their shelf", (plug.middle[0], plug.middle[1] + 2, plug.z[1]), (0.88, 0.86))
    lead = checks_inside.ways()["BT1"][0][0]
    scene.label("cell's lead", tuple(lead[len(lead) // 4]), (0.91, 0.24))
    scene.label("motor's wires, side by side", at["M1"], (0.78, 0.06))
    scene.label("XIAO's wires,\nfrom below it", at["U1.BAT+"], (0.1, 0.83))
    scene.label("J1 to GND", at["J1"], (0.31, 0.95))
    return scene


def _wires_closed() -> Scene:
    it, parts = size(), case.parts()
    scene = Scene("wires", (0.12, -0.5, 0.95), height_mm=82, middle=(0, 0, 11), pixels=(1300, 900))
    _filled_body(scene)
    for name in ("button's carrier", "button", "switch", "terminals", "light", "antenna"):
        scene.show(parts[name], name, 0.55 if name in ("antenna", "light") else 1.0)
    at = _wires(scene, tuple(_WIRE_COLOURS))
    scene.label("LED1's wires", at["LED1"], (0.43, 0.05))
    scene.label("S1's wires", at["S1"], (0.6, 0.05))
    scene.label("light", (it.light_x, 0, it.height - 2), (0.28, 0.05))
    scene.label("M1's wires", at["M1"], (0.76, 0.05))
    scene.label("antenna: wires stay 3 mm off", (it.antenna_x - 10, it.antenna_y, it.inside_z), (0.22, 0.95))
    scene.label("SW1's wire", at["SW1"], (0.63, 0.95))
    scene.label("F1 to SW1", at["F1 to SW1"], (0.86, 0.95))
    return scene


def _bed() -> Scene:
    scene = Scene("print-bed", (-0.15, -0.6, 0.85), height_mm=158, middle=(42, 32, 0), pixels=(1400, 950))
    placed = {
        "body": (0, 0), "lid-left": (78, 0), "lid-right": (0, 84), "button": (60, 76),
        "plug-usb": (87, 76), "plug-switch": (112, 76),
    }  # fmt: skip
    colours = {"body": "body", "lid-left": "lid", "lid-right": "lid"}
    down = {"body": 12, "lid-left": 12, "lid-right": 7}
    for name, part in case.printed().items():
        x, y = placed[name]
        lying = case.on_the_bed(name, part)
        box = lying.bounding_box()
        lying = Pos(x - box.center().X, y - box.center().Y, 0) * lying
        scene.show(lying, colours.get(name, "soft"))
        scene.beside(f"{name}.stl", (x, y - box.size.Y / 2, 0.5), (0, down.get(name, 8)))
    return scene


SCENES = (
    _pair, _skin, _strapped, _exploded, _section, _motor, _button, _step_body, _step_board, _step_wires,
    _step_lid, _wires_closed, _bed,
)  # fmt: skip
