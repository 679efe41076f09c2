"""The chip's own modules in a real MicroPython VM, over stand-ins for its hardware (`chip_stand_ins`)."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from twintap_board.sources import firmware_dir, protocol_dir

HERE = Path(__file__).parent


def run_in_vm(script: Path, folder: Path, *arguments: str) -> str:
    """Run a script with the pulser's modules at hand; give what it printed, and fail with it if it died."""
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    path = os.pathsep.join((str(firmware_dir()), str(protocol_dir()), str(HERE), ".frozen"))
    done = subprocess.run(
        [sys.executable, "-m", "micropython_unix", str(script), *arguments],
        env=os.environ | {"MICROPYPATH": path},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split()[-1:] == ["ok"], done.stdout + done.stderr
    return done.stdout


def test_the_chip_s_port_keeps_its_contract(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run_in_vm(HERE / "chip_port_vm.py", tmp_path, str(port))


@pytest.mark.parametrize("what", ["motor", "radio", "life", "boot"])
def test_the_chip_s_parts_keep_theirs(what: str, tmp_path: Path) -> None:
    run_in_vm(HERE / f"chip_{what}_vm.py", tmp_path)
