"""The desk: it opens and closes the rooms' sessions, and has everything that happens kept.

What a person says is acknowledged when it is on the disk, and only then told. A set never waits for the disk:
what happens in it is handed in as it happens, and only the answer to whoever started or changed it waits.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .. import __version__
from ..core import visit as core
from ..core.decide_visit import decide
from ..core.visit import Said, Visit
from ..errors import Fault, Refused, StoreError
from ..journal.entry import Draft
from ..journal.ids import new_id
from ..journal.tally import SessionRow
from ..journal.types import Kind
from ..rooms.hub import monotonic_us
from ..rooms.telling import Told
from ..views import Problem, RoomView, SessionView, SetView, Side
from .held import Held
from .keeping import Keeping
from .lastly import Lastly, LastSeen
from .offers import offer_of, start_defaults, visit_of, visits_of
from .recovery import tail
from .scribe import Scribe
from .showing import zone_of

if TYPE_CHECKING:
    from ..rooms.hub import Hub

_log = logging.getLogger(__name__)

# Whoever waits is told when a disk takes longer. A busy one may take seconds and is only slow; one that has
# failed is said to have at once.
_DISK_WITHIN_S = 5.0
_SLOW = f"the disk has not answered for {_DISK_WITHIN_S:.0f} s"
_LOOK_S = 1.0
_NOT_KEPT = "it is not kept, and nothing was changed"


class Wakefulness(Protocol):
    """Keeps this machine from sleeping."""

    @property
    def trouble(self) -> str | None:
        """What a person has to know, in words; None: nothing."""
        ...

    async def hold(self) -> None:
        """Do so from now on."""
        ...

    async def release(self) -> None:
        """Let it sleep again."""
        ...


def _now() -> datetime:
    return datetime.now(UTC).astimezone()


class Desk:
    """See the module's text. All of it belongs to the event loop; `open` before use, `close` after.

    `now` gives the time of day with a zone, `clock_us` the daemon's monotonic clock in µs.
    """

    def __init__(
        self,
        hub: "Hub",
        keeping: Keeping,
        folder: Path,
        *,
        awake: Wakefulness | None = None,
        now: Callable[[], datetime] = _now,
        clock_us: Callable[[], int] = monotonic_us,
    ) -> None:
        self._hub = hub
        self._keeping = keeping
        self._awake = awake
        self._now = now
        self._clock_us = clock_us
        self._scribe = Scribe(hub, keeping, now, clock_us)
        self._lastly = Lastly(folder)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._is_awake = False
        self._written: set[str] = set()
        hub.chronicle = self

    # --- life -------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Take up where the last run ended: its sessions are open, what ran is over. StoreError."""
        lost = await asyncio.to_thread(self._lastly.read)
        for row in await self._keeping.open_sessions():
            await self._take_up(row, lost)
        for view in self._hub.rooms():
            held = self._scribe.held(view.name)
            for draft in await tail(self._keeping, view.name):
                held.take(draft)
            self._scribe.end_lost(held, None, lost)
        self.note("daemon.started", {"version": __version__, "run": new_id()})
        self._scribe.begin()
        await self._stay_awake()
        self._looking = asyncio.create_task(self._look_on(), name="desk")
        self._looking.add_done_callback(self._on_looked)

    async def close(self) -> None:
        """Let what is under way come to its end; sessions stay open. The journal is still open here."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_DISK_WITHIN_S)
        self.note("daemon.stopped", {})
        if self._awake is not None and self._is_awake:
            self._is_awake = False
            await self._awake.release()

    async def _take_up(self, row: SessionRow, lost: Mapping[str, LastSeen]) -> None:
        visit = await visit_of(self._keeping, row)
        if visit is None or not visit.is_open:
            return
        await asyncio.to_thread(zone_of, visit.zone)
        await self._hub.keep_room(row.room)
        held = self._scribe.held(row.room)
        if held.open_visit is not None:
            # Two cannot be open in one room; of an import, or of a clock set back, the older one is over.
            _log.warning("room %s has two open sessions: the older one is closed", row.room)
            await self._settle(held, lambda: _forgotten(held, self._now()))
        held.visit, held.tally = visit, visit.running
        idle_us = max(0, int((self._now() - visit.active_at).total_seconds() * 1e6))
        held.active_us, held.idle_since = self._clock_us() - idle_us, visit.active_at
        await self._bring(held)
        self._scribe.end_lost(held, visit.id, lost)

    # --- the chronicle: what rooms tell -----------------------------------------------------------------

    def told(self, told: Told) -> None:
        """Take one thing that happened in a room, and have it kept."""
        self._scribe.told(told)

    def note(self, kind: str, data: Mapping[str, object], actor: str = "system") -> None:
        """Keep something of the daemon's own, which belongs to no room."""
        self._scribe.note(kind, data, actor)

    def session(self, room: str) -> SessionView | None:
        """The room's open session."""
        held = self._scribe.rooms.get(room)
        return held.view() if held is not None else None

    def hands(self, room: str) -> tuple[Side, ...]:
        """The sides that a press has confirmed for the session that is opened next."""
        held = self._scribe.rooms.get(room)
        return held.hands(self._clock_us()) if held is not None and held.open_visit is None else ()

    def troubles(self) -> tuple[Problem, ...]:
        """What is amiss with the journal, and with keeping this computer awake."""
        found: list[Problem] = []
        if self._keeping.fault is not None:
            text = f"what happens is not being kept: {self._keeping.fault}"
            found.append(Problem("journal", None, text))
        if self._awake is not None and self._awake.trouble is not None:
            found.append(Problem("awake", None, self._awake.trouble))
        return tuple(found)

    # --- sets -------------------------------------------------------------------------------------------

    async def start_set(
        self, room: str, changes: Mapping[str, object], *, actor: str, revision: int | None
    ) -> RoomView:
        """Start a set, with the session's own levels where none are said; answered when it is on the disk.

        Raises `Refused`; `storage` says that the set runs, and that it is not recorded, or not yet.
        """
        held = self._scribe.rooms.get(room)
        if held is not None and held.closing:
            text = "the session is being closed: start again in a moment"
            raise Refused(Fault("running", text, retry_after_ms=200))
        visit = held.open_visit if held is not None else None
        if visit is not None:
            changes = _with_defaults(start_defaults(visit), changes)
        await self._hub.start_set(room, changes, actor=actor, revision=revision)
        await self._on_disk()
        return self._hub.room(room)

    async def change_set(
        self, room: str, changes: Mapping[str, object], *, actor: str, revision: int | None
    ) -> RoomView:
        """Change the running set; answered when it is on the disk. Raises `Refused` as `start_set` does."""
        await self._hub.change_set(room, changes, actor=actor, revision=revision)
        await self._on_disk()
        return self._hub.room(room)

    async def _on_disk(self) -> None:
        try:
            if self._keeping.fault is not None:
                raise StoreError(self._keeping.fault)
            async with asyncio.timeout(_DISK_WITHIN_S):
                await self._keeping.flushed()
        except TimeoutError:
            text = f"the set runs; {_SLOW}, so what happens in it is not recorded yet: stop when it suits"
            raise Refused(Fault("storage", text)) from None
        except StoreError as error:
            raise Refused(Fault("storage", f"the set runs, and is not recorded: {error}")) from error

    # --- sessions ---------------------------------------------------------------------------------------

    def open_rooms(self) -> dict[str, datetime]:
        """The rooms with an open session, and since when."""
        found = {name: held.open_visit for name, held in self._scribe.rooms.items()}
        return {name: visit.opened_at for name, visit in found.items() if visit is not None}

    async def open_session(
        self,
        room: str,
        *,
        code: str,
        kind: Kind,
        zone: str,
        actor: str,
        reach: tuple[str, ...] | None = None,
    ) -> SessionView:
        """Open a session. Raises `Refused`: unknown, open, running, field, range, storage.

        `reach`: the rooms whose earlier visits whoever opens it may see; of those alone it brings anything.
        """
        self._hub.room(room)
        held = self._scribe.held(room)

        def decided() -> list[Said]:
            hands = held.hands(self._clock_us())
            is_on = self._hub.is_set_on(room)
            command = core.Open(code, kind, zone, hands, actor, is_on, reach)
            return decide(held.open_visit, command, self._now())

        await self._carry_out(held, decided)
        return self._shown(held)

    async def close_session(self, room: str, *, plan: str | None, actor: str) -> SessionView:
        """Close it; give it as it was last. Raises `Refused`: closed, running, field, storage."""
        held = self._held_open(room)
        shown = self._shown(held)

        def decided() -> list[Said]:
            command = core.Close(actor, plan, self._hub.is_set_on(room))
            return decide(held.open_visit, command, self._now())

        await self._carry_out(held, decided)
        return shown if plan is None else replace(shown, plan=plan)

    async def enter(
        self, room: str, kind: str, data: Mapping[str, Any], *, actor: str, at: datetime | None = None
    ) -> Draft:
        """Enter a rating, a note, a mark …. Raises `Refused`: closed, field, range, full, storage."""
        held = self._held_open(room)
        command = core.Enter(kind, data, actor, at)
        done = await self._carry_out(held, lambda: decide(held.open_visit, command, self._now()))
        return done[0]

    async def undo(self, room: str, *, entry: str | None, actor: str) -> SessionView:
        """Take back an entry of the last ten seconds. Raises `Refused`: closed, late, unknown, undone."""
        held = self._held_open(room)
        command = core.Undo(actor, entry)
        await self._carry_out(held, lambda: decide(held.open_visit, command, self._now()))
        return self._shown(held)

    async def take_lead(self, room: str, *, label: str, actor: str) -> SessionView:
        """Give the lead to `label`. Raises `Refused`: closed, field, storage."""
        held = self._held_open(room)
        command = core.TakeLead(label, actor)
        await self._carry_out(held, lambda: decide(held.open_visit, command, self._now()))
        return self._shown(held)

    def go_on(self, room: str, *, actor: str) -> SessionView:
        """The session still goes on: it is not forgotten. Raises `Refused("closed")`."""
        held = self._held_open(room)
        held.touch(self._now(), self._clock_us())
        self._hub.tell(room, "session.goes_on", actor, {})
        return self._shown(held)

    async def correct(self, session: str, *, entry: str, data: Mapping[str, Any] | None, actor: str) -> Draft:
        """Put an entry right, also in a closed session; `data` None: withdraw it.

        Raises `Refused`: unknown, undone, field …
        """
        held = await self._held_of(session)
        command = core.Correct(entry, data, actor)
        done = await self._carry_out(held, lambda: decide(held.visit, command, self._now()))
        return done[0]

    async def plan(self, session: str, *, text: str, actor: str) -> None:
        """Say what is planned for the next visit, also once a session is closed.

        Raises `Refused`: unknown, erased, field, full, storage.
        """
        held = await self._held_of(session)
        command = core.PlanNext(text, actor)
        await self._carry_out(held, lambda: decide(held.visit, command, self._now()))

    async def move(self, session: str, *, code: str, actor: str) -> str:
        """Have a session under another code; give that. Raises `Refused`: unknown, field, storage."""
        held = await self._held_of(session)
        command = core.Move(code, actor)
        await self._carry_out(held, lambda: decide(held.visit, command, self._now()))
        await self._bring(held)
        return held.visit.code if held.visit is not None else ""

    # --- inside -----------------------------------------------------------------------------------------

    def _held_open(self, room: str) -> Held:
        self._hub.room(room)
        held = self._scribe.held(room)
        if held.open_visit is None:
            raise Refused(Fault("closed", "no session is open in this room: open one"))
        return held

    async def _held_of(self, session: str) -> Held:
        for held in self._scribe.rooms.values():
            if held.open_visit is not None and held.open_visit.id == session:
                return held
        row = await self._keeping.session(session)
        visit = await visit_of(self._keeping, row)
        if visit is None:
            raise Refused(Fault("erased", "this session was erased: nothing of it is left", field="session"))
        return Held(row.room, visit)

    def _shown(self, held: Held) -> SessionView:
        shown = held.view()
        if shown is None:
            raise Refused(Fault("closed", "the session was closed meanwhile"))
        return shown

    async def _carry_out(self, held: Held, decided: Callable[[], list[Said]]) -> list[Draft]:
        """Have it decided, kept and told, by a task of its own: whoever asked may go, or be told to wait."""
        task = asyncio.create_task(self._settle(held, decided), name="desk: a command")
        self._tasks.add(task)
        task.add_done_callback(self._on_settled)
        done, _ = await asyncio.wait({task}, timeout=_DISK_WITHIN_S)
        if not done:
            text = f"{_SLOW}, so this may be kept or not: look before it is said again"
            raise Refused(Fault("storage", text))
        return task.result()

    def _on_settled(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Refused):
            _log.error("a command could not be carried out: %s", type(error).__name__)

    async def _settle(self, held: Held, decided: Callable[[], list[Said]]) -> list[Draft]:
        async with held.lock:
            said = decided()
            if said and self._keeping.fault is not None:
                raise Refused(Fault("storage", f"{_NOT_KEPT}: {self._keeping.fault}"))
            visit = held.visit
            is_opening = any(one.type == "session.opened" for one in said)
            session = new_id() if is_opening or visit is None else visit.id
            now, now_us = self._now(), self._clock_us()
            drafts = [
                Draft(one.type, one.data, held.room, session, one.actor, one.at, now, now_us) for one in said
            ]
            held.closing = any(one.type == "session.closed" for one in said)
            failed: StoreError | None = None
            try:
                handed_in = [(draft, self._keeping.append(draft)) for draft in drafts]
                for draft, on_disk in handed_in:
                    try:
                        await on_disk
                    except StoreError as error:
                        failed = error
                    else:
                        await self._take(held, draft)
            finally:
                held.closing = False
            if failed is not None:
                raise Refused(Fault("storage", f"{_NOT_KEPT}: {failed}"))
            return drafts

    async def _take(self, held: Held, draft: Draft) -> None:
        if draft.type == "session.opened":
            held.visit, held.parts, held.targets = None, (), ()
        held.take(draft)
        is_live = self._scribe.rooms.get(held.room) is held
        if is_live and draft.type != "session.closed":
            held.touch(draft.entered, draft.monotonic_us)
        if draft.type == "session.opened":
            held.presses.clear()
            await self._bring(held)
        if draft.type in ("session.opened", "session.closed"):
            self._hub.session_changed(held.room)
            await self._stay_awake()
        data: dict[str, object] = {
            "id": draft.id,
            "session": draft.session,
            "at": draft.at.isoformat(timespec="milliseconds"),
            **draft.data,
        }
        self._hub.tell(held.room, draft.type, draft.actor, data)

    async def _bring(self, held: Held) -> None:
        """What the client's earlier visits left: parts that come back, targets that are open."""
        visit = held.open_visit
        if visit is None:
            return
        try:
            reach = visit.reach
            visits = await visits_of(
                self._keeping,
                visit.code,
                but=visit.id,
                is_shown=lambda room: reach is None or room in reach,
            )
            offer = offer_of(visits)
        except StoreError as error:
            _log.warning("a client's earlier visits could not be read: %s", error)
            return
        held.parts, held.targets = offer.parts, offer.targets

    async def _stay_awake(self) -> None:
        wanted = any(held.open_visit is not None for held in self._scribe.rooms.values())
        if self._awake is None or wanted == self._is_awake:
            return
        self._is_awake = wanted
        await (self._awake.hold() if wanted else self._awake.release())

    # --- what happens by itself -------------------------------------------------------------------------

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            await self.look()

    def _on_looked(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled():
            _log.critical("forgotten sessions are not closed any more", exc_info=task.exception())

    async def look(self) -> None:
        """What follows from time: asks whether a session is forgotten, closes it in the end."""
        sets: dict[str, SetView] = {}
        for held in list(self._scribe.rooms.values()):
            is_on = self._hub.is_set_on(held.room)
            if is_on and (current := self._hub.room(held.room).set) is not None:
                sets[current.uid] = current
            if held.open_visit is not None:
                await self._look_at(held, held.open_visit, is_on=is_on)
        if sets or self._written:
            last = {uid: LastSeen.of(current) for uid, current in sets.items()}
            self._written = set(last)
            await asyncio.to_thread(self._lastly.write, last)

    async def _look_at(self, held: Held, visit: Visit, *, is_on: bool) -> None:
        if is_on:
            held.touch(self._now(), self._clock_us())
            return
        idle = held.idle(self._clock_us())
        if idle >= core.FORGOTTEN_AFTER:
            command = core.Look(idle, is_on)
            try:
                await self._carry_out(held, lambda: decide(held.open_visit, command, self._now()))
            except Refused as refusal:
                _log.warning("a forgotten session could not be closed: %s", refusal)
        elif visit.asks_if_forgotten(idle) and not held.asked:
            held.asked = True
            self._hub.tell(held.room, "session.asks", "system", {})


def _forgotten(held: Held, now: datetime) -> list[Said]:
    return decide(held.open_visit, core.Look(core.FORGOTTEN_AFTER), now)


def _with_defaults(defaults: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    """`changes` over `defaults`; a level said for both sides stands in place of either side's default."""
    said = {name for name, value in changes.items() if value is not None}
    hidden = {"left_pct", "right_pct"} if "level_pct" in said else set[str]()
    return {name: value for name, value in defaults.items() if name not in said | hidden} | dict(changes)
