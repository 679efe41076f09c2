"""`twintap journal verify`, `erase`, `backup` and `restore`, as they are typed."""

import asyncio
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journal.rig import journal_in, keep_session
from tests.journal.test_erasing import holding
from tests.journal.test_proving import edit
from twintap.cli import main
from twintap.journal import sealing
from twintap.store import Store

CODE = "QXZ-4711"


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """A data folder whose daemon is stopped, with two clients."""
    folder = tmp_path / "data"
    (await asyncio.to_thread(Store.open, folder)).close()
    async with journal_in(folder) as journal:
        await keep_session(journal, CODE)
        await keep_session(journal, "K-2")
    return folder


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


Twintap = Callable[..., Done]


@pytest.fixture
def twintap(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Twintap:
    """The command line within this process: a start of its own takes longer than all that it does."""
    # The cost of a guess is for thieves; here it is a few ms.
    monkeypatch.setattr(sealing, "_LOG_N", 10)

    def run(data: Path, *arguments: str, stdin: str = "") -> Done:
        # A port at which nobody answers: what runs on this machine besides is none of ours.
        monkeypatch.setenv("TWINTAP_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("TWINTAP_DATA", str(data))
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = main(list(arguments))
        told = capsys.readouterr()
        return Done(code, told.out, told.err)

    return run


def test_verify_proves_the_journal_and_prints_the_head_that_a_later_one_has_to_hold(
    twintap: Twintap, data: Path
) -> None:
    done = twintap(data, "journal", "verify")
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 chains, 16 events: 3 intact, 0 erased and intact, 0 broken" in done.stdout
    head = done.stdout.split()[-1]
    assert twintap(data, "journal", "verify", "--head", head).returncode == 0
    wrong = twintap(data, "journal", "verify", "--json", "--head", head, "--head", "0" * 64)
    assert wrong.returncode == 1
    assert json.loads(wrong.stdout)["missing_heads"] == ["0" * 64]


def test_verify_says_where_a_journal_is_broken(twintap: Twintap, data: Path) -> None:
    edit(
        data,
        "UPDATE links SET entered = '2026-01-01T00:00:00+00:00' WHERE seq = 3 AND chain LIKE 'session:%'",
    )
    done = twintap(data, "journal", "verify")
    assert done.returncode == 1
    assert done.stdout.count("BROKEN: session:") == 2
    assert ", event 3: its header was changed" in done.stdout


def test_verify_of_a_folder_without_a_journal_is_an_error_in_words(twintap: Twintap, tmp_path: Path) -> None:
    done = twintap(tmp_path, "journal", "verify")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no journal in" in done.stderr


def test_erase_deletes_a_client_for_good_however_the_code_is_typed(twintap: Twintap, data: Path) -> None:
    done = twintap(data, "erase", f" {CODE.lower()} ", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("erased: sessions 1, events 7")
    assert "still holds this client" in done.stdout
    assert holding(data, CODE) == set()
    assert "1 erased and intact, 0 broken" in twintap(data, "journal", "verify").stdout
    again = twintap(data, "erase", CODE, "--yes")
    assert again.returncode == 1
    assert "no client with this code" in again.stderr


def test_erase_asks_before_and_does_nothing_where_nobody_can_answer(twintap: Twintap, data: Path) -> None:
    done = twintap(data, "erase", CODE)
    assert done.returncode == 1
    assert "--yes" in done.stderr
    assert holding(data, CODE)


def test_erase_leaves_a_folder_alone_that_a_daemon_uses(twintap: Twintap, data: Path) -> None:
    store = Store.open(data)
    try:
        done = twintap(data, "erase", CODE, "--yes")
    finally:
        store.close()
    assert done.returncode == 1
    assert "another twintap daemon uses the data folder" in done.stderr
    assert holding(data, CODE)


def test_a_backup_comes_back_with_its_passphrase_and_with_no_other(
    twintap: Twintap, data: Path, tmp_path: Path
) -> None:
    file, fresh = tmp_path / "backup.twintap", tmp_path / "fresh"
    done = twintap(data, "backup", str(file), stdin="four words do well\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert file.stat().st_size > 10_000

    wrong = twintap(fresh, "restore", str(file), stdin="other words do not\n")
    assert wrong.returncode == 1
    assert "passphrase is wrong" in wrong.stderr
    assert not fresh.exists()
    over = twintap(data, "restore", str(file), stdin="four words do well\n")
    assert over.returncode == 1
    assert "holds data already" in over.stderr

    done = twintap(fresh, "restore", str(file), stdin="four words do well\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert holding(fresh, CODE)
    assert twintap(fresh, "journal", "verify").returncode == 0


@pytest.mark.parametrize("stdin", ["", "\n", "short\n"])
def test_a_backup_without_a_passphrase_that_seals_is_none(
    twintap: Twintap, data: Path, tmp_path: Path, stdin: str
) -> None:
    done = twintap(data, "backup", str(tmp_path / "b"), stdin=stdin)
    assert done.returncode == 1
    assert "passphrase" in done.stderr
    assert not (tmp_path / "b").exists()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "is_erased"), [(CODE.lower(), True), ("K-2", False), ("", False)])
def test_at_a_terminal_erase_wants_the_code_once_more(
    data: Path,
    typed: str,
    is_erased: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TWINTAP_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("sys.stdin", Terminal(typed + "\n"))
    code = main(["erase", CODE, "--data", str(data)])
    assert code == (0 if is_erased else 1)
    assert (holding(data, CODE) == set()) is is_erased
