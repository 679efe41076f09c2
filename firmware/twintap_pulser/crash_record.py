"""How often the firmware has ended badly, and of what: kept in the RTC's memory.

That memory outlives a reset and a deep sleep, and not a power cut; no flash is written. Its content is one
of: nothing; DEPLOY, left by whoever copies files, who wants the next start to go to the REPL; or a record of
starts that have not yet proved healthy.
"""

import io
import sys

import machine

DEPLOY = b"twintap-deploy"
GO = 0
SAFE = 1
REPL = 2
CRASHES_MAX = 3

# As REPORT has them (protocol/SPEC.md); written down here so that a start depends on nothing else.
BOOT_UNKNOWN = 0
BOOT_POWER = 1  # stock MicroPython calls a brown-out so too
BOOT_RESET = 2
BOOT_WATCHDOG = 3
BOOT_CRASH = 4
BOOT_WAKE = 5
BOOT_NAMES = ("unknown", "power", "reset", "watchdog", "crash", "wake", "brown-out")

_MAGIC = b"twintap\x01"
_ERROR_MAX = 240

_crashes = 0  # before this start
_error = ""


def crashes() -> int:
    """How many starts in a row had ended badly when this one began; 0 again after `forget`."""
    return _crashes


def error() -> str:
    """What the last of them died of, as far as it could still say; or empty."""
    return _error


def boot_cause() -> int:
    """Why this chip has started, one of BOOT_...; to be asked before `forget`."""
    cause = machine.reset_cause()
    if cause == machine.DEEPSLEEP_RESET:
        return BOOT_WAKE
    if cause == machine.WDT_RESET:
        return BOOT_CRASH if _error else BOOT_WATCHDOG
    if cause in (machine.HARD_RESET, machine.SOFT_RESET):
        # `HARD_RESET` is what MicroPython calls a reset that a program asked for, and a panic of the chip's
        # own, which leaves the start before it uncleared.
        return BOOT_CRASH if _crashes else BOOT_RESET
    return BOOT_POWER if cause == machine.PWRON_RESET else BOOT_UNKNOWN


def begin() -> int:
    """Counts this start, once at boot: GO, or SAFE after CRASHES_MAX bad ends in a row, or REPL for a deploy.

    Only a watchdog's reset, a panic or a program's own reset counts as a bad end: one by hand (button, power,
    cable) is another try. Whoever resets by a program on purpose calls `forget` before.
    """
    global _crashes, _error
    memory = machine.RTC().memory()
    if memory == DEPLOY:
        machine.RTC().memory(b"")
        return REPL
    was_bad = machine.reset_cause() in (machine.WDT_RESET, machine.HARD_RESET, machine.SOFT_RESET)
    _crashes = 0
    _error = ""
    if was_bad and len(memory) > len(_MAGIC) and memory[: len(_MAGIC)] == _MAGIC:
        _crashes = memory[len(_MAGIC)]
        _error = _text(memory[len(_MAGIC) + 1 :])
    if _crashes >= CRASHES_MAX:
        return SAFE
    _write(_crashes + 1, b"")
    return GO


def died_of(broken: BaseException) -> None:
    """The program ends of `broken`: its words are kept for the next start."""
    memory = machine.RTC().memory()
    count = memory[len(_MAGIC)] if len(memory) > len(_MAGIC) and memory[: len(_MAGIC)] == _MAGIC else 1
    _write(count, describe(broken).encode()[:_ERROR_MAX])


def forget() -> None:
    """The program runs well, or ends because somebody wants it to: no start before counts any more."""
    global _crashes
    _crashes = 0
    machine.RTC().memory(b"")


def describe(broken: BaseException) -> str:
    """One line: what broke, and in which line of which file."""
    words = "%s: %s" % (type(broken).__name__, broken)
    if hasattr(sys, "print_exception"):
        out = io.StringIO()
        # The stubs' StringIO is a stranger to print_exception, and lacks getvalue.
        sys.print_exception(broken, out)  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]
        lines = str(out.getvalue()).split("\n")  # pyright: ignore[reportAttributeAccessIssue]
        places = [line.strip() for line in lines if line.strip().startswith("File ")]
        if places:
            words += " (" + places[-1] + ")"
    return words


def _write(count: int, words: bytes) -> None:
    machine.RTC().memory(_MAGIC + bytes((min(count, 255),)) + words)


def _text(data: bytes) -> str:
    # What a crash left may be cut in the middle of a letter.
    return "".join(chr(byte) if 32 <= byte < 127 else "?" for byte in data)
