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
        low, high = words(self.ohm * (1 - TOLERANCE)), words(self.ohm * (1 + TOLERANCE))
        return f"{low} to {high}"


def ohms(value: str) -> float:
    """The number of Ohm that a resistor's value says, as "220 kΩ". Raises NotMeasurable for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kM]?)Ω", value)
    if not found:
        raise NotMeasurable(f"{value!r} is no resistor's value")
    return float(found[1]) * _SCALE[found[2]]


def resistances(drawn: Netlist) -> list[Resistance]:
    """Every resistor of the circuit, by the nets on its two sides.

    None has another path beside it that matters, once the XIAO is out: small capacitors hold off direct
    current, the MOSFET's gate takes none, and the button is open. A large one does matter: see `with_clip`.
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


def bridged(drawn: Netlist) -> dict[str, str]:
    """The nets that a large capacitor lies between: the one to take for the other while a clip joins them.

    A meter that drives 1 µA through 220 kΩ fills 100 µF for minutes, and shows too little all the while.
    """
    found: dict[str, str] = {}
    for part in drawn.parts.values():
        if re.fullmatch(r"C\d+", part.designator) and "µF" in part.value:
            kept, other = sorted({pin.net or "" for pin in part.pins.values()})
            found[other] = kept
    return found


def with_clip(drawn: Netlist) -> list[Resistance]:
    """What a meter finds while a clip joins the nets of `bridged`: resistors side by side are one row."""
    one_of = bridged(drawn)
    beside: dict[tuple[str, str], list[Resistance]] = {}
    for each in resistances(drawn):
        first, second = sorted(one_of.get(net, net) for net in each.nets)
        beside.setdefault((first, second), []).append(each)
    return [
        Resistance(
            tuple(name for each in found for name in each.designators),
            nets,
            1 / sum(1 / each.ohm for each in found),
        )
        for nets, found in beside.items()
    ]


def supply_ohm(drawn: Netlist) -> float:
    """What lies between VBAT and GND without XIAO, motor and light, once C1 is full: the divider (Ohm)."""
    between = {each.nets: each.ohm for each in resistances(drawn)}
    if ("GND", "VBAT") in between:
        raise NotMeasurable("a resistor lies between VBAT and GND: supply_ohm does not know it")
    return between["BATTERY_SENSE", "GND"] + between["BATTERY_SENSE", "VBAT"]


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


def words(ohm: float) -> str:
    """So many Ohm, as a meter shows them."""
    for scale, unit in ((1e6, "MΩ"), (1e3, "kΩ")):
        if ohm >= scale:
            return f"{ohm / scale:.3g} {unit}"
    return f"{ohm:.3g} Ω"
