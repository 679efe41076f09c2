"""The room under any order of commands, faults and time: what never happens, and what always does."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.support.core_world import ModelPulser, World
from twintap.core.decide import CHANGE_LEAD_US, COOLDOWN_US, SILENT_US
from twintap.core.state import (
    Change,
    ChangePlanned,
    ClockJumped,
    Command,
    Event,
    PacingChanged,
    PulserLost,
    RoomState,
    SetAsked,
    SetEnded,
    SetStarted,
    Start,
    Stop,
)
from twintap.errors import Refused
from twintap.views import SIDES, Side
from twintap_protocol import limits

sides = st.sampled_from(SIDES)
changes = st.fixed_dictionaries(
    {},
    optional={
        "rate_hz": st.sampled_from([0.1, 0.5, 1.0, 1.7, 4.0, 5.0]),
        "pulse_ms": st.sampled_from([20, 100, 125, 500, 5_000]),
        "level_pct": st.sampled_from([0, 1, 40, 100, 101]),
        "right_pct": st.sampled_from([5, 60]),
        "passes": st.sampled_from([0, 1, 3, 30, 1_000]),
    },
)


FAULTS = [
    *("hang", "link", "button", "lease", "hears", "speaks", "linked", "ready", "charging"),
    *("is_empty", "drowsy", "waking"),
]


class RoomMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.set_id = 0
        self.asked: set[int] = set()
        self.started: set[int] = set()
        self.ended: set[int] = set()
        self.last_end_us = float("-inf")
        self.pass_starts: dict[int, float] = {}

    def give(self, command: Command) -> list[Event]:
        before = self.world.state
        try:
            events = self.world.apply(command)
        except Refused:
            assert isinstance(command, Start | Change), "only a start and a change can be refused"
            assert self.world.state.set is before.set
            assert self.world.state.revision == before.revision
            return []
        self.check(events, by_start=isinstance(command, Start), before=before)
        return events

    def check(self, events: list[Event], *, by_start: bool, before: RoomState) -> None:
        world = self.world
        for event in events:
            if isinstance(event, SetAsked):
                assert by_start, "nothing starts by itself"
                assert before.set is None or before.set.phase == "ended", "a set began within a set"
                assert world.now_us >= self.last_end_us + COOLDOWN_US, "a start within the cooldown"
                assert event.set_id not in self.asked
                for fact in world.state.facts.values():
                    assert fact.linked
                    assert fact.ready
                    assert not fact.charging
                    assert not fact.is_empty
                    assert fact.power == "awake"
                self.asked.add(event.set_id)
                self.pass_starts.clear()
            elif isinstance(event, SetStarted):
                assert world.state.set is not None
                assert event.go_us >= world.now_us
                assert all(fact.acked >= 1 for fact in world.state.facts.values())
                self.started.add(world.state.set.set_id)
            elif isinstance(event, SetEnded):
                assert event.set_id not in self.ended, "a set ends once"
                self.ended.add(event.set_id)
                self.last_end_us = event.at_us
            elif isinstance(event, PacingChanged | ChangePlanned):
                was = before.set.timeline.next if before.set is not None else None
                following = event.timeline.next
                if following is not None and (was is None or following.start_us != was.start_us):
                    assert following.start_us >= world.now_us + CHANGE_LEAD_US - 1, "a boundary too near"
        if any(isinstance(event, SetEnded) for event in events):
            assert world.state.revision > before.revision

    @initialize(controllers=st.integers(0, 1))
    def begin(self, controllers: int) -> None:
        self.world.controllers = controllers

    @rule(changes=changes, stale=st.booleans())
    def start(self, changes: dict[str, object], stale: bool) -> None:
        self.set_id += 1
        revision = self.world.state.revision - 1 if stale else self.world.state.revision
        events = self.give(
            Start(self.set_id, changes, "ann", 120_000.0, 75_000.0, revision, self.world.controllers)
        )
        assert not (stale and events), "a start against an older state"

    @rule(changes=changes, stale=st.booleans())
    def change(self, changes: dict[str, object], stale: bool) -> None:
        revision = self.world.state.revision - 1 if stale else None
        events = self.give(Change(changes, "bob", revision))
        assert not (stale and events), "a change against an older state"

    @rule(soft=st.booleans())
    def stop(self, soft: bool) -> None:
        was_on = self.world.state.set is not None and self.world.state.set.is_on
        self.give(Stop("cat", soft, 75_000.0))
        if not soft:
            assert self.world.state.set is None or not self.world.state.set.is_on
        elif was_on and self.world.state.set is not None and self.world.state.set.is_on:
            assert self.world.state.set.pacing.passes != 0

    @rule(total_ms=st.sampled_from([20, 90, 350, 1_100]), step_ms=st.sampled_from([5, 50, 100]))
    def wait(self, total_ms: int, step_ms: int) -> None:
        for _ in range(max(1, total_ms // step_ms)):
            before = self.world.state
            self.check(self.world.advance(step_ms * 1_000), by_start=False, before=before)
            self.watch_passes()

    @rule(
        side=sides,
        fault=st.sampled_from(FAULTS),
    )
    def go_wrong(self, side: Side, fault: str) -> None:
        if fault == "hang":
            self.world.now_us += 700_000_000
            self.give(ClockJumped())
            assert self.world.state.set is None or not self.world.state.set.is_on
        elif fault == "link":
            self.give(PulserLost(side, "link"))
            assert self.world.state.set is None or not self.world.state.set.is_on
        elif fault in ("button", "lease"):
            self.world.end_on(side, fault)
        elif fault == "drowsy" or fault == "waking":
            self.world.pulsers[side].power = fault
        else:
            setattr(self.world.pulsers[side], fault, fault in ("charging", "is_empty"))

    @rule(changes=changes)
    def start_well(self, changes: dict[str, object]) -> None:
        for side in SIDES:
            self.mend_pulser(side)
        if self.world.state.set is not None and self.world.state.set.is_on:
            return
        self.wait(1_300, 50)
        self.start(changes, False)
        self.wait(350, 10)

    @rule(side=sides)
    def mend_pulser(self, side: Side) -> None:
        pulser = self.world.pulsers[side]
        pulser.hears = pulser.speaks = pulser.linked = pulser.ready = True
        pulser.charging = pulser.is_empty = False
        pulser.power = "awake"

    @rule(count=st.integers(0, 1))
    def controllers(self, count: int) -> None:
        self.world.controllers = count

    def watch_passes(self) -> None:
        """No pass that has begun is ever moved."""
        current = self.world.state.set
        if current is None or current.phase != "running":
            return
        pass_no = current.timeline.pass_at(self.world.now_us)
        if pass_no < 0:
            return
        start_us = current.timeline.pass_start_us(pass_no)
        known_us = self.pass_starts.setdefault(pass_no, start_us)
        assert abs(known_us - start_us) < 0.01, "a pass that began was moved"
        assert pass_no >= max(self.pass_starts), "passes went backwards"

    @invariant()
    def a_set_that_is_on_has_two_pulsers_heard(self) -> None:
        current = self.world.state.set
        if current is None or not current.is_on:
            return
        for pulser in self.world.pulsers.values():
            silent_us = self.world.now_us - max(pulser.heard_us, current.asked_us)
            assert silent_us <= SILENT_US + 200_000 or pulser.speaks

    def is_busy(self) -> bool:
        return self.world.state.set is not None and self.world.state.set.phase != "ended"

    def teardown(self) -> None:
        """Whatever happened: with both pulsers well and nobody commanding, the set ends."""
        for side in SIDES:
            self.world.pulsers[side] = ModelPulser(
                acked=self.world.pulsers[side].acked,
                leased=self.world.pulsers[side].leased,
                ended_set=self.world.pulsers[side].ended_set,
                ended_reason=self.world.pulsers[side].ended_reason,
            )
        until_us = self.world.now_us + limits.MAX_SET_MS * 1_000 + 2_000_000
        closely_until_us = self.world.now_us + 20_000_000
        while self.world.now_us < until_us and self.is_busy():
            # Nothing more is asked: after a while a glance within what a pulser may be silent will do.
            self.wait(1_000, 100 if self.world.now_us < closely_until_us else 500)
        current = self.world.state.set
        assert current is None or current.phase == "ended", "a set that never ends"
        assert self.started <= self.ended
        assert self.asked == self.ended


RoomMachine.TestCase.settings = settings(
    max_examples=250,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestRoom = RoomMachine.TestCase
