"""The cable comes out at any byte of a pairing: the next run mends it, and nothing is left in between."""

import contextlib
import json
import os
import threading
import tty
from collections.abc import Generator, Mapping
from typing import Any

import pytest

from tests.daemon.fake_pulser import INFO, PULSER_ID
from twintap import console as console_module
from twintap.console import open_console
from twintap.errors import ConsoleError
from twintap.pairing import PairingFailed, Place, Road, Steps, Wanted, Where, Wifi, walk, walking
from twintap.store import Pairing

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a pty stands for the cable")

CUTS = 100
WANTED = Wanted("room-1", "left", wifi=Wifi("practice", "correct horse"))


class Flash:
    """What a pulser keeps: each change of it is whole or not there."""

    def __init__(self) -> None:
        self.key: str | None = None
        self.networks: list[str] = []


class CutPulser:
    """A pulser whose cable comes out once so many bytes have passed over it, in both directions together."""

    def __init__(self, flash: Flash, cut_after: int | None) -> None:
        self.passed = 0
        self._flash = flash
        self._cut_after = cut_after
        self._master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.port = os.ttyname(self.slave)
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        pending = b""
        with contextlib.suppress(OSError):
            while data := os.read(self._master, 4096):
                for byte in data:
                    if not self._passes(1):
                        return
                    if byte != 10:
                        pending += bytes((byte,))
                        continue
                    line, pending = pending, b""
                    if line and not self._say(self._answer(json.loads(line))):
                        return

    def _passes(self, count: int) -> bool:
        self.passed += count
        if self._cut_after is not None and self.passed > self._cut_after:
            self.close()
            return False
        return True

    def _say(self, data: bytes) -> bool:
        for byte in data:
            if not self._passes(1):
                return False
            os.write(self._master, bytes((byte,)))
        return True

    def _answer(self, request: Mapping[str, Any]) -> bytes:
        method, params = request["method"], request.get("params", {})
        if method == "wifi":
            self._flash.networks = [params["ssid"]]
        elif method == "pair":
            self._flash.key = params["key"]
        found = {"network": "up", "networks": self._flash.networks, "ssid": None}
        result = INFO | found if method == "info" else {}
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode() + b"\n"

    def close(self) -> None:
        with self._lock:
            master, self._master = self._master, -1
        if master >= 0:
            os.close(master)


@contextlib.contextmanager
def cable(flash: Flash, cut_after: int | None) -> Generator[CutPulser]:
    pulser = CutPulser(flash, cut_after)
    slave = pulser.slave
    try:
        yield pulser
    finally:
        os.close(slave)
        pulser.close()


class Daemon:
    """A registrar that puts back what was."""

    def __init__(self) -> None:
        self.kept: dict[bytes, Pairing] = {}
        self._before: dict[bytes, Pairing | None] = {}

    async def where(self) -> Where:
        return Where("0102030405060708", (("192.0.2.1", 8700), ("127.0.0.1", 8700)))

    async def add(self, pairing: Pairing, replace: bytes | None = None) -> str:
        assert replace is None
        self._before[pairing.pulser_id] = self.kept.get(pairing.pulser_id)
        self.kept[pairing.pulser_id] = pairing
        return "#0072b2"

    async def undo(self, pulser_id: bytes) -> None:
        before = self._before.pop(pulser_id)
        if before is None:
            del self.kept[pulser_id]
        else:
            self.kept[pulser_id] = before

    async def is_linked(self, pulser_id: bytes) -> bool:
        return True

    async def road(self, pulser_id: bytes) -> Road:
        return Road(is_linked=True, is_announced=True)

    async def places(self) -> dict[bytes, Place]:
        return {}

    @property
    def key(self) -> str | None:
        found = self.kept.get(bytes.fromhex(PULSER_ID))
        return None if found is None else found.key.hex()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_module, "_ANSWER_WITHIN_S", 5.0)
    monkeypatch.setattr(console_module, "_BOOT_WITHIN_S", 0.1)
    monkeypatch.setattr(console_module, "_ASK_AGAIN_S", 5.0)
    monkeypatch.setattr(walking, "_JOIN_POLL_S", 0.01)


@pytest.mark.timeout(180)
async def test_wherever_the_cable_comes_out_the_next_run_mends_it() -> None:
    with cable(Flash(), None) as whole:
        await walk(whole.port, Daemon(), WANTED, Steps())
        length = whole.passed
    assert length > 500
    failures = 0
    for number in range(CUTS):
        # Half of them pair a pulser of ours anew: what it has is to hold, as far as anybody can know.
        flash, daemon = Flash(), Daemon()
        if number % 2:
            with cable(flash, None) as pulser:
                await walk(pulser.port, daemon, WANTED, Steps())
        before = daemon.key
        with cable(flash, 1 + number * length // CUTS) as pulser:
            try:
                await walk(pulser.port, daemon, WANTED, Steps())
            except PairingFailed:
                failures += 1
                # The daemon is as it was; the pulser too, or it has a key that nobody knows.
                assert daemon.key == before, number
            else:
                assert daemon.key == flash.key, number
        with cable(flash, None) as pulser:
            await walk(pulser.port, daemon, WANTED, Steps())
        assert daemon.key == flash.key is not None, number
        assert flash.networks == ["practice"], number
    # What comes after the proof costs nothing: only the very last cuts may not matter.
    assert failures > CUTS // 2


async def test_a_pulser_that_has_stopped_to_read_keeps_nobody_waiting() -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    try:
        with pytest.raises(ConsoleError, match="did not answer"):
            async with open_console(os.ttyname(slave)) as console:
                # More than the line holds: a part of it stays behind.
                await console.call("wifi", {"ssid": "x" * 60_000}, within_s=0.2)
        # It is closed, and free for the next.
        async with open_console(os.ttyname(slave)):
            pass
    finally:
        os.close(slave)
        os.close(master)
