"""Figures of the motor: what starts it, how fast it rises, what of a pulse is felt, how unlike two feel.

The model: a rotor that follows the mean voltage as a first-order lag, from the voltage at which it starts
turning. Speed is told as a part of the speed at the rated voltage; the amplitude of the vibration goes with
its square, as the force of a rotating weight does.

The mean voltage is the whole truth where the winding carries its current on through each pause of the PWM. A
winding without inductance, whose current ends with each pulse, is the other extreme (`end_speed_bare`): it
stands still at the same mean voltage, and turns faster. What a coin motor's has lies between.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import math

from . import boards, figures_circuit
from .facts import number
from .figures_circuit import motor_ohm, path_ohm
from .figures_heat import stalled_mw
from .figures_kit import Figure, Limit, Row
from .motor_drive import cap_mv, common, drive_mv, duty, most_mv
from .places import BOARDS

_STEP_MS = 0.1
CELLS_MV = (("full", 4_200), ("half", 3_840), ("low", 3_500))  # the middle one: the daemon's curve at 50 %
_LEVELS_PCT = (20, 40, 60, 80)


def lag_ms() -> float:
    """The rotor's time constant: after its rise time a step to the rated voltage gives 90 % of amplitude."""
    return number("motor.rise_ms") / -math.log(1 - math.sqrt(0.9))


def end_speed(mean_mv: float) -> float:
    """The speed that `mean_mv` leads to, as a part of the rated one; 0 below the voltage that turns it."""
    start = number("motor.start_typical_mv")
    return max(0.0, (mean_mv - start) / (number("motor.rated_mv") - start))


def share(mosfet: str = "mosfet.resistance_typical_ohm") -> float:
    """The motor's part of the voltage over it and its MOSFET, standing still."""
    return motor_ohm() / (motor_ohm() + number(mosfet))


def _load(current_part: float = 0) -> tuple[float, float]:
    """The back-EMF at the rated voltage in mV, and the load's growth with it (a, see `end_speed_bare`).

    `current_part` is the rated current by the start current, where it is not the facts'.
    """
    rated = number("motor.rated_mv")
    drop = rated * (current_part or number("motor.rated_current_ma") / number("motor.start_current_max_ma"))
    return rated - drop, (drop - number("motor.start_typical_mv")) / (rated - drop)


def end_speed_bare(duty_part: float, cell_mv: float, current_part: float = 0) -> float:
    """As `end_speed`, of a winding whose current ends with each pulse of the PWM.

    Turning at the back-EMF E its mean current is duty x (cell - E) / R, and the load takes (start + a E) / R,
    with a from the rated current; so E = (duty x cell - start) / (duty + a).
    """
    rated_emf, slope = _load(current_part)
    found = (duty_part * cell_mv - number("motor.start_typical_mv") / share()) / (duty_part + slope / share())
    return max(0.0, found / rated_emf)


def peak_speed_bare(level_pct: float, cell_mv: float, pulse_ms: float, current_part: float = 0) -> float:
    """The largest speed within a pulse, of such a winding: its lag is longer by (1 + a) / (duty + a)."""
    rise_ms = min(number("pacing.rise_ms"), pulse_ms)
    slope = _load(current_part)[1]
    speed = 0.0
    for step in range(1, round(pulse_ms / _STEP_MS) + 1):
        part = duty(common(), level_pct * min(1.0, step * _STEP_MS / rise_ms), cell_mv)
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


def reading_off_mv() -> float:
    """How wrong the cell's voltage may be read, as the figure of the divider has it."""
    found = next(each for each in figures_circuit.figures() if each.id == "divider_error_mv")
    return found.rows[0].numbers[found.id]


def _level_for(motor_mv: float, part: float) -> float:
    """The level at which the motor itself has `motor_mv`, if `part` of what is meant for it reaches it."""
    start, full = drive_mv(common(), 1e-9), drive_mv(common(), 100)
    return max(0.0, 100 * (motor_mv / part - start) / (full - start))


def sure_level_pct(cell_mv: float, read_mv: float | None = None) -> float:
    """The least level that surely turns a motor that was tried, with everything at its worst.

    The MOSFET at its largest resistance; the cell read too high by all errors of the divider (or as
    `read_mv`), and pulled down by the motor that stands still.
    """
    trial = number("motor.trial_mv")
    under_load = cell_mv - trial / motor_ohm() * path_ohm()
    read = cell_mv + reading_off_mv() if read_mv is None else read_mv
    return _level_for(trial, share("mosfet.resistance_max_ohm") * under_load / read)


def _start() -> Figure:
    limit = Limit(number("pacing.low_level_pct"), "the lowest level at which a set begins by itself")

    def row(case: str, sure: float, cell_mv: float, *, counts: bool) -> Row:
        return Row(
            case,
            {
                "motor_start_level_pct": sure,
                "parts_as_usual_pct": _level_for(number("motor.trial_mv"), share()),
                "untried_motor_pct": _level_for(number("motor.start_mv"), share()),
                "without_the_law_pct": 100 * number("motor.trial_mv") / (cell_mv * share()),
            },
            limit,
            counts,
        )

    rows = [row(f"cell {word}", sure_level_pct(cell), cell, counts=True) for word, cell in CELLS_MV]
    low = number("battery.low_mv")
    lost = sure_level_pct(low, number("cell.full_mv"))
    rows.append(row("cell low, and not measured, so taken as full", lost, low, counts=False))
    return Figure(
        "motor_start_level_pct",
        "At which level is the motor sure to start?",
        "(trial voltage / (MOSFET's worst share x cell under load / cell as read) - start_mv) / (full_mv - "
        "start_mv)",
        ("motor.trial_mv", "motor.start_mv", "motor.rated_mv", "motor.start_current_max_ma",
         "mosfet.resistance_max_ohm", "mosfet.resistance_typical_ohm", "chip.adc_error_mv",
         "cell.resistance_mohm", "fuse.resistance_max_ohm", "switch.resistance_mohm",
         "wiring.resistance_mohm", "battery.low_mv", "cell.full_mv", "pacing.low_level_pct"),
        tuple(rows),
        "A level is told in the motor's mean voltage (start_mv and full_mv of the board file), and the trial "
        "of each motor in the guide is what makes its lowest levels sure: one that needs more than an AA "
        "cell is not used. The data sheet promises a start only from 2.3 V (untried motor). Were a level a "
        "plain part of the cell's voltage (without the law), it would have to be as high as the last column "
        "says, and higher as the cell empties.",
        "a higher start_mv in the board files",
    )  # fmt: skip


def _felt() -> list[Figure]:
    rows = [
        Row(
            f"{level} %, cell {word}",
            {"felt_shortest_ms": felt_ms(level, cell_mv)},
            Limit(number("pacing.pulse_ms"), "the pulse of the default pacing"),
        )
        for level in _LEVELS_PCT
        for word, cell_mv in CELLS_MV
    ]
    least = number("pacing.pulse_least_ms")
    shortest = [
        Row(
            f"{level} %, any cell",
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
            (*_MODEL, "pacing.pulse_ms"),
            tuple(rows),
            "The level at which a medicine visit begins (20 %) and the default one (40 %) among them. The "
            "motor's rise, not the firmware, decides: at low levels much of a pulse is spent on getting up "
            "to speed, and a wider pulse is felt before a stronger one is needed.",
            "a wider pulse or a higher level by default",
        ),
        Figure(
            "pulse_least_m_s2",
            "Is the shortest pulse that the firmware allows (20 ms) felt?",
            "rated amplitude x speed squared at the end of 20 ms, all of which is the rise that is never "
            "skipped",
            (*_MODEL, "pacing.pulse_least_ms", "pacing.pulse_ms"),
            tuple(shortest),
            "Hardly: 20 ms is what the protocol can say, and a coin motor has only begun to turn in it. A "
            "pulse is felt from the widths of the figure above on; the default of 100 ms is wider than all "
            "of them.",
            "an LRA on a DRV2605L, which the firmware drives as well, for shorter pulses",
        ),
    ]


def _unlike() -> Figure:
    full, low = number("cell.full_mv"), number("battery.low_mv")
    pulse = number("pacing.pulse_ms")
    limit = Limit(
        number("motor.unlike_pct"), "the least difference that is felt, in the middle of those tested"
    )

    def more(on_full: float, on_low: float) -> float:
        return 100 * ((on_full / on_low) ** 2 - 1)

    def numbers(level: float, current_part: float) -> dict[str, float]:
        peaks = [peak_speed_bare(level, cell, pulse, current_part) for cell in (full, low)]
        ends = [end_speed_bare(duty(common(), level, cell), cell, current_part) for cell in (full, low)]
        return {"pair_unlike_pct": more(*peaks), "wide_pulses_pct": more(*ends)}

    rows: list[Row] = []
    for level in _LEVELS_PCT:
        found = numbers(level, 0)
        found["winding_smooths_pct"] = more(*(end_speed(mean_mv(level, cell)) for cell in (full, low)))
        before = [end_speed(mean_before_mv(level, cell)) for cell in (full, low)]
        if before[1]:
            found["without_the_law_pct"] = more(before[0], before[1])
        rows.append(Row(f"{level} %", found, limit))
    rows.append(
        Row("80 %, a motor that runs on half of its start current", numbers(80, 0.5), limit, counts=False)
    )
    return Figure(
        "pair_unlike_pct",
        "How unlike do two pulsers feel, one with a full cell and one with a low one?",
        "how much larger the amplitude is on the full one: (peak speed on full / on low) squared - 1, in the "
        "default pulse, each with the duty that start_mv, full_mv and its own cell lead to, of a winding "
        "without inductance: E = (duty x cell - start) / (duty + a), with a lag of (1 + a) / (duty + a)",
        ("motor.unlike_pct", "motor.rated_mv", "motor.rated_current_ma", "motor.start_typical_mv",
         "motor.start_current_max_ma", "motor.rise_ms", "mosfet.resistance_typical_ohm", "cell.full_mv",
         "battery.low_mv", "pacing.pulse_ms", "pacing.rise_ms"),
        tuple(rows),
        "The worst that a winding can do; one that carries its current on through the PWM's pauses (winding "
        "smooths) leaves nothing of it. Pulses so wide that the motor gets to its end speed (wide pulses) "
        "are the most unlike, and a motor that runs easily is more unlike than one that does not. Without "
        "the law the difference would be as in the last column, and at 20 % neither would turn. What is "
        "unlike from the start, motors, resistors, converters, is the trim's to make equal.",
        "a motor with more inductance, or a driver that regulates (DRV2605L)",
    )  # fmt: skip


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
    gives: list[Row] = []
    stalls: list[Row] = []
    limit = number("motor.max_mv") * number("motor.rated_current_ma") / 1000
    full, low = number("cell.full_mv"), number("battery.low_mv")
    most = Limit(number("motor.max_mv"), "the largest voltage of the motor's data sheet")
    for name in BOARDS:
        board = boards.load(name)
        cap = float(board["absolute_cap_pct"])
        for word, mean in (
            ("whatever the cell has", cap_mv(board)),
            ("a full cell that is read as empty", most_mv(board)),
        ):
            caps.append(
                Row(
                    f"{name}, {word}",
                    {
                        "motor_cap_mv": mean,
                        "feels_like_mv": _feels_like_mv(mean / full, full),
                        "cap_pct": cap,
                    },
                    most,
                )
            )
        there = low - cap_mv(board) / motor_ohm() * path_ohm()
        gives.append(
            Row(
                name,
                {"low_cell_duty_pct": 100 * cap_mv(board) / there, "low_cell_gives_mv": there},
                Limit(100, "on all the time: more there is not"),
            )
        )
        stalls.append(
            Row(
                f"{name}, pulses of half a pass at the cap",
                {"motor_stall_mw": stalled_mw(cap_mv(board), 50)},
                Limit(limit, "what it takes turning, at its largest voltage"),
            )
        )
    return [
        Figure(
            "motor_cap_mv",
            "Does the board's cap keep the motor's voltage within its limit?",
            "start_mv + cap x (full_mv - start_mv), over motor and MOSFET; with a wrong reading x full cell "
            "/ 3.3 V, for less is not made up for",
            ("cell.full_mv", "battery.empty_mv", "motor.max_mv", "motor.rated_mv", "motor.rated_current_ma",
             "motor.start_typical_mv", "motor.start_current_max_ma", "mosfet.resistance_typical_ohm"),
            tuple(caps),
            "Without the cap a wrong reading could lead above it. Feels like: the steady voltage at which it "
            "would turn as fast, were its winding without inductance.",
            "a lower full_mv or cap in the board files",
        ),
        Figure(
            "low_cell_duty_pct",
            "Does a low cell still give what the cap means?",
            "voltage at the cap / (low cell - motor's current x (cell + fuse + switch + wires))",
            ("battery.low_mv", "motor.rated_mv", "motor.start_current_max_ma", "cell.resistance_mohm",
             "fuse.resistance_max_ohm", "switch.resistance_mohm", "wiring.resistance_mohm"),
            tuple(gives),
            "So no level fades towards the end of a charge, not even the highest.",
            "a lower full_mv in the board files",
        ),
        Figure(
            "motor_stall_mw",
            "Does a motor that stands still get too hot?",
            "stall current squared x motor's resistance x duty at the cap, half of the time",
            ("cell.full_mv", "motor.max_mv", "motor.rated_current_ma", "motor.rated_mv",
             "motor.start_current_max_ma", "mosfet.resistance_typical_ohm"),
            tuple(stalls),
            "No current is measured: nobody but the hand notices a motor that stands still.",
        ),
    ]  # fmt: skip


def _feels_like_mv(duty_part: float, cell_mv: float) -> float:
    """The steady voltage that turns the motor as fast as PWM does a winding without inductance."""
    start = number("motor.start_typical_mv")
    return start + end_speed_bare(duty_part, cell_mv) * (number("motor.rated_mv") - start)


def figures() -> list[Figure]:
    """All of this module's."""
    return [_start(), *_felt(), _unlike(), _stop(), *_voltages()]
