"""The frames that change how a pulser is set or how it rests: TUNE, NETWORK and POWER (minor 1).

The three share one count: each has a `number` of 1..65535 that is one more than the last one's (1 comes after
65535), and a REPORT's `settled` and `settled_result` say which was the newest that was dealt with, and how.
"""

import struct

from .errors import LocalError
from .fields import COUNT_MAX, check_field, check_length, check_own
from .limits import MAX_PASSWORD, MAX_SSID, MAX_TRIM_BP, MIN_TRIM_BP

# What NETWORK asks for.
NETWORK_KEEP = 1  # keep this network, as the first to try; one with this SSID is replaced
NETWORK_FORGET = 2

# What POWER asks for.
WANT_AWAKE = 1  # the radio listens all the time, and the time of idleness begins anew
WANT_SLEEP = 2  # deep sleep, now

# How TUNE, NETWORK or POWER was dealt with.
SETTLED_NOT = 0
SETTLED_DONE = 1
SETTLED_RUNNING = 2  # refused: a set is held
SETTLED_IMPOSSIBLE = 3  # refused: no such network, the only one, or not possible now
SETTLED_FLASH = 4  # not kept: the flash failed

_NUMBER_HALF = 32_768


def is_newer_number(number: int, settled: int) -> bool:
    """Whether `number` comes after the one that was `settled` last; 0: none was.

    On a ring of 65536, so that a late copy of an old frame is not obeyed again.
    """
    return settled == 0 or 0 < (number - settled) % 65_536 < _NUMBER_HALF


class Tune:
    """The motor's trim, by which a level is lowered before the ceiling holds it (basis points)."""

    FORMAT = "<HH"
    LEN = 4

    __slots__ = ("number", "trim_bp")

    def __init__(self, number: int, trim_bp: int) -> None:
        self.number = number
        self.trim_bp = trim_bp

    def write(self, buf: "bytearray | memoryview", at: int) -> int:
        check_own("number", self.number, 1, COUNT_MAX)
        check_own("trim_bp", self.trim_bp, MIN_TRIM_BP, MAX_TRIM_BP)
        struct.pack_into(self.FORMAT, buf, at, self.number, self.trim_bp)
        return self.LEN

    @staticmethod
    def read(buf: "bytearray | memoryview", at: int, length: int, newer_minor: bool = False) -> "Tune":
        check_length(newer_minor, length, Tune.LEN)
        frame = Tune(*struct.unpack_from(Tune.FORMAT, buf, at))
        check_field(frame.number, 1, COUNT_MAX)
        check_field(frame.trim_bp, MIN_TRIM_BP, MAX_TRIM_BP)
        return frame


class Network:
    """A wireless network to keep or to forget. `ssid` 1..32 and `password` 0..64 bytes; none: it is open."""

    FORMAT = "<HBBBB32s64s"
    LEN = 102

    __slots__ = ("number", "op", "password", "ssid")

    def __init__(self, number: int, op: int, ssid: bytes, password: bytes = b"") -> None:
        self.number = number
        self.op = op
        self.ssid = ssid
        self.password = password

    def write(self, buf: "bytearray | memoryview", at: int) -> int:
        check_own("number", self.number, 1, COUNT_MAX)
        check_own("op", self.op, NETWORK_KEEP, NETWORK_FORGET)
        # A LocalError may be shown: it names lengths, and never a password.
        ssid_len = check_own("the length of ssid", len(self.ssid), 1, MAX_SSID)
        password_len = check_own("the length of password", len(self.password), 0, MAX_PASSWORD)
        if self.op == NETWORK_FORGET and password_len:
            raise LocalError("a network that is to be forgotten takes no password")
        struct.pack_into(
            self.FORMAT, buf, at, self.number, self.op, ssid_len, password_len, 0, self.ssid, self.password
        )
        return self.LEN

    @staticmethod
    def read(buf: "bytearray | memoryview", at: int, length: int, newer_minor: bool = False) -> "Network":
        check_length(newer_minor, length, Network.LEN)
        number, op, ssid_len, password_len, _spare, ssid, password = struct.unpack_from(
            Network.FORMAT, buf, at
        )
        check_field(number, 1, COUNT_MAX)
        check_field(op, NETWORK_KEEP, NETWORK_FORGET)
        check_field(ssid_len, 1, MAX_SSID)
        check_field(password_len, 0, MAX_PASSWORD)
        return Network(number, op, ssid[:ssid_len], password[:password_len])


class Power:
    """How the pulser is to rest: `want` is WANT_AWAKE or WANT_SLEEP."""

    FORMAT = "<HBB"
    LEN = 4

    __slots__ = ("number", "want")

    def __init__(self, number: int, want: int) -> None:
        self.number = number
        self.want = want

    def write(self, buf: "bytearray | memoryview", at: int) -> int:
        check_own("number", self.number, 1, COUNT_MAX)
        check_own("want", self.want, WANT_AWAKE, WANT_SLEEP)
        struct.pack_into(self.FORMAT, buf, at, self.number, self.want, 0)
        return self.LEN

    @staticmethod
    def read(buf: "bytearray | memoryview", at: int, length: int, newer_minor: bool = False) -> "Power":
        check_length(newer_minor, length, Power.LEN)
        number, want, _spare = struct.unpack_from(Power.FORMAT, buf, at)
        check_field(number, 1, COUNT_MAX)
        check_field(want, WANT_AWAKE, WANT_SLEEP)
        return Power(number, want)
