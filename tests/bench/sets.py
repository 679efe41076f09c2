"""Whole sets on every air: those that a lease stopped falsely, and pulses missed, doubled or out of order.

`judge` also serves the other benchmarks, whose sets count as well.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.report import Goal, Table
from tests.bench.rig import BenchError, Daemon, Pair, clocks, gather_rooms, host_us, progress, running_pair
from tests.support.traces import Fault, Row, alternation_faults, grid_faults, pulses_of, within

RATE_HZ = 2.0
PACING = {"rate_hz": RATE_HZ, "pulse_ms": 100, "level_pct": 40, "ramp_ms": 0}
PASSES = 20
GOOD_REASONS = ("finished", "stop", "soft")


@dataclass
class SetResult:
    """One set as its traces and the daemon tell it. `asked_us` .. `over_us`: where to look for it."""

    reason: str
    side: str | None
    asked_us: int
    over_us: int
    passes: int
    pulses: dict[str, int]
    faults: list[Fault]
    late: dict[str, int]
    latest_us: dict[str, int]

    @property
    def is_whole(self) -> bool:
        return self.reason in GOOD_REASONS and not self.faults

    def sentence(self) -> str:
        """What a reader wants to know of one set."""
        where = f", {self.side}" if self.side else ""
        return (
            f"ended {self.reason}{where}; {self.pulses['left']} + {self.pulses['right']} pulses of"
            f" {self.passes} passes; {len(self.faults)} faults; the VM's own late edges"
            f" {sum(self.late.values())}, the latest {max(self.latest_us.values())} µs"
        )

    def as_json(self) -> dict[str, Any]:
        return vars(self) | {"faults": [list(fault) for fault in self.faults]}


def judge(
    held: dict[str, Any],
    traces: Sequence[Sequence[Row]],
    asked_us: int,
    over_us: int,
    rate_hz: float,
    passes: int,
) -> SetResult:
    """Hold a set that has ended against its traces. `passes` 0: it was open, and its number is not checked.

    A set that was broken off is only looked at for order and overlap: what it did not come to is not missed.
    """
    left, right = (within(pulses_of(rows), asked_us, over_us) for rows in traces)
    faults = alternation_faults(left, right)
    if passes and held["ended_reason"] == "finished":
        period_us = 1e6 / rate_hz
        first_us = left[0].on_us if left else asked_us
        faults += grid_faults(left, "left", first_us, period_us, passes)
        faults += grid_faults(right, "right", first_us + period_us / 2, period_us, passes)
    counts = {side: held[side] for side in ("left", "right")}
    return SetResult(
        held["ended_reason"], held["ended_side"], asked_us, over_us, passes,
        {"left": len(left), "right": len(right)}, faults,
        {side: count["late"] for side, count in counts.items()},
        {side: count["latest_us"] for side, count in counts.items()},
    )  # fmt: skip


def not_started() -> SetResult:
    """A set that was refused although nothing was wrong with the pair: as bad as one that stops falsely."""
    nothing = {"left": 0, "right": 0}
    return SetResult("not started", None, 0, 0, PASSES, nothing, [], nothing, nothing)


async def measure(folder: Path, out: Path, airs: Sequence[str], sets: int) -> Table:
    """`sets` sets of `PASSES` passes on each air, the airs side by side."""
    async with contextlib.AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(Daemon(folder))
        pairs: list[Pair] = []
        for air in airs:
            options = clocks(air, f"sets-{air}")
            pairs.append(await stack.enter_async_context(running_pair(daemon, air, folder, out, *options)))
        found: list[list[SetResult]] = await gather_rooms([_sets(daemon, pair, sets) for pair in pairs])
    table = Table(
        "sets",
        f"False stops and faults per 100 sets of {PASSES} passes at {RATE_HZ:g} Hz, {sets} sets an air",
    )
    for air, results in zip(airs, found, strict=True):
        table.rows.append({"air": air, **per_100(results)})
        table.raw[air] = [result.as_json() for result in results if not result.is_whole]
        table.goals.append(
            Goal(f"{air}: sets stopped falsely, per 100", per_100(results)["false stops"], 0.0)
        )
    table.files = [board.trace.name for pair in pairs for board in pair.boards]
    return table


def per_100(results: Sequence[SetResult]) -> dict[str, Any]:
    """False stops by their reason and faults by their kind, per 100 sets, and the VM's lateness."""
    share = 100.0 / len(results) if results else 0.0
    falsely = [result for result in results if result.reason not in GOOD_REASONS]
    kinds = Counter(fault.kind for result in results for fault in result.faults)
    reasons = Counter(result.reason for result in falsely)
    return {
        "sets": len(results),
        "false stops": round(len(falsely) * share, 1),
        "why": ", ".join(f"{reason} {count}" for reason, count in reasons.items()) or "-",
        **{
            kind: round(kinds[kind] * share, 1) for kind in ("missed", "doubled", "extra", "order", "overlap")
        },
        "late edges": sum(sum(result.late.values()) for result in results),
        "latest µs": max((max(result.latest_us.values()) for result in results), default=0),
    }


async def _sets(daemon: Daemon, pair: Pair, sets: int) -> list[SetResult]:
    await daemon.until_ready(pair.room)
    results: list[SetResult] = []
    async with daemon.controller() as controller:
        for number in range(sets):
            try:
                asked_us, _ = await controller.timed_start(pair.room, **PACING, passes=PASSES)
            except BenchError as error:
                results.append(not_started())
                progress(str(error))
                continue
            held = await controller.until_over(pair.room, PASSES / RATE_HZ + 20)
            await asyncio.sleep(0.2)
            results.append(judge(held, pair.traces(), asked_us, host_us(), RATE_HZ, PASSES))
            if (number + 1) % 10 == 0:
                progress(f"sets {pair.room}: {number + 1} of {sets}")
    return results
