"""What the facts about the network mean: the daemon, mDNS, firewalls, the pulsers' door, the page."""

from collections.abc import Sequence

from .facts import Daemon, Firewall, Multicast, Page, System, Udp
from .lines import Line, bad, fine, hint, typed

MDNS_PORT = 5353  # RFC 6762
_CERTIFICATE_SHORT_DAYS = 14.0  # it is renewed 60 days before its end: less says that the renewal fails


def daemon(facts: Daemon) -> list[Line]:
    """Judge whether a daemon runs, which, and for whom it serves."""
    if facts.fault is not None:
        if facts.is_locked:
            return [
                bad(
                    "daemon",
                    f"a daemon has the data folder open, and none answers at {facts.url}",
                    "if it serves on another port or host, name it: TWINTAP_URL; else end it, and start it "
                    "again",
                )
            ]
        return [hint("daemon", facts.fault, "twintap serve, or for always: twintap install-service")]
    lines: list[Line] = []
    if facts.version != facts.own_version:
        lines.append(
            hint(
                "daemon",
                f"the daemon at {facts.url} is {facts.version}, and this is {facts.own_version}",
                "end it and start it again, so that the new one runs",
            )
        )
    else:
        lines.append(fine("daemon", f"the daemon runs at {facts.url}, version {facts.version}"))
    if facts.host is not None and facts.host.startswith("127."):
        lines.append(
            hint(
                "daemon_host",
                f"the daemon serves {facts.host} alone: real pulsers and other devices cannot reach it",
                "start it with: twintap serve --host 0.0.0.0",
            )
        )
    elif facts.host is not None and not facts.is_tls:
        lines.append(
            bad(
                "daemon_tls",
                "the daemon speaks plain HTTP to the network: everybody on it can read along and take over",
                "start it without --no-tls",
            )
        )
    return lines


def multicast(found: Sequence[Multicast], *, is_all: bool = True, system: System = "linux") -> list[Line]:
    """Judge mDNS on each address. Loopback counts only where there is nothing else.

    `is_all`: every address of this computer was asked at, and not only the one that is served.
    """
    outside = [one for one in found if not one.is_loopback]
    if not found:
        return [
            hint(
                "multicast",
                "this computer has no IPv4 network",
                "join the pulsers' network, then ask again",
            )
        ]
    lines = [_multicast(one, system) for one in outside or found]
    if not outside and is_all:
        lines.append(
            hint(
                "multicast",
                "this computer is on no network, only on its own loopback",
                "join the pulsers' network; virtual pulsers need none",
            )
        )
    return lines


def _multicast(one: Multicast, system: System) -> Line:
    where = f"{one.interface} ({one.address})"
    if one.fault is not None and system == "macos" and not one.is_loopback:
        return hint(
            "multicast",
            f"{where}: mDNS does not work: {one.fault}",
            "System Settings, Privacy & Security, Local Network: allow it to this Python, or to the terminal",
        )
    if one.fault is not None:
        return hint(
            "multicast",
            f"{where}: mDNS does not work: {one.fault}",
            "if the pulsers are there: allow multicast on it (a VPN often forbids it), or say where a pulser "
            "is: twintap address PULSER IPV4 PORT",
        )
    if not one.came_back:
        if one.others:
            return fine("multicast", f"{where}: others are heard by mDNS ({one.others})")
        return hint(
            "multicast",
            f"{where}: a question by mDNS went out, and not even this computer heard it",
            f"open UDP {MDNS_PORT} in this computer's firewall; see the lines on it",
        )
    if one.others:
        return fine("multicast", f"{where}: mDNS goes out and comes in; {one.others} others are heard")
    quiet = "" if one.is_loopback else "; nobody else has spoken, which is normal in a quiet network"
    return fine("multicast", f"{where}: mDNS goes out and comes back{quiet}")


_OPEN = {
    "ufw": "sudo ufw allow {port}/udp && sudo ufw allow {port}/tcp && sudo ufw allow 5353/udp",
    "firewalld": "sudo firewall-cmd --permanent --add-port={port}/udp --add-port={port}/tcp "
    "--add-service=mdns && sudo firewall-cmd --reload",
    "nftables": "let in UDP {port} and 5353 and TCP {port}, as: sudo nft insert rule inet filter input "
    "udp dport '{{ {port}, 5353 }}' accept   and the same with tcp dport {port}; keep it in "
    "/etc/nftables.conf",
    "macos": "System Settings, Network, Firewall, Options: allow incoming connections for this Python; or: "
    "sudo /usr/libexec/ApplicationFirewall/socketfilterfw --add {python} --unblockapp {python}",
    "windows": "as administrator: netsh advfirewall firewall add rule name=twintap dir=in action=allow "
    "protocol=UDP localport={port},5353 profile=private   and the same with protocol=TCP localport={port}",
}
_NAMES = {
    "ufw": "the firewall ufw",
    "firewalld": "the firewall firewalld",
    "nftables": "a firewall of nftables",
    "macos": "the firewall of macOS",
    "windows": "the firewall of Windows",
}


def firewall(
    found: Sequence[Firewall], *, port: int, python: str, seen_from: Sequence[str] = ()
) -> list[Line]:
    """Judge the firewalls. `seen_from`: who is linked from outside, which proves that the door is open."""
    live = [one for one in found if one.is_on is not False]
    if not live:
        return [fine("firewall", "no firewall is known to run on this computer")]
    lines: list[Line] = []
    for one in live:
        name, todo = _NAMES[one.name], _OPEN[one.name].format(port=port, python=typed(python))
        if one.lets_in is True:
            lines.append(fine("firewall", f"{name} lets the pulsers in"))
        elif seen_from:
            lines.append(fine("firewall", f"{name} is there, and pulsers come in ({_few(seen_from)})"))
        elif one.lets_in is False:
            lines.append(bad("firewall", f"{name} keeps the pulsers out", todo))
        else:
            there = "is on" if one.is_on else "may be on"
            words = f"{name} {there}, and may keep the pulsers out: it tells only an administrator"
            lines.append(hint("firewall", words, f"if no pulser gets linked: {todo}"))
    return lines


def _few(names: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def udp(facts: Udp, *, is_daemon_up: bool) -> list[Line]:
    """Judge the UDP port by which pulsers come."""
    if not is_daemon_up:
        if facts.is_held:
            return [
                bad(
                    "udp",
                    f"UDP port {facts.port} is held by another program, or by a daemon that does not answer",
                    "end it, or choose another port: twintap serve --port P",
                )
            ]
        return [fine("udp", f"UDP port {facts.port} is free for the daemon")]
    if facts.answers and not facts.silent:
        return [fine("udp", f"the daemon answers on UDP port {facts.port} ({_few(facts.answers)})")]
    if facts.answers:
        return [
            hint(
                "udp",
                f"the daemon answers on UDP port {facts.port} at {_few(facts.answers)}, and not at "
                f"{_few(facts.silent)}",
                "see the lines on the firewall",
            )
        ]
    return [
        bad(
            "udp",
            f"the daemon does not answer on UDP port {facts.port}",
            "see the lines on the firewall; if they are fine, end the daemon and start it again",
        )
    ]


def pages(found: Sequence[Page]) -> list[Line]:
    """Judge the page at each address."""
    return [_page(one) for one in found]


def _page(one: Page) -> Line:
    if one.fault is None:
        days = one.certificate_days
        if days is not None and days < _CERTIFICATE_SHORT_DAYS:
            return hint(
                "browser",
                f"{one.url} answers; its certificate ends in {max(0.0, days):.0f} days",
                "end the daemon and start it again, which renews it",
            )
        sealed = "" if days is None else f", with a certificate that is valid for {days:.0f} days"
        return fine("browser", f"{one.url} answers{sealed}")
    if one.fault == "certificate":
        return bad(
            "browser",
            f"{one.url} shows a certificate that this computer does not trust ({one.words})",
            "see that TWINTAP_DATA names the daemon's own folder; end the daemon and start it again; on "
            f"other devices, trust it once: {one.url}/trust",
        )
    if one.fault == "refused":
        words, todo = f"{one.url} refuses connections", "see that the daemon serves there: --host 0.0.0.0"
    elif one.fault == "silent":
        words, todo = f"{one.url} does not answer", "see the lines on the firewall"
    else:
        words, todo = f"{one.url} does not give the page ({one.words})", "end the daemon and start it again"
    return bad("browser", words, todo)
