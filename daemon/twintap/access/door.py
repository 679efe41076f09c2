"""The door: one TCP port that speaks TLS to the network, and plain HTTP to this computer itself.

What comes over loopback never leaves the computer, and browsers hold it for as safe as TLS: so nobody has to
trust a certificate to work here. From elsewhere all is TLS; who comes without is sent to the `https` address,
or, with anything but a question for a page, told so. The certificate may change while connections are open:
those keep the one they began with.
"""

import asyncio
import contextlib
import errno
import logging
import re
import socket
import ssl
from collections.abc import Callable

from .. import addresses

_log = logging.getLogger(__name__)

_TLS_HANDSHAKE = 0x16  # the first byte of a TLS record with a ClientHello (RFC 8446, section 5.1)
# Browsers open connections ahead of need and say nothing on them; this is how long they may.
_FIRST_BYTE_WITHIN_S = 30.0
_HANDSHAKE_WITHIN_S = 10.0
_HEAD_WITHIN_S = 5.0
# So many connections may have said nothing yet, or be in their handshake.
_UNKNOWN_MAX = 128
_HEAD_MAX = 8 * 1024
_POLL_S = 0.02
_BREATH_S = 0.5  # with no descriptor left, accepting again at once would spin

# `GET /path HTTP/1.1`: no fragment, no space, nothing that could end a header.
_QUESTION = re.compile(rb"(?:GET|HEAD) (/[!-~]*) HTTP/1\.[01]")
_HOST = re.compile(rb"[A-Za-z0-9.:\[\]-]{1,255}")


class Door:
    """Takes connections of a listening socket and hands them to a protocol, in the clear or over TLS."""

    def __init__(
        self, listener: socket.socket, factory: Callable[[], asyncio.Protocol], context: ssl.SSLContext
    ) -> None:
        """`factory` makes what speaks HTTP on a connection. `context` may be replaced while it runs."""
        self.context = context
        self._listener = listener
        self._factory = factory
        self._unknown: dict[asyncio.Task[None], None] = {}

    async def run(self) -> None:
        """Take connections until cancelled; those that were handed over stay open."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    connection, peer = await loop.sock_accept(self._listener)
                except OSError as error:
                    if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                        _log.warning("no more connections can be taken for now (%s)", error.strerror)
                        await asyncio.sleep(_BREATH_S)
                    elif self._listener.fileno() < 0:
                        raise
                    continue
                if len(self._unknown) >= _UNKNOWN_MAX:
                    # Whoever has kept silent for longest goes: a crowd of strangers keeps nobody out.
                    oldest = next(iter(self._unknown))
                    del self._unknown[oldest]
                    oldest.cancel()
                task = asyncio.create_task(self._admit(connection, str(peer[0])), name="door: a connection")
                self._unknown[task] = None
                task.add_done_callback(lambda done: self._unknown.pop(done, None))
                # Connections that wait are given without a turn of the loop: a flood would stop all else.
                await asyncio.sleep(0)
        finally:
            for task in self._unknown:
                task.cancel()
            await asyncio.gather(*self._unknown, return_exceptions=True)

    async def _admit(self, connection: socket.socket, peer: str) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as stack:
            stack.callback(connection.close)
            first: int | None = _TLS_HANDSHAKE
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_FIRST_BYTE_WITHIN_S):
                    first = await _first_byte(connection)
                if first is None:
                    return
                if first != _TLS_HANDSHAKE and not addresses.is_loopback(peer):
                    async with asyncio.timeout(_HEAD_WITHIN_S):
                        await _send_away(connection)
                    return
                tls = self.context if first == _TLS_HANDSHAKE else None
                # From here on the transport closes it, also if the handshake fails.
                stack.pop_all()
                await loop.connect_accepted_socket(
                    self._factory,
                    connection,
                    ssl=tls,
                    ssl_handshake_timeout=None if tls is None else _HANDSHAKE_WITHIN_S,
                )


async def _first_byte(connection: socket.socket) -> int | None:
    """Give the first byte that comes, and leave it where it is; None if the peer goes instead."""
    while True:
        try:
            seen = connection.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            await _until_readable(connection)
        else:
            return seen[0] if seen else None


async def _until_readable(connection: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    try:
        loop.add_reader(connection, readable.set)
    except NotImplementedError:  # the loop of Windows
        await asyncio.sleep(_POLL_S)
        return
    try:
        await readable.wait()
    finally:
        loop.remove_reader(connection)


async def _send_away(connection: socket.socket) -> None:
    """Answer who came without TLS. What was asked is not looked at beyond its first lines."""
    loop = asyncio.get_running_loop()
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _HEAD_MAX:
        more = await loop.sock_recv(connection, _HEAD_MAX - len(head))
        if not more:
            return
        head += more
    await loop.sock_sendall(connection, answer_without_tls(head))
    # What lies unread when a socket closes would tear the answer away: the peer closes first.
    connection.shutdown(socket.SHUT_WR)
    while await loop.sock_recv(connection, _HEAD_MAX):
        pass


def answer_without_tls(head: bytes) -> bytes:
    """Give the answer to the head of a request that came over the network without TLS."""
    first, _, rest = head.partition(b"\r\n")
    question = _QUESTION.fullmatch(first)
    hosts = re.findall(rb"(?im)^host:[ \t]*(.*?)[ \t]*\r?$", rest.partition(b"\r\n\r\n")[0])
    if question is not None and len(hosts) == 1 and _HOST.fullmatch(hosts[0]):
        body = b""
        # Only for now: this computer may be served without TLS again tomorrow.
        status = b"307 Temporary Redirect\r\nLocation: https://" + hosts[0] + question[1]
    else:
        body = b"This daemon speaks TLS to the network: use https:// in its address.\n"
        status = b"426 Upgrade Required\r\nUpgrade: TLS/1.2, HTTP/1.1\r\nContent-Type: text/plain"
    length = str(len(body)).encode("ascii")
    return b"HTTP/1.1 " + status + b"\r\nConnection: close\r\nContent-Length: " + length + b"\r\n\r\n" + body
