"""The pulsers on the screen: added by their cable, named, moved, replaced, unpaired; resting, and the doctor.

Spare boards lie where the daemon looks for the ports of its own machine.
"""

import contextlib
import json
import os
import pty
import re
import threading
import tty
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.rig import House, Json, Pages, until
from tests.support import rig

WIFI = "clinic"
PASSWORD = "a right password"


def admin(pages: Pages, house: House, at: str, size: str = "tablet") -> Page:
    link = house.admin.post("/join/offers", {"role": "admin", "label": "the office"})["url"]
    return pages(role="admin", link=link, at=at, label="the office", size=size)


def in_room(house: House, room: str, side: str) -> Json | None:
    found = house.daemon.ask("GET", f"/rooms/{room}")
    return found.body[side] if found.status == 200 else None


@pytest.fixture(scope="module")
def boards(daemon: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[rig.Board]]]:
    """Boards that are got ready while other tests run: two of nobody's, and a pair that soon rests.

    `plain` needs no network, `choosy` is in the air of a clinic's, and its pairing with a wrong password is
    begun; `left` and `right` are those of room four.
    """
    folder = daemon.data / "virtual"
    home = tmp_path_factory.mktemp("r")
    virtual = json.loads((Path(__file__).parents[2] / "firmware/boards/virtual.json").read_text())
    file = home / "restless.json"
    file.write_text(json.dumps(virtual | {"drowsy_after_s": 4}))
    made = {
        "plain": rig.Board(folder / "plain"),
        "choosy": rig.Board(folder / "choosy", "--wifi", f"{WIFI}:{PASSWORD}", "--wifi", "guests:"),
    } | {side: rig.Board(home / side[0], "--board", str(file)) for side in rig.SIDES}

    def start(name: str) -> rig.Board:
        board = made[name]
        board.switch_on()
        if name in rig.SIDES:
            daemon.daemon.done("pair", str(board.link), "--room", "four", "--side", name)
        if name == "choosy":
            wifi = {"ssid": WIFI, "password": "a wrong password"}
            body = {"port": str(board.link), "room": "two", "side": "right", "wifi": wifi}
            daemon.admin.post("/pairings", body)
        return board

    with contextlib.ExitStack() as stack, ThreadPoolExecutor(len(made)) as together:
        for board in made.values():
            stack.push(board)
        yield {name: together.submit(start, name) for name in made}


@pytest.fixture
def spares(boards: dict[str, Future[rig.Board]]) -> dict[str, rig.Board]:
    """The two boards of nobody's."""
    return {name: boards[name].result() for name in ("plain", "choosy")}


def choose_port(page: Page, board: rig.Board) -> None:
    page.get_by_role("radio", name=str(board.link)).check()
    page.get_by_role("button", name="Ask what is there").click()
    expect(page.get_by_role("heading", name="Its network")).to_be_focused()


def test_the_doctor_s_lines_have_a_mark_a_word_and_what_to_do(browser_page: Pages, daemon: House) -> None:
    page = admin(browser_page, daemon, "#/settings", size="laptop")
    with page.expect_response("**/api/v1/doctor") as answer:
        page.get_by_role("button", name="Look now").click()
    lines = page.locator(".findings li")
    expect(lines.first).to_be_visible()
    for line in lines.all():
        state = line.get_attribute("data-state") or ""
        expect(line.locator(".finding-mark")).to_contain_text(state)
        expect(line.get_by_text("What to do:")).to_have_count(0 if state == "fine" else 1)
    said = answer.value.json()["lines"]
    assert lines.count() == len(said)
    page.get_by_text("things are fine").click()
    fine = next(line for line in said if line["state"] == "fine")
    expect(lines.filter(has_text=fine["words"]).first).to_be_visible()


@pytest.mark.usefixtures("boards")
def test_who_does_not_own_the_computer_sees_the_pulsers_and_changes_nothing(
    browser_page: Pages, daemon: House
) -> None:
    page = browser_page(at="#/ready/one")
    page.get_by_role("link", name="All pulsers").click()
    cards = page.locator(".pulser")
    expect(cards).to_have_count(2)
    expect(cards.first).to_contain_text("linked")
    expect(page.get_by_role("link", name="Change")).to_have_count(0)
    expect(page.get_by_role("link", name="Add")).to_have_count(0)
    since_us = rig.now_us()
    page.get_by_role("article").first.get_by_role("button", name="Buzz").click()
    until(page, "a buzz", lambda: any(daemon.hands("one", side).pulses(since_us) for side in rig.SIDES))
    # Nor is anything asked for that would be refused: the page would complain of it.
    page.goto(f"{daemon.url}/#/add/one/left")
    expect(page.get_by_text("Pulsers are added on the computer that runs twintap")).to_be_visible()
    expect(page.get_by_role("button", name="Ask what is there")).to_have_count(0)


def test_who_may_only_watch_is_offered_no_buzz(browser_page: Pages, daemon: House) -> None:
    page = browser_page(role="observer", at="#/pulsers")
    expect(page.locator(".pulser")).to_have_count(2)
    expect(page.locator(".pulser").first).to_contain_text("linked")
    expect(page.get_by_role("button", name="Buzz")).to_have_count(0)
    page.goto(f"{daemon.url}/#/pulser/{daemon.daemon.pulser('one', 'left')['id']}")
    expect(page.locator(".facts.broad")).to_be_visible()
    expect(page.get_by_role("button", name="Buzz")).to_have_count(0)


@pytest.mark.usefixtures("boards")
def test_a_pulser_is_renamed_moved_and_trimmed_by_touch(browser_page: Pages, daemon: House) -> None:
    before = in_room(daemon, "one", "left")
    assert before is not None
    page = admin(browser_page, daemon, "#/pulsers")
    page.get_by_role("link", name=f"Change {before['name']}").tap()
    name = page.get_by_role("textbox", name="Name", exact=True)
    name.fill("Otter")
    page.get_by_role("button", name="Save").tap()
    expect(page.get_by_role("heading", name="Otter")).to_be_visible()

    page.get_by_role("button", name="Less").tap()
    page.get_by_role("button", name="Less").tap()
    page.get_by_role("button", name="Keep it").tap()
    expect(page.get_by_text("The pulser has it.")).to_be_visible()
    until(page, "its trim", lambda: (in_room(daemon, "one", "left") or {}).get("trim_pct") == 98)
    since_us = rig.now_us()
    page.get_by_role("button", name="Feel both, one after the other").tap()
    first, second = (daemon.hands("one", side) for side in ("left", "right"))
    until(page, "the other one's buzz", lambda: second.pulses(since_us))
    assert first.pulses(since_us)[0].on_us < second.pulses(since_us)[0].on_us

    page.get_by_role("radio", name="The client’s right hand").check()
    expect(page.get_by_text("the two change sides")).to_be_visible()
    page.get_by_role("button", name="Move it there").tap()
    until(page, "the move", lambda: (in_room(daemon, "one", "right") or {}).get("name") == "Otter")
    expect(page.get_by_text("one · the client’s right hand")).to_be_visible()
    daemon.admin.post("/rooms/one/swap")


PORT = "/dev/ttyACM0"
STEPS = ("port", "pulser", "networks", "join", "daemon", "key", "link")


class Cable:
    """A cable with a pulser at its end that sees thirty networks, and pairings as a test wants them."""

    def __init__(self, page: Page, pulser_id: str) -> None:
        self.at, self.state, self.ends_as, self.code = 0, "doing", "cancelled", "isolation"
        self.begun: list[Json] = []
        self._pulser_id = pulser_id
        page.route("**/api/v1/ports", lambda route: route.fulfill(json=[self._port()]))
        page.route("**/api/v1/ports/scan", lambda route: route.fulfill(json=self._found()))
        page.route("**/api/v1/pairings", self._pairings)
        page.route("**/api/v1/pairings/*", self._pairing)

    def _port(self) -> Json:
        named: Json = {"port": PORT, "kind": "board", "what": "", "usb": None, "serial_number": None}
        return named | {"likely": True, "problem": None}

    def _found(self) -> Json:
        seen = [
            {"ssid": f"flat {n:02}", "rssi_dbm": -40 - n, "channel": 1, "secure": n != 2} for n in range(30)
        ]
        told = {"name": "spare", "board": None, "firmware": None, "paired": "nobody", "room": None}
        return told | {
            "id": self._pulser_id, "side": None, "networks": [], "network": "no network set", "seen": seen,
        }  # fmt: skip

    def _pairings(self, route: Route) -> None:
        if route.request.method == "POST":
            self.begun.append(json.loads(route.request.post_data or ""))
            self.state = "doing"
            route.fulfill(status=202, json=self._view())
        else:
            route.fulfill(json=[self._view()])

    def _pairing(self, route: Route) -> None:
        if route.request.method == "DELETE":
            self.state = self.ends_as
        route.fulfill(json=self._view())

    def _view(self) -> Json:
        def state(n: int) -> str:
            if n < self.at or self.state == "done":
                return "done"
            return "waiting" if n > self.at else "failed" if self.state == "failed" else "doing"

        steps = [{"name": name, "state": state(n), "words": "¤"} for n, name in enumerate(STEPS)]
        fault = {"step": STEPS[self.at], "code": self.code, "message": "nothing of it arrives"}
        return {
            "id": "0" * 12, "port": PORT, "state": self.state, "room": "one", "side": "left", "steps": steps,
            "pulser": self._pulser_id if self.state == "done" else None,
            "fault": fault if self.state == "failed" else None, "hints": [],
        }  # fmt: skip


# Each line that is said politely, in its order.
_HEAR = """() => {
  window.heard = [];
  const told = (node) => node.closest?.("[role=status]");
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const at = told(target.nodeType === Node.TEXT_NODE ? target.parentElement : target);
      if (at?.textContent) window.heard.push(at.textContent);
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def test_the_whole_wizard_goes_by_keyboard_and_says_each_step_once(
    browser_page: Pages, daemon: House
) -> None:
    own = daemon.daemon.pulser("one", "left")["id"]  # its place is its own, and free for it
    page = admin(browser_page, daemon, "#/settings", size="phone")
    cable = Cable(page, own)
    page.goto(f"{daemon.url}/#/add/one/left")
    expect(page.get_by_role("radio", name=PORT)).to_be_checked()
    page.get_by_role("radio", name=PORT).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Its network")).to_be_focused()

    # Thirty are seen: the strongest are shown, and what one needs is asked right beneath it.
    radios = page.locator(".networks input[type=radio]:visible")
    expect(radios).to_have_count(9)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="flat 01")).to_be_checked()
    page.keyboard.press("Tab")
    password = page.get_by_label("Wi-Fi password", exact=True)
    expect(password).to_be_focused()
    beneath = page.locator("label:has(input:checked) + .under")
    expect(beneath.get_by_label("Wi-Fi password", exact=True)).to_be_visible()
    page.get_by_role("button", name="Show all 30 networks").press("Enter")
    expect(radios).to_have_count(31)
    expect(page.get_by_role("radio", name="flat 08")).to_be_focused()
    page.get_by_role("radio", name="flat 01").press(" ")
    page.keyboard.press("Tab")
    page.keyboard.type("hidden from others")
    page.keyboard.press("Tab")
    page.keyboard.press(" ")
    expect(password).to_have_attribute("type", "text")
    page.keyboard.press(" ")
    expect(password).to_have_attribute("type", "password")
    expect(password).to_have_attribute("autocomplete", "off")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Its place")).to_be_focused()
    page.evaluate(_HEAR)
    page.get_by_role("button", name="Pair it").press("Enter")
    expect(page.get_by_role("heading", name="Pairing", exact=True)).to_be_focused()
    assert cable.begun[0]["wifi"] == {"ssid": "flat 01", "password": "hidden from others"}
    for cable.at in (3, 6):
        expect(page.locator(".steps [data-state=doing]")).to_have_attribute("data-state", "doing")
        expect(page.locator(".steps li").nth(cable.at)).to_have_attribute("data-state", "doing")

    # What went wrong is seen without a search, on a phone too, and said by itself; the focus is not lost.
    cable.state = "failed"
    expect(page.get_by_role("alert")).to_contain_text("It stopped at: Hear it over the air")
    expect(page.get_by_role("alert").get_by_role("heading")).to_be_in_viewport()
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_focused()
    expect(again).to_be_in_viewport()
    said = page.evaluate("heard.filter((line, i) => line !== heard[i - 1])")
    assert said == ["Open the port: now", "Join the network: now", "Hear it over the air: now"]
    cable.at = 5
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Break it off")).to_be_focused()

    # A wrong password leads back to it: it is corrected, and not typed anew.
    cable.at, cable.code, cable.state = 3, "password", "failed"
    expect(page.get_by_role("alert")).to_contain_text("“flat 01” refuses the password")
    expect(page.get_by_role("button", name="Choose the network again")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Its network")).to_be_focused()
    expect(password).to_have_value("hidden from others")
    password.press("Enter")
    page.get_by_role("button", name="Pair it").press("Enter")
    expect(page.get_by_role("button", name="Break it off")).to_be_visible()

    # One that had handed over its key as it was broken off is paired, and shown to be.
    cable.ends_as = "done"
    page.get_by_role("button", name="Break it off").press("Enter")
    expect(page.get_by_role("heading", name="It works")).to_be_focused()


def test_a_pairing_that_was_left_in_the_middle_is_found_again(browser_page: Pages, daemon: House) -> None:
    page = admin(browser_page, daemon, "#/settings")
    cable = Cable(page, "0" * 16)
    for view in ("#/pulsers", "#/add"):
        page.goto(f"{daemon.url}/{view}")
        expect(page.get_by_text("A pulser is being paired: one, the client’s left hand.")).to_be_visible()
    page.get_by_role("link", name="See how far it is").click()
    expect(page.locator(".steps [data-state=doing]")).to_contain_text("Open the port")
    cable.at = 3
    expect(page.locator(".steps [data-state=doing]")).to_contain_text("Join the network")
    page.get_by_role("button", name="Break it off").click()
    expect(page.get_by_role("heading", name="Plug it in")).to_be_focused()


@contextlib.contextmanager
def no_pulser(link: Path) -> Generator[None]:
    """A port at which something answers that is no pulser."""
    master, slave = pty.openpty()
    link.parent.mkdir(parents=True)
    link.symlink_to(os.ttyname(slave))

    def answer() -> None:
        with contextlib.suppress(OSError):  # the port is gone
            heard = b""
            while True:
                heard += os.read(master, 1024)
                *lines, heard = heard.split(b"\n")
                for line in filter(None, map(bytes.strip, lines)):
                    request = json.loads(line)
                    error = {"code": -32601, "message": "what is that?"}
                    reply = {"jsonrpc": "2.0", "id": request["id"], "error": error}
                    os.write(master, json.dumps(reply).encode() + b"\n")

    tty.setraw(slave)
    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        link.unlink()
        os.close(slave)
        thread.join()
        os.close(master)


def test_a_port_where_no_pulser_answers_says_how_to_put_a_program_on_the_board(
    browser_page: Pages, daemon: House
) -> None:
    link = daemon.data / "virtual" / "other" / "console"
    page = admin(browser_page, daemon, "#/add/one/left", size="phone")
    page.get_by_role("heading", name="Plug it in").wait_for()
    with no_pulser(link):  # it shows by itself
        page.get_by_role("radio", name=str(link)).check()
        browser_page.allow(page, "409 POST .*/ports/scan")
        page.get_by_role("button", name="Ask what is there").click()
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("No pulser answers there")
        expect(alert.locator("code")).to_have_text(f"twintap flash {link}")
    expect(page.get_by_role("radio", name=str(link))).to_have_count(0)


def test_both_pulsers_of_a_room_are_added_and_tap_in_a_set(
    browser_page: Pages, daemon: House, spares: dict[str, rig.Board]
) -> None:
    page = admin(browser_page, daemon, "#/settings")
    # It was tried before, with a wrong password; here it is not known what was chosen then.
    [tried] = daemon.admin.get("/pairings")
    page.goto(f"{daemon.url}/#/pairing/{tried['id']}")
    expect(page.get_by_role("alert")).to_contain_text("It stopped at: Join the network")
    expect(page.get_by_role("alert")).to_contain_text(f"the network {WIFI} refuses the password")
    assert daemon.daemon.ask("GET", "/rooms/two").status == 404  # what failed leaves no room behind
    page.get_by_role("button", name="Begin anew").click()
    expect(page.get_by_role("heading", name="Plug it in")).to_be_focused()
    page.goto(f"{daemon.url}/#/")
    page.get_by_role("link", name="Add a pulser").click()
    choose_port(page, spares["choosy"])
    page.get_by_role("radio", name=re.compile(f"^{WIFI} signal")).check()
    page.get_by_label("Wi-Fi password", exact=True).fill("short")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("A Wi-Fi password has 8 to 63 characters")).to_be_visible()
    page.get_by_label("Wi-Fi password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("radio", name="A new room").check()
    page.get_by_label("The room’s name").fill("one")
    page.get_by_role("radio", name="pink").check()
    page.get_by_role("button", name="Pair it").click()
    expect(page.get_by_text("There is a room of this name")).to_be_visible()
    page.get_by_label("The room’s name").fill("two")
    page.get_by_role("button", name="Pair it").click()
    expect(page.get_by_text("Choose a side.")).to_be_visible()
    page.get_by_role("radio", name="The client’s right hand").check()
    page.get_by_role("button", name="Pair it").click()
    expect(page.get_by_role("heading", name="It works")).to_be_focused()
    until(page, "the room's colour", lambda: daemon.admin.get("/rooms/two")["colour"] == "#cc79a7")
    buzzed_us = rig.now_us()
    page.get_by_role("button", name="Buzz").click()
    until(page, "its buzz", lambda: spares["choosy"].pulses(buzzed_us))

    # The other one: the room, the side and the network are known; a password that was used is not kept.
    page.get_by_role("button", name="Add the other one").click()
    choose_port(page, spares["plain"])
    expect(page.get_by_label("The network’s name")).to_have_value(WIFI)
    expect(page.get_by_label("Wi-Fi password", exact=True)).to_have_value("")
    page.get_by_role("radio", name="The one that it is in").check()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("radio", name="two")).to_be_checked()
    expect(page.get_by_role("radio", name="The client’s left hand")).to_be_checked()
    page.get_by_role("button", name="Pair it").click()
    expect(page.get_by_role("heading", name="It works")).to_be_visible()
    expect(page.get_by_role("button", name="Add the other one")).to_have_count(0)
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, location.href])")
    assert PASSWORD not in kept

    began_us = rig.now_us()
    daemon.daemon.begin("two", rate_hz=2, passes=2)
    ended = daemon.daemon.until_ended("two")
    for side, which in (("left", "plain"), ("right", "choosy")):
        # A board that this machine kept waiting leaves a pulse out, and says so.
        done = len(spares[which].pulses(began_us))
        assert done >= 1
        assert done + ended[side]["skipped"] == 2


def test_no_wifi_password_is_typed_where_others_could_read_it(browser_page: Pages, daemon: House) -> None:
    left = daemon.daemon.pulser("one", "left")["id"]
    page = admin(browser_page, daemon, "#/settings", size="laptop")
    # As a browser says of a page that came from another computer over plain HTTP.
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    page.reload()
    page.goto(f"{daemon.url}/#/pulser/{left}")
    expect(page.get_by_text("A Wi-Fi password is not typed here")).to_be_visible()
    expect(page.locator("input[type=password]")).to_have_count(0)
    Cable(page, left)
    page.goto(f"{daemon.url}/#/add")
    page.get_by_role("button", name="Ask what is there").click()
    expect(page.get_by_role("heading", name="Its network")).to_be_focused()
    expect(page.get_by_text("A Wi-Fi password is not typed here")).to_be_visible()
    expect(page.locator("input[type=password]")).to_have_count(0)


def test_a_pulser_is_told_of_a_network_replaced_by_a_spare_and_unpaired_when_asked_twice(
    browser_page: Pages, daemon: House, spares: dict[str, rig.Board]
) -> None:
    spare = spares["plain"]
    lost = spares["choosy"].info()["id"]
    if all(one["id"] != lost for one in daemon.admin.get("/pulsers")["pulsers"]):
        daemon.daemon.done(
            "pair", str(spares["choosy"].link), "--room", "three", "--side", "left", "--wifi-ssid", "guests"
        )
    place = next(one for one in daemon.admin.get("/pulsers")["pulsers"] if one["id"] == lost)
    page = admin(browser_page, daemon, f"#/pulser/{lost}")

    # One more network for it, over its sealed link, and none of that again.
    networks = page.get_by_role("region", name="Networks")
    expect(networks).to_contain_text("It keeps 1 network.")
    expect(networks.get_by_role("button", name="Forget this network")).to_be_hidden()  # its only one
    networks.get_by_label("The network’s name").fill("the other house")
    networks.get_by_label("Wi-Fi password", exact=True).fill(PASSWORD)
    networks.get_by_role("button", name="Keep this network").tap()
    expect(networks).to_contain_text("It keeps 2 networks.")
    expect(networks.get_by_label("Wi-Fi password", exact=True)).to_have_value("")
    networks.get_by_label("The name of the network to forget").fill("the other house")
    networks.get_by_role("button", name="Forget this network").tap()
    expect(networks).to_contain_text("It keeps 1 network.")

    page.get_by_role("link", name="Replace it by a spare").tap()
    expect(page.get_by_text(f"takes the place of {place['name']}: {place['room']}")).to_be_visible()
    choose_port(page, spare)
    page.get_by_role("button", name="Next").tap()
    expect(page.get_by_role("heading", name="It works")).to_be_visible()
    held = in_room(daemon, place["room"], place["side"])
    assert held is not None
    assert (held["id"], held["name"]) == (spare.info()["id"], place["name"])
    assert all(one["id"] != lost for one in daemon.admin.get("/pulsers")["pulsers"])

    page.goto(f"{daemon.url}/#/pulser/{held['id']}")
    # A key that is held is no second press.
    page.get_by_role("button", name="Unpair it").focus()
    for _ in range(3):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    expect(page.get_by_role("button", name="Press again to unpair it")).to_be_visible()
    assert in_room(daemon, place["room"], place["side"]) is not None
    page.get_by_role("button", name="Press again to unpair it").tap()
    expect(page.get_by_text("The pulser is unpaired.")).to_be_visible()
    until(page, "the empty place", lambda: in_room(daemon, place["room"], place["side"]) is None)


def test_pulsers_that_rest_are_woken_by_whoever_comes_or_touches_and_sleep_is_said(
    browser_page: Pages, daemon: House, boards: dict[str, Future[rig.Board]]
) -> None:
    for side in rig.SIDES:
        boards[side].result()
    page = admin(browser_page, daemon, "#/settings")

    def powers() -> list[str]:
        room = daemon.admin.get("/rooms/four")
        return [room[side]["power"] for side in rig.SIDES]

    until(page, "both at rest", lambda: powers() == ["drowsy", "drowsy"])
    # Shown as they are, as long as the wake of whoever comes is on its way.
    page.route("**/rooms/four/wake", lambda route: route.fulfill(json={}))
    page.goto(f"{daemon.url}/#/work/four")
    work, surface = page.locator("main.work"), page.get_by_test_id("surface")
    expect(work).to_have_attribute("data-mode", "resting")
    expect(page.get_by_test_id("word")).to_have_text("Touch to wake the pulsers")
    page.unroute("**/rooms/four/wake")
    # A touch that wakes starts nothing, nor does a second one on its heels, or a key.
    surface.tap()
    surface.tap()
    page.keyboard.press(" ")
    expect(work).to_have_attribute("data-mode", "waking")
    expect(work).to_have_attribute("data-mode", "idle")
    assert daemon.set("four") is None
    left = daemon.admin.get("/rooms/four")["left"]["id"]
    page.goto(f"{daemon.url}/#/pulser/{left}")
    page.get_by_role("button", name="Put it to sleep").tap()
    expect(page.locator(".pulser-state")).to_have_text("Asleep: press its button.")
    page.goto(f"{daemon.url}/#/ready/four")
    expect(page.get_by_role("list", name="What is wrong")).to_contain_text(
        "The left pulser is asleep: press its button."
    )
    # Coming here woke the other one, without a touch.
    until(page, "the other awake", lambda: powers()[1] in ("waking", "awake"))
