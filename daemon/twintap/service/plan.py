"""What a service is made of, on any platform: files, and what the system is asked. Nothing is done here."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Literal

from .. import addresses
from ..access.links import base_url
from ..errors import StartupError

System = Literal["linux", "macos", "windows"]

# In every text that is written, so that what is ours is known again.
MARK = "made by twintap install-service"
_TEXT_MAX = 4_096


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to start, for whom. Paths are absolute, in the platform's own way of writing them.

    `python`: the interpreter that has twintap; `data`: the data folder; `host`, `port`, `tls`: as `twintap
    serve` takes them. `home`: the user's; `config_home`, `data_home`: where this user's settings and
    applications are kept (Linux: XDG's; Windows: both are %APPDATA%; macOS: the Library). `user`: as the
    system names them (Windows: DOMAIN\\user), `uid`: their number where they have one.
    """

    system: System
    python: str
    data: str
    host: str
    port: int
    tls: bool
    home: str
    config_home: str
    data_home: str
    user: str
    uid: int = 0

    def __post_init__(self) -> None:
        """Raise StartupError for what no service could be told."""
        for name, text in (
            ("the interpreter", self.python),
            ("the data folder", self.data),
            ("the home folder", self.home),
            ("the settings folder", self.config_home),
            ("the applications folder", self.data_home),
            ("--host", self.host),
            ("the user", self.user),
        ):
            # A byte that is no UTF-8 is a lone surrogate here, and not printable either.
            if not text or len(text) > _TEXT_MAX or not text.isprintable():
                raise StartupError(f"{name} is {text!a}, which a service cannot be told; choose another")

    @property
    def url(self) -> str:
        """Where this computer's own programs reach the daemon."""
        reached = addresses.LOOPBACK if self.host == addresses.ANY else self.host
        return base_url(reached, self.port, tls=self.tls)

    def path(self, *parts: str) -> PurePath:
        """Join a path in the platform's way."""
        return PureWindowsPath(*parts) if self.system == "windows" else PurePosixPath(*parts)

    @property
    def serve(self) -> tuple[str, ...]:
        """What starts the daemon, as a list of arguments. Nothing secret is among them."""
        # -P: a file called twintap in the folder that it starts in is not taken for this program.
        program = (self.python, "-P", "-m", "twintap", "serve", "--data", self.data)
        return (*program, "--host", self.host, "--port", str(self.port), *(() if self.tls else ("--no-tls",)))

    @property
    def open(self) -> tuple[str, ...]:
        """What the icon runs, as a list of arguments. Nothing secret is among them."""
        return (
            *(self.python, "-P", "-m", "twintap", "open", "--icon"),
            *("--data", self.data, "--url", self.url),
        )


@dataclass(frozen=True, slots=True)
class File:
    """A file to be written. `mode` counts on POSIX."""

    path: str
    content: bytes
    mode: int = 0o600

    @property
    def digest(self) -> str:
        """The SHA-256 of what is in it, in hex."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Step:
    """A program of the system to be run. `may_fail`: no matter if it does; `tries`: half a second apart.

    `environment`: what it is told beside its arguments.
    """

    command: tuple[str, ...]
    may_fail: bool = False
    tries: int = 1
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole service.

    `check`: has to succeed before anything is written; `no_check`: what it means if it does not.
    `register` follows the files; then `start` if nothing has changed, or else `restart`. `end` comes before
    the files are taken away, `forget` after. `made`: files that the steps or the service make, and that go
    with it. `hints`: what a person has to know. `log`: the command that shows why it does not run.
    """

    system: System
    files: tuple[File, ...]
    register: tuple[Step, ...]
    start: tuple[Step, ...]
    restart: tuple[Step, ...]
    end: tuple[Step, ...]
    forget: tuple[Step, ...] = ()
    made: tuple[str, ...] = ()
    check: Step | None = None
    no_check: str = ""
    hints: tuple[str, ...] = ()
    log: str = ""
