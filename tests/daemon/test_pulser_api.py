"""Pulsers by HTTP: what reaches the hub, what is refused by which field, and that no password comes back."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.daemon.api_rig import Api, api
from twintap.rooms.tuning import Change

PULSER = "00000000000000a1"
PASSWORD = "correct horse"
Json = dict[str, Any]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncGenerator[Api]:
    async with api(tmp_path, "room-1", "room-2") as running:
        body = {"pulser_id": PULSER, "key": "0" * 32, "room": "room-1", "side": "left"}
        assert (await running.http.post("/pulsers", json=body)).is_success
        running.hub.asked.clear()
        yield running


async def asked(served: Api, method: str, path: str, body: Json | None = None) -> tuple[int, Json]:
    answer = await served.http.request(method, path, json=body)
    return answer.status_code, answer.json()


async def test_what_is_said_of_a_pulser_reaches_the_hub_and_nothing_more(served: Api) -> None:
    body = {"name": "blue one", "room": "room-2", "side": "right", "trim_pct": 80}
    status, found = await asked(served, "PATCH", f"/pulsers/{PULSER}", body)
    assert (status, found["id"], found["trim_pct"]) == (200, PULSER, 100.0)
    assert served.hub.asked == [
        ("change", PULSER, Change("blue one", "room-2", "right", 80), "this computer")
    ]
    served.hub.asked.clear()
    for path, said in (
        ("networks", {"ssid": "Praxis", "password": PASSWORD}),
        ("networks", {"ssid": "open"}),
        ("networks/forget", {"ssid": "Praxis"}),
        ("sleep", None),
    ):
        assert (await asked(served, "POST", f"/pulsers/{PULSER}/{path}", said))[0] == 200
    assert (await asked(served, "POST", "/rooms/room-1/wake"))[1]["name"] == "room-1"
    assert served.hub.asked == [
        ("keep_network", PULSER, "Praxis", PASSWORD, "this computer"),
        ("keep_network", PULSER, "open", "", "this computer"),
        ("forget_network", PULSER, "Praxis", "this computer"),
        ("sleep", PULSER, "this computer"),
        ("wake", "room-1"),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a/b"}, "name"),
        ({"room": "x" * 41}, "room"),
        ({"room": " blue"}, "room"),
        ({"side": "middle"}, "side"),
        ({"trim_pct": 24}, "trim_pct"),
        ({"trim_pct": 101}, "trim_pct"),
        ({"trim_pct": "80"}, "trim_pct"),
        ({"ceiling_pct": 100}, "ceiling_pct"),
    ],
)
async def test_what_no_pulser_may_be_is_refused_by_its_field(served: Api, body: Json, field: str) -> None:
    status, found = await asked(served, "PATCH", f"/pulsers/{PULSER}", body)
    assert (status, found["error"]["field"]) == (422, field)
    assert not served.hub.asked


async def test_a_refused_network_does_not_say_the_password_again(
    served: Api, caplog: pytest.LogCaptureFixture
) -> None:
    for body in (
        {"ssid": "", "password": PASSWORD},
        {"ssid": "x" * 33, "password": PASSWORD},
        {"ssid": "Praxis", "password": PASSWORD * 6},
        {"ssid": "Praxis", "password": PASSWORD, "key": 1},
        {"ssid": "Praxis", "password": [PASSWORD]},
    ):
        answer = await served.http.post(f"/pulsers/{PULSER}/networks", json=body)
        assert answer.status_code == 422
        assert PASSWORD not in answer.text
    assert PASSWORD not in caplog.text
    assert not served.hub.asked


async def test_a_password_is_taken_sealed_or_on_this_computer_alone(served: Api) -> None:
    body = {"ssid": "Praxis", "password": PASSWORD}
    app: Any = getattr(served.http._transport, "app")  # noqa: B009 # pyright: ignore[reportPrivateUsage]
    other, loopback = "192.168.1.9", "127.0.0.1"
    for scheme, client, server, more, status in (
        ("http", other, loopback, {}, 409),
        ("http", other, "192.168.1.8", {}, 409),
        ("https", other, loopback, {}, 200),
        ("http", loopback, loopback, {}, 200),
        # To one of this computer's own addresses, from nowhere else than that.
        ("http", other, other, {}, 200),
        # A program that passes it on is on this computer; who knows where it had it from?
        ("http", loopback, loopback, {"X-Forwarded-For": other}, 409),
        ("http", loopback, loopback, {"X-Forwarded-Proto": "https"}, 409),
        ("http", loopback, loopback, {"Forwarded": f"for={other};proto=https"}, 409),
        ("http", loopback, loopback, {"Via": "1.1 practice"}, 409),
        # What a client says of itself makes nothing sealed.
        ("http", other, loopback, {"X-Forwarded-Proto": "https"}, 409),
    ):
        served.hub.asked.clear()
        transport = httpx.ASGITransport(app, client=(client, 4_000))
        headers = {"Authorization": f"Bearer {served.admin}", **more}
        base = f"{scheme}://{server}:{served.hub.port}/api/v1"
        async with httpx.AsyncClient(transport=transport, base_url=base, headers=headers) as http:
            answer = await http.post(f"/pulsers/{PULSER}/networks", json=body)
            assert answer.status_code == status, (scheme, client, server, more)
            if status == 409:
                assert answer.json()["error"]["code"] == "plain"
                assert not served.hub.asked


async def test_a_pulser_that_is_not_ours_is_unknown(served: Api) -> None:
    gone = "00000000000000a9"
    for method, path, body in (
        ("PATCH", f"/pulsers/{gone}", {}),
        ("POST", f"/pulsers/{gone}/networks", {"ssid": "Praxis"}),
        ("POST", f"/pulsers/{gone}/networks/forget", {"ssid": "Praxis"}),
        ("POST", f"/pulsers/{gone}/sleep", None),
        ("POST", "/rooms/room-9/wake", None),
    ):
        status, found = await asked(served, method, path, body)
        assert (status, found["error"]["code"]) == (404, "unknown"), path
