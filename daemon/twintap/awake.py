"""Keeps this computer from falling asleep while a session is open: a sleeping daemon ends every set.

Asking the desktop for that may take seconds, or hang; so it is done in a thread of its own, and nobody waits
for it. Where nothing can be asked, a person has to switch sleep off, and is told so.
"""

import asyncio
import logging
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import wakepy

_log = logging.getLogger(__name__)

_CLOSED_WITHIN_S = 2.0
_REFUSED_WITHIN_S = 1.0  # systemd-inhibit ends at once where it may not
_SYSTEMD = Path("/run/systemd/system")  # as sd_booted(3) asks
_TROUBLE = (
    "this computer may fall asleep while the session is open: switch its sleep off in its settings, "
    "and keep its lid open"
)


class Unable(Exception):
    """Nothing on this computer can be asked to keep it awake, although it may fall asleep."""


@contextmanager
def keeping_awake() -> Generator[None]:
    """Keep this computer awake; `Unable` if that cannot be. Blocks as it begins and ends."""
    mode = wakepy.keep.running(on_fail="pass")
    with mode:
        if mode.active:
            yield
            return
    if sys.platform != "linux" or _SYSTEMD.exists():
        with _inhibited_by_systemd():
            yield
    else:
        # No desktop and no systemd: there is nothing that would put this machine to sleep.
        yield


@contextmanager
def _inhibited_by_systemd() -> Generator[None]:
    program = shutil.which("systemd-inhibit")
    if program is None:
        raise Unable
    what = ("--what=idle:sleep", "--mode=block", "--who=twintap", "--why=a session is open")
    # It lasts as long as its program, which ends with the pipe: with this daemon, however that ends.
    with subprocess.Popen(
        [program, *what, "cat"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as holding:
        try:
            holding.wait(_REFUSED_WITHIN_S)
        except subprocess.TimeoutExpired:
            yield
        else:
            raise Unable


class Awake:
    """Holds the computer awake from `hold` to `release`; neither waits for it. `close` it in the end."""

    def __init__(self, keeping: Callable[[], AbstractContextManager[None]] = keeping_awake) -> None:
        """`keeping` makes what keeps it awake while it is entered; it is entered in a thread."""
        self._keeping = keeping
        self._change = threading.Condition()
        self._wanted = False
        self._turns = 0
        self._ending = False
        self._thread: threading.Thread | None = None
        self._trouble: str | None = None

    @property
    def trouble(self) -> str | None:
        """What a person has to know, in words; None: nothing."""
        return self._trouble if self._wanted else None

    async def hold(self) -> None:
        """Keep the computer awake from soon on."""
        self._want(True)
        if self._thread is None:
            # A daemon thread: a desktop that never answers does not keep the program from ending.
            self._thread = threading.Thread(target=self._work, name="awake", daemon=True)
            self._thread.start()

    async def release(self) -> None:
        """Let it sleep again."""
        self._want(False)

    async def close(self) -> None:
        """Let it sleep again, and end; waits a moment for that."""
        with self._change:
            self._wanted, self._ending = False, True
            self._change.notify_all()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, _CLOSED_WITHIN_S)

    def _want(self, wanted: bool) -> None:
        with self._change:
            # Counted, so that the thread sees a release also if a hold followed at once.
            self._turns += wanted is not self._wanted
            self._wanted = wanted
            self._change.notify_all()

    def _work(self) -> None:
        while (turn := self._until_held()) is not None:
            try:
                with self._keeping():
                    self._trouble = None
                    self._until_after(turn)
            except Unable:
                if self._trouble is None:
                    _log.warning("%s", _TROUBLE)
                self._trouble = _TROUBLE
                self._until_after(turn)

    def _until_held(self) -> int | None:
        """Wait until it is to be held, and give which turn that is; None at the end."""
        with self._change:
            self._change.wait_for(lambda: self._ending or self._wanted)
            return None if self._ending else self._turns

    def _until_after(self, turn: int) -> None:
        """Wait until that turn is over."""
        with self._change:
            self._change.wait_for(lambda: self._ending or self._turns != turn)
