"""What a pulser remembers without power: its daemon, its side, how strong it may be, its networks.

One small JSON object, written whole or not at all. A flash write stalls everything for tens of ms, interrupts
too: it is only made while no set is held.
"""

import json

from twintap_protocol.frames import SIDE_LEFT, SIDE_NONE, SIDE_RIGHT
from twintap_protocol.limits import (
    DEFAULT_CEILING_BP,
    MAX_NETWORKS,
    MAX_PASSWORD,
    MAX_SSID,
    MAX_TRIM_BP,
    MIN_TRIM_BP,
)

from .addressing import host_of, pack_address, port_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .port_contract import Port

MAX_ADDRESSES = 4
MAX_ROOM = 64
_VERSION = 2  # 1 had one network, as `ssid` and `password`, and no trim
# fmt: off
_STORED = (
    "key", "daemon_id", "side", "colour", "room", "ceiling_bp", "trim_bp", "addresses", "networks",
    "is_damaged", "is_newer",
)
# fmt: on


class Settings:
    """The settings in force. Change a field, then `save`, or set `is_stale` to have it saved when idle.

    `is_damaged`: what was stored could not be read, and the pulser is unpaired. `is_newer` besides: it was
    stored by a later firmware, and is not written over before somebody pairs or unpairs; until then changes
    hold while there is power.
    """

    def __init__(self, port: "Port", absolute_cap_pct: int) -> None:
        self._port = port
        self._cap_bp = absolute_cap_pct * 100
        self.is_stale = False
        self.is_damaged = False
        self.is_newer = False
        self.is_unwritable = False  # the flash refused the newest `save`
        self._clear()
        stored = port.load()
        if stored:
            try:
                self._read(json.loads(stored))
            except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RuntimeError):
                # RuntimeError: nested deeper than the parser's stack. Half a setting is no setting: unpaired,
                # default ceiling, and `info` says so.
                self._clear()
                self.is_damaged = True

    def _clear(self) -> None:
        self.key = b""  # 16 bytes, or empty: not paired
        self.daemon_id = b""  # 8 bytes
        self.side = SIDE_NONE
        self.colour = (0, 0, 0)
        self.room = ""
        self.ceiling_bp = min(DEFAULT_CEILING_BP, self._cap_bp)
        self.trim_bp = MAX_TRIM_BP
        self.addresses: "list[bytes]" = []  # where the daemon was, the newest first
        self.networks: "list[tuple[str, str]]" = []  # (SSID, password), the first to be tried first

    @property
    def is_paired(self) -> bool:
        """Whether the pulser has a daemon to obey."""
        return len(self.key) == 16

    def _read(self, stored: "dict[str, object]") -> None:
        version = stored["v"]
        if not isinstance(version, int) or version < 1:
            raise ValueError
        if version > _VERSION:
            self.is_newer = True
            raise ValueError
        if version == 1:
            networks = [[stored["ssid"], stored["password"]]] if stored["ssid"] else []
        else:
            networks = list(stored["networks"])  # pyright: ignore[reportArgumentType, reportCallIssue]
            self.trim_bp = int(stored["trim_bp"])  # pyright: ignore[reportArgumentType]
        if len(networks) > MAX_NETWORKS or not MIN_TRIM_BP <= self.trim_bp <= MAX_TRIM_BP:
            raise ValueError
        for ssid, password in networks:
            if not is_network(ssid, password):
                raise ValueError
            self.networks.append((str(ssid), str(password)))
        self.set_ceiling(int(stored["ceiling_bp"]))  # pyright: ignore[reportArgumentType]
        side = stored["side"]
        if side not in (SIDE_NONE, SIDE_LEFT, SIDE_RIGHT):
            raise ValueError
        self.side = int(side)
        self.room = str(stored["room"])
        red, green, blue = stored["colour"]  # pyright: ignore[reportGeneralTypeIssues]
        self.colour = (int(red) & 0xFF, int(green) & 0xFF, int(blue) & 0xFF)
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

    def keep_network(self, ssid: str, password: str) -> None:
        """Keeps a network as the first to try, in place of one of that name; of too many the oldest goes."""
        others = [known for known in self.networks if known[0] != ssid]
        self.networks = [(ssid, password)] + others[: MAX_NETWORKS - 1]

    def forget_network(self, ssid: str) -> bool:
        """Forgets the network of that name; false if it is not kept."""
        others = [known for known in self.networks if known[0] != ssid]
        is_known = len(others) < len(self.networks)
        self.networks = others
        return is_known

    def remember_address(self, address: bytes) -> None:
        """The daemon is at `address`: the first to ask next time."""
        if self.addresses and self.addresses[0] == address:
            return
        others = [known for known in self.addresses if known != address]
        self.addresses = [address] + others[: MAX_ADDRESSES - 1]
        self.is_stale = True

    def forget_daemon(self) -> None:
        """Unpairs. Ceiling, trim and networks stay: only a new pairing over the cable lifts the ceiling."""
        self.key = b""
        self.daemon_id = b""
        self.addresses = []
        self.room = ""
        self.side = SIDE_NONE
        self.colour = (0, 0, 0)
        self.is_newer = False

    def snapshot(self) -> "tuple[object, ...]":
        """All that is stored, as it is now: for `restore`, where a `save` fails."""
        return tuple([getattr(self, name) for name in _STORED])

    def restore(self, snapshot: "tuple[object, ...]") -> None:
        """What was refused by the flash has never been."""
        for name, value in zip(_STORED, snapshot):
            setattr(self, name, value)

    def save(self) -> None:
        """Writes the flash. Only while no set is held. Raises `OSError` if the flash refuses."""
        self.is_stale = False  # not tried again by itself: a flash that refuses once is not asked for ever
        if self.is_newer:
            return
        try:
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
                        "trim_bp": self.trim_bp,
                        "addresses": [[host_of(known), port_of(known)] for known in self.addresses],
                        "networks": [list(known) for known in self.networks],
                    }
                ).encode()
            )
        except OSError:
            self.is_unwritable = True
            raise
        self.is_unwritable = False


def is_network(ssid: object, password: object) -> bool:
    """Whether these are an SSID of 1..32 bytes and a password of 0..64, both without a NUL."""
    if not isinstance(ssid, str) or not isinstance(password, str) or "\0" in ssid + password:
        return False
    return 1 <= len(ssid.encode()) <= MAX_SSID and len(password.encode()) <= MAX_PASSWORD
