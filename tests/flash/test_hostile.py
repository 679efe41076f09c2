"""What a chip says is text from a stranger, until it is parsed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.flash.kit import C3_OLD, IMAGES, QUICK, Heard, Sources
from tests.support.chip_on_cable import ChipOnCable
from twintap_flash import stages
from twintap_flash.boards import choose_board
from twintap_flash.chips import CHIPS
from twintap_flash.errors import FlashError
from twintap_flash.flash import Wanted, flash

C3 = CHIPS[1]


@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(str.encode)))
def test_whatever_a_console_says_is_an_answer_or_none(line: bytes) -> None:
    answer = stages._answer(line)
    assert answer is None or "firmware" in answer


@pytest.mark.parametrize(
    "line",
    [
        b"{" * 50_000,
        b'{"id": 1, "method": "info"}',
        b'{"result": []}',
        b'{"result": {"firmware": 1}',
        b'>>> {"jsonrpc": "2.0", "id": 1, "method": "info", "result": null}',
    ],
)
def test_an_echo_or_half_an_answer_is_none(line: bytes) -> None:
    assert stages._answer(line) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{" * 20_000, '{"board_id": ["x"]}', '{"board_id": "../../etc/passwd"}', "\0"]
)
def test_a_board_file_on_the_pulser_is_a_hint_and_no_more(text: str) -> None:
    assert choose_board(None, C3, text).board_id == "xiao-esp32c3"


def test_a_chip_whose_files_answer_nonsense_is_not_taken_at_its_word(
    sources: Sources, chip: ChipOnCable, monkeypatch: pytest.MonkeyPatch
) -> None:
    chip.pull()
    chip.install(C3_OLD)
    chip.plug_in()
    monkeypatch.setattr(stages, "_LIST", "# %r %r\nprint('{\"main.py\": [1, 2]}')\n")
    with pytest.raises(FlashError, match="nonsense") as refused:
        flash(Wanted(chip.port), Heard(), QUICK)
    assert refused.value.code == "silent"


def test_a_chip_of_another_kind_is_named(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> None:
    pytest.importorskip("micropython_unix", reason="no MicroPython VM for this platform")
    with ChipOnCable(tmp_path_factory.mktemp("s3"), "esp32s3", IMAGES) as chip:
        with pytest.raises(FlashError, match="ESP32-S3; the firmware has no board with that") as refused:
            flash(Wanted(chip.port), Heard(), QUICK._replace(look_s=1.0))
        assert refused.value.code == "chip"
