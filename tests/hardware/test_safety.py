"""The safety file holds: every claim has its test, every test is there, and the committed file is its own."""

import ast
import copy
import functools
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twintap_hardware import figures, named_tests, safety
from twintap_hardware.places import OUT, ROOT

SAFETY = safety.load()
NODES = sorted({node for hazard in SAFETY.hazards for measure in hazard.measures for node in measure.tests})
TESTED = """
import pytest

def test_plain(): ...
async def test_waiting(): ...
@pytest.mark.parametrize("a", [1])
def test_often(a): ...
@pytest.mark.skip(reason="broken")
def test_skipped(): ...
@pytest.mark.parametrize(("a", "b"), [("one", 1), ("two", 2)])
def test_pairs(a, b): ...
@pytest.mark.parametrize("a", [1, 2], ids=["first", "second"])
def test_with_ids(a): ...
@pytest.mark.parametrize("a", VALUES)
def test_computed(a): ...
@pytest.mark.xfail
def test_expected_to_fail(): ...
def helper():
    def test_inside(): ...
class TestGroup:
    def test_member(self): ...
@pytest.mark.skip
class TestPutAside:
    def test_member(self): ...
class TestNotCollected:
    __test__ = False
    def test_member(self): ...
class Helper:
    def test_member(self): ...
TEXT = "def test_in_a_text(): ..."
"""


@functools.cache
def collected(path: Path) -> set[str]:
    """The names of a file's tests, by a look of this test's own at its tree."""
    found: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        inside = node.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test") else [node]
        found |= {
            f"{node.name}::{each.name}" if isinstance(node, ast.ClassDef) else each.name
            for each in inside
            if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test")
        }
    return found


@pytest.mark.parametrize("node", NODES)
def test_every_named_test_is_there(node: str) -> None:
    file, _, name = node.partition("::")
    assert name.partition("[")[0] in collected(ROOT / file)


def test_the_safety_file_keeps_its_own_rules() -> None:
    assert safety.check() == []


def test_every_claim_of_firmware_and_daemon_has_a_test() -> None:
    claims = [
        each for hazard in SAFETY.hazards for each in hazard.measures if each.by in ("firmware", "daemon")
    ]
    assert len(claims) > 40
    assert [each.does for each in claims if not each.tests] == []


def test_what_is_said_of_the_hardware_is_shown_or_says_in_words_why_not() -> None:
    claims = [each for hazard in SAFETY.hazards for each in hazard.measures if each.by == "hardware"]
    assert len(claims) > 20
    assert [
        each.does for each in claims if not (each.tests or each.figures or each.rules or each.shown)
    ] == []
    # Most are more than words.
    assert sum(bool(each.tests or each.figures or each.rules) for each in claims) > 0.75 * len(claims)


def test_a_claim_of_the_hardware_that_nothing_shows_is_a_breach() -> None:
    source = _source()
    source["hazard"][0]["measure"].append({"by": "hardware", "does": "something"})
    assert any("neither test nor rule nor figure" in each for each in _breaches(source))
    source["hazard"][0]["measure"][-1]["rules"] = ["checks.check", "checks._gone", "nowhere.check", "check"]
    said = [each for each in _breaches(source) if each.startswith(source["hazard"][0]["id"])]
    assert [each.partition(": ")[2] for each in said] == [
        "checks._gone: there is no such function",
        "nowhere.check: there is no such module",
        "check: a rule is named module.function",
    ]


def test_a_rule_that_nothing_calls_is_none(tmp_path: Path) -> None:
    module = tmp_path / "hardware/twintap_hardware/house.py"
    module.parent.mkdir(parents=True)
    module.write_text("def check(): return _kept()\ndef _kept(): ...\ndef _forgotten(): ...\n", "utf-8")
    said = [
        named_tests.what_is_wrong_with_rule(f"house.{each}", tmp_path) for each in ("_kept", "_forgotten")
    ]
    assert said == ["", "nothing calls it"]


def test_what_is_left_is_accepted_by_somebody_and_by_the_therapist_where_much_is_left() -> None:
    source = _source()
    source["hazard"][0]["accepts"] = []
    with pytest.raises(safety.BadSafetyFile, match="accepts"):
        _breaches(source)
    source["hazard"][0]["accepts"] = ["nobody"]
    with pytest.raises(safety.BadSafetyFile, match="accepts"):
        _breaches(source)
    source["hazard"][0] |= {"severity": "grave", "after": "improbable", "accepts": ["builder"]}
    assert any("accepted by the therapist" in each for each in _breaches(source))
    assert all(each.accepts for each in SAFETY.hazards)


def test_the_file_says_what_of_such_a_process_was_not_done() -> None:
    text = (OUT / safety.OUTPUT).read_text("utf-8")
    told = text.partition("## What of such a process was not done")[2].partition("\n## ")[0]
    for word in ("independent review", "clinical evaluation", "60601", "62304", "62366", "10993", "soldered"):
        assert word in told


def test_firmware_is_shown_by_tests_that_run_it() -> None:
    folders = {"tests/firmware", "tests/protocol", "tests/system", "tests/flash"}
    wrong = [
        node
        for hazard in SAFETY.hazards
        for measure in hazard.measures
        if measure.by == "firmware"
        for node in measure.tests
        if str(Path(node.partition("::")[0]).parent) not in folders
    ]
    assert wrong == []


def test_the_hazards_that_were_asked_for_are_there() -> None:
    assert {
        *("link-lost", "motor-stuck-on", "cell-fault", "heat", "mains", "wrong-side", "wrong-record"),
        *("wrong-hands", "seizure", "swallowed", "skin", "water", "strap", "implant", "too-strong"),
        *("wrong-person-paired", "update-in-use", "asleep-at-start", "one-side", "client-cannot-stop"),
        *("cannot-speak", "inattention", "unequal", "sound", "wrong-firmware", "controller-taken"),
        *("journal-read", "burn-on-charge", "radio", "battery-ends", "vibration"),
    } <= {each.id for each in SAFETY.hazards}


def test_the_committed_file_is_what_its_sources_give() -> None:
    committed = (OUT / safety.OUTPUT).read_text("utf-8")
    assert committed == safety.render(SAFETY, figures.verdicts())
    assert "Nothing here is certified" in committed
    assert "no medical device" in committed


def test_no_risk_that_is_left_is_called_unacceptable() -> None:
    left = {each.id: SAFETY.risk(each.severity, each.after) for each in SAFETY.hazards}
    assert [name for name, risk in left.items() if risk == safety.UNACCEPTABLE] == []
    # The table can say it: else this test could not fail.
    assert SAFETY.risk("grave", "frequent") == safety.UNACCEPTABLE


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("test_plain", ""),
        ("test_waiting", ""),
        ("test_often", ""),
        ("TestGroup::test_member", ""),
        ("test_often[1]", ""),
        ("test_often[2]", "no [2]"),
        ("test_pairs[two-2]", ""),
        ("test_pairs[two-1]", "no [two-1]"),
        ("test_with_ids[second]", ""),
        ("test_with_ids[2]", "no [2]"),
        ("test_computed[1]", "no [1]"),
        ("test_plain[1]", "no [1]"),
        ("TestPutAside::test_member", "class is skipped"),
        ("TestNotCollected::test_member", "class is skipped"),
        ("test_skipped", "skipped"),
        ("test_expected_to_fail", "expected to fail"),
        ("test_inside", "no such test"),
        ("test_in_a_text", "no such test"),
        ("test_plai", "no such test"),
        ("helper", "would not collect"),
        ("Helper::test_member", "would not collect"),
        ("TestGroup::test_plain", "no such test"),
        ("TestNone::test_member", "no class"),
    ],
)
def test_only_what_pytest_would_run_counts_as_a_test(name: str, why: str, tmp_path: Path) -> None:
    file = tmp_path / "tests/house/test_it.py"
    file.parent.mkdir(parents=True)
    file.write_text(TESTED, "utf-8")
    said = named_tests.what_is_wrong_with_test(f"tests/house/test_it.py::{name}", tmp_path)
    assert why in said
    assert bool(said) == bool(why)


@pytest.mark.parametrize(
    "node",
    ["", "tests/x.py::test_a", "/etc/test_a.py::test_a", "tests/../test_a.py::test_a", "tests/no/test_a.py"],
)
def test_what_is_no_name_of_a_test_is_refused(node: str, tmp_path: Path) -> None:
    assert named_tests.what_is_wrong_with_test(node, tmp_path)


@functools.cache
def _read() -> dict[str, Any]:
    return tomllib.loads(safety.FILE.read_text("utf-8"))


def _source() -> dict[str, Any]:
    return copy.deepcopy(_read())


def _breaches(source: dict[str, Any]) -> list[str]:
    return safety.breaches(safety.parse(_toml(source)), ROOT, figures.ids())


def _toml(source: dict[str, Any]) -> str:
    lines: list[str] = []

    def write(where: str, entry: dict[str, Any]) -> None:
        lines.append(f"[[{where}]]")
        nested: list[dict[str, Any]] = []
        for key, value in entry.items():
            if key == "measure":
                nested = value
            elif isinstance(value, list):
                lines.append(f"{key} = {value!r}")
            else:
                lines.append(f"{key} = {_quoted(value)}")
        for each in nested:
            write(f"{where}.measure", each)

    for table, entries in source.items():
        for each in entries:
            write(table, each)
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def test_the_source_survives_being_written_again() -> None:
    assert safety.parse(_toml(_source())) == SAFETY


def test_a_test_that_is_renamed_moved_or_put_aside_in_its_file_is_a_breach(tmp_path: Path) -> None:
    node = "tests/firmware/test_pulser.py::test_without_a_lease_the_motor_is_off_within_a_second"
    file, _, name = node.partition("::")
    text = (ROOT / file).read_text("utf-8")
    assert named_tests.what_is_wrong_with_test(node, ROOT) == ""
    changes = {
        "no such test": text.replace(f"def {name}(", f"def {name}_or_two("),
        "it is skipped": text.replace(f"async def {name}(", f"@pytest.mark.skip\nasync def {name}("),
        "its file is skipped": text + "\npytestmark = [pytest.mark.skip(reason='later')]\n",
    }
    for at, (why, changed) in enumerate(changes.items()):
        assert changed != text
        copy_of = tmp_path / str(at) / file
        copy_of.parent.mkdir(parents=True)
        copy_of.write_text(changed, "utf-8")
        assert why in named_tests.what_is_wrong_with_test(node, tmp_path / str(at))
    assert named_tests.what_is_wrong_with_test(node, tmp_path / "none") == "there is no such file"


def test_a_claim_whose_test_was_taken_away_or_renamed_is_a_breach() -> None:
    without = _source()
    measure = next(each for each in without["hazard"][0]["measure"] if each["by"] == "firmware")
    measure["tests"] = []
    assert any("no test shows" in each for each in _breaches(without))
    measure["tests"] = ["tests/firmware/test_pulser.py::test_that_was_renamed"]
    assert any("there is no such test" in each for each in _breaches(without))


def test_a_hazard_that_nothing_prevents_or_that_stays_too_great_is_a_breach() -> None:
    bare = _source()
    bare["hazard"][0]["measure"] = []
    assert any("nothing prevents it" in each for each in _breaches(bare))
    great = _source()
    great["hazard"][0] |= {"severity": "grave", "before": "frequent", "after": "frequent"}
    assert any("not acceptable" in each for each in _breaches(great))
    worse = _source()
    worse["hazard"][0] |= {"severity": "slight", "before": "improbable", "after": "occasional"}
    assert any("more likely with its measures" in each for each in _breaches(worse))


def test_a_figure_that_is_not_calculated_is_a_breach() -> None:
    source = _source()
    source["hazard"][0]["measure"].append({"by": "hardware", "does": "something", "figures": ["none_mv"]})
    assert any("no figure none_mv" in each for each in _breaches(source))


@given(st.sampled_from(["severity", "before", "after"]), st.text(max_size=12))
def test_a_word_that_stands_in_no_table_is_never_taken(key: str, word: str) -> None:
    source = {**_read(), "hazard": [copy.deepcopy(_read()["hazard"][0])]}
    known = {each["word"] for table in ("severity", "likelihood") for each in source[table]}
    if word.strip() in known or not word.isprintable():
        return
    source["hazard"][0][key] = word
    try:
        assert _breaches(source)
    except safety.BadSafetyFile:
        return


def test_the_words_of_both_tables_are_judged_in_their_order() -> None:
    order = [safety.ACCEPTABLE, safety.REDUCED, safety.UNACCEPTABLE]
    grid = [
        [order.index(SAFETY.risk(severity, likelihood)) for likelihood in SAFETY.likelihoods]
        for severity in SAFETY.severities
    ]
    assert all(row == sorted(row) for row in grid)
    assert all(list(column) == sorted(column) for column in zip(*grid, strict=True))


def test_it_makes_no_claim_to_treat_anybody() -> None:
    text = (OUT / safety.OUTPUT).read_text("utf-8").lower()
    for word in ("heals", "cures", "therapeutic effect", "clinically", "iso 14971 compliant", "conforms to"):
        assert word not in text
