"""The schematic, drawn with schemdraw: an SVG to read, and its geometry as data for tracing.py.

Every pin, wire, dot and net name is put down through Sheet, which draws it and notes where it is; pins are
noted where the drawn symbol has them. Nothing here looks at the netlist: tracing.py compares the two.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

import itertools
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import schemdraw
import schemdraw.elements as elm

from . import boards, netlist, tracing
from .catalogue import kinds
from .circuit_parts import PARTS
from .places import BOARDS, OUT

At = tuple[float, float]

# What the roles' nets are called, as in circuit.py.
ROLE_NETS = {
    "motor": "MOTOR_PWM",
    "button": "BUTTON",
    "battery": "BATTERY_SENSE",
    "charge": "CHARGE_SENSE",
    "light": "LIGHT_PAD",
}
SVG = "http://www.w3.org/2000/svg"
_INK, _SOFT = "#1a1a1a", "#666666"
_TEXT, _SMALL = 13, 10.5


class Sheet:
    """One sheet: draws, and keeps the geometry of what it drew."""

    def __init__(self, board: str) -> None:
        self.geometry = tracing.Drawing(board)
        self._drawing = schemdraw.Drawing(show=False, canvas="svg")
        self._drawing.config(unit=2, fontsize=_TEXT, font="Helvetica, Arial, sans-serif", lw=1.6, color=_INK)

    def svg(self, title: str) -> str:
        """The sheet as SVG on white, with a title for those who hear it read."""
        # Other libraries in this process may have given SVG's namespace a prefix of their own.
        ElementTree.register_namespace("", SVG)
        text = self._drawing.get_imagedata("svg").decode("utf-8")
        head = re.match(r"<svg [^>]*viewBox=\"([-\d.]+) ([-\d.]+) ([-\d.]+) ([-\d.]+)\"[^>]*>", text)
        assert head is not None, "schemdraw writes another SVG than it did"
        x, y, width, height = (float(number) for number in head.groups())
        start = (
            f'<svg xmlns="{SVG}" xml:lang="en" '
            f'viewBox="{x - 8:.1f} {y - 8:.1f} {width + 16:.1f} {height + 16:.1f}">'
            f"<title>{title}</title>"
            f'<rect x="{x - 8:.1f}" y="{y - 8:.1f}" width="{width + 16:.1f}" height="{height + 16:.1f}" '
            'fill="white"/>'
        )
        return start + text[head.end() :].replace("stroke-dasharray:-;", "").replace("><", ">\n<") + "\n"

    def point(self, at: At) -> tuple[int, int]:
        """A place in the geometry's hundredths."""
        return round(at[0] * 100), round(at[1] * 100)

    def add(self, element: Any) -> Any:
        """Draw an element that joins nothing."""
        return self._drawing.add(element)

    def pin(self, name: str, at: At) -> None:
        """Note where a pin is."""
        assert name not in self.geometry.pins, f"{name} is drawn twice"
        self.geometry.pins[name] = self.point(at)

    def text(self, words: str, at: At, size: float = _TEXT, color: str = _INK, align: str = "left") -> None:
        """Words at a place."""
        at = (at[0] - 0.1, at[1] - 0.06)  # schemdraw sets labels off; the eye wants small letters' middle
        label = elm.Label().at(at).theta(0)
        self.add(label.label(words, ofst=(0, 0), fontsize=size, color=color, halign=align, valign="center"))

    def two(
        self, symbol: Any, designator: str, first: tuple[str, At], second: tuple[str, At], beside: At
    ) -> None:
        """A part of two pins between two points; designator and value are written `beside` its middle."""
        drawn = self.add(symbol.at(first[1]).to(second[1]))
        self.pin(f"{designator}.{first[0]}", tuple(drawn.absanchors["start"]))
        self.pin(f"{designator}.{second[0]}", tuple(drawn.absanchors["end"]))
        middle = (first[1][0] + second[1][0]) / 2 + beside[0], (first[1][1] + second[1][1]) / 2 + beside[1]
        self.name(designator, middle, "center" if beside[0] == 0 else "left")

    def name(self, designator: str, at: At, align: str = "left") -> None:
        """A part's designator and, under it, its value."""
        self.text(designator, (at[0], at[1] + 0.17), align=align)
        self.text(kinds()[PARTS[designator]].value, (at[0], at[1] - 0.2), _SMALL, _SOFT, align)

    def wire(self, *points: At) -> None:
        """A wire through these points."""
        for start, end in itertools.pairwise(points):
            self.add(elm.Line().at(start).to(end))
            self.geometry.wires.append((self.point(start), self.point(end)))

    def dot(self, at: At) -> None:
        """A junction."""
        self.add(elm.Dot(radius=0.07).at(at))
        self.geometry.dots.append(self.point(at))

    def ground(self, at: At) -> None:
        """Ground."""
        self.add(elm.Ground(lead=False).at(at).theta(0))
        self.geometry.names.append(("GND", self.point(at)))

    def supply(self, net: str, at: At) -> None:
        """A supply, above the point."""
        self.add(elm.Line().at(at).to((at[0], at[1] + 0.35)))
        self.add(elm.Line().at((at[0] - 0.35, at[1] + 0.35)).to((at[0] + 0.35, at[1] + 0.35)))
        self.text(net, (at[0], at[1] + 0.6), align="center")
        self.geometry.names.append((net, self.point(at)))

    def flag(self, net: str, at: At, left: bool = False) -> None:
        """A net's name in a flag that points at `at`."""
        turn = -1 if left else 1
        width = 0.45 + 0.215 * len(net)
        x, y = at
        outline = [
            (x, y),
            (x + turn * 0.25, y + 0.28),
            (x + turn * width, y + 0.28),
            (x + turn * width, y - 0.28),
            (x + turn * 0.25, y - 0.28),
            (x, y),
        ]
        for start, end in itertools.pairwise(outline):
            self.add(elm.Line(lw=1).at(start).to(end))
        self.text(net, (x + turn * (0.14 + width / 2), y), _SMALL, align="center")
        self.geometry.names.append((net, self.point(at)))

    def label(self, net: str, at: At, beside: At = (0, 0.3)) -> None:
        """A net's name beside a place where its wire ends or branches."""
        self.text(
            net, (at[0] + beside[0], at[1] + beside[1]), _SMALL, _SOFT, "left" if beside[0] else "center"
        )
        self.geometry.names.append((net, self.point(at)))

    def open(self, at: At) -> None:
        """A pin left open."""
        for turn in (-1, 1):
            self.add(
                elm.Line(lw=1.2)
                .at((at[0] - 0.13, at[1] - 0.13 * turn))
                .to((at[0] + 0.13, at[1] + 0.13 * turn))
            )

    def box(self, low: At, high: At, dashed: bool = False) -> None:
        """A rectangle."""
        corners = [low, (high[0], low[1]), high, (low[0], high[1]), low]
        for start, end in itertools.pairwise(corners):
            self.add(elm.Line(ls="--" if dashed else "-", lw=1.2).at(start).to(end))


def _resistor() -> Any:
    return elm.ResistorIEC()


def _cell(sheet: Sheet) -> None:
    sheet.text("Cell, fuse, switch", (0, 18.2))
    sheet.two(elm.BatteryCell().reverse(), "BT1", ("-", (0.5, 13.5)), ("+", (0.5, 16.5)), (0.45, 0))
    sheet.wire((0.5, 16.5), (4.8, 16.5))
    sheet.wire((4.8, 16.5), (5.6, 16.5))
    sheet.wire((0.5, 13.5), (4.8, 13.5))
    sheet.wire((4.8, 13.5), (6.2, 13.5), (6.2, 13.2))
    for pin, y in (("+", 16.5), ("-", 13.5)):
        sheet.add(elm.Dot(open=True, radius=0.11).at((4.8, y)))
        sheet.pin(f"J1.{pin}", (4.8, y))
        sheet.text(pin, (4.8, y + (-0.35 if pin == "+" else 0.35)), align="center")
    sheet.box((4.4, 13.1), (5.2, 16.9), dashed=True)
    sheet.text("J1", (4.4, 17.3))
    sheet.text(kinds()["cell-lead"].value, (4.95, 17.3), _SMALL, _SOFT)
    sheet.ground((6.2, 13.2))
    sheet.two(elm.FuseIEC(), "F1", ("1", (5.6, 16.5)), ("2", (8.0, 16.5)), (0, -0.75))
    sheet.two(elm.Switch(), "SW1", ("1", (8.0, 16.5)), ("2", (10.4, 16.5)), (0, -0.75))
    sheet.label("CELL", (5.6, 16.5), (-0.2, 0.3))
    sheet.label("FUSED", (8.0, 16.5))
    sheet.wire((10.4, 16.5), (11.2, 16.5), (12.0, 16.5))
    sheet.dot((11.2, 16.5))
    sheet.two(elm.Capacitor(polar=True), "C1", ("+", (11.2, 16.5)), ("-", (11.2, 13.5)), (0.5, 0))
    sheet.ground((11.2, 13.5))
    sheet.flag("VBAT", (12.0, 16.5))


def _divider(
    sheet: Sheet, x: float, title: str, supply: str, parts: tuple[str, str], net: str, capacitor: str = ""
) -> None:
    """Two parts in a row from a supply to ground, and the net of their middle."""
    upper, lower = parts
    sheet.text(title, (x - 1.2, 18.2))
    sheet.supply(supply, (x, 16.8))
    sheet.two(_resistor(), upper, ("1", (x, 16.8)), ("2", (x, 15.0)), (0.4, 0))
    symbol = elm.Button() if lower.startswith("S") else _resistor()
    sheet.two(
        symbol, lower, ("1", (x, 15.0)), ("2", (x, 13.2)), (0.85 if lower.startswith("S") else 0.4, -0.1)
    )
    sheet.ground((x, 13.2))
    sheet.dot((x, 15.0))
    if capacitor:
        sheet.wire((x, 15.0), (x + 2.2, 15.0), (x + 3.0, 15.0))
        sheet.dot((x + 2.2, 15.0))
        sheet.two(elm.Capacitor(), capacitor, ("1", (x + 2.2, 15.0)), ("2", (x + 2.2, 13.2)), (0.45, -0.1))
        sheet.ground((x + 2.2, 13.2))
        sheet.flag(net, (x + 3.0, 15.0))
    else:
        sheet.wire((x, 15.0), (x + 1.0, 15.0))
        sheet.flag(net, (x + 1.0, 15.0))


def _controller(sheet: Sheet, roles: dict[str, boards.Role], kind: str) -> None:
    net_of = {role.pad: ROLE_NETS[role.name] for role in roles.values()}
    net_of |= {"5V": "USB5V", "3V3": "3V3", "GND": "GND", "BAT+": "VBAT", "BAT-": "GND"}
    gpio_of = {role.pad: role.gpio for role in roles.values()}
    sheet.text("Controller", (0, 11.2))
    sheet.box((5.0, -0.2), (10.6, 9.6))
    sheet.text("U1", (7.8, 9.2), align="center")
    sheet.text(kinds()[kind].value, (7.8, 8.8), _SMALL, _SOFT, "center")
    sheet.text("USB at this end", (7.8, 8.4), _SMALL, _SOFT, "center")
    places = [(pad, 5.0, 8.0 - index, True) for index, pad in enumerate(boards.LEFT_PADS)]
    places += [(pad, 10.6, 8.0 - index, False) for index, pad in enumerate(boards.RIGHT_PADS)]
    places += [("BAT+", 10.6, 1.0, False), ("BAT-", 10.6, 0.2, False)]
    for pad, x, y, left in places:
        turn = -1 if left else 1
        words = f"{pad}  GPIO{gpio_of[pad]}" if pad in gpio_of else pad
        if not left:
            words = f"GPIO{gpio_of[pad]}  {pad}" if pad in gpio_of else pad
        sheet.text(words, (x - turn * 0.2, y), _SMALL, align="left" if left else "right")
        end = (x + turn * 0.9, y)
        sheet.pin(f"U1.{pad}", end)
        sheet.add(elm.Line().at((x, y)).to(end))
        net = net_of.get(pad)
        if net is None:
            sheet.open(end)
        elif net == "GND":
            sheet.wire(end, (end[0] + 0.5, y))
            sheet.add(elm.Ground(lead=False).at((end[0] + 0.5, y)).theta(90))
            sheet.geometry.names.append(("GND", sheet.point((end[0] + 0.5, y))))
        else:
            sheet.flag(net, end, left)
    sheet.text("BAT+ and BAT-: pads on its underside", (5.0, -0.65), _SMALL, _SOFT)


def _motor(sheet: Sheet) -> None:
    sheet.text("Motor", (17.2, 11.2))
    sheet.flag("MOTOR_PWM", (19.2, 4.0), left=True)
    sheet.two(_resistor(), "R1", ("1", (19.2, 4.0)), ("2", (21.2, 4.0)), (0, 0.7))
    fet = sheet.add(elm.NFet().theta(0).reverse().anchor("gate").at((22.6, 4.0)))
    drain, source = (tuple(fet.absanchors[name]) for name in ("drain", "source"))
    for pin, at in (("G", tuple(fet.absanchors["gate"])), ("D", drain), ("S", source)):
        sheet.pin(f"Q1.{pin}", at)
    sheet.name("Q1", (drain[0] + 0.35, 4.0))
    for pin, at in (("D", (drain[0] + 0.15, drain[1])), ("S", (source[0] + 0.15, source[1]))):
        sheet.text(pin, at, _SMALL, _SOFT)
    sheet.text("G", (22.35, 3.72), _SMALL, _SOFT)
    sheet.wire((21.2, 4.0), (21.8, 4.0), (22.6, 4.0))
    sheet.dot((21.8, 4.0))
    sheet.label("GATE", (21.8, 4.0))
    sheet.two(_resistor(), "R2", ("1", (21.8, 4.0)), ("2", (21.8, 1.6)), (-1.35, -0.1))
    sheet.ground((21.8, 1.6))
    sheet.wire(source, (source[0], 1.6))
    sheet.ground((source[0], 1.6))
    x = drain[0]
    sheet.wire(drain, (x, 6.0))
    sheet.two(elm.Motor(), "M1", ("-", (x, 6.0)), ("+", (x, 8.8)), (-3.75, 0))
    sheet.two(elm.Schottky(), "D1", ("A", (x + 2.0, 6.0)), ("K", (x + 2.0, 8.8)), (0.45, 0))
    sheet.wire((x, 6.0), (x + 2.0, 6.0))
    sheet.wire((x, 8.8), (x + 2.0, 8.8))
    sheet.dot((x, 6.0))
    sheet.label("MOTOR_LOW", (x, 6.0), (0.2, -0.3))
    sheet.dot((x, 8.8))
    sheet.text("+", (x + 0.2, 8.4))
    sheet.text("-", (x + 0.2, 6.3))
    sheet.supply("VBAT", (x, 8.8))


def _light(sheet: Sheet) -> None:
    sheet.text("Light", (28.2, 11.2))
    sheet.flag("LIGHT_PAD", (30.0, 4.0), left=True)
    sheet.two(_resistor(), "R8", ("1", (30.0, 4.0)), ("2", (32.0, 4.0)), (0, 0.7))
    sheet.box((33.2, 2.6), (37.2, 5.8))
    sheet.name("LED1", (35.2, 4.75), "center")
    pins = {"DIN": ((33.2, 4.0), (32.6, 4.0)), "DOUT": ((37.2, 4.0), (37.8, 4.0))}
    pins |= {"VDD": ((35.2, 5.8), (35.2, 6.4)), "GND": ((35.2, 2.6), (35.2, 2.0))}
    for pin, (edge, end) in pins.items():
        sheet.add(elm.Line().at(edge).to(end))
        sheet.pin(f"LED1.{pin}", end)
    sheet.text("DIN", (33.35, 4.0), _SMALL)
    sheet.text("DOUT", (37.05, 4.0), _SMALL, align="right")
    sheet.text("VDD", (35.2, 5.5), _SMALL, align="center")
    sheet.text("GND", (35.2, 2.9), _SMALL, align="center")
    sheet.wire((32.0, 4.0), (32.6, 4.0))
    sheet.label("LIGHT_DATA", (32.6, 4.0), (-1.4, -0.5))
    sheet.open((37.8, 4.0))
    sheet.ground((35.2, 2.0))
    sheet.wire((35.2, 6.4), (35.2, 8.4), (32.2, 8.4))
    sheet.dot((35.2, 8.4))
    sheet.supply("VBAT", (35.2, 8.4))
    sheet.two(elm.Capacitor(), "C3", ("1", (32.2, 8.4)), ("2", (32.2, 6.4)), (-1.35, 0))
    sheet.ground((32.2, 6.4))


def draw(board: str) -> Sheet:
    """The schematic of one pulser for a board."""
    description = boards.load(board)
    roles = boards.roles(description)
    sheet = Sheet(board)
    sheet.text(f"twintap pulser on a {kinds()[board].value}", (0, 19.6), 18)
    sheet.text(
        "Names in flags, supplies and grounds: the same name is the same net. Pins from "
        f"firmware/boards/{board}.json. CERN-OHL-P-2.0",
        (0, 18.95),
        _SMALL,
        _SOFT,
    )
    _cell(sheet)
    _divider(sheet, 16.4, "Battery divider", "VBAT", ("R4", "R5"), "BATTERY_SENSE", "C2")
    _divider(sheet, 25.4, "Charge sense", "USB5V", ("R6", "R7"), "CHARGE_SENSE")
    _divider(sheet, 32.8, "Button", "3V3", ("R3", "S1"), "BUTTON")
    _controller(sheet, roles, board)
    _motor(sheet)
    _light(sheet)
    return sheet


def build(out: Path) -> list[Path]:
    """Write schematic.svg and schematic.json for every board."""
    schemdraw.use("svg")
    schemdraw.svgconfig.text = "text"
    made: list[Path] = []
    for board in BOARDS:
        sheet = draw(board)
        (out / board).mkdir(exist_ok=True)
        title = f"Schematic of a twintap pulser on a {kinds()[board].value}"
        for name, text in (("schematic.svg", sheet.svg(title)), ("schematic.json", sheet.geometry.to_json())):
            path = out / board / name
            path.write_text(text, "utf-8")
            made.append(path)
    return made


def check() -> list[str]:
    """Where a committed drawing and the committed netlist part."""
    found: list[str] = []
    for board in BOARDS:
        drawing = tracing.from_json((OUT / board / "schematic.json").read_text("utf-8"))
        found += tracing.breaches(drawing, netlist.committed(board))
    return found
