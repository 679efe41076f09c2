"""`python -m twintap_hardware`: what it builds, compares, counts, and with which exit status it ends."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from twintap_hardware import __main__ as command
from twintap_hardware import catalogue, facts, outputs


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    monkeypatch.setattr(command, "OUT", folder)
    return folder


def stands_in(monkeypatch: pytest.MonkeyPatch, text: str, breaches: list[str]) -> None:
    """One module in place of all: it builds one drawing, and finds these breaches."""

    def build(folder: Path) -> list[Path]:
        path = folder / "board" / "drawing.svg"
        path.parent.mkdir()
        path.write_text(text, "utf-8")
        return [path]

    module: Any = SimpleNamespace(build=build, check=lambda: list(breaches))

    def modules(only: Any) -> list[tuple[str, Any]]:
        return [("stand-in", module)]

    monkeypatch.setattr(command, "_modules", modules)


def test_a_build_lays_out_what_is_new_and_ends_well(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stands_in(monkeypatch, "one", [])
    assert command.main([]) == 0
    assert (out / "board/drawing.svg").read_text("utf-8") == "one"
    said = capsys.readouterr().out
    assert "board/drawing.svg is new" in said
    assert f"{len(facts.unverified())} of {len(facts.facts())} numbers" in said
    assert f"{len(catalogue.unverified())} of {len(catalogue.kinds())} ordering numbers" in said
    assert command.main(["--check"]) == 0
    assert "is new" not in capsys.readouterr().out


def test_check_writes_nothing_and_fails_on_what_is_not_as_committed(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stands_in(monkeypatch, "one", [])
    assert command.main(["--check"]) == 1
    assert list(out.iterdir()) == []
    command.main([])
    stands_in(monkeypatch, "two", [])
    capsys.readouterr()
    assert command.main(["--check"]) == 1
    assert "board/drawing.svg differs" in capsys.readouterr().out
    assert (out / "board/drawing.svg").read_text("utf-8") == "one"


def test_any_breach_fails_the_build_and_is_named(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stands_in(monkeypatch, "one", ["the gate floats"])
    assert command.main([]) == 1
    assert "BREACH stand-in: the gate floats" in capsys.readouterr().out


def test_a_leftover_is_named_and_left_for_a_hand(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (out / "old.svg").write_text("old", "utf-8")
    stands_in(monkeypatch, "one", [])
    assert command.main([]) == 0
    assert "old.svg is no longer built" in capsys.readouterr().out
    assert (out / "old.svg").exists()
    assert command.main(["--check"]) == 1


def test_what_nobody_has_read_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--unverified"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(facts.unverified()) + len(catalogue.unverified())
    for each in facts.unverified():
        assert f"{each.name} = {each.value} {each.unit}: {each.source}" in lines


def test_an_unknown_module_or_option_is_the_caller_s_mistake() -> None:
    for wrong in (["--only", "nothing"], ["--faster"]):
        with pytest.raises(SystemExit) as ended:
            command.main(wrong)
        assert ended.value.code == 2


def test_outputs_that_grow_too_large_are_a_breach(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert outputs.check() == []
    monkeypatch.setattr(outputs, "OUT", out)
    (out / "picture.png").write_bytes(bytes(outputs.LARGEST_BYTES + 1))
    assert any("bytes" in each for each in outputs.check())
