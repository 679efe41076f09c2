"""`twintap selftest`: what a pulser says of itself is judged, cleaned, and nothing is taken for an answer."""

import asyncio
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.daemon.fake_pulser import INFO, PULSER_ID, fake_pulser
from tests.support.rig import Board
from twintap import cli, selftest
from twintap import console as console_module

on_a_cable = pytest.mark.skipif(os.name != "posix", reason="a pty stands for the cable")


def line(is_ok: bool | None, value: object, say: str) -> dict[str, object]:
    return {"ok": is_ok, "value": value, "say": say}


WELL: dict[str, object] = {
    # As a pulser says them, which is not the order in which they are shown.
    "light": line(None, "ws2812", "it should have shone white for a second"),
    "board": line(True, "xiao-esp32c3", "Seeed XIAO"),
    "motor": line(None, "pwm", "no fault is known; ask for a buzz to feel it"),
    "charging": line(None, True, "a charger is plugged in"),
    "battery": line(True, 4011, "mV: good"),
}


def answering(told: object, **info: object) -> Callable[[str, Mapping[str, Any]], object]:
    def answer(method: str, params: Mapping[str, Any]) -> object:
        return {**INFO, "board_id": "xiao-esp32c3", **info} if method == "info" else told

    return answer


def states(told: Mapping[str, object], **info: object) -> dict[str, str]:
    return {found.part: found.state for found in selftest.judge({**INFO, **info}, told)}


# -- judging -----------------------------------------------------------------------------------------------


def test_parts_come_in_the_order_of_the_hands_and_a_later_firmwares_after_them() -> None:
    found = states({"zeal": line(False, 1, ""), "antenna": line(True, 1, ""), **WELL})
    assert list(found) == ["board", "motor", "charging", "battery", "light", "antenna", "zeal"]
    assert (found["board"], found["motor"], found["zeal"]) == ("fine", "look", "bad")


@pytest.mark.parametrize(("value", "state"), [(True, "look"), (False, "bad"), (None, "look")])
def test_on_the_cable_a_board_that_can_feel_a_charger_has_to_feel_one(value: object, state: str) -> None:
    assert states({"charging": line(None, value, "")})["charging"] == state


def test_a_pulser_in_safe_mode_is_bad_and_says_what_broke() -> None:
    trace = "Traceback\n  line 3\nOSError: 19\x1b[2J"
    (first, *_) = selftest.judge({"safe_mode": True, "last_error": trace}, WELL)
    assert (first.part, first.state) == ("firmware", "bad")
    assert "OSError: 19" in first.words
    assert "\x1b" not in first.words


@given(
    st.dictionaries(
        st.text(max_size=40),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
            ),
            max_leaves=6,
        )
        | st.fixed_dictionaries(
            {"ok": st.sampled_from([True, False, None, 1, "yes"]), "value": st.text(), "say": st.text()}
        ),
        max_size=60,
    )
)
def test_whatever_a_device_says_is_short_printable_and_never_fine_by_accident(told: dict[str, Any]) -> None:
    found = selftest.judge({}, told)
    assert len(found) <= 32
    for one in found:
        assert (one.part + one.words + str(one.value)).isprintable()
        assert len(one.part) <= 21
        assert len(one.words) <= 121
    is_fine = [
        isinstance(said, dict) and cast("dict[str, Any]", said).get("ok") is True for said in told.values()
    ]
    assert sum(one.state == "fine" for one in found) <= sum(is_fine)


# -- the command -------------------------------------------------------------------------------------------


@on_a_cable
def test_what_is_well_ends_with_0_what_is_bad_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    with fake_pulser(answering(WELL)) as pulser:
        assert cli.main(["selftest", pulser.port]) == 0
        assert pulser.methods() == ["selftest"]
        assert pulser.calls[-1][1] == {}
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["fine", "board", "xiao-esp32c3", "Seeed", "XIAO"]
    assert lines[2].split()[:3] == ["look", "charging", "yes"]
    assert lines[-1] == "0 bad, 3 for your eyes; the rest is fine."
    with fake_pulser(answering({**WELL, "battery": line(False, 3300, "mV: low\x1b[2J")})) as pulser:
        assert cli.main(["selftest", pulser.port]) == 1
    told = capsys.readouterr().out
    assert "bad   battery" in told
    assert "\x1b" not in told


@on_a_cable
def test_json_is_one_value_with_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    with fake_pulser(answering(WELL)) as pulser:
        assert cli.main(["selftest", pulser.port, "--buzz", "--json"]) == 0
        assert pulser.calls[-1] == ("selftest", {"buzz": True})
    told = json.loads(capsys.readouterr().out)
    assert (told["pulser"], told["board"], told["state"]) == (PULSER_ID, "xiao-esp32c3", "look")
    assert told["lines"][0] == {
        "part": "board",
        "state": "fine",
        "value": "xiao-esp32c3",
        "words": "Seeed XIAO",
    }


@on_a_cable
@pytest.mark.parametrize(
    ("told", "words"), [("nonsense", "says nothing of itself"), (None, "did not answer `selftest`")]
)
def test_no_answer_is_no_pass(
    told: object, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selftest, "_WITHIN_S", 0.3)
    with fake_pulser(answering(told)) as pulser:
        assert cli.main(["selftest", pulser.port]) == 1
    told_of = capsys.readouterr()
    assert told_of.out == ""
    assert words in told_of.err


@on_a_cable
def test_a_pulser_that_refuses_is_told_in_its_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    def refusing(method: str, params: Mapping[str, Any]) -> object:
        if method == "selftest":
            raise ValueError("a set is running; stop it first")
        return dict(INFO)

    with fake_pulser(refusing) as pulser:
        assert cli.main(["selftest", pulser.port]) == 1
    assert "a set is running" in capsys.readouterr().err


@on_a_cable
async def test_a_board_that_its_ports_opening_has_reset_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(console_module, "_ASK_AGAIN_S", 0.1)
    asked = 0

    def booting(method: str, params: Mapping[str, Any]) -> object:
        nonlocal asked
        asked += 1
        if asked < 4:
            return b'ESP-ROM:esp32c3\r\n{"half\r\n'
        return answering(WELL)(method, params)

    with fake_pulser(booting) as pulser:
        async with console_module.open_console(pulser.port) as console:
            found = await selftest.run(console)
        # It is asked to test itself once, and only when it is there.
        assert pulser.methods() == ["selftest"]
    assert found.state == "look"


@on_a_cable
def test_a_port_that_is_not_there_is_1_and_a_wrong_word_is_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["selftest", str(tmp_path / "nothing")]) == 1
    assert "no such port" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        cli.main(["selftest", "a", "b"])
    assert caught.value.code == 2


@on_a_cable
async def test_a_real_pulsers_lines_are_the_parts_that_are_known(tmp_path: Path) -> None:
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    board = Board(tmp_path / "b")
    await asyncio.to_thread(board.switch_on)
    try:
        async with console_module.open_console(str(board.link)) as console:
            found = await selftest.run(console, buzz=True)
    finally:
        await asyncio.to_thread(board.switch_off)
    assert tuple(one.part for one in found.lines) == selftest.PARTS
    assert found.board == "virtual"
    said = {one.part: one for one in found.lines}
    # It feels no charger, and that is not held against it; its motor has buzzed.
    assert (said["charging"].state, said["charging"].value) == ("look", None)
    assert "felt for a fifth of a second" in said["motor"].words
