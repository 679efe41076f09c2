"""A pulser that has only just started, in an air that needs no network, is paired as it gets its address."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.daemon.test_pairing_walk import Board, Daemon, paired
from twintap.pairing import Wanted
from twintap.pairing import walking as walk_module


class JustStarted(Board):
    """Keeps no network and is on its way to an address, until it has been asked some times."""

    def __init__(self) -> None:
        super().__init__(state="connecting")
        self.ssid = None
        self.asked = 0

    def __call__(self, method: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
        self.asked += method == "info"
        if self.asked > 4:
            self.state = "up"
        return super().__call__(method, params)


async def test_no_network_is_asked_of_a_pulser_that_is_still_on_its_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(walk_module, "_JOIN_POLL_S", 0.02)
    monkeypatch.setattr(walk_module, "_ANNOUNCED_WITHIN_S", 0.1)
    board = JustStarted()
    _, pulser, _ = await paired(board, Daemon(), Wanted("room-1", "left", 45))
    assert board.scans == 0
    assert pulser.methods() == ["pair"]
