"""What a level is in volts: the law of firmware/twintap_pulser/drive.py, once more, for the figures.

A test crosses it with the firmware's own. The board file's `start_mv` and `full_mv` are the motor's mean
voltage just above a level of 0 and at 100 %; the duty is that voltage by the cell's.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import functools
from collections.abc import Mapping
from typing import Any

from . import boards
from .facts import number
from .places import BOARDS

_READS_LEAST_MV, _READS_MOST_MV = 3_000, 4_400  # what else is read is no cell, and counts as a full one


def drive_mv(board: Mapping[str, Any], level_pct: float) -> float:
    """The mean voltage that a board gives its motor and MOSFET at a level; 0 at 0."""
    start, full = board["motor"]["start_mv"], board["motor"]["full_mv"]
    return start + (full - start) * level_pct / 100 if level_pct > 0 else 0.0


def duty(board: Mapping[str, Any], level_pct: float, read_mv: float) -> float:
    """The part of the time that PWM is on at a level while the cell reads `read_mv` at rest; at most 1."""
    taken = max(read_mv, number("battery.empty_mv"))
    if not _READS_LEAST_MV <= read_mv <= _READS_MOST_MV:
        taken = number("cell.full_mv")
    return min(1.0, drive_mv(board, level_pct) / taken)


def cap_mv(board: Mapping[str, Any]) -> float:
    """The mean voltage at the board's cap."""
    return drive_mv(board, float(board["absolute_cap_pct"]))


def default_mv(board: Mapping[str, Any]) -> float:
    """The mean voltage at the level that a set has unless told otherwise."""
    return drive_mv(board, number("pacing.level_pct"))


def most_mv(board: Mapping[str, Any]) -> float:
    """The largest mean voltage at the board's cap that a wrong reading can lead to: empty, of a full cell."""
    cap_pct = float(board["absolute_cap_pct"])
    return duty(board, cap_pct, number("battery.empty_mv")) * number("cell.full_mv")


@functools.cache
def common() -> Mapping[str, Any]:
    """The board whose motor stands for all: their law is the same. Raises ValueError where it is not."""
    found = {name: boards.load(name) for name in BOARDS}
    laws = {(each["motor"]["start_mv"], each["motor"]["full_mv"]) for each in found.values()}
    if len(laws) != 1:
        raise ValueError(f"the boards give their motors different voltages: {sorted(laws)}")
    return found[BOARDS[0]]
