"""Rest: how long the pulser has been idle, and what follows: a radio that saves, then deep sleep.

Awake; then *drowsy*, said for DROWSY_NOTICE_MS before the radio really saves; then *going*, its last words;
then asleep. Whatever ends its idleness makes it awake again, from any of them. Linked or not makes no
difference: a pulser that was forgotten in a drawer sleeps as well.
"""

from twintap_protocol.frames import POWER_AWAKE, POWER_DROWSY, POWER_GOING
from twintap_protocol.limits import DROWSY_NOTICE_MS
from twintap_protocol.ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board_file import BoardFile
    from .port_contract import Port

_GOING_MS = 1_000  # the last words are repeated this long, unless they are answered
_COUNT_MAX = 65_535  # what a report carries


class Power:
    """Counts idleness. `state` is one of `frames.POWER_...`; `touch` when something happens, `beat` often.

    `changed` is set when `state` changed; whoever has acted on it clears it.
    """

    def __init__(self, port: "Port", board: "BoardFile") -> None:
        self.state = POWER_AWAKE
        self.changed = False
        self.idle_s = 0
        self.is_saving = False  # the radio sleeps between beacons
        self._port = port
        self._drowsy_after_s = board.drowsy_after_s
        sleep_after_s = board.sleep_after_s
        self._sleep_after_s = 0 if sleep_after_s is None or not port.can_sleep else sleep_after_s
        self._counted_ms = port.ticks_ms()
        self._state_ms = self._counted_ms
        self._is_answered = False
        self._is_charging = False

    def touch(self) -> None:
        """Something happened: the time of idleness begins anew, and the radio listens all the time."""
        self.idle_s = 0
        self._counted_ms = self._port.ticks_ms()
        if self.state != POWER_AWAKE:
            self._enter(POWER_AWAKE)
            if self.is_saving:
                self.is_saving = False
                self._port.save_radio(False)

    def sleep_now(self) -> bool:
        """Somebody asks for deep sleep; false while charging, or where no button could end it."""
        if not self._port.can_sleep or self._is_charging:
            return False
        self._enter(POWER_GOING)
        return True

    def answered(self) -> None:
        """The daemon has heard the last words."""
        self._is_answered = True

    def sleep_in_s(self) -> int:
        """Until deep sleep, if nothing happens: 1 .. 65535; 0 if it will not come."""
        if not self._sleep_after_s or self._is_charging:
            return 0
        left_s = self._sleep_after_s - self.idle_s
        return 1 if left_s < 1 else left_s if left_s < _COUNT_MAX else _COUNT_MAX

    def beat(self, is_busy: bool, may_drowse: bool, is_linked: bool, is_charging: bool) -> bool:
        """Tells whether it is time to sleep: the last words are said. Not near an edge.

        `is_busy`: something goes on that is no idleness. `may_drowse`: the daemon, if there is one, knows
        what drowsy means.
        """
        self._is_charging = is_charging
        if is_busy:
            self.touch()
            return False
        self._count()
        if self.state == POWER_GOING:
            if is_charging:
                self.touch()
                return False
            return not is_linked or self._is_answered or self._since_ms() >= _GOING_MS
        if self._sleep_after_s and not is_charging and self.idle_s >= self._sleep_after_s:
            self._enter(POWER_GOING)
        elif self.state == POWER_AWAKE:
            if may_drowse and self.idle_s >= self._drowsy_after_s:
                self._enter(POWER_DROWSY)
        elif not may_drowse:
            self.touch()  # a daemon that would take the silence for a lost link
        elif not self.is_saving and self._since_ms() >= DROWSY_NOTICE_MS:
            self.is_saving = True
            self._port.save_radio(True)
        return False

    def _count(self) -> None:
        # In seconds: the clock of ms comes round within the time that a board may wait for its sleep.
        since_ms = ticks_diff(self._port.ticks_ms(), self._counted_ms)
        if since_ms < 0:
            self._counted_ms = self._port.ticks_ms()
        elif since_ms >= 1000:
            self.idle_s += since_ms // 1000
            self._counted_ms = ticks_add(self._counted_ms, since_ms // 1000 * 1000)

    def _enter(self, state: int) -> None:
        if state != self.state:
            self.state = state
            self.changed = True
            self._is_answered = False
            self._state_ms = self._port.ticks_ms()

    def _since_ms(self) -> int:
        return ticks_diff(self._port.ticks_ms(), self._state_ms)
