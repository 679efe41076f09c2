"""Offers to join: a link with a one-time token, or six digits; spent by the first who takes it.

They live in memory alone: a daemon that starts anew has offered nothing. A link's token has 256 bits and
cannot be guessed. Six digits can: so a few wrong guesses make the digits of every open offer void (its link
still works), and many make all digits wait. A guess then opens a room in one of 100,000 offers at the most.
"""

import hmac
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from ..errors import Fault, Refused
from ..tokens import Role, digest_of

LIFETIME = timedelta(minutes=10)
# A tablet is joined in the morning and works until the evening.
STAYS = timedelta(hours=12)
STAYS_MAX = timedelta(days=90)
DIGITS = 6

_OPEN_MAX = 64  # a page that offers anew and again pushes its own oldest out
_WRONG_MAX = 10  # wrong guesses that an offer's digits outlive: one too many, and they are void
# Past so many wrong guesses in so long, nobody's digits are looked at: 4,320 guesses a day.
_WRONG_IN_ALL_MAX = 30
_WRONG_WITHIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Offer:
    """What one who joins is given. `rooms` None: all rooms; `label` None: the joiner says who it is.

    `giver`: the label of who offered it; `giver_digest`: by which token; None: by none.
    `stays`: how long the browser stays joined after its latest use. `digits` "": void.
    """

    digest: str
    digits: str = field(repr=False)
    role: Role
    rooms: tuple[str, ...] | None
    giver: str
    giver_digest: str | None
    label: str | None
    notes: bool
    stays: timedelta
    expires_at: datetime
    wrong: int = 0

    @property
    def id(self) -> str:
        """Name the offer without giving it away."""
        return self.digest[:12]


def _now() -> datetime:
    return datetime.now(UTC)


class Offers:
    """The open offers of a running daemon."""

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        """Take a clock for their ends."""
        self._now = now
        self._open: OrderedDict[str, Offer] = OrderedDict()
        self._wrong_at: deque[datetime] = deque(maxlen=_WRONG_IN_ALL_MAX)

    def make(
        self,
        role: Role,
        rooms: tuple[str, ...] | None,
        *,
        giver: str,
        giver_digest: str | None = None,
        label: str | None = None,
        notes: bool = False,
        stays: timedelta = STAYS,
    ) -> tuple[str, Offer]:
        """Make an offer: its one-time token's text, which is kept nowhere, and the offer with its digits."""
        self._forget_old()
        text = secrets.token_urlsafe(32)
        taken = {offer.digits for offer in self._open.values()}
        digits = _digits()
        while digits in taken:
            digits = _digits()
        offer = Offer(
            digest_of(text),
            digits,
            role,
            rooms,
            giver,
            giver_digest,
            label,
            notes,
            stays,
            self._now() + LIFETIME,
        )
        self._open[offer.digest] = offer
        while len(self._open) > _OPEN_MAX:
            self._open.popitem(last=False)
        return text, offer

    def take(self, text: str) -> Offer:
        """Spend the offer of a one-time token. Raises `Refused("offer")`."""
        self._forget_old()
        offer = self._open.pop(digest_of(text), None)
        if offer is None:
            raise _no_offer()
        return offer

    def take_digits(self, digits: str, *, is_here: bool) -> Offer:
        """Spend the offer of six digits; `is_here`: they were typed on this computer.

        An admin's digits count here alone. Raises `Refused`: "offer", or "slower" after too many wrong ones.
        """
        self._forget_old()
        now = self._now()
        since = now - _WRONG_WITHIN
        if len(self._wrong_at) == _WRONG_IN_ALL_MAX and self._wrong_at[0] > since:
            wait = self._wrong_at[0] - since
            raise Refused(
                Fault(
                    "slower",
                    "too many wrong digits; use the link or its QR code, or wait a few minutes",
                    retry_after_ms=int(wait.total_seconds() * 1_000) + 1,
                )
            )
        found: Offer | None = None
        # Every open offer is compared, in full: how long it takes tells nothing.
        for offer in self._open.values():
            is_it = hmac.compare_digest(offer.digits.encode(), digits.encode("utf-8", "surrogatepass"))
            if is_it and offer.digits and (is_here or offer.role != "admin"):
                found = offer
        if found is not None:
            del self._open[found.digest]
            return found
        self._wrong_at.append(now)
        for digest, offer in self._open.items():
            wrong = offer.wrong + 1
            void = "" if wrong > _WRONG_MAX else offer.digits
            self._open[digest] = replace(offer, wrong=wrong, digits=void)
        raise _no_offer()

    def put_back(self, offer: Offer) -> None:
        """Undo a `take` whose token could not be kept."""
        self._open[offer.digest] = offer

    def withdraw(self, offer_id: str) -> None:
        """Make an offer void; one that is spent or over is no error."""
        for digest in [digest for digest, offer in self._open.items() if offer.id == offer_id]:
            del self._open[digest]

    def _forget_old(self) -> None:
        now = self._now()
        for digest in [digest for digest, offer in self._open.items() if offer.expires_at <= now]:
            del self._open[digest]


def _digits() -> str:
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


def _no_offer() -> Refused:
    text = "this link or these digits are wrong, used already, or over; ask for new ones"
    return Refused(Fault("offer", text))
