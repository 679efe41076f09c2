"""The room's networks: who joins which, what passes, and what a scan hears."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.board.rig import Rig, wait_for
from twintap_board import networks, wire
from twintap_board.errors import BoardError

Maker = Callable[..., Rig]


def room_of(*texts: str) -> networks.Room:
    room = networks.Room()
    room.put([networks.network_of(text) for text in texts])
    return room


def test_a_room_without_networks_lets_everything_pass() -> None:
    room = networks.Room()
    assert (room.is_bare, room.gives_address, room.passes(True)) == (True, True, True)
    assert room.join(b"any", b"thing") == networks.UP
    assert room.scan() == []


@pytest.mark.parametrize(
    ("trouble", "state", "gives_address", "passes", "passes_multicast", "heard"),
    [
        ("", networks.UP, True, True, True, True),
        ("5ghz", networks.NOT_FOUND, False, False, False, False),
        ("isolated", networks.UP, True, False, False, True),
        ("nodhcp", networks.NO_ADDRESS, False, False, False, True),
        ("nomulticast", networks.UP, True, True, False, True),
        ("full", networks.REFUSED, False, False, False, True),
    ],
)
def test_each_trouble_is_what_its_table_says(
    trouble: str, state: int, gives_address: bool, passes: bool, passes_multicast: bool, heard: bool
) -> None:
    room = room_of(f"net:word:{trouble}", "other:x")
    assert not room.passes(False)
    assert room.join(b"net", b"word") == state
    assert (room.gives_address, room.passes(False), room.passes(True)) == (
        gives_address,
        passes,
        passes_multicast,
    )
    assert (b"net" in [one.ssid for one, _, _ in room.scan()]) == heard
    if heard and trouble != "full":
        assert room.join(b"net", b"wrong") == networks.WRONG_PASSWORD
        assert not room.passes(False)


def test_an_access_point_that_is_switched_off_is_lost_and_found_again() -> None:
    room = room_of("net:word")
    room.join(b"net", b"word")
    assert room.rssi_dbm() < 0
    assert room.switch(b"net", False)
    assert (room.joined, room.rssi_dbm(), room.scan()) == (None, 0, [])
    assert room.join(b"net", b"word") == networks.NOT_FOUND
    assert not room.switch(b"net", True)
    assert room.join(b"net", b"word") == networks.UP
    assert room.join(b"", b"") == networks.NO_NETWORK_SET
    with pytest.raises(BoardError, match="no network of that name"):
        room.switch(b"elsewhere", True)


@pytest.mark.parametrize("text", ["", ":word", "x" * 33 + ":word", "net:" + "w" * 65, "net:word:foggy"])
def test_what_is_no_network_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(BoardError) as caught:
        networks.network_of(text)
    assert "word" not in str(caught.value).replace("PASSWORD", "")


def test_on_the_air_nothing_passes_before_a_network_is_joined(board: Maker) -> None:
    rig = board("--wifi", "net:word", "--wifi", "guest::isolated", "--wifi", "far:x:5ghz").up()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as world:
        world.bind(("127.0.0.1", 0))
        world.settimeout(10)
        port = world.getsockname()[1]
        rig.say(f"send 127.0.0.1 {port} early")
        rig.write("join net wrong")
        rig.expect("network 4 0 \n")
        rig.expect("address 0.0.0.0 0\n")
        rig.write("join guest")
        rig.expect("network 3 51 guest\n")
        rig.say(f"send 127.0.0.1 {port} apart")
        rig.write("join net word")
        rig.expect("network 3 45 net\n")
        rig.expect("address 127.0.0.1 ")
        rig.say(f"send 127.0.0.1 {port} late")
        assert world.recv(100) == b"late"
    assert rig.hands("info")["radio"]["counts"]["out_kept_apart"] == 2
    assert rig.hands("state")["network"] == "net"
    rig.write("scan")
    heard = bytes.fromhex(rig.expect("heard ") and rig.expect("\n").strip())
    assert b"net" in heard
    assert b"guest" in heard
    assert b"far" not in heard
    rig.hands("network", ssid="net", on=False)
    rig.expect("network 5 0 \n")
    rig.expect("address 0.0.0.0 0\n")
    rig.hands("reset")
    rig.up()
    assert rig.hands("state")["network"] is None


def test_a_password_stands_in_no_process_s_arguments_but_its_launcher_s(board: Maker) -> None:
    rig = board("--wifi", "net:open-sesame").up()
    pids = rig.hands("info")["pids"]
    for name in ("vm", "keeper", "radio"):
        for part in ("cmdline", "environ"):
            assert b"open-sesame" not in Path(f"/proc/{pids[name]}/{part}").read_bytes(), name


def test_while_the_radio_saves_what_comes_waits_for_a_beacon(board: Maker) -> None:
    rig = board().up()
    address = tuple(rig.hands("info")["radio"]["address"])
    rig.say("save 1")
    wait_for("the radio to save", lambda: rig.hands("state")["saving"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as world:
        for number in range(3):
            beacon_ns = -(-time.monotonic_ns() // wire.BEACON_NS) * wire.BEACON_NS
            world.sendto(b"number%d" % number, address)
            rig.expect(f"number{number}\n")
            assert time.monotonic_ns() >= beacon_ns
    rig.say("save 0")
    wait_for("the radio to listen", lambda: not rig.hands("state")["saving"])


def test_a_board_that_sleeps_is_woken_by_its_button(board: Maker) -> None:
    rig = board().up()
    rig.say("light 255")
    wait_for("the light", lambda: rig.hands("state")["light"] == "#0000ff")
    rig.say("line 5000")
    rig.write("sleep")
    wait_for("sleep", lambda: rig.hands("state")["asleep"])
    asleep = rig.hands("state")
    assert (asleep["light"], asleep["level_bp"]) == ("#000000", 0)
    wait_for("the line's end", lambda: rig.levels() == [50, 0])
    time.sleep(0.3)
    assert rig.hands("state")["boots"] == 1
    rig.hands("charge", on=True)
    assert rig.hands("state")["asleep"]
    rig.hands("press", ms=50)
    wait_for("another boot", lambda: rig.hands("state")["boots"] == 2)
    rig.up()
    awake = rig.hands("state")
    assert (awake["asleep"], awake["reset_cause"], awake["charging"]) == (False, "wake", True)
    rig.write("sleep")
    wait_for("sleep", lambda: rig.hands("state")["asleep"])
    rig.hands("reset")
    rig.up()
    assert rig.hands("state")["reset_cause"] == "power"
