"""The clinic's own ways, who has a way in, the journal's proof, and a client erased for good."""

from playwright.sync_api import Page, Route, expect

from tests.browser.rig import House, Json, Pages, until


def admin(pages: Pages, house: House, at: str = "#/settings") -> Page:
    link = house.admin.post("/join/offers", {"role": "admin", "label": "the office"})["url"]
    return pages(role="admin", link=link, at=at, label="the office", size="laptop")


def visit(house: House, code: str) -> Json:
    session = house.open("one", code)
    house.admin.post("/rooms/one/session/entries", {"type": "rating.sud", "data": {"value": 5}})
    house.admin.post("/rooms/one/session/close", {})
    return session


def test_a_preset_is_added_changed_and_removed_for_every_screen(browser_page: Pages, daemon: House) -> None:
    page = browser_page(at="#/settings")
    page.get_by_role("button", name="Add a preset").click()
    page.get_by_label("Name", exact=True).fill("Ours")
    page.get_by_label("For the phase").select_option("desensitisation")
    page.get_by_label("Rate, Hz").fill("9")
    browser_page.allow(page, "422 PUT .*/presets")
    page.get_by_role("button", name="Save").last.click()
    expect(page.locator(".editor .wrong, .editor .field-wrong:visible").first).to_be_visible()
    page.get_by_label("Rate, Hz").fill("1.2")
    page.get_by_label("Round trips").fill("")
    page.get_by_role("button", name="Save").last.click()
    line = page.locator(".lines li", has_text="Ours")
    expect(line).to_contain_text("1.2 Hz · open")
    kept = [one for one in daemon.admin.get("/presets")["presets"] if one["name"] == "Ours"]
    assert kept[0]["phase"] == "desensitisation"
    assert kept[0]["pacing"]["passes"] == "open"
    assert kept[0]["pacing"]["left_pct"] is None
    page.get_by_role("button", name="Remove Ours").click()
    assert any(one["name"] == "Ours" for one in daemon.admin.get("/presets")["presets"])
    page.get_by_role("button", name="Remove Ours").click()
    expect(line).to_have_count(0)


def test_a_preset_that_came_along_keeps_its_id_until_it_is_named_anew(
    browser_page: Pages, daemon: House
) -> None:
    def kept() -> list[tuple[str | None, str, float]]:
        presets = daemon.admin.get("/presets")["presets"]
        return [(one["id"], one["name"], one["pacing"]["rate_hz"]) for one in presets]

    before = daemon.admin.get("/presets")
    assert ("slow", "Slow", 0.7) in kept()
    # Another language: the name on the screen is not the one in the file.
    page = browser_page(at="#/settings", lang="pseudo")
    line = page.locator(".lines li", has_text="0.7").first
    expect(line.locator("strong")).not_to_have_text("Slow")
    line.get_by_role("button").first.click()
    page.locator(".editor input[type=number]").first.fill("0.65")
    page.locator(".editor button[type=submit]").click()
    until(page, "the changed rate", lambda: ("slow", "Slow", 0.65) in kept())
    page.locator(".lines li", has_text="0.65").get_by_role("button").first.click()
    page.locator(".editor input[type=text]").fill("Mine")
    page.locator(".editor button[type=submit]").click()
    until(page, "the new name", lambda: (None, "Mine", 0.65) in kept())
    daemon.admin.put("/presets", before)


def test_the_sud_prompt_and_a_reminder_are_the_clinic_s(browser_page: Pages, daemon: House) -> None:
    before = daemon.admin.get("/settings")
    page = browser_page(at="#/settings")
    page.get_by_label("At a high SUD, a word to pause").select_option("6")
    page.get_by_role("button", name="Add a reminder").click()
    page.get_by_label("After, minutes").fill("30")
    page.get_by_label("What to say").fill("Blood pressure")
    page.get_by_role("region", name="Prompts and reminders").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    kept = daemon.admin.get("/settings")
    assert kept["sud_prompt_at"] == 6
    assert kept["reminders"] == [
        {"kind": "medicine", "after_mark": "medicine_given", "after_min": 30, "text": "Blood pressure"}
    ]
    daemon.admin.put("/settings", before)


def test_nothing_can_be_changed_before_what_is_kept_has_come(browser_page: Pages, daemon: House) -> None:
    """Else it would be drawn over by what comes, or saved in place of all that was kept."""
    kept = daemon.admin.get("/settings")
    daemon.admin.put("/settings", kept | {"sud_prompt_at": 8})
    page = browser_page(at="#/")
    asked: dict[str, Route] = {}
    for path in ("settings", "presets"):
        page.route(
            f"**/api/v1/{path}", lambda route: asked.update({route.request.url.rpartition("/")[2]: route})
        )
    page.goto(f"{daemon.url}/#/settings")
    until(page, "both asked for", lambda: len(asked) == 2)
    prompts = page.get_by_role("region", name="Prompts and reminders")
    chosen = prompts.get_by_label("At a high SUD, a word to pause")
    reminder = prompts.get_by_role("button", name="Add a reminder")
    preset = page.get_by_role("button", name="Add a preset")
    for control in (chosen, reminder, prompts.get_by_role("button", name="Save"), preset):
        expect(control).to_be_disabled()
    # What does not come is said, and is not taken for nothing that is kept.
    browser_page.allow(page, "failed: GET .*/presets")
    asked["presets"].abort()
    expect(page.get_by_role("region", name="Presets").get_by_role("status").first).not_to_be_empty()
    expect(preset).to_be_disabled()
    asked["settings"].continue_()
    expect(chosen).to_be_enabled()
    expect(chosen).to_have_value("8")
    reminder.click()
    expect(prompts.get_by_label("After, minutes")).to_have_count(1)
    daemon.admin.put("/settings", kept)


def test_the_theme_is_this_browser_s_alone_and_stays(browser_page: Pages) -> None:
    page = browser_page(at="#/settings")
    page.get_by_role("radio", name="High contrast").check()
    expect(page.locator("html")).to_have_attribute("data-theme", "contrast")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "contrast")
    expect(page.get_by_role("radio", name="High contrast")).to_be_checked()


def test_a_way_in_is_ended_from_the_list(browser_page: Pages, daemon: House) -> None:
    other = browser_page(at="#/ready/one", label="lost tablet")
    expect(other.get_by_text("Both pulsers are ready.")).to_be_visible()
    page = admin(browser_page, daemon)
    end = page.get_by_role("button", name="End the way in of lost tablet")
    end.click()
    end.click()
    expect(page.get_by_text("lost tablet has no way in any more.")).to_be_visible()
    expect(end).to_have_count(0)
    browser_page.allow(other, "401 ", "WebSocket", "failed: ")
    daemon.admin.post("/rooms/one/swap")  # whatever happens next, it is not told any more
    daemon.admin.post("/rooms/one/swap")
    expect(other.locator("input.digits")).to_be_visible()


def test_the_journal_is_proved_and_with_it_a_hash_printed_on_a_report(
    browser_page: Pages, daemon: House
) -> None:
    session = visit(daemon, "n-1")
    page = admin(browser_page, daemon)
    page.get_by_role("button", name="Check the journal").click()
    expect(page.get_by_text("nothing changed")).to_be_visible()
    printed = page.get_by_label("A hash printed on a report")
    printed.fill("0" * 64)
    page.get_by_role("button", name="Check the journal").click()
    expect(page.get_by_text("stands in none of them")).to_be_visible()
    printed.fill(daemon.admin.get(f"/sessions/{session['id']}")["head"])
    page.get_by_role("button", name="Check the journal").click()
    expect(page.get_by_text("nothing changed")).to_be_visible()


def test_a_client_is_erased_only_with_the_code_typed_twice(browser_page: Pages, daemon: House) -> None:
    session = visit(daemon, "gone-1")
    page = admin(browser_page, daemon)
    page.get_by_label("The client’s code").fill("gone 1")
    page.get_by_role("button", name="Look it up").click()
    expect(page.get_by_text("GONE-1 has 1 visit.")).to_be_visible()
    page.get_by_label("Type the code once more").fill("gone-2")
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("This is another code.")).to_be_visible()
    assert len(daemon.admin.post("/sessions/search", {"code": "gone-1"})) == 1
    page.get_by_label("Type the code once more").fill("gone 1")
    page.get_by_role("button", name="Erase for good").click()
    expect(page.get_by_text("Erased.")).to_be_visible()
    until(page, "nothing is left", lambda: not daemon.admin.post("/sessions/search", {"code": "gone-1"}))
    page.goto(f"{daemon.url}/#/session/{session['id']}")
    expect(page.get_by_text("The content of this session was erased.")).to_be_visible()


def test_a_therapist_is_offered_neither_tokens_nor_erasing(browser_page: Pages) -> None:
    page = browser_page(at="#/settings")
    expect(page.get_by_role("heading", name="Presets")).to_be_visible()
    for name in ("Who has a way in", "Erase a client", "The journal"):
        expect(page.get_by_role("heading", name=name)).to_have_count(0)
