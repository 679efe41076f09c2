"""Before anything else the motor is off: a pin keeps its level over a soft reset.

It reads the board file by itself, today's form and the one before it: neither a damaged application nor a
wrong key elsewhere in the file may stand in the way.
"""

import sys

_DRV2605L = 0x5A
_MODE = 0x01
_STANDBY = b"\x40"


def _make_safe(fields):  # type: ignore[no-untyped-def]
    motor = fields.get("motor") or {"driver": "pwm", "pin": fields["motor_pin"]}
    if motor["driver"] == "pwm":
        machine.Pin(motor["pin"], machine.Pin.OUT, value=0)
        return
    if motor.get("enable_pin") is not None:
        # EN low is standby, whatever the bus says.
        machine.Pin(motor["enable_pin"], machine.Pin.OUT, value=0)
        return
    scl = machine.Pin(motor["scl"])
    sda = machine.Pin(motor["sda"])
    bus = machine.I2C(0, scl=scl, sda=sda, timeout=5_000)  # pyright: ignore[reportCallIssue]  # see chip_motor
    bus.writeto_mem(_DRV2605L, _MODE, _STANDBY)


if sys.platform == "esp32":
    import json

    import machine

    try:
        with open("board.json") as _file:
            _make_safe(json.load(_file))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as _error:
        print("twintap: the motor is not known to be off:", repr(_error))
