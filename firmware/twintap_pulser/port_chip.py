"""The chip's hardware: ESP32 with stock MicroPython 1.26 or later.

What stock firmware does, and what follows from it here: power saving would hold frames back for up to a
second, so it is off; a timer's callback comes about half a ms late, so it is armed early and the rest is
spun; a `readinto` on a socket joins datagrams and a `recvfrom` without one costs an exception, so the socket
is polled first.
"""
# ruff: noqa: D102 - the contracts stand in `ports`

import asyncio
import gc
import os
import select
import socket
import sys
import time

import machine
import network

from twintap_protocol.frames import SIDE_NONE
from twintap_protocol.ticks import ticks_diff

from .board_file import BoardError
from .button import Button
from .ports import NO_ADDRESS, host_of, pack_address, port_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator

    from .board_file import BoardFile

UDP_PORT = 8701  # the pulser's own; the stock firmware cannot tell a port that it has chosen
_SETTINGS = "settings.json"
_SETTINGS_MAX = 4_096
_TICKS_MASK = (1 << 30) - 1
_LEAD_US = 1_200  # the timer's own lateness, with something to spare
_NETWORK_MS = 500
_RETRY_MS = 10_000  # an access point that refused is asked again
_DATAGRAM_MAX = 768
_HEALTHY_MAGIC = b"twintap"
_CRASHES_MAX = 3


_ticks_us: "Callable[[], int]" = time.ticks_us  # pyright: ignore[reportAssignmentType]  # 30 bits, says the chip

_ticks_ms: "Callable[[], int]" = time.ticks_ms  # pyright: ignore[reportAssignmentType]


class ChipPort:
    """A `Port` (see `ports`) on an ESP32."""

    spin_us = 2_500
    announces_unpaired = True

    def __init__(self, board: "BoardFile") -> None:
        self.source = NO_ADDRESS
        self.address_changed = False
        self._motor = machine.PWM(
            machine.Pin(board.motor.pin()), freq=board.motor.number("pwm_hz", 1000, 40_000), duty_u16=0
        )
        self._timer = _edge_timer()
        self._fire_once = self._fire  # a bound method allocates each time it is taken
        self._on_edge: "Callable[[], None]" = _nothing
        if board.button is None:
            raise BoardError("the board file lacks button")
        self._pressed_level = board.button.number("pressed", 0, 1)
        pull = machine.Pin.PULL_DOWN if self._pressed_level else machine.Pin.PULL_UP
        self._button_pin = machine.Pin(board.button.pin(), machine.Pin.IN, pull)
        self._button = Button(self)
        self._battery = _analogue(-1 if board.battery is None else board.battery.pin())
        self._battery_scale_pct = (
            100 if board.battery is None else board.battery.number("scale_pct", 100, 1000)
        )
        self._charge = None if board.charge is None else machine.Pin(board.charge.pin(), machine.Pin.IN)
        self._charge_level = 0 if board.charge is None else board.charge.number("present", 0, 1)
        self._light_pin = (
            board.light.pin() if board.light is not None and board.light_kind == "ws2812" else -1
        )
        self._watchdog: "machine.WDT | None" = None
        self._wlan = network.WLAN(network.STA_IF)
        self._ssid = ""
        self._password = ""
        self._asked_ms = 0
        self._address = NO_ADDRESS
        self._is_up = False
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock_poll = select.poll()
        self._to = NO_ADDRESS
        self._to_name = ("0.0.0.0", 0)
        self._stdin_poll = select.poll()
        self._stdin_poll.register(sys.stdin, select.POLLIN)
        self.tasks: "list[asyncio.Task[None]]" = []

    def hardware_id(self) -> bytes:
        mac = machine.unique_id()
        if len(mac) != 6:
            raise BoardError("this chip's hardware id has %d bytes; it has to have 6" % len(mac))
        return mac

    def begin(self, on_edge: "Callable[[], None]", on_button: "Callable[[bool], None]") -> None:
        self._on_edge = on_edge
        self._button.on_button = on_button
        self._button_pin.irq(
            handler=self._button_moved, trigger=machine.Pin.IRQ_FALLING | machine.Pin.IRQ_RISING
        )
        mac = self.hardware_id()
        network.hostname("twintap-" + mac[3:].hex())
        self._wlan.active(True)
        # On every boot: with power saving a ping takes up to a second.
        self._wlan.config(pm=self._wlan.PM_NONE)
        self._sock.bind(("0.0.0.0", UDP_PORT))
        self._sock.setblocking(False)
        self._sock_poll.register(self._sock, select.POLLIN)
        self.tasks = [self.create_task(self._network())]

    # --- time -----------------------------------------------------------------------------------------------

    def ticks_us(self) -> int:
        return _ticks_us()

    def ticks_ms(self) -> int:
        return _ticks_ms() & _TICKS_MASK

    def spin_until(self, ticks: int) -> int:
        now_ticks = _ticks_us()
        while ticks_diff(ticks, now_ticks) > 0:
            now_ticks = _ticks_us()
        return now_ticks

    def arm_edge(self, ticks: int, is_sharp: bool) -> None:
        ahead_us = ticks_diff(ticks, _ticks_us())
        if is_sharp:
            ahead_us -= _LEAD_US
        period_ms = ahead_us // 1000
        if period_ms < 1:
            period_ms = 1
        self._timer.init(mode=machine.Timer.ONE_SHOT, period=period_ms, callback=self._fire_once)

    def disarm_edge(self) -> None:
        self._timer.deinit()

    def _fire(self, _timer: "machine.Timer") -> None:
        self._on_edge()

    # --- motor, watchdog, senses ----------------------------------------------------------------------------

    def set_level(self, level_bp: int) -> None:
        self._motor.duty_u16(level_bp * 65_535 // 10_000)

    def set_side(self, side: int, colour: "tuple[int, int, int]") -> None:
        if self._light_pin < 0:
            return
        import neopixel

        light = neopixel.NeoPixel(machine.Pin(self._light_pin), 1)
        # A quarter of full is bright enough in a quiet room; a pulser without a side is dark.
        red, green, blue = colour
        light[0] = (0, 0, 0) if side == SIDE_NONE else (red // 4, green // 4, blue // 4)
        light.write()

    def wdt_arm(self, timeout_ms: int) -> None:
        if self._watchdog is None:
            self._watchdog = machine.WDT(timeout=timeout_ms)
        else:
            self._watchdog.feed()

    def wdt_feed(self) -> None:
        if self._watchdog is not None:
            self._watchdog.feed()

    def button_down(self) -> bool:
        return self._button_pin.value() == self._pressed_level

    def _button_moved(self, _pin: "machine.Pin") -> None:
        self._button.moved(self.button_down())

    def look_at_button(self) -> None:
        self._button.moved(self.button_down())

    def battery_mv(self) -> int:
        if self._battery is None:
            return 0
        return self._battery.read_uv() // 1000 * self._battery_scale_pct // 100

    def charging(self) -> bool:
        return self._charge is not None and self._charge.value() == self._charge_level

    # --- network --------------------------------------------------------------------------------------------

    def network_state(self) -> str:
        if not self._wlan.active():
            return "off"
        if not self._ssid:
            return "no network set"
        return "up" if self._is_up else "connecting"

    def set_wifi(self, ssid: str, password: str) -> None:
        if self._is_up or self._ssid:
            self._wlan.disconnect()
        self._is_up = False
        self._ssid = ssid
        self._password = password
        self._connect()

    def _connect(self) -> None:
        self._asked_ms = self.ticks_ms()
        if not self._ssid:
            return
        try:
            self._wlan.connect(self._ssid, self._password)
        except OSError:
            # Busy with the last attempt: `_network` asks again. The console belongs to its requests; `info`
            # tells that there is no network yet.
            return

    async def _network(self) -> None:
        """Looks after the radio. The chip reconnects by itself, but not to a network that once refused."""
        while True:
            await self.sleep_ms(_NETWORK_MS)
            is_up = self._wlan.isconnected()
            if is_up:
                address = pack_address(self._wlan.ifconfig()[0], UDP_PORT)
                if address != self._address:
                    self._address = address
                    self.address_changed = True
            elif not 0 <= ticks_diff(self.ticks_ms(), self._asked_ms) <= _RETRY_MS:
                self._connect()
            self._is_up = is_up

    def address(self) -> bytes:
        return self._address if self._is_up else NO_ADDRESS

    def lead(self, address: bytes) -> None:
        return  # a chip has one way out

    def send(self, buf: "bytes | bytearray", length: int, address: bytes) -> None:
        if address != self._to:
            self._to = address
            self._to_name = (host_of(address), port_of(address))
        try:
            self._sock.sendto(memoryview(buf)[:length], self._to_name)
        except OSError:
            return  # the network is down, or its buffers are full: the datagram is gone

    def recv_into(self, buf: bytearray) -> int:
        if not _is_ready(self._sock_poll):
            return -1
        try:
            datagram, source = self._sock.recvfrom(_DATAGRAM_MAX)
        except OSError:
            return -1
        length = min(len(datagram), len(buf))
        self.source = pack_address(source[0], int(source[1]))
        buf[0:length] = memoryview(datagram)[:length]
        return length

    def readable(self) -> "Awaitable[None]":
        return _until_readable(self._sock)

    # --- the rest -------------------------------------------------------------------------------------------

    def random(self, count: int) -> bytes:
        return os.urandom(count)

    def load(self) -> bytes:
        try:
            with open(_SETTINGS, "rb") as file:
                return file.read(_SETTINGS_MAX)
        except OSError:
            return b""

    def store(self, data: bytes) -> None:
        with open(_SETTINGS + ".new", "wb") as file:
            file.write(data)
        os.rename(_SETTINGS + ".new", _SETTINGS)

    def heap_free(self) -> int:
        return gc.mem_free()

    def mark_healthy(self) -> None:
        machine.RTC().memory(b"")

    def console_ready(self) -> "Awaitable[None]":
        return _until_readable(sys.stdin)

    def console_read(self, most: int) -> bytes:
        data = bytearray()
        while len(data) < most and _is_ready(self._stdin_poll):
            data += sys.stdin.buffer.read(1)
        return bytes(data)

    def console_write(self, text: str) -> None:
        sys.stdout.write(text)

    def sleep_ms(self, ms: int) -> "Awaitable[None]":
        # Handed on, not awaited here: a coroutine around it would allocate each time.
        return asyncio.sleep_ms(ms)

    def create_task(self, coroutine: "Coroutine[None, None, None]") -> "asyncio.Task[None]":
        return asyncio.create_task(coroutine)

    def run(self, coroutine: "Coroutine[None, None, None]") -> None:
        asyncio.run(coroutine)


def may_start() -> bool:
    """Whether the firmware may start: not after it ended badly three times before it was healthy.

    The count stands in the RTC's memory, which a reset keeps and a power cut clears. Only a watchdog's reset
    or a program's own counts: a reset by hand (button, power, cable) is another try.
    """
    memory = machine.RTC().memory()
    was_bad = machine.reset_cause() in (machine.WDT_RESET, machine.SOFT_RESET)
    crashes = memory[-1] if was_bad and memory[:-1] == _HEALTHY_MAGIC else 0
    if crashes >= _CRASHES_MAX:
        return False
    machine.RTC().memory(_HEALTHY_MAGIC + bytes((crashes + 1,)))
    return True


def forget_crashes() -> None:
    """The program is about to end because somebody wants it to: that is no crash."""
    machine.RTC().memory(b"")


def _edge_timer() -> "machine.Timer":
    """The hardware timer for the edges, away from the group in which the task watchdog counts.

    Each `Timer.init` of MicroPython takes the timer's group once more and never gives it back; that count has
    eight bits, and where it passes 0 (every 256th time) the whole group is reset. In group 0 that would reset
    the watchdog that stills a pulser that hangs. Timers are numbered through the groups, two in each on ESP32
    and S3 (so 2 and 3 are group 1), one in each on C3 and C6 (so 1 is group 1). Some versions count the use
    under the timer's number within its group instead of the group's: 3 is right either way; on C3 and C6 only
    versions without that slip spare the watchdog.
    """
    for number in (3, 1):
        try:
            return machine.Timer(number)
        except ValueError:  # this chip has fewer
            continue
    return machine.Timer(0)


def _nothing(*_arguments: object) -> None:
    return


def _analogue(pin: int) -> "machine.ADC | None":
    return None if pin < 0 else machine.ADC(machine.Pin(pin), atten=machine.ADC.ATTN_11DB)


def _is_ready(poll: "select.poll") -> bool:
    for _ in poll.ipoll(0):
        return True
    return False


async def _until_readable(stream: object) -> None:
    await _look(stream)  # pyright: ignore[reportGeneralTypeIssues]  # MicroPython awaits generators


def _look(stream: object) -> "Generator[None, None, None]":
    # asyncio has no public way to wait for a datagram.
    yield asyncio.core._io_queue.queue_read(stream)  # pyright: ignore[reportAttributeAccessIssue]
