"""The commands as they are typed: exit codes, one sentence on stderr, JSON where it is asked for.

One daemon with one virtual pair, on real boards, serves the whole file.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="virtual boards need pseudo-terminals")

_TWINTAP = [sys.executable, "-m", "twintap"]


@dataclass
class Daemon:
    process: "subprocess.Popen[str]"
    data: Path
    url: str
    told: dict[str, Any]

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"TWINTAP_DATA": str(self.data), "TWINTAP_URL": self.url}

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*_TWINTAP, *arguments],
            env=self.environment | environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def idle(self) -> None:
        """Stop. A start that is typed waits out what is left of the second in which it would be refused."""
        assert self.run("set", "stop", "room-1").returncode == 0


def begin(data: Path, *arguments: str) -> Daemon:
    process = subprocess.Popen(
        [*_TWINTAP, "serve", "--data", str(data), "--port", "0", "--json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        assert process.stderr is not None
        raise AssertionError(process.stderr.read())
    told = json.loads(line)
    return Daemon(process, data, told["url"], told)


def end(daemon: Daemon, number: int = signal.SIGTERM) -> tuple[int, str]:
    daemon.process.send_signal(number)
    _, errors = daemon.process.communicate(timeout=30)
    return daemon.process.returncode, errors


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Generator[Daemon]:
    # Short: a UNIX socket's path has 108 bytes at most.
    running = begin(tmp_path_factory.mktemp("cli") / "d", "--virtual", "1", "--air", "none")
    yield running
    assert end(running) == (0, "")


def failed(done: "subprocess.CompletedProcess[str]", code: int, *words: str) -> None:
    """One clear sentence on stderr, nothing on stdout."""
    assert done.returncode == code, (done.stdout, done.stderr)
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for word in words:
        assert word in done.stderr


def test_virtual_pairs_are_ready_to_tap(daemon: Daemon) -> None:
    assert daemon.told["rooms"] == {"room-1": True}
    # It was ready when it said so; on a computer short of cores a clock may be uncertain again by now.
    until_s = time.monotonic() + 30
    while not (room := daemon.json("room", "room-1"))["ready"]:
        assert time.monotonic() < until_s, room["problems"]
        time.sleep(0.2)
    assert (room["left"]["link"], room["right"]["link"]) == ("linked", "linked")
    found = daemon.json("pulsers")
    assert {pulser["side"] for pulser in found["pulsers"]} == {"left", "right"}
    assert len(daemon.run("pulsers").stdout.splitlines()) >= 3


def test_a_set_is_started_changed_and_stopped(daemon: Daemon) -> None:
    daemon.idle()
    started = daemon.json("set", "start", "room-1", "--rate-hz", "2", "--left-pct", "30", "--ramp-ms", "0")
    assert started["set"]["state"] in ("starting", "running")
    assert (started["set"]["pacing"]["rate_hz"], started["set"]["pacing"]["left_pct"]) == (2.0, 30.0)
    failed(daemon.run("set", "start", "room-1"), 1, "running")
    changed = daemon.json("set", "change", "room-1", "--level-pct", "20")
    assert changed["set"]["set_id"] == started["set"]["set_id"]
    assert daemon.run("set", "stop", "room-1").returncode == 0
    stopped = daemon.json("room", "room-1")
    assert (stopped["set"]["state"], stopped["left"]["vibrating"], stopped["right"]["vibrating"]) == (
        "ended",
        False,
        False,
    )


def test_a_typed_start_waits_out_the_second_after_a_set(daemon: Daemon) -> None:
    daemon.idle()
    assert daemon.run("set", "start", "room-1").returncode == 0
    assert daemon.run("set", "stop", "room-1").returncode == 0
    assert daemon.run("set", "start", "room-1").returncode == 0
    assert daemon.run("set", "stop", "room-1", "--soft").returncode == 0


def test_what_is_out_of_range_is_refused_with_the_field_and_the_range(daemon: Daemon) -> None:
    daemon.idle()
    failed(daemon.run("set", "start", "room-1", "--rate-hz", "9"), 1, "rate_hz", "9", "0.1..4")
    failed(
        daemon.run("set", "start", "room-1", "--rate-hz", "4", "--pulse-ms", "200"), 1, "pulse_ms", "20..125"
    )
    failed(daemon.run("set", "start", "room-1", "--passes", "1.5"), 1, "passes")
    failed(daemon.run("set", "start", "room-1", "--level-pct", "1e300"), 1, "level_pct", "0..100")


def test_what_is_unknown_is_said(daemon: Daemon) -> None:
    failed(daemon.run("room", "nowhere"), 1, "nowhere")
    failed(daemon.run("set", "stop", "nowhere"), 1, "nowhere")
    failed(daemon.run("watch", "nowhere"), 1, "nowhere")
    failed(daemon.run("unpair", "00" * 8), 1)


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["set"],
        ["set", "start"],
        ["set", "start", "room-1", "--rate-hz", "fast"],
        ["set", "start", "room-1", "--rate-hz", "nan"],
        ["set", "start", "room-1", "--wifi-password", "x"],
        ["room", "a/b"],
        ["room", "x" * 41],
        ["pair", "/dev/null", "--room", "r", "--side", "up"],
        ["pair", "/dev/null", "--room", "r", "--side", "left", "--ceiling-pct", "0"],
        ["serve", "--port", "70000"],
        ["serve", "--air", "stormy"],
        ["identify", "../../x"],
        ["identify", "00" * 7],
        ["board"],
        ["board", "--state", "s", "--console", "c", "--heap", "much"],
    ],
)
def test_a_command_used_wrongly_is_2_and_one_sentence(daemon: Daemon, arguments: list[str]) -> None:
    failed(
        daemon.run(*arguments),
        2,
        f"twintap {arguments[0]}" if arguments[0] == "board" else "--help",
        "--help",
    )


def test_swap_makes_left_right_without_pairing_again(daemon: Daemon) -> None:
    daemon.idle()
    before = daemon.json("room", "room-1")
    assert daemon.run("swap", "room-1").returncode == 0
    after = daemon.json("room", "room-1")
    assert (after["left"]["id"], after["right"]["id"]) == (before["right"]["id"], before["left"]["id"])
    assert daemon.run("swap", "room-1").returncode == 0


def test_identify_buzzes_one_pulser(daemon: Daemon) -> None:
    daemon.idle()
    pulser = daemon.json("room", "room-1")["left"]["id"]
    assert daemon.run("identify", pulser).returncode == 0
    time.sleep(0.6)


def test_watch_prints_every_event_until_ctrl_c(daemon: Daemon) -> None:
    daemon.idle()
    with subprocess.Popen(
        [*_TWINTAP, "watch", "room-1", "--json"],
        env=daemon.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["type"] == "room.snapshot"
        assert daemon.run("set", "start", "room-1", "--passes", "1", "--rate-hz", "4").returncode == 0
        seen: list[str] = []
        while "set.ended" not in seen:
            seen.append(json.loads(watching.stdout.readline())["type"])
        assert seen.index("set.asked") < seen.index("set.started")
        watching.send_signal(signal.SIGINT)
        _, errors = watching.communicate(timeout=10)
        assert (watching.returncode, errors) == (0, "")


def test_a_token_of_another_role_is_told_what_it_may_not(daemon: Daemon) -> None:
    token = daemon.run("token", "give", "a tablet", "--role", "observer", "--room", "room-1").stdout.strip()
    assert daemon.run("room", "room-1", TWINTAP_TOKEN=token).returncode == 0
    failed(daemon.run("set", "start", "room-1", TWINTAP_TOKEN=token), 1, "observer")
    assert daemon.run("set", "stop", "room-1", TWINTAP_TOKEN=token).returncode == 0
    (listed,) = [one for one in daemon.json("token", "list") if one["label"] == "a tablet"]
    assert daemon.run("token", "revoke", listed["id"]).returncode == 0
    failed(daemon.run("room", "room-1", TWINTAP_TOKEN=token), 1, "token")
    assert daemon.run("set", "stop", "room-1", TWINTAP_TOKEN=token).returncode == 0


def test_a_daemon_that_is_not_there_is_said(daemon: Daemon, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    failed(daemon.run("room", "room-1", TWINTAP_URL=url), 1, url, "twintap serve")
    failed(daemon.run("watch", TWINTAP_URL=url), 1, url)
    failed(daemon.run("room", "room-1", TWINTAP_URL="127.0.0.1:8700"), 1, "TWINTAP_URL")
    failed(daemon.run("room", "room-1", TWINTAP_DATA=str(tmp_path / "none")), 1, "token")


def test_a_second_daemon_is_told_why_it_cannot(daemon: Daemon, tmp_path: Path) -> None:
    port = daemon.url.rpartition(":")[2]
    failed(daemon.run("serve", "--data", str(tmp_path / "other"), "--port", port), 1, port, "busy")
    failed(daemon.run("serve", "--data", str(daemon.data), "--port", "0"), 1, "another twintap daemon")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o755)
    failed(daemon.run("serve", "--data", str(tmp_path / "open"), "--port", "0"), 1, "chmod 700")
    failed(
        daemon.run("serve", "--host", "192.0.2.250", "--data", str(tmp_path / "x"), "--port", "0"),
        1,
        "--host",
    )


def test_a_board_that_runs_by_itself_is_paired_over_its_console(daemon: Daemon, tmp_path: Path) -> None:
    console = tmp_path / "c"
    with subprocess.Popen(
        [*_TWINTAP, "board", "--state", str(tmp_path / "s"), "--console", str(console)]
    ) as board:
        try:
            deadline = time.monotonic() + 20
            while not console.exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            wanted = ("pair", str(console), "--room", "study", "--side", "left", "--ceiling-pct", "50")
            # The password comes by stdin, as no terminal is there to ask at.
            done = daemon.run(*wanted, "--wifi-ssid", "practice", stdin="correct horse\n")
            assert done.returncode == 0, done.stderr
            assert "linked" in done.stdout
            room = daemon.json("room", "study")
            assert (room["left"]["ceiling_pct"], room["right"], room["ready"]) == (50, None, False)
            # A room refuses two pulsers of one side, and the board keeps what it has.
            taken = daemon.run("pair", str(console), "--room", "room-1", "--side", "left")
            failed(taken, 1, "left")
            assert daemon.json("room", "study")["left"]["link"] == "linked"
            failed(daemon.run("set", "start", "study"), 1, "right")
            # The same pulser may be paired anew.
            assert daemon.run("pair", str(console), "--room", "study", "--side", "right").returncode == 0
            pulser = daemon.json("room", "study")["right"]["id"]
            assert daemon.run("unpair", pulser).returncode == 0
            assert all(one["id"] != pulser for one in daemon.json("pulsers")["pulsers"])
        finally:
            board.terminate()
            assert board.wait(20) == 0


def test_a_key_does_not_leave_this_computer_in_the_clear(daemon: Daemon, tmp_path: Path) -> None:
    done = daemon.run(
        "pair", str(tmp_path / "c"), "--room", "r", "--side", "left", TWINTAP_URL="http://192.0.2.250:8700"
    )
    failed(done, 1, "not this computer")


def test_the_network_and_its_password_are_asked_for_when_all_else_is_well(
    daemon: Daemon, tmp_path: Path
) -> None:
    wanted = ("pair", str(tmp_path / "c"), "--room", "r", "--side", "left", "--wifi-ssid", "practice")
    # Nobody types a password for a pairing that cannot be: with no stdin to read, this is what is said.
    failed(daemon.run(*wanted, TWINTAP_URL="http://192.0.2.250:8700"), 1, "not this computer")
    # An end of input is not an empty password, which would be an open network.
    failed(daemon.run(*wanted), 1, "practice", "stdin", "empty line")
    failed(daemon.run(*wanted, stdin="\n"), 1, str(tmp_path / "c"))


def test_a_daemon_that_real_pulsers_cannot_reach_says_so_whatever_it_prints(tmp_path: Path) -> None:
    running = begin(tmp_path / "d")
    code, errors = end(running)
    assert code == 0
    assert len(errors.splitlines()) == 1
    assert "--host 0.0.0.0" in errors


def test_a_pulser_is_called_trimmed_and_given_networks_by_link_and_by_cable(daemon: Daemon) -> None:
    daemon.idle()
    left = daemon.json("room", "room-1")["left"]["id"]
    found = daemon.json("pulser", left, "--name", "the red one", "--trim-pct", "80", "--side", "right")
    assert (found["name"], found["trim_pct"], found["side"]) == ("the red one", 80.0, "right")
    shown = daemon.run("pulser", "the red one", "--side", "left").stdout
    for words in (left, "the red one: left of room-1", "trim 80 %"):
        assert words in shown
    failed(daemon.run("pulser", "nobody"), 1, "nobody", "twintap pulsers")

    assert daemon.run("wifi", "the red one", "add", "practice", stdin="correct horse\n").returncode == 0
    console = str(daemon.data / "virtual" / "pair-1" / "left" / "console")
    kept = daemon.json("wifi", console, "list")
    assert (kept["pulser"], kept["networks"]) == (left, ["practice"])
    assert daemon.json("wifi", console, "forget", "practice")["networks"] == []
    failed(daemon.run("wifi", console, "forget", "practice"), 1, "refused")
    elsewhere = daemon.run("wifi", left, "add", "x", TWINTAP_URL="http://192.0.2.250:8700")
    failed(elsewhere, 1, "not this computer")
