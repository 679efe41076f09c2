"""A browser for all of this folder; a daemon and a pair in its room for each module; pages for each test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.rig import PATIENCE_MS, House, Pages, Profiles, chromium, find_chromium

# A busy machine is slow, and nothing is wrong with the page.
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    find_chromium()
    with sync_playwright() as playwright, chromium(playwright) as browser:
        yield browser


@pytest.fixture(scope="package")
def profiles(browser: Browser) -> Profiles:
    return Profiles(browser)


@pytest.fixture(scope="module")
def rooms() -> tuple[str, ...]:
    """The rooms that have a pair; a module that wants others overrides it."""
    return ("one",)


@pytest.fixture(scope="module")
def daemon(rooms: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    find_chromium()  # before a daemon is started in vain
    # Short: a UNIX socket's path has room for a hundred characters.
    with House(tmp_path_factory.mktemp("b"), rooms) as house:
        yield house


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go: TWINTAP_SHOTS, else a folder that pytest cleans away."""
    named = os.environ.get("TWINTAP_SHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def browser_page(profiles: Profiles, daemon: House, shots: Path) -> Iterator[Pages]:
    """`browser_page(role=..., size=...)` gives a page that has joined; none may complain."""
    daemon.calm()
    pages = Pages(profiles, daemon, shots)
    try:
        yield pages
    finally:
        pages.close()
