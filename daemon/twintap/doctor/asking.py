"""Asking a program of the system: short, in English, without a window, and never for long."""

import os
import shutil
import subprocess
import sys

_WITHIN_S = 2.0


def answer_of(*command: str, within_s: float = _WITHIN_S) -> str | None:
    """Give what a program printed if it ended well; None if it is not there, failed, or was slow. Blocks."""
    done = run(*command, within_s=within_s)
    return None if done is None or done[0] != 0 else done[1]


def run(*command: str, within_s: float = _WITHIN_S) -> tuple[int, str] | None:
    """Give a program's exit code and what it printed; None if it is not there, or was too slow. Blocks."""
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=within_s,
            check=False,
            env=os.environ | {"LC_ALL": "C", "LANG": "C"},
            creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.returncode, done.stdout.decode("utf-8", "replace")
