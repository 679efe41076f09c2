"""A small firmware, small images, and a chip on a cable to put them on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flash.kit import TINY, Sources, be_quick
from tests.support.chip_on_cable import ChipOnCable
from twintap_board.sources import firmware_dir
from twintap_flash import boards, build, stages


@pytest.fixture(autouse=True)
def _quick_chip(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, program in be_quick().items():
        monkeypatch.setattr(stages, name, program)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sources:
    """A firmware of a few lines, where the flash tool looks for the real one; the board files are real."""
    real = firmware_dir()
    root = tmp_path / "sources"
    for folder in ("twintap_pulser", "twintap_protocol", "boards"):
        (root / folder).mkdir(parents=True)
    (root / "boot.py").write_text("pin = 0\n")
    (root / "main.py").write_text("import twintap_pulser.app\n")
    (root / "twintap_pulser/__init__.py").write_text("")
    (root / "twintap_pulser/app.py").write_text(TINY)
    (root / "twintap_pulser/port_virtual.py").write_text("never = 1\n")
    (root / "twintap_protocol/__init__.py").write_text("")
    for file in (real / "boards").glob("*.json"):
        (root / "boards" / file.name).write_text(file.read_text())
    # The reader of board files stays the firmware's own: it is imported before the folder moves.
    boards.read_board(root / "boards/xiao-esp32c3.json")
    for module in (boards, build):
        monkeypatch.setattr(module, "firmware_dir", lambda: root)
    monkeypatch.setattr(build, "protocol_dir", lambda: root)
    return Sources(root)


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of images, empty, and the only one that is looked in."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    monkeypatch.setenv("TWINTAP_IMAGES", str(folder))
    return folder


@pytest.fixture
def chip(tmp_path: Path) -> Iterator[ChipOnCable]:
    """A bare XIAO ESP32-C3, plugged in."""
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    from tests.flash.kit import IMAGES

    with ChipOnCable(tmp_path, "esp32c3", IMAGES) as running:
        yield running
