"""All figures from calculation: figures.md to read, figures.json for programs, and what fails.

Each has a formula, the facts it leans on (facts.toml, with their sources), results with units, and a verdict
against a limit with its reason. A figure that fails its limit is a breach, unless it is one of `BORNE`: those
stand in figures.md with the reason why the thing is built all the same.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import functools
import json
import math
from collections.abc import Iterator
from pathlib import Path

from . import figures_body, figures_circuit, figures_heat, figures_motor, figures_power
from .facts import fact
from .figures_kit import FAIL, PASS, TOLD, Figure, Row, table, unit_of

OUTPUTS = ("figures.md", "figures.json")

# Figures that fail and are borne, each with the reason.
BORNE = {
    "pulse_least_m_s2": "a limit of coin motors, not of safety: the default pulse is five times as wide",
    "skin_over_stuck_c": "no cheap part ends it: a motor that is stuck on is felt at once and put down, or "
    "taken away by whoever is there; the guide has the MOSFET measured before the cell goes in (safety file)",
}


@functools.cache
def all_figures() -> tuple[Figure, ...]:
    """Every figure, in the order of the file."""
    return (
        *figures_power.figures(),
        *figures_circuit.figures(),
        *figures_motor.figures(),
        *figures_heat.figures(),
        *figures_body.figures(),
    )


def ids() -> tuple[str, ...]:
    """The names of all figures."""
    return tuple(each.id for each in all_figures())


def verdicts() -> dict[str, str]:
    """Each figure's verdict by its name: "pass", "fail" or "told"."""
    return {each.id: each.verdict for each in all_figures()}


def check() -> list[str]:
    """Breaches: a limit that fails and is not borne, a name without its unit, a fact that is not there."""
    found: list[str] = []
    names = ids()
    found += [f"{name} is there twice" for name in sorted({each for each in names if names.count(each) > 1})]
    for figure in all_figures():
        found += _shape(figure)
        if figure.verdict == FAIL and figure.id not in BORNE:
            found += [
                f"{figure.id}, {row.case}: {_said(figure.id, row.numbers[figure.id])}, and the limit is "
                f"{_said(figure.id, row.limit.value)} ({row.limit.reason}). "
                f"What would help: {figure.proposal or 'not known yet'}"
                for row in figure.rows
                if row.limit is not None and row.counts and figure.verdict_of(row) == FAIL
            ]
    found += [f"{name} is borne, and does not fail" for name in BORNE if verdicts().get(name) != FAIL]
    return found


def _shape(figure: Figure) -> list[str]:
    found: list[str] = []
    for row in figure.rows:
        if figure.id not in row.numbers:
            found.append(f"{figure.id}, {row.case}: lacks the number that it is named for")
        for name in row.numbers:
            try:
                unit_of(name)
            except ValueError as wrong:
                found.append(f"{figure.id}, {row.case}: {wrong}")
    for name in figure.uses:
        fact(name)  # raises BadFact
    return found


def build(out: Path) -> list[Path]:
    """Writes figures.md and figures.json."""
    texts = (render(), json.dumps(as_data(), indent=1, ensure_ascii=False) + "\n")
    paths = [out / name for name in OUTPUTS]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, "utf-8")
    return paths


def _rounded(value: float) -> float | None:
    """To five significant digits; None for what has no end, which JSON cannot say."""
    return float(f"{value:.5g}") if math.isfinite(value) else None


def as_data() -> dict[str, object]:
    """The figures as JSON has them; every number's name ends in its unit, `null` is "never"."""
    return {"format": 1, "figures": [_figure_data(each) for each in all_figures()]}


def _figure_data(figure: Figure) -> dict[str, object]:
    return {
        "id": figure.id,
        "question": figure.question,
        "formula": figure.formula,
        "uses": {name: fact(name).verified for name in figure.uses},
        "rows": [_row_data(figure, row) for row in figure.rows],
        "verdict": figure.verdict,
        "borne": BORNE.get(figure.id),
    }


def _row_data(figure: Figure, row: Row) -> dict[str, object]:
    data: dict[str, object] = {
        "case": row.case,
        "counts": row.counts,
        "numbers": {name: _rounded(value) for name, value in row.numbers.items()},
        "verdict": figure.verdict_of(row),
    }
    if row.limit is not None:
        side = "least" if row.limit.is_least else "most"
        data["limit"] = {f"{side}_{figure.id}": _rounded(row.limit.value), "reason": row.limit.reason}
    return data


def _said(name: str, value: float) -> str:
    if not math.isfinite(value):
        return "never"
    shown = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{shown} {unit_of(name)}"


_INTRODUCTION = """\
# Figures

Calculated by `hardware/twintap_hardware/figures*.py` from `facts.toml` and the parts list; do not edit them
here. None of them was measured on a pulser. A number is only as good as the facts that it leans on: those
that nobody has read in their source are marked *unverified*, and listed at the end.

**pass** and **fail** are against a limit with its reason; **told** has none. Rows in brackets are for
comparison: they are not what the parts list has, or not how a pulser is used.
"""


def render() -> str:
    """The figures as Markdown."""
    rows = [(f"[{each.question}](#{each.id})", _worst(each), f"**{each.verdict}**") for each in all_figures()]
    parts = [_INTRODUCTION, "## In short\n", table(("question", "answer", "verdict"), rows)]
    parts += [_chapter(each) for each in all_figures()]
    parts.append(_facts())
    return "\n".join(parts)


def _worst(figure: Figure) -> str:
    """The number of the row that counts and lies worst; with its case where there are several."""
    rows = [each for each in figure.rows if each.counts]
    if figure.verdict == TOLD:
        found = [row.numbers[figure.id] for row in rows]
        return f"{_said(figure.id, min(found))} to {_said(figure.id, max(found))}"

    def spare(row: Row) -> float:
        if row.limit is None:
            return math.inf
        apart = row.limit.value - row.numbers[figure.id]
        return (-apart if row.limit.is_least else apart) / abs(row.limit.value)

    row = min(rows, key=spare)
    return f"{_said(figure.id, row.numbers[figure.id])} ({row.case})"


def _chapter(figure: Figure) -> str:
    marks = {name: "" if fact(name).verified else " (unverified)" for name in figure.uses}
    lines = [f'<a id="{figure.id}"></a>\n', f"## {figure.question}\n", f"`{figure.id}` = {figure.formula}\n"]
    lines.append(table(_head(figure), list(_cells(figure))))
    limits = list(dict.fromkeys(each.limit for each in figure.rows if each.limit))
    lines += [
        f"Limit: at {'least' if each.is_least else 'most'} {_said(figure.id, each.value)}: {each.reason}.\n"
        for each in limits
    ]
    if figure.says:
        lines.append(figure.says + "\n")
    if figure.verdict != PASS and figure.id in BORNE:
        lines.append(f"**Fails, and is borne:** {BORNE[figure.id]}.\n")
    if figure.verdict == FAIL and figure.proposal:
        lines.append(f"**What would help:** {figure.proposal}.\n")
    lines.append("From: " + ", ".join(f"{name}{mark}" for name, mark in marks.items()) + ".\n")
    return "\n".join(lines)


def _columns(figure: Figure) -> list[str]:
    names: list[str] = [figure.id]
    for row in figure.rows:
        names += [each for each in row.numbers if each not in names]
    return names


def _title(name: str) -> str:
    ending = next(each for each in ("_m_s2", "_" + name.rpartition("_")[2]) if name.endswith(each))
    return name.removesuffix(ending).replace("_", " ")


def _head(figure: Figure) -> list[str]:
    return ["case", *(_title(each) for each in _columns(figure)), "verdict"]


def _cells(figure: Figure) -> Iterator[list[str]]:
    for row in figure.rows:
        numbers = [_said(name, row.numbers[name]) if name in row.numbers else "" for name in _columns(figure)]
        line = [row.case, *numbers, figure.verdict_of(row)]
        yield line if row.counts else [f"({each})" if each else "" for each in line]


def _facts() -> str:
    used = sorted({name for figure in all_figures() for name in figure.uses})
    rows = [
        (
            name,
            f"{fact(name).value} {fact(name).unit}",
            fact(name).source,
            "read" if fact(name).verified else "**unverified**",
        )
        for name in used
    ]
    unread = sum(not fact(name).verified for name in used)
    return "\n".join(
        (
            "## The facts that they lean on\n",
            f"{unread} of {len(used)} are unverified.\n",
            table(("fact", "value", "source", ""), rows),
        )
    )
