"""Handlers for the kinds `ccm`, `hmac`, `hkdf` and `replay`. The vector files name their sources."""

from case_kit import expect, expect_refused, make_ccm, unhex

from twintap_protocol.errors import LocalError
from twintap_protocol.kdf import hkdf_sha256, hmac_sha256
from twintap_protocol.replay import ReplayWindow

_AFTER = b"\xee" * 5  # stands behind the frame in its buffer, and must still be there afterwards


def _ccm(case):
    """key, nonce, aad, sealed (ciphertext and tag), tag_len; and `plaintext`, or `refused`: the reason."""
    nonce = unhex(case["nonce"])
    aad = unhex(case["aad"])
    sealed = aad + unhex(case["sealed"])
    tag_len = case["tag_len"]
    payload_len = len(sealed) - len(aad) - tag_len
    ccm = make_ccm(unhex(case["key"]), tag_len, nonce_len=len(nonce))
    if "refused" in case:
        buf = bytearray(sealed + _AFTER)
        expect_refused("open", case["refused"], ccm.open_into, buf, nonce, len(aad), len(sealed))
        expect("payload after refusal", bytes(buf[len(aad) : len(aad) + payload_len]), bytes(payload_len))
        return
    plain = aad + unhex(case["plaintext"])
    # Twice with one object: the CBC chain of the first round must not reach into the second.
    for turn in ("first", "second"):
        buf = bytearray(plain + b"\xdd" * tag_len + _AFTER)
        expect(turn + " sealed length", ccm.seal_into(buf, nonce, len(aad), payload_len), len(sealed))
        expect(turn + " seal", bytes(buf), sealed + _AFTER)
        expect(turn + " opened length", ccm.open_into(buf, nonce, len(aad), len(sealed)), payload_len)
        expect(turn + " open", bytes(buf), plain + sealed[len(sealed) - tag_len :] + _AFTER)
        buf = bytearray(sealed)
        buf[-1] ^= 0x80
        expect_refused(turn + " open, tag changed", "tag", ccm.open_into, buf, nonce, len(aad), len(sealed))


def _hmac(case):
    """key, data, mac; a mac of fewer than 32 bytes is a truncated one."""
    key, data, mac = unhex(case["key"]), unhex(case["data"]), unhex(case["mac"])
    expect("mac", hmac_sha256(key, data)[: len(mac)], mac)
    expect("mac of two parts", hmac_sha256(key, data[:7], data[7:])[: len(mac)], mac)


def _hkdf(case):
    """secret, salt, info, okm; and prk, the value between extract and expand."""
    secret, salt, info, okm = (unhex(case[name]) for name in ("secret", "salt", "info", "okm"))
    expect("okm", hkdf_sha256(secret, salt, info, len(okm)), okm)
    expect("okm, one byte less", hkdf_sha256(secret, salt, info, len(okm) - 1), okm[:-1])


def _replay(case):
    """size; steps: pairs of a counter and whether it is fresh. A fresh one is accepted, others are not."""
    window = ReplayWindow(case["size"])
    for number, (counter, fresh) in enumerate(case["steps"]):
        what = f"step {number}, counter {counter}"
        expect(what, window.check(counter), fresh)
        if fresh:
            window.accept(counter)
            expect(what + " again", window.check(counter), False)
        else:
            highest = window.highest
            try:
                window.accept(counter)
            except LocalError:
                expect(what + " leaves the window", window.highest, highest)
            else:
                raise AssertionError(what + ": accepted, want LocalError")


HANDLERS = {"ccm": _ccm, "hmac": _hmac, "hkdf": _hkdf, "replay": _replay}
