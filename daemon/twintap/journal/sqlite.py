"""What is SQLite's own: how its file is opened, how durable it writes, what its errors mean to a person.

Every other module of the journal speaks SQL that any database understands.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event
from sqlalchemy.exc import DBAPIError

from ..errors import StoreError
from ..names import clean
from .chain import MEND
from .files import refuse_if_open, sync_folder

# What a transaction may end with, and a connection's beginning. Of a damaged file even the error's own text,
# which quotes it, may be no text.
ERRORS = (DBAPIError, sqlite3.Error, UnicodeDecodeError)
_BUSY_WAIT_S = 10.0
_READERS = 4
_WAL_KEPT_BYTES = 16 * 1024 * 1024

# FULL: a commit returns when the log is synced. fullfsync: macOS lies without it. secure_delete: what is
# deleted is overwritten with zeros. temp_store: a sort or a vacuum leaves no copy of the data in a file.
_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "fullfsync = ON",
    "checkpoint_fullfsync = ON",
    "foreign_keys = ON",
    "secure_delete = ON",
    "temp_store = MEMORY",
    "trusted_schema = OFF",
    f"journal_size_limit = {_WAL_KEPT_BYTES}",
)
_READ_PRAGMAS = ("query_only = ON", "temp_store = MEMORY", "trusted_schema = OFF")


def create_file(path: Path) -> bool:
    """Have the file, readable by its owner alone; tell whether it is new. StoreError if that cannot be."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        refuse_if_open(path)
        return False
    except OSError as error:
        raise StoreError(
            f"{path} cannot be made ({error.strerror}); free some space or mend its rights"
        ) from error
    os.close(fd)
    sync_folder(path.parent)
    return True


def writing_engine(path: Path) -> Engine:
    """Give the engine of the one writer: every transaction takes the write lock at its beginning."""
    engine = create_engine(_url(path), poolclass=NullPool, connect_args={"timeout": _BUSY_WAIT_S})
    _listen(engine, _PRAGMAS, "BEGIN IMMEDIATE")
    return engine


def reading_engine(path: Path) -> Engine:
    """Give an engine for threads that read: a few connections, none of which can write."""
    engine = create_engine(
        _url(path),
        poolclass=QueuePool,
        pool_size=_READERS,
        max_overflow=_READERS,
        connect_args={"timeout": _BUSY_WAIT_S, "check_same_thread": False},
    )
    _listen(engine, _READ_PRAGMAS, "BEGIN")
    return engine


def _url(path: Path) -> URL:
    return URL.create("sqlite", database=str(path))


def _listen(engine: Engine, pragmas: tuple[str, ...], begin: str) -> None:
    # The driver's own way begins a transaction late, and none for DDL; so it is told to keep out of it.
    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)


def scrub(path: Path) -> None:
    """Leave no deleted byte: write the file anew, and cut its log to nothing. StoreError if it cannot."""
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_WAIT_S, isolation_level=None)) as connection:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}").close()
            _truncate_log(connection, path)
            connection.execute("VACUUM")
            _truncate_log(connection, path)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise StoreError(words(path, error)) from error


def _truncate_log(connection: sqlite3.Connection, path: Path) -> None:
    busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    if busy:
        raise StoreError(f"{path} is being read, and its log cannot be cut; try again in a moment")


def file_fault(connection: Connection) -> str | None:
    """Say what is wrong with the file itself, its pages and indexes; None: nothing.

    The chains can hold together while an index that finds them does not.
    """
    found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar()
    # The words may quote what lies there.
    return None if found == "ok" else clean(str(found), 200)


def copy(source: Path, target: Path) -> None:
    """Make `target` a whole copy of a file that may be written meanwhile. StoreError if it cannot be."""
    create_file(target)
    try:
        with (
            closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True, timeout=_BUSY_WAIT_S)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
            # A copy has no log beside it: it is one file, and may lie where nothing can be written.
            new.execute("PRAGMA journal_mode = DELETE").close()
        with target.open("rb+") as file:
            os.fsync(file.fileno())
        sync_folder(target.parent)
    except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
        target.unlink(missing_ok=True)
        raise StoreError(words(target, error)) from error
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def words(path: Path, error: BaseException) -> str:
    """Say what a database's error means and what to do."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    is_text = not isinstance(error, UnicodeDecodeError)
    name = str(getattr(error, "sqlite_errorname", "")) if is_text else "SQLITE_CORRUPT"
    for beginning, said in _WORDS.items():
        if name.startswith(beginning):
            return said.format(path=path, name=name)
    reason = error.strerror if isinstance(error, OSError) and error.strerror else name or str(error)
    return f"{path} cannot be used ({reason}); free some space or mend its rights"


_WORDS = {
    "SQLITE_FULL": "the disk is full: free some space on the one that holds {path}",
    "SQLITE_IOERR_NOMEM": "this computer has no memory left for {path}; end other programs",
    "SQLITE_IOERR": "the disk that holds {path} fails ({name}); free some space, and check it",
    "SQLITE_READONLY": "{path} may not be written; mend its rights",
    "SQLITE_CANTOPEN": "{path} cannot be opened; mend its rights",
    "SQLITE_BUSY": "another program holds {path}; end it",
    "SQLITE_LOCKED": "another program holds {path}; end it",
    "SQLITE_CONSTRAINT": "another program wrote into {path} ({name}); end it, and start the daemon again",
    "SQLITE_CORRUPT": "{path} is damaged; " + MEND,
    "SQLITE_NOTADB": "{path} is no journal; " + MEND,
}
