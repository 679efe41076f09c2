"""The pulser's firmware that came with this daemon: which version it is.

Daemon and firmware share no code, so its sources are looked at as data, where the virtual board's package
keeps them.
"""

import functools
import re
from importlib.util import find_spec
from pathlib import Path

_VERSION = re.compile(r"^VERSION = \((\d{1,3}), (\d{1,3}), (\d{1,3})\)", re.MULTILINE)


@functools.cache
def firmware_version() -> tuple[int, int, int] | None:
    """Give major, minor and patch; None if this installation carries no firmware. Blocks, the first time."""
    spec = find_spec("twintap_board")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        for above in (Path(folder) / "_firmware", Path(folder).parent):
            try:
                text = (above / "twintap_pulser" / "__init__.py").read_text("utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            found = _VERSION.search(text)
            if found is not None:
                return int(found[1]), int(found[2]), int(found[3])
    return None
