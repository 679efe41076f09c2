"""Nobody is kept out by how the screen is built: axe has nothing to say of any view, theme or size."""

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.places import LAYERS, PLACES, Place, close_layer, go_to, open_layer
from tests.browser.rig import SIZES, THEMES, House, Pages


def findings(page: Page, *rules: str) -> list[str]:
    """What axe finds on the page as it is, by `rules` alone or by all."""
    found = page.evaluate(
        """async rules => (await axe.run({
            resultTypes: ["violations"],
            ...(rules.length ? { runOnly: { type: "rule", values: rules } } : {}),
        })).violations""",
        list(rules),
    )
    return [
        f"{rule['id']}: {node['html'][:160]} ({' '.join(node['failureSummary'].split())[:300]})"
        for rule in found
        for node in rule["nodes"]
    ]


# Layout changes with the size and colours with the theme: a further theme is asked about its colours alone.
COLOURS = ("color-contrast", "link-in-text-block")
LOOKS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("dark", "tablet", ()),
    ("dark", "phone", ()),
    ("dark", "laptop", ()),
    ("light", "tablet", COLOURS),
    ("contrast", "tablet", COLOURS),
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


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_axe_finds_nothing_in_any_theme_and_size(place: Place, browser_page: Pages, daemon: House) -> None:
    page = go_to(place, browser_page, daemon)
    page.evaluate(AXE_SCRIPT)
    found: list[str] = []
    for theme, size, rules in LOOKS:
        show(page, theme, size)
        found += [f"{theme}, {size}: {line}" for line in findings(page, *rules)]
    assert not found, "\n".join(found)


def test_axe_finds_nothing_in_what_lies_over_the_work(browser_page: Pages, daemon: House) -> None:
    place = next(place for place in PLACES if place.name == "work")
    page = go_to(place, browser_page, daemon)
    page.evaluate(AXE_SCRIPT)
    found: list[str] = []
    for layer in LAYERS:
        open_layer(page, layer)
        for theme in THEMES:
            show(page, theme, "tablet")
            rules = () if theme == "dark" else COLOURS
            found += [f"{layer}, {theme}: {line}" for line in findings(page, *rules)]
        close_layer(page)
    assert not found, "\n".join(found)


def test_what_axe_finds_fails(browser_page: Pages) -> None:
    page = browser_page(at="#/")
    page.locator("main h1").wait_for()
    page.evaluate(AXE_SCRIPT)
    page.locator("main").evaluate("main => main.append(document.createElement('input'))")
    assert [line.partition(":")[0] for line in findings(page)] == ["label"]
