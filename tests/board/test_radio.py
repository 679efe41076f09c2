"""The radio carries datagrams both ways, in order, only where a pulser's would go."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.board.rig import Rig, wait_for

Maker = Callable[..., Rig]


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(10)
        yield sock


def port(sock: socket.socket) -> int:
    return sock.getsockname()[1]


def outside(rig: Rig) -> tuple[str, int]:
    host, number = rig.hands("info")["radio"]["address"]
    return host, number


def numbers_until_silence(peer: socket.socket) -> list[int]:
    got: list[int] = []
    peer.settimeout(1)
    while True:
        try:
            got.append(int(peer.recv(100).split()[1]))
        except TimeoutError:
            return got


def greeted(rig: Rig, peer: socket.socket) -> tuple[str, int]:
    """Have the board send one datagram to the peer; give where it came from."""
    rig.say(f"send 127.0.0.1 {port(peer)} hello")
    payload, source = peer.recvfrom(2000)
    assert payload == b"hello"
    return source


def counts(rig: Rig) -> dict[str, int]:
    return rig.hands("info")["radio"]["counts"]


def test_a_datagram_each_way(board: Maker, peer: socket.socket) -> None:
    rig = board("--air", "quiet", "--seed", "1").up()
    source = greeted(rig, peer)
    assert source == outside(rig)
    peer.sendto(b"good-day", source)
    rig.expect(f"heard 127.0.0.1 {port(peer)} good-day\n")


@pytest.mark.parametrize("air", ["none", "busy"])
def test_order_is_kept_each_way(board: Maker, peer: socket.socket, air: str) -> None:
    rig = board("--air", air, "--seed", "3").up()
    source = greeted(rig, peer)
    for number in range(200):
        peer.sendto(b"echo %d" % number, source)
    got = numbers_until_silence(peer)
    assert got == sorted(got)
    assert len(set(got)) == len(got)
    seen = counts(rig)
    assert len(got) == 200 - seen.get("in_lost", 0) - seen.get("out_lost", 0)
    assert (len(got) == 200) == (air == "none")


def test_no_datagram_is_released_early(board: Maker, peer: socket.socket) -> None:
    rig = board("--air", "quiet", "--seed", "5").up()
    source = greeted(rig, peer)
    for number in range(50):
        peer.sendto(b"echo %d" % number, source)
    wait_for("the echoes", lambda: counts(rig).get("out", 0) >= 40)
    late_us = rig.hands("info")["radio"]["late_us"]
    assert 0 <= late_us["p50"] <= late_us["p99"] <= late_us["max"]


def test_a_cut_drops_both_ways_until_it_is_mended(board: Maker, peer: socket.socket) -> None:
    rig = board().up()
    source = greeted(rig, peer)
    rig.hands("cut", on=True)
    rig.say(f"send 127.0.0.1 {port(peer)} lost")
    peer.sendto(b"lost", source)
    wait_for("both drops", lambda: counts(rig).get("out_cut", 0) == 1 and counts(rig).get("in_cut", 0) == 1)
    rig.hands("cut", on=False)
    assert greeted(rig, peer) == source


def test_wifi_down_drops_both_ways_until_it_is_up(board: Maker, peer: socket.socket) -> None:
    rig = board().up()
    source = greeted(rig, peer)
    rig.say("link 0")
    rig.say(f"send 127.0.0.1 {port(peer)} lost")
    peer.sendto(b"lost", source)
    wait_for("both drops", lambda: counts(rig).get("out_cut", 0) == 1 and counts(rig).get("in_cut", 0) == 1)
    rig.say("link 1")
    assert greeted(rig, peer) == source


def test_the_air_can_turn_bad(board: Maker, peer: socket.socket) -> None:
    rig = board("--air", "none", "--seed", "1").up()
    source = greeted(rig, peer)
    rig.hands("air", model="bad")
    for number in range(300):
        peer.sendto(b"quiet", source)
        if number % 10 == 0:
            # A burst would fill the sockets of this machine, which is not the loss meant here.
            time.sleep(0.005)
    wait_for("their fate", lambda: counts(rig).get("in", 0) + counts(rig).get("in_lost", 0) >= 300)
    assert counts(rig)["in_lost"] > 3


def test_a_new_address_is_told_to_the_vm_and_the_old_one_is_dead(board: Maker, peer: socket.socket) -> None:
    rig = board().up()
    old = greeted(rig, peer)
    rig.hands("readdress")
    new = outside(rig)
    rig.expect(f"address {new[0]} {new[1]}\n")
    assert new[1] != old[1]
    assert greeted(rig, peer) == new
    peer.sendto(b"to-nobody", old)
    peer.sendto(b"to-the-board", new)
    assert "to-nobody" not in rig.expect("to-the-board\n")
    # The lead said again does not undo the move; it would on no real network.
    rig.say("lead 127.0.0.1")
    assert outside(rig) == new


def test_a_reboot_keeps_the_address_and_hears_the_new_vm(board: Maker, peer: socket.socket) -> None:
    rig = board().up()
    source = greeted(rig, peer)
    rig.hands("reset")
    wait_for("another boot", lambda: rig.hands("info")["boots"] == 2)
    rig.up()
    assert greeted(rig, peer) == source


def test_what_no_pulser_could_send_is_dropped(board: Maker, peer: socket.socket) -> None:
    rig = board().up()
    rig.say("send 0.0.0.0 1234 x")
    rig.say("send 127.0.0.1 0 x")
    rig.say("send 255.255.255.255 9999 x")
    rig.say("send 224.0.0.1 5353 x")
    wait_for("the count", lambda: counts(rig).get("out_bad", 0) == 4)
    source = greeted(rig, peer)
    peer.sendto(bytes(1401), source)
    wait_for("the count", lambda: counts(rig).get("in_bad", 0) == 1)


def test_a_flood_is_bounded_and_the_board_goes_on(board: Maker, peer: socket.socket) -> None:
    rig = board("--air", "bad", "--seed", "2").up()
    rig.say(f"send 127.0.0.1 {port(peer)} hello")
    source = outside(rig)
    for _ in range(5000):
        peer.sendto(b"quiet", source)
    rig.say("echo still-here")
    seen = counts(rig)
    assert sum(seen.values()) <= 5001
    assert seen.get("in_lost", 0) > 0


def test_multicast_on_loopback_is_seen_there(board: Maker) -> None:
    rig = board().up()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("224.0.0.251", 5353))
        group = socket.inet_aton("224.0.0.251") + socket.inet_aton("127.0.0.1")
        listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
        listener.settimeout(10)
        word = os.urandom(6).hex()
        rig.say(f"send 224.0.0.251 5353 {word}")
        while True:
            # Other boards and daemons of this machine speak here too.
            payload, source = listener.recvfrom(9000)
            if payload == word.encode():
                break
        assert source == outside(rig)


# -- separate network namespaces --------------------------------------------------------------------------


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


LISTENER = """
import socket, struct, sys
own, other = socket.socket(2, 2), socket.socket(2, 2)
other.setsockopt(1, 2, 1)
other.bind(("224.0.0.251", 5353))
other.setsockopt(0, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.0.0.251") + socket.inet_aton(sys.argv[1]))
own.bind((sys.argv[1], 7000))
import select
print("listening", flush=True)
while True:
    for sock in select.select([own, other], [], [])[0]:
        payload, source = sock.recvfrom(2000)
        print("multicast" if sock is other else "unicast", payload.decode(), *source, flush=True)
        if sock is own:
            own.sendto(b"answer-to-" + payload, source)
"""


@pytest.fixture
def networks() -> Iterator[tuple[str, dict[str, "subprocess.Popen[str]"]]]:
    """Give a namespace on two networks (the board is .1 of each: 10.77.1, 10.77.2), and a listener at .2."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("network namespaces need Linux and root")
    tag = f"tt{os.getpid()}"
    with ExitStack() as stack:

        def space(name: str) -> str:
            _ip("netns", "add", name)
            stack.callback(_ip, "netns", "del", name)
            _ip("-n", name, "link", "set", "lo", "up")
            return name

        home = space(f"{tag}b")
        listeners: dict[str, subprocess.Popen[str]] = {}
        for number in ("1", "2"):
            away = space(f"{tag}n{number}")
            _ip("-n", home, "link", "add", f"v{number}", "type", "veth", "peer", "name", "v", "netns", away)
            for where, link, host in ((home, f"v{number}", "1"), (away, "v", "2")):
                _ip("-n", where, "addr", "add", f"10.77.{number}.{host}/24", "dev", link)
                _ip("-n", where, "link", "set", link, "up")
            command = ["ip", "netns", "exec", away, sys.executable, "-c", LISTENER, f"10.77.{number}.2"]
            listener = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            stack.callback(listener.kill)
            listeners[number] = listener
            assert listener.stdout is not None
            assert listener.stdout.readline() == "listening\n"
        yield home, listeners


def line_from(listener: "subprocess.Popen[str]") -> list[str]:
    assert listener.stdout is not None
    return listener.stdout.readline().split()


@pytest.mark.netns
def test_daemon_and_board_in_separate_namespaces(
    board: Maker, networks: tuple[str, dict[str, "subprocess.Popen[str]"]]
) -> None:
    home, listeners = networks
    rig = board(prefix=("ip", "netns", "exec", home)).up()
    rig.write("lead 10.77.1.2")
    rig.expect("address 10.77.1.1 ")
    rig.say("send 10.77.1.2 7000 hello")
    way, payload, host, own_port = line_from(listeners["1"])
    assert (way, payload, host) == ("unicast", "hello", "10.77.1.1")
    rig.expect("heard 10.77.1.2 7000 answer-to-hello\n")
    # A daemon on another network: another address, the same port, as on a pulser.
    rig.write("lead 10.77.2.2")
    rig.expect(f"address 10.77.2.1 {own_port}\n")
    rig.say("send 10.77.2.2 7000 hello")
    assert line_from(listeners["2"]) == ["unicast", "hello", "10.77.2.1", own_port]
    rig.expect("heard 10.77.2.2 7000 answer-to-hello\n")


@pytest.mark.netns
def test_multicast_leaves_only_by_the_interface_that_leads_to_the_daemon(
    board: Maker, networks: tuple[str, dict[str, "subprocess.Popen[str]"]]
) -> None:
    home, listeners = networks
    rig = board(prefix=("ip", "netns", "exec", home)).up()
    for lead, number in (("10.77.1.2", "1"), ("10.77.2.2", "2")):
        rig.say(f"lead {lead}")
        rig.say(f"send 224.0.0.251 5353 for-{number}")
        assert line_from(listeners[number])[:2] == ["multicast", f"for-{number}"]
    # What each network hears next is the unicast that follows: nothing meant for the other came between.
    for lead, number in (("10.77.1.2", "1"), ("10.77.2.2", "2")):
        rig.say(f"lead {lead}")
        rig.say(f"send {lead} 7000 end")
        assert line_from(listeners[number])[:2] == ["unicast", "end"]


@pytest.mark.netns
def test_a_daemon_that_no_road_leads_to_is_told_as_no_address(
    board: Maker, networks: tuple[str, dict[str, "subprocess.Popen[str]"]]
) -> None:
    home, listeners = networks
    rig = board(prefix=("ip", "netns", "exec", home)).up()
    rig.write("lead 192.0.2.77")
    rig.expect("address 0.0.0.0 0\n")
    rig.say("send 10.77.1.2 7000 lost")
    wait_for("the count", lambda: counts(rig).get("out_failed", 0) == 1)
    rig.write("lead 10.77.1.2")
    rig.expect("address 10.77.1.1 ")
    rig.say("send 10.77.1.2 7000 hello")
    assert line_from(listeners["1"])[:2] == ["unicast", "hello"]
