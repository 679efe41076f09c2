"""Figures of the motor: what starts it, how fast it rises, what of a pulse is felt, how unlike two feel.

They reckon with the model in `motor_model`.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

from . import boards, figures_circuit
from .facts import number
from .figures_circuit import motor_ohm, path_ohm
from .figures_heat import stalled_mw
from .figures_kit import Figure, Limit, Row
from .motor_drive import cap_mv, common, drive_mv, duty, most_mv
from .motor_model import (
    Rotor,
    easy,
    end_speed_bare,
    feels_like_mv,
    felt_ms,
    just_passed,
    mean_before_mv,
    mean_mv,
    peak_m_s2,
    peak_speed_bare,
    share,
    steady_m_s2,
    typical,
)
from .places import BOARDS

CELLS_MV = (("full", 4_200), ("half", 3_840), ("low", 3_500))  # the middle one: the daemon's curve at 50 %
_LEVELS_PCT = (20, 40, 60, 80)

_MODEL = (
    *("motor.rated_mv", "motor.start_typical_mv", "motor.keeps_turning_mv", "motor.rise_ms"),
    *("motor.amplitude_m_s2", "motor.felt_m_s2", "motor.start_current_max_ma"),
    *("mosfet.resistance_typical_ohm", "pacing.rise_ms"),
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
                "untried_motor_pct": _level_for(number("motor.start_most_mv"), share()),
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
        ("motor.trial_mv", "motor.start_most_mv", "motor.rated_mv", "motor.start_current_max_ma",
         "mosfet.resistance_max_ohm", "mosfet.resistance_typical_ohm", "chip.adc_error_mv",
         "cell.resistance_mohm", "fuse.resistance_max_ohm", "switch.resistance_mohm",
         "wiring.resistance_mohm", "battery.low_mv", "cell.full_mv", "pacing.low_level_pct"),
        tuple(rows),
        "A level is told in the motor's mean voltage (start_mv and full_mv of the board file), and the trial "
        "of each motor in the guide is what makes its lowest levels sure: one that does not start with "
        f"{number('motor.trial_mv') / 1000:.1f} V is not used. The data sheet has it start at 1.2 V "
        "typically and promises a start only from 2.3 V (untried motor), so some of those that are bought do "
        "not pass: how many, no source tells. Were a level a plain part of the cell's voltage (without the "
        "law), it would have to be as high as the last column says, and higher as the cell empties.",
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
    rows += [
        Row(
            f"{level} %, a motor that just passed its trial",
            {"felt_shortest_ms": felt_ms(level, 3_840, just_passed())},
            rows[0].limit,
            counts=False,
        )
        for level in _LEVELS_PCT
    ]
    least = number("pacing.pulse_least_ms")
    shortest = [
        Row(
            f"{level} %, any cell",
            {
                "pulse_least_m_s2": peak_m_s2(level, 3_840, least),
                "default_pulse_m_s2": peak_m_s2(level, 3_840, number("pacing.pulse_ms")),
                "steady_m_s2": steady_m_s2(level, 3_840),
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
            (*_MODEL, "motor.trial_mv", "pacing.pulse_ms"),
            tuple(rows),
            "The level at which a medicine visit begins (20 %) and the default one (40 %) among them. The "
            "motor's rise, not the firmware, decides: at low levels much of a pulse is spent on getting up "
            "to speed, and a wider pulse is felt before a stronger one is needed. A motor that only just "
            "passed its trial, and that stops as soon as it has less than it started with, is the weakest "
            "that can be built in: it turns at 20 % too, and is not felt there. The try-out before a set "
            "shows it; the level is raised until it is felt.",
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


def _weakest() -> Figure:
    """How gentle the lowest level is, beside the default one and what the motor does at its rated voltage."""
    pulse, usual, rated = (
        number("pacing.pulse_ms"),
        number("pacing.level_pct"),
        number("motor.amplitude_m_s2"),
    )
    felt = number("motor.felt_m_s2")

    def row(case: str, level: float, rotor: Rotor) -> Row:
        tapped, steady = peak_m_s2(level, 3_840, pulse, rotor), steady_m_s2(level, 3_840, rotor)
        numbers = {
            "gentlest_of_default_pct": 100 * tapped / peak_m_s2(usual, 3_840, pulse, rotor),
            "of_rated_pct": 100 * tapped / rated,
            "of_just_felt_pct": 100 * tapped / felt,
            "default_pulse_m_s2": tapped,
            "steady_m_s2": steady,
            "steady_of_rated_pct": 100 * steady / rated,
        }
        return Row(case, numbers, Limit(50, "half of what a set has unless told otherwise: room to go down"))

    return Figure(
        "gentlest_of_default_pct",
        "Is the lowest level still gentle?",
        "(largest speed in a default pulse at 1 %, from rest / the same at the default level) squared",
        (*_MODEL, "motor.keeps_turning_least_mv", "pacing.pulse_ms", "pacing.level_pct"),
        (
            row("1 %, a typical motor", 1, typical()),
            row("1 %, a motor that goes on with very little", 1, easy()),
        ),
        "For the lowest level gives what starts a motor, and a turning one needs less: so it cannot be as "
        "weak as one likes. It is weak all the same: a typical motor is hardly noticed there in pulses of "
        "the default width. A start at start_mv that then goes down to what keeps the motor turning would "
        "reach below that, where a fingertip notices nothing; only for a motor that goes on with very little "
        "would it gain something, and for each motor its own voltage had to be found. It is not built: a "
        "narrower pulse makes a strong one gentler.",
        "a start at start_mv that goes down to what keeps the motor turning",
    )


def _unlike() -> Figure:
    full, low = number("cell.full_mv"), number("battery.low_mv")
    pulse = number("pacing.pulse_ms")
    limit = Limit(
        number("motor.unlike_pct"), "the least difference that is felt, in the middle of those tested"
    )

    def more(on_full: float, on_low: float) -> float:
        return round(100 * ((on_full / on_low) ** 2 - 1), 9)  # what is left of nothing is no number to show

    def numbers(level: float, current_part: float) -> dict[str, float]:
        peaks = [peak_speed_bare(level, cell, pulse, current_part) for cell in (full, low)]
        ends = [end_speed_bare(duty(common(), level, cell), cell, current_part) for cell in (full, low)]
        return {"pair_unlike_pct": more(*peaks), "wide_pulses_pct": more(*ends)}

    rows: list[Row] = []
    for level in _LEVELS_PCT:
        found = numbers(level, 0)
        rotor = typical()
        found["winding_smooths_pct"] = more(*(rotor.from_rest(mean_mv(level, mv)) for mv in (full, low)))
        before = [rotor.from_rest(mean_before_mv(level, mv)) for mv in (full, low)]
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
        "without inductance: E = (duty x cell - keeps) / (duty + a), with a lag of (1 + a) / (duty + a)",
        ("motor.unlike_pct", "motor.rated_mv", "motor.rated_current_ma", "motor.start_typical_mv",
         "motor.keeps_turning_mv", "motor.start_current_max_ma", "motor.rise_ms",
         "mosfet.resistance_typical_ohm", "cell.full_mv",
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
                        "feels_like_mv": feels_like_mv(mean / full, full),
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
             "motor.keeps_turning_mv", "motor.start_current_max_ma", "mosfet.resistance_typical_ohm"),
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


def figures() -> list[Figure]:
    """All of this module's."""
    return [_start(), *_felt(), _weakest(), _unlike(), _stop(), *_voltages()]
