"""The Wi-Fi networks of a virtual room: which there are, what is wrong with each, and who may join.

A room without any is as convenient as it was: the air carries everything from the start.
"""

from typing import NamedTuple

from .errors import BoardError

# As `NETWORK_STATES` of the firmware's ports has them.
NO_NETWORK_SET = 1
UP = 3
WRONG_PASSWORD = 4
NOT_FOUND = 5
NO_ADDRESS = 6
REFUSED = 7

# What may be wrong with a network, and what a pulser sees of it.
TROUBLES = {
    "": "nothing",
    "5ghz": "it is on a band that the radio cannot hear",
    "isolated": "it is joined, and keeps its stations apart: no datagram passes",
    "nodhcp": "it is joined, and gives no address",
    "nomulticast": "it drops what is sent to a group",
    "full": "its access point takes nobody in",
}
_MOST = 8


class Network(NamedTuple):
    """One network of the room."""

    ssid: bytes
    password: bytes
    trouble: str


def network_of(text: str) -> Network:
    """Read `SSID:PASSWORD` or `SSID:PASSWORD:TROUBLE`; an empty password is an open network. BoardError."""
    ssid, _, rest = text.partition(":")
    password, _, trouble = rest.partition(":")
    if not 1 <= len(ssid.encode()) <= 32 or len(password.encode()) > 64:
        raise BoardError("a network is SSID:PASSWORD or SSID:PASSWORD:TROUBLE, the SSID of 1 to 32 bytes")
    if trouble not in TROUBLES:
        known = ", ".join(name for name in TROUBLES if name)
        raise BoardError(f"the trouble {trouble!r} of network {ssid!r} is unknown: choose one of {known}")
    return Network(ssid.encode(), password.encode(), trouble)


class Room:
    """The networks of the room, and the one that the pulser is on. Moves nothing."""

    def __init__(self) -> None:
        """Begin without networks: everything passes."""
        self._networks: list[Network] = []
        self._off: set[bytes] = set()
        self.joined: Network | None = None

    def put(self, networks: list[Network]) -> None:
        """Put these networks up."""
        self._networks = networks[:_MOST]

    @property
    def is_bare(self) -> bool:
        """Whether there are no networks, so that none is needed."""
        return not self._networks

    @property
    def gives_address(self) -> bool:
        """Whether the pulser has an address here."""
        return self.is_bare or (self.joined is not None and self.joined.trouble != "nodhcp")

    def passes(self, is_multicast: bool) -> bool:
        """Whether a datagram passes, as far as networks are concerned."""
        if self.is_bare:
            return True
        if self.joined is None or self.joined.trouble in ("isolated", "nodhcp"):
            return False
        return not (is_multicast and self.joined.trouble == "nomulticast")

    def leave(self) -> None:
        """The pulser is on no network, as after a start."""
        self.joined = None

    def join(self, ssid: bytes, password: bytes) -> int:
        """Try to join; give the state that comes of it. An empty SSID leaves."""
        self.joined = None
        if self.is_bare:
            return UP
        if not ssid:
            return NO_NETWORK_SET
        found = next((one for one in self._audible() if one.ssid == ssid), None)
        if found is None:
            return NOT_FOUND
        if found.password != password:
            return WRONG_PASSWORD
        if found.trouble == "full":
            return REFUSED
        self.joined = found
        return NO_ADDRESS if found.trouble == "nodhcp" else UP

    def switch(self, ssid: bytes, on: bool) -> bool:
        """Switch an access point on or off; tell whether the pulser has lost its network by that."""
        if ssid not in (one.ssid for one in self._networks):
            raise BoardError("there is no network of that name in this room")
        if on:
            self._off.discard(ssid)
            return False
        self._off.add(ssid)
        if self.joined is not None and self.joined.ssid == ssid:
            self.joined = None
            return True
        return False

    def scan(self) -> list[tuple[Network, int, int]]:
        """Give each network that can be heard, with its dBm and its channel."""
        return [(one, -45 - 6 * at, 1 + 5 * at % 13) for at, one in enumerate(self._audible())]

    def rssi_dbm(self) -> int:
        """How loud the network is that is joined; 0 for none."""
        return next((dbm for one, dbm, _ in self.scan() if one == self.joined), 0)

    def _audible(self) -> list[Network]:
        return [one for one in self._networks if one.trouble != "5ghz" and one.ssid not in self._off]
