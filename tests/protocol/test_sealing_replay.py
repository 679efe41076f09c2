"""The replay window against the plainest model of it, and within the chip's integers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twintap_protocol.errors import LocalError
from twintap_protocol.replay import COUNTER_END, ReplayWindow

sizes = st.sampled_from([8, 16, 64, 72, 128])
# Steps are mostly near the highest so far: that is where the window lives. Some leap.
steps = st.one_of(st.integers(-200, 200), st.integers(-12, 12), st.integers(0, COUNTER_END + 10))


class SetModel:
    """Every accepted counter in a set; the window is only a rule about the highest."""

    def __init__(self, size):
        self.size = size
        self.seen = set()

    def check(self, counter):
        highest = max(self.seen, default=-1)
        in_range = 0 <= counter < COUNTER_END
        return in_range and counter not in self.seen and counter > highest - self.size


@given(sizes, st.sampled_from([0, 1000, COUNTER_END - 300]), st.lists(steps, max_size=150))
def test_window_decides_as_a_set_of_all_counters_would(size, start, moves):
    window, model = ReplayWindow(size), SetModel(size)
    at = start
    for move in moves:
        counter = move if abs(move) > 200 else at + move
        fresh = model.check(counter)
        assert window.check(counter) is fresh
        if fresh:
            window.accept(counter)
            model.seen.add(counter)
            at = counter
            assert window.highest == max(model.seen)
    for counter in range(at - size - 20, at + 20):
        assert window.check(counter) is model.check(counter)


@given(st.lists(st.integers(0, COUNTER_END - 1), max_size=50), st.integers(0, COUNTER_END - 1))
def test_asking_changes_nothing(accepted, asked):
    window, untouched = ReplayWindow(), ReplayWindow()
    for counter in accepted:
        if untouched.check(counter):
            window.check(asked)
            window.accept(counter)
            untouched.accept(counter)
    assert [window.check(counter) for counter in [*accepted, asked]] == [
        untouched.check(counter) for counter in [*accepted, asked]
    ]


@pytest.mark.parametrize("counter", [5, -1, COUNTER_END, 99])
def test_accepting_a_replay_is_our_own_fault_and_changes_nothing(counter):
    window = ReplayWindow()
    window.accept(5)
    window.accept(200)
    window.accept(99 + 64)
    with pytest.raises(LocalError, match=str(counter)):
        window.accept(counter)
    assert window.highest == 200
    assert window.check(199)


@pytest.mark.parametrize("size", [0, 7, 12, -8, 8200])
def test_a_size_that_the_ring_cannot_keep_is_refused(size):
    with pytest.raises(LocalError, match="multiple of 8"):
        ReplayWindow(size)


class ChipInt(int):
    """An integer that goes no further than MicroPython's small ints on the chip: -2^30 to 2^30 - 1."""

    def __new__(cls, value):
        if not -(1 << 30) <= value < 1 << 30:
            raise OverflowError(f"{value} is a big integer on the chip")
        return super().__new__(cls, value)


def _checked(name):
    plain = getattr(int, name)

    def operation(self, other):
        result = plain(self, other)
        return ChipInt(result) if isinstance(result, int) else result

    return operation


for _name in ("add", "sub", "mul", "floordiv", "mod", "and", "or", "xor", "lshift", "rshift"):
    for _form in (f"__{_name}__", f"__r{_name}__"):
        setattr(ChipInt, _form, _checked(_form))
ChipInt.__truediv__ = ChipInt.__rtruediv__ = None  # a float is an allocation, and has too few bits


def test_window_stays_within_the_chips_small_integers():
    with pytest.raises(OverflowError):
        ChipInt(1 << 29) * 2
    window = ReplayWindow(64)
    for counter in (
        0,
        1,
        500,
        3,
        1 << 29,
        (1 << 29) - 63,
        COUNTER_END - 2,
        COUNTER_END - 1,
        COUNTER_END - 64,
    ):
        number = ChipInt(counter)
        fresh = window.check(number)
        if fresh:
            window.accept(number)
    assert window.highest == COUNTER_END - 1
    assert not window.check(ChipInt(COUNTER_END - 64))
