"""Which image to take where none is named: the newest of the right kind, from a folder of downloads."""

import os
import re
from pathlib import Path

import platformdirs

from .chips import OLDEST_MICROPYTHON, Chip, is_supported, version_text
from .errors import FlashError

# As the official downloads are called. Previews and the variants (SPIRAM, OTA, UNICORE ...) do not match:
# who wants one of those names it.
_NAME = re.compile(
    r"(?P<kind>ESP32_GENERIC(?:_[A-Z0-9]+)?)-(?P<day>\d{8})-v(?P<version>\d+\.\d+(?:\.\d+)?)\.bin"
)


def image_folders() -> list[Path]:
    """Give the folders to look in: TWINTAP_IMAGES alone if set, else ./images and the data folder's."""
    told = os.environ.get("TWINTAP_IMAGES")
    if told:
        return [Path(told)]
    data = os.environ.get("TWINTAP_DATA") or platformdirs.user_data_dir("twintap", appauthor=False)
    return [Path("images"), Path(data) / "images"]


def choose_image(chip: Chip, folders: list[Path]) -> Path:
    """Give the newest supported image for `chip` in the first of the folders that has one.

    FlashError `no_image` says where it looked and what to get.
    """
    too_old: list[str] = []
    for folder in folders:
        found: list[tuple[tuple[int, ...], str, Path]] = []
        for path in folder.glob("*.bin"):
            name = _NAME.fullmatch(path.name)
            if name is None or name["kind"] != chip.image_name:
                continue
            version = tuple(int(part) for part in name["version"].split("."))
            if is_supported(version):
                found.append((version, name["day"], path))
            else:
                too_old.append(path.name)
        if found:
            return max(found)[2]
    looked = " or ".join(str(folder) for folder in folders)
    old = f" ({', '.join(sorted(too_old))}: not supported)" if too_old else ""
    raise FlashError(
        "no_image",
        f"there is no MicroPython image for the {chip.shown} in {looked}{old}. Download "
        f"{chip.image_name}-DATE-vVERSION.bin, {version_text(OLDEST_MICROPYTHON)} or later, from "
        f"MicroPython's download page for {chip.image_name}, put it there, or name it with --image",
    )
