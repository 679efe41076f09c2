"""What every frame's reading and writing checks: lengths, ranges, and our own values before they are sent."""

from .errors import LocalError, RemoteError

COUNT_MAX = 65_535  # the highest count that a frame carries


def check_length(newer_minor: bool, length: int, expected: int) -> None:
    """Raises `RemoteError("length")` unless a payload of `length` bytes has the `expected` ones.

    A newer minor may append fields that we do not know; our own may not.
    """
    if length < expected or (length > expected and not newer_minor):
        raise RemoteError("length")


def check_field(value: int, low: int, high: int) -> int:
    """Gives `value`, which the other side sent; raises `RemoteError("field")` outside `low..high`."""
    if value < low or value > high:
        raise RemoteError("field")
    return value


def check_own(name: str, value: int, low: int, high: int) -> int:
    """Gives `value`, which we are about to send; raises `LocalError` outside `low..high`."""
    if value < low or value > high:
        raise LocalError("%s is %d; it has to lie in %d..%d" % (name, value, low, high))
    return value


def at_most(count: int) -> int:
    """`count`, or COUNT_MAX where it is past what its field carries."""
    return count if count < COUNT_MAX else COUNT_MAX
