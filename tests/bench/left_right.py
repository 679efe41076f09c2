"""Left-right error at the motor line: how far each right pulse is from half a pass after its left one.

Measured on the traces, in the host's clock. Beside it, in the same run: the floor (a pair with perfect clocks
and no air), and the error of the clock fit alone, from the probes that the daemon took, replayed through the
peers' estimators as well, against the clocks that the boards simulate.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.air_model import Burst
from tests.bench.estimators import AHEAD_US, ESTIMATORS, GRID_US, replayed_errors_us
from tests.bench.probes import read_diary, truth_of
from tests.bench.report import Goal, HostLateness, Table, ratio, spread
from tests.bench.rig import (
    BoardOptions,
    Daemon,
    Pair,
    TrueClock,
    clocks,
    gather_rooms,
    host_us,
    progress,
    running_pair,
)
from tests.bench.sets import SetResult, judge
from tests.support.traces import left_right_errors_us, pulses_of, within

FLOOR = "floor"
RATE_HZ = 1.0
PERIOD_US = 1e6 / RATE_HZ
SETTLE_S = 20.0  # the set begins this long after link-up, so that its first minute is the young fit's
YOUNG_S = 60.0
PACING = {"rate_hz": RATE_HZ, "pulse_ms": 60, "level_pct": 50, "ramp_ms": 0}

# What the real Ableton Link (1.3) did on quiet air with clocks ±10 ppm, for comparison; not of this run.
ABLETON_LINK_US = {"p50": 329.0, "p95": 570.0, "p99": 597.0, "max": 606.0}
FIT_GOAL_US = {"quiet": 120.0, "busy": 400.0}
ABOVE_FLOOR_US = 200.0
TIMES_BETTER = 4.0


@dataclass
class Run:
    """One pair's run: its sets, and where they lie on the daemon's clock."""

    label: str
    pair: Pair
    linked_us: int
    main: SetResult
    after_cut: SetResult | None
    motor_us: list[float]
    young_us: list[float]
    cut_us: list[float]


async def measure(folder: Path, out: Path, airs: Sequence[str], seconds: float, cut_s: float) -> Table:
    """The floor and `airs` side by side: a set of `seconds`, a cut of `cut_s`, a set of a minute at most."""
    labels = [FLOOR, *airs]
    diary = out / f"left-right-{'-'.join(labels)}-probes.jsonl"
    async with contextlib.AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(Daemon(folder, diary))
        host = stack.enter_context(HostLateness())
        pairs = [await _pair(stack, daemon, label, folder, out) for label in labels]
        jobs = [
            _run(daemon, diary, label, pair, seconds, cut_s, number / (2 * len(labels)))
            for number, (label, pair) in enumerate(zip(labels, pairs, strict=True))
        ]
        runs: list[Run] = await gather_rooms(jobs)
        truths = {
            run.label: [TrueClock(board.note("boot.json")) for board in run.pair.boards] for run in runs
        }
    # The daemon has ended: its diary is whole.
    return _table(runs, read_diary(diary), truths, host, diary, seconds, cut_s)


async def _pair(
    stack: contextlib.AsyncExitStack, daemon: Daemon, label: str, folder: Path, out: Path
) -> Pair:
    boards = (
        (BoardOptions(seed="floor"), BoardOptions(seed="floor")) if label == FLOOR else clocks(label, label)
    )
    return await stack.enter_async_context(running_pair(daemon, label, folder, out, *boards))


async def _run(
    daemon: Daemon, diary: Path, label: str, pair: Pair, seconds: float, cut_s: float, phase: float
) -> Run:
    await daemon.until_ready(label)
    # The diary of a daemon that runs lags; its links were made just now.
    linked_at_us = host_us()
    await asyncio.sleep(SETTLE_S)
    passes = max(1, round(seconds * RATE_HZ))
    main = await _set(daemon, pair, passes, phase)
    progress(f"left-right {label}: set of {passes} passes over ({main.reason})")
    after_cut = None
    if cut_s:
        await pair.hands("cut", on=True)
        await asyncio.sleep(cut_s)
        await pair.hands("cut", on=False)
        await daemon.until_ready(label)
        after_cut = await _set(daemon, pair, max(1, round(min(YOUNG_S, seconds) * RATE_HZ)), phase)
        progress(f"left-right {label}: set after a cut of {cut_s:.0f} s over ({after_cut.reason})")
    left, right = (pulses_of(rows) for rows in pair.traces())

    def errors(held: SetResult | None) -> list[tuple[int, float]]:
        if held is None:
            return []
        return left_right_errors_us(
            within(left, held.asked_us, held.over_us), within(right, held.asked_us, held.over_us), PERIOD_US
        )

    found = errors(main)
    first_us = found[0][0] if found else 0
    young = [error for at_us, error in found if at_us < first_us + YOUNG_S * 1e6]
    return Run(
        label, pair, linked_at_us, main, after_cut,
        [error for _, error in found], young, [error for _, error in errors(after_cut)],
    )  # fmt: skip


async def _set(daemon: Daemon, pair: Pair, passes: int, phase: float) -> SetResult:
    """One set; its beat lies at `phase` (0..1) of a pass, so that no two pairs have edges at once."""
    now_s = time.monotonic()
    await asyncio.sleep(math.ceil(now_s * RATE_HZ - phase) / RATE_HZ + phase / RATE_HZ - now_s)
    asked_us = host_us()
    await daemon.start(pair.room, **PACING, passes=passes)
    held = await daemon.until_over(pair.room, passes / RATE_HZ + 20)
    await asyncio.sleep(0.3)
    return judge(held, pair.traces(), asked_us, host_us(), RATE_HZ, passes)


# --- what came of it ---------------------------------------------------------------------------------------


def fit_errors_us(
    bursts: Sequence[Sequence[Burst]], truths: Sequence[TrueClock], from_us: float, to_us: float
) -> dict[str, dict[str, list[float]]]:
    """For each estimator on the same probes: each pulser's error (`fit`) and left - right (`pair`), in µs."""
    found: dict[str, dict[str, list[float]]] = {}
    for name, make in ESTIMATORS.items():
        left, right = (
            replayed_errors_us(make, side, truth_of(truth.at), from_us, to_us)
            for side, truth in zip(bursts, truths, strict=True)
        )
        pair = [one - two for one, two in zip(left, right, strict=True)]
        found[name] = {"fit": left + right, "pair": pair}
    return found


def _table(
    runs: list[Run],
    diary: dict[str, list[Burst]],
    truths: dict[str, list[TrueClock]],
    host: HostLateness,
    diary_path: Path,
    seconds: float,
    cut_s: float,
) -> Table:
    airs = ", ".join(run.label for run in runs)
    table = Table(
        "left-right " + airs, f"Left-right error, µs, {seconds:.0f} s at {RATE_HZ:g} Hz, together: {airs}"
    )
    table.files = [diary_path.name, *(board.trace.name for run in runs for board in run.pair.boards)]
    floor = spread(runs[0].motor_us)
    for run in runs:
        motor = spread(run.motor_us)
        beside: dict[str, Any] = {"of floor p99": ratio(motor["p99"], floor["p99"])}
        table.rows.append({"air": run.label, "what": "motor line", "n": len(run.motor_us), **motor, **beside})
        table.rows.append(_row(run.label, "motor line, first 60 s", run.young_us))
        if run.after_cut is not None:
            table.rows.append(_row(run.label, f"motor line, after a cut of {cut_s:.0f} s", run.cut_us))
        bursts = [diary[run.pair.ids[side]] for side in ("left", "right")]
        begin_us, end_us = run.main.asked_us, run.main.over_us - AHEAD_US
        young_end_us = min(end_us, begin_us + YOUNG_S * 1e6)
        found = fit_errors_us(bursts, truths[run.label], begin_us, max(end_us, begin_us + GRID_US))
        for name, errors in found.items():
            table.rows.append(_row(run.label, f"fit: {name}", errors["pair"]))
            table.raw[f"{run.label} {name} each pulser"] = spread(errors["fit"])
        ours = spread(found["twintap"]["pair"])
        for name in ("link", "snapcast"):
            table.rows[-2 if name == "link" else -1]["of ours p99"] = ratio(
                spread(found[name]["pair"])["p99"], ours["p99"]
            )
        young = fit_errors_us(bursts, truths[run.label], begin_us, max(young_end_us, begin_us + GRID_US))
        table.rows.append(_row(run.label, "fit: twintap, first 60 s", young["twintap"]["pair"]))
        table.raw[run.label] = {
            "motor_us": run.motor_us,
            "after_cut_us": run.cut_us,
            "set": run.main.as_json(),
            "set_after_cut": run.after_cut.as_json() if run.after_cut else None,
            "links": [sum(1 for one in side if not one.stamps) for side in bursts],
        }
        _goals(table, run.label, motor, floor, ours)
        table.notes.append(f"{run.label}: {run.main.sentence()}")
        if run.after_cut is not None:
            table.notes.append(f"{run.label}, after the cut: {run.after_cut.sentence()}")
    table.rows.append({"air": "quiet", "what": "Ableton Link 1.3, motor, measured before", **ABLETON_LINK_US})
    table.raw["host_late_us"] = host.spread_us
    table.notes.append(str(host))
    table.notes.append(
        f"fit: at every {GRID_US / 1e6:g} s, for the instant {AHEAD_US / 1e6:g} s ahead, left - right"
    )
    return table


def _row(label: str, what: str, errors: list[float]) -> dict[str, Any]:
    return {"air": label, "what": what, "n": len(errors), **spread(errors)}


def _goals(
    table: Table, label: str, motor: dict[str, float], floor: dict[str, float], ours: dict[str, float]
) -> None:
    if label == FLOOR:
        return
    if label in FIT_GOAL_US:
        table.goals.append(Goal(f"{label}: the fit, p99 µs", ours["p99"], FIT_GOAL_US[label]))
        beyond = None if motor["p99"] is None or floor["p99"] is None else motor["p99"] - floor["p99"]
        table.goals.append(Goal(f"{label}: the motor line above the floor, p99 µs", beyond, ABOVE_FLOOR_US))
    if label == "quiet":
        for name in ("p50", "p99"):
            better = ratio(ABLETON_LINK_US[name], motor[name])
            table.goals.append(
                Goal(
                    f"quiet: the real Ableton Link's {name} to ours, times",
                    better,
                    TIMES_BETTER,
                    at_least=True,
                )
            )
