"""Tokens, roles, Host and Origin: who may do what, and that nothing slows a stop."""

import asyncio
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.daemon.api_rig import Api, api
from twintap.api import gate
from twintap.tokens import Role, Token

ROLES: tuple[Role, ...] = ("admin", "therapist", "observer", "display", "logger")
START = "/rooms/room-1/set/start"
STOP = "/rooms/room-1/set/stop"


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Api]:
    monkeypatch.setattr(gate, "_WRONG_TOKEN_S", 0.05)
    async with api(tmp_path, "room-1", "room-2") as running:
        yield running


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/rooms", {"admin", "therapist", "observer", "logger"}),
        ("GET", "/rooms/room-1", {"admin", "therapist", "observer", "logger"}),
        ("GET", "/pulsers", {"admin", "therapist", "observer", "logger"}),
        ("POST", START, {"admin", "therapist"}),
        ("POST", "/rooms/room-1/set/change", {"admin", "therapist"}),
        ("POST", "/rooms/room-1/swap", {"admin", "therapist"}),
        ("POST", STOP, {"admin", "therapist", "observer", "display"}),
        ("GET", "/tokens", {"admin"}),
        ("POST", "/tokens", {"admin"}),
    ],
)
async def test_each_role_may_do_its_own_and_no_more(
    served: Api, method: str, path: str, allowed: set[str]
) -> None:
    body = {"label": "x", "role": "observer"} if path == "/tokens" else {}
    for role in ROLES:
        answer = await served.http.request(method, path, json=body, headers=served.give(role))
        if role in allowed:
            assert answer.is_success, (role, answer.text)
        else:
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "role"), role


async def test_a_token_opens_its_own_rooms_alone(served: Api) -> None:
    mine = served.give("therapist", "room-1")
    assert (await served.http.post(START, json={}, headers=mine)).status_code == 200
    for path in ("/rooms/room-2/set/start", "/rooms/room-2/set/stop", "/rooms/nowhere/set/stop"):
        answer = await served.http.post(path, json={}, headers=mine)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "room")
    assert (await served.http.get("/rooms/room-2", headers=mine)).status_code == 403
    assert [room["name"] for room in (await served.http.get("/rooms", headers=mine)).json()] == ["room-1"]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer nonsense", "Basic abc", "Bearer \xff\xfe", "bearer a b"]
)
async def test_without_a_right_token_nothing_opens(served: Api, header: str) -> None:
    headers = {b"Authorization": header.encode("latin-1")}
    for method, path in (("GET", "/rooms"), ("POST", START), ("POST", STOP), ("POST", "/tokens")):
        answer = await served.http.request(method, path, headers=headers, json={})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert served.hub.asked == []


async def test_a_wrong_token_waits_and_a_stop_does_not(served: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_WRONG_TOKEN_S", 30.0)
    wrong = {"Authorization": "Bearer wrong"}
    guessing = [asyncio.create_task(served.http.get("/rooms", headers=wrong)) for _ in range(32)]
    await asyncio.sleep(0.3)
    assert not any(task.done() for task in guessing)
    begun = time.monotonic()
    # One too many is not let into the queue; a right token and a stop pass all of them.
    assert (await served.http.get("/rooms", headers=wrong)).status_code == 429
    assert (await served.http.post(STOP)).status_code == 200
    assert (await served.http.post(STOP, headers=wrong)).status_code == 401
    assert (await served.http.get("/rooms")).status_code == 200
    assert time.monotonic() - begun < 10
    for task in guessing:
        task.cancel()
    await asyncio.gather(*guessing, return_exceptions=True)


async def test_a_token_that_has_ended_may_stop_for_a_day_and_nothing_else(served: Api) -> None:
    headers = served.give("therapist", "room-1")
    (token_id,) = [token.id for token in served.store.tokens() if token.role == "therapist"]
    assert (await served.http.delete(f"/tokens/{token_id}")).json()["revoked_at"] is not None
    assert (await served.http.post(START, json={}, headers=headers)).status_code == 401
    assert (await served.http.get("/rooms/room-1", headers=headers)).status_code == 401
    assert (await served.http.post(STOP, headers=headers)).status_code == 200
    assert (await served.http.post("/rooms/room-2/set/stop", headers=headers)).status_code == 403


def test_the_day_of_grace_is_a_day() -> None:
    now = datetime.now(UTC)

    def ended(ago: timedelta, role: Role = "display") -> Token:
        return Token("0" * 64, "x", role, None, now - timedelta(days=9), now - ago, None)

    assert ended(timedelta(hours=23, minutes=59)).may_stop_at(now)
    assert not ended(timedelta(hours=24)).may_stop_at(now)
    assert not ended(timedelta(hours=1), "logger").may_stop_at(now)
    assert not ended(timedelta(0)).valid_at(now)


async def test_a_token_given_out_opens_what_it_says(served: Api) -> None:
    body = {"label": "tablet", "role": "therapist", "rooms": ["room-1"], "lifetime_s": 3600}
    given = (await served.http.post("/tokens", json=body)).json()
    headers = {"Authorization": f"Bearer {given['token']}"}
    assert (await served.http.post(START, json={}, headers=headers)).status_code == 200
    assert served.hub.asked[-1][3] == "tablet"
    listed = (await served.http.get("/tokens")).text
    assert given["view"]["id"] in listed
    assert given["token"] not in listed
    for wrong in ({"role": "admin"}, {"rooms": []}, {"rooms": ["a/b"]}, {"lifetime_s": 1}, {"label": "\n"}):
        assert (await served.http.post("/tokens", json=body | wrong)).status_code == 422


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:1", "[::1]:8700", "127.0.0.2:80"])
async def test_the_daemon_s_own_names_are_let_in(served: Api, host: str) -> None:
    assert (await served.http.get("/rooms", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "192.0.2.1", "", "a b", "localhost:x", "[::1"]
)
async def test_a_name_that_was_bound_to_us_by_a_stranger_is_not(served: Api, host: str) -> None:
    answer = await served.http.post(STOP, headers={"Host": host})
    assert answer.status_code in (400, 403)
    assert served.hub.asked == []


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])
async def test_pages_of_another_origin_cannot_drive_a_room(served: Api, origin: str) -> None:
    answer = await served.http.post(START, json={}, headers={"Origin": origin})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "origin")
    assert served.hub.asked == []


async def test_a_page_of_our_own_can(served: Api) -> None:
    origin = f"http://127.0.0.1:{served.port}"
    assert (await served.http.post(START, json={}, headers={"Origin": origin})).status_code == 200
