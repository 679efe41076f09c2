"""What the virtual board raises."""

from twintap_protocol.errors import TwintapError


class BoardError(TwintapError):
    """The board cannot start, go on, or do what it was told; the message is one sentence for a person."""
