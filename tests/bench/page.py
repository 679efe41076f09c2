"""The screen's pages in a real Chromium on loopback: what they weigh, how soon they are of use, and how soon
a touch on the surface has left as a command."""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from tests.bench.browser import chromium, joined, until
from tests.bench.report import Goal, HostLateness, Table, spread
from tests.bench.rig import Daemon, Pair, clocks, progress, running_pair

WEIGHT_GOAL_KIB = 150.0
USABLE_GOAL_MS = 500.0
TABLET = {"viewport": {"width": 1180, "height": 820}, "has_touch": True}
PAUSE_S = 0.3

SURFACE = '[data-testid="surface"]'
# What is there when a page is of use: a surface that would start; a light that knows the beat.
WORK_IS_READY = f"document.querySelector('{SURFACE}[data-touch=\"start\"]')"
LIGHT_IS_READY = "document.querySelector('[data-testid=said]')?.textContent"
WAIT = """window.ready_ = new Promise((resolve) => {
  const look = () => (READY ? resolve(performance.now()) : requestAnimationFrame(look));
  look();
})"""

# What leaves, and when: the page's own clock, as is the touch's.
LISTEN = """(() => {
  const sent = [];
  const touched = [];
  window.bench_ = {sent, touched};
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) {
    const at = performance.now();
    send.call(this, text);
    const command = /"do": ?"(start|stop)"/.exec(text);
    if (command) sent.push([command[1], at, 'line']);
  };
  const fetched = window.fetch;
  window.fetch = function (where, options) {
    const at = performance.now();
    const answer = fetched.call(this, where, options);
    if (String(where).endsWith('/set/stop')) sent.push(['stop', at, 'request']);
    if (String(where).endsWith('/set/start')) sent.push(['start', at, 'request']);
    return answer;
  };
  addEventListener('pointerdown', (event) => touched.push(event.timeStamp), true);
})()"""


async def measure(folder: Path, out: Path, loads: int, touches: int) -> Table:
    """`loads` of each page by a browser that has never seen it; `touches` starts and stops by a finger."""
    async with contextlib.AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(Daemon(folder))
        pair = await stack.enter_async_context(
            running_pair(daemon, "page", folder, out, *clocks("quiet", "page"))
        )
        await daemon.until_ready(pair.room)
        browser = await stack.enter_async_context(chromium())
        host = stack.enter_context(HostLateness())
        pages = {
            "work": (f"/#/work/{pair.room}", "therapist", WORK_IS_READY),
            "light": (f"/light/{pair.room}", "display", LIGHT_IS_READY),
        }
        found: dict[str, list[tuple[float, int, int]]] = {name: [] for name in pages}
        for _ in range(loads):
            for name, (path, role, ready) in pages.items():
                found[name].append(await _load(browser, daemon, pair, path, role, ready))
        progress("pages loaded")
        late_ms = await _touches(browser, daemon, pair, touches)
    return _table(found, late_ms, host)


async def _load(
    browser: Browser, daemon: Daemon, pair: Pair, path: str, role: str, ready: str
) -> tuple[float, int, int]:
    """When it was of use, in ms since the navigation began; its bytes on the wire; its files."""
    async with joined(browser, daemon, pair.room, role, **TABLET) as context:
        page = await context.new_page()
        session = await context.new_cdp_session(page)
        await session.send("Network.enable")
        sizes: dict[str, int] = {}
        session.on(
            "Network.loadingFinished",
            lambda one: sizes.__setitem__(one["requestId"], one["encodedDataLength"]),
        )
        await page.add_init_script(WAIT.replace("READY", ready))
        await page.goto(path)
        used_ms = float(await page.evaluate("ready_"))
        await page.wait_for_load_state("networkidle")
        return used_ms, round(sum(sizes.values())), len(sizes)


async def _touches(browser: Browser, daemon: Daemon, pair: Pair, touches: int) -> dict[str, list[float]]:
    """From a finger on the surface to its command on its way, in ms: `start`, and `stop` by both its ways."""
    late_ms: dict[str, list[float]] = {"start, line": [], "stop, line": [], "stop, request": []}
    async with joined(browser, daemon, pair.room, "therapist", **TABLET) as context:
        page = await context.new_page()
        await page.add_init_script(LISTEN)
        await page.goto(f"/#/work/{pair.room}")
        for _ in range(touches):
            for do in ("start", "stop"):
                mode = "idle" if do == "start" else "running"
                await page.wait_for_selector(f'[data-mode="{mode}"] {SURFACE}[data-touch="{do}"]')
                await asyncio.sleep(PAUSE_S)
                touched_ms, sent = await _touch(page)
                for kind, at_ms, way in sent:
                    name = f"{kind}, {way}"
                    if kind == do and name in late_ms:
                        late_ms[name].append(at_ms - touched_ms)
    return late_ms


async def _touch(page: Page) -> tuple[float, list[tuple[str, float, str]]]:
    await page.evaluate("(bench_.sent.length = 0, bench_.touched.length = 0)")
    box = await page.locator(SURFACE).bounding_box()
    assert box is not None
    await page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await until(page, "bench_.sent.length > 0")
    return await page.evaluate("[bench_.touched[0], bench_.sent.slice()]")


def _table(
    found: dict[str, list[tuple[float, int, int]]], late_ms: dict[str, list[float]], host: HostLateness
) -> Table:
    table = Table("page", "The screen's pages on loopback")
    for name, loads in found.items():
        weights = [weight / 1_024 for _, weight, _ in loads]
        table.rows.append(_row(f"{name}: of use after, ms", [used for used, _, _ in loads]))
        table.rows.append(_row(f"{name}: weight, KiB ({loads[0][2]} files)", weights))
    for name, values in late_ms.items():
        table.rows.append(_row(f"touch to command sent, ms: {name}", values))
    used = spread([used for used, _, _ in found["work"]])
    weight = max(weight for _, weight, _ in found["work"]) / 1_024
    table.goals = [
        Goal("work: weight, KiB", round(weight, 1), WEIGHT_GOAL_KIB),
        Goal("work: of use after, p95 ms", used["p95"], USABLE_GOAL_MS),
    ]
    table.notes = [
        str(host),
        "each load by a browser that has nothing in its cache; weight as it came over the wire, with heads",
    ]
    table.raw = {"loads": found, "late_ms": late_ms, "host_late_us": host.spread_us}
    return table


def _row(what: str, values: Sequence[float]) -> dict[str, Any]:
    shown = {name: None if value is None else round(value, 2) for name, value in spread(list(values)).items()}
    return {"what": what, "n": len(values), **shown}
