"""The scribe: what rooms tell, on its way into the journal, in the chain of the session that it belongs to.

It is called on the way of a set, so it waits for nothing and raises nothing.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from ..errors import Refused
from ..journal.entry import Draft
from ..rooms.telling import Told
from ..views import SIDES
from .held import Held
from .keeping import Keeping
from .lastly import LastSeen
from .recording import RECORDED, data_of, draft_of
from .recovery import ended_by_loss, recorded

if TYPE_CHECKING:
    from ..rooms.hub import Hub

_log = logging.getLogger(__name__)


class Scribe:
    """`rooms`: what is remembered of each room; the desk works on the same."""

    def __init__(
        self, hub: "Hub", keeping: Keeping, now: Callable[[], datetime], clock_us: Callable[[], int]
    ) -> None:
        """Nothing is kept before `begin`."""
        self.rooms: dict[str, Held] = {}
        self._hub = hub
        self._keeping = keeping
        self._now = now
        self._clock_us = clock_us
        # What is told before the last run is taken up waits: it belongs into sessions not known yet.
        self._early: list[Told] | None = []

    def begin(self) -> None:
        """The last run is taken up: what was told meanwhile is kept, and all that follows."""
        early, self._early = self._early or [], None
        for told in early:
            self.told(told)

    def held(self, room: str) -> Held:
        """What is remembered of a room."""
        return self.rooms.setdefault(room, Held(room))

    def told(self, told: Told) -> None:
        """Take one thing that happened in a room, and have it kept."""
        if self._early is not None:
            self._early.append(told)
            return
        held = self.held(told.room)
        if told.type == "pulser.pressed" and not self._hub.is_set_on(told.room):
            for side in SIDES:
                if told.data.get("side") == side:
                    held.presses[side] = told.monotonic_us
        elif told.type in ("room.swapped", "pulser.paired", "pulser.removed", "pulser.moved"):
            held.presses.clear()  # what is in a hand now, no press has said
        if told.type == "set.asked":
            visit = held.open_visit
            held.set_session = visit.id if visit is not None else None
        if told.type in RECORDED:
            self._record(held, told)
        if told.type == "set.stilled":
            self._record_set(held)

    def note(self, kind: str, data: Mapping[str, object], actor: str = "system") -> None:
        """Keep something of the daemon's own, which belongs to no room."""
        now = self._now()
        self._keep(Draft(kind, data, None, None, actor, now, now, self._clock_us()))

    def end_lost(self, held: Held, session: str | None, lost: Mapping[str, LastSeen]) -> None:
        """Replay turns a set that was running into one that ended with the daemon.

        `session`: whose set it was, None for a try-out's; `lost`: what sets had done when last looked at.
        """
        active = held.active_us, held.idle_since
        while held.tally is not None:
            tally, now, now_us = held.tally, self._now(), self._clock_us()
            if not tally.ended:
                kind, data = "set.ended", ended_by_loss(tally)
            else:
                visit = held.visit if session is not None else None
                part = visit.summary.part if visit is not None else None
                kind, data = "set.recorded", recorded(tally, lost.get(tally.set_uid), part)
            draft = Draft(kind, data, held.room, session, "system", now, now, now_us)
            self._keep(draft)
            held.take(draft)
        held.active_us, held.idle_since = active

    def _record(self, held: Held, told: Told) -> None:
        is_of_set = told.type.startswith("set.")
        visit = held.open_visit
        session = held.set_session if is_of_set else visit.id if visit is not None else None
        draft = draft_of(told, data_of(told), session)
        self._keep(draft)
        held.take(draft)
        if is_of_set:
            held.touch(told.at, told.monotonic_us)

    def _record_set(self, held: Held) -> None:
        tally, current = held.tally, self._hub.room(held.room).set
        if tally is None or not tally.ended or current is None or current.uid != tally.set_uid:
            return
        visit = held.open_visit
        part = visit.summary.part if visit is not None and visit.id == held.set_session else None
        data = recorded(tally, LastSeen.of(current), part, silent=current.silent, complete=True)
        self._hub.tell(held.room, "set.recorded", "system", data)

    def _keep(self, draft: Draft) -> None:
        try:
            self._keeping.keep(draft)
        except Refused as refusal:
            # A fault of ours. It must not reach the set that it comes from; its data may be a client's.
            _log.critical("an event of the type %s was not kept: %s", draft.type, refusal.fault.field)
