"""The application: the front door, the routes, the errors, one page."""

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from .. import __version__, addresses
from ..store import Store
from . import (
    access,
    beat,
    clinic,
    doctor,
    documents,
    export,
    page,
    pairings,
    pulsers,
    routes,
    sessions,
    trust,
    watch,
)
from . import journal as journal_routes
from .context import Context
from .faults import add_handlers
from .gate import FrontDoor, Gate

if TYPE_CHECKING:
    from ..discovery import Foreign
    from ..journal.journal import Journal
    from ..rooms.hub import Hub
    from ..sessions.desk import Desk

# In the order in which a path is looked for.
_ROUTERS = (
    routes.router,
    pulsers.router,
    pairings.router,
    sessions.router,
    clinic.router,
    journal_routes.router,
    export.router,
    doctor.router,
    documents.router,
    documents.open_router,
    access.router,
    access.open_router,
    trust.router,
    trust.files,
    watch.router,
    beat.router,
    page.router,
    beat.pages,
)


def create_app(
    hub: "Hub",
    store: Store,
    journal: "Journal",
    desk: "Desk",
    *,
    host: str,
    names: frozenset[str],
    foreign: "Foreign",
) -> FastAPI:
    """Build the application for a hub that has been started, and a desk that is open over it.

    `host`: what is served on; `names`: the host names, in lower case, by which this computer may be called;
    `foreign`: the pulsers heard that are not ours.
    """
    app = FastAPI(
        title="twintap",
        version=__version__,
        description="Rooms, sets, pulsers. Times carry their unit in their name; left is the client's left.",
        docs_url=None,  # the usual page for it loads its script from elsewhere
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    gate = Gate(store, open_sessions=desk.open_rooms)
    context = Context(hub=hub, store=store, journal=journal, desk=desk, gate=gate, host=host, foreign=foreign)
    app.state.context = context
    add_handlers(app)
    for router in _ROUTERS:
        # As they are. To include a router would build each of its routes a second time, and not now but when
        # a request first gets that far: up to 60 ms in which no set is looked after.
        app.router.routes.extend(router.routes)
    app.add_middleware(FrontDoor, names=names or addresses.own_names(store.daemon_id.hex()))

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            # The framework's own models of a 422: ours replaces them in every operation.
            for unused in ("HTTPValidationError", "ValidationError"):
                schema.get("components", {}).get("schemas", {}).pop(unused, None)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi
    return app
