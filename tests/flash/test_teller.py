"""What is going on is told to a person, to a log and to a program, each in its own way."""

import io

import pytest

from tests.flash.kit import json_lines
from twintap_flash.flash import info_words
from twintap_flash.teller import Bar, Lines, Plain, Teller, teller_for


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def tell(teller: Teller) -> None:
    teller.begin("files", "the application " * 20)
    teller.percent("files", 50)
    teller.end("files", "3 of 4 files written")
    teller.done({"firmware": "1.0.0"}, ["It is ready."])


def test_a_terminal_sees_a_bar_that_keeps_to_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = Terminal()
    teller = teller_for(out, is_json=False)
    assert isinstance(teller, Bar)
    tell(teller)
    drawn = out.getvalue().split("\r")
    assert all(len(line.removesuffix("\033[K")) < 80 for line in drawn[:-1])
    assert "[############            ]  50 %" in drawn[2]
    assert drawn[-1].splitlines()[0].endswith("3 of 4 files written\033[K")
    assert drawn[-1].endswith("It is ready.\n")


def test_a_log_gets_plain_lines_without_a_bar() -> None:
    out = io.StringIO()
    teller = teller_for(out, is_json=False)
    assert type(teller) is Plain
    tell(teller)
    assert "\r" not in out.getvalue()
    assert out.getvalue().splitlines()[1:] == ["files: 3 of 4 files written", "It is ready."]


def test_a_program_gets_one_object_a_line_with_each_percent() -> None:
    out = Terminal()
    teller = teller_for(out, is_json=True)
    assert isinstance(teller, Lines)
    tell(teller)
    teller.failed("image", "no")
    told = json_lines(out.getvalue())
    assert [line.get("percent") for line in told[:3]] == [0, 50, 100]
    assert told[3]["info"] == {"firmware": "1.0.0"}
    assert told[4] == {"stage": "failed", "code": "image", "words": "no"}


def test_what_a_pulser_says_of_itself_does_nothing_to_a_terminal() -> None:
    words = info_words({"name": "\033[2J\r\nevil" + "x" * 500, "firmware": None, "safe_mode": True}, "/dev/x")
    assert "\033" not in "".join(words)
    assert max(len(line) for line in words) < 300
    assert any("safe mode" in line for line in words)


def test_a_pairing_and_a_damage_are_said() -> None:
    paired = info_words({"name": "t", "daemon_id": "77", "side": "left", "room": "blue"}, "/dev/x")
    assert paired[1] == "It is paired (left of blue); its settings were kept."
    assert "damaged" in info_words({"name": "t", "settings_damaged": True}, "/dev/x")[1]
    assert "twintap pair /dev/x" in info_words({"name": "t"}, "/dev/x")[1]
