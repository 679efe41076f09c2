"""Figures of the motor: what starts it, how fast it rises, what of a pulse is felt, when it stands still.

The model: a rotor that follows the mean voltage as a first-order lag, from the voltage at which it starts
turning. Speed is told as a part of the speed at the rated voltage; the amplitude of the vibration goes with
its square, as the force of a rotating weight does.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import math

from . import boards
from .facts import number
from .figures_circuit import motor_ohm, stall_ma
from .figures_kit import Figure, Limit, Row
from .places import BOARDS

_STEP_MS = 0.1
CELLS_MV = (("full", 4_200), ("half", 3_840), ("low", 3_500))  # the middle one: the daemon's curve at 50 %
_LEVELS_PCT = (40, 60, 80)


def lag_ms() -> float:
    """The rotor's time constant: after its rise time a step to the rated voltage gives 90 % of amplitude."""
    return number("motor.rise_ms") / -math.log(1 - math.sqrt(0.9))


def end_speed(mean_mv: float) -> float:
    """The speed that `mean_mv` leads to, as a part of the rated one; 0 below the voltage that turns it."""
    start = number("motor.start_typical_mv")
    return max(0.0, (mean_mv - start) / (number("motor.rated_mv") - start))


def mean_mv(level_pct: float, cell_mv: float) -> float:
    """The motor's mean voltage at a level, from a cell of `cell_mv`."""
    return level_pct / 100 * cell_mv * motor_ohm() / (motor_ohm() + number("mosfet.resistance_typical_ohm"))


def peak_m_s2(level_pct: float, cell_mv: float, pulse_ms: float) -> float:
    """The largest amplitude within a pulse: the level rises for 20 ms (or the whole pulse), then stays."""
    rise_ms = min(number("pacing.rise_ms"), pulse_ms)
    speed = 0.0
    for step in range(1, round(pulse_ms / _STEP_MS) + 1):
        level = level_pct * min(1.0, step * _STEP_MS / rise_ms)
        speed += (end_speed(mean_mv(level, cell_mv)) - speed) * (1 - math.exp(-_STEP_MS / lag_ms()))
    return number("motor.amplitude_m_s2") * speed * speed


def felt_ms(level_pct: float, cell_mv: float) -> float:
    """The shortest pulse of that level that is felt, in whole ms; infinite if none is."""
    if number("motor.amplitude_m_s2") * end_speed(mean_mv(level_pct, cell_mv)) ** 2 <= number(
        "motor.felt_m_s2"
    ):
        return math.inf
    low, high = 1, 2_000
    while low < high:
        middle = (low + high) // 2
        if peak_m_s2(level_pct, cell_mv, middle) >= number("motor.felt_m_s2"):
            high = middle
        else:
            low = middle + 1
    return low


_MODEL = (
    *("motor.rated_mv", "motor.start_typical_mv", "motor.rise_ms", "motor.amplitude_m_s2", "motor.felt_m_s2"),
    *("motor.start_current_max_ma", "mosfet.resistance_typical_ohm", "pacing.rise_ms"),
)


def _start() -> Figure:
    rows: list[Row] = []
    for word, cell_mv in CELLS_MV:
        share = motor_ohm() / (motor_ohm() + number("mosfet.resistance_typical_ohm"))
        rows.append(
            Row(
                f"cell {word}",
                {
                    "motor_start_level_pct": 100 * number("motor.start_mv") / (cell_mv * share),
                    "motor_start_typical_pct": 100 * number("motor.start_typical_mv") / (cell_mv * share),
                    "cell_mv": cell_mv,
                },
                Limit(number("pacing.level_pct"), "the level at which a set begins unless told otherwise"),
            )
        )
    return Figure(
        "motor_start_level_pct",
        "At which level is the motor sure to start?",
        "start voltage of its data sheet / (cell x motor's share of the resistance); beside it, the typical "
        "one",
        ("motor.start_mv", "motor.start_typical_mv", "motor.rated_mv", "motor.start_current_max_ma",
         "mosfet.resistance_typical_ohm", "pacing.level_pct"),
        tuple(rows),
        "The maker promises a start only from 2.3 V, which is more than the default level gives. Coin "
        "motors usually start from about a volt, and that is what makes lower levels work: usual, and not "
        "promised. So every motor is tried before it is glued in, at 1.2 V, and one that does not start is "
        "not used. It also says why a level below some 30 % may be felt as nothing, such as the 20 % at "
        "which a medicine visit begins.",
        "a motor whose data sheet promises a start at 1.5 V or less; else the trial of each motor in the "
        "guide",
    )  # fmt: skip


def _felt() -> list[Figure]:
    rows = [
        Row(
            f"{level} %, cell {word}",
            {"felt_shortest_ms": felt_ms(level, cell_mv)},
            Limit(number("pacing.pulse_ms"), "the pulse of the default pacing") if level == 40 else None,
        )
        for level in _LEVELS_PCT
        for word, cell_mv in CELLS_MV
    ]
    least = number("pacing.pulse_least_ms")
    shortest = [
        Row(
            f"{level} %, cell half",
            {
                "pulse_least_m_s2": peak_m_s2(level, 3_840, least),
                "default_pulse_m_s2": peak_m_s2(level, 3_840, number("pacing.pulse_ms")),
                "steady_m_s2": number("motor.amplitude_m_s2") * end_speed(mean_mv(level, 3_840)) ** 2,
            },
            Limit(number("motor.felt_m_s2"), "what a fingertip just feels", is_least=True),
        )
        for level in _LEVELS_PCT
    ]
    return [
        Figure(
            "felt_shortest_ms",
            "How long must a pulse be to be felt?",
            "the shortest pulse in whose course amplitude = rated x speed squared reaches what is felt",
            _MODEL,
            tuple(rows),
            "The motor's rise, not the firmware, decides: at low levels most of a pulse is spent on getting "
            "up to speed, and a wider pulse is felt before a stronger one is needed.",
            "a wider pulse or a higher level by default; a level that makes up for the cell's voltage",
        ),
        Figure(
            "pulse_least_m_s2",
            "Is the shortest pulse that the firmware allows (20 ms) felt?",
            "rated amplitude x speed squared at the end of 20 ms, all of which is the rise that is never "
            "skipped",
            (*_MODEL, "pacing.pulse_least_ms", "pacing.pulse_ms"),
            tuple(shortest),
            "No: 20 ms is what the protocol can say, and a coin motor hardly turns in it. A pulse is felt "
            "from the widths of the figure above on; the default of 100 ms is wider than most of them.",
            "an LRA on a DRV2605L, which the firmware drives as well, for shorter pulses",
        ),
    ]


def _stop() -> Figure:
    stop = number("motor.stop_ms")
    period = 1000 / number("pacing.rate_hz")
    fastest = 1000 / number("pacing.rate_most_hz")
    return Figure(
        "motor_stop_ms",
        "When does the motor stand still?",
        "time from switching off to rest, as data sheets tell it: it coasts, for the diode does not brake it",
        ("motor.stop_ms", "pacing.rate_hz", "pacing.rate_most_hz", "pacing.pulse_ms", "lease.most_ms"),
        (
            Row(
                "default pacing",
                {"motor_stop_ms": stop, "until_twin_ms": period / 2 - number("pacing.pulse_ms")},
                Limit(period / 2 - number("pacing.pulse_ms"), "until the twin's pulse begins"),
            ),
            Row(
                "4 Hz, 60 ms",
                {"motor_stop_ms": stop, "until_twin_ms": fastest / 2 - 60},
                Limit(fastest / 2 - 60, "until the twin's pulse begins"),
                counts=False,
            ),
            Row(
                "link lost",
                {"motor_stop_ms": stop, "still_after_ms": number("lease.most_ms") + stop},
            ),
        ),
        "At fast rates one hand's vibration fades while the other's begins. After a lost link it is still "
        "within the lease and the time to coast.",
    )


def _voltages() -> list[Figure]:
    caps: list[Row] = []
    stalls: list[Row] = []
    limit = number("motor.max_mv") * number("motor.rated_current_ma") / 1000
    for board in BOARDS:
        cap = float(boards.load(board)["absolute_cap_pct"])
        top = mean_mv(cap, number("cell.full_mv"))
        caps.append(
            Row(
                board,
                {"motor_cap_mv": top, "cap_pct": cap},
                Limit(number("motor.max_mv"), "the largest voltage of the motor's data sheet"),
            )
        )
        current = stall_ma(number("cell.full_mv")) / 1000 * cap / 100
        stalls.append(
            Row(
                f"{board}, pulses of half a pass at the cap",
                {"motor_stall_mw": current * current * motor_ohm() * 1000 / 2},
                Limit(limit, "what it takes turning, at its largest voltage"),
            )
        )
    return [
        Figure(
            "motor_cap_mv",
            "Does the board's cap keep the motor's voltage within its limit?",
            "cap x full cell x motor's share of the resistance",
            ("cell.full_mv", "motor.max_mv", "motor.rated_mv", "motor.start_current_max_ma",
             "mosfet.resistance_typical_ohm"),
            tuple(caps),
            "Without the cap a full cell would be above it.",
        ),
        Figure(
            "motor_stall_mw",
            "Does a motor that stands still get too hot?",
            "(stall current x cap) squared x motor's resistance x half of the time",
            ("cell.full_mv", "motor.max_mv", "motor.rated_current_ma", "motor.rated_mv",
             "motor.start_current_max_ma"),
            tuple(stalls),
            "No current is measured: nobody but the hand notices a motor that stands still.",
        ),
    ]  # fmt: skip


def figures() -> list[Figure]:
    """All of this module's."""
    return [_start(), *_felt(), _stop(), *_voltages()]
