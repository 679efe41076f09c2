"""The virtual board's hardware: environment, pipes and sockets in place of pins and a radio.

The launcher's contract stands in `twintap_board.wire`. It keeps to the chip's rules: ticks wrap at 2**30, the
event loop sees its socket at the chip's tick, a flash write stalls.
"""
# ruff: noqa: D102 - the contracts stand in `ports`
# Neither VM's stubs know the other's half; the tests run both.
# pyright: basic, reportAttributeAccessIssue=false, reportAssignmentType=false, reportArgumentType=false
# pyright: reportRedeclaration=false, reportConstantRedefinition=false, reportMissingParameterType=false, reportCallIssue=false, reportMissingModuleSource=false

import asyncio
import os
import select
import struct
import sys

from twintap_protocol import frames
from twintap_protocol.ticks import ticks_diff

from . import virtual_host as host
from .addressing import NETWORK_STATES, NO_ADDRESS
from .button import Button

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board_file import BoardFile

_SETTINGS = "settings.json"
_FLASH_STALL_MS = 50
_SETTINGS_MAX = 4_096
_TICKS_MASK = (1 << 30) - 1
_AIR_MAX = 6 + 1_400
_ITSELF = bytes(6)
_LEAD = b"\x01"
_JOIN = b"\x03"
_SCAN = b"\x04"
_SAVE = b"\x05"
_ADDRESS = 1
_NETWORK = 2
_HEARD = 3
_SCAN_WITHIN_MS = 4_000
_NEXT_NETWORK_MS = 1_000  # after a network that was not joined
_LOST_ANSWER_MS = 6_000  # a join that nobody answers is asked for again
_PIN_BUTTON = 1
_PIN_CHARGING = 2
_PIN_BATTERY = 3
_LINE = 1
_WDT_ARM = 2
_WDT_FEED = 3
_SIDE = 4
_LIGHT = 5
_SLEPT = 75  # the exit code of a deep sleep
_CAUSES = {
    "power": frames.BOOT_POWER,
    "exit": frames.BOOT_RESET,
    "watchdog": frames.BOOT_WATCHDOG,
    "crash": frames.BOOT_CRASH,
    "wake": frames.BOOT_WAKE,
}
_SLICE_MS = 4  # an edge that is armed anew, nearer than before, is seen within this
_COARSE_US = 150  # slept through by the host's clock; the rest is spun


class VirtualPort:
    """A `Port` (see `ports`) on a host."""

    spin_us = 2_500
    announces_unpaired = False
    can_sleep = True

    def __init__(self, board: "BoardFile") -> None:
        self.source = NO_ADDRESS
        self.address_changed = False
        self._ppm_milli = host.env("TWINTAP_CLOCK_PPM_MILLI")
        self._boot_us = host.host_us()
        self._offset_us = host.env("TWINTAP_CLOCK_OFFSET_US")
        self._tick_ms = host.env("TWINTAP_SOCKET_TICK_MS")
        self._id = bytes.fromhex(host.text("TWINTAP_BOARD_ID"))
        self._line = open(host.env("TWINTAP_LINE_FD"), "wb", **host.UNBUFFERED)  # noqa: SIM115 - for the life of the VM
        self._level_record = bytearray(16)
        self._level_record[0] = _LINE
        self._feed_record = bytearray(16)
        self._feed_record[0] = _WDT_FEED
        self._is_watched = False
        self._radio, self._radio_poll = host.connected("TWINTAP_RADIO_PORT")
        self._out = bytearray(_AIR_MAX)
        self._address = NO_ADDRESS
        self._is_led = False  # said LEAD, and not heard the radio's answer yet
        self._networks: "list[tuple[str, str]]" = []
        self._trying = 0  # which of them is tried or joined
        self._asked_ms = -1  # when; -1: none
        self._network = 3  # up: an air without networks is there from the start
        self._ssid = ""
        self._rssi_dbm = 0
        self._is_scanning = False
        self._scanned: "list[tuple[bytes, int, int, bool]]" = []
        self._pins, self._pins_poll = host.connected("TWINTAP_PINS_PORT")
        self._stdin_poll = select.poll()
        self._stdin_poll.register(host.STDIN, select.POLLIN)
        self._is_down = False
        self._button = Button(self)
        self._charging = False
        self._battery_mv = 0
        self._edge_ticks = -1
        self._is_sharp = False
        self._on_edge = host.nothing
        self.tasks: "list[asyncio.Task[None]]" = []

    def hardware_id(self) -> bytes:
        return self._id

    def begin(self, on_edge, on_button) -> None:
        self._on_edge = on_edge
        self._button.on_button = on_button
        self._edge_wake = asyncio.Event()
        self.tasks = [
            self.create_task(self._edges()),
            self.create_task(self._senses()),
            self.create_task(self._join()),
        ]
        self._pins.send(b"\xff")
        # The radio hears the socket that speaks first; it answers with the board's address.
        self._control(_LEAD + b"\x7f\0\0\1")

    # --- time -----------------------------------------------------------------------------------------------

    def ticks_us(self) -> int:
        elapsed_us = host.host_us() - self._boot_us
        return (self._offset_us + elapsed_us + elapsed_us * self._ppm_milli // 1_000_000_000) & _TICKS_MASK

    def ticks_ms(self) -> int:
        return host.host_us() // 1000 & _TICKS_MASK

    def spin_until(self, ticks: int) -> int:
        now_ticks = self.ticks_us()
        ahead_us = ticks_diff(ticks, now_ticks)
        if ahead_us > _COARSE_US:
            host.sleep_us(ahead_us - _COARSE_US)
        while ticks_diff(ticks, now_ticks) > 0:
            now_ticks = self.ticks_us()
        return now_ticks

    def arm_edge(self, ticks: int, is_sharp: bool) -> None:
        self._edge_ticks = ticks
        self._is_sharp = is_sharp
        self._edge_wake.set()

    def disarm_edge(self) -> None:
        self._edge_ticks = -1

    async def _edges(self) -> None:
        """The chip's one-shot timer."""
        while True:
            if self._edge_ticks < 0:
                await self._edge_wake.wait()
                self._edge_wake.clear()
                continue
            early_us = ticks_diff(self._edge_ticks, self.ticks_us())
            if self._is_sharp:
                early_us -= self.spin_us
            if early_us > 0:
                wait_ms = early_us // 1000 + 1 if not self._is_sharp else early_us // 1000
                await self.sleep_ms(wait_ms if wait_ms < _SLICE_MS else _SLICE_MS)
                continue
            self._edge_ticks = -1
            self._on_edge()

    # --- motor, watchdog, senses ----------------------------------------------------------------------------

    def set_level(self, level_bp: int) -> None:
        # Few locals and few arguments a call: MicroPython takes a larger frame from the heap.
        record = self._level_record
        struct.pack_into("<H", record, 2, level_bp)
        struct.pack_into("<Q", record, 8, host.host_us())
        self._line.write(record)

    def tune_motor(self, cell_mv: int) -> None:
        return  # its line tells levels, and a level needs no cell

    def motor_fault(self) -> str:
        return ""

    def set_side(self, side: int, colour) -> None:
        self._tell(_SIDE, side, 0, 0)

    def set_light(self, red: int, green: int, blue: int) -> None:
        self._tell(_LIGHT, 0, 0, red << 16 | green << 8 | blue)

    def wdt_arm(self, timeout_ms: int) -> None:
        if self._is_watched:
            self.wdt_feed()
        else:
            self._is_watched = True
            self._tell(_WDT_ARM, 0, 0, timeout_ms)

    def wdt_feed(self) -> None:
        if self._is_watched:
            self._line.write(self._feed_record)

    def _tell(self, kind: int, a: int, b: int, c: int) -> None:
        self._line.write(struct.pack("<BBHIQ", kind, a, b, c, host.host_us()))

    def button_down(self) -> bool:
        return self._is_down

    def look_at_button(self) -> None:
        self._button.moved(self._is_down)

    def battery_mv(self) -> int:
        return self._battery_mv

    def charging(self) -> bool:
        return self._charging

    async def _senses(self) -> None:
        """The pins' interrupts."""
        while True:
            await host.until_readable(self._pins)
            while host.is_readable(self._pins_poll):
                record = host.receive(self._pins, 8)
                if len(record) == 8:
                    self._sense(*struct.unpack("<BBHI", record))

    def _sense(self, op: int, a: int, b: int, _c: int) -> None:
        if op == _PIN_BUTTON:
            self._is_down = a == 1
            self._button_moved()
        elif op == _PIN_CHARGING:
            self._charging = a == 1
        elif op == _PIN_BATTERY:
            self._battery_mv = b

    def _button_moved(self) -> None:
        self._button.moved(self._is_down)

    # --- network --------------------------------------------------------------------------------------------

    def network_state(self) -> str:
        if self._network == 3 and self._address == NO_ADDRESS:
            return "connecting"
        return NETWORK_STATES[self._network]

    def set_networks(self, networks) -> None:
        joined = self._networks[self._trying] if self._ssid else None
        self._networks = list(networks)
        if joined is not None and joined in self._networks:
            self._trying = self._networks.index(joined)
        else:
            self._trying = 0
            self._ask_to_join()

    def ssid(self) -> str:
        return self._ssid

    def rssi_dbm(self) -> int:
        return self._rssi_dbm

    def _ask_to_join(self) -> None:
        """An air without networks answers this as well: it is up."""
        ssid, password = self._networks[self._trying] if self._networks else ("", "")
        name, word = ssid.encode(), password.encode()
        self._asked_ms = self.ticks_ms()
        self._ssid = ""  # whatever it was on is left
        if ssid:
            self._network = 2
        self._control(_JOIN + bytes((len(name),)) + name + word)

    async def _join(self) -> None:
        """Tries the networks in turn until one is joined."""
        while True:
            await self.sleep_ms(100)
            if self._network == 3 or self._asked_ms < 0:
                continue
            wait_ms = _LOST_ANSWER_MS if self._network == 2 else _NEXT_NETWORK_MS
            if ticks_diff(self.ticks_ms(), self._asked_ms) >= wait_ms:
                if self._networks:
                    self._trying = (self._trying + 1) % len(self._networks)
                self._ask_to_join()

    async def scan(self):
        if self._is_scanning:
            raise OSError("a scan is under way")
        self._is_scanning = True
        self._control(_SCAN)
        begin_ms = self.ticks_ms()
        try:
            while self._is_scanning:
                if ticks_diff(self.ticks_ms(), begin_ms) > _SCAN_WITHIN_MS:
                    raise OSError("the radio does not answer")
                await self.sleep_ms(50)
        finally:
            self._is_scanning = False
        return self._scanned

    def save_radio(self, is_saving: bool) -> None:
        self._control(_SAVE + (b"\x01" if is_saving else b"\x00"))

    def address(self) -> bytes:
        return self._address

    def lead(self, address: bytes) -> None:
        # The radio answers every LEAD with the address that follows from it.
        self._is_led = True
        self._control(_LEAD + address[:4])

    def _control(self, payload: bytes) -> None:
        host.send(self._radio, _ITSELF + payload)

    def send(self, buf, length: int, address: bytes) -> None:
        out = self._out
        out[0:6] = address
        out[6 : 6 + length] = memoryview(buf)[:length]
        host.send(self._radio, memoryview(out)[: 6 + length])

    def recv_into(self, buf: bytearray) -> int:
        while host.is_readable(self._radio_poll):
            datagram = host.receive(self._radio, _AIR_MAX)
            length = len(datagram) - 6
            if length < 0:
                continue
            source = datagram[:6]
            if source == _ITSELF:
                self._hear_radio(datagram)
                continue
            if length > len(buf):
                length = len(buf)
            self.source = source
            buf[0:length] = memoryview(datagram)[6 : 6 + length]
            return length
        return -1

    def _hear_radio(self, datagram: bytes) -> None:
        length = len(datagram)
        kind = datagram[6] if length > 6 else 0
        if kind == _ADDRESS and length == 13:
            address = datagram[7:13]
            is_answer, self._is_led = self._is_led, False
            if address != self._address:
                self._address = address
                # What came of looking elsewhere is no news to follow: it would look elsewhere again at once,
                # and so on for ever, announcing itself each time.
                if not is_answer:
                    self.address_changed = True
        elif kind == _NETWORK and length >= 9 and datagram[7] < len(NETWORK_STATES):
            self._network = datagram[7]
            self._rssi_dbm = -datagram[8]
            is_up = self._network == 3
            self._ssid = datagram[9:].decode() if is_up else ""
            if not is_up:
                self._asked_ms = self.ticks_ms()
        elif kind == _HEARD:
            self._hear_scan(datagram[7:])

    def _hear_scan(self, rows: bytes) -> None:
        found = []
        while len(rows) >= 4 and len(rows) >= 4 + rows[3]:
            found.append((rows[4 : 4 + rows[3]], -rows[0], rows[1], rows[2] == 1))
            rows = rows[4 + rows[3] :]
        self._scanned = found
        self._is_scanning = False

    def readable(self):
        if self._tick_ms > 1:
            # The chip's event loop wakes with the operating system's tick.
            return host.sleep_ms(self._tick_ms - host.host_us() // 1000 % self._tick_ms)
        return host.until_readable(self._radio)

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
        host.sleep_us(_FLASH_STALL_MS * 1000)
        with open(_SETTINGS + ".new", "wb") as file:
            file.write(data)
        os.rename(_SETTINGS + ".new", _SETTINGS)

    def console_ready(self):
        return host.until_readable(host.STDIN)

    def console_read(self, most: int) -> bytes:
        data = host.read_stdin(self._stdin_poll, most)
        if not data:
            # The launcher is gone, and with it the board's power.
            sys.exit(0)
        return data

    def console_write(self, text: str) -> None:
        sys.stdout.write(text)
        host.flush_stdout()

    def flash_free(self) -> int:
        return -1  # as much as the host's disk has

    def boot_cause(self) -> int:
        return _CAUSES.get(os.getenv("TWINTAP_RESET_CAUSE"), frames.BOOT_UNKNOWN)

    def crashes(self) -> int:
        return host.env("TWINTAP_CRASHES") if os.getenv("TWINTAP_CRASHES") else 0

    def deep_sleep(self) -> None:
        # The launcher is the board's power: it starts the VM anew when the button is pressed.
        sys.exit(_SLEPT)

    def heap_free(self) -> int:
        return host.heap_free()

    def mark_healthy(self) -> None:
        return

    def sleep_ms(self, ms: int):
        return host.sleep_ms(ms)

    def create_task(self, coroutine) -> "asyncio.Task[None]":
        return asyncio.create_task(coroutine)

    def run(self, coroutine) -> None:
        asyncio.run(coroutine)
