"""What was found, before anybody says what it means. Times and levels carry their unit in their name."""

from dataclasses import dataclass
from typing import Literal

System = Literal["linux", "macos", "windows", "other"]


@dataclass(frozen=True, slots=True)
class Software:
    """What runs the doctor: twintap's version, Python's, where that Python is, and the system in words."""

    version: str
    python: tuple[int, int, int]
    executable: str
    system: str


@dataclass(frozen=True, slots=True)
class Disk:
    """The data folder. `fault`: why it cannot be written, in the system's words; None: it can.

    `others`: how others on this computer can reach it, in words with the command that mends it; None: they
    cannot. `free_bytes` None: it could not be asked.
    """

    path: str
    exists: bool
    fault: str | None
    others: str | None
    free_bytes: int | None


@dataclass(frozen=True, slots=True)
class Clock:
    """This computer's wall clock. `now_s`, `newest_s`: seconds since 1970, now and at the data's last change.

    `jumped_ms`: by how much it parted from the clock that only counts, while it was looked at.
    `is_synchronised` None: the system does not say. `why_unknown`: why not, if that is worth knowing.
    """

    now_s: float
    newest_s: float | None
    jumped_ms: float
    is_synchronised: bool | None
    system: System


@dataclass(frozen=True, slots=True)
class Daemon:
    """The daemon as it answers. `fault`: why it does not, in words. `is_locked`: one has the folder open.

    `host`, `port`: what it serves on; `addresses`: where it is reached; `is_tls`: TLS to the network.
    """

    url: str
    fault: str | None
    is_locked: bool
    own_version: str
    version: str | None = None
    host: str | None = None
    port: int | None = None
    addresses: tuple[str, ...] = ()
    is_tls: bool = False
    daemon_id: str | None = None

    @property
    def is_up(self) -> bool:
        """Whether it answers."""
        return self.fault is None


@dataclass(frozen=True, slots=True)
class Service:
    """What `twintap install-service` left. `lost`: what it starts and is not there any more."""

    is_installed: bool
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Multicast:
    """A question by mDNS on one address. `fault`: why it could not be sent or heard; None: it was sent.

    `came_back`: this computer heard its own question. `others`: how many other addresses answered, or spoke.
    """

    interface: str
    address: str
    is_loopback: bool
    fault: str | None
    came_back: bool
    others: int


@dataclass(frozen=True, slots=True)
class Firewall:
    """One firewall of this computer. `is_on` None: it is there, and whether it is on cannot be known.

    `lets_in`: whether it lets in what twintap needs; None: it cannot be known without administrator's rights.
    """

    name: Literal["ufw", "firewalld", "nftables", "macos", "windows"]
    is_on: bool | None
    lets_in: bool | None


@dataclass(frozen=True, slots=True)
class Udp:
    """The pulsers' door. `is_held`: a program has the UDP port; `answers`: the daemon's own answer came.

    `seen_from`: addresses of other computers or pulsers that are linked by it now.
    """

    port: int
    is_held: bool
    answers: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    seen_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """The page at one address, as a browser here gets it. `fault` None: it came.

    `kind` of a fault: `refused`, `silent`, `certificate`, or `other` with `fault` in words.
    """

    url: str
    fault: Literal["refused", "silent", "certificate", "other"] | None
    words: str = ""
    certificate_days: float | None = None


@dataclass(frozen=True, slots=True)
class PulserSeen:
    """A paired pulser, as the daemon sees it. Text is clean already."""

    name: str
    room: str
    side: str
    link: str
    firmware: str | None
    is_old: bool
    power: str = "awake"
    battery: str = "unknown"
    rssi_dbm: int | None = None
    boot_cause: str | None = None


@dataclass(frozen=True, slots=True)
class Console:
    """What answered at a port. `fault`: nothing did, in words. The rest is clean, and None if it did not say.

    `bundled`: the version of the firmware that came with this program; `our_daemon_id`: whose data these are.
    """

    port: str
    fault: str | None
    firmware: str | None = None
    protocol: str | None = None
    board: str | None = None
    is_safe_mode: bool = False
    last_error: str | None = None
    crashes: int | None = None
    boot_cause: str | None = None
    is_damaged: bool = False
    daemon_id: str | None = None
    network: str | None = None
    ssid: str | None = None
    rssi_dbm: int | None = None
    is_linked: bool | None = None
    battery: str | None = None
    bundled: str | None = None
    our_daemon_id: str | None = None
