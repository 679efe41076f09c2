"""A pulser's name, place, trim, networks and rest by HTTP."""

from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPBearer

from ..sessions.showing import room_for
from ..views import PulserView, RoomView
from . import models
from .context import Ctx
from .faults import answers
from .routes import Administrator, Commander, PulserId, RoomName
from .secret import refuse_plain

router = APIRouter(
    prefix="/api/v1", dependencies=[Depends(HTTPBearer(auto_error=False, description="A token."))]
)


@router.post("/rooms/{room}/wake", responses=answers(404))
async def wake_room(context: Ctx, room: RoomName, token: Commander) -> RoomView:
    """Wake the room's pulsers, if they rest: they are ready within 3 s."""
    return room_for(token, context.hub.wake(room))


@router.patch("/pulsers/{pulser}", responses=answers(404, 409, 507))
async def change_pulser(
    context: Ctx, token: Administrator, pulser: PulserId, body: models.PulserBody
) -> PulserView:
    """Rename a pulser, move it to another room or side, trim its motor.

    409: `running` in a set, `taken` if that side of another room has a pulser, `offline` and `silent` if a
    trim does not reach it; then nothing is changed.
    """
    return await context.hub.tuning.change(pulser, body.change(), actor=token.label)


@router.post("/pulsers/{pulser}/networks", responses=answers(404, 409))
async def keep_network(
    context: Ctx, request: Request, token: Administrator, pulser: PulserId, body: models.NetworkBody
) -> PulserView:
    """Have a pulser keep a network, as the first of at most three that it tries; the oldest is dropped.

    It goes over the pulser's sealed link, and stays unspoken: 409 `plain` over plain HTTP from elsewhere.
    """
    refuse_plain(request, "a network's password")
    return await context.hub.tuning.keep_network(pulser, body.ssid, body.password, actor=token.label)


@router.post("/pulsers/{pulser}/networks/forget", responses=answers(404, 409))
async def forget_network(
    context: Ctx, token: Administrator, pulser: PulserId, body: models.SsidBody
) -> PulserView:
    """Have a pulser forget a network; 409 `refused` if it does not keep it, or keeps no other."""
    return await context.hub.tuning.forget_network(pulser, body.ssid, actor=token.label)


@router.post("/pulsers/{pulser}/sleep", responses=answers(404, 409))
async def sleep_pulser(context: Ctx, token: Administrator, pulser: PulserId) -> PulserView:
    """Have a pulser sleep until its button is pressed."""
    return await context.hub.tuning.sleep(pulser, actor=token.label)
