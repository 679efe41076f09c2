"""The door: TLS to the network, plain HTTP to this computer, a new certificate without dropping anybody."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from websockets.asyncio.client import connect

from twintap.access import certificates as certificates_module
from twintap.access import door as door_module
from twintap.access import patience
from twintap.access.authority import Authority
from twintap.access.certificates import Certificates
from twintap.access.door import answer_without_tls
from twintap.access.server import Server
from twintap.access.trusted import client_context
from twintap.client import Client, Unreachable
from twintap.errors import StoreError


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Say how one was reached; echo by WebSocket."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": message["text"]})
        return
    body = f"{scope['scheme']} {scope['server'][0]}".encode()
    if scope["path"].startswith("/api/"):
        body = b'{"token": "' + dict(scope["headers"]).get(b"authorization", b"") + b'"}'
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]}
    )
    await send({"type": "http.response.body", "body": body})


@dataclass
class House:
    data: Path
    port: int
    server: Server
    authority: Authority
    trusted: ssl.SSLContext

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(verify=self.trusted, trust_env=False, timeout=20)

    async def raw(self, *, tls: bool = False) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(
            "127.0.0.1",
            self.port,
            ssl=self.trusted if tls else None,
            server_hostname="localhost" if tls else None,
        )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncGenerator[House]:
    authority = await asyncio.to_thread(Authority.open, tmp_path, ["127.0.0.1"])
    leaf = await asyncio.to_thread(authority.leaf, ["127.0.0.1"])
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    with contextlib.closing(listener):
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        listener.setblocking(False)
        config = uvicorn.Config(
            application,  # pyright: ignore[reportArgumentType]
            log_config=None,
            lifespan="off",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        server = Server(config, listener, leaf.context)
        serving = asyncio.create_task(server.run_here())
        trusted = await asyncio.to_thread(client_context, tmp_path)
        yield House(tmp_path, listener.getsockname()[1], server, authority, trusted)
        server.should_exit = True
        await serving


@pytest.fixture
def from_afar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let loopback count as the network: a test has no other."""
    monkeypatch.setattr(door_module.addresses, "is_loopback", lambda _host: False)


async def test_this_computer_may_speak_without_tls_and_with_it(house: House) -> None:
    async with house.client() as client:
        assert (await client.get(f"http://127.0.0.1:{house.port}/")).text == "http 127.0.0.1"
        assert (await client.get(f"https://127.0.0.1:{house.port}/")).text == "https 127.0.0.1"
        assert (await client.get(f"https://localhost:{house.port}/")).text == "https 127.0.0.1"


@pytest.mark.usefixtures("from_afar")
async def test_who_comes_over_the_network_without_tls_is_led_to_it(house: House) -> None:
    async with house.client() as client:
        answer = await client.get(f"http://localhost:{house.port}/trust?x=1")
        assert answer.status_code == 307
        assert answer.headers["location"] == f"https://localhost:{house.port}/trust?x=1"
        followed = await client.get(f"http://localhost:{house.port}/", follow_redirects=True)
        assert followed.text == "https 127.0.0.1"
        # Whatever would change something is told so, and not sent again by itself.
        told = await client.post(f"http://localhost:{house.port}/", content=b"x" * 100_000)
        assert told.status_code == 426
        assert "https" in told.text


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: evil\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\x00\xff rubbish",
        b"GET / HTTP/1.1\r\nX: y\r\n\r\nHost: a\r\n\r\n",
    ],
)
def test_nothing_odd_finds_its_way_into_an_answer(head: bytes) -> None:
    answer = answer_without_tls(head)
    assert answer.startswith(b"HTTP/1.1 426 ")
    assert b"evil" not in answer
    assert b"Location" not in answer


def test_a_location_is_one_line() -> None:
    answer = answer_without_tls(b"GET /a/b?c=d HTTP/1.1\r\nhOST:  192.168.1.20:8700 \r\n\r\n")
    assert answer.split(b"\r\n")[1] == b"Location: https://192.168.1.20:8700/a/b?c=d"


async def test_a_new_certificate_is_presented_and_nobody_is_dropped(house: House) -> None:
    url = f"wss://localhost:{house.port}/"
    async with connect(url, ssl=house.trusted, proxy=None) as before:
        await before.send("one")
        assert await before.recv() == "one"
        first = serial(before)
        leaf = await asyncio.to_thread(house.authority.leaf, ["127.0.0.1", "10.9.8.7"])
        house.server.present(leaf.context)
        async with connect(url, ssl=house.trusted, proxy=None) as after:
            assert serial(after) == leaf.serial != first
        await before.send("two")
        assert await before.recv() == "two"


def serial(socket: Any) -> int:
    found = socket.transport.get_extra_info("ssl_object").getpeercert()
    return int(found["serialNumber"], 16)


@pytest.mark.usefixtures("from_afar")
async def test_silent_strangers_keep_nobody_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_module, "_UNKNOWN_MAX", 8)
    async with contextlib.AsyncExitStack() as stack:
        strangers = []
        for _ in range(30):
            reader, writer = await house.raw()
            stack.callback(writer.close)
            strangers.append(reader)
        async with house.client() as client:
            assert (await client.get(f"https://localhost:{house.port}/")).status_code == 200
        # The first of them have been let go.
        async with asyncio.timeout(20):
            assert await strangers[0].read() == b""


@pytest.mark.usefixtures("from_afar")
@pytest.mark.parametrize("said", [b"", b"\x16", b"\x16\x03\x01\x00\x05hello", b"GET / HT", b"\x00" * 9000])
async def test_whoever_breaks_off_leaves_nothing_behind(
    house: House, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        _, writer = await house.raw()
        writer.write(said)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    async with house.client() as client:
        assert (await client.get(f"https://localhost:{house.port}/")).status_code == 200
    async with asyncio.timeout(20):
        while any(task.get_name() == "door: a connection" for task in asyncio.all_tasks()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


_HALVES = [b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"]


@pytest.mark.parametrize("said", _HALVES)
@pytest.mark.parametrize("tls", [True, False])
async def test_a_request_that_never_becomes_whole_is_waited_for_no_longer_than_that(
    house: House, monkeypatch: pytest.MonkeyPatch, said: bytes, *, tls: bool
) -> None:
    monkeypatch.setattr(patience, "REQUEST_WITHIN_S", 0.3)
    monkeypatch.setattr(door_module, "_FIRST_BYTE_WITHIN_S", 0.3)
    reader, writer = await house.raw(tls=tls)
    writer.write(said)
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionError):
            while await reader.read(4096):
                pass
    writer.close()


async def test_a_byte_now_and_then_buys_no_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "REQUEST_WITHIN_S", 0.5)
    reader, writer = await house.raw(tls=True)
    writer.write(b"GET / HTTP/1.1\r\nX: ")
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)
    writer.close()


async def test_a_crowd_that_asks_nothing_keeps_nobody_out_and_no_socket_is_shut(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "WAITING_MAX", 8)
    async with contextlib.AsyncExitStack() as stack:
        url = f"wss://localhost:{house.port}/"
        socket_ = await stack.enter_async_context(connect(url, ssl=house.trusted, proxy=None))
        crowd: list[asyncio.StreamReader] = []
        for _ in range(30):
            reader, writer = await house.raw(tls=True)
            stack.callback(writer.close)
            writer.write(b"GET / HTTP/1.1\r\n")
            crowd.append(reader)
        async with house.client() as client:
            assert (await client.get(f"https://localhost:{house.port}/")).status_code == 200
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionError):
                assert await crowd[0].read() == b""
        await socket_.send("still there")
        assert await socket_.recv() == "still there"


async def test_an_end_closes_the_door_and_those_inside(house: House) -> None:
    reader, writer = await house.raw(tls=True)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"200" in await reader.readline()
    house.server.should_exit = True
    async with asyncio.timeout(20):
        await reader.read()
        while True:
            try:
                _, late = await house.raw()
            except OSError:
                break
            # What the system took for the listening socket is of no use any more; ask until it is gone.
            late.close()
            if not any(task.get_name() == "http: the door" for task in asyncio.all_tasks()):
                break
    writer.close()


# -- the command line --------------------------------------------------------------------------------------


async def test_the_command_line_trusts_the_authority_of_its_data_folder(house: House, tmp_path: Path) -> None:
    async with Client(f"https://localhost:{house.port}", "abc", house.data) as client:
        assert client.is_sealed
        assert await client.ask("GET", "/rooms") == {"token": "Bearer abc"}
    async with Client(f"https://localhost:{house.port}", "abc", tmp_path / "other") as client:
        with pytest.raises(Unreachable, match="/trust"):
            await client.ask("GET", "/rooms")
        with pytest.raises(Unreachable, match="/trust"):
            await anext(client.watch(None))


@pytest.mark.usefixtures("from_afar")
async def test_the_command_line_says_that_an_address_wants_tls(house: House) -> None:
    async with Client(f"http://localhost:{house.port}", "abc", house.data) as client:
        for method in ("GET", "POST"):
            with pytest.raises(Unreachable, match="https://"):
                await client.ask(method, "/rooms")


# -- following the addresses -------------------------------------------------------------------------------


async def test_the_certificate_follows_the_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = ["192.168.1.20", "127.0.0.1"]
    monkeypatch.setattr(certificates_module.addresses, "own_addresses", lambda: list(own))
    monkeypatch.setattr(certificates_module, "_LOOK_EVERY_S", 0.01)
    held = await asyncio.to_thread(Certificates.open, tmp_path, "0.0.0.0", bytes(8))
    first = held.leaf
    assert "192.168.1.20" in first.names
    assert held.outside == []
    presented: asyncio.Queue[ssl.SSLContext] = asyncio.Queue()
    following = asyncio.create_task(held.follow(presented.put_nowait))
    try:
        async with asyncio.timeout(30):
            own.append("10.0.0.9")
            assert await presented.get() is held.leaf.context
            assert {"10.0.0.9", "192.168.1.20"} <= held.leaf.names
            # An address that goes takes nothing away: it may come back.
            own.remove("10.0.0.9")
            serial_before = held.leaf.serial
            looked_at = asyncio.Event()
            monkeypatch.setattr(
                certificates_module.addresses, "own_addresses", lambda: (looked_at.set(), list(own))[1]
            )
            while not looked_at.is_set():  # noqa: ASYNC110 - set from a thread
                await asyncio.sleep(0.01)
            assert held.leaf.serial == serial_before
            assert presented.empty()
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_a_full_disk_leaves_the_old_certificate_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = ["192.168.1.20"]
    monkeypatch.setattr(certificates_module.addresses, "own_addresses", lambda: list(own))
    monkeypatch.setattr(certificates_module, "_LOOK_EVERY_S", 0.01)
    held = await asyncio.to_thread(Certificates.open, tmp_path, "0.0.0.0", bytes(8))
    make = held.authority.leaf
    failures = iter(range(3))

    def full(names: frozenset[str]) -> Any:
        if next(failures, None) is not None:
            raise StoreError("no space left")
        return make(names)

    monkeypatch.setattr(held.authority, "leaf", full)
    presented: asyncio.Queue[ssl.SSLContext] = asyncio.Queue()
    own.append("10.0.0.9")
    following = asyncio.create_task(held.follow(presented.put_nowait))
    async with asyncio.timeout(30):
        await presented.get()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    # Said once, not at every look.
    assert len([record for record in caplog.records if "no space left" in record.getMessage()]) == 1


async def test_names_that_the_authority_cannot_vouch_for_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        certificates_module.addresses, "own_names", lambda _id: frozenset({"old-name", "localhost"})
    )
    await asyncio.to_thread(Certificates.open, tmp_path, "192.168.1.20", bytes(8))
    monkeypatch.setattr(
        certificates_module.addresses, "own_names", lambda _id: frozenset({"new-name", "localhost"})
    )
    held = await asyncio.to_thread(Certificates.open, tmp_path, "203.0.113.5", bytes(8))
    assert held.outside == ["203.0.113.5", "new-name"]
