"""A console on a pty that answers as a test tells it to, for what a real pulser cannot be made to do."""

import contextlib
import json
import os
import threading
import tty
from collections.abc import Callable, Generator
from typing import Any

PULSER_ID = "02aabbccddeeff00"
INFO = {"id": PULSER_ID, "name": "twintap-eeff00", "address": "127.0.0.1:40000", "daemon_id": None}

# Given a method and its params: a result, a ValueError to be said as an error, bytes to be written as they
# are, or None for silence.
Handler = Callable[[str, dict[str, Any]], Any]


class FakePulser:
    def __init__(self, handler: Handler) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._handler = handler
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def say(self, data: bytes) -> None:
        os.write(self._master, data)

    def _run(self) -> None:
        pending = b""
        while True:
            try:
                data = os.read(self._master, 4096)
            except OSError:
                return
            if not data:
                return
            pending += data
            *lines, pending = pending.split(b"\n")
            for line in filter(None, lines):
                self._answer(json.loads(line))

    def _answer(self, request: dict[str, Any]) -> None:
        method, params = request["method"], request.get("params", {})
        self.calls.append((method, params))
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            result = self._handler(method, params)
        except ValueError as error:
            answer["error"] = {"code": -32000, "message": str(error)}
        else:
            if result is None:
                return
            if isinstance(result, bytes):
                self.say(result)
                return
            answer["result"] = result
        self.say(json.dumps(answer).encode() + b"\r\n")

    def methods(self) -> list[str]:
        return [method for method, _ in self.calls if method != "info"]

    def close(self) -> None:
        # The slave first: the master's reader then sees the end.
        os.close(self._slave)
        self._thread.join(0.2)
        with contextlib.suppress(OSError):
            os.close(self._master)


@contextlib.contextmanager
def fake_pulser(handler: Handler) -> Generator[FakePulser]:
    pulser = FakePulser(handler)
    try:
        yield pulser
    finally:
        pulser.close()
