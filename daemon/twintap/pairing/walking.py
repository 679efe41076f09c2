"""The whole way of a pairing, from an open port to the pulser that the daemon hears over the air."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from twintap_protocol import limits
from twintap_protocol.errors import TwintapError

from ..console import Console, ConsoleRefused, open_console
from ..errors import ConsoleError, Fault, Refused
from ..names import clean
from ..unbroken import to_its_end
from .diagnosis import ELSEWHERE, Advice, hints, host_in, read_facts, why_not_joined, why_not_linked
from .exchange import check_reachable, exchange, linked, pulser_id_in
from .networks import Seen, forget_network, keep_network, kept_in, scan
from .steps import STEPS, StepName, Steps
from .wanted import Registrar, Road, Wanted, Where, Wifi

# A chip scans, joins and asks for an address within 3 to 10 s; a slow access point takes twice that.
_JOIN_WITHIN_S = 35.0
_STARTED_WITHIN_S = 5.0
_JOIN_POLL_S = 0.3
# What a chip says of its network may be wrong once, as when a frame is lost; for so long it is right.
_SURE_AFTER_S = 4.0
_BAD_STATES = ("wrong password", "not found", "no address", "refused", "no network set", "off")
# An announcement follows the pairing within a second; a lost one comes again after 20.
_ANNOUNCED_WITHIN_S = 3.0
_ANNOUNCED_POLL_S = 0.2
_HAS_PLACE_BACK = "the one it was to replace has its place back"
_TRIES_MAX = 5  # networks that a person may try in one go

# Given what the pulser sees (None: it cannot look) and why it asks, a person chooses; None: no network.
Ask = Callable[[tuple[Seen, ...] | None, str], Awaitable[Wifi | None]]


@dataclass(frozen=True, slots=True)
class Done:
    """A pulser that is paired and linked. `hints`: what is not as it should be all the same.

    `wanted`: with the place that it has, and without the network's password.
    """

    pulser_id: bytes
    wanted: Wanted
    hints: tuple[Advice, ...]


class PairingFailed(TwintapError):
    """A step failed: which one, and what to do. `code` is an `Advice`'s, a `Fault`'s, or "console"."""

    def __init__(self, step: StepName, code: str, words: str) -> None:
        super().__init__(f"it failed at this step: {STEPS[step]}: {words}")
        self.step: StepName = step
        self.code = code
        self.words = words


class _Amiss(TwintapError):
    """What a diagnosis found."""

    def __init__(self, advice: Advice) -> None:
        super().__init__(advice.words)
        self.advice = advice


async def walk(
    port: str,
    registrar: Registrar,
    wanted: Wanted,
    steps: Steps,
    *,
    ask: Ask | None = None,
    looks: bool = False,
    own: tuple[str, ...] = (),
) -> Done:
    """Pair the pulser at the serial port `port` and wait until the daemon hears it; `steps` tells of it.

    `ask` has a person choose a network where one is needed, or if `looks`, whatever the pulser keeps. `own`:
    the daemon's interfaces as `192.0.2.1/24`, for telling two networks apart; empty: not known.

    Raises `PairingFailed`. Up to the step "key" pulser and daemon are then as they were, but for a network
    that was asked for and joined. At "link" the pulser is paired and links when it can; one that was to
    replace another, and is not heard or is cancelled before, is not: that other one has its place back, and
    itself the place that it had here, if any.
    """
    async with contextlib.AsyncExitStack() as stack:
        async with _step(steps, "port"):
            console = await stack.enter_async_context(open_console(port))
            steps.end("port", f"{clean(port, 80)} is open")
        async with _step(steps, "pulser"):
            info = await console.ready()
            pulser_id = pulser_id_in(info, console.port)
            _check_pulser(info)
            steps.end("pulser", _who(info))
        # A place that cannot be had is said before anybody types a password or waits for a network.
        async with _step(steps, "daemon", shown=False):
            where = await registrar.where()
            wanted = await _placed(registrar, wanted, pulser_id, info)
        joining = _Joining(console, steps, ask, looks=looks)
        info = await joining.join(info, wanted.wifi)
        async with _step(steps, "daemon"):
            check_reachable(info, where)
            async with _step(steps, "key", only_now=True):
                try:
                    await exchange(console, registrar, wanted, info, where, steps)
                except asyncio.CancelledError as cancelled:
                    # It went on to its end; if that was a good one, the spare has the place already.
                    if wanted.replace is not None and cancelled.__cause__ is None:
                        giving = _Giving(console, registrar, pulser_id, info, where)
                        with contextlib.suppress(TwintapError):
                            await to_its_end(giving.back())
                    raise
        async with _step(steps, "link"):
            found = await _prove(console, registrar, wanted, pulser_id, info, where, own)
            steps.end("link", "the daemon hears it")
    return Done(pulser_id, replace(wanted, wifi=None), found)


@contextlib.asynccontextmanager
async def _step(
    steps: Steps, name: StepName, *, shown: bool = True, only_now: bool = False
) -> AsyncGenerator[None]:
    """Say how a step goes, and turn what ends it into `PairingFailed`.

    `shown` False: it is not said that it is being done, only that it failed. `only_now`: what fails is this
    step's if it is the one that is being done, and else whoever's it is outside.
    """
    if shown and not only_now:
        steps.begin(name)
    try:
        yield
    except PairingFailed:
        raise
    except asyncio.CancelledError:
        if steps.now is not None:
            steps.fail(steps.now, "broken off")
        raise
    except TwintapError as error:
        if only_now and steps.now != name:
            raise
        words = str(error)
        code = "console"
        if isinstance(error, _Amiss):
            code = error.advice.code
        elif isinstance(error, Refused):
            code = error.fault.code
        elif not isinstance(error, ConsoleError):
            code = "daemon"
        steps.fail(name, words)
        raise PairingFailed(name, code, words) from error


def _check_pulser(info: Mapping[str, Any]) -> None:
    """Raise if this pulser cannot be paired as it is now."""
    if info.get("safe_mode") is True:
        words = "the pulser is in safe mode: its program failed three times; run `twintap flash` on this port"
        raise _Amiss(Advice("safe_mode", words))
    major = str(info.get("protocol", "")).partition(".")[0]
    if major.isdigit() and major.isascii() and int(major[:4]) != limits.VERSION_MAJOR:
        raise _Amiss(
            Advice(
                "version",
                f"the pulser speaks version {major[:4]} of the protocol, this daemon {limits.VERSION_MAJOR}: "
                "run `twintap flash` on this port",
            )
        )
    if info.get("set_id"):
        raise _Amiss(Advice("running", "the pulser is in a set: stop it first"))


def _who(info: Mapping[str, Any]) -> str:
    parts = [clean(str(info.get("name") or info.get("id")), 40)]
    for field, word in (("board", ""), ("firmware", "firmware ")):
        found = info.get(field)
        if isinstance(found, str) and found:
            parts.append(word + clean(found, 40))
    return ", ".join(parts)


async def _placed(registrar: Registrar, wanted: Wanted, pulser_id: bytes, info: Mapping[str, Any]) -> Wanted:
    """Give what is wanted with the place that it has: another pulser's, if it is to replace that.

    Raises `Refused`: "taken", or "unknown" if the one to be replaced is none of the daemon's.
    """
    places = await registrar.places()
    if wanted.replace is not None:
        place = places.get(wanted.replace)
        if place is None:
            text = f"no pulser {wanted.replace.hex()} is paired here, so none can take its place"
            raise Refused(Fault("unknown", text, field="replace"))
        return replace(
            wanted,
            room=place.room,
            side=place.side,
            name=place.name,
            ceiling_pct=_capped(place.ceiling_pct, info.get("absolute_cap_pct")),
            replace=wanted.replace if wanted.replace != pulser_id else None,
        )
    for held_by, place in places.items():
        if (place.room, place.side) == (wanted.room, wanted.side) and held_by != pulser_id:
            text = (
                f"room {place.room} has a {place.side} pulser ({clean(place.name, 40)}): unpair it first, or "
                f"let this one take its place with --replace {held_by.hex()}"
            )
            raise Refused(Fault("taken", text, field="side", value=place.side, side=place.side))
    return wanted


def _capped(ceiling_pct: int, cap_pct: object) -> int:
    """Give a ceiling that this board takes: another board's may be above what this one ever gives."""
    if isinstance(cap_pct, int) and 1 <= cap_pct < ceiling_pct:
        return cap_pct
    return ceiling_pct


class _Joining:
    """Brings a pulser into a network: the one that is named, one that a person chooses, or one it keeps."""

    def __init__(self, console: Console, steps: Steps, ask: Ask | None, *, looks: bool) -> None:
        self._console = console
        self._steps = steps
        self._ask = ask
        self._looks = looks
        self._seen: tuple[Seen, ...] | None = None

    async def join(self, info: Mapping[str, Any], wifi: Wifi | None) -> dict[str, Any]:
        """Give the pulser's `info` once it has an address. Raises `PairingFailed`."""
        kept = kept_in(info)
        for left in range(_TRIES_MAX, 0, -1):
            async with _step(self._steps, "networks"):
                wifi = await self._choose(info, wifi, kept)
                self._steps.end("networks", _which(wifi, kept, self._seen))
            try:
                async with _step(self._steps, "join"):
                    found = await self._joined(wifi, kept)
                    self._steps.end("join", _joined_words(found))
                    return found
            except PairingFailed as failed:
                if self._ask is None or left == 1 or failed.code == "console":
                    raise
                wifi = await self._ask(await self._look_again(), failed.words)
                if wifi is None:
                    raise
        raise AssertionError("the last try returns or raises")

    async def _choose(self, info: Mapping[str, Any], wifi: Wifi | None, kept: tuple[str, ...]) -> Wifi | None:
        if wifi is None and not kept:
            info = await self._settled(info)
        is_needed = wifi is None and not kept and host_in(info) is None
        if self._looks or is_needed:
            self._seen = await self._look_again()
        if wifi is None and self._ask is not None and (self._looks or is_needed):
            wifi = await self._ask(self._seen, "")
            self._looks = False
        if wifi is None and is_needed:
            seen = ", ".join(one.ssid for one in self._seen or ())
            advice = why_not_joined(read_facts({"network": "no network set"}))
            raise _Amiss(replace(advice, words=advice.words + (f"; it sees {seen}" if seen else "")))
        return wifi

    async def _settled(self, info: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give the `info` of a pulser that has just started once it knows whether it needs a network."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + _STARTED_WITHIN_S
        while host_in(info) is None and info.get("network") == "connecting" and loop.time() < until_s:
            await asyncio.sleep(_JOIN_POLL_S)
            info = await self._console.call("info")
        return info

    async def _look_again(self) -> tuple[Seen, ...] | None:
        """Give what the pulser sees; None if it cannot look, as older firmware cannot."""
        try:
            self._seen = await scan(self._console)
        except ConsoleRefused:
            return self._seen
        return self._seen

    async def _joined(self, wifi: Wifi | None, kept: tuple[str, ...]) -> dict[str, Any]:
        if wifi is not None:
            await keep_network(self._console, wifi)
            self._steps.begin("join", f"join {wifi.ssid}")
        found, bad = await self._until_joined(wifi)
        if bad is None:
            return found
        if wifi is not None and wifi.ssid not in kept:
            # What does not work is not kept: the pulser would try it for ever.
            with contextlib.suppress(ConsoleError):
                await forget_network(self._console, wifi.ssid)
        if bad == "not found" and self._seen is None:
            with contextlib.suppress(ConsoleError):
                await self._look_again()
        ssid = wifi.ssid if wifi is not None else None
        raise _Amiss(why_not_joined(read_facts(found | {"network": bad}, ssid=ssid, seen=self._seen)))

    async def _until_joined(self, wifi: Wifi | None) -> tuple[dict[str, Any], str | None]:
        """Give the pulser's latest `info` and None once it is in its network, else what kept it out."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + _JOIN_WITHIN_S
        bad: tuple[str, float] | None = None
        while True:
            info = await self._console.call("info")
            now_s = loop.time()
            state = str(info.get("network"))
            if host_in(info) is not None and state not in _BAD_STATES:
                if _is_in(info, wifi):
                    return info, None
                state = ELSEWHERE
            if state in _BAD_STATES or state == ELSEWHERE:
                # Why it went back to another network is said by what kept it out of this one.
                is_new = bad is None or (state not in (bad[0], ELSEWHERE))
                bad = (state, now_s) if bad is None or is_new else bad
                if now_s - bad[1] >= _SURE_AFTER_S:
                    return info, bad[0]
            if now_s >= until_s:
                return info, bad[0] if bad is not None else clean(state, 40)
            await asyncio.sleep(_JOIN_POLL_S)


def _is_in(info: Mapping[str, Any], wifi: Wifi | None) -> bool:
    """Whether the network that the pulser is in is the one asked for, as far as it says."""
    joined = info.get("ssid")
    return wifi is None or not isinstance(joined, str) or joined in ("", wifi.ssid)


def _which(wifi: Wifi | None, kept: tuple[str, ...], seen: tuple[Seen, ...] | None) -> str:
    if wifi is None:
        return "those that the pulser keeps: " + ", ".join(kept) if kept else "it needs none"
    found = next((one for one in seen or () if one.ssid == wifi.ssid), None)
    return wifi.ssid if found is None else f"{wifi.ssid}, seen at {found.rssi_dbm} dBm"


def _joined_words(info: Mapping[str, Any]) -> str:
    ssid, rssi_dbm = info.get("ssid"), info.get("rssi_dbm")
    words = f"it is at {host_in(info)}"
    if isinstance(ssid, str) and ssid:
        words += f" in {clean(ssid, 64)}"
    if isinstance(rssi_dbm, int) and rssi_dbm:
        words += f" ({rssi_dbm} dBm)"
    return words


async def _prove(
    console: Console,
    registrar: Registrar,
    wanted: Wanted,
    pulser_id: bytes,
    before: Mapping[str, Any],
    where: Where,
    own: tuple[str, ...],
) -> tuple[Advice, ...]:
    """Wait until the daemon hears the pulser, and give what is amiss all the same; raise why it does not."""
    proving = _heard(console, registrar, pulser_id, before, where, own)
    if wanted.replace is None:
        try:
            return await proving
        except _Amiss as amiss:
            words = f"it is paired, and not linked yet: {amiss}; it links by itself once that is mended"
            raise _Amiss(replace(amiss.advice, words=words)) from amiss
    # A spare that nobody has heard is no reason to forget another: that one may have been away for a moment.
    giving = _Giving(console, registrar, pulser_id, before, where)
    try:
        return await proving
    except asyncio.CancelledError:
        with contextlib.suppress(TwintapError):
            await to_its_end(giving.back())
        raise
    except _Amiss as amiss:
        await to_its_end(giving.back())
        raise _Amiss(replace(amiss.advice, words=f"{amiss}; {_HAS_PLACE_BACK}")) from amiss
    except ConsoleError as error:
        await to_its_end(giving.back())
        raise ConsoleError(f"{error}; {_HAS_PLACE_BACK}") from error


async def _heard(
    console: Console,
    registrar: Registrar,
    pulser_id: bytes,
    before: Mapping[str, Any],
    where: Where,
    own: tuple[str, ...],
) -> tuple[Advice, ...]:
    if await linked(registrar, pulser_id):
        road = await _announced(registrar, pulser_id)
        with contextlib.suppress(ConsoleError):
            # Its cable may be out by now; it is linked, which is what counts.
            before = await console.call("info")
        return hints(read_facts(before, road=road))
    road = await registrar.road(pulser_id)
    info = await console.call("info")
    raise _Amiss(why_not_linked(read_facts(info, before=before, road=road, where=where, own=own)))


@dataclass(frozen=True, slots=True)
class _Giving:
    """A spare's end: the one that it was to replace has its place, and the spare what it had before."""

    console: Console
    registrar: Registrar
    pulser_id: bytes
    info: Mapping[str, Any]
    where: Where

    async def back(self) -> None:
        await self.registrar.undo(self.pulser_id)
        had = (await self.registrar.places()).get(self.pulser_id)
        # Without its cable it is left with a key that no daemon knows: pairing it anew mends that.
        with contextlib.suppress(ConsoleError):
            if had is None:
                await self.console.call("unpair")
                return
            # It was ours elsewhere, and has not the key of that place any more: both get a new one.
            place = Wanted(had.room, had.side, had.ceiling_pct, had.name)
            await exchange(self.console, self.registrar, place, self.info, self.where)


async def _announced(registrar: Registrar, pulser_id: bytes) -> Road:
    """Wait a little for the pulser's announcement; give what is heard of it."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + _ANNOUNCED_WITHIN_S
    while True:
        road = await registrar.road(pulser_id)
        if road.is_announced or loop.time() >= until_s:
            return road
        await asyncio.sleep(_ANNOUNCED_POLL_S)
