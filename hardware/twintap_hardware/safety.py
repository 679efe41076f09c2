"""The safety file: hazards, what prevents each, and the tests that show it. Checks it and writes safety.md.

In the manner of ISO 14971 (hazard, sequence, harm, risk before and after the measures, residual risk and who
accepts it), and no more than that: nothing here is certified. The sources stand in safety.toml; this module
adds the judgement of each risk by the table of `RISKS`, the verdicts of the figures that a measure leans on,
and the check that each named test (see `named_tests`) and each named rule of `make hardware` is there.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from . import figures
from .named_tests import what_is_wrong_with_rule, what_is_wrong_with_test
from .places import PACKAGE, ROOT

FILE = PACKAGE / "safety.toml"
OUTPUT = "safety.md"
WHO = ("hardware", "firmware", "daemon", "guide")
NEED_TESTS = ("firmware", "daemon")
ACCEPTS = {
    "builder": "whoever builds it, or has it built",
    "clinic": "whoever runs the rooms and their computer",
    "therapist": "the therapist, before each first visit",
    "client": "the client, who was told before the first set",
}

ACCEPTABLE, REDUCED, UNACCEPTABLE = "acceptable", "reduced as far as it goes", "not acceptable"
_LETTERS = {"a": ACCEPTABLE, "r": REDUCED, "x": UNACCEPTABLE}
# A row for each severity, the mildest first; a column for each likelihood, the least first.
RISKS = ("aaaaa", "aaarr", "aarxx", "arxxx", "rxxxx")

_ID = re.compile(r"[a-z]+(-[a-z]+)*")


class BadSafetyFile(ValueError):
    """safety.toml does not hold together; the message names the place."""


@dataclass(frozen=True)
class Measure:
    """What one of WHO does against a hazard, and what shows it.

    `tests` are pytest's node names, `figures` ids of figures.json, `rules` functions `module.name` of this
    package that `make hardware` runs; `shown` says in words what else shows it.
    """

    by: str
    does: str
    tests: tuple[str, ...]
    figures: tuple[str, ...]
    rules: tuple[str, ...]
    shown: str


@dataclass(frozen=True)
class Hazard:
    """One hazard; `before` and `after` are words of the table of likelihoods, `accepts` of ACCEPTS."""

    id: str
    name: str
    cause: str
    sequence: str
    harmed: str
    severity: str
    before: str
    after: str
    residual: str
    accepts: tuple[str, ...]
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
    if unknown := set(entry) - set(keys) - {"measure", "accepts"}:
        raise BadSafetyFile(f"{where}: unknown {', '.join(sorted(unknown))}")
    if not _ID.fullmatch(where):
        raise BadSafetyFile(f"{where}: an id is small letters and hyphens")
    measures = tuple(
        _measure(f"{where}, measure {at}", each)
        for at, each in enumerate(_entries("hazard.measure", entry.get("measure", [])), 1)
    )
    accepts = _texts(where, entry, "accepts")
    if not accepts or (unknown := set(accepts) - set(ACCEPTS)):
        raise BadSafetyFile(f"{where}: accepts names some of {', '.join(ACCEPTS)}, not {accepts}")
    return Hazard(**{key: _text(where, entry, key) for key in keys}, accepts=accepts, measures=measures)


def _measure(where: str, entry: Mapping[str, Any]) -> Measure:
    if unknown := set(entry) - {"by", "does", "tests", "figures", "rules", "shown"}:
        raise BadSafetyFile(f"{where}: unknown {', '.join(sorted(unknown))}")
    by = _text(where, entry, "by")
    if by not in WHO:
        raise BadSafetyFile(f"{where}: by {by!r} is none of {', '.join(WHO)}")
    tests, found, rules = (_texts(where, entry, key) for key in ("tests", "figures", "rules"))
    shown = _text(where, entry, "shown") if "shown" in entry else ""
    return Measure(by, _text(where, entry, "does"), tests, found, rules, shown)


def breaches(safety: SafetyFile, root: Path, figure_ids: Iterable[str]) -> list[str]:
    """What does not hold: what nothing shows, a test, rule or figure that is not there, a risk too high.

    Tests and rules are looked for under `root` by Python's own grammar, not by their text.
    """
    found: list[str] = []
    if len({each.id for each in safety.hazards}) != len(safety.hazards):
        found.append("two hazards have the same id")
    for hazard in safety.hazards:
        if not hazard.measures:
            found.append(f"{hazard.id}: nothing prevents it")
        try:
            found += _judged(safety, hazard)
        except BadSafetyFile as wrong:
            found.append(f"{hazard.id}: {wrong}")
        for measure in hazard.measures:
            found += [f"{hazard.id}: {each}" for each in _unshown(measure, root, set(figure_ids))]
    return found


def _judged(safety: SafetyFile, hazard: Hazard) -> list[str]:
    found: list[str] = []
    left = safety.risk(hazard.severity, hazard.after)
    if left == UNACCEPTABLE:
        found.append(f"{hazard.id}: {hazard.severity} and still {hazard.after} is not acceptable")
    if left == REDUCED and "therapist" not in hazard.accepts:
        found.append(f"{hazard.id}: what is {REDUCED} has to be accepted by the therapist as well")
    if _at(safety.likelihoods, hazard.after) > _at(safety.likelihoods, hazard.before):
        found.append(f"{hazard.id}: more likely with its measures than without")
    return found


def _unshown(measure: Measure, root: Path, figure_ids: set[str]) -> list[str]:
    found: list[str] = []
    if measure.by in NEED_TESTS and not measure.tests:
        found.append(f"{measure.by}: no test shows: {measure.does}")
    if measure.by == "hardware" and not any((measure.tests, measure.figures, measure.rules, measure.shown)):
        found.append(f"hardware: neither test nor rule nor figure nor a word shows: {measure.does}")
    wrong = {node: what_is_wrong_with_test(node, root) for node in measure.tests}
    wrong |= {rule: what_is_wrong_with_rule(rule, root) for rule in measure.rules}
    found += [f"{name}: {why}" for name, why in wrong.items() if why]
    found += [f"there is no figure {each}" for each in measure.figures if each not in figure_ids]
    return found


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

Likelihoods are judgements: no one has counted anything in a clinic.

**How each measure was verified.** That it is there and works: what the firmware and the daemon do is shown by
tests, named here, and a check fails if one of them is renamed, skipped or gone. Those tests run the real
firmware in a real MicroPython on virtual boards, and on stand-ins for a chip's hardware; on a soldered board
the test procedure of the guide comes in their place. What the hardware does is shown by tests of the
committed netlist, layout and case, by rules that `make hardware` checks on the solids, or by calculation; *in
words* where it is none of these. Of what the guide asks, only that the guide says it is checked. That it
lowers the risk (its effectiveness) is a judgement in every case: nothing was tried with people.

**Who accepts what is left** is named with each hazard. Nobody of the makers can do it for others: whoever
uses a pulser on these words accepts it, or does not use it.
"""

_NOT_DONE = """\
## What of such a process was not done

- No plan for it, with people named, their qualification, and criteria that somebody responsible approved;
  the tables below are the makers' own. No independent review of this file.
- No weighing of all that is left, taken together, against a benefit: what a pulser is good for is not
  claimed, and no clinical evaluation was made.
- No examination by the standards for electrical safety and electromagnetic compatibility (IEC 60601-1 and
  -1-2), for radio, for cells (IEC 62133, UN 38.3), for skin contact (ISO 10993) or for hot surfaces
  (ISO 13732-1); where a limit of theirs is used here, it is told from memory.
- No process by IEC 62304 for its programs, though they are tested; no study of use by IEC 62366 with
  therapists and clients; no assessment of its security by anybody else.
- No verification on soldered pulsers: no current, temperature, time, force, fall or tightness was measured.
- No making under a quality system, and nobody gathers what happens to pulsers in use: whoever learns of a
  harm or a near miss tells the project, and stops using what has failed.
"""


def render(safety: SafetyFile, verdicts: Mapping[str, str]) -> str:
    """The safety file as Markdown. `verdicts`: of each figure, by id: "pass", "fail" or "told"."""
    parts = [_INTRODUCTION, _NOT_DONE, _scales(safety), _overview(safety), _open_points(safety, verdicts)]
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
            ", ".join(hazard.accepts),
        )
        for hazard in safety.hazards
    )
    who = "; ".join(f"*{word}*: {means}" for word, means in ACCEPTS.items())
    head = ("hazard", "severity", "before", "after", "what is left is accepted by")
    return f"## All hazards\n\n{_table(head, rows)}\n{who}.\n"


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
            lines += [f"  - checked by `make hardware`: `{rule}`" for rule in measure.rules]
            lines += [f"  - figure `{each}`: {verdicts[each]}" for each in measure.figures]
            lines += [f"  - in words: {measure.shown}"] if measure.shown else []
        lines.append("")
    accepted = " and ".join(ACCEPTS[each] for each in hazard.accepts)
    lines.append(f"**What is left:** {hazard.residual} Accepted by {accepted}.\n")
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
