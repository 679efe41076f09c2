"""Pairing with the real firmware, in rooms whose networks have something wrong with them; and the command."""

import asyncio
import contextlib
import fcntl
import os
import select
import signal
import subprocess
import sys
import termios
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from tests.support.hub_house import House, pairing_house
from tests.support.rig import PATIENCE_S, Board, Daemon, wait_for
from twintap.pairing import PairingFailed, Steps, Wanted, Wifi, exchange, walking
from twintap.pairing.here import HubRegistrar
from twintap.pairing.walking import Done, walk

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="virtual boards need a pty")

WORD = "correct horse"
NETWORKS = (
    f"practice:{WORD}",
    f"five:{WORD}:5ghz",
    f"apart:{WORD}:isolated",
    f"dry:{WORD}:nodhcp",
    f"quiet:{WORD}:nomulticast",
    f"full:{WORD}:full",
)


@dataclass
class Desk:
    """A daemon in this process and a real board on its cable."""

    home: House
    board: Board
    registrar: HubRegistrar
    steps: Steps

    async def pair(self, ssid: str | None, word: str = WORD) -> Done:
        self.steps = Steps()
        wanted = Wanted("blue", "left", wifi=None if ssid is None else Wifi(ssid, word))
        return await walk(str(self.board.link), self.registrar, wanted, self.steps, own=("127.0.0.1/8",))

    async def fails(self, ssid: str | None, word: str = WORD) -> PairingFailed:
        with pytest.raises(PairingFailed) as caught:
            await self.pair(ssid, word)
        assert word not in str(caught.value)
        assert not any(word in step.words for step in self.steps.all())
        return caught.value

    async def info(self) -> dict[str, Any]:
        return await asyncio.to_thread(self.board.info)


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Desk]:
    monkeypatch.setattr(walking, "_SURE_AFTER_S", 0.3)
    monkeypatch.setattr(walking, "_JOIN_POLL_S", 0.05)
    async with contextlib.AsyncExitStack() as stack:
        home, registrar = await stack.enter_async_context(pairing_house(tmp_path / "d"))
        board = Board(tmp_path / "b", *(word for one in NETWORKS for word in ("--wifi", one)))
        await asyncio.to_thread(board.switch_on)
        stack.push_async_callback(asyncio.to_thread, board.switch_off)
        yield Desk(home, board, registrar, Steps())


@pytest.mark.timeout(240)
async def test_what_is_wrong_with_a_network_is_said_and_one_that_is_well_is_joined(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    none = await desk.fails(None)
    assert (none.step, none.code) == ("networks", "no_network")
    # What it sees is told; what is on 5 GHz it cannot see.
    assert "practice" in none.words
    assert "five" not in none.words
    for ssid, word, code in (
        ("practice", "wrong horse", "password"),
        ("five", WORD, "not_found"),
        ("PRACTICE", WORD, "case"),
        ("dry", WORD, "address"),
        ("full", WORD, "turned_away"),
    ):
        fault = await desk.fails(ssid, word)
        assert (fault.step, fault.code) == ("join", code), ssid
        info = await desk.info()
        # Nothing that does not work is kept, and nobody has paired it.
        assert (info["networks"], info["daemon_id"]) == ([], None), ssid
    assert desk.home.store.pairings() == []

    # It joins, calls, and nothing arrives: said, and it stays paired.
    with monkeypatch.context() as patched:
        patched.setattr(exchange, "_LINK_WITHIN_S", 1.2)
        fault = await desk.fails("apart")
    assert (fault.step, fault.code) == ("link", "isolation")
    assert str(desk.home.hub.port) in fault.words

    # Where multicast is dropped it works by address alone, and that is a hint.
    with monkeypatch.context() as patched:
        patched.setattr(walking, "_ANNOUNCED_WITHIN_S", 0.5)
        done = await desk.pair("quiet")
    assert [hint.code for hint in done.hints] == ["multicast"]
    assert [view.link for view in desk.home.hub.pulsers()] == ["linked"]

    done = await desk.pair("practice")
    assert done.hints == ()
    info = await desk.info()
    assert (info["ssid"], info["networks"]) == ("practice", ["practice", "quiet", "apart"])
    (view,) = desk.home.hub.pulsers()
    assert (view.id, view.link) == (done.pulser_id.hex(), "linked")


# -- the command -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with Daemon(tmp_path_factory.mktemp("p") / "d") as running:
        yield running


@pytest.fixture(scope="module")
def board(daemon: Daemon) -> Iterator[Board]:
    # Where a daemon looks for the consoles of virtual boards.
    with Board(daemon.data / "virtual" / "one", "--wifi", f"practice:{WORD}") as running:
        yield running


def run(daemon: Daemon, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "twintap", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        env=os.environ | {"TWINTAP_URL": daemon.url, "TWINTAP_DATA": str(daemon.data)},
    )


@pytest.mark.timeout(240)
def test_the_command_finds_the_port_shows_networks_pairs_and_replaces(daemon: Daemon, board: Board) -> None:
    ports = [one["port"] for one in daemon.ask("GET", "/ports").body if one["kind"] != "other"]
    if ports != [str(board.link)]:
        pytest.skip(f"boards are plugged into this machine: {ports}")
    seen = run(daemon, "pair", "--scan")
    assert seen.returncode == 0, seen.stderr
    assert "practice" in seen.stdout
    wrong = run(daemon, "pair", "--side", "left")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    # Nobody is there to be asked for a network: those that are seen are said.
    bare = run(daemon, "pair", "--room", "blue", "--side", "left")
    assert bare.returncode == 1
    assert "it sees practice" in bare.stderr
    assert bare.stderr.count("\n") == 1
    wifi = ("--wifi-ssid", "practice")
    done = run(daemon, "pair", "--room", "blue", "--side", "left", *wifi, stdin=WORD + "\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "linked" in done.stdout
    lost = daemon.room("blue")["left"]["id"]

    with Board(daemon.data / "virtual" / "two") as spare:
        board.switch_off()
        done = run(daemon, "pair", "--replace", lost)
        assert (done.returncode, done.stderr) == (0, "")
        found = daemon.room("blue")["left"]
        assert (found["id"], found["link"]) == (spare.info()["id"], "linked")
        assert lost not in str(daemon.ask("GET", "/pulsers").body["pulsers"])
        board.switch_on()
    said = daemon.stderr.read_text() + seen.stdout + bare.stderr + done.stdout
    assert WORD not in said


def _at_this_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # Tests that run in a shell's background are deaf to Ctrl-C, and what they start would be, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


class Terminal:
    """A person at a terminal: what the command shows, and what is typed."""

    def __init__(self, daemon: Daemon, *arguments: str) -> None:
        self.master, slave = os.openpty()
        self.shown = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "twintap", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_at_this_terminal,
            env=os.environ | {"TWINTAP_URL": daemon.url, "TWINTAP_DATA": str(daemon.data)},
        )
        self.slave = slave

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.slave)
        os.close(self.master)

    def until(self, words: str) -> None:
        """Read what is shown until these words are, from where the last ones were."""
        seen = ""
        while words not in seen:
            ready, _, _ = select.select([self.master], [], [], PATIENCE_S)
            assert ready, f"{words!r} is not shown: {self.shown}"
            found = os.read(self.master, 4_096).decode(errors="replace")
            seen += found
            self.shown += found

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def is_echoing(self) -> bool:
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)


@pytest.mark.timeout(240)
def test_at_a_terminal_port_and_network_are_chosen_from_lists_and_ctrl_c_ends_it(
    daemon: Daemon, board: Board
) -> None:
    assert "result" in board.rpc("wifi_forget", ssid="practice")
    with (
        Board(daemon.data / "virtual" / "two"),
        Terminal(daemon, "pair", "--room", "red", "--side", "right") as terminal,
    ):
        terminal.until("which port, 1..2: ")
        terminal.type("7\n")
        terminal.until("which port, 1..2: ")
        terminal.type("1\n")
        terminal.until("the network to join")
        assert "practice" in terminal.shown
        terminal.type("1\n")
        terminal.until("password of practice")
        # It cannot be waited for: the prompt is shown before the terminal is told to hide what is typed.
        wait_for("nothing typed is shown", lambda: not terminal.is_echoing())
        terminal.type(WORD + "\n")
        terminal.until("right one of red, and linked")
        assert terminal.process.wait(PATIENCE_S) == 0
        assert WORD not in terminal.shown
    wanted = ("pair", str(board.link), "--room", "red", "--side", "right", "--wifi-ssid", "practice")
    with Terminal(daemon, *wanted) as terminal:
        terminal.until("password of practice")
        wait_for("nothing typed is shown", lambda: not terminal.is_echoing())
        terminal.type("\x03")
        # At once, and what is typed is shown again.
        assert terminal.process.wait(PATIENCE_S) == 1
        assert terminal.is_echoing()
