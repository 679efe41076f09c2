"""A stream of bytes, sealed under a passphrase: nobody reads it, and a changed or cut one is refused.

    file    = header, chunk …
    header  = "twintap\\x00", version (1), log2 N, r, p, salt (16), nonce prefix (7)
    chunk   = ChaCha20-Poly1305 of up to 64 KiB, 16 bytes longer than what is in it

The key comes from the passphrase by scrypt (RFC 7914). A chunk's nonce is the prefix, its number (4 bytes,
big end first) and 1 for the last chunk, else 0, so that chunks can be neither changed nor swapped nor left
out (the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, 2015); the header is every chunk's
associated data. All chunks but the last are full.
"""

import io
import secrets
import struct
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from ..errors import StoreError

CHUNK_BYTES = 64 * 1024
_TAG_BYTES = 16
_MAGIC = b"twintap\x00"
_VERSION = 1
_HEADER = struct.Struct(">8s4B16s7s")
# 128 MiB and some 0.4 s for each guess.
_LOG_N, _R, _P = 17, 8, 1
# What is asked of this computer by a header that anybody may have written: at most 1 GiB.
_LOG_N_MAX, _R_MAX, _P_MAX = 20, 8, 4
PASSPHRASE_MIN = 8


class _Chunks:
    """The key, and the nonce of each chunk."""

    def __init__(self, header: bytes, passphrase: str) -> None:
        _magic, _version, log_n, r, p, salt, self._prefix = _HEADER.unpack(header)
        key = Scrypt(salt=salt, length=32, n=1 << log_n, r=r, p=p).derive(passphrase.encode("utf-8"))
        self._cipher = ChaCha20Poly1305(key)
        self._header = header
        self._number = 0

    def seal(self, chunk: bytes, *, is_last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(is_last=is_last), chunk, self._header)

    def open(self, sealed: bytes, *, is_last: bool) -> bytes:
        return self._cipher.decrypt(self._nonce(is_last=is_last), sealed, self._header)

    def _nonce(self, *, is_last: bool) -> bytes:
        # At 64 KiB a chunk the number is used up after 256 TiB.
        nonce = self._prefix + struct.pack(">IB", self._number, is_last)
        self._number += 1
        return nonce


class SealingWriter(io.RawIOBase):
    """Writes to `file` sealed; `finish` writes the last chunk. A file without it is refused by the reader."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        super().__init__()
        header = _HEADER.pack(
            _MAGIC, _VERSION, _LOG_N, _R, _P, secrets.token_bytes(16), secrets.token_bytes(7)
        )
        self._file = file
        self._chunks = _Chunks(header, passphrase)
        self._held = bytearray()
        file.write(header)

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: "bytes | bytearray | memoryview[int]", /) -> int:  # type: ignore[override]
        """Take bytes; they reach the file a chunk at a time."""
        self._held += data
        # One byte more than a chunk: only then is it known that this one is not the last.
        while len(self._held) > CHUNK_BYTES:
            chunk = bytes(self._held[:CHUNK_BYTES])
            del self._held[:CHUNK_BYTES]
            self._file.write(self._chunks.seal(chunk, is_last=False))
        return len(data)

    def finish(self) -> None:
        """Write the last chunk."""
        self._file.write(self._chunks.seal(bytes(self._held), is_last=True))
        self._held.clear()


class SealedReader(io.RawIOBase):
    """Reads what `SealingWriter` wrote to `file`.

    StoreError, also from `read`, if it is no backup, the passphrase is wrong, or a byte of it was changed or
    is missing. What was read is whole only once `finish` has returned.
    """

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        super().__init__()
        header = file.read(_HEADER.size)
        if len(header) < _HEADER.size or not header.startswith(_MAGIC):
            raise StoreError("this is no backup of twintap's")
        _magic, version, log_n, r, p, _salt, _prefix = _HEADER.unpack(header)
        if version != _VERSION:
            raise StoreError("this backup was made by a newer twintap; restore it with that one")
        if not (1 <= log_n <= _LOG_N_MAX and 1 <= r <= _R_MAX and 1 <= p <= _P_MAX):
            raise StoreError("this backup is damaged at its beginning")
        self._file = file
        self._chunks = _Chunks(header, passphrase)
        self._next = file.read(CHUNK_BYTES + _TAG_BYTES)
        self._held = b""
        self._number = 0
        self._is_over = False

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: "bytearray | memoryview[int]", /) -> int:  # type: ignore[override]
        """Give the next bytes; none at the end."""
        while not self._held and not self._is_over:
            self._open_chunk()
        given = self._held[: len(buffer)]
        buffer[: len(given)] = given
        self._held = self._held[len(given) :]
        return len(given)

    def finish(self) -> None:
        """Read to the end; StoreError if it was cut off or changed anywhere."""
        while not self._is_over:
            self._open_chunk()

    def _open_chunk(self) -> None:
        sealed, self._next = self._next, self._file.read(CHUNK_BYTES + _TAG_BYTES)
        is_last = not self._next
        try:
            self._held = self._chunks.open(sealed, is_last=is_last)
        except InvalidTag:
            if self._number == 0:
                raise StoreError("the passphrase is wrong, or the backup is damaged") from None
            raise StoreError(
                f"the backup is damaged or cut off, {self._number * CHUNK_BYTES} bytes after its beginning; "
                "take another copy of it"
            ) from None
        self._number += 1
        self._is_over = is_last
