"""What is joined two by two hangs together, in whatever order, and nothing else does."""

from hypothesis import given
from hypothesis import strategies as st

from twintap_hardware.joining import Joining

THINGS = 24


@given(st.lists(st.tuples(st.integers(0, THINGS - 1), st.integers(0, THINGS - 1)), max_size=60))
def test_two_things_are_in_one_group_if_and_only_if_a_way_leads_from_one_to_the_other(
    joins: list[tuple[int, int]],
) -> None:
    together = Joining[int]()
    for one, other in joins:
        together.join(one, other)
    for start in range(THINGS):
        reached = {start}
        for _ in range(THINGS):
            reached |= {b for pair in joins for a, b in (pair, pair[::-1]) if a in reached}
        assert {thing for thing in range(THINGS) if together.group(thing) == together.group(start)} == reached
