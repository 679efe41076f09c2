"""Sessions over HTTP: who may do what, what is refused by which field, and what nobody else is shown."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.api_rig import Api, api, next_of
from twintap.api import gate
from twintap.store import Store
from twintap.tokens import make_token

OPEN = {"code": " k-17 ", "kind": "emdr", "zone": "Europe/Berlin"}
NOBODY = "0189a7c4-0000-7000-8000-000000000000"
Json = dict[str, Any]


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Api]:
    monkeypatch.setattr(gate, "_WRONG_TOKEN_S", 0.0)
    async with api(tmp_path, "room-1", "room-2") as running:
        yield running


@pytest.fixture
async def listening(tmp_path: Path) -> AsyncGenerator[Api]:
    async with api(tmp_path, "room-1", "room-2", listening=True) as running:
        yield running


def observer(served: Api, *, notes: bool) -> dict[str, str]:
    text, token = make_token("olga", "observer", None, notes=notes)
    served.store.put_token(token)
    return {"Authorization": f"Bearer {text}"}


async def ok(served: Api, method: str, path: str, body: Json | None = None, **more: Any) -> Any:
    answer = await served.http.request(method, path, json=body, **more)
    assert answer.is_success, answer.text
    return answer.json()


async def refused(
    served: Api, method: str, path: str, body: Json | None = None, **more: Any
) -> tuple[int, Json]:
    answer = await served.http.request(method, path, json=body, **more)
    assert answer.status_code >= 400, answer.text
    return answer.status_code, answer.json()["error"]


async def begin(served: Api, room: str = "room-1", **changes: Any) -> Json:
    return await ok(served, "POST", f"/rooms/{room}/session", OPEN | changes)


async def enter(served: Api, kind: str, room: str = "room-1", **data: Any) -> Json:
    return await ok(served, "POST", f"/rooms/{room}/session/entries", {"type": kind, "data": data})


async def test_a_visit_from_open_to_close(served: Api) -> None:
    opened = await begin(served)
    assert (opened["code"], opened["zone"], opened["lead"]) == ("K-17", "Europe/Berlin", "this computer")
    assert opened["opened_at"].endswith(("+01:00", "+02:00")), "in the session's own zone"
    first = await enter(served, "rating.sud", value=8)
    last = await enter(served, "rating.sud", value=3)
    assert (await ok(served, "GET", "/rooms/room-1/session"))["last_sud"] == 3
    assert (await ok(served, "POST", "/rooms/room-1/session/undo", {"entry": last["id"]}))["last_sud"] == 8
    lead = await ok(served, "POST", "/rooms/room-1/session/lead", {"label": "dr who"})
    assert lead["lead"] == "dr who"
    await ok(served, "POST", "/rooms/room-1/session/keep")
    closed = await ok(served, "POST", "/rooms/room-1/session/close", {"plan": "slower"})
    assert (closed["id"], closed["plan"]) == (opened["id"], "slower")
    assert (await refused(served, "GET", "/rooms/room-1/session"))[0] == 409

    (row,) = await ok(served, "GET", "/sessions?room=room-1")
    assert (row["id"], row["closed_reason"], row["last_sud"]) == (opened["id"], "asked", 8)
    assert await ok(served, "POST", "/sessions/search", {"code": "k-17"}) == [row]
    whole = await ok(
        served, "POST", f"/sessions/{row['id']}/corrections", {"entry": first["id"], "data": {"value": 7}}
    )
    assert whole["session"]["last_sud"] == 7
    by_id = {entry["id"]: entry for entry in whole["entries"]}
    assert (by_id[first["id"]]["data"], by_id[first["id"]]["corrected"]) == ({"value": 8}, {"value": 7})
    assert by_id[last["id"]]["undone"]
    assert whole["head"] == await served.journal.head(f"session:{row['id']}")
    path, entry = f"/sessions/{row['id']}/corrections", {"entry": first["id"]}
    assert (await refused(served, "POST", path, entry))[1]["field"] == "data"
    assert (await refused(served, "POST", path, entry | {"data": {}, "void": True}))[1]["field"] == "data"
    whole = await ok(served, "POST", path, entry | {"void": True})
    assert whole["session"]["last_sud"] is None
    by_id = {entry["id"]: entry for entry in whole["entries"]}
    shown = by_id[first["id"]]
    assert (shown["data"], shown["withdrawn"], shown["corrected"]) == ({"value": 8}, True, None)
    assert (await refused(served, "POST", path, entry | {"void": True}))[1]["code"] == "undone"
    moved = await ok(served, "POST", f"/sessions/{row['id']}/move", {"code": "k-18"})
    assert moved["code"] == "K-18"
    assert await ok(served, "POST", "/sessions/search", {"code": "k-17"}) == []


async def test_a_closed_session_takes_a_plan_and_the_next_one_offers_the_latest(served: Api) -> None:
    session = (await begin(served))["id"]
    await ok(served, "POST", "/rooms/room-1/session/close", {})
    path = f"/sessions/{session}/plan"
    assert (await refused(served, "POST", path, {"text": ""}))[1]["field"] == "text"
    for text in ("the corridor", "the stairs", "the stairs"):
        whole = await ok(served, "POST", path, {"text": text})
    plans = [entry["data"]["text"] for entry in whole["entries"] if entry["type"] == "plan.written"]
    assert plans == ["the corridor", "the stairs"], "said twice is said once"
    assert whole["session"]["closed_reason"] == "asked"
    found = await ok(served, "POST", "/clients/lookup", {"code": "K-17", "kind": "emdr"})
    assert found["offer"]["plan"] == "the stairs"


WRONG: list[tuple[Any, ...]] = [
    ("session", OPEN | {"code": ""}, 422, "field", "code"),
    ("session", OPEN | {"code": "   "}, 422, "range", "code"),
    ("session", OPEN | {"code": "Anna/Berg"}, 422, "field", "code"),
    ("session", OPEN | {"code": "x" * 25}, 422, "range", "code"),
    ("session", OPEN | {"kind": "party"}, 422, "field", "kind"),
    ("session", OPEN | {"zone": "Europe/Nowhere"}, 422, "field", "zone"),
    ("session", OPEN | {"zone": "../../etc/passwd"}, 422, "field", "zone"),
    ("session", {"code": "k"}, 422, "field", "kind"),
    ("session/close", {}, 409, "closed", None),
    ("session/entries", {"type": "rating.sud", "data": {"value": 1}}, 409, "closed", None),
    ("session/undo", {}, 409, "closed", None),
    ("session/lead", {}, 409, "closed", None),
    ("session/keep", {}, 409, "closed", None),
]


async def test_what_is_not_right_is_refused_by_its_field(served: Api) -> None:
    for path, body, status, code, field in WRONG:
        found, error = await refused(served, "POST", f"/rooms/room-1/{path}", body)
        assert (found, error["code"], error.get("field")) == (status, code, field)
        assert "Anna" not in json.dumps(error)


NO_ENTRIES: list[tuple[Any, ...]] = [
    ({"type": "rating.sud", "data": {"value": 11}}, "value"),
    ({"type": "rating.sud", "data": {"value": 1}, "at": "yesterday"}, "at"),
    ({"type": "rating.sud", "data": {"value": 1}, "at": "2026-01-01T10:00:00"}, "at"),
    ({"type": "rating.sud", "data": {"value": 1}, "at": "2001-01-01T10:00:00Z"}, "at"),
    ({"type": "rating.sud", "data": {"value": 1}, "at": "2999-01-01T10:00:00Z"}, "at"),
    ({"type": "rating.sud", "data": {"value": 1}, "at": 5}, "at"),
    ({"type": "session.closed", "data": {}}, "type"),
    ({"type": "note.added", "data": {"text": "\ud800"}}, "data"),
]


async def test_an_entry_that_is_none_is_refused_by_its_field(served: Api) -> None:
    await begin(served)
    for body, field in NO_ENTRIES:
        answer = await served.http.post(
            "/rooms/room-1/session/entries",
            content=json.dumps(body),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 422
        assert answer.json()["error"]["field"] == field


async def test_an_unknown_room_or_session_is_said_to_be(served: Api) -> None:
    for method, path, body in (
        ("POST", "/rooms/nowhere/session", OPEN),
        ("GET", "/rooms/nowhere/session", None),
        ("POST", "/rooms/nowhere/session/close", {}),
        ("GET", f"/sessions/{NOBODY}", None),
        ("POST", f"/sessions/{NOBODY}/move", {"code": "k"}),
        ("POST", f"/sessions/{NOBODY}/corrections", {"entry": NOBODY, "data": {}}),
        ("GET", f"/sessions?before={NOBODY}", None),
        ("PATCH", "/rooms/nowhere", {"colour": "#000000"}),
    ):
        status, error = await refused(served, method, path, body)
        assert (status, error["code"]) == (404, "unknown"), (method, path)


async def test_a_second_session_is_refused(served: Api) -> None:
    await begin(served)
    assert (await refused(served, "POST", "/rooms/room-1/session", OPEN))[1]["code"] == "open"
    await begin(served, "room-2")


async def test_each_role_does_what_it_may(served: Api) -> None:
    opened = await begin(served)
    note = {"type": "note.added", "data": {"text": "calm"}}
    sud = {"type": "rating.sud", "data": {"value": 3}}
    entries = "/rooms/room-1/session/entries"
    cases: list[tuple[dict[str, str], str, str, Json | None, int]] = []
    for headers in (served.give("display"), served.give("logger"), observer(served, notes=False)):
        cases += [
            (headers, "POST", entries, note, 403),
            (headers, "POST", "/rooms/room-2/session", OPEN, 403),
            (headers, "POST", "/rooms/room-1/session/close", {}, 403),
            (headers, "POST", "/clients/lookup", {"code": "k"}, 403),
            (headers, "PUT", "/presets", {"presets": []}, 403),
            (headers, "POST", "/rooms", {"name": "green"}, 403),
        ]
    noting = observer(served, notes=True)
    cases += [
        (noting, "POST", entries, note, 201),
        (noting, "POST", entries, sud, 403),
        (noting, "POST", "/rooms/room-1/session/undo", {}, 403),
        (noting, "GET", "/sessions", None, 403),
        (served.give("logger"), "GET", f"/sessions/{opened['id']}", None, 200),
        (served.give("display"), "GET", "/sessions", None, 403),
        (served.give("therapist"), "POST", "/clients/erase", {"code": "k-99"}, 403),
        (served.give("therapist"), "GET", "/journal/verify", None, 403),
        (served.give("therapist", "room-2"), "GET", f"/sessions/{opened['id']}", None, 403),
        (served.give("therapist", "room-2"), "GET", "/sessions?room=room-1", None, 403),
        (served.give("therapist", "room-2"), "POST", "/rooms", {"name": "green"}, 403),
        (served.give("therapist", "room-2"), "POST", f"/sessions/{opened['id']}/move", {"code": "k"}, 403),
    ]
    for headers, method, path, body, status in cases:
        answer = await served.http.request(method, path, json=body, headers=headers)
        assert answer.status_code == status, (method, path, status, answer.text)


async def test_a_list_shows_the_sessions_of_the_tokens_rooms_page_by_page(served: Api) -> None:
    ids: list[str] = []
    for number in range(6):
        room = f"room-{1 + number % 2}"
        ids.append((await begin(served, room, code=f"k-{number % 3}"))["id"])
        await ok(served, "POST", f"/rooms/{room}/session/close", {})
    mine = served.give("therapist", "room-2")
    assert [one["id"] for one in await ok(served, "GET", "/sessions")] == ids[::-1]
    assert [one["id"] for one in await ok(served, "GET", "/sessions?limit=2", headers=mine)] == [
        ids[5],
        ids[3],
    ]
    rest = await ok(served, "GET", f"/sessions?limit=2&before={ids[3]}", headers=mine)
    assert [one["id"] for one in rest] == [ids[1]]
    found = await ok(served, "POST", "/sessions/search", {"code": "K 0"}, headers=mine)
    assert [one["id"] for one in found] == [ids[3]]


# --- what nobody else is shown --------------------------------------------------------------------------


async def told_of(served: Api) -> Json:
    await begin(served)
    await enter(served, "note.added", text="SECRET note")
    await enter(served, "part.met", label="SECRET part")
    await enter(served, "target.set", text="SECRET target")
    await enter(served, "plan.written", text="SECRET plan")
    mark = {"mark": "medicine_given", "text": "SECRET", "route": "SECRET", "amount": "SECRET"}
    return await enter(served, "mark.set", **mark)


async def test_an_observer_without_notes_is_shown_none(served: Api) -> None:
    await told_of(served)
    without, noting = observer(served, notes=False), observer(served, notes=True)
    for path in ("/rooms", "/rooms/room-1", "/rooms/room-1/session"):
        shown = json.dumps(await ok(served, "GET", path, headers=without))
        assert "SECRET" not in shown
        assert "K-17" in shown
        assert '"has_notes": false' in shown
        assert "SECRET part" in json.dumps(await ok(served, "GET", path, headers=noting))


async def test_a_display_that_stops_is_shown_no_session(served: Api) -> None:
    await told_of(served)
    shown = await ok(served, "POST", "/rooms/room-1/set/stop", headers=served.give("display"))
    assert shown["session"] is None


async def test_a_watcher_without_notes_hears_that_there_was_one(listening: Api) -> None:
    served = listening
    async with served.watch("/rooms/room-1/watch", observer(served, notes=False)) as socket:
        async with served.watch("/rooms/room-1/watch", observer(served, notes=True)) as noting:
            mark = await told_of(served)
            last = await next_of(noting, "mark.set")
            assert last["data"]["amount"] == "SECRET"
        heard: list[Json] = []
        while not heard or heard[-1]["type"] != "mark.set":
            heard.append(json.loads(await socket.recv()))
    assert "SECRET" not in json.dumps(heard)
    assert [event["type"] for event in heard] == [
        "room.snapshot",
        "session.opened",
        "note.added",
        "part.met",
        "target.set",
        "plan.written",
        "mark.set",
    ]
    assert (heard[-1]["data"]["id"], heard[-1]["data"]["mark"]) == (mark["id"], "medicine_given")
    assert heard[-1]["state"]["session"]["code"] == "K-17"


async def test_nothing_of_a_client_reaches_the_log(served: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await told_of(served)
    await refused(served, "POST", "/rooms/room-2/session", OPEN | {"code": "SECRET/name"})
    await ok(served, "POST", "/clients/lookup", {"code": "SECRET"})
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("twintap")]
    assert "SECRET" not in "\n".join(lines)
    assert "K-17" not in "\n".join(lines)


# --- clients --------------------------------------------------------------------------------------------


async def test_a_code_is_known_or_new_and_a_name_is_noticed(served: Api) -> None:
    found = await ok(served, "POST", "/clients/lookup", {"code": "Anna Berg"})
    assert (found["code"], found["known"], found["offer"], found["looks_like_name"]) == (
        "ANNA-BERG",
        False,
        None,
        True,
    )
    opened = await begin(served)
    found = await ok(served, "POST", "/clients/lookup", {"code": "K 17"})
    assert (found["code"], found["known"], found["visits"], found["open_in"], found["looks_like_name"]) == (
        "K-17",
        True,
        1,
        "room-1",
        False,
    )
    assert found["last_visit_at"][:10] == opened["opened_at"][:10]
    assert [client["code"] for client in await ok(served, "GET", "/clients")] == ["K-17"]


async def test_a_client_of_other_rooms_is_new_to_a_token_and_not_listed(served: Api) -> None:
    """As with lists of sessions: a token knows what was in its rooms, and counts nothing else."""
    for room, text in (("room-1", "the lighthouse"), ("room-2", "the stairs")):
        await begin(served, room)
        await enter(served, "target.set", room, text=text)
        await ok(served, "POST", f"/rooms/{room}/session/close", {})
    await begin(served, "room-1", code="ONLY-1")
    await ok(served, "POST", "/rooms/room-1/session/close", {})
    own = {"headers": served.give("therapist", "room-2", "room-9")}
    assert [(one["code"], one["visits"]) for one in await ok(served, "GET", "/clients", **own)] == [
        ("K-17", 1)
    ]
    assert [(one["code"], one["visits"]) for one in await ok(served, "GET", "/clients")] == [
        ("K-17", 2),
        ("ONLY-1", 1),
    ]
    known = await ok(served, "POST", "/clients/lookup", {"code": "k-17"}, **own)
    assert (known["known"], known["visits"], known["offer"]["targets"]) == (True, 1, ["the stairs"])
    hidden = await ok(served, "POST", "/clients/lookup", {"code": "only-1"}, **own)
    new = await ok(served, "POST", "/clients/lookup", {"code": "only-9"}, **own)
    assert hidden == new | {"code": "ONLY-1"}, "it cannot be told from one that never was"
    # Nor does a session that it opens bring anything from there; one that all rooms' token opens does.
    for rights, targets in ((own, ["the stairs"]), ({}, ["the stairs", "the lighthouse"])):
        opened = await ok(served, "POST", "/rooms/room-2/session", OPEN, **rights)
        assert opened["targets"] == targets
        await ok(served, "POST", "/rooms/room-2/session/close", {}, **rights)


def told_set(served: Api, uid: str, **pacing: Any) -> None:
    whole = {
        "rate_hz": 1.0,
        "pulse_ms": 100,
        "left_pct": 40.0,
        "right_pct": 40.0,
        "ramp_ms": 500,
        "passes": 24,
    }
    whole |= pacing
    side = {"delivered": 24, "skipped": 0, "late": 0, "latest_us": 0}
    record = {
        "set_uid": uid, "asked": whole, "pacing": whole, "changes": 0, "passes_done": 24,
        "duration_ms": 24_000, "left": side, "right": side, "left_right_error_us": 70.0,
        "reason": "finished", "by": "system", "side": None, "silent": [], "part": None,
    }  # fmt: skip
    tell = served.hub.tell
    tell("room-1", "set.asked", "ann", {"set_uid": uid, "pacing": whole})
    tell("room-1", "set.started", "system", {"set_uid": uid, "go_us": 1.0})
    tell("room-1", "set.ended", "system", {"set_uid": uid, "reason": "finished", "side": None})
    tell("room-1", "set.recorded", "system", record)


async def test_the_next_visit_is_offered_what_the_last_one_ended_with(served: Api) -> None:
    await begin(served)
    await enter(served, "phase.begun", phase="assessment")
    told_set(served, "0189a7c4-0000-7000-8000-000000000001", rate_hz=1.25, passes=30)
    await enter(served, "phase.begun", phase="closure")
    told_set(served, "0189a7c4-0000-7000-8000-000000000002", rate_hz=0.4, passes=6)
    await enter(served, "level.client", left_pct=30, right_pct=22)
    await enter(served, "rating.sud", value=6)
    await enter(served, "rating.voc", value=4)
    await enter(served, "target.set", text="the crash")
    await enter(served, "part.met", label="the guard")
    await ok(served, "POST", "/rooms/room-1/session/close", {"plan": "the call next"})
    offer = (await ok(served, "POST", "/clients/lookup", {"code": "k-17"}))["offer"]
    assert {phase: (p["rate_hz"], p["passes"]) for phase, p in offer["pacings"].items()} == {
        "assessment": (1.25, 30),
        "closure": (0.4, 6),
    }
    assert (offer["left_pct"], offer["right_pct"], offer["last_sud"], offer["last_voc"]) == (30, 22, 6, 4)
    assert (offer["targets"], offer["parts"], offer["plan"]) == (
        ["the crash"],
        ["the guard"],
        "the call next",
    )
    assert offer["lowered"] is None

    low = (await ok(served, "POST", "/clients/lookup", {"code": "k-17", "kind": "medicine"}))["offer"]
    for pacing in low["pacings"].values():
        assert pacing["rate_hz"] <= 0.5
        assert max(pacing["left_pct"], pacing["right_pct"]) <= 20
        assert pacing["ramp_ms"] >= 4_000
    assert (low["left_pct"], low["right_pct"]) == (20, 20)
    assert "starts low" in low["lowered"]


async def test_a_session_shows_its_sets_with_their_phase(served: Api) -> None:
    opened = await begin(served)
    await enter(served, "phase.begun", phase="assessment")
    told_set(served, "0189a7c4-0000-7000-8000-000000000003")
    await served.journal.flushed()
    whole = await ok(served, "GET", f"/sessions/{opened['id']}")
    (row,) = whole["sets"]
    assert (row["phase"], row["started_by"], row["data"]["passes_done"]) == ("assessment", "ann", 24)
    assert whole["session"]["sets"] == 1


async def test_a_client_is_erased_once_no_session_of_theirs_is_open(served: Api) -> None:
    opened = await begin(served)
    await enter(served, "note.added", text="SECRET note")
    assert (await refused(served, "POST", "/clients/erase", {"code": "k-17"}))[0] == 409
    await ok(served, "POST", "/rooms/room-1/session/close", {})
    served.hub.running.add("room-1")
    _, error = await refused(served, "POST", "/clients/erase", {"code": "k 17"})
    assert (error["code"], "a set is running" in error["message"]) == ("running", True)
    served.hub.running.clear()
    erased = await ok(served, "POST", "/clients/erase", {"code": "k 17"})
    assert erased["sessions"] == 1
    whole = await ok(served, "GET", f"/sessions/{opened['id']}")
    assert whole["session"]["erased"]
    assert whole["entries"] == []
    status, error = await refused(served, "POST", f"/sessions/{opened['id']}/move", {"code": "k-1"})
    assert (status, error["code"]) == (409, "erased")
    proof = await ok(served, "GET", f"/journal/verify?head={erased['head']}")
    assert proof["ok"]
    assert (await ok(served, "GET", f"/journal/verify?head={'0' * 64}"))["missing_heads"] == ["0" * 64]
    assert (await refused(served, "POST", "/clients/erase", {"code": "k-17"}))[0] == 404


# --- the clinic's own ways ------------------------------------------------------------------------------


async def test_presets_and_settings_are_kept(served: Api, tmp_path: Path) -> None:
    presets = (await ok(served, "GET", "/presets"))["presets"]
    assert {"Standard", "Resourcing"} <= {preset["name"] for preset in presets}
    for preset in presets:
        if preset["kind"] == "medicine":
            assert max(preset["pacing"]["left_pct"], preset["pacing"]["right_pct"]) <= 20
    mine = {"presets": [{"name": "Mine", "phase": "closure", "pacing": {"rate_hz": 0.6, "passes": "open"}}]}
    kept = await ok(served, "PUT", "/presets", mine)
    settings = {
        "sud_prompt_at": None,
        "reminders": [
            {"kind": "medicine", "after_mark": "medicine_given", "after_min": 40, "text": "vitals"}
        ],
    }
    assert await ok(served, "PUT", "/settings", settings) == settings
    served.store.close()
    again = Store.open(tmp_path / "data")
    assert again.presets().model_dump() == kept
    assert again.settings().model_dump() == settings
    again.close()


NO_WAYS: list[tuple[Any, ...]] = [
    ("/presets", {"presets": [{"name": "x", "pacing": {"rate_hz": 9}}]}),
    ("/presets", {"presets": [{"name": "x", "pacing": {"rate_hz": 4.0, "pulse_ms": 200}}]}),
    ("/presets", {"presets": [{"name": "", "pacing": {"rate_hz": 1.0}}]}),
    ("/presets", {"presets": [{"name": "x", "phase": "tea", "pacing": {"rate_hz": 1.0}}]}),
    ("/presets", {"presets": "none"}),
    ("/settings", {"sud_prompt_at": 11}),
    ("/settings", {"reminders": [{"after_min": -1, "text": "x"}]}),
    ("/settings", {"more": 1}),
]


async def test_what_no_preset_or_setting_can_be_changes_nothing(served: Api) -> None:
    for path, body in NO_WAYS:
        before = await ok(served, "GET", path)
        status, error = await refused(served, "PUT", path, body)
        assert status == 422
        assert error.get("field")
        assert await ok(served, "GET", path) == before


async def test_a_room_is_made_and_painted(served: Api) -> None:
    made = await ok(served, "POST", "/rooms", {"name": "green", "colour": "#009e73"})
    assert (made["name"], made["colour"]) == ("green", "#009e73")
    assert (await refused(served, "POST", "/rooms", {"name": "green"}))[1]["code"] == "taken"
    assert (await refused(served, "POST", "/rooms", {"name": "a/b"}))[0] == 422
    assert (await ok(served, "PATCH", "/rooms/green", {"colour": "#123456"}))["colour"] == "#123456"
    assert (await refused(served, "PATCH", "/rooms/green", {"colour": "green"}))[1]["field"] == "colour"


async def test_tokens_given_out_are_in_the_daemons_chain_without_their_text(served: Api) -> None:
    given = await ok(served, "POST", "/tokens", {"label": "tablet", "role": "therapist", "rooms": ["room-1"]})
    await ok(served, "DELETE", f"/tokens/{given['view']['id']}")
    await served.journal.flushed()
    entries = await served.journal.daemon_entries()
    assert [entry.type for entry in entries][-2:] == ["token.given", "token.revoked"]
    assert given["token"] not in json.dumps([dict(entry.data or {}) for entry in entries])


async def test_no_path_and_no_query_takes_a_code(served: Api) -> None:
    schema = await ok(served, "GET", "/openapi.json")
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            names = {parameter["name"] for parameter in operation.get("parameters", ())}
            assert not names & {"code", "client"}, (method, path)
