"""How a command is added, and what an argument may be: each takes a word, or says what is wrong with it."""

import argparse
from collections.abc import Callable
from typing import Any


def command(
    subs: "argparse._SubParsersAction[Any]",  # pyright: ignore[reportPrivateUsage] - it has no other name
    name: str,
    run: object,
    words: str,
) -> argparse.ArgumentParser:
    """Add a command that `run` carries out; `words` say what it does, in its help."""
    parser: argparse.ArgumentParser = subs.add_parser(
        name, help=words, description=words[0].upper() + words[1:] + "."
    )
    parser.set_defaults(run=run)
    return parser


def whole(low: int, high: int) -> Callable[[str], int]:
    """Give the kind of whole numbers, `low`..`high`."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 12 and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, {low}..{high}")
        return int(text)

    return parse


def name(text: str) -> str:
    """Take what a room, a pulser or a token may be called."""
    from ..names import name_fault

    fault = name_fault("a room's name", text)
    if fault is not None:
        raise argparse.ArgumentTypeError(fault.message)
    return text


def pulser_id(text: str) -> str:
    """Take a pulser's id in hex; give it in lower case."""
    if len(text) != 16 or any(digit not in "0123456789abcdef" for digit in text.lower()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a pulser's id; `twintap pulsers` shows them")
    return text.lower()
