"""What the board asks of the operating system that Python has no name for."""

import contextlib
import ctypes
import os
import signal
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_TIMERSLACK = 29
_NICENESS = -10


def monotonic_ns() -> int:
    """Give CLOCK_MONOTONIC in ns: the clock of the VM's `ticks_us`, of every trace, of every process here."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def monotonic_us() -> int:
    """Give CLOCK_MONOTONIC in µs."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def sharpen_timers() -> None:
    """Let this process and those it starts wake on time: Linux otherwise adds up to 50 µs to every wait.

    Elsewhere, or where it is refused, nothing happens: timing is then a little worse, and nothing else.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)


def go_before_others() -> None:
    """Let this process and those it starts run before the machine's other work, where that is allowed.

    A chip has its core to itself; an emulated one that waits for a compiler's turn to end taps late.
    """
    if sys.platform == "win32":
        return
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, min(os.getpriority(os.PRIO_PROCESS, 0), _NICENESS))


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when its parent `parent_pid` ends (Linux; elsewhere the keeper does).

    A parent that has ended already ends this process at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)


def kill_process(pid: int) -> None:
    """Kill a process of ours, hung or not; one that has ended already is no error."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
