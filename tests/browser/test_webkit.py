"""The screen in WebKit, which is what every browser on an iPad is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Remote
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as until
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.rig import House
from tests.browser.webkit import PATIENCE_S, webkit


@pytest.fixture(scope="module")
def tablet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    with webkit(tmp_path_factory.mktemp("w")) as remote:
        yield remote


def test_a_tablet_joins_by_its_link_and_runs_a_set(tablet: Remote, daemon: House, shots: Path) -> None:
    wait = WebDriverWait(tablet, PATIENCE_S)
    tablet.get(daemon.join_link("one"))
    wait.until(until.element_to_be_clickable((By.CSS_SELECTOR, "[data-testid=join]"))).click()
    wait.until(until.url_contains("#/ready/one"))
    tablet.save_screenshot(str(shots / "webkit-ready.png"))
