"""Pacing: how a set feels, and in which ranges each part of it may lie."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from twintap_protocol import limits

from ..errors import Fault, Refused

MIN_RATE_HZ = 0.1  # alternation slower than this is no rhythm; breath is a pattern of its own
MAX_RATE_HZ = 4.0
MIN_PULSE_MS = limits.MIN_WIDTH_US // 1000
MAX_RAMP_MS = limits.MAX_RAMP_MS
MAX_PASSES = 1_000  # what a person can plan; an open set may go on past it
OPEN = 0  # a set without a planned number of passes
OPEN_WORD = "open"  # how a command says it
_SAYABLE = 1e15  # a number beyond this is not said back digit by digit


@dataclass(frozen=True, slots=True)
class Pacing:
    """How a set feels.

    `rate_hz`: passes (round trips) per second, 0.1 .. 4. `pulse_ms`: 20 .. half a pass. `left_pct`,
    `right_pct`: 0 .. 100, before the pulser's own ceiling. `ramp_ms`: rise over the set, 0 .. 10000.
    `passes`: 1 .. 1000, or 0 for an open set, which the longest set (10 min) ends.
    """

    rate_hz: float = 1.0
    pulse_ms: int = 100
    left_pct: float = 40.0
    right_pct: float = 40.0
    ramp_ms: int = 1_000
    passes: int = OPEN

    @property
    def period_us(self) -> float:
        """How long a pass lasts, in µs."""
        return 1e6 / self.rate_hz

    def as_dict(self) -> dict[str, float | int | None]:
        """Every field by its name, ready for JSON; an open set's `passes` is None."""
        return {**asdict(self), "passes": self.passes if self.passes != OPEN else None}

    def with_changes(self, changes: Mapping[str, object]) -> "Pacing":
        """This pacing with `changes` put in: its own fields, and `level_pct` for both sides at once.

        A side's own field wins over `level_pct`; `passes` may be the word `open`. Raises `Refused`, naming
        field, value and range.
        """
        values: dict[str, float | int] = {}
        for field, value in changes.items():
            if value is None:
                continue
            if field not in _RANGES:
                raise Refused(
                    Fault(
                        "field", f"{field} is not a part of a pacing; {', '.join(_RANGES)} are", field=field
                    )
                )
            if field == "passes" and value == OPEN_WORD:
                values[field] = OPEN
                continue
            low, high, whole = _RANGES[field]
            values[field] = _number(field, value, low, high, whole=whole)
        both = values.pop("level_pct", None)
        if both is not None:
            values.setdefault("left_pct", both)
            values.setdefault("right_pct", both)
        pacing = replace(self, **values)  # pyright: ignore[reportArgumentType] - the ranges' table has the types
        longest_ms = 500.0 / pacing.rate_hz
        if pacing.pulse_ms > longest_ms:
            raise _out_of_range("pulse_ms", pacing.pulse_ms, MIN_PULSE_MS, int(longest_ms), " (half a pass)")
        return pacing


_RANGES: dict[str, tuple[float, float, bool]] = {
    "rate_hz": (MIN_RATE_HZ, MAX_RATE_HZ, False),
    "pulse_ms": (MIN_PULSE_MS, 500.0 / MIN_RATE_HZ, True),
    "level_pct": (0, 100, False),
    "left_pct": (0, 100, False),
    "right_pct": (0, 100, False),
    "ramp_ms": (0, MAX_RAMP_MS, True),
    "passes": (1, MAX_PASSES, True),
}


def _number(field: str, value: object, low: float, high: float, *, whole: bool) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(Fault("field", f"{field} has to be a number, not {type(value).__name__}", field=field))
    if not low <= value <= high:  # NaN too lies in no range
        raise _out_of_range(field, value, low, high)
    if whole:
        if value != int(value):
            raise Refused(
                Fault("field", f"{field} is {value}; it has to be a whole number", field=field, value=value)
            )
        return int(value)
    return float(value)


def _out_of_range(field: str, value: float, low: float, high: float, why: str = "") -> Refused:
    # Integers from outside may be too large for a float, and JSON has no NaN and no infinity.
    if abs(value) <= _SAYABLE:
        shown, said = f"{value:.10g}", value
    else:
        shown = said = "not a number" if value != value else "far too large" if value > 0 else "far too small"
    return Refused(
        Fault(
            "range",
            f"{field} is {shown}; it has to lie in {low:g}..{high:g}{why}",
            field=field,
            value=said,
            low=low,
            high=high,
        )
    )
