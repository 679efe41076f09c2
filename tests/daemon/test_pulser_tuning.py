"""A pulser's name, place, trim and networks, changed from the hub, whether it acknowledges or not."""

import asyncio
import logging
from datetime import datetime
from pathlib import Path

import pytest

import twintap.links.pulser
import twintap.rooms.settling
from tests.support.hub_house import House, house, until
from twintap.errors import Refused, StoreError
from twintap.journal.checking import checked_data
from twintap.rooms.telling import Told
from twintap.rooms.tuning import Change
from twintap.sessions.recording import RECORDED, data_of
from twintap.store import Pairing
from twintap.views import PulserView, RoomEvent, Side
from twintap_protocol import frames

PASSWORD = "correct horse"


def view(home: House, side: Side = "left", room: str = "blue") -> PulserView:
    state = home.hub.room(room)
    found = state.left if side == "left" else state.right
    assert found is not None
    return found


async def change(home: House, pulser: PulserView, **what: object) -> PulserView:
    return await home.hub.tuning.change(pulser.id, Change(**what), actor="ann")  # pyright: ignore[reportArgumentType]


async def refusal(home: House, pulser: PulserView, **what: object) -> str:
    before = kept(home)
    with pytest.raises(Refused) as refused:
        await change(home, pulser, **what)
    assert kept(home) == before, "nothing was changed"
    return refused.value.fault.code


def kept(home: House) -> set[tuple[str, str, str, str]]:
    return {(one.pulser_id.hex(), one.room, one.side, one.name) for one in home.store.pairings()}


# --- name and place -------------------------------------------------------------------------------------


async def test_a_name_and_a_place_are_kept_for_the_next_start(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        left, right = view(home), view(home, "right")
        moved = await change(home, left, name="the red one", room="green", side="right")
        assert (moved.name, moved.room, moved.side) == ("the red one", "green", "right")
        assert home.room.left is None
        assert view(home, "right", "green").id == left.id
        await home.restart()
        assert kept(home) == {
            (left.id, "green", "right", "the red one"),
            (right.id, "blue", "right", "blue right"),
        }
        assert view(home, "right", "green").name == "the red one"


async def test_a_moved_pulser_learns_its_side_and_its_new_room_s_colour_and_its_pair_taps(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        await home.ready()
        for side in ("left", "right"):
            await change(home, view(home, side), room="green")
        colour = bytes.fromhex(home.hub.room("green").colour[1:])
        assert colour != bytes.fromhex(home.room.colour[1:])
        for pulser in (home.left, home.right):
            await until(lambda pulser=pulser: bytes(pulser.colour) == colour, "it shows the room's colour")
        await until(lambda: home.hub.room("green").ready, "the pair is ready in its new room")
        assert {problem.code for problem in home.room.problems} == {"incomplete"}
        await home.hub.start_set("green", {"passes": 1}, actor="ann", revision=None)
        assert (await home.over("green")).ended_reason == "finished"


async def test_a_taken_side_of_the_room_is_swapped_and_of_another_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.add("green", "left")
        left, right = view(home), view(home, "right")
        async with home.hub.watch("blue") as events:
            await change(home, left, side="right")
            told = [(await anext(aiter(events))).type for _ in range(events.waiting)]
        assert told.count("pulser.moved") == 1
        assert (view(home).id, view(home, "right").id) == (right.id, left.id)
        for pulser, side in ((home.left, frames.SIDE_RIGHT), (home.right, frames.SIDE_LEFT)):
            await until(lambda pulser=pulser, side=side: pulser.side == side, "each knows its side")
        assert await refusal(home, view(home), room="green") == "taken"
        assert await refusal(home, view(home), room="green", name="other") == "taken"
        # Nor is it trimmed, which is done before it would have found the place taken.
        assert await refusal(home, view(home), room="green", trim_pct=50) == "taken"
        assert not home.left.obeyed
        assert not home.right.obeyed


async def test_in_a_set_nothing_of_a_pulser_is_changed(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.add("green", "left")
        await home.start()
        left, other = view(home), view(home, room="green")
        for what in ({"name": "x"}, {"side": "right"}, {"room": "red"}, {"trim_pct": 50}):
            assert await refusal(home, left, **what) == "running", what
        assert await refusal(home, other, room="blue", side="right") in ("running", "taken")
        for doing in (
            home.hub.tuning.keep_network(left.id, "Praxis", PASSWORD, actor="ann"),
            home.hub.tuning.forget_network(left.id, "Praxis", actor="ann"),
            home.hub.tuning.sleep(left.id, actor="ann"),
        ):
            with pytest.raises(Refused, match="a set is running"):
                await doing
        assert not home.left.obeyed


async def test_no_set_starts_while_a_pulser_is_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        await home.ready()
        is_writing, may_write = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        put = home.store.put_pairings

        def slow(pairings: list[Pairing]) -> None:
            loop.call_soon_threadsafe(is_writing.set)
            asyncio.run_coroutine_threadsafe(may_write.wait(), loop).result(20)
            put(pairings)

        monkeypatch.setattr(home.store, "put_pairings", slow)
        moving = asyncio.create_task(change(home, view(home), room="green"))
        await is_writing.wait()
        with pytest.raises(Refused, match="changing their places"):
            await home.hub.start_set("blue", {}, actor="ann", revision=None)
        may_write.set()
        assert (await moving).room == "green"


async def test_a_place_that_cannot_be_written_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:

        def full(_: object) -> None:
            raise StoreError("pairings.json cannot be written (no space)")

        monkeypatch.setattr(home.store, "put_pairings", full)
        with pytest.raises(StoreError):
            await change(home, view(home), room="green", side="right")
        assert view(home).side == "left"
        await home.ready()


# --- what the pulser keeps ------------------------------------------------------------------------------


async def test_a_trim_and_networks_reach_the_pulser_and_are_acknowledged(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.ready()
        left, tuning = view(home), home.hub.tuning
        assert (await change(home, left, trim_pct=82.5)).trim_pct == 82.5
        assert home.left.trim_bp == 8_250
        found = await tuning.keep_network(left.id, "Praxis", PASSWORD, actor="ann")
        assert (found.networks, home.left.networks) == (1, {b"Praxis": PASSWORD.encode()})
        found = await tuning.keep_network(left.id, "Gäste", "", actor="ann")
        assert (found.networks, list(home.left.networks)) == (2, ["Gäste".encode(), b"Praxis"])
        assert (await tuning.forget_network(left.id, "Praxis", actor="ann")).networks == 1
        with pytest.raises(Refused) as refused:
            await tuning.forget_network(left.id, "Praxis", actor="ann")
        assert refused.value.fault.code == "refused"
        numbers = [frame.number for frame in home.left.obeyed]  # pyright: ignore[reportAttributeAccessIssue]
        assert numbers == [1, 2, 3, 4, 5]


async def test_a_number_is_one_that_the_pulser_has_not_seen_whoever_used_it(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.left.settled = (65_535, frames.SETTLED_DONE)  # a daemon before this one came so far
        await home.ready()
        await change(home, view(home), trim_pct=50)
        await change(home, view(home), trim_pct=60)
        assert [frame.number for frame in home.left.obeyed] == [1, 2]  # pyright: ignore[reportAttributeAccessIssue]
        assert home.left.trim_bp == 6_000


async def test_what_is_lost_is_said_again_and_obeyed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        await home.ready()
        home.left.behaviour.deaf_to.add(frames.TUNE)
        tuning = asyncio.create_task(change(home, view(home), trim_pct=70))
        await asyncio.sleep(0.1)
        assert not tuning.done()
        home.left.behaviour.deaf_to.clear()
        home.left.behaviour.mute = True  # it hears, and what it says of it is lost
        await until(lambda: home.left.obeyed, "a repeat reached it")
        await asyncio.sleep(0.4)
        home.left.behaviour.mute = False
        assert (await tuning).trim_pct == 70
        assert len(home.left.obeyed) == 1
        monkeypatch.setattr(twintap.rooms.settling, "_PATIENCE_US", 300_000)
        home.left.behaviour.deaf_to.add(frames.TUNE)
        assert await refusal(home, view(home), trim_pct=80, name="never") == "silent"


async def test_a_pulser_that_cannot_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with house(tmp_path) as home:
        await home.ready()
        home.left.behaviour.flash_fails = True
        assert await refusal(home, view(home), trim_pct=70) == "flash"
        await home.left.close()
        monkeypatch.setattr(twintap.links.pulser, "_SILENT_US", 1_200_000)
        await until(lambda: view(home).link != "linked", "it is gone")
        assert await refusal(home, view(home), trim_pct=70, name="gone") == "offline"
        assert (await change(home, view(home), name="gone")).name == "gone", (
            "that is the daemon's own to keep"
        )


async def test_two_who_change_one_pulser_at_once_are_served_one_after_the_other(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.ready()
        left, tuning = view(home), home.hub.tuning
        await asyncio.gather(
            change(home, left, trim_pct=40),
            tuning.keep_network(left.id, "Praxis", PASSWORD, actor="ann"),
            change(home, left, trim_pct=60),
        )
        assert home.left.trim_bp in (4_000, 6_000)
        assert list(home.left.networks) == [b"Praxis"]
        assert len(home.left.obeyed) == 3


async def test_no_more_wait_for_one_pulser_than_it_can_be_told_in_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twintap.rooms.settling, "_PATIENCE_US", 150_000)
    async with house(tmp_path) as home:
        await home.ready()
        left = view(home)
        home.left.behaviour.deaf_to.add(frames.TUNE)
        asking = [asyncio.create_task(change(home, left, trim_pct=40)) for _ in range(8)]
        refused = await asyncio.gather(*asking, return_exceptions=True)
        codes = [one.fault.code for one in refused if isinstance(one, Refused)]
        assert sorted(codes) == ["busy"] * 4 + ["silent"] * 4
        home.left.behaviour.deaf_to.clear()
        assert (await change(home, left, trim_pct=40)).trim_pct == 40


@pytest.mark.parametrize(
    ("ssid", "password", "field"),
    [
        ("", "", "ssid"),
        ("ä" * 17, "", "ssid"),
        ("a\x07", "", "ssid"),
        ("a\ud800", "", "ssid"),
        ("a", "seven77", "password"),
        ("a", "x" * 65, "password"),
        ("a", "eight\nlong", "password"),
    ],
)
async def test_a_network_that_can_be_none_is_refused_here(
    tmp_path: Path, ssid: str, password: str, field: str
) -> None:
    async with house(tmp_path) as home:
        with pytest.raises(Refused) as refused:
            await home.hub.tuning.keep_network(view(home).id, ssid, password, actor="ann")
        assert (refused.value.fault.code, refused.value.fault.field) == ("field", field)
        assert not password or password not in str(refused.value)


async def test_no_password_and_no_network_s_name_is_told_or_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with house(tmp_path) as home:
        await home.ready()
        async with home.hub.watch(None) as events:
            await home.hub.tuning.keep_network(view(home).id, "Praxis", PASSWORD, actor="ann")
            told = [await anext(aiter(events)) for _ in range(events.waiting)]
        assert "pulser.networks" in {event.type for event in told}
        for words in (repr(told), caplog.text):
            assert "Praxis" not in words
            assert PASSWORD not in words


async def test_a_pulser_sent_to_sleep_is_asleep(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.ready()
        found = await home.hub.tuning.sleep(view(home).id, actor="ann")
        await until(lambda: view(home).power == "asleep", "it said so")
        assert found.id == view(home).id
        assert (await home.hub.tuning.sleep(found.id, actor="ann")).power == "asleep", "it is already"


async def test_all_that_is_done_to_a_pulser_is_kept_as_its_type_says(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.ready()
        left = view(home)
        async with home.hub.watch(None) as events:
            await change(home, left, name="red one", room="green", side="right", trim_pct=80)
            await home.hub.tuning.keep_network(left.id, "Praxis", PASSWORD, actor="ann")
            await home.hub.tuning.sleep(left.id, actor="ann")
            await until(lambda: view(home, "right", "green").power == "asleep", "it said so")
            home.left.wake_up()
            await until(lambda: view(home, "right", "green").link == "linked", "it is back")
            told = [await anext(aiter(events)) for _ in range(events.waiting)]
    kept = {
        (event.type, event.room): checked_data(event.type, data_of(_told(event)))
        for event in told
        if event.type in RECORDED
    }
    who = {"side": "right", "pulser": left.id}
    moved = who | {"room": "green", "room_before": "blue", "side_before": "left"}
    assert {key: data for key, data in kept.items() if key[0] != "pulser.linked"} == {
        ("pulser.trimmed", "blue"): who | {"side": "left", "trim_pct": 80.0},
        ("pulser.moved", "blue"): moved,
        ("pulser.moved", "green"): moved,
        ("pulser.renamed", "green"): who | {"name": "red one"},
        ("pulser.networks", "green"): who | {"networks": 1},
        ("pulser.sent_to_sleep", "green"): who,
        ("pulser.asleep", "green"): who,
        ("pulser.woke", "green"): who,
    }


def _told(event: RoomEvent) -> Told:
    at = datetime.fromisoformat(event.at)
    return Told(event.type, event.room, event.actor, event.data, at, event.monotonic_us)
