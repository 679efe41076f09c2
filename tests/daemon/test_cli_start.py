"""A typed start: what it waits out by itself, and what it passes on to whoever typed it."""

import argparse
import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest

from twintap.cli import commands
from twintap.errors import Refused

TAPS: dict[str, object] = {"name": "blue", "set": None}
OPTIONS = argparse.Namespace(
    room="blue",
    json=True,
    **dict.fromkeys(("rate_hz", "pulse_ms", "level_pct", "left_pct", "right_pct", "ramp_ms", "passes")),
)


def refusal(code: str, retry_after_ms: int | None = None) -> dict[str, object]:
    return {"error": {"code": code, "message": f"it is {code}", "retry_after_ms": retry_after_ms}}


@asynccontextmanager
async def daemon_that_answers(
    answers: Sequence[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[list[str]]:
    """Answers one start after the other, the last one for ever; gives the requests' first lines."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[0])
        answer = answers[min(len(asked), len(answers)) - 1]
        body = json.dumps(answer).encode()
        status = "409 No" if "error" in answer else "200 OK"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        monkeypatch.setenv("TWINTAP_URL", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        monkeypatch.setenv("TWINTAP_TOKEN", "t")
        yield asked


@pytest.mark.parametrize("first", [refusal("unready"), refusal("cooldown", 1), refusal("waking", 1)])
async def test_a_typed_start_waits_out_what_lasts_a_moment(
    first: dict[str, object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "_CLOCK_AGAIN_MS", 1)
    async with daemon_that_answers([first, TAPS], monkeypatch) as asked:
        assert await commands.pace("start", OPTIONS) == 0
    assert asked == ["POST /api/v1/rooms/blue/set/start HTTP/1.1"] * 2
    assert json.loads(capsys.readouterr().out) == TAPS


async def test_a_clock_that_stays_unknown_is_told_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_CLOCK_AGAIN_MS", 1)
    monkeypatch.setattr(commands, "_WAKING_WITHIN_S", 0.2)
    async with daemon_that_answers([refusal("unready")], monkeypatch) as asked:
        with pytest.raises(Refused, match="it is unready"):
            await commands.pace("start", OPTIONS)
    assert len(asked) > 2


@pytest.mark.parametrize("code", ["offline", "incomplete", "charging", "empty", "asleep"])
async def test_what_a_person_has_to_mend_is_told_at_once(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with daemon_that_answers([refusal(code)], monkeypatch) as asked:
        with pytest.raises(Refused, match=f"it is {code}"):
            await commands.pace("start", OPTIONS)
    assert len(asked) == 1
