"""A pulser that is paired with this daemon, as its data folder keeps it and as pairing hands it over."""

from dataclasses import dataclass, field

from .views import Side


@dataclass(frozen=True, slots=True)
class Pairing:
    """One pulser that obeys this daemon. `pulser_id`: 8 bytes; `key`: 16 bytes; `ceiling_pct`: 1..100."""

    pulser_id: bytes
    key: bytes = field(repr=False)
    room: str
    side: Side
    name: str
    ceiling_pct: float
    last_host: str | None = None
    last_port: int | None = None
