"""A hub that remembers what it was asked, for the API's own tests: no UDP, no pulsers, no time.

What the real hub does is tested with the real hub; here it is what reaches it, and how its answers leave.
"""

import asyncio
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from twintap.core.pacing import Pacing
from twintap.errors import Fault, Refused
from twintap.rooms.beat import Beat, beat_of
from twintap.rooms.telling import Chronicle, NoChronicle, Told
from twintap.rooms.tuning import Change
from twintap.rooms.watch import Watch
from twintap.store import Pairing
from twintap.views import ClockView, PulserView, RoomEvent, RoomView


def pulser_view(pairing: Pairing) -> PulserView:
    return PulserView(
        id=pairing.pulser_id.hex(),
        name=pairing.name,
        room=pairing.room,
        side=pairing.side,
        link="linked",
        address="127.0.0.1:40000",
        last_heard_at=None,
        battery_mv=3900,
        charging=False,
        vibrating=False,
        ceiling_pct=pairing.ceiling_pct,
        firmware="0.1.0",
        presses=0,
        dropped=0,
        clock=ClockView("ready", 90.0, 1.5),
        power="awake",
        battery="fine",
        trim_pct=100.0,
        networks=1,
        rssi_dbm=-61,
        boot_cause="power",
    )


class FakeTuning:
    """Remembers what pulsers were to be; what becomes of it is tested with the real one."""

    def __init__(self, hub: "FakeHub") -> None:
        self._hub = hub

    async def change(self, pulser_id: str, change: Change, *, actor: str) -> PulserView:
        return self._asked("change", pulser_id, change, actor)

    async def keep_network(self, pulser_id: str, ssid: str, password: str, *, actor: str) -> PulserView:
        return self._asked("keep_network", pulser_id, ssid, password, actor)

    async def forget_network(self, pulser_id: str, ssid: str, *, actor: str) -> PulserView:
        return self._asked("forget_network", pulser_id, ssid, actor)

    async def sleep(self, pulser_id: str, *, actor: str) -> PulserView:
        return self._asked("sleep", pulser_id, actor)

    def _asked(self, do: str, pulser_id: str, *what: object) -> PulserView:
        pairing = self._hub.paired.get(pulser_id)
        if pairing is None:
            raise Refused(Fault("unknown", "no such pulser", field="pulser"))
        if self._hub.refuse is not None:
            raise Refused(self._hub.refuse)
        self._hub.asked.append((do, pulser_id, *what))
        return pulser_view(pairing)


class FakeHub:
    def __init__(self, daemon_id: bytes, *rooms: str) -> None:
        self.daemon_id = daemon_id
        self.port = 8700
        self.known = list(rooms)
        self.asked: list[tuple[object, ...]] = []
        self.refuse: Fault | None = None
        self.hold: asyncio.Event | None = None
        self.paired: dict[str, Pairing] = {}
        self.present: list[str] = []
        self.came: list[tuple[str, bool]] = []
        self._watches: set[Watch] = set()
        self.chronicle: Chronicle = NoChronicle()
        self.running: set[str] = set()
        self.colours: dict[str, str] = {}
        self.tuning = FakeTuning(self)

    def _view(self, name: str) -> RoomView:
        if name not in self.known:
            raise Refused(Fault("unknown", f"there is no room {name}", field="room"))
        sides = {p.side: pulser_view(p) for p in self.paired.values() if p.room == name}
        colour = self.colours.get(name, "#0072b2")
        return RoomView(
            name,
            1,
            colour,
            True,
            (),
            sides.get("left"),
            sides.get("right"),
            None,
            self.chronicle.session(name),
        )

    def rooms(self) -> list[RoomView]:
        return [self._view(name) for name in self.known]

    def room(self, name: str) -> RoomView:
        return self._view(name)

    def pulsers(self) -> list[PulserView]:
        return [pulser_view(pairing) for pairing in self.paired.values()]

    async def add_pulser(self, pairing: Pairing) -> PulserView:
        for other in self.paired.values():
            if (other.room, other.side) == (
                pairing.room,
                pairing.side,
            ) and other.pulser_id != pairing.pulser_id:
                raise Refused(Fault("taken", "that side is taken", side=pairing.side))
        self.paired[pairing.pulser_id.hex()] = pairing
        if pairing.room not in self.known:
            self.known.append(pairing.room)
        return pulser_view(pairing)

    async def remove_pulser(self, pulser_id: str) -> None:
        if self.paired.pop(pulser_id, None) is None:
            raise Refused(Fault("unknown", "no such pulser", field="pulser"))

    def heard_of(self, pulser_id: bytes, host: str, port: int) -> None:
        self.asked.append(("heard_of", pulser_id, host, port))

    async def identify(self, pulser_id: str, *, actor: str) -> None:
        if pulser_id not in self.paired:
            raise Refused(Fault("unknown", "no such pulser", field="pulser"))
        self.asked.append(("identify", pulser_id, actor))

    def wake(self, room: str) -> RoomView:
        view = self._view(room)
        self.asked.append(("wake", room))
        return view

    async def start_set(
        self, room: str, changes: Mapping[str, object], *, actor: str, revision: int | None
    ) -> RoomView:
        return await self._pace("start", room, changes, actor, revision)

    async def change_set(
        self, room: str, changes: Mapping[str, object], *, actor: str, revision: int | None
    ) -> RoomView:
        return await self._pace("change", room, changes, actor, revision)

    async def _pace(
        self, do: str, room: str, changes: Mapping[str, object], actor: str, revision: int | None
    ) -> RoomView:
        view = self._view(room)
        Pacing().with_changes(changes)  # the ranges are the real core's
        self.asked.append((do, room, dict(changes), actor, revision))
        if self.hold is not None:
            await self.hold.wait()
        if self.refuse is not None:
            raise Refused(self.refuse)
        return view

    async def stop_set(self, room: str, *, soft: bool, actor: str) -> RoomView:
        view = self._view(room)
        self.asked.append(("stop", room, soft, actor))
        return view

    async def swap(self, room: str, *, actor: str) -> RoomView:
        view = self._view(room)
        self.asked.append(("swap", room, actor))
        return view

    def beat(self, room: str) -> Beat:
        self._view(room)
        return beat_of(None)

    def watch(self, room: str | None) -> Watch:
        watch = Watch(
            lambda: [self.event("room.snapshot", name) for name in self.known if room in (None, name)],
            room,
            self._watches.discard,
        )
        self._watches.add(watch)
        return watch

    def event(self, kind: str, room: str) -> RoomEvent:
        return RoomEvent(kind, room, "2026-01-01T00:00:00+00:00", 1, "system", {}, self._view(room))

    def tell(
        self, room: str, kind: str, actor: str = "system", data: Mapping[str, object] | None = None
    ) -> None:
        now = datetime.now(UTC)
        told = Told(kind, room, actor, data or {}, now, time.monotonic_ns() // 1_000)
        self.chronicle.told(told)
        event = RoomEvent(
            kind, room, now.isoformat(), told.monotonic_us, actor, dict(data or {}), self._view(room)
        )
        for watch in self._watches:
            if watch.room in (None, room):
                watch.put(event)

    def session_changed(self, room: str) -> None:
        self.asked.append(("session_changed", room))

    def any_set_on(self) -> bool:
        return bool(self.running)

    def is_set_on(self, room: str) -> bool:
        return room in self.running

    async def keep_room(self, name: str) -> None:
        if name not in self.known:
            self.known.append(name)

    async def make_room(self, name: str, colour: str | None, *, actor: str) -> RoomView:
        if name in self.known:
            raise Refused(Fault("taken", f"there is a room {name} already", field="name"))
        self.known.append(name)
        return await self.paint_room(name, colour or "#0072b2", actor=actor)

    async def paint_room(self, name: str, colour: str, *, actor: str) -> RoomView:
        self._view(name)
        self.colours[name] = colour
        self.tell(name, "room.colour", actor, {"colour": colour})
        return self._view(name)

    @contextmanager
    def controller_present(self, room: str, label: str, *, is_new: bool = True) -> Generator[None]:
        self.present.append(f"{label} in {room}")
        self.came.append((room, is_new))
        try:
            yield
        finally:
            self.present.remove(f"{label} in {room}")
