"""Where a pulser was last heard outlives the daemon, so that a restart finds it without mDNS."""

from pathlib import Path

import pytest

import twintap.hub
from tests.support.hub_house import house, until
from twintap.store import Pairing, Store


def _known(store: Store) -> list[tuple[str | None, int | None]]:
    return [(pairing.last_host, pairing.last_port) for pairing in store.pairings()]


async def test_the_address_of_a_linked_pulser_is_kept_for_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twintap.hub, "_REMEMBER_S", 0.05)
    async with house(tmp_path) as home:
        await home.ready()
        await until(lambda: all(host == "127.0.0.1" for host, _ in _known(home.store)), "both are kept")
        kept: list[Pairing] = home.store.pairings()
        heard = {view.id: view.address for view in home.hub.pulsers()}
        assert {p.pulser_id.hex(): f"{p.last_host}:{p.last_port}" for p in kept} == heard
