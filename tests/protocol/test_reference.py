"""The vectors come from a reference that was written apart from the package, and from nothing else."""

import ast
from pathlib import Path

import pytest

from tests.protocol.reference import make
from tests.protocol.vms import VECTORS

REFERENCE = Path(make.__file__).parent


@pytest.mark.parametrize("kind", make.SOURCES)
def test_vector_file_is_what_the_reference_writes(kind):
    assert (VECTORS / f"{kind}.json").read_text() == make.text_of(kind)


@pytest.mark.parametrize("path", sorted(REFERENCE.glob("*.py")), ids=lambda path: path.stem)
def test_reference_knows_nothing_of_the_package(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    assert not [name for name in imported if "twintap" in name]
