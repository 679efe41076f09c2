"""Pairing by HTTP: at the daemon's own ports, step by step; and a spare takes a lost pulser's place."""

import asyncio
import contextlib
import os
import secrets
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.daemon.fake_pulser import INFO, PULSER_ID, FakePulser, fake_pulser
from tests.support.hub_house import House, house, until
from tests.support.light_pulser import LightPulser
from twintap import console as console_module
from twintap.api import create_app
from twintap.api.context import Context
from twintap.discovery import Foreign
from twintap.errors import StoreError
from twintap.journal.journal import Journal
from twintap.pairing import exchange, walking
from twintap.sessions.desk import Desk
from twintap.store import Pairing, read_admin_token
from twintap_protocol import frames

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a pty stands for the cable")

PASSWORD = "correct horse"
Json = dict[str, Any]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "_JOIN_POLL_S", 0.05)
    monkeypatch.setattr(walking, "_ANNOUNCED_WITHIN_S", 0.1)
    monkeypatch.setattr(console_module, "_ASK_AGAIN_S", 0.5)


@dataclass
class Clinic:
    """A real hub behind the API, and ports at which pulsers are put."""

    home: House
    foreign: Foreign
    http: httpx.AsyncClient
    transport: httpx.ASGITransport
    context: Context
    others: list[LightPulser] = field(default_factory=list[LightPulser])

    def port(self, name: str) -> str:
        return str(self.home.path / "virtual" / name / "console")

    def link(self, name: str, to: str) -> None:
        """Have a virtual board's console of this name lead to a pty."""
        link = Path(self.port(name))
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(to)

    @contextlib.contextmanager
    def at(self, name: str, board: "Board") -> Generator[FakePulser]:
        board.loop, board.clinic = asyncio.get_running_loop(), self
        with fake_pulser(board) as pulser:
            self.link(name, pulser.port)
            try:
                yield pulser
            finally:
                Path(self.port(name)).unlink()

    async def ask(self, method: str, path: str, body: Json | None = None) -> tuple[int, Any]:
        answer = await self.http.request(method, path, json=body)
        return answer.status_code, answer.json()

    async def begin(self, **body: Any) -> Json:
        status, found = await self.ask("POST", "/pairings", body)
        assert status == 202, found
        return found

    async def over(self, pairing: Json, within_s: float = 20.0) -> Json:
        async with asyncio.timeout(within_s):
            while pairing["state"] == "doing":
                await asyncio.sleep(0.02)
                _, pairing = await self.ask("GET", f"/pairings/{pairing['id']}")
        return pairing

    def kept(self) -> dict[str, Pairing]:
        return {one.pulser_id.hex(): one for one in self.home.store.pairings()}


class Board:
    """A pulser on a cable that, once it has a key, speaks to the daemon as pulsers do."""

    loop: asyncio.AbstractEventLoop
    clinic: Clinic

    def __init__(self, pulser_id: str = PULSER_ID, *, is_mute: bool = False, answers: bool = True) -> None:
        self.pulser_id = pulser_id
        self.is_mute = is_mute
        self.answers = answers
        self.network = "up"
        self.kept = ["home"]
        self.silent: set[str] = set()
        self.thinks_s = 0.0  # before it answers to `pair`

    def __call__(self, method: str, params: Mapping[str, Any]) -> Json | None:
        if method == "pair":
            time.sleep(self.thinks_s)
        if not self.answers or method in self.silent:
            return None
        if method == "scan":
            return {"networks": [{"ssid": "practice", "rssi_dbm": -61, "channel": 1, "is_secure": True}]}
        if method == "wifi":
            self.kept.insert(0, params["ssid"])
        if method == "pair" and not self.is_mute:
            self.loop.call_soon_threadsafe(self._speak, dict(params))
        if method != "info":
            return {}
        address = "127.0.0.1:40000" if self.network == "up" else None
        return dict(INFO) | {
            "id": self.pulser_id, "network": self.network, "networks": list(self.kept), "ssid": self.kept[0],
            "address": address, "hellos": 0, "heard": 0,
        }  # fmt: skip

    def _speak(self, told: Json) -> None:
        pulser = LightPulser(
            bytes.fromhex(self.pulser_id),
            bytes.fromhex(told["daemon_id"]),
            bytes.fromhex(told["key"]),
            ("127.0.0.1", told["addresses"][0][1]),
            frames.SIDE_LEFT if told["side"] == "left" else frames.SIDE_RIGHT,
        )
        self.clinic.others.append(pulser)
        self.clinic.home.pulsers[self.pulser_id, told["side"]] = pulser
        self.starting = asyncio.ensure_future(pulser.start())


@pytest.fixture
async def clinic(tmp_path: Path) -> AsyncGenerator[Clinic]:
    async with contextlib.AsyncExitStack() as stack:
        home = await stack.enter_async_context(house(tmp_path, pair=False))
        journal = await asyncio.to_thread(Journal.open, home.store.path, daemon_id=home.store.daemon_id)
        stack.push_async_callback(journal.close)
        desk = Desk(home.hub, journal, home.store.path)
        stack.push_async_callback(desk.close)
        await desk.open()
        foreign = Foreign()
        app = create_app(
            home.hub,
            home.store,
            journal,
            desk,
            host="127.0.0.1",
            names=frozenset({"localhost"}),
            foreign=foreign,
        )
        context: Context = app.state.context
        stack.push_async_callback(context.pairings.close)
        token = await asyncio.to_thread(read_admin_token, home.store.path)
        transport = httpx.ASGITransport(app)
        http = httpx.AsyncClient(
            transport=transport,
            base_url=f"http://127.0.0.1:{home.hub.port}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
        )
        await stack.enter_async_context(http)
        yield Clinic(home, foreign, http, transport, context)


async def test_a_pulser_at_a_port_is_paired_and_linked_as_the_daemon_sees_it(clinic: Clinic) -> None:
    with clinic.at("spare", Board()) as pulser:
        clinic.foreign.put_own(PULSER_ID)
        begun = await clinic.begin(
            port=clinic.port("spare"),
            room="blue",
            side="left",
            ceiling_pct=45,
            wifi={"ssid": "practice", "password": PASSWORD},
        )
        # Whoever did not begin it finds it too.
        status, listed = await clinic.ask("GET", "/pairings")
        assert (status, [one["id"] for one in listed]) == (200, [begun["id"]])
        assert [step["name"] for step in begun["steps"]] == [
            "port", "pulser", "networks", "join", "daemon", "key", "link",
        ]  # fmt: skip
        found = await clinic.over(begun)
        assert (found["state"], found["pulser"], found["fault"]) == ("done", PULSER_ID, None)
        assert found["hints"] == []
        assert {step["state"] for step in found["steps"]} == {"done"}
        assert [view.link for view in clinic.home.hub.pulsers()] == ["linked"]
        kept = clinic.kept()[PULSER_ID]
        assert (kept.room, kept.side, kept.ceiling_pct) == ("blue", "left", 45)
        assert pulser.methods() == ["wifi", "pair"]
    for secret in (PASSWORD, kept.key.hex()):
        assert secret not in str(begun) + str(listed) + str(found)
        assert secret not in repr(clinic.context.pairings.find(found["id"]))


async def test_a_look_tells_who_is_at_a_port_and_what_it_sees(clinic: Clinic) -> None:
    with clinic.at("spare", Board()) as pulser:
        status, ports = await clinic.ask("GET", "/ports")
        assert status == 200
        mine = next(one for one in ports if one["port"] == clinic.port("spare"))
        assert (mine["kind"], mine["likely"], mine["problem"]) == ("virtual", True, None)
        status, found = await clinic.ask("POST", "/ports/scan", {"port": clinic.port("spare")})
        assert (status, found["id"], found["paired"], found["room"]) == (200, PULSER_ID, "nobody", None)
        assert found["networks"] == ["home"]
        assert found["seen"] == [{"ssid": "practice", "rssi_dbm": -61, "channel": 1, "secure": True}]
        assert pulser.methods() == ["scan"]


@pytest.mark.parametrize("path", ["/ports/scan", "/pairings"])
async def test_only_what_this_computer_lists_is_opened(clinic: Clinic, path: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("nobody's business")
    for port in (str(secret), "/etc/passwd", "/dev/tty", "\x00", clinic.port("none")):
        body = {"port": port} | ({} if path == "/ports/scan" else {"room": "blue", "side": "left"})
        status, found = await clinic.ask("POST", path, body)
        assert (status, found["error"]["code"], found["error"]["field"]) == (404, "unknown", "port")
    assert secret.read_text() == "nobody's business"


async def test_one_pairing_a_port_by_whatever_name_and_it_can_be_broken_off(clinic: Clinic) -> None:
    board = Board()
    board.network = "connecting"
    with clinic.at("spare", board) as pulser:
        clinic.link("same", clinic.port("spare"))
        begun = await clinic.begin(port=clinic.port("spare"), room="blue", side="left")
        for port in ("spare", "same"):
            body = {"port": clinic.port(port), "room": "blue", "side": "right"}
            status, found = await clinic.ask("POST", "/pairings", body)
            assert (status, found["error"]["code"]) == (409, "busy")
            status, found = await clinic.ask("POST", "/ports/scan", {"port": clinic.port(port)})
            assert (status, found["error"]["code"]) == (409, "busy")
        await until(lambda: "info" in [method for method, _ in pulser.calls], "it is asked")
        status, ended = await clinic.ask("DELETE", f"/pairings/{begun['id']}")
        assert (status, ended["state"], ended["fault"]) == (200, "cancelled", None)
        # A second time it is over already, and says the same.
        assert (await clinic.ask("DELETE", f"/pairings/{begun['id']}"))[1] == ended
        assert clinic.kept() == {}
        assert pulser.methods() == []
        # The port is free again.
        board.network = "up"
        done = await clinic.over(await clinic.begin(port=clinic.port("same"), room="blue", side="left"))
        assert done["state"] == "done"


async def test_no_more_than_four_are_under_way_and_the_newest_four_are_kept(clinic: Clinic) -> None:
    with contextlib.ExitStack() as stack:
        for number in range(5):
            stack.enter_context(clinic.at(f"s{number}", Board(answers=False)))
        begun = [
            await clinic.begin(port=clinic.port(f"s{number}"), room="blue", side="left")
            for number in range(4)
        ]
        body = {"port": clinic.port("s4"), "room": "blue", "side": "left"}
        status, found = await clinic.ask("POST", "/pairings", body)
        assert (status, found["error"]["code"]) == (409, "full")
        await clinic.ask("DELETE", f"/pairings/{begun[1]['id']}")
        fifth = await clinic.begin(**body)
        assert (await clinic.ask("GET", f"/pairings/{begun[1]['id']}"))[0] == 404
        assert (await clinic.ask("GET", f"/pairings/{begun[0]['id']}"))[1]["state"] == "doing"
        # The daemon's own end breaks them all off.
        await clinic.context.pairings.close()
        assert (await clinic.ask("GET", f"/pairings/{fifth['id']}"))[1]["state"] == "cancelled"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "room"),
        ({"room": "blue"}, "side"),
        ({"room": "b/ue", "side": "left"}, "room"),
        ({"room": "blue", "side": "left", "ceiling_pct": 101}, "ceiling_pct"),
        ({"room": "blue", "side": "left", "wifi": {"ssid": "ü" * 17}}, "ssid"),
        ({"room": "blue", "side": "left", "wifi": {"ssid": "practice", "password": "hunter2"}}, "password"),
        ({"room": "blue", "side": "left", "wifi": {"ssid": "practice", "key": "x"}}, "wifi"),
        ({"room": "blue", "side": "left", "replace": "x"}, "replace"),
    ],
)
async def test_what_is_wrong_with_a_wish_is_said_by_its_field_before_any_port_is_opened(
    clinic: Clinic, body: Json, field: str
) -> None:
    with clinic.at("spare", Board()) as pulser:
        status, found = await clinic.ask("POST", "/pairings", {"port": clinic.port("spare")} | body)
        assert (status, found["error"]["field"]) == (422, field)
        assert "hunter2" not in str(found)
        assert pulser.calls == []


async def test_a_secret_is_taken_over_loopback_or_sealed_alone(clinic: Clinic) -> None:
    clinic.transport.client = ("192.0.2.9", 40_000)
    with clinic.at("spare", Board()) as pulser:
        body = {"port": clinic.port("spare"), "room": "blue", "side": "left"}
        status, found = await clinic.ask("POST", "/pairings", body | {"wifi": {"ssid": "practice"}})
        assert (status, found["error"]["code"]) == (409, "plain")
        replacing = {"pulser_id": "00" * 8, "key": "00" * 16}
        status, found = await clinic.ask("POST", f"/pulsers/{'11' * 8}/replace", replacing)
        assert (status, found["error"]["code"]) == (409, "plain")
        assert pulser.calls == []
        # Without a secret in it, the wish may come from anywhere on the network.
        await clinic.ask("DELETE", f"/pairings/{(await clinic.begin(**body))['id']}")


# -- a spare in the place of a lost one --------------------------------------------------------------------


async def lost_one(clinic: Clinic, room: str = "blue") -> Pairing:
    pairing = Pairing(secrets.token_bytes(8), secrets.token_bytes(16), room, "right", f"{room} right", 35.0)
    await clinic.home.hub.add_pulser(pairing)
    return pairing


async def test_a_spare_takes_a_lost_one_s_place_in_one_step(clinic: Clinic) -> None:
    lost = await lost_one(clinic)
    with clinic.at("spare", Board()):
        begun = await clinic.begin(port=clinic.port("spare"), replace=lost.pulser_id.hex())
        assert (begun["room"], begun["side"]) == ("blue", "right")
        found = await clinic.over(begun)
    assert (found["state"], found["pulser"]) == ("done", PULSER_ID), found
    (kept,) = clinic.kept().values()
    assert (kept.pulser_id.hex(), kept.room, kept.side, kept.name, kept.ceiling_pct) == (
        PULSER_ID,
        "blue",
        "right",
        "blue right",
        35.0,
    )
    (view,) = clinic.home.hub.pulsers()
    assert (view.id, view.link) == (PULSER_ID, "linked")
    room = clinic.home.hub.room("blue")
    assert room.right is not None
    assert room.right.id == PULSER_ID


async def test_a_spare_from_another_room_leaves_its_place_there(clinic: Clinic) -> None:
    lost = await lost_one(clinic)
    await clinic.home.hub.add_pulser(
        Pairing(bytes.fromhex(PULSER_ID), secrets.token_bytes(16), "red", "left", "red left", 60.0)
    )
    with clinic.at("spare", Board()):
        found = await clinic.over(await clinic.begin(port=clinic.port("spare"), replace=lost.pulser_id.hex()))
    assert found["state"] == "done", found
    assert list(clinic.kept()) == [PULSER_ID]
    assert clinic.home.hub.room("red").left is None


@pytest.mark.parametrize("what", ["the cable", "the link", "the disk"])
async def test_whatever_fails_the_old_one_has_its_place_still(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(console_module, "_ANSWER_WITHIN_S", 0.5)
    monkeypatch.setattr(exchange, "_LINK_WITHIN_S", 0.3)
    lost = await lost_one(clinic)
    board = Board(is_mute=True)
    if what == "the cable":
        board.silent.add("pair")

    def full(*_: object) -> None:
        raise StoreError("the disk is full")

    if what == "the disk":
        monkeypatch.setattr(clinic.home.store, "_write_pairings", full)
    with clinic.at("spare", board) as pulser:
        found = await clinic.over(await clinic.begin(port=clinic.port("spare"), replace=lost.pulser_id.hex()))
    step = {"the cable": "key", "the link": "link", "the disk": "daemon"}[what]
    assert (found["state"], found["fault"]["step"]) == ("failed", step), found
    assert clinic.kept() == {lost.pulser_id.hex(): lost}
    (view,) = clinic.home.hub.pulsers()
    assert view.id == lost.pulser_id.hex()
    assert ("unpair" in pulser.methods()) == (what == "the link")


async def test_a_spare_of_ours_that_is_not_heard_has_the_place_that_it_had(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "_LINK_WITHIN_S", 0.3)
    lost = await lost_one(clinic)
    own = Pairing(bytes.fromhex(PULSER_ID), secrets.token_bytes(16), "red", "left", "red left", 45.0)
    await clinic.home.hub.add_pulser(own)
    with clinic.at("spare", Board(is_mute=True)) as pulser:
        found = await clinic.over(await clinic.begin(port=clinic.port("spare"), replace=lost.pulser_id.hex()))
        told = [params for method, params in pulser.calls if method == "pair"][-1]
    assert (found["state"], found["fault"]["step"]) == ("failed", "link"), found
    kept = clinic.kept()
    assert kept[lost.pulser_id.hex()] == lost
    has = kept[PULSER_ID]
    assert (has.room, has.side, has.name, has.ceiling_pct) == ("red", "left", "red left", 45)
    # Its old key went when it was given the lost one's place: both ends have the newest.
    assert (told["room"], told["side"], told["key"]) == ("red", "left", has.key.hex())
    assert "unpair" not in pulser.methods()


@pytest.mark.parametrize("when", ["the key is handed over", "it is waited for"])
async def test_a_replacement_that_is_broken_off_before_the_spare_is_heard_is_none(
    clinic: Clinic, when: str
) -> None:
    lost = await lost_one(clinic)
    board = Board(is_mute=True)
    board.thinks_s = 0.3
    with clinic.at("spare", board) as pulser:
        begun = await clinic.begin(port=clinic.port("spare"), replace=lost.pulser_id.hex())
        steps = clinic.context.pairings.find(begun["id"]).steps
        if when == "the key is handed over":
            await until(lambda: "pair" in pulser.methods(), "the pulser has it, and has not said so yet")
            assert steps.now == "key"
        else:
            await until(lambda: steps.now == "link", "it is waited for")
        # Whoever is impatient says it more than once.
        ended = await asyncio.gather(
            *(clinic.ask("DELETE", f"/pairings/{begun['id']}") for _ in range(3)),
        )
        assert {found["state"] for _, found in ended} == {"cancelled"}
        assert clinic.kept() == {lost.pulser_id.hex(): lost}
        assert [method for method in pulser.methods() if method in ("pair", "unpair")] == ["pair", "unpair"]
    assert [view.id for view in clinic.home.hub.pulsers()] == [lost.pulser_id.hex()]


async def test_a_password_is_kept_no_longer_than_its_pairing_takes(clinic: Clinic) -> None:
    wifi = {"ssid": "practice", "password": PASSWORD}
    with clinic.at("spare", Board(answers=False)):
        begun = await clinic.begin(port=clinic.port("spare"), room="blue", side="left", wifi=wifi)
        run = clinic.context.pairings.find(begun["id"])
        assert run.wanted.wifi is not None
        await clinic.ask("DELETE", f"/pairings/{begun['id']}")
        assert run.wanted.wifi is None


async def test_another_program_s_replacement_can_be_taken_back_as_it_was(clinic: Clinic) -> None:
    lost = await lost_one(clinic)
    status, places = await clinic.ask("GET", "/places")
    place = {"room": "blue", "side": "right", "name": "blue right", "ceiling_pct": 35}
    assert (status, places) == (200, [place | {"pulser": lost.pulser_id.hex()}])
    body = {"pulser_id": PULSER_ID, "key": "00" * 16, "ceiling_pct": 35}
    status, found = await clinic.ask("POST", f"/pulsers/{lost.pulser_id.hex()}/replace", body)
    assert (status, found["pulser"]["id"], found["pulser"]["name"]) == (201, PULSER_ID, "blue right")
    assert list(clinic.kept()) == [PULSER_ID]
    assert (await clinic.http.post(f"/pulsers/{PULSER_ID}/undo")).status_code == 204
    assert clinic.kept() == {lost.pulser_id.hex(): lost}
    assert (await clinic.http.post(f"/pulsers/{PULSER_ID}/undo")).status_code == 404
    assert (await clinic.ask("POST", f"/pulsers/{PULSER_ID}/replace", body))[0] == 404


async def test_nothing_is_replaced_while_its_room_taps(clinic: Clinic) -> None:
    left, _ = await clinic.home.add("blue", "left"), await clinic.home.add("blue", "right")
    await clinic.home.start(rate_hz=1)
    body = {"pulser_id": PULSER_ID, "key": "00" * 16}
    status, found = await clinic.ask("POST", f"/pulsers/{left.pulser_id.hex()}/replace", body)
    if status == 201:
        # This machine stood still for so long that the daemon had to end the set before it was asked.
        assert clinic.home.set.ended_reason == "clock", found
        return
    assert (status, found["error"]["code"]) == (409, "running")
    assert left.pulser_id.hex() in clinic.kept()


async def test_what_is_heard_of_a_pulser_is_told(clinic: Clinic) -> None:
    left = await clinic.home.add("blue", "left")
    clinic.foreign.put_own(left.pulser_id.hex())

    def is_linked() -> bool:
        return [view.link for view in clinic.home.hub.pulsers()] == ["linked"]

    await until(is_linked, "it is linked")
    road = f"/pulsers/{left.pulser_id.hex()}/road"
    assert await clinic.ask("GET", road) == (200, {"linked": True, "announced": True})
    clinic.foreign.drop(left.pulser_id.hex())
    assert await clinic.ask("GET", road) == (200, {"linked": True, "announced": False})
    assert await clinic.ask("GET", f"/pulsers/{PULSER_ID}/road") == (
        200,
        {"linked": False, "announced": False},
    )
