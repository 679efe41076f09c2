"""Deploying: the real mpremote against a real MicroPython VM on a pty, which stands in for the chip."""

import json
import os
import pty
import select
import subprocess
import sys
import threading
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware import deploy

pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")

# The unix VM's `machine` has no reset(), which is how `mpremote reset` restarts a chip.
_MACHINE = """
import sys
def reset():
    open('is_hard', 'w').close()
    sys.exit()
"""


class Chip:
    """A VM whose REPL is on a pty, started again whenever it ends; `root` is its file system."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.watchdog: int | None = None  # armed: resets the chip after so many more interruptions
        self.bites = 0
        self.hard_resets = 0
        self.is_up = False
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="chip")

    def __enter__(self) -> "Chip":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._waker, b"x")
        self._thread.join(10)
        for fd in (self._master, self._slave, self._wake, self._waker):
            os.close(fd)
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        greeting = b""
        while self._boot(greeting):
            os.write(self._master, b"MPY: soft reboot\r\n")
            # A chip's soft reset out of the raw REPL comes back in the raw REPL.
            greeting = b"\x01"
            if (self.root / "is_hard").exists():
                (self.root / "is_hard").unlink()
                self.hard_resets += 1
                greeting = b""
                self.watchdog = None

    def _boot(self, first_input: bytes) -> bool:
        """Run the VM to its end; False when the chip is to be switched off."""
        ours, its = pty.openpty()
        tty.setraw(its)
        vm = subprocess.Popen(
            [sys.executable, "-m", "micropython_unix"],
            stdin=its,
            stdout=its,
            stderr=its,
            cwd=self.root,
            start_new_session=True,
        )
        os.close(its)
        self.is_up = False
        try:
            while True:
                # What comes before the prompt a VM throws away.
                heard = [self._wake, ours, *([self._master] if self.is_up else [])]
                ready, _, _ = select.select(heard, [], [])
                if self._wake in ready:
                    return False
                if self._master in ready:
                    said = os.read(self._master, 1024)
                    if b"\x03" in said and self.watchdog is not None:
                        if self.watchdog == 0:
                            self.bites += 1
                            (self.root / "is_hard").touch()
                            return True
                        self.watchdog -= 1
                    os.write(ours, said)
                if ours in ready:
                    try:
                        said = os.read(ours, 1024)
                    except OSError:
                        said = b""
                    if not said:
                        return True
                    os.write(self._master, said)
                    if not self.is_up and b">>>" in said:
                        self.is_up = True
                        os.write(ours, first_input)
        finally:
            os.close(ours)
            vm.kill()
            vm.wait()


@pytest.fixture
def chip(tmp_path: Path) -> Iterator[Chip]:
    root = tmp_path / "chip"
    root.mkdir()
    with Chip(root) as running:
        yield running


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A firmware of a few lines, where deploy looks for the real one."""
    root = tmp_path / "sources"
    for folder in ("twintap_pulser", "twintap_protocol", "boards"):
        (root / folder).mkdir(parents=True)
    (root / "boot.py").write_text("pin = 0\n")
    (root / "main.py").write_text("import twintap_pulser.app\n")
    (root / "twintap_pulser/__init__.py").write_text("")
    (root / "twintap_pulser/app.py").write_text("answer = 42\n")
    (root / "twintap_pulser/port_virtual.py").write_text("never = 1\n")
    (root / "twintap_protocol/__init__.py").write_text("")
    (root / "boards/devkit.json").write_text(json.dumps({"name": "devkit"}))
    monkeypatch.setattr(deploy, "firmware_dir", lambda: root)
    monkeypatch.setattr(deploy, "protocol_dir", lambda: root)
    return root


def test_a_build_holds_bytecode_and_leaves_out_the_virtual_board(sources: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert deploy.main(["build", "--out", str(out)]) == 0
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()) == [
        "board.json",
        "boot.py",
        "main.py",
        "twintap_protocol/__init__.mpy",
        "twintap_pulser/__init__.mpy",
        "twintap_pulser/app.mpy",
    ]
    assert (out / "twintap_pulser/app.mpy").read_bytes()[:2] == b"M\x06"


def test_a_module_that_does_not_compile_is_named(
    sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sources / "twintap_pulser/app.py").write_text("def (:\n")
    assert deploy.main(["build", "--out", str(tmp_path / "out")]) == 1
    assert "twintap_pulser/app.py does not compile" in capsys.readouterr().err


def test_a_module_in_a_folder_that_would_not_be_copied_is_an_error(
    sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sources / "twintap_pulser/deep").mkdir()
    (sources / "twintap_pulser/deep/lost.py").write_text("")
    assert deploy.main(["build", "--out", str(tmp_path / "out")]) == 1
    assert "deep/lost.py" in capsys.readouterr().err


def test_with_two_boards_one_must_be_named(
    sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sources / "boards/xiao.json").write_text("{}")
    out = ["--out", str(tmp_path / "out")]
    assert deploy.main(["build", *out]) == 1
    assert "devkit, xiao" in capsys.readouterr().err
    assert deploy.main(["build", "--board", "xiao", *out]) == 0
    assert (tmp_path / "out/board.json").read_text() == "{}"


def test_a_flashed_chip_holds_exactly_the_build_and_keeps_its_settings(
    sources: Path, tmp_path: Path, chip: Chip
) -> None:
    (chip.root / "machine.py").write_text(_MACHINE)
    (chip.root / "settings.json").write_text("{}")
    (chip.root / "twintap_pulser").mkdir()
    (chip.root / "twintap_pulser/app.py").write_text("answer = 'old'\n")
    out = tmp_path / "out"

    assert deploy.main(["flash", chip.port, "--out", str(out)]) == 0

    built = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    ours = {path: (chip.root / path).read_bytes() for path in built}
    assert ours == built
    assert not (chip.root / "twintap_pulser/app.py").exists(), "an old .py would win over the new .mpy"
    assert (chip.root / "settings.json").read_text() == "{}"
    # mpremote lets go of the port before a chip has restarted.
    until = time.monotonic() + 10
    while not (chip.hard_resets == 2 and chip.is_up) and time.monotonic() < until:
        time.sleep(0.02)
    assert chip.hard_resets == 2, "one reset before the copy, and the new firmware starts only with another"

    stamps = {path: (chip.root / path).stat().st_mtime_ns for path in built}
    assert deploy.main(["flash", chip.port, "--out", str(out)]) == 0
    again = {path for path in built if (chip.root / path).stat().st_mtime_ns != stamps[path]}
    assert again == {Path("main.py")}, "files that are there already are not written again"


def test_a_pulser_whose_watchdog_is_armed_is_flashed_without_a_bite(
    sources: Path, tmp_path: Path, chip: Chip
) -> None:
    (chip.root / "machine.py").write_text(_MACHINE)
    (chip.root / "main.py").write_text("answer = 'old'\n")
    # There is the time for one command and no more.
    chip.watchdog = 1
    assert deploy.main(["flash", chip.port, "--out", str(tmp_path / "out")]) == 0
    assert (chip.root / "main.py").read_text() == "import twintap_pulser.app\n"
    assert chip.bites == 0


def test_a_port_that_is_none_is_exit_1_and_named(
    sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy.main(["flash", str(tmp_path / "no-such-port"), "--out", str(tmp_path / "out")]) == 1
    assert "no-such-port" in capsys.readouterr().err
