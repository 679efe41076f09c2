"""Tokens: what a controller proves itself with, and what each role may do.

A token is 32 random bytes, shown once. What is stored is its SHA-256: with so much chance in it a slow hash
would protect nothing more, and a stop must not wait for one.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

Role = Literal["admin", "therapist", "observer", "display", "logger"]

# admin: this computer's own token, in the data folder; it alone pairs pulsers and gives tokens out.
MAY_ADMINISTER: frozenset[Role] = frozenset({"admin"})
MAY_COMMAND: frozenset[Role] = frozenset({"admin", "therapist"})
# A display is given the beat alone, which is not the room's state; so it is not among these.
MAY_WATCH: frozenset[Role] = frozenset({"admin", "therapist", "observer", "logger"})
MAY_READ_NOTES: frozenset[Role] = frozenset({"admin", "therapist", "logger"})
MAY_INVITE: frozenset[Role] = MAY_COMMAND
ANY_ROLE: frozenset[Role] = frozenset({"admin", "therapist", "observer", "display", "logger"})
MAY_STOP: frozenset[Role] = frozenset({"admin", "therapist", "observer", "display"})

# A stop from somebody who belonged to the room a moment ago is better obeyed than refused.
STOP_GRACE = timedelta(hours=24)
# What has ended for longer than this is forgotten.
KEPT_AFTER_END = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Token:
    """One token given out. `rooms` None: all rooms. Times are in UTC; `expires_at` None: never.

    `notes`: an observer's may read and write notes. `slide_s`: it is a browser's cookie, which lives for so
    many seconds after its latest use; None: a token that a program sends as a header.
    """

    digest: str
    label: str
    role: Role
    rooms: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    notes: bool = False
    slide_s: int | None = None

    @property
    def is_cookie(self) -> bool:
        """Whether a browser carries it as its cookie: its life slides on by `slide_s` as it is used."""
        return self.slide_s is not None

    @property
    def kept_after_end(self) -> timedelta:
        """How long it is remembered after its end: a browser's, of which there are many, for its grace."""
        return STOP_GRACE if self.is_cookie else KEPT_AFTER_END

    @property
    def sees_notes(self) -> bool:
        """Whether it is shown what was written about a client: an observer only if it was given so."""
        return self.role in MAY_READ_NOTES or (self.role == "observer" and self.notes)

    @property
    def id(self) -> str:
        """Name the token without giving it away: the first 12 digits of its digest."""
        return self.digest[:12]

    @property
    def ended_at(self) -> datetime | None:
        """When it ceases or ceased to be valid; None: never."""
        ends = [at for at in (self.expires_at, self.revoked_at) if at is not None]
        return min(ends) if ends else None

    def valid_at(self, now: datetime) -> bool:
        """Whether it may be used at `now`."""
        ended = self.ended_at
        return ended is None or now < ended

    def may_stop_at(self, now: datetime) -> bool:
        """Whether it may stop a room of its own at `now`: if it is valid, or was within the last 24 h."""
        ended = self.ended_at
        return self.role in MAY_STOP and (ended is None or now < ended + STOP_GRACE)

    def names(self, room: str) -> bool:
        """Whether it was given for `room`."""
        return self.rooms is None or room in self.rooms


def digest_of(text: str) -> str:
    """Give the digest under which a token's text is kept."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def make_token(
    label: str,
    role: Role,
    rooms: tuple[str, ...] | None = None,
    lifetime: timedelta | None = None,
    *,
    notes: bool = False,
) -> tuple[str, Token]:
    """Make a token: its text, which is never stored, and its record."""
    text = secrets.token_urlsafe(32)
    now = datetime.now(UTC)
    expires_at = None if lifetime is None else now + lifetime
    return text, Token(digest_of(text), label, role, rooms, now, expires_at, None, notes)


def make_cookie(
    label: str, role: Role, rooms: tuple[str, ...] | None, slide: timedelta, now: datetime, *, notes: bool
) -> tuple[str, Token]:
    """Make a browser's token: its text, which only the cookie holds, and its record."""
    text = secrets.token_urlsafe(32)
    slide_s = int(slide.total_seconds())
    return text, Token(digest_of(text), label, role, rooms, now, now + slide, None, notes, slide_s)
