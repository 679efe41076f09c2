"""The light page before a real daemon and virtual pulsers: it does what the hands feel, and stops with it."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.axe import findings
from tests.browser.light_rig import OPTIONS, Light
from tests.browser.rig import ZONE, House, Json, Protocol, until
from tests.support.rig import now_us

# Everything is on one machine that may be busy: a page that is this far off is wrong, and not only slow.
FAR_US = 120_000
# Three frames further apart than this, on a machine that draws few, tell nothing of where the dot turned.
SEEN_WITHIN_US = 150_000


@pytest.fixture(scope="module")
def shared(browser: Browser, daemon: House) -> Iterator[Light]:
    context = browser.new_context(**OPTIONS)
    light = Light(context, daemon)
    light.join()
    yield light
    context.close()


@pytest.fixture
def light(shared: Light, daemon: House) -> Iterator[Light]:
    """A page that follows; no test leaves it with a complaint, nor with a set."""
    daemon.calm()
    shared.until_fresh()
    yield shared
    daemon.calm()
    assert shared.complaints.unexpected == []


def truth_us(light: Light) -> float:
    """What this page's clock has to be put forward by to be the host's, in µs, as the browser has it."""
    with Protocol(light.page) as browser:
        browser.ask("Performance.enable")
        metrics = {
            one["name"]: float(one["value"]) for one in browser.ask("Performance.getMetrics")["metrics"]
        }
    return metrics["NavigationStart"] * 1e6


def turns_us(frames: list[dict[str, Any]]) -> list[tuple[str, float]]:
    """When the light was at an end, by the page's clock: the middle of the frames around each turn."""
    found: list[tuple[str, float]] = []
    for one, two, three in zip(frames, frames[1:], frames[2:], strict=False):
        if two["glow"]["dot"] < 1 or abs(two["place"]) < 0.8:
            continue
        if three["shownUs"] - one["shownUs"] > SEEN_WITHIN_US:
            continue
        # It waits for the first pulse at the left, for a second or more where the lead is long: no turn yet.
        if one["place"] == two["place"] == three["place"]:
            continue
        if (two["place"] - one["place"]) * (three["place"] - two["place"]) <= 0:
            side = "left" if two["place"] < 0 else "right"
            if not found or found[-1][0] != side:
                found.append((side, two["shownUs"]))
    return found


def test_the_dot_is_at_a_side_when_that_hand_is_tapped_also_after_a_change(light: Light) -> None:
    light.record()
    since_us = now_us()
    light.start(rate_hz=1, pulse_ms=100, passes=7, ramp_ms=0)
    light.until(
        "the first passes are over", "page.line.indexAt(page.follower.fit.there(performance.now() * 1e3)) > 3"
    )
    light.change(rate_hz=2)
    light.until_dark()
    ahead_us = truth_us(light)
    turns = turns_us(light.frames())
    assert len(turns) >= 6
    for side, at_us in turns:
        pulses = light.house.hands("one", side).pulses(since_us)
        middles = [(one.on_us + (one.off_us or one.on_us)) / 2 for one in pulses]
        assert min(abs(at_us + ahead_us - middle) for middle in middles) < FAR_US, (side, at_us)


def test_the_page_knows_the_daemons_clock(light: Light) -> None:
    ahead_us = truth_us(light)
    light.until("some bursts are in", "page.follower.fit.samples.length >= 3")
    wrong_us, bound_us, isolated = light.look(
        f"[page.follower.fit.there(1e6) - 1e6 - {ahead_us}, page.follower.fit.boundUs, crossOriginIsolated]"
    )
    assert abs(wrong_us) <= bound_us + 100
    assert isolated


def test_a_stop_from_elsewhere_puts_the_light_out_where_it_is(light: Light) -> None:
    light.record()
    light.start(rate_hz=0.5)
    light.until_lit()
    light.stop()
    light.until_dark()
    frames = light.frames()
    full = max(number for number, one in enumerate(frames) if one["glow"]["dot"] == 1)
    fading = [one for one in frames[full:] if 0 < one["glow"]["dot"] < 1]
    assert fading, "it did not fade but leapt"
    # It fades in 200 ms (a slow machine draws few frames), and does not move meanwhile.
    assert fading[-1]["nowUs"] - fading[0]["nowUs"] < 2_000_000
    after = [one["place"] for one in frames if one["nowUs"] > fading[0]["nowUs"]]
    assert len(set(after)) == 1


@pytest.mark.parametrize("by", ["button", "escape"])
def test_the_client_may_stop_here(light: Light, by: str) -> None:
    light.start(rate_hz=1)
    light.until_lit()
    if by == "button":
        light.page.get_by_test_id("stop").click()
    else:
        light.page.get_by_test_id("settings_open").click()
        light.page.keyboard.press("Escape")
        assert light.page.get_by_test_id("settings").is_visible()  # the set first, what lies over it second
        light.until("the stop is known here", "!page.isOn")
        light.page.keyboard.press("Escape")
        assert light.page.get_by_test_id("settings").is_hidden()
    light.house.until_still("one")
    until(light.page, "over", lambda: (light.house.set("one") or {}).get("state") == "ended")
    held = light.house.set("one")
    assert held is not None
    assert (held["ended_reason"], held["ended_by"]) == ("stop", "light")
    light.until("the stop is known here", "page.stopButton.hidden && page.noAnswer === 0")


def test_a_touch_on_the_page_neither_starts_nor_stops(light: Light) -> None:
    light.page.mouse.click(500, 300)
    light.page.keyboard.press("Space")
    light.page.keyboard.press("Enter")
    light.page.keyboard.press("PageDown")
    assert (light.house.set("one") or {"state": "ended"})["state"] == "ended"
    light.start(rate_hz=1)
    light.until_lit()
    light.page.mouse.click(500, 300)
    light.page.keyboard.press("Space")
    light.page.wait_for_timeout(200)
    assert (light.house.set("one") or {})["state"] == "running"


def test_no_word_is_shown_while_a_set_runs_and_the_tools_go_away(light: Light) -> None:
    until(light.page, "words", lambda: light.page.get_by_test_id("said").text_content())
    light.start(rate_hz=1)
    light.until_lit()
    until(light.page, "the tools went", lambda: light.page.get_by_test_id("settings_open").is_hidden())
    assert light.page.evaluate("document.body.innerText.trim()") in ("", "twintap light: one")
    assert light.page.get_by_test_id("said").text_content() == ""
    assert light.page.get_by_test_id("stop").is_visible()


def test_tones_are_off_until_chosen_then_planned_with_their_pulses_and_silent_on_stop(light: Light) -> None:
    light.start(rate_hz=1, passes=3)
    light.until_lit()
    assert light.look("[page.tones.isOn, page.tones.context, page.tones.planned.size]") == [False, None, 0]
    light.stop()
    light.until_dark()
    light.sound_on()
    light.start(rate_hz=2, ramp_ms=0)
    light.until(
        "tones of both sides", "new Set([...page.tones.planned.values()].map((one) => one.side)).size === 2"
    )
    wrong_us: list[float] = light.look(
        """[...page.tones.planned.values()].map((one) => one.atUs
          - page.tones.clock.contextUs(page.follower.fit.here(one.pulseUs) + page.tones.trimUs))"""
    )
    assert max(map(abs, wrong_us)) < 60_000  # what a late tone may be late, and a sound card's first second
    sides: list[tuple[int, str]] = light.look(
        "[...page.tones.planned.values()].map((one) => [one.index, one.side])"
    )
    assert all(side == ("left", "right")[index % 2] for index, side in sides)
    assert light.look("page.tones.master.gain.value") <= 0.3
    light.stop()
    light.until("silence", "page.tones.planned.size === 0 && page.tones.swell.gain.value === 0")


def test_the_trim_moves_the_tones_and_stays_within_its_bounds(light: Light) -> None:
    light.page.get_by_test_id("settings_open").click()
    less = light.page.get_by_test_id("trim_ms").get_by_role("button").first
    for _ in range(3):
        less.click()
    assert light.look("page.tones.trimUs") == -30_000
    light.look("(page.tones.setTrim(-9000), null)")
    assert light.look("page.tones.trimUs") == -300_000
    light.page.get_by_test_id("trim_ms").get_by_role("button").last.click()
    assert light.look("page.tones.trimUs") == -20_000
    light.look("(page.change('trim_ms', 0), page.togglePanel(false), null)")


def test_lit_sides_that_would_flash_too_often_give_way_to_the_dot_and_it_says_so(light: Light) -> None:
    light.look("(page.change('figure', 'bars'), null)")
    light.start(rate_hz=1)
    light.until("the sides", "page.figure.glow.bars === 1 && page.figure.glow.dot === 0")
    light.change(rate_hz=2)
    light.until("the dot", "page.figure.glow.dot === 1 && page.figure.glow.bars === 0")
    light.page.get_by_test_id("settings_open").click()
    until(
        light.page, "said", lambda: "three times" in (light.page.get_by_test_id("why").text_content() or "")
    )
    light.look("(page.change('figure', 'auto'), page.togglePanel(false), null)")


def test_less_motion_is_kept_to_and_explained(light: Light) -> None:
    light.page.emulate_media(reduced_motion="reduce")
    light.start(rate_hz=1)
    light.until("the sides", "page.figure.glow.bars === 1 && page.figure.glow.dot === 0")
    light.page.get_by_test_id("settings_open").click()
    until(
        light.page, "said", lambda: "less motion" in (light.page.get_by_test_id("why").text_content() or "")
    )
    light.look("(page.change('figure', 'dot'), null)")
    light.until("the dot, as chosen", "page.figure.glow.dot === 1")
    light.look("(page.change('figure', 'auto'), page.togglePanel(false), null)")
    light.page.emulate_media(reduced_motion="no-preference")


def test_a_silent_daemon_lets_the_light_fade_and_a_fresh_one_brings_it_back(light: Light) -> None:
    light.start(rate_hz=1)
    light.until_lit()
    pid = light.house.daemon.process.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        light.until_dark()
        assert not light.look("page.follower.isFresh()")
    finally:
        os.kill(pid, signal.SIGCONT)
    light.until_fresh()
    light.complaints.allow("WebSocket", "failed: ")
    light.house.kill()
    until(
        light.page,
        "said",
        lambda: "No connection" in (light.page.get_by_test_id("said").text_content() or ""),
    )
    light.house.restart()
    light.until_fresh()
    light.house.daemon.until_ready("one")
    light.start(rate_hz=1)
    light.until_lit()


def test_a_page_that_was_asleep_shows_nothing_but_what_is_so_now(light: Light) -> None:
    light.start(rate_hz=1)
    light.until_lit()
    seen = light.look(
        """(() => {
          page.follower.aheadMs -= 60000;  // as if the time of day had gone on for a minute without this page
          page.follower.wake();
          return [page.follower.isFresh(), page.line.isRunning, page.follower.fit.ready];
        })()"""
    )
    assert seen == [False, False, False]
    light.until_lit()


def test_a_display_is_shown_the_beat_and_nothing_else_of_its_room(light: Light) -> None:
    light.complaints.allow("403 GET")
    for path in ("/rooms/one", "/rooms", "/rooms/one/session", "/sessions"):
        assert light.page.evaluate("(path) => fetch('/api/v1' + path).then((one) => one.status)", path) == 403


def test_six_digits_let_a_screen_in_and_wrong_ones_do_not(browser: Browser, daemon: House) -> None:
    daemon.calm()
    context = browser.new_context(**OPTIONS)
    try:
        light = Light(context, daemon)
        light.complaints.allow("WebSocket", "409 POST .*/join", "403 POST .*/join", "404 POST .*/join")
        light.open()
        entry = light.page.get_by_test_id("entry")
        digits = daemon.admin.post("/join/offers", {"room": "one", "role": "display"})["digits"]
        wrong = f"{(int(digits) + 1) % 1_000_000:06d}"
        entry.get_by_role("textbox").fill(wrong)
        entry.get_by_role("button").click()
        until(light.page, "refused", lambda: entry.get_by_role("alert").text_content())
        entry.get_by_role("textbox").fill(digits)
        entry.get_by_role("button").click()
        light.until_fresh()
        assert entry.count() == 0
        assert light.complaints.unexpected == []
    finally:
        context.close()


@pytest.mark.parametrize("size", [(1180, 820), (390, 844)])
def test_axe_finds_nothing_in_any_state_on_any_ground(
    browser: Browser, daemon: House, shots: Path, size: tuple[int, int]
) -> None:
    daemon.calm()
    width, height = size
    options: Json = OPTIONS | {"viewport": {"width": width, "height": height}, "timezone_id": ZONE}
    context = browser.new_context(**options)
    try:
        light = Light(context, daemon)
        link = daemon.join_link("one", "display")
        light.open("#" + link.partition("#")[2])
        entry = light.page.get_by_test_id("entry")
        entry.wait_for()
        check(light, shots, f"light-{width}-entry")
        entry.get_by_role("button").click()
        light.until_fresh()
        for ground in ("black", "light"):
            light.look(f"(page.change('ground', '{ground}'), null)")
            check(light, shots, f"light-{width}-{ground}-idle")
            light.page.get_by_test_id("settings_open").click()
            light.until_lit()
            check(light, shots, f"light-{width}-{ground}-settings")
            light.page.get_by_test_id("close").click()
        light.start(rate_hz=1)
        light.until_lit()
        check(light, shots, f"light-{width}-running")
    finally:
        context.close()
        daemon.calm()


def check(light: Light, shots: Path, name: str) -> None:
    light.shot(shots, name)
    assert findings(light.page) == [], name


def test_every_word_comes_from_the_one_file(browser: Browser, daemon: House) -> None:
    """In the pseudo-language every text is in brackets; what is not was not in the file."""
    daemon.calm()
    context = browser.new_context(**OPTIONS)
    try:
        light = Light(context, daemon)
        light.complaints.allow("WebSocket")
        light.open("?lang=pseudo")
        light.page.get_by_test_id("entry").wait_for()
        texts = light.page.evaluate("[document.title, ...TEXTS()]".replace("TEXTS", TEXTS))
        link = daemon.join_link("one", "display")
        light.page.context.request.post(
            f"{daemon.url}/api/v1/join",
            data={"token": link.partition("#join=")[2], "label": "x"},
            headers={"Origin": daemon.url},
        )
        light.open("?lang=pseudo")
        light.until_fresh()
        light.page.get_by_test_id("settings_open").click()
        texts += light.page.evaluate(TEXTS + "()")
        bare = [text for text in texts if not re.fullmatch(r"\s*(⟦.*⟧|[−+])\s*", text, re.DOTALL)]
        assert bare == []
        assert len(texts) > 40
    finally:
        context.close()


TEXTS = """(() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const { parentElement, data } = walk.currentNode;
    if (data.trim() && !parentElement.closest('noscript, script')) found.push(data);
  }
  for (const node of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
    for (const name of ['aria-label', 'title', 'placeholder']) {
      if (node.hasAttribute(name)) found.push(node.getAttribute(name));
    }
  }
  return found;
})"""
