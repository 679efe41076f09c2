"""The command line, as a person uses it: what it prints, its exit codes, its one sentence when it fails."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import traces
from tests.support.rig import SIDES, Board, Daemon, alive, now_us, wait_for


@pytest.fixture(scope="module")
def daemon(folder: Path) -> Iterator[Daemon]:
    with Daemon(folder / "d", "--virtual", "1") as daemon:
        yield daemon


def board(daemon: Daemon, side: str) -> Board:
    """The virtual board of the first pair that had `side` when it was made."""
    made = Board(daemon.data / "virtual" / "pair-1" / side)
    made.trace = made.state / "trace.csv"
    return made


def sentence(ran: subprocess.CompletedProcess[str]) -> str:
    """What a failed command said: one line on stderr, nothing on stdout, no traceback."""
    assert ran.stdout == ""
    assert ran.stderr.count("\n") == 1, ran.stderr
    assert ran.stderr.startswith("twintap"), ran.stderr
    assert "Traceback" not in ran.stderr
    return ran.stderr


def test_serve_with_a_virtual_pair_taps_on_one_command(daemon: Daemon) -> None:
    assert daemon.told["rooms"] == {"room-1": True}
    since_us = now_us()
    words = daemon.done(
        "set", "start", "room-1", "--passes", "5", "--rate-hz", "4", "--ramp-ms", "0", "--pulse-ms", "60"
    )
    assert "5 passes" in words
    assert daemon.until_ended("room-1")["ended_reason"] == "finished"
    left, right = (board(daemon, side).pulses(since_us) for side in SIDES)
    assert (len(left), len(right)) == (5, 5)
    assert not traces.alternation_faults(left, right)


def test_json_shows_all_that_there_is(daemon: Daemon) -> None:
    room = json.loads(daemon.done("room", "room-1", "--json"))
    assert (room["name"], room["ready"], room["problems"]) == ("room-1", True, [])
    found = json.loads(daemon.done("pulsers", "--json"))
    assert {one["side"] for one in found["pulsers"]} == set(SIDES)
    for one in found["pulsers"]:
        assert (one["link"], one["charging"], one["ceiling_pct"]) == ("linked", False, 60)
        assert one["id"] == room[one["side"]]["id"]
        assert one["firmware"]
        assert one["battery_mv"] > 3_000
    for words in (daemon.done("room", "room-1"), daemon.done("pulsers")):
        assert "left" in words
        assert "right" in words


def test_used_wrongly_is_2_and_failed_is_1_and_both_say_so_in_one_sentence(daemon: Daemon) -> None:
    wrong = (
        ["set", "start"],
        ["set", "start", "room-1", "--rate-hz", "fast"],
        ["nonsense"],
        ["serve", "--port", "x"],
    )
    for arguments in wrong:
        ran = daemon.cli(*arguments)
        assert ran.returncode == 2, arguments
        sentence(ran)
    refused = daemon.cli("set", "start", "room-1", "--rate-hz", "7")
    assert refused.returncode == 1
    for word in ("rate_hz", "7", "0.1..4"):
        assert word in sentence(refused)
    missing = daemon.cli("set", "start", "room-9")
    assert missing.returncode == 1
    assert "room-9" in sentence(missing)
    idle = daemon.cli("set", "change", "room-1", "--rate-hz", "2")
    assert idle.returncode == 1
    sentence(idle)


def test_a_wrong_token_and_a_wrong_address_are_failures_that_say_so(daemon: Daemon) -> None:
    ran = daemon.cli("set", "start", "room-1", TWINTAP_TOKEN="nobody-gave-me-this")
    assert ran.returncode == 1
    assert "token" in sentence(ran)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        ran = daemon.cli("pulsers", TWINTAP_URL=f"http://127.0.0.1:{nobody.getsockname()[1]}")
    assert ran.returncode == 1
    assert "twintap serve" in sentence(ran)


def serve(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "twintap", "serve", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_busy_port_is_a_failure_that_says_so(tmp_path: Path, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind is socket.SOCK_STREAM:
            taken.listen()
        port = str(taken.getsockname()[1])
        ran = serve("--data", str(tmp_path / "d"), "--port", port)
    assert ran.returncode == 1
    assert port in sentence(ran)


def test_a_second_daemon_on_the_same_data_folder_is_refused(daemon: Daemon) -> None:
    ran = serve("--data", str(daemon.data), "--port", "0")
    assert ran.returncode == 1
    assert str(daemon.data) in sentence(ran)
    assert daemon.room("room-1")["ready"]


def test_watch_ends_by_ctrl_c_with_0_and_prints_an_event_a_line(daemon: Daemon) -> None:
    for arguments in (("watch",), ("watch", "room-1", "--json")):
        with daemon.cli_running(*arguments) as watching:
            assert watching.stdout is not None
            first = watching.stdout.readline()
            daemon.begin("room-1", passes=1, rate_hz=4, ramp_ms=0)
            lines = iter(watching.stdout.readline, "")
            assert "set.ended" in next(line for line in lines if "set.ended" in line)
            watching.send_signal(signal.SIGINT)
            out, err = watching.communicate(timeout=10)
        assert (watching.returncode, err) == (0, "")
        if "--json" in arguments:
            assert json.loads(first)["type"] == "room.snapshot"
            assert all(json.loads(line)["room"] == "room-1" for line in out.splitlines())


def test_a_pulser_is_paired_through_its_console_and_a_side_is_taken_once(
    daemon: Daemon, tmp_path: Path
) -> None:
    with Board(tmp_path / "a") as one, Board(tmp_path / "b") as two:
        told = json.loads(
            daemon.done(
                "pair", str(one.link), "--room", "blue", "--side", "left", "--ceiling-pct", "30", "--json"
            )
        )
        assert told == {"pulser": one.info()["id"], "room": "blue", "side": "left", "linked": True}
        assert daemon.room("blue")["right"] is None
        refused = daemon.cli("pair", str(two.link), "--room", "blue", "--side", "left")
        assert refused.returncode == 1
        assert "left" in sentence(refused)
        # The one that was refused is as it was before.
        assert two.info()["daemon_id"] is None
        alone = daemon.cli("set", "start", "blue")
        assert alone.returncode == 1
        assert "right" in sentence(alone)
        daemon.done("pair", str(two.link), "--room", "blue", "--side", "right")
        since_us = now_us()
        daemon.begin("blue", passes=3, rate_hz=4, pulse_ms=60, level_pct=100, ramp_ms=0)
        daemon.until_ended("blue")
        assert {pulse.peak_pct for pulse in one.pulses(since_us)} == {30}
        assert {pulse.peak_pct for pulse in two.pulses(since_us)} == {60}

        # Left becomes right without pairing again: the other hand begins, and the ceilings stay.
        daemon.done("swap", "blue")
        assert daemon.room("blue")["left"]["id"] == two.info()["id"]
        wait_for(
            "both know their side", lambda: (one.info()["side"], two.info()["side"]) == ("right", "left")
        )
        since_us = now_us()
        daemon.begin("blue", passes=3, rate_hz=4, pulse_ms=60, level_pct=100, ramp_ms=0)
        daemon.until_ended("blue")
        left, right = two.pulses(since_us), one.pulses(since_us)
        assert not traces.alternation_faults(left, right)
        assert {(pulse.side, pulse.peak_pct) for pulse in left} == {("left", 60)}
        assert {(pulse.side, pulse.peak_pct) for pulse in right} == {("right", 30)}

        # Unpaired on the cable it obeys nobody, and keeps its ceiling.
        assert "result" in one.rpc("unpair")
        assert (one.info()["daemon_id"], one.info()["ceiling_pct"]) == (None, 30)
        wait_for("it is missed", lambda: not daemon.room("blue")["ready"])


def test_pair_on_a_port_without_a_pulser_is_a_failure_that_names_it(daemon: Daemon, tmp_path: Path) -> None:
    nothing = str(tmp_path / "ttyNONE")
    ran = daemon.cli("pair", nothing, "--room", "red", "--side", "left")
    assert ran.returncode == 1
    assert nothing in sentence(ran)


def test_no_secret_is_said_anywhere(daemon: Daemon) -> None:
    token = (daemon.data / "token").read_text().strip()
    pairings = (daemon.data / "pairings.json").read_text()
    keys = [value for value in pairings.replace('"', " ").split() if len(value) == 32]
    assert keys
    logs = [daemon.stderr, *daemon.data.rglob("board.log")]
    said = "".join(log.read_text(errors="replace") for log in logs)
    said += daemon.done("pulsers", "--json") + daemon.done("room", "room-1", "--json")
    assert not [secret for secret in (token, *keys) if secret in said]


# The last test of the module: it ends the daemon.
def test_the_virtual_pair_dies_with_a_killed_daemon_and_its_motors_at_once(daemon: Daemon) -> None:
    pids = [pid for side in SIDES for pid in board(daemon, side).pids().values()]
    daemon.begin("room-1", rate_hz=4, pulse_ms=100, ramp_ms=0)
    wait_for("it taps", lambda: board(daemon, "right").level_pct() > 0)
    at_us = daemon.kill()
    wait_for("all boards gone", lambda: not any(alive(pid) for pid in pids), 10)
    rows = [board(daemon, side).rows() for side in SIDES]
    assert traces.last_on_us(rows, at_us, now_us()) - at_us <= 1_060_000
    # Started again it has the same pair, and starts nothing.
    daemon.restart()
    daemon.until_ready("room-1")
    assert rows == [board(daemon, side).rows() for side in SIDES]
    time.sleep(0.5)
    daemon.begin("room-1", rate_hz=4, pulse_ms=60, ramp_ms=0, passes=2)
    daemon.until_ended("room-1")
    assert daemon.stop() == 0
