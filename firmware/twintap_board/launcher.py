"""The launcher: the board's power supply. Starts the others, restarts a VM that ends, dies with all of them.

Whatever happens to it, nothing is left behind: the kernel kills the VM and the radio with it (Linux), and the
keeper, hearing its channel close, writes the line's 0, kills the VM if it still runs, and ends.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from . import flash, hands, wire
from .channel import Asker
from .console import BoardLog, Console
from .errors import BoardError
from .hostos import go_before_others, kill_process, monotonic_us, sharpen_timers
from .networks import Network
from .pins import Pins
from .sources import firmware_dir, protocol_dir
from .trace import Trace

# A VM that ends by itself this soon after its start did not come up: a crash loop if it goes on.
_SOON_S = 2.0
_SOON_DEATHS_MAX = 8
_BACK_OFF_FIRST_S = 0.1
_BACK_OFF_MAX_S = 1.0
_END_WITHIN_S = 3.0
_HANDS_MAX = 8


class Options(NamedTuple):
    """All that one board is told; ranges are checked by the command line."""

    state: Path
    console: Path
    trace: Path | None
    app: Path | None
    clock_ppm_milli: int
    clock_offset_us: int
    air: str
    heap_bytes: int
    seed: str
    socket_tick_ms: int
    board: Path | None = None
    networks: tuple[Network, ...] = ()


class Board:
    """One running board."""

    def __init__(self, options: Options) -> None:
        """Take the options; nothing is started yet."""
        self._options = options
        self._stop = asyncio.Event()
        self._power_cut = False
        self._boots = 0
        self._reset_cause = "power"
        self._crashes = 0
        self._woken: asyncio.Future[str] | None = None  # while it sleeps: what ends that
        self._vm: asyncio.subprocess.Process | None = None
        self._clients: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}
        self._release: asyncio.TimerHandle | None = None
        self._failure: BoardError | None = None

    async def run(self) -> None:
        """Run until told to stop (SIGTERM, SIGINT); BoardError if the board cannot start or go on."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        async with contextlib.AsyncExitStack() as stack:
            state = self._options.state
            self._board_id = _board_id(state)
            self._log = BoardLog(state / "board.log")
            stack.callback(self._log.close)
            self._console = Console(self._options.console, self._log)
            stack.callback(self._console.close)
            self._pins = Pins()
            stack.callback(self._pins.close)
            # Run last of all: after the keeper's end, whatever ended it.
            stack.callback(self._close_trace)
            trace = [] if self._options.trace is None else [str(self._options.trace.absolute())]
            self._keeper, self._keeper_process = await self._child(stack, "keeper", *trace)
            radio_arguments = (str(os.getpid()), self._options.air, self._options.seed)
            self._radio, self._radio_process = await self._child(stack, "radio", *radio_arguments)
            stack.push_async_callback(self._power_off)
            # Over the channel: what stands among a process's arguments, everybody on the machine can read.
            networks = [[one.ssid.hex(), one.password.hex(), one.trouble] for one in self._options.networks]
            await self._radio.ask({"do": "networks", "of": networks})
            await self._open_hands(stack)
            parts: list[asyncio.Task[Any]] = [
                asyncio.create_task(self._power(), name="power"),
                asyncio.create_task(self._stop.wait(), name="stop"),
                asyncio.create_task(self._watch(self._keeper_process, "keeper"), name="keeper"),
                asyncio.create_task(self._watch(self._radio_process, "radio"), name="radio"),
            ]
            done, pending = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            for task in done:
                task.result()

    # -- processes -----------------------------------------------------------------------------------------

    async def _child(
        self, stack: contextlib.AsyncExitStack, name: str, *arguments: str
    ) -> tuple[Asker, asyncio.subprocess.Process]:
        """Start the keeper or the radio, with a channel as its stdin; it ends when the channel closes."""
        ours, theirs = socket.socketpair()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"{__package__}.{name}",
            *arguments,
            stdin=theirs.fileno(),
            stdout=asyncio.subprocess.DEVNULL,
            env=_environment(),
            # Ctrl-C in a terminal is for the launcher, which ends the others in order.
            start_new_session=True,
        )
        theirs.close()
        asker = Asker(ours, name)

        async def end() -> None:
            asker.close()
            await _ended(process)

        stack.push_async_callback(end)
        return asker, process

    async def _watch(self, process: asyncio.subprocess.Process, name: str) -> None:
        code = await process.wait()
        raise BoardError(f"the board's {name} has ended (exit {code}); a board cannot go on without it")

    def _close_trace(self) -> None:
        """See that the trace ends at 0: the VM is gone, and a keeper that was killed could not say so."""
        if self._options.trace is None:
            return
        try:
            Trace(self._options.trace.absolute(), monotonic_us()).close()
        except OSError as error:
            print(f"twintap board: the trace cannot be written ({error})", file=sys.stderr)

    async def _power(self) -> None:
        """Boot the VM again and again, slower if it will not stay up, and not for ever."""
        loop = asyncio.get_running_loop()
        soon_deaths = 0
        back_off_s = _BACK_OFF_FIRST_S
        while True:
            started = loop.time()
            vm = await self._boot()
            code = await vm.wait()
            self._console.drain()
            self._reset_cause = await self._why_it_ended(code)
            if self._reset_cause == "wake":
                self._woken = loop.create_future()
                self._reset_cause = await self._woken
                self._woken = None
                continue
            self._crashes = self._crashes + 1 if self._reset_cause in ("crash", "watchdog") else 0
            if self._reset_cause not in ("exit", "crash") or loop.time() - started > _SOON_S:
                soon_deaths = 0
                back_off_s = _BACK_OFF_FIRST_S
                continue
            soon_deaths += 1
            if soon_deaths >= _SOON_DEATHS_MAX:
                words = self._console.last_words.decode(errors="replace").strip().splitlines()
                last = f": {words[-1]}" if words else ""
                raise BoardError(
                    f"the firmware ended {soon_deaths} times within {_SOON_S:g} s of its start "
                    f"(exit {code}{last}); see {self._options.state / 'board.log'}"
                )
            await asyncio.sleep(back_off_s)
            back_off_s = min(2 * back_off_s, _BACK_OFF_MAX_S)

    async def _boot(self) -> asyncio.subprocess.Process:
        radio = await self._radio.ask({"do": "boot"})
        pins_port = self._pins.boot()
        line, line_of_vm = os.pipe()
        stdin, stdout, stderr = self._console.attach()
        self._boots += 1
        self._power_cut = False
        options = self._options
        told = {
            "TWINTAP_RADIO_PORT": radio["vm_port"],
            "TWINTAP_PINS_PORT": pins_port,
            "TWINTAP_LINE_FD": line_of_vm,
            "TWINTAP_CLOCK_PPM_MILLI": options.clock_ppm_milli,
            "TWINTAP_CLOCK_OFFSET_US": options.clock_offset_us,
            "TWINTAP_SOCKET_TICK_MS": options.socket_tick_ms,
            "TWINTAP_BOARD_ID": self._board_id,
            "TWINTAP_BOOT_COUNT": self._boots,
            "TWINTAP_RESET_CAUSE": self._reset_cause,
            "TWINTAP_CRASHES": self._crashes,
        }
        try:
            self._vm = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                f"{__package__}.vm",
                str(os.getpid()),
                str(options.heap_bytes),
                *_source_folders(),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=options.state / "flash",
                env=_environment() | {name: str(value) for name, value in told.items()},
                pass_fds=(line_of_vm,),
                start_new_session=True,
            )
            await self._keeper.ask({"do": "attach", "vm": self._vm.pid}, (line,))
        finally:
            for fd in (line, line_of_vm, stdin, stdout, stderr):
                os.close(fd)
        return self._vm

    async def _why_it_ended(self, code: int) -> str:
        if self._power_cut:
            return "power"
        if (await self._keeper.ask({"do": "info"}))["watchdog_fired"]:
            return "watchdog"
        if code == wire.SLEPT:
            return "wake"  # in due time
        return "crash" if code > 0 else "exit"

    async def _power_off(self) -> None:
        if self._release is not None:
            self._release.cancel()
        if self._vm is not None and self._vm.returncode is None:
            kill_process(self._vm.pid)
            await self._vm.wait()
            self._console.drain()

    # -- hands ---------------------------------------------------------------------------------------------

    async def _open_hands(self, stack: contextlib.AsyncExitStack) -> None:
        path = self._options.state / hands.SOCKET_NAME
        path.unlink(missing_ok=True)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # The mode must be right from the first moment; nothing else of ours makes a file meanwhile.
        mask = os.umask(0o177)
        try:
            sock.bind(str(path))
        except OSError as error:
            sock.close()
            raise BoardError(
                f"the socket {path} cannot be made ({error}); a shorter state path may help"
            ) from error
        finally:
            os.umask(mask)
        server = await asyncio.start_unix_server(self._serve_hands, sock=sock, limit=hands.LINE_MAX)

        async def close() -> None:
            server.close()
            path.unlink(missing_ok=True)
            for writer in self._clients.values():
                writer.close()
            if self._clients:
                await asyncio.wait(self._clients, timeout=_END_WITHIN_S)

        stack.push_async_callback(close)

    async def _serve_hands(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._clients) >= _HANDS_MAX:
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        self._clients[task] = writer
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except ValueError:
            # The line is longer than the limit, and where the next one begins is unknown.
            writer.write(b'{"ok": false, "error": "line too long"}\n')
        except ConnectionError:
            pass
        finally:
            del self._clients[task]
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            deed, arguments = hands.parse(line)
            if deed in ("air", "cut", "readdress", "network"):
                answer = {"radio": await self._radio.ask({"do": deed} | arguments)}
            elif deed == "info":
                answer = await self._info()
            elif deed == "state":
                answer = await self._state()
            else:
                by_name: dict[str, Callable[..., None]] = {
                    "press": self._press,
                    "press_down": self._press_down,
                    "press_up": lambda: self._pins.press(False),
                    "charge": self._pins.charge,
                    "battery": self._pins.battery,
                    "hang": self._hang,
                    "reset": self._reset,
                }
                by_name[deed](**arguments)
                answer = {}
        except BoardError as error:
            return {"ok": False, "error": str(error)}
        return {"ok": True} | answer

    def _press_down(self) -> None:
        self._pins.press(True)
        self._wake("wake")

    def _wake(self, cause: str) -> bool:
        """End deep sleep, if there is one; tell whether there was."""
        if self._woken is None or self._woken.done():
            return False
        self._woken.set_result(cause)
        return True

    def _press(self, ms: int) -> None:
        self._press_down()
        if self._release is not None:
            self._release.cancel()
        self._release = asyncio.get_running_loop().call_later(ms / 1000, self._pins.press, False)

    def _hang(self, on: bool) -> None:
        os.kill(self._running_vm(), signal.SIGSTOP if on else signal.SIGCONT)

    def _reset(self) -> None:
        if self._wake("power"):
            return
        pid = self._running_vm()
        self._power_cut = True
        kill_process(pid)

    def _running_vm(self) -> int:
        if self._vm is None or self._vm.returncode is not None:
            raise BoardError("the VM is not running at this moment")
        return self._vm.pid

    async def _state(self) -> dict[str, Any]:
        keeper = await self._keeper.ask({"do": "info"})
        radio = await self._radio.ask({"do": "info"})
        return {
            "asleep": self._woken is not None,
            "light": keeper["light"],
            "level_bp": keeper["level_bp"],
            "side": keeper["side"],
            "network": radio["network"],
            "saving": radio["saving"],
            "boots": self._boots,
            "reset_cause": self._reset_cause,
            **self._pins.look(),
        }

    async def _info(self) -> dict[str, Any]:
        running = self._vm is not None and self._vm.returncode is None
        return {
            "pids": {
                "launcher": os.getpid(),
                "vm": self._vm.pid if self._vm is not None and running else 0,
                "keeper": self._keeper_process.pid,
                "radio": self._radio_process.pid,
            },
            "boots": self._boots,
            "reset_cause": self._reset_cause,
            "board_id": self._board_id,
            "console_dropped": self._console.dropped,
            "keeper": await self._keeper.ask({"do": "info"}),
            "radio": await self._radio.ask({"do": "info"}),
        }


async def _ended(process: asyncio.subprocess.Process) -> None:
    try:
        async with asyncio.timeout(_END_WITHIN_S):
            await process.wait()
    except TimeoutError:
        kill_process(process.pid)
        await process.wait()


def _environment() -> dict[str, str]:
    """Give the children's environment: ours without what is the daemon's, able to import this package."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TWINTAP_")}
    paths = [str(Path(__file__).resolve().parent.parent), *_source_folders(), kept.get("PYTHONPATH", "")]
    kept["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return kept


def _source_folders() -> list[str]:
    """Give the folders of the firmware and of the protocol, as far as this installation carries them."""
    folders: list[str] = []
    for folder in (firmware_dir, protocol_dir):
        with contextlib.suppress(FileNotFoundError):
            folders.append(str(folder()))
    return folders


def _board_id(state: Path) -> str:
    """Give the board's hardware address, made once: six bytes, marked as locally administered."""
    path = state / "board_id"
    try:
        known = path.read_text(encoding="ascii").strip()
    except (FileNotFoundError, UnicodeDecodeError):
        known = ""
    if len(known) == 12 and all(digit in "0123456789abcdef" for digit in known):
        return known
    made = (bytes((0x02,)) + secrets.token_bytes(5)).hex()
    fresh = path.with_suffix(".new")
    fresh.write_text(made + "\n", encoding="ascii")
    fresh.replace(path)
    return made


def run_board(options: Options) -> None:
    """Run one board until SIGTERM or SIGINT; BoardError if it cannot start or go on."""
    try:
        options.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        options.state.chmod(0o700)
        lock = os.open(options.state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BoardError(f"the state folder {options.state} cannot be used ({error.strerror})") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BoardError(f"another board runs from {options.state}") from error
    sharpen_timers()
    go_before_others()
    # Until the loop takes both signals over, they end this process in the same manner.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    flash.prepare(options.state, options.app, options.board)
    asyncio.run(Board(options).run())
