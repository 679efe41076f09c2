"""A pulser's clock as the daemon knows it."""

import enum
import math
from collections import deque
from collections.abc import Sequence

from twintap.clock.air import AirExcess, AirMeter
from twintap.clock.errors import BadStamps, ClockStepped, NoFit
from twintap.clock.line import Line, fit_line
from twintap.clock.stamps import ProbeStamps, check_burst

WINDOW_BURSTS = 48
"""Bursts fitted: a minute and a half at one every 2 s. Fewer leave more noise, more would smooth a wandering
crystal's skew away."""

MAX_AGE_US = 240_000_000
"""Bursts this much older than the newest are dropped, and after so long a silence all are: a crystal's skew
does not stay for longer."""

SKEW_PRIOR_PPM = 15.0
"""How far from 0 the skew is expected before the air has told: two crystals of ±20 ppm at the most."""

SKEW_PRIOR_FULL_PPM = 100.0
"""The same once the window spans `PRIOR_SPAN_S`: then the stamps decide, and a crystal may be a poor one."""

PRIOR_SPAN_S = 40.0
"""The span of bursts over which the first prior gives way to the second."""

MAX_SKEW_PPM = 200.0
"""No crystal differs by more. A fit beyond is cut here, and the state is `UNCERTAIN`."""

WARM_BURSTS = 5
"""A fit of fewer bursts, or over less than `WARM_SPAN_S`, is `WARMING`."""

WARM_SPAN_S = 3.0
"""The least span of the bursts of a fit that is no longer `WARMING`."""

READY_ERROR_US = 1_000.0
"""A larger `error_us` is `UNCERTAIN`: a millisecond between the hands is far below what they can tell, and
far above what a working air leaves."""

USABLE_ERROR_US = 3_000.0
"""A set may be started on a fit with at most this `error_us`, whatever its state is called. On a bad air a
fit needs half a minute to be `READY` to stay, and nobody is to wait for what no hand can tell; but the first
burst on such an air may be wrong by ten times this."""

STALE_US = 180_000_000
"""A fit whose newest burst is older is `UNCERTAIN`, whatever it thinks of itself."""

ERROR_SIGMAS = 3.0
"""`error_us` is this many formal standard deviations, so that 99 % of the errors lie within, on every air."""

ERROR_FLOOR_US = 25.0
"""The least `error_us`: half of what the two readers add unequally, the daemon's loop and the pulser's
polling."""

YOUNG_BURSTS = 24
"""A fit of fewer bursts cannot yet tell the air's scale from luck, and its own variance flatters it."""

YOUNG_SHARE = 0.1
"""What such a fit adds to `error_us`: this share of the typical round-trip excess over the number of bursts,
or the whole one-way delay over its square if that is more (one burst may be a stall and no more). Set so that
99 % of the errors stay within from the first burst on, with skews of up to 40 ppm."""

WANDER_PPM_PER_S = 0.01
"""How fast a crystal's skew is allowed to have changed since the newest burst (warming in a hand)."""

STEP_BURSTS = 8
"""Bursts that a new one is held against to see a step; older ones say less: the skew may have done it."""

STEP_MARGIN_US = 100.0
"""How far two bursts may contradict each other, beyond the largest skew, before the clock has stepped. It
covers the stamps' grain; a burst's own clock may drift by tens of µs from its first probe to its last."""


class ClockState(enum.Enum):
    """How far a fit can be relied on."""

    EMPTY = "empty"
    """No burst yet: nothing can be translated."""
    WARMING = "warming"
    """Fewer than `WARM_BURSTS` bursts, or over less than `WARM_SPAN_S`: the skew is still a guess."""
    READY = "ready"
    """Good within `error_us`, which is at most `READY_ERROR_US`."""
    UNCERTAIN = "uncertain"
    """Too large an error, too old a newest burst, or an impossible skew."""


class ClockFit:
    """The fit of one pulser's clock, for as long as that clock runs.

    Instants are int µs: `daemon_us` on the daemon's CLOCK_MONOTONIC, `pulser_us` on the pulser's own extended
    clock. Both may start anywhere; the result does not depend on where.
    """

    __slots__ = (
        "_air",
        "_daemon_zero_us",
        "_down_s",
        "_down_us",
        "_line",
        "_newest_daemon_us",
        "_newest_pulser_us",
        "_pulser_zero_us",
        "_skew_cut",
        "_up_s",
        "_up_us",
        "_young_us",
        "refused",
    )

    def __init__(self) -> None:
        self.refused = 0
        """Bursts refused with `BadStamps` since the object was made."""
        self.drop()

    def drop(self) -> None:
        """Forget everything but the count of refused bursts; the state is `EMPTY` again."""
        self._air = AirMeter()
        self._line: Line | None = None
        self._skew_cut = False
        self._young_us = 0.0
        # The zeros are the first burst's: everything below is small beside them, and floats hold it exactly.
        self._daemon_zero_us = 0
        self._pulser_zero_us = 0
        self._newest_daemon_us = 0
        self._newest_pulser_us = 0
        # The fastest delay of each way of each burst, and the daemon's instant of it.
        self._up_s: deque[float] = deque(maxlen=WINDOW_BURSTS)
        self._up_us: deque[float] = deque(maxlen=WINDOW_BURSTS)
        self._down_s: deque[float] = deque(maxlen=WINDOW_BURSTS)
        self._down_us: deque[float] = deque(maxlen=WINDOW_BURSTS)

    def add_burst(self, stamps: Sequence[ProbeStamps]) -> None:
        """Take one burst: 1 to 16 probes, in the order they were sent, newer than every burst before.

        Raises `BadStamps` (and counts it in `refused`) for a burst that cannot be true, that is a repetition
        or that comes late; `ClockStepped` for one that the fitted clock cannot have made. Neither changes the
        fit. Costs the same however many bursts came before.
        """
        try:
            check_burst(stamps)
            self._check_newer(stamps)
        except BadStamps:
            self.refused += 1
            raise
        if stamps[0].t2_daemon_us - self._newest_daemon_us > MAX_AGE_US:
            self.drop()
        line = self._line
        if line is None:
            self._daemon_zero_us = stamps[0].t2_daemon_us
            self._pulser_zero_us = stamps[0].t1_pulser_us
        zero_us, ahead_us = self._daemon_zero_us, self._pulser_zero_us - self._daemon_zero_us
        # Within a burst the clocks drift by a few µs; without that the fastest probe may not be the best.
        skew = line.skew_ppm * 1e-6 if line is not None else 0.0
        up_us, up_at = min([(t2 - t1 + ahead_us + skew * (t2 - zero_us), t2) for t1, t2, _, _ in stamps])
        down_us, down_at = min([(t4 - t3 - ahead_us - skew * (t3 - zero_us), t3) for _, _, t3, t4 in stamps])
        up_at -= zero_us
        down_at -= zero_us
        up_us -= skew * up_at
        down_us += skew * down_at
        if line is not None:
            self._check_step(up_at * 1e-6, up_us, down_at * 1e-6, down_us)
        self._up_s.append(up_at * 1e-6)
        self._up_us.append(up_us)
        self._down_s.append(down_at * 1e-6)
        self._down_us.append(down_us)
        self._newest_daemon_us = stamps[-1].t2_daemon_us
        self._newest_pulser_us = stamps[-1].t1_pulser_us
        while self._up_s[0] < up_at * 1e-6 - MAX_AGE_US * 1e-6:
            for column in (self._up_s, self._up_us, self._down_s, self._down_us):
                column.popleft()
        self._air.add(stamps)
        self._refit()

    def to_pulser_us(self, daemon_us: int) -> int:
        """What the pulser's clock reads at the daemon's `daemon_us`. Raises `NoFit` when `EMPTY`.

        Never decreasing in `daemon_us`, as long as the fit is the same.
        """
        line = self._needed_line()
        since_us = daemon_us - self._daemon_zero_us
        return self._pulser_zero_us + since_us + round(line.theta_us(since_us * 1e-6))

    def to_daemon_us(self, pulser_us: int) -> int:
        """The daemon's instant at which the pulser's clock reads `pulser_us`. Raises `NoFit` when `EMPTY`.

        The inverse of `to_pulser_us`, within 1 µs.
        """
        line = self._needed_line()
        since_us = pulser_us - self._pulser_zero_us
        # since = x + theta(x), solved for theta so that a large `since` costs no digits.
        slope = line.skew_ppm * 1e-6
        theta_us = (line.offset_us + line.skew_ppm * (since_us * 1e-6 - line.mean_s)) / (1.0 + slope)
        return self._daemon_zero_us + since_us - round(theta_us)

    @property
    def skew_ppm(self) -> float:
        """How much faster the pulser's clock runs than the daemon's: ±`MAX_SKEW_PPM`, 0 when `EMPTY`."""
        return self._line.skew_ppm if self._line is not None else 0.0

    @property
    def newest_daemon_us(self) -> int | None:
        """The daemon's instant (`t2`) of the newest probe taken, or None when `EMPTY`."""
        return self._newest_daemon_us if self._line is not None else None

    def error_us(self, daemon_us: int) -> float:
        """How far off `to_pulser_us(daemon_us)` may be, in µs: 99 % of the errors are smaller.

        It grows with the distance from the bursts. It cannot know of an air whose least delay differs between
        the two ways. Infinite when `EMPTY`.
        """
        if self._line is None:
            return math.inf
        x_s = (daemon_us - self._daemon_zero_us) * 1e-6
        beyond_s = max(0.0, (daemon_us - self._newest_daemon_us) * 1e-6)
        wander_us = 0.5 * WANDER_PPM_PER_S * beyond_s * beyond_s
        spread_us = ERROR_SIGMAS * math.sqrt(max(0.0, self._line.variance_us2(x_s)))
        return ERROR_FLOOR_US + self._young_us + wander_us + spread_us

    def state(self, daemon_us: int) -> ClockState:
        """How far the fit can be relied on at `daemon_us` (the daemon's now): see `ClockState`."""
        if self._line is None:
            return ClockState.EMPTY
        if self._skew_cut or daemon_us - self._newest_daemon_us > STALE_US:
            return ClockState.UNCERTAIN
        if len(self._up_s) < WARM_BURSTS or self._up_s[-1] - self._up_s[0] < WARM_SPAN_S:
            return ClockState.WARMING
        return ClockState.READY if self.error_us(daemon_us) <= READY_ERROR_US else ClockState.UNCERTAIN

    def is_usable(self, daemon_us: int) -> bool:
        """Whether a set may be started on it at `daemon_us`: within `USABLE_ERROR_US`, fresh, possible."""
        if self._skew_cut or daemon_us - self._newest_daemon_us > STALE_US:
            return False
        return self.error_us(daemon_us) <= USABLE_ERROR_US

    @property
    def excess(self) -> AirExcess | None:
        """How slow the air has lately been, or None when `EMPTY`."""
        return self._air.excess()

    def _needed_line(self) -> Line:
        if self._line is None:
            raise NoFit("the pulser's clock is not known yet: no probe has come back")
        return self._line

    def _check_newer(self, stamps: Sequence[ProbeStamps]) -> None:
        if self._line is None:
            return
        first = stamps[0]
        if first.t2_daemon_us <= self._newest_daemon_us:
            raise BadStamps(
                f"a burst begun at {first.t2_daemon_us} µs on the daemon's clock;"
                f" one as late as {self._newest_daemon_us} was taken before"
            )
        if first.t1_pulser_us <= self._newest_pulser_us:
            raise ClockStepped(
                f"the pulser's clock went back from {self._newest_pulser_us} to {first.t1_pulser_us} µs"
            )

    def _check_step(self, up_s: float, up_us: float, down_s: float, down_us: float) -> None:
        # No datagram arrives before it was sent: theta lies between -u and v, whatever the air did, and no
        # crystal carries it from one burst's bounds to the next's faster than the largest skew. This cannot
        # mistake a bad air for a step; a jump smaller than the air's delays it cannot see.
        recent = range(max(0, len(self._up_s) - STEP_BURSTS), len(self._up_s))
        least_us = max([-self._up_us[i] - MAX_SKEW_PPM * (down_s - self._up_s[i]) for i in recent])
        most_us = min([self._down_us[i] + MAX_SKEW_PPM * (up_s - self._down_s[i]) for i in recent])
        beyond_us = max(least_us - down_us, -up_us - most_us)
        if beyond_us > STEP_MARGIN_US:
            raise ClockStepped(
                f"the pulser's clock is {beyond_us:.0f} µs from where the bursts before allow it to be"
            )

    def _refit(self) -> None:
        span_s = self._up_s[-1] - self._up_s[0]
        known = min(1.0, span_s / PRIOR_SPAN_S)
        prior_ppm = SKEW_PRIOR_PPM * (1.0 - known) + SKEW_PRIOR_FULL_PPM * known
        columns = self._up_s, self._up_us, self._down_s, self._down_us
        line = self._line
        # Each burst moves the line a little, so one step from the last is enough; a young fit needs more.
        steps = 1 if line is not None and len(self._up_s) >= 2 * WARM_BURSTS else 4
        if line is None:
            middle_us = (self._down_us[-1] - self._up_us[-1]) * 0.5
            line = Line(self._up_s[-1], middle_us, 0.0, 0.0, 0.0, 0.0, 0.0)
        for _ in range(steps):
            line = fit_line(*columns, line, prior_ppm)
        self._skew_cut = abs(line.skew_ppm) > MAX_SKEW_PPM
        if self._skew_cut:
            line = line._replace(skew_ppm=math.copysign(MAX_SKEW_PPM, line.skew_ppm))
        self._line = line
        bursts = len(self._up_s)
        excess = self._air.excess() if bursts < YOUNG_BURSTS else None
        self._young_us = 0.0
        if excess is not None:
            self._young_us = max(YOUNG_SHARE * excess.typical_us / bursts, line.delay_us / bursts**2)
