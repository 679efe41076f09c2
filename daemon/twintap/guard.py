"""`python -m twintap.guard PARENT PROGRAM ARGUMENT…`: run a program that ends when the daemon does.

A daemon that is killed has no chance to end its virtual boards; this sees to it. On Linux the kernel does it:
the process becomes the program, which is sent SIGTERM when its parent dies. Elsewhere this process stays, and
ends the program when its stdin, a pipe that the daemon holds open, comes to its end.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading

_PR_SET_PDEATHSIG = 1


def _become(parent: int, program: list[str]) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    # It may have died before the kernel was asked.
    if os.getppid() != parent:
        raise SystemExit(1)
    os.execv(program[0], program)  # noqa: S606 - a list of arguments, no shell


def watch_over(program: list[str]) -> int:
    """Run `program` until it ends or stdin does; give its exit code."""
    child = subprocess.Popen(program, stdin=subprocess.DEVNULL)

    def end_with_stdin() -> None:
        while os.read(0, 1024):
            pass
        child.terminate()

    def end(_signal: int, _frame: object) -> None:
        child.terminate()

    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=end_with_stdin, daemon=True).start()
    return child.wait()


def main() -> int:
    """Run the program that the arguments name."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        _become(parent, program)
    return watch_over(program)


if __name__ == "__main__":
    sys.exit(main())
