"""Payloads: what is written is read, and whatever bytes come, they parse or raise RemoteError."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.handlers import cases_frames, refusal_of
from tests.protocol.reference import frame_vectors
from tests.protocol.reference.frames import payload
from tests.protocol.strategies import FIELDS, mutated
from twintap_protocol import frames
from twintap_protocol.errors import LocalError

READERS = cases_frames._READERS
ANY_FRAME = pytest.mark.parametrize("frame", FIELDS)


@ANY_FRAME
@given(data=st.data())
def test_any_valid_fields_are_written_as_the_reference_does_and_read_back(frame, data):
    fields = data.draw(FIELDS[frame])
    want = payload(frame, fields)
    cases_frames.HANDLERS["frames"]({"frame": frame, "payload": want.hex(), "fields": fields})


def _read(frame, data, newer_minor):
    buf = bytearray(data)
    reason = refusal_of(READERS[frame].read, buf, 0, len(data), newer_minor)
    assert reason in (None, "length", "field")
    assert bytes(buf) == data


@ANY_FRAME
@given(data=st.binary(max_size=256), newer_minor=st.booleans())
def test_any_payload_parses_or_raises_remote_error(frame, data, newer_minor):
    _read(frame, data, newer_minor)


@ANY_FRAME
@given(data=st.data(), newer_minor=st.booleans())
def test_any_damaged_payload_parses_or_raises_remote_error(frame, data, newer_minor):
    whole = payload(frame, frame_vectors.GOOD[frame])
    _read(frame, data.draw(mutated(whole)), newer_minor)


@given(data=st.binary(max_size=300) | mutated(bytes.fromhex("b51012") + bytes(17)))
def test_any_datagram_has_a_kind_or_raises_remote_error(data):
    reason = refusal_of(frames.read_kind, data, len(data))
    assert reason in (None, "length", "magic", "version", "kind")
    assert reason or data[2] in frames.KIND_NAMES


@pytest.mark.parametrize("count", [0, 3])
def test_a_schedule_of_no_or_three_segments_is_not_written(count):
    schedule = cases_frames.schedule_of(frame_vectors.SCHEDULE)
    schedule.segments = schedule.segments * count
    with pytest.raises(LocalError, match=r"segments is \d; it has to lie in 1..2"):
        schedule.write(bytearray(256), 0)


def test_a_report_of_nine_stamps_is_not_written():
    report = frames.Report()
    report.stamps = [(1, 0, 0, 0)] * 9
    with pytest.raises(LocalError, match="stamps is 9"):
        report.write(bytearray(256), 0)


def test_counts_that_outgrow_a_report_stay_at_their_highest():
    report = frames.Report()
    for name in ("pass_no", "delivered", "skipped", "late", "presses", "battery_mv", "dropped"):
        setattr(report, name, 65_536)
    buf = bytearray(256)
    read = frames.Report.read(buf, 0, report.write(buf, 0))
    assert read.dropped == read.delivered == read.presses == 65_535


def test_numbers_that_only_tell_one_from_the_next_wrap():
    buf = bytearray(8)
    frames.Probe.write(buf, 0, 65_537)
    assert frames.Probe.read(buf, 0, 2) == 1
    frames.Identify(65_538, 100, 100).write(buf, 0)
    assert frames.Identify.read(buf, 0, 6).number == 2


def test_an_error_in_writing_names_the_field_its_value_and_its_range():
    with pytest.raises(LocalError, match=r"level_bp is 10001; it has to lie in 0..10000"):
        cases_frames.schedule_of(dict(frame_vectors.SCHEDULE, level_bp=10_001)).write(bytearray(256), 0)
    bad = dict(frame_vectors.SEGMENT, phase_us=999_999)
    with pytest.raises(LocalError, match="a segment from pass 0"):
        cases_frames.schedule_of(dict(frame_vectors.SCHEDULE, segments=[bad])).write(bytearray(256), 0)


def test_no_error_in_writing_a_network_shows_its_password():
    for ssid, password in ((b"Praxis", b"secret" * 11), (b"", b"secret"), (b"x" * 33, b"secret")):
        with pytest.raises(LocalError, match=r"the length of \w+ is \d+; it has to lie in") as caught:
            frames.Network(1, frames.NETWORK_KEEP, ssid, password).write(bytearray(256), 0)
        assert "secret" not in str(caught.value)
    with pytest.raises(LocalError, match="takes no password"):
        frames.Network(1, frames.NETWORK_FORGET, b"Praxis", b"secret").write(bytearray(256), 0)


@given(settled=st.integers(1, 65_535), ahead=st.integers(1, 65_535))
def test_a_number_is_newer_up_to_half_the_ring_ahead_and_a_late_copy_is_not(settled, ahead):
    number = (settled + ahead) % 65_536
    assert frames.is_newer_number(number, settled) == (ahead <= 32_767)
    assert not frames.is_newer_number(settled, settled)
    assert frames.is_newer_number(number, 0)


def test_a_report_of_minor_0_says_unknown_where_it_says_nothing():
    old = payload("report", frame_vectors.REPORT, minor=0)
    report = frames.Report.read(bytearray(old), 0, len(old))
    assert (report.power, report.battery, report.boot_cause) == (
        frames.POWER_AWAKE,
        frames.BATTERY_UNKNOWN,
        frames.BOOT_UNKNOWN,
    )
    assert (report.trim_bp, report.settled, report.rssi, report.battery_mv) == (0, 0, 0, 3987)
