"""The daemon's UDP socket: what arrives is stamped, sorted, counted, and handed to its link."""

import asyncio
import logging
import socket
import sys
from collections import Counter
from collections.abc import Callable
from typing import Protocol, cast

from twintap_protocol import frames
from twintap_protocol.errors import RemoteError
from twintap_protocol.link import Hello, asker_of_other_major, refuse

from ..errors import StartupError
from .bucket import Bucket
from .link import Address, Link
from .pulser import Pulser

log = logging.getLogger(__name__)

_HELLOS_PER_S = 2_000.0  # a hash of some µs each: all of a large clinic at once, and no core kept busy
_BACKLOG_BYTES = 65_536  # datagrams that the system did not take; what waited longer is not worth sending
_AT_ONCE = 32  # datagrams taken in one turn of the loop: some ms at most, so that a stop is never behind more
_READ_BYTES = 2_048  # more than any frame: what is longer must be seen to be too long
_RECEIVE_BYTES = 4 << 20  # a thousand pulsers' frames of a quarter of a second
_REFUSALS_PER_S = 5.0


class _Transport(Protocol):
    """What asyncio's own datagram transports give; their interface leaves the backlog out."""

    def sendto(self, data: bytes, addr: Address) -> None: ...
    def get_write_buffer_size(self) -> int: ...
    def close(self) -> None: ...


class Endpoint(asyncio.DatagramProtocol):
    """Sorts datagrams by link id. `on_linked` and `on_report` are called with the pulser that it concerns."""

    def __init__(
        self,
        daemon_id: bytes,
        clock_us: Callable[[], int],
        *,
        ended_set: Callable[[], int],
        on_linked: Callable[[Pulser], None],
        on_report: Callable[[Pulser], None],
    ) -> None:
        self.dropped: Counter[str] = Counter()
        self._daemon_id = daemon_id
        self._clock_us = clock_us
        self._ended_set = ended_set
        self._on_linked = on_linked
        self._on_report = on_report
        self._pulsers: dict[bytes, Pulser] = {}
        self._links: dict[bytes, tuple[Pulser, Link]] = {}
        self._transport: _Transport | None = None
        self._more: socket.socket | None = None
        self._hellos = Bucket(_HELLOS_PER_S, _HELLOS_PER_S)
        self._refusals = Bucket(_REFUSALS_PER_S, _REFUSALS_PER_S)

    async def open(self, host: str, port: int) -> int:
        """Binds UDP `host`:`port` (0: any) and gives the port. Raises `StartupError` when it is taken."""
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        except OSError as error:
            raise StartupError(
                f"UDP port {port} on {host} cannot be used: {error.strerror or error}"
            ) from error
        self._transport = cast(_Transport, transport)
        own: socket.socket = transport.get_extra_info("socket")
        # Asked for, not required: what the kernel keeps while the loop is busy is late, and not lost.
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        if sys.platform != "win32":  # there a read is always under way, and a second one would steal from it
            more = own.dup()
            more.setblocking(False)
            self._more = more
        return int(transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Closes the socket; what is sent after goes nowhere."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        if self._more is not None:
            self._more.close()
            self._more = None

    # --- whom we know ---------------------------------------------------------------------------------------

    def add(self, pulser: Pulser) -> None:
        """Answers the hellos of `pulser` from now on."""
        self._pulsers[pulser.pairing.pulser_id] = pulser

    def remove(self, pulser: Pulser) -> None:
        """Forgets `pulser` and all its links."""
        self._pulsers.pop(pulser.pairing.pulser_id, None)
        self.forget_links(pulser.lose())

    def forget_links(self, link_ids: list[bytes]) -> None:
        """Frames of these links are a stranger's from now on."""
        for link_id in link_ids:
            self._links.pop(link_id, None)

    # --- datagrams ------------------------------------------------------------------------------------------

    def send(self, data: bytes, address: Address) -> None:
        """Sends one datagram, at once and without a word about whether it arrives."""
        transport = self._transport
        if transport is None:
            return
        if transport.get_write_buffer_size() > _BACKLOG_BYTES:
            self.dropped["backlog"] += 1
            return
        transport.sendto(data, address)

    def error_received(self, exc: Exception) -> None:
        """Counts what the network said about a datagram of ours."""
        # A pulser that has gone answers by ICMP; its silence is what counts, and is seen elsewhere.
        self.dropped["icmp"] += 1

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        """Takes one datagram, and whatever else has come by now: it does what it is for, or is counted.

        asyncio reads one datagram per turn of its loop; with hundreds of pulsers those turns would cost more
        than the datagrams, and each would be stamped later than it need be.
        """
        self.take(data, (str(addr[0]), addr[1]))
        for _ in range(_AT_ONCE):
            if self._more is None:
                return
            try:
                data, sender = self._more.recvfrom(_READ_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                self.error_received(error)
                return
            self.take(data, (sender[0], sender[1]))

    def take(self, data: bytes, address: Address) -> None:
        """Takes one datagram from `address`; what it cannot be is counted in `dropped` by its reason."""
        received_us = self._clock_us()
        buf = bytearray(data)
        length = len(buf)
        try:
            kind = frames.read_kind(buf, length)
            if kind >= frames.ECHO:
                self._sealed(buf, length, received_us, address)
            elif kind == frames.HELLO:
                self._hello(buf, length, received_us, address)
            else:
                raise RemoteError("kind")
        except RemoteError as error:
            self.dropped[error.reason] += 1
            if error.reason == "version":
                asker = asker_of_other_major(buf, length)
                if asker is not None:
                    self._refuse(asker, frames.REFUSED_VERSION, received_us, address)

    def _sealed(self, buf: bytearray, length: int, received_us: int, address: Address) -> None:
        found = self._links.get(bytes(buf[4:8]))
        if found is None:
            raise RemoteError("link")
        pulser, link = found
        was_proved = link.channel.proved
        try:
            is_report = link.receive(buf, length, received_us, address)
        except RemoteError:
            pulser.dropped += 1
            raise
        pulser.address = link.address
        if not was_proved:
            self.forget_links(pulser.prove(link))
            self._on_linked(pulser)
        if is_report:
            self._on_report(pulser)

    def _hello(self, buf: bytearray, length: int, received_us: int, address: Address) -> None:
        hello = Hello(buf, length)
        if hello.daemon_id != self._daemon_id:
            # Another daemon's pulser, which asks us by mistake; nobody is to be told who it is.
            raise RemoteError("id")
        pulser = self._pulsers.get(hello.pulser_id)
        if pulser is None:
            self._refuse(hello.pulser_id, frames.REFUSED_NOT_PAIRED, received_us, address)
            raise RemoteError("id")
        if not self._hellos.take(received_us):
            raise RemoteError("flood")
        if not hello.is_from(pulser.pairing.key):
            raise RemoteError("tag")
        reply, link, gone = pulser.answer(hello, address, self._ended_set())
        self.forget_links(gone)
        self._links[link.channel.link_id] = (pulser, link)
        self.send(reply, address)

    def _refuse(self, pulser_id: bytes, reason: int, now_us: int, address: Address) -> None:
        if self._refusals.take(now_us):
            self.send(refuse(pulser_id, reason, frames.VERSION), address)
