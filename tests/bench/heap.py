"""The firmware on a small heap: the smallest that runs a ten-minute set, and what each pass allocates.

The 64-bit VM's objects are twice a chip's, so a heap here stands for about half of it there.
"""

import asyncio
import contextlib
from pathlib import Path

from tests.bench.report import Goal, Table
from tests.bench.rig import BenchError, Daemon, clocks, host_us, progress, running_pair
from tests.bench.sets import judge
from tests.support.traces import BadTrace
from twintap_protocol.errors import TwintapError

KIB = 1024
LOW_KIB, HIGH_KIB, STEP_KIB = 64, 256, 8
ROOMY_KIB = 1024  # where nothing collects but the firmware itself, so that every byte is counted
SHORT_PASSES = 10
GOAL_KIB = 192.0
_CONFIRM_TRIES = 4
PACING = {"rate_hz": 1.0, "pulse_ms": 100, "level_pct": 40, "ramp_ms": 0}
AIR = "quiet"


class Trial:
    """Whether a pair with a heap of so many KiB runs a set of so many passes; and what its boards noted."""

    def __init__(self, folder: Path, out: Path) -> None:
        self._folder = folder
        self._out = out
        self._number = 0
        self.why = ""

    async def run(self, heap_kib: int, passes: int) -> list[dict[str, int]] | None:
        """Both boards' notes of the set, or None if it did not run whole; `why` says what happened."""
        self._number += 1
        room = f"heap-{heap_kib}-{self._number}"
        folder = self._folder / room
        folder.mkdir()
        self.why = ""
        try:
            async with contextlib.AsyncExitStack() as stack:
                daemon = await stack.enter_async_context(Daemon(folder))
                left, right = clocks(AIR, room, heap_bytes=heap_kib * KIB)
                pair = await stack.enter_async_context(
                    running_pair(daemon, room, folder, self._out, left, right)
                )
                asked_us, _ = await daemon.timed_start(room, **PACING, passes=passes)
                held = await daemon.until_over(room, passes / PACING["rate_hz"] + 20)
                result = judge(held, pair.traces(), asked_us, host_us(), PACING["rate_hz"], passes)
                boots = [(await board.hands("info"))["boots"] for board in pair.boards]
                if not result.is_whole or boots != [1, 1]:
                    self.why = f"{result.sentence()}; boots {boots}"
                    return None
                # The boards write their notes with the first collection after the set.
                for _ in range(100):
                    with contextlib.suppress(BenchError):
                        return [board.note("heap.json") for board in pair.boards]
                    await asyncio.sleep(0.1)
                return []
        except (BenchError, BadTrace, TwintapError) as error:
            self.why = str(error)
            return None


async def measure(folder: Path, out: Path, seconds: float) -> Table:
    """Bisect with short sets, then confirm with one of `seconds`, a step up until one runs."""
    trial = Trial(folder, out)
    table = Table(
        "heap", f"The firmware's heap, KiB of the 64-bit VM, confirmed with a set of {seconds:.0f} s"
    )
    roomy = await trial.run(ROOMY_KIB, 30)
    low, high = LOW_KIB, HIGH_KIB
    while high - low > STEP_KIB:
        middle = (low + high) // 2 // STEP_KIB * STEP_KIB
        does = await trial.run(middle, SHORT_PASSES) is not None
        progress(f"heap: {middle} KiB {'runs' if does else 'does not run'} a short set {trial.why}")
        low, high = (low, middle) if does else (middle, high)
    short = high
    confirmed = None
    passes = max(1, round(seconds * PACING["rate_hz"]))
    notes: list[dict[str, int]] = []
    for number in range(_CONFIRM_TRIES):
        heap_kib = short + number * STEP_KIB
        found = await trial.run(heap_kib, passes)
        progress(
            f"heap: {heap_kib} KiB {'does not run' if found is None else 'runs'} {passes} passes {trial.why}"
        )
        if found is not None:
            confirmed, notes = heap_kib, found
            break
    table.rows.append({"what": "smallest heap for a short set", "KiB": short})
    table.rows.append(
        {"what": f"smallest heap for {passes} passes, in steps of {STEP_KIB}", "KiB": confirmed}
    )
    for side, note in zip(("left", "right"), roomy or [], strict=False):
        table.rows.append(
            {
                "what": f"{side}, on {ROOMY_KIB} KiB, at 1 Hz",
                "bytes a pass": round(note["bytes"] / max(1, note["passes"])),
                "held bytes": note["held_bytes"],
                "peak bytes": note["peak_bytes"],
            }
        )
    table.goals.append(
        Goal("the smallest heap that runs the set, KiB", confirmed and float(confirmed), GOAL_KIB)
    )
    table.raw = {"roomy": roomy, "confirmed": notes, "passes": passes}
    return table
