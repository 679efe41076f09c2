"""Who commands and who watches: order, refusals, swap, identify, and readers that are slow."""

import asyncio
import threading
from pathlib import Path

import pytest

from tests.support.hub_house import house, is_still, until
from tests.support.light_pulser import host_us
from twintap.errors import Refused, StoreError
from twintap.rooms.watch import Watch
from twintap.store import Pairing
from twintap.views import RoomEvent
from twintap_protocol import frames


async def read_until(watch: Watch, kind: str) -> list[RoomEvent]:
    events: list[RoomEvent] = []
    async with asyncio.timeout(20):
        async for event in watch:
            events.append(event)
            if event.type == kind:
                break
    return events


async def test_every_watcher_sees_the_same_events_in_the_same_order(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.ready()
        async with home.hub.watch("blue") as one, home.hub.watch(None) as two:
            await home.start(rate_hz=4, passes=3)
            await home.hub.change_set("blue", {"level_pct": 10}, actor="bob", revision=None)
            await home.over()
            seen = [await read_until(watch, "set.stilled") for watch in (one, two)]
        names = [[event.type for event in events] for events in seen]
        assert names[0] == names[1]
        assert names[0][0] == "room.snapshot"
        told = [name for name in names[0] if name.startswith("set.") and name != "set.progress"]
        assert told == ["set.asked", "set.started", "set.changed", "set.ended", "set.stilled"]
        revisions = [event.state.revision for event in seen[0]]
        assert revisions == sorted(revisions)
        times = [event.monotonic_us for event in seen[0]]
        assert times == sorted(times)
        changed = next(event for event in seen[1] if event.type == "set.changed")
        assert changed.actor == "bob"
        assert changed.state.set is not None
        assert changed.state.set.pacing["left_pct"] == 10


async def test_a_reader_that_is_too_slow_gets_the_state_instead_of_a_backlog(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.start(rate_hz=1)
        async with home.hub.watch("blue") as slow:
            for level in range(400):
                await home.hub.change_set("blue", {"level_pct": 1 + level % 90}, actor="ann", revision=None)
            backlog: list[RoomEvent] = []
            while slow.waiting:
                backlog.append(await anext(slow))
            assert len(backlog) <= 130
            fresh = max(at for at, event in enumerate(backlog) if event.type == "room.snapshot")
            assert fresh > 0 or backlog[0].state.revision > 100
            assert backlog[-1].state.revision == home.room.revision


async def test_watchers_hear_of_readiness_charging_and_presses_without_a_command(tmp_path: Path) -> None:
    async with house(tmp_path / "data", pair=False) as home:
        left = await home.add("blue", "left")
        async with home.hub.watch("blue") as watch:
            right = await home.add("blue", "right")
            async with asyncio.timeout(20):
                async for event in watch:
                    if event.state.ready:
                        break
            right.behaviour.charging = True
            right.report()
            async with asyncio.timeout(20):
                async for event in watch:
                    if any(problem.code == "charging" for problem in event.state.problems):
                        break
            left.press()
            pressed = (await read_until(watch, "pulser.pressed"))[-1]
            assert pressed.data["side"] == "left"
            assert pressed.state.left is not None
            assert pressed.state.left.presses == 1


async def test_the_same_command_from_two_controllers_is_taken_once(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.ready()
        seen = home.room.revision
        one, two = await asyncio.gather(
            home.hub.start_set("blue", {"rate_hz": 4}, actor="ann", revision=seen),
            home.hub.start_set("blue", {"rate_hz": 2}, actor="bob", revision=seen),
            return_exceptions=True,
        )
        assert not isinstance(one, BaseException)
        assert isinstance(two, Refused)
        assert two.fault.code == "stale"
        assert home.set.pacing["rate_hz"] == 4
        stops = [home.hub.stop_set("blue", soft=False, actor=actor) for actor in ("ann", "bob", "cat")]
        for room in await asyncio.gather(*stops):
            assert room.set is not None
            assert room.set.ended_by == "ann"


async def test_a_stop_during_a_start_wins(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.ready()
        starting = asyncio.create_task(home.hub.start_set("blue", {}, actor="ann", revision=None))
        await asyncio.sleep(0)
        await home.hub.stop_set("blue", soft=False, actor="bob")
        with pytest.raises(Refused, match="stopped while it was starting"):
            await starting
        await asyncio.sleep(0.3)
        assert home.left.edges == []
        assert home.right.edges == []


async def test_a_swap_that_cannot_be_kept_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path / "data") as home:
        await home.ready()
        before, seen = home.store.pairings(), home.room.revision

        def full(*_: object) -> None:
            raise OSError(28, "no space left on device")

        monkeypatch.setattr("os.fsync", full)
        with pytest.raises(StoreError):
            await home.hub.swap("blue", actor="ann")
        monkeypatch.undo()
        assert home.store.pairings() == before
        assert home.room.revision == seen
        assert home.hub.pulser_of("blue", "left").id == home.left.pulser_id.hex()
        await home.start(rate_hz=4, passes=1)
        assert (await home.over()).ended_reason == "finished"


async def test_no_set_starts_while_the_sides_are_being_swapped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path / "data") as home:
        await home.ready()
        disk = threading.Event()
        write = home.store.put_pairings

        def slow(pairings: list[Pairing]) -> None:
            assert disk.wait(10)
            write(pairings)

        monkeypatch.setattr(home.store, "put_pairings", slow)
        swap = asyncio.create_task(home.hub.swap("blue", actor="ann"))
        await asyncio.sleep(0.05)
        with pytest.raises(Refused, match="changing their places"):
            await home.hub.start_set("blue", {}, actor="ann", revision=None)
        disk.set()
        await swap
        assert home.hub.pulser_of("blue", "left").id == home.right.pulser_id.hex()


async def test_swapping_turns_left_into_right_without_pairing_again(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.ready()
        was_left, was_right = home.left, home.right
        await home.start(rate_hz=4, passes=1)
        with pytest.raises(Refused, match="a set is running"):
            await home.hub.swap("blue", actor="ann")
        await home.over()
        seen = home.room.revision
        await home.hub.swap("blue", actor="ann")
        home.pulsers = {("blue", "left"): was_right, ("blue", "right"): was_left}
        await until(lambda: was_right.side == frames.SIDE_LEFT, "the pulser knows its new side")
        await until(lambda: was_left.side == frames.SIDE_RIGHT, "the pulser knows its new side")
        for pairing in home.store.pairings():
            assert home.pulsers["blue", pairing.side].pulser_id == pairing.pulser_id
        await asyncio.sleep(1.0)
        with pytest.raises(Refused, match="has changed since"):
            await home.hub.start_set("blue", {}, actor="ann", revision=seen)
        since_us = host_us()
        await home.start(rate_hz=4, passes=1)
        await home.over()
        first_left = next(edge for edge in was_right.edges if edge.host_us > since_us)
        first_right = next(edge for edge in was_left.edges if edge.host_us > since_us)
        assert first_left.host_us < first_right.host_us


async def test_identify_buzzes_one_pulser_and_not_in_a_set_nor_while_charging(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.ready()
        left = home.left.pulser_id.hex()
        await home.hub.identify(left, actor="ann")
        await until(lambda: home.left.edges and is_still(home.left), "left buzzed and is still")
        assert home.right.edges == []
        assert home.left.edges[-1].host_us - home.left.edges[0].host_us <= 1_000_000
        await home.start(rate_hz=1)
        with pytest.raises(Refused, match="a set is running"):
            await home.hub.identify(left, actor="ann")
        await home.hub.stop_set("blue", soft=False, actor="ann")
        home.left.behaviour.charging = True
        home.left.report()
        await until(lambda: home.room.left and home.room.left.charging, "the charger is seen")
        with pytest.raises(Refused, match="charger"):
            await home.hub.identify(left, actor="ann")
        with pytest.raises(Refused, match="no pulser"):
            await home.hub.identify("00" * 8, actor="ann")


async def test_a_stop_without_a_set_stops_a_buzz(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.ready()
        await home.hub.identify(home.left.pulser_id.hex(), actor="ann")
        assert not is_still(home.left)
        await home.hub.stop_set("blue", soft=False, actor="ann")
        await until(lambda: is_still(home.left), "the buzz is off", 0.3)
        assert home.left.edges[-1].host_us - home.left.edges[0].host_us < 400_000


async def test_an_unknown_room_is_refused_by_name(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        with pytest.raises(Refused, match="there is no room green; rooms are: blue"):
            home.hub.watch("green")
        with pytest.raises(Refused, match="there is no room green"):
            await home.hub.stop_set("green", soft=False, actor="ann")
