"""Images are judged whole before a byte is written: of the right kind, unhurt, and MicroPython."""

import hashlib
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.flash.kit import C3_NEW, C3_OLD, C6, ESP32
from tests.support.chip_on_cable import app_image, tiny_image
from twintap_flash.chips import CHIPS, Chip, chip_called, is_supported
from twintap_flash.errors import FlashError
from twintap_flash.image import judge_image, read_image
from twintap_flash.images import choose_image, image_folders

HERE = Path("given.bin")
ESP32_CHIP, C3_CHIP, C6_CHIP = CHIPS


def refusal(content: bytes, chip: Chip = C3_CHIP) -> str:
    with pytest.raises(FlashError) as refused:
        judge_image(HERE, content, chip)
    assert refused.value.code == "image"
    return str(refused.value)


@pytest.mark.parametrize(("content", "chip"), [(C3_NEW, C3_CHIP), (C6, C6_CHIP), (ESP32, ESP32_CHIP)])
def test_a_whole_image_of_the_right_kind_is_taken_and_its_version_read(content: bytes, chip: Chip) -> None:
    assert judge_image(HERE, content, chip) == (1, 28, 0)


def test_the_images_of_these_tests_are_images_to_esptool() -> None:
    from esptool.bin_image import LoadFirmwareImage

    for content, chip in ((C3_NEW, "esp32c3"), (C6, "esp32c6"), (ESP32, "esp32")):
        at = 0x10000 - next(one for one in CHIPS if one.name == chip).image_offset
        for part in (content[:0x1000], content[at:]):
            image = LoadFirmwareImage(chip, part)
            assert image.checksum == image.calculate_checksum()
            assert image.stored_digest == image.calc_digest


def test_an_image_for_another_chip_is_named() -> None:
    assert "made for ESP32, and the chip is ESP32-C3" in refusal(ESP32)
    assert "made for ESP32-C6" in refusal(C6)
    assert "made for ESP32-S3" in refusal(tiny_image(9, 0, "1.28.0"))
    assert "made for chip number 0x0777" in refusal(tiny_image(0x777, 0, "1.28.0"))


def test_a_program_for_another_chip_behind_the_right_bootloader_is_found() -> None:
    assert "its program is made for ESP32-C6" in refusal(C3_NEW[:0x10000] + C6[0x10000:])


@given(st.integers(0, len(C3_NEW) - 1))
def test_an_image_cut_anywhere_is_refused(length: int) -> None:
    refusal(C3_NEW[:length])


@given(st.integers(0, len(C3_NEW) - 1), st.integers(1, 255))
def test_a_byte_changed_in_the_bootloader_or_the_program_is_found(at: int, change: int) -> None:
    spoilt = bytearray(C3_NEW)
    spoilt[at] ^= change
    loader_end = C3_NEW.index(b"\xff" * 64)
    if at < loader_end or at >= 0x10000:
        refusal(bytes(spoilt))


@given(st.binary(max_size=300))
def test_whatever_a_file_holds_it_is_judged_and_nothing_else_happens(content: bytes) -> None:
    refusal(content)
    refusal(bytes((0xE9,)) + content)
    refusal(C3_NEW[:0x10000] + content)


def test_files_that_people_mistake_for_the_image_are_named() -> None:
    assert "whole image is needed, not an .app-bin" in refusal(C3_NEW[0x10000:] + bytes(0x9000))
    assert "whole image is needed, not an .app-bin" in refusal(C3_NEW[0x10000:])
    assert ".uf2" in refusal(b"UF2\n" + bytes(100))
    assert "does not begin as an ESP32 image" in refusal(b"<!doctype html>")
    assert "does not begin as an ESP32 image" in refusal(b"\xff" * 0x1000 + ESP32)


def test_a_program_that_is_not_micropython_is_refused() -> None:
    other = app_image(5, [b"CircuitPython 9.1.0 on 2024-07-10; a board\0"])
    assert "not MicroPython" in refusal(C3_NEW[:0x10000] + other)


@pytest.mark.parametrize("version", ["1.25.0", "1.9.4", "0.99.0", "2.0.0"])
def test_a_version_that_the_firmware_does_not_run_on_is_refused(version: str) -> None:
    assert f"MicroPython {version}" in refusal(tiny_image(5, 0, version))


def test_a_preview_that_somebody_names_is_taken() -> None:
    assert judge_image(HERE, tiny_image(5, 0, "1.29.0-preview.57.gabc1234"), C3_CHIP) == (1, 29, 0)


def test_an_image_that_reaches_into_the_files_is_refused() -> None:
    spoilt = bytearray(C3_NEW)
    # An entry of the table: its offset stands 8 bytes before its name.
    struct.pack_into("<I", spoilt, spoilt.index(b"vfs\0") - 8, 0x10010)
    assert "file system" in refusal(bytes(spoilt))


def test_a_partition_table_with_a_sum_that_is_wrong_is_refused() -> None:
    spoilt = bytearray(C3_NEW)
    end = spoilt.index(b"\xff" * 32, 0x8000)
    entries = bytes(spoilt[0x8000:end])
    spoilt[end : end + 32] = b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(entries).digest()
    assert judge_image(HERE, bytes(spoilt), C3_CHIP) == (1, 28, 0)
    spoilt[0x8010] ^= 1
    assert "partition table is damaged" in refusal(bytes(spoilt))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FlashError, match=r"none\.bin cannot be read: No such file"):
        read_image(tmp_path / "none.bin", C3_CHIP)


def test_the_newest_supported_image_of_the_chip_is_chosen(tmp_path: Path) -> None:
    for name in (
        "ESP32_GENERIC_C3-20250911-v1.26.1.bin",
        "ESP32_GENERIC_C3-20260101-v1.28.0.bin",
        "ESP32_GENERIC_C3-20260301-v1.27.9.bin",
        "ESP32_GENERIC_C3-20270101-v1.29.0-preview.3.gabc.bin",
        "ESP32_GENERIC_C3-SPIRAM-20270101-v1.29.0.bin",
        "ESP32_GENERIC_C3-20270101-v2.0.0.bin",
        "ESP32_GENERIC-20270101-v1.29.0.bin",
        "ESP32_GENERIC_C3-20270101-v1.29.0.app-bin",
    ):
        (tmp_path / name).write_bytes(C3_OLD)
    assert (
        choose_image(C3_CHIP, [tmp_path / "none", tmp_path]).name == "ESP32_GENERIC_C3-20260101-v1.28.0.bin"
    )
    assert choose_image(ESP32_CHIP, [tmp_path]).name == "ESP32_GENERIC-20270101-v1.29.0.bin"
    with pytest.raises(FlashError, match="ESP32_GENERIC_C6-DATE"):
        choose_image(C6_CHIP, [tmp_path])


def test_an_image_that_is_too_old_is_said_to_be_there(tmp_path: Path) -> None:
    (tmp_path / "ESP32_GENERIC_C3-20240101-v1.22.0.bin").write_bytes(C3_OLD)
    with pytest.raises(FlashError, match=r"ESP32_GENERIC_C3-20240101-v1\.22\.0\.bin: not supported"):
        choose_image(C3_CHIP, [tmp_path])


def test_the_folders_are_the_one_that_is_told_or_else_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINTAP_DATA", "/data")
    monkeypatch.delenv("TWINTAP_IMAGES", raising=False)
    assert image_folders() == [Path("images"), Path("/data/images")]
    monkeypatch.setenv("TWINTAP_IMAGES", "/told")
    assert image_folders() == [Path("/told")]


def test_a_chip_is_known_by_each_of_its_names() -> None:
    for chip in CHIPS:
        assert {chip_called(name) for name in (chip.name, chip.shown, chip.shown.replace("-", ""))} == {chip}
    assert chip_called("ESP32-S3") is None
    assert chip_called("ESP32D0WD") is None
    assert is_supported((1, 26))
    assert is_supported((1, 40, 2))
    assert not is_supported((1, 25, 9))
