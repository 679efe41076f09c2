"""The stripboard layout as a drawing (both sides) and as data for the case and the guide."""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import json
from html import escape
from pathlib import Path

from . import netlist, stripboard
from .catalogue import kinds
from .circuit_parts import PARTS
from .facts import number
from .netlist import Netlist
from .places import BOARDS
from .stripboard import PITCH_MM, Hole, Layout, hole_name

# Points of the drawing for a millimetre, and the room round a board for numbers and wires' names.
SCALE = 12.0
STEP = PITCH_MM * SCALE
MARGIN_X, MARGIN_Y = 60.0, 150.0
GAP = 110.0
# How wide it is on paper (A4 and Letter take it upright), and the ruler that proves it.
PRINTED_MM = 190
RULER_MM = 40

_INK, _SOFT, _COPPER, _BOARD = "#1a1a1a", "#666666", "#d9975a", "#f3ead6"
_PART, _CUT, _LINK, _WIRE = "#ffffff", "#c1121f", "#3a5a8c", "#2b7a4b"
# Parts whose leads must not be swapped: how far beside the lead its name stands.
_NAMED_LEADS = {"mosfet": 13.0, "flyback": -13.0, "bulk": 13.0}
_FONT = "font-family='Helvetica, Arial, sans-serif'"


class Canvas:
    """SVG, line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def text(
        self, words: str, x: float, y: float, size: float = 13, color: str = _INK, anchor: str = "middle"
    ) -> None:
        """Words, their middle's height at y."""
        self.lines.append(
            f'<text x="{x:.1f}" y="{y + size * 0.35:.1f}" font-size="{size:g}" fill="{color}" '
            f'text-anchor="{anchor}">{escape(words)}</text>'
        )

    def rect(
        self,
        left: float,
        top: float,
        width: float,
        height: float,
        fill: str,
        stroke: str = "none",
        r: float = 0,
    ) -> None:
        """A rectangle."""
        self.lines.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{r:g}" '
            f'fill="{fill}" stroke="{stroke}" stroke-width="1.4"/>'
        )

    def circle(
        self, x: float, y: float, r: float, fill: str, stroke: str = "none", width: float = 1.4
    ) -> None:
        """A circle."""
        self.lines.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:g}" fill="{fill}" stroke="{stroke}" '
            f'stroke-width="{width:g}"/>'
        )

    def line(
        self, start: tuple[float, float], end: tuple[float, float], color: str, width: float, more: str = ""
    ) -> None:
        """A line with round ends."""
        self.lines.append(
            f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" '
            f'stroke="{color}" stroke-width="{width:g}" stroke-linecap="round"{more}/>'
        )


class Side:
    """One side of the board on the canvas; the copper side is mirrored, as the board in the hand is."""

    def __init__(self, canvas: Canvas, layout: Layout, left: float, top: float, mirrored: bool) -> None:
        self.canvas, self.layout, self.left, self.top, self.mirrored = canvas, layout, left, top, mirrored
        self.width, self.height = layout.width_mm * SCALE, layout.length_mm * SCALE

    def at(self, hole: Hole) -> tuple[float, float]:
        """A hole's middle on the canvas."""
        x = (hole[1] - 0.5) * STEP
        return self.left + (self.width - x if self.mirrored else x), self.top + (hole[0] - 0.5) * STEP

    def board(self, copper: str) -> None:
        """Board, strips with their cuts, holes, letters and numbers."""
        it, canvas = self.layout, self.canvas
        canvas.rect(self.left, self.top, self.width, self.height, _BOARD, _INK, 3)
        for strip in range(1, it.strips + 1):
            edge = 0.0
            ends = [*sorted(number for row, number in it.cuts if row == strip), it.holes + 1]
            for end in ends:  # copper from the last cut to this one
                begin, stop = edge, (end - 1) * STEP
                if stop > begin:
                    x = self.left + (self.width - stop if self.mirrored else begin)
                    canvas.rect(x, self.top + (strip - 0.87) * STEP, stop - begin, 0.74 * STEP, copper)
                edge = end * STEP
            for side in (self.left - 16, self.left + self.width + 16):
                canvas.text(chr(64 + strip), side, self.top + (strip - 0.5) * STEP, 12, _SOFT)
        for strip in range(1, it.strips + 1):
            for number_ in range(1, it.holes + 1):
                x, y = self.at((strip, number_))
                canvas.circle(x, y, 4, "white", "#a89878", 0.8)
        for number_ in range(1, it.holes + 1):
            x, _ = self.at((1, number_))
            canvas.text(str(number_), x, self.top + self.height + 14, 11, _SOFT)


def _cut_marks(side: Side, copper_side: bool) -> None:
    for cut in side.layout.cuts:
        x, y = side.at(cut)
        if copper_side:
            side.canvas.circle(x, y, STEP * 0.42, "white", _CUT, 2.4)
        reach = STEP * 0.24
        for turn in (-1, 1):
            side.canvas.line((x - reach, y - reach * turn), (x + reach, y + reach * turn), _CUT, 2.6)


# Where exactly a wire goes, where the part itself does not say it.
_WHERE = {
    "SW1.2": "an outer lug",
    "S1.1": "one contact",
    "S1.2": "the other contact",
    "J1.-": "its black wire",
    "M1.+": "either way round",
    "U1.BAT+": "solder the pad's end first",
    "U1.BAT-": "solder the pad's end first",
}


def _wire_name(pin: str) -> str:
    designator, _, name = pin.partition(".")
    return f"{designator} {name.replace('-', '−')}"


def _parts_side(side: Side) -> None:
    it, canvas = side.layout, side.canvas
    side.board("#ecd3b6")
    _cut_marks(side, copper_side=False)
    outlines = {body.designator: body for body in stripboard.bodies(it)}

    xiao = outlines["U1"]
    x, y = side.left + xiao.left * SCALE, side.top + xiao.top * SCALE
    width, height = (xiao.right - xiao.left) * SCALE, (xiao.bottom - xiao.top) * SCALE
    canvas.lines.append('<g fill-opacity="0.62">')
    canvas.rect(x, y, width, height, "#dfe7ee", _INK, 8)
    canvas.lines.append("</g>")
    port = 9.0 * SCALE
    canvas.rect(x + width / 2 - port / 2, y - 14, port, 66, "#c9ced3", _INK, 8)
    canvas.text("USB", x + width / 2, y + 14, 13)
    between = side.at(it.leads["U1.D2"])[1] + STEP / 2  # the cuts' marks are on the strips
    canvas.text("U1", x + width / 2, between, 17)
    canvas.text(kinds()[it.board].value, x + width / 2, between + STEP, 12)
    for pin, hole in it.leads.items():
        if pin.startswith("U1.") and pin not in it.wired:
            px, py = side.at(hole)
            canvas.rect(px - 14, py - 8, 28, 16, "#f0cf6b", _INK, 7)
            canvas.text(pin[3:], px, py, 10)

    for link in it.links:
        start, end = side.at(link.start), side.at(link.end)
        under = start[1] < y + height and x < start[0] < x + width
        canvas.line(start, end, "white", 7)
        canvas.line(start, end, _LINK, 4, ' stroke-dasharray="9 7"' if under else "")
        for point in (start, end):
            canvas.circle(*point, 5, _LINK, _INK, 1)

    for designator, body in outlines.items():
        if designator == "U1":
            continue
        kind = PARTS[designator]
        pins = {
            pin.partition(".")[2]: side.at(at) for pin, at in it.leads.items() if _owner(pin) == designator
        }
        places = list(pins.values())
        canvas.line(places[0], places[-1], "#8d8d8d", 3)
        left, top = side.left + body.left * SCALE, side.top + body.top * SCALE
        wide, high = (body.right - body.left) * SCALE, (body.bottom - body.top) * SCALE
        round_ = min(wide, high) / 2 if kind == "bulk" else 7 if kind == "mosfet" else 4
        fill = {"bulk": "#d5ddf0", "mosfet": "#d9d9d9", "flyback": "#e6e6e6"}.get(kind, _PART)
        canvas.rect(left, top, wide, high, fill, _INK, round_)
        if kind == "flyback":
            _ring(canvas, pins["K"], (left, top, wide, high))
        if kind == "mosfet":
            _flat(canvas, stripboard.flat_side(it, designator), (left, top, wide, high))
        for name, point in pins.items():
            canvas.circle(*point, 5, "#8d8d8d", _INK, 1)
            if kind in _NAMED_LEADS:
                canvas.text(name.replace("-", "−"), point[0] + _NAMED_LEADS[kind], point[1], 11)
        value = kinds()[kind].value
        x, y = left + wide / 2, top + high / 2
        if kind == "mosfet":
            canvas.text(designator, x, y - STEP / 2, 12)
        elif kind == "bulk":
            canvas.text(designator, x - 18, y, 12)
        elif kind in ("decoupling", "flyback"):
            canvas.text(designator, x, y + (8 if kind == "flyback" else 0), 11)
        elif high > wide:
            canvas.lines.append(f'<g transform="rotate(-90 {x:.1f} {y:.1f})">')
            canvas.text(f"{designator} {value}", x, y, 11)
            canvas.lines.append("</g>")
        else:
            canvas.text(f"{designator} {value}", x, y, 11)
    _wires(side)


def _ring(canvas: Canvas, cathode: tuple[float, float], box: tuple[float, float, float, float]) -> None:
    """The ring of a lying diode, at the end that its cathode's lead comes out of."""
    left, top, wide, high = box
    if high > wide:
        canvas.rect(left, top + 6 if cathode[1] < top + high / 2 else top + high - 14, wide, 8, _INK)
    else:
        canvas.rect(left + 6 if cathode[0] < left + wide / 2 else left + wide - 14, top, 8, high, _INK)


def _flat(canvas: Canvas, side: str, box: tuple[float, float, float, float]) -> None:
    """A transistor's flat face, along one side of its body."""
    left, top, wide, high = box
    if side in ("left", "right"):
        x = left if side == "left" else left + wide
        canvas.line((x, top + 4), (x, top + high - 4), _INK, 5)
    else:
        y = top if side == "top" else top + high
        canvas.line((left + 4, y), (left + wide - 4, y), _INK, 5)


def _owner(pin: str) -> str:
    return pin.partition(".")[0]


def _numbered(layout: Layout) -> list[tuple[int, str]]:
    """The wires to the case, numbered from the USB end on."""
    ordered = sorted(layout.wired, key=lambda pin: (layout.leads[pin], pin))
    return list(enumerate(ordered, 1))


def _number(canvas: Canvas, number_: int, x: float, y: float) -> None:
    canvas.circle(x, y, 10, _WIRE, _INK, 1.2)
    canvas.text(str(number_), x, y, 11, "white")


def _wires(side: Side) -> None:
    for number_, pin in _numbered(side.layout):
        _number(side.canvas, number_, *side.at(side.layout.leads[pin]))


def _copper_side(side: Side) -> None:
    it, canvas = side.layout, side.canvas
    side.board(_COPPER)
    _cut_marks(side, copper_side=True)
    for hole in [*it.leads.values(), *(at for link in it.links for at in (link.start, link.end))]:
        canvas.circle(*side.at(hole), 6.5, "#c9ced3", _INK, 1.2)


def _legend(canvas: Canvas, layout: Layout, drawn: Netlist, middle: float, top: float) -> float:
    """What the marks mean, in two columns from `top` on. Gives where the drawing ends."""
    x, y = 36.0, top
    canvas.line((x, y), (x + 34, y), _LINK, 4)
    canvas.text("link of wire", x + 44, y, 13, _INK, "start")
    canvas.line((x, y + 24), (x + 34, y + 24), _LINK, 4, ' stroke-dasharray="9 7"')
    canvas.text("link in sleeve: put in before the XIAO, which covers it", x + 44, y + 24, 13, _INK, "start")
    for turn in (-1, 1):
        canvas.line((x + 9, y + 48 - 8 * turn), (x + 25, y + 48 + 8 * turn), _CUT, 2.6)
    cuts = ", ".join(hole_name(cut) for cut in layout.cuts)
    canvas.text(f"copper cut at {cuts}", x + 44, y + 48, 13, _INK, "start")
    canvas.line((x + 17, y + 64), (x + 17, y + 80), _INK, 5)
    canvas.text("Q1's flat face; D1's ring is K; C1's longer lead is +", x + 44, y + 72, 13, _INK, "start")
    y += 96
    for one, other, how in layout.harness:
        if "plug" not in how:
            words = f"away from the board: {_wire_name(one)} to {_wire_name(other)}, {how}"
            canvas.text(words, x + 44, y, 13, _INK, "start")
            y += 24
    canvas.text("SW1: 1 is its middle lug, 2 an outer one", x + 44, y, 13, _INK, "start")
    bottom = _true_size(canvas, layout, x + 44, y + 40)
    lines = 0
    for number_, pin in _numbered(layout):
        designator = _owner(pin)
        what = "pad under the XIAO" if designator == "U1" else kinds()[PARTS[designator]].value
        where = f", {_WHERE[pin]}" if pin in _WHERE else ""
        _number(canvas, number_, middle, top + lines * 24)
        words = f"{hole_name(layout.leads[pin])} to {_wire_name(pin)}: {what}{where}"
        canvas.text(words, middle + 18, top + lines * 24, 13, _INK, "start")
        lines += 1
    below = _copper(canvas, layout, drawn, middle - 10, top + lines * 24 + 24)
    return max(bottom, below) + 10


def _copper(canvas: Canvas, layout: Layout, drawn: Netlist, x: float, y: float) -> float:
    """Where each net can be touched. Gives where it ends."""
    canvas.text("Where to measure: the net, and its pieces of strip", x, y, 13, _INK, "start")
    for name, pieces in stripboard.copper_of(layout, drawn).items():
        y += 18
        canvas.text(name, x, y, 12, _INK, "start")
        canvas.text(", ".join(pieces).replace("-", "–"), x + 140, y, 12, _SOFT, "start")
    return y + 12


def _true_size(canvas: Canvas, layout: Layout, x: float, y: float) -> float:
    """The copper side as large as it is, to lay the board on. Gives where it ends."""
    unit = _width(layout) / PRINTED_MM
    wide, high, step = layout.width_mm * unit, layout.length_mm * unit, PITCH_MM * unit
    canvas.text("The copper, as large as it is where this prints at 100 %:", x, y, 13, _INK, "start")
    y += 20
    canvas.rect(x, y, wide, high, "white", _INK)
    for strip in range(1, layout.strips + 1):
        for hole in range(1, layout.holes + 1):
            at = x + wide - (hole - 0.5) * step, y + (strip - 0.5) * step
            if (strip, hole) in layout.cuts:
                canvas.circle(*at, 0.4 * step, _CUT)
            else:
                canvas.circle(*at, 0.5 * unit, "white", _SOFT, 0.7)
    ruler = x + wide + 40
    canvas.line((ruler, y), (ruler, y + RULER_MM * unit), _INK, 1.4)
    for end in (y, y + RULER_MM * unit):
        canvas.line((ruler - 6, end), (ruler + 6, end), _INK, 1.4)
    words = (f"{RULER_MM} mm: measure it", "before you lay the", "board on this")
    for line, text in enumerate(words):
        canvas.text(text, ruler + 14, y + 20 + 18 * line, 12, _SOFT, "start")
    return y + max(high, RULER_MM * unit) + 10


def _width(layout: Layout) -> float:
    """The drawing's width in its own units."""
    return 2 * MARGIN_X + 2 * layout.width_mm * SCALE + GAP


def svg(layout: Layout, drawn: Netlist) -> str:
    """Both sides, next to each other, with what the marks mean, and where the nets of `drawn` are."""
    canvas = Canvas()
    width, height = layout.width_mm * SCALE, layout.length_mm * SCALE
    total = _width(layout)
    first = Side(canvas, layout, MARGIN_X, MARGIN_Y, mirrored=False)
    second = Side(canvas, layout, MARGIN_X + width + GAP, MARGIN_Y, mirrored=True)
    name = kinds()[layout.board].value
    canvas.text(f"twintap pulser on stripboard, for the {name}", 30, 30, 22, _INK, "start")
    size = (
        f"{layout.strips} strips of {layout.holes} holes, {layout.length_mm:.1f} × {layout.width_mm:.1f} mm"
    )
    words = f"{size}. A manufactured board is not there yet: this one is built by hand. CERN-OHL-P-2.0"
    canvas.text(words, 30, 56, 13, _SOFT, "start")
    canvas.text("From above: the parts", first.left + width / 2, 92, 15)
    canvas.text("From below: the copper, the board turned over", second.left + width / 2, 92, 15)
    _parts_side(first)
    _copper_side(second)
    bottom = _legend(canvas, layout, drawn, second.left - 16, MARGIN_Y + height + 46)
    box = f"0 0 {total:.1f} {bottom:.1f}"
    size = f'width="{PRINTED_MM}mm" height="{bottom * PRINTED_MM / total:.2f}mm"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xml:lang="en" {size} viewBox="{box}" {_FONT}>\n'
        f"<title>Stripboard layout of a twintap pulser on a {escape(name)}</title>\n"
        f'<rect width="{total:.1f}" height="{bottom:.1f}" fill="white"/>\n'
        + "\n".join(canvas.lines)
        + "\n</svg>\n"
    )


def data(layout: Layout) -> str:
    """The layout as JSON: holes, cuts, links, wires; sizes for the case. Lengths in mm."""
    xiao_ahead_mm = stripboard.over_edge_mm(layout, number("xiao.length_mm"))
    left, right = layout.leads["U1.D0"][1], layout.leads["U1.5V"][1]
    return (
        json.dumps(
            {
                "board": layout.board,
                "strips": layout.strips,
                "holes": layout.holes,
                "length_mm": round(layout.length_mm, 2),
                "width_mm": round(layout.width_mm, 2),
                "xiao_ahead_mm": round(xiao_ahead_mm, 2),
                "xiao_aside_mm": round(((left + right) / 2 - (layout.holes + 1) / 2) * PITCH_MM, 2),
                "cuts": [hole_name(cut) for cut in layout.cuts],
                "links": [
                    {"net": link.net, "from": hole_name(link.start), "to": hole_name(link.end)}
                    for link in layout.links
                ],
                "leads": {pin: hole_name(at) for pin, at in layout.leads.items() if pin not in layout.wired},
                "wires": {pin: hole_name(at) for pin, at in layout.leads.items() if pin in layout.wired},
                "harness": [list(join) for join in layout.harness],
            },
            indent=1,
            ensure_ascii=False,
        )
        + "\n"
    )


def build(out: Path) -> list[Path]:
    """Write stripboard.svg and stripboard.json for every board."""
    made: list[Path] = []
    for board in BOARDS:
        layout = stripboard.load(board)
        (out / board).mkdir(exist_ok=True)
        shown = svg(layout, netlist.built(out, board))
        for name, text in (("stripboard.svg", shown), ("stripboard.json", data(layout))):
            path = out / board / name
            path.write_text(text, "utf-8")
            made.append(path)
    return made


def check() -> list[str]:
    """Where a layout and the committed netlist part, or cannot be built."""
    return [
        breach
        for board in BOARDS
        for breach in stripboard.breaches(stripboard.load(board), netlist.committed(board))
    ]
