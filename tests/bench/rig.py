"""What a benchmark drives: the real daemon, real boards paired with it, kept-alive connections to its API.

Everything started here is ended here: processes die with this one, however it ends. All traffic is loopback.
"""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.support.traces import Row, read_trace
from twintap.client import Client
from twintap.console import open_console
from twintap.pairing import Wanted, linked, pair
from twintap.pairing.there import RemoteRegistrar

ROOT = Path(__file__).parents[2]
PULSER_APP = Path(__file__).with_name("pulser_app.py")
_UP_WITHIN_S = 60.0
_END_WITHIN_S = 10.0
_START_WITHIN_S = 30.0
_ANSWER_WITHIN_S = 30.0  # a soft stop at the slowest rate takes a pass of 10 s
_TICKS_MASK = (1 << 30) - 1

# Two crystals 20 ppm apart, switched on hours apart.
LEFT_CLOCK = (10.0, 3 * 3_600 * 1_000_000)
RIGHT_CLOCK = (-10.0, 27_000_000_000)


class BenchError(Exception):
    """The benchmark cannot go on; says what did not happen."""


def host_us() -> int:
    """CLOCK_MONOTONIC in µs: the clock of the traces."""
    return time.monotonic_ns() // 1_000


def last_words(log: Path) -> str:
    """The last line of a log, or why there is none."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except FileNotFoundError:
        lines = []
    return lines[-1] if lines else f"{log} is empty"


def progress(text: str) -> None:
    """Say on stderr how far it is."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


async def spawn(*command: str, log: Path, stdout: int | None = None) -> asyncio.subprocess.Process:
    """Start a Python program of ours that ends when this one does; what it says goes to `log`."""
    paths = [str(ROOT), *(str(ROOT / name) for name in ("daemon", "protocol", "firmware"))]
    with log.open("ab") as out:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "twintap.guard", str(os.getpid()), sys.executable, *command,
            stdin=asyncio.subprocess.PIPE, stdout=out if stdout is None else stdout, stderr=out,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)}, start_new_session=True, cwd=ROOT,
        )  # fmt: skip


async def end(process: asyncio.subprocess.Process) -> None:
    """End a process as a person would; without mercy if it does not."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_END_WITHIN_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


class Controller:
    """Whoever commands: one kept-alive connection to the daemon's API. Use `async with`.

    It speaks just enough HTTP/1.1 for that, so that what is measured is the daemon and no client library.
    """

    def __init__(self, host: str, port: int, token: str) -> None:
        self._address = (host, port)
        self._head = f"Host: {host}:{port}\r\nAuthorization: Bearer {token}\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._hang_up()

    def _hang_up(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> tuple[int, Any]:
        """One request, when the one before has its answer; gives the status and the JSON.

        Raises `BenchError` when no daemon answers.
        """
        data = b"" if body is None else json.dumps(body).encode()
        kind = "" if body is None else "Content-Type: application/json\r\n"
        length = f"Content-Length: {len(data)}\r\n" if method != "GET" else ""
        request = f"{method} /api/v1{path} HTTP/1.1\r\n{self._head}{kind}{length}\r\n".encode() + data
        async with self._turn:
            # A daemon lets an idle connection go after some seconds: then there is a new one.
            for is_last in (self._streams is None, True):
                try:
                    async with asyncio.timeout(_ANSWER_WITHIN_S):
                        return await self._exchange(request)
                except (OSError, EOFError, TimeoutError) as error:
                    self._hang_up()
                    if is_last or isinstance(error, TimeoutError):
                        raise BenchError(f"no daemon answers {method} {path} ({error!r})") from error
        raise AssertionError

    async def _exchange(self, request: bytes) -> tuple[int, Any]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        status_line, *fields = head.decode("latin-1").lower().split("\r\n")
        length = next((int(one.split(":")[1]) for one in fields if one.startswith("content-length:")), 0)
        content = await reader.readexactly(length)
        return int(status_line.split()[1]), json.loads(content) if content else None

    async def start(self, room: str, **pacing: object) -> dict[str, Any]:
        """Start a set, waiting out what only takes time. Raises `BenchError` when it is refused for good."""
        return (await self.timed_start(room, **pacing))[1]

    async def timed_start(self, room: str, **pacing: object) -> tuple[int, dict[str, Any]]:
        """The same; gives also when the request that was granted was sent, in µs of the host's clock."""
        deadline_s = time.monotonic() + _START_WITHIN_S
        while True:
            sent_us = host_us()
            status, answer = await self.ask("POST", f"/rooms/{room}/set/start", dict(pacing))
            if status == 200:
                return sent_us, answer
            error = answer["error"]
            if error["code"] not in ("cooldown", "unready", "offline", "silent", "running"):
                raise BenchError(f"{room}: {error['message']}")
            if time.monotonic() > deadline_s:
                clocks_now = [(await self.room(room))[side]["clock"] for side in ("left", "right")]
                raise BenchError(
                    f"{room}: no set could be started for {_START_WITHIN_S:.0f} s: {error['message']}"
                    f" {clocks_now}"
                )
            await asyncio.sleep((error.get("retry_after_ms") or 100) / 1_000 + 0.005)

    async def stop(self, room: str) -> int:
        """Stop; gives the status."""
        return (await self.ask("POST", f"/rooms/{room}/set/stop"))[0]

    async def room(self, room: str) -> dict[str, Any]:
        """The room's state."""
        return (await self.ask("GET", f"/rooms/{room}"))[1]

    async def until_ready(self, room: str, within_s: float = 60.0) -> None:
        """Wait until the room may start a set."""
        deadline_s = time.monotonic() + within_s
        while not (state := await self.room(room)).get("ready"):
            if time.monotonic() > deadline_s:
                raise BenchError(f"{room} is not ready after {within_s:.0f} s: {state.get('problems')}")
            await asyncio.sleep(0.1)

    async def until_over(self, room: str, within_s: float) -> dict[str, Any]:
        """Wait until the room's set has ended; gives the set."""
        deadline_s = time.monotonic() + within_s
        while True:
            held = (await self.room(room))["set"]
            if held is not None and held["state"] == "ended":
                return held
            if time.monotonic() > deadline_s:
                raise BenchError(f"{room}'s set has not ended within {within_s:.0f} s")
            await asyncio.sleep(0.5)


class Daemon(Controller):
    """`twintap serve` in a process of its own. Use `async with`; It commands over a
    connection of its own; `controller` gives another."""

    def __init__(self, folder: Path, record: Path | None = None, port: int = 0) -> None:
        """`folder`: for its data and its log. `record`: where to write every burst of probes it takes.

        `port` 0: any that is free.
        """
        self.port = port
        self.data = folder / "data"
        self.log = folder / "daemon.log"
        self._record = record

    async def __aenter__(self) -> Self:
        serve = ["serve", "--data", str(self.data), "--port", str(self.port), "--json"]
        if self._record is None:
            command = ["-m", "twintap", *serve]
        else:
            command = ["-m", "tests.bench.recorder", str(self._record), *serve]
        self.process = await spawn(*command, log=self.log, stdout=asyncio.subprocess.PIPE)
        assert self.process.stdout is not None
        async with asyncio.timeout(_UP_WITHIN_S):
            line = await self.process.stdout.readline()
        if not line:
            raise BenchError(f"the daemon did not come up: {last_words(self.log)}")
        told = json.loads(line)
        self.url: str = told["url"]
        self.port = int(told["port"])
        self.token = (self.data / "token").read_text().strip()
        super().__init__("127.0.0.1", self.port, self.token)
        return self

    async def __aexit__(self, *_: object) -> None:
        await super().__aexit__()
        await end(self.process)

    def controller(self) -> Controller:
        """One more connection, so that one room's command never waits for another's."""
        return Controller("127.0.0.1", self.port, self.token)


@dataclass(frozen=True)
class BoardOptions:
    """How one board is: see `python -m twintap_board --help`."""

    ppm: float = 0.0
    offset_us: int = 0
    air: str = "none"
    heap_bytes: int = 224 * 1024
    socket_tick_ms: int = 10
    seed: str = "1"
    app: Path | None = PULSER_APP


class Board:
    """One virtual board. `folder`: a short path for its state; `trace`: its motor line's file."""

    def __init__(self, folder: Path, trace: Path, options: BoardOptions) -> None:
        self.state = folder / "s"
        self.console = folder / "c"
        self.trace = trace
        self.log = folder / "log"
        self.options = options
        folder.mkdir(parents=True, exist_ok=True)

    async def __aenter__(self) -> "Board":
        told = self.options
        app = [] if told.app is None else ["--app", str(told.app)]
        self.process = await spawn(
            "-m", "twintap_board", "--state", str(self.state), "--console", str(self.console),
            "--trace", str(self.trace),
            "--clock-ppm", str(told.ppm), "--clock-offset-us", str(told.offset_us),
            "--air", told.air, "--heap", str(told.heap_bytes), "--seed", told.seed,
            "--socket-tick-ms", str(told.socket_tick_ms), *app, log=self.log,
        )  # fmt: skip
        deadline_s = time.monotonic() + _UP_WITHIN_S
        while not self.console.is_symlink():
            if self.process.returncode is not None or time.monotonic() > deadline_s:
                raise BenchError(f"a board did not come up: {last_words(self.log)}")
            await asyncio.sleep(0.05)
        return self

    async def __aexit__(self, *_: object) -> None:
        await end(self.process)

    async def hands(self, do: str, **arguments: object) -> dict[str, Any]:
        """One deed of the board's hands. Raises `BenchError` if it is refused."""
        reader, writer = await asyncio.open_unix_connection(str(self.state / "hands.sock"))
        try:
            writer.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
            answer = json.loads(await reader.readline())
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        if not answer["ok"]:
            raise BenchError(f"{do}: {answer['error']}")
        return answer

    def rows(self) -> list[Row]:
        """The trace so far."""
        return read_trace(self.trace)

    def note(self, name: str) -> dict[str, int]:
        """What the app in the VM wrote on its flash under `name`. Raises `BenchError` if it did not."""
        try:
            return json.loads((self.state / "flash" / name).read_bytes())
        except (FileNotFoundError, ValueError):
            raise BenchError(f"the board has written no {name}; see {self.state / 'board.log'}") from None


class TrueClock:
    """The clock that a board simulates, exactly: what its pulser's extended clock reads at an instant."""

    def __init__(self, boot: dict[str, int]) -> None:
        """`boot`: the board's note of its boot."""
        self._boot_us = boot["boot_us"]
        self._zero_us = boot["offset_us"] & _TICKS_MASK
        self._ppm_milli = boot["ppm_milli"]

    def at(self, daemon_us: float) -> float:
        """The reading in µs at `daemon_us` of the host's CLOCK_MONOTONIC."""
        elapsed_us = daemon_us - self._boot_us
        return self._zero_us + elapsed_us + elapsed_us * self._ppm_milli * 1e-9


class Pair:
    """Two boards in one room."""

    def __init__(self, room: str, left: Board, right: Board, ids: dict[str, str]) -> None:
        self.room = room
        self.left = left
        self.right = right
        self.ids = ids

    @property
    def boards(self) -> tuple[Board, Board]:
        return self.left, self.right

    async def hands(self, do: str, **arguments: object) -> None:
        """The same deed on both, at once."""
        await asyncio.gather(*(board.hands(do, **arguments) for board in self.boards))

    def traces(self) -> list[list[Row]]:
        return [board.rows() for board in self.boards]


@contextlib.asynccontextmanager
async def running_pair(
    daemon: Daemon,
    room: str,
    folder: Path,
    traces: Path,
    left: BoardOptions,
    right: BoardOptions,
    ceiling_pct: float = 100.0,
) -> AsyncIterator[Pair]:
    """Two boards, started, paired by their consoles, linked. `folder`: a short path; `traces`: for CSV."""
    async with contextlib.AsyncExitStack() as stack:
        boards: list[Board] = []
        for side, options in (("left", left), ("right", right)):
            board = Board(folder / f"{room}-{side}", traces / f"{room}-{side}.csv", options)
            boards.append(await stack.enter_async_context(board))
        ids: dict[str, str] = {}
        async with Client(daemon.url, daemon.token, daemon.data) as client:
            registrar = RemoteRegistrar(client)

            async def join(side: str, board: Board) -> None:
                async with open_console(str(board.console)) as console:
                    # Its radio says where it is a moment after its console answers.
                    # (It is asked over a cable: there is no event here to wait for.)
                    while (await console.ready(_UP_WITHIN_S)).get("address") is None:  # noqa: ASYNC110
                        await asyncio.sleep(0.1)
                    pulser_id = await pair(console, registrar, Wanted(room, side, ceiling_pct=ceiling_pct))  # pyright: ignore[reportArgumentType]
                ids[side] = pulser_id.hex()
                if not await linked(registrar, pulser_id, 30):
                    raise BenchError(
                        f"{room}: the {side} board does not link; see {board.state / 'board.log'}"
                    )

            await asyncio.gather(
                *(join(side, board) for side, board in zip(("left", "right"), boards, strict=True))
            )
        yield Pair(room, boards[0], boards[1], ids)


def clocks(air: str, seed: str, **more: Any) -> tuple[BoardOptions, BoardOptions]:
    """The two boards of a pair on `air`, with crystals 20 ppm apart; more options for both."""
    left = BoardOptions(LEFT_CLOCK[0], LEFT_CLOCK[1], air, seed=f"{seed}-left", **more)
    right = BoardOptions(RIGHT_CLOCK[0], RIGHT_CLOCK[1], air, seed=f"{seed}-right", **more)
    return left, right


async def gather_rooms(jobs: Sequence[Any]) -> list[Any]:
    """Run one job per room together; the first failure ends all."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in jobs]
    return [task.result() for task in tasks]
