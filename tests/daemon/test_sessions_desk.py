"""The desk over rooms that only remember, with a real journal: what is kept, answered, and found again."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.daemon.fake_hub import FakeHub
from tests.support.sick_journal import SickJournal
from twintap.core.visit import Visit
from twintap.errors import Refused
from twintap.journal.journal import Journal
from twintap.sessions import desk as desk_module
from twintap.sessions.desk import Desk
from twintap.sessions.lastly import Lastly, LastSeen, LastSide
from twintap.views import SessionView

MINUTE_US = 60_000_000
T0 = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)


class Sleepless:
    def __init__(self) -> None:
        self.held = 0
        self.trouble: str | None = None

    async def hold(self) -> None:
        self.held += 1

    async def release(self) -> None:
        self.held -= 1


class Clock:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.now = T0
        self.us = 10**12

    def on(self, **time: float) -> None:
        step = timedelta(**time)
        self.now += step
        self.us += int(step.total_seconds() * 1e6)


@dataclass
class Office:
    path: Path
    hub: FakeHub
    journal: SickJournal
    desk: Desk
    clock: Clock
    awake: Sleepless

    async def begin(self, code: str = "K-17", kind: Any = "emdr", room: str = "blue") -> SessionView:
        return await self.desk.open_session(room, code=code, kind=kind, zone="Europe/Berlin", actor="ann")

    async def enter(self, kind: str, **data: Any) -> str:
        return (await self.desk.enter("blue", kind, data, actor="ann")).id

    @property
    def session(self) -> SessionView | None:
        return self.desk.session("blue")

    def visit(self, room: str = "blue") -> Visit | None:
        return self.desk._scribe.held(room).visit  # pyright: ignore[reportPrivateUsage]

    async def types(self, session: str) -> list[str | None]:
        await self.journal.flushed()
        return [entry.type for entry in await self.journal.entries(session)]

    async def again(self, *rooms: str) -> None:
        """The daemon dies, and another one takes up its journal."""
        self.desk._looking.cancel()  # pyright: ignore[reportPrivateUsage, reportOptionalMemberAccess]
        await self.journal.journal.close()
        self.hub = FakeHub(b"\x01" * 8, *rooms)
        self.journal = SickJournal(await asyncio.to_thread(Journal.open, self.path, daemon_id=b"\x01" * 8))
        self.desk = desk_of(self)
        await self.desk.open()


def desk_of(office: Office) -> Desk:
    return Desk(
        cast("Any", office.hub),
        office.journal,
        office.path,
        awake=office.awake,
        now=lambda: office.clock.now,
        clock_us=lambda: office.clock.us,
    )


@asynccontextmanager
async def office_in(path: Path) -> AsyncGenerator[Office]:
    await asyncio.to_thread(path.mkdir, 0o700, True, True)
    journal = SickJournal(await asyncio.to_thread(Journal.open, path, daemon_id=b"\x01" * 8))
    office = Office(
        path, FakeHub(b"\x01" * 8, "blue", "red"), journal, cast("Any", None), Clock(), Sleepless()
    )
    office.desk = desk_of(office)
    await office.desk.open()
    try:
        yield office
    finally:
        office.journal.heal()
        await office.desk.close()
        await office.journal.journal.close()


@pytest.fixture
async def office(tmp_path: Path) -> AsyncGenerator[Office]:
    async with office_in(tmp_path / "data") as office:
        yield office


async def test_what_is_answered_is_in_the_journal(office: Office) -> None:
    opened = await office.begin(" k-17 ")
    await office.enter("rating.sud", value=7)
    await office.enter("note.added", text="calm")
    shown = await office.desk.close_session("blue", plan="slower", actor="ann")
    assert (opened.code, shown.plan, shown.last_sud) == ("K-17", "slower", 7)
    assert office.session is None
    assert await office.types(opened.id) == [
        "session.opened",
        "rating.sud",
        "note.added",
        "plan.written",
        "session.closed",
    ]
    entries = await office.journal.entries(opened.id)
    assert {entry.actor for entry in entries} == {"ann"}
    assert [entry.at for entry in entries] == [T0] * 5


async def test_watchers_are_told_of_an_entry_once_it_is_on_the_disk(office: Office) -> None:
    await office.begin()
    async with office.hub.watch("blue") as watch:
        await anext(watch)
        office.journal.disk = "hung"
        entering = asyncio.create_task(office.enter("rating.sud", value=7))
        await asyncio.sleep(0.05)
        assert not entering.done()
        assert watch.waiting == 0
        office.journal.heal()
        entry = await entering
        event = await anext(watch)
    assert (event.type, event.data["id"], event.data["value"]) == ("rating.sud", entry, 7)
    assert event.state.session is not None
    assert event.state.session.last_sud == 7


async def test_a_full_disk_opens_no_session_and_takes_no_entry(office: Office) -> None:
    office.journal.disk = "full"
    with pytest.raises(Refused, match="the disk is full") as caught:
        await office.begin()
    assert caught.value.fault.code == "storage"
    assert office.session is None
    office.journal.disk = "well"
    opened = await office.begin()
    office.journal.disk = "full"
    with pytest.raises(Refused, match="not kept"):
        await office.enter("rating.sud", value=7)
    with pytest.raises(Refused, match="not kept"):
        await office.desk.close_session("blue", plan="later", actor="ann")
    assert office.session == opened
    assert [problem.code for problem in office.desk.troubles()] == ["journal"]
    office.journal.disk = "well"
    await office.enter("rating.sud", value=6)
    assert office.desk.troubles() == ()


async def test_with_a_full_disk_a_set_starts_and_it_is_said_that_it_is_not_recorded(office: Office) -> None:
    await office.begin()
    office.journal.disk = "full"
    with pytest.raises(Refused, match="the set runs, and is not recorded") as caught:
        await office.desk.start_set("blue", {}, actor="ann", revision=None)
    assert caught.value.fault.code == "storage"
    assert [asked[0] for asked in office.hub.asked if asked[0] == "start"] == ["start"]


async def test_a_disk_that_hangs_is_waited_for_only_so_long_and_what_it_kept_then_counts(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await office.begin()
    monkeypatch.setattr(desk_module, "_DISK_WITHIN_S", 0.05)
    office.journal.disk = "hung"
    with pytest.raises(Refused, match="may be kept or not"):
        await office.enter("rating.sud", value=7)
    with pytest.raises(Refused, match="the set runs; the disk has not answered"):
        await office.desk.start_set("blue", {}, actor="ann", revision=None)
    monkeypatch.undo()
    office.journal.heal()
    await office.enter("rating.voc", value=3)
    session = office.session
    assert session is not None
    assert session.last_sud == 7, "what was kept in the end is so, in the journal as on the screen"
    assert await office.types(opened.id) == ["session.opened", "rating.sud", "rating.voc"]


async def test_a_journal_that_said_that_it_fails_refuses_at_once_however_long_the_disk_takes(
    office: Office,
) -> None:
    await office.begin()
    office.journal.disk = "hung"
    office.journal.journal.fault = "the disk is full: free some space"
    async with asyncio.timeout(desk_module._DISK_WITHIN_S / 2):  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(Refused, match="not kept, and nothing was changed: the disk is full"):
            await office.enter("rating.sud", value=7)
        with pytest.raises(Refused, match="the set runs, and is not recorded: the disk is full"):
            await office.desk.start_set("blue", {}, actor="ann", revision=None)


async def test_a_set_does_not_start_into_a_session_that_is_being_closed(office: Office) -> None:
    await office.begin()
    office.journal.disk = "hung"
    closing = asyncio.create_task(office.desk.close_session("blue", plan=None, actor="ann"))
    await asyncio.sleep(0.02)
    with pytest.raises(Refused, match="being closed"):
        await office.desk.start_set("blue", {}, actor="ann", revision=None)
    office.journal.heal()
    await closing
    await office.desk.start_set("blue", {}, actor="ann", revision=None)


async def test_a_session_is_neither_opened_nor_closed_in_a_set(office: Office) -> None:
    office.hub.running.add("blue")
    with pytest.raises(Refused, match="a set is running"):
        await office.begin()
    office.hub.running.clear()
    await office.begin()
    office.hub.running.add("blue")
    with pytest.raises(Refused, match="a set is running"):
        await office.desk.close_session("blue", plan=None, actor="ann")


async def test_two_that_open_at_once_open_one_session(office: Office) -> None:
    done = await asyncio.gather(office.begin("k-1"), office.begin("k-2"), return_exceptions=True)
    assert sum(isinstance(one, Refused) for one in done) == 1
    assert len(await office.journal.open_sessions()) == 1


async def test_presses_of_the_last_minutes_say_which_hands_hold_them(office: Office) -> None:
    def press(side: str) -> None:
        office.hub.tell("blue", "pulser.pressed", "button", {"side": side, "pulser": "02" * 8})

    press("left")
    held = office.desk._scribe.held("blue")  # pyright: ignore[reportPrivateUsage]
    assert held.hands(held.presses["left"] + 10 * MINUTE_US) == ("left",)
    assert held.hands(held.presses["left"] + 10 * MINUTE_US + 1) == ()
    press("right")
    office.clock.us = max(held.presses.values())
    assert (await office.begin()).hands == ("left", "right")
    await office.desk.close_session("blue", plan=None, actor="ann")
    assert (await office.begin()).hands == (), "a press confirms one opening"


async def test_a_press_in_a_set_and_one_before_a_swap_confirm_no_hand(office: Office) -> None:
    press = {"side": "left", "pulser": "02" * 8}
    office.hub.running.add("blue")
    office.hub.tell("blue", "pulser.pressed", "button", press)
    office.hub.running.clear()
    held = office.desk._scribe.held("blue")  # pyright: ignore[reportPrivateUsage]
    assert held.presses == {}
    office.hub.tell("blue", "pulser.pressed", "button", press)
    assert set(held.presses) == {"left"}
    office.hub.tell("blue", "room.swapped", "ann", {})
    assert held.presses == {}


async def test_a_session_without_a_set_for_twenty_minutes_is_asked_about(office: Office) -> None:
    await office.begin()
    office.clock.on(minutes=19)
    await office.desk.look()
    assert office.session is not None
    assert not office.session.asks_if_forgotten
    office.clock.on(minutes=1)
    async with office.hub.watch("blue") as watch:
        await anext(watch)
        await office.desk.look()
        await office.desk.look()
        event = await anext(watch)
        assert (event.type, watch.waiting) == ("session.asks", 0), "it is asked once"
    assert event.state.session is not None
    assert event.state.session.asks_if_forgotten
    assert not office.desk.go_on("blue", actor="ann").asks_if_forgotten
    office.clock.on(minutes=19)
    await office.desk.look()
    assert not office.session.asks_if_forgotten
    office.clock.on(minutes=19)
    await office.enter("rating.sud", value=1)
    office.clock.on(minutes=19)
    office.hub.running.add("blue")
    await office.desk.look()
    office.hub.running.clear()
    office.clock.on(minutes=19)
    await office.desk.look()
    assert not office.session.asks_if_forgotten, "an entry and a set say that it goes on"


async def test_a_medicine_visit_is_not_asked_about_and_ends_by_itself_all_the_same(office: Office) -> None:
    opened = await office.begin(kind="medicine")
    office.clock.on(hours=3, minutes=59)
    await office.desk.look()
    assert office.session is not None
    assert not office.session.asks_if_forgotten
    office.clock.on(minutes=2)
    await office.desk.look()
    assert office.session is None
    row = await office.journal.session(opened.id)
    assert (row.closed_reason, row.closed_at) == ("forgotten", T0 + timedelta(hours=4))


async def test_the_computer_is_kept_awake_while_a_session_is_open(office: Office) -> None:
    assert office.awake.held == 0
    await office.begin()
    await office.begin("k-2", room="red")
    assert office.awake.held == 1
    await office.desk.close_session("blue", plan=None, actor="ann")
    assert office.awake.held == 1
    office.awake.trouble = "this computer may fall asleep"
    assert [problem.code for problem in office.desk.troubles()] == ["awake"]
    await office.desk.close_session("red", plan=None, actor="ann")
    assert office.awake.held == 0


async def test_after_a_crash_the_session_is_open_as_it_was(office: Office) -> None:
    opened = await office.begin()
    await office.enter("phase.begun", phase="assessment")
    await office.enter("rating.sud", value=7)
    await office.enter("part.met", label="the guard")
    before, visit = office.session, office.visit()
    office.clock.on(minutes=5)
    await office.again()
    assert office.session == before
    assert office.visit() == visit
    assert [room.name for room in office.hub.rooms()] == ["blue"], "its room is there, pulsers or not"
    assert office.desk.open_rooms() == {"blue": T0}
    assert office.awake.held >= 1
    await office.desk.close_session("blue", plan=None, actor="ann")
    assert (await office.types(opened.id))[-1] == "session.closed"


async def test_a_session_found_hours_after_a_crash_ended_when_its_hours_were_over(office: Office) -> None:
    opened = await office.begin()
    office.clock.on(hours=30)
    await office.again()
    await office.desk.look()
    assert office.session is None
    row = await office.journal.session(opened.id)
    assert (row.closed_reason, row.closed_at) == ("forgotten", T0 + timedelta(hours=4))


PACING = {"rate_hz": 1.0, "pulse_ms": 100, "left_pct": 40.0, "right_pct": 40.0, "ramp_ms": 0, "passes": None}


def runs(office: Office, uid: str) -> None:
    office.hub.tell("blue", "set.asked", "ann", {"set_uid": uid, "pacing": PACING, "set_id": 1})
    office.hub.tell("blue", "set.started", "system", {"set_uid": uid, "go_us": 5.0})


@pytest.mark.parametrize("in_session", [True, False])
async def test_a_set_that_the_daemon_died_in_is_one_that_it_ended(office: Office, in_session: bool) -> None:
    uid = "0189a7c4-0000-7000-8000-000000000000"
    if in_session:
        opened = await office.begin()
    runs(office, uid)
    seen = LastSeen(passes_done=9, duration_ms=9_100, left=LastSide(delivered=10), left_right_error_us=61.5)
    await asyncio.to_thread(Lastly(office.path).write, {uid: seen})
    await office.journal.flushed()
    await office.again("blue")
    await office.journal.flushed()
    if in_session:
        entries = await office.journal.entries(opened.id)
        session = office.session
        assert session is not None
        assert (session.sets, session.passes) == (1, 9)
    else:
        entries = await office.journal.room_entries("blue")
    of_set = [entry for entry in entries if (entry.type or "").startswith("set.")]
    assert [entry.type for entry in of_set] == ["set.asked", "set.started", "set.ended", "set.recorded"]
    ended, recorded = (cast("dict[str, Any]", entry.data) for entry in of_set[2:])
    assert (ended["reason"], ended["by"]) == ("daemon", "system")
    assert (recorded["reason"], recorded["complete"], recorded["passes_done"]) == ("daemon", False, 9)
    assert recorded["left"]["delivered"] == 10
    await office.again("blue")
    await office.journal.flushed()
    room = await office.journal.room_entries("blue")
    again = room if not in_session else await office.journal.entries(opened.id)
    assert [entry.type for entry in again if (entry.type or "").startswith("set.")].count("set.ended") == 1


async def test_of_a_long_chain_only_the_end_is_read(office: Office) -> None:
    for _ in range(450):
        office.hub.tell("blue", "pulser.linked", "system", {"side": "left", "pulser": "02" * 8})
    runs(office, "0189a7c4-0000-7000-8000-000000000001")
    await office.journal.flushed()
    await office.again("blue")
    await office.journal.flushed()
    entries = await office.journal.room_entries("blue", after_seq=452)
    assert [entry.type for entry in entries] == ["set.ended", "set.recorded"]


async def test_in_a_session_a_start_takes_the_clients_levels(office: Office) -> None:
    def asked() -> Any:
        return office.hub.asked[-1][2]

    await office.desk.start_set("blue", {"rate_hz": 2}, actor="ann", revision=None)
    assert asked() == {"rate_hz": 2}
    await office.begin()
    await office.enter("level.client", left_pct=30, right_pct=22)
    await office.desk.start_set("blue", {"rate_hz": 2}, actor="ann", revision=None)
    assert asked() == {"rate_hz": 2, "left_pct": 30.0, "right_pct": 22.0}
    await office.desk.start_set("blue", {"level_pct": 10}, actor="ann", revision=None)
    assert asked() == {"level_pct": 10}
    await office.desk.start_set("blue", {"left_pct": 10}, actor="ann", revision=None)
    assert asked() == {"left_pct": 10, "right_pct": 22.0}


async def test_a_set_of_a_medicine_visit_starts_low_unless_it_is_said_otherwise(office: Office) -> None:
    await office.begin(kind="medicine")
    await office.desk.start_set("blue", {}, actor="ann", revision=None)
    asked = cast("dict[str, Any]", office.hub.asked[-1][2])
    assert asked["left_pct"] <= 20
    assert asked["right_pct"] <= 20
    assert asked["rate_hz"] <= 0.5
    assert asked["ramp_ms"] >= 4_000
    await office.desk.start_set("blue", {"rate_hz": 1.0, "level_pct": 35}, actor="ann", revision=None)
    assert office.hub.asked[-1][2] == {"rate_hz": 1.0, "level_pct": 35, "ramp_ms": 4_000}


async def test_parts_and_open_targets_of_earlier_visits_are_there(office: Office) -> None:
    await office.begin()
    await office.enter("part.met", label="the guard")
    await office.enter("target.set", text="the crash")
    await office.enter("target.set", text="the call")
    await office.enter("target.set", text="the call", done=True)
    await office.desk.close_session("blue", plan=None, actor="ann")
    office.clock.on(days=7)
    opened = await office.begin()
    assert (opened.parts, opened.targets, opened.part) == (("the guard",), ("the crash",), None)
    await office.enter("target.set", text="the crash", done=True)
    await office.enter("part.met", label="the little one")
    assert office.session is not None
    assert office.session.targets == ()
    assert office.session.parts == ("the little one", "the guard")
    other = await office.begin("k-99", room="red")
    assert (other.parts, other.targets) == ((), ())


async def test_moving_an_open_session_brings_what_the_right_client_left(office: Office) -> None:
    await office.begin("k-1")
    await office.enter("part.met", label="the guard")
    await office.desk.close_session("blue", plan=None, actor="ann")
    opened = await office.begin("k-2")
    assert opened.parts == ()
    assert await office.desk.move(opened.id, code="k 1", actor="ann") == "K-1"
    assert office.session is not None
    assert (office.session.code, office.session.parts) == ("K-1", ("the guard",))


async def test_a_closed_session_is_corrected_by_an_event_of_its_own(office: Office) -> None:
    opened = await office.begin()
    entry = await office.enter("rating.sud", value=7)
    await office.desk.close_session("blue", plan=None, actor="ann")
    office.clock.on(days=2)
    await office.desk.correct(opened.id, entry=entry, data={"value": 6}, actor="bob")
    await office.desk.move(opened.id, code="k-18", actor="bob")
    row = await office.journal.session(opened.id)
    assert (row.last_sud, row.code) == (6, "K-18")
    assert (await office.types(opened.id))[-2:] == ["entry.corrected", "session.moved"]
    with pytest.raises(Refused) as caught:
        await office.desk.correct(opened.id, entry=opened.id, data={"value": 6}, actor="bob")
    assert caught.value.fault.code == "unknown"


async def test_what_the_daemon_does_itself_is_in_its_own_chain(office: Office) -> None:
    office.desk.note("token.revoked", {"id": "0" * 12}, actor="ann")
    await office.journal.flushed()
    entries = await office.journal.daemon_entries()
    assert [entry.type for entry in entries] == ["daemon.started", "token.revoked"]


async def test_an_event_that_is_none_is_shouted_about_and_harms_nothing(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.hub.tell("blue", "set.started", "system", {"go_us": "soon"})
    assert "was not kept" in caplog.text
    await office.begin()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("rating.sud"), st.integers(0, 10)),
        st.tuples(st.just("note.added"), st.text(min_size=1, max_size=8)),
        st.tuples(st.just("undo"), st.integers(0, 3)),
        st.tuples(st.just("correct"), st.integers(0, 10)),
        st.tuples(st.just("set"), st.integers(0, 4)),
        st.tuples(st.just("move"), st.integers(0, 9)),
        st.tuples(st.just("lead"), st.integers(0, 2)),
        st.tuples(st.just("on"), st.integers(0, 12)),
    ),
    min_size=3,
    max_size=14,
)


@settings(max_examples=12, deadline=None)
@given(steps=STEPS)
async def test_the_journal_replayed_is_the_state_that_was(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, Any]]
) -> None:
    async with office_in(tmp_path_factory.mktemp("o")) as office:
        await office.begin()
        entries: list[str] = []
        for number, (do, value) in enumerate(steps):
            try:
                await step(office, entries, number, do, value)
            except Refused:
                continue
        running = office.visit()
        assert running is not None
        if running.running is not None:
            uid = running.running.set_uid
            office.hub.tell("blue", "set.ended", "ann", {"set_uid": uid, "reason": "stop", "side": None})
            await asyncio.sleep(0)
        before = office.visit()
        await office.journal.flushed()
        await office.again()
        assert before is not None
        after = office.visit()
        assert after is not None
        if before.running is None:
            assert after == before
        else:
            # Its record is all that the crash cost, and it is made good.
            assert (after.sets, after.summary, after.entries) == (
                before.sets + 1,
                before.summary,
                before.entries,
            )


async def step(office: Office, entries: list[str], number: int, do: str, value: Any) -> None:
    match do:
        case "undo":
            await office.desk.undo("blue", entry=entries[-1] if entries and value else None, actor="ann")
        case "correct" if entries:
            assert office.session is not None
            await office.desk.correct(office.session.id, entry=entries[0], data={"value": value}, actor="bob")
        case "set":
            uid = f"0189a7c4-0000-7000-8000-{number:012}"
            current = office.visit()
            assert current is not None
            if current.running is None:
                runs(office, uid)
        case "move":
            assert office.session is not None
            await office.desk.move(office.session.id, code=f"k {value}", actor="ann")
        case "lead":
            await office.desk.take_lead("blue", label=f"person {value}", actor="ann")
        case "on":
            office.clock.on(seconds=value)
        case "rating.sud":
            entries.append(await office.enter("rating.sud", value=value))
        case "note.added":
            entries.append(await office.enter("note.added", text=value))
        case _:
            pass
