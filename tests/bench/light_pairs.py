"""`python -m tests.bench.light_pairs PLAN STOPS`: many light pulsers, in a process of their own.

PLAN is a JSON file: `{"daemon_id", "port", "pulsers": [{"id", "key", "room", "side"}]}`. To STOPS is written
one line for each set that ended on a pulser: `room,side,monotonic_us`. Ends with SIGTERM.

They keep links, clocks, leases and reports as pulsers do, and look at their pulses with each report only:
what is measured is the daemon, and nobody's motor.
"""

import asyncio
import gc
import json
import signal
import sys
from pathlib import Path
from typing import Any, TextIO

from tests.bench.report import spread
from tests.support.light_pulser import LightPulser, host_us
from twintap_protocol import frames
from twintap_protocol.ticks import ticks_diff

_SIDES = {"left": frames.SIDE_LEFT, "right": frames.SIDE_RIGHT}
_BEGINNING_PER_S = 150  # hellos: what a daemon takes in its stride after a power cut


class CountedPulser(LightPulser):
    """A light pulser without a motor, which writes down when its sets end."""

    place = ""
    out: TextIO

    def _follow(self) -> None:
        pacer = self.pacer
        now_ticks = self._now()[1]
        while pacer.plan() and ticks_diff(pacer.due_ticks, now_ticks) <= 0:
            pacer.step(now_ticks)
        if pacer.ended_set > self._ended_told:
            self._ended_told = pacer.ended_set
            self.out.write(f"{self.place},{host_us()}\n")
            self.report()

    def report(self) -> None:
        self._follow()
        super().report()


class LoopLateness:
    """How late this process's own loop is: pulsers that come too late to it are silent for no fault of the
    daemon's."""

    _EVERY_S = 0.02

    def __init__(self) -> None:
        self.late_ms: list[float] = []

    async def watch(self) -> None:
        while True:
            due_us = host_us() + round(self._EVERY_S * 1e6)
            await asyncio.sleep(self._EVERY_S)
            self.late_ms.append((host_us() - due_us) / 1e3)

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in spread(self.late_ms).items())


async def _run(plan: dict[str, Any], out: TextIO) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    daemon = ("127.0.0.1", plan["port"])
    pulsers: list[CountedPulser] = []
    for number, one in enumerate(plan["pulsers"]):
        pulser = CountedPulser(
            bytes.fromhex(one["id"]), bytes.fromhex(plan["daemon_id"]), bytes.fromhex(one["key"]), daemon,
            side=_SIDES[one["side"]], offset_us=number * 3_600_000_000, ppm=10.0 if number % 2 else -10.0,
            keep_edges=False,
        )  # fmt: skip
        pulser.place, pulser.out = f"{one['room']},{one['side']}", out
        await pulser.start()
        pulsers.append(pulser)
        await asyncio.sleep(1 / _BEGINNING_PER_S)
    # What was made so far stays: collecting it again and again would be taken for the daemon's lateness.
    gc.freeze()
    lateness = LoopLateness()
    watching = asyncio.create_task(lateness.watch(), name="loop lateness")
    await stop.wait()
    watching.cancel()
    print(f"the light pairs' own loop late by (ms) {lateness}", file=sys.stderr)
    for pulser in pulsers:
        await pulser.close()


if __name__ == "__main__":
    with open(sys.argv[2], "w", buffering=1, encoding="ascii") as file:
        asyncio.run(_run(json.loads(Path(sys.argv[1]).read_text()), file))
