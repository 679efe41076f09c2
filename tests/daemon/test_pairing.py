"""Pairing leaves nothing half done, wherever it fails, and lets no key be seen."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.fake_pulser import INFO, PULSER_ID, fake_pulser
from twintap import console as console_module
from twintap.console import ConsoleRefused, open_console
from twintap.errors import ConsoleError, Fault, Refused
from twintap.pairing import Place, Road, Wanted, Where, Wifi, linked, pair
from twintap.store import Pairing

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a pty stands for the cable")

DAEMON_ID = "0102030405060708"
WANTED = Wanted("room-1", "left", 45)


class Daemon:
    """A registrar that keeps what it is given."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses or ("127.0.0.1",)
        self.kept: dict[bytes, Pairing] = {}
        self.refuse: Fault | None = None
        self.links = False

    async def where(self) -> Where:
        return Where(DAEMON_ID, tuple((host, 8700) for host in self.addresses))

    async def add(self, pairing: Pairing, replace: bytes | None = None) -> str:
        assert replace is None
        if self.refuse is not None:
            raise Refused(self.refuse)
        self.kept[pairing.pulser_id] = pairing
        return "#0072b2"

    async def undo(self, pulser_id: bytes) -> None:
        del self.kept[pulser_id]

    async def is_linked(self, pulser_id: bytes) -> bool:
        return self.links

    async def road(self, pulser_id: bytes) -> Road:
        return Road(self.links, is_announced=True)

    async def places(self) -> dict[bytes, Place]:
        return {}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_module, "_ANSWER_WITHIN_S", 0.3)
    monkeypatch.setattr(console_module, "_BOOT_WITHIN_S", 3.0)
    monkeypatch.setattr(console_module, "_ASK_AGAIN_S", 0.3)


def good(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    return dict(INFO) if method == "info" else {}


async def test_both_ends_have_the_same_key_and_the_pulser_all_it_needs() -> None:
    daemon = Daemon()
    with fake_pulser(good) as pulser:
        async with open_console(pulser.port) as console:
            pulser_id = await pair(console, daemon, WANTED)
    ((method, told),) = [call for call in pulser.calls if call[0] != "info"]
    kept = daemon.kept[pulser_id]
    assert (method, pulser_id.hex()) == ("pair", PULSER_ID)
    assert told == {
        "key": kept.key.hex(),
        "daemon_id": DAEMON_ID,
        "side": "left",
        "room": "room-1",
        "colour": [0x00, 0x72, 0xB2],
        "ceiling_pct": 45,
        "addresses": [["127.0.0.1", 8700]],
    }
    assert len(kept.key) == 16
    assert (kept.room, kept.side, kept.ceiling_pct, kept.name) == ("room-1", "left", 45, "twintap-eeff00")


async def test_every_pairing_makes_a_key_of_its_own() -> None:
    daemon = Daemon()
    keys: set[bytes] = set()
    with fake_pulser(good) as pulser:
        for _ in range(3):
            async with open_console(pulser.port) as console:
                keys.add(daemon.kept[await pair(console, daemon, WANTED)].key)
    assert len(keys) == 3


async def test_a_side_that_is_taken_leaves_the_pulser_untouched() -> None:
    daemon = Daemon()
    daemon.refuse = Fault("taken", "room-1 has a left pulser", side="left")
    with fake_pulser(good) as pulser:
        async with open_console(pulser.port) as console:
            with pytest.raises(Refused, match="has a left pulser"):
                await pair(console, daemon, WANTED)
        assert pulser.methods() == []


async def test_a_pulser_that_refuses_leaves_the_daemon_as_it_was() -> None:
    def refusing(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if method == "pair":
            raise ValueError("a set is running; stop it first")
        return good(method, params)

    daemon = Daemon()
    with fake_pulser(refusing) as pulser:
        async with open_console(pulser.port) as console:
            with pytest.raises(ConsoleRefused, match="a set is running"):
                await pair(console, daemon, WANTED)
    assert daemon.kept == {}


async def test_a_cable_that_goes_at_the_last_moment_is_told_and_the_daemon_is_as_it_was() -> None:
    def silent(method: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
        return None if method == "pair" else good(method, params)

    daemon = Daemon()
    with fake_pulser(silent) as pulser:
        async with open_console(pulser.port) as console:
            with pytest.raises(ConsoleError, match="run the same command again") as caught:
                await pair(console, daemon, WANTED)
        key = next(told["key"] for method, told in pulser.calls if method == "pair")
    assert daemon.kept == {}
    assert key not in str(caught.value)


async def test_a_network_is_set_before_the_pairing_and_its_refusal_costs_nothing() -> None:
    def refusing(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if method == "wifi":
            raise ValueError("password is a text of at most 64 bytes")
        return good(method, params)

    daemon = Daemon()
    wanted = Wanted("room-1", "left", wifi=Wifi("practice", "correct horse"))
    with fake_pulser(refusing) as pulser:
        async with open_console(pulser.port) as console:
            with pytest.raises(ConsoleRefused) as caught:
                await pair(console, daemon, wanted)
        assert pulser.methods() == ["wifi"]
    assert daemon.kept == {}
    assert "correct horse" not in str(caught.value)
    assert "correct horse" not in repr(wanted)
    with fake_pulser(good) as pulser:
        async with open_console(pulser.port) as console:
            await pair(console, daemon, wanted)
        assert pulser.calls[-2:][0] == ("wifi", {"ssid": "practice", "password": "correct horse"})
        assert pulser.methods() == ["wifi", "pair"]


async def test_without_a_network_named_the_one_that_is_set_is_kept() -> None:
    with fake_pulser(good) as pulser:
        async with open_console(pulser.port) as console:
            await pair(console, Daemon(), WANTED)
        assert "wifi" not in pulser.methods()


@pytest.mark.parametrize("address", [None, "192.0.2.9:40000"])
async def test_a_real_pulser_is_not_paired_with_a_daemon_it_cannot_reach(address: str | None) -> None:
    def real(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        return good(method, params) | {"address": address}

    with fake_pulser(real) as pulser:
        async with open_console(pulser.port) as console:
            with pytest.raises(ConsoleError, match=r"--host 0\.0\.0\.0"):
                await pair(console, Daemon(), WANTED)
            assert pulser.methods() == []
            await pair(console, Daemon("192.0.2.1", "192.0.2.2", "10.0.0.1", "10.0.0.2", "127.0.0.1"), WANTED)
        # As many as a pulser takes, the best first.
        assert [host for host, _ in pulser.calls[-1][1]["addresses"]] == [
            "192.0.2.1",
            "192.0.2.2",
            "10.0.0.1",
            "10.0.0.2",
        ]


async def test_what_else_is_on_the_line_is_passed_over() -> None:
    with fake_pulser(good) as pulser:
        pulser.say(b"ets Jul 29 2019 12:21:46\r\nrst:0x1\r\n\xff\xfe\x00\r\n[1]\r\n5\r\n")
        pulser.say(b'{"jsonrpc":"2.0","id":99,"result":{"id":"ff"}}\n')
        async with open_console(pulser.port) as console:
            assert (await console.ready())["id"] == PULSER_ID
            # More than a pty holds: it is written while the console reads.
            noise = asyncio.create_task(
                asyncio.to_thread(pulser.say, b"x" * 9_000 + b"\n" + b"[" * 3_000 + b"\n")
            )
            while not noise.done():
                assert (await console.call("info", within_s=5))["id"] == PULSER_ID
            await noise


async def test_a_pulser_that_still_boots_is_waited_for() -> None:
    asked = 0

    def booting(method: str, params: Mapping[str, Any]) -> dict[str, Any] | bytes:
        nonlocal asked
        asked += 1
        return b"boot: still loading\r\n" if asked < 3 else good(method, params)

    with fake_pulser(booting) as pulser:
        async with open_console(pulser.port) as console:
            assert (await console.ready())["id"] == PULSER_ID


async def test_a_port_where_nobody_answers_is_said_with_what_to_check(tmp_path: Path) -> None:
    with fake_pulser(lambda method, params: None) as pulser:
        async with open_console(pulser.port) as console:
            with pytest.raises(ConsoleError, match="twintap flash"):
                await console.ready(0.5)
    with pytest.raises(ConsoleError, match="cannot be opened"):
        async with open_console(str(tmp_path / "nothing")):
            pass


@pytest.mark.parametrize(
    "info", [{}, {"id": 5}, {"id": "zz"}, {"id": "00"}, {"id": "00" * 7}, {"id": "00" * 9}]
)
async def test_what_is_no_pulser_is_not_paired(info: dict[str, Any]) -> None:
    with fake_pulser(lambda method, params: info) as pulser:
        async with open_console(pulser.port) as console:
            with pytest.raises(ConsoleError, match="not a pulser"):
                await pair(console, Daemon(), WANTED)


async def test_words_from_a_device_reach_no_terminal_raw() -> None:
    def nasty(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if method == "pair":
            raise ValueError("\x1b[2J\x07" + "x" * 1000)
        return good(method, params)

    with fake_pulser(nasty) as pulser:
        async with open_console(pulser.port) as console:
            with pytest.raises(ConsoleRefused) as caught:
                await pair(console, Daemon(), WANTED)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


async def test_waiting_for_the_link_ends() -> None:
    daemon = Daemon()
    assert not await linked(daemon, b"", within_s=0.3)
    daemon.links = True
    assert await linked(daemon, b"", within_s=0.3)
