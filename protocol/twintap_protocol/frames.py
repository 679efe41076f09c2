"""The frames: what each byte on the wire means, written and read. The largest have files of their own.

Nothing here seals or opens (`link`), waits or sends. Reading has one outcome of two: the frame's fields, or
`RemoteError` with the reason's short name. All integers are little-endian; SPEC.md is the normative text.
"""

import struct

# ruff: noqa: I001 (what is handed on stands together)
from .errors import LocalError, RemoteError
from .fields import COUNT_MAX, check_field, check_length, check_own
from .frames_report import (
    BATTERY_EMPTY as BATTERY_EMPTY,
    BATTERY_FINE as BATTERY_FINE,
    BATTERY_LOW as BATTERY_LOW,
    BATTERY_NAMES as BATTERY_NAMES,
    BATTERY_UNKNOWN as BATTERY_UNKNOWN,
    BOOT_BROWN_OUT as BOOT_BROWN_OUT,
    BOOT_CRASH as BOOT_CRASH,
    BOOT_NAMES as BOOT_NAMES,
    BOOT_POWER as BOOT_POWER,
    BOOT_RESET as BOOT_RESET,
    BOOT_UNKNOWN as BOOT_UNKNOWN,
    BOOT_WAKE as BOOT_WAKE,
    BOOT_WATCHDOG as BOOT_WATCHDOG,
    ENDED_BUTTON as ENDED_BUTTON,
    ENDED_CHARGING as ENDED_CHARGING,
    ENDED_FAULT as ENDED_FAULT,
    ENDED_FINISHED as ENDED_FINISHED,
    ENDED_LEASE as ENDED_LEASE,
    ENDED_LINK as ENDED_LINK,
    ENDED_LONGEST as ENDED_LONGEST,
    ENDED_NAMES as ENDED_NAMES,
    ENDED_NEWER as ENDED_NEWER,
    ENDED_NOT as ENDED_NOT,
    ENDED_STOP as ENDED_STOP,
    FLAG_BUTTON as FLAG_BUTTON,
    FLAG_CHARGING as FLAG_CHARGING,
    FLAG_IDENTIFY as FLAG_IDENTIFY,
    FLAG_LEASED as FLAG_LEASED,
    FLAG_SET as FLAG_SET,
    FLAG_VIBRATING as FLAG_VIBRATING,
    POWER_AWAKE as POWER_AWAKE,
    POWER_DROWSY as POWER_DROWSY,
    POWER_GOING as POWER_GOING,
    POWER_NAMES as POWER_NAMES,
    SIDE_LEFT as SIDE_LEFT,
    SIDE_NONE as SIDE_NONE,
    SIDE_RIGHT as SIDE_RIGHT,
    Report as Report,
)
from .frames_settings import (
    NETWORK_FORGET as NETWORK_FORGET,
    NETWORK_KEEP as NETWORK_KEEP,
    SETTLED_DONE as SETTLED_DONE,
    SETTLED_FLASH as SETTLED_FLASH,
    SETTLED_IMPOSSIBLE as SETTLED_IMPOSSIBLE,
    SETTLED_NOT as SETTLED_NOT,
    SETTLED_RUNNING as SETTLED_RUNNING,
    WANT_AWAKE as WANT_AWAKE,
    WANT_SLEEP as WANT_SLEEP,
    Network as Network,
    Power as Power,
    Tune as Tune,
    is_newer_number as is_newer_number,
)
from .limits import (
    COUNTER_MAX,
    IDENTIFY_MAX_MS,
    MAX_FRAME,
    MAX_LEVEL_BP,
    MAX_PERIOD_US,
    MAX_RAMP_MS,
    MAX_SET_PASSES,
    MIN_PERIOD_US,
    MIN_RISE_US,
    MIN_WIDTH_US,
    VERSION_MAJOR,
    VERSION_MINOR,
)
from .ticks import TICKS_MAX

MAGIC = 0xB5
VERSION = VERSION_MAJOR << 4 | VERSION_MINOR

# Handshake, under the pairing key's HMAC.
BECKON = 0x01
HELLO = 0x02
WELCOME = 0x03
REFUSE = 0x04
# Sealed, daemon to pulser.
ECHO = 0x10
SCHEDULE = 0x11
LEASE = 0x12
STOP = 0x13
IDENTIFY = 0x14
ASSIGN = 0x15
TUNE = 0x16
NETWORK = 0x17
POWER = 0x18
# Sealed, pulser to daemon.
PROBE = 0x20
REPORT = 0x21

KIND_NAMES = {
    BECKON: "beckon",
    HELLO: "hello",
    WELCOME: "welcome",
    REFUSE: "refuse",
    ECHO: "echo",
    SCHEDULE: "schedule",
    LEASE: "lease",
    STOP: "stop",
    IDENTIFY: "identify",
    ASSIGN: "assign",
    TUNE: "tune",
    NETWORK: "network",
    POWER: "power",
    PROBE: "probe",
    REPORT: "report",
}
TO_PULSER = (ECHO, SCHEDULE, LEASE, STOP, IDENTIFY, ASSIGN, TUNE, NETWORK, POWER)
TO_DAEMON = (PROBE, REPORT)

PLAIN_HEADER_LEN = 4
SEALED_HEADER_LEN = 12
TAG_LEN = 8
MAC_LEN = 16
ID_LEN = 8
NONCE_LEN = 16
LINK_ID_LEN = 4

BECKON_LEN = PLAIN_HEADER_LEN + 2 * ID_LEN + MAC_LEN
HELLO_LEN = PLAIN_HEADER_LEN + 2 * ID_LEN + NONCE_LEN + 4 + 3 + 1 + MAC_LEN
WELCOME_LEN = PLAIN_HEADER_LEN + ID_LEN + 2 * NONCE_LEN + LINK_ID_LEN + 4 + MAC_LEN
REFUSE_LEN = PLAIN_HEADER_LEN + ID_LEN + 2

# Reasons in a REFUSE: a hint for people, never acted upon, since it cannot be authenticated.
REFUSED_VERSION = 1
REFUSED_NOT_PAIRED = 2
REFUSED_ELSEWHERE = 3


def read_kind(buf: "bytes | bytearray | memoryview", length: int) -> int:
    """The kind of a datagram of `length` bytes in `buf`.

    Raises `RemoteError`: `length` (shorter than a header, longer than MAX_FRAME), `magic`, `version` (another
    major) or `kind` (unknown in our own minor or an older one; in a newer minor as well, since there is
    nothing that we could do with it). A REFUSE alone is read in every major version: it is how one says no to
    another, and its bytes stay where they are for good.
    """
    if length < PLAIN_HEADER_LEN or length > MAX_FRAME:
        raise RemoteError("length")
    if buf[0] != MAGIC:
        raise RemoteError("magic")
    kind = buf[2]
    if buf[1] >> 4 != VERSION_MAJOR and kind != REFUSE:
        raise RemoteError("version")
    if kind not in KIND_NAMES:
        raise RemoteError("kind")
    if kind >= ECHO and length < SEALED_HEADER_LEN + TAG_LEN:
        raise RemoteError("length")
    return kind


def write_header(buf: "bytearray | memoryview", kind: int) -> None:
    """Writes the four bytes that every frame begins with."""
    buf[0] = MAGIC
    buf[1] = VERSION
    buf[2] = kind
    buf[3] = 0


def is_newer_minor(buf: "bytes | bytearray | memoryview") -> bool:
    """Whether the sender speaks a later minor version, so that more bytes than we know are no error."""
    return buf[1] & 0x0F > VERSION_MINOR


class Probe:
    """A question about time (PROBE) and its answer (ECHO): a sequence number alone."""

    FORMAT = "<H"
    LEN = 2

    @staticmethod
    def write(buf: "bytearray | memoryview", at: int, seq: int) -> int:
        struct.pack_into("<H", buf, at, seq & 0xFFFF)
        return 2

    @staticmethod
    def read(buf: "bytearray | memoryview", at: int, length: int, newer_minor: bool = False) -> int:
        check_length(newer_minor, length, 2)
        return buf[at] | buf[at + 1] << 8


class Segment:
    """One stretch of a schedule: passes from `first_pass` on, evenly spaced.

    `ref_pass` begins at the stamp (`ref_wraps`, `ref_ticks`) of the pulser's own clock. A pass lasts
    `period_us` + `period_frac` / 65536 µs of that clock. In it this side's pulse begins at `phase_us`, lasts
    `width_us`, and rises and falls within it in `rise_us` and `fall_us`.
    """

    FORMAT = "<HHIIIHIIII"
    LEN = 34

    __slots__ = (
        "fall_us",
        "first_pass",
        "period_frac",
        "period_us",
        "phase_us",
        "ref_pass",
        "ref_ticks",
        "ref_wraps",
        "rise_us",
        "width_us",
    )

    def __init__(
        self,
        first_pass: int,
        ref_pass: int,
        ref_wraps: int,
        ref_ticks: int,
        period_us: int,
        period_frac: int,
        phase_us: int,
        width_us: int,
        rise_us: int,
        fall_us: int,
    ) -> None:
        self.first_pass = first_pass
        self.ref_pass = ref_pass
        self.ref_wraps = ref_wraps
        self.ref_ticks = ref_ticks
        self.period_us = period_us
        self.period_frac = period_frac
        self.phase_us = phase_us
        self.width_us = width_us
        self.rise_us = rise_us
        self.fall_us = fall_us

    def write(self, buf: "bytearray | memoryview", at: int) -> None:
        """Writes the segment's bytes at `at`. Raises `LocalError` for what the other side would refuse."""
        try:
            self.check()
        except RemoteError:
            raise LocalError(
                "a segment from pass %d: a field is out of range, or its pulse of %d us at %d us does not "
                "lie in its pass of %d us" % (self.first_pass, self.width_us, self.phase_us, self.period_us)
            )
        struct.pack_into(
            self.FORMAT,
            buf,
            at,
            self.first_pass,
            self.ref_pass,
            self.ref_wraps,
            self.ref_ticks,
            self.period_us,
            self.period_frac,
            self.phase_us,
            self.width_us,
            self.rise_us,
            self.fall_us,
        )

    def check(self) -> None:
        """Raises `RemoteError("field")` unless every field is in its range and the pulse lies in its pass."""
        check_field(self.first_pass, 0, COUNT_MAX)
        check_field(self.ref_pass, 0, COUNT_MAX)
        check_field(self.period_frac, 0, 65_535)
        check_field(self.ref_wraps, 0, TICKS_MAX)
        check_field(self.ref_ticks, 0, TICKS_MAX)
        check_field(self.period_us, MIN_PERIOD_US, MAX_PERIOD_US)
        check_field(self.width_us, MIN_WIDTH_US, self.period_us)
        check_field(self.phase_us, 0, self.period_us - self.width_us)
        check_field(self.rise_us, MIN_RISE_US, self.width_us)
        check_field(self.fall_us, 0, self.width_us - self.rise_us)


class Schedule:
    """The whole desired state of one pulser's part in a set.

    `passes` is 0 for an open set, `level_bp` this side's level, `ramp_ms` the rise over the whole set.
    `segments` holds one or two: the one in force, and the one that follows from its `first_pass` on.
    """

    FORMAT = "<IHBBHHHH"
    LEN = 16

    __slots__ = ("level_bp", "passes", "ramp_ms", "revision", "segments", "set_id")

    def __init__(
        self, set_id: int, revision: int, passes: int, ramp_ms: int, level_bp: int, segments: "list[Segment]"
    ) -> None:
        self.set_id = set_id
        self.revision = revision
        self.passes = passes
        self.ramp_ms = ramp_ms
        self.level_bp = level_bp
        self.segments = segments

    def write(self, buf: "bytearray | memoryview", at: int) -> int:
        """Writes the payload at `at`, gives its length. Raises `LocalError` for what would be refused."""
        count = check_own("the number of segments", len(self.segments), 1, 2)
        check_own("set_id", self.set_id, 1, TICKS_MAX)
        check_own("revision", self.revision, 0, 65_535)
        check_own("passes", self.passes, 0, MAX_SET_PASSES)
        check_own("ramp_ms", self.ramp_ms, 0, MAX_RAMP_MS)
        check_own("level_bp", self.level_bp, 0, MAX_LEVEL_BP)
        if count == 2:
            first_pass = self.segments[0].first_pass
            check_own(
                "the second segment's first pass", self.segments[1].first_pass, first_pass + 1, COUNT_MAX
            )
        struct.pack_into(
            self.FORMAT,
            buf,
            at,
            self.set_id,
            self.revision,
            0,
            count,
            self.passes,
            self.ramp_ms,
            self.level_bp,
            0,
        )
        at += self.LEN
        for segment in self.segments:
            segment.write(buf, at)
            at += Segment.LEN
        return self.LEN + count * Segment.LEN

    @staticmethod
    def read(buf: "bytearray | memoryview", at: int, length: int, newer_minor: bool = False) -> "Schedule":
        if length < Schedule.LEN:
            raise RemoteError("length")
        set_id, revision, _flags, count, passes, ramp_ms, level_bp, _spare = struct.unpack_from(
            Schedule.FORMAT, buf, at
        )
        check_field(set_id, 1, TICKS_MAX)
        check_field(count, 1, 2)
        check_field(passes, 0, MAX_SET_PASSES)
        check_field(ramp_ms, 0, MAX_RAMP_MS)
        check_field(level_bp, 0, MAX_LEVEL_BP)
        check_length(newer_minor, length, Schedule.LEN + count * Segment.LEN)
        at += Schedule.LEN
        segments: "list[Segment]" = []
        for _ in range(count):
            segment = Segment(*struct.unpack_from(Segment.FORMAT, buf, at))
            segment.check()
            segments.append(segment)
            at += Segment.LEN
        if count == 2 and segments[1].first_pass <= segments[0].first_pass:
            raise RemoteError("field")
        return Schedule(set_id, revision, passes, ramp_ms, level_bp, segments)


class Lease:
    """The right to vibrate in set `set_id` until the stamp `until`; with `set_id` 0, a sign of life.

    `go` is where pass 0 begins; a pulser looks at it with the first lease of a set only. Every set up to
    `ended_set` has ended for the whole room.
    """

    FORMAT = "<IIIIII"
    LEN = 24

    __slots__ = ("ended_set", "go_ticks", "go_wraps", "set_id", "until_ticks", "until_wraps")

    def __init__(
        self,
        set_id: int,
        until_wraps: int,
        until_ticks: int,
        go_wraps: int,
        go_ticks: int,
        ended_set: int,
    ) -> None:
        self.set_id = set_id
        self.until_wraps = until_wraps
        self.until_ticks = until_ticks
        self.go_wraps = go_wraps
        self.go_ticks = go_ticks
        self.ended_set = ended_set

    def write(self, buf: "bytearray | memoryview", at: int) -> int:
        """Writes the payload at `at`, gives its length. Raises `LocalError` for what would be refused."""
        for name in ("set_id", "until_wraps", "until_ticks", "go_wraps", "go_ticks", "ended_set"):
            check_own(name, getattr(self, name), 0, TICKS_MAX)
        struct.pack_into(
            self.FORMAT,
            buf,
            at,
            self.set_id,
            self.until_wraps,
            self.until_ticks,
            self.go_wraps,
            self.go_ticks,
            self.ended_set,
        )
        return self.LEN

    @staticmethod
    def read(buf: "bytearray | memoryview", at: int, length: int, newer_minor: bool = False) -> "Lease":
        check_length(newer_minor, length, Lease.LEN)
        lease = Lease(*struct.unpack_from(Lease.FORMAT, buf, at))
        check_field(lease.set_id, 0, TICKS_MAX)
        check_field(lease.until_wraps, 0, TICKS_MAX)
        check_field(lease.until_ticks, 0, TICKS_MAX)
        check_field(lease.go_wraps, 0, TICKS_MAX)
        check_field(lease.go_ticks, 0, TICKS_MAX)
        check_field(lease.ended_set, 0, TICKS_MAX)
        return lease


class Stop:
    """Ends set `set_id` and every one before it."""

    FORMAT = "<I"
    LEN = 4

    @staticmethod
    def write(buf: "bytearray | memoryview", at: int, set_id: int) -> int:
        struct.pack_into("<I", buf, at, check_own("set_id", set_id, 0, TICKS_MAX))
        return 4

    @staticmethod
    def read(buf: "bytearray | memoryview", at: int, length: int, newer_minor: bool = False) -> int:
        check_length(newer_minor, length, 4)
        return check_field(struct.unpack_from("<I", buf, at)[0], 0, TICKS_MAX)


class Identify:
    """One buzz to tell which pulser is which. A repeat of the same `number` buzzes once."""

    FORMAT = "<HHH"
    LEN = 6

    __slots__ = ("duration_ms", "level_bp", "number")

    def __init__(self, number: int, duration_ms: int, level_bp: int) -> None:
        self.number = number
        self.duration_ms = duration_ms
        self.level_bp = level_bp

    def write(self, buf: "bytearray | memoryview", at: int) -> int:
        check_own("duration_ms", self.duration_ms, MIN_WIDTH_US // 1000, IDENTIFY_MAX_MS)
        check_own("level_bp", self.level_bp, 0, MAX_LEVEL_BP)
        struct.pack_into(self.FORMAT, buf, at, self.number & 0xFFFF, self.duration_ms, self.level_bp)
        return self.LEN

    @staticmethod
    def read(buf: "bytearray | memoryview", at: int, length: int, newer_minor: bool = False) -> "Identify":
        check_length(newer_minor, length, Identify.LEN)
        frame = Identify(*struct.unpack_from(Identify.FORMAT, buf, at))
        check_field(frame.duration_ms, MIN_WIDTH_US // 1000, IDENTIFY_MAX_MS)
        check_field(frame.level_bp, 0, MAX_LEVEL_BP)
        return frame


class Assign:
    """Which side a pulser is, and the colour of its room (each part 0..255)."""

    FORMAT = "<BBBB"
    LEN = 4

    __slots__ = ("blue", "green", "red", "side")

    def __init__(self, side: int, red: int, green: int, blue: int) -> None:
        self.side = side
        self.red = red
        self.green = green
        self.blue = blue

    def write(self, buf: "bytearray | memoryview", at: int) -> int:
        check_own("side", self.side, SIDE_LEFT, SIDE_RIGHT)
        for name in ("red", "green", "blue"):
            check_own(name, getattr(self, name), 0, 255)
        struct.pack_into(self.FORMAT, buf, at, self.side, self.red, self.green, self.blue)
        return self.LEN

    @staticmethod
    def read(buf: "bytearray | memoryview", at: int, length: int, newer_minor: bool = False) -> "Assign":
        check_length(newer_minor, length, Assign.LEN)
        frame = Assign(*struct.unpack_from(Assign.FORMAT, buf, at))
        check_field(frame.side, SIDE_LEFT, SIDE_RIGHT)
        return frame


def check_counter(counter: int) -> int:
    """Raises `LocalError` when a link has used up its counters: it takes a new link."""
    return check_own("the frame counter", counter, 0, COUNTER_MAX)
