"""The clock fit's own branch of the exception tree.

ClockError
├── BadStamps      the stamps of a burst cannot be true: refused, counted, the fit untouched
├── ClockStepped   true stamps, but of another clock than the one that was fitted: drop the fit
└── NoFit          asked to translate an instant before any burst was taken
"""

from twintap_protocol.errors import TwintapError


class ClockError(TwintapError):
    """Anything the clock fit raises."""


class BadStamps(ClockError):
    """A burst that no working clock and no network could have made; the fit was left as it was."""


class ClockStepped(ClockError):
    """A burst that the fitted clock cannot have made: the pulser restarted, or one clock jumped.

    The burst was not taken. The answer is `ClockFit.drop()`, and the end of a set that relied on the fit.
    """


class NoFit(ClockError):
    """There is no fit yet: `ClockFit.state` is `EMPTY`."""
