"""A MicroPython image, judged before a byte of it is written.

The file is what goes to the flash from the chip's own offset on: ESP-IDF's bootloader, at 0x8000 of the flash
the partition table, and in the partition that the table names the program. Bootloader and program are each
an "app image" of ESP-IDF's documentation: a header of 24 bytes, segments of 8 bytes and their data, filled up
so that a checksum byte ends a block of 16, and where the header says so a SHA-256 of all that.
"""

import hashlib
import re
import struct
from pathlib import Path
from typing import NamedTuple

from .chips import OLDEST_MICROPYTHON, Chip, is_supported, name_of_image_chip, version_text
from .errors import FlashError

_MAGIC = 0xE9
_HEADER = 24
_SEGMENTS_MAX = 16
_CHECKSUM_SEED = 0xEF
_TABLE_AT = 0x8000
_TABLE_BYTES = 0xC00
_ENTRY = struct.Struct("<HBBII16sI")
_ENTRY_MAGIC = 0x50AA
_SUM_MAGIC = 0xEBEB  # an entry that holds the MD5 of those before it
_TYPE_APP = 0
_TYPE_DATA = 1
_SUBTYPE_FACTORY = 0x00
_SUBTYPE_OTA_0 = 0x10
_SUBTYPES_FILES = (0x81, 0x82, 0x83)  # fat, spiffs, littlefs
_IMAGE_MAX = 16 * 1024 * 1024
# MicroPython's greeting, as it lies in the program's read-only data.
_BANNER = re.compile(rb"MicroPython v(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?([-.\w]*) on \d{4}-\d\d-\d\d")


class Image(NamedTuple):
    """An image that may be written to `chip`."""

    path: Path
    chip: Chip
    version: tuple[int, ...]  # MicroPython's
    content: bytes


def read_image(path: Path, chip: Chip) -> Image:
    """Read the file and judge it against `chip`; FlashError `image` says in words what is wrong with it."""
    try:
        if path.stat().st_size > _IMAGE_MAX:
            raise _bad(path, "it is larger than any chip's flash")
        content = path.read_bytes()
    except OSError as error:
        raise FlashError("image", f"the image {path} cannot be read: {error.strerror}") from error
    version = judge_image(path, content, chip)
    return Image(path, chip, version, content)


def judge_image(path: Path, content: bytes, chip: Chip) -> tuple[int, ...]:
    """Give the MicroPython version that `content` holds, a whole and unhurt image for `chip`.

    FlashError `image` otherwise; `path` is for its words alone.
    """
    if content[:4] == b"\x7fELF" or content[:4] == b"UF2\n":
        raise _bad(path, "it is an .elf or .uf2 file; the .bin file of the same name is the one to take")
    if content[:1] != bytes((_MAGIC,)):
        raise _bad(path, "it does not begin as an ESP32 image does")
    if len(content) < _HEADER:
        raise _bad(path, "it is cut short: not even a header is there")
    made_for = struct.unpack_from("<H", content, 12)[0]
    if made_for != chip.image_chip_id:
        raise _bad(path, f"it is made for {name_of_image_chip(made_for)}, and the chip is {chip.shown}")
    _whole(path, content, 0, "its bootloader", chip)
    table_at = _TABLE_AT - chip.image_offset
    if len(content) < table_at + _ENTRY.size:
        raise _bad(
            path, "it holds one program and no partition table: the whole image is needed, not an .app-bin"
        )
    app_at, app_room, files_at = _partitions(path, content[table_at : table_at + _TABLE_BYTES])
    at = app_at - chip.image_offset
    if at < 0 or len(content) <= at + _HEADER:
        raise _bad(path, "it is cut short: the program is missing")
    if files_at and chip.image_offset + len(content) > files_at:
        raise _bad(path, "it reaches into the file system, where the settings are")
    if content[at] != _MAGIC:
        raise _bad(path, "there is no program where its partition table says")
    end = _whole(path, content, at, "its program", chip)
    if end - at > app_room:
        raise _bad(path, "its program is larger than its partition")
    found = _BANNER.search(content, at, end)
    if found is None:
        raise _bad(path, "its program is not MicroPython")
    version = tuple(int(part) for part in found.groups()[:3] if part is not None)
    if not is_supported(version):
        raise _bad(
            path,
            f"it holds MicroPython {version_text(version)}; {version_text(OLDEST_MICROPYTHON)} is the oldest "
            "that the firmware runs on (and no 2.x)",
        )
    return version


def _whole(path: Path, content: bytes, start: int, what: str, chip: Chip) -> int:
    """Check one app image at `start`; give where it ends."""
    made_for = struct.unpack_from("<H", content, start + 12)[0]
    if made_for != chip.image_chip_id:
        raise _bad(path, f"{what} is made for {name_of_image_chip(made_for)}, and the chip is {chip.shown}")
    segments = content[start + 1]
    if not 1 <= segments <= _SEGMENTS_MAX:
        raise _bad(path, f"{what} is damaged: it says that it has {segments} segments")
    at = start + _HEADER
    checksum = _CHECKSUM_SEED
    for _ in range(segments):
        if at + 8 > len(content):
            raise _cut(path, what)
        size = struct.unpack_from("<I", content, at + 4)[0]
        at += 8
        if at + size > len(content):
            raise _cut(path, what)
        checksum ^= _xor(content[at : at + size])
        at += size
    # The checksum is the last byte of a block of 16, and takes a block of its own where the data fill one.
    at += 15 - (at - start) % 16
    if at >= len(content):
        raise _cut(path, what)
    if content[at] != checksum:
        raise _bad(path, f"{what} is damaged: its checksum is wrong; download it again")
    at += 1
    if content[start + 23]:
        if at + 32 > len(content):
            raise _cut(path, what)
        if hashlib.sha256(content[start:at]).digest() != content[at : at + 32]:
            raise _bad(path, f"{what} is damaged: its SHA-256 is wrong; download it again")
        at += 32
    return at


def _xor(data: bytes) -> int:
    """Give the exclusive or of all bytes; a big integer, halved, is some hundred times faster than a loop."""
    width = 1
    while width < len(data):
        width *= 2
    value = int.from_bytes(data.ljust(width, b"\0"), "little")
    while width > 1:
        width //= 2
        value = (value >> (8 * width)) ^ (value & ((1 << (8 * width)) - 1))
    return value


def _partitions(path: Path, table: bytes) -> tuple[int, int, int]:
    """Give where the program lies, how much room it has, and where the file system begins (0: not said)."""
    app: tuple[int, int] | None = None
    files_at = 0
    for at in range(0, len(table) - _ENTRY.size + 1, _ENTRY.size):
        magic, kind, subtype, offset, size, _, _ = _ENTRY.unpack_from(table, at)
        if magic == _SUM_MAGIC and table[at + 16 : at + 32] != hashlib.md5(table[:at]).digest():  # noqa: S324 - so it is defined
            raise _bad(path, "its partition table is damaged; download it again")
        if magic != _ENTRY_MAGIC:
            break
        if kind == _TYPE_APP and subtype in (_SUBTYPE_FACTORY, _SUBTYPE_OTA_0) and app is None:
            app = (offset, size)
        elif kind == _TYPE_DATA and subtype in _SUBTYPES_FILES and not files_at:
            files_at = offset
    if app is None:
        raise _bad(path, "its partition table names no program: the whole image is needed, not an .app-bin")
    return app[0], app[1], files_at


def _bad(path: Path, why: str) -> FlashError:
    return FlashError("image", f"{path.name} cannot go to this chip: {why}. Nothing was written")


def _cut(path: Path, what: str) -> FlashError:
    return _bad(path, f"it is cut short in {what}; download it again")
