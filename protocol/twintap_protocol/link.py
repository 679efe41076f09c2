"""Handshake and link, without I/O: bytes in, a kind out, bytes to send.

A link is one pair of keys. The pulser asks (HELLO), the daemon answers (WELCOME), both derive the keys, and
each side takes the new link for good only when a frame sealed under it has opened: until then an older link
goes on. A recorded hello or welcome therefore changes nothing.

Time is not here. Callers hold the time-outs of `limits` and say `lost()`.
"""

from .errors import LocalError, RemoteError
from .frames import (
    BECKON,
    BECKON_LEN,
    ECHO,
    HELLO,
    HELLO_LEN,
    ID_LEN,
    LINK_ID_LEN,
    MAC_LEN,
    MAGIC,
    NONCE_LEN,
    PLAIN_HEADER_LEN,
    REFUSE,
    REFUSE_LEN,
    SEALED_HEADER_LEN,
    TAG_LEN,
    TO_DAEMON,
    TO_PULSER,
    VERSION,
    WELCOME,
    WELCOME_LEN,
    check_counter,
    is_newer_minor,
    read_kind,
    write_header,
)
from .kdf import equal, hkdf_sha256, hmac_sha256
from .limits import MAX_FRAME, REPLAY_WINDOW, VERSION_MAJOR
from .replay import ReplayWindow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .sealer import Sealer

    MakeSealer = Callable[[bytes], Sealer]

_INFO = b"twintap link 1"
_DIRECTION_TO_PULSER = 0
_DIRECTION_TO_DAEMON = 1


def _mac(key: bytes, buf: "bytes | bytearray", length: int) -> bytes:
    return hmac_sha256(key, bytes(memoryview(buf)[:length]))[:MAC_LEN]


def _sign(key: bytes, buf: bytearray, length: int) -> None:
    buf[length : length + MAC_LEN] = _mac(key, buf, length)


def _is_signed(key: bytes, buf: "bytes | bytearray", total: int) -> bool:
    length = total - MAC_LEN
    return equal(_mac(key, buf, length), bytes(memoryview(buf)[length:total]))


def _fits(buf: "bytes | bytearray", length: int, expected: int) -> None:
    # A newer minor may put fields that we do not know before the MAC, which always comes last.
    if length < expected or (length > expected and not is_newer_minor(buf)):
        raise RemoteError("length")


def _take(buf: "bytes | bytearray", at: int, length: int) -> bytes:
    return bytes(memoryview(buf)[at : at + length])


class Channel:
    """One link's keys in use: seals what goes one way, opens what comes the other.

    `tx` is the one send buffer: write a payload at `PAYLOAD`, then `seal`. What is to be opened stands in a
    buffer of the caller's, and is opened in place.
    """

    PAYLOAD = SEALED_HEADER_LEN

    def __init__(self, key_out: "Sealer", key_in: "Sealer", link_id: bytes, is_pulser: bool) -> None:
        self.link_id = link_id
        self.tx = bytearray(MAX_FRAME)
        self.proved = False  # whether a frame of the other side has opened under this link
        self.minor = 0  # of the version that the other side speaks; known when `proved`
        self._is_pulser = is_pulser
        self._key_out = key_out
        self._key_in = key_in
        self._counter = 0
        self._window = ReplayWindow(REPLAY_WINDOW)
        self._nonce_out = bytearray(13)
        self._nonce_in = bytearray(13)
        self._nonce_out[0] = _DIRECTION_TO_DAEMON if is_pulser else _DIRECTION_TO_PULSER
        self._nonce_in[0] = _DIRECTION_TO_PULSER if is_pulser else _DIRECTION_TO_DAEMON
        for at in range(LINK_ID_LEN):
            self._nonce_out[1 + at] = link_id[at]
            self._nonce_in[1 + at] = link_id[at]
            self.tx[4 + at] = link_id[at]
        self._kinds_in = TO_PULSER if is_pulser else TO_DAEMON

    def seal(self, kind: int, payload_len: int) -> int:
        """Seals the payload that stands in `tx`; gives the frame's length.

        Raises `LocalError` when the counter is used up: the link has to be made anew.
        """
        counter = check_counter(self._counter)
        self._counter = counter + 1
        tx = self.tx
        write_header(tx, kind)
        nonce = self._nonce_out
        for at in range(4):
            byte = counter & 0xFF
            tx[8 + at] = byte
            nonce[5 + at] = byte
            counter >>= 8
        return self._key_out.seal_into(tx, nonce, SEALED_HEADER_LEN, payload_len)

    def is_for(self, buf: "bytes | bytearray") -> bool:
        link_id = self.link_id
        return buf[4] == link_id[0] and buf[5] == link_id[1] and buf[6] == link_id[2] and buf[7] == link_id[3]

    def open(self, buf: bytearray, length: int) -> int:
        """Opens a sealed frame in place; its payload then begins at `PAYLOAD`. Gives the payload's length.

        `read_kind` has looked at it before. The order is the order of cost: link id, kind, counter's window,
        and only then the cipher. Raises `RemoteError`: `length`, `link`, `kind` for a frame that is not ours
        to receive, `replay` or `tag`.
        """
        if length < SEALED_HEADER_LEN + TAG_LEN or length > MAX_FRAME:
            raise RemoteError("length")
        if not self.is_for(buf):
            raise RemoteError("link")
        if buf[2] not in self._kinds_in:
            raise RemoteError("kind")
        if buf[11] & 0xC0:  # before the integer is built: past 30 bits it would be built on the heap
            raise RemoteError("replay")
        counter = buf[8] | buf[9] << 8 | buf[10] << 16 | buf[11] << 24
        if not self._window.check(counter):
            raise RemoteError("replay")
        nonce = self._nonce_in
        for at in range(4):
            nonce[5 + at] = buf[8 + at]
        payload_len = self._key_in.open_into(buf, nonce, SEALED_HEADER_LEN, length)
        self._window.accept(counter)
        self.proved = True
        self.minor = buf[1] & 0x0F  # under the seal, as the whole header is
        return payload_len


def counter_of(buf: "bytes | bytearray") -> int:
    """The counter of a sealed frame: which of two reports is the newer."""
    return buf[8] | buf[9] << 8 | buf[10] << 16 | buf[11] << 24


def _keys(pairing_key: bytes, pulser_id: bytes, daemon_id: bytes, nonces: bytes, link_id: bytes) -> bytes:
    return hkdf_sha256(pairing_key, nonces, _INFO + pulser_id + daemon_id + link_id, 32)


# --- the pulser's end ---------------------------------------------------------------------------------------

# States of the pulser's end. A table, so that what may happen when can be read at a glance; what is not in it
# is refused with `RemoteError("state")` and changes nothing.
IDLE = "idle"  # no link and no question asked
ASKING = "asking"  # hello sent, no answer
WELCOMED = "welcomed"  # keys derived, nothing opened under them yet
LINKED = "linked"
ASKING_AGAIN = "asking again"  # linked, and asking for a new link
WELCOMED_AGAIN = "welcomed again"  # linked, and a new link not yet proved

PULSER_STATES = {
    (IDLE, "hello"): ASKING,
    (ASKING, "hello"): ASKING,
    (WELCOMED, "hello"): ASKING,
    (LINKED, "hello"): ASKING_AGAIN,
    (ASKING_AGAIN, "hello"): ASKING_AGAIN,
    (WELCOMED_AGAIN, "hello"): ASKING_AGAIN,
    (ASKING, "welcome"): WELCOMED,
    (ASKING_AGAIN, "welcome"): WELCOMED_AGAIN,
    (WELCOMED, "new frame"): LINKED,
    (WELCOMED_AGAIN, "new frame"): LINKED,
    (LINKED, "frame"): LINKED,
    (ASKING_AGAIN, "frame"): ASKING_AGAIN,
    (WELCOMED_AGAIN, "frame"): WELCOMED_AGAIN,
    (IDLE, "lost"): IDLE,
    (ASKING, "lost"): IDLE,
    (WELCOMED, "lost"): IDLE,
    (LINKED, "lost"): IDLE,
    (ASKING_AGAIN, "lost"): IDLE,
    (WELCOMED_AGAIN, "lost"): IDLE,
}


class PulserLink:
    """The pulser's end of every link that it has with its one daemon."""

    def __init__(
        self,
        pulser_id: bytes,
        daemon_id: bytes,
        pairing_key: bytes,
        make_sealer: "MakeSealer",
        boot_id: bytes,
        version: "tuple[int, int, int]",
    ) -> None:
        if len(pulser_id) != ID_LEN or len(daemon_id) != ID_LEN or len(boot_id) != 4:
            raise LocalError("a pulser's and a daemon's id have 8 bytes each, a boot id has 4")
        if len(pairing_key) != 16:
            raise LocalError("a pairing key has 16 bytes, not %d" % len(pairing_key))
        self.state = IDLE
        self.channel: "Channel | None" = None  # the live link
        self.pending: "Channel | None" = None  # welcomed, not yet proved
        self.is_new = False  # whether the frame just received was the first of a new link
        self.ended_set = 0  # the newest set that had ended when the link was made
        self._pending_ended_set = 0
        self._ids = pulser_id + daemon_id
        self._pulser_id = pulser_id
        self._daemon_id = daemon_id
        self._key = pairing_key
        self._make_sealer = make_sealer
        self._boot_id = boot_id
        self._version = version
        self._nonce = b""

    def _move(self, event: str) -> None:
        state = PULSER_STATES.get((self.state, event))
        if state is None:
            raise RemoteError("state")
        self.state = state

    def hello(self, nonce: bytes) -> bytes:
        """The bytes of a HELLO. `nonce`: 16 fresh random bytes, taken after the radio is on."""
        if len(nonce) != NONCE_LEN:
            raise LocalError("a nonce has 16 bytes, not %d" % len(nonce))
        self._move("hello")
        self._nonce = nonce
        self.pending = None
        buf = bytearray(HELLO_LEN)
        write_header(buf, HELLO)
        body = self._ids + nonce + self._boot_id + bytes(self._version) + b"\0"
        buf[PLAIN_HEADER_LEN : HELLO_LEN - MAC_LEN] = body
        _sign(self._key, buf, HELLO_LEN - MAC_LEN)
        return bytes(buf)

    def lost(self) -> None:
        """The link is given up: silence, or the network is gone."""
        self._move("lost")
        self.channel = None
        self.pending = None

    def receive(self, buf: bytearray, length: int) -> "tuple[int, int]":
        """Takes one datagram of `length` bytes; gives `(kind, payload_len)`.

        A sealed frame has been opened in place. BECKON asks for a hello (kind alone; the caller decides);
        WELCOME has been taken: send a report on `pending` to prove it. REFUSE is a hint for people, its
        reason at 12 and the other side's version at 13; anyone can send one, so nothing is done about it.
        `is_new` tells that this frame was the first one of a new link, which is now `channel`. Raises
        `RemoteError` and changes nothing else.
        """
        self.is_new = False
        kind = read_kind(buf, length)
        if kind >= ECHO:
            return kind, self._open(buf, length)
        if kind == BECKON:
            _fits(buf, length, BECKON_LEN)
            if _take(buf, PLAIN_HEADER_LEN, 2 * ID_LEN) != self._ids:
                raise RemoteError("id")
            self._check_signed(buf, length)
            return kind, 0
        if kind == WELCOME:
            self._welcome(buf, length)
            return kind, 0
        if kind == REFUSE:
            if length < REFUSE_LEN:
                raise RemoteError("length")
            if _take(buf, PLAIN_HEADER_LEN, ID_LEN) != self._pulser_id:
                raise RemoteError("id")
            return kind, REFUSE_LEN - PLAIN_HEADER_LEN
        raise RemoteError("kind")

    def _check_signed(self, buf: bytearray, length: int) -> None:
        if not _is_signed(self._key, buf, length):
            raise RemoteError("tag")

    def _welcome(self, buf: bytearray, length: int) -> None:
        _fits(buf, length, WELCOME_LEN)
        at = PLAIN_HEADER_LEN
        # Cheap looks first: an answer to a question that we did not ask costs no hashing.
        if _take(buf, at, ID_LEN) != self._pulser_id or _take(buf, at + ID_LEN, NONCE_LEN) != self._nonce:
            raise RemoteError("nonce")
        if (self.state, "welcome") not in PULSER_STATES:
            raise RemoteError("state")
        self._check_signed(buf, length)
        at += ID_LEN + NONCE_LEN
        nonce_daemon = _take(buf, at, NONCE_LEN)
        at += NONCE_LEN
        link_id = _take(buf, at, LINK_ID_LEN)
        at += LINK_ID_LEN
        if buf[at + 3] & 0xC0:
            raise RemoteError("field")
        self._pending_ended_set = buf[at] | buf[at + 1] << 8 | buf[at + 2] << 16 | buf[at + 3] << 24
        self._move("welcome")
        keys = _keys(self._key, self._pulser_id, self._daemon_id, self._nonce + nonce_daemon, link_id)
        self.pending = Channel(self._make_sealer(keys[16:]), self._make_sealer(keys[:16]), link_id, True)

    def _open(self, buf: bytearray, length: int) -> int:
        pending = self.pending
        if pending is not None and pending.is_for(buf):
            payload_len = pending.open(buf, length)
            self._move("new frame")
            self.channel = pending
            self.pending = None
            self.ended_set = self._pending_ended_set
            self.is_new = True
            return payload_len
        if self.channel is None:
            raise RemoteError("link")
        payload_len = self.channel.open(buf, length)
        self._move("frame")
        return payload_len


# --- the daemon's end ---------------------------------------------------------------------------------------


class Hello:
    """What a HELLO says; nothing of it is to be believed before `is_from` said yes."""

    def __init__(self, buf: "bytes | bytearray", length: int) -> None:
        """Raises `RemoteError` for anything that is not a HELLO of our major version."""
        if read_kind(buf, length) != HELLO:
            raise RemoteError("kind")
        _fits(buf, length, HELLO_LEN)
        self._raw = _take(buf, 0, length)
        at = PLAIN_HEADER_LEN
        self.pulser_id = _take(buf, at, ID_LEN)
        at += ID_LEN
        self.daemon_id = _take(buf, at, ID_LEN)
        at += ID_LEN
        self.nonce = _take(buf, at, NONCE_LEN)
        at += NONCE_LEN
        self.boot_id = _take(buf, at, 4)
        at += 4
        self.version = (buf[at], buf[at + 1], buf[at + 2])

    def is_from(self, pairing_key: bytes) -> bool:
        """Whether whoever sent this holds the pairing key."""
        return _is_signed(pairing_key, self._raw, len(self._raw))


def welcome(
    hello: Hello, pairing_key: bytes, nonce: bytes, link_id: bytes, ended_set: int, make_sealer: "MakeSealer"
) -> "tuple[bytes, Channel]":
    """The answer to an authentic `hello`, and the link that it offers.

    `nonce`: 16 and `link_id`: 4 fresh random bytes; `ended_set`: no set up to this one will ever move the
    pulser on the new link. Send nothing on the channel until its `proved` is true.
    """
    if len(nonce) != NONCE_LEN or len(link_id) != LINK_ID_LEN:
        raise LocalError("a welcome takes 16 bytes of nonce and 4 of link id")
    check_counter(ended_set)
    buf = bytearray(WELCOME_LEN)
    write_header(buf, WELCOME)
    ended = bytes((ended_set >> shift) & 0xFF for shift in (0, 8, 16, 24))
    buf[PLAIN_HEADER_LEN : WELCOME_LEN - MAC_LEN] = hello.pulser_id + hello.nonce + nonce + link_id + ended
    _sign(pairing_key, buf, WELCOME_LEN - MAC_LEN)
    keys = _keys(pairing_key, hello.pulser_id, hello.daemon_id, hello.nonce + nonce, link_id)
    return bytes(buf), Channel(make_sealer(keys[:16]), make_sealer(keys[16:]), link_id, False)


def beckon(pulser_id: bytes, daemon_id: bytes, pairing_key: bytes) -> bytes:
    """The bytes with which a daemon asks a pulser that it has found to say hello."""
    buf = bytearray(BECKON_LEN)
    write_header(buf, BECKON)
    buf[PLAIN_HEADER_LEN : BECKON_LEN - MAC_LEN] = pulser_id + daemon_id
    _sign(pairing_key, buf, BECKON_LEN - MAC_LEN)
    return bytes(buf)


def asker_of_other_major(buf: "bytes | bytearray", length: int) -> "bytes | None":
    """The pulser's id if this is a HELLO of another major version, to be refused; else None.

    A HELLO keeps its header and the place of the pulser's id in every major version. One that is shorter than
    the refusal is not answered: nobody gets more bytes out of a daemon than were put in.
    """
    if length < REFUSE_LEN or length > MAX_FRAME or buf[0] != MAGIC or buf[2] != HELLO:
        return None
    if buf[1] >> 4 == VERSION_MAJOR:
        return None
    return _take(buf, PLAIN_HEADER_LEN, ID_LEN)


def refuse(pulser_id: bytes, reason: int, version: int = VERSION) -> bytes:
    """The bytes of a refusal: which pulser, why (`frames.REFUSED_...`), and the version spoken here.

    `version` is a major and a minor as in a header, four bits each.
    """
    buf = bytearray(REFUSE_LEN)
    write_header(buf, REFUSE)
    buf[PLAIN_HEADER_LEN:] = pulser_id + bytes((reason, version))
    return bytes(buf)


__all__ = [
    "PULSER_STATES",
    "TAG_LEN",
    "Channel",
    "Hello",
    "PulserLink",
    "asker_of_other_major",
    "beckon",
    "counter_of",
    "refuse",
    "welcome",
]
