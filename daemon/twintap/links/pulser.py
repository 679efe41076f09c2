"""One paired pulser, as long as it is paired: it owns the links, and gets the next one when one is lost."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

from twintap_protocol import frames, limits
from twintap_protocol.errors import RemoteError
from twintap_protocol.link import Hello, beckon, welcome

from ..core.charge import Charge
from ..paired import Pairing
from ..views import Rest
from .bucket import Bucket
from .link import Address, Link, Send
from .sealing import HostSealer

_SILENT_US = limits.LINK_SILENT_MS * 1_000
_KEEPALIVE_US = limits.KEEPALIVE_MS * 1_000
_SILENT_DROWSY_US = limits.LINK_SILENT_DROWSY_MS * 1_000
_KEEPALIVE_DROWSY_US = limits.KEEPALIVE_DROWSY_MS * 1_000
_DROWSY_AFTER_US = 3_000_000  # from its first word of it on a pulser's radio still listens for so long
_WAKING_US = 10_000_000  # one that was asked to wake, and whose clock is not known by then, is unready
_ROAD_OPEN_US = 20_000_000  # often enough that firewalls between keep the road open
_BECKON_FIRST_US = limits.HELLO_RETRY_MS * 1_000
_BECKON_MOST_US = limits.HELLO_RETRY_MAX_MS * 1_000
_BECKON_LEAST_US = 100_000  # whatever mDNS says, and however often
_ANSWERS_PER_S = 10.0  # new links offered to one pulser; it asks twice a second at most
_COLOUR_TOLD = 3  # bad air loses 5 % of frames: all of three seldom
_BECKON_FAST_US = 60_000_000  # after this long without an answer, only as often as the road needs


class Pulser:
    """See the module's text. Everything runs on the event loop; nothing here awaits."""

    def __init__(self, pairing: Pairing, daemon_id: bytes, send: Send, clock_us: Callable[[], int]) -> None:
        self.pairing = pairing
        self.id = pairing.pulser_id.hex()  # by which controllers name it
        self.link: Link | None = None
        self.address: Address | None = None
        if pairing.last_host is not None and pairing.last_port is not None:
            self.address = (pairing.last_host, pairing.last_port)
        self.was_linked = False
        self.unlinked_us = clock_us()  # since when it has had no link, or had none the last time
        self.heard_at_us: int | None = None
        self.dropped = 0
        self.pending: OrderedDict[bytes, Link] = OrderedDict()
        self.colour: tuple[int, int, int] = (0, 0, 0)
        self.identify_number = secrets.randbits(16)
        self.charge = Charge()
        self.is_asleep = False  # its last words were that it goes to sleep
        self._drowsy_since_us: int | None = None
        self._woken_us: int | None = None
        self._daemon_id = daemon_id
        self._send = send
        self._clock_us = clock_us
        self._beckon_due_us = 0
        self._beckoned_us = 0
        self._beckon_wait_us = _BECKON_FIRST_US
        self._seeking_since_us = clock_us()
        self._keepalive_due_us = 0
        self._answers = Bucket(_ANSWERS_PER_S, _ANSWERS_PER_S)
        self._last_link: Link | None = (
            None  # the link before: its clock still runs if the pulser did not boot
        )

    @property
    def report(self) -> frames.Report | None:
        """The newest report on the live link."""
        return self.link.report if self.link is not None else None

    @property
    def state(self) -> Literal["linked", "seeking", "unseen"]:
        """`seeking`: heard of, by an address or a link before, and not linked."""
        if self.link is not None:
            return "linked"
        return "seeking" if self.was_linked or self.address is not None else "unseen"

    def is_ready(self, now_us: int) -> bool:
        """Whether its clock is known well enough to start a set."""
        if self.link is None or self.link.report is None:
            return False
        return self.link.fit.is_usable(now_us)

    def has_new_press(self) -> bool:
        """Whether the newest report tells of a press that none before on this link did; ask it of each."""
        link = self.link
        if link is None or link.report is None:
            return False
        told, link.presses_told = link.presses_told, link.report.presses
        return told is not None and told != link.report.presses

    # --- how it rests ---------------------------------------------------------------------------------------

    def rest(self, now_us: int) -> Rest:
        """Whether it is awake, by its newest report and by what it was asked to be."""
        report = self.report
        if self.link is None:
            return "asleep" if self.is_asleep else "unknown"
        is_drowsy = report is not None and report.power == frames.POWER_DROWSY
        is_asked = self._woken_us is not None and now_us < self._woken_us + _WAKING_US
        if is_asked and (is_drowsy or not self.is_ready(now_us)):
            return "waking"
        return "drowsy" if is_drowsy else "awake"

    def woken(self, now_us: int) -> None:
        """It is being asked to be awake. Of one that is not drowsy this says nothing new."""
        if self.report is not None and self.report.power == frames.POWER_DROWSY:
            self._woken_us = now_us

    def take_report(self, now_us: int) -> None:
        """Its newest report is a new one: what it says of its rest and its charge holds from now on."""
        report = self.report
        if report is None:
            return
        is_charging = bool(report.flags & frames.FLAG_CHARGING)
        self.charge.take(report.battery_mv, is_charging=is_charging, now_us=now_us)
        if report.power != frames.POWER_DROWSY:
            if self._drowsy_since_us is not None:
                self._keepalive_due_us = 0  # from its word on it waits no longer than any other
            self._drowsy_since_us = None
        elif self._drowsy_since_us is None:
            self._drowsy_since_us = now_us
            self._woken_us = None

    # --- making links ---------------------------------------------------------------------------------------

    def answer(self, hello: Hello, address: Address, ended_set: int) -> tuple[bytes, Link, list[bytes]]:
        """The welcome to an authentic hello, the link that it offers, and the link ids it pushes out.

        A hello that comes again, by the network's doing or by an eavesdropper's, gets the same welcome and
        pushes out nothing. Raises `RemoteError`: `replay` for the live link's hello, `flood` for too many.
        """
        if self.link is not None and self.link.nonce == hello.nonce:
            raise RemoteError("replay")
        for link in self.pending.values():
            if link.nonce == hello.nonce:
                return link.reply, link, []
        if not self._answers.take(self._clock_us()):
            raise RemoteError("flood")
        reply, channel = welcome(
            hello,
            self.pairing.key,
            secrets.token_bytes(frames.NONCE_LEN),
            secrets.token_bytes(frames.LINK_ID_LEN),
            ended_set,
            HostSealer,
        )
        link = Link(channel, address, self._send, self._clock_us, hello, reply)
        self.pending[channel.link_id] = link
        gone: list[bytes] = []
        while len(self.pending) > limits.PENDING_LINKS:
            gone.append(self.pending.popitem(last=False)[0])
        return reply, link, gone

    def prove(self, link: Link) -> list[bytes]:
        """`link` has opened its first frame: it is the link now. Gives the link ids that are over."""
        gone = [link_id for link_id in self.pending if link_id != link.channel.link_id]
        if self.link is not None:
            gone.append(self.link.channel.link_id)
        self.pending.clear()
        before = self.link or self._last_link
        if before is not None and before.boot_id == link.boot_id:
            link.fit = before.fit
        self._last_link = None
        self.link = link
        self.was_linked = True
        self._drowsy_since_us = self._woken_us = None
        self._beckon_wait_us = _BECKON_FIRST_US
        self._keepalive_due_us = 0
        return gone

    def lose(self) -> list[bytes]:
        """Gives the link up; gives the link ids that are over."""
        gone = list(self.pending)
        self.pending.clear()
        if self.link is not None:
            gone.append(self.link.channel.link_id)
            self._last_link = self.link
            self.unlinked_us = self._clock_us()
        self.link = None
        self._seeking_since_us = self._clock_us()
        self._beckon_due_us = 0
        return gone

    def drop_fit(self) -> None:
        """Forgets what its clock reads: the daemon's own clock jumped."""
        self._last_link = None
        if self.link is not None:
            self.link.drop_fit()

    def found_at(self, address: Address) -> None:
        """Discovery, or a person, says that the pulser is at `address`: ask it there, if it is not linked.

        Of a linked pulser its own frames say where it is; anybody can announce something else.
        """
        if self.link is None:
            self.address = address
            now_us = self._clock_us()
            self._seeking_since_us = now_us
            self._beckon_wait_us = _BECKON_FIRST_US
            self._beckon_due_us = min(self._beckon_due_us, self._beckoned_us + _BECKON_LEAST_US)

    # --- the rhythm -----------------------------------------------------------------------------------------

    def is_silent(self, now_us: int) -> bool:
        """Whether the live link was not heard for so long that it has to be given up."""
        longest_us = _SILENT_US if self._drowsy_since_us is None else _SILENT_DROWSY_US
        return self.link is not None and now_us - self.link.heard_us > longest_us

    def tick(self, now_us: int, ended_set: int) -> None:
        """A few times a second: beckons when there is no link, keeps an idle link alive when there is."""
        link = self.link
        if link is not None:
            if now_us >= self._keepalive_due_us:
                self.keep_alive(now_us, ended_set)
            if not link.is_worn or link.report is None or link.report.flags & frames.FLAG_SET:
                return
        if self.address is None or now_us < self._beckon_due_us:
            return
        self._beckoned_us = now_us
        self._send(beckon(self.pairing.pulser_id, self._daemon_id, self.pairing.key), self.address)
        if now_us - self._seeking_since_us > _BECKON_FAST_US:
            self._beckon_wait_us = _ROAD_OPEN_US
        self._beckon_due_us = now_us + self._beckon_wait_us
        self._beckon_wait_us = min(self._beckon_wait_us * 2, max(_BECKON_MOST_US, self._beckon_wait_us))

    def keep_alive(self, now_us: int, ended_set: int) -> None:
        """A sign of life without a right to vibrate, which also says which sets are over."""
        if self.link is not None:
            since_us = self._drowsy_since_us
            is_saving = since_us is not None and now_us >= since_us + _DROWSY_AFTER_US
            self._keepalive_due_us = now_us + (_KEEPALIVE_DROWSY_US if is_saving else _KEEPALIVE_US)
            self.link.send_lease(frames.Lease(0, 0, 0, 0, 0, ended_set))

    def assign(self) -> None:
        """Tells the pulser its side and its room's colour; call it with each report, it tells what is needed.

        No report tells a colour: a new link's first `_COLOUR_TOLD` reports have it told whatever they say.
        After that only a side that is another is put right. While a set is held nothing is told.
        """
        link = self.link
        if link is None or link.report is None or link.report.flags & frames.FLAG_SET:
            return
        side = frames.SIDE_LEFT if self.pairing.side == "left" else frames.SIDE_RIGHT
        if link.report.side != side or link.assigned < _COLOUR_TOLD:
            link.assigned += 1
            frame = frames.Assign(side, *self.colour)
            link.send(frames.ASSIGN, frame.write(link.payload, link.channel.PAYLOAD))
