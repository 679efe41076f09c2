"""macOS: a launchd agent of the user, and a small application."""

import plistlib

from .pictures import icns
from .plan import MARK, File, Plan, Step, Wanted
from .quoting import shell_command

LABEL = "org.twintap.daemon"
_ONE_AFTER_ANOTHER = 10  # what was told to end needs a moment to be gone


def plan(wanted: Wanted, png: bytes) -> Plan:
    """Give the plan. `png`: the icon, 512 by 512."""
    agent = str(wanted.path(wanted.home, "Library", "LaunchAgents", f"{LABEL}.plist"))
    log = str(wanted.path(wanted.home, "Library", "Logs", "twintap.log"))
    bundle = wanted.path(wanted.home, "Applications", "Twintap.app", "Contents")
    domain = f"gui/{wanted.uid}"
    load = Step(("launchctl", "bootstrap", domain, agent), tries=_ONE_AFTER_ANOTHER)
    unload = Step(("launchctl", "bootout", f"{domain}/{LABEL}"), may_fail=True)
    script = f"#!/bin/sh\n# {MARK}\nexec {shell_command(wanted.open)}\n"
    return Plan(
        "macos",
        files=(
            File(agent, _agent(wanted, log), 0o644),
            File(str(bundle / "Info.plist"), _bundle(), 0o644),
            File(str(bundle / "MacOS" / "twintap"), script.encode(), 0o755),
            File(str(bundle / "Resources" / "twintap.icns"), icns(png), 0o644),
        ),
        made=(log,),
        check=Step(("launchctl", "print", domain)),
        no_check="launchd has no session of this user: log in at this Mac's own screen, and without sudo",
        register=(Step(("launchctl", "enable", f"{domain}/{LABEL}")),),
        start=(
            # Loaded already, as a rule; then only what has ended is started.
            Step(("launchctl", "bootstrap", domain, agent), may_fail=True),
            Step(("launchctl", "kickstart", f"{domain}/{LABEL}"), tries=_ONE_AFTER_ANOTHER),
        ),
        restart=(unload, load),
        end=(unload,),
        hints=(
            "It starts when you log in. macOS may ask once whether it may receive connections: allow it.",
        ),
        log=f"tail -n 20 {shell_command([log])}",
    )


def _agent(wanted: Wanted, log: str) -> bytes:
    return _plist(
        {
            "Label": LABEL,
            "ProgramArguments": list(wanted.serve),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            # A daemon that keeps a beat is not to be slowed down as if nobody waited for it.
            "ProcessType": "Interactive",
            "ExitTimeOut": 15,
            "Umask": 0o077,
            # `serve` prints a link there by which whoever reads it becomes this computer's owner.
            "StandardOutPath": "/dev/null",
            "StandardErrorPath": log,
        }
    )


def _bundle() -> bytes:
    return _plist(
        {
            "CFBundleName": "Twintap",
            "CFBundleDisplayName": "Twintap",
            "CFBundleIdentifier": "org.twintap.open",
            "CFBundleExecutable": "twintap",
            "CFBundleIconFile": "twintap.icns",
            "CFBundlePackageType": "APPL",
            "CFBundleShortVersionString": "1",
            "LSUIElement": True,
        }
    )


def _plist(values: dict[str, object]) -> bytes:
    head, _, rest = plistlib.dumps(values).partition(b"<plist")
    return head + f"<!-- {MARK} -->\n".encode() + b"<plist" + rest
