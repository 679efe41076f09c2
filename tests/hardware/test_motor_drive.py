"""What a level is in volts: the figures' law against the firmware's, and what follows, by another way."""

import json
from typing import Any

import pytest

from tests.firmware import pulser_parts
from twintap_hardware import boards, facts, figures, figures_motor, motor_drive
from twintap_hardware.places import BOARD_FILES, BOARDS

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
    rated, start = F("motor.rated_mv") / 1e3, F("motor.start_typical_mv") / 1e3
    rated_a = F("motor.rated_current_ma") / 1e3
    rated_emf = rated - rated_a * ohm
    friction_a = start / ohm
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
    rated, start = F("motor.rated_mv") / 1e3, F("motor.start_typical_mv") / 1e3
    rated_a = F("motor.rated_current_ma") / 1e3
    friction_a, rated_emf = start / ohm, rated - rated_a * ohm
    per_volt_a = (rated_a - friction_a) / rated_emf
    # Its inertia, from its lag on plain direct current, which the motor's rise time gives.
    volts_per_a_ms = 1 / (figures_motor.lag_ms() * (1 / ohm + per_volt_a))
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
    assert figures_motor.end_speed_bare(1.0, 1e3 * rated_v) == pytest.approx(1)


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
