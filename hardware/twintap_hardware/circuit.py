"""One pulser's circuit, in SKiDL: `python -m twintap_hardware.circuit BOARD [FAULT]` prints it as JSON.

Run by netlist.run_circuit in a folder of its own, because SKiDL writes files where it stands. The pins come
from firmware/boards/BOARD.json and from nowhere else.

FAULT puts a mistake in on purpose, to see that the rules check finds it: one of netlist.PLANTS.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

import builtins
import json
import logging
import sys
from typing import Any

from skidl import ERC, POWER, Net
from skidl.logger import erc_logger
from skidl.net import NCNet

from . import boards
from .circuit_parts import PARTS
from .netlist import FORMAT
from .parts import template, xiao_pins
from .rules import OPEN

# What hands the cell's power on from one pin to the other, and is passive to the rules check.
CARRIES = ("F1", "SW1")


def wiring(roles: dict[str, boards.Role]) -> dict[str, list[str]]:
    """The nets: name to pins. The role's pads are the only thing that differs from board to board."""
    pad = {name: f"U1.{role.pad}" for name, role in roles.items()}
    return {
        # The cell, its fuse, its switch. U1's cell pads come after the switch: off is off, and no charging.
        "CELL": ["BT1.+", "J1.+", "F1.1"],
        "FUSED": ["F1.2", "SW1.1"],
        "VBAT": ["SW1.2", "U1.BAT+", "C1.+", "M1.+", "D1.K", "R4.1", "LED1.VDD", "C3.1"],
        "GND": [
            *("BT1.-", "J1.-", "U1.GND", "U1.BAT-", "C1.-", "Q1.S", "R2.2", "S1.2", "R5.2", "C2.2", "R7.2"),
            *("LED1.GND", "C3.2"),
        ],
        "3V3": ["U1.3V3", "R3.1"],
        "USB5V": ["U1.5V", "R6.1"],
        # The motor: low side, so that its gate is driven from the chip's own 3.3 V.
        "MOTOR_PWM": [pad["motor"], "R1.1"],
        "GATE": ["R1.2", "R2.1", "Q1.G"],
        "MOTOR_LOW": ["Q1.D", "M1.-", "D1.A"],
        "BUTTON": [pad["button"], "R3.2", "S1.1"],
        "BATTERY_SENSE": [pad["battery"], "R4.2", "R5.1", "C2.1"],
        "CHARGE_SENSE": [pad["charge"], "R6.2", "R7.1"],
        "LIGHT_PAD": [pad["light"], "R8.1"],
        "LIGHT_DATA": ["R8.2", "LED1.DIN"],
    }


def open_pins(roles: dict[str, boards.Role]) -> list[str]:
    """The pins that are left open on purpose: pads without a role, and what rules.OPEN names.

    Any other open pin is a slip, and the rules check's to find.
    """
    used = {role.pad for role in roles.values()}
    return [
        f"U1.{pad}" for pad in boards.LEFT_PADS + boards.RIGHT_PADS if pad[0] == "D" and pad not in used
    ] + [*sorted(OPEN)]


def carried(nets: dict[str, list[str]]) -> set[str]:
    """The nets that the cell's + reaches through fuse and switch."""
    net_of = {pin: name for name, connected in nets.items() for pin in connected}
    reached = {net_of["BT1.+"]} if "BT1.+" in net_of else set()
    for _ in CARRIES:
        for designator in CARRIES:
            ends = {net_of[pin] for pin in (f"{designator}.1", f"{designator}.2") if pin in net_of}
            if len(ends) == 2 and ends & reached:
                reached |= ends
    return reached


def _plant(nets: dict[str, list[str]], roles: dict[str, boards.Role], plant: str) -> None:
    """Put a fault in: pins that leave their nets, and the net that they go to, if any."""
    pins, goes_to = {
        "two-outputs": ([f"U1.{roles['light'].pad}"], "MOTOR_PWM"),
        "two-supplies": (["U1.3V3"], "USB5V"),
        "no-cell": (["BT1.+"], ""),
        "no-switch": (["SW1.2"], ""),
        "open-gate": (["Q1.G"], ""),
        "open-ground": (["Q1.S"], ""),
    }[plant]
    for connected in nets.values():
        connected[:] = [pin for pin in connected if pin not in pins]
    if goes_to:
        nets[goes_to] += pins


def draw(board: str, plant: str) -> dict[str, Any]:
    """Build the circuit, check its electrical rules, and give netlist, errors and warnings."""
    description = boards.load(board)
    roles = boards.roles(description)
    pins = xiao_pins(roles)
    made = {"U1": template(board, pins)(ref="U1")}
    for designator, kind in PARTS.items():
        made[designator] = template(kind)(ref=designator)
    nets = wiring(roles)
    if plant:
        _plant(nets, roles, plant)
    powered = carried(nets)
    for name, connected in nets.items():
        net = Net(name)
        for pin in connected:
            designator, _, pin_name = pin.partition(".")
            net += made[designator][pin_name]
        if name in powered:
            net.drive = POWER
    nowhere = vars(builtins)["NC"]  # SKiDL's name for the pins that are left open on purpose
    for pin in open_pins(roles):
        designator, _, pin_name = pin.partition(".")
        nowhere += made[designator][pin_name]

    listener = _Listener()
    erc_logger.addHandler(listener)
    ERC()
    counted = erc_logger.error.count, erc_logger.warning.count
    if counted != (len(listener.said["ERROR"]), len(listener.said["WARNING"])):
        raise SystemExit("SKiDL counts other errors than it says")
    net_of = {pin: name for name, connected in nets.items() for pin in connected}
    netlist = {
        "format": FORMAT,
        "board": board,
        "gpio": {
            role.name: {"gpio": role.gpio, "pad": role.pad, "net": net_of[f"U1.{role.pad}"]}
            for role in roles.values()
        },
        "parts": {
            designator: {
                "kind": part.name,
                "value": part.value,
                "pins": {pin.name: {"type": pin.func.name, "net": _net_name(pin)} for pin in part.pins},
            }
            for designator, part in made.items()
        },
    }
    return {"netlist": netlist, "errors": listener.said["ERROR"], "warnings": listener.said["WARNING"]}


def _net_name(pin: Any) -> str | None:
    """The net that SKiDL has joined the pin to: its own word, not our list's."""
    names = {net.name for net in pin.nets if not isinstance(net, NCNet)}
    if len(names) > 1:
        raise SystemExit(f"{pin} is on {sorted(names)}")
    return names.pop() if names else None


class _Listener(logging.Handler):
    """Keeps what SKiDL's rules check says, by level: its process ends well whatever it finds."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: dict[str, list[str]] = {"ERROR": [], "WARNING": []}

    def emit(self, record: logging.LogRecord) -> None:
        self.said["ERROR" if record.levelno >= logging.ERROR else "WARNING"].append(record.getMessage())


if __name__ == "__main__":
    json.dump(draw(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""), sys.stdout)
