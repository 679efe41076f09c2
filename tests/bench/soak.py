"""`make soak`: sets back to back on two pairs for a long time, with everything that can happen to them.

Sets of any pacing on any air are changed, stopped, broken off by a button, a cut network, a reset or a hung
VM, and the daemon is killed now and then. After each, the traces are held against what must hold whatever
happened.
Exit 0 if all of it held, 1 if not; every breach is printed with the seed, the room and the instant.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.__main__ import run_until_told
from tests.bench.report import ROOT
from tests.bench.rig import BenchError, Controller, Daemon, Pair, clocks, host_us, progress, running_pair
from tests.support.traces import Pulse, Row, alternation_faults, pulses_of, within

ROOMS = ("one", "two")
CEILING_PCT = 60.0
STOPPED_WITHIN_US = 1_000_000  # the lease, and the watchdog
SLACK_US = 100_000  # a machine under load writes a row late; the rules are about people, not about this
RISE_US = 20_000
RISE_SLACK_US = 1_000
KILL_EVERY_S = 90.0
_END_WITHIN_S = 20.0


@dataclass
class Episode:
    """One set and what was done to it. `broke_us`: when something happened that breaks a set off, if so."""

    pacing: dict[str, Any]
    deed: str
    asked_us: int = 0
    broke_us: int | None = None
    over_us: int = 0
    reason: str = ""
    slowest_hz: float = 0.0


def breaches(episode: Episode, traces: Sequence[Sequence[Row]]) -> list[str]:
    """What the traces show between `asked_us` and `over_us` that must never be."""
    found: list[str] = []
    sides = [within(pulses_of(rows), episode.asked_us, episode.over_us) for rows in traces]
    for pulses in sides:
        found += [fault for pulse in pulses for fault in _pulse_breaches(pulse, episode)]
    broke_us = episode.broke_us
    until_us = episode.over_us if broke_us is None else broke_us
    before = [[pulse for pulse in pulses if pulse.on_us < until_us] for pulses in sides]
    # A pulse that a break cut off, or that had no time to end, is judged by when it went off.
    found += [
        f"{fault.kind} {fault.side} at {fault.at_us}"
        for fault in alternation_faults(before[0], before[1])
        if fault.kind != "endless"
    ]
    if broke_us is not None:
        for pulse in (pulse for pulses in sides for pulse in pulses):
            if pulse.off_us is None or pulse.off_us > broke_us + STOPPED_WITHIN_US + SLACK_US:
                after_s = "never" if pulse.off_us is None else f"{(pulse.off_us - broke_us) / 1e6:.3f} s"
                found.append(f"{pulse.side} went off {after_s} after {episode.deed}")
    elif episode.reason == "finished" and episode.deed in ("none", "change"):
        counts = [len(pulses) for pulses in sides]
        if counts != [episode.pacing["passes"]] * 2:
            found.append(
                f"{counts[0]} left and {counts[1]} right pulses in {episode.pacing['passes']} passes"
            )
    elif episode.deed in ("none", "change"):
        found.append(f"the set ended by itself: {episode.reason}")
    for rows in traces:
        if rows and rows[-1].level_pct:
            found.append(f"{rows[-1].side} is on at the end")
    return found


def _pulse_breaches(pulse: Pulse, episode: Episode) -> list[str]:
    found: list[str] = []
    if pulse.peak_pct > CEILING_PCT:
        found.append(f"{pulse.side} at {pulse.peak_pct} %, above the ceiling, at {pulse.on_us}")
    half_us = 500_000 / episode.slowest_hz
    # One that runs when the set is broken off may run on for as long as a lease: that is looked at elsewhere.
    is_clear = pulse.off_us is not None and (episode.broke_us is None or pulse.off_us <= episode.broke_us)
    if is_clear and pulse.width_us > half_us + SLACK_US:
        found.append(f"{pulse.side} {pulse.width_us} µs wide at {pulse.on_us}")
    # (A peak that takes one step, such as 1 %, or a pulse that was lowered meanwhile, has no rise to see.)
    if pulse.peak_pct >= 5 and pulse.off_us is not None and 0 < pulse.rise_us < RISE_US - RISE_SLACK_US:
        whole = pulse.width_us >= 2 * RISE_US and episode.broke_us is None and episode.deed == "none"
        if whole:
            found.append(f"{pulse.side} rose within {pulse.rise_us} µs at {pulse.on_us}")
    return found


def any_pacing(chance: random.Random) -> dict[str, Any]:
    """A pacing from anywhere in its ranges, of a set that lasts 2 to 12 s."""
    rate_hz = round(chance.uniform(0.4, 4.0), 2)
    passes = max(1, round(chance.uniform(2, 12) * rate_hz))
    return {
        "rate_hz": rate_hz, "pulse_ms": chance.randint(20, int(500 / rate_hz)),
        "left_pct": chance.choice((5, 20, 40, 60, 100)), "right_pct": chance.choice((5, 20, 40, 60, 100)),
        "ramp_ms": chance.choice((0, 0, 500, 2_000)), "passes": passes,
    }  # fmt: skip


class Soak:
    """Two pairs, one daemon at a time on one port, and what has been counted."""

    def __init__(self, folder: Path, out: Path, seed: int) -> None:
        self.folder = folder
        self.out = out
        self.seed = seed
        self.done: Counter[str] = Counter()
        self.breaches: list[str] = []
        self.daemon: Daemon | None = None
        self.killed_us = 0
        self._port = 0
        self._up = asyncio.Event()

    async def run(self, minutes: float) -> int:
        """Soak; 0 if everything held."""
        until_s = time.monotonic() + minutes * 60
        async with contextlib.AsyncExitStack() as stack:
            await self._start_daemon()
            stack.push_async_callback(self._end_daemon)
            pairs: list[Pair] = []
            for room in ROOMS:
                options = clocks("quiet", f"soak-{self.seed}-{room}", app=None)
                assert self.daemon is not None
                pairs.append(
                    await stack.enter_async_context(
                        running_pair(self.daemon, room, self.folder, self.out, *options, CEILING_PCT)
                    )
                )
            async with asyncio.TaskGroup() as group:
                killing = group.create_task(self._kill_now_and_then(), name="killing")
                rooms = [group.create_task(self._room(pair, until_s), name=pair.room) for pair in pairs]
                await asyncio.wait(rooms)
                killing.cancel()
        told = ", ".join(f"{name} {count}" for name, count in sorted(self.done.items()))
        print(f"seed {self.seed}: {self.done.total()} sets ({told}); {len(self.breaches)} breaches")
        for breach in self.breaches:
            print(f"  {breach}")
        return 1 if self.breaches else 0

    # --- the daemon -----------------------------------------------------------------------------------------

    async def _start_daemon(self) -> None:
        self.daemon = await Daemon(self.folder, port=self._port).__aenter__()
        self._port = self.daemon.port
        self._up.set()

    async def _end_daemon(self) -> None:
        if self.daemon is not None:
            await self.daemon.__aexit__()

    async def _kill_now_and_then(self) -> None:
        chance = random.Random(f"{self.seed} kill")
        while True:
            await asyncio.sleep(chance.uniform(0.5, 1.5) * KILL_EVERY_S)
            assert self.daemon is not None
            self._up.clear()
            self.killed_us = host_us()
            self.daemon.process.kill()
            await self._end_daemon()
            self.done["daemon killed"] += 1
            await asyncio.sleep(chance.uniform(1.5, 4.0))
            await self._start_daemon()

    # --- a room ---------------------------------------------------------------------------------------------

    async def _room(self, pair: Pair, until_s: float) -> None:
        chance = random.Random(f"{self.seed} {pair.room}")
        while time.monotonic() < until_s:
            await self._up.wait()
            assert self.daemon is not None
            deeds = {
                "none": 6, "stop": 3, "soft": 2, "change": 4, "button": 2, "cut": 2, "cut one": 2, "reset": 1,
                "hang": 1, "air": 2,
            }  # fmt: skip
            deed = chance.choices(tuple(deeds), tuple(deeds.values()))[0]
            episode = Episode(any_pacing(chance), deed)
            episode.slowest_hz = episode.pacing["rate_hz"]
            begin_us = host_us()
            try:
                async with self.daemon.controller() as controller:
                    await self._episode(pair, controller, episode, chance)
            except BenchError as error:
                if self.killed_us < begin_us and self._up.is_set():
                    self._breach(pair, episode, f"refused: {error}")
                elif episode.asked_us:
                    episode.deed = "daemon killed"
                    episode.broke_us = max(self.killed_us, episode.asked_us)
            finally:
                # Not before the lease has run out: an air that comes back must not hide that it did.
                await asyncio.sleep((STOPPED_WITHIN_US + 2 * SLACK_US) / 1e6)
                if episode.deed.startswith("cut") or self.killed_us > begin_us:
                    await pair.hands("cut", on=False)
            if episode.asked_us:
                if episode.asked_us < self.killed_us and episode.broke_us is None:
                    episode.deed, episode.broke_us = "daemon killed", self.killed_us
                episode.over_us = host_us()
                for breach in breaches(episode, pair.traces()):
                    self._breach(pair, episode, breach)
                self.done[episode.deed] += 1
                if self.done.total() % 50 == 0:
                    progress(f"soak: {self.done.total()} sets, {len(self.breaches)} breaches")

    def _breach(self, pair: Pair, episode: Episode, text: str) -> None:
        where = f"{pair.room}, set asked at {episode.asked_us}, {episode.deed}, {episode.pacing}"
        self.breaches.append(f"{text} [{where}]")
        progress(f"soak: BREACH: {text} [{where}]")

    async def _episode(
        self, pair: Pair, controller: Controller, episode: Episode, chance: random.Random
    ) -> None:
        if episode.deed == "air":
            await pair.hands("air", model=chance.choice(("none", "quiet", "busy", "bad")))
            episode.deed = "none"
        episode.asked_us, _ = await controller.timed_start(pair.room, **episode.pacing)
        length_s = episode.pacing["passes"] / episode.pacing["rate_hz"]
        await asyncio.sleep(chance.uniform(0.2, 0.9) * length_s)
        await self._deed(pair, controller, episode, chance)
        held = await controller.until_over(pair.room, length_s * 4 + _END_WITHIN_S)
        episode.reason = held["ended_reason"]
        if episode.broke_us is not None and held["ended_reason"] == "finished":
            # It came after the last pass.
            episode.deed = "too late"

    async def _deed(
        self, pair: Pair, controller: Controller, episode: Episode, chance: random.Random
    ) -> None:
        one = chance.choice(pair.boards)
        now_us = host_us()
        match episode.deed:
            case "stop":
                episode.broke_us = now_us
                await controller.stop(pair.room)
            case "soft":
                await controller.ask("POST", f"/rooms/{pair.room}/set/stop?soft=true")
            case "change":
                rate_hz = round(chance.uniform(0.8, 1.0 / (episode.pacing["pulse_ms"] / 500)), 2)
                episode.slowest_hz = min(episode.slowest_hz, max(0.1, min(4.0, rate_hz)))
                asked = {"rate_hz": max(0.1, min(4.0, rate_hz)), "level_pct": chance.choice((10, 30, 50))}
                # Close to its end a set may be over before the command comes: nothing to change then.
                await controller.ask("POST", f"/rooms/{pair.room}/set/change", asked)
            case "button":
                episode.broke_us = now_us
                await one.hands("press")
            case "cut":
                episode.broke_us = now_us
                await pair.hands("cut", on=True)
            case "cut one":
                episode.broke_us = now_us
                await one.hands("cut", on=True)
            case "reset":
                episode.broke_us = now_us
                await one.hands("reset")
            case "hang":
                episode.broke_us = now_us
                await one.hands("hang", on=True)
            case _:
                return


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None, help="the same seed does the same deeds")
    parser.add_argument("--out", type=Path, default=ROOT / "bench-results", metavar="DIR")
    given = parser.parse_args()
    seed = random.randrange(1 << 30) if given.seed is None else given.seed
    out = given.out / time.strftime("soak-%Y-%m-%dT%H-%M-%S")
    out.mkdir(parents=True)

    def soak() -> Awaitable[int]:
        async def run() -> int:
            with tempfile.TemporaryDirectory(prefix="tb-") as folder:
                progress(f"soak: seed {seed}, {given.minutes:g} minutes, traces in {out}")
                return await Soak(Path(folder), out, seed).run(given.minutes)

        return run()

    starting: Callable[[], Awaitable[int]] = soak
    return run_until_told(starting)


if __name__ == "__main__":
    sys.exit(main())
