"""What the pulser needs of its hardware, described once.

For readers and type checkers alone: nothing imports this at run time, so that it costs a pulser no memory. A
port is any object with the attributes of `Port`; nothing inherits from it.

Times are on the pulser's own clock, as `ticks` of 30 bits (see `twintap_protocol.ticks`). An *address* is six
bytes: IPv4, then the port, big-endian, as DNS-SD and the virtual air have it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Protocol


class Port(Protocol):
    """The hardware. Nothing here raises for a network that is down: a datagram is then simply gone."""

    spin_us: int  # a sharp edge this near is waited for in place, not armed
    announces_unpaired: bool  # whether an unpaired pulser may speak on its network
    source: bytes  # the address that the datagram last received came from
    address_changed: bool  # set when `address()` changed; whoever has acted on it clears it
    can_sleep: bool  # whether the button ends a `deep_sleep`

    tasks: "list[asyncio.Task[None]]"  # the hardware's own, from `begin` on; none of them ever ends

    def hardware_id(self) -> bytes:
        """Six bytes, the same for the life of the hardware."""
        ...

    def begin(self, on_edge: "Callable[[], None]", on_button: "Callable[[bool], None]") -> None:
        """Starts the hardware's own tasks, in a running event loop.

        `on_edge` is called when an armed edge is near or due; `on_button` with true at the moment of a
        press, debounced, and with false after it. Both may interrupt any Python code, never each other.
        """
        ...

    # --- time: no allocation, no float -----------------------------------------------------------------

    def ticks_us(self) -> int:
        """The pulser's clock in µs, 0 .. 2**30 - 1."""
        ...

    def ticks_ms(self) -> int:
        """A clock in ms on the same ring, 0 .. 2**30 - 1; not in step with `ticks_us`."""
        ...

    def spin_until(self, ticks: int) -> int:
        """Waits in place until `ticks` (at most `spin_us` away); gives the time then."""
        ...

    def arm_edge(self, ticks: int, is_sharp: bool) -> None:
        """Has `on_edge` called once: at `ticks`, or somewhat within `spin_us` before it if it is sharp.

        Takes the place of whatever was armed. `ticks` lies at most a second away.
        """
        ...

    def disarm_edge(self) -> None:
        """Nothing is armed any more."""
        ...

    # --- motor, watchdog, senses ------------------------------------------------------------------------

    def set_level(self, level_bp: int) -> None:
        """The motor's level, 0 .. 10000, from now on. No allocation."""
        ...

    def tune_motor(self, cell_mv: int) -> None:
        """The cell has `cell_mv` at rest, 0 unknown: levels from now on are made from that.

        Only while neither a set is held nor a buzz goes on: within one a level stays what it was.
        """
        ...

    def motor_fault(self) -> str:
        """What is wrong with the motor's driver, in words for people; empty while nothing is known."""
        ...

    def set_side(self, side: int, colour: "tuple[int, int, int]") -> None:
        """Tells the hardware which side this is (`frames.SIDE_...`). The light is `set_light`'s alone."""
        ...

    def set_light(self, red: int, green: int, blue: int) -> None:
        """The light's colour from now on, each part 0..255, already as bright as it is to be.

        A light of one colour shines while any part is above 0. Not called within 5 ms of an edge, and
        in a set only to turn it off.
        """
        ...

    def wdt_arm(self, timeout_ms: int) -> None:
        """Arms the hardware watchdog; it cannot be disarmed. A second call feeds it."""
        ...

    def wdt_feed(self) -> None:
        """Feeds the watchdog, if it is armed. No allocation."""
        ...

    def button_down(self) -> bool:
        """Whether the button is pressed at this moment."""
        ...

    def look_at_button(self) -> None:
        """Tells of a press or release that no interrupt has told of. No allocation."""
        ...

    def battery_mv(self) -> int:
        """The battery's voltage, 0 .. 65535 mV; 0 where it cannot be measured."""
        ...

    def charging(self) -> bool:
        """Whether a charger is plugged in."""
        ...

    # --- network ----------------------------------------------------------------------------------------

    def network_state(self) -> str:
        """What NETWORK_STATES lists; of a network that is not joined, how the newest try ended."""
        ...

    def set_networks(self, networks: "list[tuple[str, str]]") -> None:
        """Keeps to these networks from now on: up to three of (SSID, password), tried in this order.

        One that it is on, and that is in the list with the same password, is kept to; another is left.
        """
        ...

    def ssid(self) -> str:
        """The network that it is on; empty while it is on none."""
        ...

    def rssi_dbm(self) -> int:
        """How loud that network is heard, -120..-1 dBm; 0 unknown."""
        ...

    def scan(self) -> "Awaitable[list[tuple[bytes, int, int, bool]]]":
        """Looks for networks: (SSID, dBm, channel, whether it is secured) of each, in any order.

        To be awaited at once; takes 2 to 3 s, in which datagrams may be lost, and on some hardware
        everything stands still: never while a set is held. Raises `OSError` if the radio refuses, or if
        it would hold up a watchdog that is armed.
        """
        ...

    def save_radio(self, is_saving: bool) -> None:
        """Whether the radio sleeps between beacons. It does not from `begin` on until this says so."""
        ...

    def address(self) -> bytes:
        """The pulser's own address; six zero bytes while it has none."""
        ...

    def lead(self, address: bytes) -> None:
        """Tells that the daemon is at `address`, for hardware whose way out depends on it."""
        ...

    def send(self, buf: "bytes | bytearray", length: int, address: bytes) -> None:
        """Sends the first `length` bytes of `buf`."""
        ...

    def recv_into(self, buf: bytearray) -> int:
        """Takes one datagram; gives its length, or -1 if none waits. What does not fit `buf` is cut."""
        ...

    def readable(self) -> "Awaitable[None]":
        """Returns when the event loop next looks at its socket: there may be a datagram, or not."""
        ...

    # --- the rest ---------------------------------------------------------------------------------------

    def random(self, count: int) -> bytes:
        """`count` random bytes, fit for keys; only with the radio on."""
        ...

    def load(self) -> bytes:
        """What `store` last kept; empty if nothing. At most 4 KiB."""
        ...

    def store(self, data: bytes) -> None:
        """Keeps `data`, whole or not at all. Stalls everything for 50 ms and more."""
        ...

    def flash_free(self) -> int:
        """Free flash in bytes; -1 where there is no such figure."""
        ...

    def boot_cause(self) -> int:
        """Why the pulser started: `frames.BOOT_...`. The same from start to end."""
        ...

    def crashes(self) -> int:
        """How often the firmware ended badly since it was last known to run well."""
        ...

    def deep_sleep(self) -> None:
        """Sleeps, motor and light off, until the button is pressed; then starts anew. Never returns."""
        ...

    def heap_free(self) -> int:
        """Free heap in bytes; -1 where there is no such figure."""
        ...

    def mark_healthy(self) -> None:
        """The firmware runs well: earlier crashes count no more."""
        ...

    def console_ready(self) -> "Awaitable[None]":
        """Returns when the console has something to read."""
        ...

    def console_read(self, most: int) -> bytes:
        """What the console has, at most `most` bytes, without waiting; empty if nothing."""
        ...

    def console_write(self, text: str) -> None:
        """Writes to the console."""
        ...

    def sleep_ms(self, ms: int) -> "Awaitable[None]":
        """Lets others run for `ms`; on a chip for up to 10 ms more. To be awaited at once."""
        ...

    def create_task(self, coroutine: "Coroutine[None, None, None]") -> "asyncio.Task[None]":
        """Runs a coroutine beside the others."""
        ...

    def run(self, coroutine: "Coroutine[None, None, None]") -> None:
        """Runs the event loop with `coroutine` until that ends."""
        ...
