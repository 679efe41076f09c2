"""Opening a visit with what the last one left, closing it with a plan, and the visit's page after it."""

import re
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.rig import House, Json, Pages, until

ROOM = "/rooms/one"


def enter(house: House, kind: str, **data: object) -> Json:
    return house.admin.post(f"{ROOM}/session/entries", {"type": kind, "data": data})


def tap(house: House, passes: int = 2) -> None:
    """One small set, to its end."""
    house.admin.post(
        f"{ROOM}/set/start",
        {"rate_hz": 2.0, "passes": passes, "left_pct": 30, "right_pct": 20, "ramp_ms": 0, "pulse_ms": 60},
    )
    house.daemon.until_ended("one")


@pytest.fixture(scope="module")
def visit(daemon: House) -> Json:
    """A visit of K-17 that is over: two ratings, a set, a note, a part, a target, levels, a plan."""
    session = daemon.open("one", "k 17")
    enter(daemon, "phase.begun", phase="desensitisation")
    enter(daemon, "target.set", text="the corridor")
    enter(daemon, "level.client", left_pct=31, right_pct=22)
    enter(daemon, "rating.sud", value=7)
    tap(daemon)
    enter(daemon, "rating.sud", value=4)
    enter(daemon, "rating.voc", value=3)
    enter(daemon, "note.added", text="<b>warm</b> hands")
    enter(daemon, "part.met", label="the small one")
    daemon.admin.post(f"{ROOM}/session/close", {"plan": "begin with the calm place"})
    return session


def look_up(page: Page, code: str) -> None:
    page.get_by_label("Client code").fill(code)
    expect(page.locator(".open .known").first).to_contain_text("Kept as")


def test_a_code_is_known_or_new_and_a_name_is_warned_of(browser_page: Pages, visit: Json) -> None:
    page = browser_page(at="#/ready/one")
    look_up(page, "k 17")
    known = page.locator(".open .known").first
    expect(known).to_contain_text(re.compile(r"Kept as K-17\. Last visit on .* 1 visit\."))
    expect(known).not_to_contain_text("looks like a name")
    look_up(page, "n-99")
    expect(known).to_contain_text("Kept as N-99. New:")
    expect(page.get_by_role("heading", name="From last time")).to_be_hidden()
    look_up(page, "Anna Berg")
    expect(known).to_contain_text("This looks like a name")
    browser_page.allow(page, "422 POST .*/clients/lookup")
    page.get_by_label("Client code").fill("k/17")
    expect(page.locator(".open .field-wrong")).to_contain_text("a character that no code has")
    assert "k-17" not in page.url.lower()


def test_what_the_last_visit_ended_with_is_offered_and_each_part_taken_or_left(
    browser_page: Pages, daemon: House, visit: Json
) -> None:
    page = browser_page(at="#/ready/one")
    look_up(page, "K-17")
    offer = page.locator(".offer")
    expect(offer).to_contain_text("begin with the calm place")
    expect(offer).to_contain_text("SUD 4 · VOC 3")
    expect(offer).to_contain_text("the small one")
    expect(offer.get_by_role("checkbox", name="Pacing in Desensitisation")).to_be_checked()
    page.get_by_role("radio", name="Medicine").check()
    expect(offer).to_contain_text("A medicine visit begins low")
    page.get_by_role("radio", name="EMDR").check()
    expect(offer).not_to_contain_text("A medicine visit begins low")
    offer.get_by_role("checkbox", name="Work on today").uncheck()
    page.get_by_role("button", name="Open the session").click()
    page.wait_for_url(re.compile("#/work/one$"))

    def held() -> Json:
        session: Json = daemon.admin.get(ROOM)["session"]
        return session if session["left_pct"] is not None else {}

    taken = until(page, "the levels taken over", held)
    assert (taken["code"], taken["left_pct"], taken["right_pct"]) == ("K-17", 31, 22)
    entries = daemon.admin.get(f"/sessions/{taken['id']}")["entries"]
    assert [entry["type"] for entry in entries if entry["type"] == "target.set"] == []


def test_hands_confirmed_before_the_opening_are_in_the_visit(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at="#/ready/one")
    expect(page.get_by_text("Both pulsers are ready.")).to_be_visible()
    for side in ("left", "right"):
        daemon.hands("one", side).press()
        expect(page.locator(f'.pulser[data-side="{side}"]')).to_contain_text("Hand confirmed")
    page.get_by_label("Client code").fill("n-5")
    page.get_by_role("button", name="Open the session").click()
    page.wait_for_url(re.compile("#/work/one$"))
    assert sorted(daemon.admin.get(ROOM)["session"]["hands"]) == ["left", "right"]


def test_a_visit_is_closed_with_a_plan_and_closed_elsewhere_it_is_drawn_anew(
    browser_page: Pages, daemon: House
) -> None:
    session = daemon.open("one", "n-7")
    page = browser_page(at=f"#/session/{session['id']}")
    other = browser_page(at=f"#/session/{session['id']}", label="the phone", size="phone")
    expect(other.get_by_role("button", name="Close the session")).to_be_visible()
    # What is being typed stays while the room's state comes anew.
    page.get_by_label("Plan for next time").fill("rest")
    enter(daemon, "rating.sud", value=2)
    until(page, "the rating", lambda: daemon.admin.get(ROOM)["session"]["last_sud"] == 2)
    expect(page.get_by_label("Plan for next time")).to_have_value("rest")
    page.get_by_role("button", name="Close the session").click()
    expect(page.locator(".own-words", has_text="rest")).to_be_visible()
    expect(page.get_by_role("button", name="Close the session")).to_have_count(0)
    expect(other.locator(".own-words", has_text="rest")).to_be_visible()
    assert daemon.admin.get(ROOM)["session"] is None


def test_a_visit_that_is_over_takes_a_plan_still(browser_page: Pages, daemon: House) -> None:
    session = daemon.open("one", "p 3")
    daemon.admin.post(f"{ROOM}/session/close", {})
    page = browser_page(at=f"#/session/{session['id']}")
    expect(page.get_by_text("Nothing was planned.")).to_be_visible()
    page.get_by_text("Write one").click()
    page.get_by_role("button", name="Keep the plan").click()
    expect(page.get_by_text("Say in words what is planned.")).to_be_visible()
    page.get_by_label("Plan for next time").fill("slower, and shorter")
    page.get_by_role("button", name="Keep the plan").click()
    expect(page.locator(".own-words").first).to_have_text("slower, and shorter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.get_by_text("Change it").click()
    expect(page.get_by_label("Plan for next time")).to_have_value("slower, and shorter")
    found = daemon.admin.post("/clients/lookup", {"code": "p 3", "kind": "emdr"})
    assert found["offer"]["plan"] == "slower, and shorter"


def test_a_mistake_is_put_right_and_what_was_said_first_stays(
    browser_page: Pages, daemon: House, visit: Json
) -> None:
    page = browser_page(at=f"#/session/{visit['id']}")
    # Data are text: no markup of a note's ever becomes a part of the page.
    expect(page.get_by_text("<b>warm</b> hands")).to_be_visible()
    expect(page.get_by_role("img", name="SUD, VOC and sets over the session")).to_be_visible()
    page.get_by_role("button", name="Correct: VOC").click()
    page.get_by_role("radio", name="5", exact=True).check()
    page.get_by_role("button", name="Keep the correction").click()
    row = page.locator("tr", has=page.get_by_role("rowheader", name="VOC"))
    expect(row).to_contain_text("VOC 5")
    expect(row).to_contain_text("Before: VOC 3.")
    expect(page.get_by_role("button", name="Correct: VOC")).to_be_focused()
    entries = daemon.admin.get(f"/sessions/{visit['id']}")["entries"]
    assert [entry["data"] for entry in entries if entry["type"] == "rating.voc"] == [{"value": 3}]
    assert entries[-1]["type"] == "entry.corrected"
    page.get_by_role("button", name="Correct: VOC").click()
    page.get_by_role("button", name="Withdraw the entry").click()
    page.get_by_role("button", name="Press again to withdraw it").click()
    expect(row).to_contain_text("Withdrawn at")
    assert "line-through" in row.locator("td").nth(1).evaluate(
        "cell => getComputedStyle(cell).textDecoration"
    )
    assert daemon.admin.get(f"/sessions/{visit['id']}")["session"]["last_voc"] is None
    page.get_by_role("button", name="Correct: VOC").click()
    expect(page.get_by_role("button", name="Withdraw the entry")).to_have_count(0)
    page.get_by_role("button", name="Keep the correction").click()
    expect(row).not_to_contain_text("Withdrawn")
    assert daemon.admin.get(f"/sessions/{visit['id']}")["session"]["last_voc"] == 5
    browser_page.allow(page, "422 POST .*/corrections")
    page.get_by_role("button", name="Correct: Note").click()
    page.get_by_role("textbox", name="Note").fill("")
    page.get_by_role("button", name="Keep the correction").click()
    expect(page.locator(".correcting .field-wrong")).to_be_visible()


def test_the_visit_leaves_as_report_and_in_each_form(
    browser_page: Pages, visit: Json, tmp_path: Path
) -> None:
    page = browser_page(at=f"#/session/{visit['id']}")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the report to print").click()
    report = opened.value
    expect(report.get_by_text("K-17").first).to_be_visible()
    report.close()

    def loaded(name: str) -> bytes:
        with page.expect_download() as loading:
            page.get_by_role("link", name=name).click()
        target = tmp_path / "file"
        loading.value.save_as(target)
        assert "K-17" not in loading.value.suggested_filename
        return target.read_bytes()

    assert loaded("Events (JSON lines)").startswith(b'{"')
    assert b"," in loaded("Table (CSV)").splitlines()[0]
    names = zipfile.ZipFile(BytesIO(loaded("Research (BIDS)"))).namelist()
    assert any(name.endswith("_events.tsv") for name in names)
    assert b"<html" in loaded("Report (HTML)")[:500].lower()


def test_sessions_are_found_by_code_and_the_course_is_told_in_a_plot_and_a_table(
    browser_page: Pages, visit: Json
) -> None:
    page = browser_page(at="#/sessions")
    rows = page.locator("tbody tr")
    expect(rows.first).to_be_visible()
    everyone = rows.count()
    page.get_by_label("Client code").fill("k-17")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="See the course over visits")).to_be_visible()
    assert 1 <= rows.count() < everyone
    expect(rows.last).to_contain_text("SUD 7 → 4")
    page.get_by_role("button", name="See the course over visits").click()
    expect(page.get_by_role("img", name="SUD, VOC and sets over the visits")).to_be_visible()
    expect(page.locator("tbody tr").first).to_contain_text("7")
    assert "k-17" not in page.url.lower()
    page.locator("tbody a").first.click()
    expect(page.get_by_text("begin with the calm place").first).to_be_visible()


def test_a_visit_under_the_wrong_code_is_moved(browser_page: Pages, daemon: House) -> None:
    session = daemon.open("one", "wrong-1")
    daemon.admin.post(f"{ROOM}/session/close", {})
    page = browser_page(at=f"#/session/{session['id']}")
    page.get_by_text("This is under the wrong code").click()
    page.get_by_label("The right code").fill("right 1")
    page.get_by_role("button", name="Move the session").click()
    page.get_by_role("button", name="Press again to move it").click()
    expect(page.locator(".facts.broad")).to_contain_text("RIGHT-1")
    assert daemon.admin.get(f"/sessions/{session['id']}")["session"]["code"] == "RIGHT-1"
