"""What the facts about this computer mean: its Python, its disk, its clock."""

from datetime import UTC, datetime

from .facts import Clock, Disk, Service, Software
from .lines import Line, bad, fine, hint

OLDEST_PYTHON = (3, 11)
_SCARCE_BYTES = 1_000_000_000
# A session writes some kilobytes, a day's backup copies the whole journal.
_FULL_BYTES = 100_000_000
# No copy of this program is older than its own first year; a clock before it was never set.
_FIRST_YEAR = 2026
_LAST_YEAR = 2100
# The disk's stamps may be a little ahead: another computer's, over a network.
_BACKWARDS_S = 120.0
_JUMPED_MS = 50.0

_SET_CLOCK = {
    "linux": "sudo timedatectl set-ntp true",
    "macos": "System Settings, General, Date & Time: set time and date automatically",
    "windows": "Settings, Time & language, Date & time: set time automatically",
    "other": "have the system set its clock by itself",
}


def software(facts: Software) -> list[Line]:
    """Judge the Python that runs this."""
    shown = ".".join(str(part) for part in facts.python)
    words = f"twintap {facts.version}, Python {shown} ({facts.executable}), {facts.system}"
    if facts.python[:2] < OLDEST_PYTHON:
        least = ".".join(str(part) for part in OLDEST_PYTHON)
        return [bad("python", words, f"install Python {least} or later, and twintap into it")]
    return [fine("python", words)]


def service(facts: Service) -> list[Line]:
    """Judge what starts the daemon with the machine."""
    if not facts.is_installed:
        return [fine("service", "the daemon is started by hand (twintap install-service changes that)")]
    if facts.lost:
        names = ", ".join(facts.lost)
        return [
            bad(
                "service",
                f"the daemon cannot start with this computer: {names} is not there any more",
                "twintap install-service, once more, from the twintap that is to be used",
            )
        ]
    return [fine("service", "the daemon starts with this computer (twintap remove-service ends that)")]


def disk(facts: Disk) -> list[Line]:
    """Judge the data folder: there, writable, private, with room in it."""
    if not facts.exists:
        return [
            hint(
                "disk",
                f"there is no data folder {facts.path} yet",
                "nothing, if no daemon has run here; the first `twintap serve` makes it. Else name the right "
                "one in TWINTAP_DATA",
            )
        ]
    lines: list[Line] = []
    if facts.fault is not None:
        lines.append(
            bad(
                "disk",
                f"the data folder {facts.path} cannot be written: {facts.fault}",
                "give this user the right to write there, or choose another folder with TWINTAP_DATA",
            )
        )
    elif facts.free_bytes is None:
        lines.append(fine("disk", f"the data folder {facts.path} can be written"))
    else:
        words = f"the data folder {facts.path} can be written; {_size(facts.free_bytes)} are free"
        if facts.free_bytes < _FULL_BYTES:
            lines.append(bad("disk", words, "make room: with a full disk no session can be recorded"))
        elif facts.free_bytes < _SCARCE_BYTES:
            lines.append(hint("disk", words, "make room before it is full"))
        else:
            lines.append(fine("disk", words))
    if facts.others is not None:
        lines.append(bad("disk_private", *_halves(facts.others)))
    elif facts.fault is None or facts.free_bytes is not None:  # else it could not be looked at
        lines.append(fine("disk_private", "nobody else on this computer can read the data folder"))
    return lines


def _halves(text: str) -> tuple[str, str]:
    what, _, todo = text.partition("; ")
    return what, todo or "see to it that nobody else can"


def _size(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def clock(facts: Clock) -> list[Line]:
    """Judge the wall clock. Pulses do not hang on it; what the journal says of when does."""
    todo = _SET_CLOCK[facts.system]
    try:
        now = datetime.fromtimestamp(facts.now_s, UTC)
        shown = now.strftime("%Y-%m-%d %H:%M UTC")
        is_sane = _FIRST_YEAR <= now.year <= _LAST_YEAR
    except (OverflowError, OSError, ValueError):
        shown, is_sane = f"{facts.now_s:.0f} s since 1970", False
    if not is_sane:
        return [bad("clock", f"this computer's clock says {shown}, which cannot be", f"set it: {todo}")]
    if facts.newest_s is not None and facts.now_s < facts.newest_s - _BACKWARDS_S:
        back_s = facts.newest_s - facts.now_s
        return [
            bad(
                "clock",
                f"this computer's clock says {shown}, {_span(back_s)} before the data was last written",
                f"set it: {todo}",
            )
        ]
    if abs(facts.jumped_ms) > _JUMPED_MS:
        return [
            hint(
                "clock",
                f"this computer's clock jumped by {facts.jumped_ms:+.0f} ms while it was looked at",
                "let one program alone set it; a virtual machine's clock may be set by its host",
            )
        ]
    if facts.is_synchronised is False:
        return [hint("clock", f"this computer's clock says {shown}; nothing keeps it right", todo)]
    kept = "" if facts.is_synchronised is None else ", and is kept right over the network"
    return [fine("clock", f"this computer's clock says {shown}{kept}")]


def _span(seconds: float) -> str:
    for unit, length in (("days", 86_400.0), ("h", 3_600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
