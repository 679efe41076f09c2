"""Several controllers at once, and commands that must be refused: one room, and its set goes on untouched."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.rig import Daemon, Pair, wait_for


@pytest.fixture(scope="module")
def abandoned(daemon: Daemon, folder: Path) -> Iterator[Pair]:
    """Another room of the same daemon, in which a tablet starts an open set and goes."""
    with Pair(daemon, folder / "two", "two") as two:
        daemon.until_ready(two.room)
        with daemon.watch(two.room) as tablet:
            assert tablet.command(1, "start", pacing={"rate_hz": 1, "ramp_ms": 0})["ok"]
        yield two


@pytest.fixture(autouse=True)
def calm(pair: Pair, abandoned: Pair) -> None:
    pair.calm()


REFUSED = [
    ("rate_hz", 4.01, "0.1..4"),
    ("rate_hz", 0.09, "0.1..4"),
    ("rate_hz", -1, "0.1..4"),
    ("rate_hz", 1e300, "0.1..4"),
    ("rate_hz", 10**400, "0.1..4"),
    ("pulse_ms", 19, "20.."),
    ("pulse_ms", 251, "half a pass"),
    ("level_pct", 100.5, "0..100"),
    ("left_pct", -0.5, "0..100"),
    ("right_pct", 101, "0..100"),
    ("ramp_ms", 10_001, "0..10000"),
    ("ramp_ms", -1, "0..10000"),
    ("passes", 1_001, "1000"),
    ("passes", 0, "1..1000"),
    ("passes", -1, "1..1000"),
]


def test_what_lies_outside_its_range_is_refused_and_the_running_set_goes_on_untouched(
    pair: Pair, daemon: Daemon
) -> None:
    since_us = pair.begin(rate_hz=2, pulse_ms=80, ramp_ms=0, passes=10)
    revision = daemon.room(pair.room)["revision"]
    for field, value, said in REFUSED:
        for do in ("change", "start"):
            refused = daemon.ask("POST", f"/rooms/{pair.room}/set/{do}", {field: value})
            if do == "start" and refused.error["code"] == "running":
                continue
            assert refused.status in (409, 422), (field, value, refused.body)
            assert refused.error.get("field") == field, (field, value, refused.body)
            assert field in refused.error["message"]
            assert said in refused.error["message"], refused.error
            # A number of three hundred digits is told in words.
            assert (f"{value:g}" if abs(value) < 1e9 else field) in refused.error["message"], refused.error
    assert daemon.room(pair.room)["revision"] == revision
    assert daemon.until_ended(pair.room)["ended_reason"] == "finished"
    pair.assert_exact(since_us, 10)


def test_a_start_out_of_range_starts_nothing(pair: Pair, daemon: Daemon) -> None:
    rows = [len(board.rows()) for board in pair.boards.values()]
    daemon.until_ready(pair.room)
    for field, value, _ in REFUSED:
        refused = daemon.ask("POST", f"/rooms/{pair.room}/set/start", {"rate_hz": 2, field: value})
        assert refused.status in (409, 422), (field, value, refused.body)
        assert refused.error.get("field") == field, (field, value, refused.body)
    time.sleep(0.5)
    assert rows == [len(board.rows()) for board in pair.boards.values()]


def test_the_edges_of_every_range_are_taken(pair: Pair, daemon: Daemon) -> None:
    for pacing in (
        {"rate_hz": 4, "pulse_ms": 125, "level_pct": 100, "ramp_ms": 10_000, "passes": 1000},
        {"rate_hz": 0.1, "pulse_ms": 5_000, "left_pct": 0, "right_pct": 0, "ramp_ms": 0, "passes": 1},
        {"rate_hz": 4, "pulse_ms": 20, "level_pct": 0.01, "passes": "open"},
    ):
        daemon.begin(pair.room, **pacing)
        shown = pair.set()["pacing"]
        for field, value in pacing.items():
            if field != "level_pct" and value != "open":
                assert shown[field] == value
        pair.halt()


def test_every_controller_sees_each_change_in_the_same_order(pair: Pair, daemon: Daemon) -> None:
    with daemon.watch(pair.room) as one, daemon.watch() as two:
        for watcher in (one, two):
            assert watcher.message()["type"] == "room.snapshot"
        daemon.done("set", "start", pair.room, "--rate-hz", "2", "--ramp-ms", "0")
        assert one.command(1, "change", room=pair.room, pacing={"level_pct": 20})["ok"]
        daemon.done("set", "stop", pair.room)
        for watcher in (one, two):
            watcher.until("set.stilled", room=pair.room)
    told = [
        [
            (event["type"], event["data"], event["state"]["revision"])
            for event in watcher.events
            if event["room"] == pair.room
        ]
        for watcher in (one, two)
    ]
    assert told[0] == told[1]
    kinds = [kind for kind, _, _ in told[0] if kind != "set.progress"]
    for kind in ("set.asked", "set.started", "set.ended", "set.stilled"):
        assert kinds.count(kind) == 1, kinds
    # Each carries the state after it: nobody has to put deltas together.
    stopped = one.events[-1]["state"]["set"]
    assert (stopped["state"], stopped["ended_reason"]) == ("ended", "stop")


def test_a_command_against_a_state_that_has_changed_is_refused_with_the_reason(
    pair: Pair, daemon: Daemon
) -> None:
    pair.begin(rate_hz=2, pulse_ms=60, ramp_ms=0)
    seen = daemon.room(pair.room)["revision"]
    with daemon.watch(pair.room) as one, daemon.watch(pair.room) as two:
        first = one.command(1, "change", pacing={"level_pct": 30}, revision=seen)
        assert first["ok"], first
        late = two.command(1, "change", pacing={"level_pct": 50}, revision=seen)
        assert not late["ok"]
        assert late["error"]["code"] == "stale"
        assert "changed" in late["error"]["message"]
        assert pair.set()["pacing"]["left_pct"] == 30
        # A stop is never too late, whatever it was made against.
        assert two.command(2, "stop", revision=0)["ok"]
    assert (pair.left.level_pct(), pair.right.level_pct()) == (0, 0)
    # Nor is one without a set to stop.
    daemon.done("set", "stop", pair.room)


def test_a_stop_from_any_of_them_wins_over_what_the_others_want(pair: Pair, daemon: Daemon) -> None:
    pair.begin(rate_hz=4, pulse_ms=60, ramp_ms=0)
    with daemon.watch(pair.room) as one, daemon.watch(pair.room) as two:
        for number in range(6):
            one.send(number, "change", pacing={"rate_hz": 2 + number / 4})
        assert two.command(99, "stop")["ok"]
        for number in range(6, 9):
            one.send(number, "change", pacing={"rate_hz": 2})
            one.send(number + 10, "start")
        refused = [one.answer(number + 10) for number in range(6, 9)]
    # A finger on its way to stop must not start.
    assert [answer["error"]["code"] for answer in refused] == ["cooldown"] * 3
    rows = [len(board.rows()) for board in pair.boards.values()]
    time.sleep(1.0)
    assert rows == [len(board.rows()) for board in pair.boards.values()]


def test_a_token_does_what_its_role_may_and_all_but_a_logger_may_stop(pair: Pair, daemon: Daemon) -> None:
    pair.begin(rate_hz=2, pulse_ms=60, ramp_ms=0)

    def token(role: str, *more: str) -> str:
        return daemon.done("token", "give", f"a {role}", "--role", role, *more).strip()

    for role in ("observer", "logger", "display"):
        refused = daemon.cli("set", "change", pair.room, "--rate-hz", "3", TWINTAP_TOKEN=token(role))
        assert refused.returncode == 1, role
        assert role in refused.stderr
    assert daemon.cli("set", "stop", pair.room, TWINTAP_TOKEN=token("logger")).returncode == 1
    elsewhere = token("therapist", "--room", "another room")
    assert daemon.cli("set", "stop", pair.room, TWINTAP_TOKEN=elsewhere).returncode == 1
    assert pair.set()["state"] == "running"
    ran = daemon.cli("set", "stop", pair.room, TWINTAP_TOKEN=token("observer"))
    assert (ran.returncode, ran.stderr) == (0, "")
    wait_for("off", lambda: pair.left.level_pct() == pair.right.level_pct() == 0, 1.0)


def test_an_open_set_whose_only_controller_has_gone_ends_by_itself(abandoned: Pair, daemon: Daemon) -> None:
    """In the room beside, through all the tests above: 15 s after its tablet fell asleep."""
    assert daemon.until_ended(abandoned.room)["ended_reason"] == "controller"
    assert (abandoned.left.level_pct(), abandoned.right.level_pct()) == (0, 0)
    tapped_us = abandoned.left.pulses()[-1].on_us - abandoned.left.pulses()[0].on_us
    assert 13_500_000 < tapped_us < 17_000_000
