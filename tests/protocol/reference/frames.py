"""The frames' bytes, written from SPEC.md alone: the vectors come from here, not from the package they test.

Payload layouts are rows of (field, bytes). Everything is little-endian and unsigned.
"""

MAGIC = 0xB5
VERSION = 0x11

KINDS = {
    "beckon": 0x01,
    "hello": 0x02,
    "welcome": 0x03,
    "refuse": 0x04,
    "echo": 0x10,
    "schedule": 0x11,
    "lease": 0x12,
    "stop": 0x13,
    "identify": 0x14,
    "assign": 0x15,
    "tune": 0x16,
    "network": 0x17,
    "power": 0x18,
    "probe": 0x20,
    "report": 0x21,
}

SEGMENT = (
    ("first_pass", 2),
    ("ref_pass", 2),
    ("ref_wraps", 4),
    ("ref_ticks", 4),
    ("period_us", 4),
    ("period_frac", 2),
    ("phase_us", 4),
    ("width_us", 4),
    ("rise_us", 4),
    ("fall_us", 4),
)

LAYOUTS = {
    "probe": (("seq", 2),),
    "schedule": (
        ("set_id", 4),
        ("revision", 2),
        ("spare1", 1),
        ("segment_count", 1),
        ("passes", 2),
        ("ramp_ms", 2),
        ("level_bp", 2),
        ("spare2", 2),
    ),
    "lease": (
        ("set_id", 4),
        ("until_wraps", 4),
        ("until_ticks", 4),
        ("go_wraps", 4),
        ("go_ticks", 4),
        ("ended_set", 4),
    ),
    "stop": (("set_id", 4),),
    "identify": (("number", 2), ("duration_ms", 2), ("level_bp", 2)),
    "assign": (("side", 1), ("red", 1), ("green", 1), ("blue", 1)),
    "tune": (("number", 2), ("trim_bp", 2)),
    "network": (
        ("number", 2),
        ("op", 1),
        ("ssid_len", 1),
        ("password_len", 1),
        ("spare", 1),
        ("ssid", 32),
        ("password", 64),
    ),
    "power": (("number", 2), ("want", 1), ("spare", 1)),
    "report": (
        ("flags", 1),
        ("side", 1),
        ("set_id", 4),
        ("revision", 2),
        ("ended_set", 4),
        ("ended_reason", 1),
        ("pass_no", 2),
        ("delivered", 2),
        ("skipped", 2),
        ("late", 2),
        ("latest_us", 4),
        ("presses", 2),
        ("battery_mv", 2),
        ("ceiling_bp", 2),
        ("dropped", 2),
        ("version_major", 1),
        ("version_minor", 1),
        ("version_patch", 1),
        ("stamp_count", 1),
    ),
}
STAMP = (("seq", 2), ("t1_wraps", 4), ("t1_ticks", 4), ("round_trip_us", 4))
TAIL = (
    ("power", 1),
    ("battery", 1),
    ("trim_bp", 2),
    ("settled", 2),
    ("settled_result", 1),
    ("networks", 1),
    ("idle_s", 2),
    ("sleep_in_s", 2),
    ("boot_cause", 1),
    ("rssi", 1),
)


def pack(layout, fields):
    """The bytes of `fields` in a layout's order; a field that is left out is 0. Bytes are padded with 0."""
    out = b""
    for name, size in layout:
        value = fields.get(name, 0)
        out += value.ljust(size, b"\0") if isinstance(value, bytes) else value.to_bytes(size, "little")
    return out


def payload(frame, fields, minor=VERSION & 0x0F):
    """The payload of a frame; `segments` and `stamps` are lists of fields of their own.

    A network's `ssid` and `password` are given as hex, as they stand in a vector file.
    """
    fields = dict(fields)
    for name in ("ssid", "password"):
        if name in fields:
            fields[name] = bytes.fromhex(fields[name])
            fields.setdefault(f"{name}_len", len(fields[name]))
    segments = fields.pop("segments", [])
    stamps = fields.pop("stamps", [])
    fields.setdefault("segment_count", len(segments))
    fields.setdefault("stamp_count", len(stamps))
    out = pack(LAYOUTS[frame], fields)
    out += b"".join(pack(SEGMENT, segment) for segment in segments)
    out += b"".join(pack(STAMP, dict(zip(dict(STAMP), stamp, strict=True))) for stamp in stamps)
    return out + pack(TAIL, fields) if frame == "report" and minor >= 1 else out


def header(frame, version=VERSION):
    """The four bytes that every frame begins with."""
    return bytes((MAGIC, version, KINDS[frame], 0))
