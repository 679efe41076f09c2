"""What the doctor reads out of what systems print, and what it sees of this one."""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.fake_pulser import INFO, fake_pulser
from twintap import console as console_module
from twintap.access.authority import Authority
from twintap.doctor import look_firewall, look_machine, look_network, look_ports
from twintap.doctor.facts import Firewall, Multicast
from twintap.doctor.look_daemon import is_in_use, outside, seen
from twintap.links.endpoint import Endpoint
from twintap.store import Store

posix = pytest.mark.skipif(os.name != "posix", reason="modes and groups are POSIX's")


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# -- the disk and the clock ----------------------------------------------------------------------------------


def test_looking_at_a_data_folder_leaves_nothing_in_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    found = look_machine.disk(tmp_path)
    assert (found.exists, found.fault, found.others) == (True, None, None)
    assert found.free_bytes is not None
    assert list(tmp_path.iterdir()) == []
    assert not look_machine.disk(tmp_path / "none").exists
    assert not (tmp_path / "none").exists()


@posix
def test_a_folder_that_others_can_reach_is_said_with_the_command_that_mends_it(tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    folder.mkdir(mode=0o755)
    assert (look_machine.disk(folder).others or "").endswith(f"chmod 700 '{folder}'")


def test_a_folder_that_cannot_be_written_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("")
    assert look_machine.disk(file).fault == "it is no folder"

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(look_machine.os, "fsync", full)
    assert look_machine.disk(tmp_path).fault == "No space left on device"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_wall_clock_that_was_set_is_seen_against_the_one_that_counts(tmp_path: Path) -> None:
    began = look_machine.Moment(100.0, 50.0)
    assert began.jumped_ms(look_machine.Moment(103.0, 53.0)) == pytest.approx(0)
    assert began.jumped_ms(look_machine.Moment(102.5, 53.0)) == pytest.approx(-500)
    (tmp_path / "journal.sqlite").write_text("")
    os.utime(tmp_path / "journal.sqlite", (4e9, 4e9))
    assert look_machine.clock(tmp_path, began).newest_s == 4e9


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("Timezone=UTC\nNTPSynchronized=yes\nNTP=yes\n", True),
        ("NTP=no\nNTPSynchronized=no\n", False),
        ("", None),
        (None, None),
        ("NTPSynchronized\n=\n\x00", None),
    ],
)
def test_what_timedatectl_prints_is_read(printed: str | None, expected: bool | None) -> None:
    assert look_machine.synchronised_in(printed) is expected


# -- firewalls -----------------------------------------------------------------------------------------------


def test_what_ufw_has_in_its_settings_is_read() -> None:
    assert look_firewall.ufw_is_on("# ENABLED=no\nENABLED=yes\nLOGLEVEL=low\n")
    assert not look_firewall.ufw_is_on("ENABLED=no\n")
    assert not look_firewall.ufw_is_on("")


@pytest.mark.parametrize(
    ("state", "blocked", "program", "expected"),
    [
        (None, None, None, None),
        ("Firewall is disabled. (State = 0)", None, None, Firewall("macos", False, None)),
        (
            "Firewall is enabled. (State = 1)",
            "Firewall has block all state set to disabled.",
            "Incoming connection to the application is permitted",
            Firewall("macos", True, True),
        ),
        (
            "Firewall is enabled. (State = 1)",
            "Block all DISABLED!",
            "The application is not part of the firewall",
            Firewall("macos", True, None),
        ),
        ("Firewall is enabled. (State = 1)", None, "is blocked", Firewall("macos", True, False)),
        (
            "Firewall is blocking all non-essential incoming connections. (State = 2)",
            None,
            "permitted",
            Firewall("macos", True, False),
        ),
    ],
)
def test_what_macos_says_of_its_firewall_is_read(
    state: str | None, blocked: str | None, program: str | None, expected: Firewall | None
) -> None:
    assert look_firewall.macos_firewall(state, blocked, program) == expected


PYTHON = r"C:\Users\a b\python.exe"
ALLOW = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=17|LPort=8700|LPort=5353|Name=twintap|"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], None),
        (["", "v2.31|", "=|=|"], None),
        ([ALLOW], True),
        ([ALLOW.replace("TRUE", "FALSE")], None),
        ([ALLOW.replace("Dir=In", "Dir=Out")], None),
        ([ALLOW.replace("8700", "8701")], None),
        ([ALLOW.replace("Protocol=17", "Protocol=6")], None),
        ([ALLOW, ALLOW.replace("Allow", "Block")], False),
        ([rf"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=17|App={PYTHON.upper()}|"], True),
        ([r"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=17|App=C:\other.exe|"], None),
        ([rf"v2.31|Action=Block|Active=TRUE|Dir=In|App={PYTHON}|"], False),
        # What is allowed to a service of the system is allowed to nobody else.
        ([r"v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=17|Svc=dnscache|"], None),
    ],
)
def test_the_rules_of_windows_are_read(rules: list[str], expected: bool | None) -> None:
    assert look_firewall.windows_lets_in(rules, 8700, PYTHON) is expected


# -- mDNS ----------------------------------------------------------------------------------------------------


def test_a_question_by_mdns_is_one_that_dns_can_read() -> None:
    from zeroconf import DNSIncoming

    read = DNSIncoming(look_network.question(b"doctor-00ff"))
    assert read.valid
    assert [one.name for one in read.questions] == [
        "doctor-00ff._twintap._udp.local.",
        "_services._dns-sd._udp.local.",
    ]
    assert all(one.type == 12 and one.class_ == 1 for one in read.questions)


def test_on_loopback_alone_the_own_question_is_heard_again_and_nobody_waits() -> None:
    found = look_network.multicast([("lo", "127.0.0.1")])
    assert found == [Multicast("lo", "127.0.0.1", True, None, True, 0)]


def test_an_address_that_has_gone_is_a_fault_and_not_an_error() -> None:
    (found,) = look_network.multicast([("gone0", "192.0.2.254")])
    assert found.fault
    assert not found.came_back


# -- the pulsers' port ---------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def endpoint() -> AsyncGenerator[tuple[Endpoint, int]]:
    def never(_: object) -> None:
        raise AssertionError("a stranger's hello has linked something")

    made = Endpoint(b"\1" * 8, lambda: 0, ended_set=lambda: 0, on_linked=never, on_report=never)
    port = await made.open("127.0.0.1", 0)
    try:
        yield made, port
    finally:
        made.close()


async def test_the_daemon_s_own_answer_by_udp_is_seen() -> None:
    async with endpoint() as (_, port):
        door = await asyncio.to_thread(look_network.udp, port, ["127.0.0.1"], [])
    assert (door.is_held, door.answers, door.silent) == (True, ("127.0.0.1",), ())


async def test_another_program_on_the_port_is_no_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look_network, "_UDP_ANSWER_S", 0.1)

    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport: Any = transport

        def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
            self.transport.sendto(data, addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
    try:
        port = transport.get_extra_info("sockname")[1]
        door = await asyncio.to_thread(look_network.udp, port, ["127.0.0.1"], [])
        assert (door.answers, door.silent) == ((), ("127.0.0.1",))
        # And without a daemon, the port is seen to be taken.
        assert (await asyncio.to_thread(look_network.udp, port, [], [])).is_held
    finally:
        transport.close()
    assert not (await asyncio.to_thread(look_network.udp, free_udp_port(), [], [])).is_held


# -- the page ------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def page(answer: bytes, context: ssl.SSLContext | None = None) -> AsyncGenerator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"


async def test_a_page_that_comes_is_seen_and_one_that_does_not_says_why(tmp_path: Path) -> None:
    async with page(OK) as port:
        (found,) = await asyncio.to_thread(look_network.pages, ["127.0.0.1"], port, tls=False, data=tmp_path)
        assert (found.url, found.fault, found.certificate_days) == (f"http://127.0.0.1:{port}", None, None)
    (found,) = await asyncio.to_thread(look_network.pages, ["127.0.0.1"], port, tls=False, data=tmp_path)
    assert found.fault == "refused"
    async with page(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n") as port:
        (found,) = await asyncio.to_thread(look_network.pages, ["127.0.0.1"], port, tls=False, data=tmp_path)
        assert (found.fault, found.words) == ("other", "it answers 500")


async def test_the_certificate_is_proved_with_the_data_folder_s_own_authority(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Loopback is served in the clear; here it stands for an address of the network.
    monkeypatch.setattr(look_network, "base_url", lambda host, port, tls: f"https://{host}:{port}")
    names = frozenset({"127.0.0.1"})
    (tmp_path / "own").mkdir(mode=0o700)
    leaf = (await asyncio.to_thread(Authority.open, tmp_path / "own", names)).leaf(names)
    async with page(OK, leaf.context) as port:
        for folder, fault in (("own", None), ("other", "certificate")):
            (found,) = await asyncio.to_thread(
                look_network.pages, ["127.0.0.1"], port, tls=True, data=tmp_path / folder
            )
            assert found.fault == fault
            if fault is None:
                assert found.certificate_days is not None
                assert found.certificate_days > 30


# -- the daemon ----------------------------------------------------------------------------------------------


def test_a_data_folder_in_use_is_seen_and_stays_usable(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    assert not is_in_use(folder)
    store = Store.open(folder)
    try:
        assert is_in_use(folder)
    finally:
        store.close()
    assert not is_in_use(folder)
    Store.open(folder).close()


def test_only_linked_pulsers_of_other_machines_prove_that_the_door_is_open() -> None:
    pulsers = [
        {"address": "192.0.2.9:40000", "link": "linked"},
        {"address": "192.0.2.10:40000", "link": "seeking"},
        {"address": "127.0.0.1:40000", "link": "linked"},
        {"address": "192.0.2.7:40000", "link": "linked"},
        {"address": None, "link": "linked"},
    ]
    assert outside(pulsers, ["192.0.2.7", "127.0.0.1"]) == ("192.0.2.9",)


def test_an_older_daemon_s_pulser_can_be_read_and_a_newer_one_s() -> None:
    old = {"name": "a", "room": "b", "side": "left", "link": "linked", "firmware": None}
    assert seen(old).power == "awake"
    new = old | {"firmware_is_old": True, "power": "asleep", "battery": "low", "rssi_dbm": -70}
    found = seen(new)
    assert (found.is_old, found.power, found.battery, found.rssi_dbm) == (True, "asleep", "low", -70)


# -- serial ports --------------------------------------------------------------------------------------------


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_module, "_ANSWER_WITHIN_S", 0.3)
    monkeypatch.setattr(console_module, "_ASK_AGAIN_S", 0.3)
    monkeypatch.setattr(look_ports, "_ANSWER_WITHIN_S", 1.0)


HOSTILE: dict[str, Any] = {
    "firmware": ["0.1.0"],
    "board": "\x1b[31mred\n",
    "safe_mode": "yes",
    "crashes": True,
    "rssi_dbm": 10**40,
    "linked": 1,
    "ssid": "x" * 5_000,
    "daemon_id": {},
    "network": None,
}


def test_what_a_pulser_says_of_itself_is_hostile_until_it_is_read() -> None:
    traced = "Traceback (most recent call last):\n  File x\r\nMemoryError: \x1b[2J\n"
    assert look_ports.read_info("p", {"last_error": traced}, None).last_error == "MemoryError: \ufffd[2J"
    assert look_ports.read_info("p", {"last_error": ["x"]}, None).last_error is None
    found = look_ports.read_info("p", HOSTILE, None)
    assert (found.firmware, found.is_safe_mode, found.crashes, found.rssi_dbm) == (None, False, None, None)
    assert (found.is_linked, found.daemon_id, found.network) == (None, None, None)
    assert found.board is not None
    assert found.board.isprintable()
    assert found.ssid is not None
    assert len(found.ssid) < 100


@posix
@pytest.mark.usefixtures("_impatient")
async def test_a_pulser_at_a_port_tells_of_itself() -> None:
    with fake_pulser(lambda method, _: INFO | {"firmware": "0.1.0", "safe_mode": True}) as pulser:
        found = await look_ports.console(pulser.port, None)
        assert (found.fault, found.firmware, found.is_safe_mode) == (None, "0.1.0", True)
        assert {method for method, _ in pulser.calls} == {"info"}


@posix
@pytest.mark.usefixtures("_impatient")
async def test_silence_at_a_port_is_a_fault_in_words() -> None:
    with fake_pulser(lambda _method, _params: None) as pulser:
        assert pulser.port in ((await look_ports.console(pulser.port, None)).fault or "")
    assert "cannot be opened" in ((await look_ports.console("/dev/there-is-none", None)).fault or "")


@posix
def test_a_port_that_was_asked_for_is_listed_though_the_system_lists_it_not(tmp_path: Path) -> None:
    link = tmp_path / "console"
    with fake_pulser(lambda _method, _params: None) as pulser:
        link.symlink_to(pulser.port)
        found = {one.port: one for one in look_ports.serial_ports(tmp_path, str(link))}
        assert found[str(link)].problem is None
    gone = str(tmp_path / "no")
    assert gone not in {one.port for one in look_ports.serial_ports(tmp_path, gone)}
