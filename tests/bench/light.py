"""Light and sound against the motor line: a real page in a real Chromium, mapped to the host's clock.

The light's error is that of the moment at which the screen first shows it past its middle, against half way
between the middles of the two pulses on either side: frames as they were drawn, late ones at the frame that
they came to. The sound's is that of the instant at which the browser says that it lets a tone be heard,
against the on-edge of its pulse. What a display, a headphone or its air adds behind the browser is not in it.
"""

import asyncio
import contextlib
import json
import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.bench.browser import chromium, joined, origin_us, until
from tests.bench.report import Goal, HostLateness, Table, spread
from tests.bench.rig import BenchError, Daemon, Pair, clocks, host_us, progress, running_pair
from tests.support.traces import Pulse, pulses_of, within

RATES_HZ = (0.5, 1.0, 2.0)
SETTLE_S = 5.0
FRAME_US = 1e6 / 60
LIGHT_GOAL_MS = 16.7
SOUND_GOAL_MS = 10.0
FAR_US = 100_000  # what is further off belongs to another pulse

RECORD = """import('/ui/js/light.js').then(({page}) => {
  const seen = {frames: [], stamps: [], tones: {}, fit: []};
  window.seen = seen;
  page.frames = ({nowUs, shownUs, place, glow}) =>
    seen.frames.push([nowUs, shownUs, performance.now() * 1e3, place, glow.dot]);
  setInterval(() => {
    const {context} = page.tones;
    const stamp = context.getOutputTimestamp();
    seen.stamps.push([stamp.performanceTime * 1e3, stamp.contextTime * 1e6]);
    for (const one of page.tones.planned.values()) {
      seen.tones[`${one.set}/${one.index}`] = [one.side, one.pulseUs, one.atUs];
    }
    const now = performance.now() * 1e3;
    seen.fit.push([now, page.follower.fit.there(now), page.follower.fit.boundUs]);
  }, 20);
})"""
SOUND_ON = """import('/ui/js/light.js').then(({page}) => page.tones.turnOn())"""
FRESH = """import('/ui/js/light.js').then(({page}) => page?.follower.isFresh() ?? false)"""


async def measure(folder: Path, out: Path, seconds: float) -> Table:
    """One set at each rate, `seconds` in all, on quiet air; a page shows the light and plays the tones."""
    async with contextlib.AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(Daemon(folder))
        pair = await stack.enter_async_context(
            running_pair(daemon, "light", folder, out, *clocks("quiet", "light"))
        )
        await daemon.until_ready(pair.room)
        browser = await stack.enter_async_context(chromium())
        context = await stack.enter_async_context(joined(browser, daemon, pair.room, "display"))
        page = await context.new_page()
        await page.goto(f"/light/{pair.room}")
        await until(page, FRESH)
        # Without a touch browsers give no sound.
        await page.mouse.click(5, 5)
        await page.evaluate(SOUND_ON)
        await page.evaluate(RECORD)
        await asyncio.sleep(SETTLE_S)
        host = stack.enter_context(HostLateness())
        sets: list[tuple[float, int, int]] = []
        for rate_hz in RATES_HZ:
            passes = max(2, round(seconds / len(RATES_HZ) * rate_hz))
            begun_us, _ = await daemon.timed_start(
                pair.room, rate_hz=rate_hz, pulse_ms=100, level_pct=40, ramp_ms=0, passes=passes
            )
            await daemon.until_over(pair.room, passes / rate_hz + 20)
            sets.append((rate_hz, begun_us, host_us()))
            progress(f"light: {passes} passes at {rate_hz:g} Hz over")
        seen = await page.evaluate("window.seen")
        zero_us = await origin_us(page)
    (out / "light-page.json").write_text(json.dumps({"zero_us": zero_us, **seen}))
    return _table(pair, sets, seen, zero_us, host, seconds)


# --- what came of it ---------------------------------------------------------------------------------------


def crossings_us(frames: Sequence[Sequence[float]], zero_us: float) -> list[tuple[str, float]]:
    """When the screen first showed the light past its middle, and to which side, on the host's clock.

    `frames`: for each the browser's stamp, when it would be seen, when it was drawn, the place, the glow. One
    that was drawn too late for its own frame is seen with the next that it was in time for.
    """
    found: list[tuple[str, float]] = []
    for before, after in pairwise(frames):
        if before[4] < 1 or after[4] < 1 or (before[3] < 0) == (after[3] < 0):
            continue
        stamp_us, shown_us, drawn_us = after[:3]
        frame_us = shown_us - stamp_us
        late = max(0, math.ceil((drawn_us - stamp_us) / frame_us) - 1)
        found.append(("right" if after[3] >= 0 else "left", zero_us + shown_us + late * frame_us))
    return found


def light_errors_us(
    crossings: Sequence[tuple[str, float]], left: Sequence[Pulse], right: Sequence[Pulse]
) -> list[float]:
    """For each pulse that follows the other side's: how late the light crossed between the two, in µs."""
    pulses = sorted((*left, *right), key=lambda pulse: pulse.on_us)
    middles = [(pulse.side, (pulse.on_us + (pulse.off_us or pulse.on_us)) / 2) for pulse in pulses]
    errors: list[float] = []
    for (one_side, one_us), (side, two_us) in pairwise(middles):
        half_us = (one_us + two_us) / 2
        near = [at_us - half_us for to, at_us in crossings if to == side and one_us < at_us < two_us]
        if one_side != side and near:
            errors.append(min(near, key=abs))
    return errors


def sound_errors_us(
    tones: Sequence[Sequence[Any]],
    stamps: Sequence[Sequence[float]],
    zero_us: float,
    pulses: dict[str, Sequence[Pulse]],
) -> list[float]:
    """How long after its pulse's on-edge each tone was heard, in µs.

    `tones`: side, pulse, instant on the sound card's clock; `stamps`: instants of the page's clock and of the
    sound card's, of what was then being heard.
    """
    ordered = sorted(stamps, key=lambda stamp: stamp[1])
    cards = [stamp[1] for stamp in ordered]
    errors: list[float] = []
    for side, _, at_us in tones:
        place = bisect_left(cards, at_us)
        if not 0 < place < len(cards):
            continue
        (here_us, card_us), (later_us, later_card_us) = ordered[place - 1], ordered[place]
        part = (at_us - card_us) / max(1.0, later_card_us - card_us)
        heard_us = zero_us + here_us + part * (later_us - here_us)
        near = min((heard_us - pulse.on_us for pulse in pulses[side]), key=abs, default=math.inf)
        if abs(near) < FAR_US:
            errors.append(near)
    return errors


def _table(
    pair: Pair,
    sets: Sequence[tuple[float, int, int]],
    seen: dict[str, Any],
    zero_us: float,
    host: HostLateness,
    seconds: float,
) -> Table:
    table = Table("light", f"Light and sound against the motor line, ms, {seconds:.0f} s on quiet air")
    if not seen["frames"] or not seen["stamps"]:
        raise BenchError("the page drew nothing, or its browser has no sound")
    left, right = (pulses_of(rows) for rows in pair.traces())
    crossings = crossings_us(seen["frames"], zero_us)
    light: list[float] = []
    sound: list[float] = []
    told = 0
    for rate_hz, from_us, to_us in sets:
        sides = {"left": within(left, from_us, to_us), "right": within(right, from_us, to_us)}
        told += sum(len(pulses) for pulses in sides.values())
        tones = [tone for tone in seen["tones"].values() if from_us - FAR_US <= tone[1] <= to_us]
        found = {
            "light, past its middle": light_errors_us(crossings, sides["left"], sides["right"]),
            "sound, as the browser says it is heard": sound_errors_us(tones, seen["stamps"], zero_us, sides),
        }
        light += found["light, past its middle"]
        sound += found["sound, as the browser says it is heard"]
        for what, errors in found.items():
            table.rows.append({"rate Hz": rate_hz, "what": what, "n": len(errors), **_ms(errors)})
    fit = [there_us - here_us - zero_us for here_us, there_us, _ in seen["fit"]]
    table.rows.append(
        {"rate Hz": None, "what": "the page's fit of the daemon's clock", "n": len(fit), **_ms(fit)}
    )
    gaps = [two[0] - one[0] for one, two in pairwise(seen["frames"]) if two[0] - one[0] < FAR_US]
    table.rows.append({"rate Hz": None, "what": "from frame to frame", "n": len(gaps), **_ms(gaps)})
    table.goals = [
        Goal("light within one frame, p99 ms", _ms(light)["p99"], LIGHT_GOAL_MS),
        Goal("sound, p99 ms", _ms(sound)["p99"], SOUND_GOAL_MS),
        Goal("pulses with a tone, %", 100.0 * len(sound) / max(1, told), 97.0, at_least=True),
    ]
    table.notes = [
        str(host),
        "light: quantised to the display's frames, which alone make 0 to 1 frame of it",
        "sound: by what the browser reports of its own output; what the air (Bluetooth) and a headphone add"
        " is not measured, and is what the trim is for",
        "no sound card and no display here: the browser's own stand-ins for both",
    ]
    table.raw = {"light_us": light, "sound_us": sound, "host_late_us": host.spread_us}
    table.files = ["light-page.json", *(board.trace.name for board in pair.boards)]
    return table


def _ms(errors_us: Sequence[float]) -> dict[str, Any]:
    return {
        name: None if value is None else round(value / 1_000, 3)
        for name, value in spread(list(errors_us)).items()
    }
