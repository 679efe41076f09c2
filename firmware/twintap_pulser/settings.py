"""What a pulser remembers without power: who it obeys, which side it is, how strong it may be, which network.

One small JSON object, written whole or not at all. A flash write stalls everything for tens of ms, interrupts
too: it is only made while no set is held.
"""

import json

from twintap_protocol.frames import SIDE_LEFT, SIDE_NONE, SIDE_RIGHT
from twintap_protocol.limits import DEFAULT_CEILING_BP

from .ports import host_of, pack_address, port_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .ports import Port

MAX_ADDRESSES = 4
MAX_ROOM = 64
MAX_SSID = 32  # IEEE 802.11
MAX_PASSWORD = 64  # WPA2: 8..63 characters, or 64 hex digits
_VERSION = 1


class Settings:
    """The settings in force. Change a field, then `save`, or set `is_stale` to have it saved when idle."""

    def __init__(self, port: "Port", absolute_cap_pct: int) -> None:
        self._port = port
        self._cap_bp = absolute_cap_pct * 100
        self.is_stale = False
        self.is_damaged = False  # what was stored could not be read; the pulser is then unpaired
        self.key = b""  # 16 bytes, or empty: not paired
        self.daemon_id = b""  # 8 bytes
        self.side = SIDE_NONE
        self.colour = (0, 0, 0)
        self.room = ""
        self.ceiling_bp = min(DEFAULT_CEILING_BP, self._cap_bp)
        self.addresses: "list[bytes]" = []  # where the daemon was, the newest first
        self.ssid = ""
        self.password = ""
        stored = port.load()
        if stored:
            try:
                self._read(json.loads(stored))
            except (ValueError, TypeError, KeyError):
                # Half a setting is no setting: unpaired, default ceiling, and `info` says so.
                self.is_damaged = True
                self.key = b""
                self.ceiling_bp = min(DEFAULT_CEILING_BP, self._cap_bp)

    @property
    def is_paired(self) -> bool:
        """Whether the pulser has a daemon to obey."""
        return len(self.key) == 16

    def _read(self, stored: "dict[str, object]") -> None:
        if stored["v"] != _VERSION:
            raise ValueError
        self.ssid = str(stored["ssid"])
        self.password = str(stored["password"])
        self.set_ceiling(int(stored["ceiling_bp"]))  # pyright: ignore[reportArgumentType]
        side = stored["side"]
        if side not in (SIDE_NONE, SIDE_LEFT, SIDE_RIGHT):
            raise ValueError
        self.side = int(side)
        self.room = str(stored["room"])
        red, green, blue = stored["colour"]  # pyright: ignore[reportGeneralTypeIssues]
        self.colour = (int(red) & 0xFF, int(green) & 0xFF, int(blue) & 0xFF)
        self.addresses = []
        for host, port in list(stored["addresses"])[:MAX_ADDRESSES]:  # pyright: ignore[reportArgumentType, reportCallIssue]
            self.addresses.append(pack_address(host, port))
        key = bytes.fromhex(str(stored["key"]))
        daemon_id = bytes.fromhex(str(stored["daemon_id"]))
        if len(key) == 16 and len(daemon_id) == 8:
            self.key = key
            self.daemon_id = daemon_id
        elif key or daemon_id:
            raise ValueError

    def set_ceiling(self, ceiling_bp: int) -> None:
        """The ceiling, 100 .. the board's cap in basis points; outside it is brought to the nearer end."""
        self.ceiling_bp = max(100, min(ceiling_bp, self._cap_bp))

    def remember_address(self, address: bytes) -> None:
        """The daemon is at `address`: the first to ask next time."""
        if self.addresses and self.addresses[0] == address:
            return
        others = [known for known in self.addresses if known != address]
        self.addresses = [address] + others[: MAX_ADDRESSES - 1]
        self.is_stale = True

    def forget_daemon(self) -> None:
        """Unpairs. The ceiling stays: only a new pairing over the cable lifts it."""
        self.key = b""
        self.daemon_id = b""
        self.addresses = []
        self.room = ""
        self.side = SIDE_NONE
        self.colour = (0, 0, 0)

    def save(self) -> None:
        """Writes the flash. Only while no set is held. Raises `OSError` if the flash refuses."""
        self._port.store(
            json.dumps(
                {
                    "v": _VERSION,
                    "key": self.key.hex(),
                    "daemon_id": self.daemon_id.hex(),
                    "side": self.side,
                    "colour": list(self.colour),
                    "room": self.room,
                    "ceiling_bp": self.ceiling_bp,
                    "addresses": [[host_of(known), port_of(known)] for known in self.addresses],
                    "ssid": self.ssid,
                    "password": self.password,
                }
            ).encode()
        )
        self.is_stale = False
