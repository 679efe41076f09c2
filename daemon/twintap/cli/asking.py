"""Asking the person at the terminal, beside an event loop that goes on, and that Ctrl-C ends at once."""

import asyncio
import contextlib
import getpass
import sys
import threading
from collections.abc import Callable, Generator
from typing import TypeVar

from ..errors import ConsoleError
from ..names import clean

_TRIES = 3
_T = TypeVar("_T")


def is_asked(*, as_json: bool) -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty() and not as_json


async def asked(question: Callable[[], _T]) -> _T:
    """Ask a question that waits for what is typed; give the answer, or raise what it raises.

    Cancelled, it is asked no longer, and the terminal shows what is typed again. The thread that waits for a
    line cannot be ended: it is a daemon, or the program would go on for as long as nobody types.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_T] = loop.create_future()

    def tell(set_it: Callable[[], None]) -> None:
        if not answer.done():
            set_it()

    def ask() -> None:
        try:
            found = question()
        except (ConsoleError, OSError, ValueError) as error:
            fault = error
            told = lambda: answer.set_exception(fault)  # noqa: E731 - a name for each of both
        else:
            told = lambda: answer.set_result(found)  # noqa: E731
        with contextlib.suppress(RuntimeError):  # the loop has gone: nobody waits any more
            loop.call_soon_threadsafe(tell, told)

    with _terminal_kept():
        threading.Thread(target=ask, name="question", daemon=True).start()
        return await answer


@contextlib.contextmanager
def _terminal_kept() -> Generator[None]:
    """Leave the terminal as it was: a password that is asked for hides what is typed."""
    if sys.platform == "win32" or not sys.stdin.isatty():
        yield
        return
    import termios

    before = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(sys.stdin, termios.TCSANOW, before)


def tell(text: str) -> None:
    """Say something that is no part of the answer."""
    print(text, file=sys.stderr, flush=True)


def typed(prompt: str) -> str:
    """Ask for a line; ConsoleError if the input has ended. Blocks: see `asked`."""
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise ConsoleError("the input has ended")
    return line.strip()


def number(what: str, most: int) -> int:
    """Ask for a number, 1..`most`; ConsoleError after some wrong ones. Blocks: see `asked`."""
    for _ in range(_TRIES):
        found = number_in(typed(f"{what}, 1..{most}: "), most)
        if found is not None:
            return found
    raise ConsoleError(f"{what}: no number from 1 to {most} was typed")


def number_in(text: str, most: int) -> int | None:
    """Give the number, 1..`most`, that a text is; None if it is none."""
    if text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= most:
        return int(text)
    return None


def password(ssid: str) -> str:
    """Ask for a network's password, or read it from stdin. Blocks: see `asked`.

    An empty line is an open network; an end of input is no answer, and no network: ConsoleError.
    """
    try:
        if sys.stdin.isatty():
            return getpass.getpass(f"password of {clean(ssid, 40)} (empty if it is open): ")
        line = sys.stdin.readline()
    except EOFError:
        line = ""
    if not line:
        raise ConsoleError(
            f"no password of {clean(ssid, 40)} came on stdin: write it there, or an empty line if the "
            "network is open"
        )
    return line.rstrip("\r\n")
