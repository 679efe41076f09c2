"""REPORT: all that a pulser knows of itself."""

import struct

from .errors import RemoteError
from .fields import at_most, check_field, check_length, check_own
from .frames_settings import SETTLED_NOT
from .limits import MAX_LEVEL_BP, MAX_STAMPS, MAX_TRIM_BP
from .ticks import TICKS_MAX

SIDE_NONE = 0
SIDE_LEFT = 1
SIDE_RIGHT = 2

# Why a set ended on a pulser.
ENDED_NOT = 0
ENDED_STOP = 1
ENDED_BUTTON = 2
ENDED_LEASE = 3
ENDED_FINISHED = 4
ENDED_LONGEST = 5
ENDED_CHARGING = 6
ENDED_NEWER = 7
ENDED_LINK = 8
ENDED_FAULT = 9
ENDED_NAMES = {
    ENDED_NOT: "none",
    ENDED_STOP: "stop",
    ENDED_BUTTON: "button",
    ENDED_LEASE: "lease",
    ENDED_FINISHED: "finished",
    ENDED_LONGEST: "longest",
    ENDED_CHARGING: "charging",
    ENDED_NEWER: "newer",
    ENDED_LINK: "link",
    ENDED_FAULT: "fault",
}

FLAG_SET = 0x01  # a set is held (armed or running)
FLAG_LEASED = 0x02  # and its lease was granted
FLAG_VIBRATING = 0x04
FLAG_CHARGING = 0x08
FLAG_BUTTON = 0x10  # pressed at this moment
FLAG_IDENTIFY = 0x20

# What a pulser's radio and program do.
POWER_AWAKE = 0
POWER_DROWSY = 1  # linked, with its radio asleep between beacons
POWER_GOING = 2  # its last words before deep sleep
POWER_NAMES = {POWER_AWAKE: "awake", POWER_DROWSY: "drowsy", POWER_GOING: "going to sleep"}

BATTERY_UNKNOWN = 0
BATTERY_FINE = 1
BATTERY_LOW = 2
BATTERY_EMPTY = 3
BATTERY_NAMES = {BATTERY_UNKNOWN: "unknown", BATTERY_FINE: "fine", BATTERY_LOW: "low", BATTERY_EMPTY: "empty"}

# Why the pulser last started.
BOOT_UNKNOWN = 0
BOOT_POWER = 1
BOOT_RESET = 2
BOOT_WATCHDOG = 3
BOOT_CRASH = 4
BOOT_WAKE = 5
BOOT_BROWN_OUT = 6
BOOT_NAMES = {
    BOOT_UNKNOWN: "unknown",
    BOOT_POWER: "power",
    BOOT_RESET: "reset",
    BOOT_WATCHDOG: "watchdog",
    BOOT_CRASH: "crash",
    BOOT_WAKE: "wake",
    BOOT_BROWN_OUT: "brown-out",
}


class Report:
    """All that a pulser knows of itself. The newest one (by its frame's counter) is the truth.

    `stamps` is a list of `(seq, t1_wraps, t1_ticks, round_trip_us)`: the pulser's two stamps of a probe, the
    second as its distance from the first. What stands behind the stamps came with minor 1: a report that ends
    with them is one of minor 0, and the tail's fields read as 0, which is "unknown" in each of them.
    """

    # fmt: off
    FIELDS = (
        "flags", "side", "set_id", "revision", "ended_set", "ended_reason", "pass_no", "delivered", "skipped",
        "late", "latest_us", "presses", "battery_mv", "ceiling_bp", "dropped", "version_major",
        "version_minor", "version_patch",
    )
    # fmt: on
    FORMAT = "<BBIHIBHHHHIHHHHBBB"
    LEN = 37
    STAMP_FORMAT = "<HIII"
    STAMP_LEN = 14
    # fmt: off
    TAIL_FIELDS = (
        "power", "battery", "trim_bp", "settled", "settled_result", "networks", "idle_s", "sleep_in_s",
        "boot_cause", "rssi",
    )
    # fmt: on
    TAIL_FORMAT = "<BBHHBBHHBB"
    TAIL_LEN = 14

    __slots__ = FIELDS + TAIL_FIELDS + ("stamps",)

    def __init__(self) -> None:
        self.flags = 0
        self.side = SIDE_NONE
        self.set_id = 0
        self.revision = 0
        self.ended_set = 0
        self.ended_reason = ENDED_NOT
        self.pass_no = 0
        self.delivered = 0
        self.skipped = 0
        self.late = 0
        self.latest_us = 0
        self.presses = 0
        self.battery_mv = 0
        self.ceiling_bp = 0
        self.dropped = 0
        self.version_major = 0
        self.version_minor = 0
        self.version_patch = 0
        self.power = POWER_AWAKE
        self.battery = BATTERY_UNKNOWN
        self.trim_bp = 0  # unknown
        self.settled = 0
        self.settled_result = SETTLED_NOT
        self.networks = 0
        self.idle_s = 0
        self.sleep_in_s = 0
        self.boot_cause = BOOT_UNKNOWN
        self.rssi = 0  # minus dBm
        self.stamps: "list[tuple[int, int, int, int]]" = []

    def write(self, buf: "bytearray | memoryview", at: int) -> int:
        count = check_own("the number of stamps", len(self.stamps), 0, MAX_STAMPS)
        struct.pack_into(
            self.FORMAT,
            buf,
            at,
            self.flags,
            self.side,
            self.set_id,
            self.revision,
            self.ended_set,
            self.ended_reason,
            at_most(self.pass_no),
            at_most(self.delivered),
            at_most(self.skipped),
            at_most(self.late),
            self.latest_us,
            at_most(self.presses),
            at_most(self.battery_mv),
            self.ceiling_bp,
            at_most(self.dropped),
            self.version_major,
            self.version_minor,
            self.version_patch,
        )
        at += self.LEN - 1
        buf[at] = count
        at += 1
        for seq, wraps, ticks, round_trip_us in self.stamps:
            struct.pack_into(self.STAMP_FORMAT, buf, at, seq, wraps, ticks, round_trip_us)
            at += self.STAMP_LEN
        self._write_tail(buf, at)
        return self.LEN + count * self.STAMP_LEN + self.TAIL_LEN

    def _write_tail(self, buf: "bytearray | memoryview", at: int) -> None:
        struct.pack_into(
            self.TAIL_FORMAT,
            buf,
            at,
            self.power,
            self.battery,
            self.trim_bp,
            self.settled,
            self.settled_result,
            self.networks,
            at_most(self.idle_s),
            at_most(self.sleep_in_s),
            self.boot_cause,
            self.rssi,
        )

    @staticmethod
    def read(buf: "bytearray | memoryview", at: int, length: int, newer_minor: bool = False) -> "Report":
        if length < Report.LEN:
            raise RemoteError("length")
        report = Report()
        for name, value in zip(Report.FIELDS, struct.unpack_from(Report.FORMAT, buf, at)):
            setattr(report, name, value)
        check_field(report.side, SIDE_NONE, SIDE_RIGHT)
        check_field(report.set_id, 0, TICKS_MAX)
        check_field(report.ended_set, 0, TICKS_MAX)
        check_field(report.latest_us, 0, TICKS_MAX)
        check_field(report.ceiling_bp, 0, MAX_LEVEL_BP)
        at += Report.LEN - 1
        count = check_field(buf[at], 0, MAX_STAMPS)
        at += 1
        expected = Report.LEN + count * Report.STAMP_LEN
        has_tail = length != expected  # minor 0 ended here
        check_length(newer_minor, length, expected + Report.TAIL_LEN if has_tail else expected)
        for _ in range(count):
            stamp = struct.unpack_from(Report.STAMP_FORMAT, buf, at)
            check_field(stamp[1], 0, TICKS_MAX)
            check_field(stamp[2], 0, TICKS_MAX)
            check_field(stamp[3], 0, TICKS_MAX)
            report.stamps.append(stamp)
            at += Report.STAMP_LEN
        if has_tail:
            tail = struct.unpack_from(Report.TAIL_FORMAT, buf, at)
            for name, value in zip(Report.TAIL_FIELDS, tail):
                setattr(report, name, value)
            check_field(report.trim_bp, 0, MAX_TRIM_BP)
        return report
