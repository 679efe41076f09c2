"""One tree of exceptions, whose branches say whose fault it was."""

import pytest

from twintap_protocol.errors import REASONS, LocalError, ProtocolError, RemoteError, TwintapError


@pytest.mark.parametrize("error", [LocalError("ours"), RemoteError("tag")])
def test_both_faults_are_protocol_errors_and_ours(error):
    assert isinstance(error, ProtocolError)
    assert isinstance(error, TwintapError)


def test_our_fault_is_never_taken_for_the_peers():
    assert not issubclass(LocalError, RemoteError)
    assert not issubclass(RemoteError, LocalError)


def test_remote_error_carries_its_reason_with_or_without_a_sentence():
    assert RemoteError("replay").reason == "replay"
    assert str(RemoteError("replay")) == "replay"
    told = RemoteError("field", "rate is 9 Hz; it must be 0.1 to 4 Hz")
    assert told.reason == "field"
    assert str(told) == "rate is 9 Hz; it must be 0.1 to 4 Hz"


def test_reasons_are_fit_for_names_of_counters():
    assert len(set(REASONS)) == len(REASONS)
    assert all(reason.isidentifier() and reason.islower() for reason in REASONS)
