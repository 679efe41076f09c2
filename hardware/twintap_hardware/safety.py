"""The safety file: hazards, what prevents each, and the tests that show it. Checks it and writes safety.md.

In the manner of ISO 14971 (hazard, sequence, harm, risk before and after the measures, residual risk), and
no more than that: nothing here is certified. The sources stand in safety.toml; this module adds the judgement
of each risk by the table of `RISKS`, the verdicts of the figures that a measure leans on, and the check that
each named test is there.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import ast
import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from . import figures
from .places import PACKAGE, ROOT

FILE = PACKAGE / "safety.toml"
OUTPUT = "safety.md"
WHO = ("hardware", "firmware", "daemon", "guide")
NEED_TESTS = ("firmware", "daemon")

ACCEPTABLE, REDUCED, UNACCEPTABLE = "acceptable", "reduced as far as it goes", "not acceptable"
_LETTERS = {"a": ACCEPTABLE, "r": REDUCED, "x": UNACCEPTABLE}
# A row for each severity, the mildest first; a column for each likelihood, the least first.
RISKS = ("aaaaa", "aaarr", "aarxx", "arxxx", "rxxxx")

_ID = re.compile(r"[a-z]+(-[a-z]+)*")


class BadSafetyFile(ValueError):
    """safety.toml does not hold together; the message names the place."""


@dataclass(frozen=True)
class Measure:
    """What one of WHO does against a hazard, with the tests and the figures that show it."""

    by: str
    does: str
    tests: tuple[str, ...]
    figures: tuple[str, ...]


@dataclass(frozen=True)
class Hazard:
    """One hazard; `before` and `after` are words of the table of likelihoods."""

    id: str
    name: str
    cause: str
    sequence: str
    harmed: str
    severity: str
    before: str
    after: str
    residual: str
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class SafetyFile:
    """What safety.toml says. The words of severity and likelihood, least first, with what they mean."""

    severities: Mapping[str, str]
    likelihoods: Mapping[str, str]
    hazards: tuple[Hazard, ...]

    def risk(self, severity: str, likelihood: str) -> str:
        """ACCEPTABLE, REDUCED or UNACCEPTABLE. Raises BadSafetyFile for a word that is in no table."""
        return _LETTERS[RISKS[_at(self.severities, severity)][_at(self.likelihoods, likelihood)]]


def _at(words: Mapping[str, str], word: str) -> int:
    if word not in words:
        raise BadSafetyFile(f"{word!r} is none of {', '.join(words)}")
    return list(words).index(word)


def parse(text: str) -> SafetyFile:
    """The safety file in a TOML text. Raises BadSafetyFile or tomllib.TOMLDecodeError."""
    top = tomllib.loads(text)
    if set(top) != {"severity", "likelihood", "hazard"}:
        raise BadSafetyFile(f"top: severity, likelihood and hazard, not {', '.join(top)}")
    return SafetyFile(
        _words("severity", top["severity"], len(RISKS)),
        _words("likelihood", top["likelihood"], len(RISKS[0])),
        tuple(_hazard(entry) for entry in _entries("hazard", top["hazard"])),
    )


def _entries(where: str, value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in cast("list[Any]", value)):
        raise BadSafetyFile(f"{where}: a list of tables [[{where}]]")
    return cast("list[dict[str, Any]]", value)


def _words(where: str, value: object, count: int) -> dict[str, str]:
    found = {str(each["word"]): str(each["means"]) for each in _entries(where, value)}
    if len(found) != count:
        raise BadSafetyFile(f"{where}: {count} different words, as the table of risks has")
    return found


def _text(where: str, entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise BadSafetyFile(f"{where}: lacks {key}")
    return value


def _texts(where: str, entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in cast("list[Any]", value)):
        raise BadSafetyFile(f"{where}: {key} is a list of names")
    found = tuple(cast("list[str]", value))
    if len(set(found)) != len(found):
        raise BadSafetyFile(f"{where}: {key} names one twice")
    return found


def _hazard(entry: Mapping[str, Any]) -> Hazard:
    where = _text("a hazard", entry, "id")
    keys = ("id", "name", "cause", "sequence", "harmed", "severity", "before", "after", "residual")
    if unknown := set(entry) - set(keys) - {"measure"}:
        raise BadSafetyFile(f"{where}: unknown {', '.join(sorted(unknown))}")
    if not _ID.fullmatch(where):
        raise BadSafetyFile(f"{where}: an id is small letters and hyphens")
    measures = tuple(
        _measure(f"{where}, measure {at}", each)
        for at, each in enumerate(_entries("hazard.measure", entry.get("measure", [])), 1)
    )
    return Hazard(**{key: _text(where, entry, key) for key in keys}, measures=measures)


def _measure(where: str, entry: Mapping[str, Any]) -> Measure:
    if unknown := set(entry) - {"by", "does", "tests", "figures"}:
        raise BadSafetyFile(f"{where}: unknown {', '.join(sorted(unknown))}")
    by = _text(where, entry, "by")
    if by not in WHO:
        raise BadSafetyFile(f"{where}: by {by!r} is none of {', '.join(WHO)}")
    return Measure(
        by, _text(where, entry, "does"), _texts(where, entry, "tests"), _texts(where, entry, "figures")
    )


def breaches(safety: SafetyFile, root: Path, figure_ids: Iterable[str]) -> list[str]:
    """What does not hold: a claim without a test, a test or figure that is not there, a risk left too high.

    Tests are looked for under `root` by Python's own grammar, not by their text.
    """
    known = set(figure_ids)
    found: list[str] = []
    if len({each.id for each in safety.hazards}) != len(safety.hazards):
        found.append("two hazards have the same id")
    for hazard in safety.hazards:
        if not hazard.measures:
            found.append(f"{hazard.id}: nothing prevents it")
        try:
            if safety.risk(hazard.severity, hazard.after) == UNACCEPTABLE:
                found.append(f"{hazard.id}: {hazard.severity} and still {hazard.after} is not acceptable")
            if _at(safety.likelihoods, hazard.after) > _at(safety.likelihoods, hazard.before):
                found.append(f"{hazard.id}: more likely with its measures than without")
            _at(safety.severities, hazard.severity)
        except BadSafetyFile as wrong:
            found.append(f"{hazard.id}: {wrong}")
        for measure in hazard.measures:
            if measure.by in NEED_TESTS and not measure.tests:
                found.append(f"{hazard.id}: {measure.by}: no test shows: {measure.does}")
            found += [
                f"{hazard.id}: {node}: {why}"
                for node in measure.tests
                if (why := what_is_wrong_with_test(node, root))
            ]
            found += [
                f"{hazard.id}: there is no figure {each}" for each in measure.figures if each not in known
            ]
    return found


def what_is_wrong_with_test(node: str, root: Path) -> str:
    """Why pytest would not run the test `file::name` or `file::Class::name`; empty if it would."""
    file, *names = node.split("::")
    if not re.fullmatch(r"tests/[a-z_/]+/test_[a-z0-9_]+\.py", file) or not 1 <= len(names) <= 2:
        return "a test is named tests/.../test_x.py::test_y or ...::TestX::test_y"
    if not names[-1].startswith("test_") or (len(names) == 2 and not names[0].startswith("Test")):
        return "pytest would not collect it by its name"
    path = root / file
    if not path.is_file():
        return "there is no such file"
    body = _body(path)
    if len(names) == 2:
        classes = [each for each in body if isinstance(each, ast.ClassDef) and each.name == names[0]]
        if not classes:
            return f"the file has no class {names[0]}"
        body = tuple(classes[-1].body)
    tests = [
        each
        for each in body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == names[-1]
    ]
    if not tests:
        return "there is no such test"
    marks = {ast.unparse(each).partition("(")[0] for each in tests[-1].decorator_list}
    if marks & {"pytest.mark.skip", "pytest.mark.xfail", "unittest.skip", "pytest.fixture"}:
        return "it is skipped, or expected to fail"
    return ""


@functools.cache
def _body(path: Path) -> tuple[ast.stmt, ...]:
    return tuple(ast.parse(path.read_text("utf-8"), str(path)).body)


def load() -> SafetyFile:
    """The committed safety file."""
    return parse(FILE.read_text("utf-8"))


def check() -> list[str]:
    """Breaches of safety.toml; empty if it holds."""
    try:
        safety = load()
    except (BadSafetyFile, tomllib.TOMLDecodeError) as wrong:
        return [f"safety.toml: {wrong}"]
    return breaches(safety, ROOT, figures.ids())


def build(out: Path) -> list[Path]:
    """Writes safety.md."""
    path = out / OUTPUT
    path.write_text(render(load(), figures.verdicts()), "utf-8")
    return [path]


_INTRODUCTION = """\
# Safety file

Written from `hardware/twintap_hardware/safety.toml`; do not edit it here.

**Nothing here is certified.** A pulser is no medical device, it treats nothing, and nobody has examined it by
any standard. This file is kept in the manner of ISO 14971, because that is a good way to think about what can
go wrong: each hazard with its cause, how it comes to harm, how grave and how likely that is before and after
what was done against it, and what is left. It was written by its makers. Whoever builds pulsers for clients
judges anew, for their own clients, rooms and laws.

Likelihoods are judgements: no one has counted anything in a clinic. What the firmware and the daemon do is
shown by tests, named here; a check fails if one of them is not there any more. Those tests run the real
firmware in a real MicroPython on virtual boards, and on stand-ins for a chip's hardware. On a soldered board
the test procedure of the guide comes in their place.
"""


def render(safety: SafetyFile, verdicts: Mapping[str, str]) -> str:
    """The safety file as Markdown. `verdicts`: of each figure, by id: "pass", "fail" or "told"."""
    parts = [_INTRODUCTION, _scales(safety), _overview(safety), _open_points(safety, verdicts)]
    parts += [_chapter(safety, hazard, verdicts) for hazard in safety.hazards]
    parts.append(_for_people(safety))
    return "\n".join(parts)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in [list(head), *map(list, rows)]]
    lines.insert(1, "|" + " --- |" * lines[0].count(" |"))
    return "\n".join(lines) + "\n"


def _scales(safety: SafetyFile) -> str:
    likelihoods = list(safety.likelihoods)
    rows = (
        [f"**{severity}**", *(safety.risk(severity, each) for each in likelihoods)]
        for severity in reversed(list(safety.severities))
    )
    return "\n".join(
        (
            "## What the words mean\n",
            _table(("severity", "means"), safety.severities.items()),
            _table(("likelihood", "means"), safety.likelihoods.items()),
            "What follows from both. *Reduced as far as it goes* is borne only with what is left told to "
            "whoever uses a pulser; *not acceptable* stays in no hazard.\n",
            _table(("", *likelihoods), rows),
        )
    )


def _overview(safety: SafetyFile) -> str:
    rows = (
        (
            f"[{hazard.name}](#{hazard.id})",
            hazard.severity,
            f"{hazard.before}: {safety.risk(hazard.severity, hazard.before)}",
            f"{hazard.after}: {safety.risk(hazard.severity, hazard.after)}",
        )
        for hazard in safety.hazards
    )
    return "## All hazards\n\n" + _table(("hazard", "severity", "before", "after"), rows)


def _open_points(safety: SafetyFile, verdicts: Mapping[str, str]) -> str:
    failed = {
        each: hazard
        for hazard in safety.hazards
        for measure in hazard.measures
        for each in measure.figures
        if verdicts.get(each) == "fail"
    }
    lines = ["## Open points\n"]
    lines += [
        f"- Figure `{each}` fails its limit ([{of.name}](#{of.id})): see figures.md."
        for each, of in failed.items()
    ]
    if not failed:
        lines.append("- No figure that a measure leans on fails its limit.")
    lines += [
        "- Figures rest on facts of which many are *unverified*: `make hardware` says how many.",
        "- Not measured on a soldered board: currents, surface temperature, the time from a hang to the "
        "watchdog's reset, the motor's rise and stop, emissions, resistance to static electricity, "
        "tightness.",
    ]
    return "\n".join(lines) + "\n"


def _chapter(safety: SafetyFile, hazard: Hazard, verdicts: Mapping[str, str]) -> str:
    lines = [
        f'<a id="{hazard.id}"></a>\n',
        f"## {hazard.name}\n",
        f"- **Cause:** {hazard.cause}",
        f"- **Sequence:** {hazard.sequence}",
        f"- **Who is harmed:** {hazard.harmed}; severity *{hazard.severity}*",
        f"- **Before:** {hazard.before}: {safety.risk(hazard.severity, hazard.before)}",
        f"- **After:** {hazard.after}: {safety.risk(hazard.severity, hazard.after)}",
        "",
    ]
    for by in WHO:
        measures = [each for each in hazard.measures if each.by == by]
        if not measures:
            continue
        lines.append(f"Prevented by the {by}:\n")
        for measure in measures:
            lines.append(f"- {measure.does}")
            lines += [f"  - shown by `{node}`" for node in measure.tests]
            lines += [f"  - figure `{each}`: {verdicts[each]}" for each in measure.figures]
        lines.append("")
    lines.append(f"**What is left:** {hazard.residual}\n")
    return "\n".join(lines)


def _for_people(safety: SafetyFile) -> str:
    lines = [
        "## What is left to people\n",
        "All that no circuit and no program prevents, and that the guide therefore says.\n",
    ]
    lines += [
        f"- **{hazard.name}:** {measure.does}"
        for hazard in safety.hazards
        for measure in hazard.measures
        if measure.by == "guide"
    ]
    return "\n".join(lines) + "\n"
