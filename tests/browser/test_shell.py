"""What is so on every view, whichever room the page is about, and between one visit and the next."""

import pytest
from playwright.sync_api import expect

from tests.browser.rig import House, Pages, until

ROOM = "one"


@pytest.mark.parametrize("by", ["touch", "Escape"])
def test_before_a_room_is_chosen_the_set_that_runs_can_be_stopped(
    browser_page: Pages, daemon: House, by: str
) -> None:
    page = browser_page(at="#/")
    page.get_by_role("link", name=ROOM).wait_for()
    expect(page.locator("#stopbar")).to_be_hidden()
    daemon.daemon.begin(ROOM, rate_hz=2)
    stop = page.locator("#stopbar button")
    expect(stop).to_be_visible()
    if by == "touch":
        stop.tap()
    else:
        page.keyboard.press(by)
    daemon.until_still(ROOM)
    expect(page.locator("#stopbar")).to_be_hidden()
    ended = daemon.set(ROOM)
    assert ended is not None
    assert ended["ended_reason"] == "stop"
    assert ended["ended_by"].startswith("the tablet")


def test_how_the_last_visit_ended_is_neither_shown_to_the_next_nor_holds_it_back(
    browser_page: Pages, daemon: House
) -> None:
    daemon.open(ROOM, "FIRST")
    daemon.daemon.begin(ROOM, rate_hz=2)
    daemon.hands(ROOM, "left").press()
    daemon.daemon.until_ended(ROOM)
    page = browser_page(at=f"#/work/{ROOM}")
    page.get_by_test_id("take-lead").tap()
    expect(page.locator("main.work")).to_have_attribute("data-mode", "hold")
    expect(page.get_by_test_id("surface")).to_contain_text("Stopped by the client")
    daemon.admin.post(f"/rooms/{ROOM}/session/close", {})
    daemon.open(ROOM, "SECOND")
    until(page, "the next visit", lambda: page.get_by_test_id("take-lead").is_visible())
    page.get_by_test_id("take-lead").tap()
    expect(page.locator("main.work")).to_have_attribute("data-mode", "idle")
    expect(page.get_by_test_id("surface")).not_to_contain_text("Stopped by the client")
    expect(page.get_by_test_id("surface")).not_to_contain_text("Last set")
