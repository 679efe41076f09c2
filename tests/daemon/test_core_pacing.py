"""A pacing is in its ranges or is refused in words that name the field, the value and the range."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twintap.core.pacing import Pacing
from twintap.core.timeline import GAP_US, shape
from twintap.errors import Refused

RANGES = {
    "rate_hz": (0.1, 4.0),
    "level_pct": (0, 100),
    "left_pct": (0, 100),
    "right_pct": (0, 100),
    "ramp_ms": (0, 10_000),
    "passes": (1, 1_000),
}


@pytest.mark.parametrize("field", RANGES)
def test_both_ends_of_every_range_are_taken(field: str) -> None:
    for value in RANGES[field]:
        pacing = Pacing().with_changes({field: value})
        held = pacing.as_dict()["left_pct" if field == "level_pct" else field]
        assert held == value


@pytest.mark.parametrize("field", RANGES)
def test_just_outside_a_range_is_refused_with_field_value_and_range(field: str) -> None:
    low, high = RANGES[field]
    step = 0.001 if field.endswith(("_hz", "_pct")) else 1
    for value in (low - step, high + step):
        with pytest.raises(Refused) as refused:
            Pacing().with_changes({field: value})
        fault = refused.value.fault
        assert (fault.code, fault.field, fault.value) == ("range", field, value)
        assert (fault.low, fault.high) == (low, high)
        assert fault.message.startswith(f"{field} is {value:.10g};")
        assert f"{low:g}..{high:g}" in fault.message


@pytest.mark.parametrize(("rate_hz", "widest_ms"), [(0.1, 5_000), (0.7, 714), (1.0, 500), (4.0, 125)])
def test_a_pulse_is_20_ms_to_half_a_pass(rate_hz: float, widest_ms: int) -> None:
    for pulse_ms in (20, widest_ms):
        assert Pacing().with_changes({"rate_hz": rate_hz, "pulse_ms": pulse_ms}).pulse_ms == pulse_ms
    for pulse_ms in (19, widest_ms + 1):
        with pytest.raises(Refused, match=rf"pulse_ms is {pulse_ms}; it has to lie in 20\.\."):
            Pacing().with_changes({"rate_hz": rate_hz, "pulse_ms": pulse_ms})


def test_a_rate_that_makes_the_held_pulse_too_wide_is_refused() -> None:
    slow = Pacing().with_changes({"rate_hz": 0.5, "pulse_ms": 900})
    with pytest.raises(Refused, match="half a pass"):
        slow.with_changes({"rate_hz": 1.0})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, -(10**400), 1e300])
@pytest.mark.parametrize("field", [*RANGES, "pulse_ms"])
def test_numbers_that_no_json_or_float_can_hold_are_refused_in_words(field: str, value: float) -> None:
    with pytest.raises(Refused) as refused:
        Pacing().with_changes({field: value})
    fault = refused.value.fault
    assert fault.code == "range"
    assert fault.field == field
    assert len(fault.message) < 200
    json.dumps(fault.value, allow_nan=False)


@pytest.mark.parametrize("value", [True, False, "1", "", [], {}, b"1", object(), 1j])
@pytest.mark.parametrize("field", [*RANGES, "pulse_ms"])
def test_what_is_no_number_is_refused(field: str, value: object) -> None:
    with pytest.raises(Refused, match=f"{field} has to be a number") as refused:
        Pacing().with_changes({field: value})
    assert refused.value.fault.code == "field"


@pytest.mark.parametrize("field", ["pulse_ms", "ramp_ms", "passes"])
def test_fractions_of_whole_things_are_refused(field: str) -> None:
    with pytest.raises(Refused, match="whole number"):
        Pacing().with_changes({field: 50.5})
    assert Pacing().with_changes({field: 50.0}).as_dict()[field] == 50


def test_an_open_set_is_asked_for_by_its_word() -> None:
    planned = Pacing().with_changes({"passes": 24})
    assert planned.with_changes({"passes": "open"}).as_dict()["passes"] is None
    assert planned.as_dict()["passes"] == 24


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="speed is not a part of a pacing"):
        Pacing().with_changes({"speed": 1})


def test_a_field_that_is_none_stays_as_it_was_and_a_sides_own_level_wins() -> None:
    pacing = Pacing().with_changes({"rate_hz": None, "level_pct": 10, "right_pct": 20})
    assert (pacing.rate_hz, pacing.left_pct, pacing.right_pct) == (1.0, 10.0, 20.0)


@given(
    st.dictionaries(
        st.sampled_from([*RANGES, "pulse_ms"]),
        st.one_of(
            st.floats(0.05, 5.0), st.integers(-5, 1_500), st.floats(), st.integers(), st.text(), st.none()
        ),
    )
)
def test_anything_gives_a_pacing_in_range_or_a_refusal_and_never_two_hands_at_once(
    changes: dict[str, object],
) -> None:
    try:
        pacing = Pacing().with_changes(changes)
    except Refused:
        return
    assert 0.1 <= pacing.rate_hz <= 4.0
    assert 20 <= pacing.pulse_ms <= 500 / pacing.rate_hz
    left, right = shape(pacing, "left"), shape(pacing, "right")
    for pulse in (left, right):
        assert pulse.width_us >= 20_000
        assert pulse.rise_us >= 20_000
        assert pulse.rise_us + pulse.fall_us <= pulse.width_us
    assert left.phase_us + left.width_us + GAP_US <= right.phase_us
    assert right.phase_us + right.width_us + GAP_US <= pacing.period_us + 1
