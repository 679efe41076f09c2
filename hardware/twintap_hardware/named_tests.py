"""Whether a test or a rule that the safety file names is there and would run, by Python's own grammar."""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import ast
import functools
import re
from collections.abc import Sequence
from pathlib import Path

_NODE = re.compile(r"(tests/[a-z_/]+/test_[a-z0-9_]+\.py)::(?:(\w+)::)?(\w+)(?:\[([^\]]+)\])?")
_RULE = re.compile(r"([a-z_]+)\.([a-z_]+)")
_SKIPPING = {"pytest.mark.skip", "pytest.mark.xfail", "unittest.skip", "unittest.expectedFailure"}
_Test = ast.FunctionDef | ast.AsyncFunctionDef


def what_is_wrong_with_test(node: str, root: Path) -> str:
    """Why pytest would not run `file::name`, `file::Class::name` or `file::name[id]`; "" if it would.

    An id is known where the test has one `parametrize` whose values or ids stand there as plain constants.
    """
    match = _NODE.fullmatch(node)
    if match is None:
        return "a test is named tests/.../test_x.py::test_y or ...::TestX::test_y, with [id] at the most"
    file, of_class, name, wanted = match.groups()
    if not name.startswith("test_") or (of_class is not None and not of_class.startswith("Test")):
        return "pytest would not collect it by its name"
    path = root / file
    if not path.is_file():
        return "there is no such file"
    body = _body(path)
    if _is_put_aside(body):
        return "its file is skipped, or expected to fail"
    if of_class is not None:
        classes = [each for each in body if isinstance(each, ast.ClassDef) and each.name == of_class]
        if not classes:
            return f"the file has no class {of_class}"
        body = classes[-1].body
        if _marks(classes[-1]) & _SKIPPING or _is_put_aside(body):
            return "its class is skipped, or expected to fail"
    tests = [each for each in body if isinstance(each, _Test) and each.name == name]
    if not tests:
        return "there is no such test"
    if _marks(tests[-1]) & (_SKIPPING | {"pytest.fixture"}):
        return "it is skipped, or expected to fail"
    if wanted is not None and wanted not in _ids(tests[-1]):
        return f"it has no [{wanted}] that can be told from its text"
    return ""


def what_is_wrong_with_rule(name: str, root: Path) -> str:
    """Why `module.function` of this package is no rule that its module calls; "" if it is one."""
    match = _RULE.fullmatch(name)
    if match is None:
        return "a rule is named module.function"
    path = root / "hardware" / "twintap_hardware" / f"{match[1]}.py"
    if not path.is_file():
        return "there is no such module"
    body = _body(path)
    if not any(isinstance(each, ast.FunctionDef) and each.name == match[2] for each in body):
        return "there is no such function"
    used = {each.id for top in body for each in ast.walk(top) if isinstance(each, ast.Name)}
    return "" if match[2] in used or match[2] == "check" else "nothing calls it"


@functools.cache
def _body(path: Path) -> Sequence[ast.stmt]:
    return ast.parse(path.read_text("utf-8"), str(path)).body


def _named(mark: ast.expr) -> str:
    return ast.unparse(mark).partition("(")[0]


def _marks(of: _Test | ast.ClassDef) -> set[str]:
    return {_named(each) for each in of.decorator_list}


def _is_put_aside(body: Sequence[ast.stmt]) -> bool:
    """Whether a file or a class says `pytestmark = pytest.mark.skip(...)`, or `__test__ = False`."""
    for each in body:
        if not isinstance(each, ast.Assign) or not isinstance(each.targets[0], ast.Name):
            continue
        if each.targets[0].id == "__test__" and ast.unparse(each.value) == "False":
            return True
        marks = each.value.elts if isinstance(each.value, ast.List | ast.Tuple) else [each.value]
        if each.targets[0].id == "pytestmark" and {_named(mark) for mark in marks} & _SKIPPING:
            return True
    return False


def _ids(test: _Test) -> set[str]:
    """What pytest would put between the brackets, as far as the text alone says it."""
    calls = [
        each
        for each in test.decorator_list
        if isinstance(each, ast.Call) and _named(each) == "pytest.mark.parametrize"
    ]
    if len(calls) != 1 or len(calls[0].args) < 2:
        return set()
    told = next((each.value for each in calls[0].keywords if each.arg == "ids"), calls[0].args[1])
    if not isinstance(told, ast.List | ast.Tuple):
        return set()
    found: set[str] = set()
    for each in told.elts:
        parts = each.elts if isinstance(each, ast.Tuple) else [each]
        if all(isinstance(part, ast.Constant) for part in parts):
            found.add("-".join(str(part.value) for part in parts if isinstance(part, ast.Constant)))
    return found
