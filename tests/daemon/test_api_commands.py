"""What a command by HTTP does, and what each kind of wrong request is told."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.daemon.api_rig import Api, api
from twintap import serve
from twintap.discovery import Heard
from twintap.errors import Fault

PULSER = "02aabbccddeeff00"
KEY = "00112233445566778899aabbccddeeff"
PAIRING = {"pulser_id": PULSER, "key": KEY, "room": "room-1", "side": "left"}


@pytest.fixture
async def served(tmp_path: Path) -> AsyncGenerator[Api]:
    async with api(tmp_path, "room-1", "Räume 2 %") as running:
        yield running


async def test_a_start_reaches_the_hub_with_what_was_said_and_nothing_else(served: Api) -> None:
    body = {"rate_hz": 1.5, "passes": 24, "left_pct": None, "revision": 3}
    answer = await served.http.post("/rooms/room-1/set/start", json=body)
    assert answer.status_code == 200
    assert answer.json()["name"] == "room-1"
    assert served.hub.asked == [("start", "room-1", {"rate_hz": 1.5, "passes": 24}, "this computer", 3)]


async def test_a_room_s_name_is_any_printable_text(served: Api) -> None:
    answer = await served.http.post(f"/rooms/{quote('Räume 2 %')}/set/stop")
    assert answer.status_code == 200
    assert served.hub.asked == [("stop", "Räume 2 %", False, "this computer")]


@pytest.mark.parametrize(
    ("query", "soft"),
    [("", False), ("?soft=true", True), ("?soft=false", False), ("?soft=%ff", False), ("?x=1", False)],
)
async def test_a_stop_is_soft_only_if_it_says_so(served: Api, query: str, soft: bool) -> None:
    assert (await served.http.post("/rooms/room-1/set/stop" + query)).status_code == 200
    assert served.hub.asked == [("stop", "room-1", soft, "this computer")]


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b"[" * 5000, b"null", b'{"a":' * 900])
async def test_nothing_in_a_body_keeps_a_stop_from_stopping(served: Api, body: bytes) -> None:
    answer = await served.http.post(
        "/rooms/room-1/set/stop", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 200
    assert len(served.hub.asked) == 1


async def test_a_stop_is_answered_while_a_start_still_waits(served: Api) -> None:
    served.hub.hold = asyncio.Event()
    start = asyncio.create_task(served.http.post("/rooms/room-1/set/start", json={}))
    async with asyncio.timeout(5):
        while not served.hub.asked:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        assert (await served.http.post("/rooms/room-1/set/stop")).status_code == 200
    assert not start.done()
    served.hub.hold.set()
    assert (await start).status_code == 200


@pytest.mark.parametrize(
    ("code", "status"),
    [("range", 422), ("unknown", 404), ("running", 409), ("stale", 409), ("silent", 409), ("charging", 409)],
)
async def test_a_refusal_leaves_whole(served: Api, code: str, status: int) -> None:
    served.hub.refuse = Fault(code, "because", "rate_hz", 9.0, 0.1, 4, "left", 640)
    answer = await served.http.post("/rooms/room-1/set/start", json={})
    assert answer.status_code == status
    assert answer.json() == {
        "error": {
            "code": code,
            "message": "because",
            "field": "rate_hz",
            "value": 9.0,
            "low": 0.1,
            "high": 4,
            "side": "left",
            "retry_after_ms": 640,
        }
    }
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b'{"rate_hz": "1"}', "field", "rate_hz"),
        (b'{"rate_hz": true}', "field", "rate_hz"),
        (b'{"rate_hz": NaN}', "range", "rate_hz"),
        (b'{"rate_hz": 1e999}', "range", "rate_hz"),
        (b'{"passes": ' + b"9" * 400 + b"}", "range", "passes"),
        (b'{"passes": ' + b"9" * 5000 + b"}", "body", None),
        (b'{"speed": 1}', "field", "speed"),
        (b'{"revision": "3"}', "field", "revision"),
        (b'{"\\ud800": 1}', "body", None),
        (b"[]", "body", None),
        (b"", "body", None),
        (b"{", "body", None),
        (b"\xff", "body", None),
        (b"[" * 60_000, "body", None),
    ],
)
async def test_a_body_that_is_wrong_is_told_what_is_wrong(
    served: Api, body: bytes, code: str, field: str | None
) -> None:
    answer = await served.http.post(
        "/rooms/room-1/set/start", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    assert (error["code"], error.get("field")) == (code, field)
    assert served.hub.asked == []


async def test_a_body_of_any_length_costs_no_memory(served: Api) -> None:
    answer = await served.http.post("/rooms/room-1/set/start", content=b" " * 70_000)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "large")

    async def endless() -> AsyncGenerator[bytes]:
        for _ in range(70):
            yield b" " * 1000

    answer = await served.http.post(
        "/rooms/room-1/set/start", content=endless(), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "large")


@pytest.mark.parametrize(
    "lengths", [["70000"], ["-1"], ["+5"], ["1e3"], ["many"], ["2", "3"], ["0", "0"], ["9" * 5_000]]
)
async def test_nothing_said_of_its_body_keeps_a_stop_from_stopping(served: Api, lengths: list[str]) -> None:
    headers = [("Content-Length", length) for length in lengths]
    request = served.http.build_request("POST", "/rooms/room-1/set/stop", headers=headers)
    answer = await served.http.send(request)
    assert answer.status_code == 200, answer.text
    assert [asked[:2] for asked in served.hub.asked] == [("stop", "room-1")]
    other = served.http.build_request("POST", "/rooms/room-1/swap", headers=headers)
    assert (await served.http.send(other)).status_code == 413


async def test_a_stop_with_a_large_body_stops(served: Api) -> None:
    answer = await served.http.post("/rooms/room-1/set/stop", content=b"x" * 70_000)
    assert answer.status_code == 200, answer.text


async def test_an_unknown_room_or_path_is_404_in_the_same_form(served: Api) -> None:
    for path in ("/rooms/nowhere", "/nothing", "/rooms/a%2Fb"):
        answer = await served.http.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown")
    assert (await served.http.put("/rooms")).status_code == 405


async def test_pairing_keeps_the_key_inside(served: Api, caplog: pytest.LogCaptureFixture) -> None:
    answer = await served.http.post("/pulsers", json=PAIRING | {"ceiling_pct": 45})
    assert answer.status_code == 201
    assert answer.json()["pulser"]["ceiling_pct"] == 45
    assert answer.json()["colour"].startswith("#")
    assert served.hub.paired[PULSER].key.hex() == KEY
    shown = answer.text + (await served.http.get("/pulsers")).text + (await served.http.get("/rooms")).text
    assert PULSER in shown
    assert KEY not in shown
    assert KEY not in caplog.text


@pytest.mark.parametrize(
    "change",
    [
        {"key": "zz"},
        {"key": KEY.upper()},
        {"key": KEY + "00"},
        {"pulser_id": "../../token"},
        {"pulser_id": "00" * 7},
        {"pulser_id": "00" * 9},
        {"side": "middle"},
        {"ceiling_pct": 0},
        {"ceiling_pct": 101},
        {"ceiling_pct": "50"},
        {"room": ""},
        {"room": "a/b"},
        {"room": "a\nb"},
        {"room": "x" * 41},
        {"room": " a"},
        {"name": "\ud800"},
        {"last_host": "127.0.0.1"},
    ],
)
async def test_a_pairing_that_is_wrong_is_refused_without_echoing_a_key(
    served: Api, change: dict[str, object]
) -> None:
    answer = await served.http.post(
        "/pulsers", content=json.dumps(PAIRING | change), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert KEY not in answer.text.lower()
    assert served.hub.paired == {}


async def test_a_pairing_that_failed_at_the_cable_is_taken_back_exactly(served: Api) -> None:
    await served.http.post("/pulsers", json=PAIRING)
    first = served.hub.paired[PULSER]
    served.store.put_pairing(first)
    await served.http.post("/pulsers", json=PAIRING | {"key": "ff" * 16, "side": "right"})
    assert served.hub.paired[PULSER].side == "right"
    assert (await served.http.post(f"/pulsers/{PULSER}/undo")).status_code == 204
    assert served.hub.paired[PULSER] == first
    assert (await served.http.post(f"/pulsers/{PULSER}/undo")).status_code == 404
    served.store.remove_pairing(first.pulser_id)
    await served.http.delete(f"/pulsers/{PULSER}")
    await served.http.post("/pulsers", json=PAIRING)
    assert (await served.http.post(f"/pulsers/{PULSER}/undo")).status_code == 204
    assert served.hub.paired == {}


async def test_an_address_by_hand_reaches_the_hub(served: Api) -> None:
    await served.http.post("/pulsers", json=PAIRING)
    path = f"/pulsers/{PULSER}/address"
    assert (await served.http.post(path, json={"host": "192.0.2.7", "port": 4000})).status_code == 204
    assert served.hub.asked == [("heard_of", bytes.fromhex(PULSER), "192.0.2.7", 4000)]
    assert (await served.http.post(path, json={"host": "999.0.2.7", "port": 4000})).status_code == 422
    assert (await served.http.post(path, json={"host": "example", "port": 4000})).status_code == 422
    unknown = f"/pulsers/{PULSER[:-2]}99/address"
    assert (await served.http.post(unknown, json={"host": "192.0.2.7", "port": 4000})).status_code == 404


async def test_pulsers_of_others_are_shown_apart(served: Api) -> None:
    served.foreign.put(Heard("0a" * 8, "0b" * 8, "192.0.2.9", 4001))
    found = (await served.http.get("/pulsers")).json()
    assert found["pulsers"] == []
    assert found["elsewhere"] == [{"id": "0a" * 8, "daemon_id": "0b" * 8, "address": "192.0.2.9:4001"}]


async def test_the_front_page_needs_no_token_and_shows_no_room(served: Api) -> None:
    answer = await served.http.get(f"http://127.0.0.1:{served.port}/", headers={"Authorization": ""})
    assert answer.status_code == 200
    assert "<title>twintap</title>" in answer.text
    assert "room-1" not in answer.text


async def test_a_pulser_is_told_where_the_daemon_is(served: Api) -> None:
    found = (await served.http.get("/daemon")).json()
    assert found["daemon_id"] == served.store.daemon_id.hex()
    assert found["addresses"] == [{"host": "127.0.0.1", "port": served.port}]


async def test_a_stop_waits_for_no_thread(served: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def threaded(*_: object, **__: object) -> None:
        raise AssertionError("a stop was handed to a thread")

    monkeypatch.setattr("anyio.to_thread.run_sync", threaded)
    monkeypatch.setattr("starlette.concurrency.run_in_threadpool", threaded)
    monkeypatch.setattr("fastapi.dependencies.utils.run_in_threadpool", threaded)
    assert (await served.http.post("/rooms/room-1/set/stop")).status_code == 200


async def test_an_answer_does_not_wait_for_an_acknowledgement() -> None:
    listener = serve._listen("127.0.0.1", 0)
    accepted: asyncio.Queue[int] = asyncio.Queue()

    def connected(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sock = writer.get_extra_info("socket")
        accepted.put_nowait(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async with await asyncio.start_server(connected, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        async with asyncio.timeout(5):
            assert await accepted.get() != 0
        writer.close()
