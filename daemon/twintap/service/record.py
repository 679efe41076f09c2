"""What `install-service` has put on this computer, kept so that `remove-service` takes exactly that away."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_RECORD = "service.json"
_FEW = 32


class Record(BaseModel):
    """`files`: paths with the SHA-256 of what was written, empty for what the system or the service makes.

    `folders`: those that had to be made, the inner ones first.

    `program`: what the service starts, `data`: over which folder, `url`: where its daemon answers.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    schema_version: Literal[1] = 1
    system: Literal["linux", "macos", "windows"]
    program: str
    data: str
    url: str
    files: Annotated[dict[str, str], Field(max_length=_FEW)]
    folders: Annotated[list[str], Field(max_length=_FEW)]


def config_folder(system: str | None = None, home: Path | None = None) -> Path:
    """Give the folder that holds the record: this user's settings, apart from any data folder."""
    base = home or Path.home()
    platform = system or sys.platform
    if platform in ("win32", "windows"):
        told = os.environ.get("APPDATA")
        return (Path(told) if told else base / "AppData" / "Roaming") / "twintap-service"
    if platform in ("darwin", "macos"):
        return base / "Library" / "Application Support" / "twintap-service"
    told = os.environ.get("XDG_CONFIG_HOME")
    return (Path(told) if told else base / ".config") / "twintap"


def record_path() -> Path:
    """Give the file that holds the record."""
    return config_folder() / _RECORD


def read_record(path: Path | None = None) -> Record | None:
    """Give what was installed; None if nothing was, or what was kept of it cannot be read. Blocks."""
    try:
        return Record.model_validate_json((path or record_path()).read_bytes())
    except (OSError, ValidationError):
        return None


def lost(record: Record) -> tuple[str, ...]:
    """Give what an installed service needs and is not there any more: its program, its files. Blocks."""
    written = [path for path, digest in record.files.items() if digest]
    return tuple(path for path in (record.program, *written) if not Path(path).exists())
