"""Deep sleep, and which chips a button can wake.

A chip without a way back never sleeps deeply. An ESP32 is woken through EXT0, by every MicroPython. A C3 and
a C6 are woken by `esp32.wake_on_gpio`, which is there from 1.27 on; a C6 of 1.26 has EXT1, but its pin then
stays with the sleep's controller and reads as pressed for ever, so it is not used.
"""

import time

import esp32

from .chip_pins import CHIPS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .board_file import BoardFile
    from .chip_senses import Contacts

_RELEASE_MS = 10_000


def can_wake(board: "BoardFile") -> bool:
    """Whether the board's button can end a deep sleep: by its pin, and on this build of MicroPython.

    A board that is never to sleep by itself may have its button anywhere, and be told to sleep all the same.
    """
    if board.button is None or board.button.pin() not in CHIPS[board.chip]["wakes"]:
        return False
    return hasattr(esp32, "wake_on_ext0" if board.chip == "esp32" else "wake_on_gpio")


def wake_by(board: "BoardFile", contacts: "Contacts") -> None:
    """Sets the button as what ends a deep sleep."""
    level = esp32.WAKEUP_ANY_HIGH if contacts.pressed else esp32.WAKEUP_ALL_LOW
    if board.chip == "esp32":
        esp32.wake_on_ext0(contacts.pin, level)
    else:
        esp32.wake_on_gpio((contacts.pin,), level)  # pyright: ignore[reportAttributeAccessIssue]  # from 1.27


def await_release(contacts: "Contacts", feed: "Callable[[], None]") -> None:
    """Waits for the button's release, 10 s at most: a sleep that begins pressed ends at once."""
    until_ms = time.ticks_add(time.ticks_ms(), _RELEASE_MS)
    while contacts.is_down() and time.ticks_diff(until_ms, time.ticks_ms()) > 0:
        feed()
        time.sleep_ms(20)
