"""The guide, out/guide.md: guide_template.md, filled in from netlists, facts, the case and the safety file.

Designators, nets and files stand in `code` there, so that a test can look for each of them.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import math
import re
from pathlib import Path

from . import facts, figures, measuring, netlist, safety, wiring
from .case_inside import carrier_screw, cell_tape, lid_screw, sheet_width
from .case_size import BRIDGE_MOST, size
from .netlist import Netlist
from .places import BOARDS, PACKAGE
from .stripboard import PITCH_MM

TEMPLATE = PACKAGE / "guide_template.md"
SUPPLY_V = 3.7  # what stands in for the cell
# What VBAT to ground must show without XIAO, motor and light: below the divider, above a joint with flux.
SUPPLY_LEAST_OHM = 100e3

# What selftest says on the cable, line by line: its name, what has to stand there, what else means.
SELFTEST = (
    ("board", "`fine`, the board file's name", "another board's name: flash again with `--board`"),
    ("motor", "`look`: no fault is known", "no motor is moved on the cable: nothing vibrates while charging"),
    (
        "button",
        "`look`: it is up; asked again while you press: it is pressed",
        "pressed when nobody presses: `BUTTON` lies on ground. Up when pressed: `S1`, its wires, `R3`",
    ),
    ("charging", "`look`, yes: a charger is plugged in", "no: `R6`, `R7` or the wire to `CHARGE_SENSE`"),
    (
        "battery",
        "`fine`: within 150 mV of what a meter shows at `VBAT`",
        "half or twice of it: `R4` and `R5`. 0: `BATTERY_SENSE` is not connected",
    ),
    ("heap", "`fine`", "bad: flash again; then another XIAO"),
    ("flash", "`fine`", "bad: its flash refuses to be written; another XIAO"),
    (
        "light",
        "`look`: and it shone white for a second",
        "dark: `R8`, the light's three wires, its direction. Another colour: not a WS2812B in green-red-blue",
    ),
)


def _rows(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def _resistances(drawn: Netlist) -> str:
    rows = [
        (
            f"`{each.nets[0]}` – `{each.nets[1]}`",
            " ".join(f"`{name}`" for name in each.designators),
            each.shown,
        )
        for each in measuring.with_clip(drawn)
    ]
    return _rows(("between", "through", "must show"), rows)


def _pads(out: Path) -> str:
    drawn = {board: netlist.built(out, board) for board in BOARDS}
    roles = list(drawn[BOARDS[0]].gpio)
    rows = [
        (f"`{drawn[BOARDS[0]].gpio[role][2]}`", role, *(f"{drawn[board].gpio[role][1]}" for board in BOARDS))
        for role in roles
    ]
    return _rows(("net", "what it does", *BOARDS), rows)


def _voltages(drawn: Netlist, volt: float) -> str:
    half, usb = measuring.half_of_supply(drawn), measuring.part_of_usb(drawn)
    rows = [
        ("`VBAT`", f"{volt - 0.15:.2f} to {volt:.2f} V", "fuse `F1`, switch `SW1`"),
        ("`3V3`", "3.2 to 3.4 V", "the XIAO: take its wire off `VBAT`, measure `VBAT` again"),
        ("`BATTERY_SENSE`", f"{volt * half - 0.1:.2f} to {volt * half + 0.05:.2f} V", "`R4`, `R5`, `C2`"),
        ("`CHARGE_SENSE`", "below 0.1 V", "`R6`, `R7`; a bridge to `3V3`"),
        ("`BUTTON`", "3.2 to 3.4 V; 0 V while pressed", "`R3`, `S1`"),
        ("`GATE`", "below 0.05 V, also during the start", "`R2`; a bridge to `VBAT`"),
        ("`MOTOR_LOW`", "as `VBAT`: the motor is still", "`Q1` the wrong way round, or broken"),
        (
            "with USB in and the supply's plug **out**: `CHARGE_SENSE`",
            f"{4.4 * usb:.1f} to {min(3.6, 5.5 * usb):.1f} V, and never above `3V3` by more than 0.3 V",
            "`R6` and `R7` changed over",
        ),
    ]
    return _rows(("at, against `GND`", "must show", "if not"), rows)


def _wires() -> str:
    """A row for each bundle that is cut: its wires by their pins, and how long."""
    cut = [each for each in wiring.wires() if not each.comes]
    rows = [(in_code(each.name), str(len(each.pins)), f"{each.length} mm") for each in cut]
    return _rows(("wires of", "how many", "cut to"), rows)


def in_code(words: str) -> str:
    """Words as the guide shows them: each designator or pin in `code`."""
    return " ".join(f"`{word}`" if word.isupper() else word for word in words.split())


def _only_people() -> str:
    found = [
        f"- {measure.does}"
        for hazard in safety.load().hazards
        for measure in hazard.measures
        if measure.by == "guide"
    ]
    return "\n".join(found)


def _charge_hours() -> str:
    rows = next(each for each in figures.all_figures() if each.id == "charge_time_h").rows
    told = ((each.case.partition(",")[0], each.numbers["charge_time_h"]) for each in rows if each.counts)
    return ", ".join(f"{math.ceil(hours)} hours on the {board}" for board, hours in told)


def text(out: Path) -> str:
    """The guide, in Markdown; links are relative to out/. ValueError for a template that asks for else."""
    it, number = size(), facts.number
    drawn = netlist.built(out, BOARDS[0])
    filled: dict[str, str] = {
        "board": BOARDS[0],
        "other_board": BOARDS[1],
        "drawings": "\n".join(
            f"- {board}: [parts for a pair]({board}/bom-1-pair.csv), [for ten]({board}/bom-10-pairs.csv), "
            f"[schematic]({board}/schematic.svg), [stripboard]({board}/stripboard.svg)"
            for board in BOARDS
        ),
        "cell_length": f"{it.cell_length:g}",
        "cell_width": f"{it.cell_width:g}",
        "cell_thickness": f"{it.cell_thickness:g}",
        "length": f"{it.length:.0f}",
        "width": f"{it.width:.0f}",
        "height": f"{it.height:.0f}",
        "window": f"{it.window:g}",
        "screw_length": str(lid_screw()),
        "carrier_screw": str(carrier_screw()),
        "insert_length": f"{number('case.insert_length_mm'):g}",
        "insert_hole": f"{2 * it.insert_radius:g}",
        "foam": f"{it.foam:g}",
        "cell_tape": "{2:g} mm, {1:g} × {0:g}".format(*cell_tape()),
        "motor_across": f"{2 * it.motor_radius:g}",
        "carrier_holes": f"{it.carrier_length / PITCH_MM:.0f} × {it.carrier_width / PITCH_MM:.0f}",
        "sheet_width": f"{sheet_width():g}",
        "sheet_length": f"{it.cell_length:g}",
        "bridge": f"{BRIDGE_MOST:g}",
        "pillar": f"{it.pillar_y:g}",
        "leg": f"{number('case.leg_height_mm'):g}",
        "antenna": f"{number('case.antenna_length_mm'):g} × {number('case.antenna_width_mm'):g}",
        "antenna_off": f"{number('case.antenna_to_parts_least_mm'):g}",
        "wires": _wires(),
        "under_xiao": str(wiring.UNDER_XIAO_MM),
        "strap_width": f"{number('case.strap_width_most_mm'):g}",
        "button_height": f"{it.button_height:g}",
        "joint_height": f"{number('case.joint_height_mm'):g}",
        "lever": f"{number('case.slide_lever_mm'):g}",
        "trial": f"{number('motor.trial_mv') / 1000:.2f}",
        "start": f"{number('motor.start_typical_mv') / 1000:g}",
        "start_most": f"{number('motor.start_most_mv') / 1000:g}",
        "charge_room": f"{number('heat.charge_room_c'):g}",
        "charge_hours": _charge_hours(),
        "pads": _pads(out),
        "resistances": _resistances(drawn),
        "supply_path": measuring.words(measuring.supply_ohm(drawn)),
        "supply_least": measuring.words(SUPPLY_LEAST_OHM),
        "voltages": _voltages(drawn, SUPPLY_V),
        "selftest": _rows(
            ("line", "must say", "if not"), [(f"`{name}`", must, other) for name, must, other in SELFTEST]
        ),
        "only_people": _only_people(),
    }
    template = TEMPLATE.read_text("utf-8").partition("\n")[2]
    asked = set(re.findall("<<(.*?)>>", template))
    if asked != set(filled):
        raise ValueError(f"guide_template.md and guide.py differ in {', '.join(sorted(asked ^ set(filled)))}")
    return re.sub("<<(.*?)>>", lambda match: filled[match[1]], template)


def build(out: Path) -> list[Path]:
    """Write the guide."""
    path = out / "guide.md"
    path.write_text(text(out), "utf-8")
    return [path]


def check() -> list[str]:
    """What is wrong with what the guide is made of; empty if nothing is."""
    found: list[str] = []
    try:
        lid_screw()
        carrier_screw()
        one, *others = (measuring.resistances(netlist.committed(board)) for board in BOARDS)
    except (ValueError, KeyError) as wrong:
        return [str(wrong)]
    if any(other != one for other in others):
        found.append("the boards' resistors differ: the guide has to have a table for each")
    return found
