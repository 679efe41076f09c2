"""Sets in sessions, with a hub, light pulsers and a real journal: what is recorded of them, and shown."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub_house import House, house, until
from twintap.errors import Refused
from twintap.journal.entry import Entry
from twintap.journal.journal import Journal
from twintap.sessions.desk import Desk
from twintap.store import Store
from twintap.views import SessionView


@dataclass
class Practice:
    home: House
    journal: Journal
    desk: Desk

    async def begin(self) -> SessionView:
        await self.home.ready()
        return await self.desk.open_session("blue", code="k-17", kind="emdr", zone="UTC", actor="ann")

    async def start(self, **changes: object) -> None:
        await self.home.ready()
        await self.desk.start_set("blue", changes, actor="ann", revision=None)

    async def events(self, session: str | None) -> list[tuple[str, dict[str, Any]]]:
        await self.journal.flushed()
        found = await (self.journal.entries(session) if session else self.journal.room_entries("blue"))
        return [(kind, dict(data)) for kind, data in map(_told, found) if kind.startswith("set.")]

    async def recorded(self, session: str | None) -> dict[str, Any]:
        events = await self.events(session)
        assert events[-1][0] == "set.recorded", events
        return events[-1][1]


def _told(entry: Entry) -> tuple[str, Any]:
    assert entry.type is not None
    return entry.type, entry.data


@asynccontextmanager
async def practice_in(path: Path) -> AsyncGenerator[Practice]:
    async with house(path) as home:
        journal = await asyncio.to_thread(Journal.open, path, daemon_id=home.store.daemon_id)
        desk = Desk(home.hub, journal, path)
        await desk.open()
        try:
            yield Practice(home, journal, desk)
        finally:
            await desk.close()
            await journal.close()


@pytest.fixture
async def practice(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncGenerator[Practice]:
    async with practice_in(tmp_path / "data") as practice:
        yield practice
    assert "was not kept" not in caplog.text, "every event of a room is one that the journal knows"


async def test_a_set_is_recorded_with_what_was_asked_and_what_was_done(practice: Practice) -> None:
    opened = await practice.begin()
    await practice.desk.enter("blue", "part.met", {"label": "the guard"}, actor="ann")
    await practice.start(rate_hz=4, pulse_ms=60, passes=8)
    running = practice.home.set
    changed = await practice.desk.change_set("blue", {"level_pct": 20}, actor="bob", revision=None)
    assert changed.set is not None
    await practice.desk.change_set("blue", {"passes": 10}, actor="bob", revision=None)
    ended = await practice.home.over()
    events = await practice.events(opened.id)
    assert [kind for kind, _ in events] == [
        "set.asked",
        "set.started",
        "set.changed",
        "set.changed",
        "set.ended",
        "set.recorded",
    ]
    assert {data["set_uid"] for _, data in events} == {running.uid}
    record = events[-1][1]
    assert (record["asked"]["passes"], record["asked"]["left_pct"]) == (8, 40)
    assert (record["pacing"]["passes"], record["pacing"]["left_pct"], record["changes"]) == (10, 20, 2)
    assert (record["reason"], record["passes_done"], record["complete"]) == ("finished", 10, True)
    for side in ("left", "right"):
        assert record[side]["delivered"] + record[side]["skipped"] == 10
    assert 0 < record["left_right_error_us"] < 50_000
    assert record["left_right_error_us"] == ended.left_right_error_us
    assert record["part"] == "the guard"
    session = practice.home.room.session
    assert session is not None
    assert (session.sets, session.passes) == (1, 10)


async def test_who_ended_a_set_is_recorded(practice: Practice) -> None:
    opened = await practice.begin()
    await practice.start(rate_hz=4, pulse_ms=60)
    await practice.home.hub.stop_set("blue", soft=False, actor="pedal")
    record = await practice.recorded(opened.id)
    assert (record["reason"], record["by"], record["side"]) == ("stop", "pedal", None)
    await asyncio.sleep(1.0)
    await practice.start(rate_hz=4, pulse_ms=60, passes=40)
    await practice.home.hub.stop_set("blue", soft=True, actor="bob")
    record = await practice.recorded(opened.id)
    assert (record["reason"], record["by"]) == ("soft", "bob")
    assert record["pacing"]["passes"] == 40, "what was planned is what the next set may take over"
    await asyncio.sleep(1.0)
    await practice.start(rate_hz=4, pulse_ms=60)
    practice.home.right.press()
    await practice.home.over()
    record = await practice.recorded(opened.id)
    assert (record["reason"], record["by"], record["side"]) == ("button", "button", "right")


async def test_every_turn_of_a_set_is_kept(practice: Practice) -> None:
    opened = await practice.begin()
    hub = practice.home.hub
    with hub.controller_present("blue", "ann"):
        await practice.start(rate_hz=2, pulse_ms=60, passes=200)
        for rate_hz in (3.0, 4.0):
            # The second comes when the first is about to be taken, and has to wait for it.
            await practice.desk.change_set("blue", {"rate_hz": rate_hz}, actor="ann", revision=None)
            await asyncio.sleep(0.35)
    await until(lambda: practice.home.set.asked is None and practice.home.set.pacing["rate_hz"] == 4, "4 Hz")

    def is_alone() -> bool:
        current = hub._room("blue").state.set  # pyright: ignore[reportPrivateUsage]
        return current is not None and current.left_alone_us is not None

    await until(is_alone, "the last controller is gone")
    with hub.controller_present("blue", "bob"):
        await hub.stop_set("blue", soft=True, actor="bob")
    kinds = [kind for kind, _ in await practice.events(opened.id)]
    assert {"set.changed", "set.change_taken", "set.left_alone", "set.passes"} <= set(kinds)
    assert (kinds[0], kinds[-1]) == ("set.asked", "set.recorded")
    record = await practice.recorded(opened.id)
    assert (record["changes"], record["pacing"]["rate_hz"], record["pacing"]["passes"]) == (2, 4, 200)


async def test_a_try_out_is_journalled_under_its_room(practice: Practice) -> None:
    await practice.start(rate_hz=4, pulse_ms=60, passes=2)
    await practice.home.over()
    record = await practice.recorded(None)
    assert (record["reason"], record["passes_done"], record["part"]) == ("finished", 2, None)
    opened = await practice.begin()
    assert await practice.events(opened.id) == []


async def test_a_start_answers_when_its_events_are_in_the_journal(practice: Practice) -> None:
    opened = await practice.begin()
    await practice.start(rate_hz=4, pulse_ms=60)
    # Read by another connection, which sees only what was committed.
    kinds = [_told(entry)[0] for entry in await practice.journal.entries(opened.id)]
    assert kinds[-2:] == ["set.asked", "set.started"]


async def test_a_stop_waits_for_no_disk(practice: Practice, monkeypatch: pytest.MonkeyPatch) -> None:
    await practice.begin()
    await practice.start(rate_hz=4, pulse_ms=60)

    async def never() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(practice.journal, "flushed", never)
    monkeypatch.setattr(practice.journal, "keep", lambda _draft: None)
    room = await practice.home.hub.stop_set("blue", soft=False, actor="ann")
    assert room.set is not None
    assert room.set.state == "ended"


async def test_a_command_against_a_room_without_its_session_is_stale(practice: Practice) -> None:
    await practice.home.ready()
    before = practice.home.room.revision
    await practice.begin()
    with pytest.raises(Refused) as caught:
        await practice.desk.start_set("blue", {}, actor="ann", revision=before)
    assert caught.value.fault.code == "stale"
    held = practice.home.room.revision
    await practice.desk.close_session("blue", plan=None, actor="ann")
    assert practice.home.room.revision > held


async def test_the_hands_are_those_whose_buttons_were_pressed(practice: Practice) -> None:
    await practice.home.ready()
    async with practice.home.hub.watch("blue") as watch:
        practice.home.left.press()
        async with asyncio.timeout(10):
            while (await anext(watch)).type != "pulser.pressed":
                pass
    assert (await practice.begin()).hands == ("left",)


def troubles(practice: Practice) -> list[tuple[str, str | None]]:
    return [(problem.code, problem.side) for problem in practice.home.room.troubles]


async def test_a_low_battery_is_said_and_does_not_come_and_go(practice: Practice) -> None:
    # As low, and once enough was read, as too little for the longest set.
    low = {("battery_low", "left"), ("charge_short", "left")}
    await practice.home.ready()
    left = practice.home.left
    assert troubles(practice) == []
    async with practice.home.hub.watch("blue") as watch:
        left.behaviour.battery_mv = 3_450
        async with asyncio.timeout(10):
            event = await anext(watch)
            while not event.state.troubles:
                event = await anext(watch)
    assert event.state.ready, "it keeps nobody from tapping"
    assert set(troubles(practice)) <= low
    left.behaviour.battery_mv = 3_560
    await until(
        lambda: practice.home.room.left and practice.home.room.left.battery_mv == 3_560, "3.56 V told"
    )
    assert len(troubles(practice)) == 1
    assert set(troubles(practice)) <= low
    left.behaviour.battery_mv = 3_700
    await until(lambda: troubles(practice) == [], "it is charged")


async def test_a_clock_that_jumped_and_a_pulser_that_was_away_are_said_for_a_while(
    practice: Practice,
) -> None:
    await practice.home.ready()
    held = practice.home.hub._room("blue")  # pyright: ignore[reportPrivateUsage]
    held.on_clock_jump()
    assert troubles(practice) == [("clock_jumped", None)]
    held._troubles.jumped(float("-inf"))  # pyright: ignore[reportPrivateUsage]
    held.on_lost(practice.home.hub.pulser_of("blue", "right"))
    assert troubles(practice) == [("lost", "right")]


async def test_a_journal_that_cannot_write_is_said_in_every_room(practice: Practice) -> None:
    practice.journal.fault = "the disk is full: free some space"
    (problem,) = practice.home.room.troubles
    assert (problem.code, problem.side) == ("journal", None)
    assert "free some space" in problem.message
    practice.journal.fault = None
    assert practice.home.room.troubles == ()


async def test_a_room_is_made_by_hand_coloured_and_there_again_after_a_restart(tmp_path: Path) -> None:
    async with practice_in(tmp_path / "data") as practice:
        hub = practice.home.hub
        made = await hub.make_room("green", "#009e73", actor="ann")
        assert (made.name, made.colour, made.ready) == ("green", "#009e73", False)
        with pytest.raises(Refused) as caught:
            await hub.make_room("blue", None, actor="ann")
        assert caught.value.fault.code == "taken"
        await practice.home.ready()
        await hub.paint_room("blue", "#d55e00", actor="ann")
        assert practice.home.room.colour == "#d55e00"
        await practice.journal.flushed()
        kinds = [_told(entry) for entry in await practice.journal.room_entries("green")]
        assert kinds == [("room.made", {"colour": "#009e73"})]
    store = await asyncio.to_thread(Store.open, tmp_path / "data")
    assert (store.made_rooms(), store.room_colour("green"), store.room_colour("blue")) == (
        ["green"],
        "#009e73",
        "#d55e00",
    )
    store.close()
