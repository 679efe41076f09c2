"""A virtual board for tests: started, paired over its console, and read by its trace."""

import asyncio
import contextlib
import csv
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import serial

from tests.support.host_waits import HostWaits

from .fake_daemon import DAEMON_ID, KEY


class Board:
    def __init__(self, root: Path, *arguments: str) -> None:
        self.root = root
        self.state = root / "state"
        self.link = root / "console"
        self.trace = root / "trace.csv"
        self._arguments = arguments
        self._number = 0

    async def __aenter__(self) -> "Board":
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "twintap_board", "--state", str(self.state), "--console", str(self.link),
            "--trace", str(self.trace), *self._arguments,
            stderr=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        async with asyncio.timeout(30):
            while not self.link.is_symlink():
                if self._process.returncode is not None:
                    assert self._process.stderr is not None
                    raise AssertionError((await self._process.stderr.read()).decode())
                await asyncio.sleep(0.02)
        # No new line ever waits for an old one's answer: the port is opened for the whole test.
        self._serial = serial.Serial(str(self.link), timeout=0)
        await self.info()  # the VM has come up when it answers
        return self

    async def __aexit__(self, *_: object) -> None:
        self._serial.close()
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        await self._process.communicate()

    def write(self, data: bytes) -> None:
        self._serial.write(data)

    async def line(self, within_s: float = 10.0) -> str:
        """The next line that the console says."""
        data = b""
        async with asyncio.timeout(within_s):
            while not data.endswith(b"\n"):
                data += self._serial.read(1) or b""
                if not self._serial.in_waiting:
                    await asyncio.sleep(0.005)
        return data.decode()

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """A request's whole answer. What is written while the VM boots is lost: it is asked again."""
        # A question does nothing and may be asked often; a deed must not be done twice by a slow machine.
        patience_s = 0.2 if method == "info" else 2.0
        self._number += 1
        request = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        async with asyncio.timeout(30):
            while True:
                self.write(json.dumps(request).encode() + b"\n")
                with contextlib.suppress(TimeoutError):
                    while True:
                        text = await self.line(patience_s)
                        with contextlib.suppress(ValueError):
                            answer = json.loads(text)
                            if answer.get("id") == self._number:
                                return answer

    async def info(self) -> dict[str, Any]:
        return (await self.ask("info"))["result"]

    async def pair(
        self, port: int | None, key: bytes = KEY, daemon_id: bytes = DAEMON_ID, **more: Any
    ) -> Any:
        addresses = [] if port is None else [["127.0.0.1", port]]
        answer = await self.ask(
            "pair",
            **{"key": key.hex(), "daemon_id": daemon_id.hex(), "side": "left", "ceiling_pct": 60,
               "addresses": addresses} | more,
        )  # fmt: skip
        return answer["result"]

    async def hands(self, **deed: Any) -> dict[str, Any]:
        reader, writer = await asyncio.open_unix_connection(str(self.state / "hands.sock"))
        writer.write(json.dumps(deed).encode() + b"\n")
        answer = json.loads(await reader.readline())
        writer.close()
        await writer.wait_closed()
        assert answer["ok"], answer
        return answer

    async def host_waits(self, *parts: str) -> HostWaits:
        """Watches, once entered, how long the host keeps `parts` from running: all of the board, and this."""
        pids = (await self.hands(do="info"))["pids"] | {"test": os.getpid()}
        return HostWaits(*(pids[part] for part in parts or ("vm", "keeper", "radio", "test")))

    def rows(self) -> list[tuple[int, str, float]]:
        """The trace: host's µs, side, level in percent."""
        if not self.trace.exists():
            return []
        with self.trace.open(newline="") as file:
            return [(int(r["monotonic_us"]), r["side"], float(r["level_pct"])) for r in csv.DictReader(file)]

    def pulses(self) -> list[tuple[int, int, float]]:
        """Each pulse: when it began and ended in the host's µs, and its highest level in percent."""
        out: list[tuple[int, int, float]] = []
        begin = peak = 0.0
        for at, _side, level in self.rows():
            if level and not begin:
                begin, peak = at, level
            elif level:
                peak = max(peak, level)
            elif begin:
                out.append((int(begin), at, peak))
                begin = 0
        assert not begin, "the last pulse has not ended"
        return out


def free_of(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
