"""Figures of heat: how warm the case gets in a hand, the skin over the motor, and the cell while it charges.

Two models. The whole case has one temperature; it passes heat to the room through the part of its surface
that is free, and to the blood through the part that a hand covers. The motor heats a round spot of the skin
side: what it turns to heat flows through the pad below it and on into the flesh as from a disc, sideways
through the membrane, and a little of it into the case.
"""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import math

from . import boards, case_size
from .facts import number
from .figures_circuit import motor_ohm, stall_ma
from .figures_kit import Figure, Limit, Row
from .figures_power import (
    GROUP,
    charge_ma,
    charging_light_ma,
    default_duty_pct,
    sending_ma,
    standing_ma,
    states_ma,
)
from .motor_drive import cap_mv, common, default_mv
from .places import BOARDS


def surface_m2() -> float:
    """The closed case's outer surface, as that of the box around it less a tenth for its round corners."""
    size = case_size.size()
    length, width, height = size.length / 1000, size.width / 1000, size.height / 1000
    return 0.9 * 2 * (length * width + length * height + width * height)


def warmer_c(power_mw: float, free_part: float) -> float:
    """How much warmer than the room a surface gets that loses `power_mw` through a part of itself."""
    return power_mw / 1000 / loss_w_k(free_part)


def loss_w_k(free_part: float) -> float:
    """The power that leaves through the free part of the surface for each degree above the room."""
    return number("heat.transfer_w_m2_k") * surface_m2() * free_part


def held_c(power_mw: float, free_part: float) -> float:
    """The mean temperature of the surface in a hand that covers what is not free: heat out is heat in."""
    air = loss_w_k(free_part)
    hand = number("heat.hand_w_m2_k") * surface_m2() * (1 - number("heat.free_pct") / 100)
    lost = air * number("heat.room_c") + hand * number("heat.blood_c")
    return (power_mw / 1000 + lost) / (air + hand)


def motor_spot_k_w() -> float:
    """How much warmer the skin over the motor gets than the skin around it, for each watt of the motor's.

    A disc of radius a on flesh passes on 4 k a for each degree, and to its blood what its area does; a ring
    of the membrane 2 pi k t / ln(outer / inner). The pad passes on k area / t; what goes into the case leaves
    by the motor's back and rim as from any surface.
    """
    size = case_size.size()
    plastic, flesh = number("heat.plastic_w_m_k"), number("heat.flesh_w_m_k")
    motor, disc, ring = (each / 1000 for each in (size.motor_radius, size.cup_radius + size.cup_wall,
                                                  size.membrane_radius))  # fmt: skip
    into_flesh = 4 * flesh * disc + number("heat.hand_w_m2_k") * math.pi * disc**2
    sideways = 2 * math.pi * plastic * size.membrane / 1000 / math.log(ring / disc)
    outside = into_flesh + sideways
    through_pad = plastic * math.pi * motor**2 / (size.pad / 1000)
    down = through_pad * outside / (through_pad + outside)
    back = math.pi * motor**2 + 2 * math.pi * motor * size.motor_thickness / 1000
    inward = number("heat.transfer_w_m2_k") * back
    return down / (down + inward) / outside


def turning_ma(mean_mv: float, pulses_pct: float) -> float:
    """What a turning motor takes from the cell on average, as its rated current says; never less than that.

    As if its winding's current ended with each pulse of the PWM: all of it then comes from the cell.
    """
    over = mean_mv / number("motor.rated_mv")
    return number("motor.rated_current_ma") * max(1.0, over) * pulses_pct / 100


def _full_v() -> float:
    return number("cell.full_mv") / 1000


def awake_mw(board: str) -> float:
    """What a pulser in a set turns to heat without its motor."""
    return _full_v() * (states_ma(board)["awake_ma"] + sending_ma(board))


def stalled_mw(mean_mv: float, pulses_pct: float) -> float:
    """The heat in the winding of a motor that stands still on a full cell.

    PWM gives it all that the cell drives through it, squared, for its duty alone; that is more than the mean
    current squared, and the truth for a winding whose current ends with each pulse.
    """
    full = number("cell.full_mv")
    amps = stall_ma(full) / 1000
    return amps**2 * motor_ohm() * 1000 * mean_mv / full * pulses_pct / 100


_AIR = ("heat.transfer_w_m2_k", "heat.free_pct", "heat.room_c")
_HELD = (
    *(*_AIR, "heat.hand_w_m2_k", "heat.blood_c", "cell.full_mv", "xiao_c3.awake_ma", "xiao_c6.awake_ma"),
    *("radio.sends_in_set_hz", "radio.send_ms", "chip_c3.wifi_peak_ma", "chip_c6.wifi_peak_ma"),
    *("motor.rated_current_ma", "motor.rated_mv"),
)
_SPOT = (*_HELD, "heat.plastic_w_m_k", "heat.flesh_w_m_k", "motor.start_current_max_ma")


def _held() -> Figure:
    rows: list[Row] = []
    limit = Limit(number("heat.skin_limit_c"), "skin may touch it for hours without a burn")
    for board in BOARDS:
        power = awake_mw(board) + _full_v() * turning_ma(cap_mv(boards.load(board)), 50)
        for word, free, counts in (
            ("in a hand", number("heat.free_pct") / 100, True),
            ("in a hand under a blanket that lets nothing out", 0.0, False),
        ):
            mean = held_c(power, free)
            rows.append(
                Row(
                    f"{board}, {word}",
                    {"surface_set_c": mean + number("heat.spot_c"), "mean_c": mean, "power_mw": power},
                    limit,
                    counts=counts,
                )
            )
    return Figure(
        "surface_set_c",
        "How warm does the surface get in a hand?",
        "(cell's voltage x current + heat transfer x free surface x room + hand's transfer x covered "
        "surface x blood) / (heat transfer x free surface + hand's transfer x covered surface) + warmest "
        "spot",
        (*_HELD, "heat.skin_limit_c", "heat.spot_c"),
        tuple(rows),
        "Widest pulses at the cap without end, all current taken as heat, the cell as full for ever, and the "
        "hand's blood as no cooler than the body's inside. In a room of 23 °C it is two degrees less. Under "
        "a blanket, which nobody sees through either, it gets too warm: hands lie on top of it, as the guide "
        "says.",
        "a larger case, or less current while no set runs",
    )


def _over_motor() -> list[Figure]:
    spot = motor_spot_k_w()
    cap = max(cap_mv(boards.load(board)) for board in BOARDS)
    default, full = default_mv(common()), number("cell.full_mv")
    hottest = max(BOARDS, key=awake_mw)
    around = held_c(awake_mw(hottest), number("heat.free_pct") / 100)
    usual = _full_v() * turning_ma(default, default_duty_pct())
    widest = _full_v() * turning_ma(cap, 50)
    hours = Limit(number("heat.skin_limit_c"), "skin may touch it for hours without a burn")
    minutes = Limit(number("heat.fault_limit_c"), "skin may touch it for ten minutes without a burn")

    def row(name: str, case: str, power_mw: float, limit: Limit, counts: bool = True) -> Row:
        return Row(
            case,
            {name: around + spot * power_mw / 1000, "around_c": around, "motor_mw": power_mw},
            limit,
            counts,
        )

    return [
        Figure(
            "skin_over_motor_c",
            "And the skin over the motor?",
            "skin around it + motor's power x its part that goes outward / (flesh + membrane): 4 x k x a + "
            "hand's transfer x area, and 2 pi x k x t / ln(outer / inner)",
            (*_SPOT, "heat.skin_limit_c", "heat.fault_limit_c", "pacing.level_pct"),
            (
                row("skin_over_motor_c", "default pacing, set after set without a pause", usual, hours),
                row("skin_over_motor_c", "widest pulses at the cap, the longest set", widest, minutes),
                row("skin_over_motor_c", "widest pulses at the cap, set after set without a pause", widest,
                    hours, counts=False),
            ),
            "The motor is a small part of all heat and sits right over the skin. Each row is where it ends "
            "after many minutes, and after the longest set, ten minutes, it is a little less. Who uses the "
            "widest pulses at the cap leaves a pause as long as the set, and looks at the skin.",
            "a pad twice as thick (which passes on less of the vibration), a lower cap",
        ),
        Figure(
            "skin_over_stuck_c",
            "And over a motor that stands still, or that is stuck on?",
            "as above, with the power of a motor that stands still: (full cell / (motor + MOSFET)) "
            "squared x motor's resistance x duty x its part of the time",
            (*_SPOT, "heat.fault_limit_c", "mosfet.resistance_typical_ohm"),
            (
                row("skin_over_stuck_c", "stands still, pulses of the default pacing",
                    stalled_mw(default, default_duty_pct()), minutes),
                row("skin_over_stuck_c", "stands still, widest pulses at the cap",
                    stalled_mw(cap, 50), minutes),
                row("skin_over_stuck_c", "stuck on and turning, held without end",
                    _full_v() * turning_ma(full, 100), minutes),
                row("skin_over_stuck_c", "stuck on and standing still, held without end",
                    stalled_mw(full, 100), minutes),
            ),
            "Stuck on is a MOSFET that has failed closed, or solder that bridges it: no program ends that. "
            "It is felt at once, as vibration or, where the motor stands still as well, as a spot that gets "
            "hot within a minute or two. Whoever cannot put it down has somebody beside them who takes it "
            "away.",
            "a second switch in the motor's supply, driven by a pin of its own: a board that is not drawn "
            "yet",
        ),
    ]  # fmt: skip


def _charging() -> list[Figure]:
    rows: list[Row] = []
    cell_rows: list[Row] = []
    limit = Limit(number("heat.fault_limit_c"), "whoever unplugs it holds it for less than ten minutes")
    cell_limit = Limit(number("cell.charge_hottest_c"), "data sheets of cells: no charging above it")
    for board in BOARDS:
        drowsy = number(f"{GROUP[board]}.modem_sleep_ma") + standing_ma()
        awake = states_ma(board)["awake_ma"]
        cool, warm = number("heat.charge_room_c"), number("heat.room_c")
        for word, current, room, counts in (
            (f"drowsy, room of {warm:.0f} °C", drowsy, warm, True),
            (f"kept awake by an open session, room of {cool:.0f} °C", awake, cool, True),
            (f"kept awake by an open session, room of {warm:.0f} °C", awake, warm, False),
        ):
            # A linear charger turns to heat what USB has more than the cell; the regulator its share.
            power = (number("usb.usual_mv") - number("charge.cell_early_mv")) * charge_ma(board) / 1000
            power += number("charge.cell_early_mv") * charging_light_ma() / 1000
            power += number("usb.usual_mv") * current / 1000
            mean = room + warmer_c(power, number("heat.lying_free_pct") / 100)
            rows.append(
                Row(
                    f"{board}, {word}",
                    {"surface_charging_c": mean + number("heat.spot_c"), "mean_c": mean, "power_mw": power},
                    limit,
                    counts,
                )
            )
            cell_rows.append(
                Row(
                    f"{board}, {word}",
                    {"cell_charging_c": mean + number("heat.inside_warmer_c")},
                    cell_limit,
                    counts,
                )
            )
    facts = (
        "heat.transfer_w_m2_k", "heat.lying_free_pct", "heat.room_c", "heat.charge_room_c", "usb.usual_mv",
        "charge.cell_early_mv", "xiao_c3.charge_ma", "xiao_c6.charge_ma", "xiao_c3.modem_sleep_ma",
        "xiao_c6.modem_sleep_ma", "xiao_c3.awake_ma", "xiao_c6.awake_ma", "light.colour_ma",
    )  # fmt: skip
    return [
        Figure(
            "surface_charging_c",
            "How warm does it get while it charges?",
            "room + ((USB - cell) x charger's current + cell x light + USB x board's current) / (heat "
            "transfer x surface x free part) + warmest spot",
            (*facts, "heat.fault_limit_c", "heat.spot_c"),
            tuple(rows),
            "After the first minutes of a charge, when the charger has the most to burn. It lies on a "
            "table. A pulser that charges gets drowsy after ten minutes, unless a session is open in its "
            "room.",
            "charge in a cooler room; the C6's charger is the gentler one",
        ),
        Figure(
            "cell_charging_c",
            "Does the cell stay cool enough to be charged?",
            "surface while charging (mean) + what the inside is warmer",
            (*facts, "heat.inside_warmer_c", "cell.charge_hottest_c"),
            tuple(cell_rows),
            "So with no session open, in a room of at most 25 °C, not in the sun and not on a radiator, as "
            "the guide says: on the C3 little is left above that. Below 0 °C no such cell may be charged "
            "either.",
            "a cell apart from the charger's chip; the C6",
        ),
    ]


def figures() -> list[Figure]:
    """All of this module's."""
    return [_held(), *_over_motor(), *_charging()]
