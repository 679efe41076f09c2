"""Looks at firewalls, as far as it can without an administrator's rights. Everything here may block."""

import contextlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from .asking import answer_of, run
from .facts import Firewall

_UFW = Path("/etc/ufw/ufw.conf")
_MAC = "/usr/libexec/ApplicationFirewall/socketfilterfw"
_PROFILES = ("StandardProfile", "PublicProfile", "DomainProfile")
_POLICY = r"SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
_UDP = "17"  # its number among the protocols of IP


def firewalls(port: int) -> list[Firewall]:
    """Look at every firewall that this system may have."""
    if sys.platform == "linux":
        return _linux(port)
    if sys.platform == "darwin":
        return _macos()
    if sys.platform == "win32":
        return _windows(port)
    return []


# -- Linux -------------------------------------------------------------------------------------------------


def _linux(port: int) -> list[Firewall]:
    found: list[Firewall] = []
    with contextlib.suppress(OSError):
        found.append(Firewall("ufw", ufw_is_on(_UFW.read_text("utf-8", "replace")), None))
    state = run("firewall-cmd", "--state")
    if state is not None:
        is_on = state[0] == 0
        found.append(Firewall("firewalld", is_on, _firewalld_lets_in(port) if is_on else None))
    if not any(one.is_on for one in found) and answer_of("systemctl", "is-active", "nftables") is not None:
        # The table may be empty; who is no administrator is not told.
        found.append(Firewall("nftables", None, None))
    return found


def ufw_is_on(settings: str) -> bool:
    """Read /etc/ufw/ufw.conf: whether ufw is on."""
    for line in settings.splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "ENABLED":
            return value.strip().strip("\"'").lower() == "yes"
    return False


def _firewalld_lets_in(port: int) -> bool | None:
    asked = run("firewall-cmd", f"--query-port={port}/udp")
    if asked is None or asked[1].strip() not in ("yes", "no"):
        return None
    return asked[1].strip() == "yes"


# -- macOS -------------------------------------------------------------------------------------------------


def _macos() -> list[Firewall]:
    state = answer_of(_MAC, "--getglobalstate")
    blocked = answer_of(_MAC, "--getblockall")
    program = answer_of(_MAC, "--getappblocked", sys.executable)
    found = macos_firewall(state, blocked, program)
    return [] if found is None else [found]


def macos_firewall(state: str | None, block_all: str | None, program: str | None) -> Firewall | None:
    """Read what socketfilterfw printed of the state, of blocking all, and of this Python; None: nothing."""
    if state is None:
        return None
    is_on = "enabled" in state.lower() or "state = 1" in state.lower() or "state = 2" in state.lower()
    if not is_on:
        return Firewall("macos", False, None)
    # As it was written up to macOS 14, and since.
    blocks = (block_all or "").lower()
    if "state = 2" in state.lower() or ("enabled" in blocks and "disabled" not in blocks):
        return Firewall("macos", True, False)
    said = (program or "").lower()
    if "permitted" in said or "allow" in said:
        return Firewall("macos", True, True)
    return Firewall("macos", True, False if "block" in said and "not" not in said else None)


# -- Windows -----------------------------------------------------------------------------------------------


def _windows(port: int) -> list[Firewall]:
    # The registry holds what netsh shows, and holds it in one language.
    states = [_registry_values(f"{_POLICY}\\{name}").get("EnableFirewall") for name in _PROFILES]
    known = [state for state in states if state is not None]
    is_on = None if not known else any(state == 1 for state in known)
    rules = _registry_values(f"{_POLICY}\\FirewallRules").values()
    lets_in = windows_lets_in([str(rule) for rule in rules], port, sys.executable)
    return [Firewall("windows", is_on, lets_in)]


def _registry_values(path: str) -> Mapping[str, object]:
    if sys.platform != "win32":
        return {}
    import winreg

    found: dict[str, object] = {}
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:
            for index in range(winreg.QueryInfoKey(key)[1]):
                name, value, _ = winreg.EnumValue(key, index)
                found[name] = value
    except OSError:
        return found
    return found


def windows_lets_in(rules: Iterable[str], port: int, program: str) -> bool | None:
    """Read the rules of Windows' firewall, as `v2.31|Action=Allow|Dir=In|Protocol=17|LPort=8700|…|`.

    True if one lets UDP `port` in to `program`, False if one of them keeps it out (which wins); None if no
    rule is about it: then Windows keeps it out unless a person was asked and allowed it.
    """
    answers: set[str] = set()
    for rule in rules:
        parts: dict[str, list[str]] = {}
        for part in rule.split("|"):
            name, _, value = part.partition("=")
            parts.setdefault(name.lower(), []).append(value)
        if _is_about(parts, port, program):
            answers.add(parts.get("action", [""])[0].lower())
    return False if "block" in answers else True if "allow" in answers else None


def _is_about(parts: Mapping[str, list[str]], port: int, program: str) -> bool:
    def first(name: str, default: str) -> str:
        return parts.get(name, [default])[0]

    if first("active", "TRUE").upper() != "TRUE" or first("dir", "").lower() != "in":
        return False
    if first("protocol", _UDP) != _UDP:
        return False
    app = first("app", "").lower()
    if app and app != program.lower():
        return False
    ports = parts.get("lport", [])
    # A rule about neither is about everything, which nobody writes; such rules are of services and packages.
    return str(port) in ports or (bool(app) and not ports)
