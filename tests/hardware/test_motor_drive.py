"""What a level is in volts: the figures' law against the firmware's, and what follows, by another way."""

import json
from typing import Any

import pytest

from tests.firmware import pulser_parts
from twintap_hardware import boards, facts, figures, figures_motor, motor_drive, motor_model
from twintap_hardware.places import BOARD_FILES, BOARDS, OUT

F = facts.number
BY_ID = {each.id: each for each in figures.all_figures()}
FULL = 65_535
CELLS_MV = (4_200, 3_840, 3_500)


def row_of(figure: str, case: str) -> dict[str, float]:
    return next(each.numbers for each in BY_ID[figure].rows if each.case.startswith(case))


def motor_of(board: str) -> Any:
    return json.loads((BOARD_FILES / f"{board}.json").read_text("utf-8"))["motor"]


@pytest.mark.parametrize("board", BOARDS)
def test_the_figures_reckon_with_the_duty_that_the_firmware_gives(board: str) -> None:
    fields = motor_of(board)
    firmware = pulser_parts.drive.Drive(FULL, fields["start_mv"], fields["full_mv"])
    for read_mv in (0, 1_500, 2_999, 3_000, 3_299, 3_301, *CELLS_MV, 4_350, 4_400, 4_401, 9_000):
        firmware.tune(pulser_parts.drive.supply_mv(read_mv))
        for level_pct in (0, 1, 20, 40, 60, 80, 100):
            figured = motor_drive.duty(boards.load(board), level_pct, read_mv)
            assert figured == pytest.approx(firmware.of(100 * level_pct) / FULL, abs=2 / FULL)


def test_the_least_sure_level_gives_a_motor_just_what_it_was_tried_with() -> None:
    fields = motor_of(BOARDS[0])
    for word, cell_mv in figures_motor.CELLS_MV:
        level = row_of("motor_start_level_pct", f"cell {word}")["motor_start_level_pct"]
        assert 0 < level < F("pacing.low_level_pct")
        wanted_mv = fields["start_mv"] + (fields["full_mv"] - fields["start_mv"]) * level / 100
        # The firmware believes in a cell that reads high, and the MOSFET takes as much as it ever may.
        duty = wanted_mv / (cell_mv + row_of("divider_error_mv", "")["divider_error_mv"])
        amps = F("motor.trial_mv") / 1e3 / 25
        path = row_of("sag_supply_low_mv", f"{BOARDS[0]}, cell low")["path_ohm"]
        over_both_mv = duty * (cell_mv - 1e3 * amps * path)
        over_motor_mv = over_both_mv * 25 / (25 + F("mosfet.resistance_max_ohm"))
        assert over_motor_mv == pytest.approx(F("motor.trial_mv"))


def balance(duty: float, cell_v: float) -> float:
    """The back-EMF at which a winding without inductance gives just the current that the load takes."""
    ohm, fet = 25.0, F("mosfet.resistance_typical_ohm")
    rated, keeps = F("motor.rated_mv") / 1e3, F("motor.keeps_turning_mv") / 1e3
    rated_a = F("motor.rated_current_ma") / 1e3
    rated_emf = rated - rated_a * ohm
    friction_a = keeps / ohm
    low, high = 0.0, cell_v
    for _ in range(60):
        emf = (low + high) / 2
        load_a = friction_a + (rated_a - friction_a) * emf / rated_emf
        if duty * (cell_v - emf) / (ohm + fet) > load_a:
            low = emf
        else:
            high = emf
    return low / rated_emf


def peak(level_pct: int, cell_v: float) -> float:
    """The back-EMF at the end of the default pulse: what current is to spare turns the rotor faster."""
    ohm, fet = 25.0, F("mosfet.resistance_typical_ohm")
    rated, keeps = F("motor.rated_mv") / 1e3, F("motor.keeps_turning_mv") / 1e3
    rated_a = F("motor.rated_current_ma") / 1e3
    friction_a, rated_emf = keeps / ohm, rated - rated_a * ohm
    per_volt_a = (rated_a - friction_a) / rated_emf
    # Its inertia, from its lag on plain direct current, which the motor's rise time gives.
    volts_per_a_ms = 1 / (motor_model.lag_ms() * (1 / ohm + per_volt_a))
    step_ms, emf = 0.02, 0.0
    for at in range(round(F("pacing.pulse_ms") / step_ms)):
        rising = min(1.0, (at + 1) * step_ms / F("pacing.rise_ms"))
        duty = motor_drive.duty(boards.load(BOARDS[0]), level_pct * rising, 1e3 * cell_v)
        surplus_a = duty * (cell_v - emf) / (ohm + fet) - friction_a - per_volt_a * emf
        emf = max(0.0, emf + surplus_a * volts_per_a_ms * step_ms)
    return emf


@pytest.mark.parametrize("level_pct", [20, 40, 60, 80])
def test_two_pulsers_are_as_unlike_as_their_balances_of_current_say(level_pct: int) -> None:
    board = boards.load(BOARDS[0])
    numbers = row_of("pair_unlike_pct", f"{level_pct} %")
    full, low = (balance(motor_drive.duty(board, level_pct, mv), mv / 1e3) for mv in (4_200, 3_500))
    assert numbers["wide_pulses_pct"] == pytest.approx(100 * ((full / low) ** 2 - 1), rel=1e-3)
    full, low = peak(level_pct, 4.2), peak(level_pct, 3.5)
    assert numbers["pair_unlike_pct"] == pytest.approx(100 * ((full / low) ** 2 - 1), rel=0.03)
    assert 0 < numbers["pair_unlike_pct"] < numbers["wide_pulses_pct"]
    assert numbers["winding_smooths_pct"] == pytest.approx(0)
    # Driven by plain direct current the two models are one.
    rated_v = 3.0 + F("motor.rated_current_ma") / 1e3 * F("mosfet.resistance_typical_ohm")
    assert balance(1.0, rated_v) == pytest.approx(1)
    assert motor_model.end_speed_bare(1.0, 1e3 * rated_v) == pytest.approx(1)


def test_what_stands_still_needs_more_to_turn_than_what_turns() -> None:
    rotor = motor_model.typical()
    assert F("motor.keeps_turning_least_mv") < rotor.keeps_mv < rotor.starts_mv == F("motor.start_typical_mv")
    between = (rotor.keeps_mv + rotor.starts_mv) / 2
    assert rotor.from_rest(between) == 0 < rotor.end_speed(between)
    assert rotor.from_rest(rotor.starts_mv) == rotor.end_speed(rotor.starts_mv) > 0
    assert rotor.end_speed(F("motor.rated_mv")) == pytest.approx(1)
    # One that needs what 30 % gives stays at rest below it, however long the pulse.
    stiff = motor_model.Rotor(motor_model.mean_mv(30, 3_840), rotor.keeps_mv)
    assert motor_model.peak_m_s2(29, 3_840, 500, stiff) == 0 == motor_model.steady_m_s2(29, 3_840, stiff)
    assert motor_model.felt_ms(29, 3_840, stiff) == float("inf")
    assert motor_model.peak_m_s2(31, 3_840, 500, stiff) > F("motor.felt_m_s2")


def test_every_motor_that_passed_its_trial_starts_at_the_lowest_level_that_a_set_begins_with() -> None:
    start_mv = motor_of(BOARDS[0])["start_mv"]
    assert F("motor.start_typical_mv") < F("motor.trial_mv") < start_mv < F("motor.start_most_mv")
    worst = motor_model.just_passed()
    assert worst.starts_mv == F("motor.trial_mv")
    for _, cell_mv in figures_motor.CELLS_MV:
        level = F("pacing.low_level_pct")
        assert motor_model.steady_m_s2(level, cell_mv, worst) > 0
        assert motor_model.steady_m_s2(level, cell_mv) > motor_model.steady_m_s2(level, cell_mv, worst)


def test_the_lowest_level_is_gentler_than_half_the_default_one_by_the_rotor_s_own_equation() -> None:
    rows = BY_ID["gentlest_of_default_pct"].rows
    for row, keeps in zip(rows, ("motor.keeps_turning_mv", "motor.keeps_turning_least_mv"), strict=True):
        friction, rated = F(keeps), F("motor.rated_mv")
        part, motor = 25 / (25 + F("mosfet.resistance_typical_ohm")), motor_of(BOARDS[0])
        speeds: list[float] = []
        for level in (1, F("pacing.level_pct")):
            speed, step_ms = 0.0, 0.01
            for at in range(round(F("pacing.pulse_ms") / step_ms)):
                now = level / 100 * min(1.0, (at + 1) * step_ms / F("pacing.rise_ms"))
                mean = (motor["start_mv"] + (motor["full_mv"] - motor["start_mv"]) * now) * part
                speed += ((mean - friction) / (rated - friction) - speed) * step_ms / motor_model.lag_ms()
            speeds.append(speed)
        told = row.numbers
        assert told["gentlest_of_default_pct"] == pytest.approx(100 * (speeds[0] / speeds[1]) ** 2, rel=0.02)
        assert told["of_rated_pct"] == pytest.approx(100 * speeds[0] ** 2, rel=0.02)
        assert told["gentlest_of_default_pct"] < 50


def test_no_reading_leads_above_what_the_figure_of_the_cap_tells() -> None:
    for name in BOARDS:
        board = boards.load(name)
        told = row_of("motor_cap_mv", f"{name}, a full cell that is read as empty")["motor_cap_mv"]
        most = max(
            motor_drive.duty(board, board["absolute_cap_pct"], read_mv) * 4_200 for read_mv in range(5_000)
        )
        assert most == pytest.approx(told)
        assert told <= F("motor.max_mv")


def test_boards_whose_levels_mean_unlike_voltages_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {name: json.loads((BOARD_FILES / f"{name}.json").read_text("utf-8")) for name in BOARDS}
    files[BOARDS[-1]]["motor"]["full_mv"] = 3_300
    monkeypatch.setattr(motor_drive.boards, "load", lambda name: files[name])  # pyright: ignore
    motor_drive.common.cache_clear()
    with pytest.raises(ValueError, match="different voltages"):
        motor_drive.common()


@pytest.mark.parametrize("board", BOARDS)
def test_board_file_guide_and_safety_file_tell_the_trial_and_the_voltages_that_the_figures_reckon_with(
    board: str,
) -> None:
    fields = boards.load(board)
    trial_v = F("motor.trial_mv") / 1e3
    notes = " ".join(json.loads((BOARD_FILES / f"{board}.json").read_text("utf-8"))["notes"])
    for told in (
        f"{fields['motor']['start_mv']} mV just above 0",
        f"tried with {trial_v:g} V",
        f"{fields['motor']['full_mv']} mV, the motor's rated voltage",
        f"cap of {fields['absolute_cap_pct']} % is {motor_drive.cap_mv(fields):.0f} mV",
        f"the motor has {int(motor_drive.most_mv(fields))} mV",
        f"under its {F('motor.max_mv') / 1e3:g} V",
    ):
        assert told in notes
    assert f"supply at {trial_v:.2f} V" in (OUT / "guide.md").read_text("utf-8")
    safety = (OUT / "safety.md").read_text("utf-8")
    assert f"start with {trial_v:g} V in four positions" in safety
    assert f"{fields['motor']['start_mv'] / 1e3:g} V less what MOSFET and wires take" in safety
