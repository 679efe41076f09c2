"""The vector files of sealing agree with independent implementations, so that no typing error can stand."""

import hashlib
import hmac
import json

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.protocol.vms import VECTORS


def _cases(kind):
    cases = json.loads((VECTORS / f"{kind}.json").read_text())["cases"]
    return [pytest.param(case, id=case["name"]) for case in cases]


def _names(kind):
    return [param.id for param in _cases(kind)]


@pytest.mark.parametrize("case", _cases("ccm"))
def test_ccm_vector_agrees_with_cryptography(case):
    key, nonce, aad, sealed = (bytes.fromhex(case[name]) for name in ("key", "nonce", "aad", "sealed"))
    aead = AESCCM(key, tag_length=case["tag_len"])
    if "refused" in case:
        with pytest.raises(InvalidTag):
            aead.decrypt(nonce, sealed, aad)
    else:
        assert aead.encrypt(nonce, bytes.fromhex(case["plaintext"]), aad) == sealed


@pytest.mark.parametrize("case", _cases("hmac"))
def test_hmac_vector_agrees_with_the_standard_library(case):
    want = hmac.digest(bytes.fromhex(case["key"]), bytes.fromhex(case["data"]), hashlib.sha256)
    mac = bytes.fromhex(case["mac"])
    assert len(mac) >= 16
    assert want[: len(mac)] == mac


@pytest.mark.parametrize("case", _cases("hkdf"))
def test_hkdf_vector_agrees_with_cryptography(case):
    secret, salt, info, prk, okm = (
        bytes.fromhex(case[name]) for name in ("secret", "salt", "info", "prk", "okm")
    )
    assert HKDF(hashes.SHA256(), len(okm), salt, info).derive(secret) == okm
    assert hmac.digest(salt or bytes(32), secret, hashlib.sha256) == prk


def test_all_published_cases_are_there():
    ccm = _names("ccm")
    assert [name for name in ccm if name.startswith("RFC 3610")] == [
        f"RFC 3610 packet vector {number}" for number in range(1, 25)
    ]
    assert [name for name in ccm if name.startswith("SP 800-38C")] == [
        f"SP 800-38C example {number}" for number in (1, 2, 3)
    ]
    assert [name.partition(",")[0] for name in _names("hmac")] == [
        f"RFC 4231 test case {number}" for number in range(1, 8)
    ]
    assert _names("hkdf") == [f"RFC 5869 test case {number}" for number in (1, 2, 3)]


def test_ccm_vectors_cover_every_tag_and_nonce_length_and_refusals():
    cases = [param.values[0] for param in _cases("ccm")]
    assert {case["tag_len"] for case in cases} == {4, 6, 8, 10, 12, 14, 16}
    assert {len(case["nonce"]) // 2 for case in cases} == {7, 8, 9, 10, 11, 12, 13}
    assert sum("refused" in case for case in cases) >= 10
