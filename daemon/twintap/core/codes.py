"""Client codes: what a client is known by here, never a name."""

import re
import unicodedata

from ..errors import Fault, Refused

CODE_MAX = 24
_ALLOWED = "a code has letters, digits, - and _ only"
_NAME_WORD = re.compile(r"[^\W\d_]{2,}(?:[-'’][^\W\d_]+)*")


def normalised(text: str, field: str = "code") -> str:
    """Give the code that `text` means: one way to write it, however it was typed.

    NFKC, no spaces at the ends, upper case, inner spaces as one `-`. Idempotent. Raises `Refused` naming
    `field`: `range` for a length outside 1..24, `field` for any other character; the text is not repeated in
    the refusal, for it may be a name after all.
    """
    folded = unicodedata.normalize("NFKC", text).strip().casefold().upper()
    code = unicodedata.normalize("NFKC", "-".join(folded.split()))
    if not 1 <= len(code) <= CODE_MAX:
        said = f"{field} has {len(code)} characters; a code has 1..{CODE_MAX}"
        raise Refused(Fault("range", said, field=field, low=1, high=CODE_MAX))
    if not all(char.isalnum() or char in "-_" for char in code):
        raise Refused(Fault("field", f"{field} has a character that no code has: {_ALLOWED}", field=field))
    return code


def looks_like_name(text: str) -> bool:
    """Whether `text`, as it was typed, looks like a person's name: two words or more, each capitalised."""
    words = unicodedata.normalize("NFKC", text).split()
    return len(words) >= 2 and all(
        _NAME_WORD.fullmatch(word) and word[0].isupper() and not word.isupper() for word in words
    )
