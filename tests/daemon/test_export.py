"""What leaves the journal: nothing lost in JSON lines, nothing undone in a table, nothing alive in a page."""

import csv
import html
import io
import itertools
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.daemon import told_session
from tests.daemon.told_session import DAEMON, OPENED, Telling, pacing, whole_visit
from twintap.errors import Refused
from twintap.export import bids, lines, plot, report, table
from twintap.export.story import tell
from twintap.journal.entry import Entry
from twintap.journal.ids import new_id
from twintap.journal.types import Note, Sud

MADE = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)


def erased(entry: Entry) -> Entry:
    return replace(
        entry,
        salt=None,
        type=None,
        data=None,
        room=None,
        session=None,
        actor=None,
        at=None,
        monotonic_us=None,
        boot_id=None,
    )


# -- the story ---------------------------------------------------------------------------------------------


def test_what_was_put_right_holds_and_what_was_before_is_known() -> None:
    visit = whole_visit()
    story = tell(visit.session, visit.entries)
    suds = [
        (data.value, [was.value for was, _ in told.was if isinstance(was, Sud)])
        for told, data in story.of(Sud)
    ]
    assert suds == [(8, [6]), (6, []), (5, []), (3, []), (2, []), (0, [])]
    assert [told.data for told in story.taken_back] == [Sud(value=1)]
    assert story.codes == ("K-17", "K-71")
    assert story.code == "K-71"


def test_what_was_withdrawn_is_struck_through_and_says_who_did_it_and_when() -> None:
    told = Telling()
    told.say("session.opened", {"code": "A", "kind": "emdr", "zone": "UTC", "hands": []})
    sud = told.say("rating.sud", {"value": 4})
    told.minute = 20
    void = told.say("entry.corrected", {"entry": sud.id, "data": {}, "void": True}, actor="dr who")
    story = tell(told.session, told.entries)
    assert list(story.of(Sud)) == []
    assert [(one.data, one.gone, one.is_undone) for one in story.taken_back] == [(Sud(value=4), void, False)]
    assert [row["state"] for row in rows_of(told) if row["type"] == "rating.sud"] == ["withdrawn"]
    page = report.to_html(told.session, told.entries, made_at=MADE)
    assert re.search(r"<s>\s*<span class=\"what\">SUD 4</span>", page)
    assert f"withdrawn {void.entered.astimezone(story.zone):%H:%M} by dr who" in page
    (events,) = [
        text for path, text in bids.to_files(told.session, told.entries).items() if path.endswith(".tsv")
    ]
    assert "sud" not in events

    told.say("entry.corrected", {"entry": sud.id, "data": {"value": 7}})
    (again,) = tell(told.session, told.entries).of(Sud)
    assert (again[1].value, again[0].gone) == (7, None)


def test_a_set_is_told_with_its_changes_where_they_began() -> None:
    visit = whole_visit()
    third = tell(visit.session, visit.entries).sets[2]
    begins = [
        (step.pacing.rate_hz, round((step.at - third.steps[0].at).total_seconds(), 3)) for step in third.steps
    ]
    # 8 passes at 1 Hz, then 11 at 1.2 Hz.
    assert begins == [(1.0, 0.0), (1.2, 8.0), (1.2, pytest.approx(17.167, abs=0.002))]
    assert third.record is not None
    assert (third.record.passes_done, third.phase) == (30, "desensitisation")


def test_seconds_go_by_the_clock_that_does_not_jump_unless_it_was_said_later() -> None:
    told = Telling()
    told.say("session.opened", {"code": "A", "kind": "emdr", "zone": "UTC", "hands": []})
    told.minute = 10
    sud = told.say("rating.sud", {"value": 4})
    ahead = timedelta(hours=1)
    assert sud.at is not None
    jumped = replace(sud, at=sud.at + ahead, entered=sud.entered + ahead)
    late = replace(told.say("rating.sud", {"value": 5}, late_min=3), monotonic_us=0)
    other_boot = replace(sud, boot_id="another", at=sud.at + ahead, entered=sud.entered + ahead)
    story = tell(told.session, told.entries)
    assert story.seconds(jumped) == 600
    assert story.seconds(late) == 600
    assert story.seconds(other_boot) == 4200


def test_a_visit_whose_opening_was_erased_with_another_client_is_told_still() -> None:
    visit = whole_visit()
    said = {
        "code": "K-71",
        "kind": "emdr",
        "zone": "Europe/Berlin",
        "opened_at": OPENED.isoformat(),
        "opened_by": "A",
    }
    visit.say("session.restated", said, actor="system")
    story = tell(visit.session, [erased(visit.entries[0]), *visit.entries[1:]])
    assert (story.code, story.opened_at, len(story.sets)) == ("K-71", OPENED, 12)
    assert "K-71" in report.to_html(
        visit.session, [erased(visit.entries[0]), *visit.entries[1:]], made_at=MADE
    )


def test_data_that_do_not_fit_their_type_are_called_damage() -> None:
    visit = whole_visit()
    at = next(i for i, entry in enumerate(visit.entries) if entry.type == "rating.sud")
    visit.entries[at] = replace(visit.entries[at], data={"value": "eleven"})
    with pytest.raises(Refused, match=f"entry {at + 1} of .* does not hold") as refused:
        tell(visit.session, visit.entries)
    assert refused.value.fault.code == "damaged"


# -- JSON lines --------------------------------------------------------------------------------------------


def test_a_line_is_a_cloud_event_and_gives_its_entry_back() -> None:
    visit = whole_visit()
    written = list(lines.to_lines(visit.entries, DAEMON))
    assert list(lines.from_lines(line.encode() for line in written)) == visit.entries
    for line in written:
        event = json.loads(line)
        assert event["specversion"] == "1.0"
        assert event["type"].startswith("twintap.")
        assert {"id", "source", "time", "data", "dataschema"} <= set(event)
        # CloudEvents 1.0, sections 3.1 and 3.1.1: names of attributes, and what a value may be.
        assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in event)
        assert all(-(2**31) <= event[name] < 2**31 for name in event if isinstance(event[name], int))
        assert line.endswith("\n")
        assert line.count("\n") == 1


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)


@given(
    text=TEXTS,
    actor=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    at=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001 - the zone follows
    hours=st.integers(-12, 14),
    us=st.integers(0, 2**53 - 1),
    is_erased=st.booleans(),
)
def test_whatever_an_entry_holds_comes_back(
    text: str, actor: str, at: datetime, hours: int, us: int, is_erased: bool
) -> None:
    zone = timezone(timedelta(hours=hours))
    entry = Telling().say("note.added", {"text": text}, actor=actor)
    entry = replace(entry, at=at.replace(tzinfo=zone), entered=at.replace(tzinfo=zone), monotonic_us=us)
    if is_erased:
        entry = erased(entry)
    (line,) = lines.to_lines([entry], DAEMON)
    (back,) = lines.from_lines([line.encode()])
    assert back == entry
    # The chain's own text has the zone, so the zone has to come back and not the moment alone.
    assert back.entered.isoformat() == entry.entered.isoformat()


def changed(**more: object) -> bytes:
    (line,) = lines.to_lines([whole_visit().entries[0]], DAEMON)
    return json.dumps({**json.loads(line), **more}).encode()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"\xff{}", "UTF-8"),
        (b"not json", "not JSON"),
        (b"[" * 60_000, "nested"),
        (b'{"id": NaN}', "NaN"),
        (b'{"id": 1, "id": 2}', "twice"),
        (b"[]", "JSON object"),
        (b"{" + b" " * lines.LINE_MAX + b"}", "longer than"),
        (changed(id=new_id(), data={"code": "\ud800"}), "UTF-8"),
        (changed(specversion="2.0"), "specversion"),
        (changed(unknown="x"), "unknown"),
        (changed(seq=0), "seq"),
        (changed(hash="00"), "hash"),
        (changed(salt=None), "salt"),
        (changed(time="2026-03-04 14:00"), "time"),
        (changed(time="2026-13-04T14:00:00Z"), "no time"),
        (changed(type="twintap.no.such"), "type"),
        (changed(type="twintap.nothing"), "knows no twintap.nothing"),
        (changed(type="twintap.erased"), "an erased entry has none"),
        (changed(data={"code": "A"}), "kind"),
        (changed(data={"code": 7, "kind": "emdr", "zone": "UTC", "hands": []}), "code"),
        (changed(chain="room:Room 2"), "put it into session:"),
    ],
)
def test_a_hostile_line_is_refused_in_words_with_its_number(line: bytes, words: str) -> None:
    good = [line.encode() for line in lines.to_lines(whole_visit().entries[:2], DAEMON)]
    with pytest.raises(Refused, match=re.escape(words)) as refused:
        list(lines.from_lines([*good, line]))
    assert refused.value.fault.code == "line"
    assert refused.value.fault.message.startswith("line 3: ")


@given(st.binary(max_size=200))
def test_a_line_is_either_read_or_refused(line: bytes) -> None:
    try:
        found = list(lines.from_lines([line]))
    except Refused as refusal:
        code = refusal.fault.code
    else:
        code = "line"
        assert found == [] or line.strip()
    assert code == "line"


class _Endless(io.BytesIO):
    """A file with one line of any length; what is read of it at once is bounded, or the test fails."""

    def readline(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert 0 < size <= lines.LINE_MAX + 1
        return b"a" * size


def test_a_line_without_end_is_refused_after_its_first_megabyte() -> None:
    with pytest.raises(Refused, match="line 1: it is longer"):
        list(lines.from_lines(lines.lines_of(_Endless())))
    text = "".join(lines.to_lines(whole_visit().entries, DAEMON)).encode()
    assert b"".join(lines.lines_of(io.BytesIO(text))) == text


# -- CSV ---------------------------------------------------------------------------------------------------


def rows_of(visit: Telling, entries: list[Entry] | None = None) -> list[dict[str, str]]:
    text = "".join(table.to_csv(visit.session, visit.entries if entries is None else entries))
    assert text.startswith("\ufeff")
    assert text.count("\n") >= text.count("\r\n") > 0
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))


def test_every_event_is_one_row_with_what_holds() -> None:
    visit = whole_visit()
    rows = rows_of(visit)
    assert [row["seq"] for row in rows] == [str(entry.seq) for entry in visit.entries]
    assert all(None not in row and None not in row.values() for row in rows)
    suds = [(row["value"], row["state"]) for row in rows if row["type"] == "rating.sud"]
    assert suds[:3] == [("8", "corrected"), ("6", ""), ("1", "undone")]
    wrong = next(entry for entry in visit.entries if entry.type == "rating.sud")
    (correction,) = [row for row in rows if row["type"] == "entry.corrected"]
    assert (correction["value"], correction["entry"]) == ("8", wrong.id)
    record = next(row for row in rows if row["type"] == "set.recorded" and row["side"] == "left")
    assert (record["left.delivered"], record["pacing.passes"], record["part"]) == (
        "17",
        "",
        "the one who hides",
    )
    assert {row["code"] for row in rows} == {"K-71"}
    assert rows[0]["at"] == "2026-03-04T14:02:11.000+01:00"
    assert len(table.columns()) == len(set(table.columns()))


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t=", "\r", " =", "＝"])
def test_no_cell_is_a_formula(first: str) -> None:
    told = Telling()
    told.say("session.opened", {"code": "A", "kind": "emdr", "zone": "UTC", "hands": []})
    told.say("note.added", {"text": f'{first}HYPERLINK("x","y"),\n"z"'}, actor="=me")
    row = rows_of(told)[1]
    assert row["text"] == f'\'{first}HYPERLINK("x","y"),\n"z"'
    assert row["actor"] == "'=me"


def test_an_erased_session_is_rows_of_hashes() -> None:
    visit = whole_visit()
    gone = [erased(entry) for entry in visit.entries]
    rows = rows_of(visit, gone)
    assert {row["state"] for row in rows} == {"erased"}
    assert [row["hash"] for row in rows] == [entry.hash for entry in gone]
    assert {row["code"] + row["type"] + row["at"] for row in rows} == {""}


# -- BIDS --------------------------------------------------------------------------------------------------


def test_the_data_set_has_the_files_and_the_form_that_bids_asks_for() -> None:
    visit = whole_visit()
    files = bids.to_files(visit.session, visit.entries)
    (tsv,) = [path for path in files if path.endswith("_events.tsv")]
    entity = r"sub-[0-9A-Za-z]+"
    # BIDS 1.10.0: entities in their order, labels of letters and digits, the folder as the entities say.
    assert re.fullmatch(rf"({entity})/(ses-[0-9A-Za-z]+)/beh/\1_\2_task-[0-9A-Za-z]+_events\.tsv", tsv)
    assert tsv.replace(".tsv", ".json") in files
    description = json.loads(files["dataset_description.json"])
    assert {"Name", "BIDSVersion", "DatasetType"} <= set(description)
    assert "README" in files
    header, *rows = [line.split("\t") for line in files[tsv].rstrip("\n").split("\n")]
    assert header[:3] == ["onset", "duration", "trial_type"]
    assert all(re.fullmatch("[a-z0-9_]+", name) for name in header)
    assert all(len(row) == len(header) for row in rows)
    assert all(cell and cell == cell.strip() for row in rows for cell in row)
    onsets = [float(row[0]) for row in rows]
    assert onsets == sorted(onsets)
    assert all(row[1] == "n/a" or float(row[1]) >= 0 for row in rows)
    described = json.loads(files[tsv.replace(".tsv", ".json")])
    assert set(header) <= set(described)
    for name in header:
        assert described[name]["Description"]
        levels = described[name].get("Levels")
        if levels is not None:
            column = {row[header.index(name)] for row in rows} - {"n/a"}
            assert column <= set(levels)
    assert sum(row[2] == "set" for row in rows) == 12


def test_what_was_typed_is_not_in_the_data_set() -> None:
    visit = whole_visit()
    text = "".join(bids.to_files(visit.session, visit.entries).values())
    for word in ("hides", "corridor", "stairs", "Anna", "Okoye", "K-71", "left hand up"):
        assert word not in text


def test_two_codes_never_become_one_subject() -> None:
    assert bids.label("K71") == "K71"
    labels = {bids.label(code) for code in ("K71", "K-71", "K_71", "K7-1", "Ä", "Ö", "x")}
    assert len(labels) == 7
    assert all(re.fullmatch("[0-9A-Za-z]+", label) for label in labels)


def test_an_erased_session_is_no_data_set() -> None:
    visit = whole_visit()
    with pytest.raises(Refused, match="erased"):
        bids.to_zip(visit.session, [erased(entry) for entry in visit.entries])


def test_the_same_entries_give_the_same_zip() -> None:
    visit = whole_visit()
    assert bids.to_zip(visit.session, visit.entries) == bids.to_zip(visit.session, visit.entries)


# -- the report --------------------------------------------------------------------------------------------


def page_of(visit: Telling) -> str:
    return report.to_html(visit.session, visit.entries, made_at=MADE)


def test_the_report_says_which_pulser_fell_asleep_or_was_moved() -> None:
    visit = Telling()
    opening = {"code": "K-71", "kind": "emdr", "zone": "Europe/Berlin", "hands": ["left", "right"]}
    visit.say("session.opened", opening)
    who = {"side": "left", "pulser": "02aabbccddeeff00"}
    visit.say("pulser.asleep", who, actor="system")
    visit.say("pulser.moved", who | {"room": "Room 9", "room_before": "Room 2", "side_before": "right"})
    page = page_of(visit)
    assert "Pulser asleep, left" in page
    assert "A pulser was moved to left of Room 9" in page


def test_the_report_says_what_was_and_what_it_was_before() -> None:
    visit = whole_visit()
    page = page_of(visit)
    for text in (
        "K-71",
        "Europe/Berlin (UTC+01:00)",
        "first written: SUD 6; put right 14:09 by Anna",
        "taken back",
        "the voice on the stairs",
        "124/79 mmHg",
        "right never confirmed that it was off",
        visit.entries[-1].hash,
        "makes no medical claim",
    ):
        assert text in page, text
    assert "K-17" not in page, "the code of somebody else, who this visit was first put under"


def test_a_set_with_late_taps_says_how_late_the_latest_came() -> None:
    told = Telling()
    told.say("session.opened", {"code": "A", "kind": "emdr", "zone": "UTC", "hands": []})
    told.set(pacing(), 24)
    assert "the latest tap" not in page_of(told)
    record = told.entries[-1]
    assert record.data is not None
    late = {"delivered": 24, "skipped": 0, "late": 2, "latest_us": 13_248}
    told.entries[-1] = replace(record, data={**record.data, "left": late})
    assert "the latest tap came 13.2 ms late" in page_of(told)


def test_what_was_typed_stays_text() -> None:
    told = Telling()
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> {n} {{ 7*7 }}"
    told.say("session.opened", {"code": "A", "kind": "emdr", "zone": "UTC", "hands": []}, actor="<b>")
    for kind, data in (
        ("note.added", {"text": evil}),
        ("part.met", {"label": evil}),
        ("target.set", {"text": evil}),
        ("plan.written", {"text": evil}),
        ("mark.set", {"mark": "other", "text": evil, "amount": evil, "route": evil}),
    ):
        entry = told.say(kind, data)
        told.say("entry.corrected", {"entry": entry.id, "data": data})
    told.set(pacing(), 3, part=evil, by="<b>", reason="<i>")
    page = page_of(told)
    assert "<script" not in page
    assert "<img" not in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert "{n} {{ 7*7 }}" in page


_BEFORE = st.sampled_from(
    [
        "",
        "<",
        "</",
        "<script>",
        "</style>",
        "]]>",
        "-->",
        "<!--",
        "<svg onload=x>",
        "&lt;",
        "'\"",
        "{{",
        "{n}",
    ]
)
_HOSTILE = st.builds(
    str.__add__, _BEFORE, st.text(st.characters(codec="utf-8", categories=None), max_size=20)
)


class _Shape(HTMLParser):
    """Which tags and attributes a page has, and what it says. Text never changes the first two."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.marks: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # How wide a label is cut, where it stands: numbers of the picture. Classes are the template's own.
        self.marks += [tag, *(name if name != "class" else f"class={value}" for name, value in attrs)]

    def handle_endtag(self, tag: str) -> None:
        self.marks.append(f"/{tag}")

    def handle_comment(self, data: str) -> None:
        self.marks.append("!--")

    def handle_decl(self, decl: str) -> None:
        self.marks.append("!")

    def handle_pi(self, data: str) -> None:
        self.marks.append("?")

    def unknown_decl(self, data: str) -> None:
        self.marks.append("![")


def _visit_that_says(text: str) -> Telling:
    told = Telling(session="0189a7c4-0000-7000-8000-000000000000", room=text)
    opening = {"code": "A", "kind": "emdr", "zone": "UTC", "hands": []}
    told.say("session.opened", opening, actor=text)
    for kind, data in (
        ("note.added", {"text": text}),
        ("part.met", {"label": text}),
        ("target.set", {"text": text}),
        ("plan.written", {"text": text}),
        ("mark.set", {"mark": "medicine_given", "text": text, "amount": text, "route": text}),
    ):
        entry = told.say(kind, data, actor=text)
        told.say("entry.corrected", {"entry": entry.id, "data": data}, actor=text)
    told.say("lead.taken", {"label": text}, actor=text)
    told.set(pacing(), 3, part=text, by=text, reason=text)
    told.say("session.closed", {"reason": "asked"}, actor=text)
    return told


@settings(max_examples=40, deadline=None)
@given(_HOSTILE.filter(lambda text: bool(text.strip())))
def test_no_text_in_any_field_changes_a_page_s_shape(text: str) -> None:
    assert _Shape(page_of(_visit_that_says(text))).marks == _Shape(page_of(_visit_that_says("a b"))).marks


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["=", " =", "+", "-", "@", "\t=", "\n@", "＝"]), _HOSTILE)
def test_no_text_in_any_field_becomes_a_formula_or_a_cell_more(first: str, rest: str) -> None:
    visit = _visit_that_says(first + rest)
    rows = rows_of(visit)
    assert len(rows) == len(visit.entries)
    for row in rows:
        assert None not in row
        assert not [cell for cell in row.values() if cell.lstrip()[:1] in set("=@＝＋＠")], row


def test_a_visit_across_midnight_and_a_change_of_the_clocks_keeps_its_own_zone_and_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # In Berlin the clocks went from 03:00 back to 02:00 that night; the daemon's computer is in Tokyo.
    tokyo = timezone(timedelta(hours=9))
    monkeypatch.setattr(told_session, "OPENED", datetime(2026, 10, 24, 21, 30, tzinfo=UTC).astimezone(tokyo))
    told = Telling()
    told.say("session.opened", {"code": "A", "kind": "medicine", "zone": "Europe/Berlin", "hands": []})
    for told.minute, value in ((180, 6), (240, 4)):
        told.say("rating.sud", {"value": value})
    told.minute = 255
    told.say("session.closed", {"reason": "asked"})
    at = [row["at"] for row in rows_of(told) if row["type"] == "rating.sud"]
    assert at == ["2026-10-25T02:30:00.000+02:00", "2026-10-25T02:30:00.000+01:00"]
    assert [row["onset_s"] for row in rows_of(told)] == ["0.000", "10800.000", "14400.000", "15300.000"]
    page = page_of(told)
    assert "Saturday 24 October 2026" in page
    facts = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page))
    assert (facts["Opened"], facts["Closed"], facts["Length"]) == ("23:30", "02:45", "4:15:00 h")
    assert re.findall(r"<td>(\d\d:\d\d)</td>", page) == ["23:30", "02:30", "02:30", "02:45"]
    assert "Europe/Berlin (UTC+02:00)" in page


def test_the_page_fetches_nothing_and_runs_nothing() -> None:
    page = page_of(whole_visit())
    assert not re.findall(r"https?://(?!x)|src=|href=|url\(|@import|\bon[a-z]+=|style=\"", page)
    assert report.content_policy() in page.replace("&#39;", "'")
    assert "unsafe" not in report.content_policy()


def test_a_report_is_made_of_any_visit_however_little_is_in_it() -> None:
    told = Telling()
    told.say(
        "session.opened", {"code": "A", "kind": "consultation", "zone": "Nowhere/Atall", "hands": ["left"]}
    )
    assert "still open" in page_of(told)
    uid = new_id()
    told.say("set.asked", {"set_uid": uid, "pacing": pacing()})
    assert "did not begin" in page_of(told)
    told.say("set.started", {"set_uid": uid, "go_us": 1.0})
    told.say("set.ended", {"set_uid": uid, "reason": "something new", "by": "system", "side": None})
    assert "something new" in page_of(told)
    gone = [erased(entry) for entry in told.entries]
    assert gone[-1].hash in report.to_html(told.session, gone, made_at=MADE)


def test_nothing_is_drawn_outside_the_picture() -> None:
    visit = whole_visit()
    story = tell(visit.session, visit.entries)
    picture = plot.draw(story, story.ended_at or MADE, {phase.name: phase.name for phase in story.phases})
    assert [panel.kind for panel in picture.panels] == ["sud", "voc", "rate", "level"]
    for panel in picture.panels:
        assert 0 <= panel.top < panel.bottom <= picture.bottom <= picture.height
        for dot in panel.dots:
            assert picture.left <= dot.x <= picture.right
            assert panel.top <= dot.y <= panel.bottom
        for bar in (*panel.bars, *panel.second_bars):
            numbers = [float(number) for number in re.findall(r"-?[0-9.]+", bar.path)]
            assert all(picture.left <= x <= picture.right for x in numbers[::2])
            assert all(panel.top - 0.1 <= y <= panel.bottom + 0.1 for y in numbers[1::2])
    assert [bar.is_cut for bar in picture.panels[2].bars].count(True) == 2
    letters = [flag.text_at for flag in picture.marks]
    assert all(after - before >= 15 for before, after in itertools.pairwise(letters))


@pytest.mark.parametrize("minutes", [1, 90, 60 * 24 * 3, 60 * 24 * 365 * 56])
def test_the_time_axis_has_a_few_ticks_however_far_a_clock_jumped_in_a_visit(minutes: int) -> None:
    """A computer without a clock of its own begins in 1970, and learns the time in the midst of a visit."""
    told = Telling()
    told.say("session.opened", {"code": "A", "kind": "emdr", "zone": "Europe/Berlin", "hands": []})
    told.minute = minutes
    told.say("session.closed", {"reason": "asked"})
    story = tell(told.session, told.entries)
    picture = plot.draw(story, story.ended_at or MADE, {})
    assert 0 < len(picture.times) <= 15


def test_marks_at_the_very_end_keep_their_letters_apart_and_in_the_picture() -> None:
    told = Telling()
    told.say("session.opened", {"code": "A", "kind": "emdr", "zone": "UTC", "hands": []})
    told.minute = 60
    for _ in range(12):
        told.say("mark.set", {"mark": "eyes_open"})
    story = tell(told.session, told.entries)
    picture = plot.draw(story, OPENED + timedelta(minutes=60), {})
    letters = [flag.text_at for flag in picture.marks]
    assert max(letters) <= picture.right
    assert all(after - before >= 15 for before, after in itertools.pairwise(letters))


def test_the_letters_of_the_marks_never_end() -> None:
    assert [plot.letter(index) for index in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_a_length_reads_as_a_person_says_it() -> None:
    assert [report.length_text(s) for s in (24.2, 59.6, 185, 3723)] == [
        "24 s",
        "1:00 min",
        "3:05 min",
        "1:02:03 h",
    ]


def test_a_note_of_any_length_is_whole_in_every_form() -> None:
    told = Telling()
    told.say("session.opened", {"code": "A", "kind": "emdr", "zone": "UTC", "hands": []})
    text = ('line & <tag> "quoted",\t=1\r\n' * 200)[:4000]
    Note.model_validate({"text": text})
    told.say("note.added", {"text": text})
    (_, back) = lines.from_lines(line.encode() for line in lines.to_lines(told.entries, DAEMON))
    assert back.data == {"text": text}
    assert rows_of(told)[1]["text"].removeprefix("'") == text
    found: Any = re.search(r'<span class="text">(.*?)</span>', page_of(told), re.S)
    assert html.unescape(found.group(1)).replace("\r\n", "\n") == text.replace("\r\n", "\n")
