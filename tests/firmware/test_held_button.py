"""The button at the start: held from power-on it forgets the daemon, and after no other start."""

from types import SimpleNamespace
from typing import Any

import pytest

from twintap_protocol import frames

from .pulser_parts import app


class HeldButton:
    """A port whose button is held from the start, for ever."""

    def __init__(self, cause: int) -> None:
        self.cause = cause

    def boot_cause(self) -> int:
        return self.cause

    def button_down(self) -> bool:
        return True

    async def sleep_ms(self, ms: int) -> None:
        return


@pytest.mark.parametrize(
    ("cause", "is_forgotten"),
    [
        (frames.BOOT_POWER, True),
        (frames.BOOT_RESET, True),
        (frames.BOOT_UNKNOWN, True),
        (frames.BOOT_WAKE, False),
        (frames.BOOT_WATCHDOG, False),
        (frames.BOOT_CRASH, False),
    ],
)
async def test_a_button_that_wakes_or_is_held_through_a_crash_forgets_no_daemon(
    cause: int, is_forgotten: bool
) -> None:
    done: list[str] = []
    settings = SimpleNamespace(is_paired=True, forget_daemon=lambda: done.append("forgotten"))
    pulser: Any = SimpleNamespace(
        port=HeldButton(cause), settings=settings, _save=lambda: done.append("saved")
    )
    await app.App._look_at_button(pulser)
    assert done == (["forgotten", "saved"] if is_forgotten else [])
