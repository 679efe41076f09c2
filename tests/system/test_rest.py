"""Real pulsers that rest: woken by a start within seconds, asleep with a word, and back by their button."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.rig import Daemon, Pair, now_us, wait_for
from twintap_board.sources import firmware_dir

DROWSY_AFTER_S = 3


@pytest.fixture(scope="module")
def pair(daemon: Daemon, folder: Path) -> Iterator[Pair]:
    """A pair that rests after seconds, where others take ten minutes."""
    board = json.loads((firmware_dir() / "boards" / "virtual.json").read_text())
    file = folder / "restless.json"
    file.write_text(json.dumps(board | {"drowsy_after_s": DROWSY_AFTER_S}))
    pair = Pair(daemon, folder)
    for one in pair.boards.values():
        one._arguments += ("--board", str(file))  # pyright: ignore[reportPrivateUsage]
    with pair:
        yield pair


def powers(pair: Pair) -> list[str]:
    room = pair.daemon.room(pair.room)
    return [room[side]["power"] for side in ("left", "right")]


def test_a_start_that_is_typed_wakes_a_pair_that_rests_says_so_and_waits(daemon: Daemon, pair: Pair) -> None:
    wait_for("both are drowsy", lambda: powers(pair) == ["drowsy", "drowsy"])
    assert [problem["code"] for problem in daemon.room(pair.room)["problems"]] == ["waking", "waking"]
    since_us = now_us()
    ran = daemon.cli("set", "start", pair.room, "--passes", "3", "--rate-hz", "2")
    assert ran.returncode == 0, ran
    assert ran.stderr == "twintap: waking: ready within 3 s\n"
    assert daemon.until_ended(pair.room)["ended_reason"] == "finished"
    pair.assert_exact(since_us, 3)


def test_a_pulser_that_was_sent_to_sleep_says_so_and_is_back_by_its_button(
    daemon: Daemon, pair: Pair
) -> None:
    pulser = daemon.pulser(pair.room, "left")["id"]
    with daemon.watch(pair.room) as watcher:
        assert daemon.ask("POST", f"/pulsers/{pulser}/sleep").status == 200
        watcher.until("pulser.asleep")
        assert powers(pair)[0] == "asleep"
        wait_for("its chip sleeps", lambda: pair.left.hands("state").get("asleep"))
        pair.left.hands("press")
        watcher.until("pulser.woke")
        assert "pulser.lost" not in {event["type"] for event in watcher.events}
    daemon.until_ready(pair.room)
    assert daemon.pulser(pair.room, "left")["boot_cause"] == "wake"
