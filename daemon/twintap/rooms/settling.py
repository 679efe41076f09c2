"""What a pulser is to take over or to do, said until it says how it dealt with it.

TUNE, NETWORK and POWER share one count of numbers, and a pulser acknowledges the newest alone. So one is
settled after the other, and each gets a number that the pulser cannot have seen.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

from twintap_protocol import frames, limits

from ..errors import Fault, Refused
from ..links.pulser import Pulser
from .wire import Repeat

_PATIENCE_US = 4_000_000  # a flash is written in it, on bad air too
_PATIENCE_DROWSY_US = 8_000_000  # what is sent to a radio that sleeps waits for its next beacon
_WAITING_MAX = 4  # one after the other, each for some seconds at most
_NUMBER_MAX = 65_535


class Settled(Protocol):
    """A frame that a REPORT's `settled` acknowledges."""

    def write(self, buf: bytearray, at: int) -> int:
        """Writes the payload, gives its length."""
        ...


class Settler:
    """One pulser's. `clock_us`: the daemon's monotonic clock in µs."""

    def __init__(self, pulser: Pulser, clock_us: Callable[[], int]) -> None:
        self._pulser = pulser
        self._clock_us = clock_us
        self._lock = asyncio.Lock()
        self._news = asyncio.Event()
        self._asking = 0
        self._last = 0

    def reported(self) -> None:
        """A newer report came, or the link went: whoever waits for an answer has a look."""
        self._news.set()

    async def settle(self, kind: int, make: Callable[[int], Settled]) -> None:
        """Sends the frame that `make` makes of a number, until the pulser has dealt with it.

        Raises `Refused`: `asleep`, `offline`, `old` (a firmware that does not know it), `running` (a set is
        held there), `refused` (it will not), `flash` (it could not write it), `silent` (no word within 4 s),
        `busy` (too much waits for it already).
        Whoever must not be refused for a pulser that goes to sleep looks at its `is_asleep`.
        """
        if self._asking >= _WAITING_MAX:
            side = self._pulser.pairing.side
            text = f"too much waits for the {side} pulser already; say it again in a moment"
            raise Refused(Fault("busy", text, side=side, retry_after_ms=1_000))
        self._asking += 1
        try:
            await self._settle(kind, make)
        finally:
            self._asking -= 1

    async def _settle(self, kind: int, make: Callable[[int], Settled]) -> None:
        pulser, side = self._pulser, self._pulser.pairing.side
        async with self._lock:
            link, report = pulser.link, pulser.report
            if pulser.is_asleep:
                raise Refused(Fault("asleep", f"the {side} pulser is asleep: press its button", side=side))
            if link is None or report is None:
                raise Refused(Fault("offline", f"the {side} pulser does not answer", side=side))
            if report.trim_bp == 0:
                text = f"the {side} pulser's firmware is too old for this: update it by its cable"
                raise Refused(Fault("old", text, side=side))
            number = self._next(report.settled)
            buf = bytearray(limits.MAX_FRAME)
            payload = bytes(buf[: make(number).write(buf, 0)])
            began_us = self._clock_us()
            is_drowsy = report.power == frames.POWER_DROWSY
            end_us = began_us + (_PATIENCE_DROWSY_US if is_drowsy else _PATIENCE_US)
            repeat = Repeat(began_us)
            while pulser.link is link:
                newest = pulser.report
                if newest is not None and newest.settled == number:
                    _judge(newest.settled_result, pulser)
                    return
                now_us = self._clock_us()
                if now_us >= end_us:
                    raise Refused(Fault("silent", f"the {side} pulser did not answer", side=side))
                if now_us >= repeat.due_us:
                    link.send_bytes(kind, payload)
                    repeat.sent(now_us)
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, min(repeat.due_us, end_us) - now_us) / 1e6):
                        await self._news.wait()
            raise Refused(Fault("offline", f"the {side} pulser went out of reach meanwhile", side=side))

    def _next(self, settled: int) -> int:
        """The number after whatever this pulser was sent, by this daemon or by one before it."""
        newest = self._last if self._last and frames.is_newer_number(self._last, settled) else settled
        self._last = newest % _NUMBER_MAX + 1
        return self._last


def _judge(result: int, pulser: Pulser) -> None:
    side = pulser.pairing.side
    if result == frames.SETTLED_DONE:
        return
    if result == frames.SETTLED_RUNNING:
        raise Refused(Fault("running", "a set is running: stop it first", side=side))
    if result == frames.SETTLED_FLASH:
        text = f"the {side} pulser could not write it to its flash: it goes on with what it had"
        raise Refused(Fault("flash", text, side=side))
    raise Refused(Fault("refused", f"the {side} pulser will not: it is not possible there now", side=side))
