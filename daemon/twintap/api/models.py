"""What controllers send, and the answers that are not a view. Everything is strict: a number is no text."""

import math
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from ..core import pacing
from ..names import NAME_MAX, checked_name
from ..rooms.tuning import TRIM_MAX_PCT, TRIM_MIN_PCT, Change
from ..strict import Strict
from ..tokens import Role
from ..views import PulserView, RoomView, Side

# Whole numbers past this have no exact float, and no field has any use for them.
_EXACT = 2**53
# No leading zeros: what 010 means, two programs may see differently.
_BYTE = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = rf"^({_BYTE}\.){{3}}{_BYTE}$"


def _number(value: object) -> object:
    """Let only numbers pass on; the core judges them all alike, and names the field and its range."""
    if value is None or isinstance(value, float):
        return value
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"it has to be a number, not {type(value).__name__}")
    # An integer of any length may come; what has no exact float is out of every range.
    return value if abs(value) <= _EXACT else math.inf if value > 0 else -math.inf


def _ranged(low: float, high: float, kind: Literal["number", "integer"], words: str) -> WithJsonSchema:
    number = {"type": kind, "minimum": low, "maximum": high}
    return WithJsonSchema({"anyOf": [number, {"type": "null"}], "description": words})


_Name = Annotated[str, Field(min_length=1, max_length=NAME_MAX)]
_Number = Annotated[float | int | None, BeforeValidator(_number)]


def _passes(value: object) -> object:
    return value if value == pacing.OPEN_WORD else _number(value)


_Passes = Annotated[
    float | int | str | None,
    BeforeValidator(_passes),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": pacing.MAX_PASSES},
                {"const": pacing.OPEN_WORD},
                {"type": "null"},
            ],
            "description": "how many passes, or open",
        }
    ),
]


class PacingChanges(Strict):
    """How a set is to feel; what is left out stays as it is (at a start: as it is by default).

    `pulse_ms` is at most half a pass. `level_pct` sets both sides; a side's own field wins over it.
    """

    rate_hz: Annotated[
        _Number, _ranged(pacing.MIN_RATE_HZ, pacing.MAX_RATE_HZ, "number", "passes a second")
    ] = None
    pulse_ms: Annotated[_Number, _ranged(pacing.MIN_PULSE_MS, 5000, "integer", "width of a pulse")] = None
    level_pct: Annotated[_Number, _ranged(0, 100, "number", "level of both sides")] = None
    left_pct: Annotated[_Number, _ranged(0, 100, "number", "level of the left side")] = None
    right_pct: Annotated[_Number, _ranged(0, 100, "number", "level of the right side")] = None
    ramp_ms: Annotated[_Number, _ranged(0, pacing.MAX_RAMP_MS, "integer", "rise over the set")] = None
    passes: _Passes = None
    revision: Annotated[int | None, Field(description="the state that the command was made against")] = None

    def changes(self) -> dict[str, object]:
        """Give the parts of a pacing that were said."""
        return self.model_dump(exclude_none=True, exclude={"revision"})


class PairingBody(Strict):
    """A pulser to be paired. `key`: the 16 bytes that it gets by its cable, as hex; it never comes out."""

    pulser_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", repr=False)]
    room: Annotated[str, Field(min_length=1, max_length=NAME_MAX)]
    side: Side
    name: Annotated[str | None, Field(min_length=1, max_length=NAME_MAX)] = None
    ceiling_pct: Annotated[int, Field(ge=1, le=100)] = 60

    def check_names(self) -> None:
        """Raise `Refused` for a name that no room or pulser may have."""
        checked_name("room", self.room)
        if self.name is not None:
            checked_name("name", self.name)


class PulserBody(Strict):
    """What is to be another with a pulser; what is left out stays as it is.

    A `side` that another pulser of the room has is swapped with it. `trim_pct`: of every level that its motor
    is given, so that two motors feel the same.
    """

    name: _Name | None = None
    room: _Name | None = None
    side: Side | None = None
    trim_pct: Annotated[float, Field(ge=TRIM_MIN_PCT, le=TRIM_MAX_PCT)] | None = None

    def change(self) -> Change:
        """Give it as the hub takes it. Raises `Refused` for a name that no room or pulser may have."""
        for field, name in (("name", self.name), ("room", self.room)):
            if name is not None:
                checked_name(field, name)
        return Change(self.name, self.room, self.side, self.trim_pct)


class SsidBody(Strict):
    """A wireless network, by its name of at most 32 bytes."""

    ssid: Annotated[str, Field(min_length=1, max_length=32)]


class NetworkBody(SsidBody):
    """A network to be kept. `password`: of 8 to 64 bytes; empty: the network is open. It never comes out."""

    password: Annotated[str, Field(max_length=64, repr=False)] = ""


class AddressBody(Strict):
    """Where a pulser is, said by hand."""

    host: Annotated[str, Field(pattern=_IPV4, description="an IPv4 address")]
    port: Annotated[int, Field(ge=1, le=65535)]


class TokenBody(Strict):
    """A token to be given out. `rooms` left out: all rooms. `lifetime_s` left out: until it is revoked.

    `notes`: an observer may read and write notes.
    """

    label: Annotated[str, Field(min_length=1, max_length=NAME_MAX)]
    role: Literal["therapist", "observer", "display", "logger"]
    rooms: Annotated[list[_Name], Field(min_length=1, max_length=100)] | None = None
    lifetime_s: Annotated[int, Field(ge=60, le=366 * 86_400)] | None = None
    notes: bool = False


class TokenView(BaseModel):
    """A token that was given out; its text is not kept. `id` names it. `via` cookie: a browser joined."""

    id: str
    label: str
    role: Role
    rooms: list[str] | None
    notes: bool
    via: Literal["cookie", "bearer"]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class NewToken(BaseModel):
    """A token just made. `token` is its text, shown this once."""

    token: str
    view: TokenView


class Address(BaseModel):
    """An address with its port."""

    host: str
    port: int


class DaemonView(BaseModel):
    """This daemon. `addresses`: where pulsers reach it, the best first."""

    daemon_id: str
    version: str
    protocol: str
    host: str
    port: int
    addresses: list[Address]


class Elsewhere(BaseModel):
    """A pulser that was heard on the network and is not this daemon's. `daemon_id` None: nobody's."""

    id: str
    daemon_id: str | None
    address: str


class Pulsers(BaseModel):
    """This daemon's pulsers, and those that it only hears."""

    pulsers: list[PulserView]
    elsewhere: list[Elsewhere]


class Paired(BaseModel):
    """A pairing that the daemon keeps from now on. `colour`: the room's, for the pulser's light."""

    pulser: PulserView
    colour: str


class Answer(BaseModel):
    """What a command by WebSocket is answered with: `room` if it was done, `error` if not."""

    id: str | int
    ok: bool
    room: RoomView | None = None
