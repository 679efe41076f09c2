"""Rest: what a pulser does when nothing happens for long, told on a clock that the test moves."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from twintap_protocol import frames, limits

from .fake_daemon import DAEMON_ID, KEY
from .pulser_parts import app as app_module
from .pulser_parts import power
from .sim import Sim, SimPort, Slept

PAIRED = json.dumps(
    {
        "v": 2, "key": KEY.hex(), "daemon_id": DAEMON_ID.hex(), "side": 1, "colour": [0, 80, 160],
        "room": "Blue", "ceiling_bp": 6000, "trim_bp": 10_000, "addresses": [["127.0.0.1", 8700]],
        "networks": [["net", "a word"]],
    }
).encode()  # fmt: skip


# Short days: the app beats every 10 ms in them, too.
DROWSY_S = 5
SLEEP_S = 14


@pytest.fixture(autouse=True)
def no_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pulser's heap is small; the test's own is not, and is collected often enough."""
    monkeypatch.setattr(app_module, "gc", SimpleNamespace(collect=lambda: None))


def linked(**more: Any) -> Sim:
    sim = Sim(PAIRED, **{"drowsy_after_s": DROWSY_S, "sleep_after_s": None} | more)
    assert sim.go(5_000, lambda: bool(sim.daemon.reports))
    return sim


def gone_drowsy(**more: Any) -> Sim:
    sim = linked(**more)
    assert sim.go(DROWSY_S * 1_000 + 2_000, lambda: sim.daemon.last.power == frames.POWER_DROWSY)
    return sim


def saves(sim: Sim) -> list[bool]:
    return [is_saving for _, is_saving in sim.port.noted("save")]


def test_idle_for_long_it_says_that_it_gets_drowsy_and_three_seconds_later_it_is() -> None:
    sim = gone_drowsy()
    assert DROWSY_S <= sim.daemon.last.idle_s <= DROWSY_S + 1
    assert not saves(sim)
    sim.go(limits.DROWSY_NOTICE_MS - 200)
    assert not saves(sim)
    told = [at for at, report in sim.daemon.reports if report.power == frames.POWER_DROWSY]
    assert len(told) >= 4  # the change, repeated, and the usual beat
    sim.go(1_000)
    assert saves(sim) == [True]


def test_drowsy_it_is_heard_every_four_seconds_and_asks_for_no_time() -> None:
    sim = gone_drowsy()
    sim.go(10_000)
    begin, probes = len(sim.daemon.reports), sim.daemon.probes
    sim.go(20_000)
    assert 4 <= len(sim.daemon.reports) - begin <= 6
    assert sim.daemon.probes == probes
    assert sim.app.uplink.is_linked


def test_a_drowsy_pulser_gives_its_link_up_after_fifteen_seconds_and_not_before() -> None:
    sim = gone_drowsy()
    sim.go(10_000)
    sim.daemon.is_mute = True
    sim.go(10_000)
    assert sim.app.uplink.is_linked
    sim.go(10_000)
    assert not sim.app.uplink.is_linked


@pytest.mark.parametrize("by", ["power", "schedule", "identify", "press", "console"])
def test_whatever_happens_wakes_it_and_that_is_told_at_once(by: str) -> None:
    sim = gone_drowsy()
    sim.go(6_000)
    count, probes = len(sim.daemon.reports), sim.daemon.probes
    if by == "power":
        sim.daemon.power(frames.WANT_AWAKE)
    elif by == "schedule":
        sim.daemon.schedule(1, sim.port.now_us + 300_000)
    elif by == "identify":
        sim.daemon.frame(frames.IDENTIFY, frames.Identify(1, 100, 3_000))
    elif by == "press":
        sim.port.press(True)
    else:
        sim.port.typed = b'{"jsonrpc":"2.0","id":1,"method":"info"}\n'
    assert sim.go(100, lambda: len(sim.daemon.reports) > count)
    assert sim.daemon.last.power == frames.POWER_AWAKE
    assert sim.daemon.last.idle_s == 0
    assert saves(sim) == [True, False]
    # The clocks are learnt anew, as at the link's beginning.
    sim.go(2_500)
    assert sim.daemon.probes - probes >= limits.PROBE_FIRST_BURST + limits.PROBE_BURST
    sim.go(5_000)
    assert sim.app.uplink.is_linked


def test_a_daemon_of_minor_0_sees_no_rest_that_it_would_take_for_a_lost_link() -> None:
    sim = linked()
    sim.daemon.minor = 0
    sim.daemon.lease(0)
    sim.go(15_000)
    assert {report.power for _, report in sim.daemon.reports} == {frames.POWER_AWAKE}
    assert sim.daemon.last.idle_s > DROWSY_S
    assert not saves(sim)
    sim.daemon.minor = 1
    assert sim.go(5_000, lambda: sim.daemon.last.power == frames.POWER_DROWSY)
    sim.daemon.minor = 0
    assert sim.go(5_000, lambda: sim.daemon.last.power == frames.POWER_AWAKE)


def test_in_a_set_nobody_gets_drowsy_however_long_it_is() -> None:
    sim = linked(drowsy_after_s=2)
    go_us = sim.port.now_us + 200_000
    sim.daemon.schedule(1, go_us)
    assert sim.go(500, lambda: sim.daemon.last.set_id == 1)
    sim.go(6_000, set_id=1, go_us=go_us)
    assert sim.daemon.last.delivered > 8
    assert not saves(sim)
    assert {report.power for _, report in sim.daemon.reports} == {frames.POWER_AWAKE}


def test_it_sleeps_after_longer_with_a_word_first_and_a_goodbye() -> None:
    sim = gone_drowsy(sleep_after_s=SLEEP_S)
    assert sim.daemon.last.sleep_in_s == SLEEP_S - DROWSY_S
    goodbyes = sim.daemon.goodbyes
    with pytest.raises(Slept):
        sim.go(30_000)
    assert sim.daemon.last.power == frames.POWER_GOING
    assert sim.daemon.goodbyes == goodbyes + 1
    assert sim.port.noted("light")[-1][1] == (0, 0, 0)
    assert not sim.port.levels or sim.port.levels[-1][1] == 0
    slept_ms = sim.port.noted("sleep")[0][0]
    going = [at for at, report in sim.daemon.reports if report.power == frames.POWER_GOING]
    assert len(going) >= 4
    assert slept_ms - going[0] <= 1_200


def test_its_last_words_end_as_soon_as_a_lease_answers_them() -> None:
    sim = linked()
    sim.daemon.power(frames.WANT_SLEEP)
    assert sim.port.go(1_000, lambda: sim.daemon.last.power == frames.POWER_GOING)
    told_ms = sim.port.now_us // 1000
    sim.daemon.lease(0)
    with pytest.raises(Slept):
        sim.port.go(2_000)
    assert sim.port.noted("sleep")[0][0] - told_ms < 200
    assert (sim.daemon.last.settled, sim.daemon.last.settled_result) == (1, frames.SETTLED_DONE)


def test_a_press_in_its_last_words_keeps_it_awake() -> None:
    sim = linked()
    sim.daemon.power(frames.WANT_SLEEP)
    assert sim.port.go(1_000, lambda: sim.daemon.last.power == frames.POWER_GOING)
    sim.port.press(True)
    sim.go(3_000)
    assert sim.daemon.last.power == frames.POWER_AWAKE
    assert not sim.port.noted("sleep")


def test_a_press_after_a_drowsy_silence_loses_no_link() -> None:
    sim = gone_drowsy()
    sim.go(8_000)
    links = sim.app.uplink.links
    sim.port.go(limits.LINK_SILENT_MS + 500)  # within a drowsy daemon's rhythm
    sim.port.press(True)
    assert sim.port.go(100, lambda: sim.daemon.last.power == frames.POWER_AWAKE)
    sim.go(3_000)
    assert sim.app.uplink.is_linked
    assert sim.app.uplink.links == links


@pytest.mark.parametrize("by", ["set", "identify", "press"])
def test_whatever_comes_while_its_last_words_leave_keeps_it_awake_and_is_done(by: str) -> None:
    sim = linked()
    sim.daemon.power(frames.WANT_SLEEP)
    assert sim.port.go(1_000, lambda: sim.daemon.last.power == frames.POWER_GOING)
    goodbyes = sim.daemon.goodbyes
    sim.daemon.lease(0)
    assert sim.port.go(500, lambda: sim.daemon.goodbyes > goodbyes)
    go_us = sim.port.now_us + 100_000
    if by == "set":
        sim.daemon.schedule(1, go_us, passes=2)
        sim.daemon.lease(1, go_us)
    elif by == "identify":
        sim.daemon.frame(frames.IDENTIFY, frames.Identify(1, 300, 3_000))
    else:
        sim.port.press(True)
    sim.go(3_000, set_id=by == "set", go_us=go_us)
    assert not sim.port.noted("sleep")
    assert sim.daemon.last.power == frames.POWER_AWAKE
    assert sim.daemon.last.delivered == (2 if by == "set" else 0)
    assert bool(sim.port.levels) == (by != "press") or {level for _, level in sim.port.levels} == {0}


def test_without_a_daemon_it_sleeps_as_well() -> None:
    sim = Sim(PAIRED, drowsy_after_s=DROWSY_S, sleep_after_s=SLEEP_S)
    sim.daemon.is_mute = True
    with pytest.raises(Slept):
        sim.go(30_000)
    assert saves(sim) == [True]


def test_on_its_charger_it_gets_drowsy_and_never_sleeps() -> None:
    sim = linked(sleep_after_s=SLEEP_S)
    sim.port.is_charging = True
    sim.go(30_000)
    assert saves(sim) == [True]
    assert (sim.daemon.last.power, sim.daemon.last.sleep_in_s) == (frames.POWER_DROWSY, 0)
    sim.daemon.power(frames.WANT_SLEEP)
    sim.go(1_000)
    assert sim.daemon.last.settled_result == frames.SETTLED_IMPOSSIBLE
    sim.port.is_charging = False
    with pytest.raises(Slept):
        sim.go(30_000)


def test_a_board_whose_button_cannot_wake_it_never_sleeps() -> None:
    sim = Sim(PAIRED)
    sim.port.can_sleep = False
    sim.app.power.__init__(sim.port, sim.board)
    sim.go(5_000, lambda: bool(sim.daemon.reports))
    assert sim.daemon.last.sleep_in_s == 0
    sim.daemon.power(frames.WANT_SLEEP)
    sim.go(1_000)
    assert sim.daemon.last.settled_result == frames.SETTLED_IMPOSSIBLE


def test_a_whole_night_is_counted_right_past_the_clock_s_wrap() -> None:
    port = SimPort()
    port.now_us = ((1 << 30) - 5_000) * 1_000  # five seconds before the clock of ms comes round
    rest = power.Power(port, SimpleNamespace(drowsy_after_s=600, sleep_after_s=604_800))
    drowsy_ms = 0
    while not rest.beat(False, True, False, False):
        port.now_us += 700_000
        if rest.is_saving and not drowsy_ms:
            drowsy_ms = port.now_us // 1000 - ((1 << 30) - 5_000)
    slept_ms = port.now_us // 1000 - ((1 << 30) - 5_000)
    assert 603_000 <= drowsy_ms <= 606_000
    assert 604_800_000 <= slept_ms <= 604_803_000


# --- what is settled over the link --------------------------------------------------------------------------


def test_a_trim_is_kept_acts_from_the_next_pulse_and_is_told() -> None:
    sim = linked()
    sim.daemon.tune(5_000)
    sim.go(200)
    assert (sim.daemon.last.trim_bp, sim.daemon.last.settled_result) == (5_000, frames.SETTLED_DONE)
    assert json.loads(sim.port.stored)["trim_bp"] == 5_000
    go_us = sim.port.now_us + 200_000
    sim.daemon.schedule(1, go_us, passes=2, level_bp=8_000)
    sim.go(3_000, set_id=1, go_us=go_us)
    assert max(level for _, level in sim.port.levels) == 4_000


@pytest.mark.parametrize("what", ["tune", "keep", "forget", "sleep"])
def test_in_a_set_nothing_is_settled_but_that_it_is_refused(what: str) -> None:
    sim = linked()
    go_us = sim.port.now_us + 200_000
    sim.daemon.schedule(1, go_us)
    assert sim.go(500, lambda: sim.daemon.last.set_id == 1)
    stored = sim.port.stored
    if what == "tune":
        sim.daemon.tune(5_000)
    elif what == "sleep":
        sim.daemon.power(frames.WANT_SLEEP)
    else:
        op = frames.NETWORK_KEEP if what == "keep" else frames.NETWORK_FORGET
        sim.daemon.network(op, b"net", b"")
    sim.go(1_000, set_id=1, go_us=go_us)
    assert (sim.daemon.last.settled, sim.daemon.last.settled_result) == (1, frames.SETTLED_RUNNING)
    assert sim.port.stored == stored
    sim.daemon.power(frames.WANT_AWAKE)
    sim.go(300, set_id=1, go_us=go_us)
    assert (sim.daemon.last.settled, sim.daemon.last.settled_result) == (2, frames.SETTLED_DONE)
    assert sim.daemon.last.set_id == 1


def test_networks_are_kept_and_forgotten_and_moved_to_once_that_is_told() -> None:
    sim = linked()
    before = len(sim.port.noted("networks"))
    sim.daemon.network(frames.NETWORK_KEEP, b"clinic", b"long enough")
    sim.go(500)
    assert (sim.daemon.last.networks, sim.daemon.last.settled_result) == (2, frames.SETTLED_DONE)
    assert len(sim.port.noted("networks")) == before
    sim.go(3_000)
    assert sim.port.noted("networks")[-1][1] == [("clinic", "long enough"), ("net", "a word")]
    sim.daemon.network(frames.NETWORK_FORGET, b"net")
    sim.go(200)
    assert sim.daemon.last.networks == 1
    for ssid in (b"clinic", b"elsewhere"):
        sim.daemon.network(frames.NETWORK_FORGET, ssid)
        sim.go(200)
        assert (sim.daemon.last.networks, sim.daemon.last.settled_result) == (1, frames.SETTLED_IMPOSSIBLE)
    sim.daemon.network(frames.NETWORK_KEEP, b"\xff\xfe", b"")
    sim.go(200)
    assert sim.daemon.last.settled_result == frames.SETTLED_IMPOSSIBLE
    assert json.loads(sim.port.stored)["networks"] == [["clinic", "long enough"]]


def test_a_flash_that_refuses_is_told_and_leaves_what_was() -> None:
    sim = linked()

    def refuse(data: bytes) -> None:
        raise OSError(28)

    sim.port.store = refuse  # type: ignore[method-assign]
    sim.daemon.tune(5_000)
    sim.go(200)
    assert (sim.daemon.last.settled_result, sim.daemon.last.trim_bp) == (frames.SETTLED_FLASH, 10_000)
    sim.daemon.network(frames.NETWORK_KEEP, b"clinic", b"")
    sim.go(200)
    assert (sim.daemon.last.settled_result, sim.daemon.last.networks) == (frames.SETTLED_FLASH, 1)
    sim.go(5_000)
    assert sim.app.uplink.is_linked


def test_a_worn_out_flash_keeps_nobody_from_tapping_and_is_told() -> None:
    sim = linked()
    tries: list[bytes] = []

    def refuse(data: bytes) -> None:
        tries.append(data)
        raise OSError(5)

    sim.port.store = refuse  # type: ignore[method-assign]
    sim.daemon.frame(frames.ASSIGN, frames.Assign(2, 9, 9, 9))
    sim.go(3_000)
    assert len(tries) == 1
    assert sim.daemon.last.side == 2
    sim.port.typed = b'{"jsonrpc":"2.0","id":1,"method":"info"}\n'
    sim.go(300)
    assert json.loads(sim.port.written[-1])["result"]["flash_failed"] is True


def test_a_repeat_and_a_late_copy_are_obeyed_once() -> None:
    sim = linked()
    for number, trim_bp in ((7, 5_000), (7, 6_000), (6, 7_000), (8, 8_000), (8 + 32_768, 9_000)):
        sim.daemon.frame(frames.TUNE, frames.Tune(number, trim_bp))
        sim.go(100)
        assert (sim.daemon.last.settled, sim.daemon.last.trim_bp) == (
            (8, 8_000) if number >= 8 else (7, 5_000)
        )
    assert len(sim.port.noted("store")) == 2
