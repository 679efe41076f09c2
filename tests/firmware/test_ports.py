"""The chip's port over stand-ins, the board files, and what ports have in common."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twintap_board.sources import firmware_dir, protocol_dir

from .pulser_parts import ports

SCRIPT = Path(__file__).with_name("chip_port_vm.py")


def test_the_chip_s_port_keeps_its_contract_over_stand_ins(tmp_path: Path) -> None:
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = os.pathsep.join((str(firmware_dir()), str(protocol_dir()), ".frozen"))
    done = subprocess.run(
        [sys.executable, "-m", "micropython_unix", str(SCRIPT), str(port)],
        env=os.environ | {"MICROPYPATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.split()[-1:] == ["ok"], done.stdout + done.stderr


@given(st.tuples(*[st.integers(0, 255)] * 4), st.integers(1, 65_535))
def test_an_address_survives_its_six_bytes(host: tuple[int, ...], port: int) -> None:
    text = ".".join(map(str, host))
    address = ports.pack_address(text, port)
    assert len(address) == 6
    assert (ports.host_of(address), ports.port_of(address)) == (text, port)


@pytest.mark.parametrize(
    "host", ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "a.b.c.d", "1.2.3.-4", "1.2.3.0004", " 1.2.3.4"]
)
def test_what_is_no_ipv4_address_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="IPv4"):
        ports.pack_address(host, 1)
