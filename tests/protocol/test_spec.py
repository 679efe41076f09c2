"""SPEC.md, the reference and the package say the same: tables are compared, examples found in the vectors."""

import json
import re
import struct

import pytest

from tests.protocol.reference import frames as reference
from tests.protocol.vms import PROTOCOL, VECTORS
from twintap_protocol import errors, frames, limits, link

SPEC = (PROTOCOL / "SPEC.md").read_text()


def section(heading):
    """The text from a heading to the next of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    start = SPEC.index(f"\n{heading}\n") + len(heading) + 2
    end = re.compile(rf"^#{{1,{level}}} ", re.MULTILINE).search(SPEC, start)
    return SPEC[start : end.start() if end else None]


def table(text, *heads):
    """The rows, without the first two, of the table in `text` whose head begins with `heads`."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("| " + " | ".join(heads) + " |"):
            next(lines)
            return [_cells(row) for row in _while_row(lines)]
    raise AssertionError(f"no table {heads}")


def _while_row(lines):
    for line in lines:
        if not line.startswith("|"):
            return
        yield line


def _cells(row):
    return [cell.strip() for cell in row.strip().removeprefix("|").removesuffix("|").split("|")]


def test_every_constant_is_in_the_table_with_its_value():
    constants = {name: value for name, value in vars(limits).items() if name.isupper()}
    rows = {row[0]: row[1] for row in table(section("## 17. Constants"), "name", "value", "why")}
    assert list(rows) == list(constants)
    for name, value in constants.items():
        values = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        assert rows[name] == values, name


def test_every_kind_is_in_the_table_with_its_way_and_protection():
    rows = table(section("### 4.1 Headers"), "kind", "name", "goes", "protected by")
    assert {int(row[0], 16): row[1] for row in rows} == frames.KIND_NAMES
    for number, _name, goes, protection in rows:
        kind = int(number, 16)
        assert (protection == "seal") == (kind in frames.TO_PULSER + frames.TO_DAEMON)
        if protection == "seal":
            assert (goes == "to the pulser") == (kind in frames.TO_PULSER)


LAYOUTS = {
    "schedule": frames.Schedule,
    "segment": frames.Segment,
    "lease": frames.Lease,
    "stop": frames.Stop,
    "identify": frames.Identify,
    "assign": frames.Assign,
    "tune": frames.Tune,
    "network": frames.Network,
    "power": frames.Power,
    "report": frames.Report,
}


@pytest.mark.parametrize("name", [*LAYOUTS, "probe, echo", "stamp", "tail"])
def test_payload_table_is_gapless_and_is_what_the_package_and_the_reference_use(name):
    rows = table(section(f"#### {name}"), "offset", "size", "field", "range")
    fields = [(row[2], int(row[1])) for row in rows if row[2] not in ("segments", "stamps", "tail")]
    at = 0
    for row, (_, size) in zip(rows, fields, strict=False):
        assert int(row[0]) == at
        at += size
    if name == "segment":
        assert tuple(fields) == reference.SEGMENT
    elif name == "stamp":
        assert tuple(fields) == reference.STAMP
        assert at == frames.Report.STAMP_LEN == struct.calcsize(frames.Report.STAMP_FORMAT)
    elif name == "tail":
        assert tuple(fields) == reference.TAIL
        assert at == frames.Report.TAIL_LEN == struct.calcsize(frames.Report.TAIL_FORMAT)
    else:
        assert tuple(fields) == reference.LAYOUTS[name.split(",")[0]]
    if name in LAYOUTS:
        assert at == LAYOUTS[name].LEN
        # The report's last byte, its number of stamps, is written beside the format.
        assert at == struct.calcsize(LAYOUTS[name].FORMAT) + (name == "report")


@pytest.mark.parametrize(
    ("name", "length"),
    [
        ("beckon", frames.BECKON_LEN),
        ("hello", frames.HELLO_LEN),
        ("welcome", frames.WELCOME_LEN),
        ("refuse", frames.REFUSE_LEN),
    ],
)
def test_handshake_table_is_gapless_and_as_long_as_the_frame(name, length):
    at = frames.PLAIN_HEADER_LEN
    for offset, size, _field, _value in table(section(f"#### {name}"), "offset", "size", "field", "value"):
        assert int(offset) == at
        at += int(size)
    assert at == length


def test_state_table_is_the_one_that_the_package_runs_on():
    lines = iter(section("### 5.3 Handshake").splitlines())
    head = next(_cells(line) for line in lines if line.startswith("| state |"))
    next(lines)
    events = {
        "hello sent": "hello",
        "welcome": "welcome",
        "first frame of the new link": "new frame",
        "frame of the live link": "frame",
        "lost": "lost",
    }
    written = {}
    for row in map(_cells, _while_row(lines)):
        for event, state in zip(head[1:], row[1:], strict=True):
            if state:
                written[(row[0], events[event])] = state
    assert written == link.PULSER_STATES


def test_every_end_of_a_set_is_in_the_table():
    rows = table(section("## 10. The end of a set"), "code", "reason", "when")
    assert {int(row[0]): row[1] for row in rows} == frames.ENDED_NAMES


@pytest.mark.parametrize(
    ("heading", "head", "names"),
    [
        ("### 12.1 What a report's codes mean", "power", frames.POWER_NAMES),
        ("### 12.1 What a report's codes mean", "battery", frames.BATTERY_NAMES),
        ("### 12.1 What a report's codes mean", "boot_cause", frames.BOOT_NAMES),
    ],
)
def test_every_code_of_a_report_is_in_its_table(heading, head, names):
    rows = table(section(heading), head, "name", "means")
    assert {int(row[0]): row[1] for row in rows} == names


def test_every_reason_of_a_refusal_is_in_the_table():
    rows = table(section("## 16. Bad input, case by case"), "reason", "what")
    assert [row[0] for row in rows] == list(errors.REASONS)


def test_every_example_is_in_the_vectors():
    vectors = json.dumps([json.loads((VECTORS / f"{kind}.json").read_text()) for kind in ("frames", "link")])
    examples = re.findall(r"```\n(.+?)\n```", section("## 19. Worked examples"), re.DOTALL)
    assert len(examples) == 8
    for example in examples:
        assert f'"{example.replace(chr(10), "")}"' in vectors


def test_every_vector_file_is_named():
    named = set(re.findall(r"`(\w+\.json)`", section("## 20. Vectors")))
    assert named == {path.name for path in VECTORS.glob("*.json")}


def test_every_link_within_the_text_leads_somewhere():
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in SPEC.splitlines()
        if line.startswith("#")
    }
    links = re.findall(r"\]\(#([^)]+)\)", SPEC)
    assert links
    assert not set(links) - headings
