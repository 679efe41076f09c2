"""Runs in the MicroPython VM: the chip's port over stand-ins for its hardware. Prints `ok` or dies."""

import asyncio
import select
import socket
import sys
import time

from chip_stand_ins import (
    ADC,
    BOARD,
    PWM,
    RTC,
    WLAN,
    Air,
    Module,
    NeoPixel,
    Pin,
    Slept,
    Socket,
    Timer,
    esp32,
    machine,
    names,
    network,
    wakers,
)

from twintap_protocol import frames
from twintap_pulser import crash_record, port_chip
from twintap_pulser.addressing import NETWORK_STATES, NO_ADDRESS, pack_address
from twintap_pulser.board_file import BoardFile

UDP_PORT = int(sys.argv[1])
port_chip.UDP_PORT = UDP_PORT
port_chip._ticks_us = lambda: time.ticks_us() & 0x3FFFFFFF  # as the chip's wrap
# The poll and the event loop want the real socket.
sockets = Module()
sockets.AF_INET = socket.AF_INET
sockets.SOCK_DGRAM = socket.SOCK_DGRAM
sockets.socket = Socket
port_chip.socket = sockets
fields = dict(BOARD)
fields["steady"] = [{"pin": 18, "level": 0}, {"pin": 19, "level": 1}]
port = port_chip.ChipPort(BoardFile(fields))
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
    assert PWM.all[25].freq == 20_000
    assert PWM.all[25].duties == [0, 65_535, 6, 0], PWM.all[25].duties
    assert port.motor_fault() == ""
    assert not port._is_busy()
    port.arm_edge((port.ticks_us() + 50_400) & 0x3FFFFFFF, True)
    port.arm_edge((port.ticks_us() + 50_400) & 0x3FFFFFFF, False)
    port.arm_edge((port.ticks_us() + 100) & 0x3FFFFFFF, True)
    assert port._is_busy()
    assert port._timer.armed[0] in (48, 49), port._timer.armed  # early, to be spun for
    assert port._timer.armed[1] in (49, 50)
    assert port._timer.armed[2] == 1
    port._timer.callback(port._timer)
    assert edges == [1]
    # A set whose callbacks are lost is no set for ever.
    port._armed_ms = (port._armed_ms - 1_500) & 0x3FFFFFFF
    assert not port._is_busy()
    port.disarm_edge()
    assert port._timer.armed[3] is None
    port.wdt_feed()
    port.wdt_arm(1_000)
    port.wdt_arm(1_000)
    assert (port._watchdog.timeout, port._watchdog.fed) == (1_000, 1)


def levels_follow_the_cell():
    port.tune_motor(3_500)
    port.set_level(5_000)
    assert PWM.all[25].duties[-1] == 32_767  # this board says no voltages
    port.set_level(0)
    fields["motor"] = {"driver": "pwm", "pin": 32, "pwm_hz": 20_000, "start_mv": 1_300, "full_mv": 3_000}
    other = port_chip.ChipPort(BoardFile(fields))
    other.set_level(8_000)
    other.tune_motor(3_500)
    other.set_level(8_000)
    other.set_level(0)
    assert PWM.all[32].duties == [0, 41_504, 49_805, 0], PWM.all[32].duties


def senses():
    assert (Pin.all[18].level, Pin.all[19].level) == (0, 1)  # what the board itself wants held
    ADC.readings = [1_900_000]
    assert port.battery_mv() == 3_800
    ADC.readings = [1_900_000, 1_900_000, 1_904_000, 700_000, 1_896_000, 1_900_000, 1_900_000, 3_100_000]
    assert port.battery_mv() == 3_800  # two readings that the radio spoilt
    Pin.all[35].level = 1
    assert port.charging()
    assert Pin.all[35].pull is None
    Pin.all[35].level = 0
    assert not port.charging()
    button = Pin.all[27]
    assert button.pull == Pin.PULL_UP
    assert button.hold is False  # a pad that a sleep has left held
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
    button.level = 1


def light():
    port.set_side(frames.SIDE_LEFT, (255, 255, 255))
    assert NeoPixel.shown == []  # the light is set_light's alone
    port.set_light(1, 2, 3)
    port.set_light(1, 2, 3)
    port.set_light(0, 0, 0)
    assert NeoPixel.shown == [(1, 2, 3), (0, 0, 0)]


async def radio():
    assert port.network_state() == "off"
    port._sock_poll = Module()
    poll = select.poll()
    port._sock_poll.register = lambda sock, events: poll.register(sock.real, events)
    port._sock_poll.ipoll = poll.ipoll
    port.begin(lambda: edges.append(1), presses.append)
    assert names == ["twintap-010203"]
    wlan = port._radio._wlan
    assert wlan.configured["pm"] == WLAN.PM_NONE
    port.save_radio(True)
    assert wlan.configured["pm"] == WLAN.PM_POWERSAVE
    port.save_radio(False)
    assert wlan.configured["pm"] == WLAN.PM_NONE
    assert port.network_state() == "no network set"
    assert port.address() == NO_ADDRESS
    Air.networks = {"net": ("word", -50, "")}
    port.set_networks([("net", "word")])
    for _ in range(200):
        if port.network_state() == "up":
            break
        await asyncio.sleep_ms(20)
    assert port.network_state() == "up"
    assert (port.ssid(), port.rssi_dbm()) == ("net", -50)
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
    # A set runs: no scan.
    port.arm_edge((port.ticks_us() + 50_400) & 0x3FFFFFFF, False)
    try:
        await port.scan()
        raise AssertionError("scanned in a set")
    except OSError:
        assert wlan.scans == 0
    port.disarm_edge()
    port._timer.armed = []
    assert (await port.scan())[0] == (b"net", -50, 6, True)


def memory():
    assert port.load() == b""
    port.store(b"kept")
    assert port.load() == b"kept"
    assert port.flash_free() > 0
    assert port.heap_free() > 0
    crash_record.begin()
    assert RTC.kept
    port.mark_healthy()
    assert RTC.kept == b""
    assert port.crashes() == 0
    assert port.boot_cause() == frames.BOOT_POWER


def sleep():
    assert port.can_sleep
    port.set_level(5_000)
    Pin.all[27].level = 1
    try:
        port.deep_sleep()
        raise AssertionError("did not sleep")
    except Slept:
        pass
    assert PWM.all[25].duties[-1] == 0
    assert NeoPixel.shown[-1] == (0, 0, 0)
    assert not port._radio._wlan.on
    assert wakers == [("ext0", 27, esp32.WAKEUP_ALL_LOW)]
    # On a C3 of 1.26 nothing could wake it: so it stays awake.
    other = dict(BOARD)
    other["chip"] = "esp32c3"
    other["motor"] = {"driver": "pwm", "pin": 10, "pwm_hz": 20_000}
    other["button"] = {"pin": 3, "pressed": 1}
    other["battery"] = other["charge"] = other["light"] = None
    assert not port_chip.ChipPort(BoardFile(other)).can_sleep
    esp32.wake_on_gpio = lambda pins, level: wakers.append(("gpio", [pin.number for pin in pins], level))
    newer = port_chip.ChipPort(BoardFile(other))
    assert newer.can_sleep
    # Nor by a pin that wakes nothing, which a board that is never to sleep by itself may have.
    restless = dict(other)
    restless["button"] = {"pin": 6, "pressed": 1}
    restless["sleep_after_s"] = None
    assert not port_chip.ChipPort(BoardFile(restless)).can_sleep
    assert newer.battery_mv() == 0
    assert not newer.charging()
    newer.set_light(9, 9, 9)
    Pin.all[3].level = 0
    newer._radio._wlan.on = True
    try:
        newer.deep_sleep()
        raise AssertionError("did not sleep")
    except Slept:
        assert wakers[-1] == ("gpio", [3], esp32.WAKEUP_ANY_HIGH)


assert set(NETWORK_STATES) >= {"off", "no network set", "connecting", "up"}
assert network.STA_IF == 0
assert machine.reset_cause() == 1
asyncio.run(radio())
motor_and_timer()
senses()
light()
levels_follow_the_cell()
memory()
sleep()
print("ok")
