"""The commands' names and flags."""

import argparse
import math
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import NoReturn

from . import commands, doctor, export, journal, pair, pulser, selftest, service, sessions
from .kinds import name as _name
from .kinds import pulser_id as _pulser_id
from .kinds import whole as _whole


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return value


def _passes(text: str) -> float | str:
    return text if text == "open" else _number(text)


def _session_id(text: str) -> str:
    parts = text.lower().split("-")
    if [len(part) for part in parts] != [8, 4, 4, 4, 12] or set("".join(parts)) - set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a session's id; `twintap sessions` shows them")
    return text.lower()


def _add_room(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("room", type=_name, metavar="ROOM")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON, one value a line")


def _add_pacing(parser: argparse.ArgumentParser) -> None:
    # The daemon judges the ranges: a set that runs knows more about them than a command does.
    for flag, unit, words in (
        ("--rate-hz", "X", "passes (left and right) a second, 0.1..4"),
        ("--pulse-ms", "N", "width of a pulse, 20 up to half a pass"),
        ("--level-pct", "N", "level of both sides, 0..100"),
        ("--left-pct", "N", "level of the left side"),
        ("--right-pct", "N", "level of the right side"),
        ("--ramp-ms", "N", "rise over the set, 0..10000"),
    ):
        parser.add_argument(flag, type=_number, metavar=unit, help=words)
    parser.add_argument(
        "--passes",
        type=_passes,
        metavar="N",
        help="how many passes, 1..1000, or open: until stopped, at most 10 minutes",
    )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="twintap", description="Two wireless pulsers that tap left and right in step.")
    parser.set_defaults(endless=False, json=False)
    subs = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    def add(
        where: "argparse._SubParsersAction[_Parser]",  # pyright: ignore[reportPrivateUsage] - it has no other name
        name: str,
        run: Callable[[argparse.Namespace], Awaitable[int]],
        words: str,
    ) -> _Parser:
        sub = where.add_parser(name, help=words, description=words[0].upper() + words[1:] + ".")
        sub.set_defaults(run=run)
        return sub

    serve = add(subs, "serve", commands.serve, "run the daemon until Ctrl-C")
    serve.add_argument("--data", type=Path, metavar="DIR", help="the data folder (default: TWINTAP_DATA)")
    serve.add_argument(
        "--host", default="127.0.0.1", metavar="H", help="0.0.0.0 for real pulsers (default: %(default)s)"
    )
    serve.add_argument(
        "--port", type=_whole(0, 65535), default=8700, metavar="P", help="TCP and UDP (default: %(default)s)"
    )
    serve.add_argument(
        "--virtual", type=_whole(0, 50), default=0, metavar="N", help="that many virtual pairs"
    )
    serve.add_argument(
        "--air", choices=("none", "quiet", "busy", "bad"), default="quiet", help="of the virtual pairs"
    )
    serve.add_argument(
        "--no-tls",
        action="store_true",
        help="speak plain HTTP to the network too: everybody on it can read along and take over",
    )
    _add_json(serve)

    subs.add_parser("board", help="run one virtual board (see twintap board --help)", add_help=False)
    subs.add_parser("flash", help="make a pulser of the chip on a serial port, or update it", add_help=False)

    selftest.add_arguments(subs)
    pair.add_arguments(subs)
    pulser.add_arguments(subs)

    _add_json(add(subs, "pulsers", commands.pulsers, "show the pulsers, and those heard that are not ours"))
    for name, run, words in (
        ("identify", commands.identify, "let a pulser buzz, to tell which it is"),
        ("unpair", commands.unpair, "forget a pulser"),
    ):
        add(subs, name, run, words).add_argument("pulser", type=_pulser_id, metavar="PULSER", help="its id")
    address = add(
        subs, "address", commands.address, "say by hand where a pulser is, where mDNS does not reach"
    )
    address.add_argument("pulser", type=_pulser_id, metavar="PULSER", help="its id")
    address.add_argument("host", metavar="IPV4")
    address.add_argument("port", type=_whole(1, 65535), metavar="PORT")

    opens = add(subs, "open", commands.open_page, "open the screen in this computer's browser")
    opens.add_argument("--no-browser", action="store_true", help="print the link and start no browser")
    _add_json(opens)
    service.add_icon_arguments(opens)
    invite = add(subs, "invite", commands.invite, "let another device join a room: a link and its QR code")
    _add_room(invite)
    invite.add_argument(
        "--role",
        choices=("therapist", "observer", "display", "logger"),
        default="therapist",
        help="what it may do (default: %(default)s)",
    )
    invite.add_argument("--label", type=_name, metavar="LABEL", help="whose it is (else it says so itself)")
    invite.add_argument("--notes", action="store_true", help="an observer may read and write notes")
    _add_json(invite)

    room = add(subs, "room", commands.room, "show a room")
    _add_room(room)
    _add_json(room)
    swap = add(subs, "swap", commands.swap, "make left right and right left, without pairing again")
    _add_room(swap)
    _add_json(swap)
    watch = add(subs, "watch", commands.watch, "print every event, one a line, until Ctrl-C")
    watch.add_argument("room", type=_name, nargs="?", metavar="ROOM")
    watch.set_defaults(endless=True)
    _add_json(watch)

    sets = subs.add_parser("set", help="start, change or stop a set").add_subparsers(
        required=True, metavar="start|change|stop", parser_class=_Parser
    )
    for name, words in (("start", "start a set"), ("change", "change the running set")):
        sub = add(sets, name, partial(commands.pace, name), words)
        _add_room(sub)
        _add_pacing(sub)
        _add_json(sub)
    stop = add(sets, "stop", commands.stop, "stop the set")
    _add_room(stop)
    stop.add_argument("--soft", action="store_true", help="at the end of the running pass")
    _add_json(stop)

    listed = add(
        subs, "sessions", sessions.sessions, "show sessions, the newest first; of one client, by its code"
    )
    listed.add_argument("code", nargs="?", metavar="CODE", help="a client's code")
    listed.add_argument("--room", type=_name, metavar="ROOM", help="those of this room alone")
    listed.add_argument(
        "--limit", type=_whole(1, 200), default=50, metavar="N", help="at most so many (default: %(default)s)"
    )
    _add_json(listed)

    tokens = subs.add_parser("token", help="give out, show or revoke tokens").add_subparsers(
        required=True, metavar="give|list|revoke", parser_class=_Parser
    )
    give = add(tokens, "give", commands.give_token, "give out a token; it is printed once")
    give.add_argument("label", type=_name, metavar="LABEL", help="whose it is, as `tablet of room 2`")
    give.add_argument("--role", choices=("therapist", "observer", "display", "logger"), required=True)
    give.add_argument(
        "--room", type=_name, action="append", metavar="ROOM", help="for this room alone; may come again"
    )
    give.add_argument("--notes", action="store_true", help="an observer may read and write notes")
    give.add_argument(
        "--hours", type=_whole(1, 8784), metavar="N", help="for so long (default: until revoked)"
    )
    _add_json(give)
    _add_json(add(tokens, "list", commands.list_tokens, "show the tokens given out"))
    add(tokens, "revoke", commands.revoke_token, "end a token").add_argument("token", metavar="ID")

    whole = add(
        subs,
        "export",
        export.run_export,
        "write a session to a file: whole, flat, as a data set, or as a page to print",
    )
    whole.add_argument("session", type=_session_id, metavar="SESSION", help="its id: see twintap sessions")
    whole.add_argument(
        "--format",
        choices=("jsonl", "csv", "bids", "html"),
        default="html",
        help="jsonl: everything, to be imported again; csv: one event a row; bids: events.tsv and "
        "events.json; html: the report (default: %(default)s)",
    )
    whole.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help="a file; for bids a folder (default: stdout; for bids the current folder)",
    )
    taking = add(
        subs,
        "import",
        export.run_import,
        "take exported sessions into the journal of a daemon that is stopped",
    )
    taking.add_argument("file", type=Path, metavar="FILE", help="as twintap export --format jsonl writes it")
    taking.add_argument("--data", type=Path, metavar="DIR", help="the data folder (default: TWINTAP_DATA)")

    proofs = subs.add_parser("journal", help="prove the journal").add_subparsers(
        required=True, metavar="verify", parser_class=_Parser
    )
    proof = add(proofs, "verify", journal.verify, "find edits and losses in the journal; 1 if there are any")
    proof.add_argument(
        "--head",
        action="append",
        default=[],
        metavar="HASH",
        help="printed on a report or an export, and has to be in the journal; may come again",
    )
    erasing = add(subs, "erase", journal.erase, "erase a client for good; it asks for the code once more")
    erasing.add_argument("client", metavar="CLIENT", help="the client's code")
    erasing.add_argument("--yes", action="store_true", help="do not ask")
    backup = add(
        subs, "backup", journal.backup, "write all data to one file, sealed by a passphrase that is asked for"
    )
    backup.add_argument("file", type=Path, metavar="FILE")
    restore = add(subs, "restore", journal.restore, "make the data folder anew from a backup")
    restore.add_argument(
        "file",
        type=Path,
        metavar="FILE",
        help="a backup, or one of the folders under backups/ in a data folder",
    )
    for sub in (proof, erasing, backup, restore):
        sub.add_argument("--data", type=Path, metavar="DIR", help="the data folder (default: TWINTAP_DATA)")
        _add_json(sub)
    doctor.add_arguments(subs)
    service.add_arguments(subs)
    return parser


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse a command; ends the program with 2 and a sentence on stderr if it is used wrongly."""
    parser = _parser()
    if not arguments:
        parser.print_help(sys.stderr)
        raise SystemExit(2)
    return parser.parse_args(arguments)
