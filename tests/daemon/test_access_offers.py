"""Offers to join: spent once, over in time, and their digits are worth no guessing."""

from datetime import UTC, datetime, timedelta

import pytest

from twintap.access import offers as module
from twintap.access.offers import Offers
from twintap.errors import Refused


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def go(self, by: timedelta) -> None:
        self.at += by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def offers(clock: Clock) -> Offers:
    return Offers(clock)


def code(caught: pytest.ExceptionInfo[Refused]) -> str:
    return caught.value.fault.code


def wrong_for(*digits: str) -> str:
    return next(text for number in range(10**6) if (text := f"{number:06}") not in digits)


def test_an_offer_is_spent_by_the_first_who_takes_it_by_link_or_by_digits(offers: Offers) -> None:
    text, offer = offers.make("therapist", ("room-1",), giver="Ada", label="tablet")
    assert offers.take(text) == offer
    with pytest.raises(Refused) as caught:
        offers.take(text)
    assert code(caught) == "offer"
    with pytest.raises(Refused):
        offers.take_digits(offer.digits, is_here=False)

    text, offer = offers.make("display", ("room-1",), giver="Ada")
    assert offers.take_digits(offer.digits, is_here=False) == offer
    with pytest.raises(Refused):
        offers.take(text)


def test_an_offer_is_over_after_ten_minutes(offers: Offers, clock: Clock) -> None:
    text, offer = offers.make("therapist", ("room-1",), giver="Ada")
    clock.go(timedelta(minutes=9, seconds=59))
    fresh, _ = offers.make("therapist", ("room-1",), giver="Ada")
    clock.go(timedelta(seconds=1))
    for taken in (lambda: offers.take(text), lambda: offers.take_digits(offer.digits, is_here=True)):
        with pytest.raises(Refused):
            taken()
    assert offers.take(fresh).role == "therapist"


def test_ten_wrong_guesses_make_the_digits_void_and_leave_the_link(offers: Offers) -> None:
    text, offer = offers.make("therapist", ("room-1",), giver="Ada")
    wrong = wrong_for(offer.digits)
    for _ in range(10):
        with pytest.raises(Refused):
            offers.take_digits(wrong, is_here=False)
    # Ten mistakes are forgiven; the eleventh is one too many.
    with pytest.raises(Refused):
        offers.take_digits(wrong, is_here=False)
    with pytest.raises(Refused) as caught:
        offers.take_digits(offer.digits, is_here=False)
    assert code(caught) == "offer"
    assert offers.take(text).role == "therapist"


def test_void_digits_are_opened_by_no_empty_ones(offers: Offers) -> None:
    _, offer = offers.make("therapist", ("room-1",), giver="Ada")
    for _ in range(11):
        with pytest.raises(Refused):
            offers.take_digits(wrong_for(offer.digits), is_here=False)
    with pytest.raises(Refused):
        offers.take_digits("", is_here=False)


def test_guessing_on_and_on_is_shut_out_for_a_while_whatever_is_offered_meanwhile(
    offers: Offers, clock: Clock
) -> None:
    for _ in range(30):
        _, offer = offers.make("therapist", ("room-1",), giver="Ada")
        with pytest.raises(Refused) as caught:
            offers.take_digits(wrong_for(offer.digits), is_here=False)
        assert code(caught) == "offer"
    text, offer = offers.make("therapist", ("room-1",), giver="Ada")
    with pytest.raises(Refused) as caught:
        offers.take_digits(offer.digits, is_here=False)
    assert code(caught) == "slower"
    assert 0 < (caught.value.fault.retry_after_ms or 0) <= 600_001
    assert offers.take(text).role == "therapist"
    clock.go(timedelta(minutes=10, milliseconds=1))
    _, offer = offers.make("therapist", ("room-1",), giver="Ada")
    assert offers.take_digits(offer.digits, is_here=False) == offer


def test_an_admin_s_digits_count_on_this_computer_alone(offers: Offers) -> None:
    _, offer = offers.make("admin", None, giver="Ada")
    with pytest.raises(Refused):
        offers.take_digits(offer.digits, is_here=False)
    assert offers.take_digits(offer.digits, is_here=True).role == "admin"


@pytest.mark.parametrize("digits", ["\ud800" * 6, "１２３４５６", "", "1" * 100])
def test_odd_digits_are_merely_wrong(offers: Offers, digits: str) -> None:
    offers.make("therapist", ("room-1",), giver="Ada")
    with pytest.raises(Refused):
        offers.take_digits(digits, is_here=True)


def test_no_two_open_offers_have_the_same_digits(offers: Offers, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([7, 7, 7, 8])
    monkeypatch.setattr(module.secrets, "randbelow", lambda _: next(drawn))
    assert offers.make("display", None, giver="Ada")[1].digits == "000007"
    assert offers.make("display", None, giver="Ada")[1].digits == "000008"


def test_a_page_that_offers_again_and_again_pushes_its_oldest_out(offers: Offers) -> None:
    texts = [offers.make("display", ("room-1",), giver="Ada")[0] for _ in range(65)]
    with pytest.raises(Refused):
        offers.take(texts[0])
    assert offers.take(texts[1]).role == "display"
    assert offers.take(texts[64]).role == "display"


def test_what_is_withdrawn_is_void_and_what_could_not_be_kept_is_not_spent(offers: Offers) -> None:
    text, offer = offers.make("display", ("room-1",), giver="Ada")
    offers.withdraw("0" * 12)
    offers.put_back(offers.take(text))
    assert offers.take_digits(offer.digits, is_here=False) == offer
    text, offer = offers.make("display", ("room-1",), giver="Ada")
    offers.withdraw(offer.id)
    with pytest.raises(Refused):
        offers.take(text)


def test_digits_and_token_show_in_no_text_of_an_offer(offers: Offers) -> None:
    text, offer = offers.make("display", ("room-1",), giver="Ada")
    assert offer.digits not in repr(offer).replace(offer.digest, "")
    assert text not in repr(offer)
