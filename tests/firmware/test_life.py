"""How one life of a chip ends, with stand-ins for the chip and for the program that runs on it.

How lives follow one another, and safe mode, is tested in the VM (`chip_life_vm`).
"""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from . import pulser_parts

assert pulser_parts  # makes the pulser's modules importable
life: Any = import_module("twintap_pulser.life")


@pytest.fixture
def deeds(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the chip was made to do, in order."""
    done: list[str] = []
    machine: Any = ModuleType("machine")
    machine.reset = lambda: done.append("reset")

    def watch(timeout: int) -> None:
        done.append("watchdog")

    class Timer:
        ONE_SHOT = 0

        def __init__(self, number: int) -> None:
            done.append(f"timer {number}")

        def init(self, mode: int, period: int, callback: Callable[[object], None]) -> None:
            assert mode == self.ONE_SHOT
            assert 30_000 <= period <= 600_000  # time to say something; and no clinic's day
            callback(self)

    machine.WDT = watch
    machine.Timer = Timer
    network: Any = ModuleType("network")
    network.STA_IF = 0
    network.WLAN = lambda interface: SimpleNamespace(active=lambda is_on: done.append("radio"))
    record: Any = ModuleType("twintap_pulser.crash_record")
    record.GO, record.SAFE, record.REPL = range(3)
    record.begin = lambda: record.GO
    record.forget = lambda: done.append("forget")
    record.died_of = lambda broken: done.append(f"died of {type(broken).__name__}")
    record.error = lambda: "ValueError: why"
    record.crashes = lambda: 3
    safe: Any = ModuleType("twintap_pulser.safe")
    safe.serve = lambda: done.append("safe mode")
    monkeypatch.setattr(life, "sys", SimpleNamespace(platform="esp32"))
    monkeypatch.setitem(sys.modules, "machine", machine)
    monkeypatch.setitem(sys.modules, "network", network)
    monkeypatch.setitem(sys.modules, "twintap_pulser.crash_record", record)
    monkeypatch.setitem(sys.modules, "twintap_pulser.safe", safe)
    return done


def runs(monkeypatch: pytest.MonkeyPatch, error: BaseException | None) -> None:
    def run() -> None:
        if error is not None:
            raise error

    app: Any = ModuleType("twintap_pulser.app")
    app.run = run
    monkeypatch.setitem(sys.modules, "twintap_pulser.app", app)


def test_a_reset_that_was_asked_for_is_no_crash(monkeypatch: pytest.MonkeyPatch, deeds: list[str]) -> None:
    runs(monkeypatch, None)
    life.live()
    assert deeds == ["radio", "forget", "reset"]


def test_a_hand_at_the_cable_is_no_crash_and_rubbish_with_ctrl_c_in_it_no_end(
    monkeypatch: pytest.MonkeyPatch, deeds: list[str]
) -> None:
    runs(monkeypatch, KeyboardInterrupt())
    life.live()
    # The reset is the timer's, in a while.
    assert deeds == ["radio", "forget", "timer 0", "reset"]


@pytest.mark.parametrize("error", [MemoryError("full"), SystemExit(), ValueError("x")])
def test_a_program_that_breaks_is_counted_and_started_anew(
    monkeypatch: pytest.MonkeyPatch, deeds: list[str], error: BaseException
) -> None:
    runs(monkeypatch, error)
    with pytest.raises(type(error)):
        life.live()
    # The watchdog first: whatever else goes wrong, the chip starts anew.
    assert deeds == ["radio", "watchdog", f"died of {type(error).__name__}"]


def test_after_three_crashes_only_safe_mode_runs_and_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch, deeds: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    runs(monkeypatch, AssertionError("the program ran"))
    record: Any = sys.modules["twintap_pulser.crash_record"]
    monkeypatch.setattr(record, "begin", lambda: record.SAFE)
    life.live()
    assert deeds == ["safe mode"]
    assert "ValueError: why" in capsys.readouterr().out


def test_a_deploy_gets_the_repl(monkeypatch: pytest.MonkeyPatch, deeds: list[str]) -> None:
    runs(monkeypatch, AssertionError("the program ran"))
    record: Any = sys.modules["twintap_pulser.crash_record"]
    monkeypatch.setattr(record, "begin", lambda: record.REPL)
    life.live()
    assert deeds == []


def test_the_radio_has_its_memory_before_the_application_is_loaded(
    monkeypatch: pytest.MonkeyPatch, deeds: list[str]
) -> None:
    class Application(ModuleType):
        def __getattr__(self, name: str) -> Any:
            if name != "run":
                raise AttributeError(name)
            deeds.append("load")
            return lambda: None

    monkeypatch.setitem(sys.modules, "twintap_pulser.app", Application("twintap_pulser.app"))
    life.live()
    assert deeds == ["radio", "load", "forget", "reset"]
