"""The one tree of exceptions.

    TwintapError
    └── ProtocolError
        ├── LocalError     we misused the protocol
        └── RemoteError    the peer sent something the protocol does not allow

The daemon and the firmware hang their own errors under `TwintapError`, so that one `except` at the edge
of a program sees all of ours and none of Python's.

The split says whose fault it is, because the answer differs. A `LocalError` is a defect in this program:
it must reach a person. A `RemoteError` is the ordinary fate of a frame from a stranger, from an old link
or from a damaged network: it is counted, and nothing else happens. For whatever bytes a parser is given,
either it parses or it raises `RemoteError`; nothing else, ever.

The reasons of a `RemoteError` are few and fixed, because each names a counter:

    length    shorter or longer than its kind allows
    magic     the first byte is not ours: a stray datagram
    version   a major version that this side does not speak
    kind      an unknown kind of frame, or one that this side never receives
    field     a field's value is outside its range
    id        a pulser or a daemon that is not the one this side is paired with
    nonce     an answer to a question that was not asked
    link      a link id that is not ours
    replay    a counter seen before, or too old to tell
    tag       the seal does not fit: forged, damaged, or under another key
    state     well-formed and authentic, and not allowed now
"""

REASONS = ("length", "magic", "version", "kind", "field", "id", "nonce", "link", "replay", "tag", "state")


class TwintapError(Exception):
    """Anything that twintap itself raises."""


class ProtocolError(TwintapError):
    """The protocol was broken, by this side or by the other."""


class LocalError(ProtocolError):
    """This side misused the protocol: a bad argument, or a counter used up. Nothing was sent or changed."""


class RemoteError(ProtocolError):
    """The other side sent what the protocol does not allow.

    `reason` is one of `REASONS`, fit for a counter's name and for a log. `message` is for a person; it
    must carry no key and no bytes of the frame. It may be left out where speed matters: a flood of bad
    frames is answered by this exception, and building a sentence for each would be work done for the
    attacker.
    """

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason
