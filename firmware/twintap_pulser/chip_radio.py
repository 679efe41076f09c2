"""The chip's Wi-Fi: joins the best of up to three networks, finds a lost one again, says what is wrong.

What stock firmware does, and what follows from it here. It retries for ever by itself and tells meanwhile no
more than "connecting": so it is given two attempts, after which it says what the access point said. A scan
blocks its caller for two seconds or more: it runs in a thread of its own, for the event loop feeds the
watchdog. Neither a scan nor a join is begun while `is_busy` says that a set runs: the radio has better things
to do then, and so has Python.
"""

import _thread
import asyncio

import network

from twintap_protocol.ticks import ticks_diff

from .addressing import NO_ADDRESS, pack_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Found = tuple[bytes, int, int, bool]
    Heard = tuple[bytes, bytes, int, int, int, int]
    Known = tuple[str, str]

SERVICE = "_twintap-pulser"  # as `dnssd` announces it
_LOOK_MS = 250
_RECONNECTS = 1  # the chip's own second attempt, before it tells why it fails; -1, its default, is for ever
_JOIN_MS = 15_000  # of one network: association, and an address
_RETRY_MS = 5_000  # after all have refused
_SCAN_MS = 10_000  # a scan that takes longer has failed
_SCAN_STEP_MS = 50
_FOUND_MAX = 20
_STALLS_MAX = 20  # looks at which the chip was too busy to join: 5 s of them are a refusal
_STACK_BYTES = 8 * 1024  # of the scan's thread: twice the default, for C code of unknown depth

OFF = "off"
NO_NETWORK = "no network set"
CONNECTING = "connecting"
UP = "up"
WRONG_PASSWORD = "wrong password"  # noqa: S105 - a state, no secret
NO_ADDRESS_GIVEN = "no address"
REFUSED = "refused"
NOT_FOUND = "not found"
# What to say of several networks that all failed: the one that a person can mend.
_WORST = (WRONG_PASSWORD, NO_ADDRESS_GIVEN, REFUSED, NOT_FOUND)

# ESP-IDF's reasons (`wifi_err_reason_t`), which MicroPython hands on. A wrong password shows in several ways:
# by the access point's word (AUTH_EXPIRE 2, MIC_FAILURE 14, AUTH_FAIL 202) or by its silence in the handshake
# (15, 204).
_PASSWORD_REASONS = (2, 14, 15, 202, 204)
_ABSENT_REASONS = (200, 201, 212)


class Radio:
    """The station, and the networks that it knows. `on_address` is called when its address has changed."""

    def __init__(
        self,
        ticks_ms: "Callable[[], int]",
        is_busy: "Callable[[], bool]",
        on_address: "Callable[[], None]",
        port: int,
    ) -> None:
        self._ticks_ms = ticks_ms
        self._is_busy = is_busy
        self._on_address = on_address
        self._port = port
        self._wlan = network.WLAN(network.STA_IF)
        self._networks: "list[Known]" = []
        self._queue: "list[Known]" = []  # still to be tried in this round
        self._trying: "Known | None" = None
        self._joined: "Known | None" = None
        self._troubles: "dict[str, str]" = {}  # of the newest attempt at each network
        self._since_ms = 0  # when the attempt, or the wait after a round, began
        self._is_waiting = False  # for the next round
        self._stalls = 0
        self._is_up = False
        self._address = NO_ADDRESS
        self._is_advertised = False
        self._is_scanning = False
        self._heard: "list[Heard] | None" = None
        self._scan_is_done = False

    def begin(self, hostname: str) -> None:
        """Switches the station on, under a name."""
        network.hostname(hostname)
        self._wlan.active(True)
        self._wlan.config(reconnects=_RECONNECTS)
        # On every boot: with power saving a ping takes up to a second.
        self._wlan.config(pm=self._wlan.PM_NONE)

    def end(self) -> None:
        """Switches the station off."""
        self._wlan.active(False)

    def save(self, is_saving: bool) -> None:
        """Lets the station doze between beacons, or keeps it awake."""
        self._wlan.config(pm=self._wlan.PM_POWERSAVE if is_saving else self._wlan.PM_NONE)

    # --- what is known of it ------------------------------------------------------------------------------

    def address(self) -> bytes:
        """The pulser's own address and port, six bytes; zeros while it has none."""
        return self._address if self._is_up else NO_ADDRESS

    def state(self) -> str:
        """One of the words above. A trouble stays until a network is joined or others are set."""
        if not self._wlan.active():
            return OFF
        if not self._networks:
            return NO_NETWORK
        if self._is_up:
            return UP
        for trouble in _WORST:
            if trouble in self._troubles.values():
                return trouble
        return CONNECTING

    def ssid(self) -> str:
        """The network that is joined; empty if none."""
        return self._joined[0] if self._is_up and self._joined is not None else ""

    def rssi_dbm(self) -> int:
        """How well the access point is heard; 0 if unknown."""
        try:
            return int(self._wlan.status("rssi"))
        except (OSError, ValueError):
            return 0  # associated with none

    # --- joining ------------------------------------------------------------------------------------------

    def set_networks(self, networks: "list[Known]") -> None:
        """The networks to join from now on, as SSID and password, the first to be tried first.

        What is joined stays joined if it is one of them; else it is left.
        """
        self._networks = list(networks)
        self._troubles = {}
        if self._is_up and self._joined in networks:
            return
        self._leave()
        self._queue = list(networks)
        self._is_waiting = False
        self._stalls = 0

    def _leave(self) -> None:
        """Lets go of whatever is joined or tried.

        The chip takes a moment for it: the next look tries the next.
        """
        try:
            self._wlan.disconnect()
        except OSError:
            pass  # it had let go already
        self._is_up = False
        self._joined = None
        self._trying = None

    def _try_next(self) -> None:
        """Begins to join the next network of this round; without one, the wait for the next round begins."""
        self._since_ms = self._ticks_ms()
        if not self._queue:
            self._trying = None
            self._is_waiting = True
            return
        known = self._queue.pop(0)
        self._trying = known
        self._is_waiting = False
        try:
            self._wlan.connect(known[0], known[1])
        except OSError:
            # Busy with what it did before: asked again at the next look, and not for ever.
            self._trying = None
            self._stalls += 1
            if self._stalls < _STALLS_MAX:
                self._queue.insert(0, known)
            else:
                self._troubles[known[0]] = REFUSED
            return
        self._stalls = 0

    async def run(self) -> None:
        """Looks after the station, for ever."""
        while True:
            await asyncio.sleep_ms(_LOOK_MS)
            if self._is_scanning or not self._networks:
                continue
            if self._look() and not self._is_busy():
                await self._new_round()

    def _look(self) -> bool:
        """Sees what has become of the station; true if a new round is due."""
        if self._wlan.isconnected():
            if self._joined is None and self._trying is None:
                self._leave()  # of an earlier life: a station outlives a soft reset
            else:
                self._has_joined()
            return False
        if self._is_up:
            # Lost. The chip tries by itself, at once; this is one more attempt, and the others come next.
            self._is_up = False
            self._trying = self._joined
            self._queue = [known for known in self._networks if known != self._joined]
            self._since_ms = self._ticks_ms()
            return False
        passed_ms = ticks_diff(self._ticks_ms(), self._since_ms)
        if self._is_waiting:
            return not 0 <= passed_ms <= _RETRY_MS
        if self._trying is not None:
            trouble = self._trouble(not 0 <= passed_ms <= _JOIN_MS)
            if trouble == CONNECTING:
                return False
            self._troubles[self._trying[0]] = trouble
            self._leave()
        elif not self._is_busy():
            self._try_next()
        return False

    def _has_joined(self) -> None:
        if not self._is_up:
            self._is_up = True
            self._is_waiting = False
            if self._trying is not None:
                self._joined = self._trying
            self._trying = None
            self._queue = []
            self._troubles = {}
            self._advertise()
        address = pack_address(self._wlan.ifconfig()[0], self._port)
        if address != self._address:
            self._address = address
            self._on_address()

    def _trouble(self, is_late: bool) -> str:
        """What is wrong with the running attempt; CONNECTING while nothing is."""
        status = self._wlan.status()
        if status in (network.STAT_CONNECTING, network.STAT_GOT_IP):
            if not is_late:
                return CONNECTING
            return NO_ADDRESS_GIVEN if self.rssi_dbm() else NOT_FOUND
        if status == network.STAT_IDLE:
            return NOT_FOUND if is_late else CONNECTING
        if status in _PASSWORD_REASONS:
            return WRONG_PASSWORD
        return NOT_FOUND if status in _ABSENT_REASONS else REFUSED

    async def _new_round(self) -> None:
        """Tries all networks once more, the strongest first; those that were not seen may be hidden."""
        heard: "dict[str, int]" = {}
        if len(self._networks) > 1:
            for name, rssi_dbm, _, _ in await self._look_around():
                for ssid, _ in self._networks:
                    if ssid.encode() == name:
                        heard[ssid] = rssi_dbm
        self._queue = sorted(self._networks, key=lambda known: -heard.get(known[0], -1_000))
        self._try_next()

    def _advertise(self) -> None:
        """On a build that can, the chip's own responder answers for the service too, once the mDNS runs.

        No release has that yet, so its ways may still change: a refusal costs nothing but this, for the
        announcements go on.
        """
        if self._is_advertised or not hasattr(network, "mdns_service"):
            return
        self._is_advertised = True
        try:
            network.mdns_service(SERVICE, "_udp", self._port)  # pyright: ignore[reportAttributeAccessIssue]
        except (OSError, TypeError, ValueError):
            return

    # --- scanning -----------------------------------------------------------------------------------------

    async def scan(self) -> "list[Found]":
        """The networks that are heard: SSID, level in dBm, channel, and whether it wants a password.

        Each SSID once, the strongest first, twenty at most. Takes 2 to 3 s, in which the rest of the pulser
        goes on; an attempt to join is given up for it and begun anew. Raises `OSError` if the station is
        off or refuses, or is busy with a set or with another scan.
        """
        if self._is_scanning or self._is_busy() or not self._wlan.active():
            raise OSError("the radio is busy")
        interrupted = self._trying
        if interrupted is not None and not self._is_up:
            # A station that is joining refuses to scan.
            self._leave()
        try:
            return await self._scan()
        finally:
            # Unless other networks were set meanwhile, or the station has joined one.
            is_wanted = interrupted in self._networks and interrupted not in self._queue
            if interrupted is not None and is_wanted and self._trying is None and not self._is_up:
                self._queue.insert(0, interrupted)

    async def _look_around(self) -> "list[Found]":
        """What a scan finds; nothing if the station refuses one, which is no reason not to join."""
        try:
            return await self._scan()
        except OSError:
            return []

    async def _scan(self) -> "list[Found]":
        self._is_scanning = True
        self._heard = None
        self._scan_is_done = False
        _thread.stack_size(_STACK_BYTES)
        _thread.start_new_thread(self._scan_now, ())
        waited_ms = 0
        while not self._scan_is_done and waited_ms < _SCAN_MS:
            await asyncio.sleep_ms(_SCAN_STEP_MS)
            waited_ms += _SCAN_STEP_MS
        self._is_scanning = False
        heard = self._heard
        self._heard = None
        if heard is None:
            raise OSError("the radio refuses to scan")
        return _sorted(heard)

    def _scan_now(self) -> None:
        # In a thread: nothing here but the radio.
        try:
            self._heard = self._wlan.scan()
        except (OSError, MemoryError):
            self._heard = None
        self._scan_is_done = True


def _sorted(heard: "list[Heard]") -> "list[Found]":
    strongest: "dict[bytes, Found]" = {}
    for ssid, _, channel, rssi_dbm, security, _ in heard:
        known = strongest.get(ssid)
        if ssid and (known is None or known[1] < rssi_dbm):
            strongest[ssid] = (ssid, rssi_dbm, channel, security != 0)
    return sorted(strongest.values(), key=lambda one: -one[1])[:_FOUND_MAX]
