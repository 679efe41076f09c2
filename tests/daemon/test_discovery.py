"""Discovery hears what is announced, tells ours from others', and nothing said on a network is believed."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zeroconf import IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from twintap.discovery import DAEMON_SERVICE, PULSER_SERVICE, Discovery, Foreign, Heard, read_announcement

OURS = bytes.fromhex("0102030405060708")
OTHERS = bytes.fromhex("1112131415161718")
PULSER = bytes.fromhex("02aabbccddeeff00")


class Ears:
    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[bytes, str, int]] = asyncio.Queue()

    def __call__(self, pulser_id: bytes, host: str, port: int) -> None:
        self.heard.put_nowait((pulser_id, host, port))

    async def next(self) -> tuple[bytes, str, int]:
        async with asyncio.timeout(10):
            return await self.heard.get()


@pytest.fixture
async def network() -> AsyncGenerator[AsyncZeroconf]:
    zeroconf = AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
    yield zeroconf
    await zeroconf.async_close()


def pulser(name: str, daemon_id: bytes, port: int, pulser_id: bytes = PULSER) -> ServiceInfo:
    return ServiceInfo(
        PULSER_SERVICE,
        f"{name}.{PULSER_SERVICE}",
        port=port,
        properties={
            "id": pulser_id.hex(),
            "daemon": daemon_id.hex(),
            "fw": "0.1.0",
            "v": "1",
            "side": "left",
        },
        server=f"{name}.local.",
        parsed_addresses=["127.0.0.1"],
    )


async def say(zeroconf: AsyncZeroconf, info: ServiceInfo) -> None:
    await (await zeroconf.async_register_service(info, cooperating_responders=True))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_pulser_of_ours_is_heard_and_heard_again_at_another_port(network: AsyncZeroconf) -> None:
    ears = Ears()
    foreign = Foreign()
    discovery = Discovery(daemon_id=OURS, host="127.0.0.1", port=8700, heard_of=ears, foreign=foreign)
    await discovery.start()
    try:
        name = f"test-{OURS.hex()}-{id(ears)}"
        await say(network, pulser(name, OURS, 40_001))
        assert await ears.next() == (PULSER, "127.0.0.1", 40_001)
        await (await network.async_update_service(pulser(name, OURS, 40_002)))
        while (await ears.next())[2] != 40_002:
            pass
        assert all(heard.id != PULSER.hex() for heard in foreign.heard())
    finally:
        await discovery.close()


async def test_two_daemons_on_one_machine_do_not_disturb_each_other(network: AsyncZeroconf) -> None:
    ears, other_ears = Ears(), Ears()
    foreign, other_foreign = Foreign(), Foreign()
    one = Discovery(daemon_id=OURS, host="127.0.0.1", port=8701, heard_of=ears, foreign=foreign)
    two = Discovery(daemon_id=OTHERS, host="127.0.0.1", port=8702, heard_of=other_ears, foreign=other_foreign)
    await one.start()
    await two.start()
    try:
        await say(network, pulser(f"test-others-{id(ears)}", OTHERS, 40_003))
        assert await other_ears.next() == (PULSER, "127.0.0.1", 40_003)
        await until(lambda: Heard(PULSER.hex(), OTHERS.hex(), "127.0.0.1", 40_003) in foreign.heard())
        assert ears.heard.empty()
        # Both can be found, each at its own port and under its own id.
        for daemon_id, port in ((OURS, 8701), (OTHERS, 8702)):
            info = AsyncServiceInfo(DAEMON_SERVICE, f"twintap-{daemon_id.hex()}.{DAEMON_SERVICE}")
            assert await info.async_request(network.zeroconf, 5_000)
            assert info.port == port
            assert info.properties[b"id"] == daemon_id.hex().encode()
            assert info.parsed_addresses() == ["127.0.0.1"]
    finally:
        await one.close()
        await two.close()


async def test_a_pulser_that_says_goodbye_is_shown_no_more(network: AsyncZeroconf) -> None:
    foreign = Foreign()
    discovery = Discovery(daemon_id=OURS, host="127.0.0.1", port=8703, heard_of=Ears(), foreign=foreign)
    await discovery.start()
    try:
        info = pulser(f"test-bye-{id(foreign)}", b"", 40_004, bytes.fromhex("02aabbccddee7777"))
        await say(network, info)
        await until(lambda: any(heard.id == "02aabbccddee7777" for heard in foreign.heard()))
        assert [heard.daemon_id for heard in foreign.heard() if heard.id == "02aabbccddee7777"] == [None]
        await (await network.async_unregister_service(info))
        await until(lambda: all(heard.id != "02aabbccddee7777" for heard in foreign.heard()))
    finally:
        await discovery.close()


async def test_without_multicast_the_daemon_runs_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(19, "No such device")

    monkeypatch.setattr("twintap.discovery.AsyncZeroconf", refuse)
    discovery = Discovery(daemon_id=OURS, host="127.0.0.1", port=8704, heard_of=Ears(), foreign=Foreign())
    await discovery.start()
    await discovery.close()
    assert "mDNS does not work here" in caplog.text


async def test_rubbish_on_the_mdns_port_is_survived(network: AsyncZeroconf) -> None:
    ears = Ears()
    discovery = Discovery(daemon_id=OURS, host="127.0.0.1", port=8705, heard_of=ears, foreign=Foreign())
    await discovery.start()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            for size in range(0, 600, 7):
                sender.sendto(bytes(range(256)) * 3 if size == 595 else b"\xc0" * size, ("224.0.0.251", 5353))
        await say(network, pulser(f"test-after-{id(ears)}", OURS, 40_005))
        assert await ears.next() == (PULSER, "127.0.0.1", 40_005)
    finally:
        await discovery.close()


GOOD = {b"id": PULSER.hex().encode(), b"daemon": OURS.hex().encode()}


@pytest.mark.parametrize(
    ("texts", "hosts", "port"),
    [
        ({}, ["127.0.0.1"], 1),
        ({b"id": None}, ["127.0.0.1"], 1),
        ({b"id": b"zz" * 8}, ["127.0.0.1"], 1),
        ({b"id": b"\xff" * 16}, ["127.0.0.1"], 1),
        ({b"id": b"02" * 40}, ["127.0.0.1"], 1),
        ({b"id": b"02 2 02 02 02 02"}, ["127.0.0.1"], 1),
        (GOOD, [], 1),
        (GOOD, ["::1"], 1),
        (GOOD, ["0.0.0.0"], 1),
        (GOOD, ["224.0.0.1"], 1),
        (GOOD, ["255.255.255.255"], 1),
        (GOOD, ["127.0.0.1"], 0),
        (GOOD, ["127.0.0.1"], 65_536),
        (GOOD, ["127.0.0.1"], None),
    ],
)
def test_what_is_no_pulser_s_announcement_is_none(
    texts: dict[bytes, bytes | None], hosts: list[str], port: int | None
) -> None:
    assert read_announcement(texts, hosts, port) is None


@given(
    st.dictionaries(
        st.sampled_from([b"id", b"daemon", b"v"]) | st.binary(max_size=4), st.none() | st.binary(max_size=40)
    ),
    st.lists(st.text(max_size=20) | st.ip_addresses(v=4).map(str), max_size=3),
    st.none() | st.integers(),
)
def test_an_announcement_parses_or_is_none(
    texts: dict[bytes, bytes | None], hosts: list[str], port: int | None
) -> None:
    heard = read_announcement(texts, hosts, port)
    if heard is not None:
        assert len(bytes.fromhex(heard.id)) == 8
        assert heard.daemon_id is None or len(heard.daemon_id) == 16
        assert 1 <= heard.port <= 65_535


def test_a_flood_of_pulsers_does_not_fill_the_memory() -> None:
    foreign = Foreign()
    for number in range(1000):
        foreign.put(Heard(f"{number:016x}", None, "127.0.0.1", 1))
    assert len(foreign.heard()) == 64
    assert foreign.heard()[-1].id == f"{999:016x}"
