"""Handler for the kind `frames`: payloads and datagrams, read and written."""

from case_kit import expect, expect_refused, unhex

from twintap_protocol import frames
from twintap_protocol.errors import LocalError

_READERS = {
    "probe": frames.Probe,
    "schedule": frames.Schedule,
    "lease": frames.Lease,
    "stop": frames.Stop,
    "identify": frames.Identify,
    "assign": frames.Assign,
    "tune": frames.Tune,
    "network": frames.Network,
    "power": frames.Power,
    "report": frames.Report,
}
_AT = 12  # where a sealed frame's payload stands
_BEFORE = b"\xaa" * _AT
_AFTER = b"\xee" * 5  # stands behind the payload in its buffer, and must not be read or changed


def segment_of(fields):
    """Give the Segment that a dictionary of a vector file stands for."""
    return frames.Segment(*(fields[name] for name in frames_fields("segment")))


def frames_fields(frame):
    """Give the names of a frame's fields, in the order of its constructor."""
    return {
        "segment": (
            "first_pass",
            "ref_pass",
            "ref_wraps",
            "ref_ticks",
            "period_us",
            "period_frac",
            "phase_us",
            "width_us",
            "rise_us",
            "fall_us",
        ),
        "schedule": ("set_id", "revision", "passes", "ramp_ms", "level_bp"),
        "lease": ("set_id", "until_wraps", "until_ticks", "go_wraps", "go_ticks", "ended_set"),
        "identify": ("number", "duration_ms", "level_bp"),
        "assign": ("side", "red", "green", "blue"),
        "tune": ("number", "trim_bp"),
        "network": ("number", "op", "ssid", "password"),
        "power": ("number", "want"),
        "report": frames.Report.FIELDS + frames.Report.TAIL_FIELDS,
    }[frame]


def schedule_of(fields):
    """Give the Schedule that a dictionary of a vector file stands for."""
    plain = [fields[name] for name in frames_fields("schedule")]
    return frames.Schedule(*plain, segments=[segment_of(segment) for segment in fields["segments"]])


def lease_of(fields):
    """Give the Lease that a dictionary of a vector file stands for."""
    return frames.Lease(*(fields[name] for name in frames_fields("lease")))


def _write(frame, fields, buf):
    if frame == "probe":
        return frames.Probe.write(buf, _AT, fields["seq"])
    if frame == "stop":
        return frames.Stop.write(buf, _AT, fields["set_id"])
    if frame == "schedule":
        return schedule_of(fields).write(buf, _AT)
    if frame == "report":
        report = frames.Report()
        for name in frames_fields("report"):
            setattr(report, name, fields[name])
        report.stamps = [tuple(stamp) for stamp in fields["stamps"]]
        return report.write(buf, _AT)
    if frame == "network":
        fields = dict(fields, ssid=unhex(fields["ssid"]), password=unhex(fields["password"]))
    return _READERS[frame](*(fields[name] for name in frames_fields(frame))).write(buf, _AT)


def _fields_of(frame, read):
    if frame == "probe":
        return {"seq": read}
    if frame == "stop":
        return {"set_id": read}
    fields = {name: getattr(read, name) for name in frames_fields(frame)}
    if frame == "network":
        fields = {name: value.hex() if isinstance(value, bytes) else value for name, value in fields.items()}
    if frame == "schedule":
        names = frames_fields("segment")
        fields["segments"] = [{name: getattr(part, name) for name in names} for part in read.segments]
    if frame == "report":
        fields["stamps"] = [list(stamp) for stamp in read.stamps]
    return fields


def _frames(case):
    """datagram, with kind or refused; or frame and payload, with fields, refused, or both.

    Both: fields that the payload was made of, and that cannot be written either. `newer_minor`: the header
    has a later minor version. `read_only`: the payload has more in it than we write.
    """
    newer_minor = case.get("newer_minor", False)
    if "datagram" in case:
        data = unhex(case["datagram"])
        if "refused" in case:
            expect_refused("kind", case["refused"], frames.read_kind, data + _AFTER, len(data))
        else:
            expect("kind", frames.read_kind(data + _AFTER, len(data)), case["kind"])
            expect("newer minor", frames.is_newer_minor(data), newer_minor)
        return
    frame = case["frame"]
    payload = unhex(case["payload"])
    buf = bytearray(_BEFORE + payload + _AFTER)
    read = _READERS[frame].read
    if "refused" in case:
        expect_refused("read", case["refused"], read, buf, _AT, len(payload), newer_minor)
        if "fields" in case and frame != "report":
            try:
                _write(frame, case["fields"], bytearray(256))
            except LocalError:
                return
            raise AssertionError("written, want LocalError")
        return
    expect("fields", _fields_of(frame, read(buf, _AT, len(payload), newer_minor)), case["fields"])
    expect("buffer after reading", bytes(buf), _BEFORE + payload + _AFTER)
    if not case.get("read_only"):
        buf = bytearray(_BEFORE + b"\xdd" * len(payload) + _AFTER)
        expect("length written", _write(frame, case["fields"], buf), len(payload))
        expect("written", bytes(buf), _BEFORE + payload + _AFTER)


HANDLERS = {"frames": _frames}
