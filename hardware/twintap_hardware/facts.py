"""Every number that was read or assumed, from facts.toml: value, unit, source, and whether it was read.

A fact is *unverified* when nobody has read it in the source that it names; `make hardware` counts those.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

from .places import PACKAGE

FILE = PACKAGE / "facts.toml"
_FIELDS = {"value", "unit", "source", "verified", "note"}


class BadFact(ValueError):
    """facts.toml says something that is no fact: the message names the fact and what is wrong."""


@dataclass(frozen=True)
class Fact:
    """One number (or a list of pin numbers) and where it comes from.

    `name` is `group.what_unit`, as in facts.toml. `unit` is "" for a bare number. `verified` says that
    somebody has read `value` in `source`.
    """

    name: str
    value: float | tuple[int, ...]
    unit: str
    source: str
    verified: bool
    note: str = ""


def parse(text: str) -> dict[str, Fact]:
    """The facts in a TOML text: tables `[group.name]`, in the order of the text.

    Raises BadFact (or tomllib.TOMLDecodeError) for anything else.
    """
    found: dict[str, Fact] = {}
    for group, table in tomllib.loads(text).items():
        for key, entry in cast("dict[str, Any]", table).items():
            name = f"{group}.{key}"
            if not isinstance(entry, dict):
                raise BadFact(f"{name}: a fact is a table [{name}] with {', '.join(sorted(_FIELDS))}")
            found[name] = _fact(name, cast("dict[str, Any]", entry))
    return found


def _fact(name: str, entry: dict[str, Any]) -> Fact:
    if unknown := set(entry) - _FIELDS:
        raise BadFact(f"{name}: unknown {', '.join(sorted(unknown))}")
    if missing := _FIELDS - {"note"} - set(entry):
        raise BadFact(f"{name}: lacks {', '.join(sorted(missing))}")
    value, source = entry["value"], entry["source"]
    if isinstance(value, list):
        items = cast("list[Any]", value)
        if any(type(item) is not int for item in items):
            raise BadFact(f"{name}: a list holds whole numbers, not {items!r}")
        kept: float | tuple[int, ...] = tuple(cast("list[int]", items))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        kept = value
    else:
        raise BadFact(f"{name}: the value is a number or a list of pins, not {value!r}")
    if not isinstance(source, str) or len(source.strip()) < 8:
        raise BadFact(f"{name}: say the source: document and place, or how it is calculated")
    if not isinstance(entry["verified"], bool):
        raise BadFact(f"{name}: verified is true or false, not {entry['verified']!r}")
    return Fact(name, kept, str(entry["unit"]), source, entry["verified"], str(entry.get("note", "")))


@functools.cache
def facts() -> Mapping[str, Fact]:
    """All facts by name."""
    return MappingProxyType(parse(FILE.read_text("utf-8")))


def fact(name: str) -> Fact:
    """The fact of that name. Raises BadFact if there is none."""
    try:
        return facts()[name]
    except KeyError:
        raise BadFact(f"facts.toml has no [{name}]") from None


def number(name: str) -> float:
    """A fact's number, in the fact's own unit. Raises BadFact if there is none or it is a list."""
    value = fact(name).value
    if isinstance(value, tuple):
        raise BadFact(f"{name} is a list of pins, not a number")
    return value


def pins(name: str) -> frozenset[int]:
    """A fact's list of GPIO numbers. Raises BadFact if there is none or it is a number."""
    value = fact(name).value
    if not isinstance(value, tuple):
        raise BadFact(f"{name} is a number, not a list of pins")
    return frozenset(value)


def unverified() -> list[Fact]:
    """The facts that nobody has read in their source."""
    return [each for each in facts().values() if not each.verified]


def check() -> list[str]:
    """What is wrong with facts.toml; empty if nothing is."""
    try:
        parse(FILE.read_text("utf-8"))
    except (BadFact, tomllib.TOMLDecodeError) as wrong:
        return [f"facts.toml: {wrong}"]
    return []
