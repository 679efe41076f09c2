"""A real Chromium for the benchmarks: how it is started, how a page joins, how its clock is the host's."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from typing import Any

from playwright.async_api import Browser, BrowserContext, Error, Page, async_playwright

from tests.bench.rig import BenchError, Controller

PATIENCE_MS = 30_000
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A Chromium without a window. Raises `BenchError` if there is none, and for what goes wrong in it."""
    path = os.environ.get("TWINTAP_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        raise BenchError("there is no Chromium: install one, or name it in TWINTAP_CHROMIUM")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        try:
            yield browser
        except Error as error:
            raise BenchError(f"the browser: {error.message}") from error
        finally:
            await browser.close()


async def until(page: Page, expression: str) -> Any:
    """Wait until a JavaScript expression is true in the page; give it. Raises TimeoutError.

    Looked at from outside: the page's policy keeps what is inside from running text.
    """
    async with asyncio.timeout(PATIENCE_MS / 1_000):
        while not (found := await page.evaluate(expression)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found


@contextlib.asynccontextmanager
async def joined(
    browser: Browser, daemon: Controller, room: str, role: str, **options: Any
) -> AsyncIterator[BrowserContext]:
    """A browser profile of its own that has joined `room`."""
    host, port = daemon._address  # pyright: ignore[reportPrivateUsage]
    origin = f"http://{host}:{port}"
    status, offer = await daemon.ask("POST", "/join/offers", {"room": room, "role": role})
    if status >= 400:
        raise BenchError(f"no way in: {offer}")
    context = await browser.new_context(base_url=origin, reduced_motion="no-preference", **options)
    context.set_default_timeout(PATIENCE_MS)
    try:
        answer = await context.request.post(
            "/api/v1/join",
            data={"token": offer["url"].partition("#join=")[2], "label": "bench"},
            headers={"Origin": origin},
        )
        if not answer.ok:
            raise BenchError(f"not let in: {answer.status} {await answer.text()}")
        yield context
    finally:
        await context.close()


async def origin_us(page: Page) -> float:
    """Where the zero of the page's performance.now() lies on the host's CLOCK_MONOTONIC, in µs.

    Chromium counts its own ticks on that clock and says where the page's navigation began on it.
    """
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")
    found = await session.send("Performance.getMetrics")
    await session.detach()
    metrics = {one["name"]: float(one["value"]) for one in found["metrics"]}
    return metrics["NavigationStart"] * 1e6
