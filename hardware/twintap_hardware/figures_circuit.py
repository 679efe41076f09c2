"""Figures of the circuit: gate, diode, resistors, dividers; the supply when radio and motor start at once."""
# SPDX-License-Identifier: CERN-OHL-P-2.0

from .facts import number
from .figures_kit import Figure, Limit, Row, divided, part_value, tolerance
from .figures_power import CHIP, GROUP, divider_ua, states_ma
from .places import BOARDS

_RESISTOR_MW = 250.0  # of every axial resistor in the parts list


def motor_ohm() -> float:
    """The motor's own resistance, standing still."""
    return number("motor.rated_mv") / number("motor.start_current_max_ma")


def stall_ma(supply_mv: float) -> float:
    """The largest current through motor and MOSFET: the motor stands still, the MOSFET is fully on."""
    return supply_mv / (motor_ohm() + number("mosfet.resistance_typical_ohm"))


def _gate() -> list[Figure]:
    series, down = part_value("gate-series"), part_value("gate-pull-down")
    supply = number("chip.supply_mv")
    leak = number("chip.pin_leak_na") * 1e-6 * (series + down)  # nA x ohm = 1e-6 mV
    pulled = divided(supply, number("chip.pull_up_min_ohm") + series, down)
    return [
        Figure(
            "gate_pull_down_off_mv",
            "Is the motor off while its pin floats?",
            "leakage x pull-down; with a pull-up of the chip's own: supply x down / (down + series + "
            "pull-up)",
            ("chip.supply_mv", "chip.pin_leak_na", "chip.pull_up_min_ohm", "mosfet.threshold_min_mv"),
            (
                Row(
                    "floating: reset, boot, deep sleep",
                    {"gate_pull_down_off_mv": leak},
                    Limit(number("mosfet.threshold_min_mv"), "below it the MOSFET does not begin to conduct"),
                ),
                Row(
                    "a pin that the chip pulls up at reset",
                    {"gate_pull_down_off_mv": pulled},
                    Limit(number("mosfet.threshold_min_mv"), "as above"),
                    counts=False,
                ),
            ),
            "The second row is why the motor's pin must be none of those that are pulled up at reset: the "
            "firmware's check of the board file and the rules of the netlist refuse them.",
        ),
        Figure(
            "gate_high_mv",
            "Is the MOSFET fully on?",
            "least high level of a pin x down / (down + series); in a dip the pin's level falls with the "
            "supply",
            ("chip.pin_high_mv", "mosfet.gate_guaranteed_mv", "chip.supply_mv", "chip.brownout_mv"),
            (
                Row(
                    "at the data sheet's least",
                    {"gate_high_mv": divided(number("chip.pin_high_mv"), series, down)},
                    Limit(
                        number("mosfet.gate_guaranteed_mv"),
                        "its resistance is promised from here",
                        is_least=True,
                    ),
                ),
                Row(
                    "the same, with the supply so low that the chip just runs",
                    {
                        "gate_high_mv": divided(
                            number("chip.pin_high_mv") * number("chip.brownout_mv") / supply, series, down
                        )
                    },
                    Limit(number("mosfet.gate_guaranteed_mv"), "as above", is_least=True),
                ),
            ),
            "A MOSFET that wants 4.5 V or 10 V at its gate would not do.",
        ),
        Figure(
            "gate_pin_ma",
            "What does the pin give when the gate is switched?",
            "supply / series resistor, for an instant of R x C",
            ("chip.supply_mv", "chip.pin_current_max_ma", "mosfet.input_pf"),
            (
                Row(
                    "peak",
                    {
                        "gate_pin_ma": supply / series,
                        "gate_time_us": series * number("mosfet.input_pf") * 1e-6,
                    },
                    Limit(number("chip.pin_current_max_ma"), "what the pin may give"),
                ),
            ),
            "Thousands of times shorter than a period of the motor's 20 kHz.",
        ),
    ]


def _switch() -> list[Figure]:
    full = number("cell.full_mv")
    peak = stall_ma(full)
    warm_mw = (peak / 1000) ** 2 * number("mosfet.resistance_max_ohm") * 1000
    diode_mw = peak / 2 * number("flyback.forward_mv") / 1000
    return [
        Figure(
            "mosfet_dissipation_mw",
            "How warm does the MOSFET get?",
            "stall current squared x its largest resistance",
            ("cell.full_mv", "motor.rated_mv", "motor.start_current_max_ma", "mosfet.resistance_max_ohm",
             "mosfet.resistance_typical_ohm", "mosfet.power_max_mw"),
            (
                Row(
                    "stalled, full cell, without a pause",
                    {
                        "mosfet_dissipation_mw": warm_mw,
                        "stall_ma": peak,
                    },
                    Limit(number("mosfet.power_max_mw"), "of its housing in free air, halved"),
                ),
            ),
            "Cool to the touch.",
        ),
        Figure(
            "flyback_peak_ma",
            "Does the diode bear what the motor's winding drives through it?",
            "full cell / (motor's resistance + MOSFET's): the current at the moment of switching off",
            ("cell.full_mv", "motor.rated_mv", "motor.start_current_max_ma", "flyback.current_max_ma"),
            (
                Row(
                    "stalled, full cell",
                    {"flyback_peak_ma": peak, "flyback_mean_mw": diode_mw},
                    Limit(number("flyback.current_max_ma"), "of the diode, on average"),
                ),
            ),
            "At half a duty it carries the motor's current half of the time.",
        ),
        Figure(
            "drain_peak_mv",
            "How high does the MOSFET's drain go when it switches off?",
            "full cell + diode's forward voltage",
            ("cell.full_mv", "flyback.forward_mv", "mosfet.vds_max_mv"),
            (
                Row(
                    "with the diode",
                    {"drain_peak_mv": full + number("flyback.forward_mv")},
                    Limit(number("mosfet.vds_max_mv") / 2, "half of what it bears"),
                ),
            ),
            "Without the diode, or with it the wrong way round, it has no such end: the guide measures it.",
        ),
    ]  # fmt: skip


def _resistors() -> Figure:
    supply, full, usb = number("chip.supply_mv"), number("cell.full_mv"), number("usb.max_mv")
    gate_hz = number("motor.pwm_hz")
    gate_charge_mw = number("mosfet.input_pf") * 1e-12 * (supply / 1000) ** 2 * gate_hz * 1000
    limit = Limit(_RESISTOR_MW / 2, "half of a resistor of 0.25 W")

    def at(voltage_mv: float, ohm: float) -> float:
        return (voltage_mv / 1000) ** 2 / ohm * 1000

    upper, lower = part_value("charge-upper"), part_value("charge-lower")
    cases = {
        "gate series, 20 kHz": gate_charge_mw,
        "gate series, gate shorted to ground, pin high": at(supply, part_value("gate-series")),
        "gate pull-down, pin high": at(supply, part_value("gate-pull-down")),
        "button's pull-up, pressed": at(supply, part_value("pull-up")),
        "battery divider, both": at(full, 2 * part_value("divider")),
        "charge divider, both": at(usb, upper + lower),
        "light's series, light without supply": at(supply, part_value("light-series")),
    }
    return Figure(
        "resistor_mw",
        "How much does each resistor turn into heat?",
        "U squared / R; of the gate's series resistor: C x U squared x f",
        ("chip.supply_mv", "cell.full_mv", "usb.max_mv", "mosfet.input_pf", "motor.pwm_hz"),
        tuple(Row(case, {"resistor_mw": power}, limit) for case, power in cases.items()),
        "Even with a fault behind it none gets warm.",
    )


def _battery_divider() -> list[Figure]:
    half, off = part_value("divider"), tolerance("divider")
    full = number("cell.full_mv")
    middle = divided(full, half, half)
    # The worst pair; the converter's own error, doubled by the divider; its leakage through both in parallel.
    ratio = 2 * abs(divided(1.0, half * (1 + off), half * (1 - off)) - 0.5) * full
    converter = 2 * number("chip.adc_error_mv")
    leak = 2 * number("chip.pin_leak_na") * 1e-6 * half / 2
    gap = number("battery.low_mv") - number("battery.empty_mv")
    drop = max(states_ma(board)["awake_ma"] for board in BOARDS) * path_ohm()
    return [
        Figure(
            "divider_error_mv",
            "How wrong may the cell's voltage be read?",
            "worst pair of resistors + 2 x converter's error + 2 x leakage x (R / 2)",
            ("cell.full_mv", "chip.adc_error_mv", "chip.pin_leak_na", "battery.low_mv", "battery.empty_mv"),
            (
                Row(
                    "all at their worst, full cell",
                    {
                        "divider_error_mv": ratio + converter + leak,
                        "resistors_mv": ratio,
                        "converter_mv": converter,
                        "leakage_mv": leak,
                        "drop_awake_mv": drop,
                    },
                    Limit(
                        gap, "from low (3.5 V) to empty (3.3 V): a cell that is told to be low is not empty"
                    ),
                ),
            ),
            "With resistors of 5 % it would not hold. A pulser that reads a tenth of a volt off is within "
            "it. What the radio's current drops on its way from the cell (drop awake) is no error but a "
            "sign: low is said that much early, never late.",
        ),
        Figure(
            "divider_top_mv",
            "Can the converter measure a full cell?",
            "full cell x (1 + error of the pair) / 2",
            ("cell.full_mv", "chip.adc_top_mv"),
            (
                Row(
                    "full cell, worst pair",
                    {"divider_top_mv": middle + ratio / 2},
                    Limit(number("chip.adc_top_mv"), "the end of the C3's range; the C6's is further"),
                ),
            ),
            "",
        ),
        Figure(
            "divider_ua",
            "What does the divider take all the time?",
            "full cell / (2 x R)",
            ("cell.full_mv",),
            (
                Row(
                    "full cell",
                    {"divider_ua": divider_ua()},
                    Limit(number("xiao_c6.deep_sleep_ua"), "no more than the thriftier board asleep"),
                ),
            ),
            "The capacitor beside the lower one gives the converter its sample; ten readings a second would "
            "do.",
        ),
    ]


def _charge_sense() -> list[Figure]:
    upper, lower = part_value("charge-upper"), part_value("charge-lower")
    up, down = tolerance("charge-upper"), tolerance("charge-lower")
    least = divided(number("usb.hub_min_mv"), upper * (1 + up), lower * (1 - down))
    most = divided(number("usb.max_mv"), upper * (1 - up), lower * (1 + down))
    return [
        Figure(
            "charge_sense_least_mv",
            "Is a charger felt at the lowest voltage that USB allows?",
            "least USB voltage x lower / (upper + lower), resistors at their worst",
            ("usb.hub_min_mv", "chip.input_high_mv"),
            (
                Row(
                    "behind a hub",
                    {"charge_sense_least_mv": least},
                    Limit(number("chip.input_high_mv"), "the chip takes this for high", is_least=True),
                ),
            ),
            "What is not felt could vibrate while it charges.",
        ),
        Figure(
            "charge_sense_most_mv",
            "Is the pin safe at the highest?",
            "largest USB voltage x lower / (upper + lower), resistors at their worst",
            ("usb.max_mv", "chip.input_max_mv"),
            (
                Row(
                    "5.5 V",
                    {"charge_sense_most_mv": most},
                    Limit(number("chip.input_max_mv"), "what an input bears"),
                ),
            ),
            "Whenever there is 5 V the board has its 3.3 V from it: the pin is never driven without supply.",
        ),
        Figure(
            "charge_sense_leak_ua",
            "How much may the board leak into its 5 V pad before a charger is felt that is not there?",
            "what is surely low / lower resistor",
            ("chip.supply_mv", "chip.input_low_pct"),
            (
                Row(
                    "on the cell alone",
                    {"charge_sense_leak_ua": number("chip.supply_mv") * number("chip.input_low_pct") / 100
                     / (lower * (1 + down)) * 1000},
                ),
            ),
            "No data sheet says what the XIAO's diodes leak, so the guide measures it: below 0.1 V at the "
            "sense's pin. Too much errs to the safe side: the pulser then believes that it charges, and does "
            "not vibrate.",
        ),
    ]  # fmt: skip


def path_ohm(cell_pct: float = 100) -> float:
    """From the cell's own voltage to the board: cell with its protection, fuse, switch, wires.

    `cell_pct` is the cell's resistance as a part of a new one's at room temperature.
    """
    return (
        number("cell.resistance_mohm") / 1000 * cell_pct / 100
        + number("fuse.resistance_max_ohm")
        + number("switch.resistance_mohm") / 1000
        + number("wiring.resistance_mohm") / 1000
    )


def _sag() -> Figure:
    rows: list[Row] = []
    worst = number("cell.resistance_worst_pct")
    cases = (
        ("cell low", number("battery.low_mv"), 100.0, True),
        ("cell low, and cold or old", number("battery.low_mv"), worst, True),
        ("cell empty", number("battery.empty_mv"), 100.0, False),
        ("cell empty, and cold or old", number("battery.empty_mv"), worst, False),
    )
    for board in BOARDS:
        for word, rest, cell_pct, counts in cases:
            path = path_ohm(cell_pct)
            radio = number(f"{CHIP[board]}.wifi_peak_ma")
            motor = stall_ma(rest)
            at_board = rest - (radio + motor + number("light.quiet_ma")) * path
            supply = min(number("chip.supply_mv"), at_board - number("xiao.dropout_mv"))
            rows.append(
                Row(
                    f"{board}, {word}",
                    {
                        "sag_supply_low_mv": supply,
                        "cell_rest_mv": rest,
                        "at_board_mv": at_board,
                        "radio_ma": radio,
                        "motor_ma": motor,
                        "path_ohm": path,
                        "capacitor_gives_ms": part_value("bulk") * path / 1000,
                    },
                    Limit(
                        number("chip.brownout_mv"),
                        "here the chip's own detector may reset it",
                        is_least=True,
                    ),
                    counts=counts,
                )
            )
    return Figure(
        "sag_supply_low_mv",
        "Does the chip keep its supply when the radio sends and the motor starts at once?",
        "cell at rest - (radio's peak + motor's stall) x (cell + fuse + switch + wires) - regulator's "
        "dropout",
        (
            *("battery.low_mv", "battery.empty_mv", "chip_c3.wifi_peak_ma", "chip_c6.wifi_peak_ma"),
            *("cell.resistance_mohm", "cell.resistance_worst_pct", "fuse.resistance_max_ohm"),
            *("switch.resistance_mohm", "wiring.resistance_mohm", "xiao.dropout_mv", "chip.brownout_mv"),
            *("motor.rated_mv", "motor.start_current_max_ma", "light.quiet_ma"),
        ),
        tuple(rows),
        "Judged at low, where the room says that it should be charged; at empty no new set starts, and a set "
        "that runs goes on: a cell that is empty and old may then reset its pulser, which ends the set. All "
        "at once is rare: the radio at its strongest and slowest, the motor standing still and fully on (the "
        "board's cap leaves it three quarters of that), the fuse an hour after it has tripped. The capacitor "
        "helps for the time shown, so against the motor's 20 kHz and the first edge; against a whole burst "
        "of the radio it would have to be twenty times as large. The chip's data sheet promises its radio "
        "from 3.0 V; between there and the detector it works without a promise. A reset there is safe: the "
        "motor is off and the set is not resumed.",
        "a cell of less resistance, shorter and thicker wires; and charging at low instead of empty",
    )  # fmt: skip


def _fuse() -> Figure:
    rows = [
        Row(
            board,
            {
                "fuse_of_hold_pct": 100
                * max(
                    number(f"{CHIP[board]}.wifi_peak_ma") + stall_ma(number("cell.full_mv")),
                    number(f"{GROUP[board]}.charge_ma"),
                )
                / (number("fuse.hold_ma") * number("fuse.warm_pct") / 100)
            },
            Limit(100, "what it holds for ever, in a warm case"),
        )
        for board in BOARDS
    ]
    return Figure(
        "fuse_of_hold_pct",
        "Does the fuse hold at the most that ever flows?",
        "larger of (radio's peak + motor's stall) and charging / (hold current x derating at 40 °C)",
        ("fuse.hold_ma", "fuse.warm_pct", "chip_c3.wifi_peak_ma", "chip_c6.wifi_peak_ma",
         "xiao_c3.charge_ma", "xiao_c6.charge_ma"),
        tuple(rows),
        "It opens on a short behind it, and not in work.",
    )  # fmt: skip


def figures() -> list[Figure]:
    """All of this module's."""
    return [
        *_gate(),
        *_switch(),
        _resistors(),
        *_battery_divider(),
        *_charge_sense(),
        _sag(),
        _fuse(),
    ]
