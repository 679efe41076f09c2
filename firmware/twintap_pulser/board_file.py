"""The board file: what is soldered to what. Read once at boot, checked, and never written.

A chip finds it as `board.json`; the virtual board as `boards/virtual.json`. Keys, all integers unless said:

    name              text for people
    absolute_cap_pct  1..100: no pairing can set a ceiling above it
    motor_pin         GPIO of the motor's gate, with a pull-down in hardware
    motor_pwm_hz      1000..40000; 20000 and more cannot be heard
    button_pin        GPIO of the client's button
    button_pressed    level of that pin while pressed: 0 or 1 (0: the pin's own pull-up is used)
    battery_pin       ADC pin of the battery's divider, or null; a pin without one floats and tells nonsense
    battery_scale_pct the battery's voltage in percent of the pin's: 200 for two equal resistors
    charge_pin        pin that tells of the charger, or null; one that nothing drives floats, and while it
                      says "charging" nothing vibrates
    charge_present    its level while a charger is plugged in: 0 or 1
    light_pin         pin of one WS2812 light, or null
    mpy_arch          text, for deploying only: the chip's native instruction set
"""

import json

from twintap_protocol.errors import TwintapError

_PATHS = ("board.json", "boards/virtual.json")


class BoardError(TwintapError):
    """The board file is missing or wrong; the text says where."""


class BoardFile:
    """The checked content of a board file; see the module's text for each field."""

    def __init__(self, fields: "dict[str, object]") -> None:
        """Raises `BoardError` naming the key, its value and its range."""
        self._fields = fields
        name = fields.get("name")
        if not isinstance(name, str) or not name:
            raise BoardError("the board file's name has to be a text")
        self.name = name
        self.absolute_cap_pct = self._number("absolute_cap_pct", 1, 100)

    def _number(self, key: str, low: int, high: int) -> int:
        value = self._fields.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise BoardError("the board file's %s is %r; it has to lie in %d..%d" % (key, value, low, high))
        return value

    def pin(self, key: str) -> int:
        """A GPIO number. Raises `BoardError` if there is none."""
        return self._number(key, 0, 63)

    def maybe_pin(self, key: str) -> int:
        """A GPIO number, or -1 where the board has no such thing."""
        return -1 if self._fields.get(key) is None else self.pin(key)

    def number(self, key: str, low: int, high: int) -> int:
        """Another integer of the file. Raises `BoardError` outside `low` .. `high`."""
        return self._number(key, low, high)


def read_board_file() -> BoardFile:
    """Reads the board file that is there. Raises `BoardError` if none is, or if it is wrong."""
    for path in _PATHS:
        try:
            with open(path) as file:
                fields = json.load(file)
        except OSError:
            continue
        except ValueError as error:
            raise BoardError("%s is not JSON" % path) from error
        if not isinstance(fields, dict):
            raise BoardError("%s is not a JSON object" % path)
        return BoardFile(fields)
    raise BoardError("there is no board file: neither %s nor %s" % _PATHS)
