"""Key derivation against independent implementations, for lengths that no published case has."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from twintap_protocol.errors import LocalError
from twintap_protocol.kdf import equal, hkdf_sha256, hmac_sha256


@given(st.binary(max_size=200), st.lists(st.binary(max_size=100), max_size=5))
def test_hmac_of_parts_is_the_hmac_of_them_joined(key, parts):
    want = hmac.digest(key, b"".join(parts), hashlib.sha256)
    assert hmac_sha256(key, *parts) == want
    assert hmac_sha256(bytearray(key), *map(memoryview, parts)) == want


@pytest.mark.parametrize("key_len", [0, 63, 64, 65])
def test_hmac_keys_around_the_block_length(key_len):
    key = bytes(range(key_len))
    assert hmac_sha256(key, b"data") == hmac.digest(key, b"data", hashlib.sha256)


@given(
    st.binary(min_size=1, max_size=80), st.binary(max_size=80), st.binary(max_size=80), st.integers(1, 300)
)
def test_hkdf_agrees_with_cryptography(secret, salt, info, length):
    want = HKDF(hashes.SHA256(), length, salt, info).derive(secret)
    assert hkdf_sha256(secret, salt, info, length) == want
    assert hkdf_sha256(bytearray(secret), memoryview(salt), bytearray(info), length) == want


def test_hkdf_gives_its_longest_output_and_no_more():
    want = HKDF(hashes.SHA256(), 255 * 32, b"salt", b"info").derive(b"secret")
    assert hkdf_sha256(b"secret", b"salt", b"info", 255 * 32) == want
    for length in (0, -1, 255 * 32 + 1):
        with pytest.raises(LocalError, match="1 to 8160"):
            hkdf_sha256(b"secret", b"salt", b"info", length)


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_equal_says_what_plain_comparison_says(a, b):
    assert equal(a, b) == (a == b)
    assert equal(memoryview(a), bytearray(a))


def test_equal_sees_every_single_bit():
    value = bytes(range(32))
    for bit in range(256):
        other = bytearray(value)
        other[bit // 8] ^= 1 << bit % 8
        assert not equal(value, other)
