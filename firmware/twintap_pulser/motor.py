"""The motor's edges: what the pacer plans, done on time.

`on_edge` is the hot path. It allocates nothing, uses no float, and stays within 30 bits. On a chip it runs as
a timer's callback and may interrupt any other code between two bytecodes, so whoever changes the pacer holds
the motor meanwhile (`hold`, `release`); an edge that falls due in that time is done at the release.
"""

from twintap_protocol.frames import ENDED_BUTTON, ENDED_FAULT
from twintap_protocol.limits import EDGE_GUARD_US
from twintap_protocol.pacer import BUZZ, REST
from twintap_protocol.ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from twintap_protocol.pacer import Pacer

    from .port_contract import Port

WATCHDOG_MS = 1_000  # a pulser that hangs vibrates no longer than one whose daemon is gone
OVERDUE_US = 5_000  # an armed edge this late was lost: a callback is late by 2 ms at most
FEED_US = 250_000  # four chances before the watchdog bites


class Motor:
    """Drives the motor of `port` as `pacer` says. `presses` counts the button's presses."""

    def __init__(self, port: "Port", pacer: "Pacer") -> None:
        self.presses = 0
        self._port = port
        self._pacer = pacer
        self._level_bp = 0
        self._held = False
        self._pressed = False
        self._armed_ticks = -1  # for when the port was asked to call; -1: not at all

    def hold(self) -> None:
        """From here to `release` no edge is performed: the pacer is about to change."""
        self._held = True

    def release(self) -> None:
        """The pacer has changed: does what is due, and arms what comes next."""
        self._held = False
        self.on_edge()

    def on_edge(self) -> None:
        """Performs every edge that is due or nearly so, sets the motor, and arms the next."""
        if self._held:
            return
        port = self._port
        pacer = self._pacer
        # A callback that comes from here on finds the motor held. A stale one is lost, for `_arm` comes last;
        # a press is not.
        self._held = True
        now_ticks = port.ticks_us()
        while True:
            if self._pressed:
                self._pressed = False
                self._end_by_button()
            if not pacer.plan():
                break
            due_ticks = pacer.due_ticks
            ahead_us = ticks_diff(due_ticks, now_ticks)
            if ahead_us > 0:
                if not pacer.due_is_sharp or ahead_us > port.spin_us:
                    break
                now_ticks = port.spin_until(due_ticks)
            pacer.step(now_ticks)
            self._show()
            now_ticks = port.ticks_us()
        self._show()
        self._arm(now_ticks)
        self._held = False
        if self._pressed:
            self.on_edge()

    def _show(self) -> None:
        level_bp = 0 if self._pressed else self._pacer.level_bp
        if level_bp != self._level_bp:
            self._level_bp = level_bp
            self._port.set_level(level_bp)

    def _arm(self, now_ticks: int) -> None:
        port = self._port
        pacer = self._pacer
        if pacer.leased:
            # Only what turns the motor off may keep the watchdog still while a set runs.
            port.wdt_feed()
        elif pacer.state == REST:
            self._armed_ticks = -1
            port.disarm_edge()
            return
        due_ticks = pacer.due_ticks
        is_sharp = pacer.due_is_sharp
        if ticks_diff(due_ticks, now_ticks) > FEED_US:
            due_ticks = ticks_add(now_ticks, FEED_US)
            is_sharp = False
        self._armed_ticks = due_ticks
        port.arm_edge(due_ticks, is_sharp)

    def catch_up(self) -> None:
        """Does what is overdue by OVERDUE_US: the port's callback is lost. For the loops, every 10 ms or so.

        Without it a motor that is on would stay on, and nobody would be let near the socket or the watchdog.
        """
        armed_ticks = self._armed_ticks
        if armed_ticks >= 0 and ticks_diff(self._port.ticks_us(), armed_ticks) > OVERDUE_US:
            self.on_edge()

    def start_watchdog(self) -> None:
        """The hardware watchdog from now on; called when a set begins to run, or a buzz."""
        self._port.wdt_arm(WATCHDOG_MS)

    def is_quiet(self, for_us: int = 0) -> bool:
        """Whether the motor neither goes on nor off for `for_us` and the guard of EDGE_GUARD_US."""
        return self._pacer.until_sharp_us(self._port.ticks_us()) > for_us + EDGE_GUARD_US

    def press(self, is_down: bool) -> None:
        """The client's button: at press-down whatever vibrates ends, there and then."""
        if not is_down:
            return
        self.presses += 1
        self._port.set_level(0)
        self._level_bp = 0
        self._pressed = True
        self.on_edge()

    def _end_by_button(self) -> None:
        pacer = self._pacer
        if pacer.set_id:
            pacer.end(pacer.set_id, ENDED_BUTTON)
        elif pacer.state == BUZZ:
            pacer.still()

    def fault(self) -> None:
        """The program is about to end: the motor is off, whatever was planned."""
        self._held = True
        self._port.set_level(0)
        self._level_bp = 0
        self._pacer.end(self._pacer.set_id, ENDED_FAULT)
        self._pacer.still()
