"""The light page before a real daemon: how to open it, and how to look at what it does from inside."""

from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page

from tests.browser.rig import PATIENCE_MS, Complaints, House, until

Json = dict[str, Any]
OPTIONS: Json = {"viewport": {"width": 1180, "height": 820}, "reduced_motion": "no-preference"}


class Light:
    """One light page, joined as a display."""

    def __init__(self, context: BrowserContext, house: House, *, room: str = "one") -> None:
        self.house = house
        self.room = room
        context.set_default_timeout(PATIENCE_MS)
        self.page: Page = context.new_page()
        self.complaints = Complaints(self.page, house.url)

    def open(self, fragment: str = "") -> None:
        """Go to the page; `fragment` of a link to join by."""
        self.page.goto(f"{self.house.url}/light/{self.room}{fragment}")

    def join(self) -> None:
        """Come in by a one-time link, with its one tap, and wait until the beat is known."""
        link = self.house.join_link(self.room, "display")
        self.open("#" + link.partition("#")[2])
        self.page.get_by_test_id("entry").get_by_role("button").click()
        self.until_fresh()

    def look(self, expression: str) -> Any:
        """The value of a JavaScript expression in which `page` is the light page itself."""
        return self.page.evaluate(f"import('/ui/js/light.js').then(({{page}}) => ({expression}))")

    def until(self, what: str, expression: str) -> Any:
        """Wait until an expression of the page is true; give it."""
        return until(self.page, what, lambda: self.look(expression))

    def until_fresh(self) -> None:
        self.until("the beat is known", "page?.follower.isFresh()")

    def until_lit(self) -> None:
        self.until("the light is up", "page.figure.glow.dot === 1")

    def until_dark(self) -> None:
        self.until("the light is out", "!page.figure.isSeen")

    def until_said(self, where: str, words: str) -> None:
        """Wait until the element with this test id says `words` among others."""
        element = self.page.get_by_test_id(where)
        until(self.page, f"{where} says {words}", lambda: words in (element.text_content() or ""))

    def record(self) -> None:
        """Keep each frame that it draws from now on, in `window.frames_`."""
        self.look("(window.frames_ = [], page.frames = (frame) => window.frames_.push(frame), null)")

    def frames(self) -> list[Json]:
        return self.page.evaluate("window.frames_")

    def sound_on(self) -> None:
        self.page.get_by_test_id("settings_open").click()
        self.page.get_by_test_id("sound").click()
        self.until("the tones may be heard", "page.tones.isHeard && page.tones.clock.reads.length > 3")
        self.page.get_by_test_id("close").click()

    def start(self, **pacing: float | str) -> None:
        """Start a set, as soon as the pause after the one before is over."""
        self.house.daemon.begin(self.room, **pacing)

    def change(self, **pacing: object) -> None:
        self.house.admin.post(f"/rooms/{self.room}/set/change", pacing)

    def stop(self) -> None:
        self.house.admin.post(f"/rooms/{self.room}/set/stop")

    def shot(self, folder: Path, name: str) -> None:
        self.page.screenshot(path=folder / f"{name}.png")
