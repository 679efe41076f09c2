"""The stripboard layout is the netlist; its checker sees every fault that a hand could make."""

import json
import re
from dataclasses import replace
from html import unescape
from itertools import pairwise

import pytest

from twintap_hardware import netlist, stripboard, stripboard_drawing
from twintap_hardware.places import BOARDS, OUT
from twintap_hardware.stripboard import BadLayout, Layout, Link, hole, hole_name

EMPTY = Layout("xiao-esp32c3", 4, 4, (), (), {}, frozenset(), ())


def layout(board: str) -> Layout:
    return stripboard.load(board)


def picture(it: Layout) -> str:
    return stripboard_drawing.svg(it, netlist.committed(it.board))


def found(it: Layout) -> list[str]:
    return stripboard.breaches(it, netlist.committed(it.board))


@pytest.mark.parametrize("board", BOARDS)
def test_the_layout_is_the_netlist_and_can_be_built(board: str) -> None:
    assert found(layout(board)) == []


@pytest.mark.parametrize("board", BOARDS)
def test_the_committed_drawing_and_data_are_the_layout(board: str) -> None:
    it = layout(board)
    assert (OUT / board / "stripboard.svg").read_text("utf-8") == picture(it)
    assert (OUT / board / "stripboard.json").read_text("utf-8") == stripboard_drawing.data(it)


@pytest.mark.parametrize("board", BOARDS)
def test_the_drawing_shows_every_part_cut_and_wire_and_says_what_it_is_not(board: str) -> None:
    it, svg = layout(board), picture(layout(board))
    words = " ".join(re.findall(r">([^<>]+)</text>", svg))
    assert "A manufactured board is not there yet" in words
    for designator in {pin.partition(".")[0] for pin in it.leads}:
        assert re.search(rf"\b{designator}\b", words), designator
    assert ", ".join(hole_name(cut) for cut in it.cuts) in words
    for pin in it.wired:
        assert f"{hole_name(it.leads[pin])} to {pin.replace('.', ' ').replace('-', '−')}:" in words, pin
    for one, other, how in it.harness:
        if "plug" not in how:
            assert f"{one.replace('.', ' ')} to {other.replace('.', ' ')}, {how}" in words
    # Both sides show the strips' cuts at mirrored places, and one joint for each lead and link's end.
    joints = len(it.leads) + 2 * len(it.links)
    assert svg.count('r="6.5" fill="#c9ced3"') == joints


@pytest.mark.parametrize("board", BOARDS)
def test_the_xiao_lies_as_it_is_seen_from_above_with_its_port_up(board: str) -> None:
    """Its pads as its maker draws them; a board that is drawn mirrored has 5V where D0 is."""
    it = layout(board)
    from_above = (
        ("D0", "5V"),
        ("D1", "GND"),
        ("D2", "3V3"),
        ("D3", "D10"),
        ("D4", "D9"),
        ("D5", "D8"),
        ("D6", "D7"),
    )
    for row, (left, right) in enumerate(from_above):
        # 15.24 mm from row to row: six holes.
        assert it.leads[f"U1.{left}"] == (1 + row, it.leads["U1.D0"][1])
        assert it.leads[f"U1.{right}"] == (1 + row, it.leads["U1.D0"][1] + 6)
    printed = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" font-size="10"[^>]*>([^<]+)<', picture(it))
    at = {pad: (float(x), float(y)) for x, y, pad in printed}
    for (left, right), (below, _) in pairwise(from_above):
        assert at[left][0] < at[right][0]
        assert at[left][1] == at[right][1] < at[below][1]


@pytest.mark.parametrize("board", BOARDS)
def test_the_copper_side_is_the_parts_side_turned_over(board: str) -> None:
    it = layout(board)
    canvas = stripboard_drawing.Canvas()
    above = stripboard_drawing.Side(canvas, it, 100.0, 50.0, mirrored=False)
    below = stripboard_drawing.Side(canvas, it, 100.0, 50.0, mirrored=True)
    for at in [*it.leads.values(), *it.cuts]:
        (x, y), (turned_x, turned_y) = above.at(at), below.at(at)
        assert turned_y == y
        assert x - 100 == pytest.approx(above.width - (turned_x - 100))
    svg, middle = picture(it), stripboard_drawing.MARGIN_X + it.width_mm * stripboard_drawing.SCALE
    joints = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="6.5"', svg)
    assert all(float(x) > middle for x, _ in joints)
    first = stripboard_drawing.Side(
        canvas, it, middle + stripboard_drawing.GAP, stripboard_drawing.MARGIN_Y, True
    )
    wanted = {first.at(at) for at in it.leads.values()}
    assert {(round(x, 1), round(y, 1)) for x, y in wanted} <= {(float(x), float(y)) for x, y in joints}


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


@pytest.mark.parametrize("board", BOARDS)
def test_any_bridge_of_solder_between_strips_of_different_nets_is_a_breach(board: str) -> None:
    it, net = layout(board), netlist.committed(board)
    bridges = 0
    for strip in range(1, it.strips):
        for number in range(1, it.holes + 1):
            if {(strip, number), (strip + 1, number)} & set(it.cuts):
                continue  # there is no copper
            beside = [
                {net.net(pin) for pin, at in it.leads.items() if _reach(it, at) == _reach(it, (row, number))}
                for row in (strip, strip + 1)
            ]
            if not (beside[0] and beside[1]) or beside[0] == beside[1]:
                continue
            bridges += 1
            bridged = replace(it, links=(*it.links, Link((strip, number), (strip + 1, number), "GND")))
            assert stripboard.net_breaches(bridged, net), hole_name((strip, number))
    assert bridges > 100


def _reach(it: Layout, at: tuple[int, int]) -> tuple[int, int]:
    """The piece of a strip that a hole is in: the strip, and how many cuts are left of it."""
    return at[0], sum(strip == at[0] and number < at[1] for strip, number in it.cuts)


def moved(it: Layout, **holes: str) -> Layout:
    """The layout with some leads elsewhere: R3_1="J8"."""
    return replace(it, leads=dict(it.leads) | {pin.replace("_", "."): hole(at) for pin, at in holes.items()})


def test_leads_that_are_not_as_far_apart_as_the_part_has_them_are_a_breach() -> None:
    it = layout(BOARDS[0])
    for wrong, says in (
        (moved(it, R3_1="J8"), "R3 lies over 3 to 6 holes: J8-J6"),
        (moved(it, R5_2="S1"), "R5 lies over"),
        (moved(it, D1_A="N13"), "D1 lies over"),
        (replace(it, leads=dict(it.leads) | {"C1.+": hole("P12")}), "C1 stands askew"),
        (replace(it, leads=dict(it.leads) | {"C1.-": hole("R11")}), "C1's leads come 2.5 mm apart"),
        (moved(it, C2_1="K3"), "C2's leads come 2.5 mm apart"),
        (moved(it, R2_1="N7"), "R2 stands askew"),
        (moved(it, Q1_D="P11"), "Q1's leads are S, G, D side by side"),
        (moved(it, Q1_S="N11", Q1_G="M11"), "Q1's leads are S, G, D side by side"),
    ):
        assert any(says in each for each in stripboard.lead_breaches(wrong)), says


@pytest.mark.parametrize("board", BOARDS)
def test_any_lead_of_a_lying_part_that_is_one_hole_off_is_a_breach(board: str) -> None:
    it = layout(board)
    for pin, (strip, number) in it.leads.items():
        if pin in it.wired or pin.startswith("U1.") or pin.partition(".")[0] in ("R3", "R6"):
            continue  # R3 and R6 lie along their strips: another hole of the same strip does as well
        for step in (-1, 1):
            off = replace(it, leads=dict(it.leads) | {pin: (strip, number + step)})
            assert found(off), (pin, step)


@pytest.mark.parametrize("across", [5, 7])
def test_rows_of_pins_that_no_xiao_has_are_a_breach(across: int) -> None:
    text = stripboard.FILE.read_text("utf-8")
    assert "across = 6" in text
    wrong = stripboard.load(BOARDS[0], text.replace("across = 6", f"across = {across}"))
    said = f"U1's rows of pins are {across * stripboard.PITCH_MM:.2f} mm apart, and 15.24 mm are asked"
    assert said in stripboard.lead_breaches(wrong)
    assert stripboard.lead_breaches(layout(BOARDS[0])) == []


def test_bare_wires_that_cross_or_run_over_a_lead_are_a_breach() -> None:
    it = layout(BOARDS[0])
    over = replace(it, links=(*it.links, Link(hole("O8"), hole("O10"), "MOTOR_LOW")))
    assert any("cross" in each for each in stripboard.bare_breaches(over))
    beside = replace(it, links=(*it.links, Link(hole("L11"), hole("N11"), "GND")))
    assert any("runs over Q1.S in M11" in each for each in stripboard.bare_breaches(beside))
    under = moved(it, S1_2="M1")
    assert any("R5 runs over S1.2 in M1" in each for each in stripboard.bare_breaches(under))
    xiao = replace(it, links=(*it.links, Link(hole("A4"), hole("C4"), "GND")))
    assert any("U1.D1" in each for each in stripboard.bare_breaches(xiao))


def test_the_flat_face_is_where_source_gate_and_drain_are_from_left_to_right() -> None:
    # Down the board as drawn, the eye that has the source on its left looks from the left.
    it = layout(BOARDS[0])
    assert stripboard.flat_side(it, "Q1") == "left"
    for leads, side in (
        ({"Q1_S": "O11", "Q1_G": "N11", "Q1_D": "M11"}, "right"),
        ({"Q1_S": "E3", "Q1_G": "E4", "Q1_D": "E5"}, "bottom"),
        ({"Q1_S": "E5", "Q1_G": "E4", "Q1_D": "E3"}, "top"),
    ):
        turned = moved(it, **leads)
        assert stripboard.flat_side(turned, "Q1") == side
        # Nothing but the bar moves to the other side when the part is turned.
        assert picture(turned) != picture(it)


def test_the_ring_of_the_diode_is_drawn_at_its_cathode() -> None:
    it = layout(BOARDS[0])
    (body,) = [each for each in stripboard.bodies(it) if each.designator == "D1"]
    middle = stripboard_drawing.MARGIN_Y + (body.top + body.bottom) / 2 * stripboard_drawing.SCALE

    def ring(shown: Layout) -> float:
        found_ = re.findall(r'<rect x="[\d.]+" y="([\d.]+)" width="[\d.]+" height="8.0"', picture(shown))
        assert len(found_) == 1
        return float(found_[0])

    assert ring(it) < middle
    assert ring(moved(it, D1_K="O13", D1_A="L13")) > middle


@pytest.mark.parametrize("board", BOARDS)
def test_where_to_measure_is_every_net_and_each_of_its_strips(board: str) -> None:
    it, net = layout(board), netlist.committed(board)
    told = stripboard.copper_of(it, net)
    assert set(told) == set(net.nets()) - {"CELL", "FUSED"}  # these two are in the red wire
    for pin, at in it.leads.items():
        name = net.net(pin)
        pieces = [piece for piece in told.get(name or "", []) if within(at, piece)]
        assert len(pieces) == (name is not None), pin
    words = set(re.findall(r">([^<>]+)</text>", picture(it)))
    for name, pieces in told.items():
        assert {name, ", ".join(pieces).replace("-", "–")} <= words


def within(at: tuple[int, int], piece: str) -> bool:
    start, end = (hole(name) for name in piece.split("-"))
    return start[0] == at[0] == end[0] and start[1] <= at[1] <= end[1]


@pytest.mark.parametrize("board", BOARDS)
def test_the_small_drawing_is_as_large_as_the_board_and_fits_on_paper(board: str) -> None:
    it = layout(board)
    svg = picture(it)
    size = re.search(r'width="([\d.]+)mm" height="([\d.]+)mm" viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert size is not None
    wide, high, units, units_high = (float(each) for each in size.groups())
    assert wide / units == pytest.approx(high / units_high, rel=1e-3)
    assert wide <= 190
    assert high <= 250  # what Letter and A4 both leave
    outlines = {
        (round(float(x) * wide / units, 1), round(float(y) * wide / units, 1))
        for x, y in re.findall(r'<rect x="[\d.]+" y="[\d.]+" width="([\d.]+)" height="([\d.]+)"', svg)
    }
    assert (round(it.width_mm, 1), round(it.length_mm, 1)) in outlines


@pytest.mark.parametrize("board", BOARDS)
def test_no_words_of_the_drawing_run_into_others_or_off_the_sheet(board: str) -> None:
    svg = picture(layout(board))
    (sheet,) = re.findall(r'viewBox="0 0 ([\d.]+)', svg)
    lines = [
        (float(x), float(y), float(x) + 0.56 * float(size) * len(unescape(words)))
        for x, y, size, words in re.findall(
            r'<text x="([\d.]+)" y="([\d.]+)" font-size="([\d.]+)" fill="[^"]+" text-anchor="start">([^<]+)<',
            svg,
        )
    ]
    assert len(lines) > 15
    for x, y, end in lines:
        assert end < float(sheet), (x, y)
        assert not [other for other in lines if other[1] == y and x < other[0] < end], (x, y)


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
