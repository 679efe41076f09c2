"""Somebody on the path: passes every datagram of one pulser on, keeps copies, and says what it likes."""

import os
import random
import select
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

MAGIC = 0xB5
_SEALED_FROM = 0x10
_KEPT = 2_000


class Relay:
    """A road between one board and one daemon. To the board it is the daemon, to the daemon the board."""

    def __init__(self, daemon: tuple[str, int]) -> None:
        self._daemon = daemon
        self._to_board, self._to_daemon = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in "bd")
        for sock in (self._to_board, self._to_daemon):
            sock.bind(("127.0.0.1", 0))
        self._board: tuple[str, int] | None = None
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self.from_daemon: list[bytes] = []
        self.from_board: list[bytes] = []
        # Frames of these kinds from the daemon are held back until they are let go.
        self.hold_kinds: frozenset[int] = frozenset()
        self.held: list[bytes] = []

    @property
    def port(self) -> int:
        """Where a board finds it instead of the daemon."""
        return self._to_board.getsockname()[1]

    @property
    def address(self) -> str:
        """What the daemon takes for the board's address."""
        return f"127.0.0.1:{self._to_daemon.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()
        self._to_board.close()
        self._to_daemon.close()

    def _run(self) -> None:
        while not self._done.is_set():
            ready, _, _ = select.select((self._to_board, self._to_daemon), (), (), 0.1)
            for sock in ready:
                data, source = sock.recvfrom(2048)
                if sock is self._to_board:
                    self._board = source
                    self._keep(self.from_board, data)
                    self._to_daemon.sendto(data, self._daemon)
                elif self._board is not None and source == self._daemon:
                    self._keep(self.from_daemon, data)
                    if len(data) > 2 and data[2] in self.hold_kinds:
                        self.held.append(data)
                        continue
                    self._to_board.sendto(data, self._board)

    @staticmethod
    def _keep(kept: list[bytes], data: bytes) -> None:
        kept.append(data)
        if len(kept) > _KEPT:
            # The first ones are the handshake's, and stay.
            del kept[20]

    def let_go(self) -> int:
        """Deliver what was held back, late and in order; give how many there were."""
        self.hold_kinds = frozenset()
        held, self.held = self.held, []
        for frame in held:
            self.say_to_board(frame)
        return len(held)

    def say_to_board(self, data: bytes) -> None:
        """Send under the daemon's own address."""
        assert self._board is not None
        self._to_board.sendto(data, self._board)

    def say_to_daemon(self, data: bytes) -> None:
        """Send under the board's own address."""
        self._to_daemon.sendto(data, self._daemon)


def is_sealed(frame: bytes) -> bool:
    """Whether it is a frame of a link, and not of a handshake."""
    return len(frame) >= 20 and frame[0] == MAGIC and frame[2] >= _SEALED_FROM


def lies(heard: list[bytes], others: list[bytes], chance: random.Random) -> dict[str, Callable[[], bytes]]:
    """Every kind of frame that a stranger could send who heard `heard` this way, and `others` elsewhere."""

    def any_sealed() -> bytes:
        return chance.choice([frame for frame in heard[-200:] if is_sealed(frame)] or heard)

    def with_byte(frame: bytes, at: int, value: int) -> bytes:
        return frame[:at] + bytes((value,)) + frame[at + 1 :]

    def forged() -> bytes:
        frame = any_sealed()
        ahead = (int.from_bytes(frame[8:12], "little") + chance.randrange(1, 1_000)) & 0x3FFFFFFF
        return frame[:8] + ahead.to_bytes(4, "little") + os.urandom(len(frame) - 12)

    def flipped() -> bytes:
        frame = any_sealed()
        at = chance.randrange(len(frame))
        return with_byte(frame, at, frame[at] ^ 1 << chance.randrange(8))

    def of_another_key() -> bytes:
        link_id = any_sealed()[4:8]
        frame = chance.choice([frame for frame in others[-200:] if is_sealed(frame)] or others)
        return frame[:4] + link_id + frame[8:]

    def truncated() -> bytes:
        frame = chance.choice(heard)
        return frame[: chance.randrange(len(frame))]

    return {
        "garbage": lambda: os.urandom(chance.randrange(1, 400)),
        "garbage with the magic": lambda: bytes((MAGIC, 0x10)) + os.urandom(chance.randrange(2, 254)),
        "replayed": lambda: chance.choice(heard),
        "replayed handshake": lambda: chance.choice(
            [frame for frame in heard if not is_sealed(frame)] or heard
        ),
        "forged": forged,
        "flipped": flipped,
        "truncated": truncated,
        "longer": lambda: chance.choice(heard) + os.urandom(9),
        "from a stranger": lambda: any_sealed()[:4] + os.urandom(4) + any_sealed()[8:],
        "under another key": of_another_key,
        "of a future major": lambda: with_byte(any_sealed(), 1, 0x20),
        "of a future minor": lambda: with_byte(any_sealed(), 1, 0x1F),
        "empty": lambda: b"",
    }


def flood(say: Callable[[bytes], None], makers: list[Callable[[], bytes]], per_s: int, for_s: float) -> int:
    """Send lies at a steady rate, in bunches of 5 ms; give how many were sent."""
    made = [make() for make in makers for _ in range(40)]
    random.Random(1).shuffle(made)
    bunch = per_s // 200
    sent = 0
    begun = time.monotonic()
    while (since := time.monotonic() - begun) < for_s:
        for _ in range(bunch):
            say(made[sent % len(made)])
            sent += 1
        time.sleep(max(0.0, sent / per_s - since))
    return sent
