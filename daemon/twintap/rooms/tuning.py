"""A pulser's name, place, trim, networks and rest, changed from here.

Its name, room and side are this daemon's to keep; its trim and its networks lie on the pulser, which is told
over the sealed link. None of it is done while a set is under way.
"""

import asyncio
import dataclasses
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from twintap_protocol import frames, limits

from ..errors import Fault, Refused
from ..links.pulser import Pulser
from ..paired import Pairing
from ..store import Store
from ..views import PulserView, Side, other
from ..wifi import check_network
from .refusing import known
from .room import Room
from .settling import Settler
from .showing import pulser_view

TRIM_MIN_PCT, TRIM_MAX_PCT = limits.MIN_TRIM_BP // 100, limits.MAX_TRIM_BP // 100


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be another; None stays. `trim_pct`: 25..100, of every level that the motor is given."""

    name: str | None = None
    room: str | None = None
    side: Side | None = None
    trim_pct: float | None = None


class Tuning:
    """`pulsers` by id and `rooms` by name are the hub's own; `pairing` is the lock under which they change.

    `room_for` gives a room, made if it is not there. `clock_us`: the daemon's monotonic clock in µs.
    """

    def __init__(
        self,
        store: Store,
        pulsers: Mapping[str, Pulser],
        rooms: Mapping[str, Room],
        pairing: asyncio.Lock,
        room_for: Callable[[str], Room],
        settler: Callable[[Pulser], Settler],
        clock_us: Callable[[], int],
    ) -> None:
        self._store = store
        self._pulsers = pulsers
        self._rooms = rooms
        self._pairing = pairing
        self._room_for = room_for
        self._settler = settler
        self._clock_us = clock_us

    # --- name, place, trim ------------------------------------------------------------------------------

    async def change(self, pulser_id: str, change: Change, *, actor: str) -> PulserView:
        """Changes what `change` says, and gives the pulser as it is then.

        A side of the same room that another pulser has is swapped with it. Raises `Refused`: `unknown`,
        `running` in a set of either room, `taken` (another room's side has a pulser), `range`, and what
        `Settler.settle` raises for a trim; StoreError. A trim is settled first, so that a pulser which does
        not take it keeps its name and its place too; that the place is free has been seen before.
        """
        pulser = known(self._pulsers, pulser_id)
        self._check_still(self._rooms[pulser.pairing.room])
        self._check_place(pulser, change)
        if change.trim_pct is not None:
            await self._trim(pulser, change.trim_pct, actor)
        async with self._pairing:
            self._check_ours(pulser)
            held = pulser.pairing
            room, side = change.room or held.room, change.side or held.side
            moved = (room, side) != (held.room, held.side)
            named = dataclasses.replace(held, name=change.name if change.name is not None else held.name)
            if moved:
                await self._move(pulser, dataclasses.replace(named, room=room, side=side), actor)
            elif named != held:
                await asyncio.to_thread(self._store.put_pairing, named)
                pulser.pairing = named
            if named.name != held.name:
                told: dict[str, object] = {"side": side, "pulser": pulser.id, "name": named.name}
                self._rooms[room].tell("pulser.renamed", actor, told)
        return pulser_view(pulser, self._clock_us())

    def _check_place(self, pulser: Pulser, change: Change) -> Pulser | None:
        """Gives the twin that would change places with it. Raises `Refused`: `taken`, `running`."""
        held = pulser.pairing
        room, side = change.room or held.room, change.side or held.side
        target = self._rooms.get(room)
        if target is None or (room, side) == (held.room, held.side):
            return None
        twin = target.pulsers.get(side)
        if twin is not None and room != held.room:
            text = f"room {room} has a {side} pulser ({twin.pairing.name}): move or unpair that one first"
            raise Refused(Fault("taken", text, field="side", value=side, side=side))
        self._check_still(target)
        return twin

    async def _trim(self, pulser: Pulser, trim_pct: float, actor: str) -> None:
        if not TRIM_MIN_PCT <= trim_pct <= TRIM_MAX_PCT:
            text = f"trim_pct is {trim_pct:g}; it has to lie in {TRIM_MIN_PCT}..{TRIM_MAX_PCT}"
            raise Refused(Fault("range", text, "trim_pct", trim_pct, TRIM_MIN_PCT, TRIM_MAX_PCT))
        trim_bp = round(trim_pct * 100)
        await self._settler(pulser).settle(frames.TUNE, lambda number: frames.Tune(number, trim_bp))
        self._tell(pulser, "pulser.trimmed", actor, trim_pct=trim_bp / 100)

    async def _move(self, pulser: Pulser, to: Pairing, actor: str) -> None:
        """`to` is its new pairing: another room, or side, or both. The lock is held."""
        before = pulser.pairing
        # Also of a room that is not here yet: its colour is chosen and kept, on the disk.
        await asyncio.to_thread(self._store.room_colour, to.room)
        source, target = self._rooms[before.room], self._room_for(to.room)
        twin = self._check_place(pulser, Change(room=to.room, side=to.side))
        changed = {pulser: to}
        if twin is not None:
            changed[twin] = dataclasses.replace(twin.pairing, side=other(to.side))
        self._check_still(source)
        with ExitStack() as held:
            for room in {source, target}:
                held.enter_context(room.rearranging())
            # On the disk first, both at once: whatever fails or dies here, no side has two pulsers.
            await asyncio.to_thread(self._store.put_pairings, changed.values())
            for one in changed:
                source.release(one)
            for one, pairing in changed.items():
                one.pairing = pairing
                target.receive(one)
        data: dict[str, object] = {"pulser": pulser.id, "room": to.room, "side": to.side}
        data |= {"room_before": before.room, "side_before": before.side}
        for room in {source, target}:
            room.tell("pulser.moved", actor, data)

    # --- networks ---------------------------------------------------------------------------------------

    async def keep_network(self, pulser_id: str, ssid: str, password: str, *, actor: str) -> PulserView:
        """Has the pulser keep a network, as the first that it tries; one of that name is replaced.

        `ssid`: 1..32 bytes of UTF-8; `password`: 8..64, or none for an open one. Raises `Refused`: `unknown`,
        `field`, `running`, and what `Settler.settle` raises. No refusal repeats the password.
        """
        check_network(ssid, password)
        name, secret = ssid.encode(), password.encode()
        return await self._network(
            pulser_id, lambda number: frames.Network(number, frames.NETWORK_KEEP, name, secret), actor
        )

    async def forget_network(self, pulser_id: str, ssid: str, *, actor: str) -> PulserView:
        """Has the pulser forget a network. `refused` if it does not keep it, or keeps no other."""
        name = _ssid(ssid)
        return await self._network(
            pulser_id, lambda number: frames.Network(number, frames.NETWORK_FORGET, name), actor
        )

    async def _network(self, pulser_id: str, make: Callable[[int], frames.Network], actor: str) -> PulserView:
        pulser = known(self._pulsers, pulser_id)
        self._check_still(self._rooms[pulser.pairing.room])
        await self._settler(pulser).settle(frames.NETWORK, make)
        report = pulser.report
        self._tell(pulser, "pulser.networks", actor, networks=report.networks if report is not None else 0)
        return pulser_view(pulser, self._clock_us())

    # --- rest -------------------------------------------------------------------------------------------

    async def sleep(self, pulser_id: str, *, actor: str) -> PulserView:
        """Has the pulser sleep until its button is pressed. Raises `Refused` as `keep_network` does."""
        pulser = known(self._pulsers, pulser_id)
        self._check_still(self._rooms[pulser.pairing.room])
        if not pulser.is_asleep:
            try:
                await self._settler(pulser).settle(
                    frames.POWER, lambda number: frames.Power(number, frames.WANT_SLEEP)
                )
            except Refused:
                if not pulser.is_asleep:  # its last words are an answer too
                    raise
            self._tell(pulser, "pulser.sent_to_sleep", actor)
        return pulser_view(pulser, self._clock_us())

    # --- inside -----------------------------------------------------------------------------------------

    def _check_ours(self, pulser: Pulser) -> None:
        if self._pulsers.get(pulser.id) is not pulser:
            raise Refused(Fault("unknown", f"pulser {pulser.id} was unpaired meanwhile", field="pulser"))

    def _check_still(self, room: Room) -> None:
        if room.is_set_on:
            raise Refused(Fault("running", f"a set is running in {room.name}: stop it first"))

    def _tell(self, pulser: Pulser, kind: str, actor: str, **data: object) -> None:
        room = self._rooms.get(pulser.pairing.room)
        if room is not None:
            room.tell(kind, actor, {"side": pulser.pairing.side, "pulser": pulser.id, **data})


def _ssid(text: str) -> bytes:
    name = text.encode("utf-8", "surrogatepass")
    if not 1 <= len(name) <= limits.MAX_SSID:
        said = f"ssid has {len(name)} bytes; it has to have 1..{limits.MAX_SSID}"
        raise Refused(Fault("range", said, field="ssid", low=1, high=limits.MAX_SSID))
    return name
