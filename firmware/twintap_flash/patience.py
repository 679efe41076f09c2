"""How long a chip is waited for. Real ones need these; a test's stand-in is quicker."""

from typing import NamedTuple


class Patience(NamedTuple):
    """Waits, in seconds unless said."""

    hello_s: float = 2.0  # one try to get MicroPython's prompt from a chip that may be starting
    look_s: float = (
        7.0  # all those tries, before the chip's own bootloader is asked: a watchdog's reset fits in
    )
    boot_s: float = 40.0  # from a reset to the prompt; the first start of a new image makes the file system
    answer_s: float = 10.0  # one command at the prompt
    settle_s: float = 0.5  # after a reset: a USB port of the chip's own goes and comes back meanwhile
    again_s: float = 0.2  # between two tries
    ask_s: float = 1.0  # between two questions to a firmware that may be starting
    info_s: float = 30.0  # from the start of the firmware to its first answer
    attempts: int = 4  # resets into the bootloader, about 1.5 s each


PATIENCE = Patience()
