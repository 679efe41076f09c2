"""The pulser, put together: its parts, its loops, and what each may do when."""

import gc

from twintap_protocol.errors import TwintapError
from twintap_protocol.frames import (
    BATTERY_EMPTY,
    BATTERY_LOW,
    BOOT_CRASH,
    BOOT_WAKE,
    BOOT_WATCHDOG,
    POWER_AWAKE,
    POWER_GOING,
)
from twintap_protocol.pacer import BUZZ, REST, Pacer
from twintap_protocol.ticks import ticks_diff

from . import light as lights
from .announce import Announcer
from .battery import FULL_MV, Battery
from .board_file import read_board_file
from .clock import Clock, Every
from .console import Console
from .light import Light
from .motor import Motor
from .ports import make_port
from .power import Power
from .prober import Prober
from .settings import Settings
from .uplink import Uplink

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio

    from .board_file import BoardFile
    from .port_contract import Port

_BEAT_MS = 10
_DRAIN_US = 3_000  # of one look at the socket: a flood may take no more of the time between edges
_DRAIN_MAX = 64  # datagrams, of the same look
_FEED_IDLE_MS = 200
_HEALTHY_MS = 30_000
_HOLD_MS = 5_000  # of the button, from power-on: pairing is forgotten
_SENSE_MS = 50
_SHINE_MS = 50
_LAST_MS = 60  # for the last datagrams to leave before the radio is off
_COLLECT_IN_SET_MS = 400
_COLLECT_MS = 2_000
_COLLECT_GAP_US = 15_000  # a collection takes about 2 ms on a chip; none with an edge nearer than this
_COLLECT_ANYWAY_MS = 3_000  # with no such gap at all: before the heap fills and Python picks the moment


class TaskEnded(TwintapError):
    """One of the tasks that never end has ended."""


class App:
    """All parts of a running pulser."""

    def __init__(self, port: "Port", board: "BoardFile") -> None:
        self.port = port
        self.board = board
        self.is_reset_wanted = False
        mac = port.hardware_id()
        # EUI-64 of the hardware's address (IEEE's mapping): the same for the life of the hardware.
        self.pulser_id = mac[:3] + b"\xff\xfe" + mac[3:]
        self.hostname = "twintap-" + mac[3:].hex()
        self.clock = Clock(port)
        self.settings = Settings(port, board.absolute_cap_pct)
        self.pacer = Pacer(self.settings.ceiling_bp)
        self.pacer.trim_bp = self.settings.trim_bp
        self.motor = Motor(port, self.pacer)
        self.battery = Battery(port)
        self.power = Power(port, board)
        self.light = Light(port, board.has_colour)
        prober = Prober(port, self.clock, self.motor)
        self.prober = prober
        self.announcer = Announcer(port, self.settings, self.hostname, self.pulser_id)
        self.uplink = Uplink(
            port,
            self.clock,
            self.settings,
            self.pacer,
            self.motor,
            prober,
            self.announcer,
            self.battery,
            self.power,
            self.pulser_id,
        )
        self.console = Console(self)
        self._start_wraps = self.clock.wraps
        self._start_ticks = self.clock.ticks
        self._collected_ms = port.ticks_ms()
        # What the newest collection left; between two of them garbage fills the heap to its last bytes.
        self.heap_free_bytes = port.heap_free()
        self._seen_presses = 0
        self._tuned_mv = 0  # the cell's voltage that the motor's levels are made from; 0: unknown
        self._showing_ms = 0  # how long the light is still wanted white, by a selftest

    def settings_changed(self) -> None:
        """The pulser was paired or unpaired: everything that follows from it."""
        self.pacer.ceiling_bp = self.settings.ceiling_bp
        self.port.set_side(self.settings.side, self.settings.colour)
        if self.settings.addresses:
            self.port.lead(self.settings.addresses[0])
        self.uplink.restart()

    def uptime_ms(self) -> int:
        """Time since the start. Allocates past 18 minutes; for people only."""
        now_ticks = self.clock.sample()
        return ((self.clock.wraps - self._start_wraps) * (1 << 30) + now_ticks - self._start_ticks) // 1000

    async def run(self) -> None:
        """Runs the pulser until a reset is asked for. Raises whatever any of its tasks died of."""
        port = self.port
        port.begin(self.motor.on_edge, self.motor.press)
        if port.charging():
            # Before anybody can ask for a buzz.
            self.pacer.set_charging(True)
        await self._look_at_button()
        port.set_networks(self.settings.networks)
        self.settings_changed()
        tasks = [
            port.create_task(self._hear()),
            port.create_task(self._probe()),
            port.create_task(self.console.run()),
        ]
        await self._beat(port.tasks + tasks)

    async def _look_at_button(self) -> None:
        """Whoever holds the button from power-on for 5 s makes the pulser forget its daemon.

        Not after a sleep, which the button ends, nor after a crash, at which a client may be holding it.
        """
        if self.port.boot_cause() in (BOOT_WAKE, BOOT_CRASH, BOOT_WATCHDOG):
            return
        held_ms = 0
        await self.port.sleep_ms(_SENSE_MS)
        while self.port.button_down() and held_ms < _HOLD_MS:
            await self.port.sleep_ms(_SENSE_MS)
            held_ms += _SENSE_MS
        if held_ms >= _HOLD_MS and self.settings.is_paired:
            self.settings.forget_daemon()
            self._save()

    async def _hear(self) -> None:
        """Takes datagrams whenever the event loop sees its socket, and no edge is near."""
        port = self.port
        motor = self.motor
        while True:
            await port.readable()
            while not motor.is_quiet():
                motor.catch_up()
                await port.sleep_ms(1)
            begin_ticks = port.ticks_us()
            count = 0
            while self.uplink.pump():
                count += 1
                if (
                    count >= _DRAIN_MAX
                    or ticks_diff(port.ticks_us(), begin_ticks) > _DRAIN_US
                    or not motor.is_quiet()
                ):
                    break
            await port.sleep_ms(0)

    async def _probe(self) -> None:
        """Asks for the daemon's time whenever that is due."""
        port = self.port
        while True:
            await port.sleep_ms(_BEAT_MS)
            link = self.uplink.link
            is_awake = self.power.state == POWER_AWAKE  # a drowsy pulser's clock is of no use to anybody
            if is_awake and link is not None and link.channel is not None and self.prober.is_due():
                await self.prober.burst(self.uplink, link.channel)

    async def _beat(self, tasks: "list[asyncio.Task[None]]") -> None:
        """All that time asks for, every 10 ms, and never near an edge."""
        port = self.port
        pacer = self.pacer
        feed = Every(port, _FEED_IDLE_MS)
        sense = Every(port, _SENSE_MS)
        shine = Every(port, _SHINE_MS)
        healthy = Every(port, _HEALTHY_MS)
        while not self.is_reset_wanted:
            await port.sleep_ms(_BEAT_MS)
            # Interrupts get lost where the flash is written or a queue is full: one look makes up for it.
            port.look_at_button()
            self.motor.catch_up()
            for task in tasks:
                # A pulser that lacks a task may be deaf for ever: it had better start anew.
                if task.done():
                    await task
                    raise TaskEnded("a task that never ends has ended")
            if not self.motor.is_quiet():
                continue
            self.clock.sample()
            if sense.is_due() and port.charging() != pacer.charging:
                self.motor.hold()
                pacer.set_charging(not pacer.charging)
                self.motor.release()
            if not pacer.level_bp:
                self.battery.beat()
            self._tune()
            # First: what the uplink tells of a press is to say that it has woken the pulser.
            if self._rest():
                await self._sleep()
            self.uplink.beat()
            if not pacer.set_id:
                self._idle()
            if shine.is_due():
                self._shine()
            if not pacer.leased and feed.is_due():
                port.wdt_feed()
            if healthy.is_due():
                port.mark_healthy()
            self._collect()

    def _tune(self) -> None:
        """The motor's levels follow the cell, but never within a set: nobody asked for that.

        Nothing is armed then, and no frame is taken between the look and the change.
        """
        cell_mv = self.battery.mv
        if cell_mv != self._tuned_mv and self.pacer.state == REST and not self.pacer.set_id:
            self._tuned_mv = cell_mv
            self.port.tune_motor(cell_mv)

    def _idle(self) -> None:
        """What no set has to wait for."""
        self.announcer.beat()
        self.uplink.settler.beat()
        # A buzz is no set, but a write would hold its end up.
        if self.settings.is_stale and not self.pacer.level_bp:
            self._save()

    def _rest(self) -> bool:
        """Looks whether anything goes on; tells whether it is time to sleep."""
        pacer = self.pacer
        presses = self.motor.presses
        is_busy = (
            pacer.set_id > 0
            or pacer.state == BUZZ
            or presses != self._seen_presses
            or self.port.button_down()
            or self.console.is_busy
        )
        self._seen_presses = presses
        return self.power.beat(is_busy, self.uplink.may_drowse, self.uplink.is_linked, pacer.charging)

    async def _sleep(self) -> None:
        """Deep sleep, which does not return; unless somebody wants something while the last words leave."""
        if self.settings.is_stale:
            self._save()
        self.announcer.goodbye()
        self.port.set_light(0, 0, 0)
        await self.port.sleep_ms(_LAST_MS)
        if not self._rest():
            self.announcer.wake()
            return
        self.motor.fault()
        self.port.deep_sleep()

    def _save(self) -> None:
        try:
            self.settings.save()
        except OSError:
            # A pulser whose flash is worn out taps on with what it holds while there is power; `info` tells.
            return

    def show_white(self, ms: int) -> None:
        """The light shines white for `ms`, for a person who looks whether it does."""
        self._showing_ms = ms

    def _shine(self) -> None:
        """The light's pattern of this moment."""
        pacer = self.pacer
        battery = self.battery
        is_low = battery.state in (BATTERY_LOW, BATTERY_EMPTY)
        room = self.settings.colour
        if pacer.set_id or self.power.state == POWER_GOING:
            pattern = lights.OFF
        elif self._showing_ms > 0:
            self._showing_ms -= _SHINE_MS
            pattern, room = lights.IDENTIFY, (255, 255, 255)
        elif pacer.state == BUZZ:
            pattern = lights.IDENTIFY
        elif pacer.charging:
            pattern = lights.FULL if battery.mv >= FULL_MV else lights.CHARGING
        elif not self.settings.is_paired:
            pattern = lights.UNPAIRED
        else:
            pattern = lights.LINKED if self.uplink.is_linked else lights.LOOKING
        self.light.show(pattern, room, is_low)

    def _collect(self) -> None:
        """Collects garbage in the gaps, so that Python never has to in a place of its own choice."""
        port = self.port
        since_ms = ticks_diff(port.ticks_ms(), self._collected_ms)
        if since_ms < (_COLLECT_IN_SET_MS if self.pacer.set_id else _COLLECT_MS):
            return
        if since_ms < _COLLECT_ANYWAY_MS:
            if not self.motor.is_quiet(_COLLECT_GAP_US):
                return
            if self.pacer.plan() and ticks_diff(self.pacer.due_ticks, port.ticks_us()) < _COLLECT_GAP_US:
                return
        self._collected_ms = port.ticks_ms()
        gc.collect()
        if not self.pacer.set_id:
            # To count the heap's blocks takes about a ms on a chip: it waits for the set's end.
            self.heap_free_bytes = port.heap_free()


def run() -> None:
    """Runs the pulser on this hardware; returns when a reset is asked for. The motor is off then, always."""
    # What loading leaves behind is collected step by step: what is to stay would lie scattered among it.
    gc.collect()
    board = read_board_file()
    port = make_port(board)
    gc.collect()
    app = App(port, board)
    gc.collect()
    try:
        port.run(app.run())
    finally:
        app.motor.fault()
