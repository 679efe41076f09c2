"""What the benchmarks say: tables on the terminal, one JSON file, and the machine they were taken on."""

import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.estimators import quantiles

ROOT = Path(__file__).parents[2]
Cell = str | int | float | None
QUANTILES = ("p50", "p95", "p99", "max")


def spread(values: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and max of the absolute values, by rank; all None if there are none."""
    return quantiles(values) if values else dict.fromkeys(QUANTILES)  # pyright: ignore[reportReturnType]


def ratio(one: float | None, two: float | None) -> float | None:
    """`one` / `two`, or None where that says nothing."""
    return round(one / two, 2) if one is not None and two else None


def above(one: float | None, two: float | None) -> float | None:
    """`one` - `two`, where both are known."""
    return round(one - two, 1) if one is not None and two is not None else None


@dataclass(frozen=True)
class Goal:
    """One goal and what came of it. Nothing is asserted: a machine that is busy fails them all."""

    text: str
    value: float | None
    bound: float
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        if self.value is None:
            return None
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def __str__(self) -> str:
        word = {True: "met", False: "MISSED", None: "not measured"}[self.met]
        sign = "≥" if self.at_least else "≤"
        return f"{word:12} {self.text}: {_shown(self.value)} ({sign} {_shown(self.bound)})"


@dataclass
class Table:
    """One benchmark's result. `rows`: one dict each, their keys the columns, in the order of first use."""

    name: str
    title: str
    rows: list[dict[str, Cell]] = field(default_factory=list[dict[str, Cell]])
    goals: list[Goal] = field(default_factory=list[Goal])
    notes: list[str] = field(default_factory=list[str])
    raw: dict[str, Any] = field(default_factory=dict[str, Any])
    files: list[str] = field(default_factory=list[str])

    def text(self) -> str:
        """The table as it stands on a terminal."""
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        cells = [columns, *([_shown(row.get(name)) for name in columns] for row in self.rows)]
        widths = [max(len(line[at]) for line in cells) for at in range(len(columns))]
        is_words = [any(isinstance(row.get(name), str) for row in self.rows) for name in columns]
        lines = ["", f"== {self.title}"]
        for number, line in enumerate(cells):
            shown = [
                text.ljust(width) if words else text.rjust(width)
                for text, width, words in zip(line, widths, is_words, strict=True)
            ]
            lines.append("  ".join(shown).rstrip())
            if number == 0:
                lines.append("  ".join("-" * width for width in widths))
        lines += [f"   {goal}" for goal in self.goals]
        lines += [f"   {note}" for note in self.notes]
        lines += [f"   raw: {name}" for name in self.files]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        goals = [vars(goal) | {"met": goal.met} for goal in self.goals]
        return {
            "title": self.title, "rows": self.rows, "goals": goals, "notes": self.notes, "raw": self.raw,
            "files": self.files,
        }  # fmt: skip


def _shown(value: Cell) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return (
            f"{value:.0f}"
            if abs(value) >= 1_000 or value == int(value)
            else f"{value:.1f}"
            if abs(value) >= 10
            else f"{value:.2f}"
        )
    return str(value)


class Report:
    """Tables as they come, printed at once and kept in one JSON file, which is whole after each of them."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        self.folder = folder
        self._content: dict[str, Any] = {"machine": machine_facts(), "options": options, "benchmarks": {}}

    @property
    def path(self) -> Path:
        return self.folder.with_suffix(".json")

    def add(self, table: Table) -> None:
        print(table.text(), flush=True)
        self._content["benchmarks"][table.name] = table.as_json()
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(self._content, indent=1) + "\n")
        fresh.replace(self.path)


def machine_facts() -> dict[str, Any]:
    """What a reader needs to judge the numbers by; taken before anything is started."""
    load = os.getloadavg() if hasattr(os, "getloadavg") else None
    return {
        "at": datetime.now(UTC).astimezone().isoformat(timespec="seconds"),
        "system": platform.platform(),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_before": load,
        "python": sys.version.split()[0],
        "micropython": _said(
            [sys.executable, "-m", "micropython_unix", "-c", "import sys; print(sys.version)"]
        ),
        "revision": _said(["git", "-C", str(ROOT), "describe", "--always", "--dirty"]),
    }


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _said(command: list[str]) -> str | None:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip() or None


class HostLateness:
    """How late this machine wakes a thread that sleeps 10 ms at a time: what no firmware can be better than.

    Use `with`; `spread_us` afterwards.
    """

    _EVERY_S = 0.01

    def __init__(self) -> None:
        self._late_us: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sleep, name="host lateness", daemon=True)

    def _sleep(self) -> None:
        while not self._over.is_set():
            due_ns = time.monotonic_ns() + int(self._EVERY_S * 1e9)
            time.sleep(self._EVERY_S)
            self._late_us.append((time.monotonic_ns() - due_ns) / 1_000)

    def __enter__(self) -> "HostLateness":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def spread_us(self) -> dict[str, float]:
        return spread(self._late_us)

    def __str__(self) -> str:
        found = self.spread_us
        return "host: woke a sleeping thread late by (µs) " + ", ".join(
            f"{name} {_shown(found[name])}" for name in QUANTILES
        )
