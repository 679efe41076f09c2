"""The pulsers on the screen: added by their cable, named, moved, replaced, unpaired; resting, and the doctor.

Spare boards lie where the daemon looks for the ports of its own machine.
"""

import contextlib
import json
import os
import pty
import threading
import tty
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

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
def spares(daemon: House) -> Iterator[dict[str, rig.Board]]:
    """Two boards of nobody's: one that needs no network, and one in the air of a clinic's."""
    folder = daemon.data / "virtual"
    with contextlib.ExitStack() as stack:
        yield {
            "plain": stack.enter_context(rig.Board(folder / "plain")),
            "choosy": stack.enter_context(
                rig.Board(folder / "choosy", "--wifi", f"{WIFI}:{PASSWORD}", "--wifi", "guests:")
            ),
        }


def choose_port(page: Page, board: rig.Board) -> None:
    page.get_by_role("radio", name=str(board.link)).check()
    page.get_by_role("button", name="Ask what is there").click()
    expect(page.get_by_role("heading", name="Its network")).to_be_focused()


def test_both_pulsers_of_a_room_are_added_and_tap_in_a_set(
    browser_page: Pages, daemon: House, spares: dict[str, rig.Board]
) -> None:
    page = admin(browser_page, daemon, "#/")
    page.get_by_role("link", name="Add a pulser").click()
    choose_port(page, spares["plain"])
    page.get_by_role("button", name="Next").click()
    page.get_by_role("radio", name="A new room").check()
    page.get_by_label("The room’s name").fill("two")
    page.get_by_role("button", name="Pair it").click()
    expect(page.get_by_text("Choose a side.")).to_be_visible()
    page.get_by_role("radio", name="The client’s left hand").check()
    page.get_by_role("button", name="Pair it").click()
    expect(page.get_by_role("heading", name="It works")).to_be_focused()
    buzzed_us = rig.now_us()
    page.get_by_role("button", name="Buzz").click()
    until(page, "its buzz", lambda: spares["plain"].pulses(buzzed_us))

    # The other one: the room is kept, the other side is chosen; and its network refuses a wrong password.
    page.get_by_role("button", name="Add the other one").click()
    choose_port(page, spares["choosy"])
    page.get_by_role("radio", name=WIFI).check()
    page.get_by_label("Wi-Fi password", exact=True).fill("short")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("A Wi-Fi password has 8 to 63 characters")).to_be_visible()
    page.get_by_label("Wi-Fi password", exact=True).fill("a wrong password")
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("radio", name="two")).to_be_checked()
    expect(page.get_by_role("radio", name="The client’s right hand")).to_be_checked()
    page.get_by_role("button", name="Pair it").click()
    expect(page.get_by_role("alert")).to_contain_text("It stopped at: Join the network")
    expect(page.get_by_role("alert")).to_contain_text(f"“{WIFI}” refuses the password")
    assert in_room(daemon, "two", "right") is None
    expect(page.get_by_role("button", name="Choose the network again")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_label("Wi-Fi password", exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Pair it").click()
    expect(page.get_by_role("heading", name="It works")).to_be_visible()
    expect(page.get_by_role("button", name="Add the other one")).to_have_count(0)
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, location.href])")
    assert PASSWORD not in kept

    began_us = rig.now_us()
    daemon.daemon.begin("two", rate_hz=2, passes=2)
    daemon.daemon.until_ended("two")
    assert [len(board.pulses(began_us)) for board in spares.values()] == [2, 2]


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
    page.get_by_role("button", name="Unpair it").tap()
    assert in_room(daemon, place["room"], place["side"]) is not None
    page.get_by_role("button", name="Press again to unpair it").tap()
    expect(page.get_by_text("The pulser is unpaired.")).to_be_visible()
    until(page, "the empty place", lambda: in_room(daemon, place["room"], place["side"]) is None)


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


def test_no_wifi_password_is_typed_where_others_could_read_it(
    browser_page: Pages, daemon: House, spares: dict[str, rig.Board]
) -> None:
    left = in_room(daemon, "one", "left")
    assert left is not None
    page = admin(browser_page, daemon, "#/settings", size="laptop")
    # As a browser says of a page that came from another computer over plain HTTP.
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    page.reload()
    page.goto(f"{daemon.url}/#/pulser/{left['id']}")
    expect(page.get_by_text("A Wi-Fi password is not typed here")).to_be_visible()
    expect(page.locator("input[type=password]")).to_have_count(0)
    page.goto(f"{daemon.url}/#/add")
    choose_port(page, spares["choosy"])
    expect(page.get_by_text("A Wi-Fi password is not typed here")).to_be_visible()
    expect(page.locator("input[type=password]")).to_have_count(0)


def test_the_doctor_s_lines_have_a_mark_a_word_and_what_to_do(browser_page: Pages, daemon: House) -> None:
    page = admin(browser_page, daemon, "#/settings", size="laptop")
    page.get_by_role("button", name="Look now").click()
    lines = page.locator(".findings li")
    expect(lines.first).to_be_visible()
    for line in lines.all():
        state = line.get_attribute("data-state") or ""
        expect(line.locator(".finding-mark")).to_contain_text(state)
        expect(line.get_by_text("What to do:")).to_have_count(0 if state == "fine" else 1)
    said = daemon.admin.get("/doctor")["lines"]
    assert lines.count() == len(said)
    page.get_by_text("things are fine").click()
    fine = next(line for line in said if line["state"] == "fine")
    expect(lines.filter(has_text=fine["words"]).first).to_be_visible()


def test_pulsers_that_rest_are_woken_by_a_touch_and_sleep_is_said(
    browser_page: Pages, daemon: House, tmp_path: Path
) -> None:
    board = json.loads((Path(__file__).parents[2] / "firmware/boards/virtual.json").read_text())
    file = tmp_path / "restless.json"
    file.write_text(json.dumps(board | {"drowsy_after_s": 4}))
    boards = {side: rig.Board(tmp_path / side[0], "--board", str(file)) for side in rig.SIDES}

    def pair(side: str) -> None:
        stack.enter_context(boards[side])
        daemon.daemon.done("pair", str(boards[side].link), "--room", "four", "--side", side)

    with contextlib.ExitStack() as stack, ThreadPoolExecutor(2) as both:
        list(both.map(pair, rig.SIDES))
        page = admin(browser_page, daemon, "#/work/four")
        work = page.locator("main.work")
        expect(work).to_have_attribute("data-mode", "resting")
        expect(page.get_by_test_id("word")).to_have_text("Touch to wake the pulsers")
        page.get_by_test_id("surface").tap()
        expect(work).to_have_attribute("data-mode", "idle")
        assert daemon.set("four") is None  # a touch that wakes starts nothing
        left = daemon.admin.get("/rooms/four")["left"]["id"]
        page.goto(f"{daemon.url}/#/pulser/{left}")
        page.get_by_role("button", name="Put it to sleep").tap()
        expect(page.locator(".pulser-state")).to_have_text("Asleep: press its button.")
        page.goto(f"{daemon.url}/#/ready/four")
        expect(page.get_by_role("list", name="What is wrong")).to_contain_text(
            "The left pulser is asleep: press its button."
        )
