"""Every view in its states: axe finds nothing, every word is the one file's, and no screen is too narrow.

All of it on pages in the language made up from the file, in which each word is marked and longer: what is
not marked was not in the file, and what still fits will fit.
"""

import re

import pytest
from playwright.sync_api import Page

from tests.browser.axe import findings
from tests.browser.places import CODE, LAYERS, PLACES, Place, close_layer, go_to, open_layer
from tests.browser.rig import SIZES, THEMES, House, Pages

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
# What is data wherever it stands: what people wrote, names that they, ports and pulsers have, dates.
_CABLE = r"/\S+/console|virtual board"
_DATA = re.compile(rf"{_CABLE}|¤[^¤]*¤|\bone\b|the tablet|this computer|{re.escape(CODE)}|{_IDS}|{_DATES}")


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


# Every theme, and every size; layout does not change with the theme.
LOOKS = (
    ("dark", "tablet"),
    ("dark", "phone"),
    ("dark", "laptop"),
    ("light", "tablet"),
    ("contrast", "tablet"),
)


def show(page: Page, theme: str, size: str) -> None:
    """Give the page another theme and size, and let it be drawn so."""
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate(
        """theme => {
            document.documentElement.dataset.theme = theme;
            return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
        }""",
        theme,
    )


def is_too_wide(page: Page) -> bool:
    """Whether one would have to move the page sideways to see all of it."""
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_a_view_keeps_nobody_out_and_has_every_word_from_the_one_file(
    place: Place, browser_page: Pages, daemon: House
) -> None:
    page = go_to(place, browser_page, daemon, lang="pseudo")
    assert "⟦" in page.locator("body").inner_text()
    assert unmarked(page, *names_of_presets(daemon)) == []
    found: list[str] = []
    for theme, size in LOOKS:
        show(page, theme, size)
        found += [f"{theme}, {size}: {line}" for line in findings(page)]
        if is_too_wide(page):
            found.append(f"{theme}, {size}: too wide")
    assert not found, "\n".join(found)


def test_what_lies_over_the_work_keeps_nobody_out_and_has_every_word_from_it(
    browser_page: Pages, daemon: House
) -> None:
    place = next(place for place in PLACES if place.name == "work")
    page = go_to(place, browser_page, daemon, lang="pseudo")
    names = names_of_presets(daemon)
    found: list[str] = []
    for layer in LAYERS:
        open_layer(page, layer)
        found += [f"{layer}: {line}" for line in unmarked(page, *names)]
        for theme in THEMES:
            show(page, theme, "tablet")
            found += [f"{layer}, {theme}: {line}" for line in findings(page)]
        close_layer(page)
    assert not found, "\n".join(found)


def test_these_checks_find_what_is_wrong(browser_page: Pages) -> None:
    page = browser_page(at="#/", lang="pseudo")
    page.locator("main h1").wait_for()
    assert not is_too_wide(page)
    page.locator("main").evaluate("main => main.append(document.createElement('input'))")
    assert [line.partition(":")[0] for line in findings(page)] == ["label"]
    page.locator("main h1").evaluate("head => head.append(' stray')")
    page.locator("main h1").evaluate("head => head.setAttribute('title', 'Hint')")
    assert sorted(unmarked(page)) == ["h1:  stray", "title: Hint"]
    page.locator("main h1").evaluate("head => { head.style.width = '3000px'; }")
    assert is_too_wide(page)
