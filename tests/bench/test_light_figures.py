"""Whether the light's and the sound's errors come out as they were planted."""

import pytest

from tests.bench.light import crossings_us, light_errors_us, sound_errors_us
from tests.support.traces import Pulse

FRAME_US = 16_000.0
ZERO_US = 9e9


def pulse(side: str, on_us: int) -> Pulse:
    return Pulse(side, on_us, on_us + 100_000, 40.0, on_us + 20_000)


LEFT = [pulse("left", int(ZERO_US) + 1_000_000), pulse("left", int(ZERO_US) + 2_000_000)]
RIGHT = [pulse("right", int(ZERO_US) + 1_500_000)]


def frame(number: int, place: float, *, drawn_after_us: float = 1_000, glow: float = 1) -> list[float]:
    stamp_us = number * FRAME_US
    return [stamp_us, stamp_us + FRAME_US, stamp_us + drawn_after_us, place, glow]


def test_a_light_crosses_with_the_first_frame_that_shows_it_on_the_other_side():
    frames = [frame(79, -0.1), frame(80, 0.05), frame(81, 0.2), frame(110, 0.1), frame(111, -0.01)]
    assert crossings_us(frames, ZERO_US) == [
        ("right", ZERO_US + 81 * FRAME_US),
        ("left", ZERO_US + 112 * FRAME_US),
    ]


def test_a_frame_that_was_drawn_too_late_is_seen_with_the_next():
    frames = [frame(79, -0.1), frame(80, 0.05, drawn_after_us=FRAME_US + 1)]
    assert crossings_us(frames, ZERO_US) == [("right", ZERO_US + 82 * FRAME_US)]


def test_a_light_that_is_not_up_does_not_count():
    assert crossings_us([frame(79, -0.1, glow=0.5), frame(80, 0.05)], ZERO_US) == []


def test_a_lights_error_is_from_half_way_between_two_pulses():
    crossings = [("right", ZERO_US + 1_300_000 + 4_000), ("left", ZERO_US + 1_800_000 - 2_000)]
    assert light_errors_us(crossings, LEFT, RIGHT) == [4_000, -2_000]


def test_a_light_that_crosses_the_wrong_way_is_no_light_in_the_beat():
    assert light_errors_us([("left", ZERO_US + 1_304_000)], LEFT, RIGHT) == []


def test_a_tones_error_is_of_when_it_is_heard():
    # The sound card's clock is 5 s behind the page's, and runs 100 ppm fast.
    stamps = [[here, (here - 5e6) * 1.0001] for here in range(5_000_000, 8_000_000, 20_000)]
    at_us = (6_500_000 + 3_000 - 5e6) * 1.0001
    pulses = {"left": [], "right": [pulse("right", int(ZERO_US) + 6_500_000)]}
    (error,) = sound_errors_us([["right", 0, at_us]], stamps, ZERO_US, pulses)
    assert error == pytest.approx(3_000, abs=1)
    assert sound_errors_us([["left", 0, at_us]], stamps, ZERO_US, pulses) == []
    assert sound_errors_us([["right", 0, 9e9]], stamps, ZERO_US, pulses) == []
