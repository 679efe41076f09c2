"""Serial ports: which may have a pulser, which one is taken when none is said, and why one cannot be used."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
import serial

from twintap import ports
from twintap.ports import (
    Port,
    access_problem,
    choose,
    described,
    likely_ports,
    opening_words,
    permission_words,
)


@dataclass
class Found:
    device: str
    vid: int | None = None
    pid: int | None = None
    serial_number: str | None = None
    description: str | None = "n/a"


BOARD = Found("/dev/ttyACM0", 0x303A, 0x1001, "AA:BB", "USB JTAG/serial debug unit")
ADAPTER = Found("/dev/ttyUSB0", 0x1A86, 0x7523, None, "USB Serial")
BUILT_IN = Found("/dev/ttyS0", description="ttyS0")
PHONE = Found("/dev/ttyACM1", 0x18D1, 0x4EE1, "1234", "a telephone\x1b[2J")


@pytest.mark.parametrize(
    ("found", "kind", "what"),
    [
        (BOARD, "board", "Espressif"),
        (ADAPTER, "adapter", "CH340"),
        (Found("x", 0x10C4, 0xEA60), "adapter", "CP210x"),
        (Found("x", 0x0403, 0x6001), "adapter", "FTDI"),
        (Found("x", 0x1A86, 0x9999), "adapter", "WCH"),
        (Found("x", 0x10C4, 0x0001), "other", "USB serial port"),
        (BUILT_IN, "other", "ttyS0"),
        (PHONE, "other", "a telephone"),
    ],
)
def test_a_port_is_known_by_its_usb_ids(found: Found, kind: str, what: str) -> None:
    port = described(found)
    assert port.kind == kind
    assert what in port.what
    assert port.what.isprintable()


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> list[Found]:
    found: list[Found] = []
    monkeypatch.setattr(ports.list_ports, "comports", lambda: list(found))

    def no_problem(_port: str) -> None:
        return None

    monkeypatch.setattr(ports, "access_problem", no_problem)
    return found


def virtual_console(data: Path, *parts: str) -> Path:
    folder = data.joinpath("virtual", *parts)
    folder.mkdir(parents=True)
    (folder / "console").symlink_to("/dev/null")
    return folder / "console"


def test_the_likeliest_come_first_and_virtual_boards_have_their_consoles(
    plugged: list[Found], tmp_path: Path
) -> None:
    plugged += [PHONE, BUILT_IN, ADAPTER, BOARD]
    left = virtual_console(tmp_path, "pair-1", "left")
    spare = virtual_console(tmp_path, "spare")
    gone = virtual_console(tmp_path, "gone")
    gone.unlink()
    gone.symlink_to(tmp_path / "nothing")
    found = ports.find_ports(tmp_path)
    assert [port.port for port in found] == [
        "/dev/ttyACM0",
        "/dev/ttyUSB0",
        str(left),
        str(spare),
        "/dev/ttyACM1",
        "/dev/ttyS0",
    ]
    assert [port.usb for port in found][:3] == ["303a:1001", "1a86:7523", None]
    assert {port.port for port in likely_ports(found)} == {"/dev/ttyACM0", "/dev/ttyUSB0"}
    assert [port.port for port in ports.find_ports()] == [
        port.port for port in found if port.kind != "virtual"
    ]


def test_one_that_is_the_only_one_is_taken_and_several_are_listed(
    plugged: list[Found], tmp_path: Path
) -> None:
    none = choose(ports.find_ports(tmp_path))
    assert isinstance(none, str)
    assert "cable" in none
    plugged += [BUILT_IN]
    only_other = choose(ports.find_ports(tmp_path))
    assert isinstance(only_other, str)
    assert "/dev/ttyS0" in only_other
    virtual_console(tmp_path, "spare")
    alone = choose(ports.find_ports(tmp_path))
    assert isinstance(alone, Port)
    assert alone.kind == "virtual"
    plugged += [ADAPTER]
    # A real one is meant, whatever virtual boards there are.
    real = choose(ports.find_ports(tmp_path))
    assert isinstance(real, Port)
    assert real.port == "/dev/ttyUSB0"
    plugged += [BOARD]
    several = choose(ports.find_ports(tmp_path))
    assert isinstance(several, str)
    assert "/dev/ttyUSB0 (CH340 adapter)" in several
    assert "/dev/ttyACM0" in several


def test_no_right_to_a_port_is_said_with_the_command_that_gives_it() -> None:
    assert "sudo usermod -a -G dialout" in permission_words("/dev/ttyUSB0", "dialout", False)
    later = permission_words("/dev/ttyUSB0", "dialout", True)
    assert "log in again" in later
    assert "sudo" not in later
    assert "administrator" in permission_words("/dev/ttyUSB0", None, False)
    assert "administrator" in permission_words("/dev/ttyUSB0", "root", False)


@pytest.mark.skipif(os.name != "posix", reason="files have no modes there")
def test_a_port_that_is_there_and_open_to_us_has_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = tmp_path / "tty"
    assert "cable" in (access_problem(str(port)) or "")
    port.touch()
    assert access_problem(str(port)) is None

    def no_access(_path: str, _mode: int) -> bool:
        return False

    monkeypatch.setattr(os, "access", no_access)
    assert str(port) in (access_problem(str(port)) or "")
    assert access_problem("COM3") is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (serial.SerialException(errno.ENOENT, "could not open port"), "is the cable in"),
        (serial.SerialException(errno.EACCES, "could not open port"), "may not"),
        (serial.SerialException(errno.EBUSY, "could not open port"), "another program"),
        (serial.SerialException(errno.EAGAIN, "Could not exclusively lock port"), "another program"),
        (serial.SerialException("could not open port 'COM3': PermissionError(13)"), "another program"),
        (serial.SerialException("could not open port 'COM3': FileNotFoundError(2)"), "is the cable in"),
        (serial.SerialException(errno.EIO, "Could not configure port"), "pull the cable"),
        (ValueError("odd\x1b[2J"), "odd"),
    ],
)
def test_a_port_that_does_not_open_says_why(error: Exception, words: str, tmp_path: Path) -> None:
    port = tmp_path / "tty"
    port.touch()
    said = opening_words(str(port), error)
    assert f"the port {port} cannot be opened" in said
    assert words in said
    assert said.isprintable()
