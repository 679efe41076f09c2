"""What a room, a pulser or a token may be called."""

from .errors import Fault, Refused

NAME_MAX = 40


def name_fault(field: str, text: str) -> Fault | None:
    """Say what is wrong with `text` as a name: 1..40 printable characters, no `/`, no space at either end."""
    if not 1 <= len(text) <= NAME_MAX:
        return Fault(
            "range",
            f"{field} has {len(text)} characters; it has to have 1..{NAME_MAX}",
            field,
            len(text),
            1,
            NAME_MAX,
        )
    if not text.isprintable() or "/" in text or text != text.strip() or text in (".", ".."):
        return Fault(
            "field", f"{field} has to be printable, without a slash and without spaces at its ends", field
        )
    return None


def checked_name(field: str, text: str) -> str:
    """Give `text` if it is a name; else raise `Refused`."""
    fault = name_fault(field, text)
    if fault is not None:
        raise Refused(fault)
    return text


def clean(text: str, longest: int = 200) -> str:
    """Make text from a device or a stranger fit for a log or a terminal."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[:longest])
    return shown + ("…" if len(text) > longest else "")
