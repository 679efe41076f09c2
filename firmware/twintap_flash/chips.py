"""The chips that a pulser may be built on, and what each tool calls them."""

from typing import NamedTuple

OLDEST_MICROPYTHON = (1, 26)
# The newest whose files were read and whose stubs the firmware is checked against.
TESTED_MICROPYTHON = (1, 29)


class Chip(NamedTuple):
    """One kind of chip."""

    name: str  # as a board file's `chip` says it
    shown: str  # as its maker writes it; esptool's CHIP_NAME
    image_chip_id: int  # in an image's extended header (ESP-IDF: esp_chip_id_t)
    image_offset: int  # where its ROM looks for the bootloader, in bytes from the flash's start
    image_name: str  # how the official MicroPython image's name begins


CHIPS = (
    Chip("esp32", "ESP32", 0x0000, 0x1000, "ESP32_GENERIC"),
    Chip("esp32c3", "ESP32-C3", 0x0005, 0x0, "ESP32_GENERIC_C3"),
    Chip("esp32c6", "ESP32-C6", 0x000D, 0x0, "ESP32_GENERIC_C6"),
)

# Named in a refusal only: what somebody may have downloaded or plugged in by mistake.
_OTHER_IMAGES = {
    0x0002: "ESP32-S2",
    0x0009: "ESP32-S3",
    0x000C: "ESP32-C2",
    0x0010: "ESP32-H2",
    0x0012: "ESP32-P4",
}


def chip_called(name: str) -> Chip | None:
    """Give the chip called `name` (`ESP32-C3`, `esp32c3`, `ESP32C3`), None if it is none of ours."""
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    return next((chip for chip in CHIPS if chip.name == plain), None)


def name_of_image_chip(chip_id: int) -> str:
    """Give a chip's name for people, from an image's header."""
    ours = next((chip.shown for chip in CHIPS if chip.image_chip_id == chip_id), None)
    return ours or _OTHER_IMAGES.get(chip_id, f"chip number {chip_id:#06x}")


def version_text(version: tuple[int, ...]) -> str:
    """Give `1.26.1` for (1, 26, 1)."""
    return ".".join(str(part) for part in version)


def is_supported(version: tuple[int, ...]) -> bool:
    """Say whether a MicroPython of this version can run the application: 1.26 or later, and no 2.x."""
    return version[:2] >= OLDEST_MICROPYTHON and version[:1] == OLDEST_MICROPYTHON[:1]
