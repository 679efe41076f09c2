"""Waking pulsers that rest, and keeping those of an open session awake."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial

from twintap_protocol import frames

from ..errors import Refused
from ..links.pulser import Pulser
from .settling import Settler

log = logging.getLogger(__name__)

KEEP_US = 60_000_000  # far within the ten minutes after which a pulser rests


class Waking:
    """For all rooms. `settler` gives a pulser's own; `clock_us`: the daemon's monotonic clock in µs."""

    def __init__(self, settler: Callable[[Pulser], Settler], clock_us: Callable[[], int]) -> None:
        self._settler = settler
        self._clock_us = clock_us
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._kept_us: dict[str, int] = {}

    def wake(self, pulsers: Iterable[Pulser]) -> None:
        """Asks them to be awake, and returns at once: their reports say when they are.

        Of one that is awake it begins the time of idleness anew. Who is not linked, or too old, is passed by.
        """
        for pulser in pulsers:
            report = pulser.report
            if report is None or report.trim_bp == 0 or report.flags & frames.FLAG_SET:
                continue
            now_us = self._clock_us()
            pulser.woken(now_us)
            self._kept_us[pulser.id] = now_us
            if pulser.id not in self._asking:
                task = asyncio.create_task(self._ask(self._settler(pulser)), name="waking a pulser")
                self._asking[pulser.id] = task
                task.add_done_callback(partial(self._on_asked, pulser.id))

    def keep(self, pulsers: Iterable[Pulser]) -> None:
        """A session is open here: call it each second, and they stay awake."""
        now_us = self._clock_us()
        for pulser in pulsers:
            report = pulser.report
            is_drowsy = report is not None and report.power == frames.POWER_DROWSY
            if is_drowsy or now_us >= self._kept_us.get(pulser.id, -KEEP_US) + KEEP_US:
                self.wake((pulser,))

    def forget(self, pulser: Pulser) -> None:
        """It is not ours any more, or not under the key that it had."""
        self._kept_us.pop(pulser.id, None)
        task = self._asking.pop(pulser.id, None)
        if task is not None:
            task.cancel()

    def abandon(self) -> None:
        """Asks nobody any more."""
        for task in self._asking.values():
            task.cancel()

    async def close(self) -> None:
        """The same, and it is over when this returns."""
        self.abandon()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _ask(self, settler: Settler) -> None:
        try:
            await settler.settle(frames.POWER, lambda number: frames.Power(number, frames.WANT_AWAKE))
        except Refused as refusal:
            # Whoever needs it awake sees that it is not, and asks again.
            log.debug("a pulser was not woken: %s", refusal)

    def _on_asked(self, pulser_id: str, task: "asyncio.Task[None]") -> None:
        if self._asking.get(pulser_id) is task:
            del self._asking[pulser_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            log.critical("%s has failed", task.get_name(), exc_info=error)
