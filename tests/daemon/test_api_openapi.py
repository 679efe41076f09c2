"""The description is exact: whatever is sent, the answer is one that OpenAPI names, with its model."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tests.daemon.api_rig import Api, api
from twintap.api import gate
from twintap.api.faults import ErrorBody

PULSER = "02aabbccddeeff00"


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Api]:
    monkeypatch.setattr(gate, "_WRONG_TOKEN_S", 0.0)
    async with api(tmp_path, "room-1") as running:
        body = {"pulser_id": PULSER, "key": "00" * 16, "room": "room-1", "side": "left"}
        assert (await running.http.post("/pulsers", json=body)).status_code == 201
        yield running


async def described(served: Api) -> dict[str, Any]:
    return (await served.http.get("/openapi.json")).json()


def operations(schema: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method.upper(), path.removeprefix("/api/v1"), operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


async def test_every_refusal_has_the_one_model(served: Api) -> None:
    schema = await described(served)
    found = operations(schema)
    assert len(found) >= 15
    for method, path, operation in found:
        statuses = set(operation["responses"])
        assert {"401", "403", "422"} <= statuses, (method, path)
        for status, response in operation["responses"].items():
            if status >= "400":
                reference = response["content"]["application/json"]["schema"]["$ref"]
                assert reference == "#/components/schemas/ErrorBody", (method, path, status)
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    pacing = schema["components"]["schemas"]["PacingChanges"]["properties"]
    assert pacing["rate_hz"]["anyOf"][0] == {"type": "number", "minimum": 0.1, "maximum": 4.0}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    [
        "rate_hz",
        "pulse_ms",
        "level_pct",
        "passes",
        "revision",
        "room",
        "side",
        "key",
        "label",
        "role",
        "rooms",
        "host",
        "port",
    ]
)
BODIES = (
    st.dictionaries(FIELDS, JSON, max_size=6).map(lambda body: json.dumps(body).encode())
    | JSON.map(lambda body: json.dumps(body).encode())
    | st.binary(max_size=80)
)
SEGMENTS = st.sampled_from(["room-1", PULSER, "nowhere", "00" * 6]) | st.text(max_size=45)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_whatever_is_sent_is_answered_as_described(served: Api, data: st.DataObject) -> None:
    schema = await described(served)
    method, path, operation = data.draw(st.sampled_from(operations(schema)))
    for name in ("room", "pulser", "token_id"):
        segment = quote(data.draw(SEGMENTS).encode("utf-8", "replace"), safe="")
        path = path.replace("{" + name + "}", segment)
    kind = data.draw(
        st.sampled_from(["application/json", "text/plain", "application/json; charset=utf-16", ""])
    )
    headers = {"Content-Type": kind} if kind else {}
    if data.draw(st.integers(0, 9)) == 0:
        headers["Authorization"] = "Bearer wrong"
    try:
        answer = await served.http.request(method, path, content=data.draw(BODIES), headers=headers)
    except httpx.InvalidURL:
        return
    # A segment that is empty or a dot makes another path of it.
    if answer.status_code in (307, 405) or (
        answer.status_code == 404 and "404" not in operation["responses"]
    ):
        return
    assert str(answer.status_code) in operation["responses"], (method, path, answer.status_code, answer.text)
    if answer.status_code >= 400:
        ErrorBody.model_validate_json(answer.content)
    elif answer.status_code != 204:
        assert answer.headers["Content-Type"] == "application/json"
        TypeAdapter(dict[str, Any] | list[Any]).validate_json(answer.content)
