"""Every word on the screen stands in the one file: in the language made up from it, each is marked."""

import re

import pytest
from playwright.sync_api import Page

from tests.browser.places import CODE, LAYERS, PLACES, Place, close_layer, go_to, open_layer
from tests.browser.rig import House, Pages

# All that can be read on a page, or heard from it: its texts, and the attributes that are read out.
_SHOWN = """() => {
  const found = [];
  const kinds = NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT;
  const walk = document.createTreeWalker(document.documentElement, kinds);
  const said = ["aria-label", "aria-description", "aria-roledescription", "aria-valuetext", "alt", "title",
    "placeholder"];
  for (let node = walk.currentNode; node; node = walk.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) {
      if (node.parentElement.closest("script, style, noscript, title")) continue;
      found.push([node.parentElement.tagName.toLowerCase(), node.data]);
    } else {
      for (const name of said) if (node.hasAttribute(name)) found.push([name, node.getAttribute(name)]);
    }
  }
  return found;
}"""
_MARKED = re.compile(r"⟦[^⟦⟧]*⟧")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATES = rf"\d{{1,2}} (?:{_MONTHS}) \d{{4}}(?:(?:,| at)? \d\d:\d\d)?|\d{{1,2}} [A-Z][a-z]{{2,3}} \d{{2}}"
_IDS = r"twintap-[0-9a-f]{6}|[0-9a-f]{12,}|https?://\S+"
# What is data wherever it stands: what people wrote, names that they and pulsers have, dates.
_DATA = re.compile(rf"¤[^¤]*¤|\bone\b|the tablet|this computer|{re.escape(CODE)}|{_IDS}|{_DATES}")


def unmarked(page: Page, *data: str) -> list[str]:
    """The texts on the page that did not come out of the file; `data`: more that is data."""
    found: list[str] = []
    for where, text in page.evaluate(_SHOWN):
        rest, inner = text, 1
        while inner:  # a text may be part of another one
            rest, inner = _MARKED.subn(" ", rest)
        for known in sorted(data, key=len, reverse=True):
            rest = rest.replace(known, " ")
        rest = _DATA.sub(" ", rest)
        if _LETTERS.search(rest):
            found.append(f"{where}: {text}")
    return found


def names_of_presets(daemon: House) -> list[str]:
    return [preset["name"] for preset in daemon.admin.get("/presets")["presets"]]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_every_word_comes_from_the_one_file(place: Place, browser_page: Pages, daemon: House) -> None:
    page = go_to(place, browser_page, daemon, lang="pseudo")
    assert "⟦" in page.locator("body").inner_text()
    assert unmarked(page, *names_of_presets(daemon)) == []


def test_every_word_over_the_work_comes_from_it_too(browser_page: Pages, daemon: House) -> None:
    place = next(place for place in PLACES if place.name == "work")
    page = go_to(place, browser_page, daemon, lang="pseudo")
    names = names_of_presets(daemon)
    for layer in LAYERS:
        open_layer(page, layer)
        assert unmarked(page, *names) == [], layer
        close_layer(page)


def test_a_word_from_elsewhere_is_found(browser_page: Pages) -> None:
    page = browser_page(at="#/", lang="pseudo")
    page.locator("main h1").wait_for()
    page.locator("main h1").evaluate("head => head.append(' stray')")
    page.locator("main h1").evaluate("head => head.setAttribute('title', 'Hint')")
    assert sorted(unmarked(page)) == ["h1:  stray", "title: Hint"]
