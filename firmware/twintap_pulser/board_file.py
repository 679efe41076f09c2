"""The board file: what is soldered to what. Read once at boot, checked, and never written.

A chip finds it as `board.json`; the virtual board as `boards/virtual.json`. Keys:

    name              text for people
    board_id          the file's name without `.json`
    chip              "esp32", "esp32c3", "esp32c6"; or "virtual", which has no pins to check
    image             the MicroPython image for it; for flashing only
    mpy_arch          the chip's native instruction set, optional; for deploying only
    absolute_cap_pct  1..100: no pairing can set a ceiling above it
    motor             {"driver": "pwm", "pin", "pwm_hz": 1000..40000, "start_mv", "full_mv": both or none}: a
                      MOSFET's gate, with a pull-down in hardware; 20000 Hz and more cannot be heard.
                      `start_mv` (100 .. below full_mv) is what surely starts the motor and `full_mv`
                      (1000..5000) what a level of 100 % gives it, in mV of its mean voltage, whatever the
                      cell has; without the two a level is that part of the cell's voltage. Or
                      {"driver": "drv2605l", "sda", "scl", "enable_pin": pin or null, "motor": "erm" or "lra",
                      "rated_mv": 1000..5000, "start_mv": optional, 100 .. below rated_mv}: `rated_mv` is its
                      full_mv; EN has a pull-down. Or {"driver": "virtual"}
    button            {"pin", "pressed": 0 or 1}: its level while pressed; 0: the pin's own pull-up is used
    battery           {"pin", "scale_pct": 100..1000, "capacity_mah": 10..10000} or null. `scale_pct` is the
                      battery's voltage in percent of the pin's: 200 for two equal resistors. A pin without a
                      divider floats and tells nonsense
    charge            {"pin", "present": 0 or 1} or null: its level while a charger is plugged in. A pin that
                      nothing drives floats, and while it says "charging" nothing vibrates
    light             {"kind": "ws2812" or "led", "pin", "lit": 0 or 1 (an LED's level; 1)}, or
                      {"kind": "rgb_pwm", "red_pin", "green_pin", "blue_pin", "lit"}, or null
    steady            [{"pin", "level": 0 or 1}, ...], optional: pins that the board itself wants held,
                      such as an antenna's switch
    drowsy_after_s    30..86400: idle this long, the pulser saves its radio
    sleep_after_s     60..604800: idle this long, it sleeps deeply and its button wakes it; or null: never
    pads              each pin's name on the board; for the hardware's drawings, not read here
    notes, sources    for people: how it is wired, where each fact is from, what nobody has measured yet
"""

import json

from twintap_protocol.errors import TwintapError

from .chip_pins import CHIPS

_PATHS = ("board.json", "boards/virtual.json")
_FOR_PEOPLE = ("pads", "notes", "sources")
_DRIVERS = ("pwm", "drv2605l", "virtual")
_LIGHTS = ("ws2812", "led", "rgb_pwm", "virtual")


class BoardError(TwintapError):
    """The board file is missing or wrong; the text says where."""


class Part:
    """One part of a board file: an object of it, with its key for errors."""

    def __init__(self, key: str, fields: "dict[str, object]") -> None:
        self._key = key
        self._fields = fields

    def has(self, key: str) -> bool:
        """Whether the file says anything but null of `key`."""
        return self._fields.get(key) is not None

    def number(self, key: str, low: int, high: int) -> int:
        """An integer. Raises `BoardError` outside `low` .. `high`."""
        value = self._fields.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise BoardError(
                "the board file's %s is %r; it has to lie in %d..%d" % (self._name(key), value, low, high)
            )
        return value

    def pin(self, key: str = "pin") -> int:
        """A GPIO's number. Raises `BoardError` if there is none."""
        return self.number(key, 0, 63)

    def maybe_pin(self, key: str) -> int:
        """A GPIO's number, or -1 where the board has no such thing."""
        return self.pin(key) if self.has(key) else -1

    def one_of(self, key: str, choices: "tuple[str, ...]") -> str:
        """One of some words. Raises `BoardError` with the choice."""
        value = self._fields.get(key)
        if not isinstance(value, str) or value not in choices:
            raise BoardError(
                "the board file's %s is %r; it has to be one of %s"
                % (self._name(key), value, ", ".join(choices))
            )
        return value

    def _name(self, key: str) -> str:
        return key if not self._key else self._key + "." + key


class BoardFile(Part):
    """The checked content of a board file; see the module's text for each field.

    `battery_mah` is 0 and `light_kind` empty where there is no such thing; `sleep_after_s` is None where the
    board is never to sleep.
    """

    def __init__(self, fields: "dict[str, object]") -> None:
        """Raises `BoardError` naming the key, its value and its range, or the pin and what is wrong."""
        super().__init__("", fields)
        self.name = self._text("name")
        self.board_id = self._text("board_id")
        self.chip = self.one_of("chip", tuple(CHIPS) + ("virtual",))
        self.is_virtual = self.chip == "virtual"
        self.absolute_cap_pct = self.number("absolute_cap_pct", 1, 100)
        # A virtual board's day may be short.
        least_s = 1 if self.is_virtual else 30
        self.drowsy_after_s = self.number("drowsy_after_s", least_s, 86_400)
        self.sleep_after_s: "int | None" = None
        if self.has("sleep_after_s"):
            self.sleep_after_s = self.number("sleep_after_s", 2 * least_s, 604_800)
        self.motor = self._needed("motor")
        self.motor_driver = self.motor.one_of("driver", _DRIVERS)
        self.button = self._part("button")
        self.battery = self._part("battery")
        self.battery_mah = 0 if self.battery is None else self.battery.number("capacity_mah", 10, 10_000)
        self.charge = self._part("charge")
        self.light = self._part("light")
        self.light_kind = "" if self.light is None else self.light.one_of("kind", _LIGHTS)
        self.has_colour = self.light_kind not in ("", "led")
        self.steady = self._steady()
        if not self.is_virtual:
            _Pins(self).check()

    def _text(self, key: str) -> str:
        value = self._fields.get(key)
        if not isinstance(value, str) or not value:
            raise BoardError("the board file's %s has to be a text" % key)
        return value

    def _needed(self, key: str) -> Part:
        part = self._part(key)
        if part is None:
            raise BoardError("the board file lacks %s" % key)
        return part

    def _part(self, key: str) -> "Part | None":
        value = self._fields.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise BoardError("the board file's %s has to be an object" % key)
        return Part(key, value)

    def _steady(self) -> "list[tuple[int, int]]":
        value = self._fields.get("steady", [])
        if not isinstance(value, list):
            raise BoardError("the board file's steady has to be a list")
        found: "list[tuple[int, int]]" = []
        for one in value:
            if not isinstance(one, dict):
                raise BoardError("the board file's steady holds %r; it has to hold objects" % (one,))
            part = Part("steady", one)
            found.append((part.pin(), part.number("level", 0, 1)))
        return found


def motor_range_mv(motor: Part) -> "tuple[int, int]":
    """The motor's mean voltage, in mV, at a level just above 0 and at 100 %; (0, 0) where nothing is said.

    A DRV2605L's second one is its `rated_mv`, and its first 0 where nothing is said. Raises `BoardError`.
    """
    if motor.one_of("driver", _DRIVERS) == "drv2605l":
        full_mv = motor.number("rated_mv", 1_000, 5_000)
        if motor.has("full_mv"):
            raise BoardError("the board file says motor.full_mv; of a drv2605l that is motor.rated_mv")
        if not motor.has("start_mv"):
            return (0, full_mv)
    elif not motor.has("start_mv") and not motor.has("full_mv"):
        return (0, 0)
    else:
        full_mv = motor.number("full_mv", 1_000, 5_000)
    return (motor.number("start_mv", 100, full_mv - 1), full_mv)


class _Pins:
    """Checks each pin of a real board against its chip's rules."""

    def __init__(self, board: BoardFile) -> None:
        self._board = board
        self._rules = CHIPS[board.chip]
        self._used: "dict[int, str]" = {}

    def check(self) -> None:
        board = self._board
        self._check_motor()
        if board.button is None:
            raise BoardError("the board file lacks button")
        pin = self._reads("button", board.button.pin())
        board.button.number("pressed", 0, 1)
        if pin in self._rules["reads"]:
            self._wrong("button", pin, "it has no pull-up")
        if board.sleep_after_s is not None and pin not in self._rules["wakes"]:
            self._wrong("button", pin, "it cannot wake the chip; use one of %r" % (self._rules["wakes"],))
        if board.battery is not None:
            board.battery.number("scale_pct", 100, 1000)
            pin = self._reads("battery", board.battery.pin())
            if pin not in self._rules["measures"]:
                self._wrong("battery", pin, "it cannot measure; use one of %r" % (self._rules["measures"],))
        if board.charge is not None:
            board.charge.number("present", 0, 1)
            self._reads("charge", board.charge.pin())
        if board.light is not None:
            self._check_light(board.light)
        for pin, _ in board.steady:
            self._drives("steady", pin)

    def _check_motor(self) -> None:
        motor = self._board.motor
        if self._board.motor_driver == "pwm":
            motor.number("pwm_hz", 1_000, 40_000)
            motor_range_mv(motor)
            self._calm("motor", motor.pin())
        elif self._board.motor_driver == "drv2605l":
            motor.one_of("motor", ("erm", "lra"))
            motor_range_mv(motor)
            self._drives("motor.sda", motor.pin("sda"))
            self._drives("motor.scl", motor.pin("scl"))
            if motor.has("enable_pin"):
                self._calm("motor.enable_pin", motor.pin("enable_pin"))
        else:
            raise BoardError("the board file's motor.driver is virtual; this chip needs a real one")

    def _check_light(self, light: Part) -> None:
        if light.has("lit"):
            light.number("lit", 0, 1)
        if self._board.light_kind == "virtual":
            raise BoardError("the board file's light.kind is virtual; this chip needs a real one")
        if self._board.light_kind == "rgb_pwm":
            for key in ("red_pin", "green_pin", "blue_pin"):
                self._drives("light." + key, light.pin(key))
        else:
            self._drives("light", light.pin())

    def _calm(self, what: str, pin: int) -> None:
        self._drives(what, pin)
        if pin in self._rules["restless"]:
            self._wrong(what, pin, "it is pulled up at reset, which could start the motor")

    def _drives(self, what: str, pin: int) -> None:
        if self._reads(what, pin) in self._rules["reads"]:
            self._wrong(what, pin, "it can only read")

    def _reads(self, what: str, pin: int) -> int:
        if pin not in self._rules["both"] and pin not in self._rules["reads"]:
            self._wrong(what, pin, "it is a strapping pin, the flash's, the USB's or the console's")
        if pin in self._used:
            self._wrong(what, pin, "%s has it already" % self._used[pin])
        self._used[pin] = what
        return pin

    def _wrong(self, what: str, pin: int, why: str) -> None:
        raise BoardError(
            "the board file's %s cannot be GPIO%d of an %s: %s" % (what, pin, self._board.chip, why)
        )


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
        for key in _FOR_PEOPLE:
            fields.pop(key, None)  # two KB of a chip's memory, for as long as it runs
        return BoardFile(fields)
    raise BoardError("there is no board file: neither %s nor %s" % _PATHS)
