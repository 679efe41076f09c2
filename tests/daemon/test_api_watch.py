"""The WebSocket: events out, commands in, and who is let in."""

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.daemon.api_rig import Api, api, next_of
from twintap.api import gate, watch
from twintap.errors import Fault


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Api]:
    monkeypatch.setattr(gate, "_WRONG_TOKEN_S", 0.05)
    async with api(tmp_path, "room-1", "room-2", listening=True) as running:
        yield running


def command(**parts: Any) -> str:
    return json.dumps(parts)


async def test_first_comes_what_is_then_what_happens(served: Api) -> None:
    async with served.watch("/rooms/room-1/watch") as socket:
        assert (await next_of(socket, "room.snapshot"))["state"]["name"] == "room-1"
        served.hub.tell("room-2", "set.progress")
        served.hub.tell("room-1", "set.progress")
        event = await next_of(socket, "set.progress")
        assert event["room"] == "room-1"
        assert set(event) == {"type", "room", "at", "monotonic_us", "actor", "data", "state"}


async def test_a_token_sees_its_own_rooms_alone(served: Api) -> None:
    mine = served.give("observer", "room-2")
    async with served.watch("/watch", mine) as socket:
        assert (await next_of(socket, "room.snapshot"))["room"] == "room-2"
        served.hub.tell("room-1", "set.progress")
        served.hub.tell("room-2", "set.stilled")
        assert json.loads(await socket.recv())["type"] == "set.stilled"
    async with served.watch("/rooms/room-1/watch", mine) as socket:
        assert (await next_of(socket, "error"))["error"]["code"] == "room"
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 4403


async def test_a_browser_gives_its_token_in_the_first_message(served: Api) -> None:
    async with served.watch("/watch", {}) as socket:
        await socket.send(json.dumps({"token": served.admin}))
        await next_of(socket, "room.snapshot")


@pytest.mark.parametrize("first", ['{"token": "wrong"}', "{}", "[]", "\x00", '{"token": 5}', b"\xff"])
async def test_without_a_right_token_nothing_is_seen(served: Api, first: str | bytes) -> None:
    async with served.watch("/watch", {}) as socket:
        await socket.send(first)
        assert (await next_of(socket, "error"))["error"]["code"] == "token"
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 4401


async def test_a_display_and_an_unknown_room_are_turned_away(served: Api) -> None:
    async with served.watch("/watch", served.give("display")) as socket:
        assert (await next_of(socket, "error"))["error"]["code"] == "role"
    async with served.watch("/rooms/nowhere/watch") as socket:
        assert (await next_of(socket, "error"))["error"]["code"] == "unknown"
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 4404


async def test_a_token_that_is_revoked_sees_nothing_more(served: Api) -> None:
    headers = served.give("observer")
    (token_id,) = [token.id for token in served.store.tokens() if token.role == "observer"]
    async with served.watch("/rooms/room-1/watch", headers) as socket:
        await next_of(socket, "room.snapshot")
        served.store.revoke_token(token_id)
        served.hub.tell("room-1", "set.progress")
        assert (await next_of(socket, "error"))["error"]["code"] == "token"


async def test_a_socket_in_a_quiet_room_ends_with_its_token(
    served: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "_LOOKED_AT_EVERY_S", 0.02)
    headers = served.give("observer")
    (token_id,) = [token.id for token in served.store.tokens() if token.role == "observer"]
    async with served.watch("/watch", headers) as socket:
        for _ in range(2):
            await next_of(socket, "room.snapshot")
        # It has been looked at meanwhile, and was valid: what happens is told still.
        await asyncio.sleep(0.1)
        served.hub.tell("room-1", "set.progress")
        await next_of(socket, "set.progress")
        served.store.revoke_token(token_id)
        assert (await next_of(socket, "error"))["error"]["code"] == "token"
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 4401


async def test_a_page_elsewhere_cannot_open_one_and_fills_no_log(
    served: Api, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Authorization": f"Bearer {served.admin}", "Origin": "http://evil.example"}
    with pytest.raises(InvalidStatus) as caught:
        async with served.watch("/watch", headers):
            pass
    assert caught.value.response.status_code == 403
    assert not [record for record in caplog.records if record.levelname != "DEBUG"]


async def test_every_command_is_answered_by_its_id(served: Api) -> None:
    async with served.watch("/rooms/room-1/watch") as socket:
        await socket.send(command(id=1, do="start", pacing={"rate_hz": 2}, revision=7))
        answer = await next_of(socket, "answer")
        assert (answer["id"], answer["ok"], answer["room"]["name"]) == (1, True, "room-1")
        served.hub.refuse = Fault("stale", "it has changed")
        await socket.send(command(id="b", do="change", room="room-2", pacing={"level_pct": 3}))
        answer = await next_of(socket, "answer")
        assert (answer["id"], answer["ok"], answer["error"]["code"]) == ("b", False, "stale")
        await socket.send(command(id=3, do="stop", soft=True))
        assert (await next_of(socket, "answer"))["ok"]
        await socket.send(command(id=4, do="swap"))
        assert (await next_of(socket, "answer"))["ok"]
    assert served.hub.asked == [
        ("start", "room-1", {"rate_hz": 2}, "this computer", 7),
        ("change", "room-2", {"level_pct": 3}, "this computer", None),
        ("stop", "room-1", True, "this computer"),
        ("swap", "room-1", "this computer"),
    ]


async def test_a_stop_overtakes_starts_that_wait_and_too_many_of_them_are_refused(served: Api) -> None:
    served.hub.hold = asyncio.Event()
    async with served.watch("/rooms/room-1/watch") as socket:
        for number in range(9):
            await socket.send(command(id=number, do="start"))
        answer = await next_of(socket, "answer")
        assert (answer["id"], answer["error"]["code"]) == (8, "busy")
        for number in range(100, 200):
            await socket.send(command(id=number, do="stop"))
        stopped = {(await next_of(socket, "answer"))["id"] for _ in range(100)}
        assert stopped == set(range(100, 200))
        served.hub.hold.set()
        assert {(await next_of(socket, "answer"))["id"] for _ in range(8)} == set(range(8))


async def test_an_observer_may_stop_and_not_start(served: Api) -> None:
    async with served.watch("/rooms/room-1/watch", served.give("observer")) as socket:
        await socket.send(command(id=1, do="start"))
        assert (await next_of(socket, "answer"))["error"]["code"] == "role"
        await socket.send(command(id=2, do="stop"))
        assert (await next_of(socket, "answer"))["ok"]
    async with served.watch("/rooms/room-1/watch", served.give("logger")) as socket:
        await socket.send(command(id=3, do="stop"))
        assert (await next_of(socket, "answer"))["error"]["code"] == "role"


async def test_a_controller_is_present_from_its_first_command_until_it_goes(served: Api) -> None:
    async with served.watch("/rooms/room-1/watch") as socket:
        await next_of(socket, "room.snapshot")
        assert served.hub.present == []
        await socket.send(command(id=1, do="start"))
        await next_of(socket, "answer")
        await socket.send(command(id=2, do="change"))
        await next_of(socket, "answer")
        assert served.hub.present == ["this computer in room-1"]
    async with asyncio.timeout(5):
        while served.hub.present:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_page_that_pinged_and_falls_silent_is_present_no_more_until_it_wakes(
    served: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tablet asleep: its computer keeps the socket open, and the page in it does nothing."""
    monkeypatch.setattr(watch, "_SILENT_AFTER_S", 0.8)
    async with served.watch("/watch") as socket:
        for number in (1, 2):
            await socket.send(command(id=number, do="ping", room="room-1"))
            await next_of(socket, "answer")
            assert served.hub.present == ["this computer in room-1"]
            async with asyncio.timeout(5):
                while served.hub.present:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        # One in the background pings now and then for days: its room's pulsers are woken once, as it comes.
        assert served.hub.came == [("room-1", True), ("room-1", False)]


async def test_a_controller_that_never_pings_may_be_silent(
    served: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_SILENT_AFTER_S", 0.05)
    async with served.watch("/rooms/room-1/watch") as socket:
        await socket.send(command(id=1, do="change"))
        await next_of(socket, "answer")
        await asyncio.sleep(0.2)
        assert served.hub.present == ["this computer in room-1"]


@pytest.mark.parametrize(
    ("message", "command_id"),
    [
        ("", None),
        ("{", None),
        ("[]", None),
        ("[" * 3000, None),
        (b"\xff\x00", None),
        ('{"id": 5}', 5),
        ('{"id": 5, "do": "fly"}', 5),
        ('{"id": 5, "do": "start", "pacing": {"rate_hz": "x"}}', 5),
        ('{"id": 5, "do": "start", "pacing": {"rate_hz": NaN}}', 5),
        ('{"id": 5, "do": "stop", "soft": 1}', 5),
        ('{"id": [1], "do": "stop"}', None),
        ('{"id": "\\ud800", "do": "stop"}', "\N{REPLACEMENT CHARACTER}"),
        ('{"id": 5, "do": "identify", "pulser": "00"}', 5),
        ('{"id": 5, "do": "start", "room": "nowhere"}', 5),
        ('{"id": 5, "do": "stop", "x": "' + "y" * 5000 + '"}', None),
    ],
)
async def test_a_message_that_is_wrong_is_answered_and_the_line_stays_open(
    served: Api, message: str | bytes, command_id: object
) -> None:
    async with served.watch("/rooms/room-1/watch") as socket:
        await socket.send(message)
        answer = await next_of(socket, "answer")
        assert (answer["id"], answer["ok"]) == (command_id, False)
        assert answer["error"]["message"]
        await socket.send(command(id="after", do="stop"))
        assert (await next_of(socket, "answer"))["id"] == "after"
