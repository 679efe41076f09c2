"""The operations by HTTP. Each is a few lines: admit, ask the hub, show."""

import asyncio
import ipaddress
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, status
from fastapi.security import HTTPBearer

from twintap_protocol import limits

from .. import __version__, addresses
from ..errors import Fault, Refused
from ..names import NAME_MAX, checked_name
from ..paired import Pairing
from ..sessions.showing import room_for
from ..tokens import MAY_ADMINISTER, MAY_COMMAND, MAY_WATCH, Token, make_token
from ..views import RoomView
from . import models
from .context import Ctx
from .faults import answers
from .secret import refuse_plain

router = APIRouter(
    prefix="/api/v1", dependencies=[Depends(HTTPBearer(auto_error=False, description="A token."))]
)

RoomName = Annotated[str, Path(min_length=1, max_length=NAME_MAX, description="the room's name")]
PulserId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$", description="the pulser's id in hex")]
TokenId = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]

_SOFT: dict[str, Any] = {
    "parameters": [
        {
            "name": "soft",
            "in": "query",
            "required": False,
            "description": "true: at the end of the running pass; all else: at once",
            "schema": {"type": "boolean", "default": False},
        }
    ]
}


async def _administrator(context: Ctx, request: Request) -> Token:
    return await context.gate.admit(context.gate.presented(request), MAY_ADMINISTER)


async def _watcher(context: Ctx, request: Request) -> Token:
    return await context.gate.admit(context.gate.presented(request), MAY_WATCH)


async def _room_watcher(context: Ctx, request: Request, room: RoomName) -> Token:
    return await context.gate.admit(context.gate.presented(request), MAY_WATCH, room)


async def _commander(context: Ctx, request: Request, room: RoomName) -> Token:
    return await context.gate.admit(context.gate.presented(request), MAY_COMMAND, room)


async def _any_commander(context: Ctx, request: Request) -> Token:
    return await context.gate.admit(context.gate.presented(request), MAY_COMMAND)


async def _stopper(context: Ctx, request: Request, room: RoomName) -> Token:
    return context.gate.admit_stop(context.gate.presented(request), room)


Administrator = Annotated[Token, Depends(_administrator)]
Watcher = Annotated[Token, Depends(_watcher)]
RoomWatcher = Annotated[Token, Depends(_room_watcher)]
Commander = Annotated[Token, Depends(_commander)]
AnyCommander = Annotated[Token, Depends(_any_commander)]
Stopper = Annotated[Token, Depends(_stopper)]


# -- rooms and sets ----------------------------------------------------------------------------------------


@router.post("/rooms/{room}/set/stop", responses=answers(404, 409), openapi_extra=_SOFT)
async def stop_set(context: Ctx, request: Request, room: RoomName, token: Stopper) -> RoomView:
    """Stop the room's set; answered when both motors are off.

    Its body is never read and an odd `soft` means "at once", so that nothing about a request can keep it from
    stopping. Any role but a logger's may, with a token that was valid within the last 24 h.
    """
    soft = request.query_params.get("soft") in ("true", "1")
    return room_for(token, await context.hub.stop_set(room, soft=soft, actor=token.label))


@router.post("/rooms/{room}/set/start", responses=answers(404, 409, 507))
async def start_set(context: Ctx, room: RoomName, token: Commander, body: models.PacingChanges) -> RoomView:
    """Start a set; answered when both pulsers have acknowledged it and the journal has it.

    In a session, levels that are not said are the client's. 507: the set runs, and is not recorded.
    """
    return await context.desk.start_set(room, body.changes(), actor=token.label, revision=body.revision)


@router.post("/rooms/{room}/set/change", responses=answers(404, 409, 507))
async def change_set(context: Ctx, room: RoomName, token: Commander, body: models.PacingChanges) -> RoomView:
    """Change the running set; what is not said stays. 507: it is changed, and that is not recorded."""
    return await context.desk.change_set(room, body.changes(), actor=token.label, revision=body.revision)


@router.post("/rooms/{room}/swap", responses=answers(404, 409, 507))
async def swap(context: Ctx, room: RoomName, token: Commander) -> RoomView:
    """Make left right and right left, without pairing again."""
    return await context.hub.swap(room, actor=token.label)


@router.get("/rooms", responses=answers())
async def list_rooms(context: Ctx, token: Watcher) -> list[RoomView]:
    """Show every room that the token is for."""
    return [room_for(token, room) for room in context.hub.rooms() if token.names(room.name)]


@router.get("/rooms/{room}", responses=answers(404))
async def show_room(context: Ctx, room: RoomName, token: RoomWatcher) -> RoomView:
    """Show a room's whole state; to an observer without notes, nothing that was written about the client."""
    return room_for(token, context.hub.room(room))


# -- pulsers -----------------------------------------------------------------------------------------------


@router.get("/daemon", responses=answers())
async def show_daemon(context: Ctx, _: Watcher) -> models.DaemonView:
    """Show this daemon, and where pulsers reach it."""
    own = await asyncio.to_thread(addresses.own_addresses)
    port = context.hub.port
    return models.DaemonView(
        daemon_id=context.store.daemon_id.hex(),
        version=__version__,
        protocol=f"{limits.VERSION_MAJOR}.{limits.VERSION_MINOR}",
        host=context.host,
        port=port,
        addresses=[
            models.Address(host=host, port=port) for host in addresses.served_addresses(context.host, own)
        ],
    )


@router.get("/pulsers", responses=answers())
async def list_pulsers(context: Ctx, token: Watcher) -> models.Pulsers:
    """Show the pulsers of the token's rooms, and those heard that belong to others or to nobody."""
    return models.Pulsers(
        pulsers=[pulser for pulser in context.hub.pulsers() if token.names(pulser.room)],
        elsewhere=[
            models.Elsewhere(id=heard.id, daemon_id=heard.daemon_id, address=heard.address)
            for heard in context.foreign.heard()
        ],
    )


@router.post("/pulsers", status_code=status.HTTP_201_CREATED, responses=answers(404, 409, 507))
async def add_pulser(
    context: Ctx, request: Request, _: Administrator, body: models.PairingBody
) -> models.Paired:
    """Keep a pairing. A pulser of ours is paired anew; a side that another one has is refused.

    409 `plain` over plain HTTP from elsewhere: the body has a key.
    """
    refuse_plain(request, "a key")
    body.check_names()
    pairing = Pairing(
        pulser_id=bytes.fromhex(body.pulser_id),
        key=bytes.fromhex(body.key),
        room=body.room,
        side=body.side,
        name=body.name or f"{body.room} {body.side}"[:NAME_MAX],
        ceiling_pct=body.ceiling_pct,
    )
    pulser, colour = await context.registrar.keep(pairing)
    return models.Paired(pulser=pulser, colour=colour)


@router.post(
    "/pulsers/{pulser}/undo", status_code=status.HTTP_204_NO_CONTENT, responses=answers(404, 409, 507)
)
async def undo_pairing(context: Ctx, _: Administrator, pulser: PulserId) -> None:
    """Take back the latest pairing of a pulser, as if it had not been: for one that failed at the cable."""
    await context.registrar.undo(bytes.fromhex(pulser))


@router.delete("/pulsers/{pulser}", status_code=status.HTTP_204_NO_CONTENT, responses=answers(404, 409, 507))
async def remove_pulser(context: Ctx, _: Administrator, pulser: PulserId) -> None:
    """Forget a pulser. It keeps its key and its ceiling until it is paired or unpaired by its cable."""
    await context.hub.remove_pulser(pulser)


@router.post(
    "/pulsers/{pulser}/identify", status_code=status.HTTP_204_NO_CONTENT, responses=answers(404, 409)
)
async def identify(context: Ctx, token: AnyCommander, pulser: PulserId) -> None:
    """Let a pulser buzz for a moment, to tell which it is; refused in a set and while charging."""
    room = next((view.room for view in context.hub.pulsers() if view.id == pulser), None)
    context.gate.check(token, MAY_COMMAND, room)
    await context.hub.identify(pulser, actor=token.label)


@router.post("/pulsers/{pulser}/address", status_code=status.HTTP_204_NO_CONTENT, responses=answers(404, 507))
async def say_address(context: Ctx, _: Administrator, pulser: PulserId, body: models.AddressBody) -> None:
    """Say by hand where a pulser is, for a network that carries no mDNS."""
    if all(view.id != pulser for view in context.hub.pulsers()):
        raise Refused(Fault("unknown", "no such pulser is paired with this daemon", field="pulser"))
    try:
        host = str(ipaddress.IPv4Address(body.host))
    except ValueError:
        raise Refused(Fault("field", "host has to be an IPv4 address", field="host")) from None
    context.hub.heard_of(bytes.fromhex(pulser), host, body.port)
    await asyncio.to_thread(context.store.put_address, bytes.fromhex(pulser), host, body.port)


# -- tokens ------------------------------------------------------------------------------------------------


def _shown(token: Token) -> models.TokenView:
    return models.TokenView(
        id=token.id,
        label=token.label,
        role=token.role,
        rooms=None if token.rooms is None else list(token.rooms),
        notes=token.sees_notes,
        via="cookie" if token.is_cookie else "bearer",
        created_at=token.created_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
    )


@router.get("/tokens", responses=answers())
async def list_tokens(context: Ctx, _: Administrator) -> list[models.TokenView]:
    """Show the tokens given out; never their text."""
    return [_shown(token) for token in context.store.tokens()]


@router.post("/tokens", status_code=status.HTTP_201_CREATED, responses=answers(409, 507))
async def give_token(context: Ctx, giver: Administrator, body: models.TokenBody) -> models.NewToken:
    """Give out a token. Its text is in this answer and nowhere else."""
    checked_name("label", body.label)
    for room in body.rooms or ():
        checked_name("rooms", room)
    lifetime = None if body.lifetime_s is None else timedelta(seconds=body.lifetime_s)
    rooms = None if body.rooms is None else tuple(body.rooms)
    text, token = make_token(body.label, body.role, rooms, lifetime, notes=body.notes)
    await asyncio.to_thread(context.store.put_token, token)
    given = {"id": token.id, "label": token.label, "role": token.role, "rooms": body.rooms}
    context.desk.note("token.given", given, actor=giver.label)
    return models.NewToken(token=text, view=_shown(token))


@router.delete("/tokens/{token_id}", responses=answers(404, 507))
async def revoke_token(context: Ctx, ender: Administrator, token_id: TokenId) -> models.TokenView:
    """End a token. For 24 h more it may still stop its rooms."""
    token = await asyncio.to_thread(context.store.revoke_token, token_id)
    context.desk.note("token.revoked", {"id": token.id}, actor=ender.label)
    return _shown(token)
