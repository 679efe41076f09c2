"""Runs in the MicroPython VM: which GPIO the chip's port takes for what, by what each of them does to it.

Arguments: a board file. Prints one line of JSON and `ok`. Nothing is asked of the board file's own words: a
pin is the button's because the port says "pressed" when its level changes, and so on.
"""

import json
import sys

from chip_stand_ins import I2C, PWM, NeoPixel, Pin, Slept, esp32, machine, power_the_driver, wakers

lights = []
adcs = []
wakers.clear()


class Adc:
    """An ADC whose every pin has a voltage of its own."""

    ATTN_11DB = 3

    def __init__(self, pin, atten):
        self.number = pin.number
        adcs.append(self.number)

    def read_uv(self):
        return (1_000 + self.number) * 1_000


class Light(NeoPixel):
    """A light that knows its pin."""

    def __init__(self, pin, count):
        super().__init__(pin, count)
        self.number = pin.number

    def write(self):
        lights.append(self.number)


machine.ADC = Adc
sys.modules["neopixel"].NeoPixel = Light
esp32.wake_on_gpio = lambda pins, level: wakers.append(("gpio", [pin.number for pin in pins], level))

from twintap_pulser import port_chip  # noqa: E402 - after the stand-ins are as they have to be
from twintap_pulser.board_file import BoardFile  # noqa: E402

with open(sys.argv[1]) as file:
    fields = json.load(file)
power_the_driver()
board = BoardFile(fields)
port = port_chip.ChipPort(board)
taken = {"steady": {}}


def that_change(look):
    """The pins whose level changes what `look` gives."""
    found = []
    for number in sorted(Pin.all):
        pin = Pin.all[number]
        level = pin.level
        pin.level = 0
        low = look()
        pin.level = 1
        if look() != low:
            found.append(number)
        pin.level = level
    return found


port.set_level(10_000)
taken["motor"] = [number for number in sorted(PWM.all) if PWM.all[number].duties[-1] > 0]
port.set_level(0)
if fields["motor"]["driver"] == "drv2605l":
    taken["bus"] = list(I2C.pins)
    taken["enable"] = [
        number for number in sorted(Pin.all) if Pin.all[number].mode == Pin.OUT and Pin.all[number].level == 1
    ]
taken["button"] = that_change(port.button_down)
taken["charge"] = that_change(port.charging)
taken["battery"] = sorted(adcs)
measured = port.battery_mv()
if adcs:
    assert measured == (1_000 + adcs[0]) * fields["battery"]["scale_pct"] // 100, measured
port.set_light(1, 2, 3)
taken["light"] = lights[:]
for number, pin in Pin.all.items():
    if pin.mode == Pin.OUT and number not in taken.get("enable", []):
        taken["steady"][str(number)] = pin.level
button = Pin.all[taken["button"][0]]
button.level = 1 - fields["button"]["pressed"]
try:
    port.deep_sleep()
    raise AssertionError("did not sleep")
except Slept:
    kind, pins, _level = wakers[-1]
    taken["wakes"] = pins if kind == "gpio" else [pins]
taken["all"] = sorted(Pin.all)
print(json.dumps(taken))
print("ok")
