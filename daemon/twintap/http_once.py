"""One HTTP request over a connection of its own, for commands that ask a daemon something and end.

To load a whole HTTP client takes longer than all else that such a command does.
"""

import asyncio
import io
import ssl
from collections.abc import Mapping
from http.client import HTTPResponse
from typing import Any, NamedTuple, cast
from urllib.parse import quote, urlsplit

_READ_AT_ONCE = 64 * 1024
# What may stand in a path and its query beside letters and digits; the rest, an end of line too, is escaped.
_SAFE = "/?&=%:;,+@!$'()*~-._"


class HttpAnswer(NamedTuple):
    """What was answered: `status`, and the body as it is."""

    status: int
    content: bytes

    @property
    def is_success(self) -> bool:
        """Whether what was asked for was done."""
        return 200 <= self.status < 300


class _Received:
    """Received bytes, as the parser of answers takes them: from a socket."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


async def ask_once(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    trusted: ssl.SSLContext | None,
    within_s: float,
) -> HttpAnswer:
    """Send one request to `url`, an http or https URL, and give the answer; no redirect is followed.

    `trusted`: the context of an https URL, None for http. `within_s`: for the connection, and for each part
    of the answer. Raises TimeoutError; OSError if there is no connection or it breaks (`ssl.SSLError` too);
    ValueError if the URL is none; `http.client.HTTPException` if what comes is no HTTP, or not all of it.
    """
    parts = urlsplit(url)
    port = parts.port or (80 if trusted is None else 443)
    target = quote(parts.path + (f"?{parts.query}" if parts.query else ""), safe=_SAFE)
    told = {"Host": parts.netloc.rpartition("@")[2], "Accept": "*/*", "Connection": "close", **headers}
    if body is not None or method not in ("GET", "HEAD", "DELETE"):
        told["Content-Length"] = str(len(body or b""))
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    async with asyncio.timeout(within_s):
        reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=trusted)
    try:
        writer.write(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("ascii") + (body or b""))
        received = bytearray()
        while True:
            async with asyncio.timeout(within_s):
                data = await reader.read(_READ_AT_ONCE)
            if not data:
                break
            received += data
    finally:
        # All is read, or nobody wants the rest.
        writer.transport.abort()
    answer = HTTPResponse(cast("Any", _Received(bytes(received))), method=method)
    answer.begin()
    return HttpAnswer(answer.status, answer.read())
