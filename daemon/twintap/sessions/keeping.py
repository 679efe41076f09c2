"""What the desk needs of a journal: `journal.Journal` is one, and a test may have another."""

import asyncio
from typing import Protocol

from ..journal.entry import Draft, Entry
from ..journal.tally import SessionRow


class Keeping(Protocol):
    """See the journal's own contract; everything here means there what it means here."""

    fault: str | None

    def append(self, draft: Draft) -> "asyncio.Future[Entry]":
        """Hand in; the future is done when it is on the disk, StoreError when it is not."""
        ...

    def keep(self, draft: Draft) -> None:
        """Hand in, and wait for nothing."""
        ...

    async def flushed(self) -> None:
        """Return when all that was handed in before is on the disk; StoreError if it is not."""
        ...

    async def sessions(
        self, *, code: str | None = None, room: str | None = None, before: str | None = None, limit: int = 50
    ) -> list[SessionRow]:
        """The newest sessions first."""
        ...

    async def session(self, session_id: str) -> SessionRow:
        """Raises `Refused("unknown")`."""
        ...

    async def entries(self, session_id: str) -> list[Entry]:
        """A session's events, in the order of its chain."""
        ...

    async def open_sessions(self) -> list[SessionRow]:
        """Every session that was not closed."""
        ...

    async def room_entries(self, room: str, *, after_seq: int = 0, limit: int = 500) -> list[Entry]:
        """A room's events outside sessions, in the order of its chain."""
        ...
