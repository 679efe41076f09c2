"""The doctor by HTTP: the same lines as `twintap doctor`, from inside the daemon."""

import asyncio
from dataclasses import asdict
from typing import Literal, cast

from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPBearer
from pydantic import BaseModel

from .. import __version__, addresses
from ..access.links import base_url
from ..doctor.examine import examine
from ..doctor.facts import Daemon
from ..doctor.lines import Line, worst
from ..doctor.look_daemon import House, outside, seen
from ..errors import Fault, Refused
from .context import Context, Ctx
from .faults import answers
from .routes import Administrator

router = APIRouter(
    prefix="/api/v1", dependencies=[Depends(HTTPBearer(auto_error=False, description="A token."))]
)

_State = Literal["fine", "hint", "bad"]


class DoctorLine(BaseModel):
    """One thing that was looked at. `todo`: what to do about it; null: nothing."""

    code: str
    state: _State
    words: str
    todo: str | None


class DoctorView(BaseModel):
    """Every line, and the worst state among them."""

    state: _State
    lines: list[DoctorLine]


@router.get("/doctor", responses=answers(409))
async def show_doctor(context: Ctx, request: Request, _: Administrator) -> DoctorView:
    """Look at this computer, its network and the pulsers; takes about two seconds.

    409 `running` while a set runs: looking costs time that is the set's. Who asks while it is under way gets
    the same answer.
    """
    if context.hub.any_set_on():
        raise Refused(Fault("running", "a set is running; look when it is over"))
    state = request.app.state
    going = cast("asyncio.Task[list[Line]] | None", getattr(state, "doctor", None))
    if going is None or going.done():
        going = asyncio.create_task(_examined(context), name="doctor")
        state.doctor = going
    # One who goes away ends it for nobody else.
    lines = await asyncio.shield(going)
    return DoctorView(state=worst(lines), lines=[DoctorLine(**asdict(line)) for line in lines])


async def _examined(context: Context) -> list[Line]:
    own = await asyncio.to_thread(addresses.own_addresses)
    port, served = context.hub.port, addresses.served_addresses(context.host, own)
    reached = addresses.LOOPBACK if context.host == addresses.ANY else context.host
    daemon = Daemon(
        base_url(reached, port, tls=context.tls),
        None,
        is_locked=True,
        own_version=__version__,
        version=__version__,
        host=context.host,
        port=port,
        addresses=tuple(served),
        is_tls=context.tls,
        daemon_id=context.store.daemon_id.hex(),
    )
    pulsers = [asdict(view) for view in context.hub.pulsers()]
    house = House(daemon, port, tuple(map(seen, pulsers)), outside(pulsers, own))
    return await examine(house, context.store.path)
