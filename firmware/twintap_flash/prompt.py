"""MicroPython's prompt, by way of mpremote's serial transport: commands and files.

mpremote prints what it did not understand; that stays in here. Whatever comes from the chip is text from a
stranger until it is parsed.
"""

import contextlib
import errno
import io
import json
import struct
import time
from collections.abc import Callable, Generator
from importlib import import_module
from typing import Any, TypeVar, cast

from .errors import CableLost, FlashError, NoAnswer
from .patience import Patience
from .port import PORT_FAULTS, check_port, explained

_CHUNK = 1_024  # bytes of a file in one command: four times that as text, which a chip's heap has
_SHOWN_MAX = 200
# What a ROM says of a flash with nothing to start in it, again and again; and of waiting for a bootloader's
# commands, whatever is in the flash. No prompt will come of either.
_EMPTY = ("invalid header", "No bootable app", "flash read err")
_WAITING = "waiting for download"

_Answer = TypeVar("_Answer")


class NothingStarts(NoAnswer):
    """The chip's ROM says that it starts nothing; `is_empty`, if that is because nothing is in the flash."""

    def __init__(self, port: str, is_empty: bool) -> None:
        """Take the port's name, and why."""
        super().__init__(f"nothing starts on the chip at {port}")
        self.is_empty = is_empty


class Prompt:
    """An open line to MicroPython's raw prompt."""

    def __init__(self, port: str, patience: Patience) -> None:
        """Open the port and interrupt what runs; it stays interrupted.

        Raises NoAnswer (NothingStarts if the ROM says so), or FlashError `port`.
        """
        self._port = port
        self._answer_s = patience.answer_s
        self._module: Any = import_module("mpremote.transport_serial")
        self._line: Any = None
        try:
            self._line = self._opened(patience)
            self._line.serial.write_timeout = patience.answer_s
            with self._contained():
                # Not a soft reset: a watchdog that is armed would get that time as well.
                self._line.enter_raw_repl(soft_reset=False, timeout_overall=patience.hello_s)
        except BaseException:
            self.close()
            raise

    def _opened(self, patience: Patience) -> Any:
        try:
            return self._module.SerialTransport(self._port, timeout=patience.hello_s)
        except PORT_FAULTS as error:
            raise explained(self._port, error) from error
        except self._module.TransportError as error:
            # mpremote does not say why; whoever opens it once more hears.
            check_port(self._port)
            raise CableLost(self._port) from error

    def __enter__(self) -> "Prompt":
        """Nothing more to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the port; the chip stays at its prompt."""
        self.close()

    def close(self) -> None:
        """Close the port; the chip stays at its prompt."""
        if self._line is not None:
            with contextlib.suppress(*PORT_FAULTS):
                self._line.close()
            self._line = None

    def run(self, program: str) -> str:
        """Run a program to its end; give what it prints. FlashError `write`, in its words, if it raises."""
        with self._contained():
            said, raised = self._line.exec_raw(program, timeout=self._answer_s)
        if raised:
            words = _plain(raised.decode(errors="replace").strip().splitlines()[-1:])
            raise FlashError("write", f"{self._port}: the chip says {words}; run the command again")
        return str(said.decode(errors="replace"))

    def object_of(self, program: str) -> dict[str, Any]:
        """Run a program that prints one JSON object; give it. NoAnswer if it printed something else."""
        said = self.run(program)
        try:
            found = json.loads(said.strip().splitlines()[-1])
        except (IndexError, ValueError, RecursionError) as error:
            raise NoAnswer(f"{self._port} answered {_plain([said])} where an object was asked for") from error
        if not isinstance(found, dict):
            raise NoAnswer(f"{self._port} answered {_plain([said])} where an object was asked for")
        return cast("dict[str, Any]", found)

    def end_with(self, program: str) -> None:
        """Start a program that resets the chip, and close the port: nothing comes back from it."""
        try:
            with self._contained():
                self._line.exec_raw_no_follow(program)
        finally:
            self.close()

    def write_file(self, path: str, content: bytes, on_written: Callable[[int], None]) -> None:
        """Write a file; `on_written` gets how many bytes are there. FlashError `room` if there is no more."""

        def written(done: int, _: int) -> None:
            on_written(done)

        with self._contained():
            try:
                self._line.fs_writefile(path, content, chunk_size=_CHUNK, progress_callback=written)
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    raise FlashError(
                        "room", f"{self._port}: the chip's file system is full at {path}"
                    ) from error
                raise

    @contextlib.contextmanager
    def _contained(self) -> Generator[None]:
        """Turn whatever mpremote ends with into one of our errors, and print nothing."""
        told = io.StringIO()
        try:
            with contextlib.redirect_stdout(told):
                yield
        except PORT_FAULTS as error:
            raise CableLost(self._port) from error
        except (self._module.TransportError, struct.error) as error:
            heard = told.getvalue()
            is_empty = any(words in heard for words in _EMPTY)
            if is_empty or _WAITING in heard:
                raise NothingStarts(self._port, is_empty) from error
            raise NoAnswer(f"{self._port} does not answer as MicroPython does") from error


def patiently(
    ask: Callable[[], _Answer],
    within_s: float,
    again_s: float,
    faults: tuple[type[FlashError], ...] = (NoAnswer, CableLost),
) -> _Answer:
    """Ask a chip that may be starting, again on `faults` for so long: what it is told meanwhile is lost.

    A port that comes and goes with the chip is not there for a moment: FlashError `port` is asked again too,
    unless the port belongs to others.
    """
    until = time.monotonic() + within_s
    while True:
        try:
            return ask()
        except NothingStarts:
            raise
        except faults:
            if time.monotonic() >= until:
                raise
        except FlashError as error:
            if error.code != "port" or "there is no port" not in str(error) or time.monotonic() >= until:
                raise
        time.sleep(again_s)


def _plain(lines: list[str]) -> str:
    return repr(" ".join(lines)[:_SHOWN_MAX])
