"""The board dies whole, its line falls to 0 with whatever dies, and it comes back as a chip does."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.board.rig import ROOT, Rig, alive, wait_for

Maker = Callable[..., Rig]


def tapping(board: Rig, level_bp: int = 6000) -> dict[str, int]:
    """Bring a board up with its line above 0; give its processes."""
    board.up()
    board.say("side 1")
    board.say(f"line {level_bp}")
    assert wait_for("the first row", board.levels) == [level_bp / 100]
    return board.hands("info")["pids"]


def boots(board: Rig) -> int:
    return board.hands("info")["boots"]


def test_a_killed_vm_drops_the_line_and_is_restarted(board: Maker) -> None:
    rig = board()
    pids = tapping(rig)
    before_us = time.monotonic_ns() // 1000
    os.kill(pids["vm"], signal.SIGKILL)
    wait_for("a 0 row", lambda: rig.levels() == [60, 0])
    assert rig.rows()[-1][0] >= before_us
    wait_for("another boot", lambda: boots(rig) == 2)
    rig.up()
    assert rig.levels() == [60, 0]


def test_a_killed_launcher_leaves_no_process_and_no_line(board: Maker) -> None:
    rig = board()
    pids = tapping(rig)
    rig.kill()
    wait_for("the end of every process", lambda: not any(map(alive, pids.values())), 2.0)
    assert rig.levels() == [60, 0]


def test_a_killed_launcher_takes_a_hung_vm_with_it(board: Maker) -> None:
    rig = board()
    pids = tapping(rig)
    rig.hands("hang")
    rig.kill()
    wait_for("the end of every process", lambda: not any(map(alive, pids.values())), 2.0)
    assert rig.levels() == [60, 0]


def test_a_hung_vm_is_ended_by_the_armed_watchdog(board: Maker) -> None:
    rig = board()
    tapping(rig)
    rig.say("arm 300")
    rig.hands("hang")
    wait_for("a 0 row", lambda: rig.levels() == [60, 0])
    wait_for("another boot", lambda: boots(rig) == 2)
    rig.up()
    assert rig.hands("info")["reset_cause"] == "watchdog"
    rig.write("environ TWINTAP_RESET_CAUSE")
    rig.expect("watchdog\n")


def test_a_hung_vm_without_a_watchdog_goes_on_vibrating_as_a_chip_would(board: Maker) -> None:
    rig = board()
    tapping(rig)
    rig.hands("hang")
    time.sleep(0.5)
    assert rig.levels() == [60]
    rig.hands("reset")
    wait_for("a 0 row", lambda: rig.levels() == [60, 0])


def test_a_power_reset_boots_again_and_says_so(board: Maker) -> None:
    rig = board()
    tapping(rig)
    rig.hands("reset")
    wait_for("another boot", lambda: boots(rig) == 2)
    rig.up()
    rig.write("environ TWINTAP_RESET_CAUSE")
    rig.expect("power\n")
    rig.write("environ TWINTAP_BOOT_COUNT")
    rig.expect("2\n")


def test_a_vm_that_ends_by_itself_is_restarted(board: Maker) -> None:
    rig = board()
    tapping(rig)
    rig.write("exit")
    wait_for("another boot", lambda: boots(rig) == 2)
    rig.up()
    rig.write("environ TWINTAP_RESET_CAUSE")
    rig.expect("exit\n")
    assert rig.levels() == [60, 0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_in_order_when_asked(board: Maker, number: signal.Signals) -> None:
    rig = board()
    pids = tapping(rig)
    with socket.socket(socket.AF_UNIX) as idle_hands:
        idle_hands.connect(str(rig.state / "hands.sock"))
        rig.process.send_signal(number)
        assert rig.process.wait(20) == 0
    assert not any(map(alive, pids.values()))
    assert rig.levels() == [60, 0]
    assert not rig.link.is_symlink()
    assert rig.stderr.read_text() == ""


@pytest.mark.parametrize("part", ["keeper", "radio"])
def test_a_board_without_its_keeper_or_radio_ends_and_says_why(board: Maker, part: str) -> None:
    rig = board()
    pids = tapping(rig)
    os.kill(pids[part], signal.SIGKILL)
    assert rig.process.wait(20) == 1
    assert f"the board's {part} has ended" in rig.stderr.read_text()
    assert not any(map(alive, pids.values()))


def test_firmware_that_does_not_come_up_is_given_up_in_one_sentence(board: Maker, tmp_path: Path) -> None:
    app = tmp_path / "broken.py"
    app.write_text("raise ValueError('no such pin')\n")
    rig = board(app=app)
    assert rig.process.wait(60) == 1
    said = rig.stderr.read_text()
    assert said.count("\n") == 1
    assert "ValueError: no such pin" in said
    assert "Traceback" in (rig.state / "board.log").read_text()


def test_a_side_that_stays_at_0_writes_no_rows(board: Maker) -> None:
    rig = board().up()
    rig.say("side 1")
    rig.say("line 0")
    rig.hands("reset")
    rig.up()
    assert rig.rows() == []


def test_rubbish_on_the_line_is_counted(board: Maker) -> None:
    rig = board().up()
    rig.say("garbage")
    wait_for("the count", lambda: rig.hands("info")["keeper"]["garbage"] == 1)


def test_the_board_keeps_its_address_and_its_secrets_to_itself(board: Maker) -> None:
    with board() as rig:
        first = rig.up().hands("info")["board_id"]
        assert stat.S_IMODE(rig.state.stat().st_mode) == 0o700
        assert stat.S_IMODE((rig.state / "hands.sock").stat().st_mode) == 0o600
    assert board().up().hands("info")["board_id"] == first
    assert int(first[:2], 16) & 3 == 2


def test_the_daemons_environment_does_not_reach_the_vm(board: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINTAP_TOKEN", "a secret")
    rig = board().up()
    rig.write("environ TWINTAP_TOKEN")
    rig.expect("None\n")


def test_the_clock_and_the_heap_are_as_asked(board: Maker) -> None:
    rig = board("--clock-ppm", "-12.5", "--clock-offset-us", "7200000000", "--heap", "131072").up()
    rig.write("environ TWINTAP_CLOCK_PPM_MILLI")
    rig.expect("-12500\n")
    rig.write("environ TWINTAP_CLOCK_OFFSET_US")
    rig.expect("7200000000\n")
    rig.write("heap")
    assert 110_000 < int(rig.expect("did heap").split()[-3]) <= 131_072


def test_two_boards_cannot_share_a_state(board: Maker) -> None:
    board().up()
    second = board()
    assert second.process.wait(20) == 1
    assert "another board runs" in second.stderr.read_text()


@pytest.mark.parametrize(
    "arguments",
    [["--air", "foggy"], ["--heap", "5"], ["--clock-ppm", "fast"], ["--clock-ppm", "nan"], ["--nonsense"]],
)
def test_a_wrong_use_is_exit_2(arguments: list[str], tmp_path: Path) -> None:
    paths = os.pathsep.join((str(ROOT / "firmware"), str(ROOT / "protocol")))
    command = [
        sys.executable,
        "-m",
        "twintap_board",
        "--state",
        str(tmp_path / "s"),
        "--console",
        str(tmp_path / "c"),
    ]
    result = subprocess.run(
        [*command, *arguments], capture_output=True, env=os.environ | {"PYTHONPATH": paths}
    )
    assert result.returncode == 2
    assert not (tmp_path / "s").exists()


def test_an_app_that_does_not_exist_is_said(board: Maker, tmp_path: Path) -> None:
    rig = board(app=tmp_path / "missing.py")
    assert rig.process.wait(20) == 1
    assert "missing.py" in rig.stderr.read_text()
