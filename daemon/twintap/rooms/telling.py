"""What is told of a room before anybody watches: plain words of the rooms to whoever keeps a record."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ..core.pacing import Pacing
from ..core.state import Event
from ..core.timeline import Timeline
from ..views import Problem, SessionView, Side


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that happened in a room. `at`: with a zone; `monotonic_us`: the daemon's clock then."""

    type: str
    room: str
    actor: str
    data: Mapping[str, object]
    at: datetime
    monotonic_us: int


class Chronicle(Protocol):
    """Keeps what rooms tell, and knows what rooms themselves do not: their visits, and how keeping goes.

    Called on the event loop, on the way of a set: no method may wait, or raise.
    """

    def told(self, told: Told) -> None:
        """Take one thing that happened; what left for the pulsers has left already."""
        ...

    def session(self, room: str) -> SessionView | None:
        """The room's open session."""
        ...

    def hands(self, room: str) -> tuple[Side, ...]:
        """The sides that a press has confirmed for the session that is opened next."""
        ...

    def troubles(self) -> tuple[Problem, ...]:
        """What is amiss with the whole daemon, in words with what to do; nothing while all is well."""
        ...


class NoChronicle:
    """Keeps nothing: for a hub by itself."""

    def told(self, told: Told) -> None:
        """Let it pass."""

    def session(self, room: str) -> SessionView | None:
        """There is none."""
        return None

    def hands(self, room: str) -> tuple[Side, ...]:
        """Nobody remembers."""
        return ()

    def troubles(self) -> tuple[Problem, ...]:
        """Nothing is amiss."""
        return ()


def words_of(event: Event) -> tuple[str, dict[str, object]]:
    """Who did it, and the data of a set's event as they are told."""
    actor = "system"
    data: dict[str, object] = {}
    for field in dataclasses.fields(event):
        value = getattr(event, field.name)
        if isinstance(value, Pacing):
            data[field.name] = value.as_dict()
        elif field.name in ("actor", "by"):
            actor = str(value)
        elif isinstance(value, Timeline):
            if value.next is not None:
                data["from_pass"] = value.next.first_pass
        elif field.name not in ("margin_us",):
            data[field.name] = value
    return actor, data
