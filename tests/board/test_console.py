"""The console is a serial port as real ones are."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import serial

from tests.board.rig import Rig, wait_for

Maker = Callable[..., Rig]


def test_a_client_may_come_and_go(board: Maker) -> None:
    rig = board().up()
    for word in ("one", "two", "three"):
        assert rig.serial is not None
        rig.serial.close()
        rig.serial = serial.Serial(str(rig.link), 115200, timeout=0.05)
        rig.write(f"echo {word}")
        assert rig.expect(f"{word}\n") == f"{word}\n"
        rig.expect("did echo\n")


def test_bytes_pass_unchanged_in_both_directions(board: Maker) -> None:
    rig = board().up()
    rig.write("echo \x03\x04\x11\x13\t~é\r!")
    # The app splits at white space and joins by spaces: control characters that a terminal would eat remain.
    assert "\x03\x04\x11\x13 ~é !" in rig.expect("did echo\n")


def test_a_large_answer_reaches_a_client_that_reads(board: Maker) -> None:
    rig = board().up()
    rig.write("fill 12000")
    assert rig.expect("did fill\n").count("x") == 12_000


def test_nobody_reading_never_blocks_the_vm_and_old_words_are_dropped(board: Maker) -> None:
    rig = board().up()
    assert rig.serial is not None
    for _ in range(20):
        rig.write("fill 20000")
    rig.write("side 1")
    rig.write("line 500")
    wait_for("the line set after all that", lambda: rig.levels() == [5])
    wait_for("the drop", lambda: rig.hands("info")["console_dropped"] > 300_000)
    time.sleep(1.0)
    rig.serial.close()
    rig.serial = serial.Serial(str(rig.link), timeout=0.05)
    rig.write("echo fresh")
    assert rig.expect("fresh\n").count("x") < 4_096


def test_a_traceback_is_on_the_console_and_in_the_log(board: Maker) -> None:
    rig = board().up()
    rig.write("raise")
    rig.expect("ValueError: a traceback is wanted\n")
    wait_for("the log", lambda: "a traceback is wanted" in (rig.state / "board.log").read_text())
    wait_for("another boot", lambda: rig.hands("info")["boots"] == 2)
    rig.up()


def test_the_log_is_bounded(tmp_path: Path) -> None:
    from twintap_board.console import BoardLog

    log = BoardLog(tmp_path / "board.log")
    for _ in range(2000):
        log.write(b"x" * 1000)
    log.close()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {"board.log", "board.log.1"}
    assert sum(sizes.values()) < 600_000


def test_a_stale_link_is_replaced(board: Maker, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "console").symlink_to("/dev/pts/99999")
    board().up()


@pytest.mark.parametrize("kind", ["file", "other link"])
def test_what_is_not_ours_in_the_links_place_is_left_alone(board: Maker, tmp_path: Path, kind: str) -> None:
    (tmp_path / "a").mkdir()
    place = tmp_path / "a" / "console"
    if kind == "file":
        place.write_text("precious")
    else:
        place.symlink_to("/dev/null")
    rig = board()
    assert rig.process.wait(20) == 1
    assert str(place) in rig.stderr.read_text()
    assert place.read_text() == ("precious" if kind == "file" else "")
