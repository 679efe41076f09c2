"""BIDS: a session as `events.tsv` with its `events.json`, in a data set that a validator accepts.

The Brain Imaging Data Structure calls them task events (BIDS 1.10.0): tab-separated, `onset` and `duration`
first, in seconds, rows by onset; `n/a` for what is missing; every further column described in the JSON beside
it. With no recording of the brain beside them, events lie in `beh/`. Such a data set is made to be handed on:
so the words that were typed (notes, parts, targets, plans, and who typed them) are not in it. The other
exports have them.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import __version__
from ..errors import Fault, Refused
from ..journal import types as events
from ..journal.entry import Entry
from .story import SetStory, Story, sides, tell

MEDIA_TYPE = "application/zip"
BIDS_VERSION = "1.10.0"
_NA = "n/a"
_TASK = "bls"
_MARK_FIELDS = ("systolic_mmhg", "diastolic_mmhg", "pulse_bpm", "spo2_pct")

# Each column: its long name, what it holds, its unit, its levels.
_COLUMNS: Mapping[str, tuple[str, str, str | None, Mapping[str, str] | None]] = {
    "onset": ("Onset", "Time since the session was opened; negative: before it", "s", None),
    "duration": ("Duration", "How long it lasted; 0: a moment", "s", None),
    "trial_type": (
        "Type of event",
        "What it was",
        None,
        {
            "session": "the session, from its opening to its end",
            "phase": "a phase of the session",
            "set": "an unbroken run of bilateral taps: left, right, left, right",
            "sud": "a rating of disturbance, subjective units, by the client's word",
            "voc": "a rating of how true a positive belief feels, by the client's word",
            "mark": "something that the therapist marked",
            "note": "a note was written; its words are not exported here",
            "part": "a part was met; its label is not exported here",
            "target": "a target was set or closed; its words are not exported here",
            "press": "the button on a pulser was pressed",
        },
    ),
    "value": ("Rating", "SUD: 0 to 10, 10 the worst; VOC: 1 to 7, 7 completely true", None, None),
    "phase": ("Phase", "The phase that began, or in which it was", None, None),
    "mark": ("Mark", "What was marked", None, None),
    "side": ("Side", "The client's own side", None, {"left": "the left hand", "right": "the right hand"}),
    "rate_hz": ("Rate", "Passes a second; a pass is a round trip, one left and one right tap", "Hz", None),
    "pulse_ms": ("Pulse width", "Width of one tap, at the set's end", "ms", None),
    "left_pct": ("Level, left", "Of the motor's full level, at the set's end", "%", None),
    "right_pct": ("Level, right", "Of the motor's full level, at the set's end", "%", None),
    "ramp_ms": ("Ramp", "Rise over the set's beginning", "ms", None),
    "changes": ("Changes", "How often the pacing was changed in the set", None, None),
    "passes_asked": ("Passes asked", "Round trips planned; n/a: open, until stopped", None, None),
    "passes_done": ("Passes done", "Round trips begun and finished", None, None),
    "left_delivered": ("Taps delivered, left", "As the pulser reported", None, None),
    "left_skipped": ("Taps skipped, left", "More than 20 ms late, and so left out", None, None),
    "left_late": ("Taps late, left", "Delivered, and late", None, None),
    "right_delivered": ("Taps delivered, right", "As the pulser reported", None, None),
    "right_skipped": ("Taps skipped, right", "More than 20 ms late, and so left out", None, None),
    "right_late": ("Taps late, right", "Delivered, and late", None, None),
    "left_right_error": (
        "Left-right error",
        "How far at most the two clocks, by their fits, may have put the right tap from half a pass after "
        "the left one, in the set; what a tap came late adds to it",
        "us",
        None,
    ),
    "ended_reason": ("End", "What ended the set", None, None),
    "systolic_mmhg": ("Blood pressure, systolic", "As measured by the staff", "mm[Hg]", None),
    "diastolic_mmhg": ("Blood pressure, diastolic", "As measured by the staff", "mm[Hg]", None),
    "pulse_bpm": ("Heart rate", "As measured by the staff", "1/min", None),
    "spo2_pct": ("Oxygen saturation", "As measured by the staff", "%", None),
}


def to_files(session: str, entries: Sequence[Entry]) -> dict[str, str]:
    """Give the data set: each file's path inside it, and its text.

    Raises `Refused`: as `tell` does, and "erased" if nothing is left to export.
    """
    story = tell(session, entries)
    began = story.opened_at.astimezone(story.zone)
    subject, visit = f"sub-{label(story.code)}", f"ses-{began:%Y%m%dT%H%M%S}"
    stem = f"{subject}/{visit}/beh/{subject}_{visit}_task-{_TASK}_events"
    return {
        "dataset_description.json": _json(
            {
                "Name": "Sessions with bilateral tactile stimulation",
                "BIDSVersion": BIDS_VERSION,
                "DatasetType": "raw",
                "GeneratedBy": [{"Name": "twintap", "Version": __version__}],
            }
        ),
        "README": _README,
        stem + ".tsv": _tsv(story),
        stem + ".json": _json(_sidecar(story)),
    }


def to_zip(session: str, entries: Sequence[Entry]) -> bytes:
    """Give the data set of `to_files` as a zip file; the same entries give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as whole:
        for path, text in to_files(session, entries).items():
            # The fixed date is the earliest that the format has: no clock is read here.
            whole.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def label(code: str) -> str:
    """Give a code as a BIDS label, which may have the 62 letters and digits of ASCII only.

    A code that is none gets six hex digits of its SHA-256 after an `x`, so that A-1 and A1 stay two people.
    """
    plain = "".join(char for char in code if char.isascii() and char.isalnum())
    return plain if plain == code else f"{plain}x{hashlib.sha256(code.encode()).hexdigest()[:6]}"


def _tsv(story: Story) -> str:
    rows = sorted(_rows(story), key=lambda row: (float(row["onset"]), row["trial_type"] != "session"))
    lines = ["\t".join(_COLUMNS), *("\t".join(row.get(name, _NA) for name in _COLUMNS) for row in rows)]
    return "\n".join(lines) + "\n"


def _rows(story: Story) -> Iterator[dict[str, str]]:
    opening = story.opening
    if opening is None:
        raise Refused(Fault("erased", "of an erased session nothing is left to export"))
    whole_s = None if story.closing is None else story.seconds(story.closing)
    yield _event("session", 0.0, whole_s)
    for phase in story.phases:
        end_s = None if phase.ended_at is None else (phase.ended_at - phase.began_at).total_seconds()
        yield _event("phase", story.seconds(phase.told.entry), end_s, phase=phase.name)
    for one in story.sets:
        # One that never began is no stimulation.
        if one.started_at is not None:
            yield _set(one)
    for told in story.told:
        at_s, phase = story.seconds(told.entry), story.phase_at(told.at)
        match told.data:
            case events.Sud(value=value):
                yield _event("sud", at_s, 0.0, value=value, phase=phase)
            case events.Voc(value=value):
                yield _event("voc", at_s, 0.0, value=value, phase=phase)
            case events.Mark() as mark:
                vitals = {name: getattr(mark, name) for name in _MARK_FIELDS}
                yield _event("mark", at_s, 0.0, mark=mark.mark, phase=phase, **vitals)
            case events.Note():
                yield _event("note", at_s, 0.0, phase=phase)
            case events.Part():
                yield _event("part", at_s, 0.0, phase=phase)
            case events.Target():
                yield _event("target", at_s, 0.0, phase=phase)
            case _:
                pass
    for entry in story.incidents:
        if entry.type == "pulser.pressed" and entry.at is not None:
            side = (entry.data or {}).get("side")
            yield _event("press", story.seconds(entry), 0.0, side=side, phase=story.phase_at(entry.at))


def _set(one: SetStory) -> dict[str, str]:
    pacing, record = one.pacing, one.record
    found: dict[str, object] = {
        "phase": one.phase,
        "rate_hz": pacing.rate_hz,
        "pulse_ms": pacing.pulse_ms,
        "left_pct": pacing.left_pct,
        "right_pct": pacing.right_pct,
        "ramp_ms": pacing.ramp_ms,
        "passes_asked": pacing.passes,
        "changes": one.changes,
    }
    if one.ended is not None:
        found["ended_reason"] = one.ended.reason
    if record is not None:
        found |= {"passes_done": record.passes_done, "left_right_error": record.left_right_error_us}
        for side, did in sides(record):
            found |= {
                f"{side}_delivered": did.delivered,
                f"{side}_skipped": did.skipped,
                f"{side}_late": did.late,
            }
    return _event("set", one.onset_s, one.duration_s, **found)


def _event(kind: str, onset_s: float, duration_s: float | None, **more: object) -> dict[str, str]:
    row = {"onset": f"{onset_s:.3f}", "duration": _NA if duration_s is None else f"{max(duration_s, 0):.3f}"}
    row["trial_type"] = kind
    for name, value in more.items():
        if value is not None:
            row[name] = f"{value:g}" if isinstance(value, float) else _plain(str(value))
    return row


def _plain(text: str) -> str:
    """Give text without what parts cells and rows, and without what would be read as missing."""
    return " ".join(text.split()) or _NA


def _sidecar(story: Story) -> dict[str, Any]:
    described: dict[str, Any] = {}
    for name, (long_name, words, unit, levels) in _COLUMNS.items():
        column: dict[str, object] = {"LongName": long_name, "Description": words}
        if unit is not None:
            column["Units"] = unit
        if levels is not None:
            column["Levels"] = levels
        described[name] = column
    described["TaskName"] = "bilateral stimulation"
    described["TaskDescription"] = "Sets of taps, left and right in turn; the client speaks between them"
    described["StimulusPresentation"] = {"SoftwareName": "twintap", "SoftwareVersion": __version__}
    # What the file can be checked against: the journal's own chain.
    described["TwintapJournal"] = {
        "Description": "The session in the journal, and the hash of its last entry when this was exported",
        "Session": story.session,
        "Entries": story.length,
        "Head": story.head,
    }
    return described


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


_README = """\
A session with bilateral tactile stimulation: two wireless pulsers that tap left, right, left, right.

Each row of an events.tsv is one event: a set of taps, a rating, a phase, a mark. Times are in seconds since
the session was opened, by a clock that does not jump. The JSON beside it describes each column and has the
hash of the journal's last entry, against which the session can be checked. Words that were typed in the
session are left out.
"""
