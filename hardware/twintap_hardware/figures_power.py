"""Figures of the cell: current in each state, hours, the clinic day, charging, sleep."""
# SPDX-License-Identifier: CERN-OHL-P-2.0

from . import boards
from .facts import number
from .figures_kit import Figure, Limit, Row, part_value
from .motor_drive import cap_mv, default_mv
from .places import BOARDS

# Cells that are to be had, for comparison with the parts list's own, in mAh.
OTHER_CELLS = (400, 600, 800, 1000)
GROUP = {"xiao-esp32c3": "xiao_c3", "xiao-esp32c6": "xiao_c6"}
CHIP = {"xiao-esp32c3": "chip_c3", "xiao-esp32c6": "chip_c6"}
_SLEEP_H = 72
_AMBER, _DIM = (255, 110, 0), 4  # firmware/twintap_pulser/light.py


def standing_ma() -> float:
    """What flows whatever the chip does, with a full cell: the divider, and a dark light's own chip."""
    return divider_ua() / 1000 + number("light.quiet_ma")


def divider_ua() -> float:
    """What the battery's divider takes from a full cell."""
    return number("cell.full_mv") / (2 * part_value("divider")) * 1000


def motor_ma(mean_mv: float, pulses_pct: float) -> float:
    """What the motor takes from the cell on average at a mean voltage, never less than the truth.

    `pulses_pct` of the time is pulses, and the current that the motor starts with stands for the whole of
    each. PWM passes it on for its duty alone, while it is as much larger as the cell is above the mean
    voltage: so what the cell has is of no account.
    """
    return number("motor.start_current_max_ma") * mean_mv / number("motor.rated_mv") * pulses_pct / 100


def sending_ma(board: str) -> float:
    """What sending adds on average in a set: its peak above listening, for as long as its datagrams take."""
    above = number(f"{CHIP[board]}.wifi_peak_ma") - number(f"{GROUP[board]}.awake_ma")
    return above * number("radio.sends_in_set_hz") * number("radio.send_ms") / 1000


def charging_light_ma() -> float:
    """The amber light while it charges: red and a part of green, dimmed; it takes it from the charger."""
    return sum(_AMBER) / 255 / _DIM * number("light.colour_ma")


def default_duty_pct() -> float:
    """The part of the time in which one side's motor is on, at the pacing that a set has unless told."""
    return number("pacing.pulse_ms") * number("pacing.rate_hz") / 10


def states_ma(board: str) -> dict[str, float]:
    """The mean current from the cell by state."""
    group = GROUP[board]
    awake = number(f"{group}.awake_ma") + standing_ma()
    in_set = awake + sending_ma(board)
    law = boards.load(board)
    return {
        "awake_ma": awake,
        "set_default_ma": in_set + motor_ma(default_mv(law), default_duty_pct()),
        "set_widest_ma": in_set + motor_ma(cap_mv(law), 50),
        "drowsy_ma": number(f"{group}.modem_sleep_ma") + standing_ma(),
        "asleep_ma": number(f"{group}.deep_sleep_ua") / 1000 + standing_ma(),
    }


def charge_ma(board: str) -> float:
    """The charger's current into the cell, the largest of those told."""
    return number(f"{GROUP[board]}.charge_ma")


def cells() -> list[tuple[int, bool]]:
    """Capacities in mAh, and whether the parts list has that one."""
    own = int(part_value("cell"))
    return [(each, each == own) for each in sorted({own, *OTHER_CELLS})]


def _cell(board: str, mah: int, is_own: bool) -> str:
    return f"{board}, {mah} mAh" + (" (parts list)" if is_own else "")


def _usable_mah(mah: float, is_aged: bool) -> float:
    part = number("cell.usable_pct") / 100
    return mah * part * (number("cell.aged_pct") / 100 if is_aged else 1)


_CURRENTS = (
    *("xiao_c3.awake_ma", "xiao_c6.awake_ma", "xiao_c3.modem_sleep_ma", "xiao_c6.modem_sleep_ma"),
    *("xiao_c3.deep_sleep_ua", "xiao_c6.deep_sleep_ua", "light.quiet_ma", "cell.full_mv"),
    *("motor.start_current_max_ma", "motor.rated_mv", "pacing.rate_hz", "pacing.pulse_ms"),
    *("pacing.level_pct", "chip_c3.wifi_peak_ma", "chip_c6.wifi_peak_ma", "radio.sends_in_set_hz"),
    "radio.send_ms",
)


def _states() -> Figure:
    rows = [
        Row(f"{board}, {state.removesuffix('_ma').replace('_', ' ')}", {"state_current_ma": current})
        for board in BOARDS
        for state, current in states_ma(board).items()
    ]
    return Figure(
        "state_current_ma",
        "What does the cell give in each state?",
        "board's current + dark light + cell.full / (2 x divider) "
        "[+ (radio's peak - awake) x sends x their length + motor.start_current x mean / rated voltage x "
        "pulse x rate in a set]",
        _CURRENTS,
        tuple(rows),
        "Awake: linked, radio on all the time, so in every open session. Set default: 1 Hz, 100 ms, 40 %. "
        "Set widest: pulses of half a pass at the board's cap. Drowsy: ten idle minutes without an open "
        "session. Asleep: forty. The motor is small beside the radio; the light is dark in a set, and what "
        "it blinks otherwise (an eighth of a second in ten) is too little to count.",
    )


def _hours() -> Figure:
    rows: list[Row] = []
    for board in BOARDS:
        for mah, is_own in cells():
            states = states_ma(board)
            numbers = {
                "awake_h": _usable_mah(mah, is_aged=False) / states["awake_ma"],
                "awake_aged_h": _usable_mah(mah, is_aged=True) / states["awake_ma"],
                "set_default_h": _usable_mah(mah, is_aged=False) / states["set_default_ma"],
                "drowsy_h": _usable_mah(mah, is_aged=False) / states["drowsy_ma"],
                "asleep_h": _usable_mah(mah, is_aged=False) / states["asleep_ma"],
            }
            numbers = {"awake_h": numbers["awake_h"], **numbers}
            rows.append(Row(_cell(board, mah, is_own), numbers, counts=is_own))
    return Figure(
        "awake_h",
        "How long does a charge last?",
        "capacity x usable part [x what is left at the end of a cell's life] / current of the state",
        (*_CURRENTS, "cell.usable_pct", "cell.aged_pct"),
        tuple(rows),
        "Aged: a cell that has lost a fifth. The switch is for the night: off takes nothing.",
    )


def _day() -> Figure:
    hours, vibrating = number("day.hours_h"), number("day.vibrating_h")
    rows: list[Row] = []
    for board in BOARDS:
        law = boards.load(board)
        awake = hours * states_ma(board)["awake_ma"] + vibrating * sending_ma(board)
        usual = awake + vibrating * motor_ma(default_mv(law), default_duty_pct())
        need = awake + vibrating * motor_ma(cap_mv(law), 100)
        for mah, is_own in cells():
            rows.append(
                Row(
                    _cell(board, mah, is_own),
                    {
                        "day_of_cell_pct": 100 * need / _usable_mah(mah, is_aged=True),
                        "day_of_new_cell_pct": 100 * need / _usable_mah(mah, is_aged=False),
                        "day_need_mah": need,
                        "day_default_need_mah": usual,
                    },
                    Limit(
                        100,
                        "the goal: a clinic day of six hours, one of them vibrating, on one charge, to "
                        "the end of the cell's life",
                    ),
                    counts=is_own,
                )
            )  # fmt: skip
    return Figure(
        "day_of_cell_pct",
        "Does one charge last for a clinic day?",
        "(hours x awake + hours of vibration x (sending + motor.start_current x voltage at the cap / rated)) "
        "/ (capacity x usable x aged)",
        (*_CURRENTS, "cell.usable_pct", "cell.aged_pct", "day.hours_h", "day.vibrating_h"),
        tuple(rows),
        "Awake for all six hours: while a session is open its pulsers do not rest, and between two the ten "
        "minutes until they get drowsy are the usual pause. The hour of vibration is taken at its worst: "
        "motor on without a gap, at the cap. (Default: an hour of sets at the default pacing.)",
        "a cell of 1000 mAh (8 x 30 x 40 mm is a usual size); or a radio that saves in open sessions while "
        "no set runs, which the firmware does not do",
    )


def _sleep() -> Figure:
    rows = [
        Row(
            _cell(board, mah, is_own),
            {
                "sleep_drain_pct": 100 * _SLEEP_H * states_ma(board)["asleep_ma"] / mah,
                "asleep_ua": 1000 * states_ma(board)["asleep_ma"],
                "divider_ua": divider_ua(),
                "light_ua": 1000 * number("light.quiet_ma"),
            },
            Limit(20, "a pair that was left asleep from Friday to Monday starts the week with four fifths"),
            counts=is_own,
        )
        for board in BOARDS
        for mah, is_own in cells()
    ]
    return Figure(
        "sleep_drain_pct",
        "What does a weekend asleep take, switch on?",
        "72 h x (deep sleep + dark light + divider) / capacity",
        ("xiao_c3.deep_sleep_ua", "xiao_c6.deep_sleep_ua", "light.quiet_ma", "cell.full_mv"),
        tuple(rows),
        "The dark light's own chip takes ten times what the board takes asleep; the divider next to nothing.",
    )


def _charge_rates() -> list[Figure]:
    figures: list[Figure] = []
    for name, fact, question, reason in (
        (
            "charge_rate_of_limit_pct",
            "cell.charge_most_pct",
            "Is the charger's current within what a cell bears?",
            "the largest charge current in data sheets of such cells: 1 C",
        ),
        (
            "charge_rate_standard_pct",
            "cell.charge_standard_pct",
            "Is it what such cells are made to be charged with?",
            "the standard charge in data sheets of such cells, and for some the most: 0.5 C",
        ),
    ):
        rows = [
            Row(
                _cell(board, mah, is_own),
                {
                    name: 100 * charge_ma(board) / (mah * number(fact) / 100),
                    "charge_ma": charge_ma(board),
                    "cell_bears_ma": mah * number(fact) / 100,
                },
                Limit(100, reason),
                counts=is_own,
            )
            for board in BOARDS
            for mah, is_own in cells()
        ]
        figures.append(
            Figure(
                name,
                question,
                "charger's current / (capacity x C-rate)",
                (fact, "xiao_c3.charge_ma", "xiao_c6.charge_ma"),
                tuple(rows),
                "The current is fixed on the board: the cell has to suit it. The data sheet of the very "
                "cell counts.",
                "a cell of 800 mAh or more for the XIAO ESP32-C3; any of these for the C6",
            )
        )
    return figures


def _charging() -> list[Figure]:
    times = [
        Row(
            _cell(board, mah, is_own),
            {
                "charge_time_h": mah
                / (charge_ma(board) - charging_light_ma())
                * number("charge.tail_pct")
                / 100,
                "light_ma": charging_light_ma(),
                "charger_ends_ma": charge_ma(board) / 10,
            },
            Limit(14, "from one working day's end to the next one's beginning"),
            counts=is_own,
        )
        for board in BOARDS
        for mah, is_own in cells()
    ]
    loads = [
        Row(
            board,
            {
                "usb_load_ma": charge_ma(board) + states_ma(board)["awake_ma"],
                "usb_drowsy_load_ma": charge_ma(board) + states_ma(board)["drowsy_ma"],
                "usb_peak_ma": charge_ma(board) + number(f"{CHIP[board]}.wifi_peak_ma"),
            },
            Limit(number("usb.port_ma"), "what any computer's port gives, on average"),
        )
        for board in BOARDS
    ]
    return [
        Figure(
            "charge_time_h",
            "How long does a full charge take?",
            "capacity / (charger's current - amber light) x 1.3 (a charger's current falls in the last part)",
            ("charge.tail_pct", "xiao_c3.charge_ma", "xiao_c6.charge_ma", "light.colour_ma"),
            tuple(times),
            "With the switch on: off parts the cell from its charger. The light hangs on the cell and takes "
            "its share of the charger's current; a charger ends at a tenth of its own (shown), which the "
            "light alone must not reach. The C6's last part is short, for its charger is slow: 1.3 is more "
            "than it takes.",
        ),
        Figure(
            "usb_load_ma",
            "Does a computer's port feed it while it charges?",
            "charger's current + the board's own, awake",
            ("usb.port_ma", "xiao_c3.charge_ma", "xiao_c6.charge_ma", *_CURRENTS[:4],
             "chip_c3.wifi_peak_ma", "chip_c6.wifi_peak_ma"),
            tuple(loads),
            "On its charger a pulser gets drowsy and never sleeps. The peak lasts as long as a datagram, "
            "about a millisecond: two C3 on one hub without a supply of its own are too much.",
        ),
    ]  # fmt: skip


def figures() -> list[Figure]:
    """All of this module's."""
    return [_states(), _hours(), _day(), _sleep(), *_charge_rates(), *_charging()]
