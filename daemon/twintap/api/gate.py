"""Who may do what: tokens, roles, rooms. And, before that, whether a request means this daemon at all."""

import asyncio
import ipaddress
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import addresses
from ..errors import Fault, Refused
from ..store import Store
from ..tokens import Role, Token, digest_of
from .faults import error_response

BODY_MAX = 64 * 1024
# A wrong token waits this long for its answer, and no more than so many wait at once.
_WRONG_TOKEN_S = 0.5
_WAITING_MAX = 32


def _now() -> datetime:
    return datetime.now(UTC)


class Gate:
    """Checks tokens. One that is wrong is answered slowly; a stop never is."""

    def __init__(self, store: Store, now: Callable[[], datetime] = _now) -> None:
        """Take the store that knows the tokens, and a clock for their ends."""
        self._store = store
        self._now = now
        self._waiting = 0

    async def admit(self, header: str | None, roles: frozenset[Role], room: str | None = None) -> Token:
        """Give the token in an Authorization header, if its role is among `roles` and `room` among its rooms.

        Raises `Refused`: "token" (slowly), "role", "room", or "slower" if too many wrong ones wait.
        """
        token = self._find(header)
        if token is None or not token.valid_at(self._now()):
            if self._waiting >= _WAITING_MAX:
                raise Refused(
                    Fault("slower", "too many wrong tokens at once; wait a moment", retry_after_ms=1_000)
                )
            self._waiting += 1
            try:
                await asyncio.sleep(_WRONG_TOKEN_S)
            finally:
                self._waiting -= 1
            raise _no_token()
        self.check(token, roles, room)
        return token

    def check(self, token: Token, roles: frozenset[Role], room: str | None) -> None:
        """Raise `Refused` unless a token found before is still valid and allows it."""
        if not token.valid_at(self._now()) or not self._still(token):
            raise _no_token()
        if token.role not in roles:
            allowed = ", ".join(sorted(roles - {"admin"})) or "this computer's own token"
            raise Refused(Fault("role", f"a token of the role {token.role} may not do this; {allowed} may"))
        if room is not None and not token.names(room):
            raise Refused(Fault("room", "this token is for other rooms"))

    def admit_stop(self, header: str | None, room: str) -> Token:
        """Give the token, at once, if it may stop `room`: valid within the last 24 h, and no logger's."""
        token = self._find(header)
        if token is None:
            raise _no_token()
        self.check_stop(token, room)
        return token

    def check_stop(self, token: Token, room: str) -> None:
        """Raise `Refused` unless a token found before may stop `room`."""
        current = self._store.find_token(token.digest) or token
        if not current.names(room):
            raise Refused(Fault("room", "this token is for other rooms"))
        if not current.may_stop_at(self._now()):
            if current.role == "logger":
                raise Refused(Fault("role", "a logger's token may not stop"))
            raise _no_token()

    def _still(self, token: Token) -> bool:
        current = self._store.find_token(token.digest)
        return current is not None and current.valid_at(self._now())

    def _find(self, header: str | None) -> Token | None:
        scheme, _, text = (header or "").partition(" ")
        return self._store.find_token(digest_of(text.strip())) if scheme.lower() == "bearer" else None


def _no_token() -> Refused:
    return Refused(Fault("token", "the token is missing, wrong, expired or revoked"))


class FrontDoor:
    """Lets in what names this daemon (a rebound name drives no room), from no other page, of a sane size."""

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        """Guard `app`; `names` are the host names, in lower case, under which it is known."""
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = _single(scope["headers"])
        fault = self._fault(headers, scope)
        if fault is not None:
            await _refuse(fault, scope, receive, send)
            return
        is_bounded = scope["type"] == "http" and not _is_stop(scope)
        await self._app(scope, _bounded(receive) if is_bounded else receive, send)

    def _fault(self, headers: dict[bytes, str], scope: Scope) -> Fault | None:
        header = headers.get(b"host", "")
        host = addresses.host_of(header)
        if host is None or not (host in self._names or _is_own_address(host, scope)):
            return Fault("host", "the Host header does not name this daemon; use one of its own addresses")
        origin = headers.get(b"origin")
        if origin is not None:
            scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
            if origin.lower() != f"{scheme}://{header.strip().lower()}":
                return Fault("origin", "pages of another origin may not use this daemon")
        length = headers.get(b"content-length", "0")
        # A stop's body is never read: whatever is said of it keeps nobody from stopping.
        if _is_stop(scope):
            return None
        if not length.isascii() or not length.isdigit() or int(length[:20]) > BODY_MAX:
            return Fault("large", "the body is larger than 64 KiB")
        return None


def _is_stop(scope: Scope) -> bool:
    path: str = scope["path"]
    return scope["type"] == "http" and scope["method"] == "POST" and path.endswith("/set/stop")


def _single(pairs: list[tuple[bytes, bytes]]) -> dict[bytes, str]:
    """Give the headers; one that comes twice counts as neither of both."""
    found: dict[bytes, str] = {}
    for name, value in pairs:
        found[name] = "" if name in found else value.decode("latin-1")
    return found


def _is_own_address(host: str, scope: Scope) -> bool:
    # A rebound name is a name; a number is what a person typed. It has to be where the request arrived.
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    server = scope.get("server")
    return address.is_loopback or (server is not None and server[0] == str(address))


def _bounded(receive: Receive) -> Receive:
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > BODY_MAX:
            raise HTTPException(413)
        return message

    return bounded


async def _refuse(fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await error_response(fault)(scope, receive, send)
        return
    extensions: dict[str, Any] = scope.get("extensions") or {}
    if "websocket.http.response" in extensions:
        response = error_response(fault)
        # Starlette turns a response in a WebSocket's scope into its denial.
        await response(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 4403, "reason": fault.code})
