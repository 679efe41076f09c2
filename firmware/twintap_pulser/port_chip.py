"""The chip's hardware: ESP32, C3 or C6 with stock MicroPython 1.26 or later.

What stock firmware does, and what follows from it here: a timer's callback comes about half a ms late, so it
is armed early and the rest is spun; a `readinto` on a socket joins datagrams and a `recvfrom` without one
costs an exception, so the socket is polled first. Motor, light, senses, radio and sleep are in `chip_...`.
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

from twintap_protocol.errors import TwintapError
from twintap_protocol.ticks import ticks_diff

from . import crash_record
from .addressing import NO_ADDRESS, host_of, pack_address, port_of
from .board_file import BoardError
from .button import Button
from .chip_light import make_light
from .chip_motor import make_motor
from .chip_radio import Radio
from .chip_senses import Battery, Charger, Contacts
from .chip_sleep import await_release, can_wake, wake_by

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator

    from .board_file import BoardFile
    from .chip_radio import Found, Known

UDP_PORT = 8701  # the pulser's own; the stock firmware cannot tell a port that it has chosen
_SETTINGS = "settings.json"
_SETTINGS_MAX = 4_096
_TICKS_MASK = (1 << 30) - 1
_LEAD_US = 1_200  # the timer's own lateness, with something to spare
_BUSY_MS = 1_000  # in a set an edge is armed four times a second
_TEND_MS = 100  # well within the time that a motor may go on after it should be still
_DATAGRAM_MAX = 768


# 30 bits, says the chip.
_ticks_us: "Callable[[], int]" = time.ticks_us  # pyright: ignore[reportAssignmentType]

_ticks_ms: "Callable[[], int]" = time.ticks_ms  # pyright: ignore[reportAssignmentType]


class MotorLost(TwintapError):
    """The motor's driver does not answer in the middle of its work; the text says what to look at."""


class ChipPort:
    """A `Port` (see `ports`) on an ESP32."""

    spin_us = 2_500
    announces_unpaired = True

    def __init__(self, board: "BoardFile") -> None:
        self.source = NO_ADDRESS
        self.address_changed = False
        self._board = board
        for pin, level in board.steady:
            machine.Pin(pin, machine.Pin.OUT, value=level)
        self._motor = make_motor(board)
        self._timer = _edge_timer()
        self._fire_once = self._fire  # a bound method allocates each time it is taken
        self._on_edge: "Callable[[], None]" = _nothing
        self._armed_ms = 0
        self._is_armed = False
        self._contacts = Contacts(board)
        self._button = Button(self)
        self._battery = Battery(board)
        self._charger = Charger(board)
        self._light = make_light(board)
        self._watchdog: "machine.WDT | None" = None
        self.can_sleep = can_wake(board)
        self._boot_cause = crash_record.boot_cause()
        self._radio = Radio(self.ticks_ms, self._is_busy, self._moved, UDP_PORT)
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
        self._contacts.pin.irq(
            handler=self._button_moved, trigger=machine.Pin.IRQ_FALLING | machine.Pin.IRQ_RISING
        )
        self._radio.begin("twintap-" + self.hardware_id()[3:].hex())
        self._sock.bind(("0.0.0.0", UDP_PORT))
        self._sock.setblocking(False)
        self._sock_poll.register(self._sock, select.POLLIN)
        self.tasks = [self.create_task(self._radio.run()), self.create_task(self._tend())]

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
        self._armed_ms = _ticks_ms() & _TICKS_MASK
        self._is_armed = True
        self._timer.init(mode=machine.Timer.ONE_SHOT, period=period_ms, callback=self._fire_once)

    def disarm_edge(self) -> None:
        self._is_armed = False
        self._timer.deinit()

    def _fire(self, _timer: "machine.Timer") -> None:
        self._on_edge()

    def _is_busy(self) -> bool:
        """Whether a set or a buzz runs, or did a moment ago."""
        return self._is_armed and 0 <= ticks_diff(self.ticks_ms(), self._armed_ms) < _BUSY_MS

    # --- motor, watchdog, senses ----------------------------------------------------------------------------

    def set_level(self, level_bp: int) -> None:
        self._motor.set_level(level_bp)

    def tune_motor(self, cell_mv: int) -> None:
        self._motor.tune(cell_mv)

    def motor_fault(self) -> str:
        return self._motor.fault

    async def _tend(self) -> None:
        """Looks after the motor's driver, for ever; one lost at work ends the program, and so the set.

        One side alone would go on otherwise. The next start finds the driver, or says what is wrong with it.
        """
        while True:
            await asyncio.sleep_ms(_TEND_MS)
            if self._motor.is_lost:
                raise MotorLost(self._motor.fault)
            if not self._is_busy():
                self._motor.tend()

    def set_side(self, side: int, colour: "tuple[int, int, int]") -> None:
        return  # the light is `set_light`'s

    def set_light(self, red: int, green: int, blue: int) -> None:
        self._light.set(red, green, blue)

    def wdt_arm(self, timeout_ms: int) -> None:
        if self._watchdog is None:
            self._watchdog = machine.WDT(timeout=timeout_ms)
        else:
            self._watchdog.feed()

    def wdt_feed(self) -> None:
        if self._watchdog is not None:
            self._watchdog.feed()

    def button_down(self) -> bool:
        return self._contacts.is_down()

    def _button_moved(self, _pin: "machine.Pin") -> None:
        self._button.moved(self._contacts.is_down())

    def look_at_button(self) -> None:
        self._button.moved(self._contacts.is_down())

    def battery_mv(self) -> int:
        return self._battery.millivolts()

    def charging(self) -> bool:
        return self._charger.is_present()

    # --- network --------------------------------------------------------------------------------------------

    def _moved(self) -> None:
        self.address_changed = True

    def network_state(self) -> str:
        return self._radio.state()

    def set_networks(self, networks: "list[Known]") -> None:
        self._radio.set_networks(networks)

    def ssid(self) -> str:
        return self._radio.ssid()

    def rssi_dbm(self) -> int:
        return self._radio.rssi_dbm()

    def scan(self) -> "Awaitable[list[Found]]":
        return self._radio.scan()

    def save_radio(self, is_saving: bool) -> None:
        self._radio.save(is_saving)

    def address(self) -> bytes:
        return self._radio.address()

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

    def flash_free(self) -> int:
        state = os.statvfs("/")
        return state[0] * state[3]

    def heap_free(self) -> int:
        return gc.mem_free()

    def boot_cause(self) -> int:
        return self._boot_cause

    def crashes(self) -> int:
        return crash_record.crashes()

    def mark_healthy(self) -> None:
        crash_record.forget()

    def deep_sleep(self) -> None:
        self._motor.rest()
        self._light.set(0, 0, 0)
        await_release(self._contacts, self.wdt_feed)
        self._radio.end()
        wake_by(self._board, self._contacts)
        crash_record.forget()
        machine.deepsleep()

    def console_ready(self) -> "Awaitable[None]":
        return _until_readable(sys.stdin)

    def console_read(self, most: int) -> bytes:
        data = bytearray()
        while len(data) < most and _is_ready(self._stdin_poll):
            byte = sys.stdin.buffer.read(1)
            if not byte:
                break  # it has ended, as a file does
            data += byte
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


def _is_ready(poll: "select.poll") -> bool:
    for _ in poll.ipoll(0):
        return True
    return False


async def _until_readable(stream: object) -> None:
    await _look(stream)  # pyright: ignore[reportGeneralTypeIssues]  # MicroPython awaits generators


def _look(stream: object) -> "Generator[None, None, None]":
    # asyncio has no public way to wait for a datagram.
    yield asyncio.core._io_queue.queue_read(stream)  # pyright: ignore[reportAttributeAccessIssue]
