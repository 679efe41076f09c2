"""Virtual pairs: boards that run the pulsers' firmware on this computer, paired and in rooms, ready to tap.

They are paired as real ones are, over their console, and found as real ones are; the daemon has no other road
to them. A board that was paired in an earlier run keeps its key.
"""

import asyncio
import contextlib
import logging
import os
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .console import open_console
from .errors import ConsoleError, StartupError
from .pairing import Wanted, pair, pulser_id_in
from .pairing.here import HubRegistrar
from .store import Store
from .views import SIDES, Side

if TYPE_CHECKING:
    from .rooms.hub import Hub

_log = logging.getLogger(__name__)

PAIRS_MAX = 50  # each pair is eight processes
AIRS = ("none", "quiet", "busy", "bad")

_CONSOLE_WITHIN_S = 20.0
_CONSOLE_POLL_S = 0.05
_END_WITHIN_S = 5.0
_BOOTING_MAX = 4  # boards that boot at once: more only make each other slower

# As far apart as two cheap crystals are, and as two pulsers that were switched on hours apart.
_PPM = 20.0
_OFFSET_MAX_US = 20 * 3_600 * 1_000_000


def room_name(number: int) -> str:
    """Give the room of the `number`-th virtual pair, from 1."""
    return f"room-{number}"


@dataclass(frozen=True, slots=True)
class _Place:
    room: str
    side: Side
    folder: Path

    @property
    def console(self) -> Path:
        return self.folder / "console"


class VirtualPairs:
    """The boards of this daemon, from `start` to `close`."""

    def __init__(self, hub: "Hub", store: Store, *, host: str, pairs: int, air: str) -> None:
        """`pairs`: 1..50. `air`: the model for every board, each way."""
        self._registrar = HubRegistrar(hub, store, host)
        self._hub = hub
        self._store = store
        self._air = air
        folder = store.path / "virtual"
        self._places = [
            _Place(room_name(number), side, folder / f"pair-{number}" / side)
            for number in range(1, pairs + 1)
            for side in SIDES
        ]
        self._boards: list[asyncio.subprocess.Process] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._closing = False
        self.pulser_ids: set[bytes] = set()

    @property
    def rooms(self) -> list[str]:
        """The rooms of the pairs, in their order."""
        return list(dict.fromkeys(place.room for place in self._places))

    async def start(self) -> None:
        """Start the boards and pair those that are not; StartupError if one does not come up."""
        if sys.platform == "win32":
            raise StartupError(
                "Windows has no pseudo-terminals, so --virtual does not work there; use real pulsers"
            )
        booting = asyncio.Semaphore(_BOOTING_MAX)

        async def bring_up(place: _Place) -> None:
            async with booting:
                await self._start_board(place)
                await self._pair(place)

        async with asyncio.TaskGroup() as group:
            for place in self._places:
                group.create_task(bring_up(place), name=f"virtual {place.room} {place.side}")

    async def close(self) -> None:
        """End every board."""
        self._closing = True
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        for board in self._boards:
            with contextlib.suppress(ProcessLookupError):
                board.terminate()
        await asyncio.gather(*(_ended(board) for board in self._boards))

    async def _start_board(self, place: _Place) -> None:
        await asyncio.to_thread(place.folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        chance = random.Random(f"{place.room} {place.side}")  # noqa: S311 - a crystal, not a secret
        board = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "twintap.guard",
            str(os.getpid()),
            sys.executable,
            "-m",
            "twintap_board",
            "--state",
            str(place.folder),
            "--console",
            str(place.console),
            "--trace",
            str(place.folder / "trace.csv"),
            "--clock-ppm",
            f"{chance.uniform(-_PPM, _PPM):.3f}",
            "--clock-offset-us",
            str(chance.randrange(_OFFSET_MAX_US)),
            "--air",
            self._air,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            # Ctrl-C is for the daemon, which stops the sets before it ends the boards.
            start_new_session=True,
        )
        self._boards.append(board)
        self._watchers.append(
            asyncio.create_task(self._watch(board, place), name=f"virtual {place.room} {place.side}: watch")
        )

    async def _watch(self, board: asyncio.subprocess.Process, place: _Place) -> None:
        code = await board.wait()
        if not self._closing:
            _log.error("the virtual board of %s, %s, has ended (exit %s)", place.room, place.side, code)

    async def _pair(self, place: _Place) -> None:
        try:
            await _until_there(place.console)
            async with open_console(str(place.console)) as console:
                info = await console.ready(_CONSOLE_WITHIN_S)
                pulser_id = pulser_id_in(info, console.port)
                if not self._is_paired(pulser_id, info, place):
                    self._check_free(place, pulser_id)
                    await pair(console, self._registrar, Wanted(place.room, place.side))
                self.pulser_ids.add(pulser_id)
        except ConsoleError as error:
            raise StartupError(
                f"the virtual board of {place.room}, {place.side}, did not come up: {error}; see "
                f"{place.folder / 'board.log'}"
            ) from error

    def _is_paired(self, pulser_id: bytes, info: Mapping[str, Any], place: _Place) -> bool:
        # Its side may have been swapped since; that is kept.
        return info.get("daemon_id") == self._store.daemon_id.hex() and any(
            pairing.pulser_id == pulser_id and pairing.room == place.room
            for pairing in self._store.pairings()
        )

    def _check_free(self, place: _Place, pulser_id: bytes) -> None:
        """Refuse to take a side from another pulser, a real one perhaps; StartupError says how to free it."""
        for pairing in self._store.pairings():
            if (pairing.room, pairing.side) == (place.room, place.side) and pairing.pulser_id != pulser_id:
                raise StartupError(
                    f"{place.room} has another {place.side} pulser ({pairing.name}); "
                    f"serve without --virtual once, and run: twintap unpair {pairing.pulser_id.hex()}"
                )


async def _until_there(console: Path) -> None:
    try:
        async with asyncio.timeout(_CONSOLE_WITHIN_S):
            # Another process makes it: there is no event here to wait for.
            while not await asyncio.to_thread(console.exists):  # noqa: ASYNC110
                await asyncio.sleep(_CONSOLE_POLL_S)
    except TimeoutError:
        raise ConsoleError(f"its console {console} did not appear") from None


async def _ended(board: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(_END_WITHIN_S):
            await board.wait()
    except TimeoutError:
        board.kill()
        await board.wait()
