"""The chip's own modules in a real MicroPython VM, over stand-ins for its hardware (`chip_stand_ins`)."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from twintap_board.sources import firmware_dir, protocol_dir
from twintap_flash.boards import known_boards, read_board
from twintap_flash.build import build

HERE = Path(__file__).parent
METHODS = [(1, "info"), (2, "pair"), (3, "reset")]


def run_in_vm(script: Path, folder: Path, *arguments: str, typed: str = "", built: Path | None = None) -> str:
    """Run a script with the pulser's modules at hand; give what it printed, and fail with it if it died.

    `typed` is what somebody types at its console; `built` holds what would go on a chip, to be run in place
    of the sources.
    """
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    modules = (str(firmware_dir()), str(protocol_dir())) if built is None else (str(built),)
    path = os.pathsep.join((*modules, str(HERE), ".frozen"))
    done = subprocess.run(
        [sys.executable, "-m", "micropython_unix", str(script), *arguments],
        env=os.environ | {"MICROPYPATH": path},
        cwd=folder,
        input=typed,
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert done.stdout.split()[-1:] == ["ok"], done.stdout + done.stderr
    return done.stdout


def free_port() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def test_the_chip_s_port_keeps_its_contract(tmp_path: Path) -> None:
    run_in_vm(HERE / "chip_port_vm.py", tmp_path, free_port())


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


@pytest.mark.parametrize("is_built", [False, True], ids=["sources", "built"])
def test_the_whole_pulser_runs_on_the_chip_s_port(is_built: bool, tmp_path: Path) -> None:
    built = tmp_path / "built" if is_built else None
    if built is not None:
        build(built, read_board(known_boards()["xiao-esp32c3"]))
    asked = [
        ("info", {}),
        ("wifi", {"ssid": "clinic", "password": "pw"}),
        ("scan", {}),
        ("selftest", {"buzz": True}),
        ("info", {}),
        ("reset", {}),
    ]
    lines = [
        json.dumps({"jsonrpc": "2.0", "id": at, "method": method, "params": params})
        for at, (method, params) in enumerate(asked)
    ]
    typed = "\n".join([*lines, ""])
    said = run_in_vm(HERE / "chip_app_vm.py", tmp_path, free_port(), "idle", typed=typed, built=built)
    answers = {answer["id"]: answer for answer in map(json.loads, said.splitlines()[:-1])}
    assert answers[0]["result"]["network"] == "no network set"
    assert answers[0]["result"]["board_id"] == "test"
    heard = answers[2]["result"]["networks"]
    assert [network["ssid"] for network in heard] == ["clinic", "far"]
    told = answers[3]["result"]
    assert not [line for line in told.values() if line["ok"] is False], told
    assert told["battery"]["value"] == 3_800
    after = answers[4]["result"]
    assert (after["network"], after["ssid"], after["rssi_dbm"]) == ("up", "clinic", -55)
    assert after["boot_cause"] == "power"
    assert "pw" not in json.loads((tmp_path / "settings.json").read_text())["networks"][0][0]
    assert "error" not in answers[5]


def test_a_pulser_that_starts_on_its_charger_never_buzzes(tmp_path: Path) -> None:
    asked = [("identify", {"ms": 300}), ("selftest", {"buzz": True}), ("reset", {})]
    lines = [
        json.dumps({"jsonrpc": "2.0", "id": at, "method": method, "params": params})
        for at, (method, params) in enumerate(asked)
    ]
    said = run_in_vm(
        HERE / "chip_app_vm.py", tmp_path, free_port(), "charging", typed="\n".join([*lines, ""])
    )
    answers = {answer["id"]: answer for answer in map(json.loads, said.splitlines()[:-1])}
    assert "charging" in answers[0]["error"]["message"]
    assert "charging" in answers[1]["result"]["motor"]["say"]
