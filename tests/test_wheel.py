"""An installed twintap is whole: its virtual board finds the pulser's firmware in the wheel."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, laid out as in somebody's site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    program = f"import hatchling.build; print(hatchling.build.build_wheel({str(folder)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    site = folder / "site-packages"
    with zipfile.ZipFile(folder / done.stdout.split()[-1]) as wheel:
        wheel.extractall(site)
    return site


def test_the_wheel_carries_the_firmware_as_it_is_in_the_checkout(unpacked: Path) -> None:
    program = (
        f"import sys, json; sys.path.insert(0, {str(unpacked)!r})\n"
        "from twintap_board.sources import firmware_dir, protocol_dir\n"
        "print(json.dumps([str(firmware_dir()), str(protocol_dir())]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    firmware, protocol = (Path(found) for found in json.loads(done.stdout))
    assert firmware.is_relative_to(unpacked)
    assert protocol == unpacked

    def texts(folder: Path, *patterns: str) -> dict[str, bytes]:
        found = [path for pattern in patterns for path in folder.glob(pattern)]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}

    whole = ("boot.py", "main.py", "twintap_pulser/**/*.py", "boards/*.json")
    assert texts(firmware, *whole) == texts(ROOT / "firmware", *whole)
    modules = "twintap_protocol/**/*.py"
    assert texts(protocol, modules) == texts(ROOT / "protocol", modules)


def test_the_wheel_holds_our_packages_and_nothing_else(unpacked: Path) -> None:
    tops = {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")}
    assert tops == {"twintap", "twintap_board", "twintap_flash", "twintap_protocol"}
    assert not list(unpacked.rglob("__pycache__"))


def test_an_installed_twintap_builds_what_goes_on_a_chip(unpacked: Path, tmp_path: Path) -> None:
    ours = [str(ROOT / folder) for folder in ("daemon", "protocol", "firmware")]
    program = (
        f"import sys; sys.path[:] = [{str(unpacked)!r}, *(p for p in sys.path if p not in {ours!r})]\n"
        "from twintap_flash.__main__ import main\n"
        f"sys.exit(main(['build', '--board', 'xiao-esp32c3', '--out', {str(tmp_path / 'out')!r}]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/twintap_pulser/app.mpy").exists()
    assert (tmp_path / "out/board.json").read_bytes() == (
        ROOT / "firmware/boards/xiao-esp32c3.json"
    ).read_bytes()
