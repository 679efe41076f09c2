"""A daemon here and boards there, as on two machines: each in a network namespace of its own."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.rig import Daemon, Pair, now_us, wait_for

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0 or shutil.which("ip") is None,
        reason="network namespaces need root on Linux, and iproute2",
    ),
]

# Hears all that is sent to the group on one interface, and prints what names the service.
_LISTEN = """
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("224.0.0.251", 5353))
for address in sys.argv[1:]:
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                 socket.inet_aton("224.0.0.251") + socket.inet_aton(address))
print("listening", flush=True)
while True:
    data, source = s.recvfrom(2048)
    if b"_twintap-pulser" in data:
        print(source[0], flush=True)
"""


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Network:
    """Three namespaces: a daemon's, the boards' and a bystander's; the boards' has a leg in each other."""

    def __init__(self, stack: ExitStack) -> None:
        tag = f"tt{os.getpid() % 100_000}"
        self.daemon, self.boards, self.bystander = (f"{tag}{letter}" for letter in "dbx")
        for name in (self.daemon, self.boards, self.bystander):
            ip("netns", "add", name)
            stack.callback(subprocess.run, ["ip", "netns", "del", name], check=False, capture_output=True)
            ip("-n", name, "link", "set", "lo", "up")
        for name, own, theirs in (
            (self.daemon, "10.77.1.1", "10.77.1.2"),
            (self.bystander, "10.77.2.1", "10.77.2.2"),
        ):
            # The names at both ends are gone with their namespaces.
            ip(
                "link",
                "add",
                f"{name}0",
                "netns",
                name,
                "type",
                "veth",
                "peer",
                "name",
                f"{name}1",
                "netns",
                self.boards,
            )
            for namespace, link, address in ((name, f"{name}0", own), (self.boards, f"{name}1", theirs)):
                ip("-n", namespace, "address", "add", f"{address}/24", "dev", link)
                ip("-n", namespace, "link", "set", link, "up")

    @staticmethod
    def inside(namespace: str) -> tuple[str, ...]:
        """What to put before a command that is to run there."""
        return ("ip", "netns", "exec", namespace)


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with ExitStack() as stack:
        yield Network(stack)


@contextmanager
def listening(network: Network, namespace: str, address: str, heard: Path) -> Iterator[None]:
    """Write down who announces a pulser on the one interface of `namespace`."""
    command = [*network.inside(namespace), sys.executable, "-c", _LISTEN, address]
    with heard.open("wb") as out, subprocess.Popen(command, stdout=out) as process:
        try:
            wait_for("a listener", lambda: "listening" in heard.read_text())
            yield
        finally:
            process.kill()


@pytest.fixture(scope="module")
def far(network: Network, folder: Path) -> Iterator[Pair]:
    """A daemon on the one side, a pair on the other: only its consoles are here, as USB cables are."""
    with (
        listening(network, network.bystander, "10.77.2.1", folder / "bystander"),
        listening(network, network.daemon, "10.77.1.1", folder / "near"),
        Daemon(folder / "d", "--host", "0.0.0.0", prefix=network.inside(network.daemon)) as daemon,
        Pair(daemon, folder, prefix=network.inside(network.boards)) as pair,
    ):
        yield pair


def test_a_pair_in_another_namespace_taps_and_stops(far: Pair) -> None:
    wait_for("ready", lambda: '"ready": true' in far.daemon.done("room", far.room, "--json"))
    since_us = now_us()
    far.watch_host()
    far.daemon.done(
        "set", "start", far.room, "--passes", "6", "--rate-hz", "4", "--ramp-ms", "0", "--pulse-ms", "60"
    )
    wait_for("six passes", lambda: '"state": "ended"' in far.daemon.done("room", far.room, "--json"))
    told = json.loads(far.daemon.done("room", far.room, "--json"))["set"]
    far.assert_exact(since_us, 6, told=told)
    far.daemon.done("set", "start", far.room)
    wait_for("tapping", lambda: far.right.level_pct() > 0)
    far.daemon.done("set", "stop", far.room)
    assert (far.left.level_pct(), far.right.level_pct()) == (0, 0)


def test_a_pulser_is_announced_only_where_its_daemon_is(far: Pair, folder: Path) -> None:
    wait_for("announcements on the daemon's side", lambda: "10.77.1.2" in (folder / "near").read_text(), 25.0)
    assert (folder / "bystander").read_text().split() == ["listening"]
    # At link-up, on a change, every 20 s: a daemon with many addresses makes nobody shout.
    assert (folder / "near").read_text().count("10.77.1.2") < 20
