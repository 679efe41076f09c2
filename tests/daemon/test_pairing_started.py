"""A pulser that has only just started, in an air that needs no network, is paired as it gets its address."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.daemon.test_pairing_walk import Board, Daemon, failed, paired
from twintap.pairing import Wanted
from twintap.pairing import walking as walk_module

WANTED = Wanted("room-1", "left", 45)


class JustStarted(Board):
    """Keeps no network and does not know yet whether it needs one, until it has been asked some times."""

    def __init__(self, then: str) -> None:
        super().__init__(state="connecting")
        self.ssid = None
        self.asked = 0
        self.then = then

    def __call__(self, method: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
        self.asked += method == "info"
        if self.asked > 4:
            self.state = self.then
        return super().__call__(method, params)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walk_module, "_JOIN_POLL_S", 0.02)
    monkeypatch.setattr(walk_module, "_ANNOUNCED_WITHIN_S", 0.1)


async def test_no_network_is_asked_of_a_pulser_that_is_still_on_its_way() -> None:
    board = JustStarted("up")
    _, pulser, _ = await paired(board, Daemon(), WANTED)
    assert board.scans == 0
    assert pulser.methods() == ["pair"]


async def test_one_that_needs_a_network_says_so_once_it_knows_with_those_that_it_sees() -> None:
    fault, pulser, _ = await failed(JustStarted("no network set"), Daemon(), WANTED)
    assert (fault.step, fault.code) == ("networks", "no_network")
    assert "it sees practice" in fault.words
    assert "pair" not in pulser.methods()
