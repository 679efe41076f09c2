"""What is known of a room's pulsers: facts for the core, how far ahead a start lies, what is news of them."""

from collections.abc import Iterable, Mapping

from twintap_protocol import frames

from ..core.state import Fact
from ..links.pulser import Pulser
from ..views import Side
from .showing import battery_of
from .wire import Wire

# The first pass lies this far ahead of a start. The margin is what the first lease may take on its way.
LEAD_US, MARGIN_US = 120_000.0, 75_000.0
LEAD_BAD_US, MARGIN_BAD_US = 300_000.0, 135_000.0
BAD_AIR_US = 75_000  # a round trip this much over the fastest: it has stalls that the short lead would miss
_BATTERY_STEP_MV = 50  # a smaller change of a battery is no news


def facts_of(
    pulsers: Mapping[Side, Pulser], wires: Mapping[Side, Wire], now_us: int, *, with_clocks: bool
) -> dict[Side, Fact]:
    """What is known of each pulser now. `wires`: the newest set's; `with_clocks`: if it is ready, too."""
    facts: dict[Side, Fact] = {}
    for side, pulser in pulsers.items():
        link, wire = pulser.link, wires.get(side)
        report = link.report if link is not None else None
        facts[side] = Fact(
            pulser.id,
            link is not None,
            with_clocks and pulser.is_ready(now_us),
            report is not None and bool(report.flags & frames.FLAG_CHARGING),
            link.heard_us if link is not None else 0.0,
            wire.acked_plan if wire is not None else 0,
            wire.leased if wire is not None else False,
            report.ended_set if report is not None else 0,
            frames.ENDED_NAMES.get(report.ended_reason, "fault") if report is not None else "none",
            pulser.rest(now_us) if with_clocks else "awake",
            battery_of(report) == "empty",
        )
    return facts


def lead_of(pulsers: Iterable[Pulser]) -> tuple[float, float]:
    """How far ahead pass 0 lies, and the least time from the first lease to it, in µs: by the air of all."""
    for pulser in pulsers:
        excess = pulser.link.fit.excess if pulser.link is not None else None
        if excess is not None and excess.repeated_us > BAD_AIR_US:
            return LEAD_BAD_US, MARGIN_BAD_US
    return LEAD_US, MARGIN_US


def shown_of(pulser: Pulser, now_us: int) -> tuple[object, ...]:
    """What a watcher is shown of a pulser and changes without any command; one of these anew is news."""
    report = pulser.report
    if report is None:
        return ()
    charging = bool(report.flags & frames.FLAG_CHARGING)
    battery = (report.battery_mv // _BATTERY_STEP_MV, report.battery)
    kept = (report.ceiling_bp, report.trim_bp, report.networks)
    return (pulser.is_ready(now_us), pulser.rest(now_us), charging, *battery, *kept)
