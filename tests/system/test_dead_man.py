"""Whatever dies, hangs or goes silent: both motors are off within a second, and nothing starts by itself.

Times are read off the motor lines. A second is the lease; what is allowed beyond it is a loaded kernel's
turn.
"""

import os
import signal
import time

import pytest

from tests.support.rig import LEASE_US, SIDES, SLACK_US, Daemon, Pair, alive, now_us, wait_for

LIMIT_US = LEASE_US + SLACK_US
OTHER = {"left": "right", "right": "left"}


@pytest.fixture(autouse=True)
def running(pair: Pair, daemon: Daemon) -> int:
    """An open set that both lines are seen to perform, and an instant before it."""
    pair.calm()
    return pair.begin(rate_hz=4, pulse_ms=100, ramp_ms=0)


def assert_nothing_starts_by_itself(pair: Pair, daemon: Daemon) -> None:
    """The pair comes back by itself, ready, and stays still: the next test is who starts it."""
    rows = [len(board.rows()) for board in pair.boards.values()]
    daemon.until_ready(pair.room)
    time.sleep(0.5)
    assert rows == [len(board.rows()) for board in pair.boards.values()]


def assert_taps_again(pair: Pair, daemon: Daemon) -> None:
    """When somebody starts it, it taps as ever."""
    since_us = pair.begin(rate_hz=4, pulse_ms=60, ramp_ms=0, passes=3)
    assert daemon.until_ended(pair.room)["ended_reason"] == "finished"
    pair.assert_exact(since_us, 3)


def test_a_killed_daemon_ends_both_and_its_successor_starts_nothing(pair: Pair, daemon: Daemon) -> None:
    assert pair.off_after_us(daemon.kill()) <= LIMIT_US
    daemon.restart()
    # Found again without anyone's help.
    wait_for("both linked again", lambda: all(daemon.pulser("one", s)["link"] == "linked" for s in SIDES))
    assert_nothing_starts_by_itself(pair, daemon)
    assert_taps_again(pair, daemon)


def test_a_daemon_restarted_in_mid_set_resumes_nothing(pair: Pair, daemon: Daemon) -> None:
    at_us = daemon.kill()
    daemon.restart()
    assert pair.off_after_us(at_us, watched_s=2.0) <= LIMIT_US
    assert_nothing_starts_by_itself(pair, daemon)


def test_a_daemon_that_is_ended_politely_turns_both_off_first(pair: Pair, daemon: Daemon) -> None:
    assert daemon.stop() == 0
    # It does not leave them to their leases.
    ended_us = now_us()
    assert (pair.left.level_pct(), pair.right.level_pct()) == (0, 0)
    assert pair.off_after_us(ended_us) == 0
    daemon.restart()
    assert_nothing_starts_by_itself(pair, daemon)


def test_a_hung_event_loop_ends_both_and_resumes_nothing_when_it_wakes(pair: Pair, daemon: Daemon) -> None:
    at_us = now_us()
    os.kill(daemon.process.pid, signal.SIGSTOP)
    try:
        assert pair.off_after_us(at_us) <= LIMIT_US
    finally:
        os.kill(daemon.process.pid, signal.SIGCONT)
    assert daemon.until_ended(pair.room)["ended_reason"] != "finished"
    assert_nothing_starts_by_itself(pair, daemon)
    assert_taps_again(pair, daemon)


@pytest.mark.parametrize(
    ("victim", "side"), [("launcher", "left"), ("keeper", "right"), ("radio", "left"), ("launcher", "right")]
)
def test_a_board_that_dies_goes_dark_at_once_and_its_twin_within_a_second(
    pair: Pair, daemon: Daemon, victim: str, side: str
) -> None:
    board, twin = pair.boards[side], pair.boards[OTHER[side]]
    pids = board.pids()
    wait_for("a pulse to be cut short", lambda: board.level_pct() > 0)
    at_us = now_us()
    os.kill(pids[victim], signal.SIGKILL)
    assert pair.off_after_us(at_us) <= LIMIT_US
    # Nothing of a board outlives any part of it, and its line falls with it: nothing has to run out first.
    wait_for("the whole board is gone", lambda: not any(alive(pid) for pid in pids.values()), 5.0)
    assert board.process is not None
    board.process.wait(5)
    assert board.level_pct() == 0
    assert board.rows()[-1].at_us <= at_us + 5 * SLACK_US
    assert (daemon.until_ended(pair.room)["ended_side"], twin.level_pct()) == (side, 0)


def test_a_reboot_in_mid_set_does_not_resume(pair: Pair, daemon: Daemon) -> None:
    at_us = now_us()
    pair.left.hands("reset")
    assert pair.off_after_us(at_us) <= LIMIT_US
    assert daemon.until_ended(pair.room)["ended_side"] == "left"
    assert_nothing_starts_by_itself(pair, daemon)


@pytest.mark.parametrize("side", ["right"])
def test_a_hung_pulser_is_reset_by_its_watchdog_and_its_twin_stops(
    pair: Pair, daemon: Daemon, side: str
) -> None:
    board = pair.boards[side]
    boots = board.hands("info")["boots"]
    wait_for("it vibrates as it hangs", lambda: board.level_pct() > 0)
    at_us = now_us()
    board.hands("hang")
    # The watchdog's time-out is a second as well.
    assert pair.off_after_us(at_us) <= LIMIT_US
    info = board.hands("info")
    assert (info["boots"], info["reset_cause"]) == (boots + 1, "watchdog")
    assert daemon.until_ended(pair.room)["ended_side"] == side
    assert_nothing_starts_by_itself(pair, daemon)
    assert_taps_again(pair, daemon)


def test_a_network_cut_for_both_ends_both(pair: Pair, daemon: Daemon) -> None:
    at_us = now_us()
    for board in pair.boards.values():
        board.hands("cut", on=True)
    assert pair.off_after_us(at_us) <= LIMIT_US
    for board in pair.boards.values():
        board.hands("cut", on=False)
    assert daemon.until_ended(pair.room)["ended_reason"] == "lost"
    assert_nothing_starts_by_itself(pair, daemon)


@pytest.mark.parametrize("side", SIDES)
def test_a_network_cut_for_one_ends_both(pair: Pair, daemon: Daemon, side: str) -> None:
    at_us = now_us()
    pair.boards[side].hands("cut", on=True)
    assert pair.off_after_us(at_us) <= LIMIT_US
    pair.boards[side].hands("cut", on=False)
    ended = daemon.until_ended(pair.room)
    assert (ended["ended_reason"], ended["ended_side"]) == ("lost", side)


def test_a_stop_with_the_network_cut_names_the_side_that_was_silent(pair: Pair, daemon: Daemon) -> None:
    pair.left.hands("cut", on=True)
    at_us = now_us()
    stopped = daemon.cli("set", "stop", pair.room)
    assert stopped.returncode == 1
    assert "left" in stopped.stderr
    assert pair.off_after_us(at_us) <= LIMIT_US
    pair.left.hands("cut", on=False)


@pytest.mark.parametrize("side", SIDES)
def test_the_clients_button_stops_its_own_motor_at_once_and_the_twin_by_the_daemon(
    pair: Pair, daemon: Daemon, side: str
) -> None:
    board = pair.boards[side]
    with daemon.cli_running("watch", pair.room, "--json") as watching:
        assert watching.stdout is not None
        assert '"room.snapshot"' in watching.stdout.readline()
        wait_for("a pulse to be cut short", lambda: board.level_pct() > 0)
        at_us = now_us()
        board.hands("press_down")
        assert pair.off_after_us(at_us) <= LIMIT_US
        # There and then: no daemon was asked. (A pulse is 100 ms; it was cut, not waited for.)
        assert board.rows()[-1].at_us <= at_us + SLACK_US
        lines = iter(watching.stdout.readline, "")
        told = next(line for line in lines if '"set.ended"' in line)
    assert '"button"' in told
    assert f'"side": "{side}"' in told
    board.hands("press_up")
    ended = daemon.until_ended(pair.room)
    assert (ended["ended_by"], ended["ended_reason"], ended["ended_side"]) == ("button", "button", side)
    assert daemon.pulser(pair.room, side)["presses"] >= 1
    # A press between sets starts nothing.
    rows = [len(each.rows()) for each in pair.boards.values()]
    board.hands("press", ms=50)
    time.sleep(0.5)
    assert rows == [len(each.rows()) for each in pair.boards.values()]


def test_plugging_a_charger_in_ends_the_set_and_keeps_the_next_from_starting(
    pair: Pair, daemon: Daemon
) -> None:
    at_us = now_us()
    pair.right.hands("charge", on=True)
    assert pair.off_after_us(at_us) <= LIMIT_US
    assert daemon.until_ended(pair.room)["ended_reason"] == "charging"
    refused = daemon.cli("set", "start", pair.room)
    assert refused.returncode == 1
    assert "charger" in refused.stderr
    assert "right" in refused.stderr
    pair.right.hands("charge", on=False)
    daemon.until_ready(pair.room)


def test_a_stop_does_not_wait_behind_another_command(pair: Pair, daemon: Daemon) -> None:
    """A start that waits for a pulser which does not answer, and a stop in the middle of it."""
    pair.halt()
    daemon.until_ready(pair.room)
    time.sleep(1.1)
    pair.left.hands("cut", on=True)
    with daemon.watch(pair.room) as one, daemon.watch(pair.room) as two:
        asked_us = now_us()
        one.send(1, "start", pacing={"rate_hz": 4})
        two.until("set.asked")
        answer = two.command(2, "stop")
        told_us = now_us()
        refused = one.answer(1)
    # The right one was off at once; the left cannot say so, and the answer says which.
    assert not refused["ok"]
    assert answer["ok"] or answer["error"]["side"] == "left"
    assert told_us - asked_us < 3_000_000
    assert pair.off_after_us(asked_us) == 0
    pair.left.hands("cut", on=False)
    daemon.until_ready(pair.room)
