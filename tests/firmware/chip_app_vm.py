"""Runs in the MicroPython VM: the whole pulser on the chip's port, over stand-ins, until it is told to reset.

Its settings and its board file are in the folder that it runs in; it is told what to do on its console.
"""

import json
import select
import socket
import sys

from chip_stand_ins import BOARD, PWM, RTC, WDT, Air, Module, NeoPixel, Pin, Socket, machine

from twintap_pulser import port_chip, ports

fields = dict(BOARD)
fields["motor"] = {"driver": "pwm", "pin": 25, "pwm_hz": 20_000, "start_mv": 1_300, "full_mv": 3_000}
with open("board.json", "w") as file:
    json.dump(fields, file)
Air.networks = {"clinic": ("pw", -55, ""), "far": ("", -88, "")}
is_charging = sys.argv[2] == "charging"
Pin(BOARD["charge"]["pin"]).value(1 if is_charging else 0)
machine.cause = machine.PWRON_RESET
ports.sys = Module()
ports.sys.platform = "esp32"
port_chip.UDP_PORT = int(sys.argv[1])
sockets = Module()
sockets.AF_INET = socket.AF_INET
sockets.SOCK_DGRAM = socket.SOCK_DGRAM
sockets.socket = Socket
port_chip.socket = sockets


class Poll:
    """A poll that looks at the VM's socket within a chip's."""

    def __init__(self):
        self.real = select.poll()

    def register(self, stream, events):
        self.real.register(getattr(stream, "real", stream), events)

    def ipoll(self, timeout):
        return self.real.ipoll(timeout)


polls = Module()
polls.poll = Poll
polls.POLLIN = select.POLLIN
port_chip.select = polls
until_readable = port_chip._until_readable
port_chip._until_readable = lambda stream: until_readable(getattr(stream, "real", stream))

from twintap_pulser import app  # noqa: E402

app.run()
assert PWM.all[25].duties[-1] == 0
if is_charging:
    assert max(PWM.all[25].duties) == 0
    assert WDT.armed == []
else:
    # The selftest's buzz, from what starts the motor to the ceiling of 60 %, of the 3800 mV measured.
    steps = [duty for duty in PWM.all[25].duties if duty]
    assert 1_300 * 65_535 // 3_800 < steps[0] < steps[-1], steps
    assert abs(steps[-1] - 2_320 * 65_535 // 3_800) <= 2, steps
    assert len(WDT.armed) == 1  # which was watched
    assert WDT.armed[0].fed
assert any(any(colour) for colour in NeoPixel.shown)
assert RTC.kept == b""
print("ok")
