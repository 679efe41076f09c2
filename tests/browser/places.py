"""Every view of the screen, and how one gets there: what holds for all of them is checked by this list."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

from tests.browser.rig import House

# What a test writes into the journal; one word of the screen's own is in none of it.
CODE = "K-4711"


def _nothing(_: Page) -> None:
    pass


def _no_arrangement(_: House) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Place:
    """A view in one of its states.

    `at`: its route, or its path if it has a page of its own. `arrange`: what has to be so in the daemon;
    `reach`: what has to be done on the page; `shows`: a selector of what is there once it is shown.
    """

    name: str
    at: str
    shows: str = "main h1"
    role: str | None = "therapist"
    arrange: Callable[[House], None] = _no_arrangement
    reach: Callable[[Page], None] = _nothing


def _unfold(page: Page) -> None:
    for summary in page.locator("main summary").all():
        summary.click()


def _offer(page: Page) -> None:
    page.locator("main form button[type=submit]").click()
    page.locator("img.qr").wait_for()


PLACES = (
    Place("landing", "#/", "input.digits", role=None),
    Place("rooms", "#/", reach=_unfold),
    Place("ready", "#/ready/one", ".ready-columns:not([hidden])", reach=_unfold),
    Place("join", "#/join/one", reach=_offer),
    Place("sessions", "#/sessions"),
    Place("course", "#/course"),
    Place("settings", "#/settings", role="admin", reach=_unfold),
)
