"""Boards to which something happens all the time, and what must hold when it is over.

Real boards on one daemon, in pairs. At random they lose their power for a moment or for seconds, are reset by
their console, hang, get another address, lose their air, stand in bad air, and have rubbish on their cable.
Half of them, chosen by the seed, are never rebooted: theirs is a memory that has lived through all of it.
"""

import contextlib
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

import serial

from tests.support.rig import PATIENCE_S, SIDES, Board, Daemon, Json, now_us, wait_for
from twintap_board.errors import BoardError

# A device's heap after a collection, with the same links open: what a table may have grown by, and no more.
HEAP_BOUND_BYTES = 6 * 1024
# One boot leaves some 5 KiB more or less than another, as it happens to load; two of them are compared here.
REBOOTED_BOUND_BYTES = 10 * 1024
# The daemon's allocator keeps what it once had; what would leak with each of a hundred faults is more.
DAEMON_BOUND_BYTES = 12 * 1024 * 1024
LINKED_WITHIN_S = 60.0
# A board collects every 2 s where nothing is held, and tells what that left: the first look comes after one.
_COLLECTED_WITHIN_S = 2.5
_LOOKS = 6
_LOOK_EVERY_S = (0.1, 0.6)  # over some collections more, and in no fixed phase of theirs
_CEILING_PCT = 60

_REBOOTS = ("power off", "reset", "console reset")
_OTHERS = ("move", "no air", "bad air", "rubbish", "hang")


class Memory(NamedTuple):
    """What is free on each board, in bytes, and what the daemon has."""

    free: dict[str, int]
    daemon_bytes: int
    daemon_files: int


class Member:
    """One board among several: where it belongs, and whether something is being done to it."""

    def __init__(self, board: Board, room: str, side: str) -> None:
        self.board = board
        self.room = room
        self.side = side
        self.name = f"{room} {side}"
        self.is_steady = False  # never rebooted
        self.busy: Future[None] | None = None

    @property
    def is_free(self) -> bool:
        """Whether nothing is being done to it; what went wrong when something was, is raised."""
        if self.busy is None or not self.busy.done():
            return self.busy is None
        done, self.busy = self.busy, None
        done.result()
        return True


class Chaos:
    """`pairs` pairs of boards, paired with `daemon`. A context; then `rage`, then what the tests ask."""

    def __init__(self, daemon: Daemon, folder: Path, pairs: int, seed: int) -> None:
        self.daemon = daemon
        self.seed = seed
        self.done: Counter[str] = Counter()
        self.began_us = 0
        self._chance = random.Random(seed)
        self._folder = folder
        self.members = [
            Member(self._board(at, side), f"room-{at}", side) for at in range(pairs) for side in SIDES
        ]
        for member in self._chance.sample(self.members, pairs):
            member.is_steady = True

    def _board(self, at: int, side: str) -> Board:
        chance = self._chance
        return Board(
            self._folder / f"{at}{side[0]}",
            *("--clock-ppm", f"{chance.uniform(-10, 10):.2f}"),
            *("--clock-offset-us", str(chance.randrange(1 << 40))),
        )

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            # Each board starts four processes: not all at once.
            self._pool = stack.enter_context(ThreadPoolExecutor(4))

            def bring_up(member: Member) -> None:
                stack.enter_context(member.board)
                self.daemon.done("pair", str(member.board.link), "--room", member.room, "--side", member.side)

            list(self._pool.map(bring_up, self.members))
            self.until_linked()
            self.settings = {member.name: self._settings(member) for member in self.members}
            self.ids = {member.name: member.board.info()["id"] for member in self.members}
            self.began_us = now_us()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # -- what is done to them ------------------------------------------------------------------------------

    def rage(self, for_s: float, every_s: float) -> None:
        """Do something to a board that is chosen by chance, every `every_s`, and undo it in time."""
        until_s = time.monotonic() + for_s
        due_s = time.monotonic()
        while (now_s := time.monotonic()) < until_s:
            if now_s < due_s:
                time.sleep(due_s - now_s)
            due_s += every_s
            free = [member for member in self.members if member.is_free]
            if not free:
                continue
            member = self._chance.choice(free)
            deed = self._chance.choice(_OTHERS if member.is_steady else (*_REBOOTS, *_OTHERS))
            hold_s = self._chance.uniform(0.2, 3.5)
            member.busy = self._pool.submit(self._do, member, deed, hold_s, self._chance.randbytes(8))
            self.done[deed] += 1
        for member in self.members:
            wait_for(f"{member.name} left alone", lambda m=member: m.is_free, 2 * PATIENCE_S)

    def _do(self, member: Member, deed: str, hold_s: float, seed: bytes) -> None:
        board = member.board
        if deed == "power off":
            board.kill()
            time.sleep(hold_s)
            board.switch_on()
        elif deed == "reset":
            _persist(board, "reset")
        elif deed == "console reset":
            assert "result" in board.rpc("reset")
        elif deed == "move":
            _persist(board, "readdress")
        elif deed == "no air":
            with _undone(board, "cut", {"on": True}, {"on": False}):
                time.sleep(hold_s)
        elif deed == "bad air":
            with _undone(board, "air", {"model": "bad"}, {"model": "none"}):
                time.sleep(hold_s)
        elif deed == "hang":
            with _undone(board, "hang", {"on": True}, {"on": False}):
                time.sleep(hold_s / 2)
        elif deed == "rubbish":
            _spoil(board, random.Random(seed))
        else:
            raise AssertionError(deed)

    # -- what must hold ------------------------------------------------------------------------------------

    def ends_well(self, before: Memory) -> list[str]:
        """Wait until all are linked again; give everything that is not as it has to be then."""
        self.until_linked()
        # What they did without a set is looked at before a set is run.
        wrong = [*self.confusions(), *self.moved(), *self.rebooted()]
        steady = {member.name for member in self.members if member.is_steady}
        wrong += worse(before, self.memory(), steady)
        return wrong + self.every_room_taps()

    def until_linked(self) -> None:
        """Wait until the daemon is linked with each where it is now, and every room could tap.

        Who was left alone for ten minutes rests: whoever comes to a room wakes its pulsers.
        """
        for member in self.members:
            wait_for(f"{member.name} linked", lambda m=member: self._is_linked(m), LINKED_WITHIN_S)
        for room in dict.fromkeys(member.room for member in self.members):
            assert self.daemon.ask("POST", f"/rooms/{room}/wake").status == 200
            self.daemon.until_ready(room, LINKED_WITHIN_S)

    def _is_linked(self, member: Member) -> bool:
        try:
            host, port = member.board.address()
        except BoardError:
            return False
        found = self.daemon.pulser(member.room, member.side)
        return found["link"] == "linked" and found["address"] == f"{host}:{port}"

    def confusions(self) -> list[str]:
        """What is another's: an id, a place, a key, an address. Empty: each is who it was."""
        found: list[str] = []
        told = json.loads((self.daemon.data / "pairings.json").read_text())
        keys = {one["pulser_id"]: one["key"] for one in told["pairings"]}
        if sorted(keys) != sorted(self.ids.values()) or len(set(keys.values())) != len(self.members):
            found.append(f"the daemon has {sorted(keys)} and the boards are {self.ids}")
        for member in self.members:
            info = member.board.info()
            shown = self.daemon.pulser(member.room, member.side)
            expected = (self.ids[member.name], member.room, member.side)
            if (info["id"], info["room"], info["side"]) != expected or shown["id"] != info["id"]:
                found.append(f"{member.name}: {info} shown as {shown}")
            if self._settings(member) != self.settings[member.name]:
                found.append(f"{member.name}: its settings have changed")
            if self.settings[member.name]["key"] != keys.get(info["id"]):
                found.append(f"{member.name}: not the key that the daemon has")
        addresses = [member.board.address() for member in self.members]
        if len(set(addresses)) != len(addresses):
            found.append(f"one address twice: {addresses}")
        return found

    def moved(self) -> list[str]:
        """Whose motor has moved since the beginning; no set was run, so nobody's may have."""
        return [
            f"{member.name}: {row}"
            for member in self.members
            for row in member.board.rows()
            if row.at_us >= self.began_us and row.level_pct
        ]

    def rebooted(self) -> list[str]:
        """Which boards that were not to be rebooted have been."""
        age_ms = (now_us() - self.began_us) // 1_000
        return [
            member.name
            for member in self.members
            if member.is_steady and member.board.info()["uptime_ms"] < age_ms
        ]

    def memory(self) -> Memory:
        """What is free: what collections left, and of those the one that came while least was being said."""

        def free(member: Member) -> int:
            time.sleep(_COLLECTED_WITHIN_S)
            most = 0
            for _ in range(_LOOKS):
                most = max(most, member.board.info()["heap_free_bytes"])
                time.sleep(random.uniform(*_LOOK_EVERY_S))
            return most

        names = [member.name for member in self.members]
        found = dict(zip(names, self._pool.map(free, self.members), strict=True))
        pid = self.daemon.process.pid
        status = Path(f"/proc/{pid}/status").read_text()
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return Memory(found, int(resident.split()[1]) * 1024, len(os.listdir(f"/proc/{pid}/fd")))

    def every_room_taps(self) -> list[str]:
        """Run a set in each room at once, each of its own length and levels; give what was not as told.

        A board that this machine keeps waiting may skip a pulse, which it says; that is no confusion.
        """
        rooms = list(dict.fromkeys(member.room for member in self.members))
        since_us = now_us()
        wanted: dict[str, Json] = {}
        for at, room in enumerate(rooms):
            wanted[room] = {"passes": 4 + at, "rate_hz": 4, "ramp_ms": 0, "pulse_ms": 60}
            wanted[room] |= {"left_pct": 20 + 3 * at, "right_pct": 40 + 3 * at}
            self.daemon.begin(room, **wanted[room])
        found: list[str] = []
        for room in rooms:
            ended = self.daemon.until_ended(room)
            if ended["ended_reason"] != "finished":
                found.append(f"{room}: {ended}")
            for member in self.members:
                if member.room == room:
                    found += _amiss(member, wanted[room], ended[member.side]["skipped"], since_us)
        return found

    def _settings(self, member: Member) -> Json:
        return json.loads((member.board.state / "flash" / "settings.json").read_text())


def _amiss(member: Member, wanted: Json, skipped: int, since_us: int) -> list[str]:
    found: list[str] = []
    pulses = member.board.pulses(since_us)
    peaks = {round(pulse.peak_pct) for pulse in pulses}
    if len(pulses) + skipped != wanted["passes"]:
        found.append(f"{member.name}: {len(pulses)} pulses and {skipped} skipped of {wanted['passes']}")
    if peaks != {wanted[f"{member.side}_pct"]} or {pulse.side for pulse in pulses} != {member.side}:
        found.append(f"{member.name}: {pulses} where {wanted} was wanted")
    return found


def worse(before: Memory, after: Memory, steady: set[str]) -> list[str]:
    """Where memory is not where it began, within the bounds that stand above; `steady`: never rebooted."""
    found = [
        f"{name}: {before.free[name]} bytes were free, now {after.free[name]}"
        for name in before.free
        if before.free[name] - after.free[name]
        > (HEAP_BOUND_BYTES if name in steady else REBOOTED_BOUND_BYTES)
    ]
    if after.daemon_bytes - before.daemon_bytes > DAEMON_BOUND_BYTES:
        found.append(f"the daemon had {before.daemon_bytes} bytes, now {after.daemon_bytes}")
    if after.daemon_files > before.daemon_files + 4:
        found.append(f"the daemon had {before.daemon_files} files open, now {after.daemon_files}")
    return found


def _persist(board: Board, do: str, **arguments: object) -> None:
    """Do it as soon as the board can: one that boots has no VM for a moment."""
    wait_for(do, lambda: board.tries(do, **arguments))


@contextlib.contextmanager
def _undone(board: Board, do: str, on: Json, off: Json) -> Generator[None]:
    _persist(board, do, **on)
    try:
        yield
    finally:
        _persist(board, do, **off)


def _spoil(board: Board, chance: random.Random) -> None:
    """Put rubbish on the cable: noise, half requests, long lines, requests with everything wrong."""
    makers: list[Callable[[], bytes]] = [
        lambda: chance.randbytes(chance.randint(1, 200)),
        lambda: chance.randbytes(chance.randint(1, 60)) + b"\n",
        lambda: b'{"jsonrpc":"2.0","id":1,"method":"pai',
        lambda: b"[" * chance.randint(1, 900) + b"\r\n",
        lambda: b"x" * chance.randint(900, 3_000) + b"\n",
        lambda: b'{"jsonrpc":"2.0","id":1,"method":"pair","params":{"key":"00","side":7}}\n',
        lambda: b'{"jsonrpc":"2.0","id":1,"method":"identify","params":{"ms":1e99,"level_pct":-1}}\n',
        lambda: b'{"jsonrpc":"2.0","method":"trim","params":{"trim_pct":1000}}\n',
        lambda: b"\x03\x04\x01\x02\x05",
    ]
    with serial.Serial(str(board.link), timeout=0, write_timeout=2) as port:
        for _ in range(chance.randint(3, 10)):
            with contextlib.suppress(serial.SerialTimeoutException):
                port.write(chance.choice(makers)())
            time.sleep(chance.uniform(0, 0.1))
        port.write(b"\n")
        port.read(65_536)


def any_seed() -> int:
    """The seed of TWINTAP_SEED, or one that nobody knows yet."""
    return int(os.environ.get("TWINTAP_SEED") or random.SystemRandom().randrange(1 << 30))
