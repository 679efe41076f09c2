"""Finding the daemon: whom to say hello to, and when.

The pulser asks where the daemon was last, and by a one-shot DNS-SD query where it is now; the daemon, which
has heard the pulser's announcement, beckons. Every road leads to a hello; only a welcome under the pairing
key counts.
"""

from twintap_protocol.limits import HELLO_RETRY_MAX_MS, HELLO_RETRY_MS
from twintap_protocol.ticks import ticks_diff

from . import dnssd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .port_contract import Port
    from .settings import Settings

MAX_CANDIDATES = 4
_SOONEST_MS = 250  # between two hellos, whoever beckons


class Seek:
    """Candidates and back-off. `next_round` gives the addresses to say hello to, when it is time."""

    def __init__(self, port: "Port", settings: "Settings") -> None:
        self._port = port
        self._settings = settings
        self._candidates: "list[bytes]" = []
        self._query_id = 0
        self._wait_ms = 0
        self._last_ms = port.ticks_ms()
        self._lead = 0

    def restart(self) -> None:
        """Seek from now on, beginning with a round at once."""
        self._candidates = list(self._settings.addresses)
        self._wait_ms = 0

    def add(self, address: bytes) -> None:
        """The daemon may be at `address`: a round soon, this one first."""
        if not dnssd.is_sendable(address):
            return
        others = [known for known in self._candidates if known != address]
        self._candidates = [address] + others[: MAX_CANDIDATES - 1]
        self._lead = 0
        if self._wait_ms > _SOONEST_MS:
            self._wait_ms = _SOONEST_MS

    def next_round(self) -> "list[bytes]":
        """Empty while it is not time; else the candidates, after the query has been sent."""
        now_ms = self._port.ticks_ms()
        # A negative difference is one of more than six days: half the ring of the ticks.
        if self._wait_ms and 0 <= ticks_diff(now_ms, self._last_ms) < self._wait_ms:
            return []
        self._last_ms = now_ms
        if self._wait_ms < HELLO_RETRY_MS:
            self._wait_ms = HELLO_RETRY_MS
        else:
            self._wait_ms = min(2 * self._wait_ms, HELLO_RETRY_MAX_MS)
        if self._candidates:
            self._lead = (self._lead + 1) % len(self._candidates)
            self._port.lead(self._candidates[self._lead - 1])
        seed = self._port.random(2)
        # Never a frame's first byte: so that an answer is told from a frame at a glance.
        self._query_id = (seed[0] & 0x7F) << 8 | seed[1]
        packet = dnssd.query(self._query_id)
        self._port.send(packet, len(packet), dnssd.GROUP)
        return self._candidates

    def is_answer(self, buf: bytearray, length: int) -> bool:
        """Whether a datagram is the answer to the last query."""
        return dnssd.is_answer(buf, length, self._query_id)

    def take_answer(self, buf: bytearray, length: int) -> None:
        """Takes an answer's addresses. Raises `RemoteError` for one that is not well-formed."""
        found = dnssd.read_answer(buf, length, self._settings.daemon_id.hex())
        for address in found[:MAX_CANDIDATES]:
            if address not in self._candidates:
                self.add(address)
