"""What axe finds on a page: whom it keeps out."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page


def findings(page: Page) -> list[str]:
    """What axe finds on the page as it is, by all of its rules: each with where, and what it says of it."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("async () => (await axe.run({ resultTypes: ['violations'] })).violations")
    return [
        f"{rule['id']}: {node['html'][:160]} ({' '.join(node['failureSummary'].split())[:300]})"
        for rule in found
        for node in rule["nodes"]
    ]
