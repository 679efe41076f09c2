"""Frames forged, replayed, truncated, of strangers and of the future, in mid-set and by the thousand.

The attacker sits on the path: it hears every frame, and sends under the daemon's and the board's own
addresses.
"""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import relay as relays
from tests.support import traces
from tests.support.host_waits import HostWaits
from tests.support.relay import Relay
from tests.support.rig import SIDES, Board, Daemon, Pair, wait_for
from twintap_protocol import frames

PERIOD_US = 250_000
# Far below what a hand could tell, far above a quiet machine's; a flood that reached the beat would show.
EDGE_SLACK_US = 15_000


class Overheard(Pair):
    """A pair whose every frame goes through relays."""

    def __init__(self, daemon: Daemon, folder: Path) -> None:
        super().__init__(daemon, folder)
        self.relays = {side: Relay(("127.0.0.1", daemon.port)) for side in SIDES}

    def _pair(self, side: str) -> None:
        board, key = self.boards[side], os.urandom(16).hex()
        pulser_id = board.info()["id"]
        told = {"pulser_id": pulser_id, "key": key, "room": self.room, "side": side, "ceiling_pct": 60}
        assert self.daemon.ask("POST", "/pulsers", told).status == 201
        daemon_id = self.daemon.ask("GET", "/daemon").body["daemon_id"]
        addresses = [["127.0.0.1", self.relays[side].port]]
        answer = board.rpc(
            "pair", key=key, daemon_id=daemon_id, side=side, ceiling_pct=60, addresses=addresses
        )
        assert "result" in answer, answer

    def is_overheard(self) -> bool:
        return all(
            self.daemon.pulser(self.room, side)["address"] == self.relays[side].address for side in SIDES
        )


@pytest.fixture(scope="module")
def pair(daemon: Daemon, folder: Path) -> Iterator[Overheard]:
    pair = Overheard(daemon, folder)
    with pair.relays["left"], pair.relays["right"], pair:
        daemon.until_ready(pair.room)
        wait_for("both on the overheard road", pair.is_overheard)
        yield pair


@pytest.fixture(autouse=True)
def calm(pair: Overheard, daemon: Daemon) -> None:
    daemon.ask("POST", f"/rooms/{pair.room}/set/stop")
    daemon.until_ready(pair.room)


def dropped(board: Board) -> int:
    return sum(board.info()["dropped"].values())


def logs_size(daemon: Daemon, pair: Pair) -> int:
    files = [daemon.stderr, *(board.state / "board.log" for board in pair.boards.values())]
    return sum(file.stat().st_size for file in files if file.exists())


def assert_even(pair: Pair, since_us: int, waits: HostWaits) -> int:
    """Every pulse that there was lies where it has to, on both lines; give how many the left one had.

    What this machine kept the boards from running is no fault of theirs, and is allowed to the microsecond.
    """
    left, right = (board.pulses(since_us) for board in pair.boards.values())
    assert not traces.alternation_faults(left, right)
    for pulses, phase_us in ((left, 0), (right, PERIOD_US / 2)):
        for number, pulse in enumerate(pulses):
            planned_us = left[0].on_us + phase_us + number * PERIOD_US
            waited_us = waits.between_us(int(planned_us) - 10_000, pulse.on_us + 10_000)
            assert abs(pulse.on_us - planned_us) < EDGE_SLACK_US + waited_us, (number, pulse, planned_us)
    return len(left)


@pytest.mark.parametrize("way", ["to the board", "to the daemon"])
def test_lies_of_every_kind_in_mid_set_move_nothing(
    pair: Overheard, daemon: Daemon, waits: HostWaits, way: str
) -> None:
    chance = random.Random(7)
    links = {side: board.info()["links"] for side, board in pair.boards.items()}
    before = {side: (dropped(pair.boards[side]), daemon.pulser(pair.room, side)["dropped"]) for side in SIDES}
    size = logs_size(daemon, pair)
    since_us = pair.begin(rate_hz=4, pulse_ms=60, ramp_ms=0, passes=18)
    for side, other in (("left", "right"), ("right", "left")):
        road, elsewhere = pair.relays[side], pair.relays[other]
        if way == "to the board":
            makers, say = relays.lies(road.from_daemon, elsewhere.from_daemon, chance), road.say_to_board
            # A daemon's frames told to the daemon itself, and the other way about, are lies too.
            mirrored = road.from_board
        else:
            makers, say = relays.lies(road.from_board, elsewhere.from_board, chance), road.say_to_daemon
            mirrored = road.from_daemon
        for make in makers.values():
            for _ in range(8):
                say(make())
                time.sleep(0.002)
        for frame in mirrored[-20:]:
            say(frame)
            time.sleep(0.002)
    ended = daemon.until_ended(pair.room)
    assert ended["ended_reason"] == "finished"
    assert assert_even(pair, since_us, waits) == 18
    pair.assert_exact(since_us, 18)
    for side, board in pair.boards.items():
        # The live link went on through all of it, and somebody counted.
        assert board.info()["links"] == links[side]
        if way == "to the board":
            assert dropped(board) - before[side][0] > 50
        assert daemon.pulser(pair.room, side)["dropped"] > before[side][1]
    assert logs_size(daemon, pair) - size < 2_000


@pytest.mark.parametrize("way", ["to the board", "to the daemon"])
def test_a_flood_of_5000_a_second_disturbs_no_beat(
    pair: Overheard, daemon: Daemon, waits: HostWaits, way: str
) -> None:
    chance = random.Random(11)
    size = logs_size(daemon, pair)
    before = dropped(pair.left)
    road = pair.relays["left"]
    since_us = pair.begin(rate_hz=4, pulse_ms=60, ramp_ms=0, passes=18)
    if way == "to the board":
        makers, say = (
            relays.lies(road.from_daemon, pair.relays["right"].from_daemon, chance),
            road.say_to_board,
        )
    else:
        makers, say = (
            relays.lies(road.from_board, pair.relays["right"].from_board, chance),
            road.say_to_daemon,
        )
    sent = relays.flood(say, list(makers.values()), 5_000, 3.0)
    assert sent > 10_000
    ended = daemon.until_ended(pair.room)
    # It may end a set, by its lease; what was tapped until then was even, and nothing came after.
    assert ended["ended_reason"] in ("finished", "lost", "lease"), ended
    count = assert_even(pair, since_us, waits)
    if ended["ended_reason"] == "finished":
        pair.assert_exact(since_us, 18)
    else:
        assert count <= 18
    if way == "to the board":
        assert dropped(pair.left) - before > 500
    assert logs_size(daemon, pair) - size < 4_000
    # And afterwards all is as before.
    daemon.until_ready(pair.room)
    since_us = pair.begin(rate_hz=4, pulse_ms=60, ramp_ms=0, passes=3)
    assert daemon.until_ended(pair.room)["ended_reason"] == "finished"
    pair.assert_exact(since_us, 3)


def test_schedules_and_leases_that_come_after_the_stop_move_nothing(pair: Overheard, daemon: Daemon) -> None:
    """They are authentic and newer than all that the pulser held: corrections in the air at the stop."""
    pair.begin(rate_hz=2, pulse_ms=60, ramp_ms=0)
    for road in pair.relays.values():
        road.hold_kinds = frozenset((frames.SCHEDULE, frames.LEASE))
    changed = daemon.ask("POST", f"/rooms/{pair.room}/set/change", {"rate_hz": 4})
    assert changed.status == 200, changed.body
    time.sleep(0.3)
    for road in pair.relays.values():
        kinds = {frame[2] for frame in road.held}
        assert kinds == {frames.SCHEDULE, frames.LEASE}
    # Still held back: only the stop itself gets through.
    assert daemon.ask("POST", f"/rooms/{pair.room}/set/stop").status == 200
    rows = [len(board.rows()) for board in pair.boards.values()]
    refused = {side: dict(board.info()["dropped"]) for side, board in pair.boards.items()}
    for road in pair.relays.values():
        assert road.let_go() > 3
    time.sleep(1.2)
    assert rows == [len(board.rows()) for board in pair.boards.values()]
    # They were opened and understood, not lost on the way: no counter of refused frames moved.
    assert refused == {side: dict(board.info()["dropped"]) for side, board in pair.boards.items()}


def test_everything_ever_said_said_again_to_an_idle_pair_starts_nothing(
    pair: Overheard, daemon: Daemon
) -> None:
    """Starts, schedules, leases and identify frames among them: none moves a motor a second time."""
    daemon.ask("POST", f"/pulsers/{pair.left.info()['id']}/identify")
    time.sleep(1.2)
    rows = [len(board.rows()) for board in pair.boards.values()]
    for road in pair.relays.values():
        for frame in list(road.from_daemon):
            road.say_to_board(frame)
            time.sleep(0.0005)
        for frame in list(road.from_board):
            road.say_to_daemon(frame)
            time.sleep(0.0005)
    time.sleep(0.5)
    assert rows == [len(board.rows()) for board in pair.boards.values()]
    assert [board.info()["links"] for board in pair.boards.values()] == [1, 1]
    daemon.until_ready(pair.room)
