"""`serve --virtual` through restarts and violent ends: boards keep their keys, and die with the daemon."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.daemon.test_cli import Daemon, begin, end, pytestmark

__all__ = ["pytestmark"]


def boards_of(data: Path) -> list[str]:
    listed = subprocess.run(["ps", "-axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(data) in line and "twintap_board" in line]


def gone(data: Path, within_s: float = 5.0) -> bool:
    deadline = time.monotonic() + within_s
    while boards_of(data) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not boards_of(data)


Begin = Callable[..., Daemon]


@pytest.fixture
def started() -> Generator[Begin]:
    """Begin daemons that do not outlive the test, whatever becomes of it."""
    running: list[Daemon] = []

    def start(data: Path, *arguments: str) -> Daemon:
        running.append(begin(data, *arguments))
        return running[-1]

    yield start
    for daemon in running:
        if daemon.process.poll() is None:
            end(daemon)


def test_boards_keep_their_keys_and_die_with_the_daemon(tmp_path: Path, started: Begin) -> None:
    data = tmp_path / "d"
    first = started(data, "--virtual", "2")
    assert first.told["rooms"] == {"room-1": True, "room-2": True}
    assert len(boards_of(data)) >= 4
    keys = (data / "pairings.json").read_text()
    assert keys.count('"key"') == 4
    assert first.run("set", "start", "room-1").returncode == 0
    # While a set runs: the set is stopped before its boards are ended, and nothing has to be said.
    assert end(first) == (0, "")
    assert gone(data)
    second = started(data, "--virtual", "1")
    try:
        # Its port is another one, and so are the boards': they found each other anew, under the old keys.
        assert second.url != first.url
        assert second.told["rooms"] == {"room-1": True}

        def kept(text: str) -> set[str]:
            return {line.strip().rstrip(",") for line in text.splitlines() if '"key"' in line}

        assert kept((data / "pairings.json").read_text()) == kept(keys)
        # Nothing starts by itself.
        assert second.json("room", "room-1")["set"] is None
    finally:
        code, _ = end(second, signal.SIGKILL)
    assert code == -signal.SIGKILL
    assert gone(data)


def test_a_daemon_told_to_end_while_it_begins_ends_at_once(tmp_path: Path) -> None:
    data = tmp_path / "d"
    process = subprocess.Popen(
        [sys.executable, "-m", "twintap", "serve", "--data", str(data), "--port", "0", "--virtual", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 20
    while not boards_of(data) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")
    assert gone(data)


def test_what_a_person_is_told_can_be_typed(tmp_path: Path) -> None:
    data = tmp_path / "d"
    with subprocess.Popen(
        [sys.executable, "-m", "twintap", "serve", "--data", str(data), "--port", "0", "--virtual", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            lines: list[str] = []
            while "Ctrl-C" not in (lines[-1] if lines else ""):
                lines.append(process.stdout.readline())
                assert lines[-1], "the daemon ended"
            assert lines[0].startswith("twintap serves http://127.0.0.1:")
            (ready,) = [line for line in lines if line.startswith("room-1 is ready")]
            start, stop = ready.partition("Tap: ")[2].strip().split("   Stop: ")
            for command in (start, stop):
                done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
                assert done.returncode == 0, (command, done.stderr)
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
        assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize("end_by", ["stdin", "signal"])
def test_where_the_kernel_does_not_end_a_board_the_guard_does(end_by: str) -> None:
    lasting = "import time; print(1, flush=True); time.sleep(60)"
    program = (
        f"import sys, twintap.guard as g; sys.exit(g.watch_over([sys.executable, '-c', {lasting!r}]) != 0)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as guard:
        assert guard.stdout is not None
        assert guard.stdin is not None
        guard.stdout.readline()
        if end_by == "stdin":
            guard.stdin.close()
        else:
            guard.terminate()
        assert guard.wait(10) == 1
        # Its program held the same stdout: it has ended too.
        assert guard.stdout.read() == b""
