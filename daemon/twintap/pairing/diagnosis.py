"""Why a pulser did not come through: what is known goes in, what to do comes out. Pure.

What a pulser can tell of itself (its network's state, its address, the hellos that it sent, the frames of the
daemon that it could open), what the daemon heard of it, and which networks were seen, tell most causes apart.
Two look the same from both ends: an access point that keeps its stations apart, and a firewall that drops
everything. Then both are said, the likelier one first.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from twintap_protocol import frames

from ..names import clean
from .networks import Seen
from .wanted import Road, Where

Code = Literal[
    "password",
    "not_found",
    "case",
    "far",
    "address",
    "turned_away",
    "slow",
    "fell_back",
    "no_network",
    "version",
    "lost",
    "other_network",
    "mute",
    "firewall",
    "isolation",
    "unheard",
    "multicast",
    "weak",
    "safe_mode",
    "running",
]

# Not a pulser's own word: it is up, in another network than the one that was asked for.
ELSEWHERE = "in another network"

_WEAK_DBM = -80  # where data comes late and in pieces, an access point drops stations at about -85
_HINT_DBM = -72
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Advice:
    """What is amiss: `code` for a program, `words` for a person, with what to do."""

    code: Code
    words: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when a pulser does not come through.

    `state`: the network's, in the pulser's own words (`ports.Port.network_state`). `host`: its IPv4 address.
    `rssi_dbm`: 0 unknown. `hellos`, `heard`: those sent to the daemon, and the daemon's frames that were
    authentic, since it was paired; None: its firmware counts none. `refusal`: the daemon's last, as in
    `frames.REFUSED_…`. `seen` None: nobody looked. `own`: the daemon's interfaces as `192.0.2.1/24`; empty:
    not known.
    """

    state: str
    ssid: str | None = None
    host: str | None = None
    rssi_dbm: int = 0
    hellos: int | None = None
    heard: int | None = None
    refusal: int = 0
    seen: tuple[Seen, ...] | None = None
    is_announced: bool = False
    own: tuple[str, ...] = ()
    port: int = 0


def read_facts(
    info: Mapping[str, Any],
    *,
    ssid: str | None = None,
    seen: tuple[Seen, ...] | None = None,
    before: Mapping[str, Any] | None = None,
    road: Road | None = None,
    where: Where | None = None,
    own: tuple[str, ...] = (),
) -> Facts:
    """Put together what a pulser's `info` says, hostile text as it is, and what else is known.

    `ssid`: the network that was asked for; `before`: the info from which its counters are counted.
    """
    joined = info.get("ssid")
    return Facts(
        state=clean(str(info.get("network", "")), 40),
        ssid=ssid or (clean(joined, 64) if isinstance(joined, str) and joined else None),
        host=host_in(info),
        rssi_dbm=_whole(info.get("rssi_dbm")) or 0,
        hellos=_since(info, before, "hellos"),
        heard=_since(info, before, "heard"),
        refusal=_whole(info.get("refused")) or 0,
        seen=seen,
        is_announced=road is not None and road.is_announced,
        own=own,
        port=where.port if where is not None else 0,
    )


def host_in(info: Mapping[str, Any]) -> str | None:
    """Give the IPv4 address in a pulser's `info`; None if it has none."""
    text = info.get("address")
    if not isinstance(text, str):
        return None
    try:
        return str(ipaddress.IPv4Address(text.partition(":")[0]))
    except ValueError:
        return None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _since(info: Mapping[str, Any], before: Mapping[str, Any] | None, name: str) -> int | None:
    now = _whole(info.get(name))
    then = _whole(before.get(name)) if before is not None else 0
    if now is None or then is None:
        return None
    # A pulser that has started anew counts from nothing.
    return now - then if now >= then else now


# -- it did not join ---------------------------------------------------------------------------------------


def why_not_joined(facts: Facts) -> Advice:
    """Say why the pulser has no address in its network."""
    name = f"the network {facts.ssid}" if facts.ssid else "its network"
    if facts.state in ("no network set", "off"):
        return Advice(
            "no_network", "the pulser keeps no network: say one with --wifi-ssid, or choose one from the list"
        )
    if facts.state == "wrong password":
        return Advice(
            "password",
            f"{name} refuses the password: type it again; capital letters count, and so do spaces",
        )
    if facts.state == "not found":
        return _not_found(facts, name)
    if facts.state == "no address":
        return Advice(
            "address",
            f"the pulser joined {name}, which gave it no address: look whether DHCP is on in the router and "
            "has addresses left; switching the router off and on often helps",
        )
    if facts.state == ELSEWHERE:
        return Advice(
            "fell_back",
            f"the pulser could not join {name} and went back to one that it keeps: check the name and the "
            "password, and that the access point sends 2.4 GHz",
        )
    if facts.state == "refused":
        return Advice(
            "turned_away",
            f"{name} turns the pulser away: it may allow known devices alone (a MAC filter), have as many as "
            "it takes, or want WPA3 or a sign-in; a pulser needs WPA2 with a password, or none",
        )
    if _is_far(facts):
        return _far(facts, name)
    return Advice(
        "slow",
        f"the pulser could not join {name} in time (it says: {facts.state or 'nothing'}): move it closer to "
        "the access point and run this again",
    )


def _found(facts: Facts) -> Seen | None:
    return next((seen for seen in facts.seen or () if seen.ssid == facts.ssid), None)


def _is_far(facts: Facts) -> bool:
    found = _found(facts)
    return found is not None and found.rssi_dbm <= _WEAK_DBM


def _far(facts: Facts, name: str) -> Advice:
    found = _found(facts)
    level = f" ({found.rssi_dbm} dBm)" if found is not None else ""
    return Advice("far", f"the pulser hears {name} only faintly{level}: move both closer together")


def _not_found(facts: Facts, name: str) -> Advice:
    if _is_far(facts):
        return _far(facts, name)
    if _found(facts) is not None:
        return Advice(
            "turned_away",
            f"the pulser sees {name} and cannot join it: it may want WPA3 or a sign-in; a pulser needs WPA2 "
            "with a password, or none",
        )
    wanted = (facts.ssid or "").casefold().strip()
    for seen in facts.seen or ():
        if seen.ssid.casefold().strip() == wanted:
            return Advice(
                "case", f"there is no network {facts.ssid}, and there is {seen.ssid}: type it exactly as that"
            )
    words = (
        f"the pulser does not see {name}: a pulser hears 2.4 GHz alone, so switch that on in the access "
        "point if it sends 5 GHz only; else check the name, and move the pulser closer"
    )
    if facts.seen:
        words += "; it sees " + ", ".join(seen.ssid for seen in facts.seen[:_SHOWN])
    return Advice("not_found", words)


# -- it joined, and is not linked --------------------------------------------------------------------------


def why_not_linked(facts: Facts) -> Advice:
    """Say why a pulser that holds the key is not linked with the daemon."""
    port = f"UDP port {facts.port}" if facts.port else "the daemon's UDP port"
    if facts.state != "up" and facts.host is None:
        if facts.state in ("wrong password", "not found", "no address", "refused", "no network set", "off"):
            return why_not_joined(facts)
        return Advice("lost", "the pulser has lost its network again: move it closer to the access point")
    if facts.refusal == frames.REFUSED_VERSION:
        return Advice(
            "version",
            "the pulser's firmware and this daemon speak different versions of the protocol: run "
            "`twintap flash` on the pulser, and pair it again",
        )
    if facts.heard:
        return Advice(
            "unheard",
            "the pulser hears the daemon, and the daemon hardly hears the pulser: move it closer to the "
            f"access point, and look whether a firewall on the daemon's computer drops {port}",
        )
    if facts.host is not None and not _is_among(facts.host, facts.own):
        own = ", ".join(one.partition("/")[0] for one in facts.own)
        return Advice(
            "other_network",
            f"the pulser is at {facts.host} and the daemon at {own}: those are two networks, perhaps one for "
            "guests; let both join the same one",
        )
    if facts.hellos == 0:
        return Advice(
            "mute",
            "the pulser has not called the daemon: pull its cable, switch it off and on, and look again",
        )
    if facts.is_announced:
        return Advice(
            "firewall",
            f"the pulser is heard by mDNS, and nothing comes through on {port}: allow it for twintap in the "
            "firewall of the daemon's computer",
        )
    return Advice(
        "isolation",
        "the pulser is in the network, calls, and nothing of it arrives here: the access point keeps its "
        "stations apart (client isolation, AP isolation, a guest network: switch that off, or use another "
        f"network), or a firewall on the daemon's computer drops {port}: allow it for twintap",
    )


def _is_among(host: str, own: tuple[str, ...]) -> bool:
    """Whether an address is in one of these networks; where none is known, yes."""
    try:
        address = ipaddress.IPv4Address(host)
        networks = [ipaddress.IPv4Interface(one).network for one in own]
    except ValueError:
        return True
    return not networks or any(address in network for network in networks)


# -- it is linked ------------------------------------------------------------------------------------------


def hints(facts: Facts) -> tuple[Advice, ...]:
    """Say what is not as it should be with a pulser that is linked; mostly nothing."""
    found: list[Advice] = []
    if not facts.is_announced:
        found.append(
            Advice(
                "multicast",
                "no mDNS of the pulser arrives here, so it works by its address alone: should the daemon's "
                "address change, pair it again, or allow multicast in the access point",
            )
        )
    if facts.rssi_dbm and facts.rssi_dbm <= _HINT_DBM:
        found.append(
            Advice(
                "weak",
                f"the pulser hears its access point faintly ({facts.rssi_dbm} dBm): starts may take longer; "
                "move them closer together",
            )
        )
    return tuple(found)
