"""SKiDL templates of our own, with typed pins, made from parts.toml: no library of KiCad's is asked."""
# SPDX-License-Identifier: CERN-OHL-P-2.0
# pyright: basic, reportMissingImports=false

from collections.abc import Mapping
from typing import Any

from skidl import SKIDL, TEMPLATE, Part, Pin
from skidl.pin import pin_types

from .boards import CELL_PADS, LEFT_PADS, RIGHT_PADS, Role
from .catalogue import kinds

# The XIAO's own pins. 3V3 is its regulator's output, 5V is USB's; the cell's pads take and give.
_XIAO_SUPPLY = {"5V": "PWROUT", "GND": "PWRIN", "3V3": "PWROUT", "BAT+": "PWRIN", "BAT-": "PASSIVE"}


def xiao_pins(roles: Mapping[str, Role]) -> dict[str, str]:
    """The types of a XIAO's pads: what the board file makes of each; a pad without a role goes both ways."""
    used = {role.pad: role.direction for role in roles.values()}
    return {
        pad: _XIAO_SUPPLY.get(pad) or used.get(pad, "BIDIR") for pad in LEFT_PADS + RIGHT_PADS + CELL_PADS
    }


def template(kind: str, pins: Mapping[str, str] | None = None) -> Any:
    """A template of that kind; `pins` (name to type) in place of the catalogue's, for a XIAO."""
    entry = kinds()[kind]
    typed = entry.pins if pins is None else pins
    return Part(
        name=kind,
        ref_prefix=entry.prefix,
        tool=SKIDL,
        dest=TEMPLATE,
        value=entry.value,
        pins=[
            Pin(num=name, name=name, func=getattr(pin_types, kind_type)) for name, kind_type in typed.items()
        ],
    )
