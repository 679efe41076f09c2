"""What would go on a chip: bytecode, three scripts, one board file, and nothing of the host's."""

from pathlib import Path

import pytest

from tests.flash.kit import Sources
from twintap_flash import __main__ as command
from twintap_flash.boards import known_boards, read_board
from twintap_flash.build import build
from twintap_flash.errors import FlashError

BOARD = ["--board", "xiao-esp32c3"]


def test_a_build_holds_bytecode_and_leaves_out_the_virtual_board(sources: Sources, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert command.main(["build", *BOARD, "--out", str(out)]) == 0
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()) == [
        "board.json",
        "boot.py",
        "main.py",
        "twintap_protocol/__init__.mpy",
        "twintap_pulser/__init__.mpy",
        "twintap_pulser/app.mpy",
    ]
    assert (out / "twintap_pulser/app.mpy").read_bytes()[:2] == b"M\x06"


def test_a_module_that_does_not_compile_is_named(
    sources: Sources, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources.change("def (:\n")
    assert command.main(["build", *BOARD, "--out", str(tmp_path / "out")]) == 1
    assert "twintap_pulser/app.py does not compile" in capsys.readouterr().err


def test_a_module_in_a_folder_that_would_not_be_copied_is_an_error(
    sources: Sources, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sources.root / "twintap_pulser/deep").mkdir()
    (sources.root / "twintap_pulser/deep/lost.py").write_text("")
    assert command.main(["build", *BOARD, "--out", str(tmp_path / "out")]) == 1
    assert "deep/lost.py" in capsys.readouterr().err


def test_without_a_name_every_board_is_built_in_a_folder_of_its_own(sources: Sources, tmp_path: Path) -> None:
    assert command.main(["build", "--out", str(tmp_path / "out")]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(known_boards())
    assert "virtual" not in known_boards()


def test_a_board_that_is_none_is_answered_with_the_choice(
    sources: Sources, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["build", "--board", "nonesuch", "--out", str(tmp_path / "out")]) == 1
    assert "esp32-devkit" in capsys.readouterr().err


def test_every_board_file_of_ours_may_go_to_a_chip() -> None:
    for name, path in known_boards().items():
        board = read_board(path)
        assert board.board_id == name
        assert board.chip is not None
        assert f'"{board.chip.image_name}"' in path.read_text(), "the file names its chip's image"


def test_a_folder_that_holds_something_else_is_left_as_it_is(sources: Sources, tmp_path: Path) -> None:
    out = tmp_path / "out"
    board = read_board(known_boards()["xiao-esp32c3"])
    build(out, board)
    for name in ("thesis.txt", "twintap_pulser/app.py", "twintap_pulser/more/app.mpy"):
        mine = out / name
        mine.parent.mkdir(exist_ok=True)
        mine.write_text("years of work")
        with pytest.raises(FlashError, match="would be lost") as refused:
            build(out, board)
        assert refused.value.code == "build"
        assert mine.read_text() == "years of work"
        mine.unlink()
        assert "main.py" in build(out, board), "an earlier build's folder is made anew"
    file = tmp_path / "file"
    file.write_text("years of work")
    with pytest.raises(FlashError, match="cannot be made anew"):
        build(file, board)
