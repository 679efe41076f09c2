"""Pulsers that rest: drowsy ones are woken and kept, sleeping ones are said to sleep, and neither is lost."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import twintap.links.pulser
import twintap.rooms.hub
import twintap.rooms.waking
from tests.support.hub_house import House, house, until
from twintap.errors import Fault, Refused
from twintap.rooms.telling import NoChronicle
from twintap.rooms.waking import Waking
from twintap_protocol import frames


def powers(home: House) -> tuple[str, str]:
    left, right = home.room.left, home.room.right
    assert left is not None
    assert right is not None
    return left.power, right.power


def problems(home: House) -> set[tuple[str, str | None]]:
    return {(problem.code, problem.side) for problem in home.room.problems}


async def dozing(home: House) -> None:
    await home.ready()
    home.left.doze()
    home.right.doze()
    await until(lambda: powers(home) == ("drowsy", "drowsy"), "both are drowsy")


async def started(home: House, **changes: object) -> list[Fault]:
    """Starts, as often as it is asked to say it again; gives what it was refused for."""
    faults: list[Fault] = []
    while len(faults) < 5:
        try:
            await home.hub.start_set("blue", changes, actor="ann", revision=None)
        except Refused as refusal:
            faults.append(refusal.fault)
            await home.ready()
        else:
            break
    return faults


async def test_a_start_wakes_a_pair_that_rests_and_says_so(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await dozing(home)
        assert problems(home) == {("waking", "left"), ("waking", "right")}
        (fault,) = await started(home, passes=2, rate_hz=4)
        assert (fault.code, fault.retry_after_ms) == ("waking", 500)
        assert powers(home) == ("awake", "awake")
        assert (await home.over()).ended_reason == "finished"


async def test_a_wake_whose_frames_are_lost_is_asked_again(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await dozing(home)
        home.right.behaviour.deaf_to.add(frames.POWER)
        home.hub.wake("blue")
        await until(lambda: powers(home) == ("awake", "waking"), "the right one hears nothing")
        assert problems(home) == {("waking", "right")}
        home.right.behaviour.deaf_to.clear()
        await until(lambda: home.room.ready, "a repeat reached it")
        powered = [frame for frame in home.right.obeyed if isinstance(frame, frames.Power)]
        assert len({frame.number for frame in powered}) == len(powered), "a repeat is obeyed once"


async def test_a_drowsy_pulser_is_waited_for_longer_and_asked_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house(tmp_path) as home:
        await dozing(home)
        monkeypatch.setattr(twintap.links.pulser, "_SILENT_US", 300_000)
        monkeypatch.setattr(twintap.links.pulser, "_KEEPALIVE_US", 100_000)
        monkeypatch.setattr(twintap.links.pulser, "_DROWSY_AFTER_US", 0)
        home.left.seen.clear()

        def is_silent() -> bool:
            view = home.room.left
            assert view is not None
            assert view.link == "linked", "its silence is that of one who rests"
            assert view.last_heard_at is not None
            return datetime.now(UTC) - datetime.fromisoformat(view.last_heard_at) > timedelta(seconds=1.5)

        await until(is_silent, "it says something every 4 s")
        assert home.left.seen.count(frames.LEASE) <= 2, "its radio is left alone"


async def test_a_pulser_that_goes_to_sleep_is_asleep_and_not_lost(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await home.ready()
        async with home.hub.watch("blue") as events:
            told: list[str] = []
            await home.left.fall_asleep()
            assert frames.LEASE in home.left.seen, "its last words were answered"
            assert (powers(home)[0], problems(home)) == ("asleep", {("asleep", "left")})
            assert "press its button" in home.room.problems[0].message
            with pytest.raises(Refused) as refused:
                await home.hub.start_set("blue", {}, actor="ann", revision=None)
            assert refused.value.fault.code == "asleep"
            home.left.wake_up()
            await home.ready()
            while "pulser.linked" not in told:
                told.append((await anext(aiter(events))).type)
        of_rest = [kind for kind in told if kind in ("pulser.asleep", "pulser.lost", "pulser.woke")]
        assert of_rest == ["pulser.asleep", "pulser.woke"]
        assert not home.room.troubles, "nobody was out of reach"


class _Session(NoChronicle):
    """A room where a session is always open."""

    def session(self, room: str) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]
        return room


async def test_while_a_session_is_open_its_pulsers_do_not_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twintap.rooms.hub, "_TROUBLES_S", 0.1)
    monkeypatch.setattr(twintap.rooms.waking, "KEEP_US", 300_000)
    async with house(tmp_path) as home:
        await dozing(home)
        home.hub.chronicle = _Session()  # pyright: ignore[reportAttributeAccessIssue]
        await until(lambda: powers(home) == ("awake", "awake"), "they were woken without a word")

        def asked() -> int:
            return min(len(home.left.obeyed), len(home.right.obeyed))

        before = asked()
        await until(lambda: asked() >= before + 2, "they are kept awake")
        home.left.doze()
        await until(lambda: powers(home)[0] == "awake", "one that dozed off all the same is woken")


async def test_who_comes_to_command_and_who_opens_a_session_wakes_the_room(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        await dozing(home)
        with home.hub.controller_present("blue", "ann"):
            await until(lambda: powers(home) == ("awake", "awake"), "a controller came")
        await dozing(home)
        with home.hub.controller_present("blue", "ann", is_new=False):
            waking = home.hub._waking  # pyright: ignore[reportPrivateUsage]
            assert not waking._asking  # pyright: ignore[reportPrivateUsage]
        home.hub.session_changed("blue")
        await until(lambda: powers(home) == ("awake", "awake"), "a session was opened")


async def test_one_that_was_paired_anew_is_woken_though_its_former_self_was_being_asked() -> None:
    class Asked:
        """A settler whose pulser never answers."""

        def __init__(self) -> None:
            self.times = 0

        async def settle(self, _kind: int, _make: object) -> None:
            self.times += 1
            await asyncio.Event().wait()

    report = SimpleNamespace(trim_bp=10_000, flags=0, power=frames.POWER_DROWSY)

    def woken(_now_us: int) -> None:
        """Nobody looks."""

    pulser: Any = SimpleNamespace(id="a1", report=report, woken=woken)
    for waited in (False, True):  # it goes in the very same moment, before anybody has asked it; or later
        former, later = Asked(), Asked()
        settlers: dict[str, Any] = {"a1": former}
        waking = Waking(lambda one, settlers=settlers: settlers[one.id], lambda: 0)
        waking.wake((pulser,))
        if waited:
            await asyncio.sleep(0)
        del settlers["a1"]
        waking.forget(pulser)
        await asyncio.sleep(0)
        settlers["a1"] = later
        waking.wake((pulser,))
        await asyncio.sleep(0)
        assert (former.times, later.times) == (int(waited), 1)
        await waking.close()


async def test_a_pulser_of_minor_0_is_never_sent_what_it_does_not_know(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        for pulser in (home.left, home.right):
            pulser.behaviour.is_old = True
        await home.ready()
        home.hub.wake("blue")
        assert powers(home) == ("awake", "awake")
        view = home.room.left
        assert view is not None
        assert (view.trim_pct, view.networks, view.battery, view.boot_cause) == (None, None, "unknown", None)
        with pytest.raises(Refused) as refused:
            await home.hub.tuning.sleep(view.id, actor="ann")
        assert refused.value.fault.code == "old"
        assert await started(home, passes=1, rate_hz=4) == []
        await home.over()
        assert not {frames.TUNE, frames.NETWORK, frames.POWER} & set(home.left.seen)


# --- charge ---------------------------------------------------------------------------------------------


def troubles(home: House) -> list[tuple[str, str | None]]:
    return [(trouble.code, trouble.side) for trouble in home.room.troubles]


async def test_what_a_pulser_says_of_its_battery_holds_and_an_empty_one_starts_nothing(
    tmp_path: Path,
) -> None:
    async with house(tmp_path) as home:
        await home.ready()
        home.left.behaviour.battery = frames.BATTERY_LOW
        home.right.behaviour.battery = frames.BATTERY_FINE
        home.right.behaviour.battery_mv = 3_490  # this daemon alone would call it low
        await until(lambda: ("battery_low", "left") in troubles(home), "it says so itself")
        assert ("battery_low", "right") not in troubles(home)
        home.left.behaviour.battery = frames.BATTERY_EMPTY
        await until(lambda: problems(home) == {("empty", "left")}, "it is empty")
        assert ("battery_low", "left") not in troubles(home), "said once"
        with pytest.raises(Refused) as refused:
            await home.hub.start_set("blue", {}, actor="ann", revision=None)
        assert (refused.value.fault.code, refused.value.fault.side) == ("empty", "left")
        home.left.behaviour.charging = True
        await until(lambda: problems(home) == {("charging", "left")}, "it is being charged")
        assert not troubles(home) or troubles(home)[0][1] != "left"


async def test_a_charge_that_will_not_do_for_the_longest_set_is_said_in_minutes(tmp_path: Path) -> None:
    async with house(tmp_path, pair=False) as home:
        (await home.add("blue", "left")).behaviour.battery_mv = 3_400
        await home.add("blue", "right")
        home.left.behaviour.battery = frames.BATTERY_LOW
        await home.ready()
        await until(lambda: troubles(home) == [("charge_short", "left")], "it is short")
        (trouble,) = home.room.troubles
        left, right = home.room.left, home.room.right
        assert left is not None
        assert right is not None
        assert left.charge_left_min is not None
        assert f"about {left.charge_left_min} min" in trouble.message
        assert right.charge_left_min is not None
        assert left.charge_left_min < 10 < right.charge_left_min
        assert home.room.ready, "it keeps nobody from tapping"
        await home.start(passes=3, rate_hz=4)
        assert troubles(home) == [("battery_low", "left")], "for three passes it will do"
        await home.over()


async def test_an_older_firmware_is_said_to_be_old_and_a_newer_one_is_not(tmp_path: Path) -> None:
    async with house(tmp_path) as home:
        home.left.version, home.right.version = (0, 0, 9), (9, 0, 0)
        await home.ready()
        left, right = home.room.left, home.room.right
        assert left is not None
        assert right is not None
        assert (left.firmware_is_old, right.firmware_is_old) == (True, False)
        assert (left.rssi_dbm, left.boot_cause, left.trim_pct) == (-61, "power", 100.0)
