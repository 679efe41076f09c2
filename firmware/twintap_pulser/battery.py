"""The battery: readings in, a voltage that does not twitch and a state that does not flutter out.

A motor that runs pulls the voltage down by some hundred mV, so nothing is read while it does.
"""

from twintap_protocol.frames import BATTERY_EMPTY, BATTERY_FINE, BATTERY_LOW, BATTERY_UNKNOWN

from .clock import Every

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .port_contract import Port

# Of a lithium cell at rest: at 3500 mV about a tenth is left, at 3300 nothing worth speaking of. It counts as
# better only well above, where no load's end could have lifted it to.
LOW_MV = 3_500
LOW_UNTIL_MV = 3_620
EMPTY_MV = 3_300
EMPTY_UNTIL_MV = 3_450
FULL_MV = 4_150  # while a charger holds it
_READINGS = 5
_EVERY_MS = 2_000


class Battery:
    """`mv` is the median of the last readings, 0 while unknown; `state` one of `frames.BATTERY_...`."""

    def __init__(self, port: "Port") -> None:
        self.mv = 0
        self.state = BATTERY_UNKNOWN
        self._port = port
        self._readings = [0] * _READINGS
        self._at = 0
        self._every = Every(port, _EVERY_MS)
        self._is_new = True

    def beat(self) -> None:
        """Reads if it is time to. Only while the motor is off, and not near an edge."""
        if not (self._is_new or self._every.is_due()):
            return
        self._is_new = False
        for _ in range(_READINGS if self.mv == 0 else 1):
            self._read()
        self._judge()

    def _read(self) -> None:
        self._readings[self._at] = self._port.battery_mv()
        self._at = (self._at + 1) % _READINGS

    def _judge(self) -> None:
        self.mv = mv = sorted(self._readings)[_READINGS // 2]
        if mv == 0:
            self.state = BATTERY_UNKNOWN
        elif mv < EMPTY_MV or (self.state == BATTERY_EMPTY and mv <= EMPTY_UNTIL_MV):
            self.state = BATTERY_EMPTY
        elif mv < LOW_MV or (self.state in (BATTERY_LOW, BATTERY_EMPTY) and mv <= LOW_UNTIL_MV):
            self.state = BATTERY_LOW
        else:
            self.state = BATTERY_FINE
