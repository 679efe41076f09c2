"""The light of a real board: a WS2812, one LED, or three on PWM; a board without one stays dark."""

import machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board_file import BoardFile, Part

_PWM_HZ = 1_000  # flickers for no eye, and leaves the motor's timer alone


class NoLight:
    """A board without a light."""

    def set(self, red: int, green: int, blue: int) -> None:
        """Nothing to see."""


class Ws2812Light:
    """One addressable light. A colour that is shown already is not written again."""

    def __init__(self, part: "Part") -> None:
        import neopixel

        self._light = neopixel.NeoPixel(machine.Pin(part.pin()), 1)
        self._shown = (-1, -1, -1)

    def set(self, red: int, green: int, blue: int) -> None:
        """Each 0..255."""
        if self._shown == (red, green, blue):
            return
        self._shown = (red, green, blue)
        self._light[0] = (red, green, blue)
        self._light.write()


class LedLight:
    """One LED of one colour: on for any colour, off for black.

    `lit` is the pin's level while it is on (1).
    """

    def __init__(self, part: "Part") -> None:
        self._lit = part.number("lit", 0, 1) if part.has("lit") else 1
        self._pin = machine.Pin(part.pin(), machine.Pin.OUT, value=1 - self._lit)

    def set(self, red: int, green: int, blue: int) -> None:
        """Each 0..255."""
        self._pin.value(self._lit if red or green or blue else 1 - self._lit)


class RgbLight:
    """Three LEDs, or one with three legs, on PWM. `lit` is the level at which they are on (1)."""

    def __init__(self, part: "Part") -> None:
        self._is_inverted = part.has("lit") and part.number("lit", 0, 1) == 0
        dark = 65_535 if self._is_inverted else 0
        self._legs = [
            machine.PWM(machine.Pin(part.pin(key)), freq=_PWM_HZ, duty_u16=dark)
            for key in ("red_pin", "green_pin", "blue_pin")
        ]

    def set(self, red: int, green: int, blue: int) -> None:
        """Each 0..255."""
        for leg, part in zip(self._legs, (red, green, blue)):
            duty = part * 257
            leg.duty_u16(65_535 - duty if self._is_inverted else duty)


def make_light(board: "BoardFile") -> "NoLight | Ws2812Light | LedLight | RgbLight":
    """Gives the board's light, dark."""
    if board.light is None:
        return NoLight()
    if board.light_kind == "led":
        return LedLight(board.light)
    if board.light_kind == "rgb_pwm":
        return RgbLight(board.light)
    return Ws2812Light(board.light)
