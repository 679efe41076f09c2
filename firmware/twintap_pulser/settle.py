"""TUNE, NETWORK and POWER: what the daemon asks for over the link that is kept, or that changes its rest.

Each has a number; what is not newer than the one settled last is not done again. Whatever writes the flash is
refused while a set is held.
"""

from twintap_protocol.frames import (
    NETWORK_KEEP,
    POWER_AWAKE,
    SETTLED_DONE,
    SETTLED_FLASH,
    SETTLED_IMPOSSIBLE,
    SETTLED_NOT,
    SETTLED_RUNNING,
    WANT_AWAKE,
    Network,
    Power,
    Tune,
    is_newer_number,
)
from twintap_protocol.ticks import ticks_diff

from .settings import is_network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from twintap_protocol.pacer import Pacer

    from .ports import Port
    from .power import Power as Rest
    from .settings import Settings

_MOVE_MS = 2_000  # so that the report that a network is forgotten still goes over it


class Settler:
    """Does what the three frames ask for. `settled` and `result` are what a report says of it."""

    def __init__(self, port: "Port", settings: "Settings", pacer: "Pacer", power: "Rest") -> None:
        self.settled = 0
        self.result = SETTLED_NOT
        self._port = port
        self._settings = settings
        self._pacer = pacer
        self._power = power
        self._is_moving = False
        self._moving_ms = 0

    def new_link(self) -> None:
        """Nothing is settled on a new link."""
        self.settled = 0
        self.result = SETTLED_NOT

    def tune(self, frame: Tune) -> None:
        """Sets the trim, and keeps it."""
        if not self._is_new(frame.number) or self._is_refused():
            return
        old_bp = self._settings.trim_bp
        self._settings.trim_bp = frame.trim_bp
        if not self._save():
            self._settings.trim_bp = old_bp
        self._pacer.trim_bp = self._settings.trim_bp

    def network(self, frame: Network) -> None:
        """Keeps or forgets a network."""
        if not self._is_new(frame.number) or self._is_refused():
            return
        settings = self._settings
        try:
            ssid, password = frame.ssid.decode(), frame.password.decode()
        except ValueError:
            self.result = SETTLED_IMPOSSIBLE
            return
        before = settings.networks
        if frame.op == NETWORK_KEEP:
            if not is_network(ssid, password):
                self.result = SETTLED_IMPOSSIBLE
                return
            settings.keep_network(ssid, password)
        elif len(before) < 2 or not settings.forget_network(ssid):
            # Without its only network nobody but the cable would reach it again.
            self.result = SETTLED_IMPOSSIBLE
            return
        if not self._save():
            settings.networks = before
            return
        self._is_moving = True
        self._moving_ms = self._port.ticks_ms()

    def power(self, frame: Power) -> None:
        """Wakes or sleeps."""
        if frame.want == WANT_AWAKE:
            # A repeat does no harm, and a pulser that has got drowsy since is meant to hear it.
            self._power.touch()
            if self._is_new(frame.number):
                self.result = SETTLED_DONE
        elif self._is_new(frame.number) and not self._is_refused():
            self.result = SETTLED_DONE if self._power.sleep_now() else SETTLED_IMPOSSIBLE

    def beat(self) -> None:
        """Moves to other networks once that has been told. Only while no set is held."""
        if self._is_moving and not 0 <= ticks_diff(self._port.ticks_ms(), self._moving_ms) < _MOVE_MS:
            self._is_moving = False
            self._port.set_networks(self._settings.networks)

    def _is_new(self, number: int) -> bool:
        if not is_newer_number(number, self.settled):
            return False
        self.settled = number
        return True

    def _is_refused(self) -> bool:
        if self._power.state != POWER_AWAKE:
            self._power.touch()
        if self._pacer.set_id or self._pacer.level_bp:
            self.result = SETTLED_RUNNING
            return True
        return False

    def _save(self) -> bool:
        try:
            self._settings.save()
        except OSError:
            self.result = SETTLED_FLASH
            return False
        self.result = SETTLED_DONE
        return True
