"""Before anything else the motor is off: a pin keeps its level over a soft reset."""

import sys

if sys.platform == "esp32":
    import json

    import machine

    try:
        with open("board.json") as _file:
            _pin = json.load(_file)["motor_pin"]
    except (OSError, ValueError, KeyError) as _error:
        print("twintap: no motor pin in board.json:", _error)
    else:
        machine.Pin(_pin, machine.Pin.OUT, value=0)
