"""The serial console: JSON-RPC 2.0, one object a line, for whoever holds the cable.

Whatever comes is hostile until parsed: it is answered by an error object or by nothing, and never moves a
motor. A line is at most LINE_MAX bytes; what is longer is thrown away up to its end. The methods stand in
`methods`.
"""

import json

from .methods import Methods
from .rpc import BAD_PARAMS, NOT_A_REQUEST, NOT_JSON, REFUSED, RpcError, error_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .app import App

LINE_MAX = 1_024
_READ_AT_ONCE = 64  # bytes between two looks at the rest of the world
_WRITE_AT_ONCE = 32
_WRITE_US = 3_000  # for so many letters at 115200 baud


class Console:
    """Answers requests about `app`. `feed` takes bytes as they come and gives the answers to write.

    A request that takes its time (a scan, a selftest) is kept, and answered by `late_answer`; another one of
    that kind in the meantime is refused.
    """

    def __init__(self, app: "App") -> None:
        self._app = app
        self._methods = Methods(app)
        self._line = bytearray()
        self._is_overlong = False
        self._slow: "tuple[object, bool, str, dict[str, object]] | None" = None

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered."""
        return self._slow is not None

    async def run(self) -> None:
        """Serves the port's console for ever."""
        port = self._app.port
        while True:
            await port.console_ready()
            data = port.console_read(_READ_AT_ONCE)
            # Parsing takes ms on a chip: never just before an edge.
            while not self._app.motor.is_quiet():
                await port.sleep_ms(1)
            for answer in self.feed(data):
                await self._say(answer)
            if self._slow is not None:
                answer = await self.late_answer()
                if answer:
                    await self._say(answer)
            await port.sleep_ms(0)

    async def _say(self, answer: str) -> None:
        """Writes a line in pieces, each in a gap between edges: a serial port takes 87 us for a byte."""
        port = self._app.port
        line = answer + "\n"
        for at in range(0, len(line), _WRITE_AT_ONCE):
            while not self._app.motor.is_quiet(_WRITE_US):
                await port.sleep_ms(1)
            port.console_write(line[at : at + _WRITE_AT_ONCE])
            await port.sleep_ms(0)

    def feed(self, data: bytes) -> "list[str]":
        """Takes bytes; gives the answers, each one line, to the requests that ended in them."""
        answers: "list[str]" = []
        for byte in data:
            if byte in (10, 13):
                if self._is_overlong:
                    answers.append(error_text(None, NOT_A_REQUEST, "a line has at most %d bytes" % LINE_MAX))
                elif self._line:
                    answer = self.answer(bytes(self._line))
                    if answer:
                        answers.append(answer)
                self._line = bytearray()
                self._is_overlong = False
            elif self._is_overlong:
                continue
            elif len(self._line) >= LINE_MAX:
                self._is_overlong = True
                self._line = bytearray()
            else:
                self._line.append(byte)
        return answers

    def answer(self, line: bytes) -> str:
        """The answer to one line, without its end; empty for a notification, a blank line, or until later."""
        if not line.strip():
            return ""
        self._app.power.touch()
        try:
            request = json.loads(line.decode())
        except (ValueError, RuntimeError, TypeError, MemoryError):
            # RuntimeError: nested deeper than the parser's stack. MemoryError: more than the heap has.
            return error_text(None, NOT_JSON, "this is not JSON")
        if not isinstance(request, dict):
            return error_text(None, NOT_A_REQUEST, "a request is one object")
        number = request.get("id")
        method = request.get("method")
        if isinstance(number, bool) or not (number is None or isinstance(number, (int, str))):
            return error_text(None, NOT_A_REQUEST, "an id is a number or a text")
        if request.get("jsonrpc") != "2.0" or not isinstance(method, str):
            return error_text(number, NOT_A_REQUEST, "a request has jsonrpc 2.0 and a method")
        is_asked = "id" in request
        try:
            params = request.get("params")
            if params is None:
                params = {}
            if not isinstance(params, dict):
                raise RpcError(BAD_PARAMS, "params is an object")
            if self._methods.is_slow(method, params):
                if self._slow is not None:
                    raise RpcError(REFUSED, "one scan or selftest at a time")
                self._slow = (number, is_asked, method, params)
                return ""
            result = self._methods.call(method, params)
        except RpcError as error:
            return error_text(number, error.code, error.text) if is_asked else ""
        return _result_text(number, result) if is_asked else ""

    async def late_answer(self) -> str:
        """Does the request that was kept; gives its answer."""
        if self._slow is None:
            return ""
        number, is_asked, method, params = self._slow
        try:
            result = await self._methods.call_slow(method, params)
        except RpcError as error:
            return error_text(number, error.code, error.text) if is_asked else ""
        finally:
            self._slow = None
        return _result_text(number, result) if is_asked else ""


def _result_text(number: object, result: "dict[str, object]") -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "result": result})
