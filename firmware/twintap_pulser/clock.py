"""The pulser's extended clock: ticks that wrap every 18 minutes, and a count of the wraps."""

from twintap_protocol.ticks import ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .port_contract import Port


class Clock:
    """`wraps` and `ticks` of the last `sample`. Sample at least every 8 minutes, or a wrap goes unseen."""

    def __init__(self, port: "Port") -> None:
        self._port = port
        self.wraps = 0
        self.ticks = port.ticks_us()

    def sample(self) -> int:
        """Takes the time; gives the ticks. Only for the main loop: a callback would race with it."""
        now_ticks = self._port.ticks_us()
        if now_ticks < self.ticks:
            self.wraps += 1
        self.ticks = now_ticks
        return now_ticks


class Every:
    """A rhythm in ms, without drift of its own: `is_due` tells once per period."""

    def __init__(self, port: "Port", period_ms: int) -> None:
        self._port = port
        self.period_ms = period_ms
        self._last_ms = port.ticks_ms()

    def is_due(self) -> bool:
        """Whether the period has passed since this last gave true, or since `restart`."""
        now_ms = self._port.ticks_ms()
        # A negative difference is one of more than six days: half the ring of the ticks.
        if 0 <= ticks_diff(now_ms, self._last_ms) < self.period_ms:
            return False
        self._last_ms = now_ms
        return True

    def restart(self) -> None:
        """The next period begins now."""
        self._last_ms = self._port.ticks_ms()
