"""What each command does. Each takes the parsed arguments and gives the exit code."""

import argparse
import asyncio
import gc
import json
import logging
import os
import sys
import time
import webbrowser
from typing import TYPE_CHECKING, Any

from ..errors import Refused
from . import show

if TYPE_CHECKING:
    from ..client import Client


def _client() -> "Client":
    from ..client import Client

    return Client()


def _print(value: object, *, as_json: bool, words: str) -> None:
    print(json.dumps(value) if as_json else words, flush=True)


async def serve(options: argparse.Namespace) -> int:
    """Run the daemon."""
    from ..folder import default_path

    # What is loaded here stays: to walk it again and again while it grows is a tenth of the start.
    gc.disable()
    from ..serve import Options
    from ..serve import serve as run

    gc.enable()
    logging.basicConfig(level=logging.WARNING, format="twintap: %(message)s", stream=sys.stderr)
    await run(
        Options(
            data=options.data or default_path(),
            host=options.host,
            port=options.port,
            virtual=options.virtual,
            air=options.air,
            json=options.json,
            tls=not options.no_tls,
        ),
        lambda line: print(line, flush=True),
    )
    return 0


async def pulsers(options: argparse.Namespace) -> int:
    """Show the pulsers."""
    async with _client() as client:
        found = await client.ask("GET", "/pulsers")
    _print(found, as_json=options.json, words=show.pulsers(found))
    return 0


async def identify(options: argparse.Namespace) -> int:
    """Let a pulser buzz."""
    async with _client() as client:
        await client.ask("POST", f"/pulsers/{options.pulser}/identify")
    return 0


async def unpair(options: argparse.Namespace) -> int:
    """Forget a pulser."""
    async with _client() as client:
        await client.ask("DELETE", f"/pulsers/{options.pulser}")
    return 0


async def address(options: argparse.Namespace) -> int:
    """Say where a pulser is."""
    async with _client() as client:
        body = {"host": options.host, "port": options.port}
        await client.ask("POST", f"/pulsers/{options.pulser}/address", body)
    return 0


async def room(options: argparse.Namespace) -> int:
    """Show a room."""
    from ..client import room_path

    async with _client() as client:
        found = await client.ask("GET", room_path(options.room))
    _print(found, as_json=options.json, words=show.room(found))
    return 0


async def swap(options: argparse.Namespace) -> int:
    """Swap the sides of a room."""
    from ..client import room_path

    async with _client() as client:
        found = await client.ask("POST", room_path(options.room, "/swap"))
    _print(found, as_json=options.json, words=f"{options.room}: left and right are swapped")
    return 0


_PACING = ("rate_hz", "pulse_ms", "level_pct", "left_pct", "right_pct", "ramp_ms", "passes")


_WAKING_WITHIN_S = 12.0  # ready within 3 s, on air that is not bad
_CLOCK_AGAIN_MS = 250  # a clock that is uncertain for a moment is known again after a few probes


async def pace(do: str, options: argparse.Namespace) -> int:
    """Start or change a set."""
    from ..client import room_path

    changes = {name: getattr(options, name) for name in _PACING if getattr(options, name) is not None}
    path = room_path(options.room, f"/set/{do}")
    async with _client() as client:
        found = await (
            _started(client, path, changes) if do == "start" else client.ask("POST", path, changes)
        )
    _print(found, as_json=options.json, words=show.running(found))
    return 0


async def _started(client: "Client", path: str, changes: dict[str, object]) -> Any:
    """Start; say it again where all that a start waits for is a moment."""
    deadline_s, said = time.monotonic() + _WAKING_WITHIN_S, set[str]()
    while True:
        try:
            return await client.ask("POST", path, changes)
        except Refused as refusal:
            # The second that follows a set is for a finger on its way to stop; a typed command is no finger.
            code, wait_ms = refusal.fault.code, refusal.fault.retry_after_ms
            if code == "unready":
                wait_ms = _CLOCK_AGAIN_MS
            is_over = "cooldown" in said if code == "cooldown" else time.monotonic() > deadline_s
            if code not in ("cooldown", "waking", "unready") or wait_ms is None or is_over:
                raise
            if code == "waking" and code not in said:
                print("twintap: waking: ready within 3 s", file=sys.stderr, flush=True)
            said.add(code)
            await asyncio.sleep(min(wait_ms, 2_000) / 1000)


async def stop(options: argparse.Namespace) -> int:
    """Stop a set."""
    from ..client import room_path

    async with _client() as client:
        path = room_path(options.room, "/set/stop")
        found = await client.ask("POST", path, query="?soft=true" if options.soft else "")
    _print(found, as_json=options.json, words=f"{options.room}: both pulsers are off")
    return 0


async def watch(options: argparse.Namespace) -> int:
    """Print events until Ctrl-C."""
    async with _client() as client:
        async for event in client.watch(options.room):
            _print(event, as_json=options.json, words=show.event(event))
    return 0


async def open_page(options: argparse.Namespace) -> int:
    """Open the screen here, with this computer's own rights."""
    async with _client() as client:
        offer = await client.ask("POST", "/join/offers", {"role": "admin"})
        # The daemon names the address that other devices reach; here it is the one that has just worked.
        link = client.url + "/#" + str(offer["url"]).partition("#")[2]
    _print(
        {"url": link, "digits": offer["digits"], "expires_at": offer["expires_at"]},
        as_json=options.json,
        words=show.offer(link, str(offer["digits"])),
    )
    if not options.json and not options.no_browser and _has_desktop():
        # The page without its token: what a program is started with, everybody on this computer can read.
        await asyncio.to_thread(webbrowser.open, client.url)
    return 0


def _has_desktop() -> bool:
    if not sys.stdout.isatty():
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


async def invite(options: argparse.Namespace) -> int:
    """Let another device join a room."""
    from ..access.links import qr_terminal

    body: dict[str, Any] = {"room": options.room, "role": options.role, "notes": options.notes}
    if options.label:
        body["label"] = options.label
    async with _client() as client:
        offer = await client.ask("POST", "/join/offers", body)
    words = show.offer(str(offer["url"]), str(offer["digits"]))
    if offer["reach"] == "computer":
        words += "\nother devices cannot reach this daemon: for them, serve with --host 0.0.0.0"
    elif sys.stdout.isatty():
        words = f"{qr_terminal(str(offer['url']))}\n{words}"
    _print({key: offer[key] for key in offer if key != "qr_svg"}, as_json=options.json, words=words)
    return 0


async def give_token(options: argparse.Namespace) -> int:
    """Give out a token."""
    body: dict[str, Any] = {"label": options.label, "role": options.role, "notes": options.notes}
    if options.room:
        body["rooms"] = options.room
    if options.hours:
        body["lifetime_s"] = options.hours * 3600
    async with _client() as client:
        found = await client.ask("POST", "/tokens", body)
    _print(found, as_json=options.json, words=found["token"])
    return 0


async def list_tokens(options: argparse.Namespace) -> int:
    """Show the tokens given out."""
    async with _client() as client:
        found = await client.ask("GET", "/tokens")
    _print(found, as_json=options.json, words=show.tokens(found))
    return 0


async def revoke_token(options: argparse.Namespace) -> int:
    """End a token."""
    from urllib.parse import quote

    async with _client() as client:
        await client.ask("DELETE", f"/tokens/{quote(options.token, safe='')}")
    return 0
