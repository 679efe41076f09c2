"""Where the MicroPython sources lie that a board runs.

In a checkout they are the folders themselves; in an installed wheel they are carried as data. Everything
that compiles, copies or runs them (the virtual board, `twintap flash`) asks here.
"""

from importlib.util import find_spec
from pathlib import Path

_HERE = Path(__file__).resolve().parent


def firmware_dir() -> Path:
    """Give the folder that holds `boot.py`, `main.py`, `twintap_pulser/` and `boards/*.json`.

    Treat it as read-only: it may be a checkout or somebody's site-packages.

    Raises FileNotFoundError, naming the folder, if this installation carries no firmware.
    """
    carried = _HERE / "_firmware"
    return _checked(carried if carried.is_dir() else _HERE.parent, "main.py", "the pulser's firmware")


def protocol_dir() -> Path:
    """Give the folder that holds the package folder `twintap_protocol/`; take nothing else from it.

    In a checkout that is `protocol/`, in an installation site-packages. The package is found, not imported.

    Raises FileNotFoundError, naming the folder, if the package cannot be found.
    """
    spec = find_spec("twintap_protocol")
    if spec is None or not spec.submodule_search_locations:
        return _checked(_HERE.parent.parent / "protocol", "twintap_protocol", "the protocol package")
    package = Path(next(iter(spec.submodule_search_locations))).resolve()
    return _checked(package.parent, "twintap_protocol", "the protocol package")


def _checked(folder: Path, must_hold: str, what: str) -> Path:
    if not (folder / must_hold).exists():
        raise FileNotFoundError(f"{what} is not in {folder}: {must_hold} is missing; reinstall twintap")
    return folder
