"""The report: one page of HTML with its styles and its picture inside, made to be printed or handed on.

It holds no script and fetches nothing. All that a person typed goes through the template's escaping.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import get_args

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape
from markupsafe import Markup

from .. import __version__
from ..journal import types as events
from ..journal.entry import Entry
from ..views import Side
from .plot import CUT_REASONS, draw, letter
from .story import SetStory, Story, Told, sides, tell
from .words import word

MEDIA_TYPE = "text/html; charset=utf-8"
_PHASES: tuple[events.PhaseName, ...] = get_args(events.PhaseName)
# Typed later than so long after it was said: the report says when it was entered.
_LATER = timedelta(seconds=60)
# A press and the end that it made are told by two datagrams of the same moment.
_PRESS_NEAR = timedelta(seconds=1)
_REASONS = frozenset(
    {
        *CUT_REASONS,
        "stop",
        "soft",
        "finished",
        "longest",
        "newer",
        "controller",
    }
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story. `what` in words; `text`: what was typed; `kind` for its looks.

    `mark`: its letter in the picture. `notes`: small print, as what it was before it was put right.
    """

    at: datetime
    seq: int
    kind: str
    what: str
    by: str
    text: str = ""
    mark: str = ""
    notes: tuple[str, ...] = ()
    is_taken_back: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One set in the table, each cell as text. `more`: changes and what else there is to say."""

    number: int
    at: str
    rate: str
    pulse: str
    level: str
    ramp: str
    passes: str
    length: str
    delivered: str
    skipped: str
    late: str
    error: str
    ended: str
    is_cut: bool
    more: tuple[str, ...]


def to_html(session: str, entries: Sequence[Entry], *, made_at: datetime) -> str:
    """Give the report as a page. `made_at`: when that is, with a zone. Raises as `tell` does."""
    story = tell(session, entries)
    if story.opening is None:
        return _template("erased.html").render(story=story, style=style(), **_common(story, made_at))
    until = story.ended_at or max(story.last_at or made_at, story.opened_at)
    names = {name: word(f"phase.{name}") for name in _PHASES}
    return _template("report.html").render(
        story=story,
        style=style(),
        picture=draw(story, until, names),
        lines=_lines(story),
        rows=[_row(one, story) for one in story.sets],
        facts=list(_facts(story, until)),
        upcoming=list(_upcoming(story)),
        alternative=_alternative(story),
        **_common(story, made_at),
    )


def content_policy() -> str:
    """Give the Content-Security-Policy under which the page works: its own styles, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def style() -> str:
    """Give the page's style sheet."""
    return Markup(_template("report.css").render())  # noqa: S704 - our own file, nothing of a session in it


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("twintap.export"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["t"] = word  # pyright: ignore[reportArgumentType] - typed for its own defaults only
    return environment.get_template(name)


def _common(story: Story, made_at: datetime) -> dict[str, object]:
    zone = story.zone
    made = made_at.astimezone(zone)

    def clock(at: datetime) -> str:
        return f"{at.astimezone(zone):%H:%M}"

    return {
        "clock": clock,
        "day": _day,
        "zone": _zone_words(story, story.opened_at if story.opening is not None else made_at),
        "made": f"{made:%Y-%m-%d %H:%M} {_offset(made)}",
        "version": __version__,
        "policy": content_policy(),
    }


def _day(at: datetime) -> str:
    return f"{at:%A} {at.day} {at:%B %Y}"


def _offset(at: datetime) -> str:
    text = f"{at:%z}"
    return f"UTC{text[:3]}:{text[3:]}"


def _zone_words(story: Story, at: datetime) -> str:
    name = str(story.zone)
    return f"{name} ({_offset(at.astimezone(story.zone))})" if name != "UTC" else name


def length_text(seconds: float) -> str:
    """Give a length in time as a person reads it: `24 s`, `3:05 min`, `1:02:03 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} min"
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d} h"


# -- the head ----------------------------------------------------------------------------------------------


def _facts(story: Story, until: datetime) -> Iterator[tuple[str, str]]:
    zone = story.zone
    if story.closing is None:
        closed = word("still_open")
    else:
        closed = f"{until.astimezone(zone):%H:%M}"
        if story.closed is not None and story.closed.reason == "forgotten":
            closed = word("closed_forgotten", time=closed)
    yield word("opened"), f"{story.opened_at.astimezone(zone):%H:%M}"
    yield word("closed"), closed
    yield word("length"), length_text((until - story.opened_at).total_seconds())
    opening = story.opening
    yield word("room"), (opening.room if opening is not None else None) or word("unknown")
    yield (
        word("lead"),
        "; ".join(
            [
                opening.by if opening is not None else word("unknown"),
                *(
                    word("lead_from", label=who, time=f"{at.astimezone(zone):%H:%M}")
                    for at, who in story.leads
                ),
            ]
        ),
    )
    yield word("hands"), _hands(story)
    ran = [one for one in story.sets if one.steps]
    yield (
        word("sets"),
        word(
            "sets_sum",
            n=len(ran),
            passes=sum(one.record.passes_done for one in ran if one.record is not None),
            length=length_text(sum(one.duration_s or 0 for one in ran)),
        )
        if ran
        else word("sets_none"),
    )
    for name, kind in (("sud", events.Sud), ("voc", events.Voc)):
        values = [data.value for _, data in story.of(kind)]
        if values:
            text = str(values[0])
            if len(values) > 1:
                text = word("from_to", first=values[0], last=values[-1])
            yield word(name), text


def _hands(story: Story) -> str:
    hands = () if story.opening is None else story.opening.hands
    if len(hands) == 2:
        return word("hands_both")
    return word("hands_one", side=_side(hands[0])) if hands else word("hands_none")


def _side(side: object) -> str:
    return word(f"side.{side}" if side in get_args(Side) else "side.none")


def _alternative(story: Story) -> str:
    parts: dict[str, str] = {"sud": "", "voc": "", "sets": ""}
    for name, kind in (("sud", events.Sud), ("voc", events.Voc)):
        values = [data.value for _, data in story.of(kind)]
        if values:
            parts[name] = word(f"course_{name}", n=len(values), first=values[0], last=values[-1])
    if ran := sum(1 for one in story.sets if one.steps):
        parts["sets"] = word("course_sets", n=ran)
    return " ".join(word("course_long", **parts).split())


def _upcoming(story: Story) -> Iterator[tuple[str, list[str]]]:
    """Give what the next visit begins with, each with its heading; only what there is."""
    plans = [data.text for _, data in story.of(events.Plan)]
    state = {data.text: data.done for _, data in story.of(events.Target)}
    parts = {data.label: None for _, data in story.of(events.Part)}
    levels = [data for _, data in story.of(events.ClientLevel)]
    for heading, texts in (
        ("plan", plans[-1:]),
        ("targets_open", [text for text, done in state.items() if not done]),
        ("targets_done", [text for text, done in state.items() if done]),
        ("parts", list(parts)),
        (
            "levels",
            [
                word("levels_both", left=f"{one.left_pct:g}", right=f"{one.right_pct:g}")
                for one in levels[-1:]
            ],
        ),
    ):
        if texts:
            yield word(heading), texts


# -- the story ---------------------------------------------------------------------------------------------


def _lines(story: Story) -> list[Line]:
    marks = {told.entry.id: letter(index) for index, (told, _) in enumerate(story.of(events.Mark))}
    lines = [_told_line(told, story, marks.get(told.entry.id, "")) for told in story.told]
    lines += [_told_line(told, story, "") for told in story.taken_back]
    lines += [
        line
        for entry in story.incidents
        if not _is_told_by_a_set(entry, story) and (line := _incident_line(entry)) is not None
    ]
    lines += [_set_line(one) for one in story.sets]
    if story.opening is not None:
        lines.append(Line(story.opening.at, 0, "small", word("ev.opened"), story.opening.by))
    if story.closing is not None and story.ended_at is not None:
        by = story.closing.actor or ""
        lines.append(Line(story.ended_at, story.closing.seq, "small", word("ev.closed"), by))
    for at, label in story.leads:
        lines.append(Line(at, 0, "small", word("ev.lead", label=label), ""))
    return sorted(lines, key=lambda line: (line.at, line.seq))


def _told_line(told: Told, story: Story, mark: str) -> Line:
    def clock(at: datetime) -> str:
        return f"{at.astimezone(story.zone):%H:%M}"

    kind, what, text = _said(told.data)
    notes = [
        word(
            "corrected",
            was=" ".join(part for part in _said(was)[1:] if part),
            time=clock(correction.entered),
            actor=correction.actor or "",
        )
        for was, correction in told.was
    ]
    if told.entry.entered - told.at > _LATER:
        notes.append(word("entered", time=clock(told.entry.entered)))
    if told.gone is not None:
        key = "taken_back" if told.is_undone else "withdrawn"
        notes.append(word(key, time=clock(told.gone.entered), actor=told.gone.actor or ""))
    return Line(
        told.at,
        told.entry.seq,
        kind,
        what,
        told.actor,
        text,
        mark,
        tuple(notes),
        is_taken_back=told.gone is not None,
    )


def _said(data: events.Data) -> tuple[str, str, str]:
    """Give its kind, what it is in words, and the text that was typed."""
    match data:
        case events.PhaseBegun(phase=phase):
            return "phase", word("ev.phase", phase=word(f"phase.{phase}")), ""
        case events.Sud(value=value):
            return "rating", word("ev.sud", value=value), ""
        case events.Voc(value=value):
            return "rating", word("ev.voc", value=value), ""
        case events.Note(text=text):
            return "note", "", text
        case events.Part(label=label, gone=gone):
            return "part", word("ev.part_gone" if gone else "ev.part", label=label), ""
        case events.Target(text=text, done=done):
            return "target", word("ev.target_done" if done else "ev.target", text=text), ""
        case events.Plan(text=text):
            return "note", word("ev.plan", text=""), text
        case events.ClientLevel(left_pct=left, right_pct=right):
            return "small", word("ev.level", left=f"{left:g}", right=f"{right:g}"), ""
        case events.Mark():
            return "mark", word(f"mark.{data.mark}"), ", ".join(_of_mark(data))
        case _:
            return "small", type(data).__name__, ""


def _of_mark(mark: events.Mark) -> Iterator[str]:
    yield from (text for text in (mark.amount, mark.route, mark.text) if text)
    if mark.systolic_mmhg is not None and mark.diastolic_mmhg is not None:
        yield word("vitals.pressure", systolic=mark.systolic_mmhg, diastolic=mark.diastolic_mmhg)
    elif mark.systolic_mmhg is not None:
        yield word("vitals.systolic", value=mark.systolic_mmhg)
    elif mark.diastolic_mmhg is not None:
        yield word("vitals.diastolic", value=mark.diastolic_mmhg)
    if mark.pulse_bpm is not None:
        yield word("vitals.pulse", value=mark.pulse_bpm)
    if mark.spo2_pct is not None:
        yield word("vitals.spo2", value=mark.spo2_pct)


def _is_told_by_a_set(entry: Entry, story: Story) -> bool:
    """Whether it is the press that ended a set: the set's own line says so."""
    if entry.type != "pulser.pressed" or entry.at is None:
        return False
    return any(
        one.ended is not None
        and one.ended.reason == "button"
        and one.ended_at is not None
        and abs(entry.at - one.ended_at) < _PRESS_NEAR
        for one in story.sets
    )


def _incident_line(entry: Entry) -> Line | None:
    side = (entry.data or {}).get("side")
    match entry.type:
        case "pulser.pressed":
            what = word("ev.pressed", side=_side(side)) if side else word("ev.pressed_any")
        case "pulser.lost":
            what = word("ev.lost", side=_side(side))
        case "pulser.asleep":
            what = word("ev.asleep", side=_side(side))
        case "pulser.moved":
            what = word("ev.moved", side=_side(side), room=(entry.data or {}).get("room"))
        case "pulser.linked":
            what = word("ev.linked", side=_side(side))
        case "room.swapped":
            what = word("ev.swapped")
        case "clock.jumped":
            what = word("ev.clock")
        case "journal.gap":
            what = word("ev.gap", n=(entry.data or {}).get("lost"))
        case _:
            return None
    assert entry.at is not None
    return Line(entry.at, entry.seq, "incident", what, "")


# -- sets --------------------------------------------------------------------------------------------------


def _set_line(one: SetStory) -> Line:
    at = one.started_at or one.asked_at
    if not one.steps:
        what = word("ev.set_never", number=one.number)
    else:
        passes = word("unknown") if one.record is None else word("passes", n=one.record.passes_done)
        length = one.duration_s
        rate = f"{one.pacing.rate_hz:g}"
        if length is None:
            what = word("ev.set_open", number=one.number, passes=passes, rate=rate)
        else:
            what = word("ev.set", number=one.number, passes=passes, rate=rate, length=length_text(length))
    return Line(at, 0, "set", what, one.by, text=_end(one) if one.steps else "")


def _end(one: SetStory) -> str:
    if one.ended is None:
        return ""
    reason = one.ended.reason if one.ended.reason in _REASONS else "other"
    return word(f"end.{reason}", by=one.ended.by, side=_side(one.ended.side), reason=one.ended.reason)


def _row(one: SetStory, story: Story) -> Row:
    asked, record = one.asked, one.record
    unknown = word("unknown")
    planned = word("open_passes") if one.pacing.passes is None else str(one.pacing.passes)

    def both(name: str) -> str:
        if record is None:
            return unknown
        (_, left), (_, right) = sides(record)
        return f"{getattr(left, name)} / {getattr(right, name)}"

    error_us = None if record is None else record.left_right_error_us
    began = (one.started_at or one.asked_at).astimezone(story.zone)
    return Row(
        number=one.number,
        at=f"{began:%H:%M:%S}",
        rate=f"{asked.rate_hz:g}",
        pulse=f"{asked.pulse_ms}",
        level=f"{asked.left_pct:g} / {asked.right_pct:g}",
        ramp=f"{asked.ramp_ms / 1000:g}",
        passes=f"{unknown if record is None else record.passes_done} / {planned}",
        length=unknown if one.duration_s is None else length_text(one.duration_s),
        delivered=both("delivered"),
        skipped=both("skipped"),
        late=both("late"),
        error=unknown if error_us is None else f"{error_us / 1000:.2f}",
        ended=_end(one) if one.steps else word("never"),
        is_cut=one.ended is not None and one.ended.reason in CUT_REASONS,
        more=tuple(_more(one, story)),
    )


def _more(one: SetStory, story: Story) -> Iterator[str]:
    for before, after in zip(one.steps, one.steps[1:], strict=False):
        changed = [
            word("part.passes_open")
            if name == "passes" and value is None
            else word(f"part.{name}", value=f"{value:g}" if isinstance(value, float) else value)
            for name, value in after.pacing.model_dump().items()
            if value != getattr(before.pacing, name)
        ]
        if changed:
            yield word("changed", time=f"{after.at.astimezone(story.zone):%H:%M:%S}", what=", ".join(changed))
    if one.record is not None and one.record.part:
        yield word("part_with", part=one.record.part)
    late_us = [did.latest_us for _, did in sides(one.record) if did.late] if one.record is not None else []
    if late_us:
        yield word("latest", ms=f"{max(late_us) / 1000:.1f}")
    if one.record is not None and not one.record.complete:
        yield word("incomplete")
    for side in () if one.record is None else one.record.silent:
        yield word("silent", side=_side(side))
