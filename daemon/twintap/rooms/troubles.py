"""What is amiss in a room and does not keep it from tapping, in words; gone when its cause is gone."""

from collections.abc import Mapping

from twintap_protocol import frames

from ..clock import ClockState
from ..links.pulser import Pulser
from ..views import Problem, Side

BATTERY_LOW_MV = 3_500  # a single lithium cell under the motor's load: about a tenth is left
BATTERY_FINE_MV = 3_620  # above this it is charged: between both, what was said last holds
SAID_FOR_US = 60_000_000  # a moment that is over is worth a minute's word


class Troubles:
    """One room's. Instants are µs of the daemon's monotonic clock."""

    def __init__(self) -> None:
        self._low: set[str] = set()
        self._jumped_us: float = float("-inf")
        self._lost_us: dict[Side, float] = {}
        self._told: tuple[Problem, ...] = ()

    def jumped(self, now_us: float) -> None:
        """This computer's clock jumped, or its loop was away."""
        self._jumped_us = now_us

    def lost(self, side: Side, now_us: float) -> None:
        """The pulser of `side` lost its link."""
        self._lost_us[side] = now_us

    def swapped(self) -> None:
        """Left is right from now on."""
        pairs: list[tuple[Side, Side]] = [("left", "right"), ("right", "left")]
        self._lost_us = {new: self._lost_us[old] for old, new in pairs if old in self._lost_us}

    def now(
        self, pulsers: Mapping[Side, Pulser], now_us: int, whole: tuple[Problem, ...]
    ) -> tuple[Problem, ...]:
        """All that is amiss. `whole`: with the whole daemon."""
        found = list(whole)
        if now_us < self._jumped_us + SAID_FOR_US:
            text = "this computer slept, or its clock jumped: sets were ended, and clocks are being learnt"
            found.append(Problem("clock_jumped", None, text))
        for side in sorted(pulsers):
            found += self._of_pulser(side, pulsers[side], now_us)
        return tuple(found)

    def news(self, pulsers: Mapping[Side, Pulser], now_us: int, whole: tuple[Problem, ...]) -> bool:
        """Whether it is not what it was when this was asked the last time."""
        before, self._told = self._told, self.now(pulsers, now_us, whole)
        return _kinds(before) != _kinds(self._told)

    def _of_pulser(self, side: Side, pulser: Pulser, now_us: int) -> list[Problem]:
        link, report = pulser.link, pulser.report
        if link is None or report is None:
            return []  # that it does not answer keeps the room from tapping, and is said as such
        found: list[Problem] = []
        if self._is_low(pulser.id, report.battery_mv) and not report.flags & frames.FLAG_CHARGING:
            volts = f"{report.battery_mv / 1000:.2f} V"
            text = f"the {side} pulser's battery is low ({volts}): charge it after this visit"
            found.append(Problem("battery_low", side, text))
        if link.fit.state(now_us) is ClockState.UNCERTAIN:
            text = f"the {side} pulser's clock is not known well: the taps may be a little uneven"
            found.append(Problem("clock_uncertain", side, text))
        if now_us < self._lost_us.get(side, float("-inf")) + SAID_FOR_US:
            text = f"the {side} pulser was out of reach a moment ago, and is back: keep it near"
            found.append(Problem("lost", side, text))
        return found

    def _is_low(self, pulser_id: str, battery_mv: int) -> bool:
        if battery_mv == 0 or battery_mv >= BATTERY_FINE_MV:  # 0: not measured
            self._low.discard(pulser_id)
        elif battery_mv < BATTERY_LOW_MV:
            self._low.add(pulser_id)
        return pulser_id in self._low


def _kinds(problems: tuple[Problem, ...]) -> list[tuple[str, Side | None]]:
    return [(problem.code, problem.side) for problem in problems]
