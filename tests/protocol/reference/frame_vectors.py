"""The cases of vectors/frames.json."""

from tests.protocol.reference.frames import KINDS, LAYOUTS, MAGIC, TAIL, VERSION, header, payload

MAX = 2**30 - 1
SEGMENT = {
    "first_pass": 0,
    "ref_pass": 0,
    "ref_wraps": 3,
    "ref_ticks": 123_456_789,
    "period_us": 1_000_000,
    "period_frac": 0,
    "phase_us": 0,
    "width_us": 50_000,
    "rise_us": 20_000,
    "fall_us": 0,
}
RIGHT_FAST = dict(
    SEGMENT,
    first_pass=10,
    ref_pass=10,
    period_us=666_673,
    period_frac=21_845,
    phase_us=333_336,
    fall_us=10_000,
)
SCHEDULE = {
    "set_id": 7,
    "revision": 1,
    "passes": 24,
    "ramp_ms": 2000,
    "level_bp": 4500,
    "segments": [SEGMENT],
}
LEASE = {
    "set_id": 7,
    "until_wraps": 3,
    "until_ticks": 124_456_789,
    "go_wraps": 3,
    "go_ticks": 123_576_789,
    "ended_set": 6,
}
IDENTIFY = {"number": 513, "duration_ms": 400, "level_bp": 3000}
ASSIGN = {"side": 2, "red": 16, "green": 32, "blue": 255}
REPORT = {
    "flags": 0x07,
    "side": 1,
    "set_id": 7,
    "revision": 2,
    "ended_set": 6,
    "ended_reason": 2,
    "pass_no": 12,
    "delivered": 11,
    "skipped": 1,
    "late": 3,
    "latest_us": 22_222,
    "presses": 4,
    "battery_mv": 3987,
    "ceiling_bp": 6000,
    "dropped": 258,
    "version_major": 0,
    "version_minor": 1,
    "version_patch": 2,
    "stamps": [[5, 3, 123_000_000, 4100], [6, 3, 123_004_900, 3977]],
    "power": 1,
    "battery": 2,
    "trim_bp": 8750,
    "settled": 515,
    "settled_result": 3,
    "networks": 3,
    "idle_s": 602,
    "sleep_in_s": 1798,
    "boot_cause": 5,
    "rssi": 67,
}
TUNE = {"number": 513, "trim_bp": 8750}
NETWORK = {"number": 514, "op": 1, "ssid": b"Praxis 2".hex(), "password": b"long-enough".hex()}
FORGET = {"number": 515, "op": 2, "ssid": b"Praxis 2".hex(), "password": ""}
POWER = {"number": 516, "want": 1}
EMPTY_REPORT = {name: 0 for name in REPORT if name != "stamps"} | {"stamps": []}
GOOD = {
    "probe": {"seq": 0xBEEF},
    "schedule": SCHEDULE,
    "lease": LEASE,
    "stop": {"set_id": 0x01020304},
    "identify": IDENTIFY,
    "assign": ASSIGN,
    "tune": TUNE,
    "network": NETWORK,
    "power": POWER,
    "report": REPORT,
}

# frame -> rows of (field, lowest, highest): what lies outside is refused as "field", both ends are allowed.
RANGES = {
    "schedule": (
        ("set_id", 1, MAX),
        ("revision", 0, 65_535),
        ("passes", 0, 2_500),
        ("ramp_ms", 0, 10_000),
        ("level_bp", 0, 10_000),
    ),
    "lease": tuple((name, 0, MAX) for name in LEASE),
    "stop": (("set_id", 0, MAX),),
    "identify": (("number", 0, 65_535), ("duration_ms", 20, 1_000), ("level_bp", 0, 10_000)),
    "assign": (("side", 1, 2), ("red", 0, 255), ("green", 0, 255), ("blue", 0, 255)),
    "tune": (("number", 1, 65_535), ("trim_bp", 2_500, 10_000)),
    "network": (("number", 1, 65_535), ("op", 1, 2)),
    "power": (("number", 1, 65_535), ("want", 1, 2)),
    "report": (
        ("side", 0, 2),
        ("set_id", 0, MAX),
        ("ended_set", 0, MAX),
        ("latest_us", 0, MAX),
        ("ceiling_bp", 0, 10_000),
        ("trim_bp", 0, 10_000),
        ("settled", 0, 65_535),
        ("idle_s", 0, 65_535),
        ("sleep_in_s", 0, 65_535),
    ),
}
# The segment's ranges hang together: each row has the other fields that make the end reachable.
SEGMENT_ENDS = (
    ("first pass", {"first_pass": 65_535}),
    ("reference pass", {"ref_pass": 65_535}),
    ("reference at the counter's last tick", {"ref_wraps": MAX, "ref_ticks": MAX}),
    ("shortest period", {"period_us": 249_900}),
    ("longest period", {"period_us": 30_000_000}),
    ("largest fraction", {"period_frac": 65_535}),
    ("narrowest pulse", {"width_us": 20_000}),
    ("pulse as wide as its pass", {"width_us": 1_000_000}),
    ("pulse at the end of its pass", {"phase_us": 950_000}),
    ("rise as long as the pulse", {"rise_us": 50_000}),
    ("rise and fall fill the pulse", {"rise_us": 30_000, "fall_us": 20_000}),
)
SEGMENT_BEYOND = (
    ("reference wraps past 30 bits", {"ref_wraps": MAX + 1}),
    ("reference ticks past 30 bits", {"ref_ticks": MAX + 1}),
    ("period too short", {"period_us": 249_899}),
    ("period too long", {"period_us": 30_000_001}),
    ("pulse too narrow", {"width_us": 19_999, "rise_us": 19_999}),
    ("pulse wider than its pass", {"width_us": 1_000_001}),
    ("pulse beyond its pass", {"phase_us": 950_001}),
    ("phase of 32 bits", {"phase_us": 2**32 - 1}),
    ("rise too short", {"rise_us": 19_999}),
    ("no rise", {"rise_us": 0}),
    ("rise longer than the pulse", {"rise_us": 50_001}),
    ("fall that overlaps the rise", {"fall_us": 30_001}),
)


def _good(name, frame, fields, **more):
    return {"name": name, "frame": frame, "payload": payload(frame, fields).hex(), "fields": fields} | more


def _refused(name, frame, data, reason, **more):
    return {"name": name, "frame": frame, "payload": data.hex(), "refused": reason} | more


def _ranges():
    for frame, rows in RANGES.items():
        sizes = dict(LAYOUTS[frame] + (TAIL if frame == "report" else ()))
        for field, low, high in rows:
            for what, value in (("lowest", low), ("highest", high)):
                good = FORGET if (field, value) == ("op", 2) else GOOD[frame]
                yield _good(f"{frame}: {what} {field}", frame, dict(good, **{field: value}))
            for what, value in (("below", low - 1), ("above", high + 1)):
                if 0 <= value < 1 << 8 * sizes[field]:
                    fields = dict(GOOD[frame], **{field: value})
                    name = f"{frame}: {field} {what} its range"
                    yield _refused(name, frame, payload(frame, fields), "field", fields=fields)


def _schedules():
    yield _good("schedule: two segments", "schedule", dict(SCHEDULE, segments=[SEGMENT, RIGHT_FAST]))
    yield _good("schedule: open", "schedule", dict(SCHEDULE, passes=0))
    for what, change in SEGMENT_ENDS:
        fields = dict(SCHEDULE, segments=[dict(SEGMENT, **change)])
        yield _good(f"schedule: {what}", "schedule", fields)
    for what, change in SEGMENT_BEYOND:
        fields = dict(SCHEDULE, segments=[dict(SEGMENT, **change)])
        yield _refused(f"schedule: {what}", "schedule", payload("schedule", fields), "field", fields=fields)
        fields = dict(SCHEDULE, segments=[SEGMENT, dict(RIGHT_FAST, **change)])
        if what not in ("pulse beyond its pass", "rise longer than the pulse"):
            data = payload("schedule", fields)
            yield _refused(f"schedule: second segment: {what}", "schedule", data, "field", fields=fields)
    for what, first_pass in (("at the first one's pass", 5), ("before the first one", 4)):
        segments = [dict(SEGMENT, first_pass=5), dict(SEGMENT, first_pass=first_pass)]
        fields = dict(SCHEDULE, segments=segments)
        name = f"schedule: second segment {what}"
        yield _refused(name, "schedule", payload("schedule", fields), "field", fields=fields)
    for count in (0, 3, 255):
        data = payload("schedule", dict(SCHEDULE, segment_count=count))
        yield _refused(f"schedule: says {count} segments", "schedule", data, "field")
    data = payload("schedule", dict(SCHEDULE, segment_count=2))
    yield _refused("schedule: says 2 segments, has 1", "schedule", data, "length")
    data = payload("schedule", dict(SCHEDULE, segment_count=1, segments=[SEGMENT, RIGHT_FAST]))
    yield _refused("schedule: says 1 segment, has 2", "schedule", data, "length")
    data = payload("schedule", dict(SCHEDULE, spare1=255, spare2=65_535))
    yield {
        "name": "schedule: spare bytes are not looked at",
        "frame": "schedule",
        "payload": data.hex(),
        "fields": SCHEDULE,
        "read_only": True,
    }


def _reports():
    yield _good("report: nothing at all", "report", EMPTY_REPORT)
    stamps = [[seq, 0, MAX - seq, 2000 + seq] for seq in range(65_528, 65_536)]
    yield _good("report: eight stamps", "report", dict(REPORT, stamps=stamps))
    for what, stamp in (
        ("wraps", [1, MAX + 1, 0, 0]),
        ("ticks", [1, 0, MAX + 1, 0]),
        ("round trip", [1, 0, 0, MAX + 1]),
    ):
        data = payload("report", dict(REPORT, stamps=[stamp]))
        yield _refused(f"report: a stamp's {what} past 30 bits", "report", data, "field")
    data = payload("report", dict(REPORT, stamp_count=9, stamps=[[1, 0, 0, 0]] * 9))
    yield _refused("report: nine stamps", "report", data, "field")
    data = payload("report", dict(REPORT, stamp_count=4))
    yield _refused("report: says 4 stamps, has 2", "report", data, "length")
    data = payload("report", dict(REPORT, stamp_count=3), minor=0)
    yield _refused("report: of minor 0, says 3 stamps, has 2", "report", data, "length")
    counts = dict.fromkeys(("pass_no", "delivered", "skipped", "late", "presses", "dropped"), 65535)
    yield _good("report: counts at the highest", "report", dict(REPORT, **counts))
    unknown = dict(REPORT, **{name: 0 for name, _ in TAIL})
    old = payload("report", REPORT, minor=0)
    name = "report: of minor 0: what came later is unknown"
    yield {"name": name, "frame": "report", "payload": old.hex(), "fields": unknown, "read_only": True}
    yield _refused("report: of minor 0 with a byte too many", "report", old + b"\0", "length")
    name = "report: codes that are not known are left to who reads them"
    codes = dict.fromkeys(("power", "battery", "settled_result", "networks", "boot_cause", "rssi"), 255)
    yield _good(name, "report", dict(REPORT, **codes))


def _networks():
    yield _good("network: an open one", "network", dict(NETWORK, password=""))
    longest = {"ssid": bytes(range(32)).hex(), "password": b"0123456789abcdef".hex() * 4}
    yield _good("network: the longest", "network", dict(NETWORK, **longest))
    yield _good("network: to be forgotten", "network", FORGET)
    for what, change in (
        ("without a name", {"ssid_len": 0}),
        ("with a name past its field", {"ssid_len": 33}),
        ("with a password past its field", {"password_len": 65}),
    ):
        yield _refused(f"network: {what}", "network", payload("network", dict(NETWORK, **change)), "field")
    for name, change in (
        ("network: spare byte and padding are not looked at", {"ssid": NETWORK["ssid"] + "ff", "spare": 255}),
    ):
        data = payload("network", dict(NETWORK, ssid_len=len(NETWORK["ssid"]) // 2, **change))
        yield {"name": name, "frame": "network", "payload": data.hex(), "fields": NETWORK, "read_only": True}
    data = payload("power", dict(POWER, spare=255))
    name = "power: spare byte is not looked at"
    yield {"name": name, "frame": "power", "payload": data.hex(), "fields": POWER, "read_only": True}


def _lengths():
    for frame, fields in GOOD.items():
        data = payload(frame, fields)
        yield _good(f"{frame}: plain", frame, fields)
        yield _refused(f"{frame}: empty", frame, b"", "length")
        yield _refused(f"{frame}: one byte short", frame, data[:-1], "length")
        yield _refused(f"{frame}: one byte long", frame, data + b"\0", "length")
        name = f"{frame}: a later minor's one byte short"
        yield _refused(name, frame, data[:-1], "length", newer_minor=True)
        yield {
            "name": f"{frame}: a later minor's extra bytes are ignored",
            "frame": frame,
            "payload": (data + bytes.fromhex("c0ffee")).hex(),
            "fields": fields,
            "newer_minor": True,
            "read_only": True,
        }


def _datagrams():
    def case(name, data, **outcome):
        return {"name": f"datagram: {name}", "datagram": data.hex()} | outcome

    sealed = bytes(8) + bytes(8)  # link id, counter, and a tag: the shortest sealed frame has no payload
    for frame, kind in KINDS.items():
        yield case(frame, header(frame) + sealed, kind=kind)
    yield case("empty", b"", refused="length")
    yield case("three bytes", header("hello")[:3], refused="length")
    yield case("longest", (header("report") + bytes(256))[:256], kind=KINDS["report"])
    yield case("too long", (header("report") + bytes(256))[:257], refused="length")
    yield case("not ours", bytes((MAGIC ^ 1, VERSION, 0x11, 0)) + sealed, refused="magic")
    for version, what in ((0x00, "major 0"), (0x20, "major 2"), (0xF0, "major 15")):
        yield case(what, header("lease", version) + sealed, refused="version")
        yield case(f"{what}: a refusal is read", header("refuse", version) + bytes(10), kind=KINDS["refuse"])
    yield case("earlier minor", header("lease", 0x10) + sealed, kind=KINDS["lease"], newer_minor=False)
    yield case("later minor", header("lease", 0x1F) + sealed, kind=KINDS["lease"], newer_minor=True)
    for kind in (0x00, 0x05, 0x0F, 0x19, 0x1F, 0x22, 0xFF):
        yield case(f"kind {kind:#04x}", bytes((MAGIC, VERSION, kind, 0)) + sealed, refused="kind")
    yield case("unknown kind of a later minor", bytes((MAGIC, 0x12, 0x30, 0)) + sealed, refused="kind")
    yield case("reserved byte is not looked at", bytes((MAGIC, VERSION, 0x12, 0xFF)) + sealed, kind=0x12)
    yield case("sealed frame without room for its tag", header("stop") + bytes(15), refused="length")


def cases():
    """All of them, in the file's order."""
    return [*_lengths(), *_ranges(), *_schedules(), *_reports(), *_networks(), *_datagrams()]
