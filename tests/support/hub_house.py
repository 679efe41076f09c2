"""A hub on loopback with light pulsers in its rooms, and what their edges say."""

import asyncio
import itertools
import secrets
import socket
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.light_pulser import Edge, LightPulser
from twintap.discovery import Discovery, Foreign
from twintap.pairing.here import HubRegistrar
from twintap.rooms.hub import Hub
from twintap.store import Pairing, Store
from twintap.views import SIDES, RoomView, SetView, Side
from twintap_protocol import frames

PATIENCE_S = 20.0  # a safety bound, for a machine that is busy with something else


async def until(is_met: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Waits until something is so; fails with `what` when it never is."""
    deadline_s = time.monotonic() + patience_s
    while not is_met():
        assert time.monotonic() < deadline_s, f"never happened: {what}"
        await asyncio.sleep(0.01)


class Tap:
    """Sends datagrams to the daemon from an address of its own."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self._to = ("127.0.0.1", port)

    def send(self, *datagrams: bytes) -> None:
        for data in datagrams:
            self.socket.sendto(data, self._to)

    def heard(self) -> list[bytes]:
        found: list[bytes] = []
        while True:
            try:
                found.append(self.socket.recv(2_048))
            except BlockingIOError:
                return found


@dataclass
class House:
    """One hub, its store and its light pulsers by room and side."""

    path: Path
    store: Store
    hub: Hub
    pulsers: dict[tuple[str, Side], LightPulser] = field(default_factory=dict[tuple[str, Side], LightPulser])

    taps: list[Tap] = field(default_factory=list[Tap])

    def tap(self) -> Tap:
        """A stranger on the daemon's network."""
        self.taps.append(Tap(self.hub.port))
        return self.taps[-1]

    @property
    def left(self) -> LightPulser:
        return self.pulsers["blue", "left"]

    @property
    def right(self) -> LightPulser:
        return self.pulsers["blue", "right"]

    @property
    def room(self) -> RoomView:
        return self.hub.room("blue")

    @property
    def set(self) -> SetView:
        current = self.room.set
        assert current is not None
        return current

    async def add(self, room: str, side: Side, ppm: float = 0.0) -> LightPulser:
        pulser_id, key = secrets.token_bytes(8), secrets.token_bytes(16)
        await self.hub.add_pulser(Pairing(pulser_id, key, room, side, f"{room} {side}", 60.0))
        pulser = LightPulser(
            pulser_id,
            self.hub.daemon_id,
            key,
            ("127.0.0.1", self.hub.port),
            frames.SIDE_LEFT if side == "left" else frames.SIDE_RIGHT,
            secrets.randbelow(10**10),
            ppm,
        )
        self.pulsers[room, side] = pulser
        await pulser.start()
        return pulser

    async def ready(self, room: str = "blue") -> None:
        await until(lambda: self.hub.room(room).ready, f"room {room} is ready")

    async def start(self, room: str = "blue", **changes: object) -> RoomView:
        await self.ready(room)
        return await self.hub.start_set(room, changes, actor="ann", revision=None)

    async def over(self, room: str = "blue") -> SetView:
        def is_over() -> bool:
            current = self.hub.room(room).set
            return current is not None and current.state == "ended"

        await until(is_over, f"the set of room {room} is over")
        current = self.hub.room(room).set
        assert current is not None
        return current

    async def restart(self) -> None:
        """The daemon dies without a word, and another comes on the same port and data."""
        port = self.hub.port
        self.hub.abandon()
        await asyncio.sleep(0.05)  # the socket is closed by the loop
        self.hub = Hub(self.store, host="127.0.0.1", port=port)
        await self.hub.start()


@asynccontextmanager
async def house(path: Path, *, pair: bool = True) -> AsyncGenerator[House]:
    """A hub with one pair in room `blue`; everything is closed after."""
    store = Store.open(path)
    hub = Hub(store, host="127.0.0.1", port=0)
    await hub.start()
    home = House(path, store, hub)
    try:
        if pair:
            await home.add("blue", "left", ppm=10)
            await home.add("blue", "right", ppm=-10)
        yield home
    finally:
        for pulser in home.pulsers.values():
            await pulser.close()
        for tap in home.taps:
            tap.socket.close()
        await home.hub.close()
        store.close()


@asynccontextmanager
async def pairing_house(path: Path) -> AsyncGenerator[tuple[House, HubRegistrar]]:
    """A hub that nothing is paired with yet, which hears what pulsers announce, and its registrar."""
    async with house(path, pair=False) as home:
        foreign = Foreign()
        discovery = Discovery(
            daemon_id=home.store.daemon_id,
            host="127.0.0.1",
            port=home.hub.port,
            heard_of=home.hub.heard_of,
            foreign=foreign,
        )
        try:
            await discovery.start()
            yield home, HubRegistrar(home.hub, home.store, "127.0.0.1", foreign=foreign)
        finally:
            await discovery.close()


@dataclass(frozen=True)
class Pulse:
    """One pulse of one side, on the host's clock."""

    side: Side
    start_us: int
    end_us: int


def pulses(home: House, room: str = "blue", since_us: int = 0) -> list[Pulse]:
    """Every pulse of a pair, in order of its beginning; one that has not ended ends at infinity."""
    found: list[Pulse] = []
    for side in SIDES:
        open_us: int | None = None
        for edge in home.pulsers[room, side].edges:
            if edge.level_bp and open_us is None:
                open_us = edge.host_us
            elif not edge.level_bp and open_us is not None:
                found.append(Pulse(side, open_us, edge.host_us))
                open_us = None
        if open_us is not None:
            found.append(Pulse(side, open_us, 1 << 62))
    return sorted((pulse for pulse in found if pulse.start_us >= since_us), key=lambda pulse: pulse.start_us)


def assert_whole(home: House, room: str, passes: int) -> None:
    """The set gave `passes` pulses a side, left, right, left, right, and never two at once.

    These pulsers share one event loop with the hub and the test. Where this machine kept that loop from an
    edge for over 20 ms, the pulse was skipped and counted, as it has to be; no other may be missing.
    """
    current = home.hub.room(room).set
    assert current is not None
    found = pulses(home, room)
    for side, counts in (("left", current.left), ("right", current.right)):
        assert counts.delivered + counts.skipped == passes, (side, counts)
        assert sum(pulse.side == side for pulse in found) == counts.delivered, (side, counts)
    if not current.left.skipped and not current.right.skipped:
        assert [pulse.side for pulse in found] == ["left", "right"] * passes
    if not current.left.late and not current.right.late:
        for one, two in itertools.pairwise(found):
            assert one.end_us <= two.start_us, "both sides vibrate"


def is_still(pulser: LightPulser) -> bool:
    return not pulser.edges or pulser.edges[-1].level_bp == 0


def last_us(edges: list[Edge]) -> int:
    return edges[-1].host_us


__all__ = [
    "House",
    "Pulse",
    "assert_whole",
    "house",
    "is_still",
    "last_us",
    "pairing_house",
    "pulses",
    "until",
]
