"""The chip's own bootloader, by way of esptool's Python interface.

esptool prints, and here and there ends the program; both stay in here. What it said last is kept for an
error's words.
"""

import contextlib
import io
import struct
from collections import deque
from collections.abc import Callable, Generator
from importlib import import_module
from typing import Any

from .chips import Chip, chip_called
from .errors import CableLost, FlashError, NoAnswer
from .image import Image
from .patience import Patience
from .port import PORT_FAULTS, explained

# A ROM speaks at 115200; its stub, and every USB bridge that boards carry, at this as well.
_FAST_BAUD = 460_800
_HOLD_BOOT = (
    "hold the board's BOOT button, press RESET (or plug the cable in anew), let go, and run the command again"
)


class _Log:
    """Takes what esptool would print. Not a subclass of its logger: that would import it with this module."""

    def __init__(self) -> None:
        self.last: deque[str] = deque(maxlen=3)
        self.on_progress: Callable[[int], None] | None = None

    def print(self, *said: Any, **_: Any) -> None:
        words = " ".join(str(part) for part in said).strip()
        if words:
            self.last.append(words)

    note = print  # noqa: A003 - so it is called there
    warning = error = warn = err = debug = hint = note

    def stage(self, finish: bool = False) -> None:
        return

    def progress_bar(self, cur_iter: int, total_iters: int, **_: Any) -> None:
        if self.on_progress is not None and total_iters > 0:
            self.on_progress(min(100, 100 * cur_iter // total_iters))

    def set_verbosity(self, verbosity: str) -> None:
        return


class Bootloader:
    """An open line to a chip's bootloader. Leave it with `leave`, which starts what is in the flash."""

    def __init__(self, port: str, patience: Patience) -> None:
        """Reset the chip into its bootloader and ask what it is.

        Raises NoAnswer if no bootloader answers, FlashError `chip` for one that is not supported, `port` if
        the port cannot be opened.
        """
        self._port = port
        self._log = _installed_log()
        self._cmds: Any = import_module("esptool.cmds")
        with self._contained("its bootloader does not answer"):
            self._esp: Any = self._cmds.detect_chip(port, connect_attempts=patience.attempts)
        try:
            shown = str(self._esp.CHIP_NAME)
            chip = chip_called(shown)
            if chip is None:
                self.leave()
                raise FlashError(
                    "chip", f"the chip at {port} is {shown}; the firmware has no board with that"
                )
            self.chip: Chip = chip
            with self._contained("its bootloader broke off"):
                self.mac = ":".join(f"{part:02x}" for part in self._esp.read_mac("BASE_MAC"))
        except BaseException:
            self.close()
            raise

    def write(self, image: Image, on_percent: Callable[[int], None]) -> None:
        """Write the image and compare its MD5 with that of what is then in the flash.

        The file system, beyond the image, is not touched. Raises FlashError `write` if the chip refuses or
        what it holds is something else, CableLost if the cable goes.
        """
        self._log.on_progress = on_percent
        try:
            with self._contained("the image could not be written"):
                self._esp = self._cmds.run_stub(self._esp)
                if self._esp.IS_STUB:
                    self._esp.change_baud(_FAST_BAUD)
                self._cmds.attach_flash(self._esp)
                # A lost cable is said at once: who puts it back runs the command again.
                self._esp.WRITE_FLASH_ATTEMPTS = 1
                self._cmds.write_flash(self._esp, [(self.chip.image_offset, image.content)])
        finally:
            self._log.on_progress = None

    def leave(self) -> None:
        """Reset the chip, so that what is in its flash starts, and close the port."""
        try:
            with self._contained("it could not be reset"):
                self._cmds.reset_chip(self._esp, "hard-reset")
        finally:
            self.close()

    def close(self) -> None:
        """Close the port; the chip stays as it is."""
        with contextlib.suppress(*PORT_FAULTS):
            self._esp._port.close()

    @contextlib.contextmanager
    def _contained(self, what: str) -> Generator[None]:
        """Turn whatever esptool ends with into one of our errors."""
        told = io.StringIO()
        try:
            # Its warnings of reset lines go past any log that it is given.
            with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
                yield
        except PORT_FAULTS as error:
            raise CableLost(self._port) from error
        except (RuntimeError, struct.error, StopIteration, SystemExit) as error:
            # RuntimeError: all of esptool's own. SystemExit: its way of giving up.
            raise self._in_words(what, error) from error

    def _in_words(self, what: str, error: BaseException) -> FlashError:
        if isinstance(error.__context__, PORT_FAULTS) and "Could not open" in str(error):
            return explained(self._port, error.__context__)
        said = str(error).strip().splitlines() or [*self._log.last][-1:] or ["no reason was given"]
        if "does not answer" in what:
            return NoAnswer(f"no chip answers at {self._port} ({said[0]}); {_HOLD_BOOT}")
        return FlashError("write", f"{self._port}: {what} ({said[0]}); run the command again")


_LOG = _Log()


def _installed_log() -> _Log:
    """Give our log to esptool, once; it has one for the whole process."""
    logger: Any = import_module("esptool.logger")
    if not isinstance(_LOG, logger.TemplateLogger):
        logger.TemplateLogger.register(_Log)
        logger.log.set_logger(_LOG)
    return _LOG
