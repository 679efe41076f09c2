"""A pulser's serial console: JSON-RPC 2.0, one object a line, over a USB cable or a virtual board's pty."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, cast

import serial
import serial_asyncio

from .errors import ConsoleError
from .names import clean
from .ports import opening_words
from .unbroken import to_its_end

BAUD = 115_200  # what stock firmware's console speaks
_LINE_MAX = 8 * 1024  # the networks seen make two thousand bytes at most; a longer line is another program's
_ANSWER_WITHIN_S = 3.0
# A board that its port's opening has reset needs this long until its console is there.
_BOOT_WITHIN_S = 12.0
_ASK_AGAIN_S = 1.0


def _gone() -> tuple[type[Exception], ...]:
    """Give what the system says of a port that has gone: beside OSError, POSIX has a kind of its own."""
    if sys.platform == "win32":
        return (OSError,)
    import termios

    return (OSError, termios.error)


# The library has no types.
_Connect = Callable[
    [asyncio.AbstractEventLoop, Callable[[], asyncio.Protocol], serial.Serial],
    Awaitable[tuple[asyncio.WriteTransport, asyncio.Protocol]],
]


class ConsoleRefused(ConsoleError):
    """The pulser answered, and said no: it has changed nothing."""


class PortFailed(ConsoleError):
    """The port is dead: no call over it is ever answered again."""


class Console:
    """An open console. Use `open_console`."""

    def __init__(self, port: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take an open port's streams."""
        self.port = port
        self._reader = reader
        self._writer = writer
        self._last_id = 0

    async def ready(self, within_s: float | None = None) -> dict[str, Any]:
        """Wait for a pulser that may be booting, and give its `info`; ConsoleError if none answers."""
        try:
            async with asyncio.timeout(_BOOT_WITHIN_S if within_s is None else within_s):
                while True:
                    try:
                        return await self.call("info", within_s=_ASK_AGAIN_S)
                    except (ConsoleRefused, PortFailed):
                        # Of a dead port each call fails at once: asking again would leave the loop no turn.
                        raise
                    except ConsoleError:
                        continue
        except TimeoutError:
            raise ConsoleError(
                f"no pulser answers at {self.port}: is it the right port, has it the firmware "
                "(twintap flash), and does no other program hold the port?"
            ) from None

    async def call(
        self, method: str, params: Mapping[str, object] | None = None, *, within_s: float | None = None
    ) -> dict[str, Any]:
        """Call a method and give its result.

        Raises `ConsoleRefused` with the pulser's own words if it refuses, `ConsoleError` if no answer comes
        in time or the port fails. Neither message holds a parameter's value.
        """
        self._last_id += 1
        request: dict[str, object] = {"jsonrpc": "2.0", "id": self._last_id, "method": method}
        if params is not None:
            request["params"] = dict(params)
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S if within_s is None else within_s):
                # The newline before ends whatever half a line the pulser may have been sent.
                self._writer.write(b"\n" + json.dumps(request).encode("ascii") + b"\n")
                await self._writer.drain()
                answer = await self._answer()
        except TimeoutError:
            raise ConsoleError(f"the pulser at {self.port} did not answer `{method}`") from None
        except (OSError, EOFError) as error:
            raise PortFailed(f"the port {self.port} failed ({error}); is the cable in?") from error
        error = answer.get("error")
        if error is not None:
            words = cast("dict[str, object]", error).get("message") if isinstance(error, dict) else error
            raise ConsoleRefused(f"the pulser refused `{method}`: {clean(str(words))}")
        result = answer.get("result")
        return cast("dict[str, Any]", result) if isinstance(result, dict) else {}

    async def _answer(self) -> dict[str, Any]:
        """Read until the answer to the last request; boot messages and late answers are passed over."""
        while True:
            line = await self._line()
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(found, dict):
                answer = cast("dict[str, Any]", found)
                if answer.get("jsonrpc") == "2.0" and answer.get("id") == self._last_id:
                    return answer

    async def _line(self) -> bytes:
        while True:
            try:
                return await self._reader.readuntil(b"\n")
            except asyncio.LimitOverrunError as overrun:
                await self._reader.read(max(1, overrun.consumed))

    async def close(self) -> None:
        """Close the port; what was not sent yet is thrown away."""
        # Not `close`: it waits for a device that may never read again. One that has gone is closed already.
        if not self._writer.transport.is_closing():
            self._writer.transport.abort()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


class _Device(serial.Serial):
    """A serial port that keeps nobody waiting in the event loop.

    Draining and closing a port wait in the system for a device that has stopped to read, for 30 s and more,
    and the library does both in the loop. Here they do nothing, and `shut` closes it, in a thread.
    """

    def flush(self) -> None:
        """Wait for nothing."""

    def close(self) -> None:
        """Leave it to `shut`."""

    def shut(self) -> None:
        """Close the port, and throw away what was not sent. Blocks."""
        with contextlib.suppress(*_gone()):
            self.reset_output_buffer()
        with contextlib.suppress(*_gone()):
            super().close()


@contextlib.asynccontextmanager
async def open_console(port: str) -> AsyncGenerator[Console]:
    """Open the serial port (or pty) `port`; ConsoleError if it cannot be opened."""
    device = await _opened(port)
    try:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_LINE_MAX, loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        connect = cast("_Connect", serial_asyncio.connection_for_serial)
        transport, _ = await connect(loop, lambda: protocol, device)
        console = Console(port, reader, asyncio.StreamWriter(transport, protocol, reader, loop))
        try:
            yield console
        finally:
            await console.close()
    finally:
        # Cancelled or not, it is closed.
        await to_its_end(asyncio.to_thread(device.shut))


async def _opened(port: str) -> _Device:
    found: list[_Device] = []

    async def opening() -> None:
        found.append(await asyncio.to_thread(_open, port))

    try:
        await to_its_end(opening())
    except asyncio.CancelledError:
        # The system went on opening it; what it gave is nobody's any more.
        for device in found:
            await to_its_end(asyncio.to_thread(device.shut))
        raise
    except (OSError, ValueError) as error:
        raise ConsoleError(await asyncio.to_thread(opening_words, port, error)) from error
    return found[0]


def _open(port: str) -> _Device:
    device = _Device()
    device.port = port
    device.baudrate = BAUD
    device.timeout = 0
    if sys.platform != "win32":
        device.exclusive = True
    # Both lines the same, or the usual reset circuit of an ESP32 board resets it.
    device.dtr = False
    device.rts = False
    try:
        device.open()
    except BaseException:
        device.shut()
        raise
    return device
