"""Stop, whatever else is broken; and a screen that says only what it knows."""

from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.browser.rig import House, Pages, until
from tests.browser.test_work import AT, ROOM, cooled, hold, set_id, shows, start, touch
from tests.support import rig

__all__ = ["cooled"]  # a fixture of every test in here

STOPS = "**/set/stop"


class Line:
    """The page's WebSocket with our hand on it."""

    def __init__(self, page: Page) -> None:
        self.is_deaf = False  # what the page says is lost
        self.is_dumb = False  # what the daemon says is lost
        self.opened = 0
        page.route_web_socket("**/api/v1/watch", self._take)
        page.reload()

    def _take(self, page_side: WebSocketRoute) -> None:
        self.opened += 1
        daemon_side = page_side.connect_to_server()
        page_side.on_message(lambda text: None if self.is_deaf else daemon_side.send(text))
        daemon_side.on_message(lambda text: None if self.is_dumb else page_side.send(text))


def abort(route: Route) -> None:
    route.abort()


def test_stop_needs_only_the_request(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT)
    line = Line(page)
    start(page)
    line.is_deaf = True
    touch(page)
    daemon.until_still(ROOM)
    shows(page, "hold" if daemon.set(ROOM) is None else "cooldown")


def test_stop_needs_only_the_open_line(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT)
    browser_page.allow(page, "failed: POST .*/set/stop")
    page.route(STOPS, abort)
    start(page)
    touch(page)
    daemon.until_still(ROOM)
    until(page, "the stop is confirmed", lambda: page.locator("#cover").is_hidden())


def test_a_stop_on_any_view_while_a_set_runs(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT)
    for view, module in (("#/settings", "settings"), ("#/", "rooms")):
        page.evaluate(f"location.hash = '{AT}'")
        start(page)
        page.evaluate(f"location.hash = '{view}'")
        expect(page.locator("body")).to_have_attribute("data-view", module)
        stop = page.get_by_test_id("stop")
        expect(stop).to_be_visible()
        box = stop.bounding_box()
        assert box is not None
        assert box["height"] >= 64
        stop.tap()
        daemon.until_still(ROOM)
        expect(stop).not_to_be_visible()


def test_a_stop_that_nothing_confirms_is_amber_then_red_and_then_true(
    browser_page: Pages, daemon: House
) -> None:
    page = browser_page(at=AT)
    browser_page.allow(page, "failed: POST .*/set/stop")
    line = Line(page)
    start(page)
    page.evaluate(
        """() => {
            const bar = document.getElementById("stopbar");
            window.phases = [];
            new MutationObserver(() => window.phases.push([bar.dataset.phase, performance.now()]))
                .observe(bar, { attributes: true, attributeFilter: ["data-phase"] });
        }"""
    )
    line.is_deaf = True
    page.route(STOPS, abort)
    touch(page)
    shows(page, "stopping")
    cover = page.locator("#cover")
    expect(cover).to_be_visible()
    expect(cover).to_contain_text("The pulsers stop by themselves")
    phases = page.evaluate("window.phases")
    assert [name for name, _ in phases] == ["sent", "slow", "red"]
    slow_ms, red_ms = (at - phases[0][1] for _, at in phases[1:])
    assert slow_ms >= 290
    assert red_ms >= 1_190
    # The road is back: the set that was to be stopped is, without another touch.
    page.unroute(STOPS)
    line.is_deaf = False
    daemon.until_still(ROOM)
    expect(cover).not_to_be_visible()


def test_the_daemon_gone_mid_set_is_said_and_nothing_starts_by_itself_when_it_is_back(
    browser_page: Pages, daemon: House
) -> None:
    page = browser_page(at=AT)
    browser_page.allow(page, "failed: ", "WebSocket", "503 ")
    start(page)
    daemon.kill()
    shows(page, "connecting")
    expect(page.get_by_test_id("passes")).to_have_text("–")
    expect(page.locator("#trouble")).to_contain_text("No connection to the daemon")
    # A touch on what is not known stops; and says what the pulsers do without the daemon.
    touch(page)
    expect(page.locator("#cover")).to_be_visible()
    daemon.until_still(ROOM)
    since_us = rig.now_us()
    daemon.restart()
    expect(page.locator("#cover")).not_to_be_visible()
    shows(page, "hold")
    expect(page.get_by_test_id("why")).to_contain_text("the daemon was gone")
    expect(page.locator("#trouble")).not_to_contain_text("No connection")
    daemon.daemon.until_ready(ROOM)
    touch(page)
    page.keyboard.press("PageDown")
    page.wait_for_timeout(300)
    assert not daemon.hands(ROOM, "left").pulses(since_us)
    expect(page.get_by_test_id("hold")).to_be_enabled()
    hold(page, "hold")
    shows(page, "running")
    touch(page)
    daemon.until_still(ROOM)


def test_a_line_that_falls_silent_is_not_believed(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT)
    line = Line(page)
    start(page)
    opened = line.opened
    line.is_dumb = True
    # Within three seconds nothing is known any more, and a new line is tried.
    shows(page, "connecting")
    until(page, "another line", lambda: line.opened > opened)
    line.is_dumb = False
    shows(page, "running")
    touch(page)
    daemon.until_still(ROOM)


def test_after_a_tablet_s_sleep_only_a_new_snapshot_counts(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at=AT)
    line = Line(page)
    start(page)
    opened = line.opened
    line.is_dumb = True
    daemon.admin.post(f"/rooms/{ROOM}/set/stop")
    # It wakes: what it showed last, a running set, is not shown for a moment longer.
    modes = page.evaluate(
        """async () => {
            const work = document.querySelector("main.work");
            const before = work.dataset.mode;
            document.dispatchEvent(new Event("visibilitychange"));
            await new Promise(requestAnimationFrame);
            return [before, work.dataset.mode];
        }"""
    )
    assert modes == ["running", "connecting"]
    line.is_dumb = False
    until(page, "another line", lambda: line.opened > opened)
    shows(page, "idle")


def test_a_start_against_what_is_no_more_so_is_refused_with_the_reason(
    browser_page: Pages, daemon: House
) -> None:
    page = browser_page(at=AT)
    line = Line(page)
    shows(page, "idle")
    line.is_dumb = True
    daemon.admin.post(f"/rooms/{ROOM}/set/start", {})
    daemon.admin.post(f"/rooms/{ROOM}/set/stop")
    ended = set_id(daemon)
    page.wait_for_timeout(1_050)  # past the cooldown, which would refuse it too
    touch(page)
    line.is_dumb = False
    until(
        page, "the page knows again", lambda: page.locator("main.work").get_attribute("data-mode") == "idle"
    )
    assert set_id(daemon) == ended
