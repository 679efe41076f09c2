"""A pulser that mends itself: what is lost or breaks on a board leaves it neither deaf nor vibrating."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from twintap_protocol import frames
from twintap_protocol.pacer import Pacer

from .board import Board
from .fake_daemon import FakeDaemon
from .pulser_parts import button, clock, motor, seek, uplink

WEEK_MS = 7 * 86_400_000
RING = 1 << 30
START = "from twintap_pulser.life import live\nlive()\n"

# In its first life on this flash one task dies, as of a full heap, once the pulser is linked.
DIES_ONCE = """
import os
from twintap_pulser.uplink import Uplink
pump = Uplink.pump
def broken(self):
    if self.is_linked and 'died' not in os.listdir():
        open('died', 'w').close()
        raise MemoryError('as if the heap were full')
    return pump(self)
Uplink.pump = broken
"""

# The third callback that finds the motor on is lost, and every interrupt of the button.
LOSES = """
from twintap_pulser.port_virtual import VirtualPort
begin = VirtualPort.begin
lost = []
def lossy(self, on_edge, on_button):
    level = [0]
    seen = []
    set_level = self.set_level
    def watched(level_bp):
        level[0] = level_bp
        set_level(level_bp)
    def sometimes():
        if level[0]:
            seen.append(1)
            if len(seen) == 3:
                open('lost', 'w').close()
                return
        on_edge()
    self.set_level = watched
    begin(self, sometimes, on_button)
VirtualPort.begin = lossy
VirtualPort._button_moved = lambda self: None
"""

SHORT_SETS = """
from twintap_protocol import pacer
pacer.MAX_SET_MS = 2_000
"""


@pytest.fixture
def make_odd_board(
    make_board: Callable[..., Board], daemon: FakeDaemon, tmp_path: Path
) -> Callable[[str], Board]:
    def make(oddity: str) -> Board:
        app = tmp_path / "odd.py"
        app.write_text(oddity + START)
        return make_board("--app", str(app))

    return make


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_pulser_one_of_whose_tasks_dies_starts_anew_and_links_again(
    make_odd_board: Callable[[str], Board], daemon: FakeDaemon
) -> None:
    async with make_odd_board(DIES_ONCE) as board:
        await board.pair(daemon.port)
        await daemon.until(lambda: len({hello.boot_id for hello in daemon.hellos}) >= 2, within_s=15)
        await daemon.linked()
        await daemon.clock_known()
        assert list(board.state.rglob("died"))
        assert (await board.info())["linked"]


async def test_a_lost_callback_neither_leaves_the_motor_on_nor_the_pulser_deaf(
    make_odd_board: Callable[[str], Board], daemon: FakeDaemon
) -> None:
    async with make_odd_board(LOSES) as board:
        await board.pair(daemon.port)
        await daemon.linked()
        await daemon.clock_known()
        with await board.host_waits() as waits:
            renew = await daemon.run_set(1, passes=4, width_us=60_000)
            await daemon.until(lambda: daemon.last.ended_set == 1)
            await cancelled(renew)
        assert list(board.state.rglob("lost"))
        assert daemon.last.ended_reason == frames.ENDED_FINISHED
        for began, ended, _ in board.pulses():
            assert ended - began < 90_000 + waits.between_us(began - 10_000, ended + 10_000)


async def test_a_press_whose_interrupt_is_lost_ends_the_set_nevertheless(
    make_odd_board: Callable[[str], Board], daemon: FakeDaemon
) -> None:
    async with make_odd_board(LOSES) as board:
        await board.pair(daemon.port)
        await daemon.linked()
        await daemon.clock_known()
        renew = await daemon.run_set(1, width_us=60_000)
        await daemon.until(lambda: daemon.last.delivered >= 1)
        await board.hands(do="press_down")
        await daemon.until(lambda: daemon.last.ended_set == 1)
        await cancelled(renew)
        assert daemon.last.ended_reason == frames.ENDED_BUTTON
        assert daemon.last.presses == 1
        assert board.rows()[-1][2] == 0


async def test_the_longest_set_ends_on_the_board_whatever_the_daemon_says(
    make_odd_board: Callable[[str], Board], daemon: FakeDaemon
) -> None:
    async with make_odd_board(SHORT_SETS) as board:
        await board.pair(daemon.port)
        await daemon.linked()
        await daemon.clock_known()
        renew = await daemon.run_set(1, width_us=60_000)
        await daemon.until(lambda: daemon.last.ended_set == 1)
        await asyncio.sleep(0.6)  # leases go on, and move nothing
        await cancelled(renew)
        assert daemon.last.ended_reason == frames.ENDED_LONGEST
        pulses = board.pulses()
        assert len(pulses) >= 2
        assert pulses[-1][1] - pulses[0][0] < 2_100_000
        assert time.monotonic_ns() // 1000 - board.rows()[-1][0] > 500_000


# --- stamps of a week ago -----------------------------------------------------------------------------------


class StillPort:
    def __init__(self) -> None:
        self.now_ms = RING - 5

    def ticks_ms(self) -> int:
        return self.now_ms

    def random(self, count: int) -> bytes:
        return bytes(count)

    def send(self, *_: object) -> None:
        return

    def lead(self, *_: object) -> None:
        return

    def later(self, ms: int) -> None:
        self.now_ms = (self.now_ms + ms) % RING


@pytest.mark.parametrize("quiet_ms", [25, WEEK_MS, RING // 2, RING - 1])
def test_a_press_counts_however_long_the_button_was_left_alone(quiet_ms: int) -> None:
    port = StillPort()
    contacts: Any = button.Button(port)
    presses: list[bool] = []
    contacts.on_button = presses.append
    port.later(quiet_ms)
    contacts.moved(True)
    contacts.moved(False)
    contacts.moved(True)  # a bounce
    assert presses.count(True) == 1


@pytest.mark.parametrize("quiet_ms", [1_000, WEEK_MS, RING // 2])
def test_a_rhythm_that_nobody_asked_for_a_week_is_due(quiet_ms: int) -> None:
    port = StillPort()
    rhythm: Any = clock.Every(port, 1_000)
    assert not rhythm.is_due()
    port.later(quiet_ms)
    assert rhythm.is_due()
    assert not rhythm.is_due()


def test_a_daemon_is_sought_again_after_a_week_of_a_link() -> None:
    port = StillPort()
    settings = SimpleNamespace(addresses=[bytes(6)], daemon_id=bytes(8))
    seeking: Any = seek.Seek(port, settings)
    seeking.restart()
    assert seeking.next_round()
    assert not seeking.next_round()
    port.later(WEEK_MS)
    assert seeking.next_round()


# --- the watchdog -------------------------------------------------------------------------------------------


def test_a_buzz_that_is_refused_arms_no_watchdog() -> None:
    class Port:
        spin_us = 0
        deeds: list[str] = []  # noqa: RUF012 - one port

        def ticks_us(self) -> int:
            return 0

        def wdt_arm(self, timeout_ms: int) -> None:
            self.deeds.append("armed")

        def set_level(self, level_bp: int) -> None:
            self.deeds.append("on" if level_bp else "off")

        def arm_edge(self, *_: object) -> None:
            return

        disarm_edge = arm_edge

    port = Port()
    pacer = Pacer()
    driver: Any = motor.Motor(port, pacer)
    link: Any = SimpleNamespace(_port=port, _pacer=pacer, _motor=driver)
    pacer.set_charging(True)
    assert not uplink.Uplink.identify(link, 100, 5_000)
    assert port.deeds == []
    pacer.set_charging(False)
    assert uplink.Uplink.identify(link, 100, 5_000)
    assert port.deeds[:2] == ["armed", "on"]  # a motor that is on is watched already
