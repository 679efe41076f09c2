"""What every route needs, in one place."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from ..access.offers import Offers
from ..store import Pairing, Store
from .gate import Gate

if TYPE_CHECKING:
    from ..access.certificates import Certificates
    from ..discovery import Foreign
    from ..journal.journal import Journal
    from ..rooms.hub import Hub
    from ..sessions.desk import Desk

_UNDO_MAX = 16


@dataclass(slots=True)
class Undo:
    """What was before the latest pairings, so that one which fails at the cable can be taken back."""

    _before: OrderedDict[bytes, Pairing | None] = field(default_factory=OrderedDict[bytes, Pairing | None])

    def keep(self, pulser_id: bytes, before: Pairing | None) -> None:
        """Remember what a new pairing replaced (None: nothing); only the latest few are kept."""
        self._before[pulser_id] = before
        self._before.move_to_end(pulser_id)
        while len(self._before) > _UNDO_MAX:
            self._before.popitem(last=False)

    def take(self, pulser_id: bytes) -> Pairing | None:
        """Give what was before and forget it; KeyError if this pulser was not paired lately."""
        return self._before.pop(pulser_id)


@dataclass(slots=True)
class Context:
    """The parts that the routes work with."""

    hub: "Hub"
    store: Store
    journal: "Journal"
    desk: "Desk"
    gate: Gate
    host: str
    foreign: "Foreign"
    undo: Undo = field(default_factory=Undo)
    offers: Offers = field(default_factory=Offers)
    certificates: "Certificates | None" = None

    @property
    def tls(self) -> bool:
        """Whether this daemon speaks TLS to the network."""
        return self.certificates is not None


async def _context(connection: HTTPConnection) -> Context:
    # Asynchronous although it waits for nothing: a plain function would be run in a thread, and a stop wait.
    return cast("Context", connection.app.state.context)


Ctx = Annotated[Context, Depends(_context)]
