"""A room's pure core and two pulsers that are plain values, on a clock that only this moves."""

from dataclasses import dataclass, field, replace

from twintap.core.decide import decide
from twintap.core.pacing import OPEN
from twintap.core.state import Command, Event, Fact, Look, RoomState, SetEnded, SetStarted, SetState, evolve
from twintap.views import SIDES, Rest, Side
from twintap_protocol import limits


@dataclass
class ModelPulser:
    """Holds the plan it was last given.

    `hears`, `speaks`: whether frames get to it, and from it; `mum`: what it says of a set's end is lost.
    """

    linked: bool = True
    ready: bool = True
    charging: bool = False
    hears: bool = True
    speaks: bool = True
    mum: bool = False
    heard_us: float = 0.0
    acked: int = 0
    leased: bool = False
    ended_set: int = 0
    ended_reason: str = "none"
    lease_until_us: float = 0.0
    power: Rest = "awake"
    is_empty: bool = False


@dataclass
class World:
    """`apply` and `advance` put every event in `events`."""

    now_us: float = 1_000_000_000.0
    state: RoomState = field(default_factory=RoomState)
    controllers: int = 0
    events: list[Event] = field(default_factory=list[Event])
    pulsers: dict[Side, ModelPulser] = field(
        default_factory=lambda: {"left": ModelPulser(), "right": ModelPulser()}
    )

    def __post_init__(self) -> None:
        self.gather()

    def gather(self) -> None:
        facts: dict[Side, Fact] = {}
        for side, pulser in self.pulsers.items():
            if pulser.linked and pulser.speaks:
                pulser.heard_us = self.now_us
            facts[side] = Fact(
                side,
                pulser.linked,
                pulser.ready,
                pulser.charging,
                pulser.heard_us,
                pulser.acked,
                pulser.leased,
                0 if pulser.mum else pulser.ended_set,
                pulser.ended_reason,
                pulser.power,
                pulser.is_empty,
            )
        self.state = replace(self.state, facts=facts)

    def apply(self, command: Command) -> list[Event]:
        """Decides and evolves; raises `Refused` as the core does, having changed nothing."""
        self.gather()
        events = decide(self.state, command, self.now_us)
        for event in events:
            self.state = evolve(self.state, event)
        self.events += events
        return events

    def advance(self, step_us: float) -> list[Event]:
        """Lets time pass, pulsers live, and the core look."""
        self.now_us += step_us
        self._live()
        return self.apply(Look(self.controllers))

    def run(self, total_us: float, step_us: float = 50_000) -> list[Event]:
        """`advance` for so long, in steps; gives what happened."""
        before = len(self.events)
        until_us = self.now_us + total_us
        while self.now_us < until_us:
            self.advance(step_us)
        return self.events[before:]

    def end_on(self, side: Side, reason: str) -> None:
        """The set ends on one pulser: its button, its lease."""
        pulser, current = self.pulsers[side], self.state.set
        if current is not None and pulser.ended_set < current.set_id:
            pulser.ended_set, pulser.ended_reason = current.set_id, reason

    def _live(self) -> None:
        current = self.state.set
        if current is None:
            return
        for side in SIDES:
            pulser = self.pulsers[side]
            if pulser.ended_set >= current.set_id:
                continue
            if pulser.hears and pulser.linked:
                if current.is_on:
                    if pulser.speaks:
                        pulser.acked = current.plan
                    if current.go_us is not None:
                        pulser.leased = pulser.leased or pulser.speaks
                        pulser.lease_until_us = self.now_us + limits.LEASE_MS * 1_000
                else:
                    self.end_on(side, "stop")
            if pulser.leased and self.now_us >= pulser.lease_until_us:
                self.end_on(side, "lease")
            passes = current.pacing.passes
            if (
                pulser.leased
                and self.now_us >= current.timeline.current.start_us
                and self._is_longest(current)
            ):
                self.end_on(side, "longest")
            if pulser.leased and passes != OPEN and self.now_us >= current.timeline.pass_start_us(passes):
                self.end_on(side, "finished")

    def _is_longest(self, current: SetState) -> bool:
        # As the firmware has it: a pass that would go past the longest set is not begun.
        period_us = current.timeline.current.pacing.period_us
        return self.now_us + period_us > (current.go_us or self.now_us) + limits.MAX_SET_MS * 1_000

    @property
    def ended(self) -> SetEnded | None:
        """How the newest set ended, if it has."""
        return self.state.set.ended if self.state.set is not None else None

    @property
    def go_us(self) -> float:
        """Pass 0 of the running set."""
        starts = [event for event in self.events if isinstance(event, SetStarted)]
        return starts[-1].go_us
