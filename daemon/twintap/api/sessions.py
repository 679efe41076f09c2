"""Sessions by HTTP: open, enter, close; a client's code; what was. No code ever stands in a URL."""

import asyncio
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, status
from fastapi.security import HTTPBearer

from ..core.codes import looks_like_name, normalised
from ..core.visit import UNDO_WITHIN, Entered, Visit, phase_at, replayed
from ..errors import Fault, Refused
from ..journal.entry import Entry
from ..journal.tally import SessionRow
from ..names import NAME_MAX, checked_name
from ..sessions.offers import happenings, lowered, offer_of, visits_of
from ..sessions.showing import room_for, zone_of
from ..tokens import MAY_COMMAND, MAY_READ_NOTES, MAY_WATCH, Role, Token
from ..views import SessionView
from .context import Ctx
from .faults import answers
from .routes import AnyCommander, Commander, RoomName, RoomWatcher
from .session_models import (
    LIST_MAX,
    ClientView,
    CloseBody,
    CodeBody,
    CorrectionBody,
    EntryBody,
    EntryKept,
    EntryView,
    LeadBody,
    LookupBody,
    LookupView,
    OfferView,
    OpenBody,
    PlanBody,
    SearchBody,
    SessionSummary,
    SessionWhole,
    SetRow,
    UndoBody,
)

router = APIRouter(
    prefix="/api/v1", dependencies=[Depends(HTTPBearer(auto_error=False, description="A token."))]
)

_PAGES_MAX = 20  # of a token for some rooms: so many pages are looked through for one of its own

SessionId = Annotated[
    str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="the session's id")
]


async def _reader(context: Ctx, request: Request) -> Token:
    return await context.gate.admit(context.gate.presented(request), MAY_READ_NOTES)


# Of these an observer's has to say so, and is for notes alone.
_MAY_ENTER: frozenset[Role] = MAY_COMMAND | frozenset[Role]({"observer"})


async def _enterer(context: Ctx, request: Request, room: RoomName) -> Token:
    return await context.gate.admit(context.gate.presented(request), _MAY_ENTER, room)


Reader = Annotated[Token, Depends(_reader)]
Enterer = Annotated[Token, Depends(_enterer)]


# -- clients -----------------------------------------------------------------------------------------------


@router.post("/clients/lookup", responses=answers(507))
async def look_up(context: Ctx, token: AnyCommander, body: LookupBody) -> LookupView:
    """Say whether a code is known, when it was here last, and what its next visit can begin with.

    What was in other rooms than the token's is not known to it: such a code is new.
    """
    code = normalised(body.code)
    seen = next(iter(await context.journal.clients(code=code, rooms=token.rooms)), None)
    visits = await visits_of(context.journal, code, is_shown=token.names) if seen is not None else []
    offer = offer_of(visits) if visits else None
    if body.kind == "medicine" and offer is not None:
        offer = lowered(offer)
    return LookupView(
        code=code,
        known=seen is not None,
        last_visit_at=_text(seen.last_at) if seen is not None else None,
        visits=seen.visits if seen is not None else 0,
        looks_like_name=looks_like_name(body.code),
        open_in=next((visit.room for visit in visits if visit.is_open), None),
        offer=None
        if offer is None
        else OfferView(
            pacings=dict(offer.pacings),
            left_pct=offer.left_pct,
            right_pct=offer.right_pct,
            targets=list(offer.targets),
            last_sud=offer.last_sud,
            last_voc=offer.last_voc,
            parts=list(offer.parts),
            plan=offer.plan,
            lowered=offer.lowered,
        ),
    )


@router.get("/clients", responses=answers(507))
async def list_clients(context: Ctx, token: AnyCommander) -> list[ClientView]:
    """Show the codes of the clients who were in the token's rooms, by code; only visits there count."""
    return [
        ClientView(code=one.code, visits=one.visits, first_at=_text(one.first_at), last_at=_text(one.last_at))
        for one in await context.journal.clients(rooms=token.rooms)
    ]


# -- a room's session --------------------------------------------------------------------------------------


@router.get("/rooms/{room}/session", responses=answers(404, 409))
async def show_session(context: Ctx, room: RoomName, token: RoomWatcher) -> SessionView:
    """Show the room's open session; 409 `closed` if there is none."""
    session = room_for(token, context.hub.room(room)).session
    if session is None:
        raise Refused(Fault("closed", "no session is open in this room"))
    return session


@router.post("/rooms/{room}/session", status_code=status.HTTP_201_CREATED, responses=answers(404, 409, 507))
async def open_session(context: Ctx, room: RoomName, token: Commander, body: OpenBody) -> SessionView:
    """Open a session; answered when it is on the disk. 409: `open` if one is, `running` in a set."""
    if await asyncio.to_thread(zone_of, body.zone) is None:
        raise Refused(
            Fault("field", "zone is no time zone that is known here, as Europe/London is", field="zone")
        )
    return await context.desk.open_session(
        room, code=body.code, kind=body.kind, zone=body.zone, actor=token.label, reach=token.rooms
    )


@router.post("/rooms/{room}/session/close", responses=answers(404, 409, 507))
async def close_session(context: Ctx, room: RoomName, token: Commander, body: CloseBody) -> SessionView:
    """Close the session; gives it as it was. 409: `closed` if none is open, `running` in a set."""
    return await context.desk.close_session(room, plan=body.plan, actor=token.label)


@router.post(
    "/rooms/{room}/session/entries",
    status_code=status.HTTP_201_CREATED,
    responses=answers(404, 409, 507),
)
async def enter(context: Ctx, room: RoomName, token: Enterer, body: EntryBody) -> EntryKept:
    """Enter a rating, a note, a mark …; answered when it is on the disk.

    An observer whose token says so may enter notes, and nothing else.
    """
    if token.role == "observer" and not (token.sees_notes and body.type == "note.added"):
        raise Refused(Fault("role", "an observer may enter notes alone, and only if the token says so"))
    kept = await context.desk.enter(room, body.type, body.data, actor=token.label, at=body.at)
    return EntryKept(
        id=kept.id,
        type=kept.type,
        at=_text(kept.at),
        entered=_text(kept.entered),
        undo_until=_text(kept.entered + UNDO_WITHIN),
        data=dict(kept.data),
    )


@router.post("/rooms/{room}/session/undo", responses=answers(404, 409, 507))
async def undo(context: Ctx, room: RoomName, token: Commander, body: UndoBody) -> SessionView:
    """Take back an entry of the last ten seconds; 409 `late` if it is older: correct it instead."""
    return await context.desk.undo(room, entry=body.entry, actor=token.label)


@router.post("/rooms/{room}/session/lead", responses=answers(404, 409, 507))
async def take_lead(context: Ctx, room: RoomName, token: Commander, body: LeadBody) -> SessionView:
    """Take the lead, or hand it to somebody."""
    label = token.label if body.label is None else checked_name("label", body.label)
    return await context.desk.take_lead(room, label=label, actor=token.label)


@router.post("/rooms/{room}/session/keep", responses=answers(404, 409))
async def keep_session(context: Ctx, room: RoomName, token: Commander) -> SessionView:
    """Say that the session still goes on; it is then not asked for another 20 minutes."""
    return context.desk.go_on(room, actor=token.label)


# -- what was ----------------------------------------------------------------------------------------------


@router.get("/sessions", responses=answers(404, 507))
async def list_sessions(
    context: Ctx,
    token: Reader,
    room: Annotated[str | None, Query(min_length=1, max_length=NAME_MAX)] = None,
    before: Annotated[str | None, Query(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")] = None,
    limit: Annotated[int, Query(ge=1, le=LIST_MAX)] = 50,
) -> list[SessionSummary]:
    """Show the sessions of the token's rooms, the newest first. `before`: the last one of the page before."""
    if room is not None:
        context.gate.check(token, MAY_READ_NOTES, room)
    return await _rows(context, token, None, room, before, limit)


@router.post("/sessions/search", responses=answers(404, 507))
async def search_sessions(context: Ctx, token: Reader, body: SearchBody) -> list[SessionSummary]:
    """Show a client's sessions, the newest first; those of the token's rooms."""
    return await _rows(context, token, normalised(body.code), None, body.before, body.limit)


@router.get("/sessions/{session}", responses=answers(404, 507))
async def whole_session(context: Ctx, session: SessionId, token: Reader) -> SessionWhole:
    """Show a session with every event of it."""
    row = await _row(context, token, session)
    return await asyncio.to_thread(_whole, row, await context.journal.entries(session))


@router.post("/sessions/{session}/corrections", responses=answers(404, 409, 507))
async def correct(
    context: Ctx, session: SessionId, token: AnyCommander, body: CorrectionBody
) -> SessionWhole:
    """Put an entry right or withdraw it, by an event of its own: what was there stays to be read."""
    if (body.data is None) != body.void:
        text = "say data, which hold in place of what the entry had, or void, which withdraws it"
        raise Refused(Fault("field", text, field="data"))
    await _row(context, token, session)
    await context.desk.correct(session, entry=body.entry, data=body.data, actor=token.label)
    return await whole_session(context, session, token)


@router.post("/sessions/{session}/plan", responses=answers(404, 409, 507))
async def plan_next(context: Ctx, session: SessionId, token: AnyCommander, body: PlanBody) -> SessionWhole:
    """Say what is planned for the next visit, also of a session that is closed; the latest plan holds."""
    await _row(context, token, session)
    await context.desk.plan(session, text=body.text, actor=token.label)
    return await whole_session(context, session, token)


@router.post("/sessions/{session}/move", responses=answers(404, 409, 507))
async def move(context: Ctx, session: SessionId, token: AnyCommander, body: CodeBody) -> SessionSummary:
    """Have a session, from its beginning, under another code: it was under the wrong one."""
    await _row(context, token, session)
    await context.desk.move(session, code=body.code, actor=token.label)
    return await asyncio.to_thread(_summary, await context.journal.session(session))


# -- inside ------------------------------------------------------------------------------------------------


def _text(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


async def _row(context: Ctx, token: Token, session: str) -> SessionRow:
    row = await context.journal.session(session)
    # An erased one has no room any more, and nothing in it that a room would have to hide.
    if row.room:
        context.gate.check(token, MAY_WATCH, row.room)
    return row


async def _rows(
    context: Ctx, token: Token, code: str | None, room: str | None, before: str | None, limit: int
) -> list[SessionSummary]:
    found: list[SessionRow] = []
    for _ in range(_PAGES_MAX):
        page = await context.journal.sessions(code=code, room=room, before=before, limit=limit)
        found += [row for row in page if token.names(row.room)]
        if len(found) >= limit or len(page) < limit:
            break
        before = page[-1].id
    return await asyncio.to_thread(lambda: [_summary(row) for row in found[:limit]])


def _whole(row: SessionRow, entries: list[Entry]) -> SessionWhole:
    visit = replayed(row.room, row.id, happenings(entries))
    return SessionWhole(
        session=_summary(row),
        entries=_entries(row, visit, entries),
        sets=_sets(row, visit, entries),
        head=entries[-1].hash if entries else "",
    )


def _summary(row: SessionRow) -> SessionSummary:
    zone = zone_of(row.zone)
    return SessionSummary(
        id=row.id,
        code=row.code,
        kind=row.kind,
        room=row.room,
        zone=row.zone,
        opened_at=_text(row.opened_at.astimezone(zone)),
        closed_at=None if row.closed_at is None else _text(row.closed_at.astimezone(zone)),
        closed_reason=row.closed_reason,
        opened_by=row.opened_by,
        sets=row.sets,
        passes=row.passes,
        first_sud=row.first_sud,
        last_sud=row.last_sud,
        last_voc=row.last_voc,
        phase=row.phase,
        erased=row.erased,
    )


def _entries(row: SessionRow, visit: Visit | None, entries: list[Entry]) -> list[EntryView]:
    zone = zone_of(row.zone)
    said: dict[str, Entered] = {entry.id: entry for entry in visit.entries} if visit is not None else {}
    shown: list[EntryView] = []
    for entry in entries:
        if entry.type is None or entry.data is None or entry.at is None:
            continue
        now = said.get(entry.id)
        shown.append(
            EntryView(
                id=entry.id,
                seq=entry.seq,
                type=entry.type,
                at=_text(entry.at.astimezone(zone)),
                entered=_text(entry.entered.astimezone(zone)),
                actor=entry.actor or "",
                data=dict(entry.data),
                undone=now is not None and now.undone,
                withdrawn=now is not None and now.withdrawn,
                corrected=dict(now.data) if now is not None and now.corrected and now.stands else None,
            )
        )
    return shown


def _sets(row: SessionRow, visit: Visit | None, entries: list[Entry]) -> list[SetRow]:
    zone = zone_of(row.zone)
    times: dict[tuple[str, str], str] = {}
    actors: dict[str, str] = {}
    phases: dict[str, str | None] = {}
    found: list[SetRow] = []
    for event in happenings(entries):
        if not event.type.startswith("set."):
            continue
        uid = str(event.data["set_uid"])
        times[uid, event.type] = _text(event.at.astimezone(zone))
        actors.setdefault(uid, event.actor)
        if event.type == "set.asked" and visit is not None:
            phases[uid] = phase_at(visit.entries, event.at)
        if event.type == "set.recorded":
            found.append(
                SetRow(
                    set_uid=uid,
                    started_at=times.get((uid, "set.started")),
                    ended_at=times.get((uid, "set.ended")),
                    phase=phases.get(uid),
                    started_by=actors[uid],
                    data=dict(event.data),
                )
            )
    return found
