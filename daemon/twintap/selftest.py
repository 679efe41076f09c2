"""What a pulser on its cable finds out about itself, judged: fine, bad, or for a person's eyes.

A pulser says of each part whether it is fine, or that a person has to look (`protocol/SPEC.md`). One thing it
cannot know: a cable brings power, so a board that can feel a charger has to feel one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from .console import Console
from .errors import ConsoleError
from .names import clean

State = Literal["fine", "look", "bad"]
Value = bool | int | str | None

# In the order of the hands, as the guide has them; a pulser says them in any. Later firmware may say more.
PARTS = ("board", "motor", "button", "charging", "battery", "heap", "flash", "light")
_PARTS_MAX = 32
_PART_LONGEST = 20
_TEXT_LONGEST = 120
_WITHIN_S = 10.0  # the light alone takes a second


@dataclass(frozen=True, slots=True)
class Line:
    """What was found of one part. `value`: what the pulser saw, None where nothing; all text is clean."""

    part: str
    state: State
    value: Value
    words: str


@dataclass(frozen=True, slots=True)
class Found:
    """A self-test. `pulser` and `board`: the ids that it gave, None if it gave none."""

    pulser: str | None
    board: str | None
    lines: tuple[Line, ...]

    @property
    def state(self) -> State:
        """The worst of all lines."""
        states = {line.state for line in self.lines}
        return "bad" if "bad" in states else "look" if "look" in states else "fine"


async def run(console: Console, *, buzz: bool = False) -> Found:
    """Have the pulser test itself, a second or two; `buzz`: its motor too, for a fifth of a second.

    Waits for a board that the port's opening has reset. `ConsoleError`: none answers, it refuses (a set
    runs), or it says nothing of itself.
    """
    info = await console.ready()
    told = await console.call("selftest", {"buzz": True} if buzz else None, within_s=_WITHIN_S)
    lines = judge(info, told)
    if not lines:
        raise ConsoleError(
            f"the pulser at {console.port} says nothing of itself: is its firmware of this version?"
        )
    return Found(_id(info.get("id")), _id(info.get("board_id")), lines)


def judge(info: Mapping[str, Any], told: Mapping[str, Any]) -> tuple[Line, ...]:
    """Judge what a pulser said of itself, `info`, and of its parts, `told`: a stranger's text until here."""
    known = [part for part in PARTS if part in told]
    others = sorted(set(told) - set(known))[: _PARTS_MAX - len(PARTS)]
    found = [_line(part, told[part]) for part in (*known, *others)]
    if info.get("safe_mode") is True:
        error = info.get("last_error")
        last = error.strip().rpartition("\n")[2] if isinstance(error, str) else ""
        words = "it broke three times in a row, and tests the motor no more"
        text = f"{words}: {clean(last, _TEXT_LONGEST)}" if last else words
        found.insert(0, Line("firmware", "bad", "safe mode", text))
    return tuple(found)


def _line(part: str, told: object) -> Line:
    fields = cast("dict[str, object]", told) if isinstance(told, dict) else {}
    is_ok, value = fields.get("ok"), _value(fields.get("value"))
    state: State = "fine" if is_ok is True else "bad" if is_ok is False else "look"
    say = fields.get("say")
    words = clean(say, _TEXT_LONGEST) if isinstance(say, str) else ""
    if part == "charging" and value is False:
        # A board that cannot feel a charger says null.
        state = "bad"
        words = "no charger is felt, and the cable is one: look at the wires and resistors that feel it"
    return Line(clean(part, _PART_LONGEST), state, value, words)


def _value(value: object) -> Value:
    if value is None or isinstance(value, (bool, int)):
        return value
    return clean(str(value), _TEXT_LONGEST)


def _id(value: object) -> str | None:
    return clean(value, _PART_LONGEST * 2) if isinstance(value, str) and value else None
