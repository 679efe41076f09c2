"""What the virtual board raises."""

from twintap_protocol.errors import TwintapError


class BoardError(TwintapError):
    """The board cannot start, go on, or do what its hands were told; the message is one sentence for a person."""
