"""The client's button: what its contacts do, turned into presses."""

from twintap_protocol.ticks import ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .port_contract import Port

_DEBOUNCE_MS = 20


class Button:
    """Calls `on_button` with true at a press's first edge, and with false at a release's edges."""

    def __init__(self, port: "Port") -> None:
        self.on_button: "Callable[[bool], None]" = _nothing
        self._port = port
        self._was_down = False
        self._moved_ms = port.ticks_ms()

    def moved(self, is_down: bool) -> None:
        """The contacts are seen open or closed, by an interrupt or by a look. No allocation."""
        if is_down == self._was_down:
            return
        self._was_down = is_down
        now_ms = self._port.ticks_ms()
        quiet_ms = ticks_diff(now_ms, self._moved_ms)
        self._moved_ms = now_ms
        # A press acts at its first edge; contacts that bounce, at press or release, are no further presses.
        # A negative difference is one of more than six days: half the ring of the ticks.
        if not is_down or not 0 <= quiet_ms < _DEBOUNCE_MS:
            self.on_button(is_down)


def _nothing(_is_down: bool) -> None:
    return
