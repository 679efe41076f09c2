"""Frames that are not what they should be: nothing moves, no link suffers, counters say so, no log fills."""

import asyncio
import logging
import secrets
from pathlib import Path

import pytest

from tests.support.hub_house import assert_whole, house, until
from tests.support.light_pulser import LightPulser
from twintap_protocol import frames
from twintap_protocol.link import asker_of_other_major


def record(pulser: LightPulser) -> list[bytes]:
    """Every datagram that `pulser` sends from now on."""
    sent: list[bytes] = []
    send = pulser.send

    def both(data: bytes) -> None:
        sent.append(data)
        send(data)

    pulser.send = both
    return sent


async def test_forged_replayed_cut_and_strange_frames_change_nothing_but_counters(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with house(tmp_path / "data") as home:
        tap = home.tap()
        sent = record(home.left)
        await home.start(rate_hz=4, pulse_ms=100, passes=6)
        link = home.hub.pulser_of("blue", "left").link
        assert link is not None
        await asyncio.sleep(0.5)
        genuine = [data for data in sent if data[2] in frames.TO_DAEMON]
        logged = len(caplog.records)
        address = link.address
        for data in genuine[-20:]:
            forged = bytearray(data)
            forged[-1] ^= 1
            ahead = bytearray(data)
            ahead[9] = (ahead[9] + 1) & 0xFF
            other_key = data[:4] + secrets.token_bytes(4) + data[8:]
            future_major = bytes([data[0], 0x20]) + data[2:]
            tap.send(data, bytes(forged), bytes(ahead), other_key, future_major, data[:15], data[:-3])
            # (A first byte by chance is our own magic one in 256 times.)
            tap.send(b"", b"\xb5", b"\x00" + secrets.token_bytes(39), data + b"more", data * 8)
        await asyncio.sleep(0.1)
        dropped = home.hub.endpoint.dropped
        for reason in ("replay", "tag", "link", "version", "length", "magic"):
            assert dropped[reason] >= 20, (reason, dropped)
        assert link.address == address
        ended = await home.over()
        assert ended.ended_reason == "finished"
        assert_whole(home, "blue", 6)
        assert len(caplog.records) == logged
        assert home.hub.pulser_of("blue", "left").dropped >= 20


async def test_a_flood_costs_no_pulse(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with house(tmp_path / "data", pair=False) as home:
        tap = home.tap()
        left = await home.add("blue", "left")
        sent = record(left)
        await home.add("blue", "right")
        await home.start(rate_hz=4, pulse_ms=100, passes=8)
        genuine = [data for data in sent if data[2] in frames.TO_DAEMON][-1]
        hello = next(data for data in sent if data[2] == frames.HELLO)
        unknown = hello[:4] + secrets.token_bytes(8) + hello[12:]
        logged = len(caplog.records)
        count = 0
        while home.set.state == "running":
            forged = genuine[:8] + secrets.token_bytes(3) + b"\x00" + genuine[12:]
            tap.send(forged, hello, unknown, secrets.token_bytes(60), genuine)
            count += 5
            await asyncio.sleep(0.001)
        assert count > 2_000
        assert sum(home.hub.endpoint.dropped.values()) >= count * 0.8
        ended = await home.over()
        assert ended.ended_reason == "finished"
        assert_whole(home, "blue", 8)
        assert len(caplog.records) == logged
        # Few refusals, whoever asks and however often.
        assert len(tap.heard()) <= 30


async def test_a_replayed_hello_disturbs_neither_the_live_link_nor_a_new_one(tmp_path: Path) -> None:
    async with house(tmp_path / "data", pair=False) as home:
        tap = home.tap()
        left = await home.add("blue", "left")
        sent = record(left)
        await home.add("blue", "right")
        await home.ready()
        hello = next(data for data in sent if data[2] == frames.HELLO)
        pulser = home.hub.pulser_of("blue", "left")
        live = pulser.link
        tap.send(*[hello] * 50)
        await asyncio.sleep(0.1)
        assert home.hub.endpoint.dropped["replay"] == 50
        assert not pulser.pending
        assert tap.heard() == []
        # The daemon forgets the link: the old hello is answered, always with the one same welcome.
        await home.restart()
        pulser = home.hub.pulser_of("blue", "left")
        tap.send(*[hello] * 50)
        await asyncio.sleep(0.1)
        assert len(pulser.pending) == 1
        assert len(set(tap.heard())) == 1
        assert pulser.link is None
        await home.ready()
        assert pulser.link is not live
        assert pulser.address is not None
        assert pulser.address[1] != tap.socket.getsockname()[1]


async def test_a_frame_that_was_held_back_does_not_move_the_pulsers_address(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.ready()
        tap = home.tap()
        held: list[bytes] = []
        send = home.left.send

        def hold(data: bytes) -> None:
            held.append(data)

        home.left.send = hold
        home.left.report()
        home.left.send = send
        home.left.report()
        await asyncio.sleep(0.1)
        link = home.hub.pulser_of("blue", "left").link
        assert link is not None
        address, heard_us = link.address, link.heard_us
        before = sum(home.hub.endpoint.dropped.values())
        tap.send(*held)
        await asyncio.sleep(0.1)
        assert sum(home.hub.endpoint.dropped.values()) == before  # authentic, and not seen before
        assert link.address == address
        assert link.heard_us - heard_us < 10_000_000
        assert tap.heard() == []


async def test_a_pulser_that_moves_is_found_by_its_next_frame(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        await home.ready()
        before = home.hub.pulser_of("blue", "left").address
        await home.left.move()
        await until(
            lambda: home.hub.pulser_of("blue", "left").address != before, "the daemon has the new one", 5.0
        )
        await home.start(rate_hz=4, passes=2)
        await home.over()
        assert_whole(home, "blue", 2)


async def test_a_hello_of_another_major_version_is_refused_with_ours_and_to_its_sender(
    tmp_path: Path,
) -> None:
    async with house(tmp_path / "data") as home:
        tap = home.tap()
        await home.ready()
        sent: list[bytes] = []

        def hold(data: bytes) -> None:
            sent.append(data)

        home.left.send = hold
        home.left.ask_again()
        hello = bytearray(sent[-1])
        hello[1] = 0x70
        assert asker_of_other_major(hello, len(hello)) == home.left.pulser_id
        tap.send(bytes(hello))
        await asyncio.sleep(0.1)
        (answer,) = tap.heard()
        assert answer[2] == frames.REFUSE
        assert answer[4:12] == home.left.pulser_id
        assert answer[12:14] == bytes([frames.REFUSED_VERSION, frames.VERSION])
        assert len(answer) < len(hello)


async def test_two_daemons_on_one_network_leave_each_others_pulsers_alone(tmp_path: Path) -> None:
    async with house(tmp_path / "one") as one, house(tmp_path / "two") as two:
        await asyncio.gather(one.ready(), two.ready())
        # A pulser of one asks the other daemon by mistake, and each hears of the other's pulsers.
        sent = record(one.left)
        one.left.daemon = ("127.0.0.1", two.hub.port)
        one.left.ask_again()
        await until(lambda: two.hub.endpoint.dropped["id"] > 0, "the other daemon saw it")
        one.left.daemon = ("127.0.0.1", one.hub.port)
        assert sent
        two.hub.heard_of(one.left.pulser_id, "127.0.0.1", 9)
        await asyncio.gather(one.start(rate_hz=4, passes=4), two.start(rate_hz=4, passes=4))
        for home in (one, two):
            assert (await home.over()).ended_reason == "finished"
            assert_whole(home, "blue", 4)


async def test_an_address_that_is_none_is_never_looked_up(tmp_path: Path) -> None:
    async with house(tmp_path / "data") as home:
        pulser = home.hub.pulser_of("blue", "left")
        before = pulser.address
        for host, port in (("pulser.example", 8_700), ("127.0.0.1", 0), ("127.0.0.1", 70_000), ("", 1)):
            home.hub.heard_of(home.left.pulser_id, host, port)
        assert home.hub.endpoint.dropped["address"] == 4
        assert pulser.address == before
