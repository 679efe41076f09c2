"""Runs in the MicroPython VM: a chip's lives, from start to crash to safe mode. Prints `ok` or dies."""

import json
import os
import sys

import chip_stand_ins as chip
from chip_stand_ins import BOARD, RTC, WDT, Module, Pin, Restarted, machine

from twintap_protocol import frames
from twintap_pulser import crash_record, life, safe

# The VM's `sys.platform` is its host's.
life.sys = Module()
life.sys.platform = "esp32"
WATCHDOG = 3
PROGRAM_OR_PANIC = 2  # `machine.HARD_RESET`: ESP_RST_SW, and ESP_RST_PANIC
SOFT = 5


class App:
    """Stands in for the application: does what it is told once it runs."""

    error = None
    runs = 0


def run():
    App.runs += 1
    if App.error is not None:
        raise App.error


application = Module()
application.run = run
sys.modules["twintap_pulser.app"] = application


def live(cause):
    """One life after a reset of this cause; gives how it ended."""
    machine.cause = cause
    try:
        life.live()
    except Restarted:
        return "restart"
    except (MemoryError, ValueError) as error:
        return type(error).__name__
    return "repl"


def crashes_are_counted_and_told():
    RTC.kept = b""
    App.runs = 0
    App.error = MemoryError("the heap is full")
    served = []
    safe.serve = lambda: served.append(crash_record.error())
    assert live(1) == "MemoryError"
    assert len(WDT.armed) == 1  # which restarts the chip, once the console has said why
    assert WDT.armed[0].timeout >= 2_000
    assert crash_record.boot_cause() == frames.BOOT_POWER
    assert live(WATCHDOG) == "MemoryError"
    assert crash_record.crashes() == 1
    assert crash_record.boot_cause() == frames.BOOT_CRASH
    App.error = ValueError("\x00\xff\u20ac" + "x" * 600)
    assert live(WATCHDOG) == "ValueError"
    assert served == []
    # The fourth start is no start.
    assert live(WATCHDOG) == "repl"
    assert App.runs == 3
    assert len(served) == 1
    assert served[0].startswith("ValueError: ??")
    assert len(served[0]) <= 240
    assert all(32 <= ord(letter) < 127 for letter in served[0])
    assert crash_record.crashes() == 3
    # Nor is the next, be it by the watchdog or by a program.
    assert live(SOFT) == "repl"
    assert App.runs == 3
    # A hand at the button, the cable or the power is another try.
    App.error = None
    for cause in (0, 1):
        RTC.kept = crash_record._MAGIC + b"\x03why"
        assert live(cause) == "restart"
        assert crash_record.crashes() == 0


def a_hang_counts_and_healthy_seconds_clear():
    RTC.kept = b""
    machine.cause = WATCHDOG
    assert [crash_record.begin() for _ in range(4)] == [crash_record.GO] * 3 + [crash_record.SAFE]
    assert crash_record.boot_cause() == frames.BOOT_WATCHDOG
    crash_record.forget()
    assert crash_record.begin() == crash_record.GO
    for _ in range(5):
        assert crash_record.begin() == crash_record.GO
        crash_record.forget()
    for machine.cause in (SOFT, PROGRAM_OR_PANIC):
        crash_record.forget()
        assert crash_record.begin() == crash_record.GO
        assert crash_record.boot_cause() == frames.BOOT_RESET
        assert crash_record.begin() == crash_record.GO
        assert crash_record.boot_cause() == frames.BOOT_CRASH  # a panic of the chip's own
        assert crash_record.begin() == crash_record.GO
        assert crash_record.begin() == crash_record.SAFE
    crash_record.forget()
    crash_record.begin()
    for cause, expected in ((2, frames.BOOT_RESET), (4, frames.BOOT_WAKE), (0, frames.BOOT_UNKNOWN)):
        machine.cause = cause
        assert crash_record.boot_cause() == expected
    # What stands in the memory after a brown-out is anything.
    machine.cause = WATCHDOG
    for rubbish in (b"twintap", crash_record._MAGIC, os.urandom(40), b"twintap-deplox", b"\x00" * 2048):
        RTC.kept = rubbish
        assert crash_record.begin() == crash_record.GO


def a_wanted_end_is_no_crash():
    App.error = None
    for _ in range(5):
        assert live(SOFT) == "restart"
    App.error = KeyboardInterrupt()
    for _ in range(5):
        assert live(SOFT) == "repl"
    assert RTC.kept == b""


def a_deploy_finds_the_repl_once_and_no_watchdog():
    App.error = None
    App.runs = 0
    armed = len(WDT.armed)
    RTC.kept = b"twintap-deploy"
    assert RTC.kept == crash_record.DEPLOY
    assert live(SOFT) == "repl"
    assert App.runs == 0
    assert len(WDT.armed) == armed
    assert RTC.kept == b""
    assert live(SOFT) == "restart"
    assert App.runs == 1


def ask(mode, **request):
    request["jsonrpc"] = "2.0"
    request["id"] = 7
    (answer,) = mode.take(json.dumps(request).encode() + b"\n")
    answer = json.loads(answer)
    assert answer["id"] == 7
    return answer.get("result", answer.get("error"))


def a_board_file(text):
    with open("board.json", "w") as file:
        file.write(text)


def safe_mode_answers_and_moves_nothing():
    RTC.kept = crash_record._MAGIC + b"\x03MemoryError: full"
    machine.cause = WATCHDOG
    assert crash_record.begin() == crash_record.SAFE
    a_board_file(json.dumps(BOARD))
    pwm = dict(chip.PWM.all)
    mode = safe.Safe()
    info = ask(mode, method="info")
    assert info["safe_mode"] is True
    assert info["last_error"] == "MemoryError: full"
    assert info["crashes"] == 3
    assert info["boot_cause"] == "crash"
    assert tuple(frames.BOOT_NAMES[code] for code in range(7)) == crash_record.BOOT_NAMES
    assert (info["board_id"], info["id"]) == ("test", "240ac4fffe010203")
    lines = ask(mode, method="selftest", params={"buzz": True})
    assert lines["board"] == {"ok": True, "value": "test", "say": ""}
    assert lines["motor"]["ok"] is None
    assert lines["battery"]["value"] == 3_800
    assert lines["button"]["value"] == "up"
    Pin.all[27].level = 0
    assert ask(mode, method="selftest")["button"]["value"] == "down"
    Pin.all[27].level = 1
    for method in ("pair", "wifi", "identify", "scan", "unpair"):
        assert ask(mode, method=method)["code"] == -32000
    assert "safe mode" in ask(mode, method="pair")["message"]
    assert ask(mode, method="dance")["code"] == -32601
    assert chip.PWM.all == pwm  # not even made ready
    assert not mode.is_reset_wanted
    assert ask(mode, method="reset") == {}
    assert mode.is_reset_wanted


def safe_mode_takes_anything_from_its_cable():
    mode = safe.Safe()
    assert mode.take(b"\n\r\n  \n") == []
    assert mode.take(b'{"jsonrpc": "2.0", "method": "info"}\n') == []  # nobody asked for an answer
    for rubbish, code in (
        (b"\x00\xff\xfe\n", -32700),
        (b"{\n", -32700),
        (b"[1]\n", -32600),
        (b"[" * 900 + b"\n", -32700),
        (b"x" * 5_000 + b"\n", -32700),
        (b'{"jsonrpc": "2.0", "id": true, "method": "info"}\n', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 5}\n', -32600),
        (b'{"id": 1, "method": "info"}\n', -32600),
    ):
        (answer,) = mode.take(rubbish)
        assert json.loads(answer)["error"]["code"] == code, rubbish[:20]
    half = b'{"jsonrpc": "2.0", "id": 7, "method": "in'
    assert mode.take(half) == []
    assert len(mode.take(b'fo"}\n' + half + b'fo"}\n')) == 2
    for _ in range(200):
        for answer in mode.take(os.urandom(64)):
            assert "error" in json.loads(answer)
    assert not mode.is_reset_wanted


def safe_mode_blinks_thrice():
    a_board_file(json.dumps(BOARD))
    mode = safe.Safe()
    chip.NeoPixel.shown.clear()
    for now_ms in range(0, 3_000, 20):
        mode.blink(now_ms)
    shown = chip.NeoPixel.shown
    assert [colour[0] > 0 for colour in shown] == [True, False] * 3, shown
    assert all(colour[1:] == (0, 0) for colour in shown)


def safe_mode_needs_no_board_file():
    for text in ("", "{", "[]", "{}", '{"name": "x"}'):
        a_board_file(text)
        mode = safe.Safe()
        assert ask(mode, method="info")["board_id"] is None
        line = ask(mode, method="selftest")["board"]
        assert line["ok"] is False
        assert "board" in line["say"]
        mode.blink(0)
    os.remove("board.json")
    assert ask(safe.Safe(), method="info")["safe_mode"] is True


serve = safe.serve
crashes_are_counted_and_told()
a_hang_counts_and_healthy_seconds_clear()
a_wanted_end_is_no_crash()
a_deploy_finds_the_repl_once_and_no_watchdog()
safe_mode_answers_and_moves_nothing()
safe_mode_takes_anything_from_its_cable()
safe_mode_blinks_thrice()
safe_mode_needs_no_board_file()
print("ok")
