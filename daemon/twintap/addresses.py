"""This computer's own addresses: which are served, which may be trusted with a key, which a Host may name."""

import ipaddress
import socket

import ifaddr

LOOPBACK = "127.0.0.1"
ANY = "0.0.0.0"


def own_addresses() -> list[str]:
    """Give every IPv4 address of this computer, loopback last. Asks the system; not for the event loop."""
    found = {
        str(address.ip) for adapter in ifaddr.get_adapters() for address in adapter.ips if address.is_IPv4
    }
    return sorted(found, key=lambda ip: (ipaddress.ip_address(ip).is_loopback, ipaddress.ip_address(ip)))


def own_interfaces() -> list[str]:
    """Give every IPv4 address of this computer with its network, as `192.0.2.1/24`. Asks the system."""
    return [
        f"{address.ip}/{address.network_prefix}"
        for adapter in ifaddr.get_adapters()
        for address in adapter.ips
        if address.is_IPv4
    ]


def served_addresses(host: str, own: list[str]) -> list[str]:
    """Give the addresses at which a daemon that serves on `host` is reached, the best for a pulser first."""
    return list(own) if host == ANY else [host]


def resolve_host(host: str) -> str:
    """Give the IPv4 address that `--host` names; OSError if it names none. Asks the system."""
    found = socket.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
    return str(found[0][4][0])


def is_own(host: str, own: list[str]) -> bool:
    """Whether every address that `host` names is this computer's. Asks the system."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return False
    return bool(found) and all(ip in own or ipaddress.ip_address(ip).is_loopback for ip in found)


def is_loopback(host: str) -> bool:
    """Whether `host` is an address of loopback, or its name. Asks nobody."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def own_names(daemon_id: str) -> frozenset[str]:
    """Give the names, in lower case, under which a browser may reach this computer. Asks the system."""
    name = socket.gethostname().lower().rstrip(".")
    short = name.partition(".")[0]
    return frozenset({"localhost", name, short, f"{short}.local", f"twintap-{daemon_id}.local"} - {""})


def host_of(header: str) -> str | None:
    """Give the host in a Host header, in lower case and without its port; None if it is none."""
    text = header.strip().lower()
    if text.startswith("["):
        inside, bracket, _ = text[1:].partition("]")
        return inside if bracket else None
    host, _, port = text.partition(":")
    if not host or (port and not port.isdigit()):
        return None
    return host.rstrip(".")
