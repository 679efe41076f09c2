"""The schema: brought up to date by itself, after a copy; a newer twintap's file is left alone."""

import asyncio
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import delete

from tests.journal.rig import draft, journal_in, keep_session, types
from twintap.errors import StoreError
from twintap.journal import migrating, sqlite
from twintap.journal.ledger import Ledger
from twintap.journal.tables import METADATA, facts, sessions

NEXT = '''"""A step that this twintap does not have."""

import sqlalchemy as sa
from alembic import op

revision = "0999"
down_revision = "{newest}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a column, and {more}."""
    op.add_column("sessions", sa.Column("weather", sa.String(20)))
    op.execute("UPDATE sessions SET weather = 'rain'")
    {line}
'''


@pytest.fixture
def later_scripts(tmp_path: Path) -> Path:
    """The steps of a twintap that is one step further."""
    scripts = tmp_path / "migrations"
    shutil.copytree(migrating.SCRIPTS, scripts)
    text = NEXT.format(newest=migrating.REVISION, more="no more", line="")
    (scripts / "versions" / "v0999_weather.py").write_text(text)
    return scripts


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A data folder with a session in it, written by this twintap."""
    async with journal_in(tmp_path / "data") as journal:
        await keep_session(journal)
    return tmp_path / "data"


def columns(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {row[1] for row in connection.execute("PRAGMA table_info(sessions)")}


def test_the_newest_step_is_the_one_that_the_code_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrating.SCRIPTS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [migrating.REVISION]


async def test_the_steps_make_the_tables_that_the_code_uses(folder: Path) -> None:
    def differences() -> list[object]:
        engine = sqlite.writing_engine(folder / "journal.sqlite3")
        try:
            with engine.connect() as connection:
                return list(compare_metadata(MigrationContext.configure(connection), METADATA))
        finally:
            engine.dispose()

    assert await asyncio.to_thread(differences) == []


def migrate(folder: Path, scripts: Path, to: str = "0999") -> list[str]:
    """Migrate as a later twintap would; gives what was put aside before."""
    path, aside = folder / "journal.sqlite3", list[str]()
    engine = sqlite.writing_engine(path)
    try:
        migrating.migrate(engine, path, aside.append, scripts=scripts, to=to)
    finally:
        engine.dispose()
    return aside


async def test_an_older_file_is_copied_and_brought_up_to_date(
    folder: Path, later_scripts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As the later twintap opens it.
    real = migrating.migrate

    def later(engine: object, path: Path, put_aside: object) -> None:
        real(engine, path, put_aside, scripts=later_scripts, to="0999")  # type: ignore[arg-type]

    monkeypatch.setattr("twintap.journal.journal.migrate", later)
    async with journal_in(folder) as journal:
        assert "weather" in columns(folder / "journal.sqlite3")
        assert (await journal.verify()).is_intact
    [copied] = list((folder / "backups").iterdir())
    assert re.fullmatch(rf"before-{migrating.REVISION}-\S+", copied.name)
    monkeypatch.undo()
    # The copy is the file as it was, and this twintap opens it.
    async with journal_in(copied) as journal:
        assert len(await journal.sessions()) == 1
        assert (await journal.verify()).is_intact


async def test_a_file_that_is_up_to_date_is_neither_copied_nor_touched(
    folder: Path, later_scripts: Path
) -> None:
    assert await asyncio.to_thread(migrate, folder, later_scripts) == [migrating.REVISION]
    assert await asyncio.to_thread(migrate, folder, later_scripts) == []


async def test_a_newer_twintaps_file_is_refused_in_words_and_left_as_it_is(
    folder: Path, later_scripts: Path
) -> None:
    await asyncio.to_thread(migrate, folder, later_scripts)
    before = (folder / "journal.sqlite3").read_bytes()
    with pytest.raises(StoreError, match="newer twintap"):
        async with journal_in(folder):
            pass
    assert (folder / "journal.sqlite3").read_bytes() == before
    assert not (folder / "backups").exists()


async def test_a_step_that_fails_leaves_the_file_as_it_was(folder: Path, later_scripts: Path) -> None:
    bad = NEXT.format(
        newest=migrating.REVISION, more="fail", line='op.execute("INSERT INTO nowhere VALUES (1)")'
    )
    (later_scripts / "versions" / "v0999_weather.py").write_text(bad)
    with pytest.raises(StoreError):
        await asyncio.to_thread(migrate, folder, later_scripts)
    assert "weather" not in columns(folder / "journal.sqlite3")
    async with journal_in(folder) as journal:
        assert (await journal.verify()).is_intact


async def test_a_file_whose_copy_fails_is_not_migrated(folder: Path, later_scripts: Path) -> None:
    def fail(_old: str) -> None:
        raise StoreError("the disk is full")

    def run() -> None:
        engine = sqlite.writing_engine(folder / "journal.sqlite3")
        try:
            migrating.migrate(engine, folder / "journal.sqlite3", fail, scripts=later_scripts, to="0999")
        finally:
            engine.dispose()

    with pytest.raises(StoreError, match="full"):
        await asyncio.to_thread(run)
    assert "weather" not in columns(folder / "journal.sqlite3")


async def test_rows_that_an_older_twintap_counted_in_another_way_are_made_again(folder: Path) -> None:
    async with journal_in(folder) as journal:
        before = await journal.sessions()

        def age(ledger: Ledger) -> None:
            def do(connection: object) -> None:
                connection.execute(delete(sessions))  # type: ignore[attr-defined]
                connection.execute(facts.update().where(facts.c.name == "tally").values(value="0"))  # type: ignore[attr-defined]

            ledger.work(do)

        await journal._writer.work(age)  # pyright: ignore[reportPrivateUsage]
        assert await journal.sessions() == []
    async with journal_in(folder) as journal:
        assert await journal.sessions() == before
        await journal.append(draft("room.swapped"))
        assert types(await journal.room_entries("blue")) == ["room.swapped"]
