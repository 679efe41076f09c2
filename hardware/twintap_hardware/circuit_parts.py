"""Which part of a pulser is of which kind: the list that circuit, schematic and layout share."""
# SPDX-License-Identifier: CERN-OHL-P-2.0

# Which designator is of which kind. In the order of the schematic, from the cell to the light.
PARTS = {
    "BT1": "cell",
    "J1": "cell-lead",
    "F1": "fuse",
    "SW1": "power-switch",
    "C1": "bulk",
    "M1": "motor",
    "D1": "flyback",
    "Q1": "mosfet",
    "R1": "gate-series",
    "R2": "gate-pull-down",
    "R3": "pull-up",
    "S1": "button",
    "R4": "divider",
    "R5": "divider",
    "C2": "decoupling",
    "R6": "charge-upper",
    "R7": "charge-lower",
    "R8": "light-series",
    "LED1": "light",
    "C3": "decoupling",
}
