"""A pulser's program on a clock that the test moves: the real app, on a port that notes what is asked.

Time goes on only while everything waits: hours of idleness take no time, and every run is the same.
"""

import heapq
import os
from collections.abc import Callable, Coroutine, Generator
from types import SimpleNamespace
from typing import Any

from twintap_protocol import frames
from twintap_protocol.errors import RemoteError
from twintap_protocol.link import Channel, Hello, welcome
from twintap_protocol.ticks import split_stamp

from .fake_daemon import DAEMON_ID, KEY, make_sealer
from .pulser_parts import app as app_module

DAEMON = bytes((127, 0, 0, 1, 0x21, 0xFC))
RING = 1 << 30


class Slept(BaseException):
    """The board sleeps deeply."""


class Wait:
    """What a coroutine awaits: `ms` of time, or something that may never come."""

    def __init__(self, ms: float | None, is_ready: Callable[[], bool] = lambda: False) -> None:
        self.ms = ms
        self.is_ready = is_ready

    def __await__(self) -> "Generator[Wait, None, None]":
        yield self


class Task:
    def __init__(self, coroutine: Coroutine[Wait, None, None]) -> None:
        self.coroutine = coroutine
        self.is_done = False

    def done(self) -> bool:
        return self.is_done


class SimPort:
    """The hardware of one pulser, and the list of all that was asked of it, with the time in ms."""

    spin_us = 2_500
    announces_unpaired = True
    can_sleep = True

    def __init__(self, stored: bytes = b"") -> None:
        self.now_us = 5_000_000
        self.source = DAEMON
        self.address_changed = False
        self.tasks: list[Any] = []
        self.stored = stored
        self.inbox: list[bytes] = []
        self.typed = b""
        self.written: list[str] = []  # whole lines
        self._said = ""
        self.on_send: Callable[[bytes, bytes], None] = lambda data, to: None
        self.log: list[tuple[int, str, Any]] = []
        self.levels: list[tuple[int, int]] = []
        self.is_charging = False
        self.is_down = False
        self.mv = 3_900
        self.found: list[tuple[bytes, int, int, bool]] = []
        self._on_edge: Callable[[], None] = lambda: None
        self._armed: tuple[int, bool] | None = None
        self._running: list[Task] = []
        self._waits: list[tuple[float, int, Task]] = []
        self._watchers: list[tuple[Callable[[], bool], Task]] = []
        self._order = 0
        self._next_poll_us = 0

    def note(self, what: str, detail: Any = None) -> None:
        self.log.append((self.now_us // 1000, what, detail))

    def noted(self, what: str) -> list[tuple[int, Any]]:
        return [(at, detail) for at, kind, detail in self.log if kind == what]

    # --- the port -------------------------------------------------------------------------------------------

    def hardware_id(self) -> bytes:
        return bytes((2, 0, 0, 0, 0, 1))

    def begin(self, on_edge: Callable[[], None], on_button: Callable[[bool], None]) -> None:
        self._on_edge = on_edge
        self.press = on_button

    def ticks_us(self) -> int:
        return self.now_us % RING

    def ticks_ms(self) -> int:
        return self.now_us // 1000 % RING

    def spin_until(self, ticks: int) -> int:
        self.now_us += (ticks - self.now_us + RING // 2) % RING - RING // 2
        return ticks

    def arm_edge(self, ticks: int, is_sharp: bool) -> None:
        ahead_us = (ticks - self.now_us + RING // 2) % RING - RING // 2
        self._armed = (self.now_us + max(0, ahead_us), is_sharp)

    def disarm_edge(self) -> None:
        self._armed = None

    def set_level(self, level_bp: int) -> None:
        self.levels.append((self.now_us, level_bp))

    def tune_motor(self, cell_mv: int) -> None:
        self.note("tune", cell_mv)

    def motor_fault(self) -> str:
        return ""

    def set_side(self, side: int, colour: tuple[int, int, int]) -> None:
        self.note("side", side)

    def set_light(self, red: int, green: int, blue: int) -> None:
        self.note("light", (red, green, blue))

    def wdt_arm(self, timeout_ms: int) -> None:
        self.note("watchdog", timeout_ms)

    def wdt_feed(self) -> None:
        return

    def button_down(self) -> bool:
        return self.is_down

    def look_at_button(self) -> None:
        return

    def battery_mv(self) -> int:
        self.note("battery")
        return self.mv

    def charging(self) -> bool:
        return self.is_charging

    def network_state(self) -> str:
        return "up"

    def set_networks(self, networks: list[tuple[str, str]]) -> None:
        self.note("networks", list(networks))

    def ssid(self) -> str:
        return "net"

    def rssi_dbm(self) -> int:
        return -55

    async def scan(self) -> list[tuple[bytes, int, int, bool]]:
        self.note("scan")
        await Wait(2_000)
        return self.found

    def save_radio(self, is_saving: bool) -> None:
        self.note("save", is_saving)

    def address(self) -> bytes:
        return bytes((127, 0, 0, 1, 1, 1))

    def lead(self, address: bytes) -> None:
        return

    def send(self, buf: bytes | bytearray, length: int, address: bytes) -> None:
        self.on_send(bytes(buf[:length]), address)

    def recv_into(self, buf: bytearray) -> int:
        if not self.inbox:
            self.now_us += 100  # whoever polls without sleep moves time by looking
            return -1
        data = self.inbox.pop(0)
        buf[: len(data)] = data
        return len(data)

    def readable(self) -> Wait:
        # As on the chip: the loop looks at its socket every 10 ms.
        return Wait(10)

    def random(self, count: int) -> bytes:
        return os.urandom(count)

    def load(self) -> bytes:
        return self.stored

    def store(self, data: bytes) -> None:
        self.note("store")
        self.stored = data
        self.now_us += 50_000

    def flash_free(self) -> int:
        return -1

    def boot_cause(self) -> int:
        return frames.BOOT_POWER

    def crashes(self) -> int:
        return 0

    def deep_sleep(self) -> None:
        self.note("sleep")
        raise Slept

    def heap_free(self) -> int:
        return -1

    def mark_healthy(self) -> None:
        return

    def console_ready(self) -> Wait:
        return Wait(None, lambda: bool(self.typed))

    def console_read(self, most: int) -> bytes:
        data, self.typed = self.typed[:most], self.typed[most:]
        return data

    def console_write(self, text: str) -> None:
        self._said += text
        *lines, self._said = self._said.split("\n")
        self.written += [line + "\n" for line in lines]

    def sleep_ms(self, ms: int) -> Wait:
        return Wait(ms)

    def create_task(self, coroutine: Any) -> Task:
        task = Task(coroutine)
        self._wait(task, 0)
        return task

    # --- time -----------------------------------------------------------------------------------------------

    def _wait(self, task: Task, ms: float) -> None:
        self._order += 1
        heapq.heappush(self._waits, (self.now_us + ms * 1000, self._order, task))

    def _step(self, task: Task) -> None:
        try:
            wait = task.coroutine.send(None)
        except StopIteration:
            task.is_done = True
            return
        if wait.ms is None:
            self._watchers.append((wait.is_ready, task))
        else:
            self._wait(task, wait.ms)

    def go(self, ms: int, until: Callable[[], bool] = lambda: False) -> bool:
        """Lets `ms` pass, or less if `until` comes true; tells whether it did."""
        end_us = self.now_us + ms * 1000
        while not until():
            for entry in list(self._watchers):
                if entry[0]():
                    self._watchers.remove(entry)
                    self._wait(entry[1], 0)
            due_us = self._waits[0][0] if self._waits else float("inf")
            edge_us: float = float("inf")
            if self._armed is not None:
                edge_us = self._armed[0] - (1_000 if self._armed[1] else 0)
            if min(due_us, edge_us) > end_us:
                self.now_us = max(self.now_us, end_us)
                return False
            if edge_us <= due_us:
                self.now_us = max(self.now_us, int(edge_us))
                self._armed = None
                self._on_edge()
            else:
                self.now_us = max(self.now_us, int(due_us))
                self._step(heapq.heappop(self._waits)[2])
        return True


class SimDaemon:
    """The other end: answers what comes, at once, and keeps the reports."""

    def __init__(self, port: SimPort, minor: int = 1) -> None:
        self.minor = minor
        self.channel: Channel | None = None
        self.reports: list[tuple[int, frames.Report]] = []
        self.probes = 0
        self.hellos = 0
        self.goodbyes = 0
        self.is_mute = False
        self._offers: list[Channel] = []
        self._port = port
        self._number = 0
        port.on_send = self._hear

    def _hear(self, data: bytes, to: bytes) -> None:
        if data[0] != frames.MAGIC:
            # An announcement: its records' TTL tells a goodbye.
            self.goodbyes += b"\x00\x00\x00\x00" in data[20:] and data[2:4] == b"\x84\x00"
            return
        if to[0] != DAEMON[0] or self.is_mute:  # it may have moved
            return
        buf = bytearray(data)
        if frames.read_kind(buf, len(buf)) == frames.HELLO:
            self.hellos += 1
            hello = Hello(buf, len(buf))
            assert hello.is_from(KEY)
            reply, offer = welcome(hello, KEY, os.urandom(16), os.urandom(4), 0, make_sealer)
            self._offers.append(offer)
            self._port.inbox.append(reply)
            return
        known = [one for one in (*self._offers, self.channel) if one is not None and one.is_for(buf)]
        if not known:
            return
        channel = known[0]
        try:
            length = channel.open(buf, len(buf))
        except RemoteError:
            return
        if channel is not self.channel:
            self.channel = channel
            self._offers = []
            self._number = 0
            self.lease(0)
        if buf[2] == frames.PROBE:
            self.probes += 1
            self.send(frames.ECHO, frames.Probe.write(channel.tx, 12, frames.Probe.read(buf, 12, length)))
        else:
            self.reports.append((self._port.now_us // 1000, frames.Report.read(buf, 12, length)))

    @property
    def last(self) -> frames.Report:
        return self.reports[-1][1]

    def send(self, kind: int, length: int) -> None:
        assert self.channel is not None
        spoken = frames.VERSION
        frames.VERSION = spoken & 0xF0 | self.minor  # pyright: ignore[reportConstantRedefinition]
        try:
            total = self.channel.seal(kind, length)
        finally:
            frames.VERSION = spoken  # pyright: ignore[reportConstantRedefinition]
        self._port.inbox.append(bytes(self.channel.tx[:total]))

    def frame(self, kind: int, frame: Any) -> None:
        assert self.channel is not None
        self.send(kind, frame.write(self.channel.tx, 12))

    def lease(self, set_id: int, go_us: int | None = None) -> None:
        now_us = self._port.now_us
        until = split_stamp(now_us + 1_000_000)
        go = split_stamp(now_us if go_us is None else go_us)
        self.frame(frames.LEASE, frames.Lease(set_id, *until, *go, 0))

    def schedule(
        self,
        set_id: int,
        go_us: int,
        passes: int = 0,
        level_bp: int = 5_000,
        period_us: int = 500_000,
        width_us: int = 100_000,
    ) -> None:
        segment = frames.Segment(0, 0, *split_stamp(go_us), period_us, 0, 0, width_us, 20_000, 0)
        self.frame(frames.SCHEDULE, frames.Schedule(set_id, 1, passes, 0, level_bp, [segment]))

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def tune(self, trim_bp: int) -> None:
        self.frame(frames.TUNE, frames.Tune(self.next_number(), trim_bp))

    def power(self, want: int) -> None:
        self.frame(frames.POWER, frames.Power(self.next_number(), want))

    def network(self, op: int, ssid: bytes, password: bytes = b"") -> None:
        self.frame(frames.NETWORK, frames.Network(self.next_number(), op, ssid, password))


class Sim:
    """One pulser and its daemon, paired unless said, running from the start."""

    def __init__(self, stored: bytes, drowsy_after_s: int = 600, sleep_after_s: int | None = 2_400) -> None:
        self.port = SimPort(stored)
        self.daemon = SimDaemon(self.port)
        self.board = SimpleNamespace(
            name="sim", board_id="sim", absolute_cap_pct=80, has_colour=True, light_kind="ws2812",
            motor_driver="pwm", drowsy_after_s=drowsy_after_s, sleep_after_s=sleep_after_s,
        )  # fmt: skip
        self.app = app_module.App(self.port, self.board)
        self.app.clock.wraps = self.port.now_us // RING
        self.port.create_task(self.app.run())
        self._kept_ms = 0

    def go(self, ms: int, until: Callable[[], bool] = lambda: False, set_id: int = 0, go_us: int = 0) -> bool:
        """Lets time pass, with the daemon's leases: every 100 ms in a set, or else as the pulser rests."""
        end_us = self.port.now_us + ms * 1000
        while self.port.now_us < end_us:
            if self.port.go(100, until):
                return True
            if self.daemon.channel is None or self.daemon.is_mute:
                continue
            is_drowsy = self.daemon.reports and self.daemon.last.power != frames.POWER_AWAKE
            self._kept_ms += 100
            if set_id or self._kept_ms >= (4_000 if is_drowsy else 1_000):
                self._kept_ms = 0
                self.daemon.lease(set_id, go_us or None)
        return False


__all__ = ["DAEMON_ID", "Sim", "SimDaemon", "SimPort", "Slept"]
