"""What firmware/boards/*.json says of a board's pins: the only place where the circuit's pins come from."""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from .places import BOARD_FILES

# Pads of any XIAO, as they lie: seen from above with the USB port up, left column from the top, then right
# (Zephyr, dts/bindings/gpio/seeed,xiao-gpio.yaml).
LEFT_PADS = ("D0", "D1", "D2", "D3", "D4", "D5", "D6")
RIGHT_PADS = ("5V", "GND", "3V3", "D10", "D9", "D8", "D7")
# Two more on the underside, for the cell.
CELL_PADS = ("BAT+", "BAT-")
# What each role does with its pin, as the chip sees it.
DIRECTIONS = {"motor": "OUTPUT", "button": "INPUT", "battery": "INPUT", "charge": "INPUT", "light": "OUTPUT"}


class BadBoard(ValueError):
    """A board file cannot be drawn: the message names the board and what is missing."""


@dataclass(frozen=True)
class Role:
    """One use of one pin: the GPIO's number and the pad that carries it; `direction` is INPUT or OUTPUT."""

    name: str
    gpio: int
    pad: str
    direction: str


def load(board: str) -> Mapping[str, Any]:
    """The board file of that name, as it is."""
    return cast("dict[str, Any]", json.loads((BOARD_FILES / f"{board}.json").read_text("utf-8")))


def roles(board: Mapping[str, Any]) -> dict[str, Role]:
    """The pins that a board file gives the motor's MOSFET, button, battery divider, charge sign and light.

    Raises BadBoard if the motor is not on a MOSFET, a role has no pin, or a pin has no pad.
    """
    name = str(board["board_id"])
    if board["motor"]["driver"] != "pwm":
        raise BadBoard(f"{name}: this circuit is for a motor on a MOSFET, not on {board['motor']['driver']}")
    pads = cast("dict[str, str]", board["pads"])
    found: dict[str, Role] = {}
    for role, direction in DIRECTIONS.items():
        entry = cast("dict[str, Any] | None", board[role])
        if entry is None:
            raise BadBoard(f"{name}: says no pin for {role}")
        gpio = int(entry["pin"])
        if str(gpio) not in pads:
            raise BadBoard(f"{name}: GPIO{gpio} ({role}) has no pad")
        found[role] = Role(role, gpio, pads[str(gpio)], direction)
    return found
