"""Private constants, made such for the compiler: a chip then holds neither their names nor a place for each.

`_MOVE_MS = 2_000` becomes `_MOVE_MS = const(2_000)`, which MicroPython's compiler knows without an import: it
puts the number where the name stands, and leaves the assignment out. Lines stay where they are, and so do the
numbers in a traceback. That is some 3 KB of a chip's hundred, and no look-up by name in the hot path.
"""

import ast
import re

_PRIVATE = re.compile(r"_[A-Z][A-Z0-9_]*")


def folded(source: str) -> str:
    """Give `source` with `const()` around each private constant of a module that is a number or a text.

    Only what is assigned once, on one line, and from nothing but numbers. SyntaxError if it is no Python.
    """
    module = ast.parse(source)
    lines = source.split("\n")
    counts: dict[str, int] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            counts[node.id] = counts.get(node.id, 0) + 1
    for node in module.body:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target, value = node.targets[0], node.value
        if not isinstance(target, ast.Name) or not _PRIVATE.fullmatch(target.id) or counts[target.id] != 1:
            continue
        if node.end_lineno != node.lineno or not (_is_text(value) or _is_whole(value)):
            continue
        # Offsets are of bytes; a constant's own line may end in a comment that is no ASCII.
        line = lines[node.lineno - 1].encode()
        begin, _, _ = line.partition(b"=")
        _, _, rest = line[: node.end_col_offset].partition(b"=")
        comment = line[node.end_col_offset :]
        lines[node.lineno - 1] = (begin + b"= const(" + rest.strip() + b")" + comment).decode()
    return "\n".join(lines)


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _is_whole(value: ast.expr) -> bool:
    if isinstance(value, ast.BinOp):
        is_kept_whole = not isinstance(value.op, ast.Div | ast.Pow)
        return is_kept_whole and _is_whole(value.left) and _is_whole(value.right)
    if isinstance(value, ast.UnaryOp):
        return _is_whole(value.operand) and not isinstance(value.op, ast.Not)
    return isinstance(value, ast.Constant) and type(value.value) is int
