"""How long a pulser's charge lasts: from its cell's voltage, and from how fast that has been falling.

Pure. A voltage is a poor gauge in the middle of a cell's charge and a good one at its end, which is where a
warning is of use. Levels of charge are in percent of a full cell.
"""

from collections import deque
from itertools import pairwise
from statistics import median

from .pacing import OPEN
from .state import SetState

# A lithium polymer cell's rest voltage by what is left in it, as makers of such cells show it at a fifth of
# the capacity an hour, rounded. mV, percent.
_CURVE = (
    (3_270, 0.0),
    (3_610, 5.0),
    (3_690, 10.0),
    (3_730, 20.0),
    (3_770, 30.0),
    (3_800, 40.0),
    (3_840, 50.0),
    (3_870, 60.0),
    (3_950, 70.0),
    (4_020, 80.0),
    (4_110, 90.0),
    (4_200, 100.0),
)
EMPTY_MV = 3_300  # what is left below this is not for tapping
USUAL_PCT_PER_H = 12.0  # radio and motor of a pulser at work, some 120 mA, out of a cell of 1000 mAh
_LEAST_PCT_PER_H, _MOST_PCT_PER_H = 8.0, 60.0  # what a measurement may say: no radio costs less, no cell more
_NOW = 15  # readings: a motor's dips are no more than a third of them
_READ_US = 1_000_000  # in a set ten reports come in a second, and tell nothing more
_BIN_US = 300_000_000  # readings of five minutes are one: their median is free of the motor's dips
_BINS = 24  # two hours
_MEASURED_BINS = 6  # half an hour, and
_MEASURED_PCT = 5.0  # so much less: else the readings' own noise would be taken for a rate
# What the longest set takes, in minutes.
LONGEST_MIN = 10.0


def charge_pct(battery_mv: float) -> float:
    """What is left in a cell at `battery_mv`, 0..100 %."""
    if battery_mv <= _CURVE[0][0]:
        return 0.0
    for (low_mv, low_pct), (high_mv, high_pct) in pairwise(_CURVE):
        if battery_mv <= high_mv:
            return low_pct + (high_pct - low_pct) * (battery_mv - low_mv) / (high_mv - low_mv)
    return 100.0


class Charge:
    """One pulser's. Feed each reading to `take`; instants are µs of the daemon's monotonic clock."""

    def __init__(self) -> None:
        self._bin_us = 0.0
        self._read_us = float("-inf")
        self._readings: list[int] = []
        self._level_pct: float | None = None
        self._levels: deque[float] = deque(maxlen=_BINS)
        self._is_charging = False

    def take(self, battery_mv: int, *, is_charging: bool, now_us: float) -> None:
        """A report's reading; 0: not measured. A charger begins everything anew."""
        if battery_mv == 0 or is_charging != self._is_charging:
            self._is_charging = is_charging
            self._readings.clear()
            self._levels.clear()
            self._level_pct, self._read_us = None, float("-inf")
        if battery_mv == 0 or is_charging or now_us < self._read_us + _READ_US:
            return
        self._read_us = now_us
        if self._readings and now_us >= self._bin_us + _BIN_US:
            self._levels.append(charge_pct(median(self._readings)))
            if now_us >= self._bin_us + 2 * _BIN_US:
                self._levels.clear()  # it slept: that says nothing of how fast its charge goes at work
            self._readings.clear()
        if not self._readings:
            self._bin_us = now_us
        self._readings.append(battery_mv)
        self._level_pct = charge_pct(median(self._readings[-_NOW:]))

    @property
    def rate_pct_per_h(self) -> float:
        """How fast the charge goes: as it was measured, or else as it usually does."""
        if len(self._levels) < _MEASURED_BINS:
            return USUAL_PCT_PER_H
        fallen_pct = self._levels[0] - self._levels[-1]
        if fallen_pct < _MEASURED_PCT:
            return USUAL_PCT_PER_H
        hours = (len(self._levels) - 1) * _BIN_US / 3.6e9
        return min(_MOST_PCT_PER_H, max(_LEAST_PCT_PER_H, fallen_pct / hours))

    @property
    def left_min(self) -> float | None:
        """For how many minutes of work the charge lasts; None if it is not measured, or charging."""
        if self._level_pct is None:
            return None
        return max(0.0, self._level_pct - charge_pct(EMPTY_MV)) / self.rate_pct_per_h * 60.0


def needed_min(current: SetState | None, now_us: float) -> float:
    """For how many minutes a room needs its pulsers: until its set's end, or for the longest set."""
    if current is None or not current.is_on:
        return LONGEST_MIN
    begun_us = current.go_us if current.go_us is not None else now_us
    left_min = LONGEST_MIN - (now_us - begun_us) / 60e6
    if current.pacing.passes != OPEN:
        end_us = current.timeline.pass_start_us(current.pacing.passes)
        left_min = min(left_min, (end_us - now_us) / 60e6)
    return max(0.0, left_min)
