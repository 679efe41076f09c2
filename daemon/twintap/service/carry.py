"""Carries a plan out, and takes away what was carried out. Everything here blocks.

The record is written first: what an interrupted run leaves is taken away by the next one, or finished by it.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import StartupError, StoreError
from ..names import clean
from .plan import MARK, File, Plan, Step, Wanted
from .record import Record, read_record

_STEP_WITHIN_S = 60.0  # to end a daemon may take 15 s
_TRY_AGAIN_S = 0.5

# Runs a step; gives its exit code and what it said.
Run = Callable[[Step], tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Removed:
    """What was taken away, and what was left because somebody had changed it."""

    gone: tuple[str, ...]
    left: tuple[str, ...]


def run_step(step: Step) -> tuple[int, str]:
    """Run a step of this system; its exit code, and what it said."""
    program = shutil.which(step.command[0])
    if program is None:
        return 127, f"there is no {step.command[0]} on this computer"
    try:
        done = subprocess.run(
            [program, *step.command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_STEP_WITHIN_S,
            check=False,
            env=os.environ | dict(step.environment),
            creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
        )
    except subprocess.TimeoutExpired:
        return 124, f"it took longer than {_STEP_WITHIN_S:.0f} s"
    except OSError as error:
        return 126, error.strerror or str(error)
    return done.returncode, (done.stderr or done.stdout).decode("utf-8", "replace").strip()


def install(plan: Plan, wanted: Wanted, record: Path, run: Run = run_step) -> bool:
    """Write the files, have the system know them, and start the daemon; gives whether a file has changed.

    Raises StartupError if the system refuses, StoreError if a file cannot be written or is somebody else's.
    """
    if plan.check is not None and run(plan.check)[0] != 0:
        raise StartupError(plan.no_check)
    before = read_record(record)
    known = {} if before is None else before.files
    for file in plan.files:
        _refuse_foreign(file, known)
    places = [*(file.path for file in plan.files), *plan.made, str(record)]
    folders = _missing_folders(map(Path, places), () if before is None else before.folders)
    planned = {file.path: file.digest for file in plan.files} | dict.fromkeys(plan.made, "")
    # What an earlier service had elsewhere stays ours until it is gone.
    noted = Record(
        system=plan.system,
        program=wanted.python,
        data=wanted.data,
        url=wanted.url,
        files={path: digest for path, digest in known.items() if path not in planned} | planned,
        folders=folders,
    )
    changed = [file for file in plan.files if not _is_as_written(file)]
    _write(File(str(record), noted.model_dump_json(indent=1).encode()))
    for file in changed:
        _write(file)
    _take_files({path: digest for path, digest in known.items() if path not in planned})
    is_new = bool(changed) or before is None or set(before.files) != set(planned)
    noted = noted.model_copy(update={"files": planned})
    _write(File(str(record), noted.model_dump_json(indent=1).encode()))
    for step in (*plan.register, *(plan.restart if is_new else plan.start)):
        _carry(step, run)
    return is_new


def remove(plan: Plan, record: Path, run: Run = run_step) -> Removed:
    """End the daemon and take away what was installed, and nothing else; nothing is no error.

    Without a record, which may be damaged, what lies at the places of `plan` and says that it is ours counts.
    """
    noted = read_record(record)
    known = noted.files if noted is not None else _ours(plan)
    if not known and not record.exists():
        return Removed((), ())
    for step in plan.end:
        _carry(step, run)
    gone, left = _take_files(known)
    for step in plan.forget:
        _carry(step, run)
    with contextlib.suppress(FileNotFoundError):
        record.unlink()
    for folder in () if noted is None else noted.folders:
        # One in which somebody has put something else stays.
        with contextlib.suppress(OSError):
            Path(folder).rmdir()
    return Removed(tuple(gone), tuple(left))


def _carry(step: Step, run: Run) -> None:
    code, said = run(step)
    for _ in range(step.tries - 1):
        if code == 0:
            return
        time.sleep(_TRY_AGAIN_S)
        code, said = run(step)
    if code == 0 or step.may_fail:
        return
    words = clean(" ".join(said.split()), 300) or "it did not say why"
    raise StartupError(
        f"`{' '.join(step.command[:4])}` failed ({code}): {words}; mend that and run it again, or "
        "`twintap remove-service`"
    )


def _refuse_foreign(file: File, known: Iterable[str]) -> None:
    try:
        found = Path(file.path).read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{file.path} cannot be read ({error.strerror})") from error
    if found != file.content and file.path not in known and not _is_marked(found):
        raise StoreError(f"{file.path} is there, and not of this program; move it away first")


def _is_marked(content: bytes) -> bool:
    return MARK.encode() in content or MARK.encode("utf-16-le") in content


def _ours(plan: Plan) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in plan.files:
        with contextlib.suppress(OSError):
            content = Path(file.path).read_bytes()
            if content == file.content or _is_marked(content):
                found[file.path] = ""
    return found | (dict.fromkeys(plan.made, "") if found else {})


def _missing_folders(paths: Iterable[Path], made_before: Iterable[str]) -> list[str]:
    """Give the folders that are not there yet, and those that were made before, the inner ones first."""
    found = dict.fromkeys(made_before)
    for path in paths:
        for parent in path.parents:
            if parent.exists():
                break
            found[str(parent)] = None
    return sorted(found, key=lambda one: (-len(Path(one).parts), one))


def _is_as_written(file: File) -> bool:
    path = Path(file.path)
    try:
        same_mode = os.name != "posix" or path.stat().st_mode & 0o777 == file.mode
        return same_mode and path.read_bytes() == file.content
    except OSError:
        return False


def _write(file: File) -> None:
    """Write a file whole, beside its place first."""
    path = Path(file.path)
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(fd, "wb") as out:
            out.write(file.content)
            out.flush()
            os.fsync(out.fileno())
        beside.chmod(file.mode)
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise StoreError(f"{path} cannot be written ({error.strerror})") from error


def _take_files(known: dict[str, str]) -> tuple[Sequence[str], Sequence[str]]:
    """Take files away that are as they were written (no digest: however they are); gone and left ones."""
    gone: list[str] = []
    left: list[str] = []
    for name, digest in known.items():
        path = Path(name)
        try:
            if digest and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                left.append(name)
                continue
            path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StoreError(f"{name} cannot be taken away ({error.strerror})") from error
        gone.append(name)
    return gone, left
