"""The guide names nothing that is not there: files, parts, nets, commands, the self-test's lines."""

import ast
import dataclasses
import json
import re
import shlex
from pathlib import Path

import pytest

from twintap import selftest
from twintap.cli import arguments
from twintap_board.sources import firmware_dir
from twintap_hardware import guide, measuring, netlist, safety, wiring
from twintap_hardware.catalogue import kinds
from twintap_hardware.places import BOARDS, HARDWARE, OUT, PACKAGE

GUIDE = (OUT / "guide.md").read_text("utf-8")
README = HARDWARE / "README.md"
CODE = re.findall(r"`([^`\n]+)`", GUIDE)
PULSER = "a0b1c2fffed3e4f5"
DRAWN = {board: netlist.committed(board) for board in BOARDS}


def links(path: Path) -> list[str]:
    return re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text("utf-8"))


def told_by_firmware() -> tuple[set[str], str]:
    """The names of the lines that selftest.py of the firmware makes, and its text."""
    source = (firmware_dir() / "twintap_pulser/selftest.py").read_text("utf-8")
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "told":
            assert isinstance(node.slice, ast.Constant)
            found.add(str(node.slice.value))
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "told":
            assert isinstance(node.value, ast.Dict)
            found |= {str(key.value) for key in node.value.keys if isinstance(key, ast.Constant)}
    return found, source


def commands() -> list[list[str]]:
    """The twintap commands in the guide: in blocks, and in the text with at least one word."""
    lines = [
        line.strip().removeprefix(".venv/bin/")
        for line in GUIDE.splitlines()
        if line.startswith("    .venv/bin/twintap")
    ]
    lines += [
        code.removeprefix(".venv/bin/") for code in CODE if re.match(r"(\.venv/bin/)?twintap \S+ \S", code)
    ]
    return [shlex.split(line)[1:] for line in lines]


@pytest.mark.parametrize("path", [OUT / "guide.md", README], ids=["guide", "readme"])
def test_every_file_and_picture_that_is_linked_is_there(path: Path) -> None:
    found = links(path)
    assert len(found) > 8
    assert [link for link in found if not (path.parent / link).exists()] == []


def test_every_picture_and_every_printed_file_is_in_the_guide() -> None:
    named = {Path(link).name for link in links(OUT / "guide.md")}
    made = {path.name for folder in ("pictures", "case") for path in (OUT / folder).iterdir()}
    assert len(made) > 20
    assert made <= named


def test_the_committed_guide_is_the_one_that_is_built(tmp_path: Path) -> None:
    (path,) = guide.build(tmp_path)
    assert path.read_text("utf-8") == GUIDE, "run make hardware"
    assert guide.check() == []


def test_every_line_of_the_self_test_is_in_the_guide_and_no_other() -> None:
    told, source = told_by_firmware()
    assert tuple(name for name, _, _ in guide.SELFTEST) == selftest.PARTS
    assert {name for name, _, _ in guide.SELFTEST} == told
    for words in (
        "no fault is known",
        "it is up",
        "it is pressed",
        "a charger is plugged in",
        "shone white for a second",
    ):
        assert words in source
        assert any(words in must for _, must, _ in guide.SELFTEST)


def test_every_part_that_the_guide_names_is_in_the_netlist_of_each_board() -> None:
    named = {code for code in CODE if re.fullmatch(r"(BT|J|F|SW|M|Q|D|R|C|S|LED|U)\d+", code)}
    assert {"R1", "Q1", "SW1", "LED1"} <= named
    for drawn in DRAWN.values():
        assert named <= set(drawn.parts)


def test_every_part_of_the_parts_list_comes_up_in_a_step() -> None:
    sections = re.split(r"^## ", GUIDE, flags=re.M)
    steps = "".join(each for each in sections if each.startswith(("3. Solder", "6. Put it into the case")))
    named = set(re.findall(r"`([A-Z]+\d+)`", steps))
    for first, last in re.findall(r"`R(\d+)` to `R(\d+)`", steps):
        named |= {f"R{number}" for number in range(int(first), int(last) + 1)}
    called = {"U1": "XIAO", "BT1": "cell", "M1": "motor", "LED1": "light", "SW1": "switch"}
    named |= {designator for designator, word in called.items() if word in steps}
    for drawn in DRAWN.values():
        assert set(drawn.parts) <= named
    # What no net runs through, by the words that the steps have for it.
    words = {
        "stripboard": "Saw the board",
        "headers": "rows of pins",
        "wire": "Cut the wires as long as the table says",
        "link-wire": "Links",
    }
    assert {name for name, kind in kinds().items() if kind.each} == set(words)
    assert [name for name, word in words.items() if word not in steps] == []


def test_sections_and_steps_are_numbered_without_a_gap_and_sections_that_are_named_are_there() -> None:
    sections = [int(number) for number in re.findall(r"^## (\d+)\. ", GUIDE, flags=re.M)]
    assert sections == list(range(1, len(sections) + 1))
    for section in re.split(r"^## ", GUIDE, flags=re.M)[1:]:
        steps = [int(number) for number in re.findall(r"^(\d+)\. ", section.partition("\n")[2], flags=re.M)]
        assert steps == list(range(1, len(steps) + 1)), section[:30]
    named = {int(number) for number in re.findall(r"section (\d+)", GUIDE)}
    assert named
    assert named <= set(sections)


def test_every_bundle_of_wires_is_in_the_guide_with_its_length() -> None:
    for each in wiring.wires():
        if not each.comes:
            row = rf"\| {re.escape(guide.in_code(each.name))} \| {len(each.pins)} \| {each.length} mm \|"
            assert re.search(row, GUIDE), each.name


def test_every_net_that_the_guide_names_is_in_the_netlist_of_each_board() -> None:
    named = {
        code
        for code in CODE
        if re.fullmatch(r"[A-Z0-9]+(_[A-Z]+)+|VBAT|GND|3V3|USB5V|GATE|CELL|FUSED|BUTTON", code)
    }
    assert {"VBAT", "MOTOR_LOW", "BATTERY_SENSE"} <= named
    for drawn in DRAWN.values():
        assert named <= set(drawn.nets())


def test_every_command_of_the_guide_can_be_typed() -> None:
    found = commands()
    assert {words[0] for words in found} >= {"flash", "selftest", "pair", "identify", "swap", "doctor"}
    for words in found:
        if words[0] == "flash":  # it has a parser of its own, and only these words
            assert words[2] == "--board"
            assert words[3] in BOARDS
        else:
            ours = [PULSER if word == "PULSER" else word for word in words]
            assert arguments.parse(ours) is not None


def test_what_only_people_can_do_is_in_the_guide_word_for_word() -> None:
    asked = [each.does for hazard in safety.load().hazards for each in hazard.measures if each.by == "guide"]
    assert len(asked) > 8
    assert [does for does in asked if does not in GUIDE] == []


def test_the_resistances_to_measure_follow_the_netlist() -> None:
    drawn = DRAWN[BOARDS[0]]
    was = {each.designators[0]: each for each in measuring.resistances(drawn)}
    assert was["R2"].nets == ("GATE", "GND")
    assert was["R2"].shown == "9 kΩ to 11 kΩ"
    other = dataclasses.replace(drawn.parts["R2"], value="4.7 kΩ")
    changed = dataclasses.replace(drawn, parts=drawn.parts | {"R2": other})
    assert {each.designators[0]: each for each in measuring.resistances(changed)}["R2"].ohm == 4_700
    shorted = dataclasses.replace(
        other, pins={name: dataclasses.replace(pin, net="GND") for name, pin in other.pins.items()}
    )
    with pytest.raises(measuring.NotMeasurable, match="R2"):
        measuring.resistances(dataclasses.replace(drawn, parts=drawn.parts | {"R2": shorted}))


def test_what_a_meter_cannot_read_beside_a_large_capacitor_is_measured_with_a_clip() -> None:
    for drawn in DRAWN.values():
        assert measuring.bridged(drawn) == {"VBAT": "GND"}
        assert "join `VBAT` and `GND` with a clip" in GUIDE
        with_clip = {each.designators: each for each in measuring.with_clip(drawn)}
        assert {name for names in with_clip for name in names} == {f"R{number}" for number in range(1, 9)}
        assert with_clip["R4", "R5"].ohm == pytest.approx(110_000)
        assert with_clip[("R2",)].nets == ("GATE", "GND")
        # Each of them has its own two nets to put the leads on: no two rows ask for the same places.
        assert len({each.nets for each in with_clip.values()}) == len(with_clip)
        assert measuring.supply_ohm(drawn) > 2 * guide.SUPPLY_LEAST_OHM


def test_a_resistor_straight_across_the_supply_is_not_overlooked() -> None:
    drawn = DRAWN[BOARDS[0]]
    other = dataclasses.replace(drawn.parts["R3"], pins=drawn.parts["C1"].pins)
    with pytest.raises(measuring.NotMeasurable, match="VBAT and GND"):
        measuring.supply_ohm(dataclasses.replace(drawn, parts=drawn.parts | {"R3": other}))


def section(number: int) -> str:
    return re.split(rf"^## {number}\. ", GUIDE, flags=re.M)[1].partition("\n## ")[0]


def test_diode_and_mosfet_are_measured_each_way_round_before_motor_and_light_lie_beside_them() -> None:
    before, _, after = section(4).partition("Solder the light's three wires and the motor's two.")
    assert "No XIAO, no motor, no light" in before
    assert "winding" in after
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| (.+?) \|", before, flags=re.M)
    shown = {(red, black): must for red, black, must in rows if "V" in must}
    for drawn in DRAWN.values():
        diode, mosfet = drawn.parts["D1"].pins, drawn.parts["Q1"].pins
        for anode, cathode in (
            (diode["A"].net, diode["K"].net),
            (mosfet["S"].net, mosfet["D"].net),  # its own diode
        ):
            assert anode
            assert cathode
            assert shown[anode, cathode].startswith("0.")
            assert "open" in shown[cathode, anode]


def test_what_a_step_needs_was_done_in_a_step_before_it() -> None:
    for first, then in (
        ("Try the motor now", "Cut the wires as long"),
        ("Solder a wire of", "Put it on its pins"),
        ("press the antenna's plug on now", "Feed `J1` from the supply"),
        ("polarity of the cell's plug", "Feed `J1` from the supply"),
        (".venv/bin/twintap flash", ".venv/bin/twintap serve"),
        (".venv/bin/twintap serve", ".venv/bin/twintap pair"),
        (".venv/bin/twintap pair", ".venv/bin/twintap identify"),
        ("the id that stands\nbelow as `PULSER`", ".venv/bin/twintap identify PULSER"),
        ("**Plug the cell in**", "**Close.**"),
    ):
        assert 0 < GUIDE.index(first) < GUIDE.index(then), first


def test_each_number_of_the_exploded_view_is_the_step_that_puts_the_part_in() -> None:
    source = ast.parse((PACKAGE / "scenes.py").read_text("utf-8"))
    (calls,) = (
        node.value
        for node in source.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id == "_CALLS"
    )
    labels = [label for label, _ in ast.literal_eval(calls)]
    assert len(labels) == 14
    steps = {
        int(step.partition(".")[0]): step.lower()
        for step in re.split(r"^(?=\d+\. \*\*)", section(6), flags=re.M)[1:]
    }
    for label in labels:
        number, _, name = label.partition("(")[0].partition(" ")
        words = [word for word in name.split() if word.isalpha() and word.islower() and len(word) > 3]
        words = words or [name]
        assert [word for word in words if word not in steps[int(number)]] == [], label


def test_every_tool_that_a_step_asks_for_is_in_the_list_of_tools() -> None:
    tools = section(1).partition("Tools:")[2]
    asked = {
        "Saw the board": "saw",
        "with a lens": "lens",
        "Brush off": "brush",
        "drill 2.2 mm": "2.2 mm",
        "drill the cuts": "3.5 mm",
        "sand it": "sandpaper",
        "the beeper": "beeper",
        "In diode mode": "diode mode",
        "four screws by turns": "screwdrivers",
        "Feed `J1` from the supply": "fits `J1`",
        "now limited to 0.6 A": "0.6 A",
        "USB cable in": "USB cable",
    }
    for step, tool in asked.items():
        assert step in GUIDE, step
        assert tool in tools, tool


def test_the_dividers_stand_where_the_board_file_reads_them() -> None:
    for board, drawn in DRAWN.items():
        fields = json.loads((firmware_dir() / "boards" / f"{board}.json").read_text("utf-8"))
        assert measuring.half_of_supply(drawn) * fields["battery"]["scale_pct"] == pytest.approx(100)
        assert measuring.part_of_usb(drawn) == pytest.approx(0.6)
