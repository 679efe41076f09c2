"""What the desk remembers of one room: its visit, its running set, its latest presses."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ..core.tally import Tally, tallied
from ..core.visit import Happening, Visit, evolve
from ..journal.entry import Draft
from ..views import SIDES, SessionView, Side
from .showing import session_view

_NEVER = datetime.min.replace(tzinfo=UTC)
HANDS_WITHIN_US = 600_000_000  # a press says which hand holds it for so long


@dataclass(slots=True)
class Held:
    """One room. `visit`: its open session; `set_session`: the session of its newest set (None: a try-out).

    `parts`, `targets`: what the client's earlier visits left. `active_us`, `idle_since`: the last set, entry
    or word that the visit goes on, on the monotonic clock and as a time of day. `closing`: a close is on its
    way to the disk.
    """

    room: str
    visit: Visit | None = None
    parts: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    tally: Tally | None = None
    set_session: str | None = None
    active_us: int = 0
    idle_since: datetime = _NEVER
    closing: bool = False
    asked: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    presses: dict[Side, int] = field(default_factory=dict[Side, int])
    _shown: "tuple[object, SessionView] | None" = None

    @property
    def open_visit(self) -> Visit | None:
        """The visit, if it is open."""
        return self.visit if self.visit is not None and self.visit.is_open else None

    def idle(self, now_us: int) -> timedelta:
        """How long nothing has said that the visit goes on."""
        return timedelta(microseconds=max(0, now_us - self.active_us))

    def touch(self, now: datetime, now_us: int) -> None:
        """The visit goes on."""
        self.active_us, self.idle_since, self.asked = now_us, now, False

    def hands(self, now_us: int) -> tuple[Side, ...]:
        """The sides whose button was pressed within the last minutes."""
        return tuple(
            side for side in SIDES if side in self.presses and now_us - self.presses[side] <= HANDS_WITHIN_US
        )

    def take(self, draft: Draft) -> None:
        """An event of the visit, or of the room's set, has happened."""
        if draft.type.startswith("set."):
            self.tally = tallied(self.tally, draft.type, draft.data, draft.actor, draft.at)
        if draft.session is not None and (
            draft.type == "session.opened" or (self.visit is not None and self.visit.id == draft.session)
        ):
            event = Happening(draft.id, draft.type, draft.data, draft.actor, draft.at, draft.entered)
            self.visit = evolve(self.visit, self.room, draft.session, event)

    def view(self) -> SessionView | None:
        """The open session as controllers are shown it; made anew only when something changed."""
        visit = self.open_visit
        if visit is None:
            return None
        key = (visit, self.parts, self.targets, self.idle_since, self.asked)
        if self._shown is None or not _same(self._shown[0], key):
            shown = session_view(
                visit,
                parts=self.parts,
                targets=self.targets,
                idle_since=self.idle_since,
                asks_if_forgotten=self.asked,
            )
            self._shown = (key, shown)
        return self._shown[1]


def _same(one: object, two: tuple[object, ...]) -> bool:
    # By identity: a visit of hours is not to be compared entry by entry at every event.
    return isinstance(one, tuple) and all(a is b for a, b in zip(one, two, strict=True))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
