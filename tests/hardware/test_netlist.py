"""The committed netlist and schematic: they say the same, keep the rules, and planted faults are seen."""

import copy
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from twintap_hardware import boards, catalogue, measuring, netlist, rules, tracing
from twintap_hardware.circuit_parts import PARTS
from twintap_hardware.netlist import Netlist, Part, Pin
from twintap_hardware.places import BOARDS, OUT

BOARD = BOARDS[0]
# schemdraw writes 36 units of SVG for one of its own; geometry is in hundredths of those.
SVG_UNITS = 0.36


def drawn(board: str) -> Netlist:
    return netlist.committed(board)


def schematic(board: str) -> tracing.Drawing:
    return tracing.from_json((OUT / board / "schematic.json").read_text("utf-8"))


def with_pin(it: Netlist, pin: str, net: str | None) -> Netlist:
    """The netlist with one pin on another net."""
    designator, _, name = pin.partition(".")
    part = it.parts[designator]
    pins = part.pins | {name: Pin(name, part.pins[name].kind, net)}
    return replace(it, parts=it.parts | {designator: replace(part, pins=pins)})


def with_value(it: Netlist, designator: str, value: str) -> Netlist:
    return replace(it, parts=it.parts | {designator: replace(it.parts[designator], value=value)})


@pytest.mark.parametrize("board", BOARDS)
def test_the_netlist_reads_back_as_it_was_written(board: str) -> None:
    text = (OUT / board / "netlist.json").read_text("utf-8")
    assert netlist.to_json(netlist.from_json(text)) == text
    assert netlist.to_kicad(drawn(board)) == (OUT / board / "pulser.net").read_text("utf-8")


@pytest.mark.parametrize("board", BOARDS)
def test_every_part_is_of_a_kind_in_the_catalogue_with_its_pins(board: str) -> None:
    it = drawn(board)
    assert set(it.parts) == {"U1", *PARTS}
    for part in it.parts.values():
        kind = catalogue.kinds()[part.kind]
        assert part.value == kind.value
        if part.designator != "U1":
            assert {pin.name: pin.kind for pin in part.pins.values()} == dict(kind.pins)
    assert set(it.parts["U1"].pins) == {*boards.LEFT_PADS, *boards.RIGHT_PADS, *boards.CELL_PADS}


@pytest.mark.parametrize("board", BOARDS)
def test_the_circuit_keeps_its_rules(board: str) -> None:
    assert rules.circuit_breaches(drawn(board), boards.load(board)) == []


def test_the_roles_types_are_those_of_the_board_file() -> None:
    for board in BOARDS:
        pads = drawn(board).parts["U1"].pins
        for role in boards.roles(boards.load(board)).values():
            assert pads[role.pad].kind == role.direction, (board, role)


def test_the_values_that_a_board_file_s_notes_tell_are_the_circuit_s() -> None:
    for board in BOARDS:
        notes = " ".join(boards.load(board)["notes"])
        told = {float(value) for value in re.findall(r"([\d.]+) kOhm", notes)}
        assert told == {220, 100, 150, 10}
        has = {measuring.ohms(part.value) for part in drawn(board).parts.values() if part.value.endswith("Ω")}
        assert {value * 1_000 for value in told} <= has


FAULTS = [
    ("R2.1", None, "R2.1 is open"),
    ("R2.1", "MOTOR_PWM", "has its pull-down to ground"),
    ("R2.2", "3V3", "has its pull-down to ground"),
    ("R1.2", "MOTOR_PWM", "a resistor lies between the chip and the gate"),
    ("D1.K", "MOTOR_LOW", "the diode carries the motor's current on"),
    ("D1.A", "GND", "the diode carries the motor's current on"),
    ("M1.+", "3V3", "the diode carries the motor's current on"),
    ("S1.2", "3V3", "the button closes to ground"),
    ("R3.1", "VBAT", "the button closes to ground"),
    ("LED1.VDD", "USB5V", "the light has a full cell"),
    ("R4.1", "FUSED", "between the cell and its switch"),
    ("C1.+", "CELL", "between the cell and its switch"),
]


@pytest.mark.parametrize(("pin", "net", "says"), FAULTS)
@pytest.mark.parametrize("board", BOARDS)
def test_a_lead_on_the_wrong_net_breaks_a_rule(board: str, pin: str, net: str | None, says: str) -> None:
    found = rules.circuit_breaches(with_pin(drawn(board), pin, net), boards.load(board))
    assert any(says in each for each in found), found


@pytest.mark.parametrize("board", BOARDS)
def test_any_lead_on_any_other_net_breaks_a_rule(board: str) -> None:
    """A slip in circuit.py goes into netlist, layout and parts list alike: nothing but the rules sees it."""
    it, description = drawn(board), boards.load(board)
    for part in it.parts.values():
        for pin in part.pins.values():
            for net in {*it.nets(), None} - {pin.net}:
                moved = with_pin(it, f"{part.designator}.{pin.name}", net)
                found = rules.circuit_breaches(moved, description) + rules.crossing_breaches(
                    moved, description
                )
                assert found, (part.designator, pin.name, net)


@pytest.mark.parametrize("designator", ["D1", "C1", "BT1", "J1", "LED1"])
def test_a_part_that_is_the_wrong_way_round_breaks_a_rule(designator: str) -> None:
    it = drawn(BOARD)
    plus, minus = [pin for pin in it.parts[designator].pins.values() if pin.net is not None][:2]
    turned = with_pin(
        with_pin(it, f"{designator}.{plus.name}", minus.net), f"{designator}.{minus.name}", plus.net
    )
    assert rules.circuit_breaches(turned, boards.load(BOARD))


def test_a_mosfet_with_drain_and_source_swapped_breaks_a_rule() -> None:
    turned = with_pin(with_pin(drawn(BOARD), "Q1.D", "GND"), "Q1.S", "MOTOR_LOW")
    assert rules.circuit_breaches(turned, boards.load(BOARD))


VALUES = [
    ("C1", "100 µF 4 V", "bulk capacitor"),
    ("C1", "100 µF", "bulk capacitor"),
    ("R1", "68 Ω", "keeps the pin's current"),
    ("R7", "22 kΩ", "high level at the charge sign"),
    ("R7", "330 kΩ", "not above what the pin bears"),
]


@pytest.mark.parametrize(("designator", "value", "says"), VALUES)
def test_a_wrong_value_breaks_a_rule(designator: str, value: str, says: str) -> None:
    found = rules.circuit_breaches(with_value(drawn(BOARD), designator, value), boards.load(BOARD))
    assert any(says in each for each in found), found


def test_unequal_halves_of_the_divider_cannot_be_the_board_file_s_scale() -> None:
    found = rules.circuit_breaches(with_value(drawn(BOARD), "R4", "100 kΩ"), boards.load(BOARD))
    assert any("divider" in each for each in found), found


@pytest.mark.parametrize(("cap_pct", "breaks"), [(80, False), (88, False), (89, True), (100, True)])
def test_a_cap_above_what_the_motor_bears_on_any_reading_is_a_breach(cap_pct: int, breaks: bool) -> None:
    board: dict[str, Any] = copy.deepcopy(dict(boards.load(BOARD)))
    board["absolute_cap_pct"] = cap_pct
    found = rules.circuit_breaches(drawn(BOARD), board)
    assert any("cap" in each for each in found) == breaks


def test_a_board_file_that_reckons_with_another_cell_is_a_breach() -> None:
    board: dict[str, Any] = copy.deepcopy(dict(boards.load(BOARD)))
    board["battery"]["capacity_mah"] = 400
    found = rules.circuit_breaches(drawn(BOARD), board)
    assert any("the cell of the parts list" in each for each in found)


def test_a_value_that_is_no_resistance_is_refused() -> None:
    assert measuring.ohms("4.7 kΩ") == 4_700
    assert measuring.ohms("330 Ω") == 330
    for wrong in ("4k7", "10", "Ω", ""):
        with pytest.raises(ValueError, match="no resistor"):
            measuring.ohms(wrong)


# -- SKiDL's own rules check -----------------------------------------------------------------------------


def test_an_error_and_a_warning_of_the_rules_check_are_breaches_and_so_is_a_check_that_sees_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: dict[str, list[str]] = {"errors": ["a conflict"], "warnings": ["an open pin"]}
    text = (OUT / BOARD / "netlist.json").read_text("utf-8")

    def run(board: str, plant: str = "") -> dict[str, Any]:
        return {"netlist": json.loads(text), **(said if not plant else {"errors": [], "warnings": []})}

    monkeypatch.setattr(netlist, "run_circuit", run)
    netlist.build(tmp_path)
    found = netlist.check()
    for board in BOARDS:
        assert f"{board}: a conflict" in found
        assert f"{board}: an open pin" in found
    for plant in netlist.PLANTS:
        assert any(each.endswith(plant) for each in found)
    assert len(found) == 2 * len(BOARDS) + len(netlist.PLANTS)

    def fail(board: str, plant: str = "") -> dict[str, Any]:
        raise netlist.CircuitFailed("no such part")

    said.update(errors=[], warnings=[])
    netlist.build(tmp_path)
    monkeypatch.setattr(netlist, "run_circuit", fail)
    assert sum("no such part" in each for each in netlist.check()) == len(netlist.PLANTS)


# -- the schematic ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("board", BOARDS)
def test_what_the_schematic_connects_is_the_netlist(board: str) -> None:
    assert tracing.breaches(schematic(board), drawn(board)) == []


@pytest.mark.parametrize("board", BOARDS)
def test_the_picture_is_what_was_traced(board: str) -> None:
    svg = (OUT / board / "schematic.svg").read_text("utf-8")
    words = re.findall(r">([^<>]+)</tspan>", svg) or re.findall(r"<text[^>]*>([^<>]+)<", svg)
    printed = {word.strip() for word in words}
    geometry = schematic(board)
    for designator in drawn(board).parts:
        assert designator in printed, designator
    for name in {name for name, _ in geometry.names} - {"GND"}:
        assert name in printed, name
    for part in drawn(board).parts.values():
        assert part.value in printed, part.value
    for gpio, pad, _ in drawn(board).gpio.values():
        assert f"{pad}  GPIO{gpio}" in printed or f"GPIO{gpio}  {pad}" in printed
    paths = [
        {(round(float(x)), round(float(y))) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path)}
        for path in re.findall(r'<path d="([^"]+)"', svg)
    ]
    for wire in geometry.wires:
        ends = {(round(x * SVG_UNITS), round(-y * SVG_UNITS)) for x, y in wire}
        assert any(ends <= path for path in paths), wire


@pytest.mark.parametrize("board", BOARDS)
def test_every_net_stands_in_the_schematic_by_its_name(board: str) -> None:
    """The guide says between which nets to measure."""
    assert {name for name, _ in schematic(board).names} == set(drawn(board).nets())


def test_every_wire_of_the_schematic_is_needed() -> None:
    geometry, it = schematic(BOARD), drawn(BOARD)
    for index, wire in enumerate(geometry.wires):
        without = replace(geometry, wires=geometry.wires[:index] + geometry.wires[index + 1 :])
        assert tracing.breaches(without, it), wire


def test_a_missing_dot_a_wrong_name_and_a_short_are_seen() -> None:
    geometry, it = schematic(BOARD), drawn(BOARD)
    for index, dot in enumerate(geometry.dots):
        without = replace(geometry, dots=geometry.dots[:index] + geometry.dots[index + 1 :])
        ends_there = any(dot in wire for wire in geometry.wires)
        assert tracing.breaches(without, it) or ends_there, dot
    for index, (name, at) in enumerate(geometry.names):
        renamed = [*geometry.names]
        renamed[index] = ("BUTTON" if name != "BUTTON" else "VBAT", at)
        assert tracing.breaches(replace(geometry, names=renamed), it), name
    shorted = replace(geometry, wires=[*geometry.wires, (geometry.pins["R1.1"], geometry.pins["M1.+"])])
    assert any("joined" in each for each in tracing.breaches(shorted, it))


def test_swapped_leads_in_the_drawing_are_seen() -> None:
    geometry, it = schematic(BOARD), drawn(BOARD)
    for one, other in (("D1.A", "D1.K"), ("Q1.D", "Q1.S"), ("C1.+", "C1.-"), ("LED1.DIN", "LED1.DOUT")):
        pins = geometry.pins | {one: geometry.pins[other], other: geometry.pins[one]}
        assert tracing.breaches(replace(geometry, pins=pins), it), (one, other)


def test_a_wire_that_ends_on_another_without_a_dot_is_refused() -> None:
    part = Part("R1", "gate-series", "220 Ω", {"1": Pin("1", "PASSIVE", "A"), "2": Pin("2", "PASSIVE", "A")})
    it = Netlist("none", {"R1": part}, {})
    lines = [((0, 0), (200, 0)), ((100, 0), (100, 100))]
    drawing = tracing.Drawing("none", {"R1.1": (0, 0), "R1.2": (100, 100)}, lines, [], [])
    assert any("without a dot" in each for each in tracing.breaches(drawing, it))
    assert tracing.breaches(replace(drawing, dots=[(100, 0)]), it) == []


def test_crossing_wires_without_a_dot_stay_apart() -> None:
    pins = {
        f"R{number}": Part(
            f"R{number}",
            "pull-up",
            "100 kΩ",
            {"1": Pin("1", "PASSIVE", f"N{number}"), "2": Pin("2", "PASSIVE", f"N{number}")},
        )
        for number in (1, 2)
    }
    at = {"R1.1": (0, 50), "R1.2": (100, 50), "R2.1": (50, 0), "R2.2": (50, 100)}
    wires = [((0, 50), (100, 50)), ((50, 0), (50, 100))]
    it = Netlist("none", pins, {})
    assert tracing.breaches(tracing.Drawing("none", at, wires, [], []), it) == []
    assert tracing.breaches(tracing.Drawing("none", at, wires, [(50, 50)], []), it)


# -- what hardware/ stands on ----------------------------------------------------------------------------


def test_the_hardware_s_lock_pins_and_hashes_every_package_and_names_no_host() -> None:
    text = (Path(__file__).parents[2] / "hardware/requirements.lock").read_text("utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 50
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==\S+", entry), entry[:60]
        assert "--hash=sha256:" in entry, entry[:60]
    assert not re.search(r"https?://|--index|--find-links|@ ", text)
    wanted = (Path(__file__).parents[2] / "hardware/requirements.in").read_text("utf-8")
    for name in re.findall(r"^([a-z0-9-]+)[>=]", wanted, re.MULTILINE):
        assert re.search(rf"^{name}==", text, re.MULTILINE), name


def test_what_is_tested_here_needs_no_cad() -> None:
    names = (
        "facts catalogue boards netlist rules tracing bom stripboard stripboard_drawing outputs circuit_parts"
    )
    program = (
        "import sys, importlib\n"
        f"sys.path.insert(0, {str(Path(__file__).parents[2] / 'hardware')!r})\n"
        f"for name in {names.split()!r}: importlib.import_module('twintap_hardware.' + name)\n"
        "print(*sorted({'skidl', 'schemdraw', 'build123d', 'numpy', 'PIL', 'pyvista'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_the_outputs_hold_no_date_and_no_path() -> None:
    for board in BOARDS:
        for path in (OUT / board).glob("*.*"):
            if path.suffix not in (".json", ".csv", ".svg", ".net", ".md"):
                continue
            text = path.read_text("utf-8")
            assert not re.search(r"\b20[2-9]\d-\d\d-\d\d\b|/home/|/tmp/|/root/", text), path


def test_json_outputs_are_json() -> None:
    for board in BOARDS:
        for path in (OUT / board).glob("*.json"):
            json.loads(path.read_text("utf-8"))
