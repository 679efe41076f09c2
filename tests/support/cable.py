"""A cable between a program and a board's console, which can be pulled at any byte.

What goes through it is counted, in both directions. Pulled, its port is gone, as a USB port is; plugged in
again, it is there under the same name.
"""

import contextlib
import os
import select
import threading
import tty
from pathlib import Path
from typing import Self

_TICK_S = 0.05
_WITHIN_S = 20.0
_CHUNK = 4_096


class Cable:
    """The cable of the console `far`, with its port at `near`. A context; it is plugged in at the start."""

    def __init__(self, near: Path, far: Path) -> None:
        self.port = near
        self.bytes_through = 0
        self._far_name = far
        self._left: int | None = None
        self._near = self._far = self._slave = -1
        self._lock = threading.Lock()
        self._pulled = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cable")

    def __enter__(self) -> Self:
        self.plug_in()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(_WITHIN_S)
        self.pull()

    @property
    def is_pulled(self) -> bool:
        """Whether it is out."""
        return self._pulled.is_set()

    def plug_in(self) -> None:
        """Put it in; nothing of what was on the way before comes through."""
        with self._lock:
            if self._near >= 0:
                return
            self._left = None
            self._far = os.open(self._far_name, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            with contextlib.suppress(BlockingIOError):
                while os.read(self._far, _CHUNK):
                    pass
            self._near, self._slave = os.openpty()
            tty.setraw(self._slave)
            os.set_blocking(self._near, False)
            fresh = self.port.with_name(self.port.name + ".new")
            fresh.symlink_to(os.ttyname(self._slave))
            fresh.replace(self.port)
            self._pulled.clear()

    def pull(self) -> None:
        """Pull it; whoever has the port open hears that it is gone."""
        with self._lock:
            self._pull()

    def pull_after(self, count: int) -> None:
        """Pull it as soon as `count` more bytes, 1 or more, have gone through, in either direction."""
        with self._lock:
            self._left = count

    def _pull(self) -> None:
        self._left = None
        self._pulled.set()
        if self._near >= 0:
            self.port.unlink(missing_ok=True)
            for fd in (self._near, self._slave, self._far):
                os.close(fd)
        self._near = self._slave = self._far = -1

    def _run(self) -> None:
        while not self._over.is_set():
            with self._lock:
                ends = [fd for fd in (self._near, self._far) if fd >= 0]
            if not ends:
                self._over.wait(_TICK_S)
                continue
            with contextlib.suppress(OSError, ValueError):  # pulled meanwhile
                ready, _, _ = select.select(ends, [], [], _TICK_S)
                with self._lock:
                    for fd in ready:
                        self._carry(fd)

    def _carry(self, fd: int) -> None:
        if fd not in (self._near, self._far):
            return
        to = self._far if fd == self._near else self._near
        try:
            data = os.read(fd, _CHUNK if self._left is None else self._left)
        except BlockingIOError:
            return
        self.bytes_through += len(data)
        if self._left is not None:
            self._left -= len(data)
        while data:
            try:
                data = data[os.write(to, data) :]
            except BlockingIOError:
                if not select.select([], [to], [], _TICK_S)[1]:
                    break  # nobody reads: a UART overruns
        if self._left == 0:
            self._pull()
