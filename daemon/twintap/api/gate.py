"""Who may do what: tokens, roles, rooms. And, before that, whether a request means this daemon at all."""

import asyncio
import ipaddress
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .. import addresses
from ..errors import Fault, Refused, StoreError
from ..store import Store
from ..tokens import Role, Token, digest_of
from .faults import error_response

_log = logging.getLogger(__name__)

BODY_MAX = 64 * 1024
# A wrong token waits this long for its answer, and no more than so many wait at once.
_WRONG_TOKEN_S = 0.5
_WAITING_MAX = 32
# A token in use is written anew when it has used up this part of its life: a few times a day.
_SLIDE_STEP = 0.1
_LOOKED_AT_EVERY_S = 1.0

_T = TypeVar("_T")


def _now() -> datetime:
    return datetime.now(UTC)


def _none_open() -> Mapping[str, datetime]:
    return {}


class Gate:
    """Checks tokens. One that is wrong is answered slowly; a stop never is."""

    def __init__(
        self,
        store: Store,
        now: Callable[[], datetime] = _now,
        open_sessions: Callable[[], Mapping[str, datetime]] = _none_open,
    ) -> None:
        """Take the store that knows the tokens, and a clock for their ends.

        `open_sessions()` gives the rooms that have an open session, and since when: a browser that was joined
        when its room's session was opened stays joined until it is closed.
        """
        self._store = store
        self._now = now
        self._open_sessions = open_sessions
        self._waiting = 0
        self._sliding: dict[str, asyncio.Task[None]] = {}
        # A browser tells daemons on two ports of one computer apart by nothing but the cookie's name.
        self.cookie_name = f"twintap_{store.daemon_id.hex()[:8]}"

    def presented(self, connection: HTTPConnection) -> str | None:
        """Give what a request proves itself with, for `admit`: its Authorization header, else its cookie.

        A browser sends a cookie by itself. So it counts, for all that may change something and for every
        WebSocket, only if the browser says that a page of our own asked; else `Refused("origin")`.
        """
        header = connection.headers.get("authorization")
        if header is not None:
            return header
        text = connection.cookies.get(self.cookie_name)
        if text is None:
            return None
        is_safe = connection.scope["type"] == "http" and connection.scope["method"] in ("GET", "HEAD")
        # That an Origin which is there names this daemon has been seen at the front door.
        if not is_safe and "origin" not in connection.headers and not _same_origin(connection.headers):
            raise Refused(Fault("origin", "with a cookie, a request has to say of which page it is"))
        return f"Cookie {text}"

    async def admit(self, presented: str | None, roles: frozenset[Role], room: str | None = None) -> Token:
        """Give the token in an Authorization header, if its role is among `roles` and `room` among its rooms.

        `presented` is the header, or what `presented()` gave. Raises `Refused`: "token" (slowly, if there was
        one), "role", "room", or "slower" if too many wrong ones wait.
        """
        token = self._find(presented)
        if token is None or not self.is_valid(token):
            if presented is not None:
                await self.slow_down()
            raise _no_token()
        self.check(token, roles, room)
        return token

    def find_valid(self, presented: str | None) -> Token | None:
        """Give the token if it is one and valid, at once; for what needs no token and answers no guesses."""
        token = self._find(presented)
        return token if token is not None and self.is_valid(token) else None

    async def slow_down(self) -> None:
        """Let one who was wrong wait; `Refused("slower")` at once if too many do."""
        if self._waiting >= _WAITING_MAX:
            raise Refused(
                Fault("slower", "too many wrong tokens at once; wait a moment", retry_after_ms=1_000)
            )
        self._waiting += 1
        try:
            await asyncio.sleep(_WRONG_TOKEN_S)
        finally:
            self._waiting -= 1

    def check(self, token: Token, roles: frozenset[Role], room: str | None) -> None:
        """Raise `Refused` unless a token found before is still valid and allows it."""
        current = self._store.find_token(token.digest)
        if current is None or not self.is_valid(current):
            raise _no_token()
        if token.role not in roles:
            allowed = ", ".join(sorted(roles - {"admin"})) or "this computer's own token"
            raise Refused(Fault("role", f"a token of the role {token.role} may not do this; {allowed} may"))
        if room is not None and not token.names(room):
            raise Refused(Fault("room", "this token is for other rooms"))
        self._slide(current)

    def check_giver(self, digest: str) -> None:
        """Raise `Refused("offer")` unless the token that made an offer is valid still."""
        giver = self._store.find_token(digest)
        if giver is None or not self.is_valid(giver):
            raise Refused(Fault("offer", "who made this offer may not any longer; ask for another one"))

    async def next_of(self, token: Token, events: AsyncIterator[_T]) -> _T:
        """Wait for what comes next on a socket that `token` opened; `Refused("token")` once that has ended.

        Looked at each second: in a quiet room too, a socket ends with its token.
        """
        while True:
            try:
                async with asyncio.timeout(_LOOKED_AT_EVERY_S):
                    return await anext(events)
            except TimeoutError:
                current = self._store.find_token(token.digest)
                if current is None or not self.is_valid(current):
                    raise _no_token() from None

    def is_valid(self, token: Token) -> bool:
        """Whether a token may be used now; its role and its rooms are another matter."""
        if token.valid_at(self._now()):
            return True
        if not token.is_cookie or token.revoked_at is not None or token.expires_at is None:
            return False
        return any(
            token.names(room) and since < token.expires_at for room, since in self._open_sessions().items()
        )

    def admit_stop(self, presented: str | None, room: str) -> Token:
        """Give the token, at once, if it may stop `room`: valid within the last 24 h, and no logger's."""
        token = self._find(presented)
        if token is None:
            raise _no_token()
        self.check_stop(token, room)
        return token

    def check_stop(self, token: Token, room: str) -> None:
        """Raise `Refused` unless a token found before may stop `room`."""
        current = self._store.find_token(token.digest) or token
        if not current.names(room):
            raise Refused(Fault("room", "this token is for other rooms"))
        if current.role == "logger":
            raise Refused(Fault("role", "a logger's token may not stop"))
        if not (current.may_stop_at(self._now()) or self.is_valid(current)):
            raise _no_token()

    def _find(self, presented: str | None) -> Token | None:
        scheme, _, text = (presented or "").partition(" ")
        is_known = scheme.lower() in ("bearer", "cookie")
        return self._store.find_token(digest_of(text.strip())) if is_known else None

    def _slide(self, token: Token) -> None:
        """Let a browser's token that is in use live on; kept on the disk now and then, beside the request."""
        if token.slide_s is None or token.expires_at is None or token.digest in self._sliding:
            return
        now, slide = self._now(), timedelta(seconds=token.slide_s)
        if token.expires_at - now > slide * (1 - _SLIDE_STEP):
            return
        task = asyncio.create_task(self._renew(token.digest, now + slide), name="token: renewed")
        self._sliding[token.digest] = task
        task.add_done_callback(lambda _: self._sliding.pop(token.digest, None))

    async def _renew(self, digest: str, expires_at: datetime) -> None:
        try:
            await asyncio.to_thread(self._store.renew_token, digest, expires_at)
        except (StoreError, Refused) as error:
            _log.warning("a browser's token could not be renewed: %s", error)


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
        if scope["type"] == "http":
            send = _private(send)
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
        # A page that gives no referrer has the origin "null" in some requests; whose it is, the browser says.
        if origin is not None and not (origin == "null" and _same_origin(_text(headers))):
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


def _same_origin(headers: Mapping[str, str]) -> bool:
    # No script can set this header, and only newer browsers do.
    return headers.get("sec-fetch-site") == "same-origin"


def _text(headers: Mapping[bytes, str]) -> dict[str, str]:
    return {name.decode("latin-1"): value for name, value in headers.items()}


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


# What holds of every answer that does not say otherwise: no browser keeps it when its page has gone (a tablet
# is lent, and left behind), takes it for something else, or lets a page of another origin draw it in.
_PRIVATE: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


def _private(send: Send) -> Send:
    async def private(message: Message) -> None:
        if message["type"] == "http.response.start":
            said: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
            names = {name.lower() for name, _ in said}
            added = [pair for pair in _PRIVATE if pair[0] not in names]
            message = {**message, "headers": [*said, *added]}
        await send(message)

    return private


async def _refuse(fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await error_response(fault)(scope, receive, send)
        return
    # Answered as 403. A body for it, which no page could read, the server would take for a fault and log.
    await send({"type": "websocket.close", "code": 4403, "reason": fault.code})
