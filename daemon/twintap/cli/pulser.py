"""`twintap pulser` and `twintap wifi`: one pulser's name, place, trim, rest and networks."""

import argparse
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from ..errors import ConsoleError, Fault, Refused
from ..names import clean
from . import asking
from .kinds import command, name, whole
from .show import pulser_words

if TYPE_CHECKING:
    from ..client import Client

_Json = Mapping[str, Any]


def add_arguments(subs: "argparse._SubParsersAction[Any]") -> None:  # pyright: ignore[reportPrivateUsage] - it has no other name
    """Add both commands."""
    words = "show a pulser, or change its name, its place, its motor's trim"
    one = command(subs, "pulser", pulser, words)
    one.add_argument("pulser", metavar="PULSER", help="its id or its name: see twintap pulsers")
    one.add_argument("--name", type=name, metavar="NAME", help="what to call it")
    one.add_argument("--room", type=name, metavar="ROOM", help="the room that it belongs to")
    one.add_argument(
        "--side",
        choices=("left", "right"),
        help="the client's own left or right; a pulser that has it in the same room gets the other one",
    )
    one.add_argument(
        "--trim-pct",
        type=whole(25, 100),
        metavar="N",
        help="so much of every level is what its motor gets, 25..100: to make two motors feel the same",
    )
    one.add_argument("--sleep", action="store_true", help="let it sleep until its button is pressed")
    one.add_argument("--json", action="store_true", help="print JSON, one value a line")

    words = "show, add or forget the networks that a pulser keeps"
    wifi_ = command(subs, "wifi", wifi, words)
    wifi_.add_argument(
        "where",
        metavar="PULSER|PORT",
        help="the id or the name of a pulser that is linked, or the serial port that one is on",
    )
    wifi_.add_argument(
        "do",
        choices=("list", "add", "forget"),
        help="add: it is the first that is tried from then on, and of more than three the oldest goes; its "
        "password is asked for, or read from stdin (empty line: none)",
    )
    wifi_.add_argument("ssid", nargs="?", metavar="SSID", help="the network's name")
    wifi_.add_argument("--json", action="store_true", help="print JSON, one value a line")


async def pulser(options: argparse.Namespace) -> int:
    """Show or change one pulser."""
    from ..client import Client

    wanted = {"name": options.name, "room": options.room, "side": options.side, "trim_pct": options.trim_pct}
    changes = {field: value for field, value in wanted.items() if value is not None}
    async with Client() as client:
        found = await _found(client, options.pulser)
        if changes:
            found = await client.ask("PATCH", f"/pulsers/{found['id']}", changes)
        if options.sleep:
            found = await client.ask("POST", f"/pulsers/{found['id']}/sleep")
    print(json.dumps(found) if options.json else pulser_words(found), flush=True)
    return 0


async def wifi(options: argparse.Namespace) -> int:
    """Show, add or forget a pulser's networks."""
    if (options.do == "list") == (options.ssid is not None):
        raise ConsoleError(
            "list takes no SSID" if options.do == "list" else f"say which network to {options.do}: its SSID"
        )
    done = await (_by_cable(options) if _is_port(options.where) else _by_link(options))
    print(json.dumps(done) if options.json else _words(done), flush=True)
    return 0


def _is_port(text: str) -> bool:
    # No pulser's name has a slash.
    return "/" in text or "\\" in text or (os.name == "nt" and text.upper().startswith("COM"))


async def _by_link(options: argparse.Namespace) -> dict[str, Any]:
    from ..client import Client

    async with Client() as client:
        if options.do == "add" and not await client.is_private():
            raise ConsoleError(
                f"{client.url} is not this computer, and a password does not go over plain HTTP: "
                "run this where the daemon runs, or give the pulser's port"
            )
        found = await _found(client, options.where)
        path = f"/pulsers/{found['id']}/networks"
        if options.do == "add":
            password = await asking.asked(lambda: asking.password(options.ssid))
            found = await client.ask("POST", path, {"ssid": options.ssid, "password": password})
        elif options.do == "forget":
            found = await client.ask("POST", path + "/forget", {"ssid": options.ssid})
    return {"pulser": found["id"], "count": found["networks"], "networks": None, "seen": None}


async def _by_cable(options: argparse.Namespace) -> dict[str, Any]:
    from ..console import open_console
    from ..pairing.exchange import pulser_id_in
    from ..pairing.networks import forget_network, keep_network, kept_in, scan
    from ..pairing.wanted import Wifi

    async with open_console(options.where) as console:
        # It is asked first, so that nobody types a password for a port where no pulser is.
        info = await console.ready()
        pulser_id = pulser_id_in(info, options.where)
        seen: list[dict[str, object]] | None = None
        if options.do == "add":
            password = await asking.asked(lambda: asking.password(options.ssid))
            await keep_network(console, Wifi(options.ssid, password))
        elif options.do == "forget":
            await forget_network(console, options.ssid)
        else:
            seen = [{"ssid": one.ssid, "rssi_dbm": one.rssi_dbm} for one in await scan(console)]
        kept = list(kept_in(await console.ready()))
    return {"pulser": pulser_id.hex(), "count": len(kept), "networks": kept, "seen": seen}


def _words(done: _Json) -> str:
    count, kept, seen = done["count"], done["networks"], done["seen"]
    if kept is None:
        # Over the link a pulser says how many there are, and keeps their names to itself.
        number = "an unknown number of networks" if count is None else _networks(count)
        return f"pulser {done['pulser']} keeps {number}; by its cable it names them"
    lines = [f"pulser {done['pulser']} keeps {_networks(count)}" + (":" if kept else "")]
    lines += [f"  {clean(one)}" for one in kept]
    if seen is not None:
        lines.append("and sees:" if seen else "and sees none")
        lines += [f"  {clean(one['ssid'])} ({one['rssi_dbm']} dBm)" for one in seen]
    return "\n".join(lines)


def _networks(count: int) -> str:
    return "1 network" if count == 1 else f"{count or 'no'} networks"


async def _found(client: "Client", wanted: str) -> _Json:
    """Give the pulser that is meant, by its id or its name. `Refused`: `unknown`, or `field` for two."""
    pulsers = cast("list[_Json]", (await client.ask("GET", "/pulsers"))["pulsers"])
    found = [one for one in pulsers if one["id"] == wanted.lower()] or [
        one for one in pulsers if one["name"] == wanted
    ]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(str(one["id"]) for one in found)
        raise Refused(Fault("field", f"several pulsers are called {clean(wanted, 40)}: say which ({ids})"))
    text = f"no pulser {clean(wanted, 40)} is paired here; `twintap pulsers` shows them"
    raise Refused(Fault("unknown", text, field="pulser"))
