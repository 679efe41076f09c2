"""Every view of the screen, and how one gets there: what holds for all of them is checked by this list."""

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page, expect

from tests.browser.rig import House, Pages

ROOM = "one"
# What a test writes into the journal: marked, so that it is told from the screen's own words.
CODE = "K-4711"
WORDS = "¤what was said¤"


def _nothing(_: Page) -> None:
    pass


def _as_it_is(_: House) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Place:
    """A view in one of its states.

    `at`: its route, or its path if it has a page of its own; `{session}` in it is the newest session's id,
    `{pulser}` the left pulser's.
    `shows`: a selector of what is there once it is shown. `arrange`: what has to be so in the daemon;
    `reach`: what has to be done on the page. `leads`: a session that is open is led from this page.
    """

    name: str
    at: str
    shows: str = "main h1"
    role: str | None = "therapist"
    arrange: Callable[[House], None] = _as_it_is
    reach: Callable[[Page], None] = _nothing
    leads: bool = True

    def route(self, house: House) -> str:
        """`at` in `house`, once it has been arranged."""
        if "{session}" in self.at:
            return self.at.format(session=house.admin.get("/sessions")[0]["id"])
        if "{pulser}" in self.at:
            return self.at.format(pulser=house.daemon.pulser(ROOM, "left")["id"])
        return self.at


# -- what is so --------------------------------------------------------------------------------------------


def open_session(house: House, kind: str = "emdr") -> None:
    """A session that has something of everything."""
    house.open(ROOM, CODE, kind)
    for entry, data in (
        ("phase.begun", {"phase": "desensitisation"}),
        ("target.set", {"text": WORDS}),
        ("part.met", {"label": WORDS}),
        ("rating.sud", {"value": 7}),
        ("rating.voc", {"value": 3}),
        ("note.added", {"text": WORDS}),
        ("mark.set", {"mark": "vitals", "systolic_mmhg": 120, "diastolic_mmhg": 80}),
        ("mark.set", {"mark": "medicine_given", "route": WORDS, "amount": WORDS}),
        ("rating.sud", {"value": 4}),
    ):
        house.admin.post(f"/rooms/{ROOM}/session/entries", {"type": entry, "data": data})


def _led_by_another(house: House) -> None:
    open_session(house)
    house.admin.post(f"/rooms/{ROOM}/session/lead", {"label": WORDS})


def _running(house: House) -> None:
    open_session(house)
    house.daemon.begin(ROOM, rate_hz=1, passes=600)


def _stopped_by_the_client(house: House) -> None:
    open_session(house)
    house.daemon.begin(ROOM, rate_hz=2)
    house.hands(ROOM, "left").press()
    house.daemon.until_ended(ROOM)


def _on_the_charger(house: House) -> None:
    house.hands(ROOM, "right").charge(True)


def _on_a_cable(house: House) -> None:
    """The left pulser's cable is in the daemon's own computer, where it looks for ports."""
    link = house.data / "virtual" / "held" / "console"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(house.pair(ROOM).left.link)


def _after(house: House) -> None:
    open_session(house)
    house.daemon.begin(ROOM, rate_hz=2, passes=2)
    house.daemon.until_ended(ROOM)
    house.admin.post(f"/rooms/{ROOM}/session/close", {"plan": WORDS})


# -- what is done on the page --------------------------------------------------------------------------------


def _unfold(page: Page) -> None:
    for summary in page.locator("main summary").all():
        summary.click()


def _offer(page: Page) -> None:
    page.locator("main form button[type=submit]").click()
    page.locator("img.qr").wait_for()


def _known_client(page: Page) -> None:
    page.locator("input.code").fill(CODE)
    page.locator(".offer:not([hidden])").wait_for()


def _shows(mode: str) -> Callable[[Page], None]:
    def reach(page: Page) -> None:
        expect(page.locator("main.work")).to_have_attribute("data-mode", mode)

    return reach


def _presses(*tests: str) -> Callable[[Page], None]:
    def reach(page: Page) -> None:
        for test in tests:
            page.get_by_test_id(test).click()

    return reach


def _of_client(page: Page) -> None:
    page.locator("main input").first.fill(CODE)
    page.locator("main button[type=submit]").first.click()
    page.locator("main svg, main table").first.wait_for()


def _note(page: Page) -> None:
    page.get_by_test_id("sud-9").click()
    page.locator("#toasts .toast").first.wait_for()


def _ask_port(page: Page) -> None:
    page.locator(".ports input[value*=held]").check()
    page.locator(".stage-ground button.main").click()
    page.locator(".networks").wait_for()
    page.locator(".networks input").last.check()


def _choose_place(page: Page) -> None:
    _ask_port(page)
    page.locator(".networks input").first.check()
    page.locator(".stage-ground button.main").click()
    page.locator(".rooms-choice input").last.check()
    _unfold(page)


def _light_settings(page: Page) -> None:
    page.mouse.move(200, 200)
    page.get_by_test_id("settings_open").click()
    page.get_by_test_id("settings").wait_for()


def _correct(page: Page) -> None:
    page.locator("td.act button").first.click()
    _unfold(page)


WORK = f"#/work/{ROOM}"

PLACES = (
    Place("landing", "#/", "input.digits", role=None),
    Place("rooms", "#/", reach=_unfold),
    Place("ready", f"#/ready/{ROOM}", ".ready-columns:not([hidden])", arrange=_after, reach=_known_client),
    Place("ready-charging", f"#/ready/{ROOM}", ".problems li", arrange=_on_the_charger, reach=_unfold),
    Place("join", f"#/join/{ROOM}", reach=_offer),
    Place("work-plain", WORK, "main.work", reach=_shows("idle")),
    Place("work", WORK, "main.work", arrange=open_session, reach=_shows("idle")),
    Place("work-running", WORK, "main.work", arrange=_running, reach=_shows("running")),
    Place("work-stopped", WORK, "main.work", arrange=_stopped_by_the_client, reach=_shows("hold")),
    Place("work-lead", WORK, "main.work", arrange=_led_by_another, reach=_shows("lead"), leads=False),
    Place("work-noted", WORK, "main.work", arrange=open_session, reach=_note),
    Place(
        "work-watching",
        WORK,
        "main.work",
        role="observer",
        arrange=_running,
        reach=_shows("running"),
        leads=False,
    ),
    Place("work-charging", WORK, "main.work", arrange=_on_the_charger, reach=_shows("unready")),
    Place("work-wiped", WORK, "main.work", arrange=open_session, reach=_presses("wipe")),
    Place("work-hidden", WORK, "main.work", arrange=open_session, reach=_presses("hide")),
    Place("rooms-running", "#/", arrange=_running),
    Place("sessions", "#/sessions", arrange=_after),
    Place("session", "#/session/{session}", arrange=_after, reach=_correct),
    Place("session-open", "#/session/{session}", arrange=open_session),
    Place("course", "#/course", arrange=_after, reach=_of_client),
    Place("settings", "#/settings", role="admin", reach=_unfold),
    Place("pulsers", "#/pulsers", ".pulser .facts", role="admin"),
    Place("pulser", "#/pulser/{pulser}", ".trim-acts", role="admin"),
    Place("add-network", "#/add", ".ports", role="admin", arrange=_on_a_cable, reach=_ask_port),
    Place(
        "add-place", f"#/add/{ROOM}/left", ".ports", role="admin", arrange=_on_a_cable, reach=_choose_place
    ),
    Place("add-refused", "#/add", ".known"),
    Place("trust", "/trust", role=None),
    Place("light-entry", f"/light/{ROOM}", "[data-testid=entry]", role=None),
    Place("light", f"/light/{ROOM}", "[data-testid=said]", role="display", reach=_light_settings),
)

# What lies over the Work view: by name, the controls that open it, one after the other.
LAYERS = {
    "menu": ("menu",),
    "help": ("menu", "help"),
    "targets": ("menu", "targets"),
    "close": ("menu", "close"),
    "pacing": ("more",),
    "phase": ("phase",),
    "note": ("note",),
    "part": ("part",),
    "mark": ("mark",),
    "medicine": ("mark", "mark-medicine_given"),
    "vitals": ("mark", "mark-vitals"),
    "other": ("mark", "mark-other"),
}


def open_layer(page: Page, name: str) -> None:
    """Open a layer over the Work view as it is."""
    for control in LAYERS[name]:
        page.get_by_test_id(control).click()
    page.get_by_role("dialog").wait_for()


def close_layer(page: Page) -> None:
    """Close it by its key."""
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def go_to(place: Place, browser_page: Pages, house: House, lang: str | None = None) -> Page:
    """A page that shows `place`."""
    place.arrange(house)
    page = browser_page(role=place.role, at=place.route(house), lang=lang)
    page.locator(place.shows).first.wait_for()
    if place.leads and house.daemon.room(ROOM)["session"]:
        page.request.post(
            f"{house.url}/api/v1/rooms/{ROOM}/session/lead", data={}, headers={"Origin": house.url}
        )
    place.reach(page)
    return page
