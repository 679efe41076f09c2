"""What a running set had done when it was last looked at, for a daemon that dies in it.

A small file, written again every second while a set runs. It is not synced: it outlives a killed daemon, and
a power cut leaves what the disk had. Without it a set that was lost is recorded all the same, and less of it
is known.
"""

import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..views import SetView

_log = logging.getLogger(__name__)
_NAME = "lastly.json"


class LastSide(BaseModel):
    """A side's figures, as in `set.recorded`."""

    model_config = ConfigDict(extra="forbid")

    delivered: Annotated[int, Field(ge=0)] = 0
    skipped: Annotated[int, Field(ge=0)] = 0
    late: Annotated[int, Field(ge=0)] = 0
    latest_us: Annotated[int, Field(ge=0)] = 0


class LastSeen(BaseModel):
    """A set as it was last seen, as in `set.recorded`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    passes_done: Annotated[int, Field(ge=0)] = 0
    duration_ms: Annotated[int, Field(ge=0)] = 0
    left: LastSide = LastSide()
    right: LastSide = LastSide()
    left_right_error_us: float | None = None

    @classmethod
    def of(cls, current: SetView) -> "LastSeen":
        """Take it from a set that runs."""
        return cls(
            passes_done=current.passes_done,
            duration_ms=current.elapsed_ms,
            left=LastSide(**asdict(current.left)),
            right=LastSide(**asdict(current.right)),
            left_right_error_us=current.left_right_error_us,
        )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    sets: dict[str, LastSeen]


class Lastly:
    """The file in a data folder. Its methods block."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read or written yet."""
        self._path = folder / _NAME

    def write(self, sets: dict[str, LastSeen]) -> None:
        """Have these in place of those before; a disk that does not take them is a line in the log."""
        fresh = self._path.with_name(f".{_NAME}.new")
        try:
            fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(_File(sets=sets).model_dump_json().encode())
            fresh.replace(self._path)
        except OSError as error:
            _log.debug("what sets last did could not be written (%s)", error.strerror)

    def read(self) -> dict[str, LastSeen]:
        """Give what was written last; nothing if there is none, or it is damaged."""
        try:
            return _File.model_validate_json(self._path.read_bytes()).sets
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError):
            _log.warning("%s cannot be read: sets that were lost are recorded without figures", self._path)
            return {}
