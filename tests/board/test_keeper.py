"""The motor line obeys records, survives rubbish, and its trace is exact."""

import os
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.board.rig import ROOT, wait_for
from twintap_board import wire
from twintap_board.keeper import MotorLine
from twintap_board.trace import Trace, level_text


def record(kind: int, a: int = 0, b: int = 0, c: int = 0, at_us: int = 0) -> bytes:
    return struct.pack("<BBHIQ", kind, a, b, c, at_us)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trace.csv"


def rows(path: Path) -> list[str]:
    header, *rest = path.read_text().splitlines()
    assert header == "monotonic_us,side,level_pct"
    return rest


def test_rows_carry_the_vms_own_times_and_only_changes(path: Path) -> None:
    line = MotorLine(Trace(path, 0))
    line.take(record(4, a=2) + record(1, b=6000, at_us=100) + record(1, b=6000, at_us=150), 1000)
    line.take(record(1, b=0, at_us=1100), 1200)
    assert rows(path) == ["100,right,60", "1100,right,0"]


def test_records_may_come_in_pieces(path: Path) -> None:
    line = MotorLine(Trace(path, 0))
    for byte in record(4, a=1) + record(1, b=1234, at_us=5):
        line.take(bytes((byte,)), 10)
    assert rows(path) == ["5,left,12.34"]


def test_rubbish_is_counted_and_moves_nothing(path: Path) -> None:
    line = MotorLine(Trace(path, 0))
    bad = [record(0), record(99), record(1, b=10_001), record(4, a=3), record(2, c=0), record(2, c=600_001)]
    line.take(b"".join(bad), 10)
    assert line.garbage == len(bad)
    assert rows(path) == []
    assert line.wdt_timeout_us == 0


def test_a_time_in_the_future_is_taken_as_now_and_none_goes_back(path: Path) -> None:
    line = MotorLine(Trace(path, 0))
    line.take(record(4, a=1) + record(1, b=100, at_us=10**15) + record(1, b=200, at_us=7), 50)
    assert rows(path) == ["50,left,1", "50,left,2"]


def test_a_reset_drops_the_line_once_and_disarms(path: Path) -> None:
    line = MotorLine(Trace(path, 0))
    line.take(record(4, a=1) + record(2, c=1000) + record(1, b=5000, at_us=10), 20)
    line.reset(30)
    line.reset(40)
    assert rows(path) == ["10,left,50", "30,left,0"]
    assert (line.side, line.wdt_timeout_us) == (0, 0)


def test_a_new_side_ends_the_old_sides_run(path: Path) -> None:
    line = MotorLine(Trace(path, 0))
    line.take(record(4, a=1) + record(1, b=5000, at_us=10) + record(4, a=2), 20)
    assert rows(path) == ["10,left,50", "20,left,0", "20,right,50"]


def test_only_feeding_puts_the_watchdog_off() -> None:
    line = MotorLine(None)
    line.take(record(2, c=1000), 0)
    assert line.wdt_due_us == 1_000_000
    line.take(record(1, b=1, at_us=1) + record(99), 500_000)
    assert line.wdt_due_us == 1_000_000
    line.take(record(3), 600_000)
    assert line.wdt_due_us == 1_600_000


@given(st.lists(st.binary(max_size=64), max_size=50))
def test_no_bytes_break_the_line(chunks: list[bytes]) -> None:
    line = MotorLine(None)
    for number, chunk in enumerate(chunks):
        line.take(chunk, number)
        assert 0 <= line.level_bp <= wire.LEVEL_BP_MAX
        assert line.side < len(wire.SIDES)


@given(st.integers(0, 10_000))
def test_a_level_is_written_exactly_and_never_rounded_to_0(level_bp: int) -> None:
    text = level_text(level_bp)
    assert round(float(text) * 100) == level_bp
    assert (float(text) == 0) == (level_bp == 0)
    assert len(text.partition(".")[2]) <= 2


def test_a_trace_goes_on_after_a_restart_with_one_header(path: Path) -> None:
    MotorLine(Trace(path, 0)).take(record(4, a=1) + record(1, b=100, at_us=1) + record(1, b=0, at_us=2), 3)
    MotorLine(Trace(path, 3)).take(record(4, a=1) + record(1, b=100, at_us=4), 5)
    assert rows(path) == ["1,left,1", "2,left,0", "4,left,1"]


def test_a_trace_left_open_by_a_dead_machine_is_closed_first(path: Path) -> None:
    MotorLine(Trace(path, 0)).take(record(4, a=2) + record(1, b=25, at_us=1), 3)
    Trace(path, 9)
    assert rows(path) == ["1,right,0.25", "9,right,0"]


def test_a_trace_from_before_the_machines_restart_is_put_aside(path: Path) -> None:
    MotorLine(Trace(path, 0)).take(record(4, a=1) + record(1, b=100, at_us=500), 500)
    Trace(path, 20)
    assert rows(path) == []
    assert rows(path.with_name("trace.csv.1")) == ["500,left,1"]


def test_a_full_disk_does_not_stop_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    line = MotorLine(_FullTrace())
    line.take(record(4, a=1) + record(1, b=100) + record(1, b=0) + record(2, c=5), 10)
    assert line.rows_lost == 2
    assert line.wdt_timeout_us == 5000
    assert capsys.readouterr().err.count("cannot be written") == 1


class _FullTrace(Trace):
    def __init__(self) -> None:
        pass

    def write_row(self, at_us: int, side: str, level_bp: int) -> int:
        raise OSError(28, "No space left on device")


# -- the process, with a sleeping stranger in the VM's place: nothing but the keeper ends that --------------


class Attached:
    """A keeper that was told of a VM, the channel to it, and the VM's end of the line."""

    def __init__(self, path: Path) -> None:
        self.vm = subprocess.Popen(["sleep", "600"])
        self.channel, theirs = socket.socketpair()
        paths = os.pathsep.join((str(ROOT / "firmware"), str(ROOT / "protocol")))
        command = [sys.executable, "-m", "twintap_board.keeper", str(path)]
        self.keeper = subprocess.Popen(command, stdin=theirs, env=os.environ | {"PYTHONPATH": paths})
        theirs.close()
        reading, self.line = os.pipe()
        question = b'{"do": "attach", "vm": %d}\n' % self.vm.pid
        socket.send_fds(self.channel, [question], [reading])
        os.close(reading)
        assert b'"level_bp": 0' in self.channel.recv(4096)

    def close(self) -> None:
        os.close(self.line)
        self.channel.close()
        for process in (self.vm, self.keeper):
            process.kill()
            process.wait()


@pytest.fixture
def attached(path: Path) -> Iterator[Attached]:
    made = Attached(path)
    yield made
    made.close()


def test_a_launcher_gone_is_the_end_of_the_vm_even_where_the_kernel_does_not_see_to_it(
    attached: Attached, path: Path
) -> None:
    os.write(attached.line, record(4, a=1) + record(1, b=6000, at_us=1))
    wait_for("the row", lambda: len(rows(path)) == 1)
    attached.channel.close()
    assert attached.keeper.wait(20) == 0
    assert attached.vm.wait(20) == -9
    assert [row.split(",")[1:] for row in rows(path)] == [["left", "60"], ["left", "0"]]


def test_a_watchdog_that_is_not_fed_ends_the_vm_after_its_time_and_not_before(
    attached: Attached, path: Path
) -> None:
    os.write(attached.line, record(4, a=1) + record(1, b=6000, at_us=10**15) + record(2, c=250))
    assert attached.vm.wait(20) == -9
    wait_for("the 0 row", lambda: len(rows(path)) == 2)
    (set_us, _side, _level), (off_us, _other_side, level) = (row.split(",") for row in rows(path))
    assert level == "0"
    assert int(off_us) - int(set_us) >= 250_000


def test_what_a_vm_writes_after_its_watchdog_fired_moves_nothing(attached: Attached, path: Path) -> None:
    os.write(attached.line, record(4, a=1) + record(2, c=1))
    assert attached.vm.wait(20) == -9
    with pytest.raises(BrokenPipeError):
        os.write(attached.line, record(1, b=6000))
    assert rows(path) == []
