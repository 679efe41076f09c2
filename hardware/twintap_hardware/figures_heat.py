"""Figures of heat: how warm the case's surface gets in a hand and while it charges."""
# SPDX-License-Identifier: CERN-OHL-P-2.0

import math

from . import boards, case_size
from .facts import number
from .figures_kit import Figure, Limit, Row
from .figures_power import GROUP, charge_ma, standing_ma, states_ma
from .places import BOARDS


def surface_m2() -> float:
    """The closed case's outer surface, as that of the box around it less a tenth for its round corners."""
    size = case_size.size()
    length, width, height = size.length / 1000, size.width / 1000, size.height / 1000
    return 0.9 * 2 * (length * width + length * height + width * height)


def warmer_c(power_mw: float, free_part: float) -> float:
    """How much warmer than the room a surface gets that loses `power_mw` through a part of itself."""
    return power_mw / 1000 / loss_w_k(free_part)


_AIR = ("heat.transfer_w_m2_k", "heat.free_pct", "heat.room_c")


def loss_w_k(free_part: float) -> float:
    """The power that leaves through the free part of the surface for each degree above the room."""
    return number("heat.transfer_w_m2_k") * surface_m2() * free_part


def turning_ma(level_pct: float, duty_pct: float) -> float:
    """What a turning motor takes from the cell on average, as its rated current says."""
    over = number("cell.full_mv") / number("motor.rated_mv") * level_pct / 100
    return number("motor.rated_current_ma") * max(1.0, over) * level_pct / 100 * duty_pct / 100


def _set() -> list[Figure]:
    free = number("heat.free_pct") / 100
    room, full = number("heat.room_c"), number("cell.full_mv") / 1000
    rows: list[Row] = []
    faults: list[Row] = []
    for board in BOARDS:
        cap = float(boards.load(board)["absolute_cap_pct"])
        awake = full * states_ma(board)["awake_ma"]
        power = awake + full * turning_ma(cap, 50)
        rows.append(
            Row(
                f"{board}, widest pulses at the cap, without end",
                {"surface_set_c": room + warmer_c(power, free), "power_mw": power},
                Limit(number("heat.skin_limit_c"), "skin may touch it for hours without a burn"),
            )
        )
        stuck = awake + full * turning_ma(100, 100)
        seconds = 600 * loss_w_k(free) / number("heat.capacity_j_k")
        warmer = warmer_c(awake, free) + warmer_c(stuck - awake, free) * (1 - math.exp(-seconds))
        faults.append(
            Row(
                f"{board}, motor stuck on at full for ten minutes",
                {
                    "surface_fault_c": room + warmer,
                    "surface_at_last_c": room + warmer_c(stuck, free),
                    "power_mw": stuck,
                },
                Limit(number("heat.fault_limit_c"), "skin may touch it for ten minutes without a burn"),
            )
        )
    uses = (
        *(*_AIR, "cell.full_mv", "xiao_c3.awake_ma", "xiao_c6.awake_ma"),
        *("motor.rated_current_ma", "motor.rated_mv"),
    )
    return [
        Figure(
            "surface_set_c",
            "How warm does the surface get in a hand?",
            "room + cell's voltage x current / (heat transfer x surface x free part)",
            (*uses, "heat.skin_limit_c"),
            tuple(rows),
            "All current is taken as heat, the longest set as endless, the cell as full for ever, the hand "
            "as a blanket that takes nothing away; a hand at 33 °C in truth cools what is warmer. In a room "
            "of 30 °C it feels warm; in one of 23 °C it is near the skin's own temperature.",
            "a larger case, or less current while no set runs",
        ),
        Figure(
            "surface_fault_c",
            "And with its motor stuck on at full?",
            "room + awake's rise + the rest's rise x (1 - exp(-600 s x heat transfer x surface x free part / "
            "heat capacity))",
            (*uses, "heat.fault_limit_c", "heat.capacity_j_k"),
            tuple(faults),
            "Nobody holds on to it for ten minutes: it is felt at once, and the switch ends it.",
        ),
    ]


def _charging() -> list[Figure]:
    rows: list[Row] = []
    cell_rows: list[Row] = []
    for board in BOARDS:
        group = GROUP[board]
        current = number(f"{group}.modem_sleep_ma") + standing_ma()
        # A linear charger turns to heat what USB has more than the cell; the regulator its share.
        power = (number("usb.usual_mv") - number("charge.cell_early_mv")) * charge_ma(board) / 1000
        power += number("usb.usual_mv") * current / 1000
        surface = number("heat.room_c") + warmer_c(power, number("heat.lying_free_pct") / 100)
        rows.append(
            Row(
                board,
                {"surface_charging_c": surface, "power_mw": power},
                Limit(number("heat.skin_limit_c"), "whoever unplugs it holds it"),
            )
        )
        cell_rows.append(
            Row(
                board,
                {"cell_charging_c": surface + number("heat.inside_warmer_c")},
                Limit(number("cell.charge_hottest_c"), "data sheets of cells: no charging above it"),
            )
        )
    facts = (
        "heat.transfer_w_m2_k", "heat.lying_free_pct", "heat.room_c", "usb.usual_mv", "charge.cell_early_mv",
        "xiao_c3.charge_measured_ma", "xiao_c6.charge_ma", "xiao_c3.modem_sleep_ma", "xiao_c6.modem_sleep_ma",
    )  # fmt: skip
    return [
        Figure(
            "surface_charging_c",
            "How warm does it get while it charges?",
            "room + ((USB - cell) x charger's current + USB x board's current) / (heat transfer x surface x "
            "free part)",
            (*facts, "heat.skin_limit_c"),
            tuple(rows),
            "After the first minutes of a charge, when the charger has the most to burn. It lies on a table.",
            "charge with the lid's side free; the C6's charger is the gentler one",
        ),
        Figure(
            "cell_charging_c",
            "Does the cell stay cool enough to be charged?",
            "surface while charging + what the inside is warmer",
            (*facts, "heat.inside_warmer_c", "cell.charge_hottest_c"),
            tuple(cell_rows),
            "So not in the sun, and not on a radiator: the room is reckoned with 30 °C.",
            "a cell apart from the charger's chip, and a room of 25 °C for the C3",
        ),
    ]


def figures() -> list[Figure]:
    """All of this module's."""
    return [*_set(), *_charging()]
