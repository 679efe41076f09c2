"""Links: no bytes that a stranger sends change anything, and misuse is told apart from rubbish."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.protocol.handlers import case_kit, refusal_of
from tests.protocol.reference import link_vectors as known
from tests.protocol.strategies import mutated
from twintap_protocol import link
from twintap_protocol.errors import REASONS, LocalError, RemoteError
from twintap_protocol.frames import REFUSE, REPORT, STOP, VERSION, Stop, read_kind

KEY = known.PAIR["key"]


def new_pulser():
    pair = known.PAIR
    return link.PulserLink(
        pair["pulser_id"], pair["daemon_id"], KEY, case_kit.make_ccm, known.BOOT_ID, known.FIRMWARE
    )


def pulser_in(state):
    """A pulser that has come as far as `state`, with the daemon's end of its links."""
    pulser = new_pulser()
    channels = []
    if state == link.IDLE:
        return pulser, channels

    def meet(nonce, nonce_daemon, link_id):
        hello = pulser.hello(nonce)
        answer, channel = link.welcome(
            link.Hello(hello, len(hello)), KEY, nonce_daemon, link_id, 3, case_kit.make_ccm
        )
        channels.append(channel)
        return answer

    answer = meet(known.NONCE_P, known.NONCE_D, known.LINK_ID)
    if state == link.ASKING:
        return pulser, channels
    pulser.receive(bytearray(answer), len(answer))
    if state == link.WELCOMED:
        return pulser, channels
    first = sealed(channels[0], STOP, b"\x05\0\0\0")
    pulser.receive(bytearray(first), len(first))
    if state == link.LINKED:
        return pulser, channels
    answer = meet(known.NONCE_P2, known.NONCE_D2, known.LINK_ID2)
    if state == link.WELCOMED_AGAIN:
        pulser.receive(bytearray(answer), len(answer))
    return pulser, channels


def sealed(channel, kind, payload):
    channel.tx[channel.PAYLOAD : channel.PAYLOAD + len(payload)] = payload
    return bytes(channel.tx[: channel.seal(kind, len(payload))])


STATES = sorted({state for state, _ in link.PULSER_STATES})
GENUINE = (
    known.HELLO,
    known.WELCOME,
    known.WELCOME2,
    known.to_pulser(9, "stop", known.STOP),
    known.to_daemon(9, "report", known.REPORT),
    known.links.beckon(known.PAIR),
    known.links.refuse(known.PAIR["pulser_id"], 1, VERSION),
)
ANY_DATAGRAM = st.one_of(st.binary(max_size=300), *(mutated(data) for data in GENUINE))


@pytest.mark.parametrize("state", STATES)
def test_every_state_can_be_reached(state):
    assert pulser_in(state)[0].state == state


@settings(max_examples=60)
@pytest.mark.parametrize("state", STATES)
@given(data=ANY_DATAGRAM)
def test_any_datagram_is_taken_or_refused_without_a_trace(state, data):
    pulser, _ = pulser_in(state)
    before = (pulser.channel, pulser.pending, pulser.ended_set)
    reason = refusal_of(pulser.receive, bytearray(data), len(data))
    if reason:
        assert reason in REASONS
        assert (pulser.state, pulser.channel, pulser.pending, pulser.ended_set) == (state, *before)
        assert not pulser.is_new
    else:
        # Nothing gets here but what a holder of the key has made, and the refusal that anyone can send.
        assert data in GENUINE or data[2] == REFUSE


@given(data=ANY_DATAGRAM)
def test_any_datagram_is_a_hello_or_is_refused(data):
    reason = refusal_of(link.Hello, data, len(data))
    assert reason is None or reason in REASONS
    if not reason:
        hello = link.Hello(data, len(data))
        assert hello.is_from(KEY) == (data == known.HELLO)
        assert not hello.is_from(known.STRANGER["key"])
    asker = link.asker_of_other_major(data, len(data))
    assert asker is None or (asker == data[4:12] and data[1] >> 4 != VERSION >> 4)


@settings(max_examples=200)
@given(data=st.data())
def test_a_channel_opens_nothing_that_was_changed(data):
    _, channels = pulser_in(link.WELCOMED)
    genuine = known.to_daemon(0, "report", known.REPORT)
    got = data.draw(st.binary(max_size=300) | mutated(genuine))
    channel = channels[0]
    reason = refusal_of(channel.open, bytearray(got), len(got))
    assert (reason is None) == (got == genuine) == channel.proved
    if reason:
        assert reason in REASONS
        # What was refused has used up nothing.
        assert channel.open(bytearray(genuine), len(genuine)) == len(known.REPORT)


@given(payloads=st.lists(st.binary(max_size=236), max_size=8), order=st.randoms(use_true_random=False))
def test_frames_arrive_in_any_order_each_once(payloads, order):
    pulser, channels = pulser_in(link.LINKED)
    frames_sent = [sealed(channels[0], STOP, payload) for payload in payloads]
    deliveries = [*enumerate(frames_sent), *enumerate(frames_sent)]
    order.shuffle(deliveries)
    seen = set()
    for number, frame in deliveries:
        buf = bytearray(frame)
        if number in seen:
            with pytest.raises(RemoteError) as caught:
                pulser.receive(buf, len(frame))
            assert caught.value.reason == "replay"
        else:
            seen.add(number)
            kind, length = pulser.receive(buf, len(frame))
            assert (kind, bytes(buf[12 : 12 + length])) == (STOP, payloads[number])


def test_a_link_whose_counters_are_used_up_seals_nothing_more():
    _, channels = pulser_in(link.LINKED)
    channel = channels[0]
    channel._counter = 2**30 - 1
    Stop.write(channel.tx, channel.PAYLOAD, 1)
    last = bytes(channel.tx[: channel.seal(STOP, 4)])
    assert link.counter_of(last) == 2**30 - 1
    with pytest.raises(LocalError, match="frame counter is 1073741824"):
        channel.seal(STOP, 4)


@pytest.mark.parametrize(
    ("field", "value"),
    [("pulser_id", bytes(7)), ("daemon_id", bytes(9)), ("boot_id", bytes(3)), ("pairing_key", bytes(15))],
)
def test_a_pulser_with_ids_or_a_key_of_another_length_is_refused(field, value):
    arguments = {
        "pulser_id": bytes(8),
        "daemon_id": bytes(8),
        "pairing_key": bytes(16),
        "make_sealer": case_kit.make_ccm,
        "boot_id": bytes(4),
        "version": (0, 0, 0),
    }
    with pytest.raises(LocalError, match="bytes"):
        link.PulserLink(**arguments | {field: value})


def test_nonces_and_link_ids_of_another_length_are_refused():
    pulser = new_pulser()
    with pytest.raises(LocalError, match="nonce has 16 bytes, not 15"):
        pulser.hello(bytes(15))
    assert pulser.state == link.IDLE
    hello = link.Hello(known.HELLO, len(known.HELLO))
    for nonce, link_id in ((bytes(15), bytes(4)), (bytes(16), bytes(5))):
        with pytest.raises(LocalError, match="16 bytes of nonce and 4 of link id"):
            link.welcome(hello, KEY, nonce, link_id, 0, case_kit.make_ccm)
    with pytest.raises(LocalError):
        link.welcome(hello, KEY, bytes(16), bytes(4), 2**30, case_kit.make_ccm)


def test_a_stranger_costs_no_cipher_and_a_wrong_nonce_no_hash(monkeypatch):
    pulser, _ = pulser_in(link.ASKING_AGAIN)

    def not_now(*_):
        raise AssertionError("worked for a stranger")

    monkeypatch.setattr(link, "hmac_sha256", not_now)
    monkeypatch.setattr(pulser.channel._key_in, "open_into", not_now)
    stray = known.to_pulser(5, "stop", known.STOP, link_id=b"\0\0\0\0")
    replayed = known.to_pulser(0, "stop", known.STOP)
    other = known.links.beckon(dict(known.PAIR, daemon_id=bytes(8)))
    for datagram, reason in ((stray, "link"), (replayed, "replay"), (known.WELCOME, "nonce"), (other, "id")):
        with pytest.raises(RemoteError) as caught:
            pulser.receive(bytearray(datagram), len(datagram))
        assert caught.value.reason == reason


def test_the_vectors_reports_open_at_the_daemon():
    _, channels = pulser_in(link.WELCOMED)
    frame = known.to_daemon(0, "report", known.REPORT)
    assert read_kind(frame, len(frame)) == REPORT
    assert channels[0].open(bytearray(frame), len(frame)) == len(known.REPORT)


@pytest.mark.parametrize(("state", "event"), [(link.IDLE, "welcome"), (link.LINKED, "new frame")])
def test_what_is_not_in_the_table_changes_no_state(state, event):
    pulser, _ = pulser_in(state)
    with pytest.raises(RemoteError) as caught:
        pulser._move(event)
    assert (caught.value.reason, pulser.state) == ("state", state)
