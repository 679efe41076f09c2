"""Pairing by HTTP: the ports of the daemon's own computer, and what is done at them. For its owner alone."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request, status
from fastapi.security import HTTPBearer
from pydantic import BaseModel, Field

from ..errors import Fault, Refused
from ..names import NAME_MAX, checked_name, clean
from ..paired import Pairing
from ..pairing import Wanted, Wifi
from ..pairing.running import AtPort, Run, RunState
from ..pairing.steps import StepName, StepState
from ..pairing.wanted import DEFAULT_CEILING_PCT
from ..ports import Kind, Port
from ..strict import Strict
from ..views import Side
from ..wifi import check_network
from . import models
from .context import Ctx
from .faults import answers
from .routes import Administrator, PulserId
from .secret import refuse_plain

router = APIRouter(
    prefix="/api/v1", dependencies=[Depends(HTTPBearer(auto_error=False, description="A token."))]
)

PairingId = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]
_PortName = Annotated[str, Field(min_length=1, max_length=300)]
_Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX)]
_Id = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class PortView(BaseModel):
    """A serial port. `kind`: a chip's own USB, a board's adapter, a virtual board, or something else.

    `usb`: vendor and product, as `303a:1001`. `likely`: a pulser may well be at it. `problem`: what keeps it
    shut, with what to do.
    """

    port: str
    kind: Kind
    what: str
    usb: str | None
    serial_number: str | None
    likely: bool
    problem: str | None


class PortBody(Strict):
    """A port of the list."""

    port: _PortName


class SeenView(BaseModel):
    """A wireless network that a pulser sees."""

    ssid: str
    rssi_dbm: int
    channel: int
    secure: bool


class AtPortView(BaseModel):
    """The pulser at a port. `paired`: with this daemon, another, or nobody; `room`, `side`: its place here.

    `networks`: those that it keeps, the first tried first; `network`: how it stands with them; `seen`: those
    in reach, the strongest first; null: its firmware cannot look.
    """

    id: str
    name: str
    board: str | None
    firmware: str | None
    paired: Literal["here", "elsewhere", "nobody"]
    room: str | None
    side: Side | None
    networks: list[str]
    network: str
    seen: list[SeenView] | None


class WifiBody(models.NetworkBody):
    """A network to join. `password`: 8..64 bytes, empty for an open network; it never comes out."""

    def checked(self) -> Wifi:
        """Give it; `Refused` for what no network has."""
        check_network(self.ssid, self.password)
        return Wifi(self.ssid, self.password)


class NewPairing(Strict):
    """A pulser to be paired: the one at `port`. `wifi` left out: it joins a network that it keeps.

    `room` and `side` have to be given, but with `replace`: then the pulser takes the place of that one of
    ours, with its room, side, name and ceiling, and that one is forgotten.
    """

    port: _PortName
    room: _Name | None = None
    side: Side | None = None
    name: _Name | None = None
    ceiling_pct: Annotated[int, Field(ge=1, le=100)] = DEFAULT_CEILING_PCT
    wifi: WifiBody | None = None
    replace: _Id | None = None


class StepView(BaseModel):
    """One step. `words`: what it does, what it found, or why it failed."""

    name: StepName
    state: StepState
    words: str


class PairingFault(BaseModel):
    """Which step failed, why (`code` for a program), and what to do."""

    step: StepName
    code: str
    message: str


class PairingHint(BaseModel):
    """What is not as it should be, although the pulser is paired and linked."""

    code: str
    message: str


class PairingView(BaseModel):
    """A pairing, with all its steps in their order. `pulser`: its id, once it is paired and linked."""

    id: str
    port: str
    state: RunState
    room: str
    side: Side
    steps: list[StepView]
    pulser: str | None
    fault: PairingFault | None
    hints: list[PairingHint]


class PlaceView(BaseModel):
    """Where a paired pulser works, and the ceiling that its pairing gave it."""

    pulser: str
    room: str
    side: Side
    name: str
    ceiling_pct: int


class RoadView(BaseModel):
    """What is heard of a pulser: `linked` over the sealed link, `announced` by mDNS."""

    linked: bool
    announced: bool


class ReplaceBody(Strict):
    """A pulser that takes another one's place. `key`: the 16 bytes that it gets by its cable, as hex."""

    pulser_id: _Id
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", repr=False)]
    ceiling_pct: Annotated[int, Field(ge=1, le=100)] = DEFAULT_CEILING_PCT


# -- ports -------------------------------------------------------------------------------------------------


def _port_view(port: Port) -> PortView:
    return PortView(
        port=port.port,
        kind=port.kind,
        what=port.what,
        usb=port.usb,
        serial_number=port.serial_number,
        likely=port.is_likely,
        problem=port.problem,
    )


@router.get("/ports", responses=answers())
async def list_ports(context: Ctx, _: Administrator) -> list[PortView]:
    """Show the serial ports of the daemon's computer, the likeliest first."""
    return [_port_view(port) for port in await context.pairings.ports()]


@router.post("/ports/scan", responses=answers(404, 409))
async def scan_port(context: Ctx, _: Administrator, body: PortBody) -> AtPortView:
    """Ask the pulser at a port who it is, and which networks it sees. Takes some seconds.

    409: `busy` if the port is in use here, `console` if nothing or something else answers.
    """
    found = await context.pairings.look(body.port)
    return await _at_port_view(context, found)


async def _at_port_view(context: Ctx, found: AtPort) -> AtPortView:
    info = found.info
    daemon_id = info.get("daemon_id")
    place = (await context.registrar.places()).get(found.pulser_id)
    is_ours = daemon_id == context.store.daemon_id.hex() and place is not None
    return AtPortView(
        id=found.pulser_id.hex(),
        name=_text(info, "name") or found.pulser_id.hex(),
        board=_text(info, "board"),
        firmware=_text(info, "firmware"),
        paired="here" if is_ours else "elsewhere" if daemon_id else "nobody",
        room=place.room if place is not None and is_ours else None,
        side=place.side if place is not None and is_ours else None,
        networks=list(found.kept),
        network=_text(info, "network") or "",
        seen=None
        if found.seen is None
        else [
            SeenView(ssid=one.ssid, rssi_dbm=one.rssi_dbm, channel=one.channel, secure=one.is_secure)
            for one in found.seen
        ],
    )


def _text(info: dict[str, Any], name: str) -> str | None:
    value = info.get(name)
    return clean(value, 60) if isinstance(value, str) and value else None


# -- pairings ----------------------------------------------------------------------------------------------


def _view(run: Run) -> PairingView:
    done, failed = run.done, run.failed
    wanted = done.wanted if done is not None else run.wanted
    return PairingView(
        id=run.id,
        port=run.port,
        state=run.state,
        room=wanted.room,
        side=wanted.side,
        steps=[StepView(name=step.name, state=step.state, words=step.words) for step in run.steps.all()],
        pulser=done.pulser_id.hex() if done is not None else None,
        fault=None
        if failed is None
        else PairingFault(step=failed.step, code=failed.code, message=failed.words),
        hints=[PairingHint(code=hint.code, message=hint.words) for hint in done.hints] if done else [],
    )


@router.post("/pairings", status_code=status.HTTP_202_ACCEPTED, responses=answers(404, 409))
async def start_pairing(context: Ctx, request: Request, _: Administrator, body: NewPairing) -> PairingView:
    """Begin to pair the pulser at a port of the daemon's computer; ask again how far it is.

    404: no such port, or none to be replaced. 409: `busy` (the port), `full` (four are under way), `plain` (a
    password over plain HTTP from elsewhere).
    """
    if body.wifi is not None:
        refuse_plain(request, "a network's password")
    return _view(await context.pairings.start(body.port, await _wanted(context, body)))


async def _wanted(context: Ctx, body: NewPairing) -> Wanted:
    wifi = body.wifi.checked() if body.wifi is not None else None
    if body.replace is not None:
        place = (await context.registrar.places()).get(bytes.fromhex(body.replace))
        if place is None:
            raise Refused(Fault("unknown", "no such pulser is paired with this daemon", field="replace"))
        if body.room is not None or body.side is not None:
            text = "the room and the side are those of the pulser that is replaced; leave them out"
            raise Refused(Fault("field", text, field="replace"))
        return Wanted(
            place.room, place.side, place.ceiling_pct, place.name, wifi, bytes.fromhex(body.replace)
        )
    if body.room is None or body.side is None:
        missing = "room" if body.room is None else "side"
        raise Refused(Fault("field", f"{missing} has to be given", field=missing))
    checked_name("room", body.room)
    if body.name is not None:
        checked_name("name", body.name)
    return Wanted(body.room, body.side, body.ceiling_pct, body.name, wifi)


@router.get("/pairings", responses=answers())
async def list_pairings(context: Ctx, _: Administrator) -> list[PairingView]:
    """Show the newest four pairings, under way or over, the oldest of them first."""
    return [_view(run) for run in context.pairings.all()]


@router.get("/pairings/{pairing}", responses=answers(404))
async def show_pairing(context: Ctx, _: Administrator, pairing: PairingId) -> PairingView:
    """Show how far a pairing is. The newest four are kept."""
    return _view(context.pairings.find(pairing))


@router.delete("/pairings/{pairing}", responses=answers(404))
async def cancel_pairing(context: Ctx, _: Administrator, pairing: PairingId) -> PairingView:
    """End a pairing that is under way; answered once it is. One that hands over its key does so first."""
    return _view(await context.pairings.cancel(pairing))


# -- for a pairing that another program carries out --------------------------------------------------------


@router.get("/places", responses=answers())
async def list_places(context: Ctx, _: Administrator) -> list[PlaceView]:
    """Show where every paired pulser works."""
    return [
        PlaceView(
            pulser=pulser_id.hex(),
            room=place.room,
            side=place.side,
            name=place.name,
            ceiling_pct=place.ceiling_pct,
        )
        for pulser_id, place in (await context.registrar.places()).items()
    ]


@router.get("/pulsers/{pulser}/road", responses=answers())
async def show_road(context: Ctx, _: Administrator, pulser: PulserId) -> RoadView:
    """Show what is heard of a pulser, whoever's it is."""
    road = await context.registrar.road(bytes.fromhex(pulser))
    return RoadView(linked=road.is_linked, announced=road.is_announced)


@router.post(
    "/pulsers/{pulser}/replace", status_code=status.HTTP_201_CREATED, responses=answers(404, 409, 507)
)
async def replace_pulser(
    context: Ctx, request: Request, _: Administrator, pulser: PulserId, body: ReplaceBody
) -> models.Paired:
    """Keep a pairing in the place of a pulser of ours, which is forgotten: both at once.

    409: `running` in a set, `plain` over plain HTTP from elsewhere.
    """
    refuse_plain(request, "a key")
    place = (await context.registrar.places()).get(bytes.fromhex(pulser))
    if place is None:
        raise Refused(Fault("unknown", "no such pulser is paired with this daemon", field="pulser"))
    pairing = Pairing(
        bytes.fromhex(body.pulser_id),
        bytes.fromhex(body.key),
        place.room,
        place.side,
        place.name,
        body.ceiling_pct,
    )
    view, colour = await context.registrar.keep(pairing, bytes.fromhex(pulser))
    return models.Paired(pulser=view, colour=colour)
