"""The pairings that this daemon carries out itself, at its own computer's ports: few, each can be ended."""

import asyncio
import contextlib
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from .. import addresses
from ..console import ConsoleRefused, open_console
from ..errors import ConsoleError, Fault, Refused
from ..ports import Port, find_ports
from .exchange import pulser_id_in
from .networks import Seen, kept_in, scan
from .steps import Steps
from .walking import Done, PairingFailed, walk
from .wanted import Registrar, Wanted

log = logging.getLogger(__name__)

KEPT_MAX = 4

RunState = Literal["doing", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class AtPort:
    """What answers at a port. `seen` None: it cannot look for networks."""

    pulser_id: bytes
    info: dict[str, Any]
    kept: tuple[str, ...]
    seen: tuple[Seen, ...] | None


@dataclass(slots=True)
class Run:
    """One pairing, under way or over."""

    id: str
    port: str
    wanted: Wanted
    steps: Steps = field(default_factory=Steps)
    state: RunState = "doing"
    done: Done | None = None
    failed: PairingFailed | None = None
    task: "asyncio.Task[None] | None" = None


class Pairings:
    """At most `KEPT_MAX`, the newest, and at most one at a port. Belongs to one event loop."""

    def __init__(self, registrar: Callable[[], Registrar], data: Path) -> None:
        """`registrar()` gives the daemon; `data` is its folder, where virtual boards have their consoles."""
        self._registrar = registrar
        self._data = data
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._busy: set[Path] = set()

    async def ports(self) -> list[Port]:
        """Give this computer's ports."""
        return await asyncio.to_thread(find_ports, self._data)

    async def look(self, port: str) -> AtPort:
        """Ask the pulser at a port who it is and what it sees, which takes some seconds.

        Raises `Refused`: "unknown" for what is no port of `ports()`, "busy", "console" with what to do.
        """
        with self._taken(await self._device(port)):
            try:
                async with open_console(port) as console:
                    info = await console.ready()
                    pulser_id = pulser_id_in(info, port)
                    try:
                        seen = await scan(console)
                    except ConsoleRefused:
                        seen = None
            except ConsoleError as error:
                raise Refused(Fault("console", str(error), field="port")) from error
        return AtPort(pulser_id, info, kept_in(info), seen)

    async def start(self, port: str, wanted: Wanted) -> Run:
        """Begin to pair the pulser at a port. Raises `Refused`: "unknown", "busy", or "full"."""
        device = await self._device(port)
        self._check_free(device)
        while len(self._runs) >= KEPT_MAX:
            over = next((run.id for run in self._runs.values() if run.state != "doing"), None)
            if over is None:
                text = f"{KEPT_MAX} pulsers are being paired; wait for one of them, or cancel it"
                raise Refused(Fault("full", text))
            del self._runs[over]
        run = Run(secrets.token_hex(6), port, wanted)
        self._runs[run.id] = run
        # Taken before the task's first turn, or a second one could begin beside it.
        taken = contextlib.ExitStack()
        taken.enter_context(self._taken(device))
        run.task = asyncio.create_task(self._run(run), name=f"pairing {run.id}")

        def ended(task: "asyncio.Task[None]") -> None:
            taken.close()
            run.wanted = replace(run.wanted, wifi=None)  # a password is kept no longer than it is needed
            if run.state == "doing":
                run.state = "cancelled"
            if not task.cancelled() and (error := task.exception()) is not None:
                log.critical("%s has failed", task.get_name(), exc_info=error)

        run.task.add_done_callback(ended)
        return run

    def find(self, run_id: str) -> Run:
        """Give a pairing; `Refused("unknown")` if it is not kept any longer."""
        run = self._runs.get(run_id)
        if run is None:
            raise Refused(
                Fault("unknown", "there is no such pairing, or newer ones took its place", field="id")
            )
        return run

    def all(self) -> list[Run]:
        """Give those that are kept, the oldest first."""
        return list(self._runs.values())

    async def cancel(self, run_id: str) -> Run:
        """End a pairing that is under way, and wait for it. One that hands over its key does so first."""
        run = self.find(run_id)
        if run.task is not None and not run.task.done():
            run.task.cancel()
            await asyncio.wait([run.task])
        return run

    async def close(self) -> None:
        """End them all."""
        tasks = [run.task for run in self._runs.values() if run.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, run: Run) -> None:
        own = await asyncio.to_thread(addresses.own_interfaces)
        try:
            run.done = await walk(run.port, self._registrar(), run.wanted, run.steps, own=tuple(own))
            run.state = "done"
        except PairingFailed as failed:
            run.failed = failed
            run.state = "failed"

    async def _device(self, port: str) -> Path:
        """Give what a listed port really is: two names of one device are one port."""
        if all(one.port != port for one in await self.ports()):
            text = "this computer has no such port (any more); see the list of its ports"
            raise Refused(Fault("unknown", text, field="port"))
        return await asyncio.to_thread(Path(port).resolve)

    def _check_free(self, device: Path) -> None:
        if device in self._busy:
            text = "this port is being used for a pairing or a look already; wait for it, or cancel it"
            raise Refused(Fault("busy", text, field="port"))

    @contextlib.contextmanager
    def _taken(self, device: Path) -> Generator[None]:
        self._check_free(device)
        self._busy.add(device)
        try:
            yield
        finally:
            self._busy.discard(device)
