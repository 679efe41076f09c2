"""The board files against the chips: a pin that cannot do its work is found here, not at the bench.

The tables are Espressif's, chip by chip, written down once more and apart from those on the pulser: ESP-IDF's
"GPIO & RTC GPIO" page of each chip (strapping pins, ADC channels, RTC or LP pins, flash, USB); the data
sheets' pin lists for what is pulled up at reset; MicroPython's `pins.csv` of the XIAO boards for their pads.
"""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from twintap_board.sources import firmware_dir

from .pulser_parts import board_file

BOARDS = {
    path.stem: json.loads(path.read_text("utf-8")) for path in (firmware_dir() / "boards").glob("*.json")
}
REAL = sorted(name for name in BOARDS if name != "virtual")

EXISTS = {
    "esp32": {*range(20), *range(21, 24), *range(25, 28), *range(32, 40)},
    "esp32c3": set(range(22)),
    "esp32c6": set(range(31)),
}
STRAPPING = {"esp32": {0, 2, 5, 12, 15}, "esp32c3": {2, 8, 9}, "esp32c6": {4, 5, 8, 9, 15}}
# Flash, and PSRAM where modules have it; on C3 the flash's supply (GPIO11) too.
MEMORY = {"esp32": {*range(6, 12), 16, 17}, "esp32c3": set(range(11, 18)), "esp32c6": set(range(24, 31))}
USB = {"esp32": set[int](), "esp32c3": {18, 19}, "esp32c6": {12, 13}}
UART0 = {"esp32": {1, 3}, "esp32c3": {20, 21}, "esp32c6": {16, 17}}
INPUT_ONLY = {"esp32": set(range(34, 40)), "esp32c3": set[int](), "esp32c6": set[int]()}
ADC1 = {"esp32": set(range(32, 40)), "esp32c3": set(range(5)), "esp32c6": set(range(7))}
WAKES = {
    "esp32": {0, 2, 4, 12, 13, 14, 15, 25, 26, 27, *range(32, 40)},
    "esp32c3": set(range(6)),
    "esp32c6": set(range(8)),
}
PULLED_UP_AT_RESET = {"esp32": {0, 5, 14, 15}, "esp32c3": {9, 20, 21}, "esp32c6": {9, *range(18, 24)}}
PADS = {
    "xiao-esp32c3": {
        "D0": 2, "D1": 3, "D2": 4, "D3": 5, "D4": 6, "D5": 7, "D6": 21, "D7": 20, "D8": 8, "D9": 9, "D10": 10
    },
    "xiao-esp32c6": {
        "D0": 0, "D1": 1, "D2": 2, "D3": 21, "D4": 22, "D5": 23, "D6": 16, "D7": 17, "D8": 19, "D9": 20,
        "D10": 18, "RF_POWER": 3, "RF_SEL": 14,
    },
    "esp32-devkit": {f"IO{pin}": pin for pin in EXISTS["esp32"]},
}  # fmt: skip


def pins_of(fields: dict[str, Any]) -> dict[str, int]:
    """Every pin that a board file names, by what it is for."""
    found = {f"motor.{key}": fields["motor"].get(key) for key in ("pin", "sda", "scl", "enable_pin")}
    for part in ("button", "battery", "charge"):
        found[part] = (fields.get(part) or {}).get("pin")
    for key in ("pin", "red_pin", "green_pin", "blue_pin"):
        found[f"light.{key}"] = (fields.get("light") or {}).get(key)
    for at, steady in enumerate(fields.get("steady", [])):
        found[f"steady.{at}"] = steady["pin"]
    return {what: pin for what, pin in found.items() if pin is not None}


def drives(what: str) -> bool:
    return what.startswith(("motor", "light", "steady"))


@pytest.mark.parametrize("name", sorted(BOARDS))
def test_every_board_file_is_taken_and_bears_its_own_name(name: str) -> None:
    board = board_file.BoardFile(BOARDS[name])
    assert board.board_id == name
    assert board.is_virtual == (name == "virtual")


@pytest.mark.parametrize("name", REAL)
def test_a_real_board_keeps_a_reserve_under_full_level_and_goes_to_sleep(name: str) -> None:
    board = board_file.BoardFile(BOARDS[name])
    assert board.absolute_cap_pct < 100
    assert board.sleep_after_s > board.drowsy_after_s
    assert BOARDS[name]["image"].startswith("ESP32_GENERIC")
    if board.motor_driver == "pwm":
        assert BOARDS[name]["motor"]["pwm_hz"] >= 20_000


def test_levels_mean_the_same_voltages_on_every_board() -> None:
    ranges = {board_file.motor_range_mv(board_file.BoardFile(BOARDS[name]).motor) for name in REAL}
    assert ranges == {(1_500, 3_000)}


@pytest.mark.parametrize("name", REAL)
def test_each_pin_can_do_what_it_is_for(name: str) -> None:
    assert_each_pin_can(BOARDS[name])


def assert_each_pin_can(fields: dict[str, Any]) -> None:
    chip = fields["chip"]
    pins = pins_of(fields)
    assert len(set(pins.values())) == len(pins), "a pin is used twice"
    for what, pin in pins.items():
        taken = STRAPPING[chip] | MEMORY[chip] | USB[chip] | UART0[chip]
        assert pin in EXISTS[chip] - taken, f"{what}: GPIO{pin}"
        assert not (drives(what) and pin in INPUT_ONLY[chip]), f"{what}: GPIO{pin} only reads"
        if what in ("motor.pin", "motor.enable_pin"):
            assert pin not in PULLED_UP_AT_RESET[chip], f"{what}: GPIO{pin} would start the motor"
    assert pins["button"] in WAKES[chip] - INPUT_ONLY[chip]
    if "battery" in pins:
        assert pins["battery"] in ADC1[chip]


@pytest.mark.parametrize("name", REAL)
def test_the_pads_named_for_the_solderer_are_the_board_s_own(name: str) -> None:
    fields = BOARDS[name]
    known = PADS[name.removesuffix("-drv2605l")]
    pads = {int(pin): pad for pin, pad in fields["pads"].items()}
    assert set(pads) == set(pins_of(fields).values())
    for pin, pad in pads.items():
        assert known[pad] == pin


def test_a_bare_devkit_senses_nothing_that_is_not_wired() -> None:
    # These pins of an ESP32 have no pull of their own: left alone they would tell of a charger, now and then.
    assert BOARDS["esp32-devkit"]["charge"] is None
    assert BOARDS["esp32-devkit"]["battery"] is None


def test_the_pulser_s_own_rules_never_allow_what_the_chips_tables_forbid() -> None:
    # Every pin of every chip in every place: what the pulser takes, the tables take.
    places = {
        "xiao-esp32c3": [("motor", "pin"), ("button", "pin"), ("battery", "pin"), ("charge", "pin")],
        "esp32-devkit": [("motor", "pin"), ("button", "pin"), ("light", "pin")],
        "xiao-esp32c6": [("motor", "pin"), ("button", "pin"), ("battery", "pin"), ("light", "pin")],
        "xiao-esp32c6-drv2605l": [("motor", "sda"), ("motor", "scl"), ("motor", "enable_pin")],
    }
    taken = 0
    for name, spots in places.items():
        for part, key in spots:
            for pin in range(64):
                fields = copy.deepcopy(BOARDS[name])
                fields[part][key] = pin
                try:
                    board_file.BoardFile(fields)
                except board_file.BoardError:
                    continue
                taken += 1
                assert_each_pin_can(fields)
    assert taken > 60


PAIRED_MV = {"driver": "pwm", "pin": 25, "pwm_hz": 20000}
DRIVER = {"driver": "drv2605l", "sda": 22, "scl": 23, "motor": "erm", "rated_mv": 3000}

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("esp32-devkit", {"motor": {"driver": "pwm", "pin": 12, "pwm_hz": 20000}}, "motor cannot be GPIO12"),
    ("esp32-devkit", {"motor": {"driver": "pwm", "pin": 34, "pwm_hz": 20000}}, "only read"),
    ("esp32-devkit", {"motor": {"driver": "pwm", "pin": 14, "pwm_hz": 20000}}, "pulled up at reset"),
    ("esp32-devkit", {"motor": {"driver": "pwm", "pin": 27, "pwm_hz": 20000}}, "has it already"),
    ("esp32-devkit", {"motor": {"driver": "pwm", "pin": 25, "pwm_hz": 50}}, "motor.pwm_hz is 50"),
    ("esp32-devkit", {"motor": PAIRED_MV | {"start_mv": 1300}}, r"motor.full_mv is None; .* in 1000..5000"),
    ("esp32-devkit", {"motor": PAIRED_MV | {"full_mv": 3000}}, r"motor.start_mv is None; .* in 100..2999"),
    (
        "esp32-devkit",
        {"motor": PAIRED_MV | {"start_mv": 3000, "full_mv": 3000}},
        r"start_mv is 3000; .* 100..2999",
    ),
    (
        "esp32-devkit",
        {"motor": PAIRED_MV | {"start_mv": 99, "full_mv": 3000}},
        r"start_mv is 99; .* 100..2999",
    ),
    (
        "esp32-devkit",
        {"motor": PAIRED_MV | {"start_mv": 1300, "full_mv": 5001}},
        r"full_mv is 5001; .* 1000..5000",
    ),
    ("esp32-devkit", {"motor": PAIRED_MV | {"start_mv": 1.3, "full_mv": 3000}}, r"start_mv is 1.3;"),
    ("xiao-esp32c6-drv2605l", {"motor": DRIVER | {"start_mv": 3000}}, r"start_mv is 3000; .* in 100..2999"),
    ("xiao-esp32c6-drv2605l", {"motor": DRIVER | {"full_mv": 3000}}, "full_mv; .* motor.rated_mv"),
    ("esp32-devkit", {"motor": {"driver": "relay", "pin": 25}}, "motor.driver is 'relay'"),
    ("esp32-devkit", {"motor": {"driver": "virtual"}}, "needs a real one"),
    ("esp32-devkit", {"motor": None}, "lacks motor"),
    ("esp32-devkit", {"motor": 25}, "motor has to be an object"),
    ("esp32-devkit", {"button": None}, "lacks button"),
    ("esp32-devkit", {"button": {"pin": 35, "pressed": 0}}, "no pull-up"),
    ("esp32-devkit", {"button": {"pin": 18, "pressed": 0}}, "cannot wake"),
    ("esp32-devkit", {"button": {"pin": 27, "pressed": 2}}, "button.pressed is 2"),
    ("esp32-devkit", {"battery": {"pin": 4, "scale_pct": 200, "capacity_mah": 400}}, "cannot measure"),
    (
        "esp32-devkit",
        {"battery": {"pin": 34, "scale_pct": 20, "capacity_mah": 400}},
        "battery.scale_pct is 20",
    ),
    ("esp32-devkit", {"battery": {"pin": 34, "scale_pct": 200}}, "battery.capacity_mah is None"),
    ("esp32-devkit", {"charge": {"pin": 6, "present": 1}}, "flash"),
    ("esp32-devkit", {"light": {"kind": "candle", "pin": 26}}, "light.kind is 'candle'"),
    (
        "esp32-devkit",
        {"light": {"kind": "rgb_pwm", "red_pin": 18, "green_pin": 19, "blue_pin": 19}},
        "already",
    ),
    ("esp32-devkit", {"light": {"kind": "led", "pin": 26, "lit": 7}}, "light.lit is 7"),
    ("esp32-devkit", {"steady": [{"pin": 39, "level": 0}]}, "only read"),
    ("esp32-devkit", {"steady": [7]}, "steady holds 7"),
    ("esp32-devkit", {"steady": {"pin": 4}}, "steady has to be a list"),
    ("esp32-devkit", {"chip": "esp8266"}, "chip is 'esp8266'"),
    ("esp32-devkit", {"chip": "esp32c3"}, "motor cannot be GPIO25"),
    ("esp32-devkit", {"name": ""}, "name has to be a text"),
    ("esp32-devkit", {"board_id": None}, "board_id has to be a text"),
    ("esp32-devkit", {"absolute_cap_pct": 0}, "absolute_cap_pct is 0"),
    ("esp32-devkit", {"absolute_cap_pct": True}, "absolute_cap_pct is True"),
    ("esp32-devkit", {"drowsy_after_s": None}, "drowsy_after_s is None"),
    ("esp32-devkit", {"sleep_after_s": 1}, "sleep_after_s is 1"),
    ("xiao-esp32c6", {"motor": {"driver": "pwm", "pin": 18, "pwm_hz": 20000}}, "already|pulled up"),
    ("xiao-esp32c6-drv2605l", {"motor": {"driver": "drv2605l", "sda": 22, "scl": 23}}, "motor.motor is None"),
    (
        "xiao-esp32c6-drv2605l",
        {"motor": {"driver": "drv2605l", "sda": 22, "scl": 23, "motor": "erm", "rated_mv": 9}},
        "rated_mv is 9",
    ),
]


@pytest.mark.parametrize(("name", "change", "words"), WRONG)
def test_a_wrong_board_file_is_refused_in_words(name: str, change: dict[str, Any], words: str) -> None:
    with pytest.raises(board_file.BoardError, match=words):
        board_file.BoardFile(BOARDS[name] | change)


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"name": "x"}', "\x00\xff"])
def test_a_board_file_that_is_none_is_refused_in_words(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "board.json").write_text(text)
    with pytest.raises(board_file.BoardError, match="board"):
        board_file.read_board_file()


@pytest.mark.parametrize("name", REAL)
def test_a_chip_holds_no_words_that_are_for_people(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "board.json").write_text(json.dumps(BOARDS[name]))
    board = board_file.read_board_file()
    assert board.board_id == name
    assert not {"notes", "sources", "pads"} & set(board._fields)


def test_a_truncated_board_file_is_refused_at_whatever_byte_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    whole = (firmware_dir() / "boards/xiao-esp32c3.json").read_bytes().strip()
    for length in range(0, len(whole), 7):
        (tmp_path / "board.json").write_bytes(whole[:length])
        with pytest.raises(board_file.BoardError):
            board_file.read_board_file()
