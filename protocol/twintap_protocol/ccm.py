"""AES-128-CCM (NIST SP 800-38C, RFC 3610) on nothing but AES in ECB and CBC.

Stock firmware offers those two modes and no authenticated one. CCM needs a CBC-MAC and a counter keystream:
CBC gives the first in one call, ECB over a row of counter blocks the second. Everything works in buffers
made at construction, so that sealing or opening a frame allocates nothing.

A CBC object carries its chain value from one call into the next and cannot be told to start again. CCM wants
each MAC to start from zero. So the first block of a frame is XORed with the last ciphertext block of the
frame before, which the chain is about to XOR into it again: the two cancel.

The contract kept here is `Sealer` (sealer.py).
"""

import struct

from .errors import LocalError, RemoteError

TYPE_CHECKING = False  # a checker takes it for True; MicroPython has no typing module
if TYPE_CHECKING:
    from .sealer import AesMode

KEY_LEN = 16  # bytes: AES-128
NONCE_LEN = 13  # bytes: leaves two for the message length, the most nonce that CCM allows
TAG_LEN = 8  # bytes on the wire: a forgery passes once in 2^64 tries
FRAME_MAX_LEN = 256  # bytes, sealed, that the buffers hold unless told otherwise

_BLOCK = 16  # bytes
_MAX_LEN_LIMIT = 0xFEFF  # from 0xFF00 bytes on, aad would need the longer length field of SP 800-38C, A.2.2


class Ccm:
    """Seals and opens frames under one key, in place: a `Sealer`.

    `ecb` and `cbc` are AES-128 under the same key, in the shape of `AesMode` (sealer.py). `cbc` must be
    new, made with an IV of 16 zero bytes, and belong to this object alone: its chain value is our state.

    `tag_len` is 4, 6, 8 ... 16 bytes and `nonce_len` 7 to 13 bytes (SP 800-38C, A.1). `max_len` is the
    longest sealed frame in bytes, aad and tag included: up to 65279. Anything else is a LocalError.

    One object serves one frame at a time: it is not to be shared between threads.
    """

    def __init__(
        self,
        ecb: "AesMode",
        cbc: "AesMode",
        tag_len: int = TAG_LEN,
        max_len: int = FRAME_MAX_LEN,
        nonce_len: int = NONCE_LEN,
    ) -> None:
        if not 4 <= tag_len <= 16 or tag_len & 1:
            raise LocalError("CCM tag is %d bytes; it must be even, 4 to 16" % tag_len)
        if not 7 <= nonce_len <= 13:
            raise LocalError("CCM nonce is %d bytes; it must be 7 to 13" % nonce_len)
        if not tag_len <= max_len <= _MAX_LEN_LIMIT:
            raise LocalError(
                "CCM frame is %d bytes; it must be %d to %d" % (max_len, tag_len, _MAX_LEN_LIMIT)
            )
        self.tag_len = tag_len
        self.max_len = max_len
        self.nonce_len = nonce_len
        self._encrypt_ecb = ecb.encrypt
        self._encrypt_cbc = cbc.encrypt
        self._nonce_format = "%ds" % nonce_len
        # Flags of the first block: tag length and size of the length field; bit 6 is set when there is aad.
        self._first_flags = ((tag_len - 2) // 2) << 3 | (14 - nonce_len)
        self._mac_pos = 0  # where the last MAC block lies in _mac_out: the chain value

        # First block, aad with its length, payload; the last two are each padded to a whole block.
        mac_blocks = 1 + (max_len - tag_len + 2 + 2 * (_BLOCK - 1)) // _BLOCK
        counter_blocks = 1 + (max_len - tag_len + _BLOCK - 1) // _BLOCK
        self._mac_in = bytearray(mac_blocks * _BLOCK)
        self._mac_out = bytearray(mac_blocks * _BLOCK)
        self._counters = bytearray(counter_blocks * _BLOCK)
        self._stream = bytearray(counter_blocks * _BLOCK)
        for i in range(counter_blocks):
            self._counters[i * _BLOCK] = 14 - nonce_len
            struct.pack_into(">H", self._counters, i * _BLOCK + _BLOCK - 2, i)
        # A view allocates when it is made, so those of every whole number of blocks are made here.
        self._mac_in_views = _block_views(self._mac_in)
        self._mac_out_view = memoryview(self._mac_out)
        self._counter_views = _block_views(self._counters)
        self._stream_view = memoryview(self._stream)

    def seal_into(
        self, buf: bytearray | memoryview, nonce: bytes | bytearray, aad_len: int, payload_len: int
    ) -> int:
        """Seal the frame in `buf` in place, and give its whole length in bytes.

        On entry `buf` starts with `aad_len` bytes of aad, then `payload_len` bytes of plaintext; the next
        `tag_len` bytes may hold anything. On return the payload is ciphertext and the tag follows it; the aad
        is untouched. Bytes after the frame are left alone. `nonce` must never be used twice under one key.

        Raises LocalError, with nothing changed, if a length is negative, or the frame is longer than `buf` or
        than `max_len`, or the nonce is not `nonce_len` bytes.
        """
        tag_len = self.tag_len
        total_len = aad_len + payload_len + tag_len
        if aad_len < 0 or payload_len < 0 or total_len > len(buf) or total_len > self.max_len:
            raise LocalError(
                "frame of %d + %d + %d bytes does not fit: the buffer has %d, the longest frame %d"
                % (aad_len, payload_len, tag_len, len(buf), self.max_len)
            )
        self._make_stream(nonce, payload_len)
        start = self._start_mac(buf, nonce, aad_len, payload_len)
        mac_in = self._mac_in
        stream = self._stream
        to_mac = start - aad_len
        to_stream = _BLOCK - aad_len
        end = aad_len + payload_len
        for i in range(aad_len, end):
            byte = buf[i]
            mac_in[to_mac + i] = byte
            buf[i] = byte ^ stream[to_stream + i]
        mac_pos = self._finish_mac(start + payload_len)
        mac_out = self._mac_out
        for i in range(tag_len):
            buf[end + i] = mac_out[mac_pos + i] ^ stream[i]
        return total_len

    def open_into(
        self, buf: bytearray | memoryview, nonce: bytes | bytearray, aad_len: int, total_len: int
    ) -> int:
        """Open the sealed frame of `total_len` bytes in `buf` in place, and give its payload's length.

        On return the payload is plaintext; aad and tag are untouched. A tag that does not fit raises
        RemoteError "tag" and leaves the payload's place zeroed: plaintext that nobody vouches for is never
        seen. A frame too short for aad and tag, or longer than `max_len`, raises RemoteError "length" with
        nothing changed. The time taken depends on the lengths alone.

        Raises LocalError, with nothing changed, if a length is negative, or `total_len` is more than `buf`
        holds, or the nonce is not `nonce_len` bytes.
        """
        if aad_len < 0 or total_len < 0 or total_len > len(buf):
            raise LocalError(
                "sealed frame of %d bytes with %d of aad: the buffer has %d" % (total_len, aad_len, len(buf))
            )
        tag_len = self.tag_len
        payload_len = total_len - aad_len - tag_len
        if payload_len < 0 or total_len > self.max_len:
            raise RemoteError("length")
        self._make_stream(nonce, payload_len)
        start = self._start_mac(buf, nonce, aad_len, payload_len)
        mac_in = self._mac_in
        stream = self._stream
        to_mac = start - aad_len
        to_stream = _BLOCK - aad_len
        end = aad_len + payload_len
        for i in range(aad_len, end):
            byte = buf[i] ^ stream[to_stream + i]
            mac_in[to_mac + i] = byte
            buf[i] = byte
        mac_pos = self._finish_mac(start + payload_len)
        mac_out = self._mac_out
        difference = 0
        for i in range(tag_len):
            difference |= buf[end + i] ^ mac_out[mac_pos + i] ^ stream[i]
        if difference:
            for i in range(aad_len, end):
                buf[i] = 0
            raise RemoteError("tag")
        return payload_len

    def _make_stream(self, nonce: bytes | bytearray, payload_len: int) -> None:
        """Fill `_stream` with the keystream: block 0 covers the tag, the others the payload (A.3)."""
        if len(nonce) != self.nonce_len:
            raise LocalError("nonce is %d bytes; it must be %d" % (len(nonce), self.nonce_len))
        counters = self._counters
        nonce_format = self._nonce_format
        blocks = 1 + (payload_len + _BLOCK - 1) // _BLOCK
        for i in range(blocks):  # MicroPython makes a range object for any step other than a literal
            struct.pack_into(nonce_format, counters, i * _BLOCK + 1, nonce)
        self._encrypt_ecb(self._counter_views[blocks], self._stream_view)

    def _start_mac(
        self, buf: bytearray | memoryview, nonce: bytes | bytearray, aad_len: int, payload_len: int
    ) -> int:
        """Lay out the first block and the aad in `_mac_in` (A.2.1, A.2.2); give where the payload goes."""
        mac_in = self._mac_in
        mac_in[0] = self._first_flags | (0x40 if aad_len else 0)
        struct.pack_into(self._nonce_format, mac_in, 1, nonce)
        for i in range(1 + self.nonce_len, _BLOCK - 2):
            mac_in[i] = 0
        mac_in[14] = payload_len >> 8
        mac_in[15] = payload_len & 0xFF
        mac_out = self._mac_out
        mac_pos = self._mac_pos
        for i in range(_BLOCK):
            mac_in[i] ^= mac_out[mac_pos + i]
        if not aad_len:
            return _BLOCK
        mac_in[16] = aad_len >> 8
        mac_in[17] = aad_len & 0xFF
        for i in range(aad_len):
            mac_in[18 + i] = buf[i]
        return self._pad(18 + aad_len)

    def _finish_mac(self, end: int) -> int:
        """Pad `_mac_in` at `end`, run CBC over it, and give where the MAC lies in `_mac_out`."""
        end = self._pad(end)
        self._encrypt_cbc(self._mac_in_views[end // _BLOCK], self._mac_out_view)
        self._mac_pos = end - _BLOCK
        return self._mac_pos

    def _pad(self, end: int) -> int:
        """Zero `_mac_in` from `end` to the next whole block, and give where that is."""
        mac_in = self._mac_in
        while end % _BLOCK:
            mac_in[end] = 0
            end += 1
        return end


def _block_views(buf: bytearray) -> "list[memoryview]":
    """Give the views of the first 0, 1, 2 ... blocks of `buf`: the list's index is the number of blocks."""
    view = memoryview(buf)
    return [view[:end] for end in range(0, len(buf) + 1, _BLOCK)]
