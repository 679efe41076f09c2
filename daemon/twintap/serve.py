"""`twintap serve`: the whole daemon, from the data folder to the last motor off."""

import asyncio
import contextlib
import errno
import gc
import json
import logging
import os
import shutil
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from . import addresses
from .access import acl, links
from .access.certificates import Certificates
from .access.offers import Offers
from .access.server import Server
from .access.trusted import FOLDER, client_context
from .api import create_app
from .api.context import Context
from .api.warm import warm_up
from .awake import Awake
from .discovery import Discovery, Foreign
from .errors import StartupError
from .folder import default_path, read_admin_token
from .journal.journal import Journal
from .rooms.hub import Hub
from .sessions.desk import Desk
from .store import Store
from .virtual import VirtualPairs

_log = logging.getLogger(__name__)

DEFAULT_PORT = 8700
_PORTS_TRIED = 8
_READY_WITHIN_S = 40.0
_READY_POLL_S = 0.1
# A tablet that fell asleep is noticed within the sum of both.
_PING_EVERY_S = 5.0
_PONG_WITHIN_S = 5.0
_HTTP_END_WITHIN_S = 1


@dataclass(frozen=True, slots=True)
class Options:
    """What `twintap serve` was told. `port` 0: any that is free. `json`: one line of JSON when ready.

    `tls`: speak it to the network; a daemon that serves loopback alone has no use for it.
    """

    data: Path
    host: str
    port: int
    virtual: int
    air: str
    json: bool = False
    tls: bool = True


async def serve(options: Options, say: Callable[[str], None]) -> None:
    """Run until SIGTERM or SIGINT, then stop every set. StartupError or StoreError if it cannot begin."""
    stop = asyncio.Event()
    _on_signals(stop)
    async with contextlib.AsyncExitStack() as stack:
        store = await asyncio.to_thread(Store.open, options.data)
        stack.callback(store.close)
        await _warn_of_others(options.data)
        host = await _resolved(options.host)
        journal = await asyncio.to_thread(Journal.open, store.path, daemon_id=store.daemon_id)
        stack.push_async_callback(journal.close)
        listener, hub = await _bind(host, options.port, store)
        stack.callback(listener.close)
        motors_off = _Once(hub.close)
        stack.push_async_callback(motors_off)
        awake = Awake()
        stack.push_async_callback(awake.close)
        desk = Desk(hub, journal, store.path, awake=awake)
        stack.push_async_callback(desk.close)
        await desk.open()
        copying = asyncio.create_task(journal.daily(lambda: not hub.any_set_on()), name="daily copy")
        stack.push_async_callback(_cancelled, copying)
        foreign = Foreign()
        names = await asyncio.to_thread(addresses.own_names, store.daemon_id.hex())
        app = create_app(hub, store, journal, desk, host=host, names=names, foreign=foreign)
        stack.push_async_callback(app.state.context.pairings.close)
        certificates = await _certificates(options, host, store)
        app.state.context.certificates = certificates
        server = Server(_server_config(app), listener, certificates and certificates.leaf.context)
        serving = asyncio.create_task(server.run_here(), name="http")
        stack.push_async_callback(_end_http, server, serving)
        if certificates is not None:
            following = asyncio.create_task(certificates.follow(server.present), name="certificates")
            stack.push_async_callback(_cancelled, following)
        discovery = Discovery(
            daemon_id=store.daemon_id, host=host, port=hub.port, heard_of=hub.heard_of, foreign=foreign
        )
        # Pushed before it is started: what a failed start has opened is closed as well.
        stack.push_async_callback(discovery.close)
        await discovery.start()
        pairs = await _virtual(options, hub, store, host, stack, stop)
        await _warm_up(host, hub.port, store, tls=certificates is not None)
        if not stop.is_set():
            await _tell(options, app.state.context, pairs, say, stop)
        # What was made so far stays: the collector need not walk it again and again while sets run.
        gc.collect()
        gc.freeze()
        await _first(serving, stop)
        # Motors first, while all that could carry a stop still runs.
        await motors_off()
        if serving.done() and not stop.is_set():
            raise StartupError("the HTTP server ended by itself")


async def _resolved(host: str) -> str:
    try:
        return await asyncio.to_thread(addresses.resolve_host, host)
    except OSError:
        raise StartupError(f"--host {host} names no IPv4 address of this computer") from None


async def _bind(host: str, port: int, store: Store) -> tuple[socket.socket, Hub]:
    """Bind TCP and UDP to one port; any that both have free if `port` is 0."""
    for _ in range(_PORTS_TRIED):
        listener = _listen(host, port)
        hub = Hub(store, host=host, port=listener.getsockname()[1])
        try:
            await hub.start()
        except StartupError:
            listener.close()
            if port:
                raise
        except BaseException:
            listener.close()
            raise
        else:
            return listener, hub
    raise StartupError(f"no port of {host} is free for both TCP and UDP; choose one with --port")


def _listen(host: str, port: int) -> socket.socket:
    # The protocol by its number, or asyncio leaves TCP_NODELAY off, and answers wait 40 ms for an ACK.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            # On Windows this would let a second daemon take the same port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE)):
            text = f"port {port} of {host} is busy: another daemon, perhaps; choose another with --port"
        elif error.errno == errno.EACCES:
            text = f"port {port} may not be used ({error.strerror}); choose one above 1023 with --port"
        else:
            text = f"{host}:{port} cannot be served ({error.strerror}); check --host"
        raise StartupError(text) from None
    return listener


def _server_config(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType] - an ASGI application
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        server_header=False,
        date_header=False,
        proxy_headers=False,
        ws_max_size=64 * 1024,
        ws_ping_interval=_PING_EVERY_S,
        ws_ping_timeout=_PONG_WITHIN_S,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_HTTP_END_WITHIN_S,
    )


async def _warm_up(host: str, port: int, store: Store, *, tls: bool) -> None:
    token = await asyncio.to_thread(read_admin_token, store.path)
    reached = addresses.LOOPBACK if host == addresses.ANY else host
    sealed = tls and not addresses.is_loopback(reached)
    trusted = await asyncio.to_thread(client_context, store.path) if sealed else None
    try:
        if token is not None:
            await warm_up(reached, port, token, trusted)
    except (OSError, TimeoutError) as error:
        _log.warning("this daemon does not answer itself at %s:%d (%s)", host, port, error)


class _Once:
    """Awaits something the first time it is called."""

    def __init__(self, do: Callable[[], Awaitable[None]]) -> None:
        self._do: Callable[[], Awaitable[None]] | None = do

    async def __call__(self) -> None:
        do, self._do = self._do, None
        if do is not None:
            await do()


async def _warn_of_others(data: Path) -> None:
    warning = await asyncio.to_thread(acl.warning_for, data)
    if warning is not None:
        _log.warning("%s", warning)


async def _certificates(options: Options, host: str, store: Store) -> Certificates | None:
    """Give the certificates to serve the network with; None on loopback, or if it was wished so."""
    if addresses.is_loopback(host):
        return None
    if not options.tls:
        _log.warning(
            "without TLS, everybody on this network can read what happens in the rooms, and take them over"
        )
        return None
    certificates = await asyncio.to_thread(Certificates.open, store.path, host, store.daemon_id)
    if certificates.outside:
        _log.warning(
            "this computer's authority was made for other names; browsers will warn at %s. To mend it, move "
            "%s away: a new one is made, and every device has to trust it anew",
            ", ".join(certificates.outside),
            store.path / FOLDER,
        )
    return certificates


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _end_http(server: Server, serving: "asyncio.Task[None]") -> None:
    server.should_exit = True
    await asyncio.gather(serving, return_exceptions=True)


async def _virtual(
    options: Options, hub: Hub, store: Store, host: str, stack: contextlib.AsyncExitStack, stop: asyncio.Event
) -> VirtualPairs | None:
    if options.virtual == 0:
        return None
    pairs = VirtualPairs(hub, store, host=host, pairs=options.virtual, air=options.air)
    stack.push_async_callback(pairs.close)
    starting = asyncio.create_task(pairs.start(), name="virtual pairs")
    await _first(starting, stop)
    if not starting.done():
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        return pairs
    try:
        starting.result()
    except* StartupError as errors:
        raise _first_of(errors) from None
    return pairs


def _first_of(errors: BaseExceptionGroup[StartupError]) -> StartupError:
    found = errors.exceptions[0]
    return _first_of(found) if isinstance(found, BaseExceptionGroup) else found


async def _first(task: "asyncio.Task[None]", stop: asyncio.Event) -> None:
    """Wait until the task is done or the daemon shall stop."""
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait((task, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)


# -- what the person is told -------------------------------------------------------------------------------


async def _tell(
    options: Options,
    context: Context,
    pairs: VirtualPairs | None,
    say: Callable[[str], None],
    stop: asyncio.Event,
) -> None:
    hub, store, host, offers = context.hub, context.store, context.host, context.offers
    own = await asyncio.to_thread(addresses.own_addresses)
    served = addresses.served_addresses(host, own)
    urls = [links.base_url(address, hub.port, tls=context.tls) for address in served]
    rooms = pairs.rooms if pairs is not None else []
    here = links.base_url(addresses.LOOPBACK if host == addresses.ANY else host, hub.port, tls=context.tls)
    name = await asyncio.to_thread(_command_name)
    command = command_prefix(store.path, hub.port, host, tls=context.tls) + name
    # The port answers from here on, so the address can be said before the clocks are known.
    if not options.json:
        say(f"twintap serves {urls[0]}" + (f" and {', '.join(urls[1:])}" if urls[1:] else ""))
        say(f"its data is in {store.path}")
        say(f"open it: {_admin_link(offers, here)}")
        say(f"   (once, within 10 minutes; another link: {command} open)")
        if context.certificates is not None:
            authority = context.certificates.authority
            say(f"for other devices, once each: {urls[0]}/trust   The certificate there has the SHA-256")
            say(f"   {authority.fingerprint}")
    waiting = asyncio.create_task(_until_ready(hub, rooms), name="virtual pairs: ready")
    await _first(waiting, stop)
    if not waiting.done():
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return
    views = [hub.room(room) for room in rooms]
    if options.json:
        told = {
            "url": here,
            "open": _admin_link(offers, here),
            "urls": urls,
            "port": hub.port,
            "data": str(store.path),
            "rooms": {view.name: view.ready for view in views},
        }
        say(json.dumps(told))
        _advise(store, host, pairs)
        return
    for view in views:
        if view.ready:
            tap, stop_it = (f"{command} set {do} {view.name}" for do in ("start", "stop"))
            say(f"{view.name} is ready.  Tap: {tap}   Stop: {stop_it}")
        else:
            why = "; ".join(problem.message for problem in view.problems) or "its clocks are not known yet"
            say(f"{view.name} is not ready yet: {why}")
    _advise(store, host, pairs)
    say("Ctrl-C stops every set and ends the daemon.")


def _admin_link(offers: Offers, base: str) -> str:
    """Make the link by which this computer's own browser gets the rights of its owner, once."""
    text, _ = offers.make("admin", None, giver="system")
    return links.join_link(base, text)


def _advise(store: Store, host: str, pairs: VirtualPairs | None) -> None:
    """Say on stderr, where it breaks no JSON, that real pulsers are out of reach."""
    virtual = pairs.pulser_ids if pairs is not None else set[bytes]()
    real = [pairing for pairing in store.pairings() if pairing.pulser_id not in virtual]
    if host.startswith("127.") and (real or pairs is None):
        _log.warning("real pulsers cannot reach %s: for them, serve with --host 0.0.0.0", host)


async def _until_ready(hub: Hub, rooms: list[str]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_READY_WITHIN_S):
            while not all(hub.room(room).ready for room in rooms):  # noqa: ASYNC110 - once, at the start
                await asyncio.sleep(_READY_POLL_S)


def command_prefix(data: Path, port: int, host: str, *, tls: bool) -> str:
    """Give what has to stand before a command so that it finds this daemon; nothing, if all is as usual."""
    parts: list[str] = []
    if data != default_path().absolute():
        parts.append(f"TWINTAP_DATA={_quoted(str(data))}")
    reached = addresses.LOOPBACK if host == addresses.ANY else host
    url = links.base_url(reached, port, tls=tls)
    if (os.environ.get("TWINTAP_URL") or f"http://{addresses.LOOPBACK}:{DEFAULT_PORT}").rstrip("/") != url:
        parts.append(f"TWINTAP_URL={url}")
    return "".join(part + " " for part in parts)


def _quoted(text: str) -> str:
    return (
        text
        if text.replace("/", "").replace("-", "").replace("_", "").replace(".", "").isalnum()
        else f"'{text}'"
    )


def _command_name() -> str:
    """Give `twintap` if that is what a shell finds, else the path of the command beside this Python."""
    found = shutil.which("twintap")
    beside = Path(sys.executable).parent / "twintap"
    if (found is not None and Path(found).resolve() == beside.resolve()) or not beside.exists():
        return "twintap"
    with contextlib.suppress(ValueError):
        return str(beside.relative_to(Path.cwd()))
    return str(beside)


def _on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()

    def end(_signal: int, _frame: object) -> None:
        loop.call_soon_threadsafe(stop.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows
            signal.signal(number, end)
