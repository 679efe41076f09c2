"""The figures: worked out again by another way, from the netlist's values and the firmware's own numbers."""

import json
import math
import re
from typing import Any

import pytest

from tests.firmware import pulser_parts
from twintap.core import pacing
from twintap.core.charge import charge_pct
from twintap.sessions import offers
from twintap_hardware import (
    facts,
    figures,
    figures_circuit,
    figures_heat,
    figures_kit,
    figures_motor,
    motor_model,
    netlist,
)
from twintap_hardware.case_size import size
from twintap_hardware.figures_kit import Figure, Limit, Row
from twintap_hardware.places import BOARD_FILES, BOARDS, OUT
from twintap_protocol import limits

BY_ID = {each.id: each for each in figures.all_figures()}
COMMITTED: dict[str, Any] = json.loads((OUT / "figures.json").read_text("utf-8"))
F = facts.number


def of(figure: str, case: str, number: str = "") -> float:
    """One number of one row; the row's case begins with `case`."""
    row = next(each for each in BY_ID[figure].rows if each.case.startswith(case))
    return row.numbers[number or figure]


def ohms(board: str, designator: str) -> float:
    """A resistor of the committed netlist, in ohms."""
    value = netlist.committed(board).parts[designator].value
    number, unit = value.split()
    return float(number) * {"Ω": 1, "kΩ": 1_000}[unit]


def milliamp_hours(board: str) -> float:
    found = re.match(r"(\d+) mAh", netlist.committed(board).parts["BT1"].value)
    assert found
    return float(found[1])


# --- the numbers again ------------------------------------------------------------------------------------


@pytest.mark.parametrize("board", BOARDS)
def test_the_clinic_day_is_what_its_charges_add_up_to(board: str) -> None:
    group = {"xiao-esp32c3": "xiao_c3", "xiao-esp32c6": "xiao_c6"}[board]
    fields = json.loads((BOARD_FILES / f"{board}.json").read_text("utf-8"))
    start_mv, full_mv = fields["motor"]["start_mv"], fields["motor"]["full_mv"]
    # In coulombs, second by second of the day: the radio for 21,600, the motor for 3,600 of them.
    divider_a = 4.2 / (ohms(board, "R4") + ohms(board, "R5"))
    always_a = F(f"{group}.awake_ma") / 1e3 + F("light.quiet_ma") / 1e3 + divider_a
    chip = {"xiao-esp32c3": "chip_c3", "xiao-esp32c6": "chip_c6"}[board]
    above_a = (F(f"{chip}.wifi_peak_ma") - F(f"{group}.awake_ma")) / 1e3
    sending_c = 3_600 * F("radio.sends_in_set_hz") * F("radio.send_ms") / 1e3 * above_a
    # The motor standing still at its mean voltage: a current in pulses that end with those of the PWM.
    motor_v = (start_mv + (full_mv - start_mv) * fields["absolute_cap_pct"] / 100) / 1e3
    duty, peak_a = motor_v / 4.2, 4.2 / 25
    day_c = 21_600 * always_a + sending_c + 3_600 * duty * peak_a
    cell_c = milliamp_hours(board) * 3.6 * 0.95 * 0.8
    own = next(row for row in BY_ID["day_of_cell_pct"].rows if row.case.startswith(board) and row.counts)
    assert own.numbers["day_of_cell_pct"] == pytest.approx(100 * day_c / cell_c, rel=1e-3)
    assert own.numbers["day_need_mah"] == pytest.approx(day_c / 3.6, rel=1e-3)
    assert "(parts list)" in own.case
    assert f" {milliamp_hours(board):.0f} mAh" in own.case


@pytest.mark.parametrize("board", BOARDS)
def test_hours_times_current_is_the_charge(board: str) -> None:
    for row in BY_ID["awake_h"].rows:
        if not row.case.startswith(board):
            continue
        mah = float(re.findall(r"(\d+) mAh", row.case)[0])
        for state in ("awake", "set default", "drowsy", "asleep"):
            current = of("state_current_ma", f"{board}, {state}", "state_current_ma")
            hours = row.numbers[state.replace(" ", "_") + "_h"]
            assert hours * current == pytest.approx(mah * 0.95)
    assert of("state_current_ma", f"{board}, asleep") < 2 < of("state_current_ma", f"{board}, drowsy")


@pytest.mark.parametrize("board", BOARDS)
def test_dividers_and_gate_are_those_of_the_netlist(board: str) -> None:
    upper, lower = ohms(board, "R6") * 1.05, ohms(board, "R7") * 0.95
    assert of("charge_sense_least_mv", "") == pytest.approx(F("usb.hub_min_mv") / (1 + upper / lower))
    top = F("usb.max_mv") / (1 + ohms(board, "R6") * 0.95 / (ohms(board, "R7") * 1.05))
    assert of("charge_sense_most_mv", "") == pytest.approx(top)
    # Kirchhoff at the gate: what comes through the series resistor leaves through the pull-down.
    gate = of("gate_high_mv", "")
    series, down = ohms(board, "R1"), ohms(board, "R2")
    assert (F("chip.pin_high_mv") - gate) / series == pytest.approx(gate / down)
    assert of("gate_pin_ma", "") == pytest.approx(3_300 / series)
    assert of("divider_ua", "") == pytest.approx(4.2e6 / (ohms(board, "R4") + ohms(board, "R5")))


def test_the_worst_pair_of_the_divider_is_the_worst_of_all_pairs() -> None:
    errors = [
        abs(2 * 4_200 * lower / (upper + lower) - 4_200)
        for upper in (0.99, 1.0, 1.01)
        for lower in (0.99, 1.0, 1.01)
    ]
    assert of("divider_error_mv", "", "resistors_mv") == pytest.approx(max(errors), abs=0.01)


@pytest.mark.parametrize(("board", "chip"), [("xiao-esp32c3", "chip_c3"), ("xiao-esp32c6", "chip_c6")])
def test_the_supply_s_dip_is_a_voltage_along_the_path(board: str, chip: str) -> None:
    motor_a = 3.5 / (25 + F("mosfet.resistance_typical_ohm"))
    amps = F(f"{chip}.wifi_peak_ma") / 1e3 + motor_a + F("light.quiet_ma") / 1e3
    volts = 3.5
    for part in ("cell.resistance_mohm", "switch.resistance_mohm", "wiring.resistance_mohm"):
        volts -= amps * F(part) / 1e3
    volts -= amps * F("fuse.resistance_max_ohm")
    assert of("sag_supply_low_mv", f"{board}, cell low", "at_board_mv") == pytest.approx(1e3 * volts)
    supply = min(3.3, volts - F("xiao.dropout_mv") / 1e3)
    assert of("sag_supply_low_mv", f"{board}, cell low") == pytest.approx(1e3 * supply)


def surface_m2() -> float:
    box = size().length * size().width + size().length * size().height + size().width * size().height
    return 0.9 * 2e-6 * box


def test_heat_that_goes_in_goes_out_to_the_room_and_to_the_hand() -> None:
    free = F("heat.free_pct") / 100
    for row in BY_ID["surface_set_c"].rows:
        mean = row.numbers["mean_c"]
        room_w = 0.0
        if "blanket" not in row.case:
            room_w = F("heat.transfer_w_m2_k") * surface_m2() * free * (mean - F("heat.room_c"))
        hand_w = F("heat.hand_w_m2_k") * surface_m2() * (1 - free) * (mean - F("heat.blood_c"))
        assert 1e3 * (room_w + hand_w) == pytest.approx(row.numbers["power_mw"])
        assert row.numbers["surface_set_c"] == pytest.approx(mean + F("heat.spot_c"))
        assert ("blanket" in row.case) is not row.counts
    for row in BY_ID["surface_charging_c"].rows:
        room = F("heat.charge_room_c" if "25 °C" in row.case else "heat.room_c")
        warmer = row.numbers["mean_c"] - room
        lying = F("heat.lying_free_pct") / 100
        out_w = F("heat.transfer_w_m2_k") * surface_m2() * lying * warmer
        assert 1e3 * out_w == pytest.approx(row.numbers["power_mw"])


@pytest.mark.parametrize("board", BOARDS)
def test_all_that_usb_brings_while_charging_is_heat_or_goes_into_the_cell(board: str) -> None:
    group = {"xiao-esp32c3": "xiao_c3", "xiao-esp32c6": "xiao_c6"}[board]
    always_a = F("light.quiet_ma") / 1e3 + 4.2 / (ohms(board, "R4") + ohms(board, "R5"))
    charger_a = F("xiao_c3.charge_ma" if group == "xiao_c3" else "xiao_c6.charge_ma") / 1e3
    red, green, _ = pulser_parts.light.colour_of("charging", 0, (0, 0, 0), False, True)
    light_a = (red + green) / 255 * F("light.colour_ma") / 1e3
    assert of("charge_time_h", f"{board}, 1000 mAh", "light_ma") == pytest.approx(1e3 * light_a, rel=0.02)
    for state in ("modem_sleep", "awake"):
        board_a = F(f"{group}.{state}_ma") / 1e3 + always_a
        in_w = 5.1 * (charger_a + board_a)
        stored_w = 3.6 * (charger_a - light_a)
        case = f"{board}, drowsy" if state == "modem_sleep" else f"{board}, kept awake"
        assert of("surface_charging_c", case, "power_mw") == pytest.approx(1e3 * (in_w - stored_w), rel=0.01)


def test_the_spot_over_the_motor_is_the_same_by_a_network_of_resistances() -> None:
    it = size()
    flesh, plastic, air = F("heat.flesh_w_m_k"), F("heat.plastic_w_m_k"), F("heat.transfer_w_m2_k")
    disc = (it.cup_radius + it.cup_wall) / 1e3
    to_flesh = 1 / (4 * flesh * disc + F("heat.hand_w_m2_k") * math.pi * disc**2)
    to_ring = math.log(it.membrane_radius / 1e3 / disc) / (2 * math.pi * plastic * it.membrane / 1e3)
    pad = it.pad / 1e3 / (plastic * math.pi * (it.motor_radius / 1e3) ** 2)
    back = 1 / (air * math.pi * it.motor_radius * (it.motor_radius + 2 * it.motor_thickness) / 1e6)
    # Two nodes, motor and skin, a watt into the motor: Kirchhoff, solved by hand.
    skin = 1 / (1 / to_flesh + 1 / to_ring)
    motor_c = 1 / (1 / (pad + skin) + 1 / back)
    assert figures_heat.motor_spot_k_w() == pytest.approx(motor_c * skin / (pad + skin))
    # Heated electrodes of this size that doctors put on skin need 0.2 to 0.4 W for ten degrees.
    assert 25 <= figures_heat.motor_spot_k_w() <= 60


def test_a_stuck_motor_is_hotter_than_a_working_one_and_the_file_says_that_it_is_borne() -> None:
    stuck = {row.case: row.numbers["skin_over_stuck_c"] for row in BY_ID["skin_over_stuck_c"].rows}
    working = max(row.numbers["skin_over_motor_c"] for row in BY_ID["skin_over_motor_c"].rows)
    assert max(stuck.values()) > working
    assert BY_ID["skin_over_stuck_c"].verdict == "fail"
    text = (OUT / "figures.md").read_text("utf-8")
    assert text.count(figures.BORNE["skin_over_stuck_c"]) == 1


@pytest.mark.parametrize("board", BOARDS)
def test_a_cold_or_old_cell_dips_deeper_and_is_judged_at_low(board: str) -> None:
    new, old = (of("sag_supply_low_mv", f"{board}, cell low{word}") for word in ("", ", and cold or old"))
    amps = (of("sag_supply_low_mv", board, "radio_ma") + of("sag_supply_low_mv", board, "motor_ma")) / 1e3
    amps += F("light.quiet_ma") / 1e3
    more_ohm = F("cell.resistance_mohm") / 1e3 * (F("cell.resistance_worst_pct") / 100 - 1)
    assert new - old == pytest.approx(1e3 * amps * more_ohm)
    assert all(row.counts == ("cell low" in row.case) for row in BY_ID["sag_supply_low_mv"].rows)


def test_an_hour_of_halves_is_a_quarter_of_eight_hours_vibration() -> None:
    hour, day = (row.numbers["hand_vibration_m_s2"] for row in BY_ID["hand_vibration_m_s2"].rows)
    # The dose goes with the square: half of one hour is a sixteenth of eight, so a quarter of the value.
    assert hour == pytest.approx(day / 4)
    assert day == pytest.approx(F("motor.amplitude_m_s2") * F("vibration.weight_pct") / 100 / math.sqrt(2))


def exact_speed(level_pct: float, cell_mv: float, pulse_ms: float) -> float:
    """The rotor's speed at a pulse's end, by its equation's solution: a step, a ramp, the rest of both."""
    motor = json.loads((BOARD_FILES / "xiao-esp32c3.json").read_text("utf-8"))["motor"]
    part = 25 / (25 + F("mosfet.resistance_typical_ohm"))
    first = motor["start_mv"] * part
    last = first + (motor["full_mv"] - motor["start_mv"]) * level_pct / 100 * part
    assert last / part < cell_mv  # so it is the same on every such cell
    keeps, rated = F("motor.keeps_turning_mv"), F("motor.rated_mv")
    assert first > F("motor.start_typical_mv")  # it turns from the ramp's beginning on
    lag = F("motor.rise_ms") / -math.log(1 - math.sqrt(0.9))
    rise = min(20.0, pulse_ms)
    slope = (last - first) / (rated - keeps) / rise
    done = 1 - math.exp(-rise / lag)
    ramped = (first - keeps) / (rated - keeps) * done + slope * (rise - lag * done)
    rest = math.exp(-(pulse_ms - rise) / lag)
    return ramped * rest + (last - keeps) / (rated - keeps) * (1 - rest)


@pytest.mark.parametrize("level_pct", [20, 40, 60, 80])
@pytest.mark.parametrize("pulse_ms", [20, 50, 100, 400])
def test_a_pulse_s_amplitude_is_the_exact_solution_s_on_every_cell(level_pct: int, pulse_ms: int) -> None:
    for _, cell_mv in figures_motor.CELLS_MV:
        exact = F("motor.amplitude_m_s2") * exact_speed(level_pct, cell_mv, pulse_ms) ** 2
        found = motor_model.peak_m_s2(level_pct, cell_mv, pulse_ms)
        assert found == pytest.approx(exact, rel=0.02, abs=0.003)


def test_the_shortest_felt_pulse_is_felt_and_a_shorter_one_is_not() -> None:
    felt = F("motor.felt_m_s2")
    for row in BY_ID["felt_shortest_ms"].rows:
        level = float(row.case.split()[0])
        rotor = motor_model.typical() if row.counts else motor_model.just_passed()
        cell_mv = dict(figures_motor.CELLS_MV).get(row.case.rpartition(" ")[2], 3_840)
        shortest = row.numbers["felt_shortest_ms"]
        if math.isinf(shortest):
            assert motor_model.peak_m_s2(level, cell_mv, 3_000, rotor) < felt
        else:
            assert motor_model.peak_m_s2(level, cell_mv, shortest, rotor) >= felt
            assert motor_model.peak_m_s2(level, cell_mv, shortest - 1, rotor) < felt


def test_the_rotor_s_lag_gives_its_rise_time_back() -> None:
    after = 1 - math.exp(-F("motor.rise_ms") / motor_model.lag_ms())
    assert after**2 == pytest.approx(0.9)
    assert figures_circuit.motor_ohm() == pytest.approx(25)


# --- what they take from the rest of the house ------------------------------------------------------------


def test_pacing_and_limits_are_the_daemon_s_the_protocol_s_and_the_firmware_s() -> None:
    usual = pacing.Pacing()
    assert (F("pacing.rate_hz"), F("pacing.pulse_ms")) == (usual.rate_hz, usual.pulse_ms)
    assert F("pacing.level_pct") == usual.left_pct == usual.right_pct
    assert F("pacing.low_level_pct") == offers.LOW_LEVEL_PCT
    assert F("pacing.rate_most_hz") == pacing.MAX_RATE_HZ
    assert F("pacing.pulse_least_ms") * 1_000 == limits.MIN_WIDTH_US
    assert F("pacing.rise_ms") * 1_000 == limits.MIN_RISE_US
    assert F("lease.most_ms") == limits.LEASE_MS
    assert F("battery.low_mv") == pulser_parts.battery.LOW_MV
    assert F("battery.empty_mv") == pulser_parts.battery.EMPTY_MV
    for board in BOARDS:
        fields = json.loads((BOARD_FILES / f"{board}.json").read_text("utf-8"))
        assert F("motor.pwm_hz") == fields["motor"]["pwm_hz"]


def test_what_is_called_usable_of_a_cell_is_what_the_daemon_s_curve_gives() -> None:
    left = charge_pct(F("battery.low_mv"))
    assert F("cell.usable_pct") <= 100 - left
    assert charge_pct(dict(figures_motor.CELLS_MV)["half"]) == 50
    # The charger burns the most while the cell is low, which is over after the first twentieth.
    assert charge_pct(F("charge.cell_early_mv")) <= 5


# --- units, limits, outputs -------------------------------------------------------------------------------


FACT_UNITS = {
    "ma": "mA",
    "ua": "uA",
    "mah": "mAh",
    "mv": "mV",
    "mw": "mW",
    "ohm": "ohm",
    "mohm": "mohm",
    "ms": "ms",
    "h": "h",
    "hz": "Hz",
    "c": "C",
    "na": "nA",
    "pf": "pF",
    "mm": "mm",
    "m_s2": "m/s^2",
    "w_m2_k": "W/(m^2 K)",
    "w_m_k": "W/(m K)",
}


@pytest.mark.parametrize("name", sorted({name for each in BY_ID.values() for name in each.uses}))
def test_a_fact_s_name_ends_in_its_unit(name: str) -> None:
    unit = facts.fact(name).unit
    if name.endswith(("_pct", "_percent")):
        assert unit.startswith("%")
        return
    ending = next(
        each for each in ("_w_m2_k", "_w_m_k", "_m_s2", "_" + name.rpartition("_")[2]) if name.endswith(each)
    )
    assert unit == FACT_UNITS[ending[1:]]


def test_every_number_of_the_json_has_its_unit_in_its_name_and_is_finite_or_null() -> None:
    numbers = 0
    for figure in COMMITTED["figures"]:
        assert figure["id"].endswith(tuple(f"_{each}" for each in figures_kit.UNITS))
        assert set(figure["uses"]) <= set(facts.facts())
        for row in figure["rows"]:
            assert figure["id"] in row["numbers"]
            for name, value in row["numbers"].items():
                assert figures_kit.unit_of(name) in figures_kit.UNITS.values()
                assert value is None or math.isfinite(value)
                numbers += 1
            assert row["verdict"] in ("pass", "fail", "told")
            assert ("limit" in row) == (row["verdict"] != "told")
    assert numbers > 150


def test_what_is_committed_is_what_is_calculated_and_twice_the_same() -> None:
    assert json.loads(json.dumps(figures.as_data())) == COMMITTED
    assert (OUT / "figures.md").read_text("utf-8") == figures.render()
    figures.all_figures.cache_clear()
    assert (OUT / "figures.md").read_text("utf-8") == figures.render()


def _figure(value: float, limit: Limit | None, *, counts: bool = True) -> Figure:
    return Figure("x_mv", "?", "1", (), (Row("a", {"x_mv": value}, limit, counts),), "", "more")


def test_a_limit_is_kept_up_to_itself_and_no_further() -> None:
    most, least = Limit(10, "r"), Limit(10, "r", is_least=True)
    assert [_figure(each, most).verdict for each in (9.9, 10, 10.1)] == ["pass", "pass", "fail"]
    assert [_figure(each, least).verdict for each in (9.9, 10, 10.1)] == ["fail", "pass", "pass"]
    assert _figure(1, None).verdict == "told"
    assert _figure(11, most, counts=False).verdict == "told"
    assert _figure(math.inf, most).verdict == "fail"


def test_what_fails_is_a_breach_unless_it_is_borne_and_what_is_borne_has_to_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = _figure(11, Limit(10, "r"))
    monkeypatch.setattr(figures, "all_figures", lambda: (one,))
    monkeypatch.setattr(figures, "BORNE", {})
    assert any("x_mv, a: 11 mV" in each and "more" in each for each in figures.check())
    monkeypatch.setattr(figures, "BORNE", {"x_mv": "it has to be"})
    assert figures.check() == []
    monkeypatch.setattr(figures, "all_figures", lambda: (_figure(9, Limit(10, "r")),))
    assert figures.check() == ["x_mv is borne, and does not fail"]


def test_no_other_figure_fails_its_limit() -> None:
    assert figures.check() == []


def test_a_number_without_a_unit_in_its_name_is_a_breach(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = Figure("x_mv", "?", "1", (), (Row("a", {"x_mv": 1.0, "speed": 2.0}),), "")
    monkeypatch.setattr(figures, "all_figures", lambda: (odd,))
    monkeypatch.setattr(figures, "BORNE", {})
    assert any("speed says no unit" in each for each in figures.check())


def test_each_question_of_the_list_has_its_figure() -> None:
    assert {
        *("state_current_ma", "awake_h", "day_of_cell_pct", "pulse_least_m_s2", "charge_rate_of_limit_pct"),
        *("resistor_mw", "sag_supply_low_mv", "surface_set_c", "flyback_peak_ma", "motor_stop_ms"),
    } <= set(BY_ID)
    assert set(figures.BORNE) <= {each.id for each in BY_ID.values() if each.verdict == "fail"}
