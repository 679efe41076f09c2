"""Private constants that the compiler knows: the same program, with less to hold."""

import ast
import re
from pathlib import Path

import pytest

from twintap_board.sources import firmware_dir, protocol_dir
from twintap_flash.build import HOST_ONLY
from twintap_flash.constants import folded

SOURCES = [
    path
    for folder in (protocol_dir() / "twintap_protocol", firmware_dir() / "twintap_pulser")
    for path in sorted(folder.glob("*.py"))
    if path.name not in HOST_ONLY
]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("_A = 7", "_A = const(7)"),
        ("_A = 7  # Ω", "_A = const(7)  # Ω"),
        ("_A_B2 = -1", "_A_B2 = const(-1)"),
        ("_A = (1 << 30) - 1", "_A = const((1 << 30) - 1)"),
        ('_A = "Ω=1"  # a', '_A = const("Ω=1")  # a'),
        ("A = 7", None),
        ("_a = 7", None),
        ("_A = 7.5", None),
        ("_A = 7 / 2", None),
        ("_A = True", None),
        ("_A = B * 2", None),
        ("_A = (1, 2)", None),
        ("_A = (\n    7\n)", None),
        ("_A = 7\n_A = 8", None),
        ("_A = 7\ndef f():\n    global _A\n    _A = 8", None),
        ("def f():\n    _A = 7", None),
    ],
)
def test_what_is_a_private_constant_and_what_is_not(before: str, after: str | None) -> None:
    assert folded(before) == (before if after is None else after)


@pytest.mark.parametrize("path", SOURCES, ids=[path.name for path in SOURCES])
def test_every_module_stays_the_same_program(path: Path) -> None:
    text = path.read_text("utf-8")
    made = folded(text)
    assert len(made.split("\n")) == len(text.split("\n"))
    found = re.findall(r"^(_[A-Z0-9_]+) = const\((.*)\)(?:  #.*)?$", made, re.MULTILINE)
    for name, value in found:
        # A number or a text, which anybody can work out without the program.
        assert isinstance(eval(value, {"__builtins__": {}}), int | str), name
    undone = re.sub(r"^(_[A-Z0-9_]+ = )const\((.*)\)((?:  #.*)?)$", r"\1\2\3", made, flags=re.MULTILINE)
    assert ast.dump(ast.parse(undone)) == ast.dump(ast.parse(text))


def test_no_module_looks_into_another_s_private_constants() -> None:
    """They are not there on a chip."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = ""
            if isinstance(node, ast.Attribute):
                name = node.attr
            elif isinstance(node, ast.ImportFrom):
                name = " ".join(alias.name for alias in node.names)
            assert not re.search(r"(^| )_[A-Z]", name), f"{path.name}: {name}"
