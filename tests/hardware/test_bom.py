"""The bills of materials list every part of the netlist once, with what it must satisfy."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from twintap_hardware import bom, catalogue, facts, netlist, outputs, stripboard, wiring
from twintap_hardware.facts import BadFact
from twintap_hardware.places import BOARDS, OUT

LISTS = [(board, pairs) for board in BOARDS for pairs in bom.LISTS]


def committed(board: str, pairs: int) -> str:
    return (OUT / board / bom.LISTS[pairs]).read_text(bom.ENCODING)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(("board", "pairs"), LISTS)
def test_the_committed_list_is_the_netlist_s(board: str, pairs: int) -> None:
    drawn = netlist.committed(board)
    assert committed(board, pairs) == bom.table(drawn, pairs)
    assert bom.breaches(drawn, pairs, committed(board, pairs)) == []


def test_the_lists_are_built_by_themselves_too(tmp_path: Path) -> None:
    made = bom.build(tmp_path)
    assert len(made) == len(LISTS)
    for path in made:
        assert path.read_bytes() == (OUT / path.relative_to(tmp_path)).read_bytes()
        # A spreadsheet that guesses is told that it is UTF-8.
        assert path.read_bytes().startswith(b"\xef\xbb\xbfdesignators,")


def metres(name: str) -> float:
    found = re.search(r", ([\d.]+) m$", catalogue.kinds()[name].value)
    assert found
    return float(found[1])


@pytest.mark.parametrize("board", BOARDS)
def test_as_much_wire_is_bought_as_is_cut(board: str) -> None:
    # Motor and J1 bring their own.
    bought = [
        each for each in wiring.wires() if not each.comes and not {"M1.+", "J1.+", "J1.-"} & set(each.pins)
    ]
    cut_mm = sum(each.length * len(each.pins) for each in bought)
    assert cut_mm > 400
    assert 1.1 * cut_mm <= 1000 * metres("wire")
    # Of each link what lies flat, and what goes through the board and is held while it is soldered.
    links = stripboard.load(board).links
    flat = sum(abs(each.start[0] - each.end[0]) + abs(each.start[1] - each.end[1]) for each in links)
    assert flat * stripboard.PITCH_MM + 20 * len(links) <= 1000 * metres("link-wire")


@pytest.mark.parametrize("board", BOARDS)
def test_ten_pairs_need_ten_times_what_one_needs(board: str) -> None:
    one, ten = rows(committed(board, 1)), rows(committed(board, 10))
    assert [int(row["quantity"]) * 10 for row in one] == [int(row["quantity"]) for row in ten]
    assert [row["number"] for row in one] == [row["number"] for row in ten]
    pulsers = sum(int(row["quantity"]) for row in one if row["designators"])
    assert pulsers == 2 * len(netlist.committed(board).parts)


@pytest.mark.parametrize(("board", "pairs"), LISTS)
def test_each_line_says_what_the_part_must_satisfy_and_where_else_it_comes_from(
    board: str, pairs: int
) -> None:
    for row in rows(committed(board, pairs)):
        for column in (
            "value",
            "must_satisfy",
            "maker",
            "number",
            "second_source",
            "reason",
            "number_seen_in",
        ):
            assert row[column].strip(), (row["designators"], column)
            assert "\n" not in row[column]


@pytest.mark.parametrize(("board", "pairs"), LISTS)
def test_no_list_has_a_price(board: str, pairs: int) -> None:
    text = committed(board, pairs)
    assert not re.search(r"[$€£]|\b(USD|EUR|price)\b", text, re.IGNORECASE)


def test_what_rests_on_an_unverified_number_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    known = facts.fact
    weighed = catalogue.kinds()["motor"].numbers_from
    for unread in (weighed[:1], weighed[-2:]):

        def told(name: str, unread: tuple[str, ...] = unread) -> facts.Fact:
            return replace(known(name), verified=name not in unread)

        monkeypatch.setattr(bom, "fact", told)
        listed = rows(bom.table(netlist.committed(BOARDS[0]), 1))
        motor = next(row for row in listed if row["designators"] == "M1")
        assert motor["unverified_facts"].split() == list(unread)


def test_a_part_that_is_missing_or_there_twice_or_counted_wrongly_is_a_breach() -> None:
    drawn, text = netlist.committed(BOARDS[0]), committed(BOARDS[0], 1)
    lines = text.splitlines(keepends=True)
    without = "".join(line for line in lines if not line.startswith("Q1,"))
    assert any("Q1 is listed 0 times" in each for each in bom.breaches(drawn, 1, without))
    twice = text + next(line for line in lines if line.startswith("D1,"))
    assert any("D1 is listed 2 times" in each for each in bom.breaches(drawn, 1, twice))
    more = text.replace("\nQ1,2,", "\nQ1,3,")
    assert more != text
    assert any("3 of Q1" in each for each in bom.breaches(drawn, 1, more))
    other = text.replace("100 nF", "10 nF", 1)
    assert any("C2 C3" in each for each in bom.breaches(drawn, 1, other))
    assert any("of BT1" in each for each in bom.breaches(drawn, 10, text))
    fewer = {name: part for name, part in drawn.parts.items() if name != "R8"}
    found = bom.breaches(replace(drawn, parts=fewer), 1, text)
    assert any("R8 is not in the netlist" in each for each in found)


def test_a_second_source_is_another_maker_s(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = dict(catalogue.kinds())
    kinds["bulk"] = replace(kinds["bulk"], second=f"{kinds['bulk'].maker} something else")
    monkeypatch.setattr(catalogue, "kinds", lambda: kinds)
    assert any("bulk: its second source" in each for each in catalogue.check())


def test_the_catalogue_is_whole() -> None:
    assert catalogue.check() == []
    assert {kind.name for kind in catalogue.unverified()} < set(catalogue.kinds())


# -- facts and outputs -----------------------------------------------------------------------------------

GOOD = '[a.b_mm]\nvalue = 2.5\nunit = "mm"\nsource = "a data sheet, page 3"\nverified = true\n'


def test_facts_have_a_value_a_unit_a_source_and_say_if_they_were_read() -> None:
    assert facts.check() == []
    read = facts.parse(GOOD)["a.b_mm"]
    assert (read.value, read.unit, read.verified) == (2.5, "mm", True)
    assert facts.unverified()
    assert all(each.source and each.unit is not None for each in facts.facts().values())


@pytest.mark.parametrize(
    "wrong",
    [
        GOOD.replace("value = 2.5\n", ""),
        GOOD.replace("2.5", '"2.5"'),
        GOOD.replace("2.5", "[1, 2.5]"),
        GOOD.replace("2.5", "true"),
        GOOD.replace('"a data sheet, page 3"', '""'),
        GOOD.replace("= true", '= "yes"'),
        GOOD + 'colour = "red"\n',
        "[a]\nb = 3\n",
    ],
)
def test_a_fact_without_its_source_or_with_a_strange_value_is_refused(wrong: str) -> None:
    with pytest.raises(BadFact, match=r"a\.b"):
        facts.parse(wrong)


def test_asking_for_a_fact_that_is_not_there_names_it() -> None:
    with pytest.raises(BadFact, match=r"no\.such"):
        facts.number("no.such")
    with pytest.raises(BadFact, match="is a list of pins"):
        facts.number("chip_c3.strapping")
    with pytest.raises(BadFact, match="is a number"):
        facts.pins("cell.full_mv")


def _stl(triangles: list[tuple[float, ...]]) -> bytes:
    import struct

    body = b"".join(struct.pack("<12fH", 0, 0, 0, *triangle, 0) for triangle in triangles)
    return bytes(80) + struct.pack("<I", len(triangles)) + body


def test_meshes_are_compared_as_triangles_to_a_micrometre() -> None:
    one: tuple[float, ...] = (0, 0, 0, 1, 0, 0, 0, 1, 0)
    turned: tuple[float, ...] = (1, 0, 0, 0, 1, 0, 0, 0, 0)
    other: tuple[float, ...] = (0, 0, 5, 1, 0, 5, 0, 1, 5)
    flipped: tuple[float, ...] = (0, 0, 0, 0, 1, 0, 1, 0, 0)
    nudged: tuple[float, ...] = (0, 0, 0, 1.0004, 0, 0, 0, 1, 0)
    moved: tuple[float, ...] = (0, 0, 0, 1.002, 0, 0, 0, 1, 0)
    canonical = outputs.canonical_triangles
    assert canonical(_stl([one, other])) == canonical(_stl([other, turned]))
    assert canonical(_stl([one])) == canonical(_stl([nudged]))
    assert canonical(_stl([one])) != canonical(_stl([moved]))
    assert canonical(_stl([one])) != canonical(_stl([flipped]))
    assert canonical(_stl([one])) != canonical(_stl([one, one]))
    for broken in (b"solid text", _stl([one])[:-1]):
        with pytest.raises(ValueError, match="binary STL"):
            canonical(broken)


def test_a_difference_between_built_and_committed_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    built, kept = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("kept")
    for folder, files in ((built, {"a": "1", "b": "2", "c": "3"}), (kept, {"a": "1", "b": "x", "d": "4"})):
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
    said = [(each.path, each.how) for each in outputs.differences(built, kept)]
    assert said == [("b", "differs"), ("c", "is new"), ("d", "is no longer built")]
