"""What counts as a crash on a chip, with stand-ins for the chip and for the program that runs on it."""

import sys
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

    machine.WDT = watch
    port_chip: Any = ModuleType("twintap_pulser.port_chip")
    port_chip.may_start = lambda: True
    port_chip.forget_crashes = lambda: done.append("forget")
    monkeypatch.setattr(life, "sys", SimpleNamespace(platform="esp32"))
    monkeypatch.setitem(sys.modules, "machine", machine)
    monkeypatch.setitem(sys.modules, "twintap_pulser.port_chip", port_chip)
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
    assert deeds == ["forget", "reset"]


def test_a_hand_at_the_cable_is_no_crash(monkeypatch: pytest.MonkeyPatch, deeds: list[str]) -> None:
    runs(monkeypatch, KeyboardInterrupt())
    life.live()
    assert deeds == ["forget"]


def test_a_program_that_breaks_is_counted_and_started_anew(
    monkeypatch: pytest.MonkeyPatch, deeds: list[str]
) -> None:
    runs(monkeypatch, MemoryError("full"))
    with pytest.raises(MemoryError):
        life.live()
    assert deeds == ["watchdog"]
