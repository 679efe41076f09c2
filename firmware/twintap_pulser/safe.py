"""Safe mode: a pulser that broke three times in a row stays still, and says over its cable what broke.

No motor, no radio, no settings: whatever broke may be among them. It answers one line with one line, as the
console does (protocol/SPEC.md): `info`, with `safe_mode` true and `last_error`; `selftest`, of what can be
tested without the motor; `reset`, which is another try. Any other method is refused with the reason. The
light blinks red three times every 3 s where the board file can still be read. Ctrl-C gives the REPL.
"""

import gc
import json
import os
import select
import sys
import time

import machine

from . import VERSION, crash_record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .board_file import BoardFile

LINE_MAX = 1_024
_ticks_ms: "Callable[[], int]" = time.ticks_ms  # pyright: ignore[reportAssignmentType]
_STEP_MS = 20
_PATTERN_MS = 3_000
_BLINK_MS = 400  # half of it on: 2.5 flashes a second
_BLINKS = 3
_RED = 64
_NOT_JSON = -32700
_NOT_A_REQUEST = -32600
_NO_SUCH_METHOD = -32601
_REFUSED = -32000


class Safe:
    """What is left of a pulser: its console and its light."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._is_overlong = False
        self._board: "BoardFile | None" = None
        self.board_fault = ""
        self._is_lit = False
        self._light = None
        try:
            from .board_file import BoardError, read_board_file
            from .chip_light import make_light
        except (ImportError, SyntaxError, ValueError) as error:
            # A file that was cut short, or compiled for another version.
            self.board_fault = crash_record.describe(error)
            return
        try:
            self._board = read_board_file()
            self._light = make_light(self._board)
        except (BoardError, OSError, ValueError) as error:
            self.board_fault = crash_record.describe(error)

    def take(self, data: bytes) -> "list[str]":
        """What the cable said: gives the answers to the lines that it completes, in order."""
        answers: "list[str]" = []
        for byte in data:
            if byte not in b"\r\n":
                if len(self._line) >= LINE_MAX:
                    self._is_overlong = True
                else:
                    self._line.append(byte)
                continue
            line = bytes(self._line).strip()
            is_overlong = self._is_overlong
            self._line = bytearray()
            self._is_overlong = False
            answer = _error(None, _NOT_JSON, "a line has at most %d bytes" % LINE_MAX) if is_overlong else ""
            if not answer and line:
                answer = self.answer(line)
            if answer:
                answers.append(answer)
        return answers

    def answer(self, line: bytes) -> str:
        """The answer to one request, without its line end; empty if none is due."""
        try:
            request = json.loads(line.decode())
        except (ValueError, RuntimeError, TypeError, MemoryError):
            # RuntimeError: nested deeper than the parser's stack.
            return _error(None, _NOT_JSON, "this is not JSON")
        if not isinstance(request, dict):
            return _error(None, _NOT_A_REQUEST, "a request is one object")
        number = request.get("id")
        method = request.get("method")
        if isinstance(number, bool) or not (number is None or isinstance(number, (int, str))):
            return _error(None, _NOT_A_REQUEST, "an id is a number or a text")
        if request.get("jsonrpc") != "2.0" or not isinstance(method, str):
            return _error(number, _NOT_A_REQUEST, "a request has jsonrpc 2.0 and a method")
        if method == "info":
            result = self.info()
        elif method == "selftest":
            result = self.selftest()
        elif method == "reset":
            # The answer first: `serve` resets after it is out.
            result = {}
        elif method in ("wifi", "wifi_forget", "scan", "pair", "unpair", "trim", "identify"):
            return _error(number, _REFUSED, "safe mode, after %d crashes: reset, or flash anew" % _crashes())
        else:
            return _error(number, _NO_SUCH_METHOD, "in safe mode there is info, selftest and reset")
        self.is_reset_wanted = method == "reset"
        if "id" not in request:
            return ""
        return json.dumps({"jsonrpc": "2.0", "id": number, "result": result})

    is_reset_wanted = False

    def info(self) -> "dict[str, object]":
        """Who this is, and what broke."""
        gc.collect()
        mac = machine.unique_id()
        return {
            "id": (mac[:3] + b"\xff\xfe" + mac[3:]).hex(),
            "name": "twintap-" + mac[3:].hex(),
            "firmware": "%d.%d.%d" % VERSION,
            "safe_mode": True,
            "last_error": crash_record.error() or None,
            "crashes": crash_record.crashes(),
            "boot_cause": crash_record.BOOT_NAMES[crash_record.boot_cause()],
            "board": None if self._board is None else self._board.name,
            "board_id": None if self._board is None else self._board.board_id,
            "uptime_ms": _ticks_ms(),
            "heap_free_bytes": gc.mem_free(),
        }

    def selftest(self) -> "dict[str, object]":
        """What can be tested without the motor: each line says whether it is fine, and what was seen."""
        gc.collect()
        heap_bytes = gc.mem_free()
        state = os.statvfs("/")
        flash_bytes = state[0] * state[3]
        board = self._board
        lines: "dict[str, object]" = {
            "board": _line(board is not None, None if board is None else board.board_id, self.board_fault),
            "heap": _line(heap_bytes > 20_000, heap_bytes, "bytes free, without the application"),
            "flash": _line(flash_bytes > 20_000, flash_bytes, "bytes free"),
            "motor": _line(None, None, "not driven in safe mode"),
        }
        if board is not None:
            from .chip_senses import Battery, Charger, Contacts

            lines["button"] = _line(
                None, "down" if Contacts(board).is_down() else "up", "press it and ask again"
            )
            is_felt = None if board.charge is None else Charger(board).is_present()
            lines["charging"] = _line(None, is_felt, "null: this board does not feel a charger")
            lines["battery"] = _line(None, Battery(board).millivolts(), "mV; 0: not measured")
        return lines

    def blink(self, now_ms: int) -> None:
        """Shows the light as it is due at `now_ms`."""
        if self._light is None:
            return
        at_ms = now_ms % _PATTERN_MS
        is_lit = at_ms < _BLINKS * _BLINK_MS and at_ms % _BLINK_MS < _BLINK_MS // 2
        if is_lit != self._is_lit:
            self._is_lit = is_lit
            self._light.set(_RED if is_lit else 0, 0, 0)


def serve() -> None:
    """Answers the cable until a reset is asked for, or Ctrl-C."""
    safe = Safe()
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    try:
        while not safe.is_reset_wanted:
            data = b""
            for _ in poll.ipoll(_STEP_MS):
                data = sys.stdin.buffer.read(1)
            for answer in safe.take(data):
                print(answer)
            safe.blink(_ticks_ms())
    except KeyboardInterrupt:
        # Somebody at the cable wants the REPL; the next start is another try.
        crash_record.forget()
        return
    time.sleep_ms(100)  # the answer is on its way out
    crash_record.forget()
    machine.reset()


def _crashes() -> int:
    return crash_record.crashes()


def _line(is_ok: "bool | None", value: object, say: str) -> "dict[str, object]":
    return {"ok": is_ok, "value": value, "say": say}


def _error(number: object, code: int, text: str) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": text}})
