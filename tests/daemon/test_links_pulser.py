"""One paired pulser's links: how often it is called, and when a link is made anew."""

import secrets

from twintap.links.pulser import Pulser
from twintap.links.sealing import HostSealer
from twintap.store import Pairing
from twintap_protocol import frames
from twintap_protocol.link import Hello, PulserLink

NOW_US = 1_000_000_000
ADDRESS = ("192.0.2.7", 8_701)


class Bench:
    """A pulser of the daemon's with a clock and a socket that only the test moves."""

    def __init__(self) -> None:
        self.now_us = NOW_US
        self.sent: list[bytes] = []
        self.daemon_id, key = secrets.token_bytes(8), secrets.token_bytes(16)
        pairing = Pairing(secrets.token_bytes(8), key, "blue", "left", "one", 60.0)
        self.pulser = Pulser(
            pairing, self.daemon_id, lambda data, _: self.sent.append(data), lambda: self.now_us
        )
        self.far = PulserLink(pairing.pulser_id, self.daemon_id, key, HostSealer, b"boot", (1, 2, 3))

    def link_up(self) -> None:
        hello = self.far.hello(secrets.token_bytes(16))
        reply, link, _ = self.pulser.answer(Hello(hello, len(hello)), ADDRESS, 0)
        self.far.receive(bytearray(reply), len(reply))
        channel = self.far.pending
        assert channel is not None
        length = channel.seal(frames.REPORT, frames.Report().write(channel.tx, 12))
        link.receive(bytearray(channel.tx), length, self.now_us, ADDRESS)
        self.pulser.prove(link)

    def beckons(self, total_s: float) -> int:
        self.sent.clear()
        for _ in range(int(total_s * 4)):
            self.now_us += 250_000
            self.pulser.tick(self.now_us, 0)
        return sum(data[2] == frames.BECKON for data in self.sent)


def told(bench: Bench) -> int:
    """Takes one report, as the room does, and gives how many ASSIGNs went out for it."""
    bench.sent.clear()
    bench.pulser.assign()
    return sum(data[2] == frames.ASSIGN for data in bench.sent)


def test_a_link_s_first_reports_have_side_and_colour_told_and_after_that_only_another_side_does() -> None:
    bench = Bench()
    for _ in range(2):
        bench.link_up()
        assert bench.pulser.report is not None
        bench.pulser.report.side = frames.SIDE_LEFT
        bench.pulser.report.flags = frames.FLAG_SET
        assert told(bench) == 0  # what came first is a set; it is told when that is over
        bench.pulser.report.flags = 0
        assert [told(bench) for _ in range(6)] == [1, 1, 1, 0, 0, 0]
        bench.pulser.report.side = frames.SIDE_RIGHT
        assert [told(bench) for _ in range(3)] == [1, 1, 1]


def test_a_pulser_without_an_address_is_not_called() -> None:
    assert Bench().beckons(60) == 0


def test_a_lost_pulser_is_called_often_at_first_and_then_as_the_road_needs() -> None:
    bench = Bench()
    bench.pulser.found_at(ADDRESS)
    assert bench.beckons(5) >= 3
    assert bench.beckons(55) >= 10
    assert 4 <= bench.beckons(100) <= 7


def test_many_announcements_make_few_calls() -> None:
    bench = Bench()
    for _ in range(1_000):
        bench.now_us += 1_000
        bench.pulser.found_at(ADDRESS)
        bench.pulser.tick(bench.now_us, 0)
    assert len(bench.sent) <= 11


def test_an_announcement_does_not_move_a_linked_pulser() -> None:
    bench = Bench()
    bench.link_up()
    assert bench.pulser.link is not None
    bench.pulser.found_at(("192.0.2.99", 1))
    assert bench.pulser.address != ("192.0.2.99", 1)
    assert bench.pulser.link.address == ADDRESS


def test_a_worn_link_is_made_anew_but_not_within_a_set() -> None:
    bench = Bench()
    bench.link_up()
    bench.pulser.address = ADDRESS
    link = bench.pulser.link
    assert link is not None
    assert link.report is not None
    assert bench.beckons(5) == 0
    link.sent = 1 << 29
    link.report.flags = frames.FLAG_SET
    assert link.send_stop(1) is None
    assert bench.beckons(5) == 0
    link.report.flags = 0
    assert bench.beckons(5) >= 1
    bench.link_up()
    assert bench.pulser.link is not link
    assert bench.beckons(5) == 0
