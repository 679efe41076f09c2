"""Discovery: pulsers are heard by DNS-SD, and this daemon makes itself known by it.

What mDNS says is hostile text until parsed, and it decides nothing: it is only a hint where a pulser of ours
may be. The pulser itself has to prove who it is before anything happens.
"""

import asyncio
import contextlib
import ipaddress
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import cast

from zeroconf import (
    BadTypeInNameException,
    Error,
    IPVersion,
    ServiceInfo,
    ServiceStateChange,
    Zeroconf,
)
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from twintap_protocol import frames

from . import addresses

_log = logging.getLogger(__name__)

PULSER_SERVICE = "_twintap-pulser._udp.local."
DAEMON_SERVICE = "_twintap._udp.local."

_FOREIGN_MAX = 64  # more than one house has; a flood of names must not fill the memory
_OWN_MAX = 2_000  # as many pulsers as can be paired
_RESOLVING_MAX = 32
_RESOLVE_WITHIN_MS = 3_000
_INTERFACES_EVERY_S = 5.0  # a pulser on a network just joined is found within this and its own rhythm


@dataclass(frozen=True, slots=True)
class Heard:
    """One announcement of a pulser. `daemon_id` None: it is nobody's."""

    id: str
    daemon_id: str | None
    host: str
    port: int

    @property
    def address(self) -> str:
        """Where it said it is."""
        return f"{self.host}:{self.port}"


@dataclass(slots=True)
class Foreign:
    """The pulsers heard that are not this daemon's; the newest few. Of its own, only that they are heard."""

    _heard: OrderedDict[str, Heard] = field(default_factory=OrderedDict[str, Heard])
    _own: OrderedDict[str, None] = field(default_factory=OrderedDict[str, None])

    def put(self, heard: Heard) -> None:
        """Remember one, in place of what it said before."""
        self._own.pop(heard.id, None)
        self._heard[heard.id] = heard
        self._heard.move_to_end(heard.id)
        while len(self._heard) > _FOREIGN_MAX:
            self._heard.popitem(last=False)

    def put_own(self, pulser_id: str) -> None:
        """Remember that one which says to be this daemon's is announced."""
        self.drop(pulser_id)
        self._own[pulser_id] = None
        while len(self._own) > _OWN_MAX:
            self._own.popitem(last=False)

    def drop(self, pulser_id: str) -> None:
        """Forget one, if it is there."""
        self._heard.pop(pulser_id, None)
        self._own.pop(pulser_id, None)

    def hears(self, pulser_id: str) -> bool:
        """Whether a pulser is announced by mDNS now, whoever's it says to be."""
        return pulser_id in self._own or pulser_id in self._heard

    def heard(self) -> list[Heard]:
        """Give all of them."""
        return list(self._heard.values())


def read_announcement(
    texts: Mapping[bytes, bytes | None], hosts: list[str], port: int | None
) -> Heard | None:
    """Give what a pulser's DNS-SD records say, or None if they are not those of a pulser."""
    pulser_id = _hex(texts.get(b"id"))
    daemon_id = _hex(texts.get(b"daemon"))
    if pulser_id is None or port is None or not 1 <= port <= 65_535:
        return None
    for host in hosts:
        try:
            address = ipaddress.IPv4Address(host)
        except ValueError:
            continue
        if not (
            address.is_multicast
            or address.is_unspecified
            or address == ipaddress.IPv4Address("255.255.255.255")
        ):
            return Heard(pulser_id, daemon_id, str(address), port)
    return None


def _hex(raw: bytes | None) -> str | None:
    if raw is None or len(raw) != 2 * frames.ID_LEN:
        return None
    try:
        return bytes.fromhex(raw.decode("ascii")).hex()
    except (ValueError, UnicodeDecodeError):
        return None


class Discovery:
    """Hears pulsers and announces the daemon, on the interfaces that are served, as they come and go."""

    def __init__(
        self,
        *,
        daemon_id: bytes,
        host: str,
        port: int,
        heard_of: Callable[[bytes, str, int], None],
        foreign: Foreign,
    ) -> None:
        """`heard_of(pulser_id, host, port)` hears of pulsers that say they are ours; `foreign`: of others."""
        self._daemon_id = daemon_id
        self._host = host
        self._port = port
        self._heard_of = heard_of
        self._foreign = foreign
        self._zeroconf: AsyncZeroconf | None = None
        self._browser: AsyncServiceBrowser | None = None
        self._ids: OrderedDict[str, str] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._on: list[str] = []
        self._complained = False

    async def start(self) -> None:
        """Begin. A network without multicast is no failure: pulsers still say hello by themselves."""
        await self._follow_interfaces()
        self._keeper = asyncio.create_task(self._keep(), name="discovery")

    async def close(self) -> None:
        """Say goodbye and end."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self._shut()

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_INTERFACES_EVERY_S)
            await self._follow_interfaces()

    async def _follow_interfaces(self) -> None:
        own = await asyncio.to_thread(addresses.own_addresses)
        now = addresses.served_addresses(self._host, own)
        if now == self._on:
            return
        await self._shut()
        try:
            await self._open(now)
        except (OSError, Error) as error:
            await self._shut()
            if not self._complained:
                self._complained = True
                _log.warning(
                    "mDNS does not work here (%s); pulsers are found by their own hello alone", error
                )
        else:
            self._on = now
            self._complained = False

    async def _open(self, hosts: list[str]) -> None:
        # The constructor binds sockets, which does not wait.
        self._zeroconf = AsyncZeroconf(interfaces=list(hosts), ip_version=IPVersion.V4Only)
        await self._zeroconf.zeroconf.async_wait_for_start()
        self._browser = AsyncServiceBrowser(self._zeroconf.zeroconf, PULSER_SERVICE, handlers=[self._changed])
        self._spawn(self._announce(self._zeroconf, hosts))

    async def _announce(self, zeroconf: AsyncZeroconf, hosts: list[str]) -> None:
        # Loopback is of use only to those who have nothing else.
        reachable = [host for host in hosts if not ipaddress.ip_address(host).is_loopback] or hosts
        name = f"twintap-{self._daemon_id.hex()}"
        info = ServiceInfo(
            DAEMON_SERVICE,
            f"{name}.{DAEMON_SERVICE}",
            port=self._port,
            properties={"id": self._daemon_id.hex(), "v": "1"},
            server=f"{name}.local.",
            parsed_addresses=reachable,
        )
        try:
            # The name has this daemon's random id in it: nobody has it already, and asking costs a second.
            register = cast(
                "Callable[..., Awaitable[Awaitable[None]]]",
                zeroconf.async_register_service,  # pyright: ignore[reportUnknownMemberType]
            )
            await (await register(info, cooperating_responders=True))
        except (OSError, Error) as error:
            _log.warning("this daemon cannot announce itself by mDNS (%s)", error)

    async def _shut(self) -> None:
        self._on = []
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        browser, self._browser = self._browser, None
        zeroconf, self._zeroconf = self._zeroconf, None
        with contextlib.suppress(OSError, Error):
            if browser is not None:
                await browser.async_cancel()
        with contextlib.suppress(OSError, Error):
            if zeroconf is not None:
                await zeroconf.async_unregister_all_services()
                await zeroconf.async_close()

    # -- what is heard -------------------------------------------------------------------------------------

    def _changed(
        self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        if state_change is ServiceStateChange.Removed:
            pulser_id = self._ids.pop(name, None)
            if pulser_id is not None:
                self._foreign.drop(pulser_id)
            return
        try:
            info = AsyncServiceInfo(service_type, name)
        except BadTypeInNameException:
            return
        # A pulser's announcement carries all its records: mostly nothing has to be asked.
        if info.load_from_cache(zeroconf):
            self._take(name, info)
        elif len(self._tasks) < _RESOLVING_MAX:
            self._spawn(self._resolve(zeroconf, name, info))

    async def _resolve(self, zeroconf: Zeroconf, name: str, info: AsyncServiceInfo) -> None:
        with contextlib.suppress(OSError, Error):
            if await info.async_request(zeroconf, _RESOLVE_WITHIN_MS):
                self._take(name, info)

    def _take(self, name: str, info: AsyncServiceInfo) -> None:
        heard = read_announcement(info.properties, info.parsed_addresses(IPVersion.V4Only), info.port)
        if heard is None:
            return
        self._ids[name] = heard.id
        while len(self._ids) > _FOREIGN_MAX:
            self._ids.popitem(last=False)
        if heard.daemon_id == self._daemon_id.hex():
            self._foreign.put_own(heard.id)
            self._heard_of(bytes.fromhex(heard.id), heard.host, heard.port)
        else:
            self._foreign.put(heard)

    def _spawn(self, doing: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(doing, name="discovery: mdns")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
