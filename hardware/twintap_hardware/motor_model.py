"""The model of a motor that the figures reckon with: what starts it, how fast it turns, what of it is felt.

A rotor that begins to turn at one voltage (`Rotor.starts_mv`: friction at rest) and then follows the mean
voltage as a first-order lag, from the lower one that keeps it turning (`Rotor.keeps_mv`: friction of what
slides). Speed is told as a part of the speed at the rated voltage; the amplitude of the vibration goes with
its square, as the force of a rotating weight does.

The mean voltage is the whole truth where the winding carries its current on through each pause of the PWM. A
winding without inductance, whose current ends with each pulse, is the other extreme (`end_speed_bare`): it
stands still at the same mean voltage, and turns faster. What a coin motor's has lies between.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import math
from dataclasses import dataclass

from .facts import number
from .figures_circuit import motor_ohm
from .motor_drive import common, duty

_STEP_MS = 0.1


@dataclass(frozen=True)
class Rotor:
    """A motor by its friction: the mean voltage that starts it, and the least that it goes on with."""

    starts_mv: float
    keeps_mv: float

    def end_speed(self, mean_mv: float) -> float:
        """The speed of a turning one at `mean_mv`, as a part of the rated one; 0 where it stops."""
        rated = number("motor.rated_mv")
        return max(0.0, (mean_mv - self.keeps_mv) / (rated - self.keeps_mv))

    def from_rest(self, mean_mv: float) -> float:
        """The same for one that stood still: 0 where it does not start."""
        return self.end_speed(mean_mv) if mean_mv >= self.starts_mv else 0.0


def typical() -> Rotor:
    """The motor that the figures reckon with."""
    return Rotor(number("motor.start_typical_mv"), number("motor.keeps_turning_mv"))


def just_passed() -> Rotor:
    """The worst that passes the guide's trial: it starts just so, and stops as soon as it has less."""
    return Rotor(number("motor.trial_mv"), number("motor.trial_mv"))


def easy() -> Rotor:
    """One that starts as the typical one and goes on with very little."""
    return Rotor(number("motor.start_typical_mv"), number("motor.keeps_turning_least_mv"))


def lag_ms() -> float:
    """The rotor's time constant: after its rise time a step to the rated voltage gives 90 % of amplitude."""
    return number("motor.rise_ms") / -math.log(1 - math.sqrt(0.9))


def share(mosfet: str = "mosfet.resistance_typical_ohm") -> float:
    """The motor's part of the voltage over it and its MOSFET, standing still."""
    return motor_ohm() / (motor_ohm() + number(mosfet))


def _load(current_part: float = 0) -> tuple[float, float]:
    """The back-EMF at the rated voltage in mV, and the load's growth with it (a, see `end_speed_bare`).

    `current_part` is the rated current by the start current, where it is not the facts'.
    """
    rated = number("motor.rated_mv")
    drop = rated * (current_part or number("motor.rated_current_ma") / number("motor.start_current_max_ma"))
    return rated - drop, (drop - typical().keeps_mv) / (rated - drop)


def end_speed_bare(duty_part: float, cell_mv: float, current_part: float = 0) -> float:
    """As `Rotor.end_speed`, of the typical one, with a winding whose current ends with each pulse of the PWM.

    Turning at the back-EMF E its mean current is duty x (cell - E) / R, and the load takes (keeps + a E) / R,
    with a from the rated current; so E = (duty x cell - keeps) / (duty + a).
    """
    rated_emf, slope = _load(current_part)
    found = (duty_part * cell_mv - typical().keeps_mv / share()) / (duty_part + slope / share())
    return max(0.0, found / rated_emf)


def peak_speed_bare(level_pct: float, cell_mv: float, pulse_ms: float, current_part: float = 0) -> float:
    """The largest speed within a pulse, of such a winding: its lag is longer by (1 + a) / (duty + a)."""
    rise_ms = min(number("pacing.rise_ms"), pulse_ms)
    slope = _load(current_part)[1]
    speed = 0.0
    for step in range(1, round(pulse_ms / _STEP_MS) + 1):
        part = duty(common(), level_pct * min(1.0, step * _STEP_MS / rise_ms), cell_mv)
        if not speed and part * cell_mv * share() < typical().starts_mv:
            continue
        lag = lag_ms() * (1 + slope) / (part * share() + slope)
        end = end_speed_bare(part, cell_mv, current_part)
        speed += (end - speed) * (1 - math.exp(-_STEP_MS / lag))
    return speed


def mean_mv(level_pct: float, cell_mv: float) -> float:
    """The motor's mean voltage at a level, from a cell of `cell_mv` that reads so."""
    return duty(common(), level_pct, cell_mv) * cell_mv * share()


def mean_before_mv(level_pct: float, cell_mv: float) -> float:
    """The same, were the level plainly the part of the time that the cell is on the motor."""
    return level_pct / 100 * cell_mv * share()


def peak_m_s2(level_pct: float, cell_mv: float, pulse_ms: float, rotor: Rotor | None = None) -> float:
    """The largest amplitude within a pulse: the level rises for 20 ms (or the whole pulse), then stays.

    It begins at rest. `rotor` is the typical one unless given.
    """
    rotor = rotor or typical()
    rise_ms = min(number("pacing.rise_ms"), pulse_ms)
    speed = 0.0
    for step in range(1, round(pulse_ms / _STEP_MS) + 1):
        mean = mean_mv(level_pct * min(1.0, step * _STEP_MS / rise_ms), cell_mv)
        end = rotor.end_speed(mean) if speed else rotor.from_rest(mean)
        speed += (end - speed) * (1 - math.exp(-_STEP_MS / lag_ms()))
    return number("motor.amplitude_m_s2") * speed * speed


def steady_m_s2(level_pct: float, cell_mv: float, rotor: Rotor | None = None) -> float:
    """The amplitude that a pulse without end leads to, from rest."""
    speed = (rotor or typical()).from_rest(mean_mv(level_pct, cell_mv))
    return number("motor.amplitude_m_s2") * speed**2


def felt_ms(level_pct: float, cell_mv: float, rotor: Rotor | None = None) -> float:
    """The shortest pulse of that level that is felt, in whole ms; infinite if none is."""
    if steady_m_s2(level_pct, cell_mv, rotor) <= number("motor.felt_m_s2"):
        return math.inf
    low, high = 1, 2_000
    while low < high:
        middle = (low + high) // 2
        if peak_m_s2(level_pct, cell_mv, middle, rotor) >= number("motor.felt_m_s2"):
            high = middle
        else:
            low = middle + 1
    return low


def feels_like_mv(duty_part: float, cell_mv: float) -> float:
    """The steady voltage that turns the motor as fast as PWM does a winding without inductance."""
    keeps = typical().keeps_mv
    return keeps + end_speed_bare(duty_part, cell_mv) * (number("motor.rated_mv") - keeps)
