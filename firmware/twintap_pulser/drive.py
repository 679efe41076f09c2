"""What a level drives a motor with: nothing, or from the voltage that starts it to its full one.

A coin motor starts only with more than a volt, and goes on with less once it turns; so a level that were a
plain part of the cell's voltage would turn nothing for its lowest third, fade away as the cell empties, and
be felt unlike by two hands whose pulsers are not charged alike. So a level is told in the motor's mean
voltage: 0 is 0, any other lies on the line from `start_mv` (just above 0) to `full_mv` (at 10000 bp). PWM's
mean voltage is its duty times the supply, so the duty is that voltage divided by the supply's.

It lies behind ceiling and trim, which act on the level, and knows nothing of sets: whoever calls `tune` does
so between them.
"""

SUPPLY_MV = 4_200  # of a full cell: what an unknown one counts as, for weaker is safe and stronger is not
_LEAST_MV = 3_000
_MOST_MV = 4_400
# An empty cell, as `battery` has it: nothing less is made up for. So no reading, however wrong, drives the
# motor of a full cell with more than 4200 / 3300 of what it should have.
FLOOR_MV = 3_300
_LEVELS = 10_000


def supply_mv(cell_mv: int) -> int:
    """The supply to reckon with for a cell that reads `cell_mv` at rest; 0: unknown.

    What no lithium cell has (below 3000 or above 4400 mV) counts as unknown, and that as a full cell.
    """
    if not _LEAST_MV <= cell_mv <= _MOST_MV:
        return SUPPLY_MV
    return cell_mv if cell_mv > FLOOR_MV else FLOOR_MV


class Drive:
    """From a level to a drive of 0 .. `most`, which is the whole supply.

    `start_mv` (0 .. 5000) lies below `full_mv` (1 .. 5000). Before the first `tune` the supply is `full_mv`.
    """

    def __init__(self, most: int, start_mv: int, full_mv: int) -> None:
        self._most = most
        self._start_mv = start_mv
        self._full_mv = full_mv
        self.tune(full_mv)

    def tune(self, supply_mv: int) -> None:
        """What comes after is for a supply of `supply_mv`; not while anything may ask for a drive."""
        self._start = self._start_mv * self._most // supply_mv
        self._span = self._full_mv * self._most // supply_mv - self._start

    def of(self, level_bp: int) -> int:
        """The drive of a level, 0 .. 10000 bp; rounded down. No allocation, no float, within 30 bits.

        The largest product is 10000 x 65535 x 4900 / 3300, just below 2**30.
        """
        if level_bp <= 0:
            return 0
        drive = self._start + level_bp * self._span // _LEVELS
        return drive if drive < self._most else self._most
