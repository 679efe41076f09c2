"""The whole chain for a test: real daemons, real boards and the real command line, in processes of their own.

Everything here speaks to them as anybody would: by commands, by HTTP, by a console, by a button. What they
did is read off the boards' traces, never off what a program believes.
"""

import atexit
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import serial
import websockets.sync.client

from tests.support import traces
from tests.support.host_waits import HostWaits
from twintap_board import flash, hands
from twintap_board.errors import BoardError

SIDES = ("left", "right")
# Bounds a hang, and measures nothing: two loaded cores start eight Pythons slowly.
PATIENCE_S = 30.0
# Nothing of ours vibrates longer than this without a word from the daemon.
LEASE_US = 1_000_000
# The kernel may give a loaded machine's VM or keeper its turn this late; the lease itself is exact.
SLACK_US = 60_000

# What hands do to a board so that it is as it came.
_CALM: dict[str, dict[str, object]] = {
    "hang": {"on": False},
    "air": {"model": "none"},
    "cut": {"on": False},
    "charge": {"on": False},
    "press_up": {},
}

# A pulse is skipped past 20 ms; the firmware and the looks at the host see the same wait a little apart.
_KEPT_FOR_A_SKIP_US = 15_000
T = TypeVar("T")
Json = dict[str, Any]


def now_us() -> int:
    """CLOCK_MONOTONIC, the clock of the traces."""
    return time.monotonic_ns() // 1_000


def wait_for(what: str, look: Callable[[], T], within_s: float = PATIENCE_S) -> T:
    """Look until something true is seen; give it."""
    deadline = time.monotonic() + within_s
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not seen within {within_s:g} s: {what}")
        time.sleep(0.02)
    return seen


def alive(pid: int) -> bool:
    """Whether a process runs: one that has ended and waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def _end(process: subprocess.Popen[Any], number: int = signal.SIGTERM) -> int:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.send_signal(number)
    try:
        return process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"{process.args!r} did not end by signal {number}") from None


class Answer:
    """What the API said: `status`, and the body's JSON."""

    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        self.body = body

    @property
    def error(self) -> Json:
        """The body of a refusal."""
        assert isinstance(self.body, dict), f"no refusal: {self.status} {self.body!r}"
        assert "error" in self.body, f"no refusal: {self.status} {self.body!r}"
        return self.body["error"]


class Daemon:
    """`twintap serve` in a process of its own, its API, and the command line that belongs to it."""

    def __init__(self, folder: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.data = folder / "data"
        self.stderr = folder / "daemon.err"
        self._arguments = arguments
        self._prefix = prefix
        self.port = 0
        self.http = httpx.Client()
        self.http.close()
        self.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        if self.process.poll() is None:
            _end(self.process)

    def start(self) -> None:
        """Start it, on the port that it had before if it had one, and wait until it says that it serves."""
        with self.stderr.open("ab") as stderr:
            self.process = subprocess.Popen(
                [
                    *self._prefix, sys.executable, "-m", "twintap", "serve", "--json",
                    "--data", str(self.data), "--port", str(self.port), *self._arguments,
                ],
                stdout=subprocess.PIPE, stderr=stderr, text=True, start_new_session=True,
            )  # fmt: skip
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            line = stdout.readline()
        if not line:
            code = self.process.wait(PATIENCE_S)
            raise AssertionError(f"serve ended with {code}: {self.stderr.read_text()}")
        self.told: Json = json.loads(line)
        self.url: str = self.told["url"]
        self.port = self.told["port"]
        self.http.close()
        token = (self.data / "token").read_text().strip()
        self.http = httpx.Client(
            base_url=self.url + "/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=PATIENCE_S,
        )

    def stop(self) -> int:
        """End it as Ctrl-C does; give its exit code."""
        return _end(self.process)

    def kill(self) -> int:
        """Kill -9; give the instant in µs."""
        at_us = now_us()
        self.process.kill()
        self.process.wait()
        return at_us

    def restart(self) -> None:
        """Start it again after its end, on its data and port."""
        assert self.process.poll() is not None
        self.start()

    # -- its API -------------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: object = None, **query: str) -> Answer:
        """One request; whatever the answer is."""
        answer = self.http.request(method, path, json=body, params=query or None)
        assert answer.status_code != 500, self.stderr.read_text()
        return Answer(answer.status_code, answer.json() if answer.content else None)

    def room(self, room: str) -> Json:
        """A room's whole state."""
        answer = self.ask("GET", f"/rooms/{room}")
        assert answer.status == 200, answer.body
        return answer.body

    def pulser(self, room: str, side: str) -> Json:
        """A pulser as the room shows it."""
        found = self.room(room)[side]
        assert found is not None
        return found

    def begin(self, room: str, **pacing: float | str) -> Json:
        """Start a set as soon as the room takes one; give the room."""
        self.until_ready(room)
        while True:
            answer = self.ask("POST", f"/rooms/{room}/set/start", pacing)
            if answer.status == 409 and answer.error["code"] == "cooldown":
                time.sleep(answer.error["retry_after_ms"] / 1_000)
                continue
            assert answer.status == 200, answer.body
            return answer.body

    def halt(self, room: str) -> Json:
        """Stop; the answer means that both are off."""
        answer = self.ask("POST", f"/rooms/{room}/set/stop")
        assert answer.status == 200, answer.body
        return answer.body

    def until_ready(self, room: str, within_s: float = PATIENCE_S) -> None:
        """Wait until the room could tap."""
        wait_for(f"{room} ready", lambda: self.room(room)["ready"], within_s)

    def until_ended(self, room: str, within_s: float = PATIENCE_S) -> Json:
        """Wait for the end of the set; give the set."""

        def ended() -> Json | None:
            found = self.room(room)["set"]
            return found if found is not None and found["state"] == "ended" else None

        return wait_for(f"the end of the set in {room}", ended, within_s)

    @contextlib.contextmanager
    def watch(self, room: str | None = None, token: str | None = None) -> "Iterator[Watcher]":
        """An open WebSocket."""
        path = "/watch" if room is None else f"/rooms/{room}/watch"
        headers = {"Authorization": f"Bearer {token}"} if token else dict(self.http.headers)
        with websockets.sync.client.connect(
            self.url.replace("http", "ws", 1) + "/api/v1" + path,
            additional_headers={
                "Authorization": headers.get("authorization", headers.get("Authorization", ""))
            },
            proxy=None,
        ) as socket:
            yield Watcher(socket)

    # -- its command line ----------------------------------------------------------------------------------

    def cli(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `twintap …` against this daemon."""
        with self.cli_running(*arguments, **environment) as process:
            out, err = process.communicate(timeout=PATIENCE_S)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    @contextlib.contextmanager
    def cli_running(self, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """`twintap …` that goes on until it is ended here."""
        process = subprocess.Popen(
            [*self._prefix, sys.executable, "-m", "twintap", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"TWINTAP_URL": self.url, "TWINTAP_DATA": str(self.data)} | environment,
        )  # fmt: skip
        with process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def done(self, *arguments: str) -> str:
        """Run `twintap …`, which must exit 0 and be silent on stderr; give what it printed."""
        ran = self.cli(*arguments)
        assert (ran.returncode, ran.stderr) == (0, ""), ran
        return ran.stdout


class Watcher:
    """One controller's WebSocket: events as they come, and commands on the same line."""

    def __init__(self, socket: websockets.sync.client.ClientConnection) -> None:
        self._socket = socket
        self.events: list[Json] = []

    def message(self, within_s: float = PATIENCE_S) -> Json:
        """The next message."""
        found = json.loads(self._socket.recv(timeout=within_s))
        if "type" in found:
            self.events.append(found)
        return found

    def until(self, kind: str, within_s: float = PATIENCE_S, room: str | None = None) -> Json:
        """Read on to the next event of `kind`, in `room` if one is named."""
        deadline = time.monotonic() + within_s
        while True:
            found = self.message(max(0.01, deadline - time.monotonic()))
            if found.get("type") == kind and room in (None, found["room"]):
                return found

    def send(self, number: int, do: str, **more: object) -> None:
        """Send a command, and wait for nothing."""
        self._socket.send(json.dumps({"id": number, "do": do} | more))

    def command(self, number: int, do: str, **more: object) -> Json:
        """Send a command and give the answer to it."""
        self.send(number, do, **more)
        return self.answer(number)

    def answer(self, number: int) -> Json:
        """The answer to command `number`."""
        while True:
            found = self.message()
            if found.get("id") == number:
                return found


_compiled: list[Path] = []
_compiling = threading.Lock()


def compiled() -> Path:
    """The folder of a board that has compiled its firmware and done no more: once for all that start here."""
    with _compiling:
        if not _compiled:
            folder = Path(tempfile.mkdtemp(prefix="compiled"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            flash.prepare(folder, None)
            _compiled.append(folder)
    return _compiled[0]


class Board:
    """One `twintap board`: its folder, its console, its trace, its hands. A context that ends it."""

    def __init__(self, folder: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> None:
        self.state = folder
        self.link = folder / "console"
        self.trace = folder / "trace.csv"
        self._arguments = arguments
        self._prefix = prefix
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.switch_on()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.switch_off()

    def switch_on(self) -> None:
        """Start it and wait for its console."""
        assert self.process is None or self.process.poll() is not None
        if not self.state.exists():
            shutil.copytree(compiled(), self.state)
        with (self.state / "stderr").open("ab") as stderr:
            self.process = subprocess.Popen(
                [
                    *self._prefix, sys.executable, "-m", "twintap", "board", "--state", str(self.state),
                    "--console", str(self.link), "--trace", str(self.trace), *self._arguments,
                ],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True,
            )  # fmt: skip

        def is_up() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, (self.state / "stderr").read_text()
            # What a killed board left behind is there before the new one is.
            return self.tries("info") and self.link.exists()

        wait_for("the board's console", is_up)

    def switch_off(self) -> int:
        """SIGTERM; give the exit code."""
        assert self.process is not None
        return _end(self.process)

    def kill(self) -> int:
        """Kill -9 the launcher; give the instant in µs."""
        assert self.process is not None
        at_us = now_us()
        self.process.kill()
        self.process.wait()
        return at_us

    def hands(self, do: str, **arguments: object) -> Json:
        """Press its button, cut its air …"""
        return hands.request(self.state, do, **arguments)

    def tries(self, do: str, **arguments: object) -> bool:
        """The same, of a board that may not be up yet; whether it was done."""
        try:
            self.hands(do, **arguments)
        except BoardError:
            return False
        return True

    def pids(self) -> dict[str, int]:
        """The board's processes."""
        return self.hands("info")["pids"]

    def address(self) -> tuple[str, int]:
        """Where the board is on the network."""
        host, port = self.hands("info")["radio"]["address"]
        return host, port

    def rows(self) -> list[traces.Row]:
        return traces.read_trace(self.trace)

    def pulses(self, since_us: int = 0) -> list[traces.Pulse]:
        """Its pulses that began at or after `since_us`."""
        return [pulse for pulse in traces.pulses_of(self.rows()) if pulse.on_us >= since_us]

    def level_pct(self) -> float:
        """The line's level now."""
        rows = self.rows()
        return rows[-1].level_pct if rows else 0.0

    def rpc(self, method: str, **params: object) -> Json:
        """Ask the console, as somebody who holds the cable; the whole answer."""
        with serial.Serial(str(self.link), timeout=0.2) as port:
            deadline = time.monotonic() + PATIENCE_S
            while time.monotonic() < deadline:
                request = {
                    "jsonrpc": "2.0",
                    "id": time.monotonic_ns() % 10**9,
                    "method": method,
                    "params": params,
                }
                port.write(b"\n" + json.dumps(request).encode() + b"\n")
                asked = time.monotonic()
                while time.monotonic() < asked + 3.0:
                    with contextlib.suppress(ValueError):
                        answer = json.loads(port.readline() or b"null")
                        if isinstance(answer, dict) and answer.get("id") == request["id"]:
                            return answer
        raise AssertionError(f"the console of {self.state} does not answer")

    def info(self) -> Json:
        """What the console says of the board."""
        return self.rpc("info")["result"]


class Pair:
    """Two boards, paired by the command line into one room of a daemon."""

    def __init__(
        self, daemon: Daemon, folder: Path, room: str = "one", *, prefix: tuple[str, ...] = ()
    ) -> None:
        self.daemon = daemon
        self.room = room
        # Switched on hours apart, with crystals as far apart as two cheap ones are.
        self.left = Board(folder / "l", "--clock-ppm", "10", "--clock-offset-us", "7200000000", prefix=prefix)
        self.right = Board(folder / "r", "--clock-ppm", "-10", "--clock-offset-us", "12345", prefix=prefix)
        self.boards = {"left": self.left, "right": self.right}
        self._host: HostWaits | None = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack, ThreadPoolExecutor(2) as two:
            list(two.map(stack.enter_context, self.boards.values()))
            list(two.map(self._pair, self.boards))
            self._stack = stack.pop_all()
        return self

    def _pair(self, side: str) -> None:
        link = str(self.boards[side].link)
        self.daemon.done("pair", link, "--room", self.room, "--side", side)

    def __exit__(self, *_: object) -> None:
        self._unwatch_host()
        self._stack.close()

    def calm(self) -> None:
        """Undo whatever an earlier test left: a dead daemon or board, a set, a cut, a pressed button …"""
        if self.daemon.process.poll() is not None:
            self.daemon.restart()
        for board in self.boards.values():
            if board.process is not None and board.process.poll() is not None:
                board.switch_on()
            for do, arguments in _CALM.items():
                wait_for(f"{do} undone", lambda b=board, d=do, a=arguments: b.tries(d, **a))
        self.daemon.ask("POST", f"/rooms/{self.room}/set/stop")
        self.until_found()

    def until_found(self, within_s: float = PATIENCE_S) -> None:
        """Wait until the daemon is linked with both, where they are now."""
        for side in self.boards:
            wait_for(f"the {side} board found", lambda s=side: self._is_found(s), within_s)

    def _is_found(self, side: str) -> bool:
        host, port = self.boards[side].address()
        found = self.daemon.pulser(self.room, side)
        return found["link"] == "linked" and found["address"] == f"{host}:{port}"

    def air(self, model: str) -> None:
        """Put both into `model` air."""
        for board in self.boards.values():
            board.hands("air", model=model)

    def begin(self, **pacing: float | str) -> int:
        """Start a set and wait until it is seen on both lines; give an instant before it, in µs."""
        before_us = now_us()
        self.watch_host()
        self.daemon.begin(self.room, **pacing)
        for side, board in self.boards.items():
            wait_for(f"the {side} line at work", lambda board=board: board.pulses(before_us))
        return before_us

    def halt(self) -> None:
        self.daemon.halt(self.room)

    def set(self) -> Json:
        """The room's set as the daemon knows it."""
        return self.daemon.room(self.room)["set"]

    def off_after_us(self, at_us: int, watched_s: float = 1.4) -> int:
        """How long after `at_us` the last vibration of either ended, watched for `watched_s` after it."""
        until_us = at_us + int(watched_s * 1e6)
        time.sleep(max(0, until_us - now_us()) / 1e6)
        rows = [board.rows() for board in self.boards.values()]
        # What began after the lines had all been off counts too: it is a motor that started by itself.
        return traces.last_on_us(rows, at_us, until_us) - at_us

    def assert_exact(self, since_us: int, passes: int, first: str = "left", told: Json | None = None) -> None:
        """The set since `since_us` had `passes` pulses a side, alternating, without overlap.

        `told`: the set as the daemon knows it, where it has to be asked otherwise than by HTTP from here.

        A board that this machine kept from running for so long that an edge was over 20 ms late has skipped
        the pulse and said so, as it has to: then, and only then, a pulse that it counts as skipped may miss.
        """
        left, right = (board.pulses(since_us) for board in self.boards.values())
        told = told or self.set()
        skipped = {"left": 0, "right": 0}
        if self._host is not None and self._host.kept_us > _KEPT_FOR_A_SKIP_US:
            skipped = {side: told[side]["skipped"] for side in skipped}
        counts = (len(left) + skipped["left"], len(right) + skipped["right"])
        assert counts == (passes, passes), _story(told, left, right, since_us)
        faults = traces.alternation_faults(left, right, first)
        if any(skipped.values()):
            faults = [fault for fault in faults if fault.kind != "order"]
        assert not faults, (faults, _story(told, left, right, since_us))

    def watch_host(self) -> None:
        """From here on, watch how long this machine keeps the boards' chips from running."""
        self._unwatch_host()
        pids = [board.pids()[part] for board in self.boards.values() for part in ("vm", "keeper")]
        self._host = HostWaits(*pids)
        self._host.__enter__()

    def _unwatch_host(self) -> None:
        if self._host is not None:
            self._host.__exit__()
            self._host = None


def _story(told: Json, left: Sequence[traces.Pulse], right: Sequence[traces.Pulse], since_us: int) -> str:
    lines = [f"{p.side} {p.on_us - since_us}..{(p.off_us or 0) - since_us}" for p in (*left, *right)]
    return f"{told}\n" + "\n".join(lines)
