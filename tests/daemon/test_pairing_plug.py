"""The cable is pulled at any byte of a pairing; the same command, run again, finishes.

Real firmware at the end of a cable that counts its bytes. Power goes with the cable at every other place. A
pulser that nobody has paired yet and one that is paired already take turns.
"""

import asyncio
import contextlib
import json
import os
import tty
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import serial

from tests.support.cable import Cable
from tests.support.hub_house import House, pairing_house
from tests.support.rig import Board, wait_for
from twintap.pairing import PairingFailed, Steps, Wanted, Wifi, walking
from twintap.pairing.here import HubRegistrar
from twintap.pairing.walking import walk

pytestmark = pytest.mark.timeout(240)

PLACES = 36
LANES = 3
WORD = "correct horse"


class Place(NamedTuple):
    """Where the cable is pulled: which share of the bytes, above 0 and below 1, and from which beginning."""

    share: float
    with_power: bool
    is_paired: bool


class Pulled(NamedTuple):
    """What came of it. `fault` empty: the next run finished, and all was as it has to be."""

    place: Place
    was_pulled: bool
    step: str  # at which it broke off; empty: it had all that it needed
    fault: str


@dataclass
class Lane:
    """One board on its cable, with a room of its own."""

    home: House
    registrar: HubRegistrar
    board: Board  # at the cable's near end
    cable: Cable
    room: str
    said: list[str] = field(default_factory=list[str])
    pulser_id: bytes = b""
    # What goes through the cable undisturbed, from each of the two beginnings.
    fresh_bytes: int = 0
    again_bytes: int = 0

    async def pair(self) -> str:
        """Run the pairing; give the step at which it failed, or nothing."""
        wanted = Wanted(self.room, "left", wifi=Wifi("practice", WORD))
        try:
            done = await walk(str(self.cable.port), self.registrar, wanted, Steps(), own=("127.0.0.1/8",))
        except PairingFailed as failed:
            self.said.append(str(failed))
            return failed.step
        self.pulser_id = done.pulser_id
        return ""

    async def forget(self) -> None:
        """Have nobody know anything, as with a pulser out of the box."""
        with contextlib.suppress(KeyError):
            if self.key_here():
                await self.home.hub.remove_pulser(self.pulser_id.hex())
        await asyncio.to_thread(self.board.rpc, "unpair")
        await asyncio.to_thread(self.board.rpc, "wifi_forget", ssid="practice")

    def key_here(self) -> str:
        """The daemon's key for it; empty if there is none."""
        found = [one.key.hex() for one in self.home.store.pairings() if one.pulser_id == self.pulser_id]
        assert len(found) <= 1
        return found[0] if found else ""

    def settings(self) -> dict[str, Any]:
        """What the pulser keeps. That it is whole at any moment is what is looked at."""
        return json.loads((self.board.state / "flash" / "settings.json").read_text())

    def key_there(self) -> str:
        return self.settings().get("key") or ""

    async def measure(self) -> None:
        """How many bytes go through the cable in a pairing that nothing disturbs."""
        assert await self.pair() == ""
        await self.forget()
        before = self.cable.bytes_through
        assert await self.pair() == ""
        self.fresh_bytes = self.cable.bytes_through - before
        assert await self.pair() == ""
        self.again_bytes = self.cable.bytes_through - before - self.fresh_bytes

    async def pull(self, place: Place) -> Pulled:
        if not place.is_paired:
            await self.forget()
        before = self.key_here()
        length = self.again_bytes if place.is_paired else self.fresh_bytes
        self.cable.pull_after(max(1, round(length * place.share)))
        step = await self.pair()
        was_pulled = self.cable.is_pulled
        self.cable.pull()
        if place.with_power:
            await asyncio.to_thread(self.board.hands, "reset")
        fault = self._half_done(step, before)
        self.cable.plug_in()
        again = await self.pair()
        if again:
            fault = fault or f"the next run failed at {again}"
        return Pulled(place, was_pulled, step, fault or self._wrong())

    def _half_done(self, step: str, before: str) -> str:
        """What the first run must not leave behind."""
        here, there = self.key_here(), self.key_there()
        if not step and here != there:
            return "it said done, and the keys differ"
        if step in ("port", "pulser", "networks", "join", "daemon") and (here, there) != (before, before):
            return f"something was changed before the step `key`, at {step}"
        if step == "key" and here != before:
            return "the daemon was not put back"
        # The pulser may have got the key, which no daemon knows then: the next run replaces it.
        return ""

    def _wrong(self) -> str:
        (view,) = [view for view in self.home.hub.pulsers() if view.room == self.room]
        kept = self.settings()
        if view.link != "linked" or self.key_here() != self.key_there():
            return (
                f"it is {view.link}, and both have a key: {bool(self.key_here())}, {bool(self.key_there())}"
            )
        if [ssid for ssid, _ in kept["networks"]] != ["practice"] or kept["room"] != self.room:
            return f"its room is {kept['room']}, its networks are {len(kept['networks'])}"
        return ""


@pytest.fixture
async def lanes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[list[Lane]]:
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    # What is announced is not what is looked at.
    monkeypatch.setattr(walking, "_ANNOUNCED_WITHIN_S", 0.0)
    async with contextlib.AsyncExitStack() as stack:
        home, registrar = await stack.enter_async_context(pairing_house(tmp_path / "d"))

        async def lane(number: int) -> Lane:
            board = Board(tmp_path / f"b{number}", "--wifi", f"practice:{WORD}")
            await asyncio.to_thread(board.switch_on)
            stack.push_async_callback(asyncio.to_thread, board.switch_off)
            cable = stack.enter_context(Cable(tmp_path / f"cable-{number}", board.link))
            near = Board(board.state)
            near.link = cable.port
            return Lane(home, registrar, near, cable, f"room-{number}")

        yield list(await asyncio.gather(*(lane(number) for number in range(LANES))))


async def test_the_cable_is_pulled_at_any_byte_of_a_pairing_and_the_next_run_finishes(
    lanes: list[Lane],
) -> None:
    places = [Place((at + 0.5) / PLACES, at % 2 == 0, at % 4 < 2) for at in range(PLACES)]

    async def run(lane: Lane, share: list[Place]) -> list[Pulled]:
        await lane.measure()
        return [await lane.pull(place) for place in share]

    ran = await asyncio.gather(*(run(lane, places[at::LANES]) for at, lane in enumerate(lanes)))
    results = [pulled for found in ran for pulled in found]
    assert [pulled for pulled in results if pulled.fault] == []
    steps = {pulled.step for pulled in results}
    # All the way: before anything was asked, while the pulser joined, and while the key went over.
    assert {"pulser", "join", "key"} <= steps, steps
    # (How often a pulser is asked whether it has joined, and so how many bytes there are, is chance.)
    assert sum(pulled.was_pulled for pulled in results) > PLACES / 2
    assert not any(WORD in words for lane in lanes for words in lane.said)


def test_a_cable_carries_counts_and_can_be_pulled(tmp_path: Path) -> None:
    far, slave = os.openpty()
    tty.setraw(slave)
    near = tmp_path / "near"
    with Cable(near, Path(os.ttyname(slave))) as cable, serial.Serial(str(near), timeout=1) as port:
        os.write(far, b"hello")
        assert port.read(5) == b"hello"
        cable.pull_after(3)
        os.write(far, b"again")
        wait_for("pulled", lambda: cable.is_pulled and not near.is_symlink())
        assert cable.bytes_through == 8
        cable.plug_in()
        assert near.is_symlink()
    os.close(far)
    os.close(slave)
