"""Battery and light: what is made of a voltage, and what is shown of it all."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twintap_protocol import frames

from .pulser_parts import battery, light

PATTERNS = [
    light.OFF,
    light.IDENTIFY,
    light.CHARGING,
    light.FULL,
    light.UNPAIRED,
    light.LOOKING,
    light.LINKED,
]
BLUE = (0, 80, 160)


class Port:
    def __init__(self) -> None:
        self.now_ms = 0
        self.mv = 3_900
        self.shown: list[tuple[int, tuple[int, int, int]]] = []

    def ticks_ms(self) -> int:
        return self.now_ms % (1 << 30)

    def battery_mv(self) -> int:
        return self.mv

    def set_light(self, red: int, green: int, blue: int) -> None:
        self.shown.append((self.now_ms, (red, green, blue)))


def states(voltages: list[int]) -> list[int]:
    """What a battery is after each of these voltages has been there for a while."""
    port = Port()
    unit: Any = battery.Battery(port)
    out: list[int] = []
    for port.mv in voltages:
        for _ in range(6):
            port.now_ms += 2_000
            unit.beat()
        out.append(unit.state)
    return out


def test_a_battery_gets_low_and_empty_and_better_only_well_above() -> None:
    fine, low, empty = frames.BATTERY_FINE, frames.BATTERY_LOW, frames.BATTERY_EMPTY
    assert states([3_900, 3_501, 3_499, 3_600, 3_620, 3_621]) == [fine, fine, low, low, low, fine]
    assert states([3_400, 3_301, 3_299, 3_440, 3_450, 3_451, 3_620, 3_700]) == [
        low, low, empty, empty, empty, low, low, fine,
    ]  # fmt: skip
    assert states([3_200, 4_000]) == [empty, fine]
    assert states([0]) == [frames.BATTERY_UNKNOWN]


def test_two_readings_that_are_off_change_nothing() -> None:
    port = Port()
    unit: Any = battery.Battery(port)
    unit.beat()
    for port.mv in (3_000, 3_000, 3_900, 5_000, 3_900):
        port.now_ms += 2_000
        unit.beat()
        assert (unit.mv, unit.state) == (3_900, frames.BATTERY_FINE)


@given(st.lists(st.integers(3_200, 3_700), min_size=3, max_size=30))
def test_a_state_never_flutters_within_a_tenth_of_a_volt(voltages: list[int]) -> None:
    low, high = min(voltages), max(voltages)
    seen = states(voltages)
    changes = sum(a != b for a, b in pairwise(seen))
    if high - low < 100:
        assert changes <= 2


@pytest.mark.parametrize("has_colour", [True, False])
@pytest.mark.parametrize("is_low", [True, False])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_no_pattern_flashes_more_than_three_times_a_second(
    pattern: str, is_low: bool, has_colour: bool
) -> None:
    shown = [light.colour_of(pattern, ms, BLUE, is_low, has_colour) for ms in range(0, 40_000, 10)]
    ons = [at * 10 for at in range(1, len(shown)) if any(shown[at]) and not any(shown[at - 1])]
    for first in ons:
        assert len([on for on in ons if first <= on < first + 1_000]) <= 3


@given(
    pattern=st.sampled_from(PATTERNS),
    at_ms=st.integers(0, 30_000_000),
    room=st.tuples(*[st.integers(0, 255)] * 3),
    is_low=st.booleans(),
    has_colour=st.booleans(),
)
def test_every_colour_is_one(
    pattern: str, at_ms: int, room: tuple[int, int, int], is_low: bool, has_colour: bool
) -> None:
    colour = light.colour_of(pattern, at_ms, room, is_low, has_colour)
    assert len(colour) == 3
    assert all(0 <= part <= 255 for part in colour)
    if pattern == light.OFF:
        assert colour == (0, 0, 0)


def test_each_pattern_is_what_its_table_says() -> None:
    def on_ms(pattern: str, from_ms: int, to_ms: int, is_low: bool = False) -> int:
        shown = [light.colour_of(pattern, ms, BLUE, is_low, True) for ms in range(from_ms, to_ms, 10)]
        return 10 * sum(any(colour) for colour in shown)

    assert on_ms(light.UNPAIRED, 0, 8_000) == 2_000
    assert on_ms(light.LINKED, 0, 5_000) == 5_000
    assert on_ms(light.LINKED, 5_000, 10_000) == 0
    assert on_ms(light.LINKED, 10_000, 20_000) == 120
    assert on_ms(light.LINKED, 0, 10_000, is_low=True) == 240
    assert light.colour_of(light.IDENTIFY, 5, BLUE, True, True) == BLUE
    assert light.colour_of(light.IDENTIFY, 5, (0, 0, 0), False, True) == (255, 255, 255)
    red, green, blue = light.colour_of(light.CHARGING, 5, BLUE, True, True)
    assert red > green > blue == 0
    breath = [sum(light.colour_of(light.LOOKING, ms, BLUE, False, True)) for ms in range(0, 4_000, 100)]
    assert max(breath) > 4 * min(breath) > 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(PATTERNS),
            st.sampled_from([BLUE, (255, 0, 0), (0, 0, 0)]),
            st.booleans(),
            st.integers(1, 40),
        ),
        min_size=5,
        max_size=60,
    )
)
def test_no_order_of_patterns_lights_up_or_changes_more_than_three_times_a_second(
    told: list[tuple[str, tuple[int, int, int], bool, int]],
) -> None:
    port = Port()
    unit: Any = light.Light(port, True)
    flashes: list[int] = []
    dark = last = (0, 0, 0)
    pattern = light.OFF
    for wanted, room, is_low, beats in told:
        for _ in range(beats):
            unit.show(wanted, room, is_low)
            colour = port.shown[-1][1] if port.shown else dark
            is_breath = unit.pattern == pattern == light.LOOKING and last != dark and not is_low
            if colour not in (dark, last) and not is_breath:
                flashes.append(port.now_ms)
            last, pattern = colour, unit.pattern
            port.now_ms += 50
        if wanted == light.OFF:
            assert last == dark  # nothing distracts, from its first moment on
    for first in flashes:
        assert len([at for at in flashes if first <= at < first + 1_000]) <= 3


def test_a_battery_that_says_nothing_is_not_asked_at_every_beat() -> None:
    port = Port()
    port.mv = 0
    asked: list[int] = []

    def read() -> int:
        asked.append(port.now_ms)
        return port.mv

    port.battery_mv = read  # type: ignore[method-assign]
    unit: Any = battery.Battery(port)
    for port.now_ms in range(0, 10_000, 10):
        unit.beat()
    assert len(asked) <= 5 * 6
    port.mv = 3_900
    for port.now_ms in range(10_000, 12_100, 10):
        unit.beat()
    assert (unit.mv, unit.state) == (3_900, frames.BATTERY_FINE)


def test_the_light_is_told_only_what_changes_and_outlives_its_clock_s_wrap() -> None:
    port = Port()
    port.now_ms = (1 << 30) - 3_000
    unit: Any = light.Light(port, True)
    for _ in range(2_000):
        unit.show(light.LINKED, BLUE, False)
        port.now_ms += 50
    colours = [colour for _, colour in port.shown]
    assert all(a != b for a, b in pairwise(colours))
    # 5 s steady, and then nine blinks in the 95 s that follow; each on and off.
    assert len(colours) == 2 + 2 * 9
    # Days later it still blinks: the count of ms is kept small.
    begin = len(port.shown)
    for _ in range(3):
        port.now_ms += 9_000_000
        unit.show(light.LINKED, BLUE, False)
    for _ in range(400):
        port.now_ms += 50
        unit.show(light.LINKED, BLUE, False)
    assert len(port.shown) - begin >= 3
