"""Looks at the network: mDNS out and in, the pulsers' UDP port, the page. Everything here may block."""

import contextlib
import ipaddress
import secrets
import select
import socket
import ssl
import struct
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import ifaddr

from twintap_protocol import frames

from .. import addresses
from ..access.links import base_url
from ..access.trusted import client_context
from ..names import clean
from .facts import Multicast, Page, Udp

if TYPE_CHECKING:
    import httpx

_GROUP, _PORT = "224.0.0.251", 5353  # RFC 6762, section 3
_TTL = 255  # RFC 6762, section 11
_LISTEN_S = 1.2
_ASK_AGAIN_S = 0.4  # a datagram may be lost, and a card that slept takes the first one to wake
_QUESTION_PTR, _CLASS_IN = 12, 1  # RFC 1035, sections 3.2.2 and 3.2.4
_SERVICES = "_services._dns-sd._udp.local"  # RFC 6763, section 9: whoever has a service answers
_OTHERS_MAX = 256
_ADDRESSES_MAX = 16
# Of Linux, and not in Python's module: hear only what comes to the group that this very socket has joined.
_IP_MULTICAST_ALL = 49

_UDP_TRIES, _UDP_ANSWER_S = 2, 0.4
_OTHER_MAJOR = 0xF0
_PAGE_WITHIN_S = 3.0


def interfaces() -> list[tuple[str, str]]:
    """Give each IPv4 address of this computer with its interface's name, loopback last, some at most."""
    found = [
        (clean(adapter.nice_name, 60), str(address.ip))
        for adapter in ifaddr.get_adapters()
        for address in adapter.ips
        if address.is_IPv4
    ]
    return sorted(found, key=lambda pair: (ipaddress.ip_address(pair[1]).is_loopback, pair))[:_ADDRESSES_MAX]


# -- mDNS --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Ear:
    """One address on which a question is asked."""

    interface: str
    address: str
    token: bytes
    hearing: socket.socket | None = None
    asking: socket.socket | None = None
    fault: str | None = None
    came_back: bool = False
    others: set[str] = field(default_factory=set[str])

    def open(self) -> None:
        own = socket.inet_aton(self.address)
        self.hearing = _reusable()
        if sys.platform == "linux":
            self.hearing.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        self.hearing.bind(("", _PORT))
        membership = socket.inet_aton(_GROUP) + own
        self.hearing.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        self.asking = _reusable()
        self.asking.bind((self.address, _PORT))
        self.asking.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
        # As bytes: the BSDs take no wider number here.
        for option, value in ((socket.IP_MULTICAST_TTL, _TTL), (socket.IP_MULTICAST_LOOP, 1)):
            self.asking.setsockopt(socket.IPPROTO_IP, option, struct.pack("B", value))

    def ask(self) -> None:
        if self.asking is not None and self.fault is None:
            try:
                self.asking.sendto(question(self.token), (_GROUP, _PORT))
            except OSError as error:
                self.fault = error.strerror or str(error)

    def hear(self, data: bytes, sender: str, own: Collection[str]) -> None:
        if self.token in data:
            self.came_back = True
        elif sender not in own and len(self.others) < _OTHERS_MAX:
            self.others.add(sender)

    def close(self) -> None:
        for one in (self.hearing, self.asking):
            if one is not None:
                one.close()


def _reusable() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return made


def question(token: bytes) -> bytes:
    """Give a question by mDNS: for a name that nobody has, and for whatever service there is."""
    names = (token.decode("ascii") + "._twintap._udp.local", _SERVICES)
    head = struct.pack("!6H", 0, 0, len(names), 0, 0, 0)
    tail = struct.pack("!2H", _QUESTION_PTR, _CLASS_IN)
    return head + b"".join(_dns_name(name) + tail for name in names)


def _dns_name(name: str) -> bytes:
    labels = [label.encode("ascii") for label in name.split(".")]
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def multicast(found: Sequence[tuple[str, str]]) -> list[Multicast]:
    """Ask by mDNS on each (interface, address), and listen for about a second."""
    ears = [
        _Ear(interface, address, b"doctor-" + secrets.token_hex(8).encode("ascii"))
        for interface, address in found
    ]
    own = {address for _, address in found}
    try:
        for ear in ears:
            try:
                ear.open()
            except OSError as error:
                ear.fault = error.strerror or str(error)
        _listen(ears, own)
    finally:
        for ear in ears:
            ear.close()
    return [
        Multicast(
            ear.interface,
            ear.address,
            addresses.is_loopback(ear.address),
            None if ear.came_back else ear.fault,
            ear.came_back,
            len(ear.others),
        )
        for ear in ears
    ]


def _listen(ears: Sequence[_Ear], own: Collection[str]) -> None:
    by_socket: dict[socket.socket, _Ear] = {}
    for ear in ears:
        if ear.fault is None:
            by_socket |= {one: ear for one in (ear.hearing, ear.asking) if one is not None}
    until_s, ask_at_s = time.monotonic() + _LISTEN_S, 0.0
    while by_socket and (now_s := time.monotonic()) < until_s:
        if now_s >= ask_at_s:
            for ear in ears:
                ear.ask()
            ask_at_s = now_s + _ASK_AGAIN_S
        # With nothing but loopback there is nobody else to wait for.
        if all(
            ear.fault is not None or (ear.came_back and addresses.is_loopback(ear.address)) for ear in ears
        ):
            return
        for one in select.select(list(by_socket), [], [], min(until_s, ask_at_s) - now_s)[0]:
            try:
                data, sender = one.recvfrom(9_000)
            except OSError:
                continue
            by_socket[one].hear(data, str(sender[0]), own)


# -- the pulsers' port -------------------------------------------------------------------------------------


def udp(port: int, hosts: Sequence[str], seen_from: Sequence[str]) -> Udp:
    """Ask the daemon for its answer by UDP at each of `hosts`; with none, see whether the port is free."""
    if not hosts:
        return Udp(port, is_held=_is_held(port), seen_from=tuple(seen_from))
    with ThreadPoolExecutor(max_workers=min(len(hosts), 4)) as pool:
        found = dict(zip(hosts, pool.map(partial(_answers, port), hosts), strict=True))
    return Udp(
        port,
        is_held=True,
        answers=tuple(host for host in hosts if found[host]),
        silent=tuple(host for host in hosts if not found[host]),
        seen_from=tuple(seen_from),
    )


def _is_held(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        if sys.platform == "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        try:
            probe.bind((addresses.ANY, port))
        except OSError:
            return True
    return False


def _answers(port: int, host: str) -> bool:
    """Whether a daemon refuses a hello of a protocol that is none: it costs it no key and no link."""
    pulser_id = secrets.token_bytes(frames.ID_LEN)
    hello = bytes((frames.MAGIC, _OTHER_MAJOR, frames.HELLO, 0)) + pulser_id
    hello = hello.ljust(frames.HELLO_LEN, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(_UDP_ANSWER_S)
        for _ in range(_UDP_TRIES):
            try:
                probe.sendto(hello, (host, port))
                data, sender = probe.recvfrom(256)
            except OSError:
                continue
            if sender[1] == port and data[:1] == hello[:1] and data[2:3] == bytes((frames.REFUSE,)):
                return data[frames.PLAIN_HEADER_LEN :].startswith(pulser_id)
    return False


# -- the page ----------------------------------------------------------------------------------------------


def pages(hosts: Sequence[str], port: int, *, tls: bool, data: Path) -> list[Page]:
    """Get the page at each of `hosts`, as a browser that trusts this data folder's authority would."""
    if not hosts:
        return []
    # To gather the system's authorities takes a while; what is asked in the clear trusts nobody.
    trusted = client_context(data) if tls else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with ThreadPoolExecutor(max_workers=min(len(hosts), 4)) as pool:
        return list(pool.map(partial(_page, trusted), [base_url(host, port, tls=tls) for host in hosts]))


def _page(trusted: ssl.SSLContext, url: str) -> Page:
    import httpx  # the daemon need not wait for it at its start

    try:
        with (
            httpx.Client(verify=trusted, trust_env=False, timeout=_PAGE_WITHIN_S) as client,
            client.stream("GET", url + "/") as answer,
        ):
            if not answer.is_success:
                return Page(url, "other", f"it answers {answer.status_code}")
            return Page(url, None, certificate_days=_days(answer))
    except httpx.TimeoutException:
        return Page(url, "silent")
    except httpx.HTTPError as error:
        return _page_fault(url, error)


def _page_fault(url: str, error: BaseException) -> Page:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Page(url, "certificate", clean(cause.verify_message))
        if isinstance(cause, ConnectionRefusedError):
            return Page(url, "refused")
        cause = cause.__cause__ or cause.__context__
    return Page(url, "other", clean(str(error)))


def _days(answer: "httpx.Response") -> float | None:
    stream = answer.extensions.get("network_stream")
    sealed = None if stream is None else stream.get_extra_info("ssl_object")
    if sealed is None:
        return None
    shown = cast("Mapping[str, Any]", cast("ssl.SSLObject", sealed).getpeercert() or {})
    until = shown.get("notAfter")
    if not isinstance(until, str):
        return None
    return (ssl.cert_time_to_seconds(until) - datetime.now(UTC).timestamp()) / 86_400
