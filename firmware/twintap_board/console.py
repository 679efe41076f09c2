"""The serial console: a pseudo-terminal with a fixed name, whoever is or is not at its other end.

It behaves as a UART: a client may come and go, and what finds no room is dropped. What the VM says on stderr
appears here too. The traceback that a VM ended with, and stderr, are kept in the board's log.
"""

import asyncio
import os
import termios
import tty
from pathlib import Path

from .errors import BoardError

_CHUNK = 4096
_TRACEBACK = b"Traceback (most recent call last):"
# What waits for a reader that is slower than the VM; a few tracebacks or answers.
_BACKLOG_MAX = 16_384
# A backlog that nobody has touched for so long has no reader: the next client shall not find old words.
_STALE_AFTER_S = 0.5
_LOG_MAX = 256 * 1024
_PTY_PREFIXES = ("/dev/pts/", "/dev/ttys", "/dev/pty")


class BoardLog:
    """`board.log`: what the VM and the launcher had to say, kept to two files of 256 KiB."""

    def __init__(self, path: Path) -> None:
        """Open `path` for appending."""
        self._path = path
        self._open()

    def _open(self) -> None:
        self._fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._fd).st_size

    def write(self, data: bytes) -> None:
        """Append `data`, beginning a new file when this one is full; a disk that refuses loses it."""
        try:
            if self._size > _LOG_MAX:
                os.close(self._fd)
                self._path.replace(self._path.with_suffix(".log.1"))
                self._open()
            self._size += os.write(self._fd, data)
        except OSError:
            return

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


class Console:
    """The pty, its link, and the pipes of the VM that runs at present."""

    def __init__(self, link: Path, log: BoardLog) -> None:
        """Open a pty and make `link` point to it; BoardError if something else is in that place."""
        self._loop = asyncio.get_running_loop()
        self._log = log
        # The slave stays open here: without one the master reads errors, and settings are forgotten.
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._name = os.ttyname(self._slave)
        self._link = link
        _point(link, self._name)
        self._backlog = bytearray()
        self._stale: asyncio.TimerHandle | None = None
        self._vm_stdin = -1
        self._readers: dict[int, bool] = {}
        self._tail = b""
        self._loop.add_reader(self._master, self._from_client)
        self.last_words = b""
        self.dropped = 0

    def attach(self) -> tuple[int, int, int]:
        """Make the pipes of a new VM; give its ends (stdin, stdout, stderr), for the caller to close."""
        self._close_stdin()
        vm_stdin, self._vm_stdin = os.pipe()
        os.set_blocking(self._vm_stdin, False)
        stdout, vm_stdout = os.pipe()
        stderr, vm_stderr = os.pipe()
        self._tail = b""
        for fd, logged in ((stdout, False), (stderr, True)):
            os.set_blocking(fd, False)
            self._readers[fd] = logged
            self._loop.add_reader(fd, self._from_vm, fd, logged)
        return vm_stdin, vm_stdout, vm_stderr

    def drain(self) -> None:
        """Take what a VM that has ended left in its pipes."""
        for fd, logged in list(self._readers.items()):
            while fd in self._readers and self._from_vm(fd, logged):
                pass
        # A VM's last traceback comes on stdout. Nothing else of that may reach a log: keys pass there.
        _, mark, rest = self._tail.rpartition(_TRACEBACK)
        self.last_words = mark + rest if mark else b""
        self._log.write(self.last_words)

    def close(self) -> None:
        """Close everything, and take the link away if it is still ours."""
        self._close_stdin()
        for fd in list(self._readers):
            self._forget(fd)
        if self._stale is not None:
            self._stale.cancel()
        self._loop.remove_reader(self._master)
        self._loop.remove_writer(self._master)
        try:
            if str(self._link.readlink()) == self._name:
                self._link.unlink()
        except OSError:
            pass
        os.close(self._master)
        os.close(self._slave)

    def _close_stdin(self) -> None:
        if self._vm_stdin >= 0:
            os.close(self._vm_stdin)
            self._vm_stdin = -1

    def _from_client(self) -> None:
        try:
            data = os.read(self._master, _CHUNK)
            if self._vm_stdin >= 0:
                self.dropped += len(data) - os.write(self._vm_stdin, data)
        except (BlockingIOError, BrokenPipeError):
            # A VM that does not read, or has just ended: a UART overruns.
            self.dropped += 1

    def _from_vm(self, fd: int, logged: bool) -> bool:
        try:
            data = os.read(fd, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._forget(fd)
            return False
        if logged:
            self._log.write(data)
        else:
            self._tail = (self._tail + data)[-_CHUNK:]
        room = _BACKLOG_MAX - len(self._backlog)
        self.dropped += max(0, len(data) - room)
        self._backlog += data[:room]
        self._to_client()
        return True

    def _forget(self, fd: int) -> None:
        self._loop.remove_reader(fd)
        del self._readers[fd]
        os.close(fd)

    def _to_client(self) -> None:
        try:
            written = os.write(self._master, self._backlog)
        except BlockingIOError:
            written = 0
        del self._backlog[:written]
        if self._stale is not None and (written or not self._backlog):
            self._stale.cancel()
            self._stale = None
        if self._backlog:
            self._loop.add_writer(self._master, self._to_client)
            if self._stale is None:
                self._stale = self._loop.call_later(_STALE_AFTER_S, self._drop_backlog)
        else:
            self._loop.remove_writer(self._master)

    def _drop_backlog(self) -> None:
        self._stale = None
        self.dropped += len(self._backlog)
        self._backlog.clear()
        # The kernel holds some 16 KiB more, on both halves of the pty.
        termios.tcflush(self._master, termios.TCOFLUSH)
        termios.tcflush(self._slave, termios.TCIFLUSH)
        self._loop.remove_writer(self._master)


def _point(link: Path, name: str) -> None:
    if link.is_symlink():
        old = str(link.readlink())
        if not old.startswith(_PTY_PREFIXES):
            raise BoardError(
                f"the console's link {link} points to {old}, which is no pseudo-terminal: choose another"
            )
    elif link.exists():
        raise BoardError(f"the console's link {link} is taken by a file: choose another name or remove it")
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    try:
        fresh.symlink_to(name)
        fresh.replace(link)
    except OSError as error:
        raise BoardError(f"the console's link {link} cannot be made ({error.strerror})") from error
