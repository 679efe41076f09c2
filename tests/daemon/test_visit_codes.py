"""A client's code: one way to write it, and never a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twintap.core.codes import CODE_MAX, looks_like_name, normalised
from twintap.errors import Refused


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("k-17", "K-17"),
        ("  k-17\n", "K-17"),
        ("K 17", "K-17"),
        ("k  \t 17", "K-17"),
        ("\N{FULLWIDTH LATIN SMALL LETTER K}17", "K17"),
        ("straße_2", "STRASSE_2"),
        ("über", "ÜBER"),
        ("u\N{COMBINING DIAERESIS}ber", "ÜBER"),
        ("a" * CODE_MAX, "A" * CODE_MAX),
    ],
)
def test_a_code_is_the_same_however_it_is_typed(typed: str, code: str) -> None:
    assert normalised(typed) == code


@pytest.mark.parametrize(
    "typed", ["", "   ", "a" * 25, "k/17", "k.17", "k@17", "k#17", "<b>", "k\x0017", "k'17"]
)
def test_what_is_no_code_is_refused_without_saying_it_again(typed: str) -> None:
    with pytest.raises(Refused) as caught:
        normalised(typed)
    fault = caught.value.fault
    assert fault.field == "code"
    assert fault.value is None
    assert not typed.strip() or typed not in fault.message


@given(st.text(max_size=30))
def test_a_code_normalised_once_more_is_itself(typed: str) -> None:
    try:
        code = normalised(typed)
    except Refused:
        return
    assert normalised(code) == code
    assert 1 <= len(code) <= CODE_MAX
    assert not any(char.isspace() for char in code)


@pytest.mark.parametrize("typed", ["Anna Berg", " Anna  Berg ", "Mary-Jane Watson", "Ana María López"])
def test_a_name_is_noticed(typed: str) -> None:
    assert looks_like_name(typed)


@pytest.mark.parametrize("typed", ["K-17", "anna berg", "AB CD", "Anna", "Room 2", "A B", "Jean d'arc", ""])
def test_a_code_is_not_taken_for_a_name(typed: str) -> None:
    assert not looks_like_name(typed)
