"""What a figure is: rows of numbers with units in their names, a formula, facts, a limit and a verdict."""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .catalogue import kinds

PASS, FAIL, TOLD = "pass", "fail", "told"

# The ending of every number's name, and the unit that it means. `m_s2` is an acceleration's amplitude.
UNITS = {
    "ua": "µA",
    "ma": "mA",
    "mah": "mAh",
    "mv": "mV",
    "mw": "mW",
    "ohm": "Ω",
    "ms": "ms",
    "us": "µs",
    "h": "h",
    "pct": "%",
    "c": "°C",
    "m_s2": "m/s²",
    "hz": "Hz",
}


def unit_of(name: str) -> str:
    """The unit that a number's name ends in. Raises ValueError if it ends in none."""
    for ending, unit in sorted(UNITS.items(), key=lambda each: -len(each[0])):
        if name.endswith("_" + ending):
            return unit
    raise ValueError(f"{name} says no unit: it has to end in one of {', '.join(UNITS)}")


@dataclass(frozen=True)
class Limit:
    """What a figure must keep to: at most, or (`is_least`) at least `value`, in the figure's own unit."""

    value: float
    reason: str
    is_least: bool = False

    def holds(self, value: float) -> bool:
        """Whether `value` keeps to it."""
        return value >= self.value if self.is_least else value <= self.value


@dataclass(frozen=True)
class Row:
    """One case of a figure. The number that is judged is the one named as the figure; the others explain it.

    `counts` is false for what is shown for comparison: another cell than the parts list's, say.
    """

    case: str
    numbers: dict[str, float]
    limit: Limit | None = None
    counts: bool = True


@dataclass(frozen=True)
class Figure:
    """A question answered by calculation. `id` ends in its unit; `uses` are the facts that it leans on."""

    id: str
    question: str
    formula: str
    uses: tuple[str, ...]
    rows: tuple[Row, ...]
    says: str
    proposal: str = field(default="")

    def verdict_of(self, row: Row) -> str:
        """PASS, FAIL, or TOLD where the row has no limit."""
        if row.limit is None:
            return TOLD
        return PASS if row.limit.holds(row.numbers[self.id]) else FAIL

    @property
    def verdict(self) -> str:
        """FAIL if a row that counts fails; TOLD if none has a limit."""
        found = {self.verdict_of(row) for row in self.rows if row.counts}
        return FAIL if FAIL in found else PASS if PASS in found else TOLD


_VALUE = re.compile(r"(\d+(?:\.\d+)?) ?(µF|nF|pF|mAh|kΩ|MΩ|Ω)")
_FACTOR = {"µF": 1.0, "nF": 1e-3, "pF": 1e-6, "mAh": 1.0, "Ω": 1.0, "kΩ": 1e3, "MΩ": 1e6}


def part_value(kind: str) -> float:
    """The value of a kind of part in the parts list: Ω of a resistor, µF of a capacitor, mAh of a cell.

    Raises ValueError if its value says no such number.
    """
    text = kinds()[kind].value
    match = _VALUE.search(text)
    if match is None:
        raise ValueError(f"parts.toml: {kind} is {text!r}, which says no value")
    return float(match[1]) * _FACTOR[match[2]]


def tolerance(kind: str) -> float:
    """How far a resistor of that kind may be off, as its `must` in the parts list says: 0.01 is 1 %.

    Raises ValueError if it says no tolerance.
    """
    match = re.search(r"± ?(\d+(?:\.\d+)?) ?%", kinds()[kind].must)
    if match is None:
        raise ValueError(f"parts.toml: {kind} says no tolerance in {kinds()[kind].must!r}")
    return float(match[1]) / 100


def divided(volts: float, upper: float, lower: float) -> float:
    """What a divider of two resistors makes of `volts`, in the same unit."""
    return volts * lower / (upper + lower)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in (head, *rows)]
    lines.insert(1, "|" + " --- |" * len(head))
    return "\n".join(lines) + "\n"
