"""The whole way of a pairing: each step is told, one that fails says so, and nothing is left half done."""

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.fake_pulser import INFO, PULSER_ID, FakePulser, fake_pulser
from twintap import console as console_module
from twintap.errors import Fault, Refused
from twintap.pairing import PairingFailed, Place, Road, Seen, Step, Steps, Wanted, Where, Wifi, exchange
from twintap.pairing import walking as walk_module
from twintap.pairing.walking import Done, walk
from twintap.store import Pairing

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a pty stands for the cable")

WANTED = Wanted("room-1", "left", 45)
LOST = b"\x01" * 8
PRACTICE = Wifi("practice", "correct horse")


class Daemon:
    """A registrar that keeps what it is given, and hears of a pulser what a test says."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses or ("192.0.2.1",)
        self.kept: dict[bytes, Pairing] = {}
        self.undone: list[bytes] = []
        self.refuse: Fault | None = None
        self.hears = Road(is_linked=True, is_announced=True)
        self.held: dict[bytes, Place] = {}
        self.replaced: bytes | None = None

    async def where(self) -> Where:
        return Where("0102030405060708", tuple((host, 8700) for host in self.addresses))

    async def add(self, pairing: Pairing, replace: bytes | None = None) -> str:
        if self.refuse is not None:
            raise Refused(self.refuse)
        self.kept[pairing.pulser_id] = pairing
        self.replaced = replace
        return "#0072b2"

    async def undo(self, pulser_id: bytes) -> None:
        self.undone.append(pulser_id)
        del self.kept[pulser_id]

    async def is_linked(self, pulser_id: bytes) -> bool:
        return self.hears.is_linked

    async def road(self, pulser_id: bytes) -> Road:
        return self.hears

    async def places(self) -> Mapping[bytes, Place]:
        return self.held


class Board:
    """What a pulser of the newest firmware answers; a test makes of it what it needs."""

    def __init__(self, *, networks: tuple[str, ...] = (), state: str | None = None) -> None:
        self.networks = list(networks)
        self.ssid = networks[0] if networks else None
        self.state = state or ("up" if networks else "no network set")
        self.air: dict[str, str] = {"practice": "up"}  # what comes of joining each
        self.scans = 0
        self.more: dict[str, Any] = {}
        self.refuses: dict[str, str] = {}
        self.silent: set[str] = set()

    def __call__(self, method: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
        if method in self.refuses:
            raise ValueError(self.refuses[method])
        if method in self.silent:
            return None
        if method == "wifi":
            self.networks = [params["ssid"], *(one for one in self.networks if one != params["ssid"])][:3]
            self._join(params["ssid"])
        elif method == "wifi_forget":
            self.networks.remove(params["ssid"])
        elif method == "scan":
            self.scans += 1
            return {
                "networks": [
                    {"ssid": "practice", "rssi_dbm": -50, "channel": 6, "is_secure": True},
                    {"ssid": 3},
                ]
            }
        return self.info() if method == "info" else {}

    def _join(self, ssid: str) -> None:
        self.state = self.air.get(ssid, "not found")
        self.ssid = ssid if self.state == "up" else None

    def info(self) -> dict[str, Any]:
        return dict(INFO) | {
            "board": "a board",
            "firmware": "0.2.0",
            "protocol": "1.1",
            "network": self.state,
            "networks": list(self.networks),
            "ssid": self.ssid,
            "rssi_dbm": -50,
            "address": "192.0.2.77:40000" if self.state == "up" else None,
            "hellos": 4,
            "heard": 0,
        } | self.more  # fmt: skip


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_module, "_ANSWER_WITHIN_S", 1.0)
    monkeypatch.setattr(console_module, "_BOOT_WITHIN_S", 5.0)
    monkeypatch.setattr(console_module, "_ASK_AGAIN_S", 0.5)
    monkeypatch.setattr(walk_module, "_JOIN_WITHIN_S", 5.0)
    monkeypatch.setattr(walk_module, "_SURE_AFTER_S", 0.1)
    monkeypatch.setattr(walk_module, "_JOIN_POLL_S", 0.05)
    monkeypatch.setattr(walk_module, "_ANNOUNCED_WITHIN_S", 0.1)
    monkeypatch.setattr(exchange, "_LINK_WITHIN_S", 0.3)


async def paired(
    board: Callable[[str, dict[str, Any]], Any],
    daemon: Daemon,
    wanted: Wanted = WANTED,
    **more: Any,
) -> tuple[Done, FakePulser, Steps]:
    steps = Steps()
    with fake_pulser(board) as pulser:
        done = await walk(pulser.port, daemon, wanted, steps, **more)
    return done, pulser, steps


async def failed(
    board: Callable[[str, dict[str, Any]], Any], daemon: Daemon, wanted: Wanted = WANTED, **more: Any
) -> tuple[PairingFailed, FakePulser, Steps]:
    steps = Steps()
    with fake_pulser(board) as pulser, pytest.raises(PairingFailed) as caught:
        await walk(pulser.port, daemon, wanted, steps, **more)
    return caught.value, pulser, steps


def states(steps: Steps) -> dict[str, str]:
    return {step.name: step.state for step in steps.all()}


async def test_every_step_is_told_in_its_order_and_the_last_is_the_proof() -> None:
    heard: list[Step] = []
    board = Board()
    with fake_pulser(board) as pulser:
        steps = Steps(heard.append)
        wanted = Wanted("room-1", "left", 45, wifi=PRACTICE)
        done = await walk(pulser.port, Daemon(), wanted, steps)
    ended = [step.name for step in heard if step.state == "done"]
    assert ended == ["port", "pulser", "networks", "join", "daemon", "key", "link"]
    assert set(states(steps).values()) == {"done"}
    assert (done.pulser_id.hex(), done.hints) == (PULSER_ID, ())
    assert pulser.methods() == ["wifi", "pair"]
    words = " ".join(step.words for step in heard)
    for word in ("twintap-eeff00", "firmware 0.2.0", "practice", "192.0.2.77", "room-1"):
        assert word in words
    # Neither the password nor the key is in what is told.
    key = next(params["key"] for method, params in pulser.calls if method == "pair")
    assert "correct horse" not in words
    assert key not in words


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("wrong password", "password"),
        ("not found", "turned_away"),  # it is seen, and cannot be joined
        ("no address", "address"),
        ("refused", "turned_away"),
    ],
)
async def test_a_network_that_is_not_joined_costs_nothing_and_is_not_kept(what: str, code: str) -> None:
    board, daemon = Board(networks=("home",)), Daemon()
    board.air["practice"] = what
    wanted = Wanted("room-1", "left", wifi=PRACTICE)
    fault, pulser, steps = await failed(board, daemon, wanted)
    assert (fault.step, fault.code) == ("join", code)
    assert states(steps)["join"] == "failed"
    assert states(steps)["key"] == "waiting"
    assert "pair" not in pulser.methods()
    assert board.networks == ["home"]
    assert daemon.kept == {}
    assert "correct horse" not in str(fault)


async def test_another_network_that_is_joined_in_its_place_is_not_the_one_that_was_asked_for() -> None:
    board = Board(networks=("home",))

    def falls_back(method: str, params: Mapping[str, Any]) -> Any:
        answer = board(method, params)
        if method == "wifi":
            board.ssid, board.state = "home", "up"
        return answer

    fault, _, _ = await failed(falls_back, Daemon(), Wanted("room-1", "left", wifi=PRACTICE))
    assert (fault.step, fault.code) == ("join", "fell_back")
    assert board.networks == ["home"]


async def test_a_pulser_without_a_network_says_which_it_sees() -> None:
    fault, pulser, _ = await failed(Board(), Daemon())
    assert (fault.step, fault.code) == ("networks", "no_network")
    assert "it sees practice" in fault.words
    assert pulser.methods() == ["scan"]


async def test_a_person_chooses_a_network_and_may_try_again() -> None:
    board, asked = Board(), list[tuple[tuple[Seen, ...] | None, str]]()
    board.air["praxis"] = "wrong password"

    async def ask(seen: tuple[Seen, ...] | None, why: str) -> Wifi | None:
        asked.append((seen, why))
        return Wifi("praxis", "wrong horse") if len(asked) == 1 else PRACTICE

    done, pulser, _ = await paired(board, Daemon(), ask=ask)
    assert done.pulser_id.hex() == PULSER_ID
    assert board.networks == ["practice"]
    assert pulser.methods() == ["scan", "wifi", "wifi_forget", "scan", "wifi", "pair"]
    assert [one.ssid for one in asked[0][0] or ()] == ["practice"]
    assert asked[0][1] == ""
    assert "type it again" in asked[1][1]


async def test_a_person_who_gives_up_ends_it() -> None:
    async def ask(_seen: tuple[Seen, ...] | None, _why: str) -> Wifi | None:
        return None

    fault, _, _ = await failed(Board(), Daemon(), ask=ask)
    assert fault.code == "no_network"
    board = Board(networks=("home",), state="not found")
    fault, _, _ = await failed(board, Daemon(), ask=ask)
    assert (fault.step, fault.code) == ("join", "not_found")


async def test_firmware_that_cannot_look_for_networks_is_paired_all_the_same() -> None:
    board = Board(networks=("home",))
    board.refuses["scan"] = "there is info, wifi, pair, identify, unpair and reset"
    _, pulser, _ = await paired(board, Daemon(), looks=True)
    assert pulser.methods() == ["scan", "pair"]


@pytest.mark.parametrize(
    ("more", "step", "code", "word"),
    [
        ({"safe_mode": True}, "pulser", "safe_mode", "twintap flash"),
        ({"protocol": "2.0"}, "pulser", "version", "version 2"),
        ({"set_id": 5}, "pulser", "running", "stop it first"),
        ({"id": "nonsense"}, "pulser", "console", "not a pulser"),
    ],
)
async def test_a_pulser_that_cannot_be_paired_now_is_left_alone(
    more: dict[str, Any], step: str, code: str, word: str
) -> None:
    board, daemon = Board(networks=("home",)), Daemon()
    board.more = more
    fault, pulser, _ = await failed(board, daemon, Wanted("room-1", "left", wifi=PRACTICE))
    assert (fault.step, fault.code) == (step, code)
    assert word in fault.words
    assert pulser.methods() == []
    assert daemon.kept == {}


async def test_a_place_that_is_taken_is_said_before_the_network_is_touched() -> None:
    daemon = Daemon()
    daemon.held[LOST] = Place("room-1", "left", "the old one", 60)
    fault, pulser, steps = await failed(Board(), daemon, Wanted("room-1", "left", wifi=PRACTICE))
    assert (fault.step, fault.code) == ("daemon", "taken")
    assert "the old one" in fault.words
    assert LOST.hex() in fault.words
    assert pulser.methods() == []
    assert states(steps)["join"] == "waiting"


async def test_a_place_that_is_taken_meanwhile_leaves_the_pulser_as_it_was() -> None:
    daemon = Daemon()
    daemon.refuse = Fault("taken", "room-1 has a left pulser", side="left")
    fault, pulser, _ = await failed(Board(networks=("home",)), daemon)
    assert (fault.step, fault.code) == ("daemon", "taken")
    assert pulser.methods() == []


async def test_a_daemon_that_no_pulser_reaches_is_said() -> None:
    fault, pulser, _ = await failed(Board(networks=("home",)), Daemon("127.0.0.1"))
    assert fault.step == "daemon"
    assert "--host 0.0.0.0" in fault.words
    assert pulser.methods() == []


async def test_a_key_that_the_pulser_refuses_or_may_have_leaves_the_daemon_as_it_was() -> None:
    for board, word in ((Board(networks=("home",)), "flash"), (Board(networks=("home",)), "again")):
        if word == "flash":
            board.refuses["pair"] = "the flash refuses to be written"
        else:
            board.silent.add("pair")
        daemon = Daemon()
        fault, _, steps = await failed(board, daemon)
        assert fault.step == "key"
        assert word in fault.words
        assert daemon.kept == {}
        assert states(steps)["daemon"] == "done"


async def test_a_pulser_that_does_not_link_says_why_and_stays_paired() -> None:
    daemon = Daemon()
    daemon.hears = Road(is_linked=False, is_announced=False)
    board = Board(networks=("home",))

    def calling(method: str, params: Mapping[str, Any]) -> Any:
        answer = board(method, params)
        if method == "pair":
            board.more = {"hellos": 9}
        return answer

    fault, _, _ = await failed(calling, daemon, own=("192.0.2.1/24",))
    assert (fault.step, fault.code) == ("link", "isolation")
    assert "UDP port 8700" in fault.words
    assert "links by itself" in fault.words
    assert list(daemon.kept) == [bytes.fromhex(PULSER_ID)]


async def test_what_is_amiss_with_a_linked_pulser_is_a_hint() -> None:
    daemon = Daemon()
    daemon.hears = Road(is_linked=True, is_announced=False)
    done, _, _ = await paired(Board(networks=("home",)), daemon)
    assert [hint.code for hint in done.hints] == ["multicast"]


async def test_a_spare_takes_the_place_the_name_and_the_ceiling_of_a_lost_one() -> None:
    daemon = Daemon()
    daemon.held[LOST] = Place("blue", "right", "blue right", 35)
    wanted = Wanted("", "left", 90, replace=LOST)
    done, pulser, _ = await paired(Board(networks=("home",)), daemon, wanted)
    kept = daemon.kept[done.pulser_id]
    assert (kept.room, kept.side, kept.name, kept.ceiling_pct) == ("blue", "right", "blue right", 35)
    assert daemon.replaced == LOST
    told = pulser.calls[-2][1] if pulser.calls[-1][0] == "info" else pulser.calls[-1][1]
    assert (told["room"], told["side"], told["ceiling_pct"]) == ("blue", "right", 35)


async def test_a_spare_whose_board_gives_less_has_its_board_s_ceiling() -> None:
    daemon, board = Daemon(), Board(networks=("home",))
    daemon.held[LOST] = Place("blue", "right", "blue right", 80)
    board.more = {"absolute_cap_pct": 50}
    done, _, _ = await paired(board, daemon, Wanted("", "left", replace=LOST))
    assert daemon.kept[done.pulser_id].ceiling_pct == 50


async def test_a_spare_that_is_not_heard_gives_the_place_back() -> None:
    daemon = Daemon()
    daemon.hears = Road(is_linked=False, is_announced=True)
    daemon.held[LOST] = Place("blue", "right", "blue right", 35)
    board = Board(networks=("home",))

    def calling(method: str, params: Mapping[str, Any]) -> Any:
        answer = board(method, params)
        if method == "pair":
            board.more = {"hellos": 9}
        return answer

    fault, pulser, _ = await failed(calling, daemon, Wanted("", "left", replace=LOST))
    assert (fault.step, fault.code) == ("link", "firewall")
    assert "its place back" in fault.words
    assert daemon.undone == [bytes.fromhex(PULSER_ID)]
    assert pulser.methods()[-1] == "unpair"


async def test_a_spare_whose_cable_goes_before_it_is_heard_gives_the_place_back() -> None:
    daemon, board = Daemon(), Board(networks=("home",))
    daemon.hears = Road(is_linked=False, is_announced=True)
    daemon.held[LOST] = Place("blue", "right", "blue right", 35)

    def going(method: str, params: Mapping[str, Any]) -> Any:
        if method == "pair":
            board.silent |= {"info", "unpair"}
        return board(method, params)

    fault, _, _ = await failed(going, daemon, Wanted("", "left", replace=LOST))
    assert (fault.step, fault.code) == ("link", "console")
    assert "its place back" in fault.words
    assert daemon.undone == [bytes.fromhex(PULSER_ID)]


async def test_a_pulser_that_replaces_itself_is_paired_anew_where_it_is() -> None:
    daemon = Daemon()
    daemon.held[bytes.fromhex(PULSER_ID)] = Place("blue", "right", "blue right", 35)
    wanted = Wanted("", "left", replace=bytes.fromhex(PULSER_ID))
    done, _, _ = await paired(Board(networks=("home",)), daemon, wanted)
    assert (done.wanted.room, done.wanted.side, daemon.replaced) == ("blue", "right", None)


async def test_a_stranger_cannot_be_replaced() -> None:
    fault, pulser, _ = await failed(Board(), Daemon(), Wanted("", "left", replace=LOST))
    assert (fault.step, fault.code) == ("daemon", "unknown")
    assert pulser.methods() == []


async def test_a_port_that_is_not_there_is_the_first_step_s_failure(tmp_path: Path) -> None:
    steps = Steps()
    with pytest.raises(PairingFailed, match="is the cable in") as caught:
        await walk(str(tmp_path / "none"), Daemon(), WANTED, steps)
    assert caught.value.step == "port"
    assert states(steps)["port"] == "failed"


async def test_broken_off_while_it_joins_it_stops_at_once_and_frees_the_port() -> None:
    board = Board(networks=("home",), state="connecting")
    steps = Steps()
    with fake_pulser(board) as pulser:
        going = asyncio.create_task(walk(pulser.port, Daemon(), WANTED, steps))
        async with asyncio.timeout(10):
            while states(steps)["join"] != "doing":  # noqa: ASYNC110 - nothing is told by an event here
                await asyncio.sleep(0.01)
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going
        assert states(steps)["join"] == "failed"
        board.state = "up"
        # The port's lock is free: the next one has it.
        done = await walk(pulser.port, Daemon(), WANTED, Steps())
    assert done.pulser_id.hex() == PULSER_ID


async def test_broken_off_while_the_key_is_handed_over_both_have_it_or_neither() -> None:
    for answers in (True, False):
        board, daemon, steps = Board(networks=("home",)), Daemon(), Steps()
        if not answers:
            board.silent.add("pair")
        begun = asyncio.Event()
        add = daemon.add

        async def slow_add(
            pairing: Pairing, replace: bytes | None = None, add: Any = add, begun: asyncio.Event = begun
        ) -> str:
            begun.set()
            await asyncio.sleep(0.05)
            return await add(pairing, replace)

        daemon.add = slow_add
        with fake_pulser(board) as pulser:
            going = asyncio.create_task(walk(pulser.port, daemon, WANTED, steps))
            async with asyncio.timeout(10):
                await begun.wait()
            going.cancel()
            # Nor does it help to say it again.
            async with asyncio.timeout(10):
                while "pair" not in pulser.methods():  # noqa: ASYNC110 - nothing is told by an event here
                    await asyncio.sleep(0.01)
            going.cancel()
            with pytest.raises(asyncio.CancelledError):
                await going
            told = [params["key"] for method, params in pulser.calls if method == "pair"]
        kept = [pairing.key.hex() for pairing in daemon.kept.values()]
        assert kept == (told if answers else [])


@pytest.mark.parametrize(
    "noise", [b"\xff\x00\xfe\r\n", b"x" * 20_000 + b"\n", b'{"jsonrpc":"2.0","id":3}\n', b'{"half": ']
)
async def test_garbage_on_the_line_hinders_no_pairing(noise: bytes) -> None:
    board = Board(networks=("home",))
    with fake_pulser(board) as pulser:
        telling = asyncio.create_task(asyncio.to_thread(pulser.say, noise + b"\r\n"))
        done = await walk(pulser.port, Daemon(), WANTED, Steps())
        await telling
    assert done.pulser_id.hex() == PULSER_ID
