"""The chip's AES, in the shape that sealing wants."""

import sys

from twintap_protocol.ccm import Ccm

TYPE_CHECKING = False
if TYPE_CHECKING or sys.implementation.name == "micropython":
    from cryptolib import aes

    _ECB = 1
    _CBC = 2

    def make_sealer(key: bytes) -> Ccm:
        """Seals and opens frames under `key` (16 bytes)."""
        ecb = aes(key, _ECB)
        cbc = aes(key, _CBC, bytes(16))
        return Ccm(ecb, cbc)  # pyright: ignore[reportArgumentType]  # takes any buffer, says the VM

else:
    # The virtual board where there is no MicroPython VM.
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB

    class _Mode:
        def __init__(self, key, mode):
            self._encryptor = Cipher(AES(key), mode).encryptor()

        def encrypt(self, in_buf, out_buf):
            done = self._encryptor.update(bytes(in_buf))
            out_buf[: len(done)] = done

    def make_sealer(key: bytes) -> Ccm:
        """Seals and opens frames under `key` (16 bytes)."""
        ecb = _Mode(key, ECB())  # noqa: S305 - a part of CCM, never used alone
        return Ccm(ecb, _Mode(key, CBC(bytes(16))))
