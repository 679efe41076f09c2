"""The line itself: offset and skew from one-way delays, by weighted least squares.

Write theta(x) = o + k x for what must be added to the daemon's clock to get the pulser's. Each way's
apparent delay is then

    up    u = t2 - t1 = d + e - theta        down    v = t4 - t3 = d + e' + theta

with `d` the least delay of the air, taken as the same both ways (nothing in four stamps can tell an unequal
one from an offset), and `e`, `e'` >= 0 what the air and the readers added. Averaging the two ways of one
probe, as NTP does, needs a probe that was lucky both ways. Taking each burst's fastest `u` and its fastest
`v`, each from whichever probe had it, needs far less luck: the fastest of 8 exponential delays is slow by an
eighth of their mean, and what is left of the two ways partly cancels. (One-way envelopes: Moon, Skelly and
Towsley, "Estimation and Removal of Clock Skew from Network Delay Measurements", INFOCOM 1999.)

The unknowns o, k, d are fitted to all `u` and `v` of the window at once. A delay's weight falls with its own
excess over the fastest of its way, measured against the air's scale, the median excess of the window: so a
stalled burst counts for nothing, and on a bad air nothing is thrown away for being merely usual. Excess is
only ever positive; what of it is left in the fit is alike both ways and goes into `d`.
"""

from collections.abc import Sequence
from typing import NamedTuple

SCALE_SHARE = 0.3
"""The excess at which a weight is halved, as a share of the median excess; 0.3 to 0.5 do best on all airs."""

SCALE_FLOOR_US = 15.0
"""The least such excess: stamps have a grain of a µs, and a chip's polling loop one of tens."""


class Line(NamedTuple):
    """A fitted line, with the daemon's instants in s (x) relative to whatever the caller fixed.

    theta(x) = offset_us + skew_ppm * (x - mean_s). The variances are formal, in µs², ppm² and µs·ppm, as if
    the weights were inverse variances. `delay_us` is the fitted least delay of one way.
    """

    mean_s: float
    offset_us: float
    skew_ppm: float
    delay_us: float
    var_offset: float
    var_skew: float
    cov: float

    def theta_us(self, x_s: float) -> float:
        """What to add to the daemon's clock at `x_s`, in µs."""
        return self.offset_us + self.skew_ppm * (x_s - self.mean_s)

    def variance_us2(self, x_s: float) -> float:
        """The formal variance of `theta_us(x_s)`, in µs²."""
        dx_s = x_s - self.mean_s
        return self.var_offset + dx_s * (2.0 * self.cov + dx_s * self.var_skew)


def weights(excess_us: list[float], scale_us: float) -> list[float]:
    """Inverse variances in µs^-2 for excesses >= 0."""
    least = scale_us * scale_us
    return [1.0 / (least + e * e) for e in excess_us]


def fit_line(
    up_s: Sequence[float],
    up_us: Sequence[float],
    down_s: Sequence[float],
    down_us: Sequence[float],
    guess: Line,
    prior_ppm: float,
) -> Line:
    """One step of reweighted least squares, from `guess`.

    `up_s`, `down_s` are the daemon's instants, `up_us`, `down_us` the apparent delays there; all four of one
    length >= 1. The skew is held to 0 ± `prior_ppm`, which also keeps the equations solvable when there is a
    single instant. Only `guess`'s line matters, not its variances.
    """
    # Around the window's middle: instants may be hours from the caller's zero, and are squared below.
    mean_s = (up_s[0] + up_s[-1]) * 0.5
    skew = guess.skew_ppm
    offset = guess.theta_us(mean_s)
    xs = [s - mean_s for s in up_s]
    zs = [s - mean_s for s in down_s]
    # What is left of each delay beside the guessed line; solving for it keeps the sums small.
    us = [u + (offset + skew * x) for u, x in zip(up_us, xs, strict=True)]
    vs = [v - (offset + skew * z) for v, z in zip(down_us, zs, strict=True)]
    least_u = min(us)
    least_v = min(vs)
    excess_u = [u - least_u for u in us]
    excess_v = [v - least_v for v in vs]
    pooled = sorted(excess_u + excess_v)
    scale_us = max(SCALE_FLOOR_US, SCALE_SHARE * pooled[len(pooled) // 2])
    wu = weights(excess_u, scale_us)
    wv = weights(excess_v, scale_us)

    # Normal equations for corrections (do, dk, d) with rows  up: (-1, -x, 1) = u,  down: (1, z, 1) = v.
    base = (least_u + least_v) * 0.5
    u0 = u1 = u2 = ur = uxr = 0.0
    for w, x, r in zip(wu, xs, us, strict=True):
        wx = w * x
        r -= base
        u0 += w
        u1 += wx
        u2 += wx * x
        ur += w * r
        uxr += wx * r
    v0 = v1 = v2 = vr = vzr = 0.0
    for w, z, r in zip(wv, zs, vs, strict=True):
        wz = w * z
        r -= base
        v0 += w
        v1 += wz
        v2 += wz * z
        vr += w * r
        vzr += wz * r
    hold = 1.0 / (prior_ppm * prior_ppm)
    s0, s1, s2 = u0 + v0, u1 + v1, u2 + v2 + hold
    d0, d1 = v0 - u0, v1 - u1
    # The prior is on the skew itself, the unknown is its correction.
    r0, r1, r2 = vr - ur, vzr - uxr - hold * skew, ur + vr

    # d eliminated (its own coefficient is s0 > 0), a symmetric 2 x 2 is left.
    a = s0 - d0 * d0 / s0
    b = s1 - d0 * d1 / s0
    c = s2 - d1 * d1 / s0
    p = r0 - d0 * r2 / s0
    q = r1 - d1 * r2 / s0
    det = a * c - b * b
    do = (c * p - b * q) / det
    dk = (a * q - b * p) / det
    delay = base + (r2 - d0 * do - d1 * dk) / s0
    return Line(mean_s, offset + do, skew + dk, delay, c / det, a / det, -b / det)
