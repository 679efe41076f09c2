"""What the doctor says: lines, each fine, a hint or bad."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["fine", "hint", "bad"]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at. `code` names it for a program; several lines may have the same one.

    `fine`: it is as it should be. `hint`: it may do, and could be better. `bad`: something will not work.
    `words` say what is so, `todo` what to do about it; None if there is nothing to do.
    """

    code: str
    state: State
    words: str
    todo: str | None = None


def fine(code: str, words: str) -> Line:
    """A line about what is as it should be."""
    return Line(code, "fine", words)


def hint(code: str, words: str, todo: str) -> Line:
    """A line about what could be better."""
    return Line(code, "hint", words, todo)


def bad(code: str, words: str, todo: str) -> Line:
    """A line about what will not work."""
    return Line(code, "bad", words, todo)


def worst(lines: Iterable[Line]) -> State:
    """Give the worst state among lines; `fine` if there are none."""
    found = {line.state for line in lines}
    return "bad" if "bad" in found else "hint" if "hint" in found else "fine"


def typed(path: str) -> str:
    """Give a path as it is typed in a command."""
    return f'"{path}"' if " " in path else path
