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
    await stop.wait()
    for pulser in pulsers:
        await pulser.close()


if __name__ == "__main__":
    with open(sys.argv[2], "w", buffering=1, encoding="ascii") as file:
        asyncio.run(_run(json.loads(Path(sys.argv[1]).read_text()), file))
