"""Hands and eyes for a board: press its button, charge it, spoil its air, pull its plug, see its light.

For tests and demonstrations, by a UNIX socket `hands.sock` in the board's state folder: one JSON object a
line, one JSON answer a line, `{"ok": true, ...}` or `{"ok": false, "error": "..."}`. From a shell:

    python -m twintap_board.hands STATE press --ms 120
"""

import argparse
import json
import socket
import sys
from pathlib import Path
from typing import Any, NamedTuple, cast

from .air import MODELS
from .errors import BoardError

SOCKET_NAME = "hands.sock"
LINE_MAX = 1024
_ANSWER_WITHIN_S = 15.0


class Field(NamedTuple):
    """One argument: its type, its range (numbers) or its choices (names), and what it is if left out."""

    kind: type
    low: int = 0
    high: int = 0
    choices: tuple[str, ...] = ()
    default: Any = None


# Every deed and its arguments. A field without a default must be given.
DEEDS: dict[str, dict[str, Field]] = {
    "press": {"ms": Field(int, 1, 60_000, default=120)},
    "press_down": {},
    "press_up": {},
    "charge": {"on": Field(bool)},
    "battery": {"mv": Field(int, 0, 10_000)},
    "air": {"model": Field(str, choices=tuple(MODELS))},
    "cut": {"on": Field(bool)},
    "readdress": {},
    "network": {"ssid": Field(str), "on": Field(bool)},
    "hang": {"on": Field(bool, default=True)},
    "reset": {},
    "info": {},
    "state": {},
}


def parse(line: bytes) -> tuple[str, dict[str, Any]]:
    """Read one line from a stranger: the deed and all its arguments. BoardError says what is wrong."""
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BoardError("not a JSON object on one line") from error
    if not isinstance(asked, dict):
        raise BoardError("not a JSON object on one line")
    given = cast("dict[str, Any]", asked)
    deed = given.pop("do", None)
    if not isinstance(deed, str) or deed not in DEEDS:
        raise BoardError(f"'do' must be one of {', '.join(DEEDS)}")
    fields = DEEDS[deed]
    unknown = given.keys() - fields.keys()
    if unknown:
        raise BoardError(
            f"{deed} takes {', '.join(fields) or 'nothing'}, and not {sorted(unknown)[0][:40]!r}"
        )
    return deed, {
        name: _checked(name, field, given.get(name, field.default)) for name, field in fields.items()
    }


def _checked(name: str, field: Field, value: object) -> object:
    if field.kind is bool and not isinstance(value, bool):
        raise BoardError(f"{name} must be true or false")
    if field.kind is int and (type(value) is not int or not field.low <= value <= field.high):
        raise BoardError(f"{name} must be a whole number from {field.low} to {field.high}")
    if field.kind is str and (not isinstance(value, str) or (field.choices and value not in field.choices)):
        choice = f"one of {', '.join(field.choices)}" if field.choices else "a text"
        raise BoardError(f"{name} must be {choice}")
    return value


def request(state: Path, do: str, **arguments: object) -> dict[str, Any]:
    """Have the board of folder `state` do one deed; give its answer. BoardError if it refuses or is gone."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(_ANSWER_WITHIN_S)
        try:
            sock.connect(str(state / SOCKET_NAME))
            sock.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")
            with sock.makefile("rb") as answers:
                line = answers.readline()
        except OSError as error:
            raise BoardError(f"no board answers in {state} ({error})") from error
    if not line:
        raise BoardError(f"the board in {state} has ended")
    answer: dict[str, Any] = json.loads(line)
    if not answer["ok"]:
        raise BoardError(answer["error"])
    return answer


def _on_off(text: str) -> bool:
    if text not in ("on", "off"):
        raise argparse.ArgumentTypeError("say on or off")
    return text == "on"


def main(arguments: list[str] | None = None) -> int:
    """Do one deed from the shell; 0 done, 1 refused or no board, 2 used wrongly."""
    parser = argparse.ArgumentParser(
        prog="python -m twintap_board.hands", description="Hands for a virtual board."
    )
    parser.add_argument("state", type=Path, metavar="STATE", help="the board's state folder")
    deeds = parser.add_subparsers(dest="do", required=True, metavar="DEED")
    for deed, fields in DEEDS.items():
        sub = deeds.add_parser(deed)
        for name, field in fields.items():
            kind = _on_off if field.kind is bool else field.kind
            if field.default is not None:
                sub.add_argument(f"--{name}", type=kind, default=field.default)
            else:
                sub.add_argument(name, type=kind, choices=field.choices or None)
    given = vars(parser.parse_args(arguments))
    try:
        answer = request(given.pop("state"), given.pop("do"), **given)
    except BoardError as error:
        print(f"twintap board: {error}", file=sys.stderr)
        return 1
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
