"""Which moments an event can have: those that a clock can have shown, and that every zone can show."""

from datetime import UTC, datetime

# The first and last days that a date can have are no dates any more in another zone; no visit was then.
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(3000, 1, 1, tzinfo=UTC)


def moment_fault(moment: datetime) -> str | None:
    """Say what is wrong with a moment, after its name; None if nothing is."""
    if moment.utcoffset() is None:
        return "has to say its zone"
    if not _EARLIEST <= moment < _LATEST:
        return "has to lie in the years 1970 to 2999"
    return None


def checked_text(text: str) -> str:
    """Give a moment's ISO 8601 text as it is. ValueError if it is none that an event can have."""
    fault = moment_fault(datetime.fromisoformat(text))
    if fault is not None:
        raise ValueError(f"it {fault}")
    return text
