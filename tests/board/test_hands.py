"""Hands do what they are told, and nothing else."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.board.rig import ROOT, Rig, wait_for
from twintap_board import hands
from twintap_board.errors import BoardError

Maker = Callable[..., Rig]


def test_the_state_of_the_pins_is_told_at_boot_and_at_every_change(board: Maker) -> None:
    rig = board().up()
    rig.hands("charge", on=True)
    rig.expect("pin 2 1 0 0\n")
    rig.hands("battery", mv=3300)
    rig.expect("pin 3 0 3300 0\n")
    rig.hands("press_down")
    rig.expect("pin 1 1 0 0\n")
    rig.hands("reset")
    # Whoever holds the button at power-on is seen holding it.
    rig.expect("pin 1 1 0 0\npin 2 1 0 0\npin 3 0 3300 0\n")
    rig.hands("press_up")
    rig.expect("pin 1 0 0 0\n")


def test_a_press_is_down_and_then_up(board: Maker) -> None:
    rig = board().up()
    rig.hands("press", ms=30)
    rig.expect("pin 1 1 0 0\n")
    rig.expect("pin 1 0 0 0\n")


def test_a_stranger_cannot_work_the_pins_or_the_air(board: Maker) -> None:
    rig = board().up()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        rig.write("environ TWINTAP_PINS_PORT")
        pins_port = int(rig.expect("did environ").split()[-3])
        rig.write("environ TWINTAP_RADIO_PORT")
        radio_port = int(rig.expect("did environ").split()[-3])
        before = rig.hands("info")["radio"]["counts"]
        # The radio has heard its VM; the pins have too.
        rig.say("link 1")
        stranger.sendto(b"\xff", ("127.0.0.1", pins_port))
        stranger.sendto(bytes(6) + b"\x02\x00", ("127.0.0.1", radio_port))
        stranger.settimeout(0.3)
        with pytest.raises(TimeoutError):
            stranger.recv(100)
    info = rig.hands("info")["radio"]
    assert info["link_up"]
    assert info["counts"] == before


def test_a_stranger_whose_datagram_waits_behind_the_vms_first_one_is_not_heard(board: Maker) -> None:
    rig = board().up()
    rig.write("environ TWINTAP_RADIO_PORT")
    radio_port = int(rig.expect("did environ").split()[-3])
    radio = rig.hands("info")["pids"]["radio"]
    # Both lie in the radio's queue before it reads, and so before it can connect its socket to the VM.
    os.kill(radio, signal.SIGSTOP)
    try:
        rig.say("link 1")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(bytes(6) + b"\x02\x00", ("127.0.0.1", radio_port))
    finally:
        os.kill(radio, signal.SIGCONT)
    # The first answer may be given before the queue is read; the second cannot.
    rig.hands("info")
    assert rig.hands("info")["radio"]["link_up"]


def test_info_names_the_processes(board: Maker) -> None:
    rig = board().up()
    info = rig.hands("info")
    assert info["pids"]["launcher"] == rig.process.pid
    for name in ("vm", "keeper", "radio"):
        command = Path(f"/proc/{info['pids'][name]}/cmdline").read_bytes().split(b"\0")
        assert b"twintap_board." + name.encode() in command
    assert info["boots"] == 1
    assert info["keeper"]["level_bp"] == 0


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"rubbish", "JSON"),
        (b"[1]", "JSON"),
        (b"\xff\xfe", "JSON"),
        (b"[" * 900, "JSON"),
        (b"{}", "'do' must be"),
        (b'{"do": ["press"]}', "'do' must be"),
        (b'{"do": "explode"}', "'do' must be"),
        (b'{"do": "press", "ms": 0}', "from 1 to 60000"),
        (b'{"do": "press", "ms": true}', "whole number"),
        (b'{"do": "press", "ms": 1e3}', "whole number"),
        (b'{"do": "press", "side": 1}', "not 'side'"),
        (b'{"do": "charge"}', "true or false"),
        (b'{"do": "charge", "on": 1}', "true or false"),
        (b'{"do": "air", "model": "foggy"}', "quiet"),
        (b'{"do": "air", "model": {}}', "quiet"),
        (b'{"do": "network", "ssid": 7, "on": true}', "a text"),
        (b'{"do": "network", "ssid": "net"}', "true or false"),
        (b'{"do": "network", "on": false}', "a text"),
        (b'{"do": "state", "of": "mind"}', "nothing"),
        (b'{"do": "info", "x": 1}', "nothing"),
    ],
)
def test_what_is_wrong_is_said(line: bytes, why: str) -> None:
    with pytest.raises(BoardError) as caught:
        hands.parse(line)
    assert why in str(caught.value)


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
def test_any_line_is_read_or_refused(line: bytes) -> None:
    try:
        deed, _arguments = hands.parse(line)
    except BoardError:
        return
    assert deed in hands.DEEDS


def test_a_refusal_is_an_answer_and_the_board_goes_on(board: Maker) -> None:
    rig = board().up()
    with socket.socket(socket.AF_UNIX) as sock, sock.makefile("rb") as answers:
        sock.connect(str(rig.state / "hands.sock"))
        sock.sendall(b'nonsense\n{"do": "info"}\n')
        assert json.loads(answers.readline())["ok"] is False
        assert json.loads(answers.readline())["ok"] is True
        sock.sendall(b"x" * 5000 + b"\n")
        assert "too long" in json.loads(answers.readline())["error"]
        assert answers.readline() == b""
    assert rig.hands("info")["ok"]


def test_hands_at_the_same_time_are_bounded_and_none_disturbs_another(board: Maker) -> None:
    rig = board().up()
    socks = [socket.socket(socket.AF_UNIX) for _ in range(12)]
    try:
        for sock in socks:
            sock.settimeout(10)
            sock.connect(str(rig.state / "hands.sock"))
        assert [sock.recv(1) for sock in socks[8:]] == [b""] * 4
        for sock in socks[:8]:
            sock.sendall(b'{"do": "info"}\n')
        assert all(b'"ok": true' in sock.recv(4096) for sock in socks[:8])
    finally:
        for sock in socks:
            sock.close()
    wait_for("room again", lambda: _served(rig))


def _served(rig: Rig) -> bool:
    try:
        return bool(rig.hands("info")["ok"])
    except BoardError:
        return False


def test_the_command_line_works_the_same_hands(board: Maker, tmp_path: Path) -> None:
    rig = board().up()
    paths = os.pathsep.join((str(ROOT / "firmware"), str(ROOT / "protocol")))

    def run(state: Path, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "twintap_board.hands", str(state), *words]
        return subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": paths})

    assert run(rig.state, "battery", "3500").returncode == 0
    rig.expect("pin 3 0 3500 0\n")
    assert run(rig.state, "press", "--ms", "20").returncode == 0
    rig.expect("pin 1 1 0 0\n")
    assert json.loads(run(rig.state, "cut", "on").stdout)["radio"]["cut"] is True
    refused = run(rig.state, "battery", "99999")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "from 0 to 10000" in refused.stderr
    assert run(rig.state, "explode").returncode == 2
    assert run(tmp_path / "nowhere", "info").returncode == 1
