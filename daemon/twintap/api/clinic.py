"""The clinic's own ways by HTTP: presets, settings, rooms made by hand."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, status
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field

from ..clinic import Presets, Settings
from ..names import NAME_MAX, checked_name
from ..views import RoomView
from .context import Ctx
from .faults import answers
from .routes import AnyCommander, Commander, RoomName, Watcher

router = APIRouter(
    prefix="/api/v1", dependencies=[Depends(HTTPBearer(auto_error=False, description="A token."))]
)

_Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$", description="#rrggbb")]


class RoomBody(BaseModel):
    """A room to be made. `colour` left out: the one that is used least so far."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=NAME_MAX)]
    colour: _Colour | None = None


class ColourBody(BaseModel):
    """A room's colour."""

    model_config = ConfigDict(extra="forbid", strict=True)

    colour: _Colour


@router.post("/rooms", status_code=status.HTTP_201_CREATED, responses=answers(409, 507))
async def make_room(context: Ctx, token: AnyCommander, body: RoomBody) -> RoomView:
    """Make a room; its pulsers are paired into it later. 409 `taken` if there is one of that name."""
    name = checked_name("name", body.name)
    # A token for some rooms makes none but those.
    context.gate.check(token, frozenset({token.role}), name)
    return await context.hub.make_room(name, body.colour, actor=token.label)


@router.patch("/rooms/{room}", responses=answers(404, 507))
async def paint_room(context: Ctx, room: RoomName, token: Commander, body: ColourBody) -> RoomView:
    """Give a room another colour, on its screens and its pulsers' lights."""
    return await context.hub.paint_room(room, body.colour, actor=token.label)


@router.get("/presets", responses=answers())
async def show_presets(context: Ctx, _: Watcher) -> Presets:
    """Show the named pacings."""
    return context.store.presets()


@router.put("/presets", responses=answers(507))
async def put_presets(context: Ctx, _: AnyCommander, body: Presets) -> Presets:
    """Have these in place of all presets before."""
    body.check()
    await asyncio.to_thread(context.store.put_presets, body)
    return body


@router.get("/settings", responses=answers())
async def show_settings(context: Ctx, _: Watcher) -> Settings:
    """Show the clinic's settings."""
    return context.store.settings()


@router.put("/settings", responses=answers(507))
async def put_settings(context: Ctx, _: AnyCommander, body: Settings) -> Settings:
    """Have these in place of the settings before."""
    await asyncio.to_thread(context.store.put_settings, body)
    return body
