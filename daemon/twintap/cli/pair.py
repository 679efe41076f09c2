"""`twintap pair [PORT]`: from a pulser on a cable to one that the daemon hears over the air."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ConsoleError
from ..names import clean
from . import asking
from .cable import add_port, port_of
from .kinds import command, name, pulser_id, whole
from .show import table

if TYPE_CHECKING:
    from ..client import Client
    from ..pairing import Seen, Step, Wanted, Wifi


def add_arguments(subs: "argparse._SubParsersAction[Any]") -> None:  # pyright: ignore[reportPrivateUsage] - it has no other name
    """Add the command."""
    words = "pair the pulser on a serial port with this computer's daemon"
    parser = command(subs, "pair", pair, words)
    add_port(parser)
    parser.add_argument("--room", type=name, metavar="NAME")
    parser.add_argument("--side", choices=("left", "right"), help="the client's own left or right")
    parser.add_argument(
        "--replace",
        type=pulser_id,
        metavar="PULSER",
        help="take the place of this pulser (room, side, name, ceiling), which is forgotten",
    )
    parser.add_argument(
        "--wifi-ssid",
        metavar="S",
        help="the network to join; its password is asked for, or read from stdin (empty line: none)",
    )
    parser.add_argument("--scan", action="store_true", help="show the networks that the pulser sees")
    parser.add_argument(
        "--ceiling-pct",
        type=whole(1, 100),
        default=60,
        metavar="N",
        help="never above (default: %(default)s)",
    )
    parser.add_argument("--name", type=name, metavar="NAME", help="what to call the pulser")
    parser.add_argument("--json", action="store_true", help="print JSON, one value a line")
    parser.set_defaults(wrong=parser.error)


async def pair(options: argparse.Namespace) -> int:
    """Pair the pulser at a port, or just show what it sees."""
    is_placed = options.room is not None or options.side is not None
    if options.replace is not None and is_placed:
        options.wrong("--replace takes the other one's room and side: leave --room and --side out")
    is_look = options.scan and options.replace is None and not is_placed
    if not is_look and options.replace is None and (options.room is None or options.side is None):
        options.wrong("--room and --side are needed, or --replace")
    if is_look:
        return await _look(options)
    return await _pair(options)


# -- the networks ------------------------------------------------------------------------------------------


async def _look(options: argparse.Namespace) -> int:
    """Show who is at the port, and which networks it sees."""
    from ..console import open_console
    from ..pairing import scan
    from ..pairing.networks import kept_in

    async with open_console(await port_of(options)) as console:
        info = await console.ready()
        seen = await scan(console)
    if options.json:
        found = [
            {"ssid": one.ssid, "rssi_dbm": one.rssi_dbm, "channel": one.channel, "secure": one.is_secure}
            for one in seen
        ]
        print(json.dumps({"pulser": info.get("id"), "networks": found, "kept": kept_in(info)}), flush=True)
    else:
        print(networks_table(seen) if seen else "the pulser sees no network", flush=True)
    return 0


def networks_table(seen: "Sequence[Seen]") -> str:
    """Show the networks that a pulser sees."""
    rows = [("", "network", "level", "channel", "password")]
    rows += [
        (
            str(number),
            clean(one.ssid, 40),
            f"{one.rssi_dbm} dBm",
            str(one.channel),
            "yes" if one.is_secure else "none",
        )
        for number, one in enumerate(seen, 1)
    ]
    return table(rows)


async def _ask(seen: "tuple[Seen, ...] | None", why: str) -> "Wifi | None":
    """Have the person at the terminal choose a network."""
    return await asking.asked(lambda: _choose_network(seen, why))


def _choose_network(seen: "tuple[Seen, ...] | None", why: str) -> "Wifi | None":
    from ..pairing import Wifi

    if why:
        asking.tell(why)
    if seen:
        asking.tell(networks_table(seen))
    many = f"its number, 1..{len(seen)}, or " if seen else ""
    text = asking.typed(f"the network to join: {many}its name (nothing: give up): ")
    if not text:
        return None
    chosen = asking.number_in(text, len(seen)) if seen else None
    found = seen[chosen - 1] if seen and chosen is not None else None
    if found is not None and not found.is_secure:
        return Wifi(found.ssid, "")
    ssid = text if found is None else found.ssid
    return Wifi(ssid, asking.password(ssid))


# -- the pairing -------------------------------------------------------------------------------------------


async def _pair(options: argparse.Namespace) -> int:
    from .. import addresses, pairing
    from ..client import Client
    from ..pairing.there import RemoteRegistrar

    async with Client() as client:
        if not await client.is_private():
            raise ConsoleError(
                f"{client.url} is not this computer, and a key does not go over plain HTTP: "
                "pair where the daemon runs"
            )
        # The daemon is asked first, so that a wrong URL costs nobody a walk to the pulser.
        await client.ask("GET", "/daemon")
        wanted = await _wanted(options, client)
        port = await port_of(options)
        is_own = await client.is_own()
        interfaces = tuple(await asyncio.to_thread(addresses.own_interfaces)) if is_own else ()
        done = await pairing.walk(
            port,
            RemoteRegistrar(client),
            wanted,
            pairing.Steps(_show_step if asking.is_asked(as_json=options.json) else None),
            ask=_ask if asking.is_asked(as_json=options.json) else None,
            looks=options.scan,
            own=interfaces,
        )
    placed = done.wanted
    if options.json:
        found: dict[str, object] = {
            "pulser": done.pulser_id.hex(),
            "room": placed.room,
            "side": placed.side,
            "linked": True,
        }
        if done.hints:
            found["hints"] = [{"code": hint.code, "message": hint.words} for hint in done.hints]
        print(json.dumps(found), flush=True)
    else:
        print(f"pulser {done.pulser_id.hex()} is the {placed.side} one of {placed.room}, and linked")
        for hint in done.hints:
            print(f"hint: {hint.words}")
    return 0


async def _wanted(options: argparse.Namespace, client: "Client") -> "Wanted":
    from ..errors import Fault, Refused
    from ..pairing import Wanted, Wifi
    from ..pairing.there import RemoteRegistrar

    room, side, replace = options.room, options.side, None
    if options.replace is not None:
        replace = bytes.fromhex(options.replace)
        place = (await RemoteRegistrar(client).places()).get(replace)
        if place is None:
            raise Refused(Fault("unknown", f"no pulser {options.replace} is paired here", field="replace"))
        room, side = place.room, place.side
    wifi = None
    if options.wifi_ssid is not None:
        wifi = Wifi(options.wifi_ssid, await asking.asked(lambda: asking.password(options.wifi_ssid)))
    return Wanted(room, side, options.ceiling_pct, options.name, wifi, replace)


def _show_step(step: "Step") -> None:
    if step.state == "doing":
        asking.tell(f"   … {clean(step.words)}")
    elif step.state == "done":
        asking.tell(f"  ok {step.name}: {clean(step.words)}")
