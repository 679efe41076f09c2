"""Figures of what a hand gets in a day: vibration, as it is judged for hands at work."""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import math

from .facts import number
from .figures_kit import Figure, Limit, Row


def daily_m_s2(vibrating_h: float, part_of_time: float) -> float:
    """A(8) in m/s²: weighted, effective, spread over eight hours, of a motor at its rated voltage."""
    effective = number("motor.amplitude_m_s2") / math.sqrt(2) * number("vibration.weight_pct") / 100
    return effective * math.sqrt(vibrating_h * part_of_time / 8)


def figures() -> list[Figure]:
    """All of this module's."""
    limit = Limit(number("vibration.action_m_s2"), "from there on employers have to act for hands at work")
    cases = {
        "the day's hour of sets, widest pulses": (number("day.vibrating_h"), 0.5),
        "eight hours of it, motor on without a gap": (8.0, 1.0),
    }
    return [
        Figure(
            "hand_vibration_m_s2",
            "How much vibration does a hand get in a day?",
            "amplitude / square root of 2 x weight of its frequency x square root of (time on / 8 h)",
            ("motor.amplitude_m_s2", "vibration.weight_pct", "vibration.action_m_s2", "day.vibrating_h"),
            tuple(Row(case, {"hand_vibration_m_s2": daily_m_s2(*of)}, limit) for case, of in cases.items()),
            "The limit is made for tools and grown hands. A hand that is ill may bear less: see the safety "
            "file.",
        )
    ]
