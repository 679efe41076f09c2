"""The path from a due edge to the motor: it allocates nothing, stays within 30 bits, and knows no float."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twintap_board.sources import firmware_dir, protocol_dir
from twintap_board.wire import LINE, LINE_RECORD
from twintap_protocol import frames, limits
from twintap_protocol.frames import Lease, Schedule, Segment
from twintap_protocol.pacer import Pacer
from twintap_protocol.ticks import ticks_add, ticks_diff

from .pulser_parts import motor

HALF = 1 << 30
SCRIPT = Path(__file__).with_name("hot_path_vm.py")


# --- no allocation ------------------------------------------------------------------------------------------


def run_in_vm(line: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    path = os.pathsep.join((str(firmware_dir()), str(protocol_dir()), ".frozen"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink, line.open("wb") as out:
        sink.bind(("127.0.0.1", 0))
        port = str(sink.getsockname()[1])
        told = {
            "MICROPYPATH": path,
            "TWINTAP_RADIO_PORT": port,
            "TWINTAP_PINS_PORT": port,
            "TWINTAP_LINE_FD": str(out.fileno()),
            "TWINTAP_CLOCK_PPM_MILLI": "17000",
            "TWINTAP_CLOCK_OFFSET_US": str(3 * HALF - 700_000),
            "TWINTAP_SOCKET_TICK_MS": "10",
            "TWINTAP_BOARD_ID": "020000000001",
        }
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "micropython_unix",
                str(Path(__file__).with_name("hot_path_vm.py")),
                *arguments,
            ],
            env=os.environ | told,
            pass_fds=(out.fileno(),),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def test_edges_and_the_button_allocate_nothing_in_the_real_vm(tmp_path: Path) -> None:
    line = tmp_path / "line"
    done = run_in_vm(line)
    assert done.stdout.startswith("ok 6 "), done.stdout + done.stderr
    edges = done.stdout.split()[2]
    assert int(edges) > 60  # rises and falls have their steps
    records = [
        LINE_RECORD.unpack(line.read_bytes()[at : at + 16]) for at in range(0, line.stat().st_size, 16)
    ]
    levels = [level for kind, _, level, _, _ in records if kind == LINE]
    assert max(levels) <= 6_000
    assert levels[-1] == 0


def test_an_allocation_would_have_been_noticed(tmp_path: Path) -> None:
    done = run_in_vm(tmp_path / "line", "allocate")
    assert "heap is locked" in done.stdout + done.stderr


# --- 30 bits, no floats -------------------------------------------------------------------------------------


def narrow(name: str) -> Any:
    plain = getattr(int, name)

    def operate(self: int, *others: object) -> object:
        for other in others:
            if isinstance(other, float):
                raise AssertionError(f"a float in {name}")
        result = plain(self, *others)
        return result if result is NotImplemented else Narrow(result)

    return operate


def refuse(self: int, *_: object) -> object:
    raise AssertionError("a true division, a power or a float")


class Narrow(int):
    """An integer of a chip: past 30 bits and a sign it would live on the heap."""

    def __new__(cls, value: int) -> "Narrow":
        if not -HALF <= value < HALF:
            raise AssertionError(f"{value} needs more than 30 bits")
        return super().__new__(cls, value)

    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __float__ = refuse  # pyright: ignore[reportAssignmentType]


for _name in ("add", "sub", "mul", "floordiv", "mod", "lshift", "rshift", "and", "or", "xor"):
    setattr(Narrow, f"__{_name}__", narrow(f"__{_name}__"))
    setattr(Narrow, f"__r{_name}__", narrow(f"__r{_name}__"))
for _name in ("neg", "abs", "invert", "pos"):
    setattr(Narrow, f"__{_name}__", narrow(f"__{_name}__"))


class Port:
    """A port whose time stands still until an edge is armed, and which wakes as late as it is told."""

    spin_us = 2_500

    def __init__(self, ticks: int, late_us: list[int]) -> None:
        self.now = Narrow(ticks)
        self.wraps = 0
        self.armed: int | None = None
        self.is_sharp = False
        self.levels: list[tuple[int, int]] = []
        self.elapsed_us = 0
        self._late_us = late_us
        self._wakes = 0

    def ticks_us(self) -> int:
        return self.now

    def spin_until(self, ticks: int) -> int:
        ahead = ticks_diff(ticks, self.now)
        assert 0 < ahead <= self.spin_us
        self._go(ahead)
        return self.now

    def _go(self, us: int) -> None:
        after = ticks_add(self.now, us)
        if after < self.now:
            self.wraps += 1
        self.elapsed_us += int(us)
        self.now = Narrow(after)

    def arm_edge(self, ticks: int, is_sharp: bool) -> None:
        assert isinstance(ticks, Narrow)
        assert 0 <= ticks < HALF
        self.armed = ticks
        self.is_sharp = is_sharp

    def disarm_edge(self) -> None:
        self.armed = None

    def set_level(self, level_bp: int) -> None:
        self.levels.append((self.elapsed_us, level_bp))

    def wdt_feed(self) -> None:
        return

    def wake(self) -> None:
        """Time goes on to the armed edge, early for a sharp one, or late as the chip may be."""
        assert self.armed is not None
        ahead = ticks_diff(self.armed, self.now)
        late_us = self._late_us[self._wakes % len(self._late_us)]
        self._wakes += 1
        if late_us == 0 and self.is_sharp:
            late_us = -1_000
        self._go(max(0, ahead + late_us))
        self.armed = None


@st.composite
def segments(draw: st.DrawFn) -> dict[str, int]:
    period_us = draw(
        st.integers(limits.MIN_PERIOD_US, limits.MAX_PERIOD_US)
        | st.sampled_from([limits.MIN_PERIOD_US, 1_000_000, limits.MAX_PERIOD_US])
    )
    width_us = draw(st.integers(limits.MIN_WIDTH_US, period_us) | st.just(limits.MIN_WIDTH_US))
    rise_us = draw(st.integers(limits.MIN_RISE_US, width_us))
    return {
        "period_us": period_us,
        "period_frac": draw(st.integers(0, 65_535)),
        "phase_us": draw(st.integers(0, period_us - width_us)),
        "width_us": width_us,
        "rise_us": rise_us,
        "fall_us": draw(st.integers(0, width_us - rise_us)),
    }


def make_segment(fields: dict[str, int], first_pass: int, ref_pass: int, wraps: int, ticks: int) -> Segment:
    names = ("period_us", "period_frac", "phase_us", "width_us", "rise_us", "fall_us")
    values = (first_pass, ref_pass, wraps, ticks, *(fields[name] for name in names))
    segment = Segment(*(Narrow(value) for value in values))
    segment.check()
    return segment


@settings(max_examples=60, deadline=None)
@given(
    begin=st.integers(0, HALF - 1) | st.integers(HALF - 3_000_000, HALF - 1),
    first=segments(),
    second=segments() | st.none(),
    passes=st.integers(1, 12),
    level_bp=st.integers(1, 10_000),
    ceiling_bp=st.integers(1, 10_000),
    trim_bp=st.integers(limits.MIN_TRIM_BP, limits.MAX_TRIM_BP),
    ramp_ms=st.integers(0, limits.MAX_RAMP_MS),
    late_us=st.lists(st.sampled_from([0, 0, 0, 300, 1_500, 15_000, 40_000]), min_size=1, max_size=6),
    moved_us=st.integers(-1_500, 1_500),
)
def test_a_set_of_any_pacing_stays_within_30_bits_and_gives_its_passes(
    begin: int,
    first: dict[str, int],
    second: dict[str, int] | None,
    passes: int,
    level_bp: int,
    ceiling_bp: int,
    trim_bp: int,
    ramp_ms: int,
    late_us: list[int],
    moved_us: int,
) -> None:
    port = Port(begin, late_us)
    pacer = Pacer(Narrow(ceiling_bp))
    pacer.trim_bp = Narrow(trim_bp)
    driver: Any = motor.Motor(port, pacer)
    driver.hold()
    go = ticks_add(port.now, 30_000)
    go_wraps = 0 if go >= begin else 1
    parts = [make_segment(first, 0, 0, go_wraps, go)]
    if second is not None:
        # As a daemon does it: the second stretch begins where the first one ends.
        at = ticks_add(go, min(3 * first["period_us"] + moved_us, limits.MAX_REF_AWAY_US - 40_000))
        parts.append(make_segment(second, 3, 3, go_wraps if at >= go else go_wraps + 1, at))
    schedule = Schedule(Narrow(1), Narrow(1), Narrow(passes), Narrow(ramp_ms), Narrow(level_bp), parts)
    assert pacer.accept(schedule, Narrow(0), port.now)
    driver.release()
    assert not port.levels

    def renew() -> None:
        until = ticks_add(port.now, 1_000_000)
        wraps = port.wraps if until >= port.now else port.wraps + 1
        driver.hold()
        pacer.grant(
            Lease(Narrow(1), Narrow(wraps), until, Narrow(go_wraps), go, 0), Narrow(port.wraps), port.now
        )
        driver.release()

    renew()
    wakes = 0
    while pacer.set_id:
        port.wake()
        driver.on_edge()
        if pacer.set_id:
            renew()
        wakes += 1
        assert wakes < 20_000
    assert pacer.ended_reason in (frames.ENDED_FINISHED, frames.ENDED_LONGEST)
    if pacer.ended_reason == frames.ENDED_FINISHED:
        assert pacer.delivered + pacer.skipped >= passes - (second is not None)
    highest = min(max(1, level_bp * trim_bp // 10_000), ceiling_bp)
    assert all(level <= highest for _, level in port.levels)
    assert not port.levels or port.levels[-1][1] == 0
    # Never a step to full: what goes up does so by at most one step of the rise.
    last = 0
    for _, level in port.levels:
        if last == 0 and level:
            assert level <= max(1, highest // 4 + 1)
        last = level


def test_the_narrow_integers_bite() -> None:
    with pytest.raises(AssertionError):
        _ = Narrow(HALF - 1) + 1
    with pytest.raises(AssertionError):
        _ = 3 * Narrow(1 << 29)
    with pytest.raises(AssertionError):
        _ = Narrow(3) / 2
    with pytest.raises(AssertionError):
        _ = Narrow(3) * 0.5


# --- holding ------------------------------------------------------------------------------------------------


def started(level_bp: int = 5_000) -> tuple[Port, Pacer, Any]:
    port = Port(1_000, [0])
    pacer = Pacer()
    driver: Any = motor.Motor(port, pacer)
    fields = {"period_us": 250_000, "period_frac": 0, "phase_us": 0, "width_us": 100_000, "rise_us": 20_000,
              "fall_us": 0}  # fmt: skip
    go = ticks_add(port.now, 30_000)
    pacer.accept(Schedule(1, 1, 0, 0, level_bp, [make_segment(fields, 0, 0, 0, go)]), 0, port.now)
    driver.hold()
    pacer.grant(Lease(1, 0, ticks_add(port.now, 1_000_000), 0, go, 0), 0, port.now)
    driver.release()
    return port, pacer, driver


def test_a_press_while_a_frame_is_handled_stops_at_once_and_for_good() -> None:
    port, pacer, driver = started()
    while not pacer.level_bp:
        port.wake()
        driver.on_edge()
    driver.hold()
    driver.press(True)
    assert port.levels[-1][1] == 0  # before the handler is done
    driver.release()
    assert pacer.ended_reason == frames.ENDED_BUTTON
    assert port.levels[-1][1] == 0
    assert port.armed is None
    assert driver.presses == 1


def test_an_edge_that_comes_while_a_frame_is_handled_is_done_at_its_end() -> None:
    port, pacer, driver = started()
    port.wake()
    driver.hold()
    driver.on_edge()
    assert not port.levels
    driver.release()
    assert port.levels[-1][1] > 0
    assert pacer.state == "pulse"


def test_a_fault_turns_the_motor_off_and_nothing_turns_it_on_again() -> None:
    port, pacer, driver = started()
    while not pacer.level_bp:
        port.wake()
        driver.on_edge()
    driver.fault()
    assert port.levels[-1][1] == 0
    driver.on_edge()
    assert port.levels[-1][1] == 0
    assert pacer.set_id == 0


def test_a_running_set_is_never_armed_further_than_the_watchdog_allows() -> None:
    port, pacer, driver = started()
    for _ in range(40):
        assert port.armed is not None
        assert ticks_diff(port.armed, port.now) <= motor.FEED_US
        port.wake()
        driver.on_edge()
        driver.hold()
        until = ticks_add(port.now, 1_000_000)
        pacer.grant(Lease(1, 0, until, 0, 0, 0), 0, port.now)
        driver.release()
