"""Nobody is kept out by how the screen is built: axe has nothing to say of any view, theme or size."""

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.places import PLACES, Place
from tests.browser.rig import SIZES, House, Pages


def findings(page: Page, *tags: str) -> list[str]:
    """What axe finds on the page as it is, by the rules with one of `tags` or by all."""
    found = page.evaluate(
        """async tags => (await axe.run({
            resultTypes: ["violations"],
            ...(tags.length ? { runOnly: { type: "tag", values: tags } } : {}),
        })).violations""",
        list(tags),
    )
    return [
        f"{rule['id']}: {node['html'][:160]} ({' '.join(node['failureSummary'].split())[:300]})"
        for rule in found
        for node in rule["nodes"]
    ]


# Layout changes with the size and colours with the theme: a further theme is asked about its colours alone.
LOOKS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("dark", "tablet", ()),
    ("dark", "phone", ()),
    ("dark", "laptop", ()),
    ("light", "tablet", ("cat.color",)),
    ("contrast", "tablet", ("cat.color",)),
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
    place.arrange(daemon)
    page = browser_page(role=place.role, at=place.at)
    page.locator(place.shows).first.wait_for()
    place.reach(page)
    page.evaluate(AXE_SCRIPT)
    found: list[str] = []
    for theme, size, tags in LOOKS:
        show(page, theme, size)
        found += [f"{theme}, {size}: {line}" for line in findings(page, *tags)]
    assert not found, "\n".join(found)
