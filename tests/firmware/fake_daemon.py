"""A daemon in one file: enough of it to link with one pulser, start a set, and hear the reports."""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any, cast

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB

from twintap_protocol import frames
from twintap_protocol.ccm import Ccm
from twintap_protocol.errors import RemoteError
from twintap_protocol.link import Channel, Hello, beckon, welcome
from twintap_protocol.ticks import join_stamp, split_stamp

KEY = bytes(range(16))
DAEMON_ID = bytes(range(8))


class _Mode:
    def __init__(self, encryptor: Any) -> None:
        self._encryptor = encryptor

    def encrypt(self, in_buf: memoryview, out_buf: memoryview) -> None:
        done = self._encryptor.update(bytes(in_buf))
        out_buf[: len(done)] = done


def make_sealer(key: bytes) -> Ccm:
    return Ccm(
        _Mode(Cipher(AES(key), ECB()).encryptor()), _Mode(Cipher(AES(key), CBC(bytes(16))).encryptor())
    )


class FakeDaemon(asyncio.DatagramProtocol):
    """Answers hellos and probes, keeps reports, and leases `set_id` while `leasing`."""

    def __init__(self, key: bytes = KEY, daemon_id: bytes = DAEMON_ID) -> None:
        self.key = key
        self.daemon_id = daemon_id
        self.ended_set = 0
        self.answers_hello = True
        self.transport: asyncio.DatagramTransport | None = None
        self.channel: Channel | None = None
        self.offers: list[Channel] = []
        self.address: tuple[str, int] | None = None
        self.hellos: list[Hello] = []
        self.reports: list[frames.Report] = []
        self.probes: dict[int, int] = {}
        self.least_us: int | None = (
            None  # least (t1 - t2): the pulser's clock less ours, by the fastest way up
        )
        self.others: list[bytes] = []
        self._waiters: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    @classmethod
    async def open(cls, *args: Any, **kwargs: Any) -> "FakeDaemon":
        loop = asyncio.get_running_loop()
        _, daemon = await loop.create_datagram_endpoint(lambda: cls(*args, **kwargs), ("127.0.0.1", 0))
        return daemon

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    @property
    def port(self) -> int:
        assert self.transport is not None
        return self.transport.get_extra_info("sockname")[1]

    def close(self) -> None:
        assert self.transport is not None
        self.transport.close()

    # --- what arrives ---------------------------------------------------------------------------------------

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        t2_us = time.monotonic_ns() // 1000
        buf = bytearray(data)
        try:
            kind = frames.read_kind(buf, len(buf))
            if kind == frames.HELLO:
                self._hello(buf, addr)
            elif kind >= frames.ECHO:
                self._sealed(buf, addr, t2_us)
        except RemoteError:
            self.others.append(data)
        for condition, future in list(self._waiters):
            if condition() and not future.done():
                future.set_result(None)

    def _hello(self, buf: bytearray, addr: tuple[str, int]) -> None:
        hello = Hello(buf, len(buf))
        if hello.daemon_id != self.daemon_id or not hello.is_from(self.key) or not self.answers_hello:
            return
        self.hellos.append(hello)
        reply, offer = welcome(hello, self.key, os.urandom(16), os.urandom(4), self.ended_set, make_sealer)
        self.offers.append(offer)
        self._send(reply, addr)

    def _sealed(self, buf: bytearray, addr: tuple[str, int], t2_us: int) -> None:
        channel = next((c for c in [*self.offers, self.channel] if c is not None and c.is_for(buf)), None)
        if channel is None:
            raise RemoteError("link")
        length = channel.open(buf, len(buf))
        if channel is not self.channel:
            self.channel = channel
            self.offers = []
            self.probes = {}
            self.address = addr
            self.lease(0)
        self.address = addr
        if buf[2] == frames.PROBE:
            seq = frames.Probe.read(buf, channel.PAYLOAD, length)
            self.probes[seq] = t2_us
            self.send(frames.ECHO, frames.Probe.write(channel.tx, channel.PAYLOAD, seq))
        else:
            report = frames.Report.read(buf, channel.PAYLOAD, length)
            self.reports.append(report)
            for seq, wraps, ticks, _trip in report.stamps:
                if seq in self.probes:
                    ahead_us = join_stamp(wraps, ticks) - self.probes[seq]
                    if self.least_us is None or ahead_us > self.least_us:
                        self.least_us = ahead_us

    # --- what leaves ----------------------------------------------------------------------------------------

    def _send(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self.transport is not None
        self.transport.sendto(data, addr)

    def send(self, kind: int, payload_len: int) -> bytes:
        assert self.channel is not None
        assert self.address is not None
        length = self.channel.seal(kind, payload_len)
        data = bytes(self.channel.tx[:length])
        self._send(data, self.address)
        return data

    def beckon(self, pulser_id: bytes, addr: tuple[str, int]) -> None:
        self._send(beckon(pulser_id, self.daemon_id, self.key), addr)

    def frame(self, kind: int, frame: Any) -> bytes:
        assert self.channel is not None
        return self.send(kind, frame.write(self.channel.tx, self.channel.PAYLOAD))

    def stop(self, set_id: int) -> bytes:
        assert self.channel is not None
        return self.send(frames.STOP, frames.Stop.write(self.channel.tx, self.channel.PAYLOAD, set_id))

    def pulser_us(self, in_us: int = 0) -> int:
        """The pulser's extended clock `in_us` from now, as far as the probes tell."""
        assert self.least_us is not None
        return time.monotonic_ns() // 1000 + self.least_us + in_us

    def lease(self, set_id: int, go_us: int | None = None, until_ms: int = 1000) -> bytes:
        until = (0, 0) if set_id == 0 else split_stamp(self.pulser_us(until_ms * 1000))
        go = (0, 0) if go_us is None else split_stamp(go_us)
        return self.frame(frames.LEASE, frames.Lease(set_id, *until, *go, self.ended_set))

    def schedule(
        self,
        set_id: int,
        go_us: int,
        revision: int = 1,
        passes: int = 0,
        period_us: int = 250_000,
        phase_us: int = 0,
        width_us: int = 50_000,
        rise_us: int = 20_000,
        level_bp: int = 5_000,
    ) -> bytes:
        wraps, ticks = split_stamp(go_us)
        segment = frames.Segment(0, 0, wraps, ticks, period_us, 0, phase_us, width_us, rise_us, 0)
        return self.frame(frames.SCHEDULE, frames.Schedule(set_id, revision, passes, 0, level_bp, [segment]))

    async def until(self, condition: Callable[[], bool], within_s: float = 15.0) -> None:
        """Waits until `condition` holds, looked at whenever a datagram has arrived."""
        if condition():
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (condition, future)
        self._waiters.append(entry)
        try:
            async with asyncio.timeout(within_s):
                await future
        finally:
            self._waiters.remove(entry)

    @property
    def last(self) -> frames.Report:
        return self.reports[-1]

    async def linked(self) -> None:
        await self.until(lambda: self.channel is not None and bool(self.reports))

    async def clock_known(self) -> None:
        await self.until(lambda: self.least_us is not None)

    async def keep_alive(self) -> None:
        """The idle lease, every second, until cancelled."""
        while True:
            assert self.transport is not None
            if self.channel is not None and not self.transport.is_closing():
                self.lease(0)
            await asyncio.sleep(0.5)

    async def run_set(self, set_id: int, **pacing: Any) -> asyncio.Task[None]:
        """Starts a set as a daemon does; gives the task that renews its lease."""
        go_us = self.pulser_us(120_000)
        self.schedule(set_id, go_us, **pacing)
        await self.until(lambda: self.last.set_id == set_id)
        self.lease(set_id, go_us)

        async def renew() -> None:
            while True:
                await asyncio.sleep(0.1)
                self.lease(set_id, go_us)

        return asyncio.create_task(renew())
