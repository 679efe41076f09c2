"""While a set runs: no flash write, no name looked up, no collection near an edge, shown through the port."""

import ast
import json
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from twintap_board.sources import firmware_dir
from twintap_protocol import frames

from .pulser_parts import app as app_module
from .sim import Sim
from .test_rest import PAIRED

GUARD_US = 5_000


def edges(sim: Sim) -> list[int]:
    """When the motor went on or off, in µs."""
    out: list[int] = []
    last = 0
    for at_us, level in sim.port.levels:
        if (level > 0) != (last > 0):
            out.append(at_us)
        last = level
    return out


def line(method: str, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode() + b"\n"


@pytest.fixture
def tempted(monkeypatch: pytest.MonkeyPatch) -> tuple[Sim, list[int], int, int]:
    """A set in which all ask for what may not be; the times of the collections, its begin and its end."""
    collected: list[int] = []
    sim = Sim(PAIRED)

    def collect() -> None:
        collected.append(sim.port.now_us)
        sim.port.now_us += 2_000  # as on a chip

    def look_up(*_: object, **__: object) -> None:
        raise AssertionError("a name was looked up")

    monkeypatch.setattr(app_module, "gc", SimpleNamespace(collect=collect))
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert sim.go(5_000, lambda: bool(sim.daemon.reports))
    sim.go(2_000)
    sim.port.found = [(b"net", -50, 1, True)]
    go_us = sim.port.now_us + 200_000
    # No beat of the program's own is a whole number of passes.
    sim.daemon.schedule(1, go_us, period_us=530_000, width_us=250_000)
    assert sim.go(1_000, lambda: sim.daemon.last.set_id == 1)
    begin_us = sim.port.now_us
    sim.go(500, set_id=1, go_us=go_us)
    asks = (
        lambda: sim.daemon.tune(5_000),
        lambda: sim.daemon.network(frames.NETWORK_KEEP, b"clinic", b"long enough"),
        lambda: sim.daemon.network(frames.NETWORK_FORGET, b"net"),
        lambda: sim.daemon.frame(frames.ASSIGN, frames.Assign(2, 200, 100, 50)),
        lambda: setattr(sim.port, "source", bytes((127, 0, 0, 2, 0x21, 0xFC))),
        lambda: setattr(sim.port, "address_changed", True),
        lambda: setattr(sim.port, "mv", 3_200),
        lambda: setattr(sim.port, "typed", line("wifi", ssid="x", password="")),
        lambda: setattr(sim.port, "typed", line("scan")),
        lambda: setattr(sim.port, "typed", line("selftest", buzz=True)),
        lambda: setattr(sim.port, "typed", line("trim", trim_pct=50)),
        lambda: setattr(sim.port, "typed", line("unpair")),
        lambda: setattr(sim.port, "typed", line("info")),
    )
    for ask in asks:
        ask()
        sim.go(1_530, set_id=1, go_us=go_us)  # at another place of the pass each time
    assert sim.daemon.last.set_id == 1
    end_us = sim.port.now_us
    sim.daemon.send(frames.STOP, frames.Stop.write(sim.daemon.channel.tx, 12, 1))  # type: ignore[union-attr]
    sim.go(3_000)
    return sim, collected, begin_us, end_us


def test_in_a_set_nothing_writes_the_flash_scans_or_changes_networks(
    tempted: tuple[Sim, list[int], int, int],
) -> None:
    sim, _, begin_us, end_us = tempted
    assert sim.daemon.last.ended_set == 1
    for what in ("store", "scan", "networks", "sleep", "save"):
        assert not [at for at, _ in sim.port.noted(what) if begin_us <= at * 1000 <= end_us], what
    # What could wait was waiting, and is done now.
    assert [at for at, _ in sim.port.noted("store") if at * 1000 > end_us]
    kept = json.loads(sim.port.stored)
    assert (kept["side"], kept["addresses"][0][0]) == (2, "127.0.0.2")
    assert (kept["trim_bp"], len(kept["networks"])) == (10_000, 1)


def test_in_a_set_the_light_is_dark_from_its_first_moments_on(
    tempted: tuple[Sim, list[int], int, int],
) -> None:
    sim, _, begin_us, end_us = tempted
    shown = [(at, colour) for at, colour in sim.port.noted("light") if begin_us <= at * 1000 <= end_us]
    assert [colour for _, colour in shown] == [(0, 0, 0)]
    assert shown[0][0] * 1000 - begin_us < 200_000
    assert [colour for at, colour in sim.port.noted("light") if at * 1000 > end_us]


def test_no_collection_falls_near_an_edge(tempted: tuple[Sim, list[int], int, int]) -> None:
    sim, collected, begin_us, end_us = tempted
    within = [at for at in collected if begin_us <= at <= end_us]
    assert len(within) > 20  # they are made, in the gaps
    turns = edges(sim)
    assert len(turns) > 60
    for at in within:
        ahead = [turn - at for turn in turns if turn >= at]
        assert not ahead or min(ahead) >= 3 * GUARD_US


def test_the_battery_is_read_only_while_the_motor_is_off_and_no_edge_is_near(
    tempted: tuple[Sim, list[int], int, int],
) -> None:
    sim, _, begin_us, end_us = tempted
    read = [at * 1000 for at, _ in sim.port.noted("battery") if begin_us <= at * 1000 <= end_us]
    assert len(read) > 5
    turns = edges(sim)
    for at in read:
        before = [turn for turn in turns if turn <= at]
        assert len(before) % 2 == 0
        assert not [turn for turn in turns if 0 <= turn - at < GUARD_US]
    assert sim.daemon.last.battery == frames.BATTERY_EMPTY


def test_no_edge_of_the_set_came_late_for_all_that(tempted: tuple[Sim, list[int], int, int]) -> None:
    sim, _, _, _ = tempted
    assert sim.daemon.last.late == 0
    assert sim.daemon.last.skipped == 0
    assert sim.daemon.last.delivered > 30


def test_an_answer_on_a_slow_cable_makes_no_edge_late() -> None:
    sim = Sim(PAIRED)
    assert sim.go(5_000, lambda: bool(sim.daemon.reports))
    sim.go(2_000)
    write = sim.port.console_write

    def write_slowly(text: str) -> None:
        sim.port.now_us += 87 * len(text)  # 115200 baud
        write(text)

    sim.port.console_write = write_slowly  # type: ignore[method-assign]
    go_us = sim.port.now_us + 200_000
    sim.daemon.schedule(1, go_us, period_us=250_000, width_us=60_000)
    assert sim.go(1_000, lambda: sim.daemon.last.set_id == 1)
    sim.go(500, set_id=1, go_us=go_us)
    for _ in range(8):
        sim.port.typed = line("info")
        sim.go(530, set_id=1, go_us=go_us)
    assert len(sim.port.written) == 8
    assert all(json.loads(answer)["result"]["set_id"] == 1 for answer in sim.port.written)
    assert (sim.daemon.last.late, sim.daemon.last.skipped) == (0, 0)
    assert sim.daemon.last.delivered > 15


def test_only_the_ports_know_sockets_and_only_when_they_are_made() -> None:
    """Nothing above the ports can look a name up: it has no socket, and a port has no method for it."""
    for path in sorted((firmware_dir() / "twintap_pulser").glob("*.py")):
        tree = ast.parse(path.read_text())
        names = {
            alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        }
        if not path.name.startswith(("port_", "chip_", "virtual_")):
            assert not names & {"socket", "usocket"}, path.name
        calls = [
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr in ("getaddrinfo", "gethostbyname")
        ]
        assert not calls or path.name == "virtual_host.py", path.name
