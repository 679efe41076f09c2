"""The shapes that sealing is plugged together from. For type checkers alone: nothing imports it at run time.

`Sealer` is the contract that the rest of the protocol relies on: one key's authenticated encryption of
frames, in place. `Ccm` keeps it with nothing but AES; where a faster AES-CCM is at hand, anything else that
keeps it will do.
"""

from typing import Protocol


class Sealer(Protocol):
    """Seals and opens frames laid out as `aad | payload | tag` from the start of a buffer, under one key.

    The nonce is 13 bytes (`NONCE_LEN`) and never used twice for sealing; the tag is 8 bytes (`TAG_LEN`). The
    bytes are those of AES-128-CCM, whoever makes them.
    """

    def seal_into(self, buf: bytearray, nonce: bytes | bytearray, aad_len: int, payload_len: int) -> int:
        """Seal the frame in `buf` in place, put the tag after the payload, and give the whole length.

        Raises LocalError, with nothing changed, for lengths that do not fit `buf` or the longest frame.
        """
        ...

    def open_into(self, buf: bytearray, nonce: bytes | bytearray, aad_len: int, total_len: int) -> int:
        """Open the sealed frame of `total_len` bytes in `buf` in place, and give its payload's length.

        Raises RemoteError "tag" if the tag does not fit, with the payload's place zeroed; RemoteError
        "length" for a frame too short or too long to be one; LocalError if `buf` holds less than `total_len`.
        """
        ...


class AesMode(Protocol):
    """AES-128 encryption under one key in one mode, of the shape of MicroPython's `cryptolib.aes`."""

    def encrypt(self, in_buf: memoryview, out_buf: memoryview) -> object:
        """Encrypt all of `in_buf`, whole 16-byte blocks, into the start of `out_buf`. Called by position."""
        ...
