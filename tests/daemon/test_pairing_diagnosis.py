"""Why a pulser did not come through: each set of facts has its one cause, and says what to do."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twintap.pairing import Road, Seen, Where
from twintap.pairing.diagnosis import (
    ELSEWHERE,
    Facts,
    hints,
    host_in,
    read_facts,
    why_not_joined,
    why_not_linked,
)
from twintap.pairing.networks import kept_in, read_seen
from twintap.wifi import password_fault, ssid_fault
from twintap_protocol import frames

NEAR = Seen("practice", -50, 6, True)
FAR = Seen("practice", -86, 6, True)
SHOUTED = Seen("Practice", -50, 6, True)
OTHER = Seen("cafe", -60, 1, False)


@pytest.mark.parametrize(
    ("state", "seen", "code", "words"),
    [
        ("wrong password", None, "password", "type it again"),
        ("wrong password", (NEAR,), "password", "practice"),
        ("not found", None, "not_found", "5 GHz"),
        ("not found", (OTHER,), "not_found", "it sees cafe"),
        ("not found", (OTHER, SHOUTED), "case", "there is Practice"),
        ("not found", (FAR,), "far", "-86 dBm"),
        ("not found", (NEAR,), "turned_away", "WPA3"),
        ("no address", (NEAR,), "address", "DHCP"),
        ("refused", (NEAR,), "turned_away", "MAC filter"),
        (ELSEWHERE, (NEAR,), "fell_back", "went back"),
        ("connecting", (NEAR,), "slow", "connecting"),
        ("connecting", (FAR,), "far", "closer"),
        ("", None, "slow", "closer"),
        ("no network set", None, "no_network", "--wifi-ssid"),
        ("off", None, "no_network", "--wifi-ssid"),
    ],
)
def test_what_keeps_a_pulser_out_of_its_network_is_told_apart(
    state: str, seen: tuple[Seen, ...] | None, code: str, words: str
) -> None:
    advice = why_not_joined(Facts(state=state, ssid="practice", seen=seen))
    assert advice.code == code
    assert words in advice.words


UP = Facts(
    state="up", ssid="practice", host="192.0.2.77", hellos=9, heard=0, own=("192.0.2.1/24",), port=8700
)


@pytest.mark.parametrize(
    ("facts", "code", "words"),
    [
        (UP, "isolation", "client isolation"),
        (UP, "isolation", "UDP port 8700"),
        (replace(UP, is_announced=True), "firewall", "UDP port 8700"),
        (replace(UP, host="198.51.100.7"), "other_network", "198.51.100.7"),
        (replace(UP, host="198.51.100.7"), "other_network", "192.0.2.1"),
        # Where this computer's networks are not known, nothing is said of them.
        (replace(UP, host="198.51.100.7", own=()), "isolation", "client isolation"),
        (replace(UP, own=("nonsense",)), "isolation", "client isolation"),
        (replace(UP, hellos=0), "mute", "off and on"),
        (replace(UP, hellos=None, heard=None), "isolation", "client isolation"),
        (replace(UP, heard=3), "unheard", "hardly hears"),
        # A frame that was opened came from the daemon: whatever the networks look like.
        (replace(UP, heard=3, host="198.51.100.7"), "unheard", "hardly hears"),
        (replace(UP, refusal=frames.REFUSED_VERSION), "version", "twintap flash"),
        (replace(UP, state="connecting", host=None), "lost", "closer"),
        (replace(UP, state="wrong password", host=None), "password", "type it again"),
        (replace(UP, state="not found", host=None), "not_found", "5 GHz"),
    ],
)
def test_what_keeps_a_joined_pulser_from_the_daemon_is_told_apart(
    facts: Facts, code: str, words: str
) -> None:
    advice = why_not_linked(facts)
    assert advice.code == code
    assert words in advice.words


def test_a_linked_pulser_that_is_not_announced_works_by_its_address_alone() -> None:
    assert [hint.code for hint in hints(UP)] == ["multicast"]
    assert hints(replace(UP, is_announced=True)) == ()
    assert [hint.code for hint in hints(replace(UP, is_announced=True, rssi_dbm=-79))] == ["weak"]
    assert hints(replace(UP, is_announced=True, rssi_dbm=-40)) == ()


def test_hellos_are_counted_from_the_pairing_and_a_restart_counts_from_nothing() -> None:
    info = {"network": "up", "address": "192.0.2.7:40000", "hellos": 12, "heard": 2, "refused": 1}
    facts = read_facts(info, before={"hellos": 10, "heard": 2}, where=Where("00" * 8, (("192.0.2.1", 9),)))
    assert (facts.hellos, facts.heard, facts.refusal, facts.port) == (2, 0, 1, 9)
    assert read_facts(info, before={"hellos": 40, "heard": 5}).hellos == 12
    # Older firmware counts none.
    assert read_facts({"network": "up"}, before=info).hellos is None
    assert read_facts(info, before={}).hellos is None
    assert read_facts(info, road=Road(is_linked=False, is_announced=True)).is_announced


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("network", "ssid", "address", "rssi_dbm", "hellos", "heard", "refused", "networks")


@given(st.dictionaries(st.sampled_from(NAMES), ANY), st.dictionaries(st.sampled_from(NAMES), ANY))
def test_whatever_a_pulser_says_of_itself_there_is_an_answer_fit_for_a_terminal(
    info: dict[str, Any], before: dict[str, Any]
) -> None:
    facts = read_facts(info, before=before)
    for advice in (why_not_joined(facts), why_not_linked(facts), *hints(facts)):
        assert advice.words.isprintable()
        assert len(advice.words) < 1_000
    assert all(name.isprintable() for name in kept_in(info))
    host_in(info)


@given(ANY)
def test_whatever_comes_as_networks_only_networks_are_taken(found: Any) -> None:
    for seen in read_seen({"networks": found if isinstance(found, list) else [found]}):
        assert ssid_fault(seen.ssid) is None
        assert -127 <= seen.rssi_dbm <= 0


def test_each_network_is_shown_once_the_strongest_first_and_no_more_than_fit() -> None:
    one = {"ssid": "a", "rssi_dbm": -70, "channel": 1, "is_secure": True}
    found = [one, one | {"rssi_dbm": -40, "is_secure": False}, one | {"ssid": "b", "rssi_dbm": -60}]
    found += [{"ssid": "", "rssi_dbm": -1, "channel": 1}, {"ssid": "x\x1b[2J", "rssi_dbm": -1}, 7, None]
    seen = read_seen({"networks": found})
    assert [(each.ssid, each.rssi_dbm, each.is_secure) for each in seen] == [
        ("a", -40, False),
        ("b", -60, True),
    ]
    assert len(read_seen({"networks": [one | {"ssid": f"n{number}"} for number in range(99)]})) == 32
    assert read_seen({}) == ()


def test_names_and_passwords_are_measured_in_bytes_and_no_part_of_a_password_is_told() -> None:
    assert ssid_fault("ü" * 16) is None
    assert ssid_fault("ü" * 17) is not None
    assert ssid_fault("") is not None
    assert password_fault("") is None
    assert password_fault("p" * 64) is None
    for wrong in ("sevench", "p" * 65, "ü" * 33, "hunter22\n"):
        fault = password_fault(wrong)
        assert fault is not None
        assert wrong[:6] not in fault
