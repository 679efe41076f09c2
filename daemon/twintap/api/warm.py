"""The first request of a kind costs up to 100 ms more than the next, for caches. It must not be a stop."""

import asyncio
import ssl

_PATHS = ("POST /api/v1/rooms/-/set/stop", "POST /api/v1/rooms/-/set/start", "GET /api/v1/rooms")
_WITHIN_S = 5.0


async def warm_up(host: str, port: int, token: str, trusted: ssl.SSLContext | None = None) -> None:
    """Ask this daemon, as a controller would, for what does nothing. Raises OSError or TimeoutError.

    `trusted`: a client's context, if the daemon speaks TLS at `host`.
    """
    async with asyncio.timeout(_WITHIN_S):
        reader, writer = await asyncio.open_connection(host, port, ssl=trusted)
        try:
            for path in _PATHS:
                last = "close" if path == _PATHS[-1] else "keep-alive"
                head = (
                    f"{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
                    f"Content-Type: application/json\r\nContent-Length: 2\r\nConnection: {last}\r\n\r\n"
                )
                writer.write(head.encode("ascii") + b"{}")
                await writer.drain()
            await reader.read()
        finally:
            writer.close()
