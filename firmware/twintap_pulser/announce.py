"""The pulser makes itself known by DNS-SD, unasked: at link-up, on a change, and every 20 s.

Never while a set is held: nobody needs it then, and multicast is the slowest frame that a radio sends.
"""

from twintap_protocol.frames import SIDE_LEFT, SIDE_RIGHT
from twintap_protocol.limits import VERSION_MAJOR

from . import VERSION
from .addressing import NO_ADDRESS
from .clock import Every
from .dnssd import GROUP, TTL_S, announcement

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .port_contract import Port
    from .settings import Settings

EVERY_MS = 20_000  # well within the records' life, and often enough that firewalls keep the road open
SIDE_NAMES = {SIDE_LEFT: "left", SIDE_RIGHT: "right"}


class Announcer:
    """Announces the pulser `hostname` with the id `pulser_id` (8 bytes). Call `beat` while no set is held."""

    def __init__(self, port: "Port", settings: "Settings", hostname: str, pulser_id: bytes) -> None:
        self._port = port
        self._settings = settings
        self._hostname = hostname
        self._pulser_id = pulser_id
        self._rhythm = Every(port, EVERY_MS)
        self._is_wanted = True
        self._last_address = NO_ADDRESS

    def wake(self) -> None:
        """Something that the announcement tells has changed: the next beat tells it."""
        self._is_wanted = True

    def beat(self) -> None:
        """Announces if it is time to."""
        address = self._port.address()
        if address != self._last_address:
            self._last_address = address
            self._is_wanted = True
        if address == NO_ADDRESS or not (self._settings.is_paired or self._port.announces_unpaired):
            return
        if self._is_wanted or self._rhythm.is_due():
            self._is_wanted = False
            self._rhythm.restart()
            self._send(address, TTL_S)

    def goodbye(self) -> None:
        """Takes the announcement back."""
        if self._last_address != NO_ADDRESS:
            self._send(self._last_address, 0)

    def _send(self, address: bytes, ttl_s: int) -> None:
        texts = [
            "id=" + self._pulser_id.hex(),
            "daemon=" + self._settings.daemon_id.hex(),
            "fw=%d.%d.%d" % VERSION,
            "v=%d" % VERSION_MAJOR,
            "side=" + SIDE_NAMES.get(self._settings.side, "none"),
        ]
        packet = announcement(self._hostname, address, texts, ttl_s)
        self._port.send(packet, len(packet), GROUP)
