"""The bill of materials: from a netlist and parts.toml to one CSV for a pair and one for ten. No prices.

Pure: each line says what any part in its place must satisfy, one part that does, and a second source.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from . import catalogue, netlist
from .catalogue import Kind, kinds
from .facts import fact
from .netlist import Netlist
from .places import BOARDS, OUT

# Pairs per list, and its file. A pair is two pulsers.
LISTS = {1: "bom-1-pair.csv", 10: "bom-10-pairs.csv"}
PULSERS_PER_PAIR = 2
# With a mark at its beginning: else some spreadsheets take it for another, and show "Î©" for "Ω".
ENCODING = "utf-8-sig"
COLUMNS = (
    "designators",
    "quantity",
    "value",
    "must_satisfy",
    "maker",
    "number",
    "second_source",
    "reason",
    "number_seen_in",
    "unverified_facts",
)


@dataclass(frozen=True)
class Line:
    """One line: the designators of one pulser (none for what no net runs through), and how many to buy."""

    designators: tuple[str, ...]
    quantity: int
    kinds: tuple[Kind, ...]


def lines(drawn: Netlist, pairs: int) -> list[Line]:
    """The lines for so many pairs: parts of one maker's number are one line.

    Raises KeyError if the netlist has a part that parts.toml does not know.
    """
    by_number: dict[tuple[str, str], list[tuple[str, Kind]]] = {}
    for part in drawn.parts.values():
        kind = kinds()[part.kind]
        by_number.setdefault((kind.maker, kind.number), []).append((part.designator, kind))
    pulsers = pairs * PULSERS_PER_PAIR
    found = [
        Line(
            tuple(sorted((designator for designator, _ in entries), key=_natural)),
            len(entries) * pulsers,
            tuple(dict.fromkeys(kind for _, kind in entries)),
        )
        for entries in by_number.values()
    ]
    found.sort(key=lambda line: _natural(line.designators[0]))
    found += [Line((), kind.each * pulsers, (kind,)) for kind in kinds().values() if kind.each]
    return found


def _natural(designator: str) -> tuple[str, int]:
    found = re.fullmatch(r"([A-Z]+)(\d+)", designator)
    if not found:
        raise ValueError(f"{designator!r} is no designator")
    return found[1], int(found[2])


def _once(words: list[str]) -> str:
    return "; ".join(dict.fromkeys(word for word in words if word))


def table(drawn: Netlist, pairs: int) -> str:
    """The list as CSV (RFC 4180, but for line ends of one newline), a header first."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines(drawn, pairs):
        unread = [name for kind in line.kinds for name in kind.numbers_from if not fact(name).verified]
        writer.writerow(
            (
                " ".join(line.designators),
                line.quantity,
                _once([kind.value for kind in line.kinds]),
                _once([kind.must for kind in line.kinds]),
                line.kinds[0].maker,
                line.kinds[0].number,
                _once([kind.second for kind in line.kinds]),
                _once([kind.reason for kind in line.kinds]),
                _once([kind.seen for kind in line.kinds]) or "unverified",
                " ".join(dict.fromkeys(unread)),
            )
        )
    return text.getvalue()


def breaches(drawn: Netlist, pairs: int, text: str) -> list[str]:
    """What is wrong with a list: a part of the netlist that it lacks or has twice, a wrong number, a gap."""
    found: list[str] = []
    rows = list(csv.DictReader(io.StringIO(text)))
    where = f"{drawn.board}, {pairs} pair{'' if pairs == 1 else 's'}"
    listed = [designator for row in rows for designator in row["designators"].split()]
    for designator in sorted(set(listed) | set(drawn.parts)):
        if listed.count(designator) != 1:
            found.append(f"{where}: {designator} is listed {listed.count(designator)} times")
        if designator not in drawn.parts:
            found.append(f"{where}: {designator} is not in the netlist")
    loose = {kind.value: kind.each for kind in kinds().values() if kind.each}
    for row in rows:
        each = len(row["designators"].split()) or loose.get(row["value"], 0)
        if row["quantity"] != str(each * pairs * PULSERS_PER_PAIR):
            found.append(f"{where}: {row['quantity']} of {row['designators'] or row['value']}")
        if row["designators"] and not any(
            drawn.parts[designator].value in row["value"]
            for designator in row["designators"].split()
            if designator in drawn.parts
        ):
            found.append(f"{where}: {row['designators']} is not {row['value']}")
        found += [
            f"{where}: {row['designators'] or row['value']}: no {column}"
            for column in COLUMNS[2:-1]
            if not row[column].strip()
        ]
        if "\n" in "".join(row.values()):
            found.append(f"{where}: {row['designators']}: more than one line")
    found += [
        f"{where}: {value} is not listed" for value in loose if value not in {row["value"] for row in rows}
    ]
    return found


def build(out: Path) -> list[Path]:
    """Write both lists for every board, from the netlists that were just built."""
    made: list[Path] = []
    for board in BOARDS:
        drawn = netlist.built(out, board)
        (out / board).mkdir(exist_ok=True)
        for pairs, name in LISTS.items():
            path = out / board / name
            path.write_text(table(drawn, pairs), ENCODING)
            made.append(path)
    return made


def check() -> list[str]:
    """Breaches of the committed lists."""
    found = catalogue.check()
    for board in BOARDS:
        drawn = netlist.committed(board)
        for pairs, name in LISTS.items():
            found += breaches(drawn, pairs, (OUT / board / name).read_text(ENCODING))
    return found
