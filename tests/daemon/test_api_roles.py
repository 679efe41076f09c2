"""Every operation by every role, for a room of its own and for another: who may do what, in one table.

The table is whole or the test fails: an operation that nobody has put into it has no business being served.
"""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, cast

import pytest
from websockets.exceptions import ConnectionClosed

from tests.daemon.api_rig import Api, api, next_of
from twintap.api import gate
from twintap.tokens import Role, make_token

PULSER = "00000000000000a1"
TOKEN = "0" * 12
Json = dict[str, Any]

ADMIN = frozenset({"admin"})
COMMAND = ADMIN | {"therapist"}
READ = COMMAND | {"logger"}
WATCH = READ | {"noting", "observer"}
STOP = COMMAND | {"noting", "observer", "display"}
ALL = WATCH | {"display"}

# `noting`: an observer whose token says so.
ROLES: tuple[tuple[str, Role, bool], ...] = (
    ("therapist", "therapist", False),
    ("noting", "observer", True),
    ("observer", "observer", False),
    ("display", "display", False),
    ("logger", "logger", False),
)
NOTE = {"type": "note.added", "data": {"text": "calm"}}
SUD = {"type": "rating.sud", "data": {"value": 3}}
OPEN = {"code": "K-1", "kind": "emdr", "zone": "UTC"}
PAIRING = {"pulser_id": "00000000000000b1", "key": "0" * 32, "room": "room-1", "side": "left"}
REPLACING = {"pulser_id": "00000000000000b2", "key": "0" * 32}

# What is asked; who may; whether it is about one room, so that a token for others may not.
TABLE: tuple[tuple[str, Json | None, frozenset[str], bool], ...] = (
    ("POST /rooms/{room}/set/stop", None, STOP, True),
    ("POST /rooms/{room}/set/start", {}, COMMAND, True),
    ("POST /rooms/{room}/set/change", {"left_pct": 20}, COMMAND, True),
    ("POST /rooms/{room}/swap", None, COMMAND, True),
    ("GET /rooms", None, WATCH, False),
    ("POST /rooms", {"name": "{room}"}, COMMAND, True),
    ("GET /rooms/{room}", None, WATCH, True),
    ("PATCH /rooms/{room}", {"colour": "#0072b2"}, COMMAND, True),
    ("GET /daemon", None, WATCH, False),
    ("GET /pulsers", None, WATCH, False),
    ("POST /pulsers", PAIRING, ADMIN, False),
    ("PATCH /pulsers/{pulser}", {"name": "blue one"}, ADMIN, False),
    ("POST /pulsers/{pulser}/networks", {"ssid": "clinic", "password": "long enough"}, ADMIN, False),
    ("POST /pulsers/{pulser}/networks/forget", {"ssid": "clinic"}, ADMIN, False),
    ("POST /pulsers/{pulser}/sleep", None, ADMIN, False),
    ("POST /rooms/{room}/wake", None, COMMAND, True),
    ("POST /pulsers/{pulser}/undo", None, ADMIN, False),
    ("POST /pulsers/{pulser}/replace", REPLACING, ADMIN, False),
    ("GET /pulsers/{pulser}/road", None, ADMIN, False),
    ("GET /places", None, ADMIN, False),
    ("GET /ports", None, ADMIN, False),
    ("POST /ports/scan", {"port": "/dev/none"}, ADMIN, False),
    ("POST /pairings", {"port": "/dev/none", "room": "room-1", "side": "left"}, ADMIN, False),
    ("GET /pairings", None, ADMIN, False),
    ("GET /pairings/{pairing}", None, ADMIN, False),
    ("DELETE /pairings/{pairing}", None, ADMIN, False),
    ("DELETE /pulsers/{pulser}", None, ADMIN, False),
    ("POST /pulsers/{pulser}/identify", None, COMMAND, True),
    ("POST /pulsers/{pulser}/address", {"host": "127.0.0.1", "port": 9}, ADMIN, False),
    ("GET /tokens", None, ADMIN, False),
    ("POST /tokens", {"label": "x", "role": "display"}, ADMIN, False),
    ("DELETE /tokens/{token_id}", None, ADMIN, False),
    ("POST /clients/lookup", {"code": "K-1"}, COMMAND, False),
    ("GET /clients", None, COMMAND, False),
    ("POST /clients/course", {"code": "K-1"}, COMMAND, False),
    ("POST /clients/erase", {"code": "K-404"}, ADMIN, False),
    ("GET /rooms/{room}/session", None, WATCH, True),
    ("POST /rooms/{room}/session", OPEN, COMMAND, True),
    ("POST /rooms/{room}/session/entries", NOTE, COMMAND | {"noting"}, True),
    ("POST /rooms/{room}/session/entries", SUD, COMMAND, True),
    ("POST /rooms/{room}/session/undo", {}, COMMAND, True),
    ("POST /rooms/{room}/session/lead", {}, COMMAND, True),
    ("POST /rooms/{room}/session/keep", None, COMMAND, True),
    ("POST /rooms/{room}/session/close", {}, COMMAND, True),
    ("GET /sessions", None, READ, False),
    ("GET /sessions?room={room}", None, READ, True),
    ("POST /sessions/search", {"code": "K-1"}, READ, False),
    ("GET /sessions/{session}", None, READ, True),
    ("GET /sessions/{session}/export?format=jsonl", None, READ, True),
    ("GET /sessions/{session}/export?format=csv", None, READ, True),
    ("GET /sessions/{session}/export?format=bids", None, READ, True),
    ("GET /sessions/{session}/export?format=html", None, READ, True),
    ("POST /sessions/{session}/corrections", {"entry": "{session}", "data": {}}, COMMAND, True),
    ("POST /sessions/{session}/plan", {"text": "slower"}, COMMAND, True),
    ("POST /sessions/{session}/move", {"code": "K-1"}, COMMAND, True),
    ("GET /presets", None, WATCH, False),
    ("PUT /presets", {"presets": []}, COMMAND, False),
    ("GET /settings", None, WATCH, False),
    ("PUT /settings", {}, COMMAND, False),
    ("GET /journal/verify", None, ADMIN, False),
    ("GET /doctor", None, ADMIN, False),
    ("GET /schemas", None, WATCH, False),
    ("POST /join/offers", {"role": "display", "room": "{room}"}, COMMAND, True),
    ("POST /join/offers", {"role": "logger"}, COMMAND, False),
    ("POST /join/offers", {"role": "admin"}, ADMIN, False),
    ("DELETE /join/offers/{offer_id}", None, COMMAND, False),
    ("GET /me", None, ALL, False),
    # Of a token that is sent as a header it is refused in another way: 409.
    ("POST /leave", None, ALL, False),
)
OPEN_TO_ALL = {"POST /join", "GET /trust"}
SOCKETS = (("/rooms/{room}/watch", WATCH), ("/rooms/{room}/beat", WATCH | {"display"}))


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Api]:
    monkeypatch.setattr(gate, "_WRONG_TOKEN_S", 0.0)
    async with api(tmp_path, "room-1", "room-2", listening=True) as running:
        yield running


def give(served: Api, name: str, role: Role, *, notes: bool, room: str) -> dict[str, str]:
    text, token = make_token(name, role, (room,), notes=notes)
    served.store.put_token(token)
    return {"Authorization": f"Bearer {text}"}


async def session_in(served: Api, room: str) -> str:
    """Give the room's open session, opened anew if something in the table has closed it."""
    shown = await served.http.get(f"/rooms/{room}/session")
    if shown.status_code == 409:
        shown = await served.http.post(f"/rooms/{room}/session", json=OPEN)
    assert shown.is_success, shown.text
    return shown.json()["id"]


def filled(value: Any, places: dict[str, str]) -> Any:
    if isinstance(value, str):
        return value.format(**places)
    if isinstance(value, dict):
        return {name: filled(one, places) for name, one in cast("Json", value).items()}
    return value


async def asked(
    served: Api, line: str, body: Json | None, places: dict[str, str], headers: dict[str, str]
) -> tuple[int, str]:
    method, _, path = filled(line, places).partition(" ")
    answer = await served.http.request(method, path, json=filled(body, places), headers=headers)
    assert answer.status_code < 500, (line, answer.text)
    error = answer.json()["error"]["code"] if answer.status_code >= 400 else ""
    return answer.status_code, error


async def places_in(served: Api, room: str) -> dict[str, str]:
    if PULSER not in served.hub.paired:
        again = PAIRING | {"pulser_id": PULSER, "room": room}
        assert (await served.http.post("/pulsers", json=again)).is_success
    session = await session_in(served, room)
    return {
        "room": room,
        "pulser": PULSER,
        "session": session,
        "token_id": TOKEN,
        "offer_id": TOKEN,
        "pairing": TOKEN,
    }


async def test_every_operation_is_in_the_table(served: Api) -> None:
    document = (await served.http.get("/openapi.json")).json()
    operations = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert operations == {line.partition("?")[0] for line, *_ in TABLE} | OPEN_TO_ALL


@pytest.mark.parametrize(("name", "role", "notes"), ROLES, ids=[name for name, *_ in ROLES])
async def test_a_role_does_what_it_may_in_its_own_room_and_nothing_in_another(
    served: Api, name: str, role: Role, notes: bool
) -> None:
    own = give(served, name, role, notes=notes, room="room-1")
    other = give(served, name, role, notes=notes, room="room-2")
    for line, body, allowed, is_about_a_room in TABLE:
        places = await places_in(served, "room-1")
        found = await asked(served, line, body, places, other)
        if name not in allowed:
            # Which of both it is told is the same to it: it may not.
            assert found in ((403, "role"), (403, "room")), (line, found)
        elif is_about_a_room:
            assert found == (403, "room"), (line, found)
        else:
            assert found[0] not in (401, 403), (line, found)
        found = await asked(served, line, body, places, own)
        assert (found[0] in (401, 403)) == (name not in allowed), (line, found)
        if name not in allowed:
            assert found == (403, "role"), (line, found)


async def test_without_a_token_or_with_one_that_was_revoked_only_a_stop_is_taken(served: Api) -> None:
    text, token = make_token("gone", "therapist")
    served.store.put_token(token)
    served.store.revoke_token(token.id)
    gone = {"Authorization": f"Bearer {text}"}
    for line, body, _, _ in TABLE:
        places = await places_in(served, "room-1")
        for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}):
            assert await asked(served, line, body, places, headers) == (401, "token"), line
        found = await asked(served, line, body, places, gone)
        assert found == ((200, "") if line.endswith("/set/stop") else (401, "token")), line


@pytest.mark.parametrize(("name", "role", "notes"), ROLES, ids=[name for name, *_ in ROLES])
async def test_a_socket_lets_a_role_in_to_its_own_room_alone(
    served: Api, name: str, role: Role, notes: bool
) -> None:
    served.hub.tell("room-1", "set.progress")
    own = give(served, name, role, notes=notes, room="room-1")
    other = give(served, name, role, notes=notes, room="room-2")
    for path, allowed in SOCKETS:
        where = path.format(room="room-1")
        refused: list[tuple[dict[str, str], str]] = [(other, "room" if name in allowed else "role")]
        if name not in allowed:
            refused.append((own, "role"))
        for headers, code in refused:
            async with served.watch(where, headers) as socket:
                assert (await next_of(socket, "error"))["error"]["code"] == code, where
                with pytest.raises(ConnectionClosed):
                    await socket.recv()
        if name in allowed:
            async with served.watch(where, own) as socket:
                assert "error" not in str(await socket.recv())


async def test_lists_show_a_token_its_own_rooms_alone(served: Api) -> None:
    """Whatever a token for another room may ask, nothing of this room's visits is in the answer."""
    session = await session_in(served, "room-1")
    await places_in(served, "room-1")
    entered = {"type": "note.added", "data": {"text": "the lighthouse"}}
    assert (await served.http.post("/rooms/room-1/session/entries", json=entered)).is_success
    for name, role, notes in ROLES:
        other = give(served, name, role, notes=notes, room="room-2")
        for line in (
            "GET /rooms",
            "GET /pulsers",
            "GET /sessions",
            "POST /sessions/search",
            "GET /clients",
            "POST /clients/lookup",
            "GET /me",
        ):
            method, _, path = line.partition(" ")
            body = {"code": "K-1"} if method == "POST" else None
            answer = await served.http.request(method, path, json=body, headers=other)
            if line == "GET /clients" and answer.is_success:
                assert answer.json() == [], name
            elif line == "POST /clients/lookup" and answer.is_success:
                found = answer.json()
                assert (found["known"], found["visits"], found["offer"]) == (False, 0, None), name
            for word in ("room-1", session, "lighthouse", PULSER):
                assert word not in answer.text, (line, name, word)
