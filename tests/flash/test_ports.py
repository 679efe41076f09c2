"""A port that cannot be opened says why, and what to do."""

import errno
import fcntl
import os
import pty
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial

from twintap_flash import port as ports
from twintap_flash.errors import CableLost, FlashError
from twintap_flash.port import check_port, explained


@pytest.fixture
def free_port() -> Iterator[str]:
    master, slave = pty.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


def test_a_port_that_is_there_and_free_is_fine(free_port: str) -> None:
    check_port(free_port)


def test_a_port_that_is_none_is_named_with_those_that_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Found:
        device = "/dev/ttyACM7"

    monkeypatch.setattr(ports.list_ports, "comports", lambda: [Found()])
    with pytest.raises(FlashError, match=r"there is no port .*none; there is: /dev/ttyACM7") as refused:
        check_port(str(tmp_path / "none"))
    assert refused.value.code == "port"
    monkeypatch.setattr(ports.list_ports, "comports", list)
    with pytest.raises(FlashError, match="is the cable a data cable"):
        check_port(str(tmp_path / "none"))


def test_a_file_is_not_a_port(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(FlashError, match="is not a serial port"):
        check_port(str(file))


def test_a_port_that_another_program_holds_is_said_to_be_busy(free_port: str) -> None:
    held = os.open(free_port, os.O_RDWR | os.O_NOCTTY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(FlashError, match=r"another program has .* open"):
            check_port(free_port)
    finally:
        os.close(held)


def test_a_port_that_is_not_allowed_names_the_group_and_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_group", lambda _: "uucp")
    fault = serial.SerialException(errno.EACCES, "could not open port /dev/ttyUSB0: Permission denied")
    words = str(explained("/dev/ttyUSB0", fault))
    assert "may not open /dev/ttyUSB0" in words
    assert "sudo usermod -a -G uucp $USER" in words


def test_a_cable_that_goes_is_a_lost_one() -> None:
    assert isinstance(explained("/dev/ttyUSB0", OSError(errno.EIO, "Input/output error")), CableLost)
