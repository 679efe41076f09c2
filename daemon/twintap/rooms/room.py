"""A room at work: the pure core's state, and what follows from it on the wires.

All of it runs on the event loop and nothing here awaits on the way from a command to a datagram: a stop has
left the socket before anybody is told of it.
"""

import asyncio
import dataclasses
import math
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from twintap_protocol import frames

from ..core.decide import CHANGE_LATE_US, check_ready, decide, twin_heard_us
from ..core.state import (
    Change,
    ClockJumped,
    Command,
    Event,
    Look,
    PulserLost,
    PulsersChanged,
    RoomState,
    SessionChanged,
    SetAsked,
    SetEnded,
    SetStarted,
    Start,
    Stop,
    StoppedAtRest,
    evolve,
)
from ..errors import Fault, Refused
from ..journal.ids import new_id
from ..links.pulser import Pulser
from ..paired import Pairing
from ..views import (
    Problem,
    RoomEvent,
    RoomView,
    Side,
    other,
)
from .knowing import facts_of, lead_of, shown_of
from .refusing import silent_fault, start_fault
from .showing import pulser_view, set_view
from .stilling import still
from .telling import Chronicle, Told, words_of
from .troubles import Troubles
from .wire import NEVER_US, Repeat, Wire

_LOOK_US = 100_000
_ANSWER_S = 3.0
_SAMPLE_US = 1_000_000  # how often the error between left and right is looked at while a set runs


def _now() -> datetime:
    return datetime.now(UTC).astimezone()


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


class Room:
    """One room.

    `publish` gets what happened and what makes the event of it, which costs something and is made only if
    anybody watches; `next_set_id` gives ids that grow over all rooms; `chronicle` knows the room's session.
    """

    def __init__(
        self,
        name: str,
        colour: str,
        clock_us: Callable[[], int],
        next_set_id: Callable[[], int],
        publish: Callable[[Told, Callable[[], RoomEvent]], None],
        chronicle: Callable[[], Chronicle],
    ) -> None:
        self.name = name
        self.colour = colour
        self.pulsers: dict[Side, Pulser] = {}
        self.controllers = 0
        self.state = RoomState()
        self._clock_us = clock_us
        self._next_set_id = next_set_id
        self._publish = publish
        self._chronicle = chronicle
        self._troubles = Troubles()
        self._set_uid = ""
        self._error_us: float | None = None
        self._sample_due_us = 0.0
        self._wires: dict[Side, Wire] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._started_at: str | None = None
        self._passes_told = 0
        self._is_rearranged = False
        self._hands: tuple[Side, ...] = ()
        self._shown: dict[str, tuple[object, ...]] = {}
        self.stops = 0  # hard stops so far: what was under way without a set is called off by one

    @property
    def is_set_on(self) -> bool:
        """Whether a set is under way: asked for, running, or not still yet."""
        return self.state.set is not None and self.state.set.phase != "ended"

    # --- commands ---------------------------------------------------------------------------------------

    async def start(self, changes: Mapping[str, object], actor: str, revision: int | None) -> RoomView:
        """Starts a set; returns once both pulsers have acknowledged it. Raises `Refused`."""
        if self._is_rearranged:
            text = "pulsers are changing their places: start again in a moment"
            raise Refused(Fault("running", text, retry_after_ms=200))
        lead_us, margin_us = lead_of(self.pulsers.values())
        set_id = self._next_set_id()
        self.command(Start(set_id, changes, actor, lead_us, margin_us, revision, self.controllers))

        def is_decided() -> bool:
            current = self.state.set
            return current is None or current.set_id != set_id or current.phase != "starting"

        await self._until(is_decided)
        current = self.state.set
        if current is not None and current.set_id == set_id and current.go_us is None:
            ended = current.ended
            reason = ended.reason if ended is not None else "silent"
            side = ended.side if ended is not None else None
            raise Refused(start_fault(reason, side))
        return self.view()

    def change(self, changes: Mapping[str, object], actor: str, revision: int | None) -> RoomView:
        """Changes the running set. Raises `Refused`, and then the set goes on untouched."""
        self.command(Change(changes, actor, revision))
        return self.view()

    async def stop(self, actor: str, *, soft: bool) -> RoomView:
        """Stops; returns once both pulsers are off. Raises `Refused("silent")` naming a side that did not say
        so: by then its lease has run out."""
        events = self.command(Stop(actor, soft, lead_of(self.pulsers.values())[1]))
        if not soft:
            self.stops += 1
        current = self.state.set
        if current is None or current.phase == "ended":
            return await self._still(actor)
        set_id = current.set_id
        if not events and not current.is_on:
            # A stop is under way. Whoever asks again is not made to wait for its next repeat.
            for wire in self._wires.values():
                wire.link.send_stop(set_id)

        def is_over() -> bool:
            now = self.state.set
            return now is None or now.set_id != set_id or now.phase == "ended"

        await self._until(is_over, _ANSWER_S if not soft else None)
        current = self.state.set
        if current is not None and current.set_id == set_id and current.silent:
            raise Refused(silent_fault(current.silent))
        return self.view()

    async def _still(self, actor: str) -> RoomView:
        """No set is on, as far as is known here. Whoever asks for a stop gets one all the same: of a buzz, of
        a set that a daemon before this one left running, of whatever moves a motor."""
        self.stops += 1
        # A start that was made before this may still be on its way by another road: it must not act after it.
        self.state = evolve(self.state, StoppedAtRest())
        self.tell(StoppedAtRest.type, actor, {})
        newest = self.state.set.set_id if self.state.set is not None else 0

        def is_superseded() -> bool:
            current = self.state.set
            return current is not None and current.set_id > newest and current.is_on

        silent = await still(self.pulsers, self._next_set_id(), self._clock_us, self._until, is_superseded)
        if silent:
            raise Refused(silent_fault(silent))
        return self.view()

    def command(self, command: Command) -> list[Event]:
        """Decides, lets what follows leave the socket, and only then tells of it. Raises `Refused`."""
        now_us = self._clock_us()
        self._gather(now_us, with_clocks=isinstance(command, Start))
        events = decide(self.state, command, now_us)
        self._apply(events, now_us)
        return events

    # --- what pulsers do --------------------------------------------------------------------------------

    def side_of(self, pulser: Pulser) -> Side | None:
        """The side that `pulser` has in this room; None if it has none (any more)."""
        for side, held in self.pulsers.items():
            if held is pulser:
                return side
        return None

    def on_linked(self, pulser: Pulser) -> None:
        """A pulser of this room made a link. A set that ran on the link before it is over."""
        side = self.side_of(pulser)
        if side is not None:
            self.command(PulserLost(side, "link"))
        self.tell("pulser.linked", "system", {"side": side, "pulser": pulser.id})

    def on_lost(self, pulser: Pulser) -> None:
        """A pulser of this room lost its link: a set that it was part of is over."""
        side = self.side_of(pulser)
        if side is not None:
            self._troubles.lost(side, self._clock_us())
            self.command(PulserLost(side, "lost"))
        self.tell("pulser.lost", "system", {"side": side, "pulser": pulser.id})

    def on_asleep(self, pulser: Pulser) -> None:
        """A pulser of this room said that it goes to sleep, and its link is given up."""
        side = self.side_of(pulser)
        if side is not None:
            self.command(PulserLost(side, "lost"))
        self.tell("pulser.asleep", "system", {"side": side, "pulser": pulser.id})

    def on_report(self, pulser: Pulser) -> None:
        """A newer report came from a pulser of this room."""
        side = self.side_of(pulser)
        link = pulser.link
        if side is None or link is None or link.report is None:
            return
        if link.stepped:
            link.stepped = False
            self.command(PulserLost(side, "clock"))
        pulser.assign()
        wire = self._wires.get(side)
        current = self.state.set
        if current is not None and current.phase != "ended" and wire is not None and wire.link is link:
            has_news = wire.take(link.report, current.set_id)
            if has_news:
                self.command(Look(self.controllers))
        if pulser.has_new_press():
            self.tell("pulser.pressed", "button", {"side": side, "pulser": pulser.id})
        told = (link.report.flags & frames.FLAG_CHARGING, link.report.power, link.report.settled)
        if link.report.stamps or told != link.told:
            link.told = told
            self.show(pulser)
        self._wake()

    def show(self, pulser: Pulser) -> None:
        """Tells watchers when something that they are shown of `pulser` changed without any command."""
        shown = shown_of(pulser, self._clock_us())
        if shown != self._shown.get(pulser.id, ()):
            self._shown[pulser.id] = shown
            self.tell("pulser.changed", "system", {"side": pulser.pairing.side, "pulser": pulser.id})

    @contextmanager
    def rearranging(self) -> Generator[None]:
        """Meanwhile no set starts: what was planned for left must not come to right."""
        self._is_rearranged = True
        try:
            yield
        finally:
            self._is_rearranged = False

    def swapped(self) -> list[Pairing]:
        """The pairings as they are once left is right."""
        return [
            dataclasses.replace(pulser.pairing, side=other(side)) for side, pulser in self.pulsers.items()
        ]

    def swap_sides(self) -> None:
        """What was left is right. The caller has seen that no set is on."""
        pulsers = list(self.pulsers.values())
        pairings = self.swapped()
        self.pulsers.clear()
        for pulser, pairing in zip(pulsers, pairings, strict=True):
            pulser.pairing = pairing
            self.pulsers[pairing.side] = pulser
            pulser.assign()
        self._troubles.swapped()
        self.state = evolve(self.state, PulsersChanged())

    def put(self, pulser: Pulser) -> None:
        """`pulser` has its side of this room from now on."""
        self.pulsers[pulser.pairing.side] = pulser
        self.state = evolve(self.state, PulsersChanged())

    def receive(self, pulser: Pulser) -> None:
        """The same for one that had another place before: it learns its side and this room's colour."""
        self.put(pulser)
        self._colour(pulser)

    def release(self, pulser: Pulser) -> None:
        """`pulser` goes to another place. The caller has seen that no set is on."""
        side = self.side_of(pulser)
        if side is not None:
            del self.pulsers[side]
            self._troubles.left(side)
        self._shown.pop(pulser.id, None)
        self.state = evolve(self.state, PulsersChanged())

    def drop(self, pulser: Pulser) -> None:
        """`pulser` belongs to this room no more; a set that it was part of is over."""
        self.on_lost(pulser)
        if self.pulsers.get(pulser.pairing.side) is pulser:
            del self.pulsers[pulser.pairing.side]
        self._shown.pop(pulser.id, None)
        self.state = evolve(self.state, PulsersChanged())

    def on_clock_jump(self) -> None:
        """This computer's clock jumped, or its loop was away: nothing that was planned holds."""
        self._troubles.jumped(self._clock_us())
        self.command(ClockJumped())
        for pulser in self.pulsers.values():
            pulser.drop_fit()
        self.tell("clock.jumped", "system", {})

    def on_session(self) -> None:
        """A session was opened here or closed: a command made before has to be thought over."""
        self.state = evolve(self.state, SessionChanged())

    def paint(self, colour: str) -> None:
        """The room's colour, `#rrggbb`, on its screens and on its pulsers' lights."""
        self.colour = colour
        for pulser in self.pulsers.values():
            self._colour(pulser)

    def _colour(self, pulser: Pulser) -> None:
        pulser.colour = rgb(self.colour)
        if pulser.link is not None:
            pulser.link.assigned = 0
        pulser.assign()

    def show_troubles(self) -> None:
        """Tells watchers when something is amiss that was not, or is no more, without any command."""
        if self._troubles.news(self.pulsers, self.state.set, self._clock_us(), self._chronicle().troubles()):
            self.tell("room.troubles", "system", {})
        before, self._hands = self._hands, self._chronicle().hands(self.name)
        if before != self._hands:
            self.tell("room.hands", "system", {})

    # --- inside -----------------------------------------------------------------------------------------

    def _gather(self, now_us: int, *, with_clocks: bool = True) -> None:
        # Ten times a second for each room with a set: there the clocks' errors are not asked for.
        facts = facts_of(self.pulsers, self._wires, now_us, with_clocks=with_clocks)
        self.state = RoomState(facts, self.state.set, self.state.revision)

    def _apply(self, events: list[Event], now_us: int) -> None:
        for event in events:
            self.state = evolve(self.state, event)
            if isinstance(event, SetAsked):
                self._wires = {
                    side: Wire(side, pulser.link, now_us)
                    for side, pulser in self.pulsers.items()
                    if pulser.link is not None
                }
                self._passes_told = 0
                self._started_at = None
                self._set_uid = new_id()
                self._error_us = None
                self._sample_due_us = 0.0
            elif isinstance(event, SetStarted):
                self._started_at = _text(_now())
                for wire in self._wires.values():
                    wire.begin_leases(now_us)
            elif isinstance(event, SetEnded):
                for wire in self._wires.values():
                    wire.stop_repeat = Repeat(now_us)
        self._pump(now_us)
        for event in events:
            self._tell_event(event)
        if events:
            self._wake()

    def _wake(self) -> None:
        for is_met, future in self._waiting:
            if not future.done() and is_met():
                future.set_result(None)

    def _pump(self, now_us: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        current = self.state.set
        if current is None or current.phase == "ended":
            return
        due_us: float = now_us + _LOOK_US
        if current.is_on:
            # Leases first: of all that is due they are the ones that keep something alive.
            for side, wire in self._wires.items():
                heard_us = twin_heard_us(self.state, side)
                due_us = min(due_us, wire.pump_lease(current, heard_us, current.set_id - 1, now_us))
            for wire in self._wires.values():
                due_us = min(due_us, wire.pump(current, now_us))
            following = current.timeline.next
            if following is not None:
                for mark_us in (following.start_us - CHANGE_LATE_US, following.start_us):
                    if mark_us > now_us:
                        due_us = min(due_us, mark_us)
        else:
            for wire in self._wires.values():
                due_us = min(due_us, wire.pump_stop(current.set_id, now_us))
        if due_us < NEVER_US:
            loop = asyncio.get_running_loop()
            wait_s = max(0.0, (due_us - now_us) / 1e6)
            self._timer = loop.call_later(wait_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.command(Look(self.controllers))
        self._sample_error()
        self._tell_progress()

    def _sample_error(self) -> None:
        current, now_us = self.state.set, self._clock_us()
        if current is None or current.phase != "running" or now_us < self._sample_due_us:
            return
        self._sample_due_us = now_us + _SAMPLE_US
        errors_us = [
            wire.link.fit.error_us(now_us)
            for wire in self._wires.values()
            if wire.link.fit.newest_daemon_us is not None
        ]
        if len(errors_us) == 2:
            # Two clocks that are wrong independently of each other: their errors add as squares.
            error_us = round(math.hypot(*errors_us), 1)
            self._error_us = max(error_us, self._error_us or 0.0)

    async def _until(self, is_met: Callable[[], bool], patience_s: float | None = _ANSWER_S) -> None:
        if is_met():
            return
        entry = (is_met, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(patience_s):
                await entry[1]
        except TimeoutError:
            return
        finally:
            self._waiting.remove(entry)

    def close(self) -> None:
        """Lets the timer go."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- telling ----------------------------------------------------------------------------------------

    def tell(self, kind: str, actor: str, data: dict[str, object]) -> None:
        """Publishes one thing that happened, with the state after it."""
        told = Told(kind, self.name, actor, data, _now(), self._clock_us())
        self._publish(told, lambda: self._event(told))

    def snapshot(self) -> RoomEvent:
        """The state as an event, for whoever begins to watch."""
        return self._event(Told("room.snapshot", self.name, "system", {}, _now(), self._clock_us()))

    def _event(self, told: Told) -> RoomEvent:
        return RoomEvent(
            told.type, told.room, _text(told.at), told.monotonic_us, told.actor, dict(told.data), self.view()
        )

    def _tell_event(self, event: Event) -> None:
        actor, data = words_of(event)
        self.tell(event.type, actor, {"set_uid": self._set_uid, **data})

    def _tell_progress(self) -> None:
        current = self.state.set
        if current is None or current.phase != "running":
            return
        passes = max(0, current.timeline.pass_at(self._clock_us()))
        if passes != self._passes_told:
            self._passes_told = passes
            self.tell("set.progress", "system", {"set_uid": self._set_uid, "passes_done": passes})

    def view(self) -> RoomView:
        """The whole state, as controllers are shown it."""
        now_us = self._clock_us()
        self._gather(now_us)
        faults = check_ready(self.state)
        problems = tuple(Problem(fault.code, _side(fault.side), fault.message) for fault in faults)
        left, right = self.pulsers.get("left"), self.pulsers.get("right")
        return RoomView(
            self.name,
            self.state.revision,
            self.colour,
            not faults,
            problems,
            pulser_view(left, now_us) if left is not None else None,
            pulser_view(right, now_us) if right is not None else None,
            set_view(self.state.set, self._wires, self._set_uid, self._started_at, self._error_us, now_us),
            self._chronicle().session(self.name),
            self._troubles.now(self.pulsers, self.state.set, now_us, self._chronicle().troubles()),
            self._chronicle().hands(self.name),
        )


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0..255 each, of `#rrggbb`."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _side(text: str | None) -> Side | None:
    return "left" if text == "left" else "right" if text == "right" else None
