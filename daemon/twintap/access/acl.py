"""Who else can read a folder on Windows, as `icacls` tells it. POSIX has modes; the store looks at those."""

import os
import re
import subprocess
from collections.abc import Collection
from pathlib import Path

from ..names import clean

# Those who may read everything anyway: the system itself, this computer's administrators, the owner. `icacls`
# writes them in the system's language; in one that is not here, the warning is one too many.
_OF_THE_SYSTEM = frozenset(
    {
        "nt authority\\system",
        "builtin\\administrators",
        "creator owner",
        "owner rights",
        # As German, French and Spanish systems write them.
        "nt-autorität\\system",
        "vordefiniert\\administratoren",
        "ersteller-besitzer",
        "autorite nt\\système",
        "builtin\\administrateurs",
        "createur proprietaire",
        "nt authority\\sistema",
        "builtin\\administradores",
    }
)
_RIGHTS = re.compile(r"^(.*?):((?:\([A-Z,]+\))+)$")
_WITHIN_S = 10.0


def others_in(output: str, path: str, own: Collection[str]) -> list[str]:
    """Give who, beside `own` and the system, has any right to `path`, out of what `icacls PATH` printed.

    `own`: this user's names, as DOMAIN\\user. What cannot be understood is passed over.
    """
    mine = _OF_THE_SYSTEM | {name.lower() for name in own}
    found: list[str] = []
    for line in output.splitlines():
        entry = line.removeprefix(path).strip()
        parts = _RIGHTS.fullmatch(entry)
        if parts is None or "(DENY)" in parts[2] or "(N)" in parts[2]:
            continue
        who = parts[1].strip()
        if who.lower() not in mine and who not in found:
            found.append(who)
    return found


def advice(path: Path, others: Collection[str], user: str) -> str:
    """Say what is wrong with a folder that others can reach, and the command that mends it."""
    names = ", ".join(clean(name, 60) for name in others)
    return (
        f"others on this computer can reach the data folder ({names}); run: "
        f'icacls "{path}" /inheritance:r /grant:r "{clean(user, 100)}:(OI)(CI)F" "*S-1-5-18:(OI)(CI)F"'
    )


def warning_for(path: Path) -> str | None:
    """Give a warning if others can reach the folder; None if not, and where this is not Windows. Blocks."""
    if os.name != "nt":
        return None
    user, domain = os.environ.get("USERNAME", ""), os.environ.get("USERDOMAIN", "")
    try:
        done = subprocess.run(["icacls", str(path)], capture_output=True, timeout=_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return f"who can reach {path} could not be asked of icacls; see to it that nobody else can"
    # Its output comes in the console's own code page, of which the names alone matter.
    others = others_in(done.stdout.decode("oem", "replace"), str(path), (f"{domain}\\{user}", user))
    return advice(path, others, f"{domain}\\{user}") if others else None
