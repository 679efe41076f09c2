"""The pulser in the real VM, from frames on a socket to rows in the trace of its motor line."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.host_waits import HostWaits
from twintap_protocol import frames, limits

from .board import Board
from .fake_daemon import DAEMON_ID, KEY, FakeDaemon

LEASE_US = 1_000_000
SLACK_US = 100_000  # for a host that is busy with other tests; the trace is the host's own clock


def now_us() -> int:
    return time.monotonic_ns() // 1000


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def assert_whole(board: Board, last: frames.Report, waits: HostWaits, passes: int) -> None:
    """The set came to its end with `passes` pulses; none was skipped but what the host made 20 ms late."""
    assert last.ended_reason == frames.ENDED_FINISHED
    assert last.delivered + last.skipped == passes
    assert last.skipped * limits.LATE_SKIP_US <= waits.total_us, last.latest_us
    assert len(board.pulses()) == last.delivered


async def test_a_set_gives_exactly_its_passes_across_a_wrap_of_the_clock(
    board: Board, daemon: FakeDaemon
) -> None:
    # The clock begins 0.7 s before its ticks wrap.
    with await board.host_waits() as waits:
        renew = await daemon.run_set(1, passes=6, width_us=60_000)
        await daemon.until(lambda: daemon.last.ended_set == 1)
        await cancelled(renew)
    assert_whole(board, daemon.last, waits, 6)
    assert any(wraps == 1 for report in daemon.reports for _, wraps, _, _ in report.stamps)
    assert {peak for _, _, peak in board.pulses()} == {50.0}
    assert {side for _, side, level in board.rows() if level} == {"left"}


async def test_a_rise_has_steps_and_no_level_passes_the_ceiling(board: Board, daemon: FakeDaemon) -> None:
    renew = await daemon.run_set(1, passes=2, width_us=100_000, rise_us=40_000, level_bp=10_000)
    await daemon.until(lambda: daemon.last.ended_set == 1)
    await cancelled(renew)
    levels = [level for _, _, level in board.rows() if level]
    assert max(levels) == 60.0
    assert len(set(levels)) >= 5


async def test_a_schedule_alone_moves_nothing(board: Board, daemon: FakeDaemon) -> None:
    daemon.schedule(1, daemon.pulser_us(50_000))
    await daemon.until(lambda: daemon.last.set_id == 1)
    await asyncio.sleep(0.4)
    assert not any(level for _, _, level in board.rows())
    assert not daemon.last.flags & frames.FLAG_LEASED


async def test_a_stop_ends_the_set_and_nothing_of_it_moves_again(board: Board, daemon: FakeDaemon) -> None:
    renew = await daemon.run_set(1, width_us=120_000)
    await daemon.until(lambda: daemon.last.delivered >= 2)
    await cancelled(renew)
    daemon.stop(1)
    sent_us = now_us()
    await daemon.until(lambda: daemon.last.ended_set == 1)
    assert daemon.last.ended_reason == frames.ENDED_STOP
    go_us = daemon.pulser_us(100_000)
    daemon.schedule(1, go_us, revision=9)
    daemon.lease(1, go_us)
    await asyncio.sleep(0.5)
    assert max(at for at, _, _ in board.rows()) < sent_us + SLACK_US
    assert board.rows()[-1][2] == 0


async def test_without_a_lease_the_motor_is_off_within_a_second(board: Board, daemon: FakeDaemon) -> None:
    renew = await daemon.run_set(1, width_us=120_000)
    await daemon.until(lambda: daemon.last.delivered >= 2)
    await cancelled(renew)
    last_word_us = now_us()
    await daemon.until(lambda: daemon.last.ended_set == 1)
    assert daemon.last.ended_reason == frames.ENDED_LEASE
    assert board.rows()[-1][2] == 0
    assert board.rows()[-1][0] <= last_word_us + LEASE_US + SLACK_US


async def test_the_button_stops_at_press_down_and_is_reported(board: Board, daemon: FakeDaemon) -> None:
    renew = await daemon.run_set(1, width_us=120_000)
    await daemon.until(lambda: daemon.last.delivered >= 2)
    pressed_us = now_us()
    await board.hands(do="press_down")
    await daemon.until(lambda: daemon.last.ended_set == 1)
    assert daemon.last.ended_reason == frames.ENDED_BUTTON
    assert daemon.last.presses == 1
    assert daemon.last.flags & frames.FLAG_BUTTON
    await board.hands(do="press_up")
    await cancelled(renew)
    assert board.rows()[-1][2] == 0
    assert board.rows()[-1][0] < pressed_us + SLACK_US


async def test_nothing_vibrates_while_charging(board: Board, daemon: FakeDaemon) -> None:
    renew = await daemon.run_set(1, width_us=120_000)
    await daemon.until(lambda: daemon.last.delivered >= 1)
    await board.hands(do="charge", on=True)
    await daemon.until(lambda: daemon.last.ended_set == 1)
    await cancelled(renew)
    assert daemon.last.ended_reason == frames.ENDED_CHARGING
    assert "error" in await board.ask("identify")
    quiet_from = len(board.rows())
    go_us = daemon.pulser_us(100_000)
    daemon.schedule(2, go_us)
    daemon.lease(2, go_us)
    await daemon.until(lambda: daemon.last.ended_set == 2)
    await asyncio.sleep(0.3)
    assert len(board.rows()) == quiet_from


async def test_the_end_of_a_set_is_repeated_until_the_daemon_knows(board: Board, daemon: FakeDaemon) -> None:
    renew = await daemon.run_set(1, passes=1)
    await daemon.until(lambda: daemon.last.ended_set == 1)
    await cancelled(renew)
    count = len(daemon.reports)
    await daemon.until(lambda: len(daemon.reports) >= count + 5, within_s=0.8)
    daemon.ended_set = 1
    daemon.lease(0)
    await asyncio.sleep(0.3)
    count = len(daemon.reports)
    await asyncio.sleep(0.5)
    assert len(daemon.reports) <= count + 2  # a keep-alive, and a burst's


async def test_identify_buzzes_once_and_never_in_a_set(board: Board, daemon: FakeDaemon) -> None:
    buzz = frames.Identify(7, 100, 9_000)
    daemon.frame(frames.IDENTIFY, buzz)
    daemon.frame(frames.IDENTIFY, buzz)
    await asyncio.sleep(0.6)
    daemon.frame(frames.IDENTIFY, buzz)
    await asyncio.sleep(0.3)
    pulses = board.pulses()
    assert len(pulses) == 1
    assert pulses[0][2] == 60.0
    assert pulses[0][1] - pulses[0][0] < 100_000 + SLACK_US
    daemon.schedule(1, daemon.pulser_us(100_000))
    daemon.frame(frames.IDENTIFY, frames.Identify(8, 100, 9_000))
    await asyncio.sleep(0.4)
    assert len(board.pulses()) == 1


async def test_side_and_pairing_are_kept_over_a_reset(board: Board, daemon: FakeDaemon) -> None:
    daemon.frame(frames.ASSIGN, frames.Assign(frames.SIDE_RIGHT, 1, 2, 3))
    await daemon.until(lambda: daemon.last.side == frames.SIDE_RIGHT)
    await asyncio.sleep(0.3)
    first = daemon.channel
    await board.hands(do="reset")
    await daemon.until(lambda: daemon.channel is not first)
    assert daemon.last.side == frames.SIDE_RIGHT
    assert daemon.hellos[-1].boot_id != daemon.hellos[0].boot_id
    assert (await board.info())["ceiling_pct"] == 60


async def test_forged_replayed_and_strange_frames_move_nothing_and_are_counted(
    board: Board, daemon: FakeDaemon
) -> None:
    with await board.host_waits() as waits:
        renew = await daemon.run_set(1, passes=12, width_us=60_000)
        await daemon.until(lambda: daemon.last.delivered >= 2)
        assert daemon.channel is not None
        assert daemon.address is not None
        replay = daemon.lease(0)
        forged = bytearray(daemon.frame(frames.IDENTIFY, frames.Identify(1, 500, 5_000)))
        forged[11] = 1  # a counter that is not used up
        stop = bytearray(frames.SEALED_HEADER_LEN + 4 + frames.TAG_LEN)
        frames.write_header(stop, frames.STOP)
        stop[4:8] = daemon.channel.link_id
        stop[8:12] = b"\0\0\1\0"
        newer = bytes((frames.MAGIC, 0x20, frames.STOP, 0)) + daemon.channel.link_id + bytes(30)
        junk = (replay, forged, bytes(stop), newer, b"", b"\xb5", b"x" * 700, bytes(40), replay[:9])
        for _ in range(10):
            for data in junk:
                daemon.transport.sendto(bytes(data), daemon.address)  # pyright: ignore[reportOptionalMemberAccess]
            await asyncio.sleep(0.03)
        await daemon.until(lambda: daemon.last.ended_set == 1)
        await cancelled(renew)
    assert_whole(board, daemon.last, waits, 12)
    dropped = (await board.info())["dropped"]
    assert {"replay", "tag", "version", "length", "magic"} <= set(dropped)
    assert daemon.last.dropped >= 60


async def test_a_flood_makes_no_edge_late(board: Board, daemon: FakeDaemon) -> None:
    with await board.host_waits("vm", "keeper") as waits:
        renew = await daemon.run_set(1, passes=16, width_us=60_000)
        await daemon.until(lambda: daemon.last.delivered >= 1)
        skipped = daemon.last.skipped
        junk = bytes((frames.MAGIC, frames.VERSION, frames.STOP, 0)) + os.urandom(28)
        sent = 0
        begin = now_us()
        assert daemon.transport is not None
        while now_us() - begin < 2_000_000:
            while sent < (now_us() - begin) // 200:  # 5,000 a second
                daemon.transport.sendto(junk, daemon.address)
                sent += 1
            await asyncio.sleep(0.002)
        assert sent > 5_000
        await daemon.until(lambda: daemon.last.ended_set == 1)
        await cancelled(renew)
    assert (daemon.last.skipped - skipped) * limits.LATE_SKIP_US <= waits.total_us
    # The flood may end the set by its lease, never disturb what was felt: every pulse has its own width.
    for began, ended, _ in board.pulses():
        waited_us = waits.between_us(began - 10_000, ended + 10_000)
        assert abs(ended - began - 60_000) < 10_000 + waited_us
    assert (await board.info())["dropped"]["link"] > 500


async def test_it_is_found_again_at_a_new_address_and_a_stranger_s_word_does_not_move_it(
    board: Board, daemon: FakeDaemon
) -> None:
    old = daemon.address
    count = len(daemon.hellos)
    await board.hands(do="readdress")
    await daemon.until(lambda: daemon.address != old, within_s=5)
    assert len(daemon.hellos) == count  # the same link, from another place
    info = await board.info()
    assert info["linked"]
    assert info["links"] == 1


async def test_a_lost_daemon_is_sought_and_found_again(board: Board, daemon: FakeDaemon) -> None:
    port = daemon.port
    daemon.close()
    await asyncio.sleep(3.5)
    assert not (await board.info())["linked"]
    loop = asyncio.get_running_loop()
    _, again = await loop.create_datagram_endpoint(FakeDaemon, ("127.0.0.1", port))
    await again.clock_known()
    assert (await board.info())["linked"]
    again.close()


async def test_a_beckon_is_followed_only_under_the_pairing_key(
    make_board: Callable[..., Board], daemon: FakeDaemon
) -> None:
    async with make_board() as board:
        await board.pair(None)
        await asyncio.sleep(1.0)  # the next hello by itself has nowhere to go
        info = await board.info()
        assert not info["linked"]
        host, _, port = info["address"].rpartition(":")
        pulser_id = bytes.fromhex(info["id"])
        address = (host, int(port))
        stranger = await FakeDaemon.open(key=bytes(16))
        stranger.beckon(pulser_id, address)
        await asyncio.sleep(0.6)
        assert not stranger.hellos
        stranger.close()
        daemon.beckon(pulser_id, address)
        await daemon.linked()


async def test_it_finds_its_daemon_by_dns_sd_and_is_found(
    make_board: Callable[..., Board], daemon: FakeDaemon
) -> None:
    zeroconf = pytest.importorskip("zeroconf")
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

    found: asyncio.Queue[str] = asyncio.Queue()

    def heard(zeroconf: object, service_type: str, name: str, state_change: object) -> None:
        found.put_nowait(name)

    async with AsyncZeroconf(interfaces=["127.0.0.1"], ip_version=zeroconf.IPVersion.V4Only) as responder:
        service = AsyncServiceInfo(
            "_twintap._udp.local.",
            f"daemon-{daemon.port}._twintap._udp.local.",
            addresses=[bytes((127, 0, 0, 1))],
            port=daemon.port,
            properties={"id": DAEMON_ID.hex()},
            server=f"daemon-{daemon.port}.local.",
        )
        await responder.async_register_service(service)
        other = AsyncServiceInfo(
            "_twintap._udp.local.",
            f"other-{daemon.port}._twintap._udp.local.",
            addresses=[bytes((127, 0, 0, 1))],
            port=9,
            properties={"id": "ff" * 8},
            server=f"other-{daemon.port}.local.",
        )
        await responder.async_register_service(other)
        browser = AsyncServiceBrowser(responder.zeroconf, "_twintap-pulser._udp.local.", handlers=[heard])
        async with make_board() as board:
            await board.pair(None)
            await daemon.linked()
            info = await board.info()
            name = f"{info['name']}._twintap-pulser._udp.local."
            async with asyncio.timeout(10):
                while await found.get() != name:
                    pass
            seen = AsyncServiceInfo("_twintap-pulser._udp.local.", name)
            assert await seen.async_request(responder.zeroconf, 3000)
            assert f"127.0.0.1:{seen.port}" == info["address"]
            assert seen.parsed_addresses() == ["127.0.0.1"]
            assert seen.decoded_properties == {
                "id": info["id"], "daemon": DAEMON_ID.hex(), "fw": "0.1.0", "v": "1", "side": "left",
            }  # fmt: skip
        await browser.async_cancel()


async def test_a_hung_pulser_is_off_within_the_watchdog_s_time(board: Board, daemon: FakeDaemon) -> None:
    renew = await daemon.run_set(1, width_us=120_000, period_us=250_000)
    await daemon.until(lambda: bool(daemon.last.flags & frames.FLAG_VIBRATING))
    first = daemon.channel
    await board.hands(do="hang", on=True)
    hung_us = now_us()
    await daemon.until(lambda: daemon.channel is not first)
    await cancelled(renew)
    off = next(at for at, _, level in board.rows() if at > hung_us - SLACK_US and level == 0)
    assert off < hung_us + LEASE_US + SLACK_US
    assert daemon.last.set_id == 0


async def test_a_pulser_that_hangs_in_a_buzz_is_stilled_by_its_watchdog(
    board: Board, daemon: FakeDaemon
) -> None:
    assert "result" in await board.ask("identify", ms=1000, level_pct=40)
    async with asyncio.timeout(5):
        while not board.rows() or board.rows()[-1][2] == 0:  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.01)
    await board.hands(do="hang", on=True)
    hung_us = now_us()
    async with asyncio.timeout(5):
        while board.rows()[-1][2] != 0:  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.05)
    assert board.rows()[-1][0] < hung_us + LEASE_US + SLACK_US


async def test_nothing_that_writes_the_flash_is_done_in_a_set(board: Board, daemon: FakeDaemon) -> None:
    daemon.schedule(1, daemon.pulser_us(100_000))
    await daemon.until(lambda: daemon.last.set_id == 1)
    for method in ("pair", "unpair", "wifi", "reset"):
        answer = await board.ask(method, key="00" * 16)
        assert answer["error"]["code"] == -32000, answer
    assert (await board.info())["daemon_id"] == DAEMON_ID.hex()


async def test_unpairing_ends_the_link_and_leaves_the_ceiling(board: Board, daemon: FakeDaemon) -> None:
    assert (await board.ask("unpair"))["result"] == {}
    info = await board.info()
    assert info["daemon_id"] is None
    assert info["ceiling_pct"] == 60
    assert not info["linked"]
    await board.hands(do="reset")
    await asyncio.sleep(1.0)
    assert (await board.info())["daemon_id"] is None


async def test_a_reset_over_the_cable_starts_it_anew(board: Board, daemon: FakeDaemon) -> None:
    first = daemon.channel
    assert (await board.ask("reset"))["result"] == {}
    await daemon.until(lambda: daemon.channel is not first)
    assert (await board.info())["uptime_ms"] < 10_000


async def test_held_from_power_on_the_button_forgets_the_pairing(board: Board, daemon: FakeDaemon) -> None:
    await board.hands(do="press_down")
    await board.hands(do="reset")
    async with asyncio.timeout(15):
        while (await board.info())["daemon_id"] is not None:  # noqa: ASYNC110 - a board is asked, not told by
            await asyncio.sleep(0.3)
    assert (await board.info())["ceiling_pct"] == 60
    await board.hands(do="press_up")


async def test_it_obeys_one_daemon_alone(board: Board, daemon: FakeDaemon) -> None:
    other = await FakeDaemon.open(daemon_id=b"another!", key=KEY)
    info = await board.info()
    host, _, port = info["address"].rpartition(":")
    other.beckon(bytes.fromhex(info["id"]), (host, int(port)))
    await asyncio.sleep(0.5)
    assert not other.hellos
    other.close()


async def test_the_same_firmware_runs_under_cpython(
    make_board: Callable[..., Board],
    daemon: FakeDaemon,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "micropython_unix.py").write_text("raise ImportError('hidden')\n")
    monkeypatch.setenv("PYTHONPATH", str(hidden))
    async with make_board() as board:
        await board.pair(daemon.port)
        await daemon.linked()
        assert (await board.info())["heap_free_bytes"] == -1
        await daemon.clock_known()
        with await board.host_waits() as waits:
            renew = await daemon.run_set(1, passes=4)
            await daemon.until(lambda: daemon.last.ended_set == 1)
            await cancelled(renew)
        assert_whole(board, daemon.last, waits, 4)
