"""While a set runs the pulser leaves alone what would disturb a beat: flash, names, garbage near an edge."""

import ast
import asyncio
import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from twintap_board.sources import firmware_dir
from twintap_protocol import frames

from .board import Board
from .fake_daemon import FakeDaemon
from .pulser_parts import app

# Notes each flash write and each collection through the layers that do them, and how far the next edge was.
WATCHES = """
import json
from twintap_pulser import app
from twintap_pulser.port_virtual import VirtualPort
notes = []
pacers = []
class Pacer(app.Pacer):
    def __init__(self, *all):
        super().__init__(*all)
        pacers.append((self, None))
def note(what):
    for pacer, _ in pacers:
        ahead_us = pacer.until_sharp_us(ports[0].ticks_us()) if ports else -1
        notes.append([what, pacer.set_id, ahead_us])
ports = []
begin = VirtualPort.begin
def begun(self, *all):
    ports.append(self)
    begin(self, *all)
VirtualPort.begin = begun
store = VirtualPort.store
def stored(self, data):
    note('flash')
    store(self, data)
    with open('notes.json', 'w') as file:
        json.dump(notes, file)
VirtualPort.store = stored
class Gc:
    @staticmethod
    def collect():
        note('garbage')
        gc.collect()
gc = app.gc
app.gc = Gc
app.Pacer = Pacer
from twintap_pulser.life import live
live()
"""


async def test_no_flash_write_and_no_collection_near_an_edge_while_a_set_runs(
    make_board: Callable[..., Board], daemon: FakeDaemon, tmp_path: Path
) -> None:
    odd = tmp_path / "watches.py"
    odd.write_text(WATCHES)
    async with make_board("--app", str(odd)) as board:
        await board.pair(daemon.port)
        await daemon.linked()
        await daemon.clock_known()
        renew = await daemon.run_set(1, width_us=60_000)
        await daemon.until(lambda: daemon.last.delivered >= 1)
        # What the settings keep changes in the set, and is kept after it.
        daemon.frame(frames.ASSIGN, frames.Assign(frames.SIDE_RIGHT, 1, 2, 3))
        await daemon.until(lambda: daemon.last.side == frames.SIDE_RIGHT and daemon.last.delivered >= 4)
        renew.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await renew
        daemon.stop(1)
        await daemon.until(lambda: daemon.last.ended_set == 1)
        path = next(board.state.rglob("notes.json"))
        async with asyncio.timeout(15):
            while not any(note[:2] == ["flash", 0] for note in late(path)):  # noqa: ASYNC110 - a file
                await asyncio.sleep(0.05)
        notes = late(path)
    assert not [note for note in notes if note[0] == "flash" and note[1]]
    collected = [note[2] for note in notes if note[:2] == ["garbage", 1]]
    assert collected, "a set without one proves nothing"
    # A collection takes about 2 ms on a chip.
    assert min(collected) > 2_000, collected


def late(path: Path) -> list[list[Any]]:
    """What was noted since the set began, but for a file that is being written."""
    with contextlib.suppress(ValueError):
        notes: list[list[Any]] = json.loads(path.read_text())
        began = next((at for at, note in enumerate(notes) if note[1]), len(notes))
        return notes[began:]
    return []


def test_nothing_on_a_chip_ever_looks_a_name_up() -> None:
    # getaddrinfo blocks for up to 12 s; addresses are numbers, and names are asked for by our own datagrams.
    asked: list[str] = []
    for path in (firmware_dir() / "twintap_pulser").glob("*.py"):
        if path.name != "port_virtual.py":
            names = {
                node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)
            }
            asked += [path.name for name in names & {"getaddrinfo", "gethostbyname"}]
    assert not asked


# --- the button at the start --------------------------------------------------------------------------------


class HeldButton:
    """A port whose button is held from the start, for ever."""

    def __init__(self, cause: int) -> None:
        self.cause = cause

    def boot_cause(self) -> int:
        return self.cause

    def button_down(self) -> bool:
        return True

    async def sleep_ms(self, ms: int) -> None:
        return


@pytest.mark.parametrize(
    ("cause", "is_forgotten"),
    [
        (frames.BOOT_POWER, True),
        (frames.BOOT_RESET, True),
        (frames.BOOT_UNKNOWN, True),
        (frames.BOOT_WAKE, False),
        (frames.BOOT_WATCHDOG, False),
        (frames.BOOT_CRASH, False),
    ],
)
async def test_a_button_that_wakes_or_is_held_through_a_crash_forgets_no_daemon(
    cause: int, is_forgotten: bool
) -> None:
    done: list[str] = []
    settings = SimpleNamespace(
        is_paired=True,
        forget_daemon=lambda: done.append("forgotten"),
        save=lambda: done.append("saved"),
    )
    pulser: Any = SimpleNamespace(port=HeldButton(cause), settings=settings)
    await app.App._look_at_button(pulser)
    assert done == (["forgotten", "saved"] if is_forgotten else [])
