"""Whatever comes by the cable in a set, at the real VM's console: answers or silence, and the same set.

Garbage, halves of lines, huge ones, binary, deep nesting, numbers without end, every method with every type
that it does not take, and what would be obeyed at any other time.
"""

import asyncio
import json
import os
import random
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.host_waits import HostWaits
from twintap_protocol import frames, limits

from .board import Board
from .fake_daemon import KEY, FakeDaemon
from .test_console import CODES, FLASH, METHODS, requests

PASSES = 20
PERIOD_US = 250_000
# The trace is written by another process, as soon as the machine lets it.
ON_THE_GRID_US = 12_000
ANSWERED_WITHIN_S = 30.0

Pulses = list[tuple[int, int, float]]

_FIELDS = (
    *("key", "daemon_id", "side", "ceiling_pct", "addresses", "room", "colour", "ms", "level_pct"),
    *("ssid", "password", "trim_pct", "buzz"),
)
_WRONG: tuple[Any, ...] = (
    *(None, True, -1, 0, 10**30, 1e308, "", "x" * 300, "\x00", "\ud800", [], [[]], {}, {"a": []}),
    *([["1.2.3.4", 70_000]], ["left"], "٣" * 32),
)

_NO_METHODS: tuple[object, ...] = (7, None, (), "", "__init__", "x" * 900)


def line(method: object, params: object, number: object = 7) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"


def everything_wrong() -> list[bytes]:
    """Every method with each wrong type, in each of its fields; and requests that are none."""
    out = [line(method, dict.fromkeys(_FIELDS, wrong)) for method in METHODS for wrong in _WRONG]
    out += [line(method, wrong) for method in METHODS for wrong in (7, "x", [1, 2], True)]
    # What would be obeyed at any other time.
    good = {
        "key": KEY.hex(),
        "daemon_id": "00" * 8,
        "side": "right",
        "trim_pct": 30,
        "ssid": "n",
        "password": "",
    }
    out += [line(method, good) for method in FLASH]
    out += [line(wrong, {}) for wrong in _NO_METHODS]
    out += [line("info", {}, wrong) for wrong in ([1], {"a": 1}, True, 1e999)]
    out += [
        b"[" * 1_000 + b"\n",
        b'{"a":' * 180 + b"\n",
        b"9" * 1_000 + b"\n",
        b"1e999999\n",
        b"-" * 300 + b"\n",
    ]
    out += [
        b"x" * 20_000 + b"\n",
        b"\x00" * 500 + b"\n",
        bytes(range(256)) + b"\n",
        b"\r" * 50,
        b"\xff\xfe\n",
    ]
    return [*out, b'{"jsonrpc":"2.0","id":1,"method":"identify"', b"\x03\x04\x05\x1b[A\n", b'"' * 999 + b"\n"]


class Cable:
    """The board's console, read and written without an event loop."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._said = b""
        self._number = 0

    def read(self) -> list[dict[str, Any]]:
        """The answers that have come; what is no object is a fault."""
        self._said += self._board._serial.read(65_536)  # pyright: ignore[reportPrivateUsage]
        *lines, self._said = self._said.split(b"\n")
        return [json.loads(text) for text in lines if text.strip()]

    def until_answered(self) -> list[dict[str, Any]]:
        """Ask for `info`, the last in the queue; give all that is said before its answer."""
        self._number += 1
        name = f"asked {self._number}"
        # Whatever half a line there is ends here; it is an error, or the rest of one that is too long.
        self._board.write(b"\n" + line("info", {}, name))
        found: list[dict[str, Any]] = []
        until = time.monotonic() + ANSWERED_WITHIN_S
        while time.monotonic() < until:
            for answer in self.read():
                if answer.get("id") == name:
                    assert answer["result"]["safe_mode"] is False
                    return found
                found.append(answer)
            time.sleep(0.004)
        raise AssertionError("the console does not answer any more")


def assert_harmless(answers: list[dict[str, Any]]) -> None:
    """Each is an error of ours; nothing but a look at the pulser was done."""
    for answer in answers:
        assert answer["jsonrpc"] == "2.0"
        if "error" in answer:
            assert answer["error"]["code"] in CODES, answer
        else:
            assert "heap_free_bytes" in answer["result"], answer


def assert_planned(pulses: Pulses, last: frames.Report, waits: HostWaits) -> None:
    """The pulses are those of the plan: each at its place, each as wide and strong; none more."""
    assert len(pulses) == last.delivered
    assert last.skipped * limits.LATE_SKIP_US <= waits.total_us, (last.skipped, last.latest_us)
    first_us = pulses[0][0]
    places: list[int] = []
    for began_us, ended_us, peak_pct in pulses:
        waited_us = waits.between_us(began_us - 50_000, ended_us + 50_000) + waits.between_us(
            first_us - 50_000, first_us + 50_000
        )
        place = round((began_us - first_us) / PERIOD_US)
        places.append(place)
        assert abs(began_us - first_us - place * PERIOD_US) < ON_THE_GRID_US + waited_us
        assert abs(ended_us - began_us - 60_000) < ON_THE_GRID_US + waited_us
        assert peak_pct == 50.0
    assert len(set(places)) == len(places), "two in one place"


async def in_a_set(board: Board, daemon: FakeDaemon, number: int, *deeds: Any) -> Pulses:
    """Run a set of `PASSES`, with the deeds in threads meanwhile; give its pulses, which are as planned."""
    before = len(board.pulses())
    with await board.host_waits("vm", "keeper") as waits:
        renew = await daemon.run_set(number, passes=PASSES, width_us=60_000, period_us=PERIOD_US)
        await daemon.until(lambda: daemon.last.delivered >= 1 and daemon.last.set_id == number)
        await asyncio.gather(*(asyncio.to_thread(deed) for deed in deeds))
        await daemon.until(lambda: daemon.last.ended_set == number, 30.0)
        renew.cancel()
        await asyncio.gather(renew, return_exceptions=True)
    assert daemon.last.ended_reason == frames.ENDED_FINISHED
    assert daemon.last.delivered + daemon.last.skipped == PASSES
    pulses = board.pulses()[before:]
    assert_planned(pulses, daemon.last, waits)
    return pulses


def stored(board: Board) -> bytes:
    return (board.state / "flash" / "settings.json").read_bytes()


async def assert_as_before(board: Board, kept: bytes) -> None:
    """The same run of the firmware, with the same settings, and nothing in its log."""
    assert stored(board) == kept
    assert (await board.hands(do="info"))["boots"] == 1
    assert "Traceback" not in (board.state / "board.log").read_text(errors="replace")


@pytest.mark.timeout(120)
async def test_a_set_with_a_hostile_cable_is_the_set_without(board: Board, daemon: FakeDaemon) -> None:
    kept = stored(board)
    quiet = await in_a_set(board, daemon, 1)
    cable = Cable(board)
    answers: list[dict[str, Any]] = []
    pieces = everything_wrong()
    random.Random(4).shuffle(pieces)
    sent = 0

    def attack() -> None:
        nonlocal sent
        # For the greater part of the set, in bites that end anywhere.
        until = time.monotonic() + PASSES * PERIOD_US / 1e6 * 0.7
        stream = b"".join(pieces)
        while time.monotonic() < until and sent < len(stream):
            bite = stream[sent : sent + 300]
            board.write(bite)
            sent += len(bite)
            answers.extend(cable.read())
            time.sleep(0.01)
        answers.extend(cable.until_answered())

    disturbed = await in_a_set(board, daemon, 2, attack)
    assert_harmless(answers)
    assert sum("error" in answer for answer in answers) > 50
    assert sent > 20_000
    if daemon.last.skipped == 0 and len(quiet) == PASSES:
        assert len(disturbed) == len(quiet)
    # None of it has done anything: it is the daemon's, on its side, with its trim.
    info = await board.info()
    assert (info["side"], info["trim_pct"], info["networks"], info["presses"]) == ("left", 100, [], 0)
    await assert_as_before(board, kept)


@pytest.mark.timeout(120)
async def test_nothing_that_can_be_thought_of_moves_a_motor_or_ends_the_firmware(
    board: Board, daemon: FakeDaemon
) -> None:
    kept = stored(board)
    cable = Cable(board)
    pieces = st.binary(max_size=400) | requests.map(lambda text: text + b"\n") | requests

    @settings(
        max_examples=60,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.lists(pieces, max_size=5))
    def attack(found: list[bytes]) -> None:
        for piece in found:
            board.write(piece)
        assert_harmless(cable.until_answered())

    # In a set: what changes nothing is answered, all else is refused.
    await in_a_set(board, daemon, 1, attack)
    await assert_as_before(board, kept)
    # And a random stream without any line, or with too many, in no set at all.
    board.write(os.urandom(3_000).replace(b"\n", b" ") + b"\n\r\n\n\n")
    rows = len(board.rows())
    assert_harmless(await asyncio.to_thread(cable.until_answered))
    assert len(board.rows()) == rows
    await assert_as_before(board, kept)
