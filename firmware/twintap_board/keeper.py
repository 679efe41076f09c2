"""The keeper: the motor line and the hardware watchdog, in a process of their own.

It stands for what a chip's silicon does whatever the firmware does: a line that falls to 0 at any reset, and
a watchdog that fires when it is not fed. It therefore outlives the VM, ignores the terminal's Ctrl-C, and
waits for nobody.
"""

import os
import select
import signal
import socket
import sys
from pathlib import Path

from . import wire
from .channel import Answerer
from .hostos import kill_process, monotonic_us
from .trace import Trace

# The VM writes some hundred bytes a second; more than this in one go is a VM gone mad, and is taken in turns.
_READ_MAX = 4096


class MotorLine:
    """What records do to the line, the side and the watchdog, over any number of VMs. Reads no clock."""

    def __init__(self, trace: Trace | None) -> None:
        """Take the trace to write to, if there is one."""
        self._trace = trace
        self._rest = b""
        self.side = 0
        self.level_bp = 0
        self.light = 0
        self.garbage = 0
        self.rows_lost = 0
        self.wdt_timeout_us = 0
        self.wdt_due_us = 0

    def take(self, data: bytes, now_us: int) -> None:
        """Obey whole records, keep a part for the next call; what is out of range is counted and ignored."""
        data = self._rest + data
        whole = len(data) - len(data) % wire.LINE_RECORD.size
        self._rest = data[whole:]
        for kind, a, b, c, host_us in wire.LINE_RECORD.iter_unpack(data[:whole]):
            if kind == wire.LINE and b <= wire.LEVEL_BP_MAX:
                self._set_level(b, min(host_us, now_us))
            elif kind == wire.WDT_FEED:
                self.wdt_due_us = now_us + self.wdt_timeout_us
            elif kind == wire.WDT_ARM and 1 <= c <= wire.WDT_TIMEOUT_MS_MAX:
                self.wdt_timeout_us = c * 1000
                self.wdt_due_us = now_us + self.wdt_timeout_us
            elif kind == wire.SIDE and a < len(wire.SIDES):
                self._set_side(a, now_us)
            elif kind == wire.LIGHT and c <= wire.LIGHT_MAX:
                self.light = c
            else:
                self.garbage += 1

    def reset(self, now_us: int) -> None:
        """Let go of everything, as a chip's pins and watchdog do at a reset."""
        self._set_level(0, now_us)
        self._rest = b""
        self.side = 0
        self.light = 0
        self.wdt_timeout_us = 0

    def _set_level(self, level_bp: int, at_us: int) -> None:
        if level_bp == self.level_bp:
            return
        self.level_bp = level_bp
        self._write(at_us)

    def _set_side(self, side: int, now_us: int) -> None:
        if side == self.side:
            return
        # One motor: its run under the old name ends before one under the new name begins.
        level_bp = self.level_bp
        self._set_level(0, now_us)
        self.side = side
        self._set_level(level_bp, now_us)

    def _write(self, at_us: int) -> None:
        if self._trace is None:
            return
        try:
            self._trace.write_row(at_us, wire.SIDES[self.side], self.level_bp)
        except OSError as error:
            # A full disk must not stop the watchdog. Said once; counted always.
            if not self.rows_lost:
                print(f"twintap board: the trace cannot be written ({error})", file=sys.stderr)
            self.rows_lost += 1


class Keeper:
    """The process: waits for records, for the launcher's questions and for the watchdog."""

    def __init__(self, line: MotorLine, control: Answerer) -> None:
        """Take the line and the launcher's channel."""
        self._line = line
        self._control = control
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._pipe = -1
        self._vm_pid = 0
        self._watchdog_fired = False

    def run(self) -> None:
        """Serve until the launcher is gone; then see that the VM is gone too, and the line at 0."""
        while True:
            events = self._poll.poll(self._wait_ms())
            self._read_pipe()
            if self._pipe >= 0 and self._line.wdt_timeout_us and monotonic_us() >= self._line.wdt_due_us:
                self._watchdog_fired = True
                self._end_vm()
            if any(fd == self._control.fileno() for fd, _event in events) and not self._obey():
                self._end_vm()
                return

    def _wait_ms(self) -> int | None:
        if self._pipe < 0 or not self._line.wdt_timeout_us:
            return None
        return max(0, -(-(self._line.wdt_due_us - monotonic_us()) // 1000))

    def _read_pipe(self) -> None:
        while self._pipe >= 0:
            try:
                data = os.read(self._pipe, _READ_MAX)
            except BlockingIOError:
                return
            if not data:
                self._let_go()
                return
            self._line.take(data, monotonic_us())
            if len(data) < _READ_MAX:
                return

    def _end_vm(self) -> None:
        if self._pipe < 0:
            return
        # Our own end of the pipe is closed with it: what a dying VM still writes moves nothing.
        self._let_go()
        kill_process(self._vm_pid)

    def _let_go(self) -> None:
        self._line.reset(monotonic_us())
        self._poll.unregister(self._pipe)
        os.close(self._pipe)
        self._pipe = -1

    def _obey(self) -> bool:
        got = self._control.questions()
        if got is None:
            return False
        questions, fds = got
        for question in questions:
            if question["do"] == "attach":
                # The VM before it is gone already, and its process number may be somebody else's by now.
                if self._pipe >= 0:
                    self._let_go()
                self._pipe = fds.pop(0)
                os.set_blocking(self._pipe, False)
                self._poll.register(self._pipe, select.POLLIN)
                self._vm_pid = question["vm"]
                self._watchdog_fired = False
            self._control.answer(
                {
                    "level_bp": self._line.level_bp,
                    "side": wire.SIDES[self._line.side],
                    "light": f"#{self._line.light:06x}",
                    "watchdog_ms": self._line.wdt_timeout_us // 1000,
                    "watchdog_fired": self._watchdog_fired,
                    "garbage": self._line.garbage,
                    "rows_lost": self._line.rows_lost,
                }
            )
        return True


def main() -> int:
    """Run as a child of the launcher: the channel on descriptor 0, the trace's path as the one argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    control = Answerer(socket.socket(fileno=0))
    try:
        trace = Trace(Path(sys.argv[1]), monotonic_us()) if len(sys.argv) > 1 else None
    except OSError as error:
        print(f"twintap board: the trace cannot be opened ({error})", file=sys.stderr)
        return 1
    Keeper(MotorLine(trace), control).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
