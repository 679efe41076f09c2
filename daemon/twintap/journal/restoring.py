"""`twintap backup` and `twintap restore`: the data folder in one sealed file, and back again.

Inside the seal is a tar archive of what a daily copy holds. Both block, and neither needs the daemon to stand
still for a backup; a restore makes a new data folder, whole or not at all.
"""

import contextlib
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..errors import StoreError
from . import backups, sqlite
from .files import make_private_folder, sync_folder
from .migrating import migrate
from .proving import prove
from .sealing import PASSPHRASE_MIN, SealedReader, SealingWriter

_NAME = re.compile(r"^[\w-][\w.-]{0,79}(/[\w-][\w.-]{0,79})?$", re.ASCII)
_COPY_BYTES = 1024 * 1024


def check_passphrase(passphrase: str) -> None:
    """Raise StoreError if a passphrase is too short to seal clients' data with."""
    if len(passphrase) < PASSPHRASE_MIN:
        raise StoreError(f"a passphrase has to have {PASSPHRASE_MIN} characters at least; four words do well")


def backup(folder: Path, target: Path, passphrase: str) -> int:
    """Write the data folder to the new file `target`, sealed; give its size in bytes.

    Blocks. StoreError if there is a file already, the passphrase is too short, or the disk fails; then there
    is no file.
    """
    check_passphrase(passphrase)
    if not (folder / backups.FILE).is_file():
        raise StoreError(f"there is no journal in {folder}; name the data folder with TWINTAP_DATA")
    fresh = target.with_name(f".{target.name}.new")
    try:
        # The name is taken first, so that a file of that name is never written over. (No hard link: a stick's
        # file system has none.)
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise StoreError(f"{target} is there already; choose another name") from None
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        with tempfile.TemporaryDirectory(prefix=backups.MAKING, dir=folder) as place:
            copied = Path(place) / "data"
            backups.copy_folder(folder, copied)
            fresh.unlink(missing_ok=True)
            fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(fd, "wb") as file:
                _seal(copied, file, passphrase)
                file.flush()
                os.fsync(file.fileno())
        fresh.replace(target)
        size = target.stat().st_size
    except OSError as error:
        _unlink(fresh, target)
        raise _unwritable(target, error) from error
    except BaseException:
        _unlink(fresh, target)
        raise
    # Some sticks' file systems cannot sync a folder; the file itself is on the disk.
    with contextlib.suppress(OSError):
        sync_folder(target.parent)
    return size


def _unwritable(target: Path, error: OSError) -> StoreError:
    return StoreError(f"{target} cannot be written ({error.strerror}); choose another place for it")


def _unlink(*paths: Path) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _seal(copied: Path, file: IO[bytes], passphrase: str) -> None:
    with SealingWriter(file, passphrase) as sealed:
        with tarfile.open(mode="w|", fileobj=sealed, format=tarfile.PAX_FORMAT) as archive:
            for path in sorted(path for path in copied.rglob("*") if path.is_file()):
                # Names and contents alone: whose they were, and when, is nobody's business.
                member = tarfile.TarInfo(path.relative_to(copied).as_posix())
                member.size = path.stat().st_size
                member.mode = 0o600
                with path.open("rb") as content:
                    archive.addfile(member, content)
        sealed.finish()


def restore(source: Path, folder: Path, passphrase: str | None) -> None:
    """Make the data folder anew from a sealed backup, or from one of the daemon's own copies (a folder).

    Blocks. StoreError, and nothing is changed, if the passphrase is wrong, the backup is damaged or of a
    newer twintap, its journal does not hold together, or `folder` holds anything already. A copy needs no
    passphrase.
    """
    folder = folder.absolute()
    if folder.is_dir() and any(path.name != "lock" for path in folder.iterdir()):
        raise StoreError(
            f"{folder} holds data already. Stop the daemon, and move it away: mv '{folder}' '{folder}.old'"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=folder.parent) as place:
            fresh = Path(place) / "data"
            make_private_folder(fresh)
            if source.is_dir():
                _copy_in(source, fresh)
            else:
                _unseal(source, fresh, passphrase)
            _check(fresh)
            if folder.exists():
                (folder / "lock").unlink(missing_ok=True)
                folder.rmdir()
            fresh.rename(folder)
            sync_folder(folder.parent)
    except OSError as error:
        named = error.filename or folder
        raise StoreError(f"{named}: {error.strerror}; nothing was restored") from error


def _copy_in(source: Path, fresh: Path) -> None:
    if not (source / backups.FILE).is_file():
        raise StoreError(f"{source} is no copy of a data folder: it has no {backups.FILE}")
    sqlite.copy(source.absolute() / backups.FILE, fresh / backups.FILE)
    for path in backups.other_files(source):
        target = fresh / path.relative_to(source)
        if target.parent != fresh:
            make_private_folder(target.parent)
        backups.write_private(target, backups.read_whole(path))


def _unseal(source: Path, fresh: Path, passphrase: str | None) -> None:
    if passphrase is None:
        raise StoreError(f"{source} is sealed: its passphrase is needed")
    with source.open("rb") as file, SealedReader(file, passphrase) as sealed:
        try:
            with tarfile.open(mode="r|", fileobj=sealed) as archive:
                for member in archive:
                    _extract(archive, member, fresh)
        except tarfile.TarError as error:
            raise StoreError(f"{source} is damaged inside its seal ({error})") from None
        # An archive ends before its file does; the seal's last chunk says that nothing is missing.
        sealed.finish()


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, fresh: Path) -> None:
    content = archive.extractfile(member) if member.isreg() and _NAME.match(member.name) else None
    if content is None:
        raise StoreError("the backup holds what is no file of a data folder; nothing was restored")
    target = fresh / member.name
    if target.parent != fresh:
        make_private_folder(target.parent)
    fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        shutil.copyfileobj(content, file, _COPY_BYTES)
        file.flush()
        os.fsync(file.fileno())


def _check(fresh: Path) -> None:
    """Refuse a journal that this twintap cannot read, or that does not hold together."""
    path = fresh / backups.FILE
    if not path.is_file():
        raise StoreError("the backup holds no journal; nothing was restored")
    engine = sqlite.writing_engine(path)
    try:
        migrate(engine, path, lambda _old: None)
        with engine.begin() as connection:
            broken = [one for one in prove(connection).chains if one.state == "broken"]
    except sqlite.ERRORS as error:
        raise StoreError(f"the journal in the backup cannot be read: {sqlite.words(path, error)}") from error
    finally:
        engine.dispose()
    if broken:
        raise StoreError(
            f"the journal in the backup is broken: {broken[0].chain}: {broken[0].how}; nothing was restored"
        )
    for beside in _beside(path):
        beside.unlink(missing_ok=True)


def _beside(path: Path) -> Iterator[Path]:
    yield from (path.with_name(path.name + end) for end in ("-wal", "-shm"))
