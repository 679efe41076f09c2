"""Where the data folder is, and what other programs of its user read there without opening it."""

import os
from pathlib import Path

import platformdirs


def default_path() -> Path:
    """Give the data folder: `TWINTAP_DATA`, or the platform's place for a user's data."""
    told = os.environ.get("TWINTAP_DATA")
    return Path(told) if told else Path(platformdirs.user_data_dir("twintap", appauthor=False))


def read_admin_token(path: Path) -> str | None:
    """Give the token in the data folder `path`, for programs of the same user; None if there is none."""
    try:
        return (path / "token").read_text("ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
