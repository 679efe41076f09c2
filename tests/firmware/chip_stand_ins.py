"""Runs in the MicroPython VM: stand-ins for a chip's hardware, under the names that the chip's modules have.

They keep to the calls of the chip's stubs and do what a chip does where it matters here. Sockets, polls and
files are the VM's own, but for the chip's way of writing an address.
"""

import socket
import sys


class Pin:
    IN = 0
    OUT = 1
    PULL_UP = 2
    PULL_DOWN = 3
    IRQ_FALLING = 4
    IRQ_RISING = 8
    all = {}  # noqa: RUF012 - no typing here

    def __init__(self, number, mode=-1, pull=-1, value=None, hold=None):
        known = Pin.all.get(number)
        self.number = number
        self.mode = mode
        self.pull = pull
        self.hold = hold
        self.level = 1 if known is None else known.level
        if value is not None:
            self.level = value
        Pin.all[number] = self

    def value(self, level=None):
        if level is None:
            return Pin.all[self.number].level
        Pin.all[self.number].level = level
        return None

    def irq(self, handler, trigger):
        self.handler = handler


class PWM:
    all = {}  # noqa: RUF012

    def __init__(self, pin, freq, duty_u16):
        self.freq = freq
        self.duties = [duty_u16]
        PWM.all[pin.number] = self

    def duty_u16(self, duty):
        assert 0 <= duty <= 65_535
        self.duties.append(duty)


class Timer:
    ONE_SHOT = 0
    total = 4  # an ESP32's; a C3 has 2

    def __init__(self, number):
        if number >= Timer.total:
            raise ValueError("invalid Timer number")
        self.number = number
        self.armed = []

    def init(self, mode, period, callback):
        self.armed.append(period)
        self.callback = callback

    def deinit(self):
        self.armed.append(None)


class WDT:
    armed = []  # noqa: RUF012

    def __init__(self, timeout):
        self.timeout = timeout
        self.fed = 0
        WDT.armed.append(self)

    def feed(self):
        self.fed += 1


class ADC:
    ATTN_11DB = 3
    readings = [1_900_000]  # noqa: RUF012

    def __init__(self, pin, atten):
        self.at = 0

    def read_uv(self):
        self.at += 1
        return ADC.readings[self.at % len(ADC.readings)]


class RTC:
    kept = b""

    def memory(self, data=None):
        if data is not None:
            assert len(data) <= 2048
            RTC.kept = bytes(data)
        return RTC.kept


class I2C:
    """A bus with a DRV2605L on it, or with nothing (`is_there` false)."""

    is_there = True
    enable = None  # number of the pin at its EN
    registers = bytearray(64)
    writes = 0

    def __init__(self, number, scl, sda, freq=400_000, timeout=50_000):
        # The default waits 50 ms for a chip that is missing.
        assert timeout <= 5_000
        assert number == 0
        I2C.pins = (scl.number, sda.number)

    def _look(self, address):
        is_on = I2C.enable is None or Pin.all[I2C.enable].level
        if address != 0x5A or not I2C.is_there or not is_on:
            raise OSError(116)

    def writeto(self, address, data):
        self._look(address)
        I2C.registers[data[0]] = data[1]
        I2C.writes += 1
        return len(data) + 1

    def writeto_mem(self, address, register, data):
        self._look(address)
        I2C.registers[register] = data[0]

    def readfrom_mem(self, address, register, count):
        self._look(address)
        return bytes(I2C.registers[register : register + count])


def power_the_driver(device_id=7):
    for at in range(64):
        I2C.registers[at] = 0
    I2C.registers[0x00] = device_id << 5
    I2C.registers[0x01] = 0x40
    I2C.registers[0x17] = 0x89
    I2C.registers[0x1A] = 0x36
    I2C.registers[0x1D] = 0xA0


class Air:
    """What a station meets. `networks`: SSID to (password, dBm, what goes wrong or empty)."""

    networks = {}  # noqa: RUF012
    is_scan_failing = False


STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010


class WLAN:
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2

    def __init__(self, interface):
        self.on = False
        self.asked = []
        self.configured = {}
        self.state = STAT_IDLE
        self.associated = None
        self.host = "127.0.0.1"
        self.scans = 0
        self.refuse_next = False

    def active(self, on=None):
        if on is not None:
            self.on = on
        return self.on

    def config(self, **settings):
        assert self.on
        self.configured.update(settings)

    def connect(self, ssid, password):
        self.asked.append(ssid)
        if self.refuse_next:
            self.refuse_next = False
            raise OSError("Wifi Internal Error")
        assert self.state != STAT_GOT_IP, "left before it joins another"
        known = Air.networks.get(ssid)
        self.associated = None
        if known is None:
            self.state = 201
        elif known[0] != password:
            self.state = 15
        elif known[2] == "nodhcp":
            self.state = STAT_CONNECTING
            self.associated = ssid
        elif known[2] == "full":
            self.state = 5
        elif known[2] == "slow":
            self.state = STAT_CONNECTING
        else:
            self.state = STAT_GOT_IP
            self.associated = ssid

    def lose(self, status=201):
        self.state = status
        self.associated = None

    def disconnect(self):
        self.state = STAT_IDLE
        self.associated = None

    def isconnected(self):
        return self.state == STAT_GOT_IP

    def status(self, what=None):
        if what is None:
            return self.state
        assert what == "rssi"
        if self.associated is None:
            raise OSError("not connected")
        return Air.networks[self.associated][1]

    def ifconfig(self):
        return (self.host, "255.0.0.0", "0.0.0.0", "0.0.0.0")

    def scan(self):
        self.scans += 1
        if Air.is_scan_failing or self.state == STAT_CONNECTING:
            raise OSError("Wifi Internal State Error")
        found = []
        for ssid, (password, dbm, trouble) in Air.networks.items():
            if trouble != "hidden":
                found.append((ssid.encode(), b"\0" * 6, 6, dbm, 3 if password else 0, 0))
                found.append((ssid.encode(), b"\1" * 6, 1, dbm - 20, 3 if password else 0, 0))
        found.append((b"", b"\2" * 6, 11, -30, 3, 1))
        return found


class NeoPixel:
    shown = []  # noqa: RUF012

    def __init__(self, pin, count):
        assert count == 1
        self.pixel = None

    def __setitem__(self, at, colour):
        assert at == 0
        self.pixel = colour

    def write(self):
        NeoPixel.shown.append(self.pixel)


class Socket:
    """The VM's socket, with the chip's addresses: a text and a number."""

    def __init__(self, family, kind):
        self.real = socket.socket(family, kind)

    def bind(self, address):
        self.real.bind(socket.getaddrinfo(*address)[0][-1])

    def setblocking(self, flag):
        self.real.setblocking(flag)

    def sendto(self, data, address):
        return self.real.sendto(data, socket.getaddrinfo(*address)[0][-1])

    def recvfrom(self, most):
        data, packed = self.real.recvfrom(most)
        return data, (".".join(str(byte) for byte in packed[4:8]), packed[2] << 8 | packed[3])


class Module:
    pass


class Slept(Exception):
    """`machine.deepsleep` was called."""


class Restarted(Exception):
    """`machine.reset` was called."""


def _sleep():
    raise Slept


def _reset():
    raise Restarted


machine = Module()
for one in (Pin, PWM, Timer, WDT, ADC, RTC, I2C):
    setattr(machine, one.__name__, one)
machine.PWRON_RESET = 1
machine.HARD_RESET = 2
machine.WDT_RESET = 3
machine.DEEPSLEEP_RESET = 4
machine.SOFT_RESET = 5
machine.cause = 1
machine.reset_cause = lambda: machine.cause
machine.unique_id = lambda: b"\x24\x0a\xc4\x01\x02\x03"
machine.deepsleep = _sleep
machine.reset = _reset

network = Module()
network.WLAN = WLAN
network.STA_IF = 0
network.STAT_IDLE = STAT_IDLE
network.STAT_CONNECTING = STAT_CONNECTING
network.STAT_GOT_IP = STAT_GOT_IP
names = []
network.hostname = names.append

wakers = []
esp32 = Module()
esp32.WAKEUP_ALL_LOW = False
esp32.WAKEUP_ANY_HIGH = True
esp32.wake_on_ext0 = lambda pin, level: wakers.append(("ext0", pin.number, level))

neopixel = Module()
neopixel.NeoPixel = NeoPixel

sys.modules["machine"] = machine
sys.modules["network"] = network
sys.modules["esp32"] = esp32
sys.modules["neopixel"] = neopixel

BOARD = {
    "name": "test",
    "board_id": "test",
    "chip": "esp32",
    "absolute_cap_pct": 80,
    "motor": {"driver": "pwm", "pin": 25, "pwm_hz": 20_000},
    "button": {"pin": 27, "pressed": 0},
    "battery": {"pin": 34, "scale_pct": 200, "capacity_mah": 400},
    "charge": {"pin": 35, "present": 1},
    "light": {"kind": "ws2812", "pin": 26},
    "drowsy_after_s": 600,
    "sleep_after_s": 2400,
}
DRIVER = {
    "driver": "drv2605l",
    "sda": 21,
    "scl": 22,
    "enable_pin": 23,
    "motor": "erm",
    "rated_mv": 3_000,
}
