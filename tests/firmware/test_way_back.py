"""A network told over the link that leads nowhere: the pulser takes back the one that it left.

Whoever types a wrong password for a pulser across the room would have to fetch its cable otherwise.
"""

import json
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from twintap_protocol import frames

from .pulser_parts import app as app_module
from .sim import Sim
from .test_rest import PAIRED, linked

KEEP, FORGET = frames.NETWORK_KEEP, frames.NETWORK_FORGET
WITHIN_MS = 100_000


@pytest.fixture(autouse=True)
def no_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "gc", SimpleNamespace(collect=lambda: None))


def stored(sim: Sim) -> list[list[str]]:
    return json.loads(sim.port.stored)["networks"]


def lead_only_over(sim: Sim, *leads: tuple[str, str]) -> None:
    """Let the daemon be reached only while one of these is among the networks that are set."""
    set_networks = sim.port.set_networks

    def move(networks: list[tuple[str, str]]) -> None:
        set_networks(networks)
        sim.daemon.is_mute = not set(leads) & set(networks)

    sim.port.set_networks = move  # type: ignore[method-assign]


def a_wrong_password(sim: Sim) -> None:
    sim.daemon.network(KEEP, b"net", b"another word")


def three_others(sim: Sim) -> None:
    for name in (b"one", b"two", b"three"):
        sim.daemon.network(KEEP, name, b"long enough")


def another_and_the_old_forgotten(sim: Sim) -> None:
    sim.daemon.network(KEEP, b"one", b"long enough")
    sim.daemon.network(FORGET, b"net")


@pytest.mark.parametrize("told", [a_wrong_password, three_others, another_and_the_old_forgotten])
def test_what_leads_nowhere_is_left_again(told: Callable[[Sim], None]) -> None:
    sim = linked(drowsy_after_s=600)
    lead_only_over(sim, ("net", "a word"))
    told(sim)
    sim.go(200)
    assert sim.daemon.last.settled_result == frames.SETTLED_DONE
    assert ["net", "a word"] not in stored(sim)
    sim.go(10_000)
    assert sim.daemon.is_mute
    assert not sim.app.uplink.is_linked
    assert sim.go(WITHIN_MS, lambda: sim.app.uplink.is_linked)
    assert stored(sim)[0] == ["net", "a word"]
    assert len(stored(sim)) <= 3


def test_what_leads_to_the_daemon_is_kept_and_the_old_one_stays_forgotten() -> None:
    sim = linked(drowsy_after_s=600)
    lead_only_over(sim, ("one", "long enough"))
    another_and_the_old_forgotten(sim)
    sim.go(WITHIN_MS)
    assert sim.app.uplink.is_linked
    assert stored(sim) == [["one", "long enough"]]
    # Days later the daemon is away for a while: that brings nothing back.
    sim.daemon.is_mute = True
    sim.go(WITHIN_MS)
    assert stored(sim) == [["one", "long enough"]]


def test_between_two_networks_it_does_not_sleep_and_lose_the_way_back() -> None:
    sim = linked(drowsy_after_s=600)
    a_wrong_password(sim)
    sim.daemon.power(frames.WANT_SLEEP)
    sim.go(300)
    assert sim.daemon.last.settled_result == frames.SETTLED_IMPOSSIBLE
    assert not sim.port.noted("sleep")


def test_what_stands_there_already_costs_no_flash() -> None:
    sim = linked(drowsy_after_s=600)
    sim.daemon.tune(10_000)
    sim.daemon.network(KEEP, b"net", b"a word")
    sim.go(3_000)
    assert (sim.daemon.last.settled, sim.daemon.last.settled_result) == (2, frames.SETTLED_DONE)
    assert sim.port.stored == PAIRED
    assert not sim.port.noted("store")
