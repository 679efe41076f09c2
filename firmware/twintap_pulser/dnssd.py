"""DNS-SD on the wire (RFC 6762, RFC 6763): announce the pulser, ask for the daemon, read the answers.

Bytes alone; sending is `announce`'s and `seek`'s. Stock firmware owns UDP port 5353, so the pulser speaks
from a port of its own: it announces unasked, and its question is a one-shot query, answered to the port that
asked.
"""

import struct

from twintap_protocol.errors import RemoteError

from .addressing import port_of

GROUP = b"\xe0\x00\x00\xfb\x14\xe9"  # 224.0.0.251, port 5353
PULSER_SERVICE = "_twintap-pulser._udp.local"
DAEMON_SERVICE = "_twintap._udp.local"
TTL_S = 120

_A = 1
_PTR = 12
_TXT = 16
_SRV = 33
_IN = 1
_FLUSH = 0x8000
_MAX_RECORDS = 32  # an answer about one service has about five
_MAX_JUMPS = 16
_MAX_NAME = 255  # RFC 1035


def _name(text: str) -> bytes:
    out = b""
    for label in text.split("."):
        raw = label.encode()
        out += bytes((len(raw),)) + raw
    return out + b"\0"


def _record(name: bytes, kind: int, flush: int, ttl_s: int, data: bytes) -> bytes:
    return name + struct.pack(">HHIH", kind, _IN | flush, ttl_s, len(data)) + data


def announcement(hostname: str, address: bytes, texts: "list[str]", ttl_s: int = TTL_S) -> bytes:
    """An unasked response: PTR, SRV, TXT and A of the pulser `hostname` at `address` (six bytes).

    `texts` are the TXT's `key=value`. A `ttl_s` of 0 says goodbye.
    """
    service = _name(PULSER_SERVICE)
    instance = _name(hostname)[:-1] + service
    host = _name(hostname + ".local")
    text = b""
    for one in texts:
        raw = one.encode()
        text += bytes((len(raw),)) + raw
    return (
        struct.pack(">HHHHHH", 0, 0x8400, 0, 4, 0, 0)
        + _record(service, _PTR, 0, ttl_s, instance)
        + _record(instance, _SRV, _FLUSH, ttl_s, struct.pack(">HHH", 0, 0, port_of(address)) + host)
        + _record(instance, _TXT, _FLUSH, ttl_s, text)
        + _record(host, _A, _FLUSH, ttl_s, address[:4])
    )


def query(query_id: int) -> bytes:
    """A one-shot question for the daemons of this network. `query_id`: 16 bits, comes back in the answer."""
    return (
        struct.pack(">HHHHHH", query_id, 0, 1, 0, 0, 0)
        + _name(DAEMON_SERVICE)
        + struct.pack(">HH", _PTR, _IN)
    )


def is_answer(buf: bytearray, length: int, query_id: int) -> bool:
    """Whether a datagram looks like the answer to our question."""
    return length >= 12 and buf[0] << 8 | buf[1] == query_id and buf[2] & 0x80 != 0


class _Reader:
    """Walks a message. Every step past its end, and every loop of names, raises `RemoteError`."""

    def __init__(self, buf: bytearray, length: int) -> None:
        self.buf = buf
        self.length = length
        self.at = 12

    def number(self, size: int) -> int:
        at = self.at
        if at + size > self.length:
            raise RemoteError("length")
        value = 0
        for byte in range(at, at + size):
            value = value << 8 | self.buf[byte]
        self.at = at + size
        return value

    def skip(self, size: int) -> None:
        if self.at + size > self.length:
            raise RemoteError("length")
        self.at += size

    def name(self) -> bytes:
        """A name in lower case, its labels as on the wire, without pointers."""
        buf = self.buf
        at = self.at
        after = -1
        jumps = 0
        out = bytearray()
        while True:
            if at >= self.length:
                raise RemoteError("length")
            size = buf[at]
            at += 1
            if size >= 0xC0:
                if at >= self.length:
                    raise RemoteError("length")
                if after < 0:
                    after = at + 1
                at = (size & 0x3F) << 8 | buf[at]
                jumps += 1
                if jumps > _MAX_JUMPS:
                    raise RemoteError("field")
            elif size >= 0x40:
                raise RemoteError("field")
            elif size == 0:
                self.at = after if after >= 0 else at
                return bytes(out)
            else:
                if at + size > self.length or len(out) + 1 + size > _MAX_NAME:
                    raise RemoteError("length")
                out.append(size)
                for byte in range(at, at + size):
                    out.append(buf[byte] + 32 if 65 <= buf[byte] <= 90 else buf[byte])
                at += size


def read_answer(buf: bytearray, length: int, daemon_id: str) -> "list[bytes]":
    """The addresses (six bytes each) of the daemon whose TXT says `id=` and `daemon_id` (hex).

    Raises `RemoteError` for anything that is no well-formed answer; an answer about others gives none.
    """
    if length < 12 or length > len(buf):
        raise RemoteError("length")
    reader = _Reader(buf, length)
    counts = struct.unpack_from(">HHHH", buf, 4)
    for _ in range(min(counts[0], _MAX_RECORDS)):
        reader.name()
        reader.skip(4)
    ports: "list[tuple[bytes, bytes, int]]" = []  # instance, host, port
    ours: "list[bytes]" = []  # instances that are our daemon
    hosts: "list[tuple[bytes, bytes]]" = []  # host, IPv4
    wanted = ("id=" + daemon_id).encode()
    service = _name(DAEMON_SERVICE)[:-1]
    for _ in range(min(counts[1] + counts[2] + counts[3], _MAX_RECORDS)):
        owner = reader.name()
        kind = reader.number(2)
        reader.skip(2)
        reader.skip(4)
        size = reader.number(2)
        end = reader.at + size
        if end > length:
            raise RemoteError("length")
        if kind == _SRV and owner.endswith(service):
            reader.skip(4)
            port = reader.number(2)
            ports.append((owner, reader.name(), port))
            if reader.at > end:
                raise RemoteError("length")
        elif kind == _TXT and owner.endswith(service):
            if _has_text(reader, end, wanted):
                ours.append(owner)
        elif kind == _A:
            if size != 4:
                raise RemoteError("length")
            hosts.append((owner, bytes(buf[reader.at : end])))
        reader.at = end
    found: "list[bytes]" = []
    for owner, host, port in ports:
        if owner in ours and port:
            for name, ipv4 in hosts:
                address = ipv4 + bytes((port >> 8, port & 0xFF))
                if name == host and address not in found and is_sendable(address):
                    found.append(address)
    return found


def _has_text(reader: _Reader, end: int, wanted: bytes) -> bool:
    found = False
    while reader.at < end:
        size = reader.number(1)
        if reader.at + size > end:
            raise RemoteError("length")
        if bytes(reader.buf[reader.at : reader.at + size]) == wanted:
            found = True
        reader.at += size
    return found


def is_sendable(address: bytes) -> bool:
    """Whether an address is one host's: not multicast, broadcast or nothing."""
    return 0 < address[0] < 224 and port_of(address) != 0
