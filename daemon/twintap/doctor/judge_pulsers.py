"""What the facts about pulsers mean: the paired ones, the serial ports, and what answers at one."""

from collections.abc import Sequence

from ..names import clean
from ..ports import Port
from .facts import Console, PulserSeen
from .lines import Line, bad, fine, hint, typed

_WEAK_DBM = -75  # from here down frames are lost at times

# Which room and which side, a person has to say.
_PAIR = "twintap pair {port} --room ROOM --side left|right"
_FLASH = "plug it in and run: twintap flash PORT (its pairing, its networks and its trim stay)"


# Why a pulser started last, where that was nobody's wish: what it means, and what to do.
_STARTS = {
    "brown-out": ("for its power broke down", "charge it; if that comes again, see to its battery and wires"),
    "watchdog": ("for its program hung", _FLASH),
    "crash": ("for its program crashed", _FLASH),
}


def pulsers(found: Sequence[PulserSeen]) -> list[Line]:
    """Judge the paired pulsers: linked, of this version, charged, well heard."""
    if not found:
        return [hint("pulser", "no pulser is paired", f"plug one in and run: {_PAIR.format(port='PORT')}")]
    return [line for one in found for line in _pulser(one)]


def _pulser(one: PulserSeen) -> list[Line]:
    who = f"{one.name} ({one.room}, {one.side})"
    lines: list[Line] = []
    if one.power == "asleep":
        lines.append(hint("pulser", f"{who} is asleep", "press its button"))
    elif one.link != "linked":
        seen = "was heard, and is not linked" if one.link == "seeking" else "has not been heard"
        lines.append(
            hint(
                "pulser",
                f"{who} {seen}",
                "switch it on, press its button, see to its battery; then plug it in and run: "
                "twintap doctor PORT",
            )
        )
    if one.is_old:
        words = f"{who} has the firmware {one.firmware or 'unknown'}, which is not this daemon's"
        lines.append(hint("pulser_firmware", words, _FLASH))
    if one.boot_cause in _STARTS:
        why, todo = _STARTS[one.boot_cause]
        lines.append(hint("pulser_start", f"{who} started anew, {why}", todo))
    if one.battery in ("low", "empty"):
        lines.append(hint("pulser_battery", f"the battery of {who} is {one.battery}", "charge it"))
    if one.rssi_dbm is not None and one.rssi_dbm <= _WEAK_DBM:
        lines.append(
            hint(
                "pulser_air",
                f"{who} is weak on the air ({one.rssi_dbm} dBm)",
                "bring it or the access point nearer, and out from behind metal and bodies",
            )
        )
    if not lines:
        about = f"firmware {one.firmware}" if one.firmware else "linked"
        heard = f", {one.rssi_dbm} dBm" if one.rssi_dbm is not None else ""
        lines.append(fine("pulser", f"{who} is linked, {about}{heard}"))
    return lines


def ports(found: Sequence[Port], asked: str | None = None) -> list[Line]:
    """Judge the serial ports; of those at which no real pulser is likely, only the one that was asked for."""
    shown = [one for one in found if one.kind in ("board", "adapter") or one.port == asked]
    if asked is None and not shown:
        return [fine("port", "no pulser is plugged in (if one is: its cable may be one that only charges)")]
    return [_port(one) for one in shown]


def _port(one: Port) -> Line:
    name = clean(one.port)
    if one.problem is None:
        return fine("port", f"{name}: {one.what}; it may be opened")
    what, _, todo = one.problem.partition("; ")
    return bad("port", f"{name}: {one.what}; {what}", todo or "pull the cable, and put it in again")


def console(facts: Console) -> list[Line]:
    """Judge what answers at a port."""
    if facts.fault is not None:
        return [
            bad(
                "console",
                facts.fault,
                f"try another cable or port; end other programs that use it; a blank chip: "
                f"twintap flash {typed(facts.port)}",
            )
        ]
    what = f"{facts.port}: a pulser on {facts.board or 'an unknown board'}, firmware {facts.firmware or '?'}"
    flash = f"twintap flash {typed(facts.port)}"
    if facts.is_safe_mode:
        why = f": {facts.last_error}" if facts.last_error else ""
        return [
            bad(
                "console",
                f"{what}, is in its safe mode, for its program crashed three times{why}",
                f"write the program anew: {flash} (its pairing stays)",
            )
        ]
    lines = [fine("console", f"{what}, protocol {facts.protocol or '?'}")]
    if facts.bundled is not None and facts.firmware != facts.bundled:
        lines.append(
            hint(
                "pulser_firmware",
                f"its firmware is {facts.firmware or 'unknown'}; here is {facts.bundled}",
                f"{flash} (its pairing, its networks and its trim stay)",
            )
        )
    if facts.is_damaged:
        words = "its settings could not be read, and it has forgotten its pairing"
        lines.append(bad("pulser_settings", words, f"pair it anew: {_PAIR.format(port=typed(facts.port))}"))
    if facts.boot_cause in _STARTS:
        why, todo = _STARTS[facts.boot_cause]
        lines.append(hint("pulser_start", f"it started anew, {why}", todo))
    if facts.crashes:
        lines.append(
            hint(
                "pulser_crashes",
                f"it crashed {facts.crashes} times since it last ran well",
                f"if that grows, write its program anew: {flash}",
            )
        )
    lines += _belongs(facts) + _on_air(facts)
    if facts.battery in ("low", "empty"):
        lines.append(hint("pulser_battery", f"its battery is {facts.battery}", "charge it"))
    return lines


def _belongs(facts: Console) -> list[Line]:
    pair = _PAIR.format(port=typed(facts.port))
    if facts.daemon_id is None:
        return [] if facts.is_damaged else [hint("pulser_pairing", "it is paired with nobody", pair)]
    if facts.our_daemon_id is None:
        return [fine("pulser_pairing", f"it is paired with the daemon {facts.daemon_id}")]
    if facts.daemon_id != facts.our_daemon_id:
        words = f"it is paired with another daemon ({facts.daemon_id})"
        return [hint("pulser_pairing", words, f"if it is to be this one's: {pair}")]
    return [fine("pulser_pairing", "it is paired with this daemon")]


# What the pulser says of its network: what it means, and what to do.
_NETWORK_TODO = {
    "wrong password": "give it the right password: twintap wifi {port} add SSID",
    "not found": "bring it nearer; see that the network has 2.4 GHz, for a pulser hears no 5 GHz",
    "no address": "see that the access point gives out addresses (DHCP), and has some left",
    "refused": "see that the access point takes new devices, and speaks WPA2",
    "no network set": "give it a network: twintap wifi {port} add SSID",
}


def _on_air(facts: Console) -> list[Line]:
    if facts.network is None:
        return []
    where = f" ({facts.ssid})" if facts.ssid else ""
    todo = _NETWORK_TODO.get(facts.network)
    if todo is not None:
        words = f"it is on no network{where}: {facts.network}"
        return [bad("pulser_network", words, todo.format(port=typed(facts.port)))]
    if facts.network != "up":
        todo = f"wait a moment, then ask again: twintap doctor {typed(facts.port)}"
        return [hint("pulser_network", f"it is on no network yet{where}: {facts.network}", todo)]
    heard = f", {facts.rssi_dbm} dBm" if facts.rssi_dbm else ""
    if facts.rssi_dbm and facts.rssi_dbm <= _WEAK_DBM:
        todo = "bring it or the access point nearer"
        return [hint("pulser_air", f"it is on its network{where}, and weak there{heard}", todo)]
    lines = [fine("pulser_network", f"it is on its network{where}{heard}")]
    if facts.is_linked is False and facts.daemon_id is not None and facts.daemon_id == facts.our_daemon_id:
        lines.append(
            bad(
                "pulser_link",
                "it is on its network, and does not reach the daemon",
                "both have to be on the same network, without client isolation (so no guest network); "
                "see the lines on the firewall",
            )
        )
    return lines
