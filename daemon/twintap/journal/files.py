"""Files that their owner alone may read, and that are there once we say so."""

import os
import stat
from pathlib import Path

from ..errors import StoreError


def refuse_if_open(path: Path) -> None:
    """Raise StoreError, with the command that mends it, if others on this computer can reach the file."""
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise StoreError(
            f"others on this computer can read what was said in sessions; run: chmod 600 '{path}'"
        )


def make_private_folder(path: Path) -> None:
    """Have the folder, for its owner alone. StoreError if that cannot be."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix":
            path.chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be made ({error.strerror}); free some space or mend its rights"
        ) from error


def sync_folder(folder: Path) -> None:
    """Have a folder's new, renamed and deleted names on the disk. OSError if that fails."""
    if os.name != "posix":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
