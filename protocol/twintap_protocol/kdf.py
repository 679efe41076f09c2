"""HMAC-SHA256 (RFC 2104, FIPS 198-1), HKDF-SHA256 (RFC 5869), and a comparison that leaks no time.

Written out because stock firmware has SHA-256 and no `hmac`. Used only while a link is made: these functions
allocate, and are never called near an edge.
"""

import hashlib

from .errors import LocalError

HASH_LEN = 32  # bytes in a SHA-256 digest
_BLOCK_LEN = 64  # bytes in a SHA-256 input block
_HKDF_MAX_LEN = 255 * HASH_LEN  # RFC 5869, section 2.3


def hmac_sha256(key: bytes | bytearray | memoryview, *parts: bytes | bytearray | memoryview) -> bytes:
    """Give the 32-byte HMAC-SHA256 of the joined `parts` under `key`.

    `key` may have any length; one of more than 64 bytes is hashed first, as RFC 2104 says. The parts are
    joined without a mark between them: where a part's length can vary, the caller puts the length in.
    """
    block = bytearray(_BLOCK_LEN)
    short_key = hashlib.sha256(key).digest() if len(key) > _BLOCK_LEN else key
    for i in range(len(short_key)):
        block[i] = short_key[i]
    for i in range(_BLOCK_LEN):
        block[i] ^= 0x36
    inner = hashlib.sha256(block)
    for part in parts:
        inner.update(part)
    for i in range(_BLOCK_LEN):
        block[i] ^= 0x36 ^ 0x5C
    outer = hashlib.sha256(block)
    outer.update(inner.digest())
    return outer.digest()


def hkdf_sha256(
    secret: bytes | bytearray | memoryview,
    salt: bytes | bytearray | memoryview,
    info: bytes | bytearray | memoryview,
    length: int,
) -> bytes:
    """Give `length` bytes of key material: HKDF-SHA256, extract then expand (RFC 5869, section 2).

    `secret` is the input key material. An empty `salt` stands for 32 zero bytes, as the RFC says. `info`
    tells one use of the secret from another. `length` is 1 to 8160 bytes, else LocalError.
    """
    if not 1 <= length <= _HKDF_MAX_LEN:
        raise LocalError("HKDF length is %d bytes; it must be 1 to %d" % (length, _HKDF_MAX_LEN))
    pseudorandom_key = hmac_sha256(salt if len(salt) else bytes(HASH_LEN), secret)
    out = b""
    block = b""
    count = 0
    while len(out) < length:
        count += 1
        block = hmac_sha256(pseudorandom_key, block, info, bytes((count,)))
        out += block
    return out[:length]


def equal(a: bytes | bytearray | memoryview, b: bytes | bytearray | memoryview) -> bool:
    """Tell whether `a` and `b` hold the same bytes, in a time that depends on their lengths alone.

    For every comparison of a secret value: an early end would tell a forger how many bytes were right.
    """
    if len(a) != len(b):
        return False
    difference = 0
    for i in range(len(a)):
        difference |= a[i] ^ b[i]
    return difference == 0
