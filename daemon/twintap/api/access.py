"""Joining: an offer is made by who may command, taken by a browser, and becomes that browser's cookie."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request, Response, status
from fastapi.security import HTTPBearer
from pydantic import BaseModel, Field

from .. import addresses
from ..access import links
from ..access.offers import STAYS, STAYS_MAX, Offer
from ..errors import Fault, Refused, StoreError
from ..names import NAME_MAX, checked_name
from ..strict import Strict
from ..tokens import ANY_ROLE, MAY_INVITE, Role, Token, make_cookie
from .context import Context, Ctx
from .faults import answers

router = APIRouter(
    prefix="/api/v1", dependencies=[Depends(HTTPBearer(auto_error=False, description="A token."))]
)

# Joining is the one thing that needs no token.
open_router = APIRouter(prefix="/api/v1")

# The browser keeps the cookie for as long as browsers keep any; the daemon alone knows when it ends.
_COOKIE_S = 400 * 86_400
# Who acts in the record and is nobody: no person goes by these.
_NO_PERSONS = frozenset({"system", "button", "command line"})
_DEFAULT_LABELS: dict[Role, str] = {
    "admin": "this computer",
    "therapist": "therapist",
    "observer": "observer",
    "display": "display",
    "logger": "logger",
}


class OfferBody(Strict):
    """An offer to join. `room` left out: all rooms; `label` left out: who joins says who it is.

    `notes`: an observer may read and write notes. `stays_s`: how long the browser stays joined after its
    latest use; it stays in any case until a session that was open with it is closed.
    """

    room: Annotated[str, Field(min_length=1, max_length=NAME_MAX)] | None = None
    role: Literal["admin", "therapist", "observer", "display", "logger"]
    label: Annotated[str, Field(min_length=1, max_length=NAME_MAX)] | None = None
    notes: bool = False
    stays_s: Annotated[int, Field(ge=3_600, le=int(STAYS_MAX.total_seconds()))] = int(STAYS.total_seconds())


class OfferView(BaseModel):
    """An offer just made: it can be taken once, until `expires_at`, by its link or by its six digits.

    `url` is the link that other devices reach best, `qr_svg` its picture, `urls` all of them. `reach`:
    "computer" if this daemon is served to its own computer alone, so that no other device can join.
    """

    id: str
    url: str
    urls: list[str]
    digits: str
    qr_svg: str
    reach: Literal["network", "computer"]
    expires_at: datetime


class JoinBody(Strict):
    """A link's one-time token, or six digits; and, if the offer names nobody, who joins."""

    token: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(None, repr=False)
    digits: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = Field(None, repr=False)
    label: Annotated[str, Field(min_length=1, max_length=NAME_MAX)] | None = None


class Me(BaseModel):
    """Who asks. `rooms` None: all rooms. `via`: how it proves itself."""

    label: str
    role: Role
    rooms: list[str] | None
    notes: bool
    via: Literal["cookie", "bearer"]
    expires_at: datetime | None


def _me(token: Token) -> Me:
    return Me(
        label=token.label,
        role=token.role,
        rooms=None if token.rooms is None else list(token.rooms),
        notes=token.sees_notes,
        via="cookie" if token.is_cookie else "bearer",
        expires_at=token.expires_at,
    )


async def _inviter(context: Ctx, request: Request) -> Token:
    return await context.gate.admit(context.gate.presented(request), MAY_INVITE)


async def _anybody(context: Ctx, request: Request) -> Token:
    return await context.gate.admit(context.gate.presented(request), ANY_ROLE)


Inviter = Annotated[Token, Depends(_inviter)]
Anybody = Annotated[Token, Depends(_anybody)]
OfferId = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]


@router.post("/join/offers", status_code=status.HTTP_201_CREATED, responses=answers(404))
async def make_offer(context: Ctx, request: Request, giver: Inviter, body: OfferBody) -> OfferView:
    """Offer a browser to join: once, within ten minutes. Nobody can offer more than its own token allows."""
    rooms = _offered_rooms(context, giver, body)
    if body.label is not None:
        checked_name("label", body.label)
    text, offer = context.offers.make(
        body.role,
        rooms,
        giver=giver.label,
        giver_digest=giver.digest,
        label=body.label,
        notes=body.notes,
        stays=timedelta(seconds=body.stays_s),
    )
    own = await asyncio.to_thread(addresses.own_addresses)
    served = addresses.served_addresses(context.host, own)
    bases = links.base_urls(
        served,
        context.hub.port,
        tls=context.tls,
        asked_at=addresses.host_of(request.headers.get("host", "")),
    )
    urls = [links.join_link(base, text) for base in bases]
    return OfferView(
        id=offer.id,
        url=urls[0],
        urls=urls,
        digits=offer.digits,
        qr_svg=await asyncio.to_thread(links.qr_svg, urls[0]),
        reach="computer" if context.host.startswith("127.") else "network",
        expires_at=offer.expires_at,
    )


def _offered_rooms(context: Context, giver: Token, body: OfferBody) -> tuple[str, ...] | None:
    if body.role == "admin":
        if giver.role != "admin":
            raise Refused(Fault("role", "only this computer's own token may offer the role admin"))
        if body.room is not None:
            raise Refused(Fault("field", "room: an admin is one of all rooms; leave it out", field="room"))
        return None
    if body.room is None:
        # For all rooms: who has all may give all, and others give what they have.
        return giver.rooms
    context.gate.check(giver, MAY_INVITE, checked_name("room", body.room))
    context.hub.room(body.room)
    return (body.room,)


@router.delete("/join/offers/{offer_id}", status_code=status.HTTP_204_NO_CONTENT, responses=answers())
async def withdraw_offer(context: Ctx, _: Inviter, offer_id: OfferId) -> None:
    """Make an offer void; one that is taken, or over, is void already."""
    context.offers.withdraw(offer_id)


@open_router.post("/join", responses=answers(409, 507))
async def join(context: Ctx, request: Request, response: Response, body: JoinBody) -> Me:
    """Take an offer. Its rights are this browser's from now on, by a cookie that no script can read.

    Needs no token. What is wrong is answered slowly.
    """
    if (body.token is None) == (body.digits is None):
        raise Refused(Fault("field", "token or digits has to be given, and not both", field="token"))
    if body.label is not None:
        checked_name("label", body.label)
    # Asked before anything is spent: a cookie that comes from nobody's page is refused.
    before = context.gate.find_valid(context.gate.presented(request))
    if before is not None and not before.is_cookie:
        before = None
    is_here = request.client is not None and addresses.is_loopback(request.client.host)
    try:
        if body.digits is not None:
            offer = context.offers.take_digits(body.digits, is_here=is_here)
        else:
            offer = context.offers.take(body.token or "")
        # Who was shown out leaves no way in behind.
        if offer.giver_digest is not None:
            context.gate.check_giver(offer.giver_digest)
    except Refused as refusal:
        if refusal.fault.code == "offer":
            await context.gate.slow_down()
        raise
    text, token = _token_for(context, offer, body.label, before)
    try:
        await asyncio.to_thread(context.store.put_token, token)
    except (StoreError, Refused):
        context.offers.put_back(offer)
        raise
    given = {
        "id": token.id,
        "label": token.label,
        "role": token.role,
        "rooms": None if token.rooms is None else list(token.rooms),
    }
    context.desk.note("token.given", given, actor=offer.giver)
    if before is not None:
        await _end(context, before, token.label)
    response.set_cookie(
        context.gate.cookie_name,
        text,
        max_age=_COOKIE_S,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return _me(token)


def _token_for(context: Context, offer: Offer, said: str | None, before: Token | None) -> tuple[str, Token]:
    rooms = offer.rooms
    if before is not None and before.role == offer.role and before.notes == offer.notes:
        # Who works in two rooms joins the second beside the first, not in its place.
        rooms = None if rooms is None or before.rooms is None else tuple(dict.fromkeys(before.rooms + rooms))
    label = _unique(context, offer.label or said or _DEFAULT_LABELS[offer.role], before)
    now = datetime.now(UTC)
    return make_cookie(label, offer.role, rooms, offer.stays, now, notes=offer.notes)


def _unique(context: Context, label: str, before: Token | None) -> str:
    """Give `label`, numbered if somebody who is joined has it: in the record, nobody is two people."""
    taken = _NO_PERSONS | {
        token.label.casefold()
        for token in context.store.tokens()
        if context.gate.is_valid(token) and (before is None or token.digest != before.digest)
    }
    if label.casefold() not in taken:
        return label
    number = 2
    while (numbered := f"{label[: NAME_MAX - 4].rstrip()} {number}").casefold() in taken:
        number += 1
    return numbered


async def _end(context: Context, token: Token, actor: str) -> None:
    await asyncio.to_thread(context.store.revoke_token, token.id)
    context.desk.note("token.revoked", {"id": token.id}, actor=actor)


@router.get("/me", responses=answers())
async def me(token: Anybody) -> Me:
    """Say who asks, and what it is allowed."""
    return _me(token)


@router.post("/leave", status_code=status.HTTP_204_NO_CONTENT, responses=answers(409, 507))
async def leave(context: Ctx, response: Response, token: Anybody) -> None:
    """End this browser's cookie. Its token may still stop for 24 h, and nobody has it any longer."""
    if not token.is_cookie:
        raise Refused(Fault("bearer", "a token that is sent as a header ends when it is revoked"))
    await _end(context, token, token.label)
    response.delete_cookie(context.gate.cookie_name, path="/", httponly=True, samesite="strict")
