"""Before a visit: the rooms, both pulsers in words, the hands, a try-out, a way in for another screen."""

import re

from playwright.sync_api import expect

from tests.browser.rig import House, Pages, until
from tests.support import rig


def test_a_room_s_tile_says_how_it_is_and_leads_to_it(browser_page: Pages) -> None:
    page = browser_page(at="#/")
    tile = page.get_by_role("link", name="one")
    expect(tile).to_contain_text("ready")
    tile.click()
    expect(page.get_by_role("heading", name="one", exact=True)).to_be_visible()
    expect(page.get_by_text("Both pulsers are ready.")).to_be_visible()


def test_what_is_wrong_is_said_with_what_to_do_and_is_gone_with_its_cause(
    browser_page: Pages, daemon: House
) -> None:
    page = browser_page(at="#/ready/one")
    expect(page.get_by_text("Both pulsers are ready.")).to_be_visible()
    problems = page.get_by_role("list", name="What is wrong").get_by_role("listitem")
    daemon.hands("one", "left").charge(True)
    expect(page.locator('.pulser[data-side="left"]')).to_contain_text("On the charger: unplug it.")
    expect(problems).to_have_count(1)
    expect(problems).to_contain_text(re.compile("left pulser.*charger.*unplug", re.IGNORECASE))
    expect(page.locator('.pulser[data-side="right"] .pulser-state')).to_have_text("Ready")
    daemon.hands("one", "left").charge(False)
    expect(page.get_by_text("Both pulsers are ready.")).to_be_visible()
    expect(problems).to_have_count(0)


def test_a_pulser_that_is_gone_is_said_with_when_it_was_last_seen(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at="#/ready/one")
    expect(page.get_by_text("Both pulsers are ready.")).to_be_visible()
    right = daemon.hands("one", "right")
    right.kill()
    gone = page.locator('.pulser[data-side="right"] .pulser-state')
    expect(gone).to_have_text(re.compile(r"Not seen since \d\d:\d\d: press its button"))
    expect(page.get_by_role("button", name="Buzz right")).to_be_disabled()
    right.switch_on()
    expect(page.get_by_text("Both pulsers are ready.")).to_be_visible()


def test_one_touch_buzzes_one_hand_and_the_wrong_hand_swaps_them(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at="#/ready/one")
    expect(page.get_by_text("Both pulsers are ready.")).to_be_visible()
    since_us = rig.now_us()
    page.get_by_role("button", name="Buzz left").click()
    until(page, "the left motor buzz", lambda: daemon.hands("one", "left").pulses(since_us))
    expect(page.get_by_text("Felt in the left hand?")).to_be_visible()
    assert not daemon.hands("one", "right").pulses(since_us)
    before = daemon.admin.get("/rooms/one")["left"]["id"]
    page.get_by_role("button", name="No, in the other: swap").click()
    until(page, "the swap", lambda: daemon.admin.get("/rooms/one")["right"]["id"] == before)
    expect(page.get_by_text("what was left is right")).to_be_visible()
    page.get_by_role("button", name="Swap left and right").click()
    until(page, "the swap back", lambda: daemon.admin.get("/rooms/one")["left"]["id"] == before)
    daemon.daemon.until_ready("one")


def test_a_press_on_each_pulser_confirms_the_hand_that_holds_it(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at="#/ready/one")
    expect(page.get_by_text("Both pulsers are ready.")).to_be_visible()
    expect(page.get_by_text("No hand is confirmed yet")).to_be_visible()
    daemon.hands("one", "left").press()
    expect(page.locator('.pulser[data-side="left"]')).to_contain_text("Hand confirmed")
    expect(page.locator('.pulser[data-side="right"]')).not_to_contain_text("Hand confirmed")
    expect(page.get_by_text("One hand is confirmed; press the right one too.")).to_be_visible()
    daemon.hands("one", "right").press()
    expect(page.get_by_text("Both hands are confirmed.")).to_be_visible()
    # The daemon remembers it, and so does a page that is new.
    page.reload()
    expect(page.get_by_text("Both hands are confirmed.")).to_be_visible()
    page.get_by_role("button", name="Swap left and right").click()
    expect(page.get_by_text("No hand is confirmed yet")).to_be_visible()
    daemon.admin.post("/rooms/one/swap")
    daemon.daemon.until_ready("one")


def test_left_is_the_client_s_own_and_drawn_as_the_two_sit(browser_page: Pages) -> None:
    page = browser_page(at="#/ready/one")
    expect(page.get_by_text("the client’s left hand is drawn on your right")).to_be_visible()

    def places() -> tuple[float, float]:
        boxes = [page.locator(f'.pulser[data-side="{side}"]').bounding_box() for side in ("left", "right")]
        left, right = (box["x"] for box in boxes if box is not None)
        return left, right

    left, right = places()
    assert left > right
    page.get_by_role("button", name="We sit side by side").click()
    left, right = places()
    assert left < right
    page.reload()
    expect(page.get_by_text("You sit side by side")).to_be_visible()


def test_a_try_out_taps_a_few_times_without_a_session_and_stops_when_asked(
    browser_page: Pages, daemon: House
) -> None:
    page = browser_page(at="#/ready/one")
    expect(page.get_by_text("Both pulsers are ready.")).to_be_visible()
    page.get_by_text("Try it out").click()
    page.get_by_role("button", name="More, left").click()
    since_us = rig.now_us()
    page.get_by_role("button", name="Try 6 round trips").click()
    daemon.until_tapping("one", since_us)
    running = daemon.set("one")
    assert running is not None
    assert (running["pacing"]["left_pct"], running["pacing"]["right_pct"], running["pacing"]["passes"]) == (
        35,
        30,
        6,
    )
    page.locator(".tryout").get_by_role("button", name="Stop", exact=True).click()
    until(page, "the set's end", lambda: (daemon.set("one") or {})["state"] == "ended")
    daemon.until_still("one")
    expect(page.get_by_role("button", name="Try 6 round trips")).to_be_enabled()


def test_another_screen_joins_by_the_six_digits_shown(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at="#/join/one")
    page.get_by_role("radio", name="Observer").check()
    page.get_by_label("Its name").fill("window tablet")
    page.get_by_role("button", name="Show QR code and digits").click()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    digits = page.locator(".six").inner_text().replace(" ", "")
    assert re.fullmatch(r"\d{6}", digits)
    other = browser_page(role=None)
    browser_page.allow(other, "401 GET .*/me")
    answer = other.request.post(
        f"{daemon.url}/api/v1/join", data={"digits": digits}, headers={"Origin": daemon.url}
    )
    assert answer.ok, answer.text()
    joined = answer.json()
    assert (joined["label"], joined["role"], joined["rooms"]) == ("window tablet", "observer", ["one"])


def test_an_observer_is_offered_nothing_that_it_may_not_do(browser_page: Pages) -> None:
    page = browser_page(role="observer", at="#/ready/one")
    expect(page.get_by_text("Both pulsers are ready.")).to_be_visible()
    for name in ("Buzz left", "Swap left and right", "Open the session", "Show the code"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
