"""Watching: every event of a room, to everyone who asked, without a slow reader holding up the room."""

import asyncio
from collections.abc import Callable
from types import TracebackType

from ..views import RoomEvent

_BACKLOG = 128  # some seconds of a busy room; past it a fresh snapshot says more than a backlog


class Watch:
    """An asynchronous iterator over events. First comes a snapshot of each room that is watched.

    A reader that falls behind loses what it did not read and gets fresh snapshots in its place.
    """

    def __init__(
        self, rooms: Callable[[], list[RoomEvent]], room: str | None, forget: Callable[["Watch"], None]
    ) -> None:
        self.room = room
        self._rooms = rooms
        self._forget = forget
        self._queue: asyncio.Queue[RoomEvent] = asyncio.Queue(_BACKLOG)

    @property
    def waiting(self) -> int:
        """How many events are ready to be read."""
        return self._queue.qsize()

    def put(self, event: RoomEvent) -> None:
        """Hands `event` on; a reader that is too far behind gets snapshots of the state instead."""
        if self._queue.full():
            while not self._queue.empty():
                self._queue.get_nowait()
            for snapshot in self._rooms()[:_BACKLOG]:
                self._queue.put_nowait(snapshot)
        else:
            self._queue.put_nowait(event)

    async def __aenter__(self) -> "Watch":
        for snapshot in self._rooms()[:_BACKLOG]:
            self._queue.put_nowait(snapshot)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._forget(self)

    def __aiter__(self) -> "Watch":
        return self

    async def __anext__(self) -> RoomEvent:
        return await self._queue.get()
