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
from twintap_hardware import guide, measuring, netlist, safety
from twintap_hardware.places import BOARDS, HARDWARE, OUT

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


def test_the_dividers_stand_where_the_board_file_reads_them() -> None:
    for board, drawn in DRAWN.items():
        fields = json.loads((firmware_dir() / "boards" / f"{board}.json").read_text("utf-8"))
        assert measuring.half_of_supply(drawn) * fields["battery"]["scale_pct"] == pytest.approx(100)
        assert measuring.part_of_usb(drawn) == pytest.approx(0.6)
