"""The kinds of part of a pulser, from parts.toml: pins with types, and what any such part must satisfy."""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

from .facts import facts
from .places import PACKAGE

FILE = PACKAGE / "parts.toml"
PIN_TYPES = frozenset({"INPUT", "OUTPUT", "BIDIR", "PASSIVE", "OPENCOLL", "PWRIN", "PWROUT"})
_TEXTS = ("value", "must", "maker", "number", "second", "reason")


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of part.

    `seen` says where the ordering number was read ("": only remembered).
    `pins` maps a pin's name to its electrical type; it is empty for a XIAO, whose pads get their types from
    the board file, and for what no net runs through. `each` counts those last ones per pulser, else 0.
    `size_mm` is length, width and height of the body, or None where the case does not depend on it.
    """

    name: str
    prefix: str
    value: str
    must: str
    maker: str
    number: str
    seen: str
    second: str
    reason: str
    numbers_from: tuple[str, ...]
    pins: Mapping[str, str]
    each: int
    size_mm: tuple[float, float, float] | None


@functools.cache
def kinds() -> Mapping[str, Kind]:
    """All kinds by name, in the order of the file."""
    found: dict[str, Kind] = {}
    for name, entry in tomllib.loads(FILE.read_text("utf-8")).items():
        fields = cast("dict[str, Any]", entry)
        size = cast("list[float] | None", fields.get("size_mm"))
        found[name] = Kind(
            name=name,
            prefix=str(fields.get("prefix", "")),
            value=str(fields["value"]),
            must=str(fields["must"]),
            maker=str(fields["maker"]),
            number=str(fields["number"]),
            seen=str(fields["seen"]),
            second=str(fields["second"]),
            reason=str(fields["reason"]),
            numbers_from=tuple(cast("list[str]", fields["numbers_from"])),
            pins=MappingProxyType(cast("dict[str, str]", fields.get("pins", {}))),
            each=int(fields.get("each", 0)),
            size_mm=(size[0], size[1], size[2]) if size else None,
        )
    return MappingProxyType(found)


def unverified() -> list[Kind]:
    """The kinds whose ordering number nobody has read anywhere."""
    return [kind for kind in kinds().values() if not kind.seen]


def check() -> list[str]:
    """What is wrong with parts.toml: an empty word, an unknown pin type, a fact that is not there."""
    found: list[str] = []
    for kind in kinds().values():
        found += [f"{kind.name}: says no {word}" for word in _TEXTS if not str(getattr(kind, word)).strip()]
        found += [
            f"{kind.name}.{pin}: {kinds_type} is no pin type"
            for pin, kinds_type in kind.pins.items()
            if kinds_type not in PIN_TYPES
        ]
        found += [
            f"{kind.name}: facts.toml has no [{name}]" for name in kind.numbers_from if name not in facts()
        ]
        if kind.pins and not kind.prefix:
            found.append(f"{kind.name}: has pins and no designator's letter")
        if kind.maker in kind.second:
            found.append(f"{kind.name}: its second source is {kind.maker} too")
        if "\n" in kind.must + kind.reason:
            found.append(f"{kind.name}: what it must satisfy and its reason are one line each")
    return found
