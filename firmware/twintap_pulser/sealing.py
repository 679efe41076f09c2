"""The chip's AES, in the shape that sealing wants."""

from cryptolib import aes

from twintap_protocol.ccm import Ccm

_ECB = 1
_CBC = 2


def make_sealer(key: bytes) -> Ccm:
    """Seals and opens frames under `key` (16 bytes)."""
    return Ccm(aes(key, _ECB), aes(key, _CBC, bytes(16)))
