"""From a command to the motor line: a start to the first pulse, a stop to both motors off, or no network.

The time begins when the HTTP request is sent, on a kept-alive connection, and ends at a row of a trace. In
these sets a pulse is half a pass, so that one of the two motors is always on when a stop comes. Beside them,
in the same run: the same radio with a bare echo behind it.
"""

import asyncio
import contextlib
import dataclasses
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.echo import ECHO_APP, Air, echoing
from tests.bench.report import Goal, HostLateness, Table, above, spread
from tests.bench.rig import (
    BenchError,
    BoardOptions,
    Daemon,
    Pair,
    clocks,
    gather_rooms,
    host_us,
    progress,
    running_pair,
)
from tests.bench.sets import GOOD_REASONS
from tests.support.traces import Row, first_on_us, last_on_us

PACING = {"rate_hz": 1.0, "pulse_ms": 500, "level_pct": 50, "ramp_ms": 0}
START_GOAL_MS = {"quiet": 130.0, "busy": 150.0, "bad": 330.0}
STOP_ABOVE_AIR_MS = {10: 10.0, 0: 4.0}
CUT_GOAL_MS = 1_000.0
CUT_AIRS = ("quiet", "bad")
_WITHIN_US = 1_500_000  # nothing that follows a stop may come later; the next start is further off


@dataclass
class Times:
    """One pair's commands, in ms: to the first pulse, to both motors off, to the API's answers."""

    start_ms: list[float] = field(default_factory=list[float])
    start_answer_ms: list[float] = field(default_factory=list[float])
    stop_ms: list[float] = field(default_factory=list[float])
    stop_answer_ms: list[float] = field(default_factory=list[float])
    broken: list[str] = field(default_factory=list[str])


async def measure(folder: Path, out: Path, airs: Sequence[str], count: int, tick_ms: int) -> Table:
    """`count` starts and stops on each air, the airs side by side, with the chip's socket tick or 0."""
    async with contextlib.AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(Daemon(folder))
        pairs: list[Pair] = []
        echoes: list[Air] = []
        for air in airs:
            options = clocks(air, f"command-{air}", socket_tick_ms=tick_ms)
            pairs.append(await stack.enter_async_context(running_pair(daemon, air, folder, out, *options)))
            bare = [_echo_options(one) for one in options]
            echoes.append(await stack.enter_async_context(echoing(f"echo-{air}", folder, *bare)))
        host = stack.enter_context(HostLateness())
        found: list[Times] = await gather_rooms([_commands(daemon, pair, count) for pair in pairs])
    return _table(airs, found, echoes, pairs, host, count, tick_ms)


def _echo_options(options: BoardOptions) -> BoardOptions:
    return dataclasses.replace(options, app=ECHO_APP, seed=f"{options.seed}-echo")


async def _commands(daemon: Daemon, pair: Pair, count: int) -> Times:
    await daemon.until_ready(pair.room)
    times = Times()
    chance = random.Random(pair.room)
    asked: list[tuple[int, int]] = []
    async with daemon.controller() as controller:
        for number in range(count):
            await asyncio.sleep(1.0 + chance.random() * 0.5)
            try:
                start_us, view = await controller.timed_start(pair.room, **PACING)
            except BenchError as error:
                times.broken.append(str(error))
                progress(str(error))
                continue
            answered_us = host_us()
            waited = view["set"]["set_id"]
            await asyncio.sleep(0.7 + chance.random())
            stop_us = host_us()
            await controller.stop(pair.room)
            stopped_us = host_us()
            held = (await controller.room(pair.room))["set"]
            if held["set_id"] != waited or held["ended_reason"] not in GOOD_REASONS:
                times.broken.append(held["ended_reason"])
                continue
            times.start_answer_ms.append((answered_us - start_us) / 1e3)
            times.stop_answer_ms.append((stopped_us - stop_us) / 1e3)
            asked.append((start_us, stop_us))
            if (number + 1) % 20 == 0:
                progress(f"command {pair.room}: {number + 1} of {count}")
        await asyncio.sleep(0.5)
    _read_times(times, asked, pair.traces())
    return times


def _read_times(times: Times, asked: Sequence[tuple[int, int]], traces: Sequence[Sequence[Row]]) -> None:
    for start_us, stop_us in asked:
        first_us = first_on_us(traces, start_us)
        if first_us is None or first_us > stop_us:
            times.broken.append("no pulse")
            continue
        times.start_ms.append((first_us - start_us) / 1e3)
        times.stop_ms.append((last_on_us(traces, stop_us, stop_us + _WITHIN_US - 500_000) - stop_us) / 1e3)


def _table(
    airs: Sequence[str],
    found: Sequence[Times],
    echoes: Sequence[Air],
    pairs: Sequence[Pair],
    host: HostLateness,
    count: int,
    tick_ms: int,
) -> Table:
    table = Table(
        f"command, tick {tick_ms} ms",
        f"Command to motor, ms, {count} starts and stops an air, socket tick {tick_ms} ms, all airs together",
    )
    for air, times, echo in zip(airs, found, echoes, strict=True):
        start, stop = spread(times.start_ms), spread(times.stop_ms)
        down = spread([one / 1e3 for one in echo.down_us])
        there_and_back = spread([one / 1e3 for one in echo.round_us])
        rows: list[tuple[str, dict[str, float], int]] = [
            ("start to first pulse", start, len(times.start_ms)),
            ("start to answer", spread(times.start_answer_ms), len(times.start_answer_ms)),
            ("stop to both motors off", stop, len(times.stop_ms)),
            ("stop to answer", spread(times.stop_answer_ms), len(times.stop_answer_ms)),
            ("air alone, there, slower of two", down, len(echo.down_us)),
            ("air alone, there and back", there_and_back, len(echo.round_us)),
        ]
        for what, values, n in rows:
            row: dict[str, Any] = {"air": air, "what": what, "n": n, **_rounded(values)}
            if what == "stop to both motors off":
                row |= {f"above air {name}": above(stop[name], down[name]) for name in ("p50", "p99")}
            table.rows.append(row)
        if tick_ms in STOP_ABOVE_AIR_MS and air in START_GOAL_MS:
            for name in ("p50", "p99"):
                beyond = above(stop[name], down[name])
                text = f"{air}: stop above the air, {name} ms"
                table.goals.append(Goal(text, beyond, STOP_ABOVE_AIR_MS[tick_ms]))
            if tick_ms:
                table.goals.append(
                    Goal(f"{air}: start to first pulse, p99 ms", start["p99"], START_GOAL_MS[air])
                )
        lost = echo.asked - len(echo.down_us)
        table.notes.append(
            f"{air}: {len(times.broken)} of {count} sets did not run as asked"
            + (f" ({', '.join(times.broken)})" if times.broken else "")
            + f"; of {echo.asked} echoes {lost} were lost on one way or the other, and are left out"
        )
        table.raw[air] = vars(times) | {"air_down_us": echo.down_us, "air_round_us": echo.round_us}
    table.notes.append(str(host))
    table.raw["host_late_us"] = host.spread_us
    table.files = [board.trace.name for pair in pairs for board in pair.boards]
    return table


def _rounded(values: dict[str, float]) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 2) for name, value in values.items()}


# --- the network cut -------------------------------------------------------------------------------------


async def measure_cut(folder: Path, out: Path, count: int) -> Table:
    """A stop while neither pulser hears anything: the lease has to end the set, within 1.0 s of it."""
    async with contextlib.AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(Daemon(folder))
        pairs: list[Pair] = []
        for air in CUT_AIRS:
            room, options = f"cut-{air}", clocks(air, f"cut-{air}")
            pairs.append(await stack.enter_async_context(running_pair(daemon, room, folder, out, *options)))
        found: list[list[float]] = await gather_rooms([_cuts(daemon, pair, count) for pair in pairs])
    table = Table(
        "command, cut", f"Network cut for both, then a stop, to both motors off, ms, {count} an air"
    )
    for air, values in zip(CUT_AIRS, found, strict=True):
        table.rows.append({"air": air, "what": "stop to both motors off", "n": len(values), **spread(values)})
        table.goals.append(
            Goal(f"{air}, cut: stop to both motors off, max ms", spread(values)["max"], CUT_GOAL_MS)
        )
        table.raw[air] = values
    table.files = [board.trace.name for pair in pairs for board in pair.boards]
    return table


async def _cuts(daemon: Daemon, pair: Pair, count: int) -> list[float]:
    values: list[float] = []
    chance = random.Random(pair.room)
    async with daemon.controller() as controller:
        for _ in range(count):
            await controller.until_ready(pair.room)
            await asyncio.sleep(1.0)
            await controller.start(pair.room, **PACING)
            await asyncio.sleep(1.0 + chance.random())
            await pair.hands("cut", on=True)
            stop_us = host_us()
            stopping = asyncio.create_task(controller.stop(pair.room), name="stop into a cut")
            await asyncio.sleep(_WITHIN_US / 1e6)
            values.append((last_on_us(pair.traces(), stop_us, host_us()) - stop_us) / 1e3)
            await pair.hands("cut", on=False)
            await stopping
    return values
