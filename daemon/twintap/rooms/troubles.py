"""What is amiss in a room and does not keep it from tapping, in words; gone when its cause is gone."""

from collections.abc import Mapping

from twintap_protocol import frames

from ..clock import ClockState
from ..core.charge import needed_min
from ..core.state import SetState
from ..links.pulser import Pulser
from ..views import Problem, Side
from .showing import battery_of

BATTERY_LOW_MV = 3_500  # a single lithium cell under the motor's load: about a tenth is left
BATTERY_FINE_MV = 3_620  # above this it is charged: between both, what was said last holds
SAID_FOR_US = 60_000_000  # a moment that is over is worth a minute's word
_ENOUGH = 1.25  # a charge that was said to be short is not, once there is so much of what is needed


class Troubles:
    """One room's. Instants are µs of the daemon's monotonic clock."""

    def __init__(self) -> None:
        self._low: set[str] = set()
        self._short: set[str] = set()
        self._jumped_us: float = float("-inf")
        self._lost_us: dict[Side, float] = {}
        self._told: tuple[Problem, ...] = ()

    def jumped(self, now_us: float) -> None:
        """This computer's clock jumped, or its loop was away."""
        self._jumped_us = now_us

    def lost(self, side: Side, now_us: float) -> None:
        """The pulser of `side` lost its link."""
        self._lost_us[side] = now_us

    def left(self, side: Side) -> None:
        """The pulser of `side` has another place from now on."""
        self._lost_us.pop(side, None)

    def swapped(self) -> None:
        """Left is right from now on."""
        pairs: list[tuple[Side, Side]] = [("left", "right"), ("right", "left")]
        self._lost_us = {new: self._lost_us[old] for old, new in pairs if old in self._lost_us}

    def now(
        self,
        pulsers: Mapping[Side, Pulser],
        current: SetState | None,
        now_us: int,
        whole: tuple[Problem, ...],
    ) -> tuple[Problem, ...]:
        """All that is amiss. `current`: the room's newest set; `whole`: with the whole daemon."""
        found = list(whole)
        if now_us < self._jumped_us + SAID_FOR_US:
            text = "this computer slept, or its clock jumped: sets were ended, and clocks are being learnt"
            found.append(Problem("clock_jumped", None, text))
        needs_min = needed_min(current, now_us)
        for side in sorted(pulsers):
            found += self._of_pulser(side, pulsers[side], needs_min, now_us)
        return tuple(found)

    def news(
        self,
        pulsers: Mapping[Side, Pulser],
        current: SetState | None,
        now_us: int,
        whole: tuple[Problem, ...],
    ) -> bool:
        """Whether it is not what it was when this was asked the last time."""
        before, self._told = self._told, self.now(pulsers, current, now_us, whole)
        return _kinds(before) != _kinds(self._told)

    def _of_pulser(self, side: Side, pulser: Pulser, needs_min: float, now_us: int) -> list[Problem]:
        link, report = pulser.link, pulser.report
        if link is None or report is None:
            return []  # that it does not answer keeps the room from tapping, and is said as such
        found = self._of_charge(side, pulser, report, needs_min)
        if link.fit.state(now_us) is ClockState.UNCERTAIN and pulser.rest(now_us) == "awake":
            text = f"the {side} pulser's clock is not known well: the taps may be a little uneven"
            found.append(Problem("clock_uncertain", side, text))
        if now_us < self._lost_us.get(side, float("-inf")) + SAID_FOR_US:
            text = f"the {side} pulser was out of reach a moment ago, and is back: keep it near"
            found.append(Problem("lost", side, text))
        return found

    def _of_charge(
        self, side: Side, pulser: Pulser, report: frames.Report, needs_min: float
    ) -> list[Problem]:
        is_low = self._is_low(pulser.id, report)
        left_min = pulser.charge.left_min
        is_short = self._is_short(pulser.id, left_min, needs_min)
        if report.flags & frames.FLAG_CHARGING or battery_of(report) == "empty":
            return []  # an empty one keeps the room from tapping
        if is_short and left_min is not None:
            lasts = f"for about {int(left_min)} min" if left_min >= 1 else "for less than a minute"
            text = f"the {side} pulser's charge will do {lasts}, which may end a set early: charge it"
            return [Problem("charge_short", side, text)]
        if not is_low:
            return []
        volts = f" ({report.battery_mv / 1000:.2f} V)" if report.battery_mv else ""
        text = f"the {side} pulser's battery is low{volts}: charge it after this visit"
        return [Problem("battery_low", side, text)]

    def _is_low(self, pulser_id: str, report: frames.Report) -> bool:
        """As the pulser itself says; of one that does not judge its battery, by what it measures."""
        said = battery_of(report)
        if said != "unknown":
            return said == "low"
        if report.battery_mv == 0 or report.battery_mv >= BATTERY_FINE_MV:  # 0: not measured
            self._low.discard(pulser_id)
        elif report.battery_mv < BATTERY_LOW_MV:
            self._low.add(pulser_id)
        return pulser_id in self._low

    def _is_short(self, pulser_id: str, left_min: float | None, needs_min: float) -> bool:
        if left_min is None or left_min >= needs_min * _ENOUGH:
            self._short.discard(pulser_id)
        elif left_min < needs_min:
            self._short.add(pulser_id)
        return pulser_id in self._short


def _kinds(problems: tuple[Problem, ...]) -> list[tuple[str, Side | None]]:
    return [(problem.code, problem.side) for problem in problems]
