"""One request over a connection of its own: what is sent, what is taken for an answer, and what is not."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http.client import HTTPException

import pytest

from twintap.http_once import HttpAnswer, ask_once

LONG_S = 20.0


class Server:
    """Reads one request's head, and as much body as it announces; then says `answer`, and ends."""

    def __init__(self, answer: bytes, *, is_silent: bool = False) -> None:
        self.answer = answer
        self.is_silent = is_silent
        self.asked = b""
        self.url = ""
        self.heard = asyncio.Event()
        self.over = asyncio.Event()
        self.over.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.over.clear()
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            self.asked = await reader.readuntil(b"\r\n\r\n")
            for line in self.asked.split(b"\r\n"):
                if line.startswith(b"Content-Length: "):
                    self.asked += await reader.readexactly(int(line.split()[1]))
            self.heard.set()
            if self.is_silent:
                await reader.read()
            writer.write(self.answer)
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        self.over.set()


@asynccontextmanager
async def at(answer: bytes, *, is_silent: bool = False) -> AsyncGenerator[Server]:
    told = Server(answer, is_silent=is_silent)
    async with await asyncio.start_server(told.serve, "127.0.0.1", 0) as server:
        told.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield told
        await told.over.wait()


async def ask(
    server: Server, path: str = "/", method: str = "GET", body: bytes | None = None, within_s: float = LONG_S
) -> HttpAnswer:
    return await ask_once(method, server.url + path, {"X-A": "b"}, body, trusted=None, within_s=within_s)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 201 Made\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        b"HTTP/1.1 201 Made\r\nConnection: close\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
async def test_an_answer_is_read_however_its_end_is_told(answer: bytes) -> None:
    async with at(answer) as server:
        assert await ask(server) == HttpAnswer(201, b"hello")


async def test_an_answer_of_many_parts_is_read_to_its_end() -> None:
    content = bytes(range(256)) * 4_000
    async with at(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)) as server:
        assert (await ask(server)).content == content


async def test_what_is_sent_is_one_request_with_its_headers_and_its_body() -> None:
    async with at(b"HTTP/1.1 204 Done\r\n\r\n") as server:
        answer = await ask(server, "/a?b=c%20d", "POST", b"{}")
        assert (answer.status, answer.is_success, answer.content) == (204, True, b"")
        head, _, body = server.asked.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0] == "POST /a?b=c%20d HTTP/1.1"
        assert {f"Host: {server.url.removeprefix('http://')}", "X-A: b", "Connection: close"} < set(lines)
        assert body == b"{}"


async def test_no_path_makes_a_second_header_of_its_own() -> None:
    async with at(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as server:
        await ask(server, "/a b\r\nX-Evil: yes\r\n\r\n/ä")
        assert b"X-Evil: yes" not in server.asked.split(b"\r\n")
        assert server.asked.count(b"\r\n\r\n") == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x00\xff\x00\xff\n\n\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"",
    ],
)
async def test_what_is_no_whole_answer_is_an_error(answer: bytes) -> None:
    async with at(answer) as server:
        with pytest.raises((HTTPException, OSError, ValueError)):
            await ask(server)


async def test_silence_is_not_waited_for_without_end() -> None:
    async with at(b"", is_silent=True) as server:
        with pytest.raises(TimeoutError):
            await ask(server, within_s=0.2)


async def test_nobody_there_and_a_port_that_is_none_are_errors() -> None:
    async with at(b"") as server:
        pass
    with pytest.raises(OSError, match="Connect"):
        await ask(server)
    with pytest.raises(ValueError, match="Port"):
        await ask_once("GET", "http://127.0.0.1:99999/", {}, None, trusted=None, within_s=LONG_S)


async def test_who_gives_up_is_not_held_until_the_time_is_over() -> None:
    async with at(b"", is_silent=True) as server:
        asking = asyncio.create_task(ask(server))
        await server.heard.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        # The server hears the end long before LONG_S: its own end is waited for here.
        await asyncio.wait_for(server.over.wait(), LONG_S / 2)
