"""A bare echo through a board's own radio: what the air alone takes, for comparison in the same run."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from pathlib import Path

from tests.bench.rig import BenchError, Board, BoardOptions, host_us

ECHO_APP = Path(__file__).with_name("echo_app.py")
_EVERY_S = 0.1  # as often as a lease in a set: what queues behind a stall queues here too
_ANSWER_WITHIN_S = 0.5
_ASKED = struct.Struct("<I")
_ANSWERED = struct.Struct("<IQ")


class Air:
    """Two boards' echoes, side by side. Only trips of which both came back are kept, and of these the slower.

    `down_us`: from the sender to the receiver; `round_us`: there and back.
    """

    def __init__(self) -> None:
        self.down_us: list[float] = []
        self.round_us: list[float] = []
        self.asked = 0


class _Asker(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answers: dict[int, tuple[int, int]] = {}

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        if len(data) == _ANSWERED.size:
            number, at_us = _ANSWERED.unpack(data)
            self.answers[number] = (at_us, host_us())


@contextlib.asynccontextmanager
async def echoing(label: str, folder: Path, left: BoardOptions, right: BoardOptions) -> AsyncIterator[Air]:
    """Echoes with these two options until the end of the block; the `Air` fills meanwhile."""
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        askers: list[tuple[asyncio.DatagramTransport, _Asker]] = []
        for number, options in enumerate((left, right)):
            place = folder / f"{label}-{number}"
            board = await stack.enter_async_context(Board(place, place / "trace.csv", options))
            port = await _port_of(board)
            transport, asker = await loop.create_datagram_endpoint(_Asker, remote_addr=("127.0.0.1", port))
            stack.callback(transport.close)
            askers.append((transport, asker))
        air = Air()
        asking = asyncio.create_task(_ask(askers, air), name=f"echo {label}")
        try:
            yield air
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)


async def _port_of(board: Board) -> int:
    for _ in range(200):
        with contextlib.suppress(BenchError):
            return board.note("echo.json")["port"]
        await asyncio.sleep(0.05)
    return board.note("echo.json")["port"]


async def _ask(askers: list[tuple[asyncio.DatagramTransport, _Asker]], air: Air) -> None:
    sent_us: dict[int, list[int]] = {}
    number = 0
    behind = round(_ANSWER_WITHIN_S / _EVERY_S)
    while True:
        sent_us[number] = []
        for transport, _ in askers:
            sent_us[number].append(host_us())
            transport.sendto(_ASKED.pack(number))
        number += 1
        await asyncio.sleep(_EVERY_S)
        done = number - behind
        if done >= 0:
            _take(askers, air, done, sent_us.pop(done))


def _take(
    askers: list[tuple[asyncio.DatagramTransport, _Asker]], air: Air, number: int, sent_us: list[int]
) -> None:
    air.asked += 1
    answers = [asker.answers.pop(number, None) for _, asker in askers]
    there = [answer for answer in answers if answer is not None]
    if len(there) == len(askers):
        air.down_us.append(max(at - sent for (at, _), sent in zip(there, sent_us, strict=True)))
        air.round_us.append(max(back - sent for (_, back), sent in zip(there, sent_us, strict=True)))
