"""The pulser's side of its link: datagrams in, the pacer told, reports out.

`pump` takes one datagram; `beat` does what time asks for. Neither is called near a sharp edge: the two loops
in `app` see to that. A frame that is not the daemon's changes nothing and is counted by its reason.
"""

from twintap_protocol.errors import RemoteError
from twintap_protocol.frames import (
    ASSIGN,
    BECKON,
    ECHO,
    ENDED_LINK,
    ENDED_STOP,
    IDENTIFY,
    LEASE,
    MAGIC,
    NETWORK,
    PLAIN_HEADER_LEN,
    POWER,
    POWER_AWAKE,
    POWER_GOING,
    REPORT,
    SCHEDULE,
    STOP,
    TUNE,
    WELCOME,
    Assign,
    Identify,
    Lease,
    Network,
    Power,
    Probe,
    Schedule,
    Stop,
    Tune,
    is_newer_minor,
)
from twintap_protocol.limits import (
    HANDSHAKE_IN_SET_MS,
    KEEPALIVE_DROWSY_MS,
    KEEPALIVE_MS,
    LINK_SILENT_DROWSY_MS,
    LINK_SILENT_MS,
    REPEAT_LAST_MS,
    REPEAT_MS,
    REPORT_IN_SET_MS,
)
from twintap_protocol.link import Channel, PulserLink
from twintap_protocol.ticks import ticks_diff

from . import VERSION
from .addressing import NO_ADDRESS
from .clock import Every
from .sealing import make_sealer
from .seek import Seek
from .settle import Settler
from .telling import Teller

TYPE_CHECKING = False
if TYPE_CHECKING:
    from twintap_protocol.pacer import Pacer

    from .announce import Announcer
    from .battery import Battery
    from .clock import Clock
    from .motor import Motor
    from .port_contract import Port
    from .power import Power as Rest
    from .prober import Prober
    from .settings import Settings

_DATAGRAM_MAX = 768  # a DNS-SD answer about one daemon; frames are shorter
_BECKON_SILENT_MS = 1_500  # a linked pulser that has heard nothing this long follows a beckon
_REPEATS_END = 20  # reports of a set's end, about 3 s of them: then the link is lost anyway
_REPEATS_CHANGE = 4  # of another change, which the next keep-alive tells too
_REPEATS_GOING = 12  # of the last words before sleep, more than a second of them


class Uplink:
    """The link's owner: makes it, keeps it, takes its frames and answers them."""

    def __init__(
        self,
        port: "Port",
        clock: "Clock",
        settings: "Settings",
        pacer: "Pacer",
        motor: "Motor",
        prober: "Prober",
        announcer: "Announcer",
        battery: "Battery",
        power: "Rest",
        pulser_id: bytes,
    ) -> None:
        self.link: "PulserLink | None" = None
        self.daemon = NO_ADDRESS  # where the newest authentic frame came from
        self.dropped: "dict[str, int]" = {}
        self.links = 0
        self.hellos = 0  # sent
        self.heard = 0  # authentic frames
        self.refused = 0  # the reason of the last refusal (`frames.REFUSED_...`): a hint for people
        self._port = port
        self._clock = clock
        self._settings = settings
        self._pacer = pacer
        self._motor = motor
        self._prober = prober
        self._announcer = announcer
        self._pulser_id = pulser_id
        self._seek = Seek(port, settings)
        self._rx = bytearray(_DATAGRAM_MAX)
        self._power = power
        self.settler = Settler(port, settings, pacer, power)
        self._teller = Teller(port, settings, pacer, motor, battery, power, self.settler)
        self._heard_ms = 0
        self._reported_ms = 0
        self._first_ms = 0  # when what is repeated now was first sent
        self._is_beckoned = False
        self._handshake = Every(port, HANDSHAKE_IN_SET_MS)
        self._repeats = 0
        self._repeats_left = 0
        self._known_end = 0  # the newest end of a set that the daemon is known to know
        self._seen_end = 0
        self._seen_presses = 0
        self._seen_charging = False
        self._last_identify = -1

    # --- pairing --------------------------------------------------------------------------------------------

    def restart(self) -> None:
        """The settings have changed: whatever link there was is over."""
        pacer = self._pacer
        self._motor.hold()
        if pacer.set_id:
            pacer.end(pacer.set_id, ENDED_LINK)
        self._motor.release()
        self.link = None
        self.daemon = NO_ADDRESS
        self._seek.restart()
        self._announcer.wake()

    def _make_link(self) -> "PulserLink | None":
        settings = self._settings
        if not settings.is_paired or self._port.network_state() != "up":
            return None
        boot_id = self._port.random(4)
        return PulserLink(self._pulser_id, settings.daemon_id, settings.key, make_sealer, boot_id, VERSION)

    @property
    def is_linked(self) -> bool:
        """Whether there is a live link."""
        return self.link is not None and self.link.channel is not None

    @property
    def may_drowse(self) -> bool:
        """Whether nobody would take a drowsy pulser's silence for a lost link: minor 0 knows no rest."""
        return self.link is None or self.link.channel is None or self.link.channel.minor >= 1

    # --- what arrives ---------------------------------------------------------------------------------------

    def pump(self) -> bool:
        """Takes one datagram; false if none waits."""
        rx = self._rx
        length = self._port.recv_into(rx)
        if length < 0:
            return False
        t4_ticks = self._port.ticks_us()
        if length < PLAIN_HEADER_LEN:
            self._drop("length")
        elif rx[0] != MAGIC:
            self._stray(length)
        elif self.link is None:
            self._drop("link")
        elif rx[2] >= ECHO:
            self._sealed(self.link, length, t4_ticks)
        else:
            self._handshaken(self.link, length)
        return True

    def _drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1

    def dropped_count(self) -> int:
        """All frames that were refused, by whatever reason."""
        return sum(self.dropped.values())

    def _stray(self, length: int) -> None:
        if self.link is None or self.is_linked or not self._seek.is_answer(self._rx, length):
            self._drop("magic")
            return
        try:
            self._seek.take_answer(self._rx, length)
        except RemoteError as error:
            self._drop(error.reason)

    def _handshaken(self, link: PulserLink, length: int) -> None:
        if self._pacer.set_id and not self._handshake.is_due():
            self._drop("handshake")
            return
        try:
            kind, _ = link.receive(self._rx, length)
        except RemoteError as error:
            self._drop(error.reason)
            return
        if kind == BECKON:
            if not self.is_linked or self._silent_ms() >= _BECKON_SILENT_MS:
                self._is_beckoned = True
                self._seek.add(self._port.source)
        elif kind == WELCOME:
            self._first_ms = self._port.ticks_ms()
            self._port.lead(self._port.source)
            self.daemon = self._port.source
            self._repeats = 0
            self._prove()
        else:
            # Anyone can send a refusal: it is kept for people to see, and nothing is done about it.
            self.refused = self._rx[12]

    def _sealed(self, link: PulserLink, length: int, t4_ticks: int) -> None:
        rx = self._rx
        channel = link.channel
        pending = link.pending
        # By far the most of a flood ends here, without an exception's cost.
        if length < 8 or not (
            (channel is not None and channel.is_for(rx)) or (pending is not None and pending.is_for(rx))
        ):
            self._drop("link")
            return
        try:
            kind, payload_len = link.receive(rx, length)
            self._heard(link)
            newer = is_newer_minor(rx)
            at = Channel.PAYLOAD
            if kind == ECHO:
                self._prober.echo(Probe.read(rx, at, payload_len, newer), t4_ticks)
            else:
                self._command(kind, at, payload_len, newer)
        except RemoteError as error:
            self._drop(error.reason)

    def _heard(self, link: PulserLink) -> None:
        self.heard += 1
        self._heard_ms = self._port.ticks_ms()
        self._is_beckoned = False
        self.settler.heard()
        if link.is_new:
            self.links += 1
            self.refused = 0
            self._motor.hold()
            self._pacer.new_link(link.ended_set, ENDED_LINK)
            self._motor.release()
            self._seen_end = self._known_end = self._pacer.ended_set
            self._repeats_left = 0
            self._last_identify = -1
            self.settler.new_link()
            self._prober.restart()
        source = self._port.source
        if link.is_new or source != self.daemon:
            self.daemon = bytes(source)
            self._port.lead(self.daemon)
            self._settings.remember_address(self.daemon)

    def _command(self, kind: int, at: int, length: int, newer: bool) -> None:
        rx = self._rx
        pacer = self._pacer
        if kind == LEASE:
            self._lease(Lease.read(rx, at, length, newer))
            return
        if kind == SCHEDULE:
            self._power.touch()
            schedule = Schedule.read(rx, at, length, newer)
            ticks = self._clock.sample()
            self._motor.hold()
            try:
                pacer.accept(schedule, self._clock.wraps, ticks)
            finally:
                self._motor.release()
        elif kind == STOP:
            set_id = Stop.read(rx, at, length, newer)
            self._motor.hold()
            pacer.end(set_id, ENDED_STOP)
            self._motor.release()
            self._acknowledged(set_id)
        elif kind == IDENTIFY:
            frame = Identify.read(rx, at, length, newer)
            if frame.number != self._last_identify:
                self._power.touch()
                self._last_identify = frame.number
                self.identify(frame.duration_ms, frame.level_bp)
        elif kind == ASSIGN:
            self._assign(Assign.read(rx, at, length, newer))
        elif kind == TUNE:
            self.settler.tune(Tune.read(rx, at, length, newer))
        elif kind == NETWORK:
            self.settler.network(Network.read(rx, at, length, newer))
        elif kind == POWER:
            self.settler.power(Power.read(rx, at, length, newer))
        self.report()

    def identify(self, duration_ms: int, level_bp: int) -> bool:
        """Buzzes; false in a set, while charging, or while it buzzes already."""
        self._motor.hold()
        done = self._pacer.identify(duration_ms, level_bp, self._port.ticks_us())
        if done:
            # A program that hangs in a buzz must be stilled like one that hangs in a set. Before the release,
            # which turns the motor on; and never for nothing, for the watchdog cannot be disarmed.
            self._motor.start_watchdog()
        self._motor.release()
        return done

    def _lease(self, lease: Lease) -> None:
        pacer = self._pacer
        set_id = pacer.set_id
        was_leased = pacer.leased
        ticks = self._clock.sample()
        if not was_leased and set_id and lease.set_id == set_id:
            self._motor.start_watchdog()
        self._motor.hold()
        try:
            pacer.grant(lease, self._clock.wraps, ticks)
        finally:
            self._motor.release()
        self._acknowledged(lease.ended_set)
        if self._power.state == POWER_GOING:
            self._power.answered()
        if pacer.leased != was_leased or pacer.set_id != set_id:
            self.report()

    def _acknowledged(self, ended_set: int) -> None:
        if ended_set > self._known_end:
            self._known_end = ended_set
        if self._pacer.ended_set <= self._known_end:
            self._seen_end = self._pacer.ended_set
            self._repeats_left = 0

    def _assign(self, frame: Assign) -> None:
        settings = self._settings
        colour = (frame.red, frame.green, frame.blue)
        if settings.side != frame.side or settings.colour != colour:
            settings.side = frame.side
            settings.colour = colour
            settings.is_stale = True
            self._port.set_side(settings.side, colour)
            self._announcer.wake()

    # --- what time asks for ---------------------------------------------------------------------------------

    def beat(self) -> None:
        """Called every 10 ms or so, never near a sharp edge."""
        if self.link is None:
            self.link = self._make_link()
            if self.link is None:
                return
            self._seek.restart()
        link = self.link
        if self._port.address_changed:
            self._port.address_changed = False
            # The daemon answers to where the newest authentic frame came from.
            if self.is_linked:
                self.report()
            else:
                self._seek.restart()
        if link.channel is not None:
            if self._power.changed:
                # Before the silence is judged: of one who was drowsy until now it may be longer.
                self._tell_power()
            if self._silent_ms() > self._patience_ms():
                self._lose(link)
            else:
                self._tell_changes()
        if link.channel is None or self._is_beckoned:
            self._say_hello(link)
        if link.pending is not None:
            self._prove_again()

    def _lose(self, link: PulserLink) -> None:
        link.lost()
        self._motor.hold()
        if self._pacer.set_id:
            self._pacer.end(self._pacer.set_id, ENDED_LINK)
        self._motor.release()
        self._seek.restart()
        self._announcer.wake()

    def _say_hello(self, link: PulserLink) -> None:
        if self._pacer.set_id:
            return
        addresses = self._seek.next_round()
        if addresses:
            hello = link.hello(self._port.random(16))
            self.hellos += len(addresses)
            for address in addresses:
                self._port.send(hello, len(hello), address)

    def _prove(self) -> None:
        if self.link is not None and self.link.pending is not None:
            self._send_report(self.link.pending)

    def _prove_again(self) -> None:
        wait_ms = ticks_diff(self._port.ticks_ms(), self._first_ms)
        due_ms = repeat_offset_ms(self._repeats + 1)
        if wait_ms >= due_ms:
            self._repeats += 1
            self._prove()

    def _silent_ms(self) -> int:
        return ticks_diff(self._port.ticks_ms(), self._heard_ms)

    def _patience_ms(self) -> int:
        return LINK_SILENT_MS if self._power.state == POWER_AWAKE else LINK_SILENT_DROWSY_MS

    def _tell_power(self) -> None:
        power = self._power
        power.changed = False
        if power.state == POWER_GOING:
            self._begin_repeats(_REPEATS_GOING)
        else:
            # To be awake again is urgent: somebody waits for it.
            self._begin_repeats(max(_REPEATS_CHANGE, self._repeats_left))
            if power.state == POWER_AWAKE:
                self._heard_ms = self._port.ticks_ms()
                self._prober.restart()

    def _tell_changes(self) -> None:
        pacer = self._pacer
        now_ms = self._port.ticks_ms()
        presses = self._motor.presses
        if pacer.ended_set != self._seen_end:
            self._seen_end = pacer.ended_set
            self._begin_repeats(_REPEATS_END if pacer.ended_set > self._known_end else 0)
        if presses != self._seen_presses or pacer.charging != self._seen_charging:
            self._seen_presses = presses
            self._seen_charging = pacer.charging
            self._begin_repeats(max(_REPEATS_CHANGE, self._repeats_left))
        if self._repeats_left and ticks_diff(now_ms, self._first_ms) >= repeat_offset_ms(self._repeats):
            self._repeats += 1
            self._repeats_left -= 1
            self.report()
        if self._power.is_saving:
            every_ms = KEEPALIVE_DROWSY_MS
        else:
            every_ms = REPORT_IN_SET_MS if pacer.set_id else KEEPALIVE_MS
        if ticks_diff(now_ms, self._reported_ms) >= every_ms:
            self.report()

    def _begin_repeats(self, count: int) -> None:
        self._repeats = 0
        self._repeats_left = count
        self._first_ms = self._port.ticks_ms()

    # --- reports --------------------------------------------------------------------------------------------

    def report(self) -> None:
        """Tells the daemon all, now."""
        if self.link is not None and self.link.channel is not None:
            self._send_report(self.link.channel)

    def _send_report(self, channel: Channel) -> None:
        port = self._port
        # Stamps belong to a link; a proof has none to tell yet.
        is_live = self.link is not None and channel is self.link.channel
        report = self._teller.report(self.dropped_count(), self._prober.stamps() if is_live else [])
        length = channel.seal(REPORT, report.write(channel.tx, channel.PAYLOAD))
        port.send(channel.tx, length, self.daemon)
        self._reported_ms = port.ticks_ms()


def repeat_offset_ms(repeat: int) -> int:
    """When sending number `repeat` (0: the first) of an unacknowledged frame is due after the first."""
    last = len(REPEAT_MS) - 1
    if repeat <= last:
        return REPEAT_MS[repeat]
    return REPEAT_MS[last] + (repeat - last) * REPEAT_LAST_MS
