"""Many pairs on one daemon: its CPU per pair, its memory, how long a stop takes, while all of them tap."""

import asyncio
import contextlib
import json
import os
import random
import secrets
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.report import Goal, HostLateness, Table, spread
from tests.bench.rig import BenchError, Controller, Daemon, end, host_us, last_words, progress, spawn
from twintap.store import Pairing, Store

PACING = {"rate_hz": 1.0, "pulse_ms": 100, "level_pct": 40, "ramp_ms": 0}
WINDOW_S = 20.0  # CPU is counted over this long, with every set running
COMMANDERS = 4
STOP_GOAL_MS = 50.0
CORES_GOAL = 1.0
_READY_WITHIN_S = 180.0
_SETTLE_S = 22.0  # the last to link has to know its clock, too, and its frequent first probes are over
_PAIRS_A_PROCESS = 250  # more would fill a core with light pulsers, and be late for no fault of the daemon's


def cpu_s_and_rss(pid: int) -> tuple[float, float]:
    """What a process has used: CPU in s, resident memory in MiB. Raises `BenchError` if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks = int(fields[11]) + int(fields[12])
        rss = int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        return ticks / os.sysconf("SC_CLK_TCK"), rss
    except FileNotFoundError:
        pass
    result = subprocess.run(
        ["ps", "-o", "cputime=,rss=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    if not result.stdout.strip():
        raise BenchError(f"the process {pid} is gone")
    clock, rss_kib = result.stdout.split()
    seconds = 0.0
    for part in clock.replace("-", ":").split(":"):
        seconds = seconds * 60 + float(part)
    return seconds, float(rss_kib) / 1024


async def measure(folder: Path, out: Path, numbers: Sequence[int], stops: int) -> Table:
    """For each number of pairs: a fresh daemon, all sets running, `stops` stops at random rooms."""
    table = Table("pairs", f"Many light pairs on one daemon, all tapping at 1 Hz, {stops} stops")
    for number in numbers:
        place = folder / f"pairs-{number}"
        place.mkdir()
        await _measure_one(table, place, out, number, stops)
    return table


def _register(data: Path, number: int) -> dict[str, Any]:
    """Pair `number` pairs in a data folder before its daemon starts, as if they had been paired by cable."""
    store = Store.open(data)
    pulsers: list[dict[str, str]] = []
    try:
        for at in range(number):
            for side in ("left", "right"):
                pairing = Pairing(
                    secrets.token_bytes(8), secrets.token_bytes(16), f"r{at}", side, f"r{at} {side}", 60
                )  # pyright: ignore[reportArgumentType]
                store.put_pairing(pairing)
                pulsers.append(
                    {
                        "id": pairing.pulser_id.hex(),
                        "key": pairing.key.hex(),
                        "room": pairing.room,
                        "side": side,
                    }
                )
        return {"daemon_id": store.daemon_id.hex(), "pulsers": pulsers}
    finally:
        store.close()


async def _measure_one(table: Table, folder: Path, out: Path, number: int, stops: int) -> None:
    data = folder / "data"
    plan = await asyncio.to_thread(_register, data, number)
    parts = -(-number // _PAIRS_A_PROCESS)
    ended = [out / f"pairs-{number}-ends-{part}.csv" for part in range(parts)]
    async with contextlib.AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(Daemon(folder))
        lights: list[asyncio.subprocess.Process] = []
        for part, ends in enumerate(ended):
            share = folder / f"plan-{part}.json"
            # Both pulsers of a pair stand side by side in the plan.
            held = [plan["pulsers"][at] for at in range(2 * number) if at // 2 % parts == part]
            share.write_text(json.dumps(plan | {"port": daemon.port, "pulsers": held}))
            log = folder / f"light-{part}.log"
            lights.append(await spawn("-m", "tests.bench.light_pairs", str(share), str(ends), log=log))
            stack.push_async_callback(end, lights[-1])
        await _until_linked(daemon, number, lights, folder)
        progress(f"pairs {number}: linked")
        await asyncio.sleep(_SETTLE_S)
        commanders = [await stack.enter_async_context(daemon.controller()) for _ in range(COMMANDERS)]
        rooms = [f"r{at}" for at in range(number)]
        refused = sum(
            await asyncio.gather(
                *(_start_all(one, rooms[at::COMMANDERS]) for at, one in enumerate(commanders))
            )
        )
        await asyncio.sleep(3.0)
        daemon_pid = daemon.process.pid
        before_s, light_before_s, begin_s = (
            cpu_s_and_rss(daemon_pid)[0],
            sum(cpu_s_and_rss(light.pid)[0] for light in lights),
            time.monotonic(),
        )
        with HostLateness() as host:
            await asyncio.sleep(WINDOW_S)
        window_s = time.monotonic() - begin_s
        cores = (cpu_s_and_rss(daemon_pid)[0] - before_s) / window_s
        light_cores = (sum(cpu_s_and_rss(light.pid)[0] for light in lights) - light_before_s) / window_s
        rss_mib = cpu_s_and_rss(daemon_pid)[1]
        running, others = await _running(daemon)
        asked: list[tuple[str, int, int]] = []
        each = -(-stops // COMMANDERS)
        for found in await asyncio.gather(
            *(_stop_some(one, rooms[at::COMMANDERS], each) for at, one in enumerate(commanders))
        ):
            asked += found
        await asyncio.sleep(0.5)
    light_said = "; ".join(last_words(folder / f"light-{part}.log") for part in range(parts))
    off_ms, silent = _off_ms(asked, ended)
    answers_ms = [(answered_us - stop_us) / 1e3 for _, stop_us, answered_us in asked]
    off, answer = spread(off_ms), spread(answers_ms)
    table.rows.append(
        {
            "pairs": number, "tapping": running, "daemon cores": round(cores, 3),
            "cpu a pair %": round(100 * cores / number, 3), "rss MiB": round(rss_mib, 1),
            "stop p50 ms": off["p50"], "stop p99 ms": off["p99"], "stop max ms": off["max"],
            "answer p99 ms": answer["p99"], "stops": len(off_ms), "light cores": round(light_cores, 3),
        }
    )  # fmt: skip
    table.raw[str(number)] = {
        "off_ms": off_ms, "answers_ms": answers_ms, "refused": refused, "host_late_us": host.spread_us,
    }  # fmt: skip
    table.files += [ends.name for ends in ended]
    table.notes.append(
        f"{number} pairs: {running} tapped at the window's end (others: {others}), {refused} starts refused,"
        f" {silent} stops did not reach both; {host}"
    )
    table.notes.append(f"{number} pairs: {light_said}")
    table.goals.append(Goal(f"{number} pairs: stop to both off, p99 ms", off["p99"], STOP_GOAL_MS))
    if number >= 500:
        table.goals.append(Goal(f"{number} pairs: the daemon's cores", cores, CORES_GOAL))
        table.goals.append(
            Goal(f"{number} pairs: pairs that tap", float(running), float(number), at_least=True)
        )


async def _until_linked(
    daemon: Daemon, number: int, lights: Sequence[asyncio.subprocess.Process], folder: Path
) -> None:
    deadline_s = time.monotonic() + _READY_WITHIN_S
    while True:
        _, rooms = await daemon.ask("GET", "/rooms")
        if sum(1 for room in rooms if room["ready"]) >= number:
            return
        for part, light in enumerate(lights):
            if light.returncode is not None:
                raise BenchError(f"light pairs have ended: {last_words(folder / f'light-{part}.log')}")
        if time.monotonic() > deadline_s:
            ready = sum(1 for room in rooms if room["ready"])
            progress(f"pairs {number}: only {ready} are ready after {_READY_WITHIN_S:.0f} s; going on")
            return
        await asyncio.sleep(1.0)


async def _running(daemon: Daemon) -> tuple[int, str]:
    """How many rooms tap, and why the others do not."""
    _, rooms = await daemon.ask("GET", "/rooms")
    held = [room["set"] for room in rooms]
    reasons = Counter("never started" if one is None else one["ended_reason"] or one["state"] for one in held)
    running = reasons.pop("running", 0)
    return running, ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()) or "none"


async def _start_all(commander: Controller, rooms: Sequence[str]) -> int:
    refused = 0
    for room in rooms:
        status, answer = await commander.ask("POST", f"/rooms/{room}/set/start", dict(PACING))
        if status != 200:
            refused += 1
            if refused == 1:
                progress(f"{room} was refused: {answer['error']['message']}")
    return refused


async def _stop_some(commander: Controller, rooms: Sequence[str], count: int) -> list[tuple[str, int, int]]:
    """Stop `count` times, one room after the other, each started again if its turn comes once more."""
    asked: list[tuple[str, int, int]] = []
    order = list(rooms)
    random.Random(0).shuffle(order)
    for number in range(count):
        room = order[number % len(order)]
        if number >= len(order):
            with contextlib.suppress(BenchError):
                await commander.timed_start(room, **PACING)
                await asyncio.sleep(0.5)
        held = (await commander.room(room))["set"]
        if held is None or held["state"] != "running":
            continue
        await asyncio.sleep(0.1)
        stop_us = host_us()
        await commander.stop(room)
        asked.append((room, stop_us, host_us()))
    return asked


def _off_ms(asked: Sequence[tuple[str, int, int]], ended: Sequence[Path]) -> tuple[list[float], int]:
    """For each stop, when the slower of both pulsers had ended its set; and how many reached only one."""
    ends: dict[tuple[str, str], list[int]] = {}
    for line in [line for file in ended for line in file.read_text("ascii").splitlines()]:
        room, side, at_us = line.split(",")
        ends.setdefault((room, side), []).append(int(at_us))
    found: list[float] = []
    silent = 0
    for room, stop_us, _ in asked:
        firsts = [
            min((at_us for at_us in ends.get((room, side), ()) if at_us >= stop_us), default=None)
            for side in ("left", "right")
        ]
        there = [at_us for at_us in firsts if at_us is not None]
        if len(there) == 2:
            found.append((max(there) - stop_us) / 1e3)
        else:
            silent += 1
    return found, silent
