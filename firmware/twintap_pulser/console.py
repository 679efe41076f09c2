"""The serial console: JSON-RPC 2.0, one object a line, for whoever holds the cable.

    info                                                     who and how the pulser is; keys never come out
    wifi      {ssid, password}                               the network to use; an empty ssid means none
    pair      {key, daemon_id, side, ceiling_pct?, addresses?, room?, colour?}     obey this daemon from now
    on identify  {ms?, level_pct?}                              one buzz
    unpair                                                   obey nobody; the ceiling stays
    reset                                                    start anew, as after a power cut

Whatever comes is hostile until parsed: it is answered by an error object or by nothing, and never moves a
motor. A line is at most LINE_MAX bytes; what is longer is thrown away up to its end. Nothing that writes the
flash is done while a set is held.
"""

import json

from twintap_protocol.frames import SIDE_LEFT, SIDE_RIGHT
from twintap_protocol.limits import IDENTIFY_MAX_MS, MIN_WIDTH_US, VERSION_MAJOR, VERSION_MINOR

from . import VERSION
from .announce import SIDE_NAMES
from .ports import NO_ADDRESS, host_of, pack_address, port_of
from .settings import MAX_ADDRESSES, MAX_PASSWORD, MAX_ROOM, MAX_SSID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .app import App

LINE_MAX = 1_024
_READ_AT_ONCE = 64  # bytes between two looks at the rest of the world

NOT_JSON = -32700
NOT_A_REQUEST = -32600
NO_SUCH_METHOD = -32601
BAD_PARAMS = -32602
REFUSED = -32000  # well-formed, and not possible now

_DEFAULT_BUZZ_MS = 400
_SIDES = {"left": SIDE_LEFT, "right": SIDE_RIGHT}


class RpcError(Exception):
    """A request that is answered by an error object of `code` and `text`."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


class Console:
    """Answers requests about `app`. `feed` takes bytes as they come and gives the answers to write."""

    def __init__(self, app: "App") -> None:
        self._app = app
        self._line = bytearray()
        self._is_overlong = False

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
                port.console_write(answer + "\n")
            await port.sleep_ms(0)

    def feed(self, data: bytes) -> "list[str]":
        """Takes bytes; gives the answers, each one line, to the requests that ended in them."""
        answers: "list[str]" = []
        for byte in data:
            if byte in (10, 13):
                if self._is_overlong:
                    answers.append(_error(None, NOT_A_REQUEST, "a line has at most %d bytes" % LINE_MAX))
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
        """The answer to one line, without its end; empty for a notification or a blank line."""
        if not line.strip():
            return ""
        try:
            request = json.loads(line.decode())
        except (ValueError, RuntimeError, TypeError, MemoryError):
            # RuntimeError: nested deeper than the parser's stack. MemoryError: more than the heap has.
            return _error(None, NOT_JSON, "this is not JSON")
        if not isinstance(request, dict):
            return _error(None, NOT_A_REQUEST, "a request is one object")
        number = request.get("id")
        method = request.get("method")
        if isinstance(number, bool) or not (number is None or isinstance(number, (int, str))):
            return _error(None, NOT_A_REQUEST, "an id is a number or a text")
        if request.get("jsonrpc") != "2.0" or not isinstance(method, str):
            return _error(number, NOT_A_REQUEST, "a request has jsonrpc 2.0 and a method")
        try:
            result = self._call(method, request.get("params"))
        except RpcError as error:
            return _error(number, error.code, error.text) if "id" in request else ""
        if "id" not in request:
            return ""
        return json.dumps({"jsonrpc": "2.0", "id": number, "result": result})

    def _call(self, method: str, params: object) -> "dict[str, object]":
        if params is None:
            params = {}
        if not isinstance(params, dict):
            raise RpcError(BAD_PARAMS, "params is an object")
        if method == "info":
            return self._info()
        if method == "identify":
            return self._identify(params)
        if method not in ("wifi", "pair", "unpair", "reset"):
            raise RpcError(NO_SUCH_METHOD, "there is info, wifi, pair, identify, unpair and reset")
        if self._app.pacer.set_id:
            raise RpcError(REFUSED, "a set is running; stop it first")
        if method == "wifi":
            return self._wifi(params)
        if method == "pair":
            return self._pair(params)
        if method == "unpair":
            return self._unpair()
        self._app.is_reset_wanted = True
        return {}

    def _info(self) -> "dict[str, object]":
        app = self._app
        settings = app.settings
        pacer = app.pacer
        address = app.port.address()
        return {
            "id": app.pulser_id.hex(),
            "name": app.hostname,
            "board": app.board.name,
            "firmware": "%d.%d.%d" % VERSION,
            "protocol": "%d.%d" % (VERSION_MAJOR, VERSION_MINOR),
            "side": SIDE_NAMES.get(settings.side),
            "room": settings.room or None,
            "daemon_id": settings.daemon_id.hex() if settings.is_paired else None,
            "settings_damaged": settings.is_damaged,
            "ceiling_pct": settings.ceiling_bp // 100,
            "absolute_cap_pct": app.board.absolute_cap_pct,
            "network": app.port.network_state(),
            "address": None if address == NO_ADDRESS else "%s:%d" % (host_of(address), port_of(address)),
            "ssid": settings.ssid or None,
            "linked": app.uplink.is_linked,
            "links": app.uplink.links,
            "refused": app.uplink.refused,
            "battery_mv": app.port.battery_mv(),
            "charging": pacer.charging,
            "set_id": pacer.set_id,
            "ended_set": pacer.ended_set,
            "presses": app.motor.presses,
            "late": pacer.late,
            "latest_us": pacer.latest_us,
            "dropped": app.uplink.dropped,
            "uptime_ms": app.uptime_ms(),
            "heap_free_bytes": app.port.heap_free(),
        }

    def _identify(self, params: "dict[str, object]") -> "dict[str, object]":
        duration_ms = _number(params, "ms", MIN_WIDTH_US // 1000, IDENTIFY_MAX_MS, _DEFAULT_BUZZ_MS)
        level_pct = _number(params, "level_pct", 1, 100, 100)
        if not self._app.uplink.identify(duration_ms, level_pct * 100):
            raise RpcError(REFUSED, "no buzz in a set, in another buzz, or while charging")
        return {}

    def _wifi(self, params: "dict[str, object]") -> "dict[str, object]":
        settings = self._app.settings
        ssid = _text(params, "ssid", MAX_SSID)
        password = _text(params, "password", MAX_PASSWORD)
        settings.ssid = ssid
        settings.password = password
        self._save()
        self._app.port.set_wifi(ssid, password)
        return {"ssid": ssid}

    def _pair(self, params: "dict[str, object]") -> "dict[str, object]":
        app = self._app
        settings = app.settings
        key = _hex(params, "key", 16)
        daemon_id = _hex(params, "daemon_id", 8)
        side = params.get("side")
        if not isinstance(side, str) or side not in _SIDES:
            raise RpcError(BAD_PARAMS, "side is left or right")
        cap_pct = app.board.absolute_cap_pct
        ceiling_pct = _number(params, "ceiling_pct", 1, cap_pct, min(60, cap_pct))
        addresses = _addresses(params.get("addresses", []))
        room = _text(params, "room", MAX_ROOM) if "room" in params else ""
        colour = _colour(params.get("colour", [0, 0, 0]))
        settings.key = key
        settings.daemon_id = daemon_id
        settings.side = _SIDES[side]
        settings.set_ceiling(ceiling_pct * 100)
        settings.addresses = addresses
        settings.room = room
        settings.colour = colour
        settings.is_damaged = False
        self._save()
        app.settings_changed()
        return {"id": app.pulser_id.hex(), "name": app.hostname, "side": side, "ceiling_pct": ceiling_pct}

    def _unpair(self) -> "dict[str, object]":
        self._app.announcer.goodbye()
        self._app.settings.forget_daemon()
        self._save()
        self._app.settings_changed()
        return {}

    def _save(self) -> None:
        try:
            self._app.settings.save()
        except OSError:
            raise RpcError(REFUSED, "the flash refuses to be written")


def _error(number: object, code: int, text: str) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": text}})


def _number(params: "dict[str, object]", name: str, low: int, high: int, default: int) -> int:
    value = params.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise RpcError(BAD_PARAMS, "%s is a whole number, %d..%d" % (name, low, high))
    return value


def _text(params: "dict[str, object]", name: str, most: int) -> str:
    value = params.get(name)
    if not isinstance(value, str) or len(value.encode()) > most:
        raise RpcError(BAD_PARAMS, "%s is a text of at most %d bytes" % (name, most))
    return value


def _hex(params: "dict[str, object]", name: str, size: int) -> bytes:
    value = params.get(name)
    if isinstance(value, str) and len(value) == 2 * size:
        # By hand: what `bytes.fromhex` takes besides hex digits differs between the two VMs.
        out = bytearray(size)
        for at in range(2 * size):
            digit = "0123456789abcdef".find(value[at].lower())
            if digit < 0:
                break
            out[at // 2] = out[at // 2] << 4 | digit
        else:
            return bytes(out)
    raise RpcError(BAD_PARAMS, "%s is %d hex digits" % (name, 2 * size))


def _addresses(value: object) -> "list[bytes]":
    text = "addresses is a list of at most %d pairs of an IPv4 address and a port" % MAX_ADDRESSES
    if not isinstance(value, list) or len(value) > MAX_ADDRESSES:
        raise RpcError(BAD_PARAMS, text)
    out: "list[bytes]" = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            raise RpcError(BAD_PARAMS, text)
        host, port = pair
        if not isinstance(host, str) or not isinstance(port, int) or isinstance(port, bool):
            raise RpcError(BAD_PARAMS, text)
        try:
            out.append(pack_address(host, port))
        except ValueError:
            raise RpcError(BAD_PARAMS, text)
    return out


def _colour(value: object) -> "tuple[int, int, int]":
    if isinstance(value, list) and len(value) == 3:
        for part in value:
            if not isinstance(part, int) or isinstance(part, bool) or not 0 <= part <= 255:
                break
        else:
            return value[0], value[1], value[2]
    raise RpcError(BAD_PARAMS, "colour is three whole numbers, 0..255")
