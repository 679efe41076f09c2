"""`twintap export` and `twintap import`: a session to a file, and back into a journal."""

import argparse
import asyncio
import io
import os
import stat
import sys
import zipfile
from pathlib import Path

from ..errors import StoreError

# All that a year of sessions comes to, many times over: what is longer is no export.
_FILE_MAX = 1 << 30


async def run_export(options: argparse.Namespace) -> int:
    """Write a session."""
    from ..client import Client

    async with Client() as client:
        content = await client.fetch(f"/sessions/{options.session}/export", query=f"?format={options.format}")
    out: Path | None = options.out
    if options.format == "bids":
        await asyncio.to_thread(_unpack, content, out or Path())
    elif out is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        await asyncio.to_thread(_write, out, content)
    return 0


def _write(path: Path, content: bytes) -> None:
    """Write a file that its owner alone can read, though it was there before: there is a client in it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            if os.name == "posix" and stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.fchmod(descriptor, 0o600)
            file.write(content)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from None


def _unpack(content: bytes, folder: Path) -> None:
    """Lay a data set out, beside those that are there: its own two files are new, the others shared."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as whole:
            members = [(Path(name), whole.read(name)) for name in whole.namelist()]
    except (zipfile.BadZipFile, OSError) as error:
        raise StoreError(f"what the daemon sent is no data set: {error}") from None
    for inside, text in members:
        if inside.is_absolute() or ".." in inside.parts:
            raise StoreError(f"what the daemon sent is no data set: it names {inside}")
        path = folder / inside
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot make {path.parent}: {error.strerror}") from None
        # What every session's data set has alike may have been completed by hand meanwhile.
        if len(inside.parts) > 1 or not path.exists():
            _write(path, text)


async def run_import(options: argparse.Namespace) -> int:
    """Take sessions in."""
    from ..export.lines import from_lines, lines_of
    from ..folder import default_path
    from ..journal.entry import Entry
    from ..journal.journal import Journal
    from ..store import Store

    def read() -> list[Entry]:
        path: Path = options.file
        try:
            if path.stat().st_size > _FILE_MAX:
                raise StoreError(f"{path} is larger than {_FILE_MAX >> 20} MiB; that is no export")
            with path.open("rb") as file:
                return list(from_lines(lines_of(file)))
        except OSError as error:
            raise StoreError(f"cannot read {path}: {error.strerror}") from None

    entries = await asyncio.to_thread(read)
    # The folder's lock is held meanwhile: a daemon that runs has the journal to itself.
    store = await asyncio.to_thread(Store.open, options.data or default_path())
    try:
        journal = await asyncio.to_thread(Journal.open, store.path, daemon_id=store.daemon_id)
        try:
            taken = await journal.import_entries(entries, actor="command line")
        finally:
            await journal.close()
    finally:
        await asyncio.to_thread(store.close)
    sessions = "1 session" if taken.sessions == 1 else f"{taken.sessions} sessions"
    print(f"{sessions}, {taken.events} events; the last hash of each chain:")
    for chain, head in sorted(taken.heads.items()):
        print(f"  {chain}  {head}")
    return 0
