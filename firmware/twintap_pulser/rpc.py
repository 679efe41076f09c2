"""JSON-RPC 2.0's errors, and the checks of what a request brings with it."""

import json

from .addressing import pack_address
from .settings import MAX_ADDRESSES

NOT_JSON = -32700
NOT_A_REQUEST = -32600
NO_SUCH_METHOD = -32601
BAD_PARAMS = -32602
REFUSED = -32000  # well-formed, and not possible now


class RpcError(Exception):
    """A request that is answered by an error object of `code` and `text`."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def error_text(number: object, code: int, text: str) -> str:
    """The line that answers request `number` by an error."""
    return json.dumps({"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": text}})


def number(params: "dict[str, object]", name: str, low: int, high: int, default: int) -> int:
    """The whole number `name`, `low` .. `high`; `default` if it is left out. Raises `RpcError`."""
    value = params.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise RpcError(BAD_PARAMS, "%s is a whole number, %d..%d" % (name, low, high))
    return value


def text(params: "dict[str, object]", name: str, most: int) -> str:
    """The text `name` of at most `most` bytes. Raises `RpcError`."""
    value = params.get(name)
    if not isinstance(value, str) or len(value.encode()) > most:
        raise RpcError(BAD_PARAMS, "%s is a text of at most %d bytes" % (name, most))
    return value


def hex_bytes(params: "dict[str, object]", name: str, size: int) -> bytes:
    """The `size` bytes of `name`, given as hex digits. Raises `RpcError`, which never shows them."""
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


def addresses(value: object) -> "list[bytes]":
    """The addresses of a list of [IPv4, port]. Raises `RpcError`."""
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


def colour(value: object) -> "tuple[int, int, int]":
    """Three parts of 0..255. Raises `RpcError`."""
    if isinstance(value, list) and len(value) == 3:
        for part in value:
            if not isinstance(part, int) or isinstance(part, bool) or not 0 <= part <= 255:
                break
        else:
            return value[0], value[1], value[2]
    raise RpcError(BAD_PARAMS, "colour is three whole numbers, 0..255")
