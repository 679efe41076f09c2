"""What a real board feels: its battery, its charger, its button's contacts."""

import machine

from .board_file import BoardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board_file import BoardFile

_READINGS = 8  # about 0.6 ms; the radio's bursts pull single readings down


class Battery:
    """The battery's voltage through its divider; 0 for a board that cannot measure it."""

    def __init__(self, board: "BoardFile") -> None:
        self._adc: "machine.ADC | None" = None
        self._scale_pct = 100
        if board.battery is not None:
            self._scale_pct = board.battery.number("scale_pct", 100, 1000)
            self._adc = machine.ADC(machine.Pin(board.battery.pin()), atten=machine.ADC.ATTN_11DB)

    def millivolts(self) -> int:
        """The mean of several readings without the lowest and the highest, 0..65535 mV."""
        adc = self._adc
        if adc is None:
            return 0
        low_mv = 1 << 20
        high_mv = 0
        sum_mv = 0
        for _ in range(_READINGS):
            mv = adc.read_uv() // 1000
            low_mv = min(low_mv, mv)
            high_mv = max(high_mv, mv)
            sum_mv += mv
        mean_mv = (sum_mv - low_mv - high_mv) // (_READINGS - 2)
        return min(65_535, mean_mv * self._scale_pct // 100)


class Charger:
    """Whether a charger is plugged in; never, on a board that cannot feel it."""

    def __init__(self, board: "BoardFile") -> None:
        self._pin: "machine.Pin | None" = None
        self._present = 1
        if board.charge is not None:
            # No pull: a divider stands there, and a pull would bend it.
            self._pin = machine.Pin(board.charge.pin(), machine.Pin.IN, None)  # pyright: ignore[reportArgumentType]
            self._present = board.charge.number("present", 0, 1)

    def is_present(self) -> bool:
        """Whether the pin says so at this moment."""
        return self._pin is not None and self._pin.value() == self._present


class Contacts:
    """The button's contacts. `pin` is there for interrupts and for waking."""

    def __init__(self, board: "BoardFile") -> None:
        """Raises `BoardError` if the board has no button: a client must be able to stop."""
        if board.button is None:
            raise BoardError("the board file lacks button")
        self.pressed = board.button.number("pressed", 0, 1)
        pull = machine.Pin.PULL_DOWN if self.pressed else machine.Pin.PULL_UP
        # A pad stays held after a deep sleep, and a held button would stop nothing: so it is let go.
        self.pin = machine.Pin(board.button.pin(), machine.Pin.IN, pull, hold=False)  # pyright: ignore[reportCallIssue]

    def is_down(self) -> bool:
        """Whether they are closed at this moment. No allocation."""
        return self.pin.value() == self.pressed
