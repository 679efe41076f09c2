"""The screen in WebKit, which is what every browser on an iPad is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Remote
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support import expected_conditions as until
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.rig import SIDES, House
from tests.browser.webkit import PATIENCE_S, webkit
from tests.support import rig

ROOM = "one"


@pytest.fixture(scope="module")
def tablet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    with webkit(tmp_path_factory.mktemp("w")) as remote:
        yield remote


def test_a_tablet_joins_by_its_link_and_runs_sets(tablet: Remote, daemon: House, shots: Path) -> None:
    wait = WebDriverWait(tablet, PATIENCE_S, poll_frequency=0.05)

    def shown(mode: str) -> None:
        wait.until(
            until.text_to_be_present_in_element_attribute((By.CSS_SELECTOR, "main.work"), "data-mode", mode)
        )

    def control(name: str) -> tuple[str, str]:
        return By.CSS_SELECTOR, f"[data-testid={name}]"

    tablet.get(daemon.join_link(ROOM))
    wait.until(until.element_to_be_clickable(control("join"))).click()
    wait.until(until.url_contains(f"#/ready/{ROOM}"))
    wait.until(until.visibility_of_element_located((By.CSS_SELECTOR, ".healthy")))
    (shots / "webkit-ready.png").write_bytes(tablet.get_screenshot_as_png())
    tablet.find_element(By.CSS_SELECTOR, "input.code").send_keys("W-12")
    tablet.find_element(By.CSS_SELECTOR, ".open button[type=submit]").click()
    wait.until(until.url_contains(f"#/work/{ROOM}"))
    shown("idle")

    # By a touch, and stopped by a touch.
    since_us = rig.now_us()
    wait.until(until.element_to_be_clickable(control("surface"))).click()
    daemon.until_tapping(ROOM, since_us)
    shown("running")
    (shots / "webkit-work.png").write_bytes(tablet.get_screenshot_as_png())
    tablet.find_element(*control("surface")).click()
    daemon.until_still(ROOM)
    shown("idle")
    wait.until(until.element_to_be_clickable(control("sud-5"))).click()
    wait.until(lambda _: daemon.daemon.room(ROOM)["session"]["last_sud"] == 5)

    # By keys.
    since_us = rig.now_us()
    ActionChains(tablet).send_keys(Keys.PAGE_DOWN).perform()
    daemon.until_tapping(ROOM, since_us)
    shown("running")
    ActionChains(tablet).send_keys(Keys.ESCAPE).perform()
    daemon.until_still(ROOM)
    ended = daemon.set(ROOM)
    assert ended is not None
    assert (ended["state"], ended["ended_reason"]) == ("ended", "stop")
    assert [len(daemon.hands(ROOM, side).pulses(since_us)) > 0 for side in SIDES] == [True, True]
