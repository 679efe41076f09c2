"""A daemon, seen from another program of this computer: its API by HTTP and WebSocket."""

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlsplit, urlunsplit

from twintap_protocol.errors import TwintapError

from . import addresses
from .access.trusted import client_context
from .errors import Fault, Refused
from .folder import default_path, read_admin_token
from .http_once import HttpAnswer, ask_once
from .names import clean

DEFAULT_URL = "http://127.0.0.1:8700"
# A soft stop at the slowest rate takes a pass of 10 s.
_ANSWER_WITHIN_S = 30.0
# What a daemon that speaks TLS answers those who do not.
_TLS_WANTED = (307, 426)


class Unreachable(TwintapError):
    """No daemon answers, or what answers is no twintap daemon."""


class Client:
    """Speaks to one daemon: `url`, `token` as given, or from `TWINTAP_URL`, `TWINTAP_TOKEN`, the folder."""

    def __init__(self, url: str | None = None, token: str | None = None, data: Path | None = None) -> None:
        """Raises `Unreachable` if the URL is none, or no token is to be found."""
        self.url = (url or os.environ.get("TWINTAP_URL") or DEFAULT_URL).rstrip("/")
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Unreachable(f"TWINTAP_URL is {clean(self.url)}; it has to look like {DEFAULT_URL}")
        self.host = parts.hostname
        self.is_sealed = parts.scheme == "https"
        folder = data or default_path()
        found = token or os.environ.get("TWINTAP_TOKEN") or read_admin_token(folder)
        if not found or not found.isascii() or not found.isprintable():
            raise Unreachable(
                f"there is no token in {folder}; start the daemon (`twintap serve`), "
                "or set TWINTAP_DATA or TWINTAP_TOKEN"
            )
        self._headers = {"Authorization": f"Bearer {found}"}
        # No proxy of the environment: a token and a key go to the daemon alone.
        self._trusted = client_context(folder) if self.is_sealed else None

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        """There is nothing to close: every request has a connection of its own."""

    async def is_own(self) -> bool:
        """Whether the daemon runs on this computer."""
        own = await asyncio.to_thread(addresses.own_addresses)
        return await asyncio.to_thread(addresses.is_own, self.host, own)

    async def is_private(self) -> bool:
        """Whether what is sent goes sealed, or does not leave this computer: a key or a password may go."""
        return self.is_sealed or await self.is_own()

    def _distrusted(self) -> Unreachable:
        return Unreachable(
            f"the certificate of {self.url} is not one that this computer trusts; where the daemon runs, set "
            f"TWINTAP_DATA to its data folder; elsewhere see {self.url}/trust"
        )

    async def ask(
        self, method: str, path: str, body: Mapping[str, object] | None = None, *, query: str = ""
    ) -> Any:
        """Give the answer's JSON, None if it has none. `Refused` with the daemon's reason, `Unreachable`."""
        return _json(await self._asked(method, path + query, body))

    async def fetch(self, path: str, *, query: str = "") -> bytes:
        """Give the answer to a GET as it is. Raises as `ask` does."""
        return (await self._asked("GET", path + query, None)).content

    async def _asked(self, method: str, path: str, body: Mapping[str, object] | None) -> HttpAnswer:
        headers = self._headers if body is None else self._headers | {"Content-Type": "application/json"}
        try:
            answer = await ask_once(
                method,
                f"{self.url}/api/v1{path}",
                headers,
                None if body is None else json.dumps(body).encode(),
                trusted=self._trusted,
                within_s=_ANSWER_WITHIN_S,
            )
        except TimeoutError:
            raise Unreachable(f"the daemon at {self.url} does not answer; is it hung?") from None
        except (OSError, HTTPException, ValueError) as error:
            if isinstance(error, ssl.SSLCertVerificationError):
                raise self._distrusted() from None
            raise Unreachable(
                f"no daemon answers at {self.url}; start one with `twintap serve`, or set TWINTAP_URL"
            ) from None
        if answer.status in _TLS_WANTED:
            raise Unreachable(f"the daemon at {self.url} speaks TLS: write https:// in TWINTAP_URL")
        if answer.is_success:
            return answer
        raise Refused(_fault(_json(answer), answer.status, self.url))

    async def watch(self, room: str | None) -> AsyncIterator[dict[str, Any]]:
        """Give every event as it comes; `Unreachable` when the daemon goes, `Refused` if it refuses."""
        # Loaded by those who watch alone.
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidURI

        parts = urlsplit(self.url)
        path = (
            parts.path + "/api/v1" + (f"/rooms/{quote(room, safe='')}" if room is not None else "") + "/watch"
        )
        address = urlunsplit(("wss" if self.is_sealed else "ws", parts.netloc, path, "", ""))
        try:
            async with connect(
                address, additional_headers=self._headers, proxy=None, ssl=self._trusted
            ) as socket:
                async for message in socket:
                    found = json.loads(message)
                    if not isinstance(found, dict):
                        continue
                    event = cast("dict[str, Any]", found)
                    if "error" in event:
                        raise Refused(_fault(event, 0, self.url))
                    yield event
        except ConnectionClosed:
            pass
        except ssl.SSLCertVerificationError:
            raise self._distrusted() from None
        except (OSError, InvalidHandshake, InvalidURI, ValueError):
            raise Unreachable(
                f"no daemon answers at {self.url}; start one with `twintap serve`, or set TWINTAP_URL"
            ) from None
        raise Unreachable(f"the daemon at {self.url} has gone")


def room_path(room: str, rest: str = "") -> str:
    """Give the path of a room, whatever its name."""
    return f"/rooms/{quote(room, safe='')}{rest}"


def _json(answer: HttpAnswer) -> Any:
    try:
        return json.loads(answer.content) if answer.content else None
    except ValueError:
        return None


def _fault(content: object, status: int, url: str) -> Fault:
    found = cast("dict[str, Any]", content).get("error") if isinstance(content, dict) else None
    if not isinstance(found, dict):
        return Fault("http", f"{url} answers {status} and is no twintap daemon; check TWINTAP_URL")
    error = cast("dict[str, Any]", found)
    retry = error.get("retry_after_ms")
    return Fault(
        code=clean(str(error.get("code"))),
        message=clean(str(error.get("message")), 500),
        field=str(error["field"]) if "field" in error else None,
        side=str(error["side"]) if "side" in error else None,
        retry_after_ms=retry if isinstance(retry, int) else None,
    )
