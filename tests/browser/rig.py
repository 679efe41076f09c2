"""A real browser before a real daemon with real virtual pulsers, for tests.

`House`: a daemon and a pair of boards for each of its rooms. `Pages`: browser pages that have joined a room
by a one-time link, and that fail their test if a page complains: of a script, of a request, of its content
policy.

Playwright's synchronous interface keeps an event loop running in its thread for as long as it is open, so it
is closed before the tests of another folder begin; modules in here hold no `async` tests.
"""

import contextlib
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar, cast
from urllib.parse import quote, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, Response

from tests.support import rig, traces

T = TypeVar("T")
Json = dict[str, Any]

SIDES = rig.SIDES
PATIENCE_S = rig.PATIENCE_S
# Playwright's own waits, in its unit.
PATIENCE_MS = PATIENCE_S * 1_000

# What the users hold, in CSS pixels; a tablet both ways up.
SIZES: dict[str, tuple[int, int]] = {
    "phone": (390, 844),
    "tablet": (1180, 820),
    "portrait": (820, 1180),
    "laptop": (1366, 768),
}
TOUCHED = frozenset({"phone", "tablet", "portrait"})
THEMES = ("light", "dark", "contrast")

# Not the zone of most build machines: a time shown in the wrong one is seen.
ZONE = "Europe/Lisbon"

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MACOS_CHROME = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def find_chromium() -> Path:
    """Give the browser's path: what TWINTAP_CHROMIUM names, else a usual one. Skips, and says so."""
    named = os.environ.get("TWINTAP_CHROMIUM")
    found = [named] if named else [path for name in _BROWSERS if (path := shutil.which(name))]
    if not found and sys.platform == "darwin" and _MACOS_CHROME.exists():
        found = [str(_MACOS_CHROME)]
    if not found:
        pytest.skip(
            "no Chromium: on Debian and Ubuntu `apt install chromium`, or name one in TWINTAP_CHROMIUM"
        )
    return Path(found[0])


@contextlib.contextmanager
def chromium(playwright: Playwright) -> Generator[Browser]:
    """A Chromium without a window, speaking to loopback alone."""
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(_ARGUMENTS))
    try:
        yield browser
    finally:
        browser.close()


class Admin:
    """The API as this computer's own token may use it. A refusal fails the test; `ask` gives it instead."""

    def __init__(self, daemon: rig.Daemon) -> None:
        self._daemon = daemon

    def ask(self, method: str, path: str, body: object = None, **query: str) -> rig.Answer:
        """One request, whatever is answered; `path` begins after /api/v1."""
        return self._daemon.ask(method, path, body, **query)

    def _done(self, method: str, path: str, body: object = None, **query: str) -> Any:
        answer = self.ask(method, path, body, **query)
        assert answer.status < 400, (method, path, answer.status, answer.body)
        return answer.body

    def get(self, path: str, **query: str) -> Any:
        return self._done("GET", path, **query)

    def post(self, path: str, body: object = None) -> Any:
        return self._done("POST", path, body)

    def put(self, path: str, body: object) -> Any:
        return self._done("PUT", path, body)

    def patch(self, path: str, body: object) -> Any:
        return self._done("PATCH", path, body)

    def delete(self, path: str) -> Any:
        return self._done("DELETE", path)


class Hand:
    """One hand of the client's, and the pulser in it. `board` is the whole of it (tests/support/rig.py)."""

    def __init__(self, board: rig.Board) -> None:
        self.board = board

    def press(self, ms: int = 120) -> int:
        """Press the button and let go; give the instant before it, in µs of CLOCK_MONOTONIC."""
        at_us = rig.now_us()
        self.board.hands("press", ms=ms)
        return at_us

    def charge(self, on: bool) -> None:
        """Put the pulser on its charger, or take it off."""
        self.board.hands("charge", on=on)

    def battery(self, mv: int) -> None:
        """Let its battery have this voltage."""
        self.board.hands("battery", mv=mv)

    def cut(self, on: bool) -> None:
        """Cut the pulser's air, or mend it."""
        self.board.hands("cut", on=on)

    def kill(self) -> int:
        """Kill the board as a pulled battery does; give the instant in µs."""
        return self.board.kill()

    def switch_on(self) -> None:
        """Start a killed board again."""
        self.board.switch_on()

    @property
    def level_pct(self) -> float:
        """What its motor line is at now."""
        return self.board.level_pct()

    def pulses(self, since_us: int = 0) -> list[traces.Pulse]:
        """The pulses on its motor line that began at or after `since_us`."""
        return self.board.pulses(since_us)


class House:
    """`twintap serve` and the pairs of its rooms. The boards outlive their daemon, as pulsers do."""

    def __init__(self, folder: Path, rooms: tuple[str, ...] = ("one",), *arguments: str) -> None:
        self.rooms = rooms
        self.room = rooms[0]
        self._folder = folder
        self._arguments = arguments
        self._stack = contextlib.ExitStack()
        self._pairs: dict[str, rig.Pair] = {}

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self.daemon = stack.enter_context(rig.Daemon(self._folder / "d", *self._arguments))
            self.admin = Admin(self.daemon)
            pairs = [rig.Pair(self.daemon, self._folder / str(n), room) for n, room in enumerate(self.rooms)]
            with ThreadPoolExecutor(len(pairs) or 1) as together:
                list(together.map(stack.enter_context, pairs))
            self._pairs = dict(zip(self.rooms, pairs, strict=True))
            for room in self.rooms:
                self.daemon.until_ready(room)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """Where it serves, without a slash at the end."""
        return self.daemon.url

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.daemon.data

    def pair(self, room: str | None = None) -> rig.Pair:
        """The room's pair of boards."""
        return self._pairs[room or self.room]

    def hands(self, room: str, side: str) -> Hand:
        """The client's hand on `side` (the client's own left or right) in `room`."""
        return Hand(self._pairs[room].boards[side])

    def traces(self, room: str) -> dict[str, list[traces.Row]]:
        """What the room's two motor lines did, by side; tests/support/traces.py reads it."""
        return {side: board.rows() for side, board in self._pairs[room].boards.items()}

    def is_still(self, room: str) -> bool:
        """Whether both motor lines are at 0 now, and are not between two pulses of a set."""
        rows = [board.rows() for board in self._pairs[room].boards.values()]
        if self.daemon.process.poll() is None:
            told = self.set(room)
            is_over = told is None or told["state"] == "ended"
        else:  # Without a daemon there is nobody to ask: no lease outlives a second.
            changed_us = max((lines[-1].at_us for lines in rows if lines), default=0)
            is_over = rig.now_us() - changed_us > rig.LEASE_US + rig.SLACK_US
        return is_over and all(not lines or lines[-1].level_pct == 0 for lines in rows)

    def until_still(self, room: str, within_s: float = PATIENCE_S) -> None:
        """Wait until no set runs any more and both motor lines are at 0."""
        rig.wait_for(f"both motors of {room} off", lambda: self.is_still(room), within_s)

    def until_tapping(self, room: str, since_us: int, within_s: float = PATIENCE_S) -> None:
        """Wait until both motor lines have had a pulse since `since_us`."""
        for side in SIDES:
            rig.wait_for(
                f"the {side} line of {room} at work",
                lambda side=side: self.hands(room, side).pulses(since_us),
                within_s,
            )

    def set(self, room: str) -> Json | None:
        """The room's last set as the daemon shows it."""
        return self.daemon.room(room)["set"]

    def kill(self) -> int:
        """Kill the daemon (-9); give the instant in µs."""
        return self.daemon.kill()

    def restart(self) -> None:
        """Start it again on the same port and data; the boards find it by themselves."""
        self.daemon.restart()

    def open(self, room: str, code: str, kind: str = "emdr") -> Json:
        """Open a session by the API, for a test of what comes after."""
        return self.admin.post(f"/rooms/{room}/session", {"code": code, "kind": kind, "zone": ZONE})

    def calm(self) -> None:
        """Undo what an earlier test left: a dead daemon or board, a set, a session, a charger, a cut."""
        for room, pair in self._pairs.items():
            pair.calm()
            if self.daemon.room(room).get("session"):
                self.admin.post(f"/rooms/{room}/session/close", {})
            self.daemon.until_ready(room)

    def join_link(
        self, room: str, role: str = "therapist", *, label: str | None = None, notes: bool = False
    ) -> str:
        """A fresh one-time link for `room`; an admin's is for all rooms."""
        offer: Json = {"role": role, "notes": notes}
        if role != "admin":
            offer["room"] = room
        if label is not None:
            offer["label"] = label
        return self.admin.post("/join/offers", offer)["url"]


class Complaints:
    """What one page complained of. What a test brings about on purpose, it allows beforehand."""

    def __init__(self, page: Page, origin: str) -> None:
        self._origin = origin
        self._allowed: list[re.Pattern[str]] = []
        self._heard: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._heard.append(f"script: {error}"))
        page.on("request", self._on_request)
        page.on("requestfailed", self._on_failed)
        page.on("response", self._on_response)
        page.on("crash", lambda _: self._heard.append("the page crashed"))

    def allow(self, *patterns: str) -> None:
        """Expect complaints that match one of `patterns` (searched for as regular expressions)."""
        self._allowed += [re.compile(pattern) for pattern in patterns]

    def _on_console(self, message: ConsoleMessage) -> None:
        # A failed load is heard of by its response or its failure too, with more to say.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            where = message.location.get("url", "")
            self._heard.append(f"console {message.type}: {message.text} ({_path_of(where)})")

    def _on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and f"{parts.scheme}://{parts.netloc}" != self._origin:
            self._heard.append(f"a request to elsewhere: {request.url}")

    def _on_failed(self, request: Request) -> None:
        # What a page still had on its way as it was left has not failed.
        if "ERR_ABORTED" not in (request.failure or ""):
            self._heard.append(f"failed: {request.method} {_path_of(request.url)}: {request.failure}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self._heard.append(f"{response.status} {response.request.method} {_path_of(response.url)}")

    @property
    def unexpected(self) -> list[str]:
        """What nobody allowed."""
        return [
            _CONTROLS.sub("?", one)
            for one in self._heard
            if not any(allowed.search(one) for allowed in self._allowed)
        ]


def _path_of(url: str) -> str:
    return urlsplit(url).path


class Protocol:
    """The browser's own protocol, for what a page cannot do: one session of it, with a page."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)

    def ask(self, method: str, **params: object) -> Json:
        """Do one method of it; give its reply."""
        send = cast("Callable[[str, Json], Json]", self._session.send)  # comes without types for it
        return send(method, params)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.detach()


class Profiles:
    """Browser profiles, lent one after the other: to make one takes longer than most of what is done in it.

    One that comes back has lost all that a page can leave behind, but for files as they came (a page asks
    each time whether they still are so). A page of its own, never used, keeps it alive in between.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[bool, list[BrowserContext]] = {True: [], False: []}

    def take(self, *, has_touch: bool) -> BrowserContext:
        """A profile that knows nobody, for one page or several."""
        if self._free[has_touch]:
            return self._free[has_touch].pop()
        context = self._browser.new_context(
            has_touch=has_touch,
            is_mobile=False,
            locale="en-GB",
            timezone_id=ZONE,
            accept_downloads=True,
        )
        context.set_default_timeout(PATIENCE_MS)
        context.new_page()
        return context

    def give_back(self, context: BrowserContext, origin: str, *, has_touch: bool) -> None:
        """Close its pages and forget what `origin` has kept in it."""
        alive, *pages = context.pages
        for page in pages:
            page.close()
        context.clear_cookies()
        context.clear_permissions()
        with Protocol(alive) as storage:
            storage.ask("Storage.clearDataForOrigin", origin=origin, storageTypes="all")
        self._free[has_touch].append(context)


class Pages:
    """Opens pages that have joined. Call it; at the test's end no page may have complained."""

    def __init__(self, profiles: Profiles, house: House, shots: Path) -> None:
        self._profiles = profiles
        self._house = house
        self._shots = shots
        self._lent: list[tuple[BrowserContext, bool]] = []
        self._complaints: dict[Page, Complaints] = {}

    def __call__(
        self,
        *,
        role: str | None = "therapist",
        room: str | None = None,
        size: str = "tablet",
        theme: str | None = None,
        at: str = "#/",
        label: str = "the tablet",
        notes: bool = False,
        lang: str | None = None,
        link: str | None = None,
    ) -> Page:
        """A page in a browser profile of its own, joined to `room` in `role`, at the route or path `at`.

        `role`: admin, therapist, observer, display or logger; None: nobody, with no cookie.
        `size`: one of `SIZES`.
        `theme`: one of `THEMES`, as chosen in the settings; None: as the device. `lang`: as in `?lang=`.
        `link`: join by this link instead.
        """
        has_touch = size in TOUCHED
        context = self._profiles.take(has_touch=has_touch)
        self._lent.append((context, has_touch))
        page = context.new_page()
        self._complaints[page] = Complaints(page, self._house.url)
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(
            color_scheme="dark" if theme == "dark" else "light",
            contrast="more" if theme == "contrast" else "no-preference",
            reduced_motion="reduce",
        )
        if theme is not None:
            page.add_init_script(f"localStorage.setItem('twintap.theme', JSON.stringify({theme!r}))")
        if role is None:
            # That is how a page learns that it has to ask its way in.
            self.allow(page, "^401 GET /api/v1/me$")
        else:
            room = room or self._house.room
            self._join(context, link or self._house.join_link(room, role, label=label, notes=notes), label)
        query = f"?lang={quote(lang)}" if lang else ""
        page.goto(self._house.url + (at + query if at.startswith("/") else f"/{query}{at}"))
        return page

    def _join(self, context: BrowserContext, link: str, label: str) -> None:
        """Spend a one-time link for this profile, as the page does after its tap; the cookie stays in it."""
        token = urlsplit(link).fragment.removeprefix("join=")
        answer = context.request.post(
            f"{self._house.url}/api/v1/join",
            data={"token": token, "label": label},
            headers={"Origin": self._house.url},
        )
        assert answer.ok, (answer.status, answer.text())

    def allow(self, page: Page, *patterns: str) -> None:
        """Expect these complaints of a page: `"409 POST .*/set/start"`, `"failed: "`, `"WebSocket"` …"""
        self._complaints[page].allow(*patterns)

    def shot(self, page: Page, name: str) -> Path:
        """Keep a picture of the page as it is, in TWINTAP_SHOTS or the test's own folder; give its path."""
        path = self._shots / f"{name}.png"
        page.screenshot(path=path)
        return path

    def close(self) -> None:
        """Close all of them, and fail for what any complained of."""
        heard = {page: complaints.unexpected for page, complaints in self._complaints.items()}
        for context, has_touch in self._lent:
            self._profiles.give_back(context, self._house.url, has_touch=has_touch)
        self._lent.clear()
        self._complaints.clear()
        found = [line for lines in heard.values() for line in lines]
        assert not found, "a page complained:\n" + "\n".join(found)


def until(page: Page, what: str, look: Callable[[], T], within_s: float = PATIENCE_S) -> T:
    """Look until something true is seen, while the page goes on; give it.

    (`wait_for` of tests/support sleeps, and the page's events are then heard of late.)
    """
    deadline = time.monotonic() + within_s
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not seen within {within_s:g} s: {what}"
        page.wait_for_timeout(20)
    return seen
