"""The launcher's line to the keeper and to the radio: JSON objects, one a line, on a pair of stream sockets.

One question, one answer, in order. The end of the stream means that the other process is gone.
"""

import asyncio
import json
import socket
from typing import Any

from .errors import BoardError

# An answer takes microseconds; a process that is silent this long is stopped or starved beyond use.
_ANSWER_WITHIN_S = 10.0
_LINE_MAX = 65_536


class Asker:
    """The launcher's end."""

    def __init__(self, sock: socket.socket, who: str) -> None:
        """Take the launcher's end of a stream socket pair, and the other process's name for messages."""
        sock.setblocking(False)
        self._sock = sock
        self._who = who
        self._lock = asyncio.Lock()
        self._failed = False

    async def ask(self, question: dict[str, Any], fds: tuple[int, ...] = ()) -> dict[str, Any]:
        """Send `question`, with descriptors if given, and give the answer; BoardError if there is none."""
        async with self._lock:
            if self._failed:
                raise BoardError(f"the board's {self._who} did not answer before")
            # Questions and answers would no longer match after one that was broken off.
            self._failed = True
            line = json.dumps(question).encode() + b"\n"
            answer = b""
            try:
                if fds:
                    socket.send_fds(self._sock, [line], list(fds))
                else:
                    self._sock.sendall(line)
                loop = asyncio.get_running_loop()
                async with asyncio.timeout(_ANSWER_WITHIN_S):
                    while not answer.endswith(b"\n"):
                        part = await loop.sock_recv(self._sock, _LINE_MAX)
                        if not part:
                            raise BoardError(f"the board's {self._who} has ended")
                        answer += part
            except (OSError, TimeoutError) as error:
                raise BoardError(
                    f"the board's {self._who} does not answer ({error or 'time-out'})"
                ) from error
            self._failed = False
            return json.loads(answer)

    def close(self) -> None:
        """Hang up: the other process takes it as the launcher's end."""
        self._sock.close()


class Answerer:
    """The other process's end, for a loop that waits on descriptors."""

    def __init__(self, sock: socket.socket) -> None:
        """Take this process's end of the stream socket pair."""
        sock.setblocking(False)
        self._sock = sock
        self._pending = b""

    def fileno(self) -> int:
        """Give the descriptor to wait on."""
        return self._sock.fileno()

    def questions(self) -> tuple[list[dict[str, Any]], list[int]] | None:
        """Read what has come: whole questions, descriptors sent with them; None if the launcher is gone."""
        try:
            data, fds, _flags, _address = socket.recv_fds(self._sock, _LINE_MAX, 4)
        except BlockingIOError:
            return [], []
        except OSError:
            return None
        if not data:
            return None
        *lines, self._pending = (self._pending + data).split(b"\n")
        return [json.loads(line) for line in lines], list(fds)

    def answer(self, answer: dict[str, Any]) -> None:
        """Send one answer; a launcher that is gone is noticed at the next read."""
        try:
            self._sock.sendall(json.dumps(answer).encode() + b"\n")
        except OSError:
            return
