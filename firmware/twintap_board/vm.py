"""The chip: the real MicroPython VM in this process, running the flash folder that is the working directory.

`python -m twintap_board.vm LAUNCHER_PID HEAP_BYTES FIRMWARE_DIR PROTOCOL_DIR`. Where there is no MicroPython
VM for the platform, the same files run under CPython, and stderr says so.
"""

import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

from .hostos import die_with_parent

# A chip runs boot.py, then main.py, in one namespace.
_START = "import os\nif 'boot.py' in os.listdir():\n execfile('boot.py')\nexecfile('main.py')\n"


def main() -> int:
    """Run the firmware until it ends; give its exit code."""
    launcher_pid, heap_bytes = int(sys.argv[1]), int(sys.argv[2])
    die_with_parent(launcher_pid)
    try:
        from micropython_unix import main as run_micropython  # pyright: ignore[reportUnknownVariableType]
    except ImportError:
        return _run_under_cpython(sys.argv[3:])
    # Only the flash folder and what the VM itself carries: nothing of this machine's own MicroPython.
    os.environ["MICROPYPATH"] = ".frozen"
    sys.argv = ["micropython", "-X", f"heapsize={heap_bytes}", "-c", _START]
    return cast("Callable[[], int]", run_micropython)()


def _run_under_cpython(folders: list[str]) -> int:
    print("twintap board: no MicroPython VM for this platform: CPython runs the firmware", file=sys.stderr)
    sys.path[:0] = folders
    if Path("boot.py").exists():
        runpy.run_path("boot.py", run_name="__main__")
    runpy.run_path("main.py", run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main())
