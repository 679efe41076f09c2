"""Runs in the MicroPython VM: the chip's port over stand-ins for its hardware. Prints `ok` or dies.

The stand-ins keep to the calls of the chip's stubs; sockets, polls and files are the VM's own, but for the
chip's way of writing an address.
"""

import asyncio
import select
import socket
import sys
import time

UDP_PORT = int(sys.argv[1])


class Pin:
    IN = 0
    OUT = 1
    PULL_UP = 2
    PULL_DOWN = 3
    IRQ_FALLING = 4
    IRQ_RISING = 8
    all = {}  # noqa: RUF012 - no typing here

    def __init__(self, number, mode=-1, pull=-1):
        self.level = 1
        Pin.all[number] = self

    def value(self):
        return self.level

    def irq(self, handler, trigger):
        self.handler = handler


class PWM:
    def __init__(self, pin, freq, duty_u16):
        assert freq >= 20_000
        self.duties = [duty_u16]

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
    def __init__(self, timeout):
        self.timeout = timeout
        self.fed = 0

    def feed(self):
        self.fed += 1


class ADC:
    ATTN_11DB = 3

    def __init__(self, pin, atten):
        return

    def read_uv(self):
        return 1_900_000


class RTC:
    kept = b""

    def memory(self, data=None):
        if data is not None:
            RTC.kept = data
        return RTC.kept


class WLAN:
    PM_NONE = 0

    def __init__(self, interface):
        self.on = False
        self.asked = []
        self.configured = {}
        self.connected = False

    def active(self, on=None):
        if on is not None:
            self.on = on
        return self.on

    def config(self, **settings):
        self.configured.update(settings)

    def connect(self, ssid, password):
        self.asked.append((ssid, password))
        if len(self.asked) == 1:
            raise OSError("Wifi Internal Error")

    def disconnect(self):
        self.connected = False

    def isconnected(self):
        return self.connected

    def ifconfig(self):
        return ("127.0.0.1", "255.0.0.0", "0.0.0.0", "0.0.0.0")


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


machine = Module()
for one in (Pin, PWM, Timer, WDT, ADC, RTC):
    setattr(machine, one.__name__, one)
machine.WDT_RESET = 3
machine.SOFT_RESET = 5
machine.reset_cause = lambda: 3
machine.unique_id = lambda: b"\x24\x0a\xc4\x01\x02\x03"
network = Module()
network.WLAN = WLAN
network.STA_IF = 0
names = []
network.hostname = names.append
sys.modules["machine"] = machine
sys.modules["network"] = network

from twintap_pulser import port_chip  # noqa: E402
from twintap_pulser.board_file import BoardFile  # noqa: E402
from twintap_pulser.ports import NO_ADDRESS, pack_address  # noqa: E402

port_chip.UDP_PORT = UDP_PORT
port_chip._ticks_us = lambda: time.ticks_us() & 0x3FFFFFFF  # as the chip's wrap
# The poll and the event loop want the real socket.
sockets = Module()
sockets.AF_INET = socket.AF_INET
sockets.SOCK_DGRAM = socket.SOCK_DGRAM
sockets.socket = Socket
port_chip.socket = sockets
board = BoardFile(
    {
        "name": "test",
        "board_id": "test",
        "chip": "esp32",
        "absolute_cap_pct": 80,
        "motor": {"driver": "pwm", "pin": 25, "pwm_hz": 20_000},
        "button": {"pin": 27, "pressed": 0},
        "battery": {"pin": 34, "scale_pct": 200, "capacity_mah": 400},
        "charge": {"pin": 35, "present": 1},
        "light": None,
        "drowsy_after_s": 600,
        "sleep_after_s": 2400,
    }
)
port = port_chip.ChipPort(board)
edges = []
presses = []


def motor_and_timer():
    # Never a timer of the watchdog's group where there is another one.
    assert port._timer.number == 3
    Timer.total = 2
    assert port_chip._edge_timer().number == 1
    Timer.total = 1
    assert port_chip._edge_timer().number == 0
    port.set_level(10_000)
    port.set_level(1)
    port.set_level(0)
    assert port._motor.duties == [0, 65_535, 6, 0], port._motor.duties
    port.arm_edge((port.ticks_us() + 50_400) & 0x3FFFFFFF, True)
    port.arm_edge((port.ticks_us() + 50_400) & 0x3FFFFFFF, False)
    port.arm_edge((port.ticks_us() + 100) & 0x3FFFFFFF, True)
    assert port._timer.armed[0] in (48, 49), port._timer.armed  # early, to be spun for
    assert port._timer.armed[1] in (49, 50)
    assert port._timer.armed[2] == 1
    port._timer.callback(port._timer)
    assert edges == [1]
    port.disarm_edge()
    assert port._timer.armed[3] is None
    port.wdt_feed()
    port.wdt_arm(1_000)
    port.wdt_arm(1_000)
    assert (port._watchdog.timeout, port._watchdog.fed) == (1_000, 1)


def senses():
    assert port.battery_mv() == 3_800
    assert port.charging()
    Pin.all[35].level = 0
    assert not port.charging()
    button = Pin.all[27]
    time.sleep_ms(25)
    for level in (0, 1, 0, 1, 0):  # a press that bounces
        button.level = level
        button.handler(button)
    assert presses[0] is True
    assert presses.count(True) == 1, presses
    time.sleep_ms(25)
    for level in (1, 0, 1):  # a release that bounces
        button.level = level
        button.handler(button)
    assert presses.count(True) == 1, presses
    time.sleep_ms(25)
    button.level = 0
    button.handler(button)
    assert presses.count(True) == 2, presses
    button.level = 1
    port.look_at_button()
    # A week without a movement is more than half the ring of the ticks.
    port._button._moved_ms = (port.ticks_ms() - 7 * 86_400_000) & 0x3FFFFFFF
    button.level = 0
    button.handler(button)
    assert presses.count(True) == 3, presses
    # An interrupt that is lost, for the release and for the press.
    time.sleep_ms(25)
    button.level = 1
    port.look_at_button()
    time.sleep_ms(25)
    button.level = 0
    port.look_at_button()
    port.look_at_button()
    assert presses.count(True) == 4, presses


async def radio():
    assert port.network_state() == "off"
    port._sock_poll = Module()
    poll = select.poll()
    port._sock_poll.register = lambda sock, events: poll.register(sock.real, events)
    port._sock_poll.ipoll = poll.ipoll
    port.begin(lambda: edges.append(1), presses.append)
    assert names == ["twintap-010203"]
    assert port._wlan.configured == {"pm": 0}
    assert port.network_state() == "no network set"
    port.set_wifi("net", "word")
    assert port.network_state() == "connecting"
    assert port.address() == NO_ADDRESS
    asked = len(port._wlan.asked)
    port._asked_ms = (port.ticks_ms() - 7 * 86_400_000) & 0x3FFFFFFF
    await asyncio.sleep_ms(600)
    assert len(port._wlan.asked) == asked + 1
    port._wlan.connected = True
    await asyncio.sleep_ms(600)
    assert port.network_state() == "up"
    assert port.address_changed
    own = pack_address("127.0.0.1", UDP_PORT)
    assert port.address() == own
    buf = bytearray(768)
    assert port.recv_into(buf) == -1
    # Two datagrams must stay two.
    port.send(b"first", 5, own)
    port.send(b"second, cut", 6, own)
    await asyncio.sleep_ms(5)
    assert port.recv_into(buf) == 5
    assert bytes(buf[:5]) == b"first"
    assert port.source == own
    assert port.recv_into(buf) == 6
    assert port.recv_into(buf) == -1
    port.send(b"lost", 4, bytes((240, 0, 0, 1, 0, 9)))  # no road there: no error either


def memory():
    assert port.load() == b""
    port.store(b"kept")
    assert port.load() == b"kept"
    assert [port_chip.may_start() for _ in range(4)] == [True, True, True, False]
    port.mark_healthy()
    assert port_chip.may_start()
    # A reset by hand is another try, and one that somebody asked for is no crash.
    for cause in (1, 2):
        assert [port_chip.may_start() for _ in range(4)][-1] is False
        machine.reset_cause = lambda cause=cause: cause
        assert [port_chip.may_start() for _ in range(4)] == [True] * 4
        machine.reset_cause = lambda: 5
    for _ in range(5):
        assert port_chip.may_start()
        port_chip.forget_crashes()


asyncio.run(radio())
motor_and_timer()
senses()
memory()
print("ok")
