"""`twintap flash`: the flash tool in this process's place."""

import os
import subprocess
import sys


def run_flash(arguments: list[str]) -> int:
    """Become `python -m twintap_flash` (Windows: run it); its exit code is the command's."""
    environment = os.environ | {"TWINTAP_FLASH_PROG": "twintap flash"}  # its name, in what it says of its use
    program = [sys.executable, "-m", "twintap_flash", *arguments]
    if sys.platform == "win32":
        return subprocess.run(program, check=False, env=environment).returncode
    return os.execve(program[0], program, environment)  # noqa: S606 - a list of arguments, no shell
