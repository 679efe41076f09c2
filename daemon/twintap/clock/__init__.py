"""The clock fit: what a pulser's clock reads at an instant of the daemon's, and how well that is known.

Pure: it opens no socket, reads no clock and keeps no task. Whoever owns a link feeds it bursts of probe
stamps and asks it to translate instants; every "now" is an argument.
"""

from twintap.clock.air import AirExcess
from twintap.clock.errors import BadStamps, ClockError, ClockStepped, NoFit
from twintap.clock.fit import ClockFit, ClockState
from twintap.clock.stamps import ProbeStamps

__all__ = [
    "AirExcess",
    "BadStamps",
    "ClockError",
    "ClockFit",
    "ClockState",
    "ClockStepped",
    "NoFit",
    "ProbeStamps",
]
