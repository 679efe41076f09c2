"""Sets from start to stop, with a hub and light pulsers on loopback: what the motor lines do."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.support.hub_house import assert_whole, house, is_still, last_us, pulses, until
from tests.support.light_pulser import host_us
from twintap.errors import Refused
from twintap.views import SIDES, Side, other

LEASE_US = 1_000_000
SLACK_US = 150_000  # what this machine's timers may add to a bound of the design


async def test_planned_passes_give_as_many_pulses_a_side_alternating(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.start(rate_hz=4, pulse_ms=125, passes=5, ramp_ms=0)
        assert home.set.state == "running"
        ended = await home.over()
        assert (ended.ended_reason, ended.passes_done) == ("finished", 5)
        assert_whole(home, "blue", 5)
        assert max(edge.level_bp for edge in home.left.edges) == 4_000


async def test_changes_of_rate_in_mid_set_lose_and_double_no_pulse(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.start(rate_hz=4, pulse_ms=60, passes=12)
        for rate_hz, wait_s in ((3.0, 0.4), (1.5, 0.02), (3.0, 1.0), (4.0, 0.1)):
            await asyncio.sleep(wait_s)
            await home.hub.change_set("blue", {"rate_hz": rate_hz}, actor="ann", revision=None)
        ended = await home.over()
        assert_whole(home, "blue", 12)
        assert ended.pacing["rate_hz"] == 4.0


async def test_a_lower_level_acts_before_the_next_boundary(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.start(rate_hz=0.5, pulse_ms=800, level_pct=40, ramp_ms=0)
        await until(lambda: home.left.edges and home.left.edges[-1].level_bp == 4_000, "left is at its level")
        await home.hub.change_set("blue", {"level_pct": 5}, actor="ann", revision=None)
        await until(lambda: home.left.edges[-1].level_bp == 500, "left is lower within the pulse")
        assert len(pulses(home)) == 1


async def test_a_stop_stills_both_and_nothing_moves_after(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.start(rate_hz=4, pulse_ms=125)
        await asyncio.sleep(0.5)
        room = await home.hub.stop_set("blue", soft=False, actor="ann")
        assert room.set is not None
        assert (room.set.state, room.set.ended_reason, room.set.ended_by) == ("ended", "stop", "ann")
        assert is_still(home.left)
        assert is_still(home.right)
        seen = len(home.left.edges), len(home.right.edges)
        await asyncio.sleep(0.6)
        assert (len(home.left.edges), len(home.right.edges)) == seen


async def test_a_soft_stop_ends_with_whole_passes(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.start(rate_hz=4, pulse_ms=100)
        await asyncio.sleep(0.7)
        room = await home.hub.stop_set("blue", soft=True, actor="ann")
        assert room.set is not None
        assert (room.set.ended_reason, room.set.ended_by) == ("soft", "ann")
        assert_whole(home, "blue", room.set.passes_done)


@pytest.mark.parametrize("side", ["left", "right"])
async def test_the_clients_button_stops_the_twin_too(tmp_path: Path, side: Side) -> None:
    async with house(tmp_path / "data") as home:
        await home.start(rate_hz=4, pulse_ms=125)
        await asyncio.sleep(0.5)
        pressed_us = host_us()
        home.pulsers["blue", side].press()
        assert is_still(home.pulsers["blue", side])
        ended = await home.over()
        assert (ended.ended_reason, ended.ended_by, ended.ended_side) == ("button", "button", side)
        twin = home.pulsers["blue", other(side)]
        assert is_still(twin)
        assert last_us(twin.edges) <= pressed_us + SLACK_US


async def test_one_pulser_lost_ends_its_twin_within_the_lease(tmp_path: Path) -> None:
    cases: list[tuple[str, Side, str]] = [
        (f"{side}-{fault}", side, fault) for side in SIDES for fault in ("mute", "deaf", "both")
    ]
    async with house(tmp_path / "data", pair=False) as home:
        for name, _, _ in cases:
            await home.add(name, "left")
            await home.add(name, "right")
        await asyncio.gather(*(home.start(name, rate_hz=4, pulse_ms=125) for name, _, _ in cases))
        await asyncio.sleep(0.5)
        lost_us = host_us()
        for name, side, fault in cases:
            behaviour = home.pulsers[name, side].behaviour
            behaviour.mute = fault in ("mute", "both")
            behaviour.deaf = fault in ("deaf", "both")
        for name, side, _ in cases:
            ended = await home.over(name)
            assert ended.ended_reason in ("lost", "lease"), name
            assert ended.ended_side == side, name
        for name, side, _ in cases:
            lost, twin = home.pulsers[name, side], home.pulsers[name, other(side)]
            await until(lambda lost=lost: is_still(lost), "the lost one is off by its own lease")
            for pulser in (lost, twin):
                assert last_us(pulser.edges) <= lost_us + LEASE_US + SLACK_US, name


async def test_a_side_whose_leases_never_arrive_does_not_leave_its_twin_alone_for_a_second(
    tmp_path: Path,
) -> None:
    async with house(tmp_path / "data") as home:
        home.right.behaviour.deaf_to_leases = True
        await home.start(rate_hz=4, pulse_ms=125)
        ended = await home.over()
        assert (ended.ended_reason, ended.ended_side) == ("silent", "right")
        assert home.right.edges == []
        assert home.left.edges
        assert last_us(home.left.edges) - home.left.edges[0].host_us <= LEASE_US


async def test_a_lease_reaches_no_further_than_a_second_beyond_its_twin_s_last_word(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.start(rate_hz=4, pulse_ms=125)
        await asyncio.sleep(0.5)
        home.right.behaviour.mute = True
        muted_us = host_us()
        # Shortly before the daemon gives the set up, so that no stop is heard: what is left is the lease.
        await asyncio.sleep(0.5)
        home.left.behaviour.deaf = True
        await home.over()
        await asyncio.sleep(1.0)
        assert is_still(home.left)
        assert last_us(home.left.edges) <= muted_us + LEASE_US + SLACK_US


async def test_a_set_of_a_daemon_that_dies_ends_by_lease_and_nothing_starts_by_itself(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.start(rate_hz=4, pulse_ms=125)
        await asyncio.sleep(0.5)
        died_us = host_us()
        await home.restart()
        await home.ready()
        assert home.room.set is None
        for pulser in (home.left, home.right):
            assert is_still(pulser)
            assert last_us(pulser.edges) <= died_us + LEASE_US + SLACK_US
        seen = len(home.left.edges)
        await asyncio.sleep(0.5)
        assert len(home.left.edges) == seen
        await home.start(rate_hz=4, passes=2)
        assert (await home.over()).ended_reason == "finished"


async def test_a_hung_loop_ends_the_sets_and_the_room_is_ready_again_by_itself(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.start(rate_hz=4, pulse_ms=125)
        await asyncio.sleep(0.5)
        time.sleep(1.5)  # noqa: ASYNC251 - the very thing that must not happen, on purpose
        ended = await home.over()
        assert ended.ended_reason in ("clock", "lost", "lease")
        assert is_still(home.left)
        assert is_still(home.right)
        await until(lambda: not home.room.ready, "the fits are dropped", 2.0)
        await home.ready()
        await asyncio.sleep(1.0)
        await home.start(rate_hz=4, passes=2)
        assert (await home.over()).ended_reason == "finished"


async def test_a_clock_correction_that_comes_after_a_stop_moves_nothing(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.start(rate_hz=4, pulse_ms=125)
        schedule = home.left.held_schedule()
        await asyncio.sleep(0.5)
        await home.hub.stop_set("blue", soft=False, actor="ann")
        seen = len(home.left.edges)
        schedule.revision += 40
        assert home.left.take_schedule(schedule) is False
        await asyncio.sleep(0.4)
        assert len(home.left.edges) == seen


async def test_unpairing_in_mid_set_stops_both(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.start(rate_hz=4, pulse_ms=125)
        await asyncio.sleep(0.4)
        gone_us = host_us()
        await home.hub.remove_pulser(home.left.pulser_id.hex())
        await home.over()
        for pulser in (home.left, home.right):
            assert is_still(pulser)
            assert last_us(pulser.edges) <= gone_us + SLACK_US
        assert [problem.code for problem in home.room.problems] == ["incomplete"]
        await asyncio.sleep(1.0)
        with pytest.raises(Refused, match="no left pulser"):
            await home.hub.start_set("blue", {}, actor="ann", revision=None)


async def test_a_charger_ends_the_set_and_keeps_the_next_from_starting(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.start(rate_hz=4, pulse_ms=125)
        home.left.behaviour.charging = True
        ended = await home.over()
        assert (ended.ended_reason, ended.ended_side) == ("charging", "left")
        await asyncio.sleep(1.0)
        with pytest.raises(Refused) as refused:
            await home.hub.start_set("blue", {}, actor="ann", revision=None)
        assert refused.value.fault.code == "charging"


async def test_one_address_that_cannot_be_sent_to_does_not_stop_the_other_pulser(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.start(rate_hz=4, pulse_ms=125)
        await asyncio.sleep(0.3)
        link = home.hub.pulser_of("blue", "left").link
        assert link is not None
        home.left.behaviour.mute = True  # or its next frame would heal the address
        link.address = ("255.255.255.255", 9)  # the system refuses: no broadcast was asked for
        ended = await home.over()
        assert ended.ended_reason in ("lost", "lease")
        assert home.hub.endpoint.dropped["icmp"] > 0
        assert is_still(home.right)
