"""The stages of a flash, each of which may be broken off at any byte and run again.

look    which chip, and what runs on it; nothing is changed
image   MicroPython into the flash, by esptool; skipped where a supported one runs already
check   that MicroPython greets, in the version that was written
files   the application, by mpremote: what differs, `main.py` last
start   boot counters cleared, and a reset
info    what the pulser then says of itself, on its console
"""

import hashlib
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

import serial

from .bootloader import Bootloader
from .build import BOARD_FILE, PACKAGES, SCRIPTS
from .chips import Chip, chip_called, is_supported, version_text
from .errors import CableLost, FlashError, NoAnswer
from .image import Image
from .patience import Patience
from .port import PORT_FAULTS, explained
from .prompt import NothingStarts, Prompt, patiently

_TEXT_MAX = 64
_ARRIVING = "main.new"
_HASH = re.compile(r"[0-9a-f]{64}")
_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?")

# Runs on the chip, short: an armed watchdog leaves it a second. MicroPython names the chip as in
# "Generic ESP32 module with ESP32".
_LOOK = """
import os, json, machine
try:
    with open('board.json') as f: board = f.read(8192)
except OSError: board = None
u = os.uname()
who = ':'.join('%02x' % b for b in machine.unique_id())
try:
    from twintap_pulser import VERSION
    ours = '%d.%d.%d' % VERSION
except (ImportError, AttributeError, TypeError, ValueError, MemoryError): ours = None
print(json.dumps({'machine': u[4], 'release': u[2], 'id': who, 'board': board, 'firmware': ours}))
"""
# Runs on the chip: what is there of ours, with each file's hash.
_LIST = """
import os, hashlib, binascii, json
def one(path):
    h = hashlib.sha256()
    b = bytearray(512)
    with open(path, 'rb') as f:
        while True:
            n = f.readinto(b)
            if not n: break
            h.update(memoryview(b)[:n])
    return binascii.hexlify(h.digest()).decode()
found = {}
for name in %r:
    try: found[name] = one(name)
    except OSError: pass
for folder in %r:
    try: names = os.listdir(folder)
    except OSError: continue
    for name in names: found[folder + '/' + name] = one(folder + '/' + name)
print(json.dumps(found))
"""
# Runs on the chip: from then on nothing starts by itself, and no watchdog is armed. The firmware that finds
# this word in the RTC's memory leaves the prompt to the cable once; older ones do not know it, and find no
# main.py to start them.
_STILL = """
import os, time, machine
try: machine.RTC().memory(b'twintap-deploy')
except (AttributeError, OSError): pass
try: os.remove('main.py')
except OSError: pass
time.sleep_ms(100)
machine.reset()
"""
# Runs on the chip: removes what the new firmware no longer has (an old .py would win over a new .mpy).
_REMOVE = "import os\nfor path in %r: os.remove(path)\n"
_BEGIN = f"import os\nos.rename({_ARRIVING!r}, 'main.py')\n"
_MAKE = "import os\nif %r not in os.listdir(): os.mkdir(%r)\n"
# Runs on the chip: the crashes of the old firmware are not counted against the new one.
_START = """
import machine, time
try: machine.RTC().memory(b'')
except (AttributeError, OSError): pass
time.sleep_ms(100)
machine.reset()
"""
_RESTART = "import machine, time\ntime.sleep_ms(100)\nmachine.reset()\n"


class Seen(NamedTuple):
    """What was found at the port."""

    chip: Chip
    hardware_id: str  # the chip's own address, as aa:bb:cc:dd:ee:ff
    version: tuple[int, ...] | None  # MicroPython's; None if none answers
    board_text: str | None  # the board file on the chip
    firmware: str | None  # the version of the pulser's firmware on it


def look(port: str, patience: Patience) -> Seen:
    """See which chip it is and what runs on it. Nothing is changed; what ran is interrupted (see `let_run`).

    Raises NoAnswer if neither MicroPython nor a bootloader answers, FlashError `chip` or `port`.
    """
    try:
        return patiently(lambda: _look_at_prompt(port, patience), patience.look_s, patience.again_s)
    except NothingStarts as error:
        is_blank = error.is_empty
    except NoAnswer:
        is_blank = False
    line = Bootloader(port, patience)
    found = Seen(line.chip, line.mac, None, None, None)
    line.leave()
    if is_blank:
        return found
    # It may have hung, or slept; the reset has woken it.
    time.sleep(patience.settle_s)
    try:
        return patiently(lambda: _look_at_prompt(port, patience), patience.look_s, patience.again_s)
    except NoAnswer:
        return found


def _look_at_prompt(port: str, patience: Patience) -> Seen:
    with Prompt(port, patience) as prompt:
        told = prompt.object_of(_LOOK)
    machine = str(told.get("machine", ""))
    name = machine.rpartition(" with ")[2]
    chip = chip_called(name)
    if chip is None:
        raise FlashError(
            "chip", f"the chip at {port} calls itself {machine[:_TEXT_MAX]!r}; no board has that"
        )
    version = _VERSION.match(str(told.get("release", "")))
    board = told.get("board")
    return Seen(
        chip,
        str(told.get("id", ""))[:_TEXT_MAX],
        None if version is None else tuple(int(part) for part in version.groups() if part is not None),
        board if isinstance(board, str) else None,
        str(firmware)[:_TEXT_MAX] if (firmware := told.get("firmware")) is not None else None,
    )


def let_run(port: str, patience: Patience) -> None:
    """After a refusal: let what was interrupted start again. A chip that does not answer is left alone."""
    try:
        Prompt(port, patience).end_with(_RESTART)
    except FlashError:
        return
    time.sleep(patience.settle_s)


def write_image(port: str, image: Image, patience: Patience, on_percent: Callable[[int], None]) -> None:
    """Write the image, have its MD5 compared, and reset the chip. See `Bootloader` for the errors."""
    line = Bootloader(port, patience)
    try:
        if line.chip != image.chip:
            raise FlashError(
                "image", f"{image.path.name} is for {image.chip.shown}, and {port} is now {line.chip.shown}"
            )
        line.write(image, on_percent)
        line.leave()
    finally:
        line.close()


def check_image(port: str, image: Image, patience: Patience) -> Seen:
    """See that MicroPython greets in the image's version; FlashError `start` if it does not.

    Its first start, which makes the file system, is waited for.
    """
    time.sleep(patience.settle_s)
    try:
        seen = patiently(lambda: _look_at_prompt(port, patience), patience.boot_s, patience.again_s)
    except NoAnswer as error:
        raise FlashError(
            "start",
            f"MicroPython was written to {port}, and does not answer; press the board's RESET button and run "
            "the command again",
        ) from error
    if seen.version is None or seen.version[:2] != image.version[:2]:
        found = "another" if seen.version is None else version_text(seen.version)
        raise FlashError(
            "start",
            f"{port} runs MicroPython {found}, not the {version_text(image.version)} that was written",
        )
    return seen


def put_files(
    port: str, out: Path, paths: list[str], patience: Patience, on_percent: Callable[[int], None]
) -> int:
    """Bring the application's files on the chip up to date; give how many were written. All are checked.

    A pulser that has run a set has its watchdog armed, which cannot be undone and resets a chip within a
    second of its program's interruption: so the first thing, and one that takes less, is to remove `main.py`
    and to reset the chip. Should the watchdog be faster after all, it is asked again.

    `main.py` comes last, and by a renaming, once all the others and itself are known to be whole: whatever
    breaks off leaves nothing half that starts. Other files on the chip (settings) are left alone.
    Raises FlashError `write` if a hash differs, `room` if the flash is full.
    """
    contents = {_ARRIVING if path == "main.py" else path: (out / path).read_bytes() for path in paths}
    wanted = {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
    patiently(lambda: Prompt(port, patience).end_with(_STILL), patience.look_s, patience.again_s)
    time.sleep(patience.settle_s)
    with patiently(lambda: Prompt(port, patience), patience.boot_s, patience.again_s) as prompt:
        present = _listing(prompt, port)
        stale = sorted(set(present) - set(wanted))
        if stale:
            prompt.run(_REMOVE % (stale,))
        for folder in sorted({path.partition("/")[0] for path in paths if "/" in path}):
            prompt.run(_MAKE % (folder, folder))
        changed = [path for path in sorted(wanted) if present.get(path) != wanted[path]]
        whole = sum(len(contents[path]) for path in changed) or 1
        done = 0
        for path in changed:
            before = done
            prompt.write_file(
                path, contents[path], lambda now, before=before: on_percent(99 * (before + now) // whole)
            )
            done += len(contents[path])
        arrived = _listing(prompt, port)
        wrong = sorted(path for path in wanted if arrived.get(path) != wanted[path])
        if wrong:
            raise FlashError(
                "write", f"these files arrived damaged on {port}: {', '.join(wrong)}; run the command again"
            )
        prompt.run(_BEGIN)
    return len(changed)


def _listing(prompt: Prompt, port: str) -> dict[str, str]:
    found = prompt.object_of(_LIST % ((*SCRIPTS, _ARRIVING, BOARD_FILE), PACKAGES))
    if not all(isinstance(digest, str) and _HASH.fullmatch(digest) for digest in found.values()):
        raise NoAnswer(f"{port} answered nonsense where a list of files was asked for")
    return cast("dict[str, str]", found)


def start(port: str, patience: Patience) -> None:
    """Clear the boot counters and reset the chip: `main.py` starts."""
    patiently(lambda: Prompt(port, patience).end_with(_START), patience.look_s, patience.again_s)
    time.sleep(patience.settle_s)


def read_info(port: str, patience: Patience) -> dict[str, Any]:
    """Ask the firmware on its console who it is, until it answers.

    FlashError `start` with what it said instead, if it does not come up in time.
    """
    heard = bytearray()
    until = time.monotonic() + patience.info_s
    while True:
        try:
            info = _ask_info(port, heard, until, patience.ask_s)
        except CableLost:
            # The chip's own USB port goes and comes back with a reset.
            info = None
        if info is not None:
            return info
        if time.monotonic() >= until:
            raise FlashError(
                "start", f"the firmware is on the pulser at {port}, and does not answer{_last(heard)}"
            )
        time.sleep(patience.again_s)


def _ask_info(port: str, heard: bytearray, until: float, ask_s: float) -> dict[str, Any] | None:
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "info"}).encode() + b"\r\n"
    try:
        with serial.Serial(port, 115_200, timeout=0.1, write_timeout=1, exclusive=True) as line:
            asked = 0.0
            while time.monotonic() < until:
                if time.monotonic() - asked > ask_s:
                    asked = time.monotonic()
                    line.write(request)
                heard += line.read(max(1, line.in_waiting))
                del heard[:-16_384]
                for said in bytes(heard).split(b"\n"):
                    answer = _answer(said)
                    if answer is not None:
                        return answer
    except PORT_FAULTS as error:
        fault = explained(port, error)
        if (
            fault.code == "port"
            and "there is no port" not in str(fault)
            and getattr(error, "errno", None) is not None
        ):
            raise fault from error
        raise CableLost(port) from error
    return None


def _answer(line: bytes) -> dict[str, Any] | None:
    start_at = line.find(b"{")
    if start_at < 0:
        return None
    try:
        said = json.loads(line[start_at:])
    except (ValueError, RecursionError):
        return None
    result = cast("dict[str, Any]", said).get("result") if isinstance(said, dict) else None
    return cast("dict[str, Any]", result) if isinstance(result, dict) and "firmware" in result else None


def _last(heard: bytearray) -> str:
    """Give the last words of a program that broke: an exception's, never an answer and what is in it."""
    lines = heard.decode(errors="replace").splitlines()
    words = [line.strip() for line in lines if re.match(r"\s*(\w+Error|twintap|\w+Exception)\b", line)]
    return f": {words[-1][:200]!r}" if words else "; press the board's RESET button and run the command again"


def needs_image(seen: Seen) -> bool:
    """Say whether the chip has to be given MicroPython first."""
    return seen.version is None or not is_supported(seen.version)
