"""One HTTP request over a connection of its own, for commands that ask a daemon something and end.

By the standard library's client: to load a larger one takes longer than all else that such a command does.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPSConnection
from typing import NamedTuple
from urllib.parse import quote, urlsplit

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
    host = parts.hostname or ""
    connection = (
        HTTPConnection(host, parts.port, timeout=within_s)
        if trusted is None
        else HTTPSConnection(host, parts.port, timeout=within_s, context=trusted)
    )
    target = quote(parts.path + (f"?{parts.query}" if parts.query else ""), safe=_SAFE)

    def exchange() -> HttpAnswer:
        try:
            connection.request(method, target, body, {**headers, "Connection": "close"})
            answer = connection.getresponse()
            return HttpAnswer(answer.status, answer.read())
        finally:
            connection.close()

    try:
        return await asyncio.to_thread(exchange)
    except asyncio.CancelledError:
        # The thread must not wait on for an answer that nobody wants any more.
        if connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        raise
