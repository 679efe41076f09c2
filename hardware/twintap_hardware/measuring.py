"""What to measure before the cell goes in, from the netlist: between which nets, and what is right."""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import re
from dataclasses import dataclass

from .netlist import Netlist

_SCALE = {"": 1.0, "k": 1e3, "M": 1e6}
# A meter, a resistor of 5 % and what lies beside it.
TOLERANCE = 0.1


class NotMeasurable(ValueError):
    """The netlist has no such part between such nets: the message names them."""


@dataclass(frozen=True)
class Resistance:
    """A resistor as it is measured in the circuit, without XIAO, cell and cable: between two nets, in Ohm."""

    designators: tuple[str, ...]
    nets: tuple[str, str]
    ohm: float

    @property
    def shown(self) -> str:
        """The range that a meter may show, in words."""
        low, high = _words(self.ohm * (1 - TOLERANCE)), _words(self.ohm * (1 + TOLERANCE))
        return f"{low} to {high}"


def ohms(value: str) -> float:
    """The number of Ohm that a resistor's value says, as "220 kΩ". Raises NotMeasurable for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kM]?)Ω", value)
    if not found:
        raise NotMeasurable(f"{value!r} is no resistor's value")
    return float(found[1]) * _SCALE[found[2]]


def resistances(drawn: Netlist) -> list[Resistance]:
    """Every resistor of the circuit, by the nets on its two sides.

    None has another path beside it that matters, once the XIAO is out: capacitors hold off direct current,
    the MOSFET's gate takes none, and the button is open.
    """
    found: list[Resistance] = []
    for part in drawn.parts.values():
        if not re.fullmatch(r"R\d+", part.designator):
            continue
        nets = sorted({pin.net or "" for pin in part.pins.values()})
        if len(nets) != 2 or "" in nets:
            raise NotMeasurable(f"{part.designator} does not lie between two nets")
        found.append(Resistance((part.designator,), (nets[0], nets[1]), ohms(part.value)))
    return found


def half_of_supply(drawn: Netlist) -> float:
    """What part of VBAT stands at BATTERY_SENSE: the divider's ratio."""
    return _ratio(drawn, "VBAT", "BATTERY_SENSE")


def part_of_usb(drawn: Netlist) -> float:
    """What part of USB5V stands at CHARGE_SENSE."""
    return _ratio(drawn, "USB5V", "CHARGE_SENSE")


def _ratio(drawn: Netlist, top: str, middle: str) -> float:
    between = {each.nets: each.ohm for each in resistances(drawn)}
    try:
        upper = between[tuple(sorted((top, middle)))]  # pyright: ignore[reportArgumentType] - two names, sorted
        lower = between[tuple(sorted(("GND", middle)))]  # pyright: ignore[reportArgumentType]
    except KeyError as missing:
        raise NotMeasurable(f"no resistor lies between {missing.args[0]}") from None
    return lower / (upper + lower)


def _words(ohm: float) -> str:
    for scale, unit in ((1e6, "MΩ"), (1e3, "kΩ")):
        if ohm >= scale:
            return f"{ohm / scale:.3g} {unit}"
    return f"{ohm:.3g} Ω"
