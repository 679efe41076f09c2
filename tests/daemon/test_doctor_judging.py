"""What the doctor says of which facts, by table: nothing here asks a system."""

from dataclasses import replace

import pytest

from twintap.doctor import judge_machine, judge_network, judge_pulsers
from twintap.doctor.facts import (
    Clock,
    Console,
    Daemon,
    Disk,
    Firewall,
    Multicast,
    Page,
    PulserSeen,
    Service,
    Software,
    Udp,
)
from twintap.doctor.lines import Line, bad, fine, hint, worst
from twintap.ports import Port, permission_words

NOW_S = 1_800_000_000.0  # in January 2027
GB = 10**9


def said(lines: list[Line], *expected: tuple[str, str, str]) -> None:
    """Each line has this code and state, and words or a todo that hold this; and there are no others."""
    assert [(line.code, line.state) for line in lines] == [(code, state) for code, state, _ in expected]
    for line, (_, state, words) in zip(lines, expected, strict=True):
        assert words in f"{line.words} {line.todo}", line
        # Whatever is not fine says what to do; what is fine asks for nothing.
        assert (line.todo is None) == (state == "fine"), line


def test_the_worst_line_is_the_state_of_all() -> None:
    assert worst([]) == "fine"
    assert worst([fine("a", "x"), hint("b", "x", "y")]) == "hint"
    assert worst([bad("a", "x", "y"), hint("b", "x", "y"), fine("c", "x")]) == "bad"


def test_an_old_python_is_bad() -> None:
    software = Software("0.1.0", (3, 11, 0), "/usr/bin/python3", "Linux 6")
    said(judge_machine.software(software), ("python", "fine", "/usr/bin/python3"))
    said(judge_machine.software(replace(software, python=(3, 10, 9))), ("python", "bad", "3.11"))


@pytest.mark.parametrize(
    ("disk", "expected"),
    [
        (Disk("/d", True, None, None, 5 * GB), [("disk", "fine", "5.0 GB"), ("disk_private", "fine", "")]),
        (Disk("/d", True, None, None, None), [("disk", "fine", "/d"), ("disk_private", "fine", "")]),
        (
            Disk("/d", True, None, None, 500_000_000),
            [("disk", "hint", "500 MB"), ("disk_private", "fine", "")],
        ),
        (
            Disk("/d", True, None, None, 99_999_999),
            [("disk", "bad", "no session can be recorded"), ("disk_private", "fine", "")],
        ),
        (
            Disk("/d", True, "Read-only file system", None, 5 * GB),
            [("disk", "bad", "Read-only file system"), ("disk_private", "fine", "")],
        ),
        (
            Disk("/d", True, None, "others can reach /d; run: chmod 700 /d", 5 * GB),
            [("disk", "fine", ""), ("disk_private", "bad", "run: chmod 700 /d")],
        ),
        # What could not be looked at is not said to be fine.
        (Disk("/d", True, "it is no folder", None, None), [("disk", "bad", "it is no folder")]),
        (Disk("/d", False, None, None, None), [("disk", "hint", "twintap serve")]),
    ],
)
def test_the_data_folder_is_judged(disk: Disk, expected: list[tuple[str, str, str]]) -> None:
    said(judge_machine.disk(disk), *expected)


CLOCK = Clock(NOW_S, NOW_S - 60, 0.3, True, "linux")


@pytest.mark.parametrize(
    ("clock", "state", "words"),
    [
        (CLOCK, "fine", "2027-01-15 08:00 UTC, and is kept right"),
        (replace(CLOCK, is_synchronised=None), "fine", "2027"),
        (replace(CLOCK, is_synchronised=False), "hint", "timedatectl set-ntp true"),
        (replace(CLOCK, is_synchronised=False, system="windows"), "hint", "Settings"),
        (replace(CLOCK, jumped_ms=-80.0), "hint", "-80 ms"),
        (replace(CLOCK, newest_s=None), "fine", ""),
        (replace(CLOCK, newest_s=NOW_S + 60), "fine", ""),
        (replace(CLOCK, newest_s=NOW_S + 3 * 86_400), "bad", "3 days before"),
        (replace(CLOCK, newest_s=NOW_S + 600), "bad", "10 min before"),
        (replace(CLOCK, now_s=0.0, newest_s=None), "bad", "1970"),
        (replace(CLOCK, now_s=1e12), "bad", "set it"),
        (replace(CLOCK, now_s=5e9), "bad", "2128"),
    ],
)
def test_the_clock_is_judged(clock: Clock, state: str, words: str) -> None:
    said(judge_machine.clock(clock), ("clock", state, words))


def test_a_service_whose_python_has_gone_is_bad() -> None:
    said(judge_machine.service(Service(False)), ("service", "fine", "by hand"))
    said(judge_machine.service(Service(True)), ("service", "fine", "with this computer"))
    said(judge_machine.service(Service(True, ("/v/bin/python",))), ("service", "bad", "/v/bin/python"))


UP = Daemon(
    "http://127.0.0.1:8700",
    None,
    True,
    "0.2.0",
    version="0.2.0",
    host="0.0.0.0",
    port=8700,
    addresses=("192.0.2.7", "127.0.0.1"),
    is_tls=True,
)


@pytest.mark.parametrize(
    ("daemon", "expected"),
    [
        (UP, [("daemon", "fine", "0.2.0")]),
        (replace(UP, version="0.1.0"), [("daemon", "hint", "start it again")]),
        (
            replace(UP, host="127.0.0.1", is_tls=False),
            [("daemon", "fine", ""), ("daemon_host", "hint", "--host 0.0.0.0")],
        ),
        (replace(UP, is_tls=False), [("daemon", "fine", ""), ("daemon_tls", "bad", "--no-tls")]),
        (
            Daemon("http://x", "no daemon answers at http://x", False, "0.2.0"),
            [("daemon", "hint", "install-service")],
        ),
        (Daemon("http://x", "no daemon answers", True, "0.2.0"), [("daemon", "bad", "TWINTAP_URL")]),
    ],
)
def test_the_daemon_is_judged(daemon: Daemon, expected: list[tuple[str, str, str]]) -> None:
    said(judge_network.daemon(daemon), *expected)


WIFI = Multicast("wlan0", "192.0.2.7", False, None, True, 2)
LOOPBACK = Multicast("lo", "127.0.0.1", True, None, True, 0)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], [("multicast", "hint", "join")]),
        ([WIFI, LOOPBACK], [("multicast", "fine", "2 others")]),
        ([replace(WIFI, others=0), LOOPBACK], [("multicast", "fine", "nobody else has spoken")]),
        ([replace(WIFI, came_back=False)], [("multicast", "fine", "others are heard")]),
        ([replace(WIFI, came_back=False, others=0)], [("multicast", "hint", "5353")]),
        ([replace(WIFI, came_back=False, fault="No route")], [("multicast", "hint", "twintap address")]),
        ([LOOPBACK], [("multicast", "fine", "lo"), ("multicast", "hint", "on no network")]),
        # A loopback that carries no multicast keeps nobody who has a network from working.
        ([WIFI, replace(LOOPBACK, came_back=False, fault="No device")], [("multicast", "fine", "wlan0")]),
    ],
)
def test_multicast_is_judged(found: list[Multicast], expected: list[tuple[str, str, str]]) -> None:
    said(judge_network.multicast(found), *expected)


def test_macos_is_told_where_it_forbids_the_local_network() -> None:
    found = replace(WIFI, came_back=False, fault="No route to host")
    said(judge_network.multicast([found], system="macos"), ("multicast", "hint", "Local Network"))


def test_a_daemon_on_loopback_alone_is_not_told_to_join_a_network() -> None:
    said(judge_network.multicast([LOOPBACK], is_all=False), ("multicast", "fine", "lo"))


@pytest.mark.parametrize(
    ("found", "seen_from", "expected"),
    [
        ([], [], [("firewall", "fine", "no firewall")]),
        ([Firewall("ufw", False, None)], [], [("firewall", "fine", "no firewall")]),
        ([Firewall("ufw", True, None)], [], [("firewall", "hint", "sudo ufw allow 8800/udp")]),
        ([Firewall("ufw", True, None)], ["192.0.2.9"], [("firewall", "fine", "192.0.2.9")]),
        ([Firewall("firewalld", True, False)], [], [("firewall", "bad", "--add-port=8800/udp")]),
        ([Firewall("firewalld", True, True)], [], [("firewall", "fine", "lets the pulsers in")]),
        ([Firewall("firewalld", False, None)], [], [("firewall", "fine", "no firewall")]),
        ([Firewall("nftables", None, None)], [], [("firewall", "hint", "udp dport '{ 8800, 5353 }' accept")]),
        ([Firewall("macos", True, False)], [], [("firewall", "bad", '--unblockapp "/a b/python"')]),
        ([Firewall("windows", True, None)], [], [("firewall", "hint", "localport=8800,5353")]),
        (
            [Firewall("ufw", True, None), Firewall("firewalld", True, True)],
            [],
            [("firewall", "hint", "ufw"), ("firewall", "fine", "firewalld")],
        ),
    ],
)
def test_firewalls_are_judged(
    found: list[Firewall], seen_from: list[str], expected: list[tuple[str, str, str]]
) -> None:
    lines = judge_network.firewall(found, port=8800, python="/a b/python", seen_from=seen_from)
    said(lines, *expected)


@pytest.mark.parametrize(
    ("door", "is_up", "state", "words"),
    [
        (Udp(8700, False), False, "fine", "is free"),
        (Udp(8700, True), False, "bad", "another program"),
        (Udp(8700, True, ("192.0.2.7", "127.0.0.1")), True, "fine", "answers"),
        (Udp(8700, True, ("127.0.0.1",), ("192.0.2.7",)), True, "hint", "not at 192.0.2.7"),
        (Udp(8700, True, (), ("127.0.0.1",)), True, "bad", "does not answer"),
    ],
)
def test_the_udp_port_is_judged(door: Udp, is_up: bool, state: str, words: str) -> None:
    said(judge_network.udp(door, is_daemon_up=is_up), ("udp", state, words))


@pytest.mark.parametrize(
    ("page", "state", "words"),
    [
        (Page("http://127.0.0.1:8700", None), "fine", "answers"),
        (Page("https://192.0.2.7:8700", None, "", 300.0), "fine", "300 days"),
        (Page("https://192.0.2.7:8700", None, "", 3.2), "hint", "3 days"),
        (Page("https://192.0.2.7:8700", "certificate", "expired"), "bad", "https://192.0.2.7:8700/trust"),
        (Page("http://192.0.2.7:8700", "refused"), "bad", "--host 0.0.0.0"),
        (Page("http://192.0.2.7:8700", "silent"), "bad", "firewall"),
        (Page("http://192.0.2.7:8700", "other", "it answers 500"), "bad", "it answers 500"),
    ],
)
def test_the_page_is_judged(page: Page, state: str, words: str) -> None:
    said(judge_network.pages([page]), ("browser", state, words))


PULSER = PulserSeen("blue left", "blue", "left", "linked", "0.1.0", False, "awake", "fine", -50)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (PULSER, [("pulser", "fine", "0.1.0, -50 dBm")]),
        (replace(PULSER, rssi_dbm=None, firmware=None), [("pulser", "fine", "linked")]),
        (replace(PULSER, is_old=True), [("pulser_firmware", "hint", "twintap flash")]),
        (replace(PULSER, link="unseen"), [("pulser", "hint", "has not been heard")]),
        (replace(PULSER, link="seeking"), [("pulser", "hint", "not linked")]),
        (replace(PULSER, link="unseen", power="asleep"), [("pulser", "hint", "press its button")]),
        (replace(PULSER, battery="low"), [("pulser_battery", "hint", "charge it")]),
        (replace(PULSER, boot_cause="brown-out"), [("pulser_start", "hint", "wires")]),
        (replace(PULSER, boot_cause="power"), [("pulser", "fine", "")]),
        (replace(PULSER, rssi_dbm=-80), [("pulser_air", "hint", "nearer")]),
        (
            replace(PULSER, is_old=True, link="unseen"),
            [("pulser", "hint", "plug it in"), ("pulser_firmware", "hint", "0.1.0")],
        ),
    ],
)
def test_pulsers_are_judged(one: PulserSeen, expected: list[tuple[str, str, str]]) -> None:
    said(judge_pulsers.pulsers([one]), *expected)


def test_without_a_pulser_the_next_step_is_said() -> None:
    said(judge_pulsers.pulsers([]), ("pulser", "hint", "twintap pair PORT --room ROOM --side left|right"))


USB = Port("/dev/ttyUSB0", "adapter", "CP210x adapter", "10c4:ea60", None, None)
OLD = Port("/dev/ttyS0", "other", "serial port", None, None, None)
VIRTUAL = Port("/d/console", "virtual", "virtual board", None, None, None)


@pytest.mark.parametrize(
    ("found", "asked", "expected"),
    [
        ([], None, [("port", "fine", "no pulser is plugged in")]),
        # A port that every computer has says nothing of pulsers.
        ([OLD, VIRTUAL], None, [("port", "fine", "no pulser is plugged in")]),
        ([OLD], "/dev/ttyS0", [("port", "fine", "/dev/ttyS0")]),
        ([], "/dev/gone", []),
        ([USB, OLD], None, [("port", "fine", "/dev/ttyUSB0")]),
        (
            [replace(USB, problem=permission_words("/dev/ttyUSB0", "dialout", False))],
            None,
            [("port", "bad", "run: sudo usermod -a -G dialout $USER")],
        ),
        (
            [replace(USB, problem=permission_words("/dev/ttyUSB0", "dialout", True))],
            None,
            [("port", "bad", "log in again")],
        ),
        (
            [replace(USB, problem=permission_words("/dev/ttyUSB0", None, False))],
            None,
            [("port", "bad", "ask for the right")],
        ),
        ([replace(USB, problem="it is gone: is the cable in?")], None, [("port", "bad", "cable")]),
    ],
)
def test_serial_ports_are_judged(
    found: list[Port], asked: str | None, expected: list[tuple[str, str, str]]
) -> None:
    said(judge_pulsers.ports(found, asked), *expected)


OURS = "a1" * 8
WELL = Console(
    "/dev/ttyUSB0",
    None,
    firmware="0.1.0",
    protocol="1.1",
    board="XIAO",
    crashes=0,
    daemon_id=OURS,
    network="up",
    ssid="house",
    rssi_dbm=-50,
    is_linked=True,
    battery="fine",
    bundled="0.1.0",
    our_daemon_id=OURS,
)
FINE = [("console", "fine", "XIAO"), ("pulser_pairing", "fine", "this daemon")]
ON_AIR = ("pulser_network", "fine", "house")


@pytest.mark.parametrize(
    ("console", "expected"),
    [
        (WELL, [*FINE, ON_AIR]),
        (
            replace(WELL, port="/my data/console", daemon_id=None),
            [FINE[0], ("pulser_pairing", "hint", 'twintap pair "/my data/console" --room'), ON_AIR],
        ),
        (Console("COM3", "no pulser answers at COM3"), [("console", "bad", "twintap flash COM3")]),
        (
            replace(WELL, is_safe_mode=True, last_error="MemoryError"),
            [("console", "bad", "MemoryError")],
        ),
        (
            replace(WELL, firmware="0.0.9"),
            [FINE[0], ("pulser_firmware", "hint", "twintap flash /dev/ttyUSB0"), FINE[1], ON_AIR],
        ),
        (
            replace(WELL, is_damaged=True, daemon_id=None),
            [
                FINE[0],
                ("pulser_settings", "bad", "twintap pair /dev/ttyUSB0 --room ROOM --side left|right"),
                ON_AIR,
            ],
        ),
        (replace(WELL, boot_cause="watchdog"), [FINE[0], ("pulser_start", "hint", "hung"), FINE[1], ON_AIR]),
        (replace(WELL, crashes=2), [FINE[0], ("pulser_crashes", "hint", "2 times"), FINE[1], ON_AIR]),
        (
            replace(WELL, daemon_id=None),
            [
                FINE[0],
                ("pulser_pairing", "hint", "twintap pair /dev/ttyUSB0 --room ROOM --side left|right"),
                ON_AIR,
            ],
        ),
        (
            replace(WELL, daemon_id="b2" * 8, is_linked=False),
            [FINE[0], ("pulser_pairing", "hint", "another daemon"), ON_AIR],
        ),
        (replace(WELL, our_daemon_id=None), [FINE[0], ("pulser_pairing", "fine", OURS), ON_AIR]),
        (
            replace(WELL, network="wrong password"),
            [*FINE, ("pulser_network", "bad", "twintap wifi /dev/ttyUSB0 add")],
        ),
        (replace(WELL, network="not found"), [*FINE, ("pulser_network", "bad", "2.4 GHz")]),
        (replace(WELL, network="no address"), [*FINE, ("pulser_network", "bad", "DHCP")]),
        (replace(WELL, network="connecting"), [*FINE, ("pulser_network", "hint", "wait")]),
        (replace(WELL, rssi_dbm=-80), [*FINE, ("pulser_air", "hint", "-80 dBm")]),
        (replace(WELL, is_linked=False), [*FINE, ON_AIR, ("pulser_link", "bad", "client isolation")]),
        (replace(WELL, battery="empty"), [*FINE, ON_AIR, ("pulser_battery", "hint", "charge")]),
        (replace(WELL, network=None, is_linked=None), FINE),
    ],
)
def test_what_answers_at_a_port_is_judged(console: Console, expected: list[tuple[str, str, str]]) -> None:
    said(judge_pulsers.console(console), *expected)
