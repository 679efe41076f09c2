"""Puts the pulser's sources into the wheel, as data of `twintap_board`.

A hook, and not a `force-include` table, because an editable install must not get a copy: there
`twintap_board.sources` finds the working files, and a copy beside them would go stale.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PulserSources(BuildHookInterface[Any]):
    """Maps `firmware/{boot.py,main.py,twintap_pulser/,boards/}` to `twintap_board/_firmware/`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to a "standard" wheel; raise FileNotFoundError if one of the four is missing."""
        if version != "standard":
            return
        firmware = Path(self.root) / "firmware"
        for wanted in ("boot.py", "main.py", "twintap_pulser/*.py", "boards/*.json"):
            files = sorted(firmware.glob(wanted.replace("/*", "/**/*")))
            if not files:
                raise FileNotFoundError(f"no {wanted} in {firmware}: a wheel without firmware is of no use")
            for file in files:
                inside = file.relative_to(firmware).as_posix()
                build_data["force_include"][str(file)] = f"twintap_board/_firmware/{inside}"
