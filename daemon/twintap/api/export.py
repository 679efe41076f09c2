"""A session as a file, and a client's course over the visits."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.security import HTTPBearer
from starlette.responses import Response

from ..core.codes import normalised
from ..export.course import CoursePoint, course
from ..export.formats import Format, export
from ..export.report import content_policy
from ..journal.tally import SessionRow
from ..tokens import MAY_READ_NOTES
from .context import Ctx
from .faults import answers
from .routes import AnyCommander
from .sessions import CodeBody, Reader, SessionId

router = APIRouter(
    prefix="/api/v1", dependencies=[Depends(HTTPBearer(auto_error=False, description="A token."))]
)

_PAGE = 200
_VISITS_MAX = 2_000  # more than a visit a day for five years: what is older has no place in one picture

_TEXT: dict[str, Any] = {"schema": {"type": "string"}}
_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The session as a file; its name says nothing of the client.",
        "content": {
            "application/jsonl": _TEXT,
            "text/csv": _TEXT,
            "application/zip": {"schema": {"type": "string", "format": "binary"}},
            "text/html": _TEXT,
        },
    }
}


@router.get(
    "/sessions/{session}/export",
    response_class=Response,
    responses={**answers(404, 409, 507), **_FILES},
)
async def export_session(
    context: Ctx,
    session: SessionId,
    token: Reader,
    form: Annotated[
        Format,
        Query(
            alias="format",
            description="jsonl: CloudEvents, whole; csv: flat; bids: a data set, zipped; html: the report",
        ),
    ],
) -> Response:
    """Give a session as a file.

    JSON lines hold all that the journal holds and can be imported; the others show what holds once every
    correction is made. 409 `erased` if the client was erased and the form has nothing left to show.
    """
    row = await context.journal.session(session)
    if row.room:
        context.gate.check(token, MAY_READ_NOTES, row.room)
    entries = await context.journal.entries(session)
    # Whole before the first byte leaves: what cannot be made is refused in words, never cut off.
    made = await asyncio.to_thread(
        export, form, session, entries, daemon_id=context.store.daemon_id, made_at=datetime.now(UTC)
    )
    shown = "inline" if form == "html" else "attachment"
    headers = {
        "Content-Disposition": f'{shown}; filename="{made.name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    if form == "html":
        headers["Content-Security-Policy"] = f"{content_policy()}; frame-ancestors 'self'"
    return Response(made.content, headers=headers, media_type=made.media_type)


@router.post("/clients/course", responses=answers(507))
async def client_course(context: Ctx, token: AnyCommander, body: CodeBody) -> list[CoursePoint]:
    """Show how a client's visits went, one point each, the oldest first; those in the token's rooms."""
    code = normalised(body.code)
    found: list[SessionRow] = []
    before: str | None = None
    while len(found) < _VISITS_MAX:
        page = await context.journal.sessions(code=code, before=before, limit=_PAGE)
        found += [row for row in page if token.names(row.room)]
        if len(page) < _PAGE:
            break
        before = page[-1].id
    return course(found)
