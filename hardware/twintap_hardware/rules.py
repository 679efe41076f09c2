"""What must hold of a netlist and its board file, beyond what SKiDL's rules check knows.

Pure: runs on out/*/netlist.json, on firmware/boards/*.json and on facts.toml, and so in `make test`.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import re
from collections.abc import Callable, Mapping
from typing import Any

from . import boards, netlist
from .facts import number, pins
from .measuring import ohms
from .motor_drive import most_mv
from .netlist import Netlist
from .places import BOARDS

# The chip's group in facts.toml, and the one of the board's pads.
CHIPS = {"esp32c3": "chip_c3", "esp32c6": "chip_c6", "esp32": "chip_esp32"}
PADS = {"esp32c3": "xiao_c3.pads", "esp32c6": "xiao_c6.pads"}
# The only pins, but for the XIAO's, that may be left open.
OPEN = frozenset({"LED1.DOUT"})
CONTROLLER = "U1"
_GROUNDS = ("BT1.-", "J1.-", "U1.GND", "U1.BAT-", "Q1.S", "LED1.GND")
# An electrolytic capacitor lives long well below the voltage that is printed on it.
_SPARE = 1.5


def pin_breaches(board: Mapping[str, Any]) -> list[str]:
    """What is wrong with the pins that a board file gives its roles; empty if nothing is.

    Strapping pins stay free, an input-only pin drives nothing, the flash's, USB's and console's pins are
    left alone, the battery is read by ADC1 (ADC2 is the radio's), the button can wake the chip, and no
    motor's gate sits where the chip pulls up before any code runs.
    """
    group = CHIPS[board["chip"]]
    found: list[str] = []

    def breach(role: boards.Role, why: str) -> None:
        found.append(f"{board['board_id']}: GPIO{role.gpio} ({role.name}) {why}")

    used: dict[int, str] = {}
    for role in boards.roles(board).values():
        if role.gpio in used:
            breach(role, f"is {used[role.gpio]}'s too")
        used[role.gpio] = role.name
        for fact, why in (
            ("strapping", "is a strapping pin"),
            ("flash_usb", "is the flash's or USB's"),
            ("console", "is the serial console's"),
        ):
            if role.gpio in pins(f"{group}.{fact}"):
                breach(role, why)
        if role.direction == "OUTPUT" and role.gpio in pins(f"{group}.input_only"):
            breach(role, "can only be read")
        if role.name == "battery" and role.gpio not in pins(f"{group}.adc1"):
            breach(role, "is not on ADC1")
        if role.name == "button" and role.gpio not in pins(f"{group}.wakes"):
            breach(role, "cannot wake the chip")
        if role.name == "motor" and role.gpio in pins(f"{group}.pulled_up_at_reset"):
            breach(role, "is pulled up before any code runs: the motor would start by itself")
        if board["chip"] in PADS:
            from_maker = netlist_pads(board["chip"])
            if from_maker.get(role.pad) != role.gpio:
                breach(role, f"is not at {role.pad}: the maker has GPIO{from_maker.get(role.pad)} there")
    return found


def netlist_pads(chip: str) -> dict[str, int]:
    """Pad to GPIO of the XIAO with that chip, as its maker has it: D0 to D10."""
    from .facts import fact

    value = fact(PADS[chip]).value
    assert isinstance(value, tuple)
    return {f"D{index}": gpio for index, gpio in enumerate(value)}


def crossing_breaches(drawn: Netlist, board: Mapping[str, Any]) -> list[str]:
    """Where the netlist's pins are not the board file's."""
    found: list[str] = []
    wanted = boards.roles(board)
    for role in wanted.values():
        gpio, pad, net = drawn.gpio.get(role.name, (-1, "", ""))
        if (gpio, pad) != (role.gpio, role.pad):
            found.append(
                f"{drawn.board}: {role.name} is drawn at {pad} (GPIO{gpio}), the board file says {role.pad}"
            )
        elif drawn.net(f"{CONTROLLER}.{pad}") != net:
            found.append(
                f"{drawn.board}: {CONTROLLER}.{pad} is on {drawn.net(f'{CONTROLLER}.{pad}')}, not on {net}"
            )
    used = {role.pad for role in wanted.values()}
    found += [
        f"{drawn.board}: {CONTROLLER}.{pad} is wired, and the board file gives it no role"
        for pad, pin in drawn.parts[CONTROLLER].pins.items()
        if pad.startswith("D") and pad not in used and pin.net is not None
    ]
    if found_extra := set(drawn.gpio) - set(wanted):
        found.append(f"{drawn.board}: {', '.join(sorted(found_extra))}: no such role in the board file")
    return found


def circuit_breaches(drawn: Netlist, board: Mapping[str, Any]) -> list[str]:
    """What is wrong with the circuit itself: guards that are not there, levels outside what parts bear."""
    found: list[str] = []
    for name, connected in drawn.nets().items():
        if len(connected) < 2:
            found.append(f"net {name} has one pin: {', '.join(connected)}")
    for part in drawn.parts.values():
        found += [
            f"{part.designator}.{pin.name} is open"
            for pin in part.pins.values()
            if pin.net is None
            and part.designator != CONTROLLER
            and f"{part.designator}.{pin.name}" not in OPEN
        ]
    for says, holds in _RULES:
        try:
            kept = holds(drawn, board)
        except (KeyError, ValueError) as missing:
            found.append(f"{says}: cannot be checked, {missing!s} is missing")
            continue
        if not kept:
            found.append(says)
    return [f"{drawn.board}: {each}" for each in found]


def _between(drawn: Netlist, kind: str, one: str, other: str) -> bool:
    return any(
        part.kind == kind and {pin.net for pin in part.pins.values()} == {one, other}
        for part in drawn.parts.values()
    )


def _value(drawn: Netlist, kind: str) -> float:
    values = {ohms(part.value) for part in drawn.parts.values() if part.kind == kind}
    if len(values) != 1:
        raise KeyError(kind)
    return values.pop()


def _bears_mv(drawn: Netlist, kind: str) -> float:
    """The voltage that is printed on a capacitor (`100 µF 10 V`)."""
    found = [re.search(r"([\d.]+) V$", part.value) for part in drawn.parts.values() if part.kind == kind]
    if len(found) != 1 or found[0] is None:
        raise KeyError(f"{kind}'s voltage")
    return float(found[0][1]) * 1_000


def _charge_level(drawn: Netlist, usb_mv: float) -> float:
    upper, lower = _value(drawn, "charge-upper"), _value(drawn, "charge-lower")
    return usb_mv * lower / (upper + lower)


_RULES: tuple[tuple[str, Callable[[Netlist, Mapping[str, Any]], bool]], ...] = (
    (
        "the motor's gate has its pull-down to ground, at the gate itself",
        lambda drawn, board: _between(drawn, "gate-pull-down", "GATE", "GND") and drawn.net("Q1.G") == "GATE",
    ),
    (
        "a resistor lies between the chip and the gate",
        lambda drawn, board: _between(drawn, "gate-series", "MOTOR_PWM", "GATE"),
    ),
    (
        "the gate's resistor keeps the pin's current inside what it bears",
        lambda drawn, board: (
            number("chip.supply_mv") / _value(drawn, "gate-series") < number("chip.pin_current_max_ma")
        ),
    ),
    (
        "the diode carries the motor's current on: anode at the drain, cathode at the motor's supply",
        lambda drawn, board: (
            drawn.net("D1.A") == drawn.net("Q1.D") == drawn.net("M1.-")
            and drawn.net("D1.K") == drawn.net("M1.+") == "VBAT"
        ),
    ),
    (
        "the MOSFET is on with the least that the pin gives",
        lambda drawn, board: number("chip.pin_high_mv") >= number("mosfet.gate_guaranteed_mv"),
    ),
    (
        "the motor at the board's cap, on a full cell that is read as empty, stays inside what it bears",
        lambda drawn, board: most_mv(board) <= number("motor.max_mv"),
    ),
    (
        "the board file reckons with the cell of the parts list",
        lambda drawn, board: (
            board["battery"]["capacity_mah"] == number("cell.capacity_mah")
            and drawn.parts["BT1"].value.startswith(f"{board['battery']['capacity_mah']} mAh")
        ),
    ),
    (
        "two equal resistors halve the cell's voltage, as the board file's scale_pct has it",
        lambda drawn, board: (
            board["battery"]["scale_pct"] == 200
            and bool(_value(drawn, "divider"))
            and _between(drawn, "divider", "VBAT", "BATTERY_SENSE")
            and _between(drawn, "divider", "BATTERY_SENSE", "GND")
        ),
    ),
    (
        "a capacitor holds the divider's middle for the ADC, another one the light's supply",
        lambda drawn, board: (
            _between(drawn, "decoupling", "BATTERY_SENSE", "GND")
            and _between(drawn, "decoupling", "VBAT", "GND")
        ),
    ),
    (
        "the charge sign is parted from USB's 5 V by its two resistors",
        lambda drawn, board: (
            _between(drawn, "charge-upper", "USB5V", "CHARGE_SENSE")
            and _between(drawn, "charge-lower", "CHARGE_SENSE", "GND")
        ),
    ),
    (
        "USB's 5 V and the board's 3.3 V go to one resistor each, and never to the cell",
        lambda drawn, board: (
            drawn.nets()["USB5V"] == frozenset({"U1.5V", "R6.1"})
            and drawn.nets()["3V3"] == frozenset({"U1.3V3", "R3.1"})
        ),
    ),
    (
        "the cell's supply comes from the switch alone, and every ground is the cell's",
        lambda drawn, board: (
            [drawn.net(pin) for pin in ("SW1.2", "U1.BAT+")] == ["VBAT"] * 2
            and [drawn.net(pin) for pin in _GROUNDS] == ["GND"] * len(_GROUNDS)
        ),
    ),
    (
        "the bulk capacitor stands with + on the cell's supply, and bears half as much again as a full cell",
        lambda drawn, board: (
            (drawn.net("C1.+"), drawn.net("C1.-")) == ("VBAT", "GND")
            and _bears_mv(drawn, "bulk") >= number("cell.full_mv") * _SPARE
        ),
    ),
    (
        "a full cell stays inside what the ADC reads",
        lambda drawn, board: (
            number("cell.full_mv") * 100 / board["battery"]["scale_pct"] < number("chip.adc_top_mv")
        ),
    ),
    (
        "USB's least is a high level at the charge sign, its most is not above what the pin bears",
        lambda drawn, board: (
            _charge_level(drawn, number("usb.min_mv")) > number("chip.input_high_mv")
            and _charge_level(drawn, number("usb.max_mv")) <= number("chip.input_max_mv")
        ),
    ),
    (
        "the button closes to ground and is held open by a resistor to 3V3",
        lambda drawn, board: (
            _between(drawn, "button", "BUTTON", "GND")
            and _between(drawn, "pull-up", "BUTTON", "3V3")
            and board["button"]["pressed"] == 0
        ),
    ),
    (
        "between the cell and its switch there is its lead and its fuse, and nothing else",
        lambda drawn, board: (
            drawn.nets()["CELL"] == frozenset({"BT1.+", "J1.+", "F1.1"})
            and drawn.nets()["FUSED"] == frozenset({"F1.2", "SW1.1"})
        ),
    ),
    (
        "the light has a full cell inside its supply's limits",
        lambda drawn, board: (
            number("light.supply_min_mv") <= number("cell.full_mv") <= number("light.supply_max_mv")
            and drawn.net("LED1.VDD") == "VBAT"
        ),
    ),
    (
        "the light's data come through their resistor, and its own way out stays open",
        lambda drawn, board: (
            _between(drawn, "light-series", "LIGHT_PAD", "LIGHT_DATA")
            and drawn.net("LED1.DIN") == "LIGHT_DATA"
            and drawn.net("LED1.DOUT") is None
        ),
    ),
    (
        "the chip's high level is one for the light, on a full cell",
        lambda drawn, board: (
            number("cell.full_mv") * number("light.input_high_pct") / 100 < number("chip.supply_mv")
        ),
    ),
)


def check() -> list[str]:
    """All breaches of the committed netlists."""
    found: list[str] = []
    for name in BOARDS:
        board, drawn = boards.load(name), netlist.committed(name)
        found += pin_breaches(board) + crossing_breaches(drawn, board) + circuit_breaches(drawn, board)
    return found
