"""The one thread that writes the journal. What waits is written together, in one synced transaction.

The event loop hands over without ever waiting; the thread answers into the loop. All counting of what waits
is done in the loop, so nothing here needs a lock.
"""

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from twintap_protocol.errors import TwintapError

from ..errors import Refused, StoreError
from .entry import Draft, Entry
from .ledger import Ledger

_log = logging.getLogger(__name__)

# One transaction takes this many; a chain of 256 links is written in some 20 ms.
_GROUP_MAX = 256
# While the disk fails it is tried again this often, so that a fault that is over is seen to be over.
_RETRY_S = 0.5
_END_WITHIN_S = 30.0
_CLOSED = "the journal is closed"
_T = TypeVar("_T")


@dataclass(eq=False, slots=True)
class _Event:
    """A draft, and who waits for it; nobody does for one that is kept."""

    draft: Draft
    waiter: "asyncio.Future[Entry] | None"


@dataclass(eq=False, slots=True)
class _Mark:
    """A place in the queue: done when all before it is on disk."""

    waiter: "asyncio.Future[None]"


@dataclass(eq=False, slots=True)
class _Work:
    """Something that needs the writer for itself."""

    do: Callable[[Ledger], Any]
    waiter: "asyncio.Future[Any]"


class _End:
    """The last thing in the queue."""

    waiter = None


_Item = _Event | _Mark | _Work | _End


class Writer:
    """The thread and its queue.

    `probe(ledger)` writes a little and raises StoreError while the disk still fails. `tell(fault)` is called
    in the loop when writing began to fail (in words) or works again (None); `settled(count)`, when so many
    events are on disk, refused or failed.
    """

    def __init__(
        self,
        ledger: Ledger,
        probe: Callable[[Ledger], None],
        tell: Callable[[str | None], None],
        settled: Callable[[int], None],
    ) -> None:
        self._ledger = ledger
        self._probe = probe
        self._tell = tell
        self._settled = settled
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self._waiting: deque[_Item] = deque()
        self._fault: str | None = None
        self._failed_at_s = 0.0
        self._is_over = False
        # A daemon thread: what was acknowledged is on disk, so there is nothing an exit has to wait for.
        self._thread = threading.Thread(target=self._run, name="journal writer", daemon=True)
        self._thread.start()

    # --- in the loop ------------------------------------------------------------------------------------

    def append(self, draft: Draft) -> "asyncio.Future[Entry]":
        """Hand a draft over; the future is done when it is on disk."""
        waiter: asyncio.Future[Entry] = self._running_loop().create_future()
        self._hand_over(_Event(draft, waiter))
        return waiter

    def keep(self, draft: Draft) -> None:
        """Hand a draft over that is tried until it is on disk."""
        self._running_loop()
        self._hand_over(_Event(draft, None))

    def flushed(self) -> "asyncio.Future[None]":
        """Give what is done when all that was handed over is on disk, and fails if it is not now."""
        waiter: asyncio.Future[None] = self._running_loop().create_future()
        self._hand_over(_Mark(waiter))
        return waiter

    def work(self, do: Callable[[Ledger], _T]) -> "asyncio.Future[_T]":
        """Have something done by the thread, after all that was handed over before, in no transaction."""
        waiter: asyncio.Future[_T] = self._running_loop().create_future()
        self._hand_over(_Work(do, waiter))
        return waiter

    def end(self) -> None:
        """Let the thread write what waits, and end. Blocks. StoreError if it does not end."""
        self._queue.put(_End())
        self._thread.join(_END_WITHIN_S)
        if self._thread.is_alive():
            raise StoreError(f"the disk has not answered for {_END_WITHIN_S:.0f} s; look at it")

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        return self._loop

    def _hand_over(self, item: _Item) -> None:
        self._queue.put(item)
        # The thread says that it is over and then empties the queue; we put and then ask. One of us sees it.
        if self._is_over and item.waiter is not None:
            self._answer([(item.waiter, StoreError(_CLOSED))])

    # --- in the thread ----------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self._is_over:
                self._gather()
                if not self._waiting:
                    self._look()
                elif isinstance(self._waiting[0], _Work):
                    self._do(self._waiting.popleft())
                else:
                    self._write()
        except BaseException:
            self._set_fault("the journal is closed by an error of its own; start the daemon again")
            raise
        finally:
            # By an error of ours too: whoever waits is told, and nobody waits for ever.
            self._is_over = True
            self._empty_queue()
            self._fail_all(StoreError(_CLOSED))
            self._ledger.forget()

    def _empty_queue(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                self._waiting.append(self._queue.get_nowait())

    def _gather(self) -> None:
        """Take all that is there; wait for something, or, while the disk fails, for the next try."""
        self._empty_queue()
        if self._fault is None:
            if not self._waiting:
                self._waiting.append(self._queue.get())
                self._empty_queue()
            return
        with contextlib.suppress(queue.Empty):
            # Whoever waits is not made to wait for the next try; what is kept is.
            while all(isinstance(one, _Event) and one.waiter is None for one in self._waiting):
                left_s = self._failed_at_s + _RETRY_S - time.monotonic()
                self._waiting.append(self._queue.get(timeout=max(0.0, left_s)))

    def _write(self) -> None:
        taken: list[_Item] = []
        while self._waiting and len(taken) < _GROUP_MAX and not isinstance(self._waiting[0], _Work):
            taken.append(self._waiting.popleft())
        events = [one for one in taken if isinstance(one, _Event)]
        try:
            found = self._ledger.write([event.draft for event in events]) if events else []
        except StoreError as error:
            self._waiting.extendleft(reversed(taken))
            self._fail(error)
            return
        except BaseException:
            # An error of ours. Those who wait are among those who are told that it is over.
            self._waiting.extendleft(reversed(taken))
            raise
        answers: list[tuple[asyncio.Future[Any], Any]] = []
        for event, result in zip(events, found, strict=True):
            if event.waiter is not None:
                answers.append((event.waiter, result))
            elif isinstance(result, Refused):
                _log.warning("an event of the type %s was not journalled: %s", event.draft.type, result)
        answers += [(one.waiter, None) for one in taken if isinstance(one, _Mark)]
        self._answer(answers, settled=len(events))
        if events:
            self._set_fault(None)
        if any(isinstance(one, _End) for one in taken):
            self._is_over = True

    def _do(self, work: _Item) -> None:
        assert isinstance(work, _Work)
        try:
            result = work.do(self._ledger)
        except TwintapError as error:
            self._answer([(work.waiter, error)])
        except BaseException:
            self._waiting.appendleft(work)
            raise
        else:
            self._answer([(work.waiter, result)])
        finally:
            self._ledger.forget()

    def _look(self) -> None:
        try:
            self._probe(self._ledger)
        except StoreError as error:
            self._fail(error)
        else:
            self._set_fault(None)

    def _fail(self, error: StoreError) -> None:
        """Tell all that wait; what is kept stays, in its order, unless this is the end."""
        self._failed_at_s = time.monotonic()
        self._set_fault(str(error))
        if any(isinstance(one, _End) for one in self._waiting):
            self._is_over = True
        self._fail_all(error)

    def _fail_all(self, error: StoreError) -> None:
        kept = [one for one in self._waiting if isinstance(one, _Event) and one.waiter is None]
        failed = [one for one in self._waiting if not isinstance(one, _End) and one.waiter is not None]
        self._waiting.clear()
        if self._is_over:
            if kept:
                _log.warning("%d events could not be journalled before the end: %s", len(kept), error)
        else:
            self._waiting.extend(kept)
        answers = [(one.waiter, error) for one in failed if one.waiter is not None]
        self._answer(answers, settled=sum(isinstance(one, _Event) for one in failed))

    def _set_fault(self, fault: str | None) -> None:
        if fault != self._fault:
            self._fault = fault
            self._post(self._tell, fault)

    def _answer(self, answers: Iterable[tuple["asyncio.Future[Any]", Any]], settled: int = 0) -> None:
        self._post(_settle, tuple(answers))
        if settled:
            self._post(self._settled, settled)

    def _post(self, do: Callable[[_T], None], value: _T) -> None:
        # A loop that has closed waits for nothing.
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(do, value)


def _settle(answers: tuple[tuple["asyncio.Future[Any]", Any], ...]) -> None:
    for waiter, result in answers:
        if waiter.done():
            continue
        if isinstance(result, TwintapError):
            waiter.set_exception(result)
        else:
            waiter.set_result(result)
