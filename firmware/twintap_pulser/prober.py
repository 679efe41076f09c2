"""Probes: the pulser asks what time it is for the daemon, between pulses, and keeps both its own stamps.

`t1` is taken after sealing, just before sending; `t4` on receipt, before opening: the cost of sealing on a
slow chip must not become clock error. The socket is polled without sleep for a few ms after each probe, for
the event loop would look at it up to 10 ms late. A late echo is then found by the next probe's wait.
"""

from twintap_protocol.frames import PROBE, Probe
from twintap_protocol.limits import (
    MAX_STAMPS,
    PROBE_BURST,
    PROBE_EVERY_MS,
    PROBE_FIRST_BURST,
    PROBE_WAIT_MS,
    PROBE_WARM_EVERY_MS,
    PROBE_WARM_MS,
)
from twintap_protocol.ticks import ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from twintap_protocol.link import Channel

    from .clock import Clock
    from .motor import Motor
    from .port_contract import Port
    from .uplink import Uplink

_KEPT = 16  # probes whose echo may still come
_WAIT_US = PROBE_WAIT_MS * 1_000
_GAP_TRIES = 100  # looks for a gap between two edges, 10 ms apart, before a burst is given up
_LOST_US = 1_000_000  # an echo older than this tells nothing


class Prober:
    """Sends the bursts and collects their stamps for the reports."""

    def __init__(self, port: "Port", clock: "Clock", motor: "Motor") -> None:
        self._port = port
        self._clock = clock
        self._motor = motor
        self._seq = 0
        self._seqs = [-1] * _KEPT
        self._wraps = [0] * _KEPT
        self._t1_ticks = [0] * _KEPT
        self._open = 0  # probes of this burst without an echo
        self._fresh: "list[tuple[int, int, int, int]]" = []
        self._told: "list[tuple[int, int, int, int]]" = []  # told once, to be told once more
        self._since_ms = 0
        self._is_warm = True
        self._first = True
        self._last_ms = port.ticks_ms()

    def restart(self) -> None:
        """A new link: a long first burst at once, then frequent ones."""
        for at in range(_KEPT):
            self._seqs[at] = -1
        self._fresh = []
        self._told = []
        self._first = True
        self._is_warm = False
        self._since_ms = self._port.ticks_ms()

    def is_due(self) -> bool:
        """Whether it is time for a burst."""
        if self._first:
            return True
        now_ms = self._port.ticks_ms()
        if not self._is_warm and ticks_diff(now_ms, self._since_ms) >= PROBE_WARM_MS:
            self._is_warm = True
        every_ms = PROBE_EVERY_MS if self._is_warm else PROBE_WARM_EVERY_MS
        return ticks_diff(now_ms, self._last_ms) >= every_ms

    async def burst(self, uplink: "Uplink", channel: "Channel") -> None:
        """One burst on `channel`, each probe in a gap between edges; ends early if the link does."""
        port = self._port
        count = PROBE_FIRST_BURST if self._first else PROBE_BURST
        self._first = False
        self._last_ms = port.ticks_ms()
        self._open = 0
        for number in range(count):
            tries = 0
            while not self._motor.is_quiet(_WAIT_US):
                tries += 1
                if tries > _GAP_TRIES:
                    return
                await port.sleep_ms(10)
            if uplink.link is None or uplink.link.channel is not channel:
                return
            self._ask(channel, uplink.daemon)
            self._wait(uplink)
            if number % MAX_STAMPS == MAX_STAMPS - 1:
                uplink.report()
            await port.sleep_ms(0)

    def _ask(self, channel: "Channel", daemon: bytes) -> None:
        self._seq = (self._seq + 1) & 0xFFFF
        slot = self._seq % _KEPT
        length = channel.seal(PROBE, Probe.write(channel.tx, channel.PAYLOAD, self._seq))
        self._seqs[slot] = self._seq
        self._open += 1
        clock = self._clock
        self._t1_ticks[slot] = clock.sample()
        self._wraps[slot] = clock.wraps
        self._port.send(channel.tx, length, daemon)

    def _wait(self, uplink: "Uplink") -> None:
        port = self._port
        begin_ticks = port.ticks_us()
        while self._open and ticks_diff(port.ticks_us(), begin_ticks) < _WAIT_US:
            uplink.pump()

    def echo(self, seq: int, t4_ticks: int) -> None:
        """The daemon's answer to probe `seq` arrived at `t4_ticks`. One that is not awaited tells nothing."""
        slot = seq % _KEPT
        if self._seqs[slot] != seq:
            return
        self._seqs[slot] = -1
        if self._open:
            self._open -= 1
        t1_ticks = self._t1_ticks[slot]
        round_trip_us = ticks_diff(t4_ticks, t1_ticks)
        if 0 < round_trip_us < _LOST_US and len(self._fresh) < 2 * MAX_STAMPS:
            self._fresh.append((seq, self._wraps[slot], t1_ticks, round_trip_us))

    def stamps(self) -> "list[tuple[int, int, int, int]]":
        """What the report that is about to leave tells: new stamps, then those of the last one again."""
        fresh = self._fresh[:MAX_STAMPS]
        told = self._told[: MAX_STAMPS - len(fresh)]
        self._fresh = self._fresh[MAX_STAMPS:]
        self._told = fresh
        return told + fresh if told else fresh
