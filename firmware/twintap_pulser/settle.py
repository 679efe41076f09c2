"""TUNE, NETWORK and POWER: what the daemon asks for over the link that is kept, or that changes its rest.

Each has a number; what is not newer than the one settled last is not done again. Whatever writes the flash is
refused while a set is held.
"""

from twintap_protocol.frames import (
    NETWORK_KEEP,
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

    from .port_contract import Port
    from .power import Power as Rest
    from .settings import Settings

_MOVE_MS = 2_000  # so that the report that a network is forgotten still goes over it
_STALE_MS = 1_000  # a frame that is taken this soon after a move may have come over what was left
# For three networks at 15 s each, and a handshake: a pulser that has found its daemon over none of them by
# then takes back the one that it left.
_MISSED_MS = 90_000


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
        self._moving_ms = 0  # since it is to move; then since it has
        self._left: "tuple[str, str] | None" = None  # what the daemon was last heard over, and is not kept

    def new_link(self) -> None:
        """Nothing is settled on a new link."""
        self.settled = 0
        self.result = SETTLED_NOT

    def tune(self, frame: Tune) -> None:
        """Sets the trim, and keeps it."""
        if not self._is_new(frame.number) or self._is_refused():
            return
        settings = self._settings
        if settings.trim_bp == frame.trim_bp:
            self.result = SETTLED_DONE  # it stands in the flash, which is not to be worn out
            return
        before = settings.snapshot()
        settings.trim_bp = frame.trim_bp
        self._save(before)
        self._pacer.trim_bp = settings.trim_bp

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
        before = settings.snapshot()
        kept = settings.networks
        if frame.op == NETWORK_KEEP:
            if not is_network(ssid, password):
                self.result = SETTLED_IMPOSSIBLE
                return
            if kept and kept[0] == (ssid, password):
                self.result = SETTLED_DONE
                return
            settings.keep_network(ssid, password)
        elif len(kept) < 2 or not settings.forget_network(ssid):
            # Without its only network nobody but the cable would reach it again.
            self.result = SETTLED_IMPOSSIBLE
            return
        if self._save(before):
            self._note_left(kept)
            self._is_moving = True
            self._moving_ms = self._port.ticks_ms()

    def _note_left(self, kept: "list[tuple[str, str]]") -> None:
        ssid = self._port.ssid()
        for known in kept:
            if known[0] == ssid and self._left is None:
                self._left = known
        if self._left in self._settings.networks:
            self._left = None

    def power(self, frame: Power) -> None:
        """Wakes or sleeps."""
        if frame.want == WANT_AWAKE:
            # A repeat does no harm, and a pulser that has got drowsy since is meant to hear it.
            self._power.touch()
            if self._is_new(frame.number):
                self.result = SETTLED_DONE
        elif self._is_new(frame.number) and not self._is_refused():
            # Not between two networks: a sleep would forget the way back.
            is_going = self._left is None and self._power.sleep_now()
            self.result = SETTLED_DONE if is_going else SETTLED_IMPOSSIBLE

    def heard(self) -> None:
        """An authentic frame has come: what the pulser has moved to leads to its daemon."""
        if self._left is not None and not self._is_moving and self._since_ms() >= _STALE_MS:
            self._left = None

    def beat(self) -> None:
        """Moves to other networks once that has been told, and back if they lead nowhere.

        Only while no set is held.
        """
        if self._is_moving:
            if not 0 <= self._since_ms() < _MOVE_MS:
                self._is_moving = False
                self._moving_ms = self._port.ticks_ms()
                self._port.set_networks(self._settings.networks)
        elif self._left is not None and not 0 <= self._since_ms() < _MISSED_MS:
            ssid, password = self._left
            self._left = None
            self._settings.keep_network(ssid, password)
            self._settings.is_stale = True
            self._port.set_networks(self._settings.networks)

    def _since_ms(self) -> int:
        return ticks_diff(self._port.ticks_ms(), self._moving_ms)

    def _is_new(self, number: int) -> bool:
        if not is_newer_number(number, self.settled):
            return False
        self.settled = number
        return True

    def _is_refused(self) -> bool:
        self._power.touch()
        if self._pacer.set_id or self._pacer.level_bp:
            self.result = SETTLED_RUNNING
            return True
        return False

    def _save(self, before: "tuple[object, ...]") -> bool:
        try:
            self._settings.save()
        except OSError:
            self._settings.restore(before)
            self.result = SETTLED_FLASH
            return False
        self.result = SETTLED_DONE
        return True
