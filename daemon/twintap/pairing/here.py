"""Pairing's view of the daemon that runs in this very process."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .. import addresses
from ..errors import Fault, Refused
from ..paired import Pairing
from ..store import Store
from ..views import PulserView
from .wanted import Place, Road, Where

if TYPE_CHECKING:
    from ..discovery import Foreign
    from ..rooms.hub import Hub

_UNDO_MAX = 16


@dataclass(frozen=True, slots=True)
class Before:
    """What a pairing replaced: an older one of the same pulser, and the pulser whose place it took."""

    own: Pairing | None = None
    replaced: Pairing | None = None


@dataclass(slots=True)
class Undo:
    """What was before the latest pairings, so that one which fails at the cable can be taken back."""

    _before: OrderedDict[bytes, Before] = field(default_factory=OrderedDict[bytes, Before])

    def keep(self, pulser_id: bytes, before: Before) -> None:
        """Remember what a new pairing replaced; only the latest few are kept."""
        self._before[pulser_id] = before
        self._before.move_to_end(pulser_id)
        while len(self._before) > _UNDO_MAX:
            self._before.popitem(last=False)

    def take(self, pulser_id: bytes) -> Before:
        """Give what was before and forget it; `Refused("unknown")` if this pulser was not paired lately."""
        try:
            return self._before.pop(pulser_id)
        except KeyError:
            raise Refused(Fault("unknown", "this pulser was not paired lately", field="pulser")) from None


class HubRegistrar:
    """The daemon of this process: its hub, its store, and what it hears by mDNS."""

    def __init__(
        self,
        hub: "Hub",
        store: Store,
        host: str,
        *,
        foreign: "Foreign | None" = None,
        undo: Undo | None = None,
    ) -> None:
        """Take a hub that has been started, and the host it serves on."""
        self._hub = hub
        self._store = store
        self._host = host
        self._foreign = foreign
        self._undo = undo if undo is not None else Undo()

    async def where(self) -> Where:
        """Give the daemon's addresses, loopback first: a virtual board is on this computer."""
        own = await asyncio.to_thread(addresses.own_addresses)
        hosts = list(reversed(addresses.served_addresses(self._host, own)))
        return Where(self._store.daemon_id.hex(), tuple((host, self._hub.port) for host in hosts))

    async def add(self, pairing: Pairing, replace: bytes | None = None) -> str:
        """Keep the pairing; give the room's colour."""
        return (await self.keep(pairing, replace))[1]

    async def keep(self, pairing: Pairing, replace: bytes | None = None) -> tuple[PulserView, str]:
        """Keep the pairing, and until this pulser's next one what it replaces; give the room's colour."""
        held = {old.pulser_id: old for old in self._store.pairings()}
        colour = await asyncio.to_thread(self._store.room_colour, pairing.room)
        if replace is None:
            pulser = await self._hub.add_pulser(pairing)
        else:
            pulser = await self._hub.replace_pulser(replace.hex(), pairing)
        replaced = None if replace is None else held.get(replace)
        self._undo.keep(pairing.pulser_id, Before(held.get(pairing.pulser_id), replaced))
        return pulser, colour

    async def undo(self, pulser_id: bytes) -> None:
        """Forget the pairing; what it replaced, if anything, holds again."""
        before = self._undo.take(pulser_id)
        if before.replaced is not None:
            await self._hub.replace_pulser(pulser_id.hex(), before.replaced)
        else:
            await self._hub.remove_pulser(pulser_id.hex())
        if before.own is not None:
            await self._hub.add_pulser(before.own)

    async def is_linked(self, pulser_id: bytes) -> bool:
        """Say whether the pulser is linked."""
        return any(view.id == pulser_id.hex() and view.link == "linked" for view in self._hub.pulsers())

    async def road(self, pulser_id: bytes) -> Road:
        """Say what is heard of the pulser."""
        is_announced = self._foreign is not None and self._foreign.hears(pulser_id.hex())
        return Road(await self.is_linked(pulser_id), is_announced)

    async def places(self) -> Mapping[bytes, Place]:
        """Say where every paired pulser works."""
        return {
            one.pulser_id: Place(one.room, one.side, one.name, round(one.ceiling_pct))
            for one in self._store.pairings()
        }
