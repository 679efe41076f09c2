"""Every fact is used: a number that nothing is reckoned with or bought by is nobody's to keep true."""

import ast
import re

from twintap_hardware import facts, rules
from twintap_hardware.catalogue import kinds
from twintap_hardware.places import PACKAGE

PINS = tuple(name.partition(".")[2] for name, fact in facts.facts().items() if isinstance(fact.value, tuple))


def asked_for() -> tuple[set[str], list[str]]:
    """The strings of the code, and its f-strings as patterns; those of less than a word do not count."""
    plain: set[str] = set()
    patterns: list[str] = []
    for path in sorted(PACKAGE.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                plain.add(node.value)
            if isinstance(node, ast.JoinedStr):
                parts = [str(part.value) if isinstance(part, ast.Constant) else None for part in node.values]
                if any(part and re.search(r"\.\w{3}|\w{3}\.", part) for part in parts):
                    patterns.append("".join(r"\w+" if part is None else re.escape(part) for part in parts))
    return plain, patterns


def unused(names: set[str]) -> set[str]:
    plain, patterns = asked_for()
    named = plain | {name for kind in kinds().values() for name in kind.numbers_from}
    # What rules.py looks up for each chip: `{group}.{fact}`, both of them strings there.
    named |= {f"{group}.{fact}" for group in rules.CHIPS.values() for fact in plain & set(PINS)}
    return {
        name
        for name in names
        if name not in named and not any(re.fullmatch(pattern, name) for pattern in patterns)
    }


def test_every_fact_is_used_by_a_figure_a_drawing_or_a_part() -> None:
    assert unused(set(facts.facts())) == set()


def test_a_fact_that_nothing_uses_is_seen() -> None:
    assert unused({"case.colour", "chip_c3.colour", "case.cell_lead_mm"}) == {"case.colour", "chip_c3.colour"}
