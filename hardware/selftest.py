"""Ask a pulser on its cable for its self-test, and say what has to be there: `selftest.py PORT`.

Run it with the environment that has pyserial: `.venv/bin/python hardware/selftest.py /dev/ttyACM0`.
Exit status: 0 nothing is wrong, 1 something is, 2 no pulser answered or the command line is wrong.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import Any, Protocol, cast

BAUD = 115_200
WITHIN_S = 20.0  # a board that its port's opening has reset needs some of it to start
ASK_AGAIN_S = 4.0  # the light alone takes a second
_LONGEST = 16_384
# As the guide has them; a pulser says them in any order.
ORDER = ("board", "motor", "button", "charging", "battery", "heap", "flash", "light")


class Link(Protocol):
    """What is needed of a serial port whose `read` waits a short while."""

    def read(self, size: int = 1) -> bytes:
        """Up to `size` bytes; fewer, or none, if they do not come in time."""
        ...

    def write(self, data: bytes, /) -> int | None:
        """Send."""
        ...


def ask(link: Link, within_s: float = WITHIN_S) -> dict[str, Any]:
    """The self-test's lines by name. TimeoutError if no pulser answers in time, ValueError if it refuses."""
    ends = time.monotonic() + within_s
    number, again, held = 0, 0.0, b""
    while time.monotonic() < ends:
        if time.monotonic() >= again:
            number += 1
            request = {"jsonrpc": "2.0", "id": number, "method": "selftest"}
            link.write(b"\n" + json.dumps(request).encode() + b"\n")
            again = time.monotonic() + ASK_AGAIN_S
        *lines, held = (held + link.read(256)).split(b"\n")
        held = held[-_LONGEST:]
        for line in lines:
            try:
                answer = json.loads(line)
            except (ValueError, RecursionError):
                continue  # boot messages, and half lines
            if not isinstance(answer, dict):
                continue
            fields = cast("dict[str, Any]", answer)
            if fields.get("jsonrpc") != "2.0" or fields.get("id") not in range(1, number + 1):
                continue
            result = fields.get("result")
            if isinstance(result, dict):
                return cast("dict[str, Any]", result)
            raise ValueError(f"the pulser refused: {_clean(fields.get('error'))}")
    raise TimeoutError(
        "no pulser answers: is it the right port, is it flashed, does another program hold it?"
    )


def judge(lines: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Each line as (verdict, name, words). "bad" also where the cable says otherwise than it must."""
    found: list[tuple[str, str, str]] = []
    known = [name for name in ORDER if name in lines]
    for name in [*known, *sorted(set(lines) - set(known))]:
        line = lines[name]
        fields = cast("dict[str, Any]", line) if isinstance(line, dict) else {}
        is_ok = fields.get("ok")
        verdict = "fine" if is_ok is True else "bad" if is_ok is False else "look"
        words = f"{_clean(fields.get('value'))}: {_clean(fields.get('say'))}"
        if name == "charging" and fields.get("value") is not True:
            verdict, words = "bad", words + " (on the cable it has to feel the charger: R6, R7, D3)"
        found.append((verdict, _clean(name), words))
    return found


def _clean(value: object) -> str:
    """Text from a device, without what could move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(value))[:200]


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, print, and give the exit status."""
    parser = argparse.ArgumentParser(description="Ask a pulser on its cable for its self-test.")
    parser.add_argument("port", help="its serial port, as /dev/ttyACM0 or COM3")
    options = parser.parse_args(arguments)
    import serial

    try:
        with serial.Serial(options.port, BAUD, timeout=0.1, write_timeout=2) as port:
            judged = judge(ask(port))
    except (serial.SerialException, TimeoutError, ValueError) as wrong:
        sys.stderr.write(f"selftest: {_clean(wrong)}\n")
        return 2
    for verdict, name, words in judged:
        sys.stdout.write(f"{verdict:4}  {name:9} {words}\n")
    return 1 if any(verdict == "bad" for verdict, _, _ in judged) else 0


if __name__ == "__main__":
    sys.exit(main())
