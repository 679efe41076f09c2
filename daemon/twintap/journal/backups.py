"""Copies of the data folder: one a day by itself, one before a migration, and what goes into a sealed backup.

A copy is a folder under `backups/` with the journal as one plain file and, beside it, the folder's other
files: pairings, tokens' digests, rooms, settings. What is not in it: the lock, this computer's own token, the
virtual boards, and other copies. It holds clients' data, and is as private as the data folder.
"""

import os
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ..errors import StoreError
from . import sqlite
from .files import make_private_folder, sync_folder

FILE = "journal.sqlite3"
FOLDER = "backups"
# A sealed backup is copied here before it is sealed.
MAKING = ".backup-"
KEPT = 14
_MIGRATIONS_KEPT = 3
_DAILY = re.compile(r"^\d{4}-\d\d-\d\d$")
_BEFORE = re.compile(r"^before-\w{1,40}-\d{4}-\d\d-\d\dT\d{6}$")
_LEFT_OUT = {"lock", "token", FOLDER, "virtual"}
_DAY_S = 86_400
_FILE_MAX_BYTES = 16 * 1024 * 1024


def other_files(folder: Path) -> Iterator[Path]:
    """Give the files of the data folder that a copy holds beside the journal; two levels deep."""
    for path in sorted(folder.iterdir()):
        if path.name in _LEFT_OUT or path.name.startswith((".", FILE)) or path.is_symlink():
            continue
        if path.is_dir():
            yield from (
                one
                for one in sorted(path.iterdir())
                if one.is_file() and not one.is_symlink() and not one.name.startswith(".")
            )
        elif path.is_file():
            yield path


def copy_folder(folder: Path, target: Path) -> None:
    """Copy the data folder's content to `target`, which is new. Blocks. StoreError if it cannot be."""
    make_private_folder(target)
    sqlite.copy(folder / FILE, target / FILE)
    try:
        for path in other_files(folder):
            copied = target / path.relative_to(folder)
            if copied.parent != target:
                make_private_folder(copied.parent)
            write_private(copied, read_whole(path))
        sync_folder(target)
    except OSError as error:
        raise StoreError(f"{target} cannot be written ({error.strerror}); free some space") from error


def read_whole(path: Path) -> bytes:
    """Read one of the folder's small files. StoreError if it is none."""
    with path.open("rb") as file:
        data = file.read(_FILE_MAX_BYTES + 1)
    if len(data) > _FILE_MAX_BYTES:
        raise StoreError(f"{path} is too large to be one of twintap's; move it out of the data folder")
    return data


def write_private(path: Path, data: bytes) -> None:
    """Write a new file that its owner alone may read, synced. OSError if it cannot be."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def take(folder: Path, name: str) -> Path:
    """Make the copy `name`, in place of one of that name; whole or not at all. Blocks. StoreError."""
    kept = folder / FOLDER
    make_private_folder(kept)
    fresh, target = kept / f".{name}.new", kept / name
    _remove(fresh)
    try:
        copy_folder(folder, fresh)
        _remove(target)
        fresh.replace(target)
        sync_folder(kept)
    except OSError as error:
        _remove(fresh)
        raise StoreError(f"{target} cannot be written ({error.strerror}); free some space") from error
    except BaseException:
        _remove(fresh)
        raise
    _prune(kept)
    return target


def take_daily(folder: Path, today: datetime) -> Path | None:
    """Make today's copy; None if it is there already. Blocks. StoreError.

    What a backup that was killed a day ago or more has left is removed.
    """
    for path in folder.glob(f"{MAKING}*"):
        if today.timestamp() - path.stat().st_mtime > _DAY_S:
            _remove(path)
    name = f"{today:%Y-%m-%d}"
    if (folder / FOLDER / name).exists():
        return None
    return take(folder, name)


def put_aside(folder: Path, old: str) -> None:
    """Make a copy of the journal alone, before it is migrated from the schema `old`. StoreError."""
    kept = folder / FOLDER
    make_private_folder(kept)
    target = kept / f"before-{old}-{datetime.now(UTC):%Y-%m-%dT%H%M%S}"
    _remove(target)
    make_private_folder(target)
    sqlite.copy(folder / FILE, target / FILE)
    _prune(kept)


def copies(folder: Path) -> list[Path]:
    """Give the copies that the daemon made, oldest first."""
    kept = folder / FOLDER
    found = [path for path in kept.iterdir() if _is_copy(path.name)] if kept.is_dir() else []
    return sorted(found, key=lambda path: path.name)


def remove_all(folder: Path, but: Path | None) -> None:
    """Remove every copy but one. StoreError if one cannot be removed."""
    for path in copies(folder):
        if path != but:
            _remove(path)
    # What a kill left half-made holds the same data, and so does what is being made by another process.
    for path in (*(folder / FOLDER).glob(".*.new"), *folder.glob(f"{MAKING}*")):
        _remove(path)


def size_bytes(copy: Path) -> int:
    """Give how large a copy is."""
    return sum(path.stat().st_size for path in copy.rglob("*") if path.is_file())


def _is_copy(name: str) -> bool:
    return _DAILY.match(name) is not None or _BEFORE.match(name) is not None


def _prune(kept: Path) -> None:
    for pattern, count in ((_DAILY, KEPT), (_BEFORE, _MIGRATIONS_KEPT)):
        named = sorted(path for path in kept.iterdir() if pattern.match(path.name))
        for path in named[:-count]:
            _remove(path)


def _remove(path: Path) -> None:
    try:
        if path.exists():
            shutil.rmtree(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be removed ({error.strerror}); mend its rights") from error
