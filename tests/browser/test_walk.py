"""By keys alone: join, open a session, run a set, stop it, rate, note, close; and one sees where one is."""

import re

from playwright.sync_api import Page, expect

from tests.browser.rig import House, Pages, until
from tests.support import rig

ROOM = "one"
_STOPS_MAX = 80

# What has the focus: whether it is what is looked for, whether one sees that it has it, and what it is.
_FOCUS = """selector => {
  const node = document.activeElement;
  const look = getComputedStyle(node);
  const box = node.getBoundingClientRect();
  return {
    found: node.matches(selector),
    ringed: look.outlineStyle !== "none" && parseFloat(look.outlineWidth) > 0,
    onScreen: box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight,
    what: node.outerHTML.slice(0, 120),
  };
}"""


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until what matches `selector` has the focus; every stop on the way is to be seen."""
    passed: list[str] = []
    for _ in range(_STOPS_MAX):
        page.keyboard.press("Tab")
        focus = page.evaluate(_FOCUS, selector)
        passed.append(focus["what"])
        if "<body" not in focus["what"]:
            assert focus["ringed"], f"it has the focus and does not show it: {focus['what']}"
            assert focus["onScreen"], f"it has the focus and is not on the screen: {focus['what']}"
        if focus["found"]:
            return
    raise AssertionError(f"Tab does not lead to {selector}:\n" + "\n".join(passed))


def test_a_session_by_keys_alone(browser_page: Pages, daemon: House) -> None:
    work = 'main.work[data-mode="{}"]'
    page = browser_page(role=None, at=f"#{daemon.join_link(ROOM).partition('#')[2]}", size="laptop")
    page.get_by_test_id("join").wait_for()
    page.keyboard.press("Enter")
    page.locator(".ready-columns:not([hidden])").wait_for()

    tab_to(page, "input.code")
    page.keyboard.type("key-7")
    tab_to(page, "input[type=radio], [role=radio], .open button[aria-pressed]")
    tab_to(page, ".open button[type=submit]")
    expect(page.get_by_text("New:")).to_be_visible()
    page.keyboard.press("Enter")
    page.locator(work.format("idle")).wait_for()

    # A set by the bar of the keyboard: started, changed, stopped.
    since_us = rig.now_us()
    page.keyboard.press("Space")
    daemon.until_tapping(ROOM, since_us)
    page.locator(work.format("running")).wait_for()
    page.keyboard.press("ArrowRight")
    until(page, "the quicker set", lambda: (daemon.set(ROOM) or {})["pacing"]["rate_hz"] > 1)
    page.keyboard.press("Space")
    daemon.until_still(ROOM)
    page.locator(work.format("idle")).wait_for()

    # By Tab and Enter, without the surface taking them.
    tab_to(page, "[data-testid=sud-5]")
    page.keyboard.press("Enter")
    until(page, "the rating", lambda: daemon.daemon.room(ROOM)["session"]["last_sud"] == 5)
    tab_to(page, "[data-testid=note]")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("note-text")).to_be_focused()
    # In a dialog a space is a space, and Tab stays inside.
    page.keyboard.type("Breath is slow")
    tab_to(page, "[data-testid=keep]")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert daemon.is_still(ROOM)
    tab_to(page, "[data-testid=menu]")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    # Escape closes what is open, and the focus is where it was.
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("menu")).to_be_focused()
    page.keyboard.press("Enter")
    tab_to(page, "[data-testid=close]")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("plan")).to_be_focused()
    page.keyboard.type("The calm place first")
    tab_to(page, "[data-testid=close-session]")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"#/session/[0-9a-f-]{36}$"))
    expect(page.get_by_text("Breath is slow").first).to_be_visible()
    tab_to(page, '.downloads a[href$="format=csv"]')
