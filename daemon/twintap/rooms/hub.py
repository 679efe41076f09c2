"""The hub: every pulser and every room of this daemon, one UDP socket, and the clock that they share."""

import asyncio
import dataclasses
import ipaddress
import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

from twintap_protocol import frames

from ..bundled import firmware_version
from ..errors import Fault, Refused
from ..links.endpoint import Endpoint
from ..links.pulser import Pulser
from ..paired import Pairing
from ..store import Store
from ..views import PulserView, RoomEvent, RoomView, Side
from .beat import Beat, beat_of
from .hostclock import SleepWatch, monotonic_us
from .identifying import identify
from .refusing import known
from .room import Room, rgb
from .settling import Settler
from .showing import pulser_view
from .telling import Chronicle, NoChronicle, Told
from .tuning import Tuning
from .waking import Waking
from .watch import Watch

log = logging.getLogger(__name__)

_TICK_S = 0.25
_TROUBLES_S = 1.0
_BEAT_S = 0.1
_REMEMBER_S = 5.0
_AWAY_US = 600_000  # a loop away for longer has let leases run down, and its stamps cannot be believed


class Hub:
    """See the module's text. `start` binds UDP; every other method belongs to the same event loop."""

    def __init__(self, store: Store, *, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self.daemon_id = store.daemon_id
        self.chronicle: Chronicle = NoChronicle()  # whoever keeps what happens puts itself here
        self._store = store
        self._rooms: dict[str, Room] = {}
        self._pulsers: dict[str, Pulser] = {}
        self._watches: set[Watch] = set()
        self._last_set_id = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._pairing = asyncio.Lock()  # pairings change one after the other, on the disk and here
        self._settlers: dict[str, Settler] = {}
        self._waking = Waking(self._settler, monotonic_us)
        self.tuning = Tuning(
            store, self._pulsers, self._rooms, self._pairing, self._room_for, self._settler, monotonic_us
        )
        self.endpoint = Endpoint(
            self.daemon_id,
            monotonic_us,
            ended_set=lambda: self._last_set_id,
            on_linked=self._on_linked,
            on_report=self._on_report,
        )

    # --- life -----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Binds UDP and begins to look for its pulsers. Raises `StartupError` when the port is taken."""
        await asyncio.to_thread(firmware_version)  # read from the disk once, and known from then on
        self.port = await self.endpoint.open(self.host, self.port)
        for name in self._store.made_rooms():
            self._room_for(name)
        for pairing in self._store.pairings():
            self._add(pairing)
        self._tasks = [
            asyncio.create_task(self._tick(), name="hub tick"),
            asyncio.create_task(self._watch_clock(), name="hub clock watch"),
            asyncio.create_task(self._remember_addresses(), name="hub addresses"),
            asyncio.create_task(self._show_troubles(), name="hub troubles"),
        ]
        for task in self._tasks:
            task.add_done_callback(self._on_task_done)

    async def close(self) -> None:
        """Stops every set, then the tasks and the socket."""
        running = [
            room for room in self._rooms.values() if room.state.set is not None and room.state.set.is_on
        ]
        for result in await asyncio.gather(
            *(room.stop("daemon", soft=False) for room in running), return_exceptions=True
        ):
            if isinstance(result, Refused):
                log.warning("at closing: %s", result)
            elif isinstance(result, BaseException):
                raise result
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._waking.close()
        for room in self._rooms.values():
            room.close()
        self.endpoint.close()

    def abandon(self) -> None:
        """Lets everything go without a word to any pulser, as a crash does: leases run out by themselves."""
        for task in self._tasks:
            task.cancel()
        self._waking.abandon()
        for room in self._rooms.values():
            room.close()
        self.endpoint.close()

    # --- pulsers --------------------------------------------------------------------------------------------

    def pulsers(self) -> list[PulserView]:
        """Every paired pulser, as it is now."""
        now_us = monotonic_us()
        return [pulser_view(pulser, now_us) for pulser in self._pulsers.values()]

    async def add_pulser(self, pairing: Pairing) -> PulserView:
        """Takes a newly paired pulser, or an old one under a new key. Raises `Refused("taken")`."""
        async with self._pairing:
            room = self._rooms.get(pairing.room)
            held = room.pulsers.get(pairing.side) if room is not None else None
            if held is not None and held.pairing.pulser_id != pairing.pulser_id:
                text = (
                    f"room {pairing.room} has a {pairing.side} pulser ({held.pairing.name}): unpair it first"
                )
                raise Refused(Fault("taken", text, field="side", value=pairing.side, side=pairing.side))
            await asyncio.to_thread(self._store.put_pairing, pairing)
            before = self._pulsers.get(pairing.pulser_id.hex())
            if before is not None:
                self._drop(before)
            pulser = self._add(pairing)
        self._rooms[pairing.room].tell("pulser.paired", "system", {"side": pairing.side, "pulser": pulser.id})
        return pulser_view(pulser, monotonic_us())

    async def replace_pulser(self, old_id: str, pairing: Pairing) -> PulserView:
        """Takes a newly paired pulser in the place of `old_id`, which is forgotten: both at once, or neither.

        `pairing` has the old one's room and side. Raises `Refused`: "unknown", "stale", or "running".
        """
        async with self._pairing:
            old = known(self._pulsers, old_id)
            room = self._rooms[old.pairing.room]
            if (pairing.room, pairing.side) != (old.pairing.room, old.pairing.side):
                text = (
                    f"pulser {old_id} is the {old.pairing.side} one of {old.pairing.room} by now: look again"
                )
                raise Refused(Fault("stale", text, field="side"))
            if room.is_set_on:
                raise Refused(Fault("running", "a set is running: stop it before a pulser is replaced"))
            await asyncio.to_thread(self._store.replace_pairing, old.pairing.pulser_id, pairing)
            before = self._pulsers.get(pairing.pulser_id.hex())
            for gone in (old, before):
                if gone is not None and self._pulsers.get(gone.id) is gone:
                    self._rooms[gone.pairing.room].on_lost(gone)
                    self._drop(gone)
            pulser = self._add(pairing)
        room.tell("pulser.removed", "system", {"side": old.pairing.side, "pulser": old.id})
        room.tell("pulser.paired", "system", {"side": pairing.side, "pulser": pulser.id})
        return pulser_view(pulser, monotonic_us())

    async def remove_pulser(self, pulser_id: str) -> None:
        """Forgets a pulser and its key. Raises `Refused("unknown")`."""
        async with self._pairing:
            pulser = known(self._pulsers, pulser_id)
            room = self._rooms[pulser.pairing.room]
            # Off first, then forgotten: its set ends now, whatever the disk does.
            room.on_lost(pulser)
            await asyncio.to_thread(self._store.remove_pairing, pulser.pairing.pulser_id)
            self._drop(pulser)
        room.tell("pulser.removed", "system", {"side": pulser.pairing.side, "pulser": pulser.id})

    def heard_of(self, pulser_id: bytes, host: str, port: int) -> None:
        """A pulser was announced, or said by a person to be, at `host`:`port`.

        A stranger's is ignored, and an address that is none is counted: names are never looked up.
        """
        pulser = self._pulsers.get(pulser_id.hex())
        if not _is_address(host, port):
            self.endpoint.dropped["address"] += 1
        elif pulser is not None:
            pulser.found_at((host, port))
            pulser.tick(monotonic_us(), self._ended_for(pulser))

    async def identify(self, pulser_id: str, *, actor: str) -> None:
        """Makes one pulser buzz for half a second. Raises `Refused`."""
        pulser = known(self._pulsers, pulser_id)
        await identify(pulser, self._rooms[pulser.pairing.room], actor)

    def pulser_of(self, room: str, side: Side) -> Pulser:
        """The pulser of one side of a room. Raises `Refused("unknown")` or `Refused("incomplete")`."""
        pulser = self._room(room).pulsers.get(side)
        if pulser is None:
            raise Refused(Fault("incomplete", f"room {room} has no {side} pulser: pair one", side=side))
        return pulser

    def _add(self, pairing: Pairing) -> Pulser:
        pulser = Pulser(pairing, self.daemon_id, self.endpoint.send, monotonic_us)
        self._settlers[pulser.id] = Settler(pulser, monotonic_us)
        room = self._room_for(pairing.room)
        pulser.colour = rgb(room.colour)
        room.put(pulser)
        self._pulsers[pulser.id] = pulser
        self.endpoint.add(pulser)
        pulser.tick(monotonic_us(), self._ended_for(pulser))
        return pulser

    def _room_for(self, name: str) -> Room:
        room = self._rooms.get(name)
        if room is None:
            colour = self._store.room_colour(name)
            room = Room(name, colour, monotonic_us, self._take_set_id, self._publish, lambda: self.chronicle)
            self._rooms[name] = room
        return room

    def _drop(self, pulser: Pulser) -> None:
        self._rooms[pulser.pairing.room].drop(pulser)
        self._pulsers.pop(pulser.id, None)
        self.endpoint.remove(pulser)
        self._settlers.pop(pulser.id).reported()
        self._waking.forget(pulser)

    def _settler(self, pulser: Pulser) -> Settler:
        return self._settlers[pulser.id]

    # --- rooms ----------------------------------------------------------------------------------------------

    def rooms(self) -> list[RoomView]:
        """Every room, as it is now."""
        return [room.view() for room in self._rooms.values()]

    def room(self, name: str) -> RoomView:
        """Raises `Refused("unknown")`."""
        return self._room(name).view()

    async def make_room(self, name: str, colour: str | None, *, actor: str) -> RoomView:
        """A room without pulsers yet; `colour` None: the least used. Raises `Refused("taken")`."""
        async with self._pairing:
            if name in self._rooms:
                raise Refused(Fault("taken", f"there is a room {name} already", field="name", value=name))
            await asyncio.to_thread(self._store.make_room, name, colour)
            room = self._room_for(name)
        room.tell("room.made", actor, {"colour": room.colour})
        return room.view()

    async def keep_room(self, name: str) -> None:
        """Have this room, made if it is not there: a session may outlive the pairing of its pulsers."""
        async with self._pairing:
            await asyncio.to_thread(self._store.room_colour, name)
            self._room_for(name)

    async def paint_room(self, name: str, colour: str, *, actor: str) -> RoomView:
        """Gives a room another colour, `#rrggbb`. Raises `Refused("unknown")`."""
        room = self._room(name)
        async with self._pairing:
            await asyncio.to_thread(self._store.put_colour, name, colour)
            room.paint(colour)
        room.tell("room.colour", actor, {"colour": colour})
        return room.view()

    def tell(self, room: str, kind: str, actor: str, data: dict[str, object]) -> None:
        """Tells of something in a room that is not the hub's own; an unknown room hears nothing."""
        held = self._rooms.get(room)
        if held is not None:
            held.tell(kind, actor, data)

    def session_changed(self, room: str) -> None:
        """A session was opened in a room, or closed."""
        held = self._rooms.get(room)
        if held is not None:
            held.on_session()
            self.wake(room)

    def any_set_on(self) -> bool:
        """Whether a set is under way anywhere."""
        return any(self.is_set_on(name) for name in self._rooms)

    def is_set_on(self, room: str) -> bool:
        """Whether a set is under way in a room: asked for, running, or not still yet."""
        held = self._rooms.get(room)
        return held is not None and held.is_set_on

    def beat(self, name: str) -> Beat:
        """The beat of a room, for light and sound. Raises `Refused("unknown")`."""
        return beat_of(self._room(name).state.set)

    async def start_set(
        self, room: str, changes: Mapping[str, object], *, actor: str, revision: int | None
    ) -> RoomView:
        """Starts a set; returns once both pulsers have acknowledged. Raises `Refused`.

        Pulsers that rest are woken by it: `waking` says when it may be said again.
        """
        try:
            return await self._room(room).start(changes, actor, revision)
        except Refused as refusal:
            if refusal.fault.code == "waking":
                self.wake(room)
            raise

    def wake(self, room: str) -> RoomView:
        """Asks the room's pulsers to be awake; in a set they are. Raises `Refused("unknown")`."""
        held = self._room(room)
        if not self.is_set_on(room):
            self._waking.wake(held.pulsers.values())
        return held.view()

    async def change_set(
        self, room: str, changes: Mapping[str, object], *, actor: str, revision: int | None
    ) -> RoomView:
        """Changes the running set at its next boundary, levels at once. Raises `Refused`."""
        return self._room(room).change(changes, actor, revision)

    async def stop_set(self, room: str, *, soft: bool, actor: str) -> RoomView:
        """Stops; returns once both are off. Raises `Refused("silent")` with the side that did not say so."""
        return await self._room(room).stop(actor, soft=soft)

    async def swap(self, room: str, *, actor: str) -> RoomView:
        """Left becomes right. Raises `Refused("running")` in a set."""
        held = self._room(room)
        async with self._pairing:
            if held.is_set_on:
                raise Refused(Fault("running", "a set is running: stop it before the sides are swapped"))
            with held.rearranging():
                # On the disk first, both at once: whatever fails or dies here, no side has two pulsers.
                await asyncio.to_thread(self._store.put_pairings, held.swapped())
                held.swap_sides()
        held.tell("room.swapped", actor, {})
        return held.view()

    def watch(self, room: str | None) -> Watch:
        """Every event of `room`, or of all. Raises `Refused("unknown")`."""
        if room is not None:
            self._room(room)

        def snapshots() -> list[RoomEvent]:
            return [held.snapshot() for held in self._rooms.values() if room in (None, held.name)]

        watch = Watch(snapshots, room, self._watches.discard)
        self._watches.add(watch)
        return watch

    @contextmanager
    def controller_present(self, room: str, label: str, *, is_new: bool = True) -> Generator[None]:
        """A controller that may command holds an open socket to `room`: an open set is not left alone.

        `is_new`: it has just come, and its pulsers are woken; else it was silent for a while.
        """
        held = self._room(room)
        held.controllers += 1
        if is_new:
            self.wake(room)
        log.debug("%s is at room %s", label, room)
        try:
            yield
        finally:
            held.controllers -= 1

    def _room(self, name: str) -> Room:
        room = self._rooms.get(name)
        if room is None:
            known = ", ".join(self._rooms) or "none yet"
            raise Refused(Fault("unknown", f"there is no room {name}; rooms are: {known}", field="room"))
        return room

    def _take_set_id(self) -> int:
        self._last_set_id += 1
        return self._last_set_id

    def _ended_for(self, pulser: Pulser) -> int:
        """Every set up to this one is over, as far as this pulser is concerned."""
        current = self._rooms[pulser.pairing.room].state.set
        if current is not None and current.is_on:
            return current.set_id - 1
        return self._last_set_id

    def _publish(self, told: Told, make: Callable[[], RoomEvent]) -> None:
        self.chronicle.told(told)
        watches = [watch for watch in self._watches if watch.room is None or watch.room == told.room]
        if watches:
            event = make()
            for watch in watches:
                watch.put(event)

    # --- what happens by itself -----------------------------------------------------------------------------

    def _on_linked(self, pulser: Pulser) -> None:
        room = self._rooms[pulser.pairing.room]
        if pulser.is_asleep:
            pulser.is_asleep = False
            room.tell("pulser.woke", "system", {"side": room.side_of(pulser), "pulser": pulser.id})
        room.on_linked(pulser)
        pulser.keep_alive(monotonic_us(), self._ended_for(pulser))

    def _on_report(self, pulser: Pulser) -> None:
        now_us, room, report = monotonic_us(), self._rooms[pulser.pairing.room], pulser.report
        pulser.take_report(now_us)
        if report is not None and report.power == frames.POWER_GOING:
            # Its last words, which it repeats until it is answered; then nobody is there any more.
            pulser.keep_alive(now_us, self._ended_for(pulser))
            pulser.is_asleep = True
            self._lose(pulser)
            room.on_asleep(pulser)
        else:
            room.on_report(pulser)
        self._settlers[pulser.id].reported()

    def _lose(self, pulser: Pulser) -> None:
        pulser.heard_at_us = pulser.link.heard_us if pulser.link is not None else None
        self.endpoint.forget_links(pulser.lose())
        self._settlers[pulser.id].reported()

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        # Without its watches the hub can keep no promise: what runs is ended, and the fault is shouted out.
        log.critical("%s has failed: every set is ended", task.get_name(), exc_info=task.exception())
        for room in self._rooms.values():
            room.on_clock_jump()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            now_us = monotonic_us()
            for pulser in list(self._pulsers.values()):
                if pulser.is_silent(now_us):
                    self._lose(pulser)
                    self._rooms[pulser.pairing.room].on_lost(pulser)
                pulser.tick(now_us, self._ended_for(pulser))
                # A clock that was ready goes stale in silence, without any report.
                room = self._rooms[pulser.pairing.room]
                if room.state.set is None or not room.state.set.is_on:
                    room.show(pulser)

    async def _show_troubles(self) -> None:
        while True:
            await asyncio.sleep(_TROUBLES_S)
            for room in list(self._rooms.values()):
                room.show_troubles()
                if self.chronicle.session(room.name) is not None and not self.is_set_on(room.name):
                    self._waking.keep(room.pulsers.values())

    async def _remember_addresses(self) -> None:
        """Keeps where each pulser was last heard: the road that needs no mDNS after a restart."""
        while True:
            await asyncio.sleep(_REMEMBER_S)
            for pulser in list(self._pulsers.values()):
                if pulser.link is None or pulser.address is None:
                    continue
                async with self._pairing:
                    held = pulser.pairing
                    if self._pulsers.get(pulser.id) is not pulser or self._is_on(pulser):
                        continue
                    host, port = pulser.address
                    if (held.last_host, held.last_port) != (host, port):
                        pulser.pairing = dataclasses.replace(held, last_host=host, last_port=port)
                        await asyncio.to_thread(self._store.put_address, pulser.pairing.pulser_id, host, port)

    def _is_on(self, pulser: Pulser) -> bool:
        current = self._rooms[pulser.pairing.room].state.set
        return current is not None and current.is_on

    async def _watch_clock(self) -> None:
        before_us, sleep = monotonic_us(), SleepWatch()
        while True:
            await asyncio.sleep(_BEAT_S)
            now_us = monotonic_us()
            away_us = now_us - before_us - int(_BEAT_S * 1e6) + sleep.slept_us()
            before_us = now_us
            if away_us > _AWAY_US:
                if self.any_set_on():
                    log.warning("this computer was away for %d ms: every set is ended", away_us // 1_000)
                for room in self._rooms.values():
                    room.on_clock_jump()


def _is_address(host: str, port: int) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return 0 < port < 65_536
