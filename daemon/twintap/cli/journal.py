"""The journal as a whole: proved, backed up, restored, and a client erased from it."""

import argparse
import asyncio
import getpass
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConsoleError, StoreError
from ..names import clean

if TYPE_CHECKING:
    from ..journal.journal import Journal
    from ..journal.proving import Verdict


def _folder(options: argparse.Namespace) -> Path:
    from ..folder import default_path

    folder: Path | None = options.data
    return (folder or default_path()).absolute()


async def verify(options: argparse.Namespace) -> int:
    """Prove the journal, of a daemon that runs or not; 1 if it is broken or lacks a printed head."""
    verdict = await asyncio.to_thread(_proved, _folder(options), options.head)
    if options.json:
        print(json.dumps(_proof(verdict)), flush=True)
    else:
        print(_said(verdict), flush=True)
    return 0 if verdict.is_intact else 1


def _proved(folder: Path, heads: list[str]) -> "Verdict":
    from ..journal import migrating, sqlite
    from ..journal.backups import FILE
    from ..journal.proving import prove

    path = folder / FILE
    if not path.is_file():
        raise StoreError(f"there is no journal in {folder}; name the data folder with --data")
    engine = sqlite.reading_engine(path)
    try:
        with engine.begin() as connection:
            held = migrating.revision_of(connection)
            if held != migrating.REVISION:
                raise StoreError(
                    f"{path} has the schema {clean(str(held), 40)}, and this twintap proves "
                    f"{migrating.REVISION}: start its daemon once, which brings the file up to date"
                )
            return prove(connection, heads)
    except sqlite.ERRORS as error:
        raise StoreError(sqlite.words(path, error)) from error
    finally:
        engine.dispose()


def _proof(verdict: "Verdict") -> dict[str, Any]:
    return {
        "ok": verdict.is_intact,
        "file_fault": verdict.file_fault,
        "chains": [
            {
                "chain": one.chain,
                "state": one.state,
                "events": one.events,
                "head": one.head,
                "at_seq": one.at_seq,
                "how": one.how,
            }
            for one in verdict.chains
        ],
        "missing_heads": list(verdict.missing_heads),
    }


def _said(verdict: "Verdict") -> str:
    counts = {
        state: sum(one.state == state for one in verdict.chains) for state in ("intact", "erased", "broken")
    }
    events = sum(one.events for one in verdict.chains)
    lines = [
        f"{len(verdict.chains)} chains, {events} events: {counts['intact']} intact, "
        f"{counts['erased']} erased and intact, {counts['broken']} broken"
    ]
    for one in verdict.chains:
        if one.state == "broken":
            where = "" if one.at_seq is None else f", event {one.at_seq}"
            lines.append(f"BROKEN: {clean(one.chain)}{where}: {clean(one.how or '')}")
    if verdict.file_fault is not None:
        lines.append(f"BROKEN: the file beneath the chains ({verdict.file_fault}); bring back a backup")
    lines += [f"MISSING: no chain has the head {clean(head)}" for head in verdict.missing_heads]
    daemon = [one.head for one in verdict.chains if one.chain == "daemon"]
    lines += [f"the daemon's own chain ends in {head}" for head in daemon]
    return "\n".join(lines)


async def erase(options: argparse.Namespace) -> int:
    """Erase a client for good, by the daemon or, if none runs, in the data folder itself."""
    from ..core.codes import normalised

    code = normalised(options.client)
    if not options.yes:
        await asyncio.to_thread(_ask_to_erase, code)
    found = await _erase(options, code)
    if options.json:
        print(json.dumps(found), flush=True)
        return 0
    print(
        f"erased: sessions {found['sessions']}, events {found['events']}, backups that the daemon had made "
        f"{found['copies']}, with a new one in their place. The tombstone is {found['head']}."
    )
    for session in found["mentions"]:
        print(f"Words in another client's session name the code as well: {clean(str(session))}")
    print(
        "A backup made by `twintap backup` before now still holds this client: delete it and make a new one.",
        flush=True,
    )
    return 0


def _ask_to_erase(code: str) -> None:
    if not sys.stdin.isatty():
        raise ConsoleError("erasing cannot be undone: say --yes, or run it at a terminal, where it asks")
    print(f"This deletes everything that is kept of {code}, and cannot be undone.")
    if input("Type the code again to go on: ").strip().casefold() != code.casefold():
        raise ConsoleError("that is another code; nothing was erased")


async def _erase(options: argparse.Namespace, code: str) -> dict[str, Any]:
    from ..client import Client, Unreachable

    if options.data is None:
        try:
            async with Client() as client:
                return await client.ask("POST", "/clients/erase", {"code": code})
        except Unreachable:
            # No daemon, then: the folder is ours, if nobody else holds it.
            pass
    async with _own_journal(_folder(options)) as journal:
        erasure = await journal.erase(code, actor="command line")
    return {
        "sessions": erasure.sessions,
        "events": erasure.events,
        "mentions": list(erasure.mentions),
        "head": erasure.head,
        "copies": erasure.copies,
    }


@asynccontextmanager
async def _own_journal(folder: Path) -> AsyncGenerator["Journal"]:
    """The journal of a folder that no daemon uses. StoreError if one does."""
    from ..journal.backups import FILE
    from ..journal.journal import Journal
    from ..store import Store

    if not (folder / FILE).is_file():
        raise StoreError(f"there is no journal in {folder}; name the data folder with --data")
    store = await asyncio.to_thread(Store.open, folder)
    try:
        journal = await asyncio.to_thread(Journal.open, folder, daemon_id=store.daemon_id)
        try:
            yield journal
        finally:
            await journal.close()
    finally:
        store.close()


async def backup(options: argparse.Namespace) -> int:
    """Write the data folder to one sealed file; the daemon may run meanwhile."""
    from ..journal.restoring import backup as write

    folder, target = _folder(options), options.file.absolute()
    passphrase = await asyncio.to_thread(_new_passphrase)
    size = await asyncio.to_thread(write, folder, target, passphrase)
    words = (
        f"{target} holds the data of {folder}, sealed ({size / 1e6:.1f} MB). "
        "Without its passphrase nobody can read it."
    )
    print(json.dumps({"file": str(target), "bytes": size}) if options.json else words, flush=True)
    return 0


async def restore(options: argparse.Namespace) -> int:
    """Make the data folder anew from a backup."""
    from ..journal.restoring import restore as read

    folder, source = _folder(options), options.file.absolute()
    is_copy = await asyncio.to_thread(source.is_dir)
    passphrase = None if is_copy else await asyncio.to_thread(_passphrase, f"passphrase of {source.name}: ")
    await asyncio.to_thread(read, source, folder, passphrase)
    words = f"{folder} is restored from {source}. Start the daemon with `twintap serve`."
    print(json.dumps({"data": str(folder)}) if options.json else words, flush=True)
    return 0


def _new_passphrase() -> str:
    from ..journal.restoring import check_passphrase

    first = _passphrase("passphrase to seal the backup with: ")
    check_passphrase(first)
    if sys.stdin.isatty() and _passphrase("once more: ") != first:
        raise ConsoleError("the two are not the same; nothing was written")
    return first


def _passphrase(prompt: str) -> str:
    """Ask for it, or read a line of stdin. Never an argument: those are seen by every program here."""
    try:
        line = getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    except EOFError:
        line = ""
    if not line:
        raise ConsoleError("no passphrase came; type it, or write it as a line on stdin")
    return line
