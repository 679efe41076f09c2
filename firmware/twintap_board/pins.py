"""The pins: what the world does to a board (button, charger, battery), told to the VM as it happens."""

import asyncio
import socket
from typing import Any

from . import wire

BATTERY_MV = 3900


class Pins:
    """The state of the inputs, and the socket to the VM that runs at present."""

    def __init__(self) -> None:
        """Begin with the button up, no charger, and a battery three quarters full."""
        self._loop = asyncio.get_running_loop()
        self._sock: socket.socket | None = None
        self._vm_address = None
        self._state = {wire.PIN_BUTTON: (0, 0), wire.PIN_CHARGING: (0, 0), wire.PIN_BATTERY: (0, BATTERY_MV)}

    def boot(self) -> int:
        """Open a fresh socket for a VM that is about to start; give its port on 127.0.0.1."""
        self.close()
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind(("127.0.0.1", 0))
        self._sock.setblocking(False)
        self._vm_address = None
        self._loop.add_reader(self._sock, self._hear)
        return self._sock.getsockname()[1]

    def press(self, down: bool) -> None:
        """Hold the button down, or let it go."""
        self._set(wire.PIN_BUTTON, int(down), 0)

    def charge(self, on: bool) -> None:
        """Put the board on its charger, or take it off."""
        self._set(wire.PIN_CHARGING, int(on), 0)

    def battery(self, mv: int) -> None:
        """Set the battery's voltage, 0..65535 mV."""
        self._set(wire.PIN_BATTERY, 0, mv)

    def look(self) -> dict[str, Any]:
        """Give the inputs as they are."""
        return {
            "button": self._state[wire.PIN_BUTTON][0] == 1,
            "charging": self._state[wire.PIN_CHARGING][0] == 1,
            "battery_mv": self._state[wire.PIN_BATTERY][1],
        }

    def close(self) -> None:
        """Close the socket; the state is kept for the next boot."""
        if self._sock is not None:
            self._loop.remove_reader(self._sock)
            self._sock.close()
            self._sock = None

    def _set(self, op: int, a: int, b: int) -> None:
        self._state[op] = (a, b)
        self._tell(op)

    def _tell(self, op: int) -> None:
        if self._sock is None or self._vm_address is None:
            return
        a, b = self._state[op]
        try:
            self._sock.send(wire.PINS_RECORD.pack(op, a, b, 0))
        except OSError:
            # The VM has ended; the next one asks for the state by itself.
            return

    def _hear(self) -> None:
        if self._sock is None:
            return
        try:
            data, source = self._sock.recvfrom(16)
        except OSError:
            return
        if data != wire.PINS_HELLO:
            return
        if self._vm_address is None:
            self._sock.connect(source)
            self._vm_address = source
        elif source != self._vm_address:
            # A stranger's datagram that lay in the queue before the socket was connected.
            return
        for op in self._state:
            self._tell(op)
