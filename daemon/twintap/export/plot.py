"""The report's picture, as numbers: where each line and bar of a session lies. What draws it is the template.

One time axis, the session's own clock; above it, each in its own panel: phases as a band, SUD, VOC, and the
sets as they were, their rate and both levels, step by step as they changed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..journal import types as events
from .story import SetStory, Story

WIDTH = 1000.0
_LEFT, _RIGHT = 66.0, 14.0
_BAND, _PANEL_SMALL, _PANEL, _GAP = 24.0, 84.0, 120.0, 26.0
_CHAR = 6.4  # mean width of a character of the labels, in the picture's units
_FLAG = 17.0  # a letter's circle and a little air
_NARROWEST = 2.0
_TICK_MINUTES = (1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 1440)
_DAY_MINUTES = 1440
_TICKS_MAX = 13
_UNKNOWN_S = 1.0  # a set of which nobody knows how long it was is drawn as if so long


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid, and what is written at it."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Flag:
    """A mark: its line, and its letter, which stands aside where two come at once."""

    at: float
    text: str
    text_at: float


@dataclass(frozen=True, slots=True)
class Box:
    """A phase in the band; `text` is empty where it does not fit. `name`: the phase's."""

    x: float
    width: float
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A rating."""

    x: float
    y: float
    text: str
    text_y: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A set in a panel: its outline as SVG path data; `number` is empty where it does not fit.

    `is_cut`: the client's button, or a fault, ended it.
    """

    path: str
    x: float
    top: float
    number: str
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """One strip of the picture, from `top` down to `bottom`. `line`: SVG path data through the dots."""

    kind: str
    top: float
    bottom: float
    ticks: tuple[Tick, ...]
    dots: tuple[Dot, ...] = ()
    line: str = ""
    bars: tuple[Bar, ...] = ()
    second_bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole. `marks`: where something was marked, by its letter."""

    height: float
    left: float
    right: float
    bottom: float
    band: tuple[Box, ...]
    band_height: float
    panels: tuple[Panel, ...]
    marks: tuple[Flag, ...]
    times: tuple[Tick, ...]


# What cuts a set off that nobody of the staff ended.
CUT_REASONS = frozenset({"button", "lease", "charging", "link", "fault", "lost", "silent", "clock", "daemon"})


def letter(index: int) -> str:
    """Give the name of a mark in the picture: A..Z, then AA, AB …"""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def draw(story: Story, until: datetime, names: dict[str, str]) -> Picture:
    """Lay a session out. `until`: the right end of the axis; `names`: what each phase is called."""
    begin = story.opened_at
    scale = _Scale(begin, max(until, begin + timedelta(minutes=1)))
    top = 0.0
    band: tuple[Box, ...] = ()
    if story.phases:
        band = tuple(
            scale.box(phase.began_at, phase.ended_at or until, names[phase.name]) for phase in story.phases
        )
        top = _BAND + _GAP
    panels: list[Panel] = []
    suds = [(told.at, data.value) for told, data in story.of(events.Sud)]
    vocs = [(told.at, data.value) for told, data in story.of(events.Voc)]
    for kind, values, low, high, size in (("sud", suds, 0, 10, _PANEL), ("voc", vocs, 1, 7, _PANEL_SMALL)):
        if values:
            panels.append(_ratings(kind, values, low, high, top, top + size, scale))
            top += size + _GAP
    ran = [one for one in story.sets if one.steps]
    if ran:
        highest = max(step.pacing.rate_hz for one in ran for step in one.steps)
        panels.append(_rates(ran, 1.0 if highest <= 1 else 2.0 if highest <= 2 else 4.0, top, scale))
        top += _PANEL_SMALL + _GAP
        panels.append(_levels(ran, top, scale))
        top += _PANEL_SMALL + _GAP
    bottom = top - _GAP if panels else top + 10
    return Picture(
        height=bottom + 36,
        left=_LEFT,
        right=WIDTH - _RIGHT,
        bottom=bottom,
        band=band,
        band_height=_BAND,
        panels=tuple(panels),
        marks=_flags([scale.x(told.at) for told, _ in story.of(events.Mark)]),
        times=scale.times(story),
    )


def _flags(places: Sequence[float]) -> tuple[Flag, ...]:
    """Give the marks' lines and letters: pushed apart to the right, and back where the picture ends."""
    beside: list[float] = []
    for at in places:
        beside.append(max(at, beside[-1] + _FLAG) if beside else at)
    limit = WIDTH - _RIGHT
    for index in reversed(range(len(beside))):
        beside[index] = min(beside[index], limit)
        limit = beside[index] - _FLAG
    return tuple(Flag(at, letter(index), beside[index]) for index, at in enumerate(places))


class _Scale:
    """Times of day to the picture's own units."""

    def __init__(self, begin: datetime, end: datetime) -> None:
        self._begin, self._end = begin, end
        self._unit = (WIDTH - _LEFT - _RIGHT) / (end - begin).total_seconds()

    def x(self, at: datetime) -> float:
        at = min(max(at, self._begin), self._end)
        return round(_LEFT + (at - self._begin).total_seconds() * self._unit, 1)

    def box(self, begin: datetime, end: datetime, name: str) -> Box:
        x = self.x(begin)
        width = round(max(self.x(end) - x, _NARROWEST), 1)
        fits = int((width - 8) / _CHAR)
        text = name if len(name) <= fits else name[: fits - 1] + "…" if fits >= 5 else ""
        return Box(x, width, name, text)

    def times(self, story: Story) -> tuple[Tick, ...]:
        minutes = (self._end - self._begin).total_seconds() / 60
        days = math.ceil(minutes / _DAY_MINUTES / _TICKS_MAX)
        step = next((one for one in _TICK_MINUTES if minutes / one <= _TICKS_MAX), days * _DAY_MINUTES)
        local = self._begin.astimezone(story.zone)
        first = local.replace(hour=0, minute=0, second=0, microsecond=0)
        # Counted on the true time line, so that a clock put forward or back makes no tick twice.
        past_s = (local - first).total_seconds()
        at = self._begin + timedelta(seconds=-past_s % (step * 60))
        ticks: list[Tick] = []
        while at <= self._end:
            ticks.append(Tick(self.x(at), f"{at.astimezone(story.zone):%H:%M}"))
            at += timedelta(minutes=step)
        return tuple(ticks)


def _ratings(
    kind: str,
    values: Sequence[tuple[datetime, int]],
    low: int,
    high: int,
    top: float,
    bottom: float,
    scale: _Scale,
) -> Panel:
    unit = (bottom - top) / (high - low)

    def y(value: int) -> float:
        return round(bottom - (value - low) * unit, 1)

    # Beneath the dot where there is no room above it.
    dots = tuple(
        Dot(scale.x(at), y(value), str(value), y(value) + (17 if value == high else -8))
        for at, value in values
    )
    line = "M" + " L".join(f"{dot.x} {dot.y}" for dot in dots)
    step = 5 if high == 10 else 3
    ticks = tuple(Tick(y(value), str(value)) for value in range(low, high + 1, step))
    return Panel(kind, top, bottom, ticks, dots=dots, line=line)


def _rates(sets: Sequence[SetStory], highest: float, top: float, scale: _Scale) -> Panel:
    bottom = top + _PANEL_SMALL
    unit = _PANEL_SMALL / highest
    bars: list[Bar] = []
    last = -1e9
    for one in sets:
        bar = _bar(one, [step.pacing.rate_hz for step in one.steps], unit, bottom, scale)
        number = str(one.number)
        fits = bar.x - last >= _CHAR * len(number) + 5
        last = bar.x if fits else last
        bars.append(bar if fits else Bar(bar.path, bar.x, bar.top, "", bar.is_cut))
    ticks = tuple(Tick(bottom - value * unit, f"{value:g}") for value in (0, highest / 2, highest))
    return Panel("rate", top, bottom, ticks, bars=tuple(bars))


def _levels(sets: Sequence[SetStory], top: float, scale: _Scale) -> Panel:
    bottom = top + _PANEL_SMALL
    unit = _PANEL_SMALL / 100
    left = tuple(_bar(one, [s.pacing.left_pct for s in one.steps], unit, bottom, scale) for one in sets)
    right = tuple(_bar(one, [s.pacing.right_pct for s in one.steps], unit, bottom, scale) for one in sets)
    ticks = tuple(Tick(bottom - value * unit, f"{value}") for value in (0, 50, 100))
    return Panel("level", top, bottom, ticks, bars=left, second_bars=right)


def _bar(one: SetStory, heights: Sequence[float], unit: float, bottom: float, scale: _Scale) -> Bar:
    begin = one.steps[0].at
    seconds = one.duration_s
    end = begin + timedelta(seconds=_UNKNOWN_S if seconds is None else seconds)
    edges = [scale.x(step.at) for step in one.steps]
    edges.append(max(scale.x(end), edges[0] + _NARROWEST))
    path = f"M{edges[0]} {bottom:g}"
    for index, height in enumerate(heights):
        y = round(bottom - height * unit, 1)
        path += f" L{min(edges[index], edges[-1])} {y} L{min(edges[index + 1], edges[-1])} {y}"
    path += f" L{edges[-1]} {bottom:g} Z"
    reason = one.ended.reason if one.ended is not None else ""
    top = round(bottom - max(heights) * unit, 1)
    return Bar(path, round((edges[0] + edges[-1]) / 2, 1), top, str(one.number), reason in CUT_REASONS)
