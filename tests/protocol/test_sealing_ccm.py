"""Our CCM against an independent one: the same bytes out, and nothing but the true frame let in."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.case_kit import make_ccm
from tests.protocol.vms import run_under
from twintap_protocol.ccm import FRAME_MAX_LEN, NONCE_LEN, TAG_LEN
from twintap_protocol.errors import LocalError, RemoteError

KEY = bytes(range(16))
NONCE = bytes(range(100, 113))

keys = st.binary(min_size=16, max_size=16)
nonces = st.binary(min_size=NONCE_LEN, max_size=NONCE_LEN)
tag_lens = st.sampled_from([4, 6, 8, 10, 12, 14, 16])


def sealed_frame(aad, payload, ccm=None):
    """Give a frame sealed by our own CCM, in a buffer of just its length."""
    ccm = ccm or make_ccm(KEY)
    buf = bytearray(aad + payload + bytes(ccm.tag_len))
    assert ccm.seal_into(buf, NONCE, len(aad), len(payload)) == len(buf)
    return buf


@given(keys, nonces, st.binary(max_size=100), st.binary(max_size=140), tag_lens, st.booleans())
def test_seal_and_open_agree_with_cryptography(key, nonce, aad, payload, tag_len, as_view):
    ccm = make_ccm(key, tag_len)
    want = aad + AESCCM(key, tag_length=tag_len).encrypt(nonce, payload, aad)
    buf = bytearray(aad + payload + bytes(tag_len))
    frame = memoryview(buf) if as_view else buf
    assert ccm.seal_into(frame, nonce, len(aad), len(payload)) == len(want)
    assert bytes(buf) == want
    assert ccm.open_into(frame, bytearray(nonce), len(aad), len(want)) == len(payload)
    assert bytes(buf) == aad + payload + want[len(want) - tag_len :]


@given(
    st.lists(
        st.tuples(nonces, st.binary(max_size=60), st.binary(max_size=60), st.booleans()),
        min_size=2,
        max_size=8,
    )
)
def test_one_frame_leaves_no_mark_on_the_next(frames):
    """The chain value and the buffers outlive a frame; its length, content or refusal must not matter."""
    ccm = make_ccm(KEY)
    reference = AESCCM(KEY, tag_length=TAG_LEN)
    for nonce, aad, payload, damaged in frames:
        want = aad + reference.encrypt(nonce, payload, aad)
        buf = bytearray(aad + payload + bytes(TAG_LEN))
        ccm.seal_into(buf, nonce, len(aad), len(payload))
        assert bytes(buf) == want
        if damaged:
            buf[-1] ^= 1
            with pytest.raises(RemoteError):
                ccm.open_into(buf, nonce, len(aad), len(buf))
        else:
            assert ccm.open_into(buf, nonce, len(aad), len(buf)) == len(payload)
            assert bytes(buf[len(aad) : len(aad) + len(payload)]) == payload


@pytest.mark.parametrize("payload_len", [0, 1, 15, 16, 17, 31, 32, 33, FRAME_MAX_LEN - TAG_LEN])
def test_payloads_around_whole_blocks_and_the_longest_frame(payload_len):
    payload = bytes(i & 0xFF for i in range(payload_len))
    assert bytes(sealed_frame(b"", payload)) == AESCCM(KEY, tag_length=TAG_LEN).encrypt(NONCE, payload, None)


@pytest.mark.parametrize("aad_len", [1, 13, 14, 15, 29, 30, 31, FRAME_MAX_LEN - TAG_LEN])
def test_aads_around_whole_blocks_and_the_longest_frame(aad_len):
    aad = bytes(i & 0xFF for i in range(aad_len))
    assert bytes(sealed_frame(aad, b"")) == aad + AESCCM(KEY, tag_length=TAG_LEN).encrypt(NONCE, b"", aad)


@pytest.mark.parametrize("max_len", [8, 9, 17, 40, 41, 42, 55, 56, 57, 600])
def test_buffers_are_long_enough_for_every_split_of_the_longest_frame(max_len):
    for aad_len in range(max_len - TAG_LEN + 1):
        ccm = make_ccm(KEY, max_len=max_len)
        aad = bytes(aad_len)
        payload = bytes(max_len - TAG_LEN - aad_len)
        want = aad + AESCCM(KEY, tag_length=TAG_LEN).encrypt(NONCE, payload, aad)
        assert bytes(sealed_frame(aad, payload, ccm)) == want


def test_length_is_told_in_two_bytes():
    payload = bytes(300)
    aad = bytes(300)
    ccm = make_ccm(KEY, max_len=608)
    want = aad + AESCCM(KEY, tag_length=TAG_LEN).encrypt(NONCE, payload, aad)
    assert bytes(sealed_frame(aad, payload, ccm)) == want


def test_every_single_bit_flip_is_refused_and_leaves_no_plaintext():
    aad, payload = b"header bytes", b"a payload of a few blocks, and some"
    ccm = make_ccm(KEY)
    good = bytes(sealed_frame(aad, payload))
    for bit in range(len(good) * 8):
        buf = bytearray(good)
        buf[bit // 8] ^= 1 << bit % 8
        with pytest.raises(RemoteError) as caught:
            ccm.open_into(buf, NONCE, len(aad), len(buf))
        assert caught.value.reason == "tag"
        assert bytes(buf[len(aad) : -TAG_LEN]) == bytes(len(payload))
    buf = bytearray(good)
    assert ccm.open_into(buf, NONCE, len(aad), len(buf)) == len(payload)


@given(st.integers(0, NONCE_LEN * 8 - 1), st.binary(max_size=20), st.binary(max_size=40))
def test_a_frame_under_another_nonce_is_refused(bit, aad, payload):
    buf = sealed_frame(aad, payload)
    other = bytearray(NONCE)
    other[bit // 8] ^= 1 << bit % 8
    with pytest.raises(RemoteError) as caught:
        make_ccm(KEY).open_into(buf, other, len(aad), len(buf))
    assert caught.value.reason == "tag"


@given(st.integers(0, 127), st.binary(max_size=20), st.binary(max_size=40))
def test_a_frame_under_another_key_is_refused(bit, aad, payload):
    buf = sealed_frame(aad, payload)
    other = bytearray(KEY)
    other[bit // 8] ^= 1 << bit % 8
    with pytest.raises(RemoteError) as caught:
        make_ccm(bytes(other)).open_into(buf, NONCE, len(aad), len(buf))
    assert caught.value.reason == "tag"


def test_moving_the_border_between_aad_and_payload_is_refused():
    buf = sealed_frame(b"0123456789", b"payload")
    for aad_len in (0, 9, 11, 17):
        with pytest.raises(RemoteError) as caught:
            make_ccm(KEY).open_into(bytearray(buf), NONCE, aad_len, len(buf))
        assert caught.value.reason == "tag"


def test_a_frame_cut_short_anywhere_is_refused():
    aad = b"0123456789ab"
    whole = sealed_frame(aad, b"the payload of it")
    for total_len in range(len(whole)):
        with pytest.raises(RemoteError) as caught:
            make_ccm(KEY).open_into(bytearray(whole), NONCE, len(aad), total_len)
        assert caught.value.reason == ("tag" if total_len >= len(aad) + TAG_LEN else "length")


@given(st.binary(max_size=FRAME_MAX_LEN + 40), st.integers(0, 40))
def test_opening_random_bytes_raises_remote_error_and_nothing_else(data, aad_len):
    with pytest.raises(RemoteError) as caught:
        make_ccm(KEY).open_into(bytearray(data), NONCE, aad_len, len(data))
    assert caught.value.reason in ("tag", "length")


def test_a_frame_longer_than_the_longest_is_the_peers_fault_and_is_left_alone():
    buf = bytearray(b"\x55" * (FRAME_MAX_LEN + 1))
    with pytest.raises(RemoteError) as caught:
        make_ccm(KEY).open_into(buf, NONCE, 12, len(buf))
    assert caught.value.reason == "length"
    assert bytes(buf) == b"\x55" * (FRAME_MAX_LEN + 1)


@pytest.mark.parametrize(
    ("nonce", "aad_len", "payload_len"),
    [
        (NONCE, -1, 10),
        (NONCE, 1, -1),
        (NONCE, 30, 27),  # one byte more than the buffer holds
        (NONCE[:-1], 4, 4),
        (NONCE + b"\0", 4, 4),
    ],
)
def test_sealing_what_does_not_fit_is_our_own_fault_and_changes_nothing(nonce, aad_len, payload_len):
    ccm = make_ccm(KEY)
    buf = bytearray(b"\x55" * 64)
    with pytest.raises(LocalError):
        ccm.seal_into(buf, nonce, aad_len, payload_len)
    assert bytes(buf) == b"\x55" * 64
    assert bytes(sealed_frame(b"a", b"b", ccm)) == bytes(sealed_frame(b"a", b"b"))


def test_sealing_more_than_the_longest_frame_is_our_own_fault():
    with pytest.raises(LocalError, match="longest frame 256"):
        make_ccm(KEY).seal_into(bytearray(400), NONCE, 12, 237)


@pytest.mark.parametrize(
    ("nonce", "aad_len", "total_len"),
    [(NONCE, -1, 20), (NONCE, 4, -1), (NONCE, 4, 65), (NONCE[:-1], 4, 20), (NONCE + b"\0", 4, 20)],
)
def test_opening_with_bad_arguments_is_our_own_fault_and_changes_nothing(nonce, aad_len, total_len):
    buf = bytearray(b"\x55" * 64)
    with pytest.raises(LocalError):
        make_ccm(KEY).open_into(buf, nonce, aad_len, total_len)
    assert bytes(buf) == b"\x55" * 64


@pytest.mark.parametrize(
    "arguments",
    [
        {"tag_len": 2},
        {"tag_len": 7},
        {"tag_len": 18},
        {"nonce_len": 6},
        {"nonce_len": 14},
        {"max_len": 7},
        {"max_len": 0xFF00},
    ],
)
def test_parameters_outside_the_standard_are_refused(arguments):
    with pytest.raises(LocalError, match="must be"):
        make_ccm(KEY, **arguments)


def test_sealing_and_opening_allocate_nothing_on_the_device():
    """Garbage made for every frame would put a collection near an edge sooner or later."""
    done = run_under("micropython", Path(__file__).with_name("probe_allocations.py"))
    assert done.returncode == 0, done.stderr
    allocated = {name: int(count) for name, count in map(str.split, done.stdout.splitlines())}
    assert allocated.pop("make_bytes") > 100 * 16  # the probe does see an allocation
    assert allocated == dict.fromkeys(("seal", "seal_and_open", "seal_and_open_longest", "slide"), 0)
