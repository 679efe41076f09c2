"""The file's schema: brought up to this twintap's when it is opened, after a copy was put aside."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from ..errors import StoreError
from . import sqlite

SCRIPTS = Path(__file__).parent / "migrations"
# The newest step in SCRIPTS: the usual start need not read them.
REVISION = "0001"


def revision_of(connection: Connection) -> str | None:
    """Give the schema's version; None if the file has none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(text("SELECT version_num FROM alembic_version"))


def migrate(
    engine: Engine,
    path: Path,
    put_aside: Callable[[str], None],
    *,
    scripts: Path = SCRIPTS,
    to: str = REVISION,
) -> None:
    """Bring the file at `path` to the version `to`, in one transaction.

    `put_aside(old)` is called before a file of the older version `old` is touched. StoreError if the file is
    of a newer twintap, or cannot be changed; then it is as it was.
    """
    try:
        with engine.connect() as connection:
            with connection.begin():
                held = revision_of(connection)
            if held == to:
                return
            _run(connection, path, held, put_aside, scripts, to)
    except sqlite.ERRORS as error:
        raise StoreError(sqlite.words(path, error)) from error


def _run(
    connection: Connection,
    path: Path,
    held: str | None,
    put_aside: Callable[[str], None],
    scripts: Path,
    to: str,
) -> None:
    # Alembic takes a while to import, and a start needs it only where something is to be done.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.set_main_option("path_separator", "os")
    known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    if held is not None and held not in known:
        raise StoreError(
            f"{path} was written by a newer twintap (its schema is {held[:40]!r}); "
            "install that one again, or restore a backup made before it"
        )
    if held is not None:
        put_aside(held)
    config.attributes["connection"] = connection
    with connection.begin():
        command.upgrade(config, to)
