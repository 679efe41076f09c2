"""The daemon's AES-128-CCM, from the `cryptography` package: the same bytes as the protocol's own, faster."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from twintap_protocol.errors import RemoteError
from twintap_protocol.frames import TAG_LEN


class HostSealer:
    """One direction's key. See `twintap_protocol.sealer.Sealer` for the contract of the two methods."""

    __slots__ = ("_ccm",)

    def __init__(self, key: bytes) -> None:
        self._ccm = AESCCM(key, tag_length=TAG_LEN)

    def seal_into(self, buf: bytearray, nonce: bytes | bytearray, aad_len: int, payload_len: int) -> int:
        """Encrypts in place and appends the tag; gives the whole length."""
        end = aad_len + payload_len
        aad = bytes(buf[:aad_len])
        buf[aad_len : end + TAG_LEN] = self._ccm.encrypt(bytes(nonce), bytes(buf[aad_len:end]), aad)
        return end + TAG_LEN

    def open_into(self, buf: bytearray, nonce: bytes | bytearray, aad_len: int, total_len: int) -> int:
        """Decrypts in place; gives the payload's length. Raises `RemoteError`: `length` or `tag`."""
        if total_len < aad_len + TAG_LEN:
            raise RemoteError("length")
        aad = bytes(buf[:aad_len])
        try:
            payload = self._ccm.decrypt(bytes(nonce), bytes(buf[aad_len:total_len]), aad)
        except InvalidTag:
            raise RemoteError("tag") from None
        buf[aad_len : aad_len + len(payload)] = payload
        return len(payload)
