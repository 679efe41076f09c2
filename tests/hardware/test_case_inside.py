"""What lies in the case has its place, the screws end where they should, and every wire is long enough."""

import dataclasses
import math
from collections.abc import Mapping

import pytest

from twintap_hardware import case_inside, case_size, facts, stripboard, wiring
from twintap_hardware.case_inside import Thing
from twintap_hardware.case_size import Size
from twintap_hardware.places import BOARDS

IT = case_size.size()
BOXES = case_inside.things()


def with_thing(name: str, **changed: object) -> dict[str, Thing]:
    return BOXES | {name: dataclasses.replace(BOXES[name], **changed)}  # type: ignore[arg-type]


def moved(name: str, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> dict[str, Thing]:
    one = BOXES[name]
    shifts = {"x": x, "y": y, "z": z}
    ranges = {axis: tuple(at + by for at in getattr(one, axis)) for axis, by in shifts.items()}
    return with_thing(name, **ranges)


def test_everything_in_the_case_has_its_place() -> None:
    assert case_inside.breaches() == []
    assert wiring.breaches() == []
    assert set(BOXES) >= {"fuse", "plug", "sheet", "antenna", "lever", "terminals"}


def test_all_of_it_is_inside_the_case_and_the_lever_in_its_wall() -> None:
    for name, box in BOXES.items():
        far = IT.length / 2 if name == "lever" else IT.cavity_x
        assert -far <= box.x[0] < box.x[1] <= far, name
        assert -IT.cavity_y <= box.y[0] < box.y[1] <= IT.cavity_y, name
        assert IT.floor <= box.z[0] < box.z[1] <= IT.height - IT.window, name


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        (moved("fuse", x=-14), "hot when it has tripped"),
        (moved("plug", y=-6), "the fuse is 0.00 mm from the plug"),
        (with_thing("sheet", y=(-15.0, 15.0)), "the sheet is not between"),
        (moved("sheet", z=0.2), "below the board's joints"),
        (with_thing("lever", x=(IT.switch_x, IT.switch_x + 2.5)), "between the lever's end and its plug"),
        (with_thing("lever", y=(-3.2, 3.2)), "to its opening's edge"),
        (moved("antenna", z=-9), "from the cell"),
        (moved("antenna", x=16, y=6), "soft button's web"),
        (moved("antenna", y=-2), "from screw"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_thing_in_a_wrong_place_is_found(boxes: Mapping[str, Thing], words: str) -> None:
    assert any(words in each for each in case_inside.breaches(boxes))


def test_gaps_between_boxes_are_those_of_their_nearest_corners() -> None:
    one = Thing("one", (0, 1), (0, 1), (0, 1))
    assert one.gap(Thing("two", (4, 5), (5, 6), (0.5, 2))) == pytest.approx(5)
    assert one.gap(Thing("two", (0.5, 2), (0.5, 2), (0.5, 2))) == 0


def test_the_screws_to_buy_end_in_their_inserts_and_above_the_holes_end() -> None:
    end = IT.height - case_inside.lid_screw()
    assert IT.parting_z - IT.insert_depth + case_inside.BOTTOM_LEAST_MM <= end
    assert end <= IT.parting_z - case_inside.THREAD_LEAST_MM
    assert case_inside.carrier_screw() < case_inside.CARRIER_HOLE_MM + case_size.board().thickness


def changed(**values: float) -> Size:
    return dataclasses.replace(IT, **values)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (changed(insert_depth=3.2), "the plastic that they push down"),
        (changed(insert_depth=0.5), "hold by"),
        (changed(screw_y=IT.width / 2 - 2.5), "and the outside"),
        (changed(screw_y=IT.cavity_y + 2.5), "and the cavity"),
        (changed(screw_x=IT.slot_x + IT.slot_length / 2 + 2.0), "and the strap's slot"),
        (changed(screw_x=IT.length / 2 - 4, screw_y=IT.width / 2 - 4), "the outside's corner"),
        (changed(parting_z=IT.height - 1.0, insert_depth=1.0), "no usual M2 screw is short enough"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_screw_that_holds_too_little_or_breaks_out_is_found(wrong: Size, words: str) -> None:
    assert any(words in each for each in case_inside.screws(wrong))


def test_a_longer_lever_pushes_the_switch_inwards_and_keeps_room_for_its_plug(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    number = facts.number

    def longer_lever(name: str) -> float:
        return number(name) + (name == "case.slide_lever_mm")

    monkeypatch.setattr(facts, "number", longer_lever)
    case_size.size.cache_clear()
    try:
        longer = case_size.size()
        assert longer.length - IT.length == pytest.approx(1.0)
        assert case_inside.breaches(case_inside.things(longer), longer) == []
    finally:
        case_size.size.cache_clear()


# -- wires -----------------------------------------------------------------------------------------------


def test_every_wire_of_each_layout_is_cut_once() -> None:
    cut = [pin for each in wiring.wires() if not each.comes for pin in each.pins]
    assert len(cut) == len(set(cut))
    for board in BOARDS:
        assert stripboard.load(board).wired <= set(cut)


def test_a_wire_that_the_case_does_not_know_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    load = stripboard.load

    def with_more(board: str) -> stripboard.Layout:
        layout = load(board)
        leads = {**layout.leads, "M9.+": (3, 3)}
        return dataclasses.replace(layout, leads=leads, wired=layout.wired | {"M9.+"})

    monkeypatch.setattr(stripboard, "load", with_more)
    assert any("M9.+ has no way" in each for each in wiring.breaches())


def test_a_wire_reaches_its_end_while_the_lid_lies_open_beside_the_body() -> None:
    slack = facts.number("case.wire_slack_mm")
    for each in wiring.wires():
        if not each.in_lid or each.comes:
            continue
        # Straight through the air to where the end lies then, from where it starts.
        x, y, z = each.end
        straight = math.dist(each.start, (x, -IT.width - y, IT.height - z))
        assert straight + slack <= each.length < 3 * straight


def test_a_wire_between_parts_of_the_body_is_longer_than_the_way_through_the_air() -> None:
    slack = facts.number("case.wire_slack_mm")
    found = [each for each in wiring.wires() if not each.in_lid and not each.comes]
    assert len(found) >= 5
    for each in found:
        assert each.length % wiring.CUT_MM == 0
        assert each.length >= math.dist(each.start, each.end) + slack


def test_a_bundle_is_as_thick_as_its_wires_against_each_other() -> None:
    assert wiring.bundle_radius(1, 1.3) == pytest.approx(0.65)
    assert wiring.bundle_radius(2, 1.3) == pytest.approx(1.3)
    # Three middles are the corners of a triangle with sides of one diameter.
    assert wiring.bundle_radius(3, 1.3) == pytest.approx(1.3 / math.sqrt(3) + 0.65)
