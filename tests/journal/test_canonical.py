"""Canonical JSON: the bytes that the chain's hashes cover are those that anybody's RFC 8785 gives."""

import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twintap.errors import Refused
from twintap.journal.canonical import WHOLE_MAX, canonical

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-WHOLE_MAX, WHOLE_MAX)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)

# RFC 8785, appendix B: the bits of a double, and how it is written.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize(("bits", "written"), NUMBERS.items())
def test_a_number_is_written_as_the_rfc_writes_it(bits: str, written: str) -> None:
    [value] = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical(value).decode() == written


def test_the_rfcs_example_comes_out_byte_for_byte() -> None:
    value = json.loads(
        r'{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],'
        r'"string":"€$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}'
    )
    assert canonical(value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_keys_are_sorted_by_their_utf_16_units() -> None:
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    in_order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    assert list(json.loads(canonical(dict.fromkeys(keys)))) == in_order


@given(JSON_VALUES)
def test_what_is_read_back_is_the_same_and_gives_the_same_bytes(value: Any) -> None:
    written = canonical(value)
    # A large float is written without a fraction, and means the double nearest to its digits.
    assert json.loads(written, parse_int=float) == value
    assert canonical(json.loads(written)) == written


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_survives_however_it_is_written(value: float) -> None:
    assert float(canonical(value)) == value


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, 2**53 + 1, 10**400, "\ud800", b"x", {1: 2}, {1, 2}, ...], ids=repr
)
def test_what_json_lacks_is_refused(value: object) -> None:
    with pytest.raises(Refused):
        canonical({"a": [value]})


def test_what_is_nested_too_deep_is_refused() -> None:
    value: object = 1
    for _ in range(40):
        value = [value]
    with pytest.raises(Refused, match="nested"):
        canonical(value)
