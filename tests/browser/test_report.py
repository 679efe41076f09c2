"""The report as a browser shows and prints it: readable by all, on paper too, and quite still."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.axe import findings
from tests.daemon.told_session import Telling, whole_visit
from twintap.export.report import to_html

MADE = datetime(2026, 3, 4, 15, 0, tzinfo=UTC)


def medicine_visit() -> Telling:
    """Three hours, much of it typed without a space: what a page breaks at first."""
    told = Telling(room="a room with quite a long name, for a room")
    told.say(
        "session.opened",
        {"code": "W" * 24, "kind": "medicine", "zone": "America/Argentina/ComodRivadavia", "hands": []},
    )
    for minute, phase in (
        (0, "arrival"),
        (20, "dosing"),
        (32, "onset"),
        (50, "peak"),
        (100, "return"),
        (150, "landing"),
    ):
        told.minute = minute
        told.say("phase.begun", {"phase": phase})
        told.say("rating.sud", {"value": minute // 20})
        told.say("note.added", {"text": "unbrokenword" * 40})
        for _ in range(3):
            told.say("mark.set", {"mark": "vitals", "systolic_mmhg": 120, "diastolic_mmhg": 80})
    told.minute = 185
    told.say("session.closed", {"reason": "forgotten"})
    return told


@pytest.fixture(params=["whole", "medicine", "empty"])
def report(request: pytest.FixtureRequest, browser: Browser, tmp_path: Path) -> Iterator[Page]:
    if request.param == "empty":
        visit = Telling()
        visit.say("session.opened", {"code": "A", "kind": "emdr", "zone": "UTC", "hands": []})
    else:
        visit = whole_visit() if request.param == "whole" else medicine_visit()
    path = tmp_path / f"{request.param}.html"
    path.write_text(to_html(visit.session, visit.entries, made_at=MADE), "utf-8")
    complaints: list[str] = []
    page = browser.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: complaints.append(asked.url) if asked.url != path.as_uri() else None)
    page.goto(path.as_uri())
    try:
        yield page
        assert complaints == []
    finally:
        page.close()


def test_axe_finds_nothing_and_no_screen_is_too_narrow(report: Page) -> None:
    for width in (1366, 820, 390, 320):
        report.set_viewport_size({"width": width, "height": 800})
        assert findings(report) == []
        assert report.evaluate("document.documentElement.scrollWidth") <= width


def test_it_prints_within_both_kinds_of_paper(report: Page) -> None:
    report.emulate_media(media="print")
    for paper, width_mm in (("A4", 210), ("Letter", 215.9)):
        # The page's own margins are 14 mm at each side; 96 CSS pixels are an inch.
        inner = int((width_mm - 28) / 25.4 * 96)
        report.set_viewport_size({"width": inner, "height": 1000})
        assert report.evaluate("document.documentElement.scrollWidth") <= inner
        pdf = report.pdf(format=paper, prefer_css_page_size=False)
        pages = len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))
        assert 1 <= pages <= 6, (paper, pages)


def test_the_styles_are_let_in_by_its_own_policy(report: Page) -> None:
    assert report.evaluate("getComputedStyle(document.querySelector('header')).display") == "flex"
