"""Which port the pulser runs on.

Everything above the ports is the same code on a chip, in the virtual board's VM, and under CPython. What one
is stands in `port_contract`.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board_file import BoardFile
    from .port_contract import Port


def make_port(board: "BoardFile") -> "Port":
    """Gives the port of the hardware that this runs on."""
    if sys.platform == "esp32":
        from .port_chip import ChipPort

        return ChipPort(board)
    from .port_virtual import VirtualPort

    return VirtualPort(board)
