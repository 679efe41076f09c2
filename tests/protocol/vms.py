"""How the tests run a script under each of the two VMs, the way the project runs them."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROTOCOL = ROOT / "protocol"
VECTORS = PROTOCOL / "vectors"
VMS = ("cpython", "micropython")

# The platforms for which the VM is published; elsewhere its half of the tests cannot run, and says so.
_WITH_MICROPYTHON = {("Linux", "x86_64"), ("Darwin", "arm64")}


def run_under(vm: str, script: Path, *args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `script` under "cpython" or "micropython" with the protocol package on the path, and wait."""
    env = dict(os.environ, PYTHONPATH=str(PROTOCOL), MICROPYPATH=str(PROTOCOL), PYTHONDONTWRITEBYTECODE="1")
    interpreter = Path(sys.executable)
    if vm == "micropython":
        interpreter = interpreter.with_name("micropython")
        if not interpreter.exists() and (platform.system(), platform.machine()) not in _WITH_MICROPYTHON:
            pytest.skip(f"no MicroPython VM is published for {platform.system()} {platform.machine()}")
    command = [str(interpreter), str(script), *map(str, args)]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=100, check=False)
