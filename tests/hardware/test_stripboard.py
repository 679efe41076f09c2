"""The stripboard layout is the netlist; its checker sees every fault that a hand could make."""

import json
import re
from dataclasses import replace

import pytest

from twintap_hardware import netlist, stripboard, stripboard_drawing
from twintap_hardware.places import BOARDS, OUT
from twintap_hardware.stripboard import BadLayout, Layout, Link, hole, hole_name

EMPTY = Layout("xiao-esp32c3", 4, 4, (), (), {}, frozenset(), ())


def layout(board: str) -> Layout:
    return stripboard.load(board)


def found(it: Layout) -> list[str]:
    return stripboard.breaches(it, netlist.committed(it.board))


@pytest.mark.parametrize("board", BOARDS)
def test_the_layout_is_the_netlist_and_can_be_built(board: str) -> None:
    assert found(layout(board)) == []


@pytest.mark.parametrize("board", BOARDS)
def test_the_committed_drawing_and_data_are_the_layout(board: str) -> None:
    it = layout(board)
    assert (OUT / board / "stripboard.svg").read_text("utf-8") == stripboard_drawing.svg(it)
    assert (OUT / board / "stripboard.json").read_text("utf-8") == stripboard_drawing.data(it)


@pytest.mark.parametrize("board", BOARDS)
def test_the_drawing_shows_every_part_cut_and_wire_and_says_what_it_is_not(board: str) -> None:
    it, svg = layout(board), stripboard_drawing.svg(layout(board))
    words = " ".join(re.findall(r">([^<>]+)</text>", svg))
    assert "A manufactured board is not there yet" in words
    for designator in {pin.partition(".")[0] for pin in it.leads}:
        assert re.search(rf"\b{designator}\b", words), designator
    assert ", ".join(hole_name(cut) for cut in it.cuts) in words
    for pin in it.wired:
        assert pin.replace(".", " ").replace("-", "−") in words, pin
    for one, other, how in it.harness:
        if "plug" not in how:
            assert f"{one.replace('.', ' ')} to {other.replace('.', ' ')}, {how}" in words
    # Both sides show the strips' cuts at mirrored places, and one joint for each lead and link's end.
    joints = len(it.leads) + 2 * len(it.links)
    assert svg.count('r="6.5" fill="#c9ced3"') == joints


@pytest.mark.parametrize("board", BOARDS)
def test_each_cut_that_is_forgotten_is_a_breach(board: str) -> None:
    it = layout(board)
    assert len(it.cuts) >= 7
    for cut in it.cuts:
        without = replace(it, cuts=tuple(at for at in it.cuts if at != cut))
        assert any("should not be" in each for each in found(without)), hole_name(cut)


@pytest.mark.parametrize("board", BOARDS)
def test_each_link_that_is_forgotten_is_a_breach(board: str) -> None:
    it = layout(board)
    for link in it.links:
        without = replace(it, links=tuple(each for each in it.links if each != link))
        assert any(f"net {link.net} is in" in each for each in found(without)), link


@pytest.mark.parametrize("board", BOARDS)
def test_a_cut_too_many_is_a_breach(board: str) -> None:
    it = layout(board)
    taken = {*it.leads.values(), *it.cuts, *(at for link in it.links for at in (link.start, link.end))}
    extra = next((17, number) for number in range(2, it.holes) if (17, number) not in taken)
    assert any("pieces" in each for each in found(replace(it, cuts=(*it.cuts, extra))))
    # In a strip that carries nothing it harms nothing: it is named as work for nothing.
    needless = found(replace(it, cuts=(*it.cuts, (it.strips, 2))))
    assert needless == [f"{board}: the cut at {hole_name((it.strips, 2))} is not needed"]


@pytest.mark.parametrize("board", BOARDS)
def test_any_two_leads_of_different_nets_that_are_swapped_are_a_breach(board: str) -> None:
    it, net = layout(board), netlist.committed(board)
    pins = sorted(it.leads)
    for one in pins:
        for other in pins:
            if one < other and net.net(one) != net.net(other):
                swapped = dict(it.leads) | {one: it.leads[other], other: it.leads[one]}
                assert stripboard.net_breaches(replace(it, leads=swapped), net), (one, other)


@pytest.mark.parametrize("board", BOARDS)
def test_any_lead_that_is_one_strip_off_is_a_breach(board: str) -> None:
    it = layout(board)
    for pin, (strip, number) in it.leads.items():
        if netlist.committed(board).net(pin) is None:
            continue
        for step in (-1, 1):
            moved = replace(it, leads=dict(it.leads) | {pin: (strip + step, number)})
            assert found(moved), (pin, step)


@pytest.mark.parametrize("board", BOARDS)
def test_a_part_or_a_wire_that_is_forgotten_is_a_breach(board: str) -> None:
    it = layout(board)
    for pin in it.leads:
        if netlist.committed(board).net(pin) is None:
            continue
        without = replace(it, leads={each: at for each, at in it.leads.items() if each != pin})
        assert any(pin in each for each in found(without)), pin
    for join in it.harness:
        assert found(replace(it, harness=tuple(each for each in it.harness if each != join))), join


def test_two_leads_in_one_hole_a_lead_in_a_cut_and_one_off_the_board_are_breaches() -> None:
    it = replace(
        EMPTY, leads={"R1.1": (1, 1), "R1.2": (1, 1), "R2.1": (2, 2), "R2.2": (9, 1)}, cuts=((2, 2),)
    )
    said = " ".join(stripboard.hole_breaches(it))
    assert "both in A1" in said
    assert "stands in the cut at B2" in said
    assert "there is no hole I1" in said


@pytest.mark.parametrize("board", BOARDS)
def test_bodies_that_are_in_each_other_s_way_are_a_breach(board: str) -> None:
    it = layout(board)
    closer = replace(it, leads=dict(it.leads) | {"R7.1": hole("K6"), "R7.2": hole("Q6")})
    assert any("in each other's way" in each for each in stripboard.body_breaches(closer))
    across = Link(hole("K8"), hole("I8"), "GND")
    crossing = replace(it, links=(*it.links, across))
    assert any("is under R3" in each for each in stripboard.body_breaches(crossing))
    slanting = replace(it, links=(*it.links, Link(hole("H1"), hole("I2"), "GND")))
    assert any("is not straight" in each for each in stripboard.body_breaches(slanting))
    over = replace(it, leads=dict(it.leads) | {"R5.1": hole("O1"), "R5.2": hole("R1")})
    assert not any("over the board's edge" in each for each in stripboard.body_breaches(over))
    over = replace(it, strips=it.strips - 1)
    assert any("C1 stands over the board's edge" in each for each in stripboard.body_breaches(over))


def test_copper_joins_along_a_strip_up_to_a_cut_and_never_across() -> None:
    it = replace(EMPTY, leads={"a": (1, 1), "b": (1, 2), "c": (1, 4), "d": (2, 1)}, cuts=((1, 3),))
    assert set(stripboard.joined(it)) == {frozenset("ab"), frozenset("c"), frozenset("d")}
    linked = replace(it, links=(Link((1, 4), (2, 4), "x"),))
    assert set(stripboard.joined(linked)) == {frozenset("ab"), frozenset("cd")}
    joined = replace(it, harness=(("a", "d", "by hand"), ("d", "elsewhere", "by hand")))
    assert frozenset({"a", "b", "d", "elsewhere"}) in stripboard.joined(joined)


@pytest.mark.parametrize("board", BOARDS)
def test_the_sizes_for_the_case_are_the_layout_s(board: str) -> None:
    it = layout(board)
    said = json.loads((OUT / board / "stripboard.json").read_text("utf-8"))
    assert said["length_mm"] == pytest.approx(it.strips * 2.54)
    assert said["width_mm"] == pytest.approx(it.holes * 2.54)
    # Seven pads, 2.54 mm apart, in the middle of a board of 21 mm whose first pad is in the first strip.
    assert said["xiao_ahead_mm"] == pytest.approx((21.0 - 6 * 2.54) / 2 - 1.27, abs=0.01)


def test_a_hole_has_a_letter_and_a_number() -> None:
    assert hole("C4") == (3, 4)
    assert hole_name((18, 13)) == "R13"
    for wrong in ("c4", "C0", "4C", "", "C123", "AA1"):
        with pytest.raises(BadLayout, match="no hole"):
            hole(wrong)
