"""Runs in the MicroPython VM: what `boot.py` does to the motor's pins, whatever the board file holds."""

import json
import sys

from chip_stand_ins import BOARD, DRIVER, I2C, Module, Pin, power_the_driver

BOOT = None
for path in sys.path:
    try:
        with open(path + "/boot.py") as file:
            BOOT = file.read()
        break
    except OSError:
        continue
assert BOOT is not None


def boot(text):
    """Runs boot.py over a board file; gives the level that each pin was set to."""
    with open("board.json", "w") as file:
        file.write(text)
    Pin.all.clear()
    # boot.py asks which platform it is on; the VM's is its host's.
    platform = Module()
    platform.platform = "esp32"
    real = sys.modules.get("sys")
    sys.modules["sys"] = platform
    try:
        exec(BOOT, {"__name__": "boot"})
    finally:
        if real is None:
            del sys.modules["sys"]
        else:
            sys.modules["sys"] = real
    return {number: pin.level for number, pin in Pin.all.items() if pin.mode == Pin.OUT}


def board(motor):
    fields = dict(BOARD)
    fields["motor"] = motor
    return json.dumps(fields)


# A MOSFET's gate: today's file, and the one before it.
assert boot(json.dumps(BOARD)) == {25: 0}
assert boot('{"name": "old", "motor_pin": 13, "button_pin": 27}') == {13: 0}
# A driver with an enable pin needs no bus.
I2C.is_there = False
assert boot(board(DRIVER)) == {23: 0}
I2C.is_there = True
# One without is sent to standby, whatever it played.
power_the_driver()
I2C.enable = None
I2C.registers[1] = 5
bare = dict(DRIVER)
bare["enable_pin"] = None
assert boot(board(bare)) == {}
assert I2C.registers[1] == 0x40
# The rest of the file may be as wrong as it likes.
assert boot('{"chip": 7, "motor": {"driver": "pwm", "pin": 25}}') == {25: 0}
# And nothing stops the boot.
I2C.is_there = False
for text in ("", "{", "[]", "7", "null", "{}", '{"motor": 5}', '{"motor": {"driver": "pwm"}}', board(bare)):
    assert boot(text) == {}, text
print("ok")
