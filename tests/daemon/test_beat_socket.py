"""The beat's socket, before a real hub with light pulsers: who may follow, what is sent, how probes fare."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support.hub_house import House, house
from twintap.api import beat, gate
from twintap.api.gate import Gate
from twintap.tokens import Role, make_token

Json = dict[str, Any]


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@dataclass
class Served:
    home: House
    port: int

    def token(self, role: Role = "display", *rooms: str) -> str:
        text, token = make_token("the light", role, rooms or None)
        self.home.store.put_token(token)
        return text

    def follow(self, text: str | None, room: str = "blue") -> connect:
        headers = {} if text is None else {"Authorization": f"Bearer {text}"}
        url = f"ws://127.0.0.1:{self.port}/api/v1/rooms/{room}/beat"
        return connect(url, additional_headers=headers, proxy=None)


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Served]:
    monkeypatch.setattr(gate, "_WRONG_TOKEN_S", 0.05)
    async with house(tmp_path / "h") as home:
        app = FastAPI()
        app.include_router(beat.router)
        app.state.context = SimpleNamespace(hub=home.hub, gate=Gate(home.store))
        async with listening(app) as port:
            yield Served(home, port)


@contextlib.asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = uvicorn.Config(
            app, log_config=None, lifespan="off", timeout_graceful_shutdown=1, access_log=False
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


async def heard(line: ClientConnection, is_it: Callable[[Json], object]) -> Json:
    async with asyncio.timeout(20):
        while not is_it(found := json.loads(await line.recv())):
            pass
    return found


async def beat_that(line: ClientConnection, is_it: Callable[[Json], object]) -> Json:
    return (await heard(line, lambda found: "beat" in found and is_it(found["beat"])))["beat"]


def is_running(found: Json) -> bool:
    return found["state"] == "running"


async def test_a_display_follows_a_set_from_before_its_first_pulse_to_its_end(served: Served) -> None:
    async with served.follow(served.token()) as line:
        assert json.loads(await line.recv()) == {"beat": {"set": None, "state": "idle"} | nothing()}
        await served.home.ready()
        await served.home.hub.start_set("blue", {"rate_hz": 2, "passes": 3}, actor="ann", revision=None)
        found = await beat_that(line, is_running)
        set_state = served.home.hub.beat("blue")
        assert found["go_us"] == set_state.go_us
        assert (found["period_us"], found["passes"]) == (500_000, 3)
        ended = await beat_that(line, lambda one: one["state"] == "ended")
        assert ended["set"] == found["set"]
        await served.home.over()
        pulses = [edge.host_us for edge in served.home.left.edges if edge.level_bp]
        # The beat is where the motor was, on one and the same clock: a safety bound for a busy machine.
        assert abs((pulses[-1] - found["go_us"] + 250_000) % 500_000 - 250_000) < 100_000


async def test_a_change_is_pushed_before_its_boundary_and_a_stop_ends_the_beat(served: Served) -> None:
    async with served.follow(served.token()) as line:
        await served.home.start(rate_hz=1)
        first = await beat_that(line, is_running)
        await served.home.hub.change_set("blue", {"rate_hz": 2}, actor="ann", revision=None)
        found = await beat_that(line, lambda one: one["next"] is not None)
        assert found["set"] == first["set"]
        assert found["next"]["period_us"] == 500_000
        assert found["next"]["start_us"] == first["start_us"] + found["next"]["first_pass"] * 1_000_000
        await served.home.hub.stop_set("blue", soft=False, actor="ann")
        assert (await beat_that(line, lambda one: one["state"] == "ended"))["period_us"] is None


async def test_what_is_not_the_beat_is_not_sent(served: Served) -> None:
    """Progress, batteries, sessions: none of it is the client's screen's business."""
    async with served.follow(served.token()) as line:
        first = json.loads(await line.recv())
        served.home.hub._room("blue").tell("note.added", "ann", {"text": "about Sam"})  # pyright: ignore[reportPrivateUsage]
        await served.home.start(rate_hz=4, pulse_ms=50, passes=4)
        await served.home.over()
        await line.send('{"probe": 1}')
        found = [first]
        while "echo" not in found[-1]:
            found.append(json.loads(await line.recv()))
        # No set, one that starts, one that runs, one that is over; and nothing for each pass of it.
        assert len(found[:-1]) <= 4
        assert found[-2]["beat"]["state"] == "ended"
        assert all(set(one["beat"]) == {"set", "state", *nothing()} for one in found[:-1])


async def test_a_probe_is_answered_with_the_daemons_clock(served: Served) -> None:
    async with served.follow(served.token()) as line:
        for number in (0, 1, (1 << 53) - 1):
            before_us = time.monotonic_ns() // 1_000
            await line.send(json.dumps({"probe": number}))
            echo = await heard(line, lambda one: "echo" in one)
            after_us = time.monotonic_ns() // 1_000
            assert echo["echo"] == number
            assert before_us <= echo["t2_us"] <= echo["t3_us"] <= after_us


@pytest.mark.parametrize("role", ["admin", "therapist", "observer", "display", "logger"])
async def test_everyone_who_belongs_to_the_room_may_follow_it(served: Served, role: Role) -> None:
    async with served.follow(served.token(role, "blue")) as line:
        assert "beat" in json.loads(await line.recv())


async def test_a_browser_without_a_cookie_gives_its_token_in_the_first_message(served: Served) -> None:
    async with served.follow(None) as line:
        await line.send(json.dumps({"token": served.token()}))
        assert "beat" in json.loads(await line.recv())


@pytest.mark.parametrize(
    "first", ['{"token": "wrong"}', "{}", "[]", "\x00", '{"token": 5}', b"\xff", '{"probe": 1}']
)
async def test_without_a_right_token_nothing_is_told(served: Served, first: str | bytes) -> None:
    async with served.follow(None) as line:
        await line.send(first)
        assert json.loads(await line.recv())["error"]["code"] == "token"
        with pytest.raises(ConnectionClosed):
            await line.recv()
        assert line.close_code == 4401


async def test_other_rooms_and_unknown_ones_are_closed(served: Served) -> None:
    async with served.follow(served.token("display", "green")) as line:
        assert json.loads(await line.recv())["error"]["code"] == "room"
    async with served.follow(served.token(), "nowhere") as line:
        assert json.loads(await line.recv())["error"]["code"] == "unknown"
        with pytest.raises(ConnectionClosed):
            await line.recv()
        assert line.close_code == 4404


async def test_a_display_whose_token_is_revoked_follows_no_longer(served: Served) -> None:
    text = served.token()
    (token_id,) = [token.id for token in served.home.store.tokens() if token.role == "display"]
    async with served.follow(text) as line:
        await line.recv()
        served.home.store.revoke_token(token_id)
        await line.send('{"probe": 1}')
        assert (await heard(line, lambda one: "error" in one))["error"]["code"] == "token"
        with pytest.raises(ConnectionClosed):
            await line.recv()


async def test_a_display_that_asks_nothing_is_shown_out_too(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_LOOKED_AT_EVERY_S", 0.02)
    text = served.token()
    (token_id,) = [token.id for token in served.home.store.tokens() if token.role == "display"]
    async with served.follow(text) as line:
        await line.recv()
        served.home.store.revoke_token(token_id)
        assert (await heard(line, lambda one: "error" in one))["error"]["code"] == "token"


async def test_a_display_may_stop_and_a_logger_may_not(served: Served) -> None:
    await served.home.start()
    async with served.follow(served.token("logger")) as line:
        await line.send('{"stop": 4}')
        answer = await heard(line, lambda one: "stopped" in one)
        assert (answer["stopped"], answer["ok"], answer["error"]["code"]) == (4, False, "role")
    assert served.home.set.state == "running"
    async with served.follow(served.token()) as line:
        await line.send('{"stop": 5}')
        answer = await heard(line, lambda one: "stopped" in one)
        assert (answer["stopped"], answer["ok"]) == (5, True)
    assert (served.home.set.ended_reason, served.home.set.ended_by) == ("stop", "the light")


async def test_many_stops_at_once_are_all_answered(served: Served) -> None:
    await served.home.start()
    async with served.follow(served.token()) as line:
        for number in range(60):
            await line.send(json.dumps({"stop": number}))
        answers = [await heard(line, lambda one: "stopped" in one) for _ in range(60)]
        assert {answer["stopped"] for answer in answers} == set(range(60))
        assert all(answer["ok"] for answer in answers)


@pytest.mark.parametrize(
    "message",
    [
        "", "{", "[]", "[" * 400, "5", "null", b"\xff\x00", "{}", '{"probe": -1}', '{"probe": 1.5}',
        '{"probe": 9007199254740992}', '{"probe": true}', '{"probe": "1"}', '{"probe": 1, "stop": 2}',
        '{"stop": null}', '{"start": 1}', '{"probe": 1, "x": "' + "y" * 600 + '"}',
    ],
)  # fmt: skip
async def test_a_wrong_message_is_answered_and_the_line_goes_on(served: Served, message: str | bytes) -> None:
    async with served.follow(served.token()) as line:
        await line.send(message)
        assert (await heard(line, lambda one: "beat" not in one))["error"]["code"] == "body"
        await line.send('{"probe": 3}')
        assert (await heard(line, lambda one: "echo" in one))["echo"] == 3


async def test_a_follower_that_goes_leaves_nothing_behind(served: Served) -> None:
    async with served.follow(served.token()) as line:
        await line.recv()
    async with asyncio.timeout(10):
        while served.home.hub._watches:  # noqa: ASYNC110 # pyright: ignore[reportPrivateUsage]
            await asyncio.sleep(0.01)


def nothing() -> Json:
    names = ("first_pass", "start_us", "period_us", "pulse_us", "next", "go_us", "ramp_us", "passes")
    return dict.fromkeys((*names, "end_us", "left_pct", "right_pct"))
