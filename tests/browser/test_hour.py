"""A whole hour in small: from the link on the table to the client who wants everything forgotten.

One session in a real browser, with real virtual pulsers; what the motors did is read off their lines. Each
step leaves the room as the next one finds it, as in a session.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Download, Page, expect

from tests.browser.rig import PATIENCE_MS, SIDES, House, Pages, Protocol, until
from tests.support import rig, traces

ROOM = "one"
CODE = "K-4711"
# What nothing of ours vibrates beyond without a word from the daemon, and a loaded kernel's turn.
LIMIT_US = rig.LEASE_US + rig.SLACK_US


class Surface:
    """The Work view as a therapist's hand meets it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.face = page.locator("main.work")
        self._button = page.get_by_test_id("surface")

    def touch(self) -> None:
        """A finger on the middle of the surface, wherever it stands now; waits for nothing."""
        box = self._button.bounding_box()
        assert box is not None
        self.page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def expect(self, mode: str) -> None:
        """Wait until the surface shows `mode`."""
        expect(self.face).to_have_attribute("data-mode", mode, timeout=PATIENCE_MS)

    def rate(self, scale: str, value: int) -> None:
        """One touch on a rating."""
        self.page.get_by_test_id(f"{scale}-{value}").tap()

    def more(self, part: str, times: int = 1) -> None:
        """Touches on the `+` of rate, level or passes."""
        for _ in range(times):
            self.page.get_by_test_id(f"{part}-more").tap()

    def less(self, part: str, times: int = 1) -> None:
        for _ in range(times):
            self.page.get_by_test_id(f"{part}-less").tap()


def off_after_us(daemon: House, at_us: int, watched_s: float) -> int:
    """How long after `at_us` the last vibration ended, watched until `watched_s` after it."""
    return daemon.pair(ROOM).off_after_us(at_us, watched_s)


def pulses_since(daemon: House, since_us: int) -> dict[str, list[traces.Pulse]]:
    return {side: daemon.hands(ROOM, side).pulses(since_us) for side in SIDES}


def assert_alternates(daemon: House, since_us: int) -> None:
    """Left, right, left, right in the set since then, and never both at once."""
    pulses, told = pulses_since(daemon, since_us), daemon.set(ROOM)
    assert told is not None
    faults = traces.alternation_faults(pulses["left"], pulses["right"])
    if any(told[side]["skipped"] for side in SIDES):
        # A machine that kept a board from its edge: it skipped the pulse and counted it, as it has to.
        faults = [fault for fault in faults if fault.kind != "order"]
    assert faults == []


def session_of(daemon: House) -> rig.Json:
    found = daemon.daemon.room(ROOM)["session"]
    assert found is not None
    return found


def recorded(daemon: House, session: str) -> list[rig.Json]:
    """The session's sets as they stand in the journal."""
    return [row["data"] for row in daemon.admin.get(f"/sessions/{session}")["sets"]]


@pytest.mark.timeout(300)
def test_the_whole_hour(browser_page: Pages, daemon: House, shots: Path, tmp_path: Path) -> None:
    """Join, check, open, sets, stops, faults, a dead daemon, a sleeping tablet, close, export, erase."""
    # -- the link on the table, and a second pair of eyes ---------------------------------------------------
    page = browser_page(role=None, at=f"#{daemon.join_link(ROOM, label='Kim').partition('#')[2]}")
    page.get_by_test_id("join").tap()
    expect(page).to_have_url(re.compile(f"#/ready/{ROOM}$"))
    assert "join" not in page.url
    other = browser_page(role="observer", notes=True, label="Sam", at=f"#/work/{ROOM}", size="laptop")
    for one in (page, other):
        # What is on its way as the daemon dies, and every try to reach it while it is dead.
        browser_page.allow(one, "ERR_CONNECTION_REFUSED", "WebSocket connection", "ERR_CONNECTION_RESET")
    browser_page.allow(page, "ERR_EMPTY_RESPONSE", "ERR_SOCKET_NOT_CONNECTED")

    # -- both pulsers, felt in the hands that hold them -----------------------------------------------------
    expect(page.get_by_text("Both pulsers are ready.")).to_be_visible()
    for side in SIDES:
        card, hand = page.locator(f'.pulser[data-side="{side}"]'), daemon.hands(ROOM, side)
        felt_us = rig.now_us()
        card.get_by_role("button", name=re.compile("^Buzz")).tap()
        until(page, f"a buzz on the {side}", lambda hand=hand, at=felt_us: hand.pulses(at))
        daemon.until_still(ROOM)
        hand.press()
        expect(card).to_contain_text("Hand confirmed")
    assert all(len(found) == 1 for found in pulses_since(daemon, 0).values())

    # -- the session ----------------------------------------------------------------------------------------
    page.get_by_label("Client code").fill("k 4711")
    expect(page.get_by_text("New:")).to_be_visible()
    page.get_by_role("button", name="Open the session").tap()
    expect(page).to_have_url(re.compile(f"#/work/{ROOM}$"))
    work, seen = Surface(page), Surface(other)
    work.expect("idle")
    session = session_of(daemon)
    assert (session["code"], session["lead"], sorted(session["hands"])) == (CODE, "Kim", ["left", "right"])
    page.get_by_test_id("phase").tap()
    page.get_by_test_id("phase-desensitisation").tap()
    expect(page.get_by_test_id("phase")).to_have_text("Desensitisation")

    # -- set 1: a touch starts it, it is changed as it runs, a touch stops it --------------------------------
    work.less("passes", 3)
    since_us = rig.now_us()
    work.touch()
    work.expect("running")
    daemon.until_tapping(ROOM, since_us)
    first_peak_pct = max(pulse.peak_pct for pulse in pulses_since(daemon, since_us)["left"])
    work.more("rate", 2)
    work.more("level", 2)
    seen.expect("running")
    until(
        page,
        "the stronger taps",
        lambda: max(p.peak_pct for p in pulses_since(daemon, since_us)["left"]) > first_peak_pct + 5,
    )
    touched_us = rig.now_us()
    work.touch()
    work.expect("cooldown")
    seen.expect("watching")
    daemon.until_still(ROOM)
    assert off_after_us(daemon, touched_us, 1.2) < LIMIT_US
    assert_alternates(daemon, since_us)
    work.rate("sud", 8)
    expect(page.get_by_text("SUD 8")).not_to_have_count(0)

    work.expect("idle")
    # Both screens say the same of it.
    told = re.match(r"Last set: .+? in \d+:\d\d", page.get_by_test_id("time").inner_text())
    assert told is not None
    expect(other.get_by_test_id("time")).to_contain_text(told[0])

    # -- set 2: as many passes as were planned, by a presenter's key -----------------------------------------
    planned = page.get_by_test_id("passes-value")
    while planned.inner_text() != "4":
        before = planned.inner_text()
        work.less("passes")
        expect(planned).not_to_have_text(before)
    daemon.pair(ROOM).watch_host()
    since_us = rig.now_us()
    page.keyboard.press("PageDown")
    work.expect("running")
    until(page, "the set's own end", lambda: (daemon.set(ROOM) or {})["state"] == "ended")
    daemon.pair(ROOM).assert_exact(since_us, 4)
    work.rate("sud", 6)
    work.rate("voc", 3)

    # -- set 3: stopped by a key -----------------------------------------------------------------------------
    work.expect("idle")
    work.more("passes", 2)
    since_us = rig.now_us()
    page.keyboard.press("Space")
    daemon.until_tapping(ROOM, since_us)
    work.expect("running")
    pressed_us = rig.now_us()
    page.keyboard.press("Escape")
    daemon.until_still(ROOM)
    assert off_after_us(daemon, pressed_us, 1.0) < LIMIT_US
    work.expect("idle")

    # -- set 4: the client's own button, and the finger that was on its way to stop --------------------------
    since_us = rig.now_us()
    work.touch()
    daemon.until_tapping(ROOM, since_us)
    work.expect("running")
    daemon.hands(ROOM, "left").press()
    page.wait_for_timeout(200)
    before = daemon.daemon.room(ROOM)["revision"]
    work.touch()
    work.expect("hold")
    assert daemon.is_still(ROOM)
    ended = daemon.set(ROOM)
    assert ended is not None
    assert (ended["state"], ended["ended_by"], ended["ended_side"]) == ("ended", "button", "left")
    work.touch()
    page.wait_for_timeout(300)
    assert daemon.set(ROOM) == ended, before
    expect(page.get_by_test_id("why")).to_contain_text("left")
    browser_page.shot(page, "hour-client-stopped")
    # A note, without leaving.
    page.get_by_test_id("note").tap()
    page.get_by_test_id("note-text").fill("Hands tingle; wanted a pause.")
    page.get_by_test_id("keep").tap()
    expect(page.get_by_role("dialog")).to_have_count(0)

    # -- set 5: held to start again; a pulser dies in it -----------------------------------------------------
    since_us = rig.now_us()
    hold(page, "hold", 1_300)
    daemon.until_tapping(ROOM, since_us)
    work.expect("running")
    killed_us = daemon.hands(ROOM, "right").kill()
    work.expect("hold")
    assert off_after_us(daemon, killed_us, 1.4) < LIMIT_US
    expect(page.get_by_test_id("why")).to_contain_text("right")
    expect(page.locator("#trouble")).to_contain_text("right")
    expect(other.locator("#trouble")).to_contain_text("right")
    browser_page.shot(page, "hour-pulser-lost")
    daemon.hands(ROOM, "right").switch_on()
    daemon.daemon.until_ready(ROOM)
    expect(page.get_by_test_id("hold")).to_be_enabled()

    # -- set 6: the daemon dies in it, and comes back --------------------------------------------------------
    since_us = rig.now_us()
    hold(page, "hold", 1_300)
    daemon.until_tapping(ROOM, since_us)
    work.expect("running")
    killed_us = daemon.kill()
    work.expect("connecting")
    assert off_after_us(daemon, killed_us, 1.4) < LIMIT_US
    # Nothing that was known is shown as if it still were; and stop is there all the same.
    expect(page.get_by_test_id("passes")).to_have_text("–")
    expect(page.locator("#trouble")).to_contain_text("No connection")
    work.touch()
    expect(page.locator("#cover")).to_be_visible()
    expect(page.locator("#cover")).to_contain_text("stop by themselves")
    browser_page.shot(page, "hour-daemon-gone")
    still_us = rig.now_us()
    daemon.restart()
    daemon.daemon.until_ready(ROOM)
    expect(page.locator("#cover")).to_be_hidden()
    work.expect("hold")
    assert session_of(daemon)["id"] == session["id"]
    assert not any(pulses_since(daemon, still_us).values())
    expect(page.locator("#trouble")).not_to_contain_text("No connection")

    # -- set 7: an open set, and the tablet falls asleep -----------------------------------------------------
    while planned.inner_text() != "open":
        before_text = planned.inner_text()
        work.more("passes")
        expect(planned).not_to_have_text(before_text)
    since_us = rig.now_us()
    hold(page, "hold", 1_300)
    daemon.until_tapping(ROOM, since_us)
    work.expect("running")
    wake = asleep(page)
    asleep_us = rig.now_us()
    until(other, "the end of the set", lambda: (daemon.set(ROOM) or {})["state"] == "ended", 40)
    ended = daemon.set(ROOM)
    assert ended is not None
    assert ended["ended_reason"] == "controller"
    # A few seconds to be missed, fifteen to come back in.
    assert 13_000_000 < off_after_us(daemon, asleep_us, (rig.now_us() - asleep_us) / 1e6 + 0.2) < 30_000_000
    # It wakes, and whoever joins next joins: both are told why.
    wake()
    next_one = browser_page(label="Kim again", at=f"#/work/{ROOM}", size="phone")
    for one, mode in ((page, "hold"), (next_one, "lead")):
        Surface(one).expect(mode)
        expect(one.get_by_test_id("why")).to_contain_text("no controlling screen")
    browser_page.shot(next_one, "hour-tablet-slept")
    next_one.close()

    # -- close, with a word for next time; the page of the session -------------------------------------------
    page.get_by_test_id("menu").tap()
    page.get_by_test_id("close").tap()
    page.get_by_test_id("plan").fill("Begin with the calm place.")
    page.get_by_test_id("close-session").tap()
    expect(page).to_have_url(re.compile(r"#/session/[0-9a-f-]{36}$"))
    expect(page.get_by_text("Begin with the calm place.").first).to_be_visible()
    expect(page.get_by_text("Hands tingle; wanted a pause.").first).to_be_visible()
    sets = recorded(daemon, session["id"])
    reasons = [one["reason"] for one in sets]
    assert reasons == ["stop", "finished", "stop", "button", "lost", "daemon", "controller"], reasons
    assert sets[1]["passes_done"] == 4
    browser_page.shot(page, "hour-after")

    # -- report and export -----------------------------------------------------------------------------------
    head = daemon.admin.get(f"/sessions/{session['id']}")["head"]
    for kind in ("html", "jsonl", "csv", "bids"):
        link = page.locator(f'.downloads a[href$="format={kind}"]')
        with page.expect_download() as coming:
            link.click()
        kept = save(coming.value, tmp_path)
        assert kept.stat().st_size > 200, kind
        if kind == "html":
            assert head[:12] in kept.read_text()
        if kind == "jsonl":
            lines = [json.loads(line) for line in kept.read_text().splitlines()]
            assert any(CODE in json.dumps(line) for line in lines)

    # -- and the client who wants everything forgotten -------------------------------------------------------
    computer = browser_page(role="admin", label="this computer", at="#/settings", size="laptop")
    computer.get_by_label("The client’s code").fill("K-4711")
    computer.get_by_role("button", name="Look it up").click()
    computer.get_by_label("Type the code once more").fill("K-4711")
    computer.get_by_role("button", name="Erase for good").click()
    expect(computer.get_by_text("Erased.")).to_be_visible()
    assert daemon.admin.post("/clients/lookup", {"code": CODE})["known"] is False
    computer.get_by_role("button", name="Check the journal").click()
    expect(computer.get_by_text("Intact:")).to_be_visible()
    page.reload()
    expect(page.get_by_text("The content of this session was erased.")).to_be_visible()
    assert "tingle" not in page.locator("body").inner_text()
    assert not leaks(daemon, b"tingle")


def asleep(page: Page) -> Callable[[], None]:
    """Put a page to sleep as a tablet does: its script halts, its sockets stay open. Gives what wakes it."""
    tablet = Protocol(page)
    tablet.ask("Debugger.enable")
    tablet.ask("Debugger.pause")

    def wake() -> None:
        tablet.ask("Debugger.resume")
        tablet.ask("Debugger.disable")

    return wake


def hold(page: Page, test_id: str, ms: int) -> None:
    """Keep a control pressed for so long."""
    page.get_by_test_id(test_id).hover()
    page.mouse.down()
    page.wait_for_timeout(ms)
    page.mouse.up()


def save(download: Download, folder: Path) -> Path:
    path = folder / download.suggested_filename
    download.save_as(path)
    return path


def leaks(daemon: House, text: bytes) -> list[str]:
    """The files of the data folder that still hold `text`."""
    return [path.name for path in daemon.data.rglob("*") if path.is_file() and text in path.read_bytes()]
