"""Long work in a thread, beside a loop in which sets run: it lets go of the interpreter again and again.

Python runs one thread at a time, and one that computes is asked to give way only every 5 ms; each step of a
stop would wait for that. What sleeps gives way at once.
"""

import time

_WORK_S = 0.001
_REST_S = 0.000_25


class Yielding:
    """Call it between small steps, in the thread: after 1 ms of work it rests for a quarter of that."""

    def __init__(self) -> None:
        """The work begins now."""
        self._rested_s = time.perf_counter()

    def __call__(self) -> None:
        """Rest, if it is time."""
        if time.perf_counter() - self._rested_s >= _WORK_S:
            time.sleep(_REST_S)
            self._rested_s = time.perf_counter()
