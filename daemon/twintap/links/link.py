"""One link to one pulser: made from a hello, used once, thrown away.

Whoever owns it (`pulser.Pulser`) makes another when this one is lost. It answers probes, keeps the clock fit
fed, holds the newest report, and seals what is to be sent.
"""

import logging
from collections.abc import Callable

from twintap_protocol import frames
from twintap_protocol.link import Channel, Hello, counter_of
from twintap_protocol.ticks import join_stamp, split_stamp

from ..clock import BadStamps, ClockFit, ClockStepped, ProbeStamps

log = logging.getLogger(__name__)

Address = tuple[str, int]
Send = Callable[[bytes, Address], None]

_WORN = 1 << 29  # frames after which a link is to be made anew: half of what its counters can number
_ECHOES_KEPT = 64  # four bursts of sixteen: stamps come within two reports of their burst


class Link:
    """A sealed channel with its clock fit. Times are µs of the daemon's monotonic clock."""

    def __init__(
        self,
        channel: Channel,
        address: Address,
        send: Send,
        clock_us: Callable[[], int],
        hello: Hello,
        reply: bytes,
    ) -> None:
        self.channel = channel
        self.address = address
        self.boot_id = hello.boot_id
        self.version = hello.version
        self.nonce = hello.nonce
        self.reply = reply  # the welcome that offered it: the same hello gets the same again
        self.fit = ClockFit()
        self.report: frames.Report | None = None
        self.heard_us = 0
        self.stepped = False  # the pulser's clock is not the one that was fitted
        self.presses_told: int | None = None
        self.told: tuple[int, int, int] = (0, 0, 0)  # the charging flag, power and settled, as last shown
        self.assigned = 0  # how often it was told its side and its room's colour
        self.sent = 0
        self._counter = -1
        self._report_counter = -1
        self._send = send
        self._clock_us = clock_us
        self._echoes: dict[int, tuple[int, int]] = {}

    def receive(self, buf: bytearray, length: int, received_us: int, address: Address) -> bool:
        """Takes a sealed frame; tells whether it brought a newer report. Raises `RemoteError`."""
        newer_minor = frames.is_newer_minor(buf)
        payload_len = self.channel.open(buf, length)
        counter = counter_of(buf)
        if counter > self._counter:
            # Only the newest says where the pulser is and that it lives: an older one may be a recording.
            self._counter = counter
            self.address = address
            self.heard_us = received_us
        at = Channel.PAYLOAD
        if buf[2] == frames.PROBE:
            self._echo(frames.Probe.read(buf, at, payload_len, newer_minor), received_us)
            return False
        report = frames.Report.read(buf, at, payload_len, newer_minor)
        if counter <= self._report_counter:
            return False
        self._report_counter = counter
        self.report = report
        if report.stamps:
            self._take_stamps(report.stamps)
        return True

    def _echo(self, seq: int, received_us: int) -> None:
        channel = self.channel
        length = channel.seal(frames.ECHO, frames.Probe.write(channel.tx, Channel.PAYLOAD, seq))
        echo = bytes(memoryview(channel.tx)[:length])
        echoes = self._echoes
        if len(echoes) >= _ECHOES_KEPT:
            del echoes[next(iter(echoes))]
        self.sent += 1
        sent_us = self._clock_us()
        self._send(echo, self.address)
        echoes.pop(seq, None)
        echoes[seq] = (received_us, sent_us)

    def _take_stamps(self, stamps: list[tuple[int, int, int, int]]) -> None:
        burst: list[ProbeStamps] = []
        for seq, wraps, ticks, round_trip_us in stamps:
            echo = self._echoes.pop(seq, None)
            if echo is not None:
                asked_us = join_stamp(wraps, ticks)
                burst.append(ProbeStamps(asked_us, echo[0], echo[1], asked_us + round_trip_us))
        if not burst:
            return
        try:
            self.fit.add_burst(burst)
        except BadStamps as bad:
            log.debug("stamps refused: %s", bad)
        except ClockStepped as step:
            log.warning("a pulser's clock stepped: %s", step)
            self.stepped = True
            self.fit.drop()

    def drop_fit(self) -> None:
        """Forgets the fit and the stamps under way: the daemon's own clock jumped."""
        self.fit.drop()
        self._echoes.clear()

    def stamp(self, daemon_us: float) -> tuple[int, int]:
        """`(wraps, ticks)` on the pulser's clock at an instant of the daemon's. Raises `NoFit`."""
        return split_stamp(max(0, self.fit.to_pulser_us(round(daemon_us))))

    @property
    def is_worn(self) -> bool:
        """Whether so many frames went over it that it should be made anew, at the next quiet moment."""
        return self.sent > _WORN or self._counter > _WORN

    @property
    def payload(self) -> bytearray:
        """Where to write what `send` is to seal, from `Channel.PAYLOAD` on."""
        return self.channel.tx

    def send(self, kind: int, payload_len: int) -> None:
        """Seals the payload that stands in the channel's buffer and sends it, at once."""
        self.sent += 1
        length = self.channel.seal(kind, payload_len)
        self._send(bytes(memoryview(self.channel.tx)[:length]), self.address)

    def send_bytes(self, kind: int, payload: bytes) -> None:
        """The same, for a payload that was written before."""
        at = Channel.PAYLOAD
        self.channel.tx[at : at + len(payload)] = payload
        self.send(kind, len(payload))

    def send_lease(self, lease: frames.Lease) -> None:
        """Seals and sends a lease, at once."""
        self.send(frames.LEASE, lease.write(self.channel.tx, Channel.PAYLOAD))

    def send_stop(self, set_id: int) -> None:
        """Seals and sends the end of set `set_id` and all before it, at once."""
        self.send(frames.STOP, frames.Stop.write(self.channel.tx, Channel.PAYLOAD, set_id))
