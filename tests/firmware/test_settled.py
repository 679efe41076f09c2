"""What is asked of a pulser over its link, in the real VM: trim, networks and rest."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from twintap_protocol import frames

from .board import Board
from .fake_daemon import FakeDaemon

HEAP = ("--heap", str(224 * 1024))


def board_file(folder: Path, **more: Any) -> Path:
    path = folder / "board.json"
    fields = {
        "name": "short days", "board_id": "virtual", "chip": "virtual", "absolute_cap_pct": 100,
        "motor": {"driver": "virtual"}, "button": None, "battery": None, "charge": None,
        "light": {"kind": "virtual"}, "drowsy_after_s": 600, "sleep_after_s": None,
    }  # fmt: skip
    path.write_text(json.dumps(fields | more))
    return path


async def seen(board: Board, what: str, value: object, within_s: float = 20.0) -> None:
    """Waits until the board's eyes see this."""
    await until_told(lambda: board.hands(do="state"), what, value, within_s)


async def until_told(
    ask: Callable[[], Awaitable[dict[str, Any]]], what: str, value: object, s: float
) -> None:
    async with asyncio.timeout(s):
        while True:
            if (await ask())[what] == value:
                return
            await asyncio.sleep(0.05)


@pytest.fixture
async def quick_to_rest(
    tmp_path: Path, make_board: Callable[..., Board], daemon: FakeDaemon
) -> AsyncIterator[Board]:
    """A board that gets drowsy after a second."""
    path = board_file(tmp_path, drowsy_after_s=1)
    async with make_board("--board", str(path), *HEAP) as board:
        await board.pair(daemon.port)
        await daemon.linked()
        yield board


async def test_a_drowsy_pulser_is_linked_still_and_awake_when_it_is_called(
    quick_to_rest: Board, daemon: FakeDaemon
) -> None:
    await daemon.until(lambda: daemon.last.power == frames.POWER_DROWSY)
    await seen(quick_to_rest, "saving", True)
    daemon.frame(frames.POWER, frames.Power(1, frames.WANT_AWAKE))
    await daemon.until(lambda: daemon.last.power == frames.POWER_AWAKE)
    assert (daemon.last.settled, daemon.last.settled_result) == (1, frames.SETTLED_DONE)
    await seen(quick_to_rest, "saving", False)
    daemon.least_us = None
    await daemon.clock_known()
    renew = await daemon.run_set(1, passes=2)
    await daemon.until(lambda: daemon.last.ended_set == 1)
    renew.cancel()
    assert daemon.last.ended_reason == frames.ENDED_FINISHED
    assert (await quick_to_rest.info())["links"] == 1


async def test_asked_to_it_sleeps_with_its_motor_and_light_off_and_a_press_wakes_it(
    board: Board, daemon: FakeDaemon
) -> None:
    daemon.frame(frames.POWER, frames.Power(1, frames.WANT_SLEEP))
    await daemon.until(lambda: daemon.last.power == frames.POWER_GOING)
    await seen(board, "asleep", True)
    assert (await board.hands(do="state"))["light"] == "#000000"
    await board.hands(do="press")
    count = len(daemon.hellos)
    await daemon.until(lambda: len(daemon.hellos) > count)
    await daemon.until(lambda: daemon.last.boot_cause == frames.BOOT_WAKE)
    assert daemon.last.power == frames.POWER_AWAKE
    assert (await board.info())["boot_cause"] == "wake"


async def test_a_trim_from_the_daemon_lowers_what_the_motor_does(board: Board, daemon: FakeDaemon) -> None:
    daemon.frame(frames.TUNE, frames.Tune(1, 5_000))
    await daemon.until(lambda: daemon.last.settled == 1)
    renew = await daemon.run_set(1, passes=2, level_bp=8_000)
    await daemon.until(lambda: daemon.last.ended_set == 1)
    renew.cancel()
    assert {peak for _, _, peak in board.pulses()} == {40.0}
    await board.ask("reset")
    await daemon.until(lambda: daemon.last.boot_cause == frames.BOOT_RESET)
    assert daemon.last.trim_bp == 5_000


async def test_a_network_that_comes_over_the_link_is_gone_to_when_the_old_one_ends(
    make_board: Callable[..., Board], daemon: FakeDaemon
) -> None:
    async with make_board("--wifi", "old:old word", "--wifi", "new:new word", *HEAP) as board:
        await board.ask("wifi", ssid="old", password="old word")
        await board.pair(daemon.port)
        await daemon.linked()
        daemon.frame(frames.NETWORK, frames.Network(1, frames.NETWORK_KEEP, b"new", b"new word"))
        await daemon.until(lambda: daemon.last.settled == 1)
        assert (daemon.last.settled_result, daemon.last.networks) == (frames.SETTLED_DONE, 2)
        assert -daemon.last.rssi == (await board.info())["rssi_dbm"] < 0
        assert (await board.info())["ssid"] == "old"
        await board.hands(do="network", ssid="old", on=False)
        await seen(board, "network", "new")
        count = len(daemon.reports)
        await daemon.until(lambda: len(daemon.reports) > count, within_s=30)
        flash = json.loads((board.state / "flash" / "settings.json").read_text())
        assert flash["networks"] == [["new", "new word"], ["old", "old word"]]
        told = json.dumps(await board.info())
        assert "word" not in told


@pytest.mark.parametrize(
    ("network", "ssid", "password", "state"),
    [
        ("net:right word", "net", "wrong word", "wrong password"),
        ("net:right word:5ghz", "net", "right word", "not found"),
        ("net:right word:nodhcp", "net", "right word", "no address"),
        ("net:right word:full", "net", "right word", "refused"),
    ],
)
async def test_what_keeps_it_from_its_network_is_told_over_the_cable(
    make_board: Callable[..., Board], network: str, ssid: str, password: str, state: str
) -> None:
    async with make_board("--wifi", network, *HEAP) as board:
        assert (await board.info())["network"] in ("no network set", "connecting")
        await board.ask("wifi", ssid=ssid, password=password)
        await until_told(board.info, "network", state, 20.0)
        scan = (await board.ask("scan"))["result"]["networks"]
        assert [one["ssid"] for one in scan] == ([] if state == "not found" else ["net"])
