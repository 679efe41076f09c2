"""The daemon's branch of the one tree of exceptions.

TwintapError
├── ProtocolError          (twintap_protocol: frames, links, schedules)
├── Refused                a command was not carried out, and nothing changed
├── StoreError             the data folder cannot be read or written
├── ConsoleError           a pulser's console refused, or did not answer
└── StartupError           the daemon cannot serve: a busy port, an unusable host
"""

from dataclasses import dataclass

from twintap_protocol.errors import TwintapError


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a command was refused, for a program (`code`, `field` …) and for a person (`message`).

    `code` is one of:
      range      a field outside `low` .. `high`
      field      a field that is unknown, or of the wrong type
      unknown    no such room, pulser, session, entry … (`field` names which)
      taken      the room has a pulser of that side, or there is a room of that name
      incomplete the room lacks a pulser (`side`)
      offline    a pulser is not linked (`side`)
      charging   a pulser is on its charger (`side`)
      asleep     a pulser sleeps until its button is pressed (`side`)
      waking     a pulser rests, and is being woken: say it again (`side`, `retry_after_ms`)
      empty      a pulser's charge is enough for no new set (`side`)
      refused    a pulser will not: it does not keep that network, or not any more
      flash      a pulser could not write it down
      old        a pulser's firmware is too old for it
      plain      a secret does not go over plain HTTP
      busy       a port of this computer is in use here; or too much waits for a pulser already
      console    what is at a port did not answer as a pulser does, or refused; the message says what to do
      unready    a pulser's clock is not known well enough yet (`side`)
      running    a set runs
      idle       no set runs
      stale      the room has changed since the state that the command was made against
      cooldown   a set ended less than a second ago (`retry_after_ms`)
      silent     a pulser did not acknowledge in time (`side`)
      clock      this computer's clock jumped
      open       a session is open in the room
      closed     none is
      late       an entry is too old to be taken back: correct it
      undone     an entry was taken back already
      erased     the session's client was erased
      full       there are as many as there can be
      storage    the disk did not take it; the message says what holds all the same
    """

    code: str
    message: str
    field: str | None = None
    value: object = None
    low: float | None = None
    high: float | None = None
    side: str | None = None
    retry_after_ms: int | None = None


class Refused(TwintapError):
    """A command was refused; nothing that ran was touched."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class StoreError(TwintapError):
    """The data folder cannot be read or written. The message names the file and what to do."""


class ConsoleError(TwintapError):
    """A pulser's serial console did not answer, or answered with an error."""


class StartupError(TwintapError):
    """The daemon cannot start serving."""
