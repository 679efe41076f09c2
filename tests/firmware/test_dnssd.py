"""DNS-SD packets: what the pulser says can be read by others, and what it hears parses or is refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zeroconf import DNSIncoming

from twintap_protocol.errors import RemoteError

from .pulser_parts import dnssd

DAEMON = "0102030405060708"
ADDRESS = bytes((192, 168, 1, 7, 0x21, 0xFC))


def name(text: str) -> bytes:
    return b"".join(bytes((len(part),)) + part.encode() for part in text.split(".")) + b"\0"


def record(owner: bytes, kind: int, data: bytes) -> bytes:
    return owner + struct.pack(">HHIH", kind, 1, 120, len(data)) + data


def answer(daemon_id: str = DAEMON, address: bytes = ADDRESS, compressed: bool = True) -> bytearray:
    service = name("_twintap._udp.local")
    # The service's name stands at 12, in the question; the instance points to it.
    instance = b"\x04home" + (b"\xc0\x0c" if compressed else service)
    host = name("box.local")
    txt = f"id={daemon_id}".encode()
    port = struct.pack(">HHH", 0, 0, dnssd.port_of(address))
    body = (
        record(service, 12, instance)
        + record(instance, 33, port + host)
        + record(instance, 16, b"\x05other" + bytes((len(txt),)) + txt)
        + record(host, 1, address[:4])
    )
    question = service + struct.pack(">HH", 12, 1)
    return bytearray(struct.pack(">HHHHHH", 0x1234, 0x8400, 1, 1, 0, 3) + question + body)


def test_an_announcement_is_read_by_zeroconf() -> None:
    packet = dnssd.announcement("twintap-000001", ADDRESS, ["id=00", "daemon="])
    message = DNSIncoming(packet)
    assert message.valid
    by_type = {record.type: record for record in message.answers()}
    assert sorted(by_type) == [1, 12, 16, 33]
    assert by_type[33].port == dnssd.port_of(ADDRESS)  # pyright: ignore[reportAttributeAccessIssue]
    assert by_type[1].address == ADDRESS[:4]  # pyright: ignore[reportAttributeAccessIssue]
    assert by_type[12].alias == "twintap-000001._twintap-pulser._udp.local."  # pyright: ignore[reportAttributeAccessIssue]
    assert by_type[16].text == b"\x05id=00\x07daemon="  # pyright: ignore[reportAttributeAccessIssue]
    assert all(record.ttl == 0 for record in DNSIncoming(dnssd.announcement("a", ADDRESS, [], 0)).answers())


def test_a_query_is_a_question_for_the_daemons() -> None:
    message = DNSIncoming(dnssd.query(0x1234))
    assert message.id == 0x1234
    assert [(question.name, question.type) for question in message.questions] == [
        ("_twintap._udp.local.", 12)
    ]


@pytest.mark.parametrize("compressed", [True, False])
def test_the_address_of_the_own_daemon_is_found(compressed: bool) -> None:
    packet = answer(compressed=compressed)
    assert dnssd.is_answer(packet, len(packet), 0x1234)
    assert dnssd.read_answer(packet, len(packet), DAEMON) == [ADDRESS]


def test_another_daemon_s_address_is_not_taken() -> None:
    packet = answer("ff" * 8)
    assert dnssd.read_answer(packet, len(packet), DAEMON) == []


@pytest.mark.parametrize("host", [(224, 0, 0, 251), (255, 255, 255, 255), (0, 0, 0, 0)])
def test_an_address_that_is_no_host_s_is_not_taken(host: tuple[int, int, int, int]) -> None:
    packet = answer(address=bytes(host) + b"\x21\xfc")
    assert dnssd.read_answer(packet, len(packet), DAEMON) == []


def test_names_that_point_in_circles_are_refused() -> None:
    packet = bytearray(struct.pack(">HHHHHH", 1, 0x8400, 0, 1, 0, 0) + b"\xc0\x0c" + bytes(10))
    with pytest.raises(RemoteError):
        dnssd.read_answer(packet, len(packet), DAEMON)


@given(st.data())
def test_whatever_comes_parses_or_raises_the_one_error(data: st.DataObject) -> None:
    if data.draw(st.booleans()):
        packet = bytearray(data.draw(st.binary(max_size=120)))
    else:
        packet = answer()
        for _ in range(data.draw(st.integers(1, 4))):
            packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
        packet = packet[: data.draw(st.integers(0, len(packet)))]
    try:
        found = dnssd.read_answer(packet, len(packet), DAEMON)
    except RemoteError:
        return
    assert all(len(address) == 6 and dnssd.is_sendable(address) for address in found)
