"""`twintap board`: one virtual board in this process's place."""

import os
import subprocess
import sys


def run_board(arguments: list[str]) -> int:
    """Become `python -m twintap_board` (Windows: run it); its exit code is the command's."""
    program = [sys.executable, "-m", "twintap_board", *arguments]
    if sys.platform == "win32":
        return subprocess.run(program, check=False).returncode
    return os.execv(program[0], program)  # noqa: S606 - a list of arguments, no shell
