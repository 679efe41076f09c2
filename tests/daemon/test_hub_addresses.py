"""What outlives a link: where a pulser was last heard, its side, and its room's colour."""

import asyncio
from pathlib import Path

import pytest

import twintap.rooms.hub
from tests.support.hub_house import house, until
from twintap.store import Pairing, Store


def _known(store: Store) -> list[tuple[str | None, int | None]]:
    return [(pairing.last_host, pairing.last_port) for pairing in store.pairings()]


async def test_the_address_of_a_linked_pulser_is_kept_for_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twintap.rooms.hub, "_REMEMBER_S", 0.05)
    async with house(tmp_path) as home:
        await home.ready()
        await until(lambda: all(host == "127.0.0.1" for host, _ in _known(home.store)), "both are kept")
        kept: list[Pairing] = home.store.pairings()
        heard = {view.id: view.address for view in home.hub.pulsers()}
        assert {p.pulser_id.hex(): f"{p.last_host}:{p.last_port}" for p in kept} == heard


async def test_a_pulser_that_links_is_told_its_room_s_colour_whatever_side_it_says(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        colour = bytes.fromhex(home.room.colour[1:])
        assert any(colour)
        for pulser in (home.left, home.right):
            await until(lambda pulser=pulser: bytes(pulser.colour) == colour, "it knows the colour")
        await home.ready()
        told = home.left.assigns
        await asyncio.sleep(0.6)
        assert home.left.assigns == told <= 3
        for pulser in (home.left, home.right):
            pulser.colour = (0, 0, 0)  # as after a reset that forgot it
            pulser.ask_again()
        for pulser in (home.left, home.right):
            await until(lambda pulser=pulser: bytes(pulser.colour) == colour, "the new link tells it again")
