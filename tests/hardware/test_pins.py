"""The pins in the drawing, in the board files and in the running firmware are one and the same.

What the firmware takes is found by running it: the chip's port in a real MicroPython VM over stand-ins for
`machine`, whose pins are moved one by one (`taken_pins_vm`).
"""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.firmware import pulser_parts
from twintap_board.sources import firmware_dir, protocol_dir
from twintap_hardware import boards, netlist, rules
from twintap_hardware.places import BOARDS, OUT

HERE = Path(__file__).parent
STAND_INS = HERE.parent / "firmware"
FILES = {path.stem: path for path in sorted((firmware_dir() / "boards").glob("*.json"))}
REAL = [name for name in FILES if name != "virtual"]
GPIOS = range(49)


def fields_of(board: str) -> dict[str, Any]:
    return json.loads(FILES[board].read_text("utf-8"))


def taken_by_firmware(board: str, folder: Path) -> dict[str, Any]:
    """The GPIO numbers that the chip's port takes, by what it does with them."""
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    path = os.pathsep.join((str(firmware_dir()), str(protocol_dir()), str(STAND_INS), ".frozen"))
    done = subprocess.run(
        [sys.executable, "-m", "micropython_unix", str(HERE / "taken_pins_vm.py"), str(FILES[board])],
        env=os.environ | {"MICROPYPATH": path},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert lines[-1:] == ["ok"], done.stdout + done.stderr
    return json.loads(lines[-2])


@pytest.mark.parametrize("board", REAL)
def test_the_running_firmware_takes_the_pins_of_its_board_file_and_no_others(
    board: str, tmp_path: Path
) -> None:
    fields = fields_of(board)
    taken = taken_by_firmware(board, tmp_path)
    said = {role: [part["pin"]] if part else [] for role, part in fields.items() if role in
            ("button", "battery", "charge", "light")}  # fmt: skip
    assert {role: taken[role] for role in said} == said
    motor = fields["motor"]
    if motor["driver"] == "pwm":
        assert taken["motor"] == [motor["pin"]]
        driven = [motor["pin"]]
    else:
        assert taken["bus"] == [motor["scl"], motor["sda"]]
        assert taken["enable"] == [motor["enable_pin"]]
        driven = [*taken["bus"], *taken["enable"]]
    assert taken["steady"] == {str(one["pin"]): one["level"] for one in fields.get("steady", [])}
    assert taken["wakes"] == [fields["button"]["pin"]]
    used = [*driven, *(pin for pins in said.values() for pin in pins), *map(int, taken["steady"])]
    assert taken["all"] == sorted(used)


@pytest.mark.parametrize("board", BOARDS)
def test_the_drawing_wires_what_the_running_firmware_takes(board: str, tmp_path: Path) -> None:
    taken = taken_by_firmware(board, tmp_path)
    drawn = netlist.committed(board)
    assert {role: [gpio] for role, (gpio, _, _) in drawn.gpio.items()} == {
        role: taken[role] for role in boards.DIRECTIONS
    }
    # By the chip's own numbers: each pad that a net runs to carries a GPIO that the firmware takes for it.
    pads = rules.netlist_pads(fields_of(board)["chip"])
    wired = {
        pads[pad]: pin.net
        for pad, pin in drawn.parts[rules.CONTROLLER].pins.items()
        if pad in pads and pin.net
    }
    assert wired == {gpio: net for gpio, _, net in drawn.gpio.values()}
    schematic = json.loads((OUT / board / "schematic.json").read_text("utf-8"))
    assert {f"{rules.CONTROLLER}.{pad}" for _, pad, _ in drawn.gpio.values()} <= set(schematic["pins"])


@pytest.mark.parametrize("board", BOARDS)
def test_the_committed_netlist_is_the_board_files_and_keeps_the_pins_rules(board: str) -> None:
    drawn = netlist.committed(board)
    assert rules.crossing_breaches(drawn, boards.load(board)) == []
    assert rules.pin_breaches(boards.load(board)) == []


@pytest.mark.parametrize("role", boards.DIRECTIONS)
@pytest.mark.parametrize("board", BOARDS)
def test_a_pin_moved_in_the_board_file_alone_is_noticed(board: str, role: str) -> None:
    drawn = netlist.committed(board)
    moved = copy.deepcopy(dict(boards.load(board)))
    free = next(pad for pad in ("D4", "D9", "D8") if pad not in moved["pads"].values())
    gpio = rules.netlist_pads(moved["chip"])[free]
    moved[role]["pin"] = gpio
    moved["pads"][str(gpio)] = free
    assert any(f"{role} is drawn at" in each for each in rules.crossing_breaches(drawn, moved))


WRONG = [
    ("xiao-esp32c3", "motor", 2, "strapping"),
    ("xiao-esp32c3", "light", 8, "strapping"),
    ("xiao-esp32c3", "motor", 21, "console"),
    ("xiao-esp32c3", "battery", 5, "ADC1"),
    ("xiao-esp32c3", "button", 6, "wake"),
    ("xiao-esp32c3", "charge", 4, "battery's too"),
    ("xiao-esp32c6", "motor", 23, "start by itself"),
    ("xiao-esp32c6", "light", 15, "strapping"),
    ("xiao-esp32c6", "charge", 12, "USB"),
    ("xiao-esp32c6", "battery", 18, "ADC1"),
    ("esp32-devkit", "motor", 34, "only be read"),
    ("esp32-devkit", "light", 35, "only be read"),
    ("esp32-devkit", "charge", 12, "strapping"),
]


def with_pin(board: str, role: str, gpio: int) -> dict[str, Any]:
    """A board file with one role elsewhere; the bare DevKit gets a battery and a charger's sign first."""
    fields = fields_of(board)
    fields["battery"] = fields["battery"] or {"pin": 32, "scale_pct": 200, "capacity_mah": 400}
    fields["charge"] = fields["charge"] or {"pin": 33, "present": 1}
    fields[role]["pin"] = gpio
    # Every number at a pad of its own, so that only what the chip cannot do is wrong.
    fields["pads"] = {str(each): f"IO{each}" for each in GPIOS}
    return fields


@pytest.mark.parametrize(("board", "role", "gpio", "why"), WRONG)
def test_a_strapping_or_input_only_pin_used_wrongly_fails_here_and_on_the_pulser(
    board: str, role: str, gpio: int, why: str
) -> None:
    fields = with_pin(board, role, gpio)
    assert any(f"GPIO{gpio} ({role})" in each and why in each for each in rules.pin_breaches(fields))
    parts = pulser_parts.board_file
    with pytest.raises(parts.BoardError, match=f"GPIO{gpio} "):
        parts.BoardFile(fields)


@pytest.mark.parametrize("board", [*BOARDS, "esp32-devkit"])
@pytest.mark.parametrize("role", boards.DIRECTIONS)
def test_no_pin_that_the_pulser_takes_breaks_a_rule_of_the_drawing(board: str, role: str) -> None:
    parts = pulser_parts.board_file
    allowed: list[int] = []
    for gpio in GPIOS:
        fields = with_pin(board, role, gpio)
        try:
            parts.BoardFile(fields)
        except parts.BoardError:
            continue
        allowed.append(gpio)
        breaches = [each for each in rules.pin_breaches(fields) if "is not at" not in each]
        assert breaches == [], gpio
    assert allowed
