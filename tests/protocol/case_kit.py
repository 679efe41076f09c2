"""What the case handlers share: bytes out of JSON, plain expectations, and AES as this VM offers it.

Runs under CPython and under MicroPython.
"""

import binascii
import sys

from twintap_protocol.ccm import FRAME_MAX_LEN, NONCE_LEN, TAG_LEN, Ccm
from twintap_protocol.errors import RemoteError

if sys.implementation.name == "micropython":
    import cryptolib

    def make_aes(key):
        """Give AES-128 in ECB and in CBC with a zero IV, as `Ccm` wants them: here the VM's own."""
        return cryptolib.aes(key, 1), cryptolib.aes(key, 2, bytes(16))

else:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    class _HostAes:
        """One encryptor of `cryptography` in the shape of MicroPython's `cryptolib.aes`."""

        def __init__(self, key, mode):
            self._encryptor = Cipher(algorithms.AES(key), mode).encryptor()

        def encrypt(self, in_buf, out_buf):
            out_buf[: len(in_buf)] = self._encryptor.update(in_buf)

    def make_aes(key):
        """Give AES-128 in ECB and in CBC with a zero IV, as `Ccm` wants them: here from `cryptography`."""
        return _HostAes(key, modes.ECB()), _HostAes(key, modes.CBC(bytes(16)))


def make_ccm(key, tag_len=TAG_LEN, max_len=FRAME_MAX_LEN, nonce_len=NONCE_LEN):
    """Give our own CCM under `key`, on this VM's AES."""
    ecb, cbc = make_aes(key)
    return Ccm(ecb, cbc, tag_len, max_len, nonce_len)


def unhex(text):
    """Give the bytes that a hexadecimal string of a vector file stands for."""
    return binascii.unhexlify(text)


def show(value):
    """Give a value as it should stand in a report: bytes as hexadecimal digits, all else as it is."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return binascii.hexlify(value).decode()
    return repr(value)


def expect(what, got, want):
    """Raise AssertionError naming `what`, unless `got` equals `want`."""
    if got != want:
        raise AssertionError(f"{what}: got {show(got)}, want {show(want)}")


def expect_refused(what, reason, call, *args):
    """Raise AssertionError naming `what`, unless `call(*args)` raises RemoteError with that `reason`."""
    try:
        call(*args)
    except RemoteError as error:
        expect(what + ": reason", error.reason, reason)
        return
    raise AssertionError(f"{what}: not refused, want {reason}")
