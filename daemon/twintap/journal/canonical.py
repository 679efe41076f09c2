"""JSON in its one canonical form (RFC 8785), so that anybody's hash of a value is ours.

What the chain covers are bytes of this form. A float that is a whole number loses its fraction, as in
JavaScript, and so an export that passed through another program's parser still gives the same bytes.
"""

import math
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring
from typing import cast

from ..errors import Fault, Refused

# Beyond it a whole number is not exact in every JSON parser (RFC 7493, section 2.2).
WHOLE_MAX = 2**53 - 1
_DEEPEST = 16


def canonical(value: object) -> bytes:
    """Give a JSON value's bytes: a mapping with text as keys, a sequence, text, a number, a truth or None.

    `Refused("field")` for anything else, for a number that JSON lacks or cannot carry exactly, for half of a
    surrogate pair, and for what is nested deeper than 16.
    """
    try:
        return _text(value, 0).encode("utf-8")
    except UnicodeEncodeError:
        raise _refused("text with half of a surrogate pair cannot be kept; take it out") from None


def _text(value: object, depth: int) -> str:
    # By the exact type first: every event comes through here in the event loop.
    kind = type(value)
    if kind is str:
        return encode_basestring(cast("str", value))
    if kind is int and -WHOLE_MAX <= cast("int", value) <= WHOLE_MAX:
        return repr(value)
    if value is None or kind is bool:
        return "null" if value is None else "true" if value else "false"
    if depth > _DEEPEST:
        raise _refused(f"data are nested deeper than {_DEEPEST} levels")
    if isinstance(value, Mapping):
        return _mapping(cast("Mapping[object, object]", value), depth)
    if isinstance(value, list | tuple):
        return f"[{','.join([_text(one, depth + 1) for one in cast('Sequence[object]', value)])}]"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, int):
        return _whole(value)
    if isinstance(value, str):
        return encode_basestring(value)
    raise _refused(f"a value of the type {kind.__name__} is none of JSON's")


def _mapping(value: Mapping[object, object], depth: int) -> str:
    texts = [key for key in value if isinstance(key, str)]
    if len(texts) != len(value):
        raise _refused("a key that is no text is none of JSON's")
    # The RFC sorts by UTF-16 units, which differs from plain order only where a key leaves the basic plane.
    texts.sort(key=None if "".join(texts).isascii() else _utf16)
    return f"{{{','.join([f'{encode_basestring(key)}:{_text(value[key], depth + 1)}' for key in texts])}}}"


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-be")


def _whole(value: int) -> str:
    # Beyond WHOLE_MAX only a number that is a double's own shortest form means the same to every reader.
    text = str(int(value)) if abs(value) < 10**21 else ""
    if abs(value) > WHOLE_MAX and (not text or text != _number(float(value))):
        raise _refused(f"a whole number is beyond ±{WHOLE_MAX}, the most that every reader keeps exactly")
    return text


def _number(value: float) -> str:
    """Give a number as ECMAScript does (ECMA-262, Number::toString), which the RFC points to."""
    if not math.isfinite(value):
        raise _refused("a number that is not finite is none of JSON's")
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e16:
        # Here both write digits without an exponent.
        return repr(value).removesuffix(".0")
    sign, text = ("-", repr(-value)) if value < 0 else ("", repr(value))
    mantissa, _, power = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    # The shortest digits that give the number back are Python's and ECMAScript's; only the form differs.
    point = len(whole) + (int(power) if power else 0)
    digits = whole + ("" if fraction == "0" else fraction)
    point -= len(digits) - len(digits.lstrip("0"))
    digits = digits.strip("0")
    if len(digits) <= point <= 21:
        shown = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:
        shown = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        shown = "0." + "0" * -point + digits
    else:
        exponent = point - 1
        shown = digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + f"e{exponent:+d}"
    return sign + shown


def _refused(message: str) -> Refused:
    return Refused(Fault("field", message, "data"))
