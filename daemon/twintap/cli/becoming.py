"""Commands that are programs of their own: one takes this process's place."""

import os
import subprocess
import sys


def become(module: str, name: str, arguments: list[str]) -> int:
    """Become `python -m MODULE` (Windows: run it); its exit code is the command's.

    `name`: what it calls itself in what it says of its use, told in the environment as `MODULE_PROG`.
    """
    environment = os.environ | {f"{module.upper()}_PROG": name}
    program = [sys.executable, "-m", module, *arguments]
    if sys.platform == "win32":
        return subprocess.run(program, check=False, env=environment).returncode
    return os.execve(program[0], program, environment)  # noqa: S606 - a list of arguments, no shell
