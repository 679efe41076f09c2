"""What the virtual board's port asks of the host: environment, pipes, sockets and time, on either VM.

The same code runs in the MicroPython VM and under CPython; what differs is in the second half.
"""
# ruff: noqa: D103 - each is what its name says
# Neither VM's stubs know the other's half; the tests run both.
# pyright: basic, reportAttributeAccessIssue=false, reportAssignmentType=false, reportArgumentType=false
# pyright: reportRedeclaration=false, reportConstantRedefinition=false, reportMissingParameterType=false, reportCallIssue=false, reportMissingModuleSource=false

import asyncio
import os
import select
import socket
import sys
import time

from twintap_protocol.errors import TwintapError

IS_MICROPYTHON = sys.implementation.name == "micropython"


class PortLost(TwintapError):
    """The board around this VM is gone."""


def nothing(*_arguments) -> None:
    return


def text(name: str) -> str:
    value = os.getenv(name)
    if value is None:
        raise PortLost("%s is not set: the virtual board is started by its launcher" % name)
    return value


def env(name: str) -> int:
    return int(text(name))


def connected(name: str):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(socket.getaddrinfo("127.0.0.1", env(name))[0][-1])
    sock.setblocking(False)
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return sock, poll


def send(sock, data) -> None:
    try:
        sock.send(data)
    except OSError:
        return  # a full buffer, or the radio is being restarted: the datagram is gone, as on any air


def receive(sock, most: int) -> bytes:
    try:
        return sock.recv(most)
    except OSError:
        return b""


if IS_MICROPYTHON:
    import gc

    UNBUFFERED = {}
    STDIN = sys.stdin
    host_us = time.ticks_us  # CLOCK_MONOTONIC in µs; wide enough not to wrap on a 64-bit host
    sleep_us = time.sleep_us

    def is_readable(poll) -> bool:
        """Whether a socket has something, without the cost of an exception."""
        for _ in poll.ipoll(0):
            return True
        return False

    def until_readable(stream):
        yield asyncio.core._io_queue.queue_read(stream)

    def read_stdin(poll, most: int) -> bytes:
        data = bytearray()
        while len(data) < most and is_readable(poll):
            byte = sys.stdin.buffer.read(1)
            if not byte:
                break
            data += byte
        return bytes(data)

    def flush_stdout() -> None:
        return

    sleep_ms = asyncio.sleep_ms  # allocates nothing, where a coroutine around it would

    def heap_free() -> int:
        return gc.mem_free()

else:
    UNBUFFERED = {"buffering": 0}
    STDIN = sys.stdin.fileno() if sys.stdin is not None else 0

    def host_us() -> int:
        """CLOCK_MONOTONIC in µs."""
        return time.monotonic_ns() // 1000

    def sleep_us(us: int) -> None:
        """Blocks for `us`."""
        time.sleep(us / 1_000_000)

    def is_readable(poll) -> bool:
        """Whether a socket has something."""
        return bool(poll.poll(0))

    async def until_readable(stream) -> None:
        loop = asyncio.get_running_loop()
        seen = loop.create_future()
        loop.add_reader(stream, lambda: seen.done() or seen.set_result(None))
        try:
            await seen
        finally:
            loop.remove_reader(stream)

    def read_stdin(poll, most: int) -> bytes:
        return os.read(STDIN, most)

    def flush_stdout() -> None:
        sys.stdout.flush()

    def sleep_ms(ms: int):
        return asyncio.sleep(ms / 1000)

    def heap_free() -> int:
        return -1
