"""What every route needs, in one place."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from ..access.offers import Offers
from ..pairing.here import HubRegistrar, Undo
from ..pairing.running import Pairings
from ..store import Store
from .gate import Gate

if TYPE_CHECKING:
    from ..access.certificates import Certificates
    from ..discovery import Foreign
    from ..journal.journal import Journal
    from ..rooms.hub import Hub
    from ..sessions.desk import Desk


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
    pairings: Pairings = field(init=False)

    def __post_init__(self) -> None:
        """Have the pairings that are carried out here use this daemon."""
        self.pairings = Pairings(lambda: self.registrar, self.store.path)

    @property
    def registrar(self) -> HubRegistrar:
        """This daemon, as pairing sees it."""
        return HubRegistrar(self.hub, self.store, self.host, foreign=self.foreign, undo=self.undo)

    @property
    def tls(self) -> bool:
        """Whether this daemon speaks TLS to the network."""
        return self.certificates is not None


async def _context(connection: HTTPConnection) -> Context:
    # Asynchronous although it waits for nothing: a plain function would be run in a thread, and a stop wait.
    return cast("Context", connection.app.state.context)


Ctx = Annotated[Context, Depends(_context)]
