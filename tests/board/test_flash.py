"""The flash carries what the firmware is, compiled, and keeps what the firmware wrote."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.board.rig import ROOT
from twintap_board import __main__ as command
from twintap_board import flash
from twintap_board.errors import BoardError


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a small firmware and protocol of the test's own."""
    root = tmp_path / "sources"
    for package in ("twintap_pulser", "twintap_protocol"):
        (root / package).mkdir(parents=True)
        (root / package / "__init__.py").write_text("")
        (root / package / "part.py").write_text("VALUE = 1\n")
    (root / "boards").mkdir()
    (root / "boards" / "virtual.json").write_text("{}")
    for name in ("boot.py", "main.py"):
        (root / name).write_text("import twintap_pulser.part\n")
    for finder in ("firmware_dir", "protocol_dir"):
        monkeypatch.setattr(flash, finder, lambda: root)
    return root


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    path.mkdir()
    return path


def names(state: Path) -> set[str]:
    return {str(path.relative_to(state / "flash")) for path in (state / "flash").rglob("*") if path.is_file()}


def test_packages_are_compiled_and_the_two_entry_files_are_not(sources: Path, state: Path) -> None:
    flash.prepare(state, None)
    assert names(state) == {
        "boot.py",
        "main.py",
        "boards/virtual.json",
        "twintap_pulser/__init__.mpy",
        "twintap_pulser/part.mpy",
        "twintap_protocol/__init__.mpy",
        "twintap_protocol/part.mpy",
    }
    assert (state / "flash" / "twintap_pulser" / "part.mpy").read_bytes().startswith(b"M\x06")


def test_only_what_changed_is_done_again(sources: Path, state: Path) -> None:
    flash.prepare(state, None)
    part, other = (state / "flash" / "twintap_pulser" / name for name in ("part.mpy", "__init__.mpy"))
    before = part.stat().st_ino, other.stat().st_ino
    (sources / "twintap_pulser" / "part.py").write_text("VALUE = 2\n")
    flash.prepare(state, None)
    assert part.stat().st_ino != before[0]
    assert other.stat().st_ino == before[1]


def test_settings_stay_and_what_left_the_firmware_goes(sources: Path, state: Path) -> None:
    flash.prepare(state, None)
    (state / "flash" / "settings.json").write_text("kept")
    (sources / "twintap_pulser" / "part.py").unlink()
    flash.prepare(state, None)
    assert "settings.json" in names(state)
    assert "twintap_pulser/part.mpy" not in names(state)


def test_a_board_file_of_choice_comes_and_goes_with_its_option(sources: Path, state: Path) -> None:
    own = sources / "mine.json"
    own.write_text('{"name": "mine"}')
    flash.prepare(state, None, own)
    assert (state / "flash" / "board.json").read_text() == '{"name": "mine"}'
    flash.prepare(state, None)
    assert "board.json" not in names(state)
    with pytest.raises(BoardError, match=r"no board file .*missing\.json"):
        flash.prepare(state, None, sources / "missing.json")


@pytest.mark.parametrize("stamp", ["", "[]", "rubbish", '{"main.py": 3}'])
def test_a_damaged_stamp_means_that_all_is_done_again(sources: Path, state: Path, stamp: str) -> None:
    (state / "flash.json").write_text(stamp)
    flash.prepare(state, None)
    assert "main.py" in names(state)


def test_a_source_that_does_not_compile_is_named(sources: Path, state: Path) -> None:
    (sources / "twintap_pulser" / "part.py").write_text("def (\n")
    with pytest.raises(BoardError, match=r"part\.py does not compile"):
        flash.prepare(state, None)


def test_without_a_vm_for_the_platform_cpython_runs_the_same_files_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "boot.py").write_text("print('booted')\n")
    (tmp_path / "main.py").write_text("import sys, helper\nprint(sys.implementation.name, helper.WORD)\n")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "helper.py").write_text("WORD = 'helped'\n")
    code = (
        "import os, sys; sys.modules['micropython_unix'] = None; from twintap_board import vm;"
        f"sys.argv = ['vm', str(os.getppid()), '65536', {str(tmp_path / 'lib')!r}]; sys.exit(vm.main())"
    )
    paths = os.pathsep.join((str(ROOT / "firmware"), str(ROOT / "protocol")))
    environment = os.environ | {"PYTHONPATH": paths}
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0
    assert result.stdout == "booted\ncpython helped\n"
    assert "CPython runs the firmware" in result.stderr


def test_windows_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert command.main(["--state", str(tmp_path / "s"), "--console", str(tmp_path / "c")]) == 1
    said = capsys.readouterr().err
    assert "Windows" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "s").exists()
