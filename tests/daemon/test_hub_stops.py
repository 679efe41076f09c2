"""A stop where no set is known: it says that both are off once they are, and not before."""

import asyncio
from pathlib import Path

import pytest

from tests.support.hub_house import House, house, is_still, until
from tests.support.light_pulser import host_us
from twintap.errors import Refused
from twintap_protocol import frames

LEASE_US = 1_000_000
BOUND_US = 1_200_000


async def _stop(home: House) -> int:
    """Stops, and gives how long that took, in µs."""
    began_us = host_us()
    await home.hub.stop_set("blue", soft=False, actor="ann")
    return host_us() - began_us


async def test_a_stop_of_a_room_at_rest_waits_for_no_lease(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.ready()
        home.left.seen.clear()
        took_us = min([await _stop(home) for _ in range(5)])
        assert took_us < 200_000
        assert home.left.seen.count(frames.STOP) >= 5


async def test_a_start_that_a_stop_has_overtaken_starts_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.ready()
        shown = home.hub.room("blue").revision
        async with home.hub.watch("blue") as events:
            await anext(events)
            # Made first, and slower on its way: a finger that touched, and touched again to take it back.
            await _stop(home)
            with pytest.raises(Refused) as late:
                await home.hub.start_set("blue", {}, actor="ann", revision=shown)
            assert late.value.fault.code == "stale"
            # Whoever watches knows the room as it is, and starts it as before.
            told = await anext(events)
        assert (told.type, told.actor) == ("room.stopped", "ann")
        await home.hub.start_set("blue", {}, actor="ann", revision=told.state.revision)
        await _stop(home)


async def test_a_set_left_running_by_a_daemon_that_died_is_off_before_the_stop_says_so(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        await home.start(rate_hz=4, pulse_ms=125)
        await asyncio.sleep(0.4)
        died_us = host_us()
        # Nothing reaches the daemon that comes after: what runs goes on until its lease is over.
        for pulser in (home.left, home.right):
            pulser.behaviour.mute = pulser.behaviour.deaf = True
        await home.restart()
        assert not all(pulser.pacer.set_id == 0 for pulser in (home.left, home.right))
        await _stop(home)
        assert host_us() - died_us >= LEASE_US
        assert [pulser.pacer.set_id for pulser in (home.left, home.right)] == [0, 0]
        assert is_still(home.left)
        assert is_still(home.right)
        # By now nobody can hold a lease: the next stop has nothing to wait for.
        assert await _stop(home) < 200_000


async def test_a_buzz_whose_first_stops_are_lost_is_over_before_the_stop_says_so(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.ready()
        home.left.pacer.identify(1_000, 4_000, home.left.stamp_us() & ((1 << 30) - 1))
        home.left._follow()
        assert home.left.pacer.level_bp >= 0
        assert home.left.pacer.state == "buzz"
        home.left.behaviour.deaf = True
        stopping = asyncio.create_task(_stop(home))
        await asyncio.sleep(0.1)
        assert not stopping.done()
        home.left.behaviour.deaf = False
        took_us = await stopping
        assert home.left.pacer.state != "buzz"
        assert took_us < BOUND_US


async def test_a_linked_side_that_says_nothing_is_named_once_its_lease_must_be_over(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.ready()
        home.right.behaviour.mute = True
        began_us = host_us()
        with pytest.raises(Refused) as refused:
            await _stop(home)
        assert host_us() - began_us >= BOUND_US
        assert (refused.value.fault.code, refused.value.fault.side) == ("silent", "right")
        # It hears all the same, and was told again and again.
        assert home.right.seen.count(frames.STOP) >= 6


async def test_a_stop_does_not_hinder_the_next_set(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.ready()
        await _stop(home)
        await home.start(rate_hz=4, passes=2)
        assert (await home.over()).ended_reason == "finished"
        await _stop(home)
        await until(lambda: home.room.ready, "ready again")
