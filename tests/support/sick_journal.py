"""A real journal whose disk can be told to be full, or to hang."""

import asyncio
from typing import Any, Literal

from twintap.errors import StoreError
from twintap.journal.entry import Draft, Entry
from twintap.journal.journal import Journal

FULL = "the disk is full: free some space"


class SickJournal:
    """`disk`: well, full (all fails at once) or hung (nothing is answered until it is well again)."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.disk: Literal["well", "full", "hung"] = "well"
        self.kept: list[Draft] = []
        self._well = asyncio.Event()
        self._later: set[asyncio.Task[None]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.journal, name)

    @property
    def fault(self) -> str | None:
        return FULL if self.disk == "full" else self.journal.fault

    def heal(self) -> None:
        self.disk = "well"
        self._well.set()

    def append(self, draft: Draft) -> "asyncio.Future[Entry]":
        if self.disk == "well":
            return self.journal.append(draft)
        answer: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        if self.disk == "full":
            answer.set_exception(StoreError(FULL))
            return answer

        async def wait() -> None:
            await self._well.wait()
            entry = await self.journal.append(draft)
            if not answer.cancelled():
                answer.set_result(entry)

        task = asyncio.create_task(wait())
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        return answer

    def keep(self, draft: Draft) -> None:
        self.kept.append(draft)
        self.journal.keep(draft)

    async def flushed(self) -> None:
        if self.disk == "full":
            raise StoreError(FULL)
        if self.disk == "hung":
            await self._well.wait()
        await self.journal.flushed()
