"""Work: what a touch means, what the keys do, what one touch notes, and what a lock lets through."""

import itertools
import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.rig import SIZES, ZONE, House, Pages, until
from tests.support import rig

ROOM = "one"
AT = f"#/work/{ROOM}"
HELD_MS = 1_400  # a control that wants a second


COOLDOWN_S = 1.0
_ended_at = [0.0]


@pytest.fixture(autouse=True)
def cooled(browser_page: Pages) -> Iterator[None]:
    """From test to test too: in the second after a set nothing starts."""
    time.sleep(max(0.0, _ended_at[0] + COOLDOWN_S + 0.05 - time.monotonic()))
    yield
    _ended_at[0] = time.monotonic()


def surface_of(page: Page) -> tuple[float, float]:
    """The middle of the surface."""
    # A view that is being built anew has none for a moment.
    box = until(page, "the surface", page.get_by_test_id("surface").bounding_box)
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def touch(page: Page) -> None:
    """A finger on the surface; waits for nothing, as a finger does."""
    page.touchscreen.tap(*surface_of(page))


def shows(page: Page, mode: str) -> None:
    expect(page.locator("main.work")).to_have_attribute("data-mode", mode)


def hold(page: Page, name: str, ms: int = HELD_MS) -> None:
    """Press a control and let go after `ms`."""
    box = page.get_by_test_id(name).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(ms)
    page.mouse.up()


def open_session(page: Page, daemon: House, kind: str = "emdr", code: str = "W-1") -> rig.Json:
    """Open a session as this page, which then has the lead."""
    answer = page.request.post(
        f"{daemon.url}/api/v1/rooms/{ROOM}/session",
        data={"code": code, "kind": kind, "zone": ZONE},
        headers={"Origin": daemon.url},
    )
    assert answer.ok, answer.text()
    expect(page.get_by_test_id("sud-0")).to_be_visible()
    return answer.json()


def entries(daemon: House, session: str, kind: str) -> list[rig.Json]:
    found = daemon.admin.get(f"/sessions/{session}")["entries"]
    return [entry for entry in found if entry["type"] == kind]


def set_id(daemon: House) -> int | None:
    last = daemon.set(ROOM)
    return None if last is None else last["set_id"]


def start(page: Page) -> None:
    """Start a set by a touch and wait until it runs."""
    shows(page, "idle")
    touch(page)
    shows(page, "running")


def test_a_touch_starts_and_a_touch_anywhere_between_the_controls_stops(
    browser_page: Pages, daemon: House
) -> None:
    page = browser_page(at=AT)
    since_us = rig.now_us()
    start(page)
    daemon.until_tapping(ROOM, since_us)
    expect(page.get_by_test_id("passes")).to_have_text("1")
    # Beneath the controls, where nothing is drawn.
    width, height = SIZES["tablet"]
    page.touchscreen.tap(width - 60, height - 6)
    shows(page, "cooldown")
    daemon.until_still(ROOM)
    last = daemon.set(ROOM)
    assert last is not None
    assert (last["ended_reason"], last["ended_by"]) == ("stop", "the tablet")


def test_a_finger_that_misses_a_control_starts_nothing(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT)
    shows(page, "idle")
    before = set_id(daemon)
    width, height = SIZES["tablet"]
    page.touchscreen.tap(width - 60, height - 6)
    page.touchscreen.tap(width - 60, height - 120)
    page.get_by_test_id("rate-more").tap()
    expect(page.get_by_test_id("rate-value")).to_have_text("1.1 Hz")
    shows(page, "idle")
    assert set_id(daemon) == before


def test_after_the_client_s_button_a_landing_finger_starts_nothing_and_only_a_second_s_hold_does(
    browser_page: Pages, daemon: House
) -> None:
    page = browser_page(at=AT)
    start(page)
    daemon.hands(ROOM, "right").press()
    shows(page, "hold")
    expect(page.get_by_test_id("why")).to_have_text("Stopped by the client: the right button.")
    ended = set_id(daemon)
    touch(page)
    page.keyboard.press("PageDown")
    hold(page, "hold", 400)
    page.wait_for_timeout(1_100)  # past the second in which the daemon would refuse it anyway
    touch(page)
    page.keyboard.press(" ")
    shows(page, "hold")
    assert set_id(daemon) == ended
    hold(page, "hold")
    shows(page, "running")
    daemon.hands(ROOM, "left").press()
    shows(page, "hold")
    # The same hold by a key.
    page.get_by_test_id("hold").focus()
    page.keyboard.down("Enter")
    shows(page, "running")
    page.keyboard.up("Enter")
    page.keyboard.press("Escape")
    daemon.until_still(ROOM)


def test_page_keys_work_in_a_field_and_stop_under_a_dialog(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT, size="laptop")
    open_session(page, daemon)
    shows(page, "idle")
    page.keyboard.press("PageDown")
    shows(page, "running")
    page.get_by_test_id("note").click()
    page.get_by_test_id("note-text").fill("half a sentence")
    expect(page.get_by_test_id("stop")).to_be_visible()
    page.keyboard.press(" ")  # a space in a note is a space
    shows(page, "running")
    page.keyboard.press("PageUp")
    daemon.until_still(ROOM)
    expect(page.get_by_test_id("stop")).not_to_be_visible()
    assert page.get_by_test_id("note-text").input_value() == "half a sentence "
    # With the set over it starts nothing from under the dialog.
    ended = set_id(daemon)
    page.wait_for_timeout(1_100)
    page.keyboard.press("PageDown")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("note-layer")).to_have_count(0)
    shows(page, "idle")
    assert set_id(daemon) == ended


def test_escape_stops_a_running_set_first_and_closes_a_dialog_second(
    browser_page: Pages, daemon: House
) -> None:
    page = browser_page(at=AT, size="laptop")
    shows(page, "idle")
    page.keyboard.press(" ")
    shows(page, "running")
    page.get_by_test_id("menu").click()
    page.keyboard.press("Escape")
    daemon.until_still(ROOM)
    shows(page, "cooldown")
    expect(page.get_by_test_id("menu-layer")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("menu-layer")).to_have_count(0)


def test_a_held_key_counts_once(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT, size="laptop")
    shows(page, "idle")
    page.keyboard.down("PageDown")
    shows(page, "running")
    for _ in range(5):
        page.keyboard.down("PageDown")  # what a keyboard repeats
    page.wait_for_timeout(300)
    shows(page, "running")
    page.keyboard.up("PageDown")
    page.keyboard.press("PageDown")
    daemon.until_still(ROOM)


def test_a_finger_that_rests_on_the_surface_is_one_touch(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT, size="laptop")
    shows(page, "idle")
    page.mouse.move(*surface_of(page))
    page.mouse.down()
    shows(page, "running")
    page.wait_for_timeout(900)
    page.mouse.up()
    page.wait_for_timeout(200)
    shows(page, "running")
    # What clicks without a pointer, as a screen reader does, is a touch as well.
    page.wait_for_timeout(300)
    page.get_by_test_id("surface").dispatch_event("click")
    daemon.until_still(ROOM)


def test_space_on_a_control_is_the_control_s_and_on_the_surface_starts(
    browser_page: Pages, daemon: House
) -> None:
    page = browser_page(at=AT, size="laptop")
    shows(page, "idle")
    before = set_id(daemon)
    page.get_by_test_id("passes-less").focus()
    page.keyboard.press(" ")
    expect(page.get_by_test_id("passes-value")).to_have_text("20")
    assert set_id(daemon) == before
    # A click leaves the keys with the surface.
    page.get_by_test_id("surface").focus()
    page.get_by_test_id("passes-less").click()
    expect(page.get_by_test_id("passes-value")).to_have_text("16")
    page.keyboard.press(" ")
    shows(page, "running")
    last = daemon.set(ROOM)
    assert last is not None
    assert last["pacing"]["passes"] == 16
    page.keyboard.press("Enter")
    daemon.until_still(ROOM)


def test_rate_level_and_passes_change_mid_set_by_touches_and_by_keys(
    browser_page: Pages, daemon: House
) -> None:
    page = browser_page(at=AT)
    start(page)
    page.get_by_test_id("rate-more").tap()
    page.get_by_test_id("rate-more").tap()
    page.get_by_test_id("level-less").tap()
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_test_id("rate-value")).to_have_text("1.1 Hz")

    def pacing() -> rig.Json:
        last = daemon.set(ROOM)
        assert last is not None
        return last["asked"] or last["pacing"]

    wanted = {"rate_hz": 1.1, "left_pct": 30, "right_pct": 30, "passes": 28}
    until(page, "the set as it was asked for", lambda: wanted.items() <= pacing().items())
    touch(page)
    daemon.until_still(ROOM)
    shows(page, "idle")
    expect(page.get_by_test_id("rate-value")).to_have_text("1.1 Hz")


def test_the_tempo_of_a_finger_becomes_the_rate(browser_page: Pages) -> None:
    page = browser_page(at=AT)
    page.get_by_test_id("more").tap()
    pad = page.get_by_test_id("tempo")
    pad.evaluate(
        """async (pad) => {
            let now = 1000;
            performance.now = () => now;
            for (let i = 0; i < 6; i += 1, now += 625)
                pad.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
        }"""
    )
    # A tap is one side: 0.625 s each, 1.25 s a pass.
    expect(page.get_by_test_id("rate-value")).to_have_text("0.8 Hz")


def test_one_touch_rates_and_ten_seconds_take_it_back(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT, label="Ida")
    session = open_session(page, daemon)["id"]
    page.get_by_test_id("sud-6").tap()
    expect(page.get_by_test_id("sud-6")).to_have_attribute("aria-current", "true")
    page.get_by_test_id("voc-3").tap()
    expect(page.get_by_test_id("voc-3")).to_have_attribute("aria-current", "true")
    assert [one["data"] for one in entries(daemon, session, "rating.sud")] == [{"value": 6}]
    assert [one["actor"] for one in entries(daemon, session, "rating.voc")] == ["Ida"]
    page.get_by_role("button", name="Undo").last.tap()
    expect(page.get_by_text("Taken back: VOC 3 noted")).to_be_visible()
    expect(page.get_by_test_id("voc-3")).not_to_have_attribute("aria-current", "true")
    assert len(entries(daemon, session, "entry.undone")) == 1


def test_a_high_sud_asks_for_a_word_and_locks_nothing(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT)
    open_session(page, daemon)
    page.get_by_test_id("sud-9").tap()
    expect(page.get_by_text("SUD 9 noted. Your setting asks for a word at 8 or more.")).to_be_visible()
    start(page)
    touch(page)
    daemon.until_still(ROOM)


def test_a_note_a_part_a_mark_and_a_phase_are_two_touches_away(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT)
    session = open_session(page, daemon, "medicine")["id"]
    page.get_by_test_id("phase").tap()
    page.get_by_test_id("phase-dosing").tap()
    expect(page.get_by_test_id("phase")).to_have_text("Dosing")
    page.get_by_test_id("mark").tap()
    page.get_by_test_id("mark-first_effect").tap()
    expect(page.get_by_test_id("mark-layer")).to_have_count(0)
    page.get_by_test_id("mark").tap()
    page.get_by_test_id("mark-medicine_given").tap()
    page.get_by_test_id("amount").fill("as on the label")
    page.get_by_role("button", name="sublingual").tap()
    page.get_by_role("button", name="5 min ago", exact=True).tap()
    page.get_by_test_id("keep").tap()
    expect(page.locator(".top-since")).to_have_text(re.compile("Medicine .* ago"))
    page.get_by_test_id("part").tap()
    page.get_by_test_id("part-text").fill("the small one")
    page.keyboard.press("Enter")
    page.get_by_test_id("note").tap()
    page.get_by_test_id("note-text").fill("breathes slower")
    page.get_by_test_id("keep").tap()
    expect(page.get_by_test_id("note-layer")).to_have_count(0)
    marks = {one["data"]["mark"]: one for one in entries(daemon, session, "mark.set")}
    assert set(marks) == {"first_effect", "medicine_given"}
    given = marks["medicine_given"]
    assert (given["data"]["amount"], given["data"]["route"]) == ("as on the label", "sublingual")
    assert given["at"] < marks["first_effect"]["at"], "it was five minutes ago"
    assert entries(daemon, session, "part.met")[0]["data"]["label"] == "the small one"
    assert entries(daemon, session, "note.added")[0]["data"]["text"] == "breathes slower"


def test_what_the_clinic_wants_to_be_reminded_of_is_said_when_it_is_due(
    browser_page: Pages, daemon: House
) -> None:
    before = daemon.admin.get("/settings")
    text = "Blood pressure again?"
    reminder = {"kind": "medicine", "after_mark": "medicine_given", "after_min": 40, "text": text}
    daemon.admin.put("/settings", {**before, "reminders": [reminder]})
    page = browser_page(at=AT)
    session = open_session(page, daemon, "medicine")
    expect(page.get_by_text(text)).to_have_count(0)
    given = (datetime.fromisoformat(session["opened_at"]) - timedelta(minutes=41)).isoformat()
    mark = {"type": "mark.set", "data": {"mark": "medicine_given"}, "at": given}
    daemon.admin.post(f"/rooms/{ROOM}/session/entries", mark)
    expect(page.get_by_text(text)).to_be_visible()
    page.get_by_role("button", name="Done").tap()
    expect(page.get_by_text(text)).not_to_be_visible()
    daemon.admin.put("/settings", before)


def test_the_level_that_suits_the_hands_is_kept_with_the_session(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT)
    session = open_session(page, daemon)["id"]
    page.get_by_test_id("more").tap()
    value = int(page.get_by_test_id("left-value").inner_text().split()[0])
    page.get_by_test_id("left-less").tap()
    kept = until(page, "the client's level", lambda: entries(daemon, session, "level.client"))
    assert kept[0]["data"] == {"left_pct": value - 5, "right_pct": value}


def test_under_the_wipe_lock_a_touch_stops_and_starts_nothing(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT)
    start(page)
    page.get_by_test_id("wipe").tap()
    touch(page)
    daemon.until_still(ROOM)
    shows(page, "locked")
    ended = set_id(daemon)
    page.wait_for_timeout(1_100)
    width, height = SIZES["tablet"]
    for x in range(40, width, 190):
        for y in range(40, height, 190):
            page.touchscreen.tap(x, y)
    page.keyboard.press("PageDown")
    shows(page, "locked")
    assert set_id(daemon) == ended
    hold(page, "unlock", 1_900)
    shows(page, "idle")


def test_the_screen_lock_hides_the_client_and_outlives_a_reload(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT)
    open_session(page, daemon, code="SECRET-7")
    expect(page.get_by_text("SECRET-7")).to_have_count(0)
    page.get_by_test_id("code").tap()
    expect(page.get_by_text("SECRET-7")).to_be_visible()
    page.get_by_test_id("sud-5").tap()
    start(page)
    page.get_by_test_id("hide").tap()
    for hidden in ("code", "phase", "note"):
        expect(page.get_by_test_id(hidden)).not_to_be_visible()
    expect(page.get_by_text("SUD 5 noted")).not_to_be_visible()
    page.reload()
    expect(page.get_by_test_id("unlock")).to_be_visible()
    page.evaluate("location.hash = '#/sessions'")
    expect(page.get_by_test_id("unlock")).to_be_visible()
    shows(page, "running")
    touch(page)
    daemon.until_still(ROOM)


def test_whoever_has_not_the_lead_stops_at_once_and_starts_after_one_touch_for_it(
    browser_page: Pages, daemon: House
) -> None:
    one = browser_page(at=AT, label="Ada")
    open_session(one, daemon)
    two = browser_page(at=AT, label="Bo", size="phone")
    shows(two, "lead")
    expect(two.get_by_test_id("why")).to_have_text("Ada has the lead.")
    start(one)
    shows(two, "running")
    touch(two)
    daemon.until_still(ROOM)
    last = daemon.set(ROOM)
    assert last is not None
    assert last["ended_by"] == "Bo"
    shows(two, "lead")
    touch(two)
    two.wait_for_timeout(200)
    assert set_id(daemon) == last["set_id"]
    two.get_by_test_id("take-lead").tap()
    shows(one, "lead")
    start(two)
    touch(two)
    daemon.until_still(ROOM)


def test_an_observer_sees_all_of_it_and_can_only_stop(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT, role="observer")
    shows(page, "watching")
    touch(page)
    expect(page.get_by_test_id("rate-more")).not_to_be_visible()
    before = set_id(daemon)
    daemon.admin.post(f"/rooms/{ROOM}/set/start", {})
    shows(page, "running")
    touch(page)
    daemon.until_still(ROOM)
    assert set_id(daemon) != before
    shows(page, "watching")


def test_what_the_hand_needs_is_large_and_all_of_it_on_the_screen(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT)
    open_session(page, daemon)
    small = [*(f"sud-{n}" for n in range(11)), *(f"voc-{n}" for n in range(1, 8)), "note", "mark", "menu"]
    large = [f"{part}-{way}" for part in ("rate", "level", "passes") for way in ("more", "less")]
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        boxes = page.evaluate(
            """(names) => names.map((name) => {
                const box = document.querySelector(`[data-testid="${name}"]`).getBoundingClientRect();
                return [name, box.left, box.top, box.right, box.bottom];
            })""",
            [*large, *small],
        )
        for name, left, top, right, bottom in boxes:
            least = 64 if name in large else 44
            assert min(right - left, bottom - top) >= least - 0.01, (size, name)
            assert 0 <= left < right <= width, (size, name)
            assert 0 <= top < bottom <= height, (size, name)
        digits = page.get_by_test_id("passes").evaluate("node => parseFloat(getComputedStyle(node).fontSize)")
        assert digits >= (56 if size == "phone" else 160), (size, digits)


def test_tones_are_off_until_chosen_and_never_sudden(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at="#/settings", size="laptop")
    page.add_init_script(
        """
        window.heard = { contexts: 0, steps: [] };
        const Own = window.AudioContext;
        window.AudioContext = class extends Own {
          constructor(...given) { super(...given); window.heard.contexts += 1; }
        };
        for (const name of ["setValueAtTime", "linearRampToValueAtTime"]) {
          const own = AudioParam.prototype[name];
          AudioParam.prototype[name] = function (value, at) {
            window.heard.steps.push([name, value, at]);
            return own.call(this, value, at);
          };
        }
        """
    )
    page.goto(f"{daemon.url}/{AT}")
    page.reload()
    shows(page, "idle")
    page.keyboard.press("PageDown")
    shows(page, "running")
    page.keyboard.press("PageDown")
    daemon.until_still(ROOM)
    assert page.evaluate("window.heard") == {"contexts": 0, "steps": []}
    page.get_by_test_id("menu").click()
    page.get_by_test_id("sound-true").click()
    page.keyboard.press("Escape")
    shows(page, "idle")
    page.keyboard.press("PageDown")
    shows(page, "running")
    until(page, "a tone", lambda: page.evaluate("window.heard.steps.length") >= 8)
    page.keyboard.press("PageDown")
    daemon.until_still(ROOM)
    heard = page.evaluate("window.heard.steps")
    assert max(value for _, value, _ in heard) <= 0.25
    rises = [
        after[2] - before[2]
        for before, after in itertools.pairwise(heard)
        if before[:2] == ["setValueAtTime", 0] and after[0] == "linearRampToValueAtTime"
    ]
    assert rises
    assert min(rises) >= 0.2 - 1e-6


def test_the_screen_is_kept_awake(browser_page: Pages) -> None:
    page = browser_page(at="#/")
    page.add_init_script(
        """
        window.asked = [];
        const own = navigator.wakeLock.request.bind(navigator.wakeLock);
        navigator.wakeLock.request = (kind) => { window.asked.push(kind); return own(kind); };
        """
    )
    page.goto(page.url.split("#")[0] + AT)
    page.reload()
    until(page, "the screen's lock", lambda: page.evaluate("window.asked.includes('screen')"))


def test_nothing_of_a_client_s_is_in_any_address(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT)
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    open_session(page, daemon, code="SECRET-9")
    page.get_by_test_id("sud-4").tap()
    expect(page.get_by_test_id("sud-4")).to_have_attribute("aria-current", "true")
    page.get_by_test_id("menu").tap()
    page.get_by_test_id("close").tap()
    page.get_by_test_id("plan").fill("SECRET-9 breathes")
    page.get_by_test_id("close-session").tap()
    page.wait_for_url(re.compile("#/session/"))
    assert asked
    assert not [url for url in [*asked, page.url] if "SECRET" in url]


@pytest.mark.parametrize("size", SIZES)
def test_what_was_noted_is_said_where_it_covers_nothing(
    browser_page: Pages, daemon: House, size: str
) -> None:
    page = browser_page(at=AT, size=size)
    open_session(page, daemon)
    for value in (3, 9, 6):
        page.get_by_test_id(f"sud-{value}").click()
    said = page.locator("#toasts .toast:visible")
    expect(said).to_contain_text("SUD 6")
    expect(said).to_have_count(1)
    at = said.bounding_box()
    assert at is not None
    covered = [
        control.get_attribute("data-testid") or control.inner_text()
        for control in page.locator("main.work :is(button, a):visible").all()
        if (box := control.bounding_box())
        and box["y"] < at["y"] + at["height"]
        and at["y"] < box["y"] + box["height"]
        and box["x"] < at["x"] + at["width"]
        and at["x"] < box["x"] + box["width"]
    ]
    assert covered == []
    width, height = SIZES[size]
    assert at["x"] >= 0
    assert at["x"] + at["width"] <= width
    assert at["y"] + at["height"] <= height
