"""The chip's own modules in a real MicroPython VM, over stand-ins for its hardware (`chip_stand_ins`)."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from twintap_board.sources import firmware_dir, protocol_dir

HERE = Path(__file__).parent
METHODS = [(1, "info"), (2, "pair"), (3, "reset")]


def run_in_vm(script: Path, folder: Path, *arguments: str, typed: str = "") -> str:
    """Run a script with the pulser's modules at hand; give what it printed, and fail with it if it died.

    `typed` is what somebody types at its console.
    """
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    path = os.pathsep.join((str(firmware_dir()), str(protocol_dir()), str(HERE), ".frozen"))
    done = subprocess.run(
        [sys.executable, "-m", "micropython_unix", str(script), *arguments],
        env=os.environ | {"MICROPYPATH": path},
        cwd=folder,
        input=typed,
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


def test_safe_mode_answers_its_console_until_it_is_asked_to_start_anew(tmp_path: Path) -> None:
    lines = [
        "rubbish",
        *(json.dumps({"jsonrpc": "2.0", "id": at, "method": method}) for at, method in METHODS),
    ]
    said = run_in_vm(HERE / "chip_safe_vm.py", tmp_path, typed="\r\n".join([*lines, "", "never read"]))
    answers = [json.loads(line) for line in said.splitlines()[:-1]]
    assert [answer["id"] for answer in answers] == [None, 1, 2, 3]
    assert answers[1]["result"]["safe_mode"] is True
    assert answers[1]["result"]["last_error"] == "MemoryError: full"
    assert answers[2]["error"]["message"].startswith("safe mode")
    assert answers[3]["result"] == {}
