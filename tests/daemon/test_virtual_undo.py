"""A virtual board that is paired anew and fails at its console has its older pairing back."""

import secrets
from pathlib import Path

from tests.support.hub_house import house
from twintap.store import Pairing
from twintap.virtual import HubRegistrar


def _pairing(pulser_id: bytes, name: str) -> Pairing:
    return Pairing(pulser_id, secrets.token_bytes(16), "room-1", "left", name, 60)


async def test_what_a_failed_pairing_replaced_holds_again(tmp_path: Path) -> None:
    async with house(tmp_path, pair=False) as home:
        registrar = HubRegistrar(home.hub, home.store, "127.0.0.1")
        older, newer = (_pairing(b"12345678", name) for name in ("older", "newer"))
        await home.hub.add_pulser(older)
        await registrar.add(newer)
        assert home.store.pairings() == [newer]
        await registrar.undo(newer.pulser_id)
        assert home.store.pairings() == [older]
        assert [view.name for view in home.hub.pulsers()] == ["older"]


async def test_a_first_pairing_that_failed_leaves_nothing(tmp_path: Path) -> None:
    async with house(tmp_path, pair=False) as home:
        registrar = HubRegistrar(home.hub, home.store, "127.0.0.1")
        await registrar.add(_pairing(b"12345678", "first"))
        await registrar.undo(b"12345678")
        assert home.store.pairings() == []
        assert home.hub.pulsers() == []
