"""A light pulser: the protocol package on an asyncio socket, without a VM, a board or a motor.

It is for where many are needed (hundreds on one daemon) or where one must misbehave on purpose. What the
motor line of a real pulser does is measured on the virtual board, never here.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from twintap.links.sealing import HostSealer
from twintap_protocol import frames, limits
from twintap_protocol.errors import RemoteError
from twintap_protocol.link import Channel, PulserLink
from twintap_protocol.pacer import Pacer
from twintap_protocol.ticks import split_stamp, ticks_diff

_VERSION = (0, 1, 0)


def host_us() -> int:
    return time.monotonic_ns() // 1_000


@dataclass
class Edge:
    """One change of the motor line: host CLOCK_MONOTONIC µs, level in basis points."""

    host_us: int
    level_bp: int


@dataclass
class Behaviour:
    """What a light pulser does wrong, on purpose.

    `mute`: sends nothing. `deaf`: hears nothing. `deaf_to_leases`: every LEASE is lost on its way.
    `deaf_to`: kinds of frames that are lost on their way. `is_old`: its reports have minor 0's fields alone.
    `flash_fails`: nothing that it is told to keep can be written.
    """

    mute: bool = False
    deaf: bool = False
    deaf_to_leases: bool = False
    charging: bool = False
    battery_mv: int = 3_900
    battery: int = frames.BATTERY_UNKNOWN
    deaf_to: set[int] = field(default_factory=set[int])
    is_old: bool = False
    flash_fails: bool = False


@dataclass
class LightPulser:
    """One simulated pulser. `offset_us`, `ppm`: its clock against the host's."""

    pulser_id: bytes
    daemon_id: bytes
    key: bytes
    daemon: tuple[str, int]
    side: int = frames.SIDE_LEFT
    offset_us: int = 0
    ppm: float = 0.0
    keep_edges: bool = True
    edges: list[Edge] = field(default_factory=list[Edge])
    behaviour: Behaviour = field(default_factory=Behaviour)
    on_edge: Callable[[int, int], None] | None = None

    def __post_init__(self) -> None:
        self.pacer = Pacer()
        self.colour = (0, 0, 0)
        self.assigns = 0
        self.presses = 0
        self.dropped = 0
        self._schedule = b""
        self.identified: list[int] = []
        self.power = frames.POWER_AWAKE
        self.version = _VERSION
        self.trim_bp = limits.MAX_TRIM_BP
        self.networks: dict[bytes, bytes] = {}
        self.settled: tuple[int, int] = (0, frames.SETTLED_NOT)
        self.obeyed: list[object] = []  # each TUNE, NETWORK and POWER that was not a repeat
        self.seen: list[int] = []
        self._zero_us = host_us()
        self._link = PulserLink(
            self.pulser_id, self.daemon_id, self.key, HostSealer, secrets.token_bytes(4), _VERSION
        )
        self._transport: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._level_bp = 0
        self._heard_us = 0
        self._seq = secrets.randbits(16)
        self._asked: dict[int, int] = {}
        self._stamps: list[tuple[int, int, int, int]] = []
        self._again: list[tuple[int, int, int, int]] = []
        self._linked_us = 0
        self._ended_told = 0
        self._tasks: list[asyncio.Task[None]] = []

    # --- life -------------------------------------------------------------------------------------------

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Receiver(self), local_addr=("127.0.0.1", 0)
        )
        self._tasks = [asyncio.create_task(self._talk()), asyncio.create_task(self._probe())]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()

    async def move(self) -> None:
        """Goes on from another address, as after a new DHCP lease."""
        before = self._transport
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Receiver(self), local_addr=("127.0.0.1", 0)
        )
        if before is not None:
            before.close()

    def ask_again(self) -> None:
        """Says hello, whatever link there is."""
        self.send(self._link.hello(secrets.token_bytes(16)))

    @property
    def is_linked(self) -> bool:
        return self._link.channel is not None

    def stamp_us(self, at_us: int | None = None) -> int:
        since_us = (host_us() if at_us is None else at_us) - self._zero_us
        return self.offset_us + since_us + round(since_us * self.ppm * 1e-6)

    def _now(self) -> tuple[int, int]:
        return split_stamp(self.stamp_us())

    # --- talking ----------------------------------------------------------------------------------------

    async def _talk(self) -> None:
        report_us = 0
        while True:
            now_us = host_us()
            link = self._link
            is_drowsy = self.power == frames.POWER_DROWSY
            silent_ms = limits.LINK_SILENT_DROWSY_MS if is_drowsy else limits.LINK_SILENT_MS
            if link.channel is not None and now_us - self._heard_us > silent_ms * 1_000:
                link.lost()
            if self.power == frames.POWER_GOING:
                await asyncio.sleep(0.05)
                continue
            if link.channel is None and link.pending is None:
                self.send(link.hello(secrets.token_bytes(16)))
                await asyncio.sleep(0.2)
                continue
            idle_ms = limits.KEEPALIVE_DROWSY_MS if is_drowsy else limits.KEEPALIVE_MS
            every_us = 1_000 * (limits.REPORT_IN_SET_MS if self.pacer.set_id else idle_ms)
            if link.channel is None:
                every_us = 100_000
            if now_us - report_us >= every_us:
                report_us = now_us
                self.report()
            await asyncio.sleep(0.1 if self.pacer.set_id else 0.25)

    async def _probe(self) -> None:
        while True:
            await asyncio.sleep(0.05)
            channel = self._link.channel
            if channel is None:
                self._linked_us = 0
                continue
            if self.power != frames.POWER_AWAKE:
                continue
            first = not self._linked_us
            if first:
                self._linked_us = host_us()
            for _ in range(limits.PROBE_FIRST_BURST if first else limits.PROBE_BURST):
                self._seq = (self._seq + 1) & 0xFFFF
                length = channel.seal(frames.PROBE, frames.Probe.write(channel.tx, 12, self._seq))
                frame = bytes(channel.tx[:length])
                self._asked[self._seq] = self.stamp_us()
                self.send(frame)
                await asyncio.sleep(0.002)
                if len(self._stamps) >= limits.MAX_STAMPS:
                    self.report()
            self.report()
            self._asked.clear()
            warm = host_us() - self._linked_us < limits.PROBE_WARM_MS * 1_000
            await asyncio.sleep((limits.PROBE_WARM_EVERY_MS if warm else limits.PROBE_EVERY_MS) / 1_000)

    def report(self, channel: Channel | None = None) -> None:
        channel = channel or self._link.channel or self._link.pending
        if channel is None:
            return
        pacer = self.pacer
        report = frames.Report()
        report.flags = (
            (frames.FLAG_SET if pacer.set_id else 0)
            | (frames.FLAG_LEASED if pacer.leased else 0)
            | (frames.FLAG_VIBRATING if pacer.level_bp else 0)
            | (frames.FLAG_CHARGING if self.behaviour.charging else 0)
            | (frames.FLAG_IDENTIFY if pacer.state == "buzz" else 0)
        )
        report.side = self.side
        report.set_id, report.revision = pacer.set_id, pacer.revision
        report.ended_set, report.ended_reason = pacer.ended_set, pacer.ended_reason
        report.pass_no, report.delivered = pacer.pass_no, pacer.delivered
        report.skipped, report.late, report.latest_us = (
            pacer.skipped,
            pacer.late,
            min(pacer.latest_us, 1 << 29),
        )
        report.presses, report.battery_mv = self.presses, self.behaviour.battery_mv
        report.ceiling_bp = pacer.ceiling_bp
        report.version_major, report.version_minor, report.version_patch = self.version
        report.stamps = self._stamps[: limits.MAX_STAMPS]
        self._stamps = self._stamps[limits.MAX_STAMPS :]
        report.power, report.battery = self.power, self.behaviour.battery
        report.trim_bp, report.networks, report.rssi = self.trim_bp, len(self.networks), 61
        report.settled, report.settled_result = self.settled
        report.boot_cause = frames.BOOT_POWER
        length = report.write(channel.tx, 12)
        if self.behaviour.is_old:
            length -= frames.Report.TAIL_LEN
        self.send_sealed(channel, frames.REPORT, length)

    def send_sealed(self, channel: Channel, kind: int, payload_len: int) -> None:
        length = channel.seal(kind, payload_len)
        self.send(bytes(channel.tx[:length]))

    def send(self, data: bytes) -> None:
        if self._transport is not None and not self.behaviour.mute:
            self._transport.sendto(data, self.daemon)

    def receive(self, data: bytes) -> None:
        received_us = self.stamp_us()
        if self.behaviour.deaf:
            return
        buf = bytearray(data)
        try:
            kind, payload_len = self._link.receive(buf, len(buf))
            self._heard_us = host_us()
            if (kind == frames.LEASE and self.behaviour.deaf_to_leases) or kind in self.behaviour.deaf_to:
                return
            self.seen.append(kind)
            del self.seen[:-50]
            if self._link.is_new:
                self.pacer.new_link(self._link.ended_set, frames.ENDED_LINK)
                self._follow()
            self._act(kind, buf, payload_len, received_us)
        except RemoteError:
            self.dropped += 1

    def _act(self, kind: int, buf: bytearray, payload_len: int, received_us: int) -> None:
        pacer = self.pacer
        if kind == frames.WELCOME:
            # Under the new link, whatever other one is live: this is what proves it.
            self.report(self._link.pending)
        elif kind == frames.ECHO:
            seq = frames.Probe.read(buf, 12, payload_len)
            asked_us = self._asked.pop(seq, None)
            if asked_us is not None:
                self._stamps.append((seq, *split_stamp(asked_us), received_us - asked_us))
        elif kind == frames.SCHEDULE:
            self._schedule = bytes(memoryview(buf)[12 : 12 + payload_len])
            pacer.accept(frames.Schedule.read(buf, 12, payload_len), *self._now())
            self.report()
        elif kind == frames.LEASE:
            was = pacer.leased
            pacer.grant(frames.Lease.read(buf, 12, payload_len), *self._now())
            if pacer.leased != was:
                self.report()
        elif kind == frames.STOP:
            pacer.end(frames.Stop.read(buf, 12, payload_len), frames.ENDED_STOP)
            self._follow()
            self.report()
            return
        elif kind == frames.IDENTIFY:
            identify = frames.Identify.read(buf, 12, payload_len)
            if identify.number not in self.identified:
                self.identified.append(identify.number)
                pacer.identify(identify.duration_ms, identify.level_bp, self._now()[1])
            self.report()
        elif kind == frames.ASSIGN:
            assign = frames.Assign.read(buf, 12, payload_len)
            self.side, self.colour = assign.side, (assign.red, assign.green, assign.blue)
            self.assigns += 1
            self.report()
        elif kind in (frames.TUNE, frames.NETWORK, frames.POWER) and not self.behaviour.is_old:
            self._settle(kind, buf, payload_len)
        self._follow()

    def _settle(self, kind: int, buf: bytearray, payload_len: int) -> None:
        frame: frames.Tune | frames.Network | frames.Power
        if kind == frames.TUNE:
            frame = frames.Tune.read(buf, 12, payload_len)
        elif kind == frames.NETWORK:
            frame = frames.Network.read(buf, 12, payload_len)
        else:
            frame = frames.Power.read(buf, 12, payload_len)
        if frames.is_newer_number(frame.number, self.settled[0]):
            self.settled = (frame.number, self._obey(frame))
            self.obeyed.append(frame)
        self.report()

    def _obey(self, frame: frames.Tune | frames.Network | frames.Power) -> int:
        if isinstance(frame, frames.Power) and frame.want == frames.WANT_AWAKE:
            if self.power == frames.POWER_DROWSY:
                self.power = frames.POWER_AWAKE
            return frames.SETTLED_DONE
        if self.pacer.set_id:
            return frames.SETTLED_RUNNING
        if isinstance(frame, frames.Power):
            self.power = frames.POWER_GOING
        elif self.behaviour.flash_fails:
            return frames.SETTLED_FLASH
        elif isinstance(frame, frames.Tune):
            self.trim_bp = frame.trim_bp
        elif frame.op == frames.NETWORK_KEEP:
            self.networks.pop(frame.ssid, None)
            self.networks = dict([(frame.ssid, frame.password), *self.networks.items()][:3])
        elif self.networks.pop(frame.ssid, None) is None:
            return frames.SETTLED_IMPOSSIBLE
        return frames.SETTLED_DONE

    def doze(self) -> None:
        """Ten minutes are over in which nothing happened: its radio sleeps between beacons."""
        self.power = frames.POWER_DROWSY
        self.report()

    async def fall_asleep(self) -> None:
        """Says so until it is answered, and is gone."""
        self.power = frames.POWER_GOING
        self.seen.clear()
        for _ in range(20):
            self.report()
            await asyncio.sleep(0.05)
            if frames.LEASE in self.seen:
                break
        self._link.lost()
        self.behaviour.mute = self.behaviour.deaf = True

    def wake_up(self) -> None:
        """Its button was pressed: it starts anew."""
        self.power = frames.POWER_AWAKE
        self._link.lost()
        self.behaviour.mute = self.behaviour.deaf = False

    def held_schedule(self) -> frames.Schedule:
        """A copy of the newest schedule that arrived, as an eavesdropper with the keys would hold it."""
        return frames.Schedule.read(bytearray(self._schedule), 0, len(self._schedule))

    def take_schedule(self, schedule: frames.Schedule) -> bool:
        """Hands the pacer a schedule as if it had just arrived; tells whether it is now what is held."""
        taken = self.pacer.accept(schedule, *self._now())
        self._follow()
        return taken

    def press(self) -> None:
        """The client's button, at press-down."""
        self.presses += 1
        self.pacer.end(self.pacer.set_id, frames.ENDED_BUTTON)
        self._follow()
        self.report()

    # --- the beat ---------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Does all that is due, and arms the timer for what comes next."""
        pacer = self.pacer
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._now()[1]
        while pacer.plan() and ticks_diff(pacer.due_ticks, now) <= 0:
            pacer.step(now)
        self._show()
        if pacer.plan():
            wait_us = max(0, ticks_diff(pacer.due_ticks, now))
            self._timer = asyncio.get_running_loop().call_later(wait_us / 1e6, self._follow)
        elif pacer.ended_set > self._ended_told:
            self._ended_told = pacer.ended_set
            self.report()

    def _show(self) -> None:
        if self.pacer.level_bp != self._level_bp:
            self._level_bp = self.pacer.level_bp
            if self.keep_edges:
                self.edges.append(Edge(host_us(), self._level_bp))
            if self.on_edge is not None:
                self.on_edge(host_us(), self._level_bp)


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, pulser: LightPulser) -> None:
        self._pulser = pulser

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        self._pulser.receive(data)

    def error_received(self, exc: Exception) -> None:
        self._pulser.dropped += 1
