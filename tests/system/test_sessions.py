"""A visit with real boards, and a daemon that is killed in the midst of it."""

import time
from typing import Any

from tests.support.rig import Daemon, Pair, wait_for

Json = dict[str, Any]


def said(daemon: Daemon, method: str, path: str, body: object = None) -> Any:
    answer = daemon.ask(method, path, body)
    assert answer.status < 300, answer.body
    return answer.body


def entries(daemon: Daemon, session: str) -> list[Json]:
    return said(daemon, "GET", f"/sessions/{session}")["entries"]


def of_sets(found: list[Json], uid: str) -> list[str]:
    return [entry["type"] for entry in found if entry["data"].get("set_uid") == uid]


def test_what_was_acknowledged_outlives_a_daemon_killed_in_a_set(daemon: Daemon, pair: Pair) -> None:
    pair.calm()
    room = f"/rooms/{pair.room}/session"
    daemon.until_ready(pair.room)
    opened = said(daemon, "POST", room, {"code": "k-17", "kind": "emdr", "zone": "Europe/Berlin"})
    acknowledged = [
        said(daemon, "POST", f"{room}/entries", {"type": kind, "data": data})["id"]
        for kind, data in (
            ("mark.set", {"mark": "stop_signal_agreed"}),
            ("phase.begun", {"phase": "desensitisation"}),
            ("rating.sud", {"value": 8}),
            ("note.added", {"text": "the sound of it"}),
            ("level.client", {"left_pct": 30, "right_pct": 25}),
        )
    ]
    whole = daemon.begin(pair.room, rate_hz=4, pulse_ms=60, passes=6)["set"]
    assert (whole["pacing"]["left_pct"], whole["pacing"]["right_pct"]) == (30, 25)
    daemon.until_ended(pair.room)

    since_us = pair.begin(rate_hz=4, pulse_ms=60)
    lost = pair.set()["uid"]
    # So long that what it has done was written down at least once.
    wait_for("eight passes", lambda: pair.set()["passes_done"] >= 8)
    acknowledged.append(
        said(daemon, "POST", f"{room}/entries", {"type": "rating.sud", "data": {"value": 5}})["id"]
    )
    killed_us = daemon.kill()
    assert pair.off_after_us(killed_us) < 1_100_000
    daemon.restart()

    shown = said(daemon, "GET", room)
    assert (shown["id"], shown["code"], shown["phase"], shown["last_sud"]) == (
        opened["id"],
        "K-17",
        "desensitisation",
        5,
    )
    assert (shown["opened_at"], shown["left_pct"], shown["sets"]) == (opened["opened_at"], 30, 2)
    found = entries(daemon, opened["id"])
    assert set(acknowledged) <= {entry["id"] for entry in found}
    assert of_sets(found, whole["uid"]) == ["set.asked", "set.started", "set.ended", "set.recorded"]
    assert of_sets(found, lost) == ["set.asked", "set.started", "set.ended", "set.recorded"]
    record = next(
        entry["data"]
        for entry in found
        if entry["type"] == "set.recorded" and entry["data"]["set_uid"] == lost
    )
    delivered = len(pair.left.pulses(since_us))
    assert (record["reason"], record["by"], record["complete"]) == ("daemon", "system", False)
    assert 0 < record["passes_done"] <= delivered + 1
    assert 0 < record["left"]["delivered"] <= delivered

    daemon.until_ready(pair.room)
    time.sleep(0.5)
    assert daemon.room(pair.room)["set"] is None, "nothing starts by itself"
    assert len(pair.left.pulses(since_us)) == delivered
    again = daemon.begin(pair.room, rate_hz=4, pulse_ms=60, passes=2)["set"]
    daemon.until_ended(pair.room)
    said(daemon, "POST", f"{room}/close", {"plan": "go on there"})
    found = entries(daemon, opened["id"])
    assert of_sets(found, again["uid"])[-1] == "set.recorded"
    assert found[-1]["type"] == "session.closed"
    assert said(daemon, "GET", "/journal/verify")["ok"]


def test_sessions_are_listed_at_the_terminal(daemon: Daemon, pair: Pair) -> None:
    pair.calm()
    room = f"/rooms/{pair.room}/session"
    opened = said(daemon, "POST", room, {"code": "k-20", "kind": "consultation", "zone": "UTC"})
    listed = daemon.done("sessions")
    assert opened["id"] in listed
    assert "K-20" in listed
    assert "open" in listed
    said(daemon, "POST", f"{room}/close", {})
    (line,) = [line for line in daemon.done("sessions", "k 20").splitlines() if opened["id"] in line]
    assert "consultation" in line
    ran = daemon.cli("sessions", "Anna/Berg")
    assert ran.returncode == 1
    assert "a code has letters" in ran.stderr
