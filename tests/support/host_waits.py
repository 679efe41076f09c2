"""How long this machine kept a board's processes from running: what no firmware can do anything about.

Linux counts, for each process, the time in which it could have run and no core was free for it. Tests allow a
board that much, and no more: on an idle machine nearly nothing, and exactly as much as is due on a busy one.
"""

import threading
import time
from pathlib import Path

_EVERY_S = 0.004
# How long some task of this machine had waited for a core, in all: Linux counts it.
_PRESSURE = Path("/proc/pressure/cpu")


def _pressed_us() -> int:
    try:
        some = _PRESSURE.read_text().splitlines()[0]
    except OSError:
        return 0
    return int(some.rsplit("=", 1)[1])


class HostWaits:
    """Use `with`, for the processes `pids` of one board. Elsewhere than on Linux no wait is ever known: 0."""

    def __init__(self, *pids: int) -> None:
        self._files = [Path(f"/proc/{pid}/schedstat") for pid in pids]
        self._seen: list[tuple[int, int]] = []  # (host's µs, µs waited so far)
        self._longest_stall_us = 0
        self._pressed_us = _pressed_us()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="host waits", daemon=True)

    def _look(self) -> None:
        try:
            waited_ns = sum(int(file.read_text().split()[1]) for file in self._files)
        except (FileNotFoundError, ProcessLookupError):
            return
        self._seen.append((time.monotonic_ns() // 1_000, waited_ns // 1_000))

    def _watch(self) -> None:
        before_s = time.monotonic()
        while not self._over.wait(_EVERY_S):
            now_s = time.monotonic()
            # What the kernel's count cannot show: a whole machine that stood still takes this thread along.
            self._longest_stall_us = max(self._longest_stall_us, int((now_s - before_s - _EVERY_S) * 1e6))
            before_s = now_s
            self._look()

    def __enter__(self) -> "HostWaits":
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def between_us(self, from_us: int, to_us: int) -> int:
        """The wait within a time of the host's clock, by the looks around it."""
        if not self._seen:
            return 0
        before = [waited for at, waited in self._seen if at <= from_us]
        after = [waited for at, waited in self._seen if at >= to_us]
        return (after[0] if after else self._seen[-1][1]) - (before[-1] if before else self._seen[0][1])

    @property
    def kept_us(self) -> int:
        """How long at least one thing on this machine was kept from running, from the first look on."""
        return max(self.total_us, self._longest_stall_us, _pressed_us() - self._pressed_us)

    @property
    def total_us(self) -> int:
        """The wait from the first look to the newest."""
        return self._seen[-1][1] - self._seen[0][1] if self._seen else 0
