"""A pulser's netlist: parts, pins with types, nets; as JSON and as a text that other tools read.

Pure: circuit.py writes it by SKiDL, in a process of its own; everything else reads the JSON.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from .places import BOARDS, HARDWARE, OUT

FORMAT = 1
# Faults that circuit.py can put in on purpose, and what SKiDL's rules check has to say of each.
PLANTS = {
    "two-outputs": "conflict",
    "two-supplies": "conflict",
    "no-cell": "drive",
    "no-switch": "drive",
    "open-gate": "Unconnected pin",
    "open-ground": "Unconnected pin",
}


class CircuitFailed(RuntimeError):
    """The circuit could not be built, or its rules check found something: the message says what."""


@dataclass(frozen=True)
class Pin:
    """One pin of one part: its electrical type, and its net's name (None: left open on purpose)."""

    name: str
    kind: str
    net: str | None


@dataclass(frozen=True)
class Part:
    """One part: its kind in parts.toml, its value as printed, and its pins by name."""

    designator: str
    kind: str
    value: str
    pins: dict[str, Pin]


@dataclass(frozen=True)
class Netlist:
    """One pulser for one board. `gpio` is what each role's pin is: GPIO number, pad, net."""

    board: str
    parts: dict[str, Part]
    gpio: dict[str, tuple[int, str, str]]

    def nets(self) -> dict[str, frozenset[str]]:
        """The pins of each net, as `R1.2`."""
        found: dict[str, set[str]] = {}
        for part in self.parts.values():
            for pin in part.pins.values():
                if pin.net is not None:
                    found.setdefault(pin.net, set()).add(f"{part.designator}.{pin.name}")
        return {name: frozenset(pins) for name, pins in sorted(found.items())}

    def net(self, pin: str) -> str | None:
        """The net of a pin such as `R1.2`; None if it is open. Raises KeyError if there is no such pin."""
        designator, _, name = pin.partition(".")
        return self.parts[designator].pins[name].net


def from_json(text: str) -> Netlist:
    """Read a netlist. Raises ValueError or KeyError if the text is none of this format."""
    raw = cast("dict[str, Any]", json.loads(text))
    if raw["format"] != FORMAT:
        raise ValueError(f"netlist format {raw['format']!r}, not {FORMAT}")
    parts: dict[str, Part] = {}
    for designator, entry in cast("dict[str, Any]", raw["parts"]).items():
        pins = {
            name: Pin(name, str(pin["type"]), pin["net"])
            for name, pin in cast("dict[str, Any]", entry["pins"]).items()
        }
        parts[designator] = Part(designator, str(entry["kind"]), str(entry["value"]), pins)
    gpio = {
        role: (int(entry["gpio"]), str(entry["pad"]), str(entry["net"]))
        for role, entry in cast("dict[str, Any]", raw["gpio"]).items()
    }
    return Netlist(str(raw["board"]), parts, gpio)


def to_json(netlist: Netlist) -> str:
    """The netlist as JSON, always the same bytes for the same netlist."""
    return (
        json.dumps(
            {
                "format": FORMAT,
                "board": netlist.board,
                "gpio": {
                    role: {"gpio": gpio, "pad": pad, "net": net}
                    for role, (gpio, pad, net) in netlist.gpio.items()
                },
                "parts": {
                    part.designator: {
                        "kind": part.kind,
                        "value": part.value,
                        "pins": {pin.name: {"type": pin.kind, "net": pin.net} for pin in part.pins.values()},
                    }
                    for part in netlist.parts.values()
                },
                "nets": {name: sorted(pins) for name, pins in netlist.nets().items()},
            },
            indent=1,
            ensure_ascii=False,
        )
        + "\n"
    )


def to_kicad(netlist: Netlist) -> str:
    """The netlist as KiCad's pcbnew and other layout programs read it (export version E)."""

    def quoted(text: str) -> str:
        return '"' + text.replace('"', "'") + '"'

    lines = ['(export (version "E")', f"  (design (source {quoted(netlist.board)}))", "  (components"]
    lines += [
        f"    (comp (ref {quoted(part.designator)}) (value {quoted(part.value)})"
        f" (footprint {quoted(part.kind)}))"
        for part in netlist.parts.values()
    ]
    lines += ["  )", "  (nets"]
    for code, (name, pins) in enumerate(netlist.nets().items(), 1):
        lines.append(f"    (net (code {quoted(str(code))}) (name {quoted(name)})")
        for pin in sorted(pins):
            designator, _, pin_name = pin.partition(".")
            lines.append(f"      (node (ref {quoted(designator)}) (pin {quoted(pin_name)}))")
        lines[-1] += ")"
    lines += ["  )", ")"]
    return "\n".join(lines) + "\n"


def committed(board: str) -> Netlist:
    """The netlist that out/ holds for a board."""
    return from_json((OUT / board / "netlist.json").read_text("utf-8"))


def built(out: Path, board: str) -> Netlist:
    """The netlist that was built into `out`; the committed one if this run builds none."""
    path = out / board / "netlist.json"
    return from_json(path.read_text("utf-8")) if path.exists() else committed(board)


def run_circuit(board: str, plant: str = "") -> dict[str, Any]:
    """Build a board's circuit by SKiDL in a process and a folder of its own, and check its electrical rules.

    Gives `netlist` (as in the JSON), `errors` and `warnings` (lists of text). `plant` names a fault to put in
    on purpose (one of PLANTS). SKiDL ends well whatever its rules check finds, hence the lists; and it
    leaves log files where it runs, hence the folder. Raises CircuitFailed if the process fails.
    """
    with tempfile.TemporaryDirectory(prefix="twintap-skidl-") as folder:
        done = subprocess.run(
            [sys.executable, "-m", "twintap_hardware.circuit", board, *([plant] if plant else [])],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(HARDWARE), "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CircuitFailed(f"{board}: {done.stderr.strip()[-2000:]}")
        return cast("dict[str, Any]", json.loads(done.stdout))


_errors: list[str] = []


def build(out: Path) -> list[Path]:
    """Write netlist.json and pulser.net for every board. Raises CircuitFailed if SKiDL cannot."""
    made: list[Path] = []
    _errors.clear()
    for board in BOARDS:
        ran = run_circuit(board)
        _errors.extend(f"{board}: {text}" for text in ran["errors"] + ran["warnings"])
        netlist = from_json(json.dumps(ran["netlist"]))
        (out / board).mkdir(exist_ok=True)
        for name, text in (("netlist.json", to_json(netlist)), ("pulser.net", to_kicad(netlist))):
            path = out / board / name
            path.write_text(text, "utf-8")
            made.append(path)
    return made


def check() -> list[str]:
    """What SKiDL's rules check found in the circuits built last; and whether it finds a fault put in."""
    found = list(_errors)
    for plant, says in PLANTS.items():
        try:
            ran = run_circuit(BOARDS[0], plant)
        except CircuitFailed as failed:
            found.append(f"with a planted fault, {plant}, the circuit cannot be built: {failed}")
            continue
        if not any(says in text for text in ran["errors"] + ran["warnings"]):
            found.append(f"the electrical rules check does not see a planted fault: {plant}")
    return found
