"""What of the case needs no CAD: its formulas, how its sizes follow the parts, and the committed meshes."""

import dataclasses
import math
import struct
from collections import Counter
from pathlib import Path

import pytest

from twintap_hardware import case_size, facts, outputs
from twintap_hardware.catalogue import kinds
from twintap_hardware.places import OUT

MESHES = sorted((OUT / "case").glob("*.stl"))


@pytest.mark.parametrize(("radius", "hole", "rim"), [(22.0, 15.0, 1.2), (11.0, 15.0, 1.2), (40.0, 10.0, 0.5)])
def test_a_ball_on_a_rounded_hole_touches_the_rim_and_enters_it_nowhere(
    radius: float, hole: float, rim: float
) -> None:
    middle_z = radius - case_size.into_hole(radius, hole, rim)
    gaps: list[float] = []
    for step in range(1001):
        turn = step / 1000 * math.pi / 2
        x, z = hole / 2 + rim - rim * math.cos(turn), -rim + rim * math.sin(turn)
        gaps.append(math.hypot(x, z - middle_z) - radius)
    assert min(gaps) == pytest.approx(0, abs=1e-4)


def test_a_ball_that_falls_into_the_hole_reaches_by_its_whole_diameter() -> None:
    assert case_size.into_hole(5.0, 15.0, 1.2) == 10.0


def test_a_closed_hand_does_not_reach_the_button_and_the_broadest_thumb_does() -> None:
    assert case_size.recess_least() < case_size.RECESS < case_size.recess_most()


def test_letters_that_are_too_fine_or_too_flat_to_feel_are_found() -> None:
    it = case_size.size()
    assert case_size.letters(it) == []
    for wrong in (
        dataclasses.replace(it, letter_stroke=case_size.STROKE_LEAST - 0.1),
        dataclasses.replace(it, letter_depth=case_size.LETTER_DEPTH_LEAST - 0.1),
    ):
        assert len(case_size.letters(wrong)) == 1


def test_the_pulser_lies_in_the_smallest_hand_and_the_strap_beside_the_button() -> None:
    it = case_size.size()
    assert it.length <= facts.number("case.hand_breadth_least_mm")
    strap = facts.number("case.strap_width_most_mm")
    assert it.slot_x + strap / 2 <= it.button_x - case_size.DISH / 2 - case_size.RIM + 1e-9
    assert it.slot_length > strap


def test_a_thicker_cell_makes_a_thicker_case_and_moves_nothing_else_across(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    was = case_size.size()
    length, width, thickness = kinds()["cell"].size_mm or (0.0, 0.0, 0.0)
    thicker = dataclasses.replace(kinds()["cell"], size_mm=(length, width, thickness + 2))
    monkeypatch.setattr(case_size, "kinds", lambda: {**kinds(), "cell": thicker})
    case_size.size.cache_clear()
    try:
        grown = case_size.size()
    finally:
        case_size.size.cache_clear()
    # With the share of it that is left for swelling.
    assert grown.height - was.height == pytest.approx(2.2, abs=0.11)
    assert (grown.length, grown.width) == (was.length, was.width)


def test_the_board_of_the_case_is_the_stripboards() -> None:
    board = case_size.board()
    assert {each.designator for each in board.standing} >= {"Q1", "C1", "D1", "R1", "R8"}
    assert all(0 < x < board.length and abs(y) < board.width / 2 for x, y in board.joints)
    assert board.tallest >= 7.0


@pytest.mark.parametrize("path", MESHES, ids=[path.stem for path in MESHES])
def test_a_committed_mesh_is_closed_sorted_and_without_a_date(path: Path) -> None:
    data = path.read_bytes()
    triangles = outputs.canonical_triangles(data)
    edges = Counter((one[at], one[(at + 1) % 3]) for one in triangles for at in range(3))
    assert all(count == 1 and edges[end, start] == 1 for (start, end), count in edges.items())
    volume = sum(
        a[0] * (b[1] * c[2] - b[2] * c[1])
        - a[1] * (b[0] * c[2] - b[2] * c[0])
        + a[2] * (b[0] * c[1] - b[1] * c[0])
        for a, b, c in triangles
    )
    assert volume > 0
    assert min(corner[2] for one in triangles for corner in one) == 0, "it lies on the bed"
    written = [struct.unpack_from("<9f", data, 84 + 50 * at + 12) for at in range(len(triangles))]
    assert [tuple(round(1000 * value) for value in each) for each in written] == [
        tuple(value for corner in one for value in corner) for one in triangles
    ]
    assert data[:80].rstrip() == f"twintap {path.stem}".encode()


def test_there_is_a_mesh_and_a_step_of_each_printed_part() -> None:
    assert {path.stem for path in MESHES} == {
        "body",
        "lid-left",
        "lid-right",
        "button",
        "plug-usb",
        "plug-switch",
    }
    for path in MESHES:
        text = path.with_suffix(".step").read_text("utf-8")
        assert text.startswith("ISO-10303-21;")
        assert f"FILE_NAME('{path.stem}','1970-01-01T00:00:00'" in text
